package pyramid

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// terrain makes the covers of 4 by 3 tiles: ground with lakes in which covered
// cells belong to one or two of several classes, by strips that run across, whose
// shares lack a rounding now and then; roads that nothing covers; and far from it
// all scattered bits.
type terrain struct {
	covers [12]*cover
	full   [3 * tileCells][4 * tileCells]bool // before roundings
	sum    [3 * tileCells][4 * tileCells]int64
}

func newTerrain(seed uint64, whole int64, classes int) *terrain {
	r := rand.New(rand.NewPCG(seed, 12))
	t := &terrain{}
	type lake struct{ x, y, r float64 }
	lakes := make([]lake, 40)
	for i := range lakes {
		lakes[i] = lake{r.Float64() * 4 * tileCells, r.Float64() * 3 * tileCells, 2 + 30*r.Float64()*r.Float64()}
	}
	for i := range t.covers {
		t.covers[i] = &cover{whole: whole}
		for k := range classes {
			t.covers[i].class(string(rune('a' + k))).count = 1
		}
	}
	round := int64(1) << ((bits.Len64(uint64(whole/wholeUnits)) - 1) / 2)
	for y := range t.full {
		for x := range t.full[y] {
			away := math.Hypot(float64(x)-2.1*tileCells, float64(y)-1.4*tileCells) - 1.2*tileCells // in cells from the shore
			for _, l := range lakes {
				if dx, dy := float64(x)-l.x, float64(y)-l.y; max(dx, -dx) < l.r+1 && max(dy, -dy) < l.r+1 {
					away = max(away, l.r-math.Hypot(dx, dy))
				}
			}
			if x%389 == 77 {
				away = max(away, 0.5)
			}
			v := int64(float64(whole) * max(0, min(1, 0.5-away)))
			if away > 90 && r.IntN(70) == 0 {
				v = r.Int64N(whole)
			}
			if v == 0 {
				continue
			}
			t.full[y][x] = v == whole
			at := 0.13*float64(x) + 0.04*float64(y)
			k, part := int(at)%classes, int64((at-math.Floor(at))*8*float64(v))
			c := t.covers[y/tileCells*4+x/tileCells]
			put := func(k int, v int64) {
				i := y%tileCells/blockCells*tileBlocks + x%tileCells/blockCells
				c.classes[k].block(i)[y%blockCells*blockCells+x%blockCells] += uint32(v)
				t.sum[y][x] += v
			}
			if part >= v || classes == 1 {
				put(k, v)
				continue
			}
			if part > 2*round && r.IntN(100) == 0 {
				v -= round
			}
			put(k, min(part, v))
			put((k+classes-1)%classes, v-min(part, v))
		}
	}
	return t
}

// around returns the tiles around that in the second row and column x.
func (t *terrain) around(x int) *neighbours {
	n := &neighbours{}
	for i := range n {
		// New covers, of which nothing is drawn.
		from := t.covers[i/3*4+x-1+i%3]
		n[i] = &cover{whole: from.whole, classes: from.classes}
	}
	return n
}

// What is covered all over, and around, is drawn all over, though the units that
// there are for a block or tract are rounded; units are left out at the edges. All
// units of each class are drawn. No cell is drawn alone in ground that is hardly
// covered while covered cells stay empty. A block is drawn the same in the middle
// of a tile's neighbours and at their side.
func TestDrawEdges(t *testing.T) {
	for seed, c := range []struct {
		whole   int64
		classes int
	}{{wholeUnits, 1}, {wholeUnits, 3}, {wholeUnits << 2, 5}, {wholeUnits << 12, 1}, {wholeUnits << 12, 3}} {
		t.Run(fmt.Sprintf("%d/%d", c.whole, c.classes), func(t *testing.T) {
			land := newTerrain(uint64(seed), c.whole, c.classes)
			d, here, next := new(drawer), land.around(1), land.around(2)
			deep, holes, lone := 0, 0, 0
			units := make([]int64, c.classes)
			for i := range tileBlocks * tileBlocks {
				s := d.sheet(here, 4, i)
				if i%tileBlocks == 0 {
					if diff := cmp.Diff(d.sheet(next, 4, i), d.sheet(here, 5, i), cmp.AllowUnexported(sheet{}, patch{})); diff != "" {
						t.Fatalf("whole %d, %d classes: block %d differs by the tile that shows it", c.whole, c.classes, i)
					}
				}
				if s == nil {
					s = &sheet{}
				}
				drawn := drawnUnits(s, units)
				x0, y0 := tileCells+i%tileBlocks*blockCells, tileCells+i/tileBlocks*blockCells
				empty := false // whether a covered cell is
				for cell, n := range drawn {
					x, y := x0+cell%blockCells, y0+cell/blockCells
					empty = empty || land.full[y][x] && n == 0
					if !land.deep(x, y) {
						continue
					}
					deep++
					if n < wholeUnits {
						holes++
					}
				}
				for cell, n := range drawn {
					if empty && n == wholeUnits && 2*land.sum[y0+cell/blockCells][x0+cell%blockCells] < c.whole && alone(drawn, cell) {
						lone++
					}
				}
			}
			if holes > 0 || lone > 0 {
				t.Errorf("whole %d, %d classes: %d of %d cells amid covered ground are not whole, %d are alone", c.whole, c.classes, holes, deep, lone)
			}
			if deep < tileCells*tileCells/3 {
				t.Errorf("only %d cells amid covered ground", deep)
			}
			for k, class := range here[4].classes {
				sum := int64(0)
				for _, b := range class.blocks {
					sum += b.total()
				}
				if off := float64(units[k]) - float64(sum)/float64(c.whole/wholeUnits); math.Abs(off) >= 1 {
					t.Errorf("whole %d: class %d is off by %.3f units", c.whole, k, off)
				}
			}
		})
	}
}

// deep tells whether a cell and all beside it are covered.
func (t *terrain) deep(x, y int) bool {
	for v := y - 1; v <= y+1; v++ {
		for u := x - 1; u <= x+1; u++ {
			if !t.full[v][u] {
				return false
			}
		}
	}
	return true
}

// drawnUnits returns how many units of each cell are drawn, and adds each class's
// to units.
func drawnUnits(s *sheet, units []int64) (drawn [blockCells * blockCells]int64) {
	for cell, k := range s.owner {
		if k > 0 {
			drawn[cell] = wholeUnits
			units[k-1] += wholeUnits
		}
	}
	for _, p := range s.patches {
		cell := int(p.y)*blockCells + int(p.x)
		if k := s.owner[cell]; k > 0 {
			drawn[cell] -= int64(p.units)
			units[k-1] -= int64(p.units)
		}
		if p.holder > 0 {
			drawn[cell] += int64(p.units)
			units[p.holder-1] += int64(p.units)
		}
	}
	return drawn
}

// alone tells whether nothing is drawn beside a cell in its block.
func alone(drawn [blockCells * blockCells]int64, cell int) bool {
	x, y := cell%blockCells, cell/blockCells
	for v := max(y-1, 0); v <= min(y+1, blockCells-1); v++ {
		for u := max(x-1, 0); u <= min(x+1, blockCells-1); u++ {
			if (u != x || v != y) && drawn[v*blockCells+u] > 0 {
				return false
			}
		}
	}
	return true
}

func BenchmarkDraw(b *testing.B) {
	land := newTerrain(1, wholeUnits<<2, 3)
	d := new(drawer)
	for b.Loop() {
		if _, err := d.draw(land.around(1), telling{classKey: "DLBM"}); err != nil {
			b.Fatal(err)
		}
	}
}
