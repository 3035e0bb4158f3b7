package main_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/edition"
	"gengtu/tileserver/tileset"
)

// sameAsIngest compares what is stored in dir with a full ingest of the country.
func (c *country) sameAsIngest(t testing.TB, dir string) {
	t.Helper()
	full := filepath.Join(t.TempDir(), "full")
	c.ingest(t, full)
	got, gm := stored(t, dir)
	want, wm := stored(t, full)
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if v := want[k]; got[k] != v {
			t.Fatalf("%q has %d bytes, a full ingest %d, and they are not the same", k, len(got[k]), len(v))
		}
	}
	for k := range got {
		if _, ok := want[k]; !ok {
			t.Fatalf("%q is left over", k)
		}
	}
	if gm.ContentHash != wm.ContentHash {
		t.Errorf("content %s, a full ingest has %s", gm.ContentHash, wm.ContentHash)
	}
	for _, d := range []string{cmp.Diff(wm.Layers, gm.Layers), cmp.Diff(wm.Tiles, gm.Tiles)} {
		if d != "" {
			t.Errorf("the manifest (-full +updated):\n%s", d)
		}
	}
}

// A change of regions places the features anew that no attribute places, as a full
// ingest does; and the features of the same update in the regions that it brings.
func TestUpdatePlaces(t *testing.T) {
	c := smallCountry(t, 150)
	for layer, ps := range c.layers {
		for i, p := range ps {
			if layer != "region" && i%3 > 0 {
				p.Properties["ZLDWDM"], p.Properties["XZQDM"] = nil, nil
			}
		}
	}
	for i, p := range c.layers["region"] {
		p.Properties["BSM"] = fmt.Sprintf("6104020000000001%02d", i)
		for k := range 2 { // places that cover the same ground as others, in part
			q := p.moved(t, 0.002*float64(k+1), 0.001)
			q.Properties["BSM"] = fmt.Sprintf("61040200000000%02d%02d", k+2, i)
			q.Properties["XZQDM"] = fmt.Sprintf("6104020010%02d", 10*k+i)
			c.layers["region"] = append(c.layers["region"], q)
		}
	}
	dir := filepath.Join(t.TempDir(), "s")
	c.ingest(t, dir)
	placed := 0
	for round := range 4 {
		ch := &change{put: map[string][]*parcel{}}
		regions := c.layers["region"]
		switch round {
		case 0: // every second region lies elsewhere
			for i := 0; i < len(regions); i += 2 {
				c.put(ch, "region", regions[i].moved(t, 0.004, -0.003))
			}
		case 1: // nothing but the same again, and a parcel
			ch.put["region"] = regions[:3]
			c.put(ch, "pbf", c.layers["pbf"][1].moved(t, 1e-3, 1e-3))
		case 2: // some are no more
			for _, k := range []string{regions[len(regions)-1].key(), regions[len(regions)-2].key()} {
				c.remove(ch, "region", k)
			}
		default: // and another layer changes with them
			c.put(ch, "region", regions[1].moved(t, -0.002, 0.002))
			c.put(ch, "dltb", c.layers["dltb"][1].moved(t, 2e-3, 1e-3))
			c.remove(ch, "hsf", c.layers["hsf"][2].key())
		}
		var rep struct {
			Layers []struct {
				Layer  string
				Update struct{ Placed, Replaced int }
			}
		}
		decode(t, []byte(must(t, append(ch.args(t, dir), "--json")...)), &rep)
		for _, l := range rep.Layers {
			if round == 1 && l.Update.Placed > 0 {
				t.Errorf("%d features of %s are placed anew in regions that are as they were", l.Update.Placed, l.Layer)
			}
			placed += l.Update.Placed
		}
		must(t, "verify", dir)
		c.sameAsIngest(t, dir)
	}
	if placed < 20 {
		t.Errorf("%d features were placed anew: it says little", placed)
	}
}

