package benchmarks

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// measured holds the values of benchmark lines, by name without "Benchmark", the
// last part by= and the number of processors; by program; and by unit.
type measured map[string]map[string]map[string][]float64

// parseMeasured reads the output of benchmarks. Lines of other kinds are passed
// over.
func parseMeasured(text string) measured {
	out := measured{}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 4 || !strings.HasPrefix(f[0], "Benchmark") {
			continue
		}
		key, by, ok := strings.Cut(strings.TrimPrefix(f[0], "Benchmark"), "/by=")
		if !ok {
			continue
		}
		if i := strings.LastIndexByte(by, '-'); i > 0 {
			if _, err := strconv.Atoi(by[i+1:]); err == nil {
				by = by[:i]
			}
		}
		for i := 2; i+1 < len(f); i += 2 {
			v, err := strconv.ParseFloat(f[i], 64)
			if err != nil {
				break
			}
			if out[key] == nil {
				out[key] = map[string]map[string][]float64{}
			}
			if out[key][by] == nil {
				out[key][by] = map[string][]float64{}
			}
			out[key][by][f[i+1]] = append(out[key][by][f[i+1]], v)
		}
	}
	return out
}

// of returns the median of a figure; NaN when it was not measured.
func (m measured) of(key, by, unit string) float64 {
	v := slices.Clone(m[key][by][unit])
	if len(v) == 0 {
		return math.NaN()
	}
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// ms returns the clock and the processor time of a measurement in milliseconds.
func (m measured) ms(key, by string) (clock, cpu float64) {
	return m.of(key, by, "ns/op") / 1e6, m.of(key, by, "cpu-ms/op")
}

// goal is a figure that was aimed at.
type goal struct {
	what  string
	asked string
	// figures returns what was measured by the clock and by processor time, and
	// whether it is there; NaN stands for what was not measured.
	figures func(m measured) (clock, cpu float64)
	met     func(v float64) bool
	unit    string
}

// times is the goal that a rival takes at least n times as long as we do, over
// the least favourable of keys.
func times(n float64, what, ours, rival string, keys ...string) goal {
	return goal{what: what, asked: fmt.Sprintf("≥ %v ×", n), unit: "×",
		figures: func(m measured) (clock, cpu float64) {
			clock, cpu = math.Inf(1), math.Inf(1)
			for _, k := range keys {
				c, p := m.ms(k, ours)
				rc, rp := m.ms(k, rival)
				clock, cpu = min(clock, rc/c), min(cpu, rp/p)
			}
			return clock, cpu
		},
		met: func(v float64) bool { return v >= n },
	}
}

// atMost is the goal that one of our times is at most n times another.
func atMost(n float64, what, key, by, other string) goal {
	return goal{what: what, asked: fmt.Sprintf("≤ %v ×", n), unit: "×",
		figures: func(m measured) (clock, cpu float64) {
			c, p := m.ms(key, by)
			oc, op := m.ms(key, other)
			return c / oc, p / op
		},
		met: func(v float64) bool { return v <= n },
	}
}

// unitAtMost is the goal that figures of ours are at most n, the greatest of keys.
func unitAtMost(n float64, what, by, clockUnit, cpuUnit, shown string, keys ...string) goal {
	return goal{what: what, asked: fmt.Sprintf("≤ %v %s", n, shown), unit: " " + shown,
		figures: func(m measured) (clock, cpu float64) {
			for _, k := range keys {
				clock, cpu = max(clock, m.of(k, by, clockUnit)), max(cpu, m.of(k, by, cpuUnit))
			}
			return clock, cpu
		},
		met: func(v float64) bool { return v <= n },
	}
}

// pairKeys are the measurements of pairs of these sizes, of all kinds.
func pairKeys(name string, vertices ...int) []string {
	var out []string
	for _, kind := range []string{"crossing", "beside", "same"} {
		for _, n := range vertices {
			out = append(out, fmt.Sprintf("%s/kind=%s/vertices=%d", name, kind, n))
		}
	}
	return out
}

// goals are the figures aimed at, in the order of the table.
func goals() []goal {
	small, large := []int{16, 36, 64}, []int{256, 1024, 4096}
	all := append(slices.Clone(small), large...)
	aoi := "Ask/data=landscape/aoi=parcels1835"
	whole := "WholeLayer/data=landscape"
	out := []goal{
		times(18, "area of a pair, 16–64 vertices: GEOS", "gengtu", "geos", pairKeys("Pair", small...)...),
		times(18, "the same from and to Go's polygons: GEOS converting", "gengtu-loading", "geos-converting", pairKeys("Pair", small...)...),
		times(10, "area of a pair, 256–4096 vertices: GEOS", "gengtu", "geos", pairKeys("Pair", large...)...),
		times(10, "the same from and to Go's polygons: GEOS converting", "gengtu-loading", "geos-converting", pairKeys("Pair", large...)...),
		times(10, "one prepared shape, 64–4096 vertices, × parcels: GEOS prepared", "gengtu", "geos", "Prepared/vertices=64", "Prepared/vertices=256", "Prepared/vertices=1024", "Prepared/vertices=4096"),
		unitAtMost(0, "allocations a pair", "gengtu", "allocs/pair", "allocs/pair", "a pair", pairKeys("Pair", all...)...),
		times(2, "piece of a pair, 16–64 vertices: GEOS converting", "gengtu", "geos-converting", pairKeys("Piece", small...)...),
		times(2, "piece of a pair, 256–4096 vertices: GEOS converting", "gengtu", "geos-converting", pairKeys("Piece", large...)...),
		times(100, "shape with 1,835 parcels, all combinations: PostGIS, all combinations", "gengtu", "postgis-combinations", aoi),
		times(100, "shape with 1,835 parcels, all combinations: PostGIS, gross sums of three layers", "gengtu", "postgis-plain", aoi),
		times(100, "the same against PostGIS with stored areas", "gengtu", "postgis", aoi),
		times(100, "the same, one layer each: PostGIS", "gengtu", "postgis-plain", aoi+"/layers=cropland"),
		times(100, "the same through HTTP: PostGIS, all combinations", "gengtu-http", "postgis-combinations", aoi),
	}
	for _, s := range sizes {
		k := "Ask/data=landscape/aoi=" + s.name
		out = append(out, times(100, "random shapes of "+s.name+": PostGIS, all combinations", "gengtu", "postgis-combinations", k),
			times(100, "random shapes of "+s.name+": PostGIS, gross sums", "gengtu", "postgis-plain", k))
	}
	return append(out,
		unitAtMost(5, "1,000 random shapes, 99 of 100", "gengtu", "p99-ms", "p99-cpu-ms", "ms", "AskRandom/data=landscape/aoi=mixed"),
		unitAtMost(5, "the same through HTTP", "gengtu-http", "p99-ms", "p99-cpu-ms", "ms", "AskRandom/data=landscape/aoi=mixed"),
		times(60, "cropland × PBF, the sum over pairs: PostGIS with two workers", "gengtu-join", "postgis-2workers", whole),
		times(60, "the same on one processor: PostGIS with one", "gengtu-join-1worker", "postgis", whole),
		atMost(2, "all combinations of three layers, from what ingest stored: our own sum over pairs", whole, "gengtu-3layers", "gengtu-join"),
		atMost(1, "reading the shape: its answer", "Step/data=landscape/aoi=12km2/return=summary", "gengtu-parse", "gengtu"),
		atMost(1, "writing the answer: its answer", "Step/data=landscape/aoi=12km2/return=summary", "gengtu-write", "gengtu"),
		atMost(1, "reading 10,000 corners: their answer", "Step/data=landscape/aoi=12km2-10000corners/return=summary", "gengtu-parse", "gengtu"),
		atMost(1, "writing every piece: its answer", "Step/data=landscape/aoi=12km2/return=features", "gengtu-write", "gengtu"),
	)
}

// tileGoals are the figures aimed at for tiles, in the order of their table.
func tileGoals() []goal {
	race := "Race/data=landscape/zooms=" + raceZooms
	var demands []string
	for zoom := 12; zoom <= 16; zoom++ {
		demands = append(demands, fmt.Sprintf("Demand/data=landscape/zoom=%d", zoom))
	}
	update := func(kind string) string { return "Update/data=landscape/zooms=" + raceZooms + "/change=" + kind }
	return []goal{
		times(12, "GeoJSON to tiles z5–z14, no ground: tippecanoe, everything kept", "gengtu", "tippecanoe-keep", race),
		times(10, "the same: tippecanoe by default", "gengtu", "tippecanoe", race),
		sizeTimes(8, "bytes of zooms 5–12: tippecanoe, everything kept", race, "low-bytes"),
		bytesAtMost(500_000, "the largest tile of three layers", race, "largest-bytes"),
		bytesAtMost(250_000, "the largest below the parcels' zoom", race, "largest-low-bytes"),
		perPolygon(1.3, "time a polygon at 2.5 million: at 0.1 million", "polygons2500k", "polygons100k"),
		unitAtMost(10, "a tile on demand, z12–z16, the middle", "gengtu", "p50-ms", "p50-cpu-ms", "ms", demands...),
		unitAtMost(50, "the same, 99 of 100", "gengtu", "p99-ms", "p99-cpu-ms", "ms", demands...),
		times(50, "the same, the mean: pg_tileserv", "gengtu", "pg_tileserv", demands...),
		unitAtMost(1000, "the page: first map on a second visit (both figures by the clock)", "gengtu", "first-ms", "first-ms", "ms", "Page/data=map/open=warm"),
		updateGoal("update of 1 in 1,000 parcels, scattered: its share of the tiles × a full build, less a second", update("scattered")),
		updateGoal("the same in one village", update("village")),
		{what: "update in one village: a full build", asked: "≥ 10 ×", unit: "×",
			figures: func(m measured) (clock, cpu float64) {
				c, p := m.ms(update("village"), "gengtu")
				return m.of(update("village"), "gengtu", "full-ms") / c, m.of(update("village"), "gengtu", "full-cpu-ms") / p
			},
			met: func(v float64) bool { return v >= 10 }},
	}
}

// sizeTimes is the goal that a rival's bytes are at least n times ours.
func sizeTimes(n float64, what, key, unit string) goal {
	return goal{what: what, asked: fmt.Sprintf("≥ %v ×", n), unit: "×",
		figures: func(m measured) (clock, cpu float64) {
			v := m.of(key, "tippecanoe-keep", unit) / m.of(key, "gengtu", unit)
			return v, v
		},
		met: func(v float64) bool { return v >= n },
	}
}

func bytesAtMost(n float64, what, key, unit string) goal {
	return goal{what: what, asked: fmt.Sprintf("≤ %v bytes", n), unit: " bytes",
		figures: func(m measured) (clock, cpu float64) {
			v := m.of(key, "gengtu", unit)
			return v, v
		},
		met: func(v float64) bool { return v <= n },
	}
}

// perPolygon is the goal that a polygon of the larger data takes at most n times
// one of the smaller.
func perPolygon(n float64, what, large, small string) goal {
	return goal{what: what, asked: fmt.Sprintf("≤ %v ×", n), unit: "×",
		figures: func(m measured) (clock, cpu float64) {
			of := func(name string) (float64, float64) {
				key := "Race/data=" + name + "/zooms=" + raceZooms
				c, p := m.ms(key, "gengtu")
				k := m.of(key, "gengtu", "polygons")
				return c / k, p / k
			}
			c, p := of(large)
			sc, sp := of(small)
			return c / sc, p / sp
		},
		met: func(v float64) bool { return v <= n },
	}
}

// updateGoal is the goal that an update takes at most 1.3 times its share of the
// tiles of a full build, and a second more.
func updateGoal(what, key string) goal {
	return goal{what: what, asked: "≤ 1.3 ×", unit: "×",
		figures: func(m measured) (clock, cpu float64) {
			c, p := m.ms(key, "gengtu")
			fc, fp := m.of(key, "gengtu", "full-ms"), m.of(key, "gengtu", "full-cpu-ms")
			share := m.of(key, "gengtu", "share")
			return max(0, c-1000) / (share * fc), max(0, p-1000) / (share * fp)
		},
		met: func(v float64) bool { return v <= 1.3 },
	}
}

// table writes the goals with what was measured, those without a figure left out.
func (m measured) table() string {
	var b strings.Builder
	b.WriteString("| figure | aimed at | clock | processor | |\n|---|---|---|---|---|\n")
	for _, g := range append(goals(), tileGoals()...) {
		clock, cpu := g.figures(m)
		if math.IsNaN(clock) || math.IsInf(clock, 0) {
			continue
		}
		met := "no"
		switch byClock, byProcessor := g.met(clock), g.met(cpu); {
		case byClock && byProcessor:
			met = "yes"
		case byClock:
			met = "by the clock"
		case byProcessor:
			met = "by processor time"
		}
		fmt.Fprintf(&b, "| %s | %s | %s%s | %s%s | %s |\n", g.what, g.asked, short(clock), g.unit, short(cpu), g.unit, met)
	}
	if clock, cpu := m.ms("WholeLayer/data=tenth", "gengtu-join"); !math.IsNaN(clock) {
		fmt.Fprintf(&b, "| 1 million × 0.7 million parcels, the sum over pairs | | %s ms | %s ms | |\n", short(clock), short(cpu))
		fmt.Fprintf(&b, "| ten times as many, extrapolated | | %s s | %s s | |\n", short(clock/100), short(cpu/100))
	}
	return b.String()
}

// short writes a figure with three digits that count.
func short(v float64) string {
	if v == 0 || math.Abs(v) >= 100 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'f', max(0, 2-int(math.Floor(math.Log10(math.Abs(v))))), 64)
}

