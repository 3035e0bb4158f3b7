package compare

import (
	"cmp"
	"context"
	"slices"

	"gengtu/index"
	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// Kin is a feature of another state that shares ground with one.
type Kin struct {
	// At is its ordinal in the other layer.
	At int
	// AreaM2 is the ground that they share, ellipsoidal.
	AreaM2 float64
}

// KinOf returns the features of other that share ground with feature i of l, those
// with most ground first, of equals the least id. Ground below [overlay.MinShared] is
// a touching border and no kin. Errors are ctx's and those of reading.
func KinOf(ctx context.Context, l *index.Layer, i int, other *index.Layer) ([]Kin, error) {
	f, err := l.Feature(i)
	if err != nil {
		return nil, err
	}
	shape := overlay.Prepare(f.Geometry)
	var out []Kin
	var w overlay.Workspace
	var r geo.Rings
	other.Search(f.Box, func(k int) bool {
		r.Reset()
		if err = cmp.Or(ctx.Err(), other.Rings(k, &r)); err != nil {
			return false
		}
		if a := shape.Shared(&w, &r); a >= overlay.MinShared {
			out = append(out, Kin{k, a})
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(out, func(a, b Kin) int {
		return cmp.Or(cmp.Compare(b.AreaM2, a.AreaM2), cmp.Compare(other.Head(a.At).ID, other.Head(b.At).ID))
	})
	return out, nil
}