// The report says which part of the tiles was made anew: all whose bytes are others
// now, and no more than lie near; and the manifest names the files that an update
// brought, which no lower edition does.
func TestUpdateWork(t *testing.T) {
	c := smallCountry(t, 300)
	dir := filepath.Join(t.TempDir(), "s")
	c.ingest(t, dir)
	was, _ := stored(t, dir)
	ch := &change{put: map[string][]*parcel{}}
	c.put(ch, "pbf", c.layers["pbf"][5].moved(t, 1e-4, 0))
	c.remove(ch, "pbf", c.layers["pbf"][9].key())
	file := filepath.Join(t.TempDir(), "report.json")
	must(t, append(ch.args(t, dir), "--report", file)...)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var rep struct {
		Work struct {
			Tiles    []tileset.Rework
			AllTiles struct {
				Dirty, All int
				DirtyBytes int64   `json:"dirty_bytes"`
				AllBytes   int64   `json:"all_bytes"`
				BytesShare float64 `json:"bytes_share"`
			} `json:"all_tiles"`
			Seconds map[string]float64
		}
	}
	decode(t, data, &rep)
	is, m := stored(t, dir)
	type at struct{ grid, zoom string }
	all, changed := map[at]int{}, map[at]int{}
	bytes := int64(0)
	count := func(k string, out map[at]int) {
		// tile LAYER GRID/Z/X/Y
		fields := strings.Split(strings.Fields(k)[2], "/")
		out[at{fields[0], fields[1]}]++
	}
	for k, v := range is {
		if strings.HasPrefix(k, "tile ") {
			count(k, all)
			bytes += int64(len(v))
			if was[k] != v {
				count(k, changed)
			}
		}
	}
	for k, v := range was {
		if _, ok := is[k]; !ok && strings.HasPrefix(k, "tile ") {
			count(k, all)
			count(k, changed)
			bytes += int64(len(v))
		}
	}
	sum := 0
	for _, w := range rep.Work.Tiles {
		k := at{w.Grid, strconv.Itoa(w.Zoom)}
		sum += all[k]
		if w.All != all[k] || w.Dirty < changed[k] || w.Dirty > w.All || w.Dirty > 16 {
			t.Errorf("%+v: there are %d, and %d changed", w, all[k], changed[k])
		}
	}
	if a := rep.Work.AllTiles; a.All != sum || a.AllBytes != bytes || a.Dirty == 0 || a.DirtyBytes == 0 || a.BytesShare <= 0 || a.BytesShare >= 1 {
		t.Errorf("in all %+v, want %d tiles of %d bytes", a, sum, bytes)
	}
	for _, part := range []string{"reading", "features", "ground", "tiles", "digests", "swap"} {
		if s, ok := rep.Work.Seconds[part]; !ok || s < 0 {
			t.Errorf("%s took %v seconds", part, s)
		}
	}
	before := m.Updates
	if len(before) != 1 || before[0].Deletions != "gone.txt" || !cmp.Equal(before[0].Source, map[string][]string{"pbf@2024": {"pbf.geojsonl"}}) {
		t.Errorf("the manifest's updates are %+v", before)
	}
	ch = &change{put: map[string][]*parcel{}}
	c.put(ch, "hsf", c.layers["hsf"][5].moved(t, 1e-4, 0))
	must(t, ch.args(t, dir)...)
	if _, m, err := edition.Current(dir); err != nil || len(m.Updates) != 2 || m.Updates[1].Generation == before[0].Generation {
		t.Errorf("after the second update the manifest names %+v (%v)", m.Updates, err)
	}
	public := filepath.Join(t.TempDir(), "public")
	must(t, "publish", "--from", dir, "--tier", "public", "--out", public)
	if _, m, err := edition.Current(public); err != nil || len(m.Updates) > 0 {
		t.Errorf("a public edition names the updates %+v (%v)", m.Updates, err)
	}
}
