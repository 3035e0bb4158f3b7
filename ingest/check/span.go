package check

import (
	"cmp"
	"slices"
)

// span is a stretch of an edge, in metres from its beginning.
type span struct{ from, to float64 }

// noSpan is a length, in metres, below which a stretch is that of a joint.
const noSpan = 0.001

// union sorts and joins stretches, in their own memory.
func union(list []span) []span {
	slices.SortFunc(list, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	out := list[:0]
	for _, s := range list {
		if n := len(out); n > 0 && s.from <= out[n-1].to+noSpan {
			out[n-1].to = max(out[n-1].to, s.to)
			continue
		}
		out = append(out, s)
	}
	return out
}

// beyond returns what of the stretch s the joined stretches of list leave, without joints.
func (s span) beyond(list []span) []span {
	var out []span
	for _, c := range list {
		if c.to <= s.from {
			continue
		}
		if c.from >= s.to {
			break
		}
		if c.from-s.from > noSpan {
			out = append(out, span{s.from, c.from})
		}
		s.from = c.to
	}
	if s.to-s.from > noSpan {
		out = append(out, s)
	}
	return out
}

// total adds stretches up.
func total(list []span) float64 {
	sum := 0.0
	for _, s := range list {
		sum += s.to - s.from
	}
	return sum
}
