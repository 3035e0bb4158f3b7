package pyramid

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gengtu/tileserver/mvt"
	"gengtu/tileserver/tile"
)

// The oracle works in quarters of a unit, so that corners come to lie on pixels'
// sides and corners as often as inside them.
type quarter struct{ x, y int64 }

// rings are those of one feature: what an odd number of them surrounds.
type rings [][]quarter

// testTile is far from the grid's corner, so that places in it are no small numbers.
var testTile = tile.Tile{Grid: tile.W, Z: 14, X: 13000, Y: 6500}

// place makes features of rings around the unit x, y of testTile.
func place(list []rings, x, y int64) []*loaded {
	var out []*loaded
	for i, f := range list {
		l := &loaded{Feature: Feature{ID: uint64(i + 1)}}
		for _, r := range f {
			for _, p := range r {
				at := func(n uint32, v int64) float64 {
					return math.Ldexp(float64((int64(n)*mvt.Extent*4)+v), -14-12-2)
				}
				l.points = append(l.points, tile.World{X: at(testTile.X, 4*x+p.x), Y: at(testTile.Y, 4*y+p.y)})
			}
			l.ends = append(l.ends, len(l.points))
		}
		l.min, l.max = l.points[0], l.points[0]
		for _, p := range l.points {
			l.min = tile.World{X: min(l.min.X, p.X), Y: min(l.min.Y, p.Y)}
			l.max = tile.World{X: max(l.max.X, p.X), Y: max(l.max.Y, p.Y)}
		}
		out = append(out, l)
	}
	return out
}

// hotPixels are those of all corners and crossings, found pair by pair.
func hotPixels(list []rings) map[quarter]bool {
	var edges [][2]quarter
	hot := map[quarter]bool{}
	floor := func(a, b int64) int64 { return int64(math.Floor(float64(a) / float64(b))) }
	for _, f := range list {
		for _, r := range f {
			for i, a := range r {
				if b := r[(i+1)%len(r)]; a != b {
					hot[quarter{floor(a.x+2, 4), floor(a.y+2, 4)}] = true
					edges = append(edges, [2]quarter{a, b})
				}
			}
		}
	}
	area := func(a, b, c quarter) int64 { return (b.x-a.x)*(c.y-a.y) - (c.x-a.x)*(b.y-a.y) }
	for i, e := range edges {
		for _, f := range edges[i+1:] {
			d, d2 := area(f[0], f[1], e[0]), area(f[0], f[1], e[1])
			if d*d2 < 0 && area(e[0], e[1], f[0])*area(e[0], e[1], f[1]) < 0 {
				w := d - d2
				if w < 0 {
					d, w = -d, -w
				}
				at := func(a, b int64) int64 {
					n := (a+2)*w + (b-a)*d // times w: the crossing, half a unit added
					k := floor(n, 4*w)
					for ; k*4*w > n; k-- {
					}
					for ; (k+1)*4*w <= n; k++ {
					}
					return k
				}
				hot[quarter{at(e[0].x, e[1].x), at(e[0].y, e[1].y)}] = true
			}
		}
	}
	return hot
}

// bent are the rings of f in whole units after bending every edge to every hot
// pixel that it has a point in.
func bent(f rings, hot map[quarter]bool) rings {
	// A pixel ends a millionth of a quarter before its east and south sides.
	const fine = 1 << 20
	meets := func(a, b, c quarter) bool {
		l, t, r, s := (4*c.x-2)*fine, (4*c.y-2)*fine, (4*c.x+2)*fine-1, (4*c.y+2)*fine-1
		ax, ay, bx, by := a.x*fine, a.y*fine, b.x*fine, b.y*fine
		if max(ax, bx) < l || min(ax, bx) > r || max(ay, by) < t || min(ay, by) > s {
			return false
		}
		low, high := int64(math.MaxInt64), int64(math.MinInt64)
		for _, p := range [4][2]int64{{l, t}, {r, t}, {l, s}, {r, s}} {
			v := (bx-ax)*(p[1]-ay) - (p[0]-ax)*(by-ay)
			low, high = min(low, v), max(high, v)
		}
		return low <= 0 && high >= 0
	}
	var out rings
	for _, r := range f {
		var chain []quarter
		for i, a := range r {
			b := r[(i+1)%len(r)]
			var on []quarter
			for p := range hot {
				if meets(a, b, p) {
					on = append(on, p)
				}
			}
			way := func(p quarter) int64 { return p.x*(b.x-a.x) + p.y*(b.y-a.y) }
			slices.SortFunc(on, func(p, q quarter) int { return cmp.Compare(way(p), way(q)) })
			chain = append(chain, on...)
		}
		out = append(out, chain)
	}
	return out
}

// odd tells whether an odd number of rings surround x, y.
func odd(f rings, x, y float64) bool {
	in := false
	for _, r := range f {
		for i, a := range r {
			b := r[(i+1)%len(r)]
			if (float64(a.y) > y) != (float64(b.y) > y) && x < float64(a.x)+(y-float64(a.y))*float64(b.x-a.x)/float64(b.y-a.y) {
				in = !in
			}
		}
	}
	return in
}

