package analyze

import (
	"cmp"
	"slices"

	"gengtu/index"
)

// byID puts features of a layer in the order of their ids, which does not depend on how
// they are stored.
func byID(l *index.Layer, features []int32) {
	slices.SortFunc(features, func(a, b int32) int { return cmp.Compare(l.Head(int(a)).ID, l.Head(int(b)).ID) })
}

// sortRows puts rows in the order of some columns of text or areas; nil goes first.
func sortRows(t *Table, columns ...string) {
	at := make([]int, len(columns))
	for i, name := range columns {
		at[i] = t.Column(name)
	}
	slices.SortStableFunc(t.Rows, func(a, b []any) int {
		for _, k := range at {
			x, _ := a[k].(string)
			y, _ := b[k].(string)
			v, _ := a[k].(Area)
			u, _ := b[k].(Area)
			if c := cmp.Or(cmp.Compare(x, y), cmp.Compare(v, u)); c != 0 {
				return c
			}
		}
		return 0
	})
}

// compareBools puts false first.
func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// worst is a grade of quality by which none comes last.
func worst(grade int) int {
	if grade == 0 {
		return maxGrade + 1
	}
	return grade
}
