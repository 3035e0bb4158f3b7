package main_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	bytesof "encoding/binary" // binary is the program here
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gengtu/index"
	"gengtu/index/geo"
	"gengtu/tileserver/cache"
	"gengtu/tileserver/mvt"
	"gengtu/tileserver/tile"
	"gengtu/tileserver/tileset"
)

// The fields that ground is hunted for by.
const (
	huntVertices  = "vertices"       // as text
	huntPositions = "positions"      // as numbers of any kind that stores use
	huntEdges     = "edges"          // differences from vertex to vertex
	huntTileLines = "lines of tiles" // of vector tiles, unpacked
	huntTileBytes = "pieces of tiles.db"
)

// hideGround hunts for the edition's vertices in every form that a store or an answer
// could give them in, and for what its tiles draw.
func (h *hunt) hideGround(t testing.TB, dir string) {
	t.Helper()
	for _, d := range dump(t, dir) {
		if d.Geometry == nil {
			continue
		}
		numbers := json.NewDecoder(bytes.NewReader(d.Geometry.Coordinates))
		numbers.UseNumber()
		for {
			token, err := numbers.Token()
			if err != nil {
				break
			}
			if x, ok := token.(json.Number); ok && len(x) >= leastDigits {
				h.hide(secret{huntVertices, string(x)}, []byte(x))
			}
		}
	}
	h.hidePositions(t, dir)
	h.hideTileLines(t, dir)
}

// hidePieces hunts for pieces of the edition's files. Those of features.db are of values,
// too, so that a tier that has the same fields has some.
func (h *hunt) hidePieces(t testing.TB, dir string) {
	t.Helper()
	for _, file := range []string{"features.db", "ground.db", "tiles.db"} {
		raw, err := os.ReadFile(filepath.Join(dir, generationOf(t, dir), file))
		if err != nil {
			t.Fatal(err)
		}
		for at := pieceStep / 2; at+pieceBytes <= len(raw); at += pieceStep {
			if p := raw[at : at+pieceBytes]; telling(p) {
				h.hide(secret{"pieces of " + file, fmt.Sprintf("%d: %x", at, p)}, p)
			}
		}
	}
}

// eachRing visits the rings of all features of an edition; those of views are the same.
func eachRing(t testing.TB, dir string, visit func(r geo.Ring)) {
	t.Helper()
	ix, err := index.Open(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ix.Close() }() // only read
	for i := range ix.Manifest.Layers {
		m := &ix.Manifest.Layers[i]
		if m.Name == "cropland" && ix.Layer("dltb", m.Vintage) != nil {
			continue
		}
		l := ix.Layer(m.Name, m.Vintage)
		for k := range l.Len() {
			f, err := l.Feature(k)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range f.Geometry {
				for _, r := range p {
					visit(r)
				}
			}
		}
	}
}

// numberBytes is how many bytes of numbers in a row are compared: enough that they stand
// nowhere by chance.
const numberBytes = 12

// hidePositions hunts for each vertex as whole numbers of 1e-10 degree and as degrees,
// and for each two edges that follow each other.
func (h *hunt) hidePositions(t testing.TB, dir string) {
	t.Helper()
	eachRing(t, dir, func(r geo.Ring) {
		for i, p := range r {
			if p.Lon%1000 == 0 && p.Lat%1000 == 0 {
				continue // such a place may be on anybody's grid
			}
			s := secret{huntPositions, fmt.Sprint(p.Lon, " ", p.Lat)}
			for _, b := range positionForms(p) {
				h.hide(s, b[:numberBytes])
			}
			if i < 2 {
				continue
			}
			s = secret{huntEdges, fmt.Sprint(r[i-2], r[i-1], r[i])}
			for _, b := range edgeForms(r[i-2 : i+1]) {
				h.hide(s, b[:min(len(b), numberBytes)])
			}
		}
	})
}

// positionForms are a position as stores and formats write one: as varints (boxes and
// first positions of features.db), as integers and as floats in a row.
func positionForms(p geo.Position) [][]byte {
	varints := bytesof.AppendVarint(bytesof.AppendVarint(nil, p.Lon), p.Lat)
	integers := bytesof.LittleEndian.AppendUint64(bytesof.LittleEndian.AppendUint64(nil, uint64(p.Lon)), uint64(p.Lat))
	lon, lat := math.Float64bits(float64(p.Lon)/geo.Unit), math.Float64bits(float64(p.Lat)/geo.Unit)
	floats := bytesof.LittleEndian.AppendUint64(bytesof.LittleEndian.AppendUint64(nil, lon), lat)
	return [][]byte{varints, integers, floats}
}

