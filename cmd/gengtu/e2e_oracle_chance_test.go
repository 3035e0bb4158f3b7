package main_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gengtu/index"
	"gengtu/index/geo"
)

// ground is a layer of the secure edition in an oracle's metres: the truth that is to be
// kept.
type ground struct{ vertices []metres }

// groundOf returns the ground of a layer's latest vintage.
func (o *oracle) groundOf(t *testing.T, dir, layer string) *ground {
	t.Helper()
	ix, err := index.Open(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ix.Close() }() // only read
	g := &ground{}
	l := ix.Layer(layer, "")
	for i := range l.Len() {
		f, err := l.Feature(i)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range f.Geometry {
			for _, r := range p {
				for _, v := range r {
					g.vertices = append(g.vertices, o.at(float64(v.Lon)/geo.Unit, float64(v.Lat)/geo.Unit))
				}
			}
		}
	}
	return g
}

const (
	// moves is over how many moves chance is taken, and sure how many
	// standard errors are added to it.
	moves = 48
	sure  = 4
	// unlikely is the bound of what is taken for chance.
	unlikely = 1e-6
)

// chance is how often some points lie near a true vertex when they are moved by anything
// up to half a step of the grid, from above. Where nothing tells more than the grid, the
// truth lies as likely at any of these places beside them.
func chance(got []metres, truth *places, step metres) float64 {
	rng := rand.New(rand.NewPCG(9, 16))
	near := 0
	for range moves {
		near += countNear(got, truth, metres{step.x * (rng.Float64() - .5), step.y * (rng.Float64() - .5)})
	}
	n := float64(moves * len(got))
	p := float64(near) / n
	return p + sure*math.Sqrt(p*(1-p)/n)
}

// tail is the probability of k and more of n draws that each have probability p.
func tail(n, k int, p float64) float64 {
	if k == 0 {
		return 1
	}
	sum := 0.0
	for i := k; i <= n; i++ {
		choose, _ := math.Lgamma(float64(n + 1))
		a, _ := math.Lgamma(float64(i + 1))
		b, _ := math.Lgamma(float64(n - i + 1))
		sum += math.Exp(choose - a - b + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
	}
	return min(sum, 1)
}

// judge says what is wrong with vertices that a route gave away of a layer, each within
// slack metres of where it is: those that are not on a grid of so many metres, and more
// of them beside true ones than chance explains. No distance is judged that is not well
// within the grid.
func (o *oracle) judge(route string, got []metres, slack, grid float64, truth *ground) (faults []string) {
	got = distinct(got, max(slack, 0.2))
	lon, lat := o.grid(grid)
	step := metres{lon * o.kx, lat * o.ky}
	off := 0
	for _, p := range got {
		if p.to(o.corner(p, lon, lat)) > slack {
			off++
		}
	}
	if off > 0 {
		faults = append(faults, fmt.Sprintf("%s %s by %s: %d of %d vertices are off the grid of %g m", o.tier, o.layer, route, off, len(got), grid))
	}
	for _, within := range []float64{grid / 10, grid / 4, grid / 2} {
		near := placesOf(truth.vertices, within)
		p, k := chance(got, near, step), countNear(got, near, metres{})
		at := tail(len(got), k, p)
		o.told = append(o.told, fmt.Sprintf("%s %s by %s: %d of %d within %g m of a true vertex, %.1f by chance (%.2g)", o.tier, o.layer, route, k, len(got), within, p*float64(len(got)), at))
		if at < unlikely {
			faults = append(faults, o.told[len(o.told)-1])
		}
	}
	return faults
}

// grid are the steps in degrees that a grid of so many metres has at the least: whole
// numbers of 1e-6 degree, at the whole degree above, by lengths of a degree on GRS 80
// from tables for 35 degrees: 91,288 m along the parallel, and 110,574 m along a
// meridian at the equator.
func (o *oracle) grid(metres float64) (lon, lat float64) {
	up := func(d float64) float64 { return math.Ceil(d*1e6) / 1e6 }
	return up(metres / 91_288), up(metres / 110_574)
}

// distinct are places of which no two are nearer than some distance.
func distinct(all []metres, apart float64) (out []metres) {
	seen := map[[2]int]bool{}
	for _, p := range all {
		k := [2]int{int(math.Round(p.x / apart)), int(math.Round(p.y / apart))}
		near := false
		for i := range 9 {
			near = near || seen[[2]int{k[0] + i%3 - 1, k[1] + i/3 - 1}]
		}
		if !near {
			seen[k] = true
			out = append(out, p)
		}
	}
	return out
}
