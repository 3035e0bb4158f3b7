package tileserver

import (
	"errors"
	"testing"

	"gengtu/index/problem"
)

// So much is put in order and no more: features, and values of them all together.
func TestSortIsBounded(t *testing.T) {
	for name, c := range map[string]struct{ features, keys int }{
		"one feature too many": {maxSorted + 1, 1}, "one value too many": {maxSortedValues/8 + 1, 8},
	} {
		err := (&ogcRow{}).order(t.Context(), make([]int32, c.features), make([]sortKey, c.keys))
		var p *problem.Problem
		if !errors.As(err, &p) || p.Code != "TOO_LARGE_SORT" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