// edgeForms are edges as stores write them: differences in so many bytes as the
// longest takes (rings of features.db), and as varints. Short and straight ones are
// found in anything.
func edgeForms(r geo.Ring) [][]byte {
	var narrow, varints []byte
	for i := 1; i < len(r); i++ {
		for _, d := range [2]int64{r[i].Lon - r[i-1].Lon, r[i].Lat - r[i-1].Lat} {
			if d > -4096 && d < 4096 {
				return nil
			}
			narrow = append(narrow, byte(d), byte(d>>8), byte(d>>16))
			varints = bytesof.AppendVarint(varints, d)
		}
	}
	return [][]byte{narrow, varints}
}

// tileRun is how many lines of a tile's ring in a row are looked for.
const tileRun = 6

// hideTileLines hunts for what the edition's tiles draw: runs of lines as vector tiles
// have them, none of which goes straight along an axis as all borders of a grid do.
func (h *hunt) hideTileLines(t testing.TB, dir string) {
	t.Helper()
	r, err := cache.Open(filepath.Join(dir, generationOf(t, dir), "tiles.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }() // only read
	err = r.Each(func(_ string, at tile.Tile, p cache.Part) error {
		raw, err := p.Raw()
		if err != nil {
			return err
		}
		layers, err := mvt.Decode(raw)
		if err != nil {
			return err
		}
		for _, l := range layers {
			for _, f := range l.Features {
				for _, polygon := range f.Polygons {
					for _, ring := range polygon {
						h.hideLines(at, ring)
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// hideLines hunts for runs of lines of a ring.
func (h *hunt) hideLines(at tile.Tile, ring mvt.Ring) {
	zigzag := func(d int32) uint64 { return uint64(uint32(d)<<1 ^ uint32(d>>31)) }
	var run []byte
	n := 0
	for i := 1; i < len(ring); i++ {
		dx, dy := ring[i].X-ring[i-1].X, ring[i].Y-ring[i-1].Y
		if dx == 0 || dy == 0 {
			run, n = run[:0], 0
			continue
		}
		run, n = bytesof.AppendUvarint(bytesof.AppendUvarint(run, zigzag(dx)), zigzag(dy)), n+1
		if n == tileRun {
			h.hide(secret{huntTileLines, fmt.Sprint(at, " ", ring[i])}, run[:numberBytes])
			run, n = run[:0], 0
		}
	}
}

const (
	// leastDigits is how long a coordinate is that is looked for: of seven decimals and
	// more, as fewer are any number's.
	leastDigits = 11
	// Pieces of so many bytes, at every so many bytes of a file, are looked for.
	pieceBytes = 48
	pieceStep  = 256
)

// unpackedStreams returns what all streams hold that begin anywhere in raw, be it a page in
// use, a free one or the middle of anything: gzip members, and records of tiles, which
// are DEFLATE behind two checksums and a length.
func unpackedStreams(raw []byte) (content []byte, streams int) {
	const head, most = 12, 1 << 22
	out := bytes.Buffer{}
	z := flate.NewReader(nil)
	for i := 0; i+head < len(raw); i++ {
		if raw[i] == 0x1f && raw[i+1] == 0x8b && raw[i+2] == 8 {
			if g, err := gzip.NewReader(bytes.NewReader(raw[i:])); err == nil {
				g.Multistream(false)
				// What a member gives before it is damaged counts, too.
				_, _ = io.Copy(&out, io.LimitReader(g, 16*most))
				streams++
			}
		}
		n := bytesof.BigEndian.Uint32(raw[i+8:])
		if block := raw[i+head] & 7; n == 0 || n > most || block&1 != 0 || block == 6 {
			continue
		}
		// It implements it, says its documentation.
		_ = z.(flate.Resetter).Reset(bytes.NewReader(raw[i+head:]), nil)
		was := out.Len()
		if _, err := io.CopyN(&out, z, int64(n)); err != nil || crc32.ChecksumIEEE(out.Bytes()[was:]) != bytesof.BigEndian.Uint32(raw[i+4:]) {
			out.Truncate(was)
			continue
		}
		streams++
	}
	return out.Bytes(), streams
}

// searchBytes hunts in bytes as they are and in all streams that begin in them.
func (h *hunt) searchBytes(raw []byte, found map[secret]bool) {
	h.find(raw, found)
	content, _ := unpackedStreams(raw)
	h.find(content, found)
}

// eachStreamIsFound fails unless [unpackedStreams] finds each content of an edition's tiles.
func eachStreamIsFound(t *testing.T, dir string) {
	t.Helper()
	path := filepath.Join(dir, generationOf(t, dir), "tiles.db")
	r, err := cache.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }() // only read
	different := map[[2]uint32]bool{}
	if err := r.Each(func(_ string, _ tile.Tile, p cache.Part) error {
		different[[2]uint32{p.CRC, p.RawLen}] = true
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	raw := bytesOf(t, filepath.Dir(path))
	if _, n := unpackedStreams(raw); n < len(different) || n < 50 {
		t.Errorf("%d streams were found in files with %d tiles", n, len(different))
	}
}

// own are the secrets of tiles that the lower edition's features give by themselves: at
// low zooms a unit of a tile is wider than the policy's grid, and what is drawn of a
// small place from above and from below may be the same. They are no leak: the tiles are
// built anew here from features.db alone, which is searched without any allowance, and
// what their bytes hold whoever has the features can draw. Whatever else is found in a
// page of the stored file, in use or free, is none of them.
func (h *hunt) own(t *testing.T, dir string) map[secret]bool {
	t.Helper()
	ix, err := index.Open(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	m := ix.Manifest
	path := filepath.Join(t.TempDir(), "tiles.db")
	_, err = tileset.Build(t.Context(), ix, path, tileset.BuildOptions{MinZoom: m.BuiltZooms[0], MaxZoom: m.BuiltZooms[1]})
	if cerr := ix.Close(); err != nil || cerr != nil {
		t.Fatal(err, cerr)
	}
	anew, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := digestOf(t, path), digestOf(t, filepath.Join(dir, generationOf(t, dir), "tiles.db")); a != b {
		t.Errorf("%s: tiles.db is not what its features give", filepath.Base(dir))
	}
	found := map[secret]bool{}
	h.searchBytes(anew, found)
	for s := range found {
		if s.field != huntTileBytes && s.field != huntTileLines {
			delete(found, s)
		}
	}
	return found
}

// sums are the secrets that the totals of the lower edition's own features are by chance,
// as of a county in hectares and of one parcel in m². The totals are added up here, by
// layer and place, in each unit, and as a page writes them: with their thousands apart,
// of which the last stands as a number of its own. They count in answers, and in what is
// kept of answers; files are searched without this allowance.
func (h *hunt) sums(t *testing.T, dir string) map[secret]bool {
	t.Helper()
	ix, err := index.Open(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ix.Close() }() // only read
	total, n := map[string]float64{}, map[string]int{}
	for _, m := range ix.Manifest.Layers {
		l := ix.Layer(m.Name, m.Vintage)
		for i := range l.Len() {
			f, err := l.Feature(i)
			if err != nil {
				t.Fatal(err)
			}
			for _, digits := range []int{2, 4, 6, 9, 12} {
				if len(f.Place) < digits {
					break
				}
				place := fmt.Sprintf("%s@%s %s", m.Name, m.Vintage, f.Place[:digits])
				total[place] += math.Round(100*f.AreaM2) / 100 // as tables add up
				n[place]++
			}
		}
	}
	found := map[secret]bool{}
	for place, m2 := range total {
		if n[place] < 2 {
			continue // a feature alone is no total
		}
		for _, x := range []float64{m2, m2 / 1e4, m2 * 3 / 2000} {
			plain := strconv.FormatFloat(x, 'f', 2, 64)
			apart := []byte(plain)
			for i := len(plain) - 6; i > 0; i -= 3 {
				apart = slices.Insert(apart, i, ',')
			}
			h.find([]byte(plain), found)
			h.find(apart, found)
		}
	}
	return found
}

// digestOf is the digest of the tiles of a file.
func digestOf(t *testing.T, path string) string {
	t.Helper()
	r, err := cache.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := r.Digest()
	if cerr := r.Close(); err != nil || cerr != nil {
		t.Fatal(err, cerr)
	}
	return digest
}

// without returns what was found and is not the tier's own.
func without(found, own map[secret]bool) map[secret]bool {
	out := map[secret]bool{}
	for s := range found {
		if !own[s] {
			out[s] = true
		}
	}
	return out
}

// firstRing is the first ring of an edition of so many vertices off any grid.
func firstRing(t *testing.T, dir string, least int) geo.Ring {
	t.Helper()
	var first geo.Ring
	eachRing(t, dir, func(r geo.Ring) {
		if first == nil && len(r) >= least && r[0].Lon%1000 != 0 && len(edgeForms(r[:least])) > 0 {
			first = r
		}
	})
	if first == nil {
		t.Fatalf("%s has no ring of %d vertices", dir, least)
	}
	return first
}

// inGzip is data as a gzip member.
func inGzip(t *testing.T, data string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.Copy(z, strings.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
