package archive_test

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/geo"
	"gengtu/tileserver/archive"
	"gengtu/tileserver/archive/archivetest"
	"gengtu/tileserver/cache"
	"gengtu/tileserver/tile"
)

// stored is a tile on its way into an archive.
type stored struct {
	tile tile.Tile
	data []byte
}

func pack(content string) []byte {
	return cache.AppendGzip(nil, []cache.Part{cache.Compress([]byte(content))})
}

// some returns n tiles of a few zooms in their order, of which many are equal and
// some stand in rows.
func some(seed uint64, n int) []stored {
	r := rand.New(rand.NewPCG(seed, 1))
	var out []stored
	id := uint64(r.IntN(3))
	for len(out) < n {
		content := fmt.Sprint("tile ", r.IntN(n))
		for range 1 + r.IntN(3)*r.IntN(4) {
			at, _ := archive.TileOf(id)
			out = append(out, stored{at, pack(content)})
			id++
		}
		id += uint64(r.IntN(5))
	}
	return out
}

var info = archive.Info{
	Name: "gengtu secure cropland@2024", Description: "用途 / use", Attribution: "示意 / sketch", Version: "v1", Tier: "secure", Generation: "g1",
	Box:        geo.Box{Min: geo.Position{Lon: 108_7000000001, Lat: 34_3000000001}, Max: geo.Position{Lon: 108_7800000001, Lat: 34_3800000001}},
	CenterZoom: 2,
	Layers: []archive.VectorLayer{{
		ID: "cropland", Description: "耕地", MinZoom: 0, MaxZoom: 4, Fields: map[string]string{"count": "Number", "DLBM": "String"},
		ZoomFields: []archive.ZoomFields{{MinZoom: 0, MaxZoom: 4, Fields: map[string]string{"count": "Number"}}},
	}},
}

// memory is a file in memory.
type memory struct {
	data []byte
	at   int
}

func (m *memory) Write(b []byte) (int, error) {
	if end := m.at + len(b); end > len(m.data) {
		m.data = append(m.data, make([]byte, end-len(m.data))...)
	}
	m.at += copy(m.data[m.at:], b)
	return len(b), nil
}

func (m *memory) Seek(offset int64, whence int) (int64, error) {
	if whence != io.SeekStart {
		return 0, errors.New("not supported")
	}
	m.at = int(offset)
	return offset, nil
}

