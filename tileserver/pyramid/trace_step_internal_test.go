package pyramid

import (
	"math/rand/v2"
	"testing"

	"gengtu/tileserver/mvt"
)

// Steps move no ground from class to class: of blots of every coarseness, with patches,
// each class is drawn with all units of its cells and patches, in valid rings, and steps
// there are.
func TestSteps(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 9))
	d := &tracer{}
	for _, size := range []int{1, 2, 3, 7} {
		var want [4]int64
		var blots [traceSide * traceSide]int
		for i := range blots {
			blots[i] = r.IntN(4)
		}
		cellOf := func(i int) *uint16 { return &d.cells[traceFirst+i/traceSide*traceRow+i%traceSide] }
		for i := range blots {
			// The blots' borders are ragged.
			x, y := (i%traceSide+r.IntN(2))/size, (i/traceSide+r.IntN(2))/size
			blot := blots[min(y, traceSide-1)*traceSide+min(x, traceSide-1)]
			*cellOf(i) = uint16(blot)
			want[blot] += wholeUnits
		}
		var patches []patch
		has := map[int32]bool{}
		for i := range blots {
			if r.IntN(40) == 0 {
				p := patch{x: int32(i % traceSide), y: int32(i / traceSide), units: 1 + r.Int32N(patchMost), holder: uint16(r.IntN(4))}
				if p.holder == *cellOf(i) {
					continue
				}
				patches = append(patches, p)
				has[int32(i)] = true
				want[*cellOf(i)] -= int64(p.units)
				want[p.holder] += int64(p.units)
			}
		}
		slopes := 0
		for k, polygons := range d.trace(patches, 3) {
			got := int64(0)
			for _, p := range polygons {
				for _, ring := range p {
					got += ring.Area2()
					slopes += d.slopes(t, ring, has)
				}
			}
			if got != 2*want[k+1] {
				t.Errorf("size %d: class %d has %d half units of %d", size, k+1, got, 2*want[k+1])
			}
			data, err := mvt.Append(nil, &mvt.Layer{Name: "a", Features: []mvt.Feature{{Polygons: polygons}}})
			if err == nil {
				err = mvt.Validate(data)
			}
			if err != nil {
				t.Errorf("size %d: class %d: %v", size, k+1, err)
			}
		}
		if slopes == 0 {
			t.Errorf("size %d: no step is drawn as a slope", size)
		}
	}
}

// slopes counts the slopes of r, half a cell each, and looks that none runs through a cell
// that has a patch.
func (d *tracer) slopes(t *testing.T, r mvt.Ring, has map[int32]bool) (n int) {
	for i, a := range r {
		b := r[(i+1)%len(r)]
		if a.X == b.X || a.Y == b.Y {
			continue
		}
		dx, dy := (b.X-a.X)/max(b.X-a.X, a.X-b.X), (b.Y-a.Y)/max(b.Y-a.Y, a.Y-b.Y)
		for ; a != b; a.X, a.Y = a.X+halfCell*dx, a.Y+halfCell*dy {
			x, y := a.X+halfCell/2*dx+marginUnits, a.Y+halfCell/2*dy+marginUnits
			if n++; has[y/cellUnits*traceSide+x/cellUnits] {
				t.Errorf("a slope runs through the patch at %d %d", x, y)
			}
		}
	}
	return n
}
