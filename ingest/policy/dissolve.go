package policy

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"gengtu/index"
	"gengtu/index/cells"
	"gengtu/index/geo"
)

// dissolve writes the ground that the layer covers, without features' borders, ids or
// attributes: one feature for each part that hangs together inside a square of
// 1<<dissolveShift cells a side and a place of as many digits as the policy tells, so that
// ground can be summed up by place.
func (d *derivation) dissolve(ctx context.Context, l *index.Layer, rule Layer, w *index.LayerWriter) error {
	owned, err := d.cover(ctx, l, d.byPlace(l), rule)
	if err != nil {
		return err
	}
	for _, i := range slices.Sorted(maps.Keys(owned)) {
		if err := d.dissolved(ctx, l, ofPlace{d.gridOf(rule), d.told(l.Head(int(i)).Place), owned[i]}, w); err != nil {
			return err
		}
	}
	return nil
}

// ofPlace are the cells of a grid that dissolved features of a place have.
type ofPlace struct {
	grid  grid
	place string
	cells []cells.Cell
}

// dissolved writes the features of a place.
func (d *derivation) dissolved(ctx context.Context, l *index.Layer, of ofPlace, w *index.LayerWriter) error {
	type square struct{ y, x int32 }
	squares := map[square][]cells.Cell{}
	for _, c := range of.cells {
		k := square{c.Y >> dissolveShift, c.X >> dissolveShift}
		squares[k] = append(squares[k], c)
	}
	keys := slices.SortedFunc(maps.Keys(squares), func(a, b square) int {
		return cmp.Or(cmp.Compare(a.y, b.y), cmp.Compare(a.x, b.x))
	})
	for _, k := range keys {
		if err := ctx.Err(); err != nil {
			return err
		}
		for _, p := range of.grid.shape(squares[k]) {
			f := index.Feature{Geometry: geo.MultiPolygon{p}, Place: of.place, Patch: index.NoArea, Net: index.NoArea}
			f.AreaM2 = geo.Area(f.Geometry)
			f.ID = d.hash(geo.AppendGeoJSON([]byte(l.Meta.Name+"\x00"), f.Geometry))
			if err := w.Add(&f); err != nil {
				return err
			}
		}
	}
	return nil
}

// dissolveShift makes the squares of 256 cells a side that bound the size of a
// dissolved feature.
const dissolveShift = 8