// TestFigures writes figures.md and graph.svg, from the benchmark lines of the
// file that BENCH_MEASURED names, beside that file. Without it, it holds the
// table and the graph of made lines against what they must be.
func TestFigures(t *testing.T) {
	if path := os.Getenv("BENCH_MEASURED"); path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		m := parseMeasured(string(text))
		for name, content := range map[string]string{"figures.md": m.table(), "graph.svg": m.graph()} {
			if err := os.WriteFile(filepath.Join(filepath.Dir(path), name), []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	m := parseMeasured(madeLines)
	table := m.table()
	for _, want := range []string{
		"| cropland × PBF, the sum over pairs: PostGIS with two workers | ≥ 60 × | 70.0× | 50.0× | by the clock |",
		"| 1,000 random shapes, 99 of 100 | ≤ 5 ms | 7.00 ms | 6.00 ms | no |",
		"| all combinations of three layers, from what ingest stored: our own sum over pairs | ≤ 2 × | 1.50× | 1.50× | yes |",
		"| GeoJSON to tiles z5–z14, no ground: tippecanoe, everything kept | ≥ 12 × | 13.0× | 11.0× | by the clock |",
		"| bytes of zooms 5–12: tippecanoe, everything kept | ≥ 8 × | 9.00× | 9.00× | yes |",
		"| time a polygon at 2.5 million: at 0.1 million | ≤ 1.3 × | 1.20× | 1.50× | by the clock |",
		"| the same in one village | ≤ 1.3 × | 2.00× | 1.60× | no |",
		"| update in one village: a full build | ≥ 10 × | 20.0× | 25.0× | yes |",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("the table lacks %q:\n%s", want, table)
		}
	}
	if strings.Contains(table, "NaN") || strings.Contains(table, "piece of a pair") {
		t.Errorf("the table has what was not measured:\n%s", table)
	}
	graph := m.graph()
	if n := strings.Count(graph, "<polyline"); n != 3 {
		t.Errorf("%d lines in the graph, want 3:\n%s", n, graph)
	}
	if strings.Contains(graph, "NaN") || !strings.HasPrefix(graph, "<svg") {
		t.Errorf("the graph is broken:\n%s", graph)
	}
}

const madeLines = `goos: linux
BenchmarkGrowth/data=landscape/aoi=1km2/by=gengtu-2 10 1000000 ns/op 1.0 cpu-ms/op 100 parcels 50 parcels-on-border 321000 parcels-in-layer
BenchmarkGrowth/data=landscape/aoi=12km2/by=gengtu-2 10 3000000 ns/op 3.0 cpu-ms/op 1400 parcels 150 parcels-on-border 321000 parcels-in-layer
BenchmarkGrowth/data=land10k/aoi=12km2/by=gengtu-2 10 2000000 ns/op 2.0 cpu-ms/op 1400 parcels 140 parcels-on-border 10000 parcels-in-layer
BenchmarkAskRandom/data=landscape/aoi=mixed/by=gengtu-2 1 2000000 ns/op 2.0 cpu-ms/op 7 p99-ms 6 p99-cpu-ms
BenchmarkWholeLayer/data=landscape/by=gengtu-2 1 1000000000 ns/op 2000 cpu-ms/op
BenchmarkWholeLayer/data=landscape/by=gengtu-3layers-2 1 1500000000 ns/op 3000 cpu-ms/op
BenchmarkWholeLayer/data=landscape/by=gengtu-join-2 1 1000000000 ns/op 2000 cpu-ms/op
BenchmarkWholeLayer/data=landscape/by=postgis-2workers-2 1 70000000000 ns/op 100000 cpu-ms/op
BenchmarkRace/data=landscape/zooms=5-14/by=gengtu-2 1 10000000000 ns/op 18000 cpu-ms/op 100 low-bytes 590000 polygons
BenchmarkRace/data=landscape/zooms=5-14/by=gengtu-command-2 1 40000000000 ns/op 50000 cpu-ms/op 590000 polygons
BenchmarkRace/data=landscape/zooms=5-14/by=tippecanoe-keep-2 1 130000000000 ns/op 198000 cpu-ms/op 900 low-bytes 590000 polygons
BenchmarkRace/data=polygons100k/zooms=5-14/by=gengtu-2 1 1000000000 ns/op 1000 cpu-ms/op 100000 polygons
BenchmarkRace/data=polygons2500k/zooms=5-14/by=gengtu-2 1 30000000000 ns/op 37500 cpu-ms/op 2500000 polygons
BenchmarkUpdate/data=landscape/zooms=5-14/change=village/by=gengtu-2 1 2000000000 ns/op 2000 cpu-ms/op 321 parcels 0.0125 share 40000 full-ms 50000 full-cpu-ms
PASS
`
