package main_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gengtu/index"
	"gengtu/index/geo"
)

// ground is a layer of the secure edition in an oracle's metres: the truth that is to be
// kept. Each feature is its rings.
type ground struct {
	features [][][]metres
	vertices []metres
}

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
		var rings [][]metres
		for _, p := range f.Geometry {
			for _, r := range p {
				var ring []metres
				for _, v := range r {
					ring = append(ring, metres{(float64(v.Lon)/geo.Unit - o.lon) * o.kx, (float64(v.Lat)/geo.Unit - o.lat) * o.ky})
				}
				rings = append(rings, ring)
				g.vertices = append(g.vertices, ring...)
			}
		}
		g.features = append(g.features, rings)
	}
	return g
}

// corners draws the ground as whole cells of a grid whose lines go through origin, by
// what most of each cell is as 16 points of it tell, and returns where the drawing's
// outline turns. It knows nothing of the product: it is what a grid tells by itself.
func (g *ground) corners(origin, step metres, width, high float64) (out []metres) {
	const parts = 4
	cols, rows := int(width/step.x)+4, int(high/step.y)+4
	dx, dy := step.x/parts, step.y/parts
	covered := make([]bool, cols*rows*parts*parts)
	wide := cols * parts
	for _, rings := range g.features {
		low, top := math.Inf(1), math.Inf(-1)
		for _, r := range rings {
			for _, p := range r {
				low, top = min(low, p.y), max(top, p.y)
			}
		}
		for j := max(int((low-origin.y)/dy)-1, 0); j < rows*parts; j++ {
			y := origin.y + (float64(j)+.5)*dy
			if y > top {
				break
			}
			crossed := crossings(rings, y)
			for k := 0; k+1 < len(crossed); k += 2 {
				for i := max(int(math.Ceil((crossed[k]-origin.x)/dx-.5)), 0); i < wide && origin.x+(float64(i)+.5)*dx < crossed[k+1]; i++ {
					covered[j*wide+i] = true
				}
			}
		}
	}
	in := func(col, row int) bool {
		n := 0
		for k := range parts * parts {
			if covered[(row*parts+k/parts)*wide+col*parts+k%parts] {
				n++
			}
		}
		return 2*n >= parts*parts
	}
	for row := 1; row < rows; row++ {
		for col := 1; col < cols; col++ {
			a, b, c, d := in(col-1, row-1), in(col, row-1), in(col-1, row), in(col, row)
			if !(a == b && c == d || a == c && b == d) {
				out = append(out, metres{origin.x + float64(col)*step.x, origin.y + float64(row)*step.y})
			}
		}
	}
	return out
}

// crossings are where rings cross a line that runs east, from west to east.
func crossings(rings [][]metres, y float64) (xs []float64) {
	for _, r := range rings {
		for i := 1; i < len(r); i++ {
			if p, q := r[i-1], r[i]; (p.y > y) != (q.y > y) {
				xs = append(xs, p.x+(y-p.y)/(q.y-p.y)*(q.x-p.x))
			}
		}
	}
	slices.Sort(xs)
	return xs
}

const (
	// positions of a grid that chance is taken over, and how sure it is: so many
	// standard errors are added to it.
	gridPositions = 24
	sure          = 4
	// unlikely is the bound of what is taken for chance.
	unlikely = 1e-6
)

// chance is how often a corner of such a drawing lies within some distance of a true
// vertex, wherever the grid lies, from above.
func (g *ground) chance(step metres, width, high, within float64) float64 {
	rng := rand.New(rand.NewPCG(8, 15))
	n, near := 0, 0
	for range gridPositions {
		at := g.corners(metres{-step.x * (1 + rng.Float64()), -step.y * (1 + rng.Float64())}, step, width, high)
		n += len(at)
		near += countNear(at, g.vertices, within)
	}
	p := float64(near) / float64(n)
	return p + sure*math.Sqrt(p*(1-p)/float64(n))
}

// tail is the probability of k and more of n draws that each have probability p.
func tail(n, k int, p float64) float64 {
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
		p := truth.chance(step, o.width, o.high, within)
		k := countNear(got, truth.vertices, within)
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