// drawnRings are the rings of what a tile shows, around unit x, y.
func drawnRings(f mvt.Feature, x, y int32) (out rings) {
	for _, p := range f.Polygons {
		for _, r := range p {
			var ring []quarter
			for _, v := range r {
				ring = append(ring, quarter{int64(v.X - x), int64(v.Y - y)})
			}
			out = append(out, ring)
		}
	}
	return out
}

// checkOwners compares what a snapper draws of list with the oracle, in places
// that lie on no line between whole units.
func checkOwners(t *testing.T, s *snapper, list []rings, size int) {
	t.Helper()
	const x, y = 1000, 2000
	drawn, _ := s.tile(testTile, place(list, x, y))
	data, err := mvt.Append(nil, &mvt.Layer{Name: "a", Features: drawn})
	if err != nil {
		t.Fatal(err)
	}
	if err := mvt.Validate(data); err != nil {
		t.Fatalf("%v: %v", list, err)
	}
	hot := hotPixels(list)
	var want, got []rings
	thin := map[int]bool{}
	for i, f := range list {
		want = append(want, bent(f, hot))
		got = append(got, nil)
		for _, n := range s.cutter.thin {
			thin[i] = thin[i] || int(n) == i
		}
	}
	for _, f := range drawn {
		got[f.ID-1] = drawnRings(f, x, y)
	}
	for j := -2; j < 2*size+4; j++ {
		for i := -2; i < 2*size+4; i++ {
			px, py := float64(i)/2+0.2113249, float64(j)/2+0.1381966
			owner, shown := -1, -1
			for k := range list {
				if owner < 0 && odd(want[k], px, py) {
					owner = k
				}
				if odd(got[k], px, py) {
					if shown >= 0 {
						t.Fatalf("%v: %f, %f is drawn as %d and %d", list, px, py, shown, k)
					}
					shown = k
				}
			}
			// Squares of thin features stand on ground that is nobody's.
			if owner != shown && (owner >= 0 || !thin[shown]) {
				t.Fatalf("%v: %f, %f is drawn as %d, belongs to %d", list, px, py, shown, owner)
			}
		}
	}
}

// randomRings makes features of all kinds on a grid of quarters: rings that cross
// themselves and each other, holes, corners that they share, corners on others'
// edges, and long thin ones.
func randomRings(r *rand.Rand, size int) []rings {
	var pool []quarter
	point := func() quarter {
		if n := len(pool); n > 0 && r.IntN(3) == 0 {
			return pool[r.IntN(n)]
		}
		p := quarter{r.Int64N(int64(4 * size)), r.Int64N(int64(4 * size))}
		if n := len(pool); n > 1 && r.IntN(4) == 0 {
			a, b := pool[r.IntN(n)], pool[r.IntN(n)]
			p = quarter{(a.x + b.x) / 2, (a.y + b.y) / 2}
		}
		pool = append(pool, p)
		return p
	}
	var list []rings
	for range 1 + r.IntN(6) {
		var f rings
		for range 1 + r.IntN(2) {
			var ring []quarter
			for range 3 + r.IntN(6) {
				ring = append(ring, point())
			}
			f = append(f, ring)
		}
		list = append(list, f)
	}
	return list
}

// The ground of every tile belongs to the first feature that covers it after
// snap rounding, as an oracle has it that looks at all pairs, pixels and places.
func TestSnapOwners(t *testing.T) {
	s := &snapper{}
	for seed := range uint64(1500) {
		r := rand.New(rand.NewPCG(seed, 4))
		size := 3 + r.IntN(12)
		checkOwners(t, s, randomRings(r, size), size)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func FuzzSnapOwners(f *testing.F) {
	f.Add([]byte{0, 0, 20, 0, 20, 20, 0, 20, 255, 5, 5, 30, 5, 5, 30})
	f.Add([]byte{2, 2, 18, 2, 10, 19, 254, 8, 8, 12, 8, 10, 12, 255, 2, 2, 10, 19, 0, 30})
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 100 {
			return
		}
		// 254 begins a ring, 255 a feature, other bytes are coordinates.
		list := []rings{{nil}}
		for i := 0; i+1 < len(data); i += 2 {
			last := len(list) - 1
			switch data[i] {
			case 255:
				list = append(list, rings{nil})
				i--
			case 254:
				list[last] = append(list[last], nil)
				i--
			default:
				k := len(list[last]) - 1
				list[last][k] = append(list[last][k], quarter{int64(data[i] % 48), int64(data[i+1] % 48)})
			}
		}
		for i := range list {
			list[i] = slices.DeleteFunc(list[i], func(r []quarter) bool { return len(r) < 3 })
		}
		list = slices.DeleteFunc(list, func(f rings) bool { return len(f) == 0 })
		if len(list) > 0 {
			checkOwners(t, &snapper{}, list, 12)
		}
	})
}

