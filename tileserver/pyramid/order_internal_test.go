package pyramid

import (
	"testing"

	"gengtu/tileserver/mvt"
)

// The curve goes through every square once, from each to one beside it, and
// through the four quarters one after another.
func TestAlong(t *testing.T) {
	for _, bits := range []int{1, 2, 5, 8} {
		side := uint32(1) << bits
		at := map[uint64][2]uint32{}
		for y := range side {
			for x := range side {
				d := along(bits, x, y)
				if _, twice := at[d]; twice || d >= uint64(side)*uint64(side) {
					t.Fatalf("%d bits: %d, %d has the number %d", bits, x, y, d)
				}
				at[d] = [2]uint32{x, y}
				if bits > 1 && along(bits-1, x/2, y/2) != 0 && d < 4 {
					t.Fatalf("%d, %d is among the first", x, y)
				}
			}
		}
		for d := uint64(1); d < uint64(len(at)); d++ {
			a, b := at[d-1], at[d]
			if dx, dy := int(a[0])-int(b[0]), int(a[1])-int(b[1]); dx*dx+dy*dy != 1 {
				t.Fatalf("%d bits: %v is followed by %v", bits, a, b)
			}
			if d%4 != 0 && (a[0]/2 != b[0]/2 || a[1]/2 != b[1]/2) {
				t.Fatalf("%d bits: %v and %v are of two quarters", bits, a, b)
			}
		}
	}
}

// Features of one unit keep their order.
func TestSpaceOrder(t *testing.T) {
	at := func(id uint64, x, y int32) mvt.Feature {
		return mvt.Feature{ID: id, Polygons: []mvt.Polygon{{{{X: x, Y: y}}}}}
	}
	in := []mvt.Feature{at(9, 4000, 10), at(8, 10, 10), at(7, 10, 10), at(6, -64, -64), at(5, 10, 4000)}
	got := new(spaceOrder).order(in)
	for i, id := range []uint64{6, 8, 7, 9, 5} {
		if got[i].ID != id {
			t.Errorf("feature %d is %d, want %d", i, got[i].ID, id)
		}
	}
}
