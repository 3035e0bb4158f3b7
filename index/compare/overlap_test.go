package compare_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gengtu/index"
	"gengtu/index/compare"
	"gengtu/index/compare/comparetest"
	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// Where features of a layer overlap, ground still counts once, for the least id, and
// the records still add up.
func TestOverlaps(t *testing.T) {
	for seed := range uint64(6) {
		land := comparetest.New(100+seed, 14)
		rng := rand.New(rand.NewPCG(seed, 9))
		was, is := comparetest.StateOf(t, land.From, "2024", idOf), comparetest.StateOf(t, land.To, "2025", idOf)
		for _, s := range []*comparetest.State{&was, &is} {
			for k := range 5 {
				p := comparetest.Patch{BSM: fmt.Sprintf("x%d", k), DLBM: "1001"}
				x, y := rng.IntN(11), rng.IntN(11)
				for i := range 9 {
					p.Cells = append(p.Cells, comparetest.Cell{X: x + i%3, Y: y + i/3})
				}
				s.Features = append(s.Features, comparetest.StateOf(t, []comparetest.Patch{p}, s.Meta.Vintage, idOf).Features...)
			}
		}
		ix := comparetest.Open(t, was, is)
		from, to := ix.Layer("dltb", "2024"), ix.Layer("dltb", "2025")
		r, err := compare.Layers(t.Context(), from, to, compare.Options{})
		if err != nil {
			t.Fatal(err)
		}
		checkClosure(t, from, to, r)
		ground, net := byCells(t, from, to)
		checkMatrix(t, ground, r)
		for _, f := range r.Matrix.Flows {
			var k [2]string
			k[0], k[1] = f.Names()
			for s, got := range []*float64{f.FromNetM2, f.ToNetM2} {
				if want := net[s][k]; got != nil && math.Abs(*got-want) > 0.05 || got == nil && want > 0 {
					t.Errorf("seed %d: %v has %v net of record %d, want %.2f", seed, k, got, s, want)
				}
			}
		}
	}
}

// byCells counts the matrix on the lattice from the features themselves: ground of a
// cell is that of the least id that holds it; of record each feature on it has its share,
// which counts for its own class.
func byCells(t testing.TB, from, to *index.Layer) (ground map[[2]string]float64, net [2]map[[2]string]float64) {
	t.Helper()
	ground, net = map[[2]string]float64{}, [2]map[[2]string]float64{{}, {}}
	for x := range 20 {
		for y := range 20 {
			c := comparetest.Cell{X: x, Y: y}
			k := [2]string{"-", "-"}
			var on [2][]index.Feature
			for s, l := range []*index.Layer{from, to} {
				on[s] = holding(t, l, c)
				best := uint64(math.MaxUint64)
				for _, f := range on[s] {
					if f.ID < best {
						best = f.ID
						k[s], _ = f.Values[l.Field("DLBM")].(string)
					}
				}
			}
			if k != [2]string{"-", "-"} {
				ground[k] += c.AreaM2()
			}
			for s, l := range []*index.Layer{from, to} {
				for _, f := range on[s] {
					at := k
					at[s], _ = f.Values[l.Field("DLBM")].(string)
					net[s][at] += float64(f.Net) / 100 * c.AreaM2() / f.AreaM2
				}
			}
		}
	}
	return ground, net
}

// holding lists the features of a layer that hold a cell.
func holding(t testing.TB, l *index.Layer, c comparetest.Cell) (out []index.Feature) {
	t.Helper()
	b := c.Box()
	l.Search(geo.Box{Min: geo.Position{Lon: b.Min.Lon + 1, Lat: b.Min.Lat + 1}, Max: geo.Position{Lon: b.Max.Lon - 1, Lat: b.Max.Lat - 1}}, func(i int) bool {
		f, err := l.Feature(i)
		if err != nil {
			t.Fatal(err)
		}
		if overlay.SharedArea(f.Geometry, geo.MultiPolygon{b.Polygon()}) > 1 {
			out = append(out, f)
		}
		return true
	})
	return out
}
