package benchmarks

import (
	"fmt"
	"strings"
	"testing"

	"gengtu/index"
	"gengtu/index/areas"
	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// BenchmarkWholeLayer measures cropland × PBF over all of the data. Ours is an
// answer for the whole extent: areas of both layers with ground counted once,
// and of all of their combinations, from the stored features on; gengtu-3layers
// the same with HSF. gengtu-join and PostGIS add up the shared area of each pair;
// gengtu-join-1worker does so on one processor, gengtu-pairs too, pair by pair
// without any preparation.
func BenchmarkWholeLayer(b *testing.B) {
	for _, name := range []string{"delivery", "sample", "zones", "landscape"} {
		b.Run("data="+name, func(b *testing.B) {
			d := open(b, name)
			want := sharedPairs(b, d.ix.Layer("cropland", ""), d.ix.Layer("pbf", ""))
			wholeOurs(b, d, want)
			if name == "zones" {
				return // its rivals are those of sample
			}
			b.Run("by=postgis", func(b *testing.B) { wholePostGIS(b, d, want, 0) })
			b.Run("by=postgis-2workers", func(b *testing.B) { wholePostGIS(b, d, want, 2) })
		})
	}
	b.Run("data=tenth", func(b *testing.B) {
		d := open(b, "tenth")
		wholeOurs(b, d, sharedPairs(b, d.ix.Layer("cropland", ""), d.ix.Layer("pbf", "")))
	})
}

// wholeOurs measures all that we have for whole layers. Want is the sum over
// pairs.
func wholeOurs(b *testing.B, d *dataset, want float64) {
	cropland, pbf := d.ix.Layer("cropland", ""), d.ix.Layer("pbf", "")
	ask := func(layers []string) func(b *testing.B) {
		q := areas.Question{Shape: geo.MultiPolygon{cropland.Extent().Union(pbf.Extent()).Polygon()}, Layers: layers, Combinations: true}
		return func(b *testing.B) {
			b.ReportAllocs()
			b.ReportMetric(float64(cropland.Len()), "parcels")
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
		}
	}
	b.Run("by=gengtu", ask([]string{"cropland", "pbf"}))
	if d.ix.Layer("hsf", "") != nil {
		b.Run("by=gengtu-3layers", ask([]string{"cropland", "pbf", "hsf"}))
	}
	b.Run("by=gengtu-join", func(b *testing.B) { wholeJoin(b, cropland, pbf, want, 0) })
	b.Run("by=gengtu-join-1worker", func(b *testing.B) { wholeJoin(b, cropland, pbf, want, 1) })
	b.Run("by=gengtu-pairs", func(b *testing.B) {
		b.ReportAllocs()
		b.ReportMetric(float64(candidates(cropland, pbf)), "pairs")
		timed(b, processor, func() {
			if got := sharedPairs(b, cropland, pbf); !near(got, want) {
				b.Fatalf("%v m², before %v", got, want)
			}
		})
	})
}

func wholeJoin(b *testing.B, a, c *index.Layer, want float64, workers int) {
	b.ReportAllocs()
	timed(b, processor, func() {
		sum, pairs := joinSum(b, a, c, workers)
		if !near(sum, want) {
			b.Fatalf("%v m², one by one the pairs add up to %v", sum, want)
		}
		b.ReportMetric(float64(pairs), "pairs")
	})
}

// joinSum adds up a join, and counts the pairs that share ground.
func joinSum(tb testing.TB, a, b *index.Layer, workers int) (sum float64, pairs int) {
	tb.Helper()
	err := overlay.Join(tb.Context(), a, b, workers, func(ps []overlay.Pair) error {
		pairs += len(ps)
		for _, p := range ps {
			sum += p.Area
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return sum, pairs
}

// both returns the area of the ground in cropland and PBF.
func both(a *areas.Answer) float64 {
	sum := 0.0
	for _, c := range a.Combinations {
		inside := strings.Join(c.Inside, " ")
		if strings.Contains(inside, "cropland") && strings.Contains(inside, "pbf") {
			sum += c.AreaM2
		}
	}
	return sum
}

// candidates counts the pairs whose boxes meet.
func candidates(a, b *index.Layer) int {
	n := 0
	for i := range a.Len() {
		b.Search(a.Head(i).Box, func(int) bool {
			n++
			return true
		})
	}
	return n
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
