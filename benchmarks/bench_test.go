// Package benchmarks measures gengtu from end to end, other programs beside it:
// the same data, the same question, in the same run.
//
// Deliveries are taken in by the product's own command. Every answer is checked
// while it is timed: our own against the first one, a rival's against ours. Each
// measurement reports the clock (ns/op) and the time on all processors
// (cpu-ms/op), which on a busy machine says more. README.md says how to run
// them and what may not be claimed.
//
// What is aimed at stands in asked.yaml; the package judges no figure and is no part of the
// program.
package benchmarks

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gengtu/tileserver/mvt"
	"gengtu/tileserver/tile"
	"gengtu/tileserver/tileset"
)

// processor is [ownProcessor] for [timed].
func processor(b *testing.B) time.Duration { return ownProcessor(b) }

// timed runs op as often as the benchmark asks for and reports the processor
// time beside the clock's. Op checks its own result.
func timed(b *testing.B, used func(*testing.B) time.Duration, op func()) {
	b.Helper()
	start := used(b)
	for b.Loop() {
		op()
	}
	b.ReportMetric(float64(used(b)-start)/float64(b.N)/1e6, "cpu-ms/op")
}

// near tells whether two sums of areas are the same figure: rivals add up
// rounded pieces in floating point, and answers are rounded to 0.0001 m².
func near(a, b float64) bool { return math.Abs(a-b) <= 1e-3+1e-6*math.Abs(b) }

// BenchmarkTiles measures the building of all tiles of zooms 13 and 14: ours of
// both grids, GDAL's of Web Mercator, both of the same layers and fields.
func BenchmarkTiles(b *testing.B) {
	for _, name := range []string{"delivery", "nl", "sample", "zones"} {
		b.Run("data="+name+"/zooms="+builtZooms, func(b *testing.B) {
			d := open(b, name)
			path := filepath.Join(b.TempDir(), "tiles")
			b.Run("by=gengtu", func(b *testing.B) {
				b.ReportAllocs()
				tiles := 0
				timed(b, processor, func() {
					built, err := tileset.Build(b.Context(), d.ix, path, tileset.BuildOptions{MinZoom: 13, MaxZoom: 14})
					if err != nil {
						b.Fatal(err)
					}
					tiles = 0
					for g, zooms := range built.Counts {
						for z, n := range zooms {
							if tiles += n; n != d.ix.Manifest.Tiles[g][z] {
								b.Fatalf("%d tiles of %s/%s, the edition has %d", n, g, z, d.ix.Manifest.Tiles[g][z])
							}
						}
					}
					if err := os.Remove(path); err != nil {
						b.Fatal(err)
					}
				})
				b.ReportMetric(float64(tiles), "tiles")
			})
			if name == "zones" {
				return // its rivals are those of sample
			}
			b.Run("by=gdal", func(b *testing.B) {
				rivals(b, installGDAL, "ogr2ogr")
				in, out := tiledLayers(b, d), path+".mbtiles"
				var used time.Duration
				timed(b, func(*testing.B) time.Duration { return used }, func() {
					gdal(b, &used, "-f", "MVT", out, in, "-dsco", "MINZOOM=13", "-dsco", "MAXZOOM=14")
					if st, err := os.Stat(out); err != nil || st.Size() < 10_000 {
						b.Fatalf("no tiles: %v", err)
					}
					if err := os.Remove(out); err != nil {
						b.Fatal(err)
					}
				})
			})
		})
	}
}

// tiledLayers returns one file with all layers that tiles are built of, with the
// fields that tiles carry.
func tiledLayers(b *testing.B, d *dataset) string {
	b.Helper()
	path := filepath.Join(work, d.name+"-tiled.gpkg")
	if _, err := os.Stat(path); err == nil {
		return path
	}
	var used time.Duration
	for i, l := range d.ix.Names() {
		args := []string{"-f", "GPKG", path, d.export(b, l), "-nln", l, "-nlt", "PROMOTE_TO_MULTI", "-select", strings.Join(tileFields(d, l), ",")}
		if i > 0 {
			args = append([]string{"-update"}, args...)
		}
		gdal(b, &used, args...)
	}
	return path
}