func writeAll(t testing.TB, w archive.Writer, tiles []stored) {
	t.Helper()
	for _, s := range tiles {
		if err := w.Put(s.tile, s.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Abort(); err != nil {
		t.Errorf("Abort after Close: %v", err)
	}
}

func pmtiles(t testing.TB, tiles []stored) []byte {
	t.Helper()
	m := &memory{}
	w, err := archive.NewPMTiles(m, info)
	if err != nil {
		t.Fatal(err)
	}
	writeAll(t, w, tiles)
	return m.data
}

// What is put comes back, equal tiles are stored once, rows are one entry, and
// the header says what there is.
func TestPMTiles(t *testing.T) {
	for _, n := range []int{1, 2, 3, 10, 200, 5000} {
		tiles := some(uint64(n), n)
		if n == 1 {
			tiles = tiles[:1]
		}
		data := pmtiles(t, tiles)
		a, err := archivetest.Read(data)
		if err != nil {
			t.Fatalf("%d tiles: %v", n, err)
		}
		got := tilesOf(t, a)
		if len(got) != len(tiles) {
			t.Fatalf("%d tiles came back, %d went in", len(got), len(tiles))
		}
		contents, entries := map[string]bool{}, 0
		for i, s := range tiles {
			contents[string(s.data)] = true
			if got[i].tile != s.tile || !bytes.Equal(got[i].data, s.data) {
				t.Fatalf("%s came back as %s, equal bytes: %v", s.tile, got[i].tile, bytes.Equal(got[i].data, s.data))
			}
			if i == 0 || archive.TileID(s.tile) != archive.TileID(tiles[i-1].tile)+1 || !bytes.Equal(s.data, tiles[i-1].data) {
				entries++
			}
		}
		if a.TileContents != uint64(len(contents)) || a.TileEntries != uint64(entries) || a.AddressedTiles != uint64(len(tiles)) {
			t.Errorf("%d contents, %d entries, %d tiles; the header says %+v", len(contents), entries, len(tiles), a.Header)
		}
		if !bytes.Equal(data, pmtiles(t, tiles)) {
			t.Error("a second writing has other bytes")
		}
		if a.MinLonE7 != 1087000000 || a.MaxLonE7 != 1087800001 || a.MinLatE7 != 343000000 || a.MaxLatE7 != 343800001 || a.CenterLonE7 != 1087400000 || a.CenterLatE7 != 343400000 {
			t.Errorf("bounds and center are %+v", a.Header)
		}
	}
}

func tilesOf(t testing.TB, a *archivetest.Archive) []stored {
	t.Helper()
	var out []stored
	err := a.Each(1<<20, func(z, x, y int, packed []byte) error {
		out = append(out, stored{tile.Tile{Grid: tile.W, Z: uint8(z), X: uint32(x), Y: uint32(y)}, packed})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestPMTilesMetadata(t *testing.T) {
	a, err := archivetest.Read(pmtiles(t, some(1, 50)))
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(a.Metadata, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"name": info.Name, "description": info.Description, "attribution": info.Attribution, "type": "overlay", "generator": "gengtu",
		"generator_version": "v1", "tier": "secure", "generation": "g1",
		"vector_layers": []any{map[string]any{
			"id": "cropland", "description": "耕地", "minzoom": 0.0, "maxzoom": 4.0, "fields": map[string]any{"count": "Number", "DLBM": "String"},
			"zoom_fields": []any{map[string]any{"minzoom": 0.0, "maxzoom": 4.0, "fields": map[string]any{"count": "Number"}}},
		}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// Negative coordinates are rounded outwards too.
func TestPMTilesBoundsWest(t *testing.T) {
	m := &memory{}
	w, err := archive.NewPMTiles(m, archive.Info{Box: geo.Box{Min: geo.Position{Lon: -1001, Lat: -1000}, Max: geo.Position{Lon: -1, Lat: 1001}}})
	if err != nil {
		t.Fatal(err)
	}
	writeAll(t, w, []stored{{tile.Tile{Grid: tile.W}, pack("a")}})
	a, err := archivetest.Read(m.data)
	if err != nil || a.MinLonE7 != -2 || a.MaxLonE7 != 0 || a.MinLatE7 != -1 || a.MaxLatE7 != 2 {
		t.Errorf("%+v, %v", a, err)
	}
}

// Where the root would not fit into the first 16 KiB there are leaf directories,
// as few as the root has room for.
func TestPMTilesLeaves(t *testing.T) {
	var tiles []stored
	r := rand.New(rand.NewPCG(7, 7))
	id := uint64(1) << 30
	for range 120_000 {
		id += 1 + uint64(r.IntN(1000))
		at, _ := archive.TileOf(id)
		data := make([]byte, 8+r.IntN(40))
		binary.BigEndian.PutUint64(data, id)
		tiles = append(tiles, stored{at, data})
	}
	data := pmtiles(t, tiles)
	a, err := archivetest.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	if a.Leaves != 30 || a.RootLength > 16257 || len(a.Entries) != len(tiles) {
		t.Errorf("%d leaves, a root of %d bytes, %d entries", a.Leaves, a.RootLength, len(a.Entries))
	}
	for i, got := range tilesOf(t, a) {
		if got.tile != tiles[i].tile || !bytes.Equal(got.data, tiles[i].data) {
			t.Fatalf("%s came back as %s", tiles[i].tile, got.tile)
		}
	}
	if a, err = archivetest.Read(pmtiles(t, tiles[:10_000])); err != nil || a.Leaves != 3 {
		t.Errorf("%d leaves for 10,000 tiles, %v", a.Leaves, err)
	}
	// Fewer, and no leaves are needed.
	if a, err = archivetest.Read(pmtiles(t, tiles[:2000])); err != nil || a.Leaves != 0 {
		t.Errorf("%d leaves for 2,000 tiles, %v", a.Leaves, err)
	}
}

// Tiles that are out of order, twice, empty or of another grid are refused, and
// so is an archive of nothing.
func TestOrder(t *testing.T) {
	at := func(g tile.Grid, z uint8, x, y uint32) tile.Tile { return tile.Tile{Grid: g, Z: z, X: x, Y: y} }
	for name, tiles := range map[string][]stored{
		"twice":      {{at(tile.W, 1, 0, 0), pack("a")}, {at(tile.W, 1, 0, 0), pack("a")}},
		"backwards":  {{at(tile.W, 1, 1, 1), pack("a")}, {at(tile.W, 1, 0, 1), pack("a")}},
		"zooms":      {{at(tile.W, 2, 0, 0), pack("a")}, {at(tile.W, 1, 0, 0), pack("a")}},
		"empty":      {{at(tile.W, 1, 0, 0), nil}},
		"other grid": {{at(tile.C, 1, 0, 0), pack("a")}},
		"nothing":    {},
	} {
		for format, open := range map[string]func(t *testing.T) (archive.Writer, error){
			"pmtiles": func(*testing.T) (archive.Writer, error) { return archive.NewPMTiles(&memory{}, info) },
			"mbtiles": func(t *testing.T) (archive.Writer, error) {
				return archive.NewMBTiles(filepath.Join(t.TempDir(), "a.mbtiles"), info)
			},
		} {
			t.Run(name+" "+format, func(t *testing.T) {
				w, err := open(t)
				want := archive.ErrOrder
				if len(tiles) == 0 {
					want = archive.ErrEmpty
				}
				for _, s := range tiles {
					if err == nil {
						err = w.Put(s.tile, s.data)
					}
				}
				if err == nil {
					err = w.Close()
				}
				if !errors.Is(err, want) {
					t.Errorf("the error is %v, want %v", err, want)
				}
				if err := w.Abort(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// full is a disc with room for some bytes.
type full struct {
	memory
	room int
}

func (f *full) Write(b []byte) (int, error) {
	// What is there can be written over.
	if end := f.at + len(b); end > len(f.data) && end > f.room {
		return 0, syscall.ENOSPC
	}
	return f.memory.Write(b)
}

// A disc that is full at any place is told.
func TestPMTilesFullDisc(t *testing.T) {
	tiles := some(3, 300)
	whole := len(pmtiles(t, tiles))
	for room := 0; room < whole; room += 997 {
		w, err := archive.NewPMTiles(&full{room: room}, info)
		for _, s := range tiles {
			if err == nil {
				err = w.Put(s.tile, s.data)
			}
		}
		if err == nil {
			err = w.Close()
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("with room for %d of %d bytes the error is %v", room, whole, err)
		}
	}
}

// sink takes everything and keeps nothing.
type sink struct{}

func (sink) Write(b []byte) (int, error)        { return len(b), nil }
func (sink) Seek(o int64, _ int) (int64, error) { return o, nil }

// Memory does not grow with the bytes of tiles.
func TestPMTilesMemory(t *testing.T) {
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	w, err := archive.NewPMTiles(sink{}, info)
	if err != nil {
		t.Fatal(err)
	}
	const tiles, size = 2000, 100_000
	data := make([]byte, size)
	for i := range tiles {
		binary.BigEndian.PutUint64(data, uint64(i))
		at, _ := archive.TileOf(uint64(1000 + i))
		if err := w.Put(at, data); err != nil {
			t.Fatal(err)
		}
	}
	if grown := int64(heap()) - int64(before); grown > 4<<20 {
		t.Errorf("%d bytes of tiles take %d bytes of memory", tiles*size, grown)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func mbtiles(t testing.TB, tiles []stored) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a b?#%.mbtiles")
	w, err := archive.NewMBTiles(path, info)
	if err != nil {
		t.Fatal(err)
	}
	writeAll(t, w, tiles)
	return path
}

// An MBTiles archive answers SQL as the specification says: rows from the south,
// equal tiles once, metadata by name; and a second writing has the same bytes.
func TestMBTiles(t *testing.T) {
	tiles := some(5, 2000)
	path := mbtiles(t, tiles)
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path}).String())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ask := func(query string, args ...any) (out []byte) {
		if err := db.QueryRow(query, args...).Scan(&out); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		return out
	}
	contents := map[string]bool{}
	for _, s := range tiles {
		contents[string(s.data)] = true
		row := 1<<s.tile.Z - 1 - int(s.tile.Y)
		if got := ask("SELECT tile_data FROM tiles WHERE zoom_level = ? AND tile_column = ? AND tile_row = ?", int(s.tile.Z), int(s.tile.X), row); !bytes.Equal(got, s.data) {
			t.Fatalf("%s is another tile", s.tile)
		}
	}
	for query, want := range map[string]string{
		"SELECT count(*) FROM tiles":                          fmt.Sprint(len(tiles)),
		"SELECT count(*) FROM images":                         fmt.Sprint(len(contents)),
		"PRAGMA application_id":                               fmt.Sprint(0x4d504258),
		"PRAGMA integrity_check":                              "ok",
		"SELECT value FROM metadata WHERE name = 'format'":    "pbf",
		"SELECT value FROM metadata WHERE name = 'name'":      info.Name,
		"SELECT value FROM metadata WHERE name = 'bounds'":    "108.7000000001,34.3000000001,108.7800000001,34.3800000001",
		"SELECT value FROM metadata WHERE name = 'center'":    "108.7400000001,34.3400000001," + fmt.Sprint(max(2, tiles[0].tile.Z)),
		"SELECT value FROM metadata WHERE name = 'minzoom'":   fmt.Sprint(tiles[0].tile.Z),
		"SELECT value FROM metadata WHERE name = 'maxzoom'":   fmt.Sprint(tiles[len(tiles)-1].tile.Z),
		"SELECT value FROM metadata WHERE name = 'generator'": "gengtu",
		"SELECT count(*) FROM metadata":                       "15",
	} {
		if got := ask(query); string(got) != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	var doc struct {
		VectorLayers []archive.VectorLayer `json:"vector_layers"`
	}
	if err := json.Unmarshal(ask("SELECT value FROM metadata WHERE name = 'json'"), &doc); err != nil || cmp.Diff(info.Layers, doc.VectorLayers) != "" {
		t.Errorf("json: %v\n%s", err, cmp.Diff(info.Layers, doc.VectorLayers))
	}
	first, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	second, err := os.ReadFile(mbtiles(t, tiles))
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("a second writing has other bytes (%v)", err)
	}
}

// A directory comes back as it was written, and nothing that is damaged is taken
// for an archive or makes the reader fall over.
func FuzzPMTiles(f *testing.F) {
	for _, n := range []int{1, 3, 40} {
		f.Add(pmtiles(f, some(uint64(n), n)), uint64(n))
	}
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		if a, err := archivetest.Read(data); err == nil {
			if err := a.Each(1000, func(int, int, int, []byte) error { return nil }); err != nil {
				t.Fatal(err)
			}
		} else if !errors.Is(err, archivetest.ErrFormat) {
			t.Fatalf("the error is %v", err)
		}
		tiles := some(seed, 1+int(seed%60))
		a, err := archivetest.Read(pmtiles(t, tiles))
		if err != nil {
			t.Fatal(err)
		}
		same := slices.EqualFunc(tiles, tilesOf(t, a), func(a, b stored) bool { return a.tile == b.tile && bytes.Equal(a.data, b.data) })
		if !same {
			t.Fatalf("the tiles of seed %d do not come back", seed)
		}
	})
}
