// Package benchmarks measures gengtu from end to end, other programs beside it:
// the same data, the same question, in the same run.
//
// Deliveries are taken in by the product's own command. Every answer is checked
// while it is timed: our own against the first one, a rival's against ours. Each
// measurement reports the clock (ns/op) and the time on all processors
// (cpu-ms/op), which on a busy machine says more. README.md says how to run
// them and what may not be claimed.
package benchmarks

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"gengtu/index"
	"gengtu/index/areas"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/tileserver"
	"gengtu/tileserver/mvt"
	"gengtu/tileserver/tile"
)

// processor returns the time that this process has used on all processors.
func processor(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

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

// BenchmarkAsk measures what the layers hold inside a shape: ours with the areas
// of record, ground counted once and all combinations, by index/areas and as a
// POST to the server; PostGIS with gross areas alone, in the equal-area plane
// and, as is usual, on the geography type.
func BenchmarkAsk(b *testing.B) {
	for _, name := range []string{"delivery", "nl", "sample", "zones"} {
		b.Run("data="+name, func(b *testing.B) {
			d := open(b, name)
			for _, aoi := range []struct {
				name  string
				shape geo.MultiPolygon
			}{{"parcels100", d.parcels(b, 100)}, {"village", d.village(b)}} {
				b.Run("aoi="+aoi.name, func(b *testing.B) { askAll(b, d, aoi.shape) })
			}
		})
	}
}

func askAll(b *testing.B, d *dataset, shape geo.MultiPolygon) {
	want, err := areas.Ask(b.Context(), d.ix, d.question(shape))
	if err != nil {
		b.Fatal(err)
	}
	b.Run("by=gengtu", func(b *testing.B) {
		b.ReportAllocs()
		b.ReportMetric(float64(want.Layers[0].Count), "parcels")
		timed(b, processor, func() {
			a, err := areas.Ask(b.Context(), d.ix, d.question(shape))
			if err != nil {
				b.Fatal(err)
			}
			if !sameAreas(a, want) {
				b.Fatalf("asked again: %+v, before %+v", a.Layers, want.Layers)
			}
		})
	})
	b.Run("by=gengtu-http", func(b *testing.B) {
		c := serve(b, d)
		post := request("POST", "/secure/overlay", fmt.Appendf(nil, `{"geometry":%s,"layers":["%s"],"combinations":true}`,
			geo.AppendGeoJSON(nil, shape), strings.Join(d.asked, `","`)))
		first := c.do(b, post, 200)
		var a struct {
			Layers []struct {
				AreaM2 float64 `json:"area_m2"`
			}
		}
		if err := json.Unmarshal(unzipped(b, first), &a); err != nil || len(a.Layers) != len(d.asked) || a.Layers[0].AreaM2 != want.Layers[0].AreaM2 {
			b.Fatalf("the answer has %v, want %v m²: %v", a, want.Layers[0].AreaM2, err)
		}
		b.ReportAllocs()
		timed(b, processor, func() {
			if body := c.do(b, post, 200); !bytes.Equal(body, first) {
				b.Fatal("the answer is not the one before")
			}
		})
	})
	if d.name == "zones" {
		return // the ground of sample: its rivals stand there
	}
	b.Run("by=postgis", func(b *testing.B) { askPostGIS(b, d, shape, want, onPlane) })
	b.Run("by=postgis-geodesic", func(b *testing.B) { askPostGIS(b, d, shape, want, onEllipsoid) })
}

// sameAreas compares answers to one question: they are the same to the last bit.
func sameAreas(a, b *areas.Answer) bool {
	return len(a.Failed) == 0 && slices.EqualFunc(a.Layers, b.Layers, func(x, y areas.Layer) bool {
		return x.Count == y.Count && x.AreaM2 == y.AreaM2 && x.GrossM2 == y.GrossM2
	}) && slices.EqualFunc(a.Combinations, b.Combinations, func(x, y areas.Combination) bool { return x.AreaM2 == y.AreaM2 })
}

// space is where PostGIS computes: the column of shapes, that of areas, what an
// intersection is cast to, and what brings a shape there.
type space struct{ shape, area, cast, from string }

var (
	onPlane     = space{"g", "ga", "", "plane"}
	onEllipsoid = space{"l", "la", "::geography", ""}
)

// askPostGIS takes the areas of all layers in one statement, prepared; features
// wholly inside cost it no intersection either.
func askPostGIS(b *testing.B, d *dataset, shape geo.MultiPolygon, want *areas.Answer, s space) {
	p := postgis(b, d)
	var sums []string
	for _, l := range d.asked {
		sums = append(sums, fmt.Sprintf(`(SELECT coalesce(sum(CASE WHEN ST_Covers($1, %[1]s) THEN %[2]s ELSE ST_Area(ST_Intersection(%[1]s, $1)%[3]s) END), 0)
 FROM %[4]s_%[5]s WHERE ST_Intersects(%[1]s, $1))`, s.shape, s.area, s.cast, d.name, l))
	}
	aoi := p.ask(b, "DEALLOCATE ALL; PREPARE ask(geometry) AS SELECT "+strings.Join(sums, ", ")+
		"; SELECT encode(ST_AsEWKB("+s.from+"("+literal(shape)+")), 'hex')")
	timed(b, p.processor, func() {
		row := strings.Fields(p.ask(b, "EXECUTE ask('"+aoi+"'::geometry)"))
		for i, l := range want.Layers {
			if v := number(b, row[i]); s == onPlane && !near(v, l.GrossM2) || math.Abs(v-l.GrossM2) > 1e-4*l.GrossM2+0.01 {
				b.Fatalf("%s: PostGIS has %v m², we have %v", l.Layer, v, l.GrossM2)
			}
		}
	})
}

func number(b *testing.B, text string) float64 {
	var v float64
	if _, err := fmt.Sscan(text, &v); err != nil {
		b.Fatalf("%q: %v", text, err)
	}
	return v
}

// BenchmarkWholeLayer measures cropland × PBF over all of the data. Ours is an
// answer for the whole extent: areas of both layers with ground counted once,
// and of all of their combinations, from the stored features on. gengtu-pairs
// and PostGIS add up the shared area of each pair.
func BenchmarkWholeLayer(b *testing.B) {
	for _, name := range []string{"delivery", "sample"} {
		b.Run("data="+name, func(b *testing.B) {
			d := open(b, name)
			cropland, pbf := d.ix.Layer("cropland", ""), d.ix.Layer("pbf", "")
			q := areas.Question{Shape: geo.MultiPolygon{cropland.Extent().Union(pbf.Extent()).Polygon()}, Layers: []string{"cropland", "pbf"}, Combinations: true}
			want := sharedPairs(b, cropland, pbf)
			b.Run("by=gengtu", func(b *testing.B) {
				b.ReportAllocs()
				timed(b, processor, func() {
					a, err := areas.Ask(b.Context(), d.ix, q)
					if err != nil {
						b.Fatal(err)
					}
					// Ground once is never more than all pairs, and there is little
					// ground that two features of a layer share.
					if got := both(a); got > want*(1+1e-9) || got < 0.98*want {
						b.Fatalf("%v m² in both layers, the pairs add up to %v", got, want)
					}
				})
			})
			b.Run("by=gengtu-pairs", func(b *testing.B) {
				b.ReportAllocs()
				timed(b, processor, func() {
					if got := sharedPairs(b, cropland, pbf); !near(got, want) {
						b.Fatalf("%v m², before %v", got, want)
					}
				})
			})
			b.Run("by=postgis", func(b *testing.B) { wholePostGIS(b, d, want, 0) })
			b.Run("by=postgis-2workers", func(b *testing.B) { wholePostGIS(b, d, want, 2) })
		})
	}
}

// both returns the area of the combination of all layers asked about.
func both(a *areas.Answer) float64 {
	for _, c := range a.Combinations {
		if len(c.Outside) == 0 {
			return c.AreaM2
		}
	}
	return 0
}

// sharedPairs adds up what each feature of a shares with each of b, on one
// processor.
func sharedPairs(tb testing.TB, a, b *index.Layer) float64 {
	tb.Helper()
	others := make([]geo.MultiPolygon, b.Len())
	for i := range others {
		f, err := b.Feature(i)
		if err != nil {
			tb.Fatal(err)
		}
		others[i] = f.Geometry
	}
	sum := 0.0
	for i := range a.Len() {
		f, err := a.Feature(i)
		if err != nil {
			tb.Fatal(err)
		}
		b.Search(f.Box, func(k int) bool {
			sum += overlay.SharedArea(f.Geometry, others[k])
			return true
		})
	}
	return sum
}

func wholePostGIS(b *testing.B, d *dataset, want float64, workers int) {
	p := postgis(b, d)
	plan := fmt.Sprintf("SET max_parallel_workers_per_gather=%d; SET parallel_setup_cost=0; SET parallel_tuple_cost=0; SET min_parallel_table_scan_size=0; ", workers)
	query := strings.ReplaceAll("SELECT sum(ST_Area(ST_Intersection(c.g, p.g))) FROM DATA_cropland c JOIN DATA_pbf p ON ST_Intersects(c.g, p.g)", "DATA", d.name)
	defer func() { p.ask(b, "RESET ALL; SELECT 1") }()
	if first := p.ask(b, plan+"SELECT 1"); first != "1" {
		b.Fatal(first)
	}
	timed(b, p.processor, func() {
		if v := number(b, p.ask(b, query)); !near(v, want) {
			b.Fatalf("PostGIS has %v m², the pairs add up to %v", v, want)
		}
	})
}

// BenchmarkTiles measures the building of all tiles of zooms 13 and 14: ours of
// both grids, GDAL's of Web Mercator, both of the same layers and fields.
func BenchmarkTiles(b *testing.B) {
	for _, name := range []string{"delivery", "nl", "sample"} {
		b.Run("data="+name+"/zooms="+builtZooms, func(b *testing.B) {
			d := open(b, name)
			path := filepath.Join(b.TempDir(), "tiles")
			b.Run("by=gengtu", func(b *testing.B) {
				b.ReportAllocs()
				tiles := 0
				timed(b, processor, func() {
					counts, err := tileserver.BuildTiles(b.Context(), d.ix, path, 13, 14, nil)
					if err != nil {
						b.Fatal(err)
					}
					tiles = 0
					for g, zooms := range counts {
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
	for _, name := range []string{"delivery", "nl", "sample"} {
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
					b.Run("by=postgis", func(b *testing.B) { tilePostGIS(b, d, t) })
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
