package archive_test

import (
	"testing"

	"gengtu/tileserver/archive"
	"gengtu/tileserver/archive/archivetest"
	"gengtu/tileserver/tile"
)

// The numbers that the specification gives (clause 4.1.1, table).
func TestTileIDSpecified(t *testing.T) {
	for _, c := range []struct {
		z    uint8
		x, y uint32
		want uint64
	}{
		{0, 0, 0, 0}, {1, 0, 0, 1}, {1, 0, 1, 2}, {1, 1, 1, 3}, {1, 1, 0, 4}, {2, 0, 0, 5}, {12, 3423, 1763, 19078479},
	} {
		if got := archive.TileID(tile.Tile{Grid: tile.W, Z: c.z, X: c.x, Y: c.y}); got != c.want {
			t.Errorf("%d/%d/%d has number %d, want %d", c.z, c.x, c.y, got, c.want)
		}
	}
}

// In each zoom the numbers are a walk from tile to neighbouring tile that enters
// every tile once and goes from the north-west to the north-east; numbers come
// back to their tiles; and another way of reckoning agrees.
func TestTileIDWalks(t *testing.T) {
	id := uint64(0)
	for z := range uint8(10) {
		side := uint32(1) << z
		seen := make([]bool, side*side)
		var last tile.Tile
		for i := range side * side {
			at, ok := archive.TileOf(id)
			if !ok || at.Z != z || at.Grid != tile.W || seen[at.Y*side+at.X] {
				t.Fatalf("number %d is %s, %v", id, at, ok)
			}
			seen[at.Y*side+at.X] = true
			if dx, dy := int(at.X)-int(last.X), int(at.Y)-int(last.Y); i > 0 && dx*dx+dy*dy != 1 || i == 0 && (at.X != 0 || at.Y != 0) {
				t.Fatalf("the walk goes from %s to %s", last, at)
			}
			if got := archive.TileID(at); got != id {
				t.Fatalf("%s has number %d and %d", at, id, got)
			}
			if oz, ox, oy := archivetest.Address(id); oz != int(z) || ox != int(at.X) || oy != int(at.Y) {
				t.Fatalf("number %d is %s and %d/%d/%d", id, at, oz, ox, oy)
			}
			last = at
			id++
		}
		if last.X != side-1 || last.Y != 0 {
			t.Errorf("the walk of zoom %d ends at %s", z, last)
		}
	}
}

func FuzzTileID(f *testing.F) {
	f.Add(uint64(19078479))
	f.Add(uint64(1) << 63)
	f.Fuzz(func(t *testing.T, id uint64) {
		at, ok := archive.TileOf(id)
		z, x, y := archivetest.Address(id)
		if ok != (z <= tile.MaxZoom) {
			t.Fatalf("number %d: %v, zoom %d", id, ok, z)
		}
		if ok && (archive.TileID(at) != id || int(at.Z) != z || int(at.X) != x || int(at.Y) != y) {
			t.Fatalf("number %d is %s and %d/%d/%d", id, at, z, x, y)
		}
	})
}
