package pyramid_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"gengtu/index/geo"
	"gengtu/tileserver/pyramid"
	"gengtu/tileserver/tile"
)

// Tiles that are not dirty keep their bytes, whatever became of a feature.
func TestDirtyTiles(t *testing.T) {
	const parcelZoom, from, to = 15, 11, 15
	before := landscape(3600, 108.5, 34.2, 5)
	opt := pyramid.Options{MinZoom: from, MaxZoom: to, ParcelZoom: parcelZoom, ClassKey: "DLBM"}
	r := rand.New(rand.NewPCG(9, 1))
	kept := 0
	for _, g := range tile.Grids() {
		was, _ := build(t, g, newMemory("dltb", before), opt)
		for round := range 8 {
			k := r.IntN(len(before))
			after := slices.Clone(before)
			boxes := []geo.Box{after[k].Geometry.Box()}
			switch round % 3 {
			case 0:
				after = slices.Delete(after, k, k+1)
			case 1:
				after[k].Class = "0109"
			default:
				b := boxes[0]
				b.Max.Lon = b.Min.Lon + (b.Max.Lon-b.Min.Lon)/3
				after[k].Geometry = geo.MultiPolygon{b.Polygon()}
			}
			is, _ := build(t, g, newMemory("dltb", after), opt)
			for z := uint8(from); z <= to; z++ {
				dirty := pyramid.Dirty(g, z, parcelZoom, boxes)
				all := map[tile.Tile]bool{}
				for tl := range was {
					all[tl] = true
				}
				for tl := range is {
					all[tl] = true
				}
				for tl := range all {
					if tl.Z != z || slices.Contains(dirty, tl) {
						continue
					}
					kept++
					if !bytes.Equal(was[tl], is[tl]) {
						t.Errorf("%s, feature %d, round %d: %s is another tile and not dirty", g, k, round, tl)
					}
				}
			}
		}
	}
	if kept < 300 {
		t.Errorf("only %d tiles were clean", kept)
	}
}