// BenchmarkTile measures one answer with the tile of the layers in the middle of
// the data, through the server: of a zoom that is built (14), and of one that is
// made on demand and not kept (16). PostGIS makes either anew and does not
// compress them.
func BenchmarkTile(b *testing.B) {
	for _, name := range []string{"delivery", "nl", "sample", "zones"} {
		b.Run("data="+name, func(b *testing.B) {
			d := open(b, name)
			for _, zoom := range []uint8{14, 16} {
				t := tile.W.At(d.centre(), zoom)
				features := 0
				b.Run(fmt.Sprintf("zoom=%d", zoom), func(b *testing.B) {
					b.Run("by=gengtu", func(b *testing.B) {
						c := serve(b, d)
						get := request("GET", "/secure/tiles/"+strings.Join(d.asked, ",")+"/"+t.String()+".mvt", nil)
						first := c.do(b, get, 200)
						features = decoded(b, first)
						b.ReportAllocs()
						b.ReportMetric(float64(features), "features")
						timed(b, processor, func() {
							if body := c.do(b, get, 200); !bytes.Equal(body, first) {
								b.Fatal("the tile is not the one before")
							}
						})
					})
					if name != "zones" { // its rivals are those of sample
						b.Run("by=postgis", func(b *testing.B) { tilePostGIS(b, d, t) })
					}
				})
			}
		})
	}
}

// unzipped returns what a body of gzip holds; short answers come as they are.
func unzipped(tb testing.TB, body []byte) []byte {
	tb.Helper()
	if !bytes.HasPrefix(body, []byte{0x1f, 0x8b}) {
		return body
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

// decoded returns the number of features in a compressed tile.
func decoded(tb testing.TB, body []byte) int {
	tb.Helper()
	layers, err := mvt.Decode(unzipped(tb, body))
	if err != nil {
		tb.Fatal(err)
	}
	n := 0
	for _, l := range layers {
		n += len(l.Features)
	}
	return n
}

func tilePostGIS(b *testing.B, d *dataset, t tile.Tile) {
	p := postgis(b, d)
	envelope := fmt.Sprintf("ST_TileEnvelope(%d, %d, %d)", t.Z, t.X, t.Y)
	var parts, counts []string
	for _, l := range d.asked {
		tags := ""
		for _, f := range tileFields(d, l) {
			tags += ", " + strings.ToLower(f)
		}
		table := d.name + "_" + l
		parts = append(parts, fmt.Sprintf("(SELECT ST_AsMVT(q, '%s') FROM (SELECT ST_AsMVTGeom(m, %s) AS geom%s FROM %s WHERE m && %[2]s) q)", l, envelope, tags, table))
		counts = append(counts, fmt.Sprintf("(SELECT count(ST_AsMVTGeom(m, %s)) FROM %s WHERE m && %[1]s)", envelope, table))
	}
	// Both draw parcels as themselves; which of those at the border and of the
	// thinnest are in differs.
	c := serve(b, d)
	ours := decoded(b, c.do(b, request("GET", "/secure/tiles/"+strings.Join(d.asked, ",")+"/"+t.String()+".mvt", nil), 200))
	theirs := number(b, p.ask(b, "SELECT "+strings.Join(counts, "+")))
	if math.Abs(theirs-float64(ours)) > 0.1*float64(ours)+5 {
		b.Fatalf("PostGIS has %v features in the tile, we have %d", theirs, ours)
	}
	b.ReportMetric(theirs, "features")
	query := "SELECT octet_length(" + strings.Join(parts, " || ") + ")"
	size := number(b, p.ask(b, query))
	timed(b, p.processor, func() {
		if n := number(b, p.ask(b, query)); n != size || n < 100 {
			b.Fatalf("a tile of %v bytes, before of %v", n, size)
		}
	})
}
