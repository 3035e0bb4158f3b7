package pyramid

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"gengtu/tileserver/tile"
)

// convex is a convex polygon, its corners in cells of a tile.
type convex [][2]float64

func (c convex) area() float64 {
	sum := 0.0
	for i, a := range c {
		b := c[(i+1)%len(c)]
		sum += a[0]*b[1] - b[0]*a[1]
	}
	return math.Abs(sum) / 2
}

// cut returns what of c lies inside b, by b's half planes one after the other.
func (c convex) cut(b convex) convex {
	for i := range b {
		p, q := b[i], b[(i+1)%len(b)]
		side := func(v [2]float64) float64 { return (q[0]-p[0])*(v[1]-p[1]) - (q[1]-p[1])*(v[0]-p[0]) }
		var out convex
		for j := range c {
			u, v := c[j], c[(j+1)%len(c)]
			su, sv := side(u), side(v)
			if su >= 0 {
				out = append(out, u)
			}
			if su > 0 && sv < 0 || su < 0 && sv > 0 {
				k := su / (su - sv)
				out = append(out, [2]float64{u[0] + k*(v[0]-u[0]), u[1] + k*(v[1]-u[1])})
			}
		}
		c = out
	}
	return c
}

// union is the area that regions cover inside c, by inclusion and exclusion.
func (c convex) union(regions []convex) float64 {
	sum := 0.0
	for i, r := range regions {
		if part := c.cut(r); len(part) > 2 {
			sum += part.area() - part.union(regions[:i])
		}
	}
	return sum
}

// quadrangle makes a convex polygon of about a size around a place, running
// clockwise as y grows south.
func quadrangle(r *rand.Rand, x, y, size float64) convex {
	turn := r.Float64() * 2 * math.Pi
	var c convex
	for i := range 4 {
		a := turn + float64(i)*math.Pi/2 + r.Float64()*0.5
		c = append(c, [2]float64{x + size*math.Cos(a), y + size*math.Sin(a)})
	}
	return c
}

// What features cover of each cell is what clipping says, ground counted once and
// for the lowest id: up to the unit that rounding carries along.
func TestCoverAgainstClipping(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 3))
	at := tile.Tile{Grid: tile.C, Z: 12, X: 3000, Y: 700}
	var shapes []convex
	var features []*loaded
	add := func(c convex) {
		f := &loaded{Feature: Feature{ID: uint64(len(shapes) + 1), Class: string(rune('a' + r.IntN(3)))}}
		for _, p := range c {
			f.points = append(f.points, tile.World{X: (float64(at.X) + p[0]/tileCells) / (1 << 12), Y: (float64(at.Y) + p[1]/tileCells) / (1 << 12)})
		}
		f.ends = []int{len(f.points)}
		shapes, features = append(shapes, c), append(features, f)
	}
	for range 60 {
		// Clusters that overlap, some beyond the tile's sides, with slivers.
		x, y := r.Float64()*520-4, r.Float64()*520-4
		c := quadrangle(r, x, y, 2+r.Float64()*6)
		add(c)
		add(quadrangle(r, x+r.Float64()*4, y+r.Float64()*4, 1+r.Float64()*4))
		sliver := slices.Clone(c)
		for i := range sliver {
			sliver[i][0] += 0.03
		}
		add(sliver)
		add(convex{{math.Floor(x), math.Floor(y)}, {math.Floor(x) + 3, math.Floor(y)}, {math.Floor(x) + 3, math.Floor(y) + 2.5}, {math.Floor(x), math.Floor(y) + 2.5}})
	}
	c := new(raster).cover(at, features)
	slices.SortFunc(features, func(a, b *loaded) int { return cmp.Compare(a.ID, b.ID) })
	ahead := map[string]float64{}
	checked, shared := 0, 0
	for i := range tileBlocks * tileBlocks {
		for cell := range blockCells * blockCells {
			x, y := float64(i%tileBlocks*blockCells+cell%blockCells), float64(i/tileBlocks*blockCells+cell/blockCells)
			square := convex{{x, y}, {x + 1, y}, {x + 1, y + 1}, {x, y + 1}}
			var here []convex
			var classes []string
			for n, s := range shapes {
				if near(s, x, y) && len(square.cut(s)) > 2 {
					here, classes = append(here, s), append(classes, features[n].Class)
				}
			}
			before := 0.0
			for n, k := range classes {
				u := square.union(here[:n+1])
				ahead[k] -= (u - before) * wholeUnits
				before = u
			}
			if len(here) > 1 {
				shared++
			}
			for _, k := range c.classes {
				if b := k.blocks[i]; b != nil {
					ahead[k.name] += float64(b[cell])
				}
				// The rounding of shares adds up to a little over a whole tile.
				if math.Abs(ahead[k.name]) > 1.3 {
					t.Fatalf("cell %v, %v: class %s is off by %.3f units", x, y, k.name, ahead[k.name])
				}
			}
			checked += len(here)
		}
	}
	if checked < 5000 || shared < 500 {
		t.Errorf("only %d parts in cells, %d shared ones", checked, shared)
	}
}

