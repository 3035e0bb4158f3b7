package index

import (
	"bytes"
	"cmp"
	"slices"
)

// Changes goes along the features of two states of a layer, in rising order of ids, and
// tells which of them differ. Not safe for concurrent use; the layers' indexes stay
// open meanwhile.
//
//	for c := index.NewChanges(from, to, 0); c.Step(); {
//		change, differs, err := c.At()
//		…
//	}
type Changes struct {
	from, to *Layer
	// i and j are the next places in the lists by id.
	i, j  int
	alike bool
	now   Change
}

// Change is a feature of one state or both.
type Change struct {
	ID uint64
	// From and To are the feature's ordinals in both states, -1 where it is not.
	From, To int
}

// NewChanges begins behind the id after, 0 for the first. Either layer may be nil:
// then that state has no such layer.
func NewChanges(from, to *Layer, after uint64) *Changes {
	c := &Changes{from: from, to: to, now: Change{ID: after}}
	c.i, c.j = from.behind(after), to.behind(after)
	c.alike = from != nil && to != nil && slices.Equal(from.Meta.Fields, to.Meta.Fields)
	return c
}

// behind is the place in the list by id of the first id above after.
func (l *Layer) behind(after uint64) int {
	if l == nil {
		return 0
	}
	k, found := slices.BinarySearchFunc(l.byID, after, func(e idAt, id uint64) int { return cmp.Compare(e.id, id) })
	if found {
		k++
	}
	return k
}

// next returns the place of the first feature that the layer holds, which may be a view,
// from k on.
func (l *Layer) next(k int) (id uint64, at, place int, ok bool) {
	if l == nil {
		return 0, -1, k, false
	}
	for ; k < len(l.byID); k++ {
		if i, ok := l.ordinal(l.byID[k].at); ok {
			return l.byID[k].id, i, k, true
		}
	}
	return 0, -1, k, false
}

// Step goes to the next feature; false when there is none.
func (c *Changes) Step() bool {
	a, from, i, hasA := c.from.next(c.i)
	b, to, j, hasB := c.to.next(c.j)
	c.i, c.j = i, j
	switch {
	case !hasA && !hasB:
		return false
	case !hasB || hasA && a < b:
		c.now, c.i = Change{a, from, -1}, i+1
	case !hasA || b < a:
		c.now, c.j = Change{b, -1, to}, j+1
	default:
		c.now, c.i, c.j = Change{a, from, to}, i+1, j+1
	}
	return true
}

// At returns the feature that Step went to, and whether both states have it differently:
// one has it not, its stored bytes are others, or the layer has other fields. An error
// says that the file was damaged since it was opened.
func (c *Changes) At() (Change, bool, error) {
	if c.now.From < 0 || c.now.To < 0 || !c.alike {
		return c.now, true, nil
	}
	differs := false
	err := guard(func() error {
		differs = !bytes.Equal(c.from.record(c.now.From), c.to.record(c.now.To))
		return nil
	})
	return c.now, differs, err
}
