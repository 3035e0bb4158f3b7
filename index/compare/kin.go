package compare

import (
	"cmp"
	"slices"

	"gengtu/index"
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
// a touching border and no kin.
func KinOf(l *index.Layer, i int, other *index.Layer) ([]Kin, error) {
	f, err := l.Feature(i)
	if err != nil {
		return nil, err
	}
	var out []Kin
	var failed error
	other.Search(f.Box, func(k int) bool {
		g, err := other.Feature(k)
		if err != nil {
			failed = err
			return false
		}
		if a := overlay.SharedArea(f.Geometry, g.Geometry); a >= overlay.MinShared {
			out = append(out, Kin{k, a})
		}
		return true
	})
	slices.SortFunc(out, func(a, b Kin) int {
		return cmp.Or(cmp.Compare(b.AreaM2, a.AreaM2), cmp.Compare(other.Head(a.At).ID, other.Head(b.At).ID))
	})
	return out, failed
}
