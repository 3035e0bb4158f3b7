package tileserver

import (
	"testing"

	"gengtu/index/compare"
)

// Of a difference that is kept no more is held than an answer lists.
func TestDropUnlisted(t *testing.T) {
	for _, c := range []struct{ changes, listed, want int }{{0, 3, 0}, {3, 3, 3}, {1000, 3, 3}, {1000, 0, 0}} {
		r := &compare.Result{Changes: make([]compare.Change, c.changes)}
		dropUnlisted(r, c.listed)
		if len(r.Changes) != c.want || c.changes > c.listed && cap(r.Changes) > c.want+4 {
			t.Errorf("%+v: %d are left, room for %d", c, len(r.Changes), cap(r.Changes))
		}
	}
}
