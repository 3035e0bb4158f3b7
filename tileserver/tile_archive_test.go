package tileserver_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/tileserver/archive"
	"gengtu/tileserver/tile"
	"gengtu/tileserver/tileset"
)

// openSet opens the tiles of an edition; it closes with the test, and must leave
// nothing behind.
func openSet(t testing.TB, dir string, zooms *[2]int, layers ...string) *tileset.Set {
	t.Helper()
	work := t.TempDir()
	s, err := tileset.Open(t.Context(), dir, tileset.Options{Layers: layers, Zooms: zooms, WorkDir: work})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if left, err := os.ReadDir(work); err != nil || len(left) > 0 {
			t.Errorf("%v is left behind, %v", left, err)
		}
	})
	return s
}

// unzip unpacks one gzip stream.
func unzip(t testing.TB, data []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A set holds the tiles that the server answers with, those of zooms that are made
// on demand too, each once, in order, and no others.
func TestTileSetIsWhatIsServed(t *testing.T) {
	s := serve(t, nil, edition.Public, edition.Secure)
	for _, c := range []struct {
		tier   edition.Tier
		zooms  *[2]int
		layers string
	}{
		{edition.Public, nil, "all"}, {edition.Public, &[2]int{0, 14}, "all"}, {edition.Public, &[2]int{11, 11}, "hsf"}, {edition.Secure, &[2]int{9, 16}, "pbf,cropland"}, {edition.Secure, &[2]int{15, 15}, "dltb"},
	} {
		t.Run(fmt.Sprint(c.tier, c.layers, c.zooms), func(t *testing.T) {
			set := openSet(t, s.dirs[c.tier], c.zooms, strings.Split(c.layers, ",")...)
			got, last := map[tile.Tile][]byte{}, uint64(0)
			err := set.Each(t.Context(), func(at tile.Tile, data []byte) error {
				if id := archive.TileID(at); len(got) > 0 && id <= last {
					t.Errorf("%s comes late", at)
				} else {
					last = id
				}
				got[at] = unzip(t, data)
				return nil
			})
			if err != nil || len(got) != set.Len() {
				t.Fatalf("%d of %d tiles, %v", len(got), set.Len(), err)
			}
			lo, hi := 10, 12
			if c.zooms != nil {
				lo, hi = c.zooms[0], c.zooms[1]
			}
			served := 0
			for z := lo; z <= hi; z++ {
				// One tile further than the land on every side.
				x0, y0, x1, y1 := tile.W.Range(lotBox(0, 0, lots, lots), uint8(z))
				for x := max(x0, 1) - 1; x <= x1+1 && x < 1<<z; x++ {
					for y := max(y0, 1) - 1; y <= y1+1 && y < 1<<z; y++ {
						at := tile.Tile{Grid: tile.W, Z: uint8(z), X: x, Y: y}
						r := s.get(t, fmt.Sprintf("/%s/tiles/%s/w/%d/%d/%d.mvt?tk=%s", c.tier, c.layers, z, x, y, s.tokens[c.tier]))
						switch {
						case r.StatusCode == http.StatusNoContent && got[at] == nil:
						case r.StatusCode == http.StatusOK && bytes.Equal(r.body, got[at]):
							served++
						default:
							t.Errorf("%s: status %d with %d bytes; %d in the set", at, r.StatusCode, len(r.body), len(got[at]))
						}
					}
				}
			}
			if served != len(got) || served == 0 {
				t.Errorf("%d tiles are served, %d in the set", served, len(got))
			}
		})
	}
}

// What an edition does not have is refused, by code.
func TestTileSetRefuses(t *testing.T) {
	dir, _ := newEdition(t, edition.Public)
	for _, c := range []struct {
		name string
		opt  tileset.Options
		code string
	}{
		{"a zoom above the tier's", tileset.Options{Layers: []string{"pbf"}, Zooms: &[2]int{13, 15}}, "NO_ZOOM"},
		{"a zoom below zero", tileset.Options{Layers: []string{"pbf"}, Zooms: &[2]int{-1, 3}}, "NO_ZOOM"},
		{"zooms the wrong way round", tileset.Options{Layers: []string{"pbf"}, Zooms: &[2]int{12, 11}}, "NO_ZOOM"},
		{"a layer of another tier", tileset.Options{Layers: []string{"dltb"}}, "NO_LAYER"},
		{"all among others", tileset.Options{Layers: []string{"all", "pbf"}}, "NO_LAYER"},
		{"no layer", tileset.Options{}, "NO_LAYER"},
		{"a layer twice", tileset.Options{Layers: []string{"cropland@2023", "cropland"}}, "PARAMETER_LAYERS"},
		{"another vintage", tileset.Options{Layers: []string{"cropland"}, Vintage: "1999"}, "NO_VINTAGE"},
		{"another vintage by name", tileset.Options{Layers: []string{"cropland@1999"}}, "NO_VINTAGE"},
		{"all of another vintage", tileset.Options{Layers: []string{"all"}, Vintage: "1999"}, "NO_VINTAGE"},
	} {
		c.opt.WorkDir = t.TempDir()
		if s, err := tileset.Open(t.Context(), dir, c.opt); codeOf(err) != c.code || s != nil {
			t.Errorf("%s: the error is %v", c.name, err)
		}
		if left, err := os.ReadDir(c.opt.WorkDir); err != nil || len(left) > 0 {
			t.Errorf("%s: %v is left behind", c.name, left)
		}
	}
	if _, err := tileset.Open(t.Context(), dir, tileset.Options{Layers: []string{"cropland@2023"}, WorkDir: t.TempDir()}); err != nil {
		t.Errorf("cropland@2023: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := tileset.Open(ctx, dir, tileset.Options{Layers: []string{"pbf"}, WorkDir: t.TempDir()}); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of its context: %v", err)
	}
	set := openSet(t, dir, nil, "all")
	if err := set.Each(ctx, func(tile.Tile, []byte) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of its context: %v", err)
	}
}

// The description says what the tiles hold: layers, zooms, box and what the
// policy wants shown.
func TestTileSetInfo(t *testing.T) {
	dir, generation := newEdition(t, edition.Secure)
	set := openSet(t, dir, &[2]int{11, 14}, "cropland", "region")
	info := set.Info("v1")
	if info.Name != "gengtu secure cropland@2024,region@2024" || info.Attribution != "示意 / sketch GS(2024)0001" || info.Description != "用途 / use" || info.Generation != generation || info.Tier != "secure" || info.Version != "v1" {
		t.Errorf("the set is %+v", info)
	}
	if info.Box != lotBox(0, 0, lots, lots) || info.CenterZoom != 14 {
		t.Errorf("it covers %v, from zoom %d", info.Box, info.CenterZoom)
	}
	held := map[string]map[int]map[string]string{}
	err := set.Each(t.Context(), func(at tile.Tile, data []byte) error {
		addFields(t, held, int(at.Z), unzip(t, data))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	checkFields(t, info.Layers, held)
	if names := []string{info.Layers[0].ID, info.Layers[1].ID}; !slices.Equal(names, []string{"cropland", "region"}) {
		t.Errorf("the layers are %v", names)
	}
}