func near(c convex, x, y float64) bool {
	for _, p := range c {
		if math.Abs(p[0]-x) < 20 && math.Abs(p[1]-y) < 20 {
			return true
		}
	}
	return false
}

// Whether a feature is known to be alone makes no difference.
func TestCoverKnowsNoAlone(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 9))
	at := tile.Tile{Grid: tile.W, Z: 12, X: 3280, Y: 1630}
	var want []byte
	for _, alone := range []bool{false, true} {
		var features []*loaded
		for i := range 400 {
			x, y := float64(i%20)*25.6+r.Float64()*0, float64(i/20)*25.6
			f := &loaded{Feature: Feature{ID: uint64(i + 1), Class: "a", Alone: alone && i%3 > 0}}
			for _, p := range [][2]float64{{x, y + 0.3}, {x + 25.6, y + 0.1*float64(i%7)}, {x + 25.6, y + 20}, {x + 3.3, y + 21.7}} {
				f.points = append(f.points, tile.World{X: (float64(at.X) + p[0]/tileCells) / (1 << 12), Y: (float64(at.Y) + p[1]/tileCells) / (1 << 12)})
			}
			f.ends = []int{4}
			features = append(features, f)
		}
		got := new(raster).cover(at, features).encode()
		if want == nil {
			want = got
		}
		if string(got) != string(want) {
			t.Error("other cells when features are known to be alone")
		}
	}
}

// A cover four times as fine sums to the same, whatever the order of its quarters.
func TestCoverAdd(t *testing.T) {
	for _, whole := range []int64{wholeUnits, wholeUnits << 10, wholeMost} {
		a, b := &cover{}, &cover{}
		for _, q := range []int{0, 1, 2, 3} {
			a.add(random(uint64(q), whole, 2), q)
			b.add(random(uint64(3-q), whole, 2), 3-q)
		}
		if d := same(a, b); d != "" {
			t.Errorf("whole %d: %s", whole, d)
		}
		for i, k := range a.classes {
			sum, want := int64(0), int64(0)
			for _, x := range k.blocks {
				sum += x.total()
			}
			for q := range uint64(4) {
				for _, x := range random(q, whole, 2).classes[i].blocks {
					want += x.total()
				}
			}
			if whole == wholeMost {
				want /= 4
			}
			if off := sum - want; off < 0 || off > tileCells*tileCells || whole < wholeMost && off != 0 {
				t.Errorf("whole %d: sum %d, want %d", whole, sum, want)
			}
		}
	}
}

// Hundreds of features over each other take no more time than their cells, and no
// more ground than there is.
func TestCoverPile(t *testing.T) {
	at := tile.Tile{Grid: tile.W, Z: 12, X: 3280, Y: 1630}
	var features []*loaded
	for i := range 1000 {
		f := &loaded{Feature: Feature{ID: uint64(i + 1), Class: string(rune('a' + i%3))}}
		for _, p := range [][2]float64{{100.25, 100.5}, {140, 101.5}, {139.5, 120}, {101, 122.5}} {
			f.points = append(f.points, tile.World{X: (float64(at.X) + p[0]/tileCells) / (1 << 12), Y: (float64(at.Y) + (p[1]+float64(i%2)*0.1)/tileCells) / (1 << 12)})
		}
		f.ends = []int{4}
		features = append(features, f)
	}
	begin := time.Now()
	c := new(raster).cover(at, features)
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
	for i := range tileBlocks * tileBlocks {
		for cell := range blockCells * blockCells {
			sum := uint32(0)
			for _, k := range c.classes {
				if b := k.blocks[i]; b != nil {
					sum += b[cell]
				}
			}
			if sum > wholeUnits {
				t.Fatalf("cell %d of block %d has %d units", cell, i, sum)
			}
		}
	}
}

// The least keys come first, whatever their order was.
func TestLeastFirst(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		keys := make([]key, 1+r.IntN(64))
		for i, v := range r.Perm(len(keys)) {
			keys[i] = newKey(int64(v/(1+r.IntN(3))), 0, i)
		}
		n := r.IntN(len(keys) + 1)
		want := slices.Sorted(slices.Values(keys))[:n]
		leastFirst(keys, n)
		if got := slices.Sorted(slices.Values(keys[:n])); !slices.Equal(got, want) {
			t.Fatalf("%d of %d keys: %v, want %v", n, len(keys), got, want)
		}
	}
}
