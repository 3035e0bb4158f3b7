package pyramidtest

import (
	"gengtu/tileserver/mvt"
	"gengtu/tileserver/tile"
)

// blockUnits is how far from a merged shape parcels may have gone into it: a block, the
// eighth part of a tile's side, is merged as a whole.
const blockUnits = mvt.Extent / 8

// region is a box on the plane of a grid.
type region struct{ low, high tile.World }

func (r region) meets(s region) bool {
	return r.low.X <= s.high.X && s.low.X <= r.high.X && r.low.Y <= s.high.Y && s.low.Y <= r.high.Y
}

// merged returns where tiles of a zoom of parcels show merged ground instead: the boxes
// of its polygons, grown by a block inside their tiles.
func (w *judging) merged() []region {
	var out []region
	for t, v := range w.views {
		o, unit := t.Origin(), tile.Span(t.Z)/mvt.Extent
		at := func(p mvt.Point) tile.World {
			x, y := max(0, min(p.X, mvt.Extent)), max(0, min(p.Y, mvt.Extent))
			return tile.World{X: o.X + float64(x)*unit, Y: o.Y + float64(y)*unit}
		}
		for _, f := range v.features {
			if f.ID != 0 {
				continue
			}
			for _, p := range f.Polygons {
				low, high := p[0][0], p[0][0]
				for _, q := range p[0] {
					low = mvt.Point{X: min(low.X, q.X), Y: min(low.Y, q.Y)}
					high = mvt.Point{X: max(high.X, q.X), Y: max(high.Y, q.Y)}
				}
				low, high = mvt.Point{X: low.X - blockUnits, Y: low.Y - blockUnits}, mvt.Point{X: high.X + blockUnits, Y: high.Y + blockUnits}
				out = append(out, region{at(low), at(high)})
			}
		}
	}
	return out
}
