package overlay

import (
	"context"
	"fmt"
	"math"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"gengtu/benchmarks/suite"
	"gengtu/index/geo"
	"gengtu/index/overlay/pairtest"
)

// The areas of a pair must be right to relativeEnd of the larger input, or to
// absoluteEnd m² where that is more. Both are wide for very small shapes, so
// the error must also stay within frameEnd of the box of both.
const (
	relativeEnd = 1e-12
	absoluteEnd = 1e-6
	frameEnd    = 2e-14
)

// pairAreas are the four areas of a pair in m²: intersection, union, difference
// and symmetric difference.
type pairAreas [4]float64

var pairAreaNames = [4]string{"intersection", "union", "difference", "symmetric difference"}

// exactEngine is a way to the four areas; it is tried on every every-th pair.
type exactEngine struct {
	name  string
	every uint64
	areas func(a, b geo.MultiPolygon) (pairAreas, error)
}

var exactEngines = []exactEngine{
	{"pair", 1, areasByPair},
	{"turned pair", 4, areasByTurnedPair},
	{"prepared", 4, areasByPrepared},
	{"join", 24, areasByJoin},
	{"measure", 12, areasByMeasure},
}

// areasByPair takes the shared area from the pair's integral and the rest from
// the areas of the two, which features are stored with.
func areasByPair(a, b geo.MultiPolygon) (pairAreas, error) {
	return fromShared(SharedArea(a, b), geo.Area(a), geo.Area(b)), nil
}

func areasByTurnedPair(a, b geo.MultiPolygon) (pairAreas, error) {
	return fromShared(SharedArea(b, a), geo.Area(a), geo.Area(b)), nil
}

// areasByPrepared measures b against a prepared.
func areasByPrepared(a, b geo.MultiPolygon) (pairAreas, error) {
	var w Workspace
	var r geo.Rings
	r.Append(b)
	p := Prepare(a)
	return fromShared(p.Shared(&w, &r), p.Area(), geo.Area(b)), nil
}

// areasByJoin joins layers of one feature each.
func areasByJoin(a, b geo.MultiPolygon) (pairAreas, error) {
	shared := 0.0
	err := Join(context.Background(), lone{a}, lone{b}, 1, func(ps []Pair) error {
		for _, p := range ps {
			shared += p.Area
		}
		return nil
	})
	return fromShared(shared, geo.Area(a), geo.Area(b)), err
}

// lone is a layer of one feature.
type lone struct{ m geo.MultiPolygon }

func (l lone) Len() int { return 1 }

func (l lone) Box(int) geo.Box { return l.m.Box() }

func (l lone) Rings(_ int, r *geo.Rings) error {
	r.Append(l.m)
	return nil
}

func fromShared(shared, a, b float64) pairAreas {
	return pairAreas{shared, a + b - shared, a - shared, a + b - 2*shared}
}

// areasByMeasure takes all four from the combinations of two layers within the
// box of both.
func areasByMeasure(a, b geo.MultiPolygon) (pairAreas, error) {
	box := a.Box().Union(b.Box())
	r, err := Measure(context.Background(), geo.MultiPolygon{box.Polygon()},
		[]Item{{Layer: 0, Geometry: a}, {Layer: 1, Geometry: b}}, Options{Workers: 1})
	if err != nil {
		return pairAreas{}, err
	}
	var by [4]float64
	for _, c := range r.Combinations {
		by[c.Mask] += c.Area
	}
	return pairAreas{by[3], by[1] + by[2] + by[3], by[1], by[1] + by[2]}, nil
}

// exactness gathers the worst errors of one engine on one family.
type exactness struct {
	pairs    int
	m2       float64 // absolute
	relative float64 // to the larger input
	smaller  float64 // to the smaller input, of the intersection alone
	box      float64 // to the area of the box of both
}

func (e *exactness) add(f exactness) {
	e.pairs += f.pairs
	e.m2, e.relative = max(e.m2, f.m2), max(e.relative, f.relative)
	e.smaller, e.box = max(e.smaller, f.smaller), max(e.box, f.box)
}

