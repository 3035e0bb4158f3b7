package pyramid

import "slices"

const none = -1

// flips are the features whose border an edge is: whoever steps over it enters
// those that he is not in and leaves those that he is in. Hardly ever are there
// more than two: then f is none-1-k, where k is the place of a list in sets.
type flips struct{ f, g int32 }

func (d flips) empty() bool { return d.f == none && d.g == none }

// label says which features a piece of ground belongs to: none for no feature, a
// feature's number, or, from sets.features on, a list in sets.
type label = int32

// sets are the sets of features that edges flip and that overlap.
type sets struct {
	features int32
	lists    [][]int32           // of labels and, mixed with them, of flips; each in order
	steps    [1 << stepBits]step // some of those done, by hash
	arena    []int32
}

// step is from one label to another over the border of a feature.
type step struct{ from, feature, to int32 }

const stepBits = 11

func (s *sets) reset(features int) {
	s.features = int32(features)
	s.lists, s.arena = s.lists[:0], s.arena[:0]
	for i := range s.steps {
		s.steps[i].from = none
	}
}

// toggled appends list with feature, or without it when it has it, to lists.
func (s *sets) toggled(list []int32, feature int32) []int32 {
	start := len(s.arena)
	at, has := slices.BinarySearch(list, feature)
	s.arena = append(s.arena, list[:at]...)
	if has {
		at++
	} else {
		s.arena = append(s.arena, feature)
	}
	s.arena = append(s.arena, list[at:]...)
	return s.arena[start:len(s.arena):len(s.arena)]
}

func (s *sets) keep(list []int32) int32 {
	s.lists = append(s.lists, list)
	return int32(len(s.lists) - 1)
}

// flip returns d with feature, or without it when d has it.
func (s *sets) flip(d flips, feature int32) flips {
	switch {
	case d.f < none:
		list := s.toggled(s.lists[none-1-d.f], feature)
		if len(list) == 2 {
			return flips{list[0], list[1]}
		}
		return flips{none - 1 - s.keep(list), none}
	case d.f == feature:
		return flips{d.g, none}
	case d.g == feature:
		return flips{d.f, none}
	case d.f == none:
		return flips{feature, none}
	case d.g == none:
		return flips{d.f, feature}
	}
	list := []int32{min(d.f, d.g), max(d.f, d.g)}
	return flips{none - 1 - s.keep(s.toggled(list, feature)), none}
}

// join returns the features that are in d or in e but not in both.
func (s *sets) join(d, e flips) flips {
	if e.f < none {
		for _, f := range s.lists[none-1-e.f] {
			d = s.flip(d, f)
		}
		return d
	}
	for _, f := range [2]int32{e.f, e.g} {
		if f != none {
			d = s.flip(d, f)
		}
	}
	return d
}

// over returns the label of the ground beyond an edge that flips d.
func (s *sets) over(l label, d flips) label {
	if d.f < none {
		for _, f := range s.lists[none-1-d.f] {
			l = s.step(l, f)
		}
		return l
	}
	// What is left first is what makes no pair on the way.
	if l == d.g {
		d.f, d.g = d.g, d.f
	}
	if d.f != none {
		l = s.step(l, d.f)
	}
	if d.g != none {
		l = s.step(l, d.g)
	}
	return l
}

// step returns l with feature, or without it when l has it.
func (s *sets) step(l label, feature int32) label {
	switch l {
	case none:
		return feature
	case feature:
		return none
	}
	// Steps that have lost their place are done again: a set may have several
	// labels.
	known := s.known(l, feature)
	if known.from == l && known.feature == feature {
		return known.to
	}
	list := []int32{l}
	if l >= s.features {
		list = s.lists[l-s.features]
	}
	list = s.toggled(list, feature)
	to := list[0]
	if len(list) > 1 {
		to = s.features + s.keep(list)
		*s.known(to, feature) = step{to, feature, l}
	}
	*known = step{l, feature, to}
	return to
}

// known returns the place of a step.
func (s *sets) known(l label, feature int32) *step {
	return &s.steps[(uint32(l)*0x9e3779b1^uint32(feature)*0x85ebca6b)>>(32-stepBits)]
}

// owner returns the feature that the ground of label l is drawn as: the first of
// those that it belongs to.
func (s *sets) owner(l label) int32 {
	if l < s.features {
		return l
	}
	return s.lists[l-s.features][0]
}