// scan returns, for the middle of each row of units in [low, high), where the
// borders of what is drawn pass it, as "id x" with x as a fraction, or with turned
// the same for columns; only between from and to.
func scan(drawn []mvt.Feature, turned bool, from, to, low, high int32) map[string]int {
	out := map[string]int{}
	for _, f := range drawn {
		for _, p := range f.Polygons {
			for _, ring := range p {
				for i, a := range ring {
					b := ring[(i+1)%len(ring)]
					if turned {
						a, b = mvt.Point{X: a.Y, Y: a.X}, mvt.Point{X: b.Y, Y: b.X}
					}
					for y := max(min(a.Y, b.Y), low); y < min(max(a.Y, b.Y), high); y++ {
						// x = a.X + (2y+1-2a.Y)·(b.X-a.X)/(2·(b.Y-a.Y))
						n := int64(2*y+1-2*a.Y)*int64(b.X-a.X) + int64(a.X-from)*2*int64(b.Y-a.Y)
						d := 2 * int64(b.Y-a.Y)
						if d < 0 {
							n, d = -n, -d
						}
						if n > 0 && n < int64(to-from)*d {
							g := gcd(n, d)
							out[fmt.Sprintf("%d: %d %d/%d", f.ID, y-low, n/g, d/g)]++
						}
					}
				}
			}
		}
	}
	return out
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// checkMargins compares what two tiles, the second beside or below the first,
// show of the strip that both do: exactly the same, line by line.
func checkMargins(t *testing.T, here, there []mvt.Feature, below bool) (lines int) {
	t.Helper()
	const e, m = mvt.Extent, marginUnits
	if here == nil || there == nil {
		return 0 // a tile with nothing but its margin is not made
	}
	for _, turned := range []bool{false, true} {
		a := [4]int32{e - m, e + m, -m, e + m} // from, to across the border; low, high along it
		b := [4]int32{-m, m, -m, e + m}
		if turned != below { // rows run along the border
			a = [4]int32{a[2], a[3], a[0], a[1]}
			b = [4]int32{b[2], b[3], b[0], b[1]}
		}
		first := scan(here, turned, a[0], a[1], a[2], a[3])
		second := scan(there, turned, b[0], b[1], b[2], b[3])
		wrong := 0
		for k, n := range first {
			if second[k] != n {
				wrong++
			}
		}
		for k, n := range second {
			if first[k] != n {
				wrong++
			}
		}
		if wrong > 0 {
			t.Errorf("below %t, turned %t: %d of %d places differ", below, turned, wrong, len(first))
		}
		lines += len(first)
	}
	return lines
}

// Where a random crowd of features lies across the borders and the corner of
// tiles, every tile shows what its neighbours show, thin features too.
func TestSnapMargins(t *testing.T) {
	s := &snapper{}
	right, below := testTile, testTile
	right.X++
	below.Y++
	lines := 0
	for seed := range uint64(1200) {
		r := rand.New(rand.NewPCG(seed, 9))
		var list []rings
		for range 1 + r.IntN(16) {
			var ring []quarter
			spread := int64(8) << r.IntN(10)
			cx, cy := r.Int64N(1600)-800, r.Int64N(1600)-800
			if seed%2 == 0 {
				// Where margins end: what lies just beyond the line bends edges within.
				spread = 4 + r.Int64N(24)
				cx, cy = r.Int64N(2)*2*4*marginUnits-4*marginUnits+r.Int64N(7)-3, -r.Int64N(2)*80-r.Int64N(20)
				if seed%4 == 0 {
					cx, cy = cy, cx
				}
			}
			for range 3 + r.IntN(6) {
				ring = append(ring, quarter{cx + r.Int64N(spread) - spread/2, cy + r.Int64N(spread) - spread/2})
			}
			list = append(list, rings{ring})
		}
		// So that none of the tiles is empty.
		for _, p := range []quarter{{-2000, -2000}, {2000, -2000}, {-2000, 2000}} {
			list = append(list, rings{{p, {p.x + 40, p.y}, {p.x, p.y + 40}}})
		}
		// Around the corner that the tile shares with those beside and below it.
		features := place(list, mvt.Extent, mvt.Extent)
		show := func(tl tile.Tile) []mvt.Feature {
			var here []*loaded
			for _, f := range features {
				if f.reaches(tl) {
					here = append(here, f)
				}
			}
			drawn, _ := s.tile(tl, here)
			return copied(drawn)
		}
		main := show(testTile)
		lines += checkMargins(t, main, show(right), false)
		lines += checkMargins(t, main, show(below), true)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if lines < 100_000 {
		t.Errorf("only %d places compared", lines)
	}
}

// copied takes features out of the snapper's memory.
func copied(in []mvt.Feature) (out []mvt.Feature) {
	for _, f := range in {
		var polygons []mvt.Polygon
		for _, p := range f.Polygons {
			var q mvt.Polygon
			for _, r := range p {
				q = append(q, slices.Clone(r))
			}
			polygons = append(polygons, q)
		}
		f.Polygons = polygons
		out = append(out, f)
	}
	return out
}