// checkPair holds every engine whose turn it is against the truth.
func checkPair(t testing.TB, f pairtest.Family, seed uint64, worst []exactness) {
	a, b := pairtest.Pair(f, seed)
	want := truthOf(a, b)
	larger, smaller := max(want.a.hi, want.b.hi), min(want.a.hi, want.b.hi)
	frame := geo.Area(geo.MultiPolygon{a.Box().Union(b.Box()).Polygon()})
	wants := [4]double{want.shared, want.union(), want.difference(), want.symmetric()}
	for i, e := range exactEngines {
		if seed%e.every != 0 {
			continue
		}
		got, err := e.areas(a, b)
		if err != nil {
			t.Errorf("%s seed %d: %s: %v", f, seed, e.name, err)
			continue
		}
		w := &worst[i]
		w.pairs++
		for k := range got {
			d := math.Abs(wants[k].sub(double{got[k], 0}).value())
			w.m2, w.relative, w.box = max(w.m2, d), max(w.relative, d/larger), max(w.box, d/frame)
			if k == 0 {
				w.smaller = max(w.smaller, d/smaller)
			}
			if !(d <= max(absoluteEnd, relativeEnd*larger) && d <= max(frameEnd*frame, 1e-12)) {
				t.Errorf("%s seed %d: %s by %s is %.17g, want %.17g: off by %.3g m², inputs %.6g and %.6g m²",
					f, seed, pairAreaNames[k], e.name, got[k], wants[k].value(), d, want.a.hi, want.b.hi)
			}
		}
	}
}

// checkFamilies checks the seeds from first up to first+count of every family
// with one goroutine a processor, and logs the table of worst errors.
func checkFamilies(t *testing.T, first, count uint64) {
	families := pairtest.Families()
	table := make([][]exactness, len(families))
	for i := range table {
		table[i] = make([]exactness, len(exactEngines))
	}
	const block = 50
	var mu sync.Mutex
	var next atomic.Uint64
	blocks := (count + block - 1) / block
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				n := next.Add(1) - 1
				if n >= blocks*uint64(len(families)) || t.Failed() {
					return
				}
				i := n % uint64(len(families))
				worst := make([]exactness, len(exactEngines))
				from := first + n/uint64(len(families))*block
				for seed := from; seed < min(from+block, first+count); seed++ {
					checkPair(t, families[i], seed, worst)
				}
				mu.Lock()
				for k := range worst {
					table[i][k].add(worst[k])
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	pairs := 0
	for _, row := range table {
		pairs += row[0].pairs
	}
	suite.Count(t, "exact", float64(pairs), "pairs")
	suite.Count(t, "exact-families", float64(len(families)), "families")
	logExactness(t, table)
}

func logExactness(t *testing.T, table [][]exactness) {
	total := make([]exactness, len(exactEngines))
	t.Logf("%-10s %-12s %8s %10s %10s %10s %12s", "family", "engine", "pairs", "worst m²", "/ larger", "/ box", "A∩B / smaller")
	line := func(family string, k int, e exactness) {
		t.Logf("%-10s %-12s %8d %10.2g %10.2g %10.2g %12.2g",
			family, exactEngines[k].name, e.pairs, e.m2, e.relative, e.box, e.smaller)
	}
	for i, row := range table {
		for k, e := range row {
			line(pairtest.Family(i).String(), k, e)
			total[k].add(e)
		}
	}
	for k, e := range total {
		line("all", k, e)
	}
}

// seedFrom returns the number in the environment variable SEED, or otherwise.
func seedFrom(t *testing.T, otherwise uint64) uint64 {
	s := os.Getenv("SEED")
	if s == "" {
		return otherwise
	}
	v, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatal(fmt.Errorf("SEED: %w", err))
	}
	return v
}

// exactPairs is the number of pairs of a family in every test run: 18 families
// make 50,400.
const exactPairs = 2800

// Intersection, union, difference and symmetric difference of 50,400 fixed pairs
// have their exact areas by every engine.
func TestExactAreas(t *testing.T) {
	checkFamilies(t, seedFrom(t, 0), exactPairs)
}

// The same of a million other pairs; SEED gives the first seed of another million.
func TestSoakExactAreas(t *testing.T) {
	if os.Getenv("SOAK") == "" {
		t.Skip("a long run: make soak")
	}
	first := seedFrom(t, exactPairs)
	count := uint64(1_000_000/len(pairtest.Families()) + 1)
	t.Logf("seeds %d to %d of each family", first, first+count-1)
	checkFamilies(t, first, count)
}
