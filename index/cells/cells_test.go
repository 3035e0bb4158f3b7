package cells_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gengtu/index/cells"
)

// The covered shares must add up to the polygon's area inside the window, and
// each must be what many sample points say.
func TestRaster(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 9))
	for range 60 {
		// A star around a centre is simple; it may reach beyond the window.
		cx, cy := rng.Float64()*20, rng.Float64()*16
		var ring []cells.XY
		for k := range 12 {
			a, d := float64(k)/12*2*math.Pi, 1+rng.Float64()*7
			ring = append(ring, cells.XY{X: cx + d*math.Cos(a), Y: cy + d*math.Sin(a)})
		}
		r := cells.NewRaster(20, 16)
		r.Ring(ring)
		got := map[[2]int]float64{}
		r.Collect(func(x, y int, share float64) { got[[2]int{x, y}] = share })
		for y := range 16 {
			for x := range 20 {
				const n = 40
				hit := 0
				for i := range n * n {
					p := cells.XY{X: float64(x) + (float64(i%n)+.5)/n, Y: float64(y) + (float64(i/n)+.5)/n}
					if inside(ring, p) {
						hit++
					}
				}
				want := float64(hit) / n / n
				if d := math.Abs(got[[2]int{x, y}] - want); d > 0.02 {
					t.Fatalf("cell %d,%d is covered by %.3f, samples say %.3f", x, y, got[[2]int{x, y}], want)
				}
			}
		}
		left := 0
		r.Collect(func(int, int, float64) { left++ })
		if left > 0 {
			t.Fatal("the raster remembers what was collected")
		}
	}
}

func inside(ring []cells.XY, p cells.XY) bool {
	in := false
	for i, a := range ring {
		b := ring[(i+1)%len(ring)]
		if (a.Y > p.Y) != (b.Y > p.Y) && p.X < a.X+(p.Y-a.Y)/(b.Y-a.Y)*(b.X-a.X) {
			in = !in
		}
	}
	return in
}

// Whatever the set: the outlines hold each cell once, rings are simple, shells
// run counter-clockwise and holes clockwise.
func TestTrace(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 2))
	for round := range 400 {
		var set []cells.Cell
		in := map[cells.Cell]bool{}
		for range 5 + rng.IntN(60) {
			c := cells.Cell{X: int32(rng.IntN(9)) - 4, Y: int32(rng.IntN(9)) - 4}
			set = append(set, c)
			in[c] = true
		}
		polygons := cells.Trace(set)
		area := int64(0)
		for _, p := range polygons {
			for k, r := range p {
				a := area2(r)
				if (a > 0) != (k == 0) {
					t.Fatalf("round %d: ring %d of a polygon has area %d", round, k, a)
				}
				area += a
				seen := map[cells.Cell]bool{}
				for _, v := range r[1:] {
					if seen[v] {
						t.Fatalf("round %d: a ring meets corner %v twice", round, v)
					}
					seen[v] = true
				}
			}
		}
		if area != int64(2*len(in)) {
			t.Fatalf("round %d: %d cells, outlines hold %d halves", round, len(in), area)
		}
		for x := int32(-5); x < 6; x++ {
			for y := int32(-5); y < 6; y++ {
				n := 0
				for _, p := range polygons {
					if polygonHolds(p, x, y) {
						n++
					}
				}
				if (n == 1) != in[cells.Cell{X: x, Y: y}] || n > 1 {
					t.Fatalf("round %d: cell %d,%d lies in %d polygons", round, x, y, n)
				}
			}
		}
	}
}

func area2(r []cells.Cell) int64 {
	s := int64(0)
	for i := 1; i < len(r); i++ {
		s += int64(r[i-1].X)*int64(r[i].Y) - int64(r[i].X)*int64(r[i-1].Y)
	}
	return s
}

func polygonHolds(p [][]cells.Cell, x, y int32) bool {
	in := false
	for _, r := range p {
		var ring []cells.XY
		for _, v := range r[1:] {
			ring = append(ring, cells.XY{X: float64(v.X), Y: float64(v.Y)})
		}
		if inside(ring, cells.XY{X: float64(x) + .5, Y: float64(y) + .5}) {
			in = !in
		}
	}
	return in
}

// The shares must be what cutting the polygon at each cell's sides gives, to the
// rounding of floating point: for any ring, also one that crosses itself, with
// vertices on the grid's lines and beyond the window.
func TestRasterExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 1))
	for round := range 300 {
		const w, h = 9, 7
		var ring []cells.XY
		for range 3 + rng.IntN(9) {
			p := cells.XY{X: rng.Float64()*15 - 3, Y: rng.Float64()*13 - 3}
			if rng.IntN(3) == 0 {
				p = cells.XY{X: math.Round(p.X), Y: math.Round(p.Y*2) / 2}
			}
			ring = append(ring, p)
		}
		r := cells.NewRaster(w, h)
		r.Ring(ring)
		var got [h][w]float64
		r.Collect(func(x, y int, share float64) { got[y][x] = share })
		for y := range h {
			for x := range w {
				want := min(math.Abs(cutArea(ring, float64(x), float64(y))), 1)
				if math.Abs(got[y][x]-want) > 2e-9 {
					t.Fatalf("round %d: cell %d,%d is covered by %.12f, cutting gives %.12f\n%v", round, x, y, got[y][x], want, ring)
				}
			}
		}
	}
}

// cutArea cuts a ring at the four sides of a cell (Sutherland and Hodgman 1974)
// and returns its signed area there.
func cutArea(ring []cells.XY, x, y float64) float64 {
	for _, side := range [4]struct{ a, b, c float64 }{{1, 0, -x}, {-1, 0, x + 1}, {0, 1, -y}, {0, -1, y + 1}} {
		d := func(p cells.XY) float64 { return side.a*p.X + side.b*p.Y + side.c }
		var out []cells.XY
		for i, p := range ring {
			q := ring[(i+1)%len(ring)]
			if d(p) >= 0 {
				out = append(out, p)
			}
			if (d(p) > 0 && d(q) < 0) || (d(p) < 0 && d(q) > 0) {
				s := d(p) / (d(p) - d(q))
				out = append(out, cells.XY{X: p.X + s*(q.X-p.X), Y: p.Y + s*(q.Y-p.Y)})
			}
		}
		ring = out
	}
	sum := 0.0
	for i, p := range ring {
		q := ring[(i+1)%len(ring)]
		sum += p.X*q.Y - q.X*p.Y
	}
	return sum / 2
}
