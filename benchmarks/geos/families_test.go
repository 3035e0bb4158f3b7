package geos_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gengtu/benchmarks/geos"
	"gengtu/benchmarks/suite"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/index/overlay/pairtest"
)

// seeds is the number of pairs of each family.
func seeds(t *testing.T) int {
	t.Helper()
	text := os.Getenv("GEOS_SEEDS")
	if text == "" {
		return 100
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// tally counts what one method makes of a family: pairs with no answer, and
// errors as parts of the larger polygon.
type tally struct {
	none, over9, over6, over3 int
	worst                     float64
	seed                      uint64 // of the worst
}

func (t *tally) add(e float64, seed uint64) {
	for _, n := range []struct {
		limit float64
		count *int
	}{{1e-9, &t.over9}, {1e-6, &t.over6}, {1e-3, &t.over3}} {
		if e > n.limit {
			*n.count++
		}
	}
	if e > t.worst {
		t.worst, t.seed = e, seed
	}
}

func (t *tally) String() string {
	return fmt.Sprintf("%d | %d | %d | %d | %.1e", t.none, t.over9, t.over6, t.over3, t.worst)
}

const header = `
| family | pairs | GEOS: none | > 1e-9 | > 1e-6 | > 1e-3 | worst | gengtu: > 1e-9 | worst |
|---|---|---|---|---|---|---|---|---|`

// On the families of hostile pairs our areas are those of the oracle, and so are
// GEOS's but where the table says that they are not. Where both agree to 1e-12,
// the oracle is not asked but for one pair in 50.
func TestFamilies(t *testing.T) {
	c := geos.NewContext()
	defer c.Close()
	table := []string{header}
	for _, f := range pairtest.Families() {
		var theirs, ours tally
		for seed := range uint64(seeds(t)) {
			a, b := pairtest.Pair(f, seed)
			p := newPair(c, a, b)
			got := overlay.SharedArea(a, b)
			area, err := p.ga.SharedArea(p.gb)
			if err != nil {
				theirs.none++
			}
			if err != nil || math.Abs(area-got) > 1e-12*p.larger || seed%50 == 0 && a.Vertices()*b.Vertices() < 1e6 {
				truth := oracle(inPlane(&p.plane, a), inPlane(&p.plane, b))
				if err == nil {
					theirs.add(math.Abs(area-truth)/p.larger, seed)
				}
				ours.add(math.Abs(got-truth)/p.larger, seed)
				if math.Abs(got-truth) > max(1e-12*p.larger, 1e-6) {
					t.Errorf("%v %d: %v m², want %v of %v", f, seed, got, truth, p.larger)
				}
			}
			p.free()
		}
		table = append(table, fmt.Sprintf("| %v | %d | %v | %d | %.1e |", f, seeds(t), &theirs, ours.over9, ours.worst))
		suite.Count(t, "geos-families", float64(seeds(t)), "pairs")
		suite.Count(t, "geos-wrong", float64(theirs.none+theirs.over9), "pairs")
	}
	t.Log(strings.Join(table, "\n"))
}

// Polygons whose borders run along each other but for the last bits of their
// coordinates, as results of calculations near an origin do, are where GEOS goes
// wrong by up to the whole of the area (libgeos/geos#1354 and the like): neighbours on
// both sides of a border, and one that covers the other. Ours are measured on
// the same polygons, put on the grid, which moves a corner by up to 8e-6 m.
func TestLastBits(t *testing.T) {
	c := geos.NewContext()
	defer c.Close()
	table := []string{header}
	for _, kind := range []string{"last bits, neighbours", "last bits, covering"} {
		rng := rand.New(rand.NewPCG(1354, uint64(len(kind))))
		var theirs, ours tally
		n := 100 * seeds(t)
		for seed := range uint64(n) {
			a, b := lastBits(rng, kind == "last bits, neighbours")
			ga, gb := c.New(a), c.New(b)
			if !ga.Valid() || !gb.Valid() {
				ga.Free()
				gb.Free()
				n--
				continue
			}
			larger := max(ringArea(a[0][0]), ringArea(b[0][0]))
			area, err := ga.SharedArea(gb)
			truth := shared(a, b)
			if err != nil {
				theirs.none++
			} else if e := math.Abs(area-truth) / larger; e > 1e-10 {
				truth = oracle(a, b)
				theirs.add(math.Abs(area-truth)/larger, seed)
			}
			moved := (length(a[0][0]) + length(b[0][0])) * 8e-6
			e := math.Abs(overlay.SharedArea(onGrid(a), onGrid(b))-truth) - moved
			if ours.add(max(0, e)/larger, seed); e > 1e-6 {
				t.Errorf("%s %d: %v m² off the truth of %v", kind, seed, e, truth)
			}
			ga.Free()
			gb.Free()
		}
		table = append(table, fmt.Sprintf("| %s | %d | %v | %d | %.1e |", kind, n, &theirs, ours.over9, ours.worst))
		suite.Count(t, "geos-families", float64(n), "pairs")
		suite.Count(t, "geos-wrong", float64(theirs.none+theirs.over9), "pairs")
	}
	t.Log(strings.Join(table, "\n"))
}

// lastBits returns two polygons near the origin with a border in common but for
// the last bits.
func lastBits(rng *rand.Rand, neighbours bool) (a, b [][][]geos.XY) {
	jitter := func(v geos.XY) geos.XY {
		move := func(x float64) float64 {
			for range rng.IntN(3) {
				x = math.Nextafter(x, x+float64(rng.IntN(2)*2-1))
			}
			return x
		}
		return geos.XY{X: move(v.X), Y: move(v.Y)}
	}
	at, size, turn := geos.XY{X: 200 * (rng.Float64() - 0.5), Y: 200 * (rng.Float64() - 0.5)}, 10+90*rng.Float64(), rng.Float64()*2*math.Pi
	sin, cos := math.Sincos(turn)
	place := func(x, y float64) geos.XY {
		return geos.XY{X: at.X + size*(x*cos-y*sin), Y: at.Y + size*(x*sin+y*cos)}
	}
	var border []geos.XY // from the bottom to the top
	n := 2 + rng.IntN(4)
	for i := range n {
		border = append(border, place(0, float64(i)/float64(n-1)))
	}
	ringed := func(r []geos.XY) [][][]geos.XY { return [][][]geos.XY{{append(r, r[0])}} }
	var second []geos.XY
	for i, v := range border {
		if i == 0 || i == n-1 || rng.IntN(3) > 0 {
			second = append(second, jitter(v))
		}
	}
	a = ringed(append(slices.Clone(border), place(-1-rng.Float64(), 1), place(-1-rng.Float64(), 0)))
	if neighbours {
		slices.Reverse(second)
		return a, ringed(append(second, place(1+rng.Float64(), 0), place(1+rng.Float64(), 1)))
	}
	return a, ringed(append(second, place(-0.2-0.7*rng.Float64(), 0.3+0.6*rng.Float64())))
}

// onGrid puts polygons of a plane on the grid, at a place where a degree is
// known, and keeps their areas.
func onGrid(m [][][]geos.XY) geo.MultiPolygon {
	out := make(geo.MultiPolygon, len(m))
	for i, p := range m {
		for _, r := range p {
			ring := make(geo.Ring, len(r))
			for k, v := range r {
				ring[k] = gridPlane.From(geo.XY{X: v.X, Y: v.Y})
			}
			out[i] = append(out[i], slices.Compact(ring))
		}
	}
	return out
}

var gridPlane = geo.NewEqualAreaPlane(geo.Position{Lon: 1086e9, Lat: 344e9})

func ringArea(r []geos.XY) float64 {
	sum := 0.0
	for i := 1; i < len(r); i++ {
		sum += (r[i-1].X-r[0].X)*(r[i].Y-r[0].Y) - (r[i].X-r[0].X)*(r[i-1].Y-r[0].Y)
	}
	return sum / 2
}

func length(r []geos.XY) float64 {
	sum := 0.0
	for i := 1; i < len(r); i++ {
		sum += math.Hypot(r[i].X-r[i-1].X, r[i].Y-r[i-1].Y)
	}
	return sum
}

// shared is the oracle's integral in 53 bits: a first look.
func shared(a, b [][][]geos.XY) float64 {
	total := 0.0
	for i := 1; i < len(a[0][0]); i++ {
		for j := 1; j < len(b[0][0]); j++ {
			total += sharedBelow(a[0][0][i-1], a[0][0][i], b[0][0][j-1], b[0][0][j])
		}
	}
	return total
}

func sharedBelow(p, q, r, s geos.XY) float64 {
	sign := 1.0
	if p.X > q.X {
		p, q, sign = q, p, -sign
	}
	if r.X > s.X {
		r, s, sign = s, r, -sign
	}
	xl, xr := max(p.X, r.X), min(q.X, s.X)
	if xl >= xr {
		return 0
	}
	at := func(p, q geos.XY, x float64) float64 { return p.Y + (x-p.X)*(q.Y-p.Y)/(q.X-p.X) }
	el, er, fl, fr := at(p, q, xl), at(p, q, xr), at(r, s, xl), at(r, s, xr)
	dl, dr := el-fl, er-fr
	v := fl + fr
	switch {
	case dl >= 0 && dr >= 0:
	case dl <= 0 && dr <= 0:
		v += dl + dr
	case dl < 0:
		v += dl * dl / (dl - dr)
	default:
		v += dr * dr / (dr - dl)
	}
	return sign * v / 2 * (xr - xl)
}
