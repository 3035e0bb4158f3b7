package sample

import (
	"math"
	"slices"

	"gengtu/index/geo"
)

// finish gives every patch its whole ring and a village, and the whole its border.
func (l *landscape) finish() {
	for i := range l.patches {
		p := &l.patches[i]
		p.shell = l.expand(p.shell)
		p.changed = p.class
	}
	l.border = l.expand(l.outline)
	l.adopt()
}

// side is an edge in the direction that a ring has it.
type side struct{ from, to int32 }

// adopt gives each strip between villages to the one that it shares most border
// with; those that only border on other strips follow these.
func (l *landscape) adopt() {
	facing := map[side]int{} // the edge as the neighbour has it
	for i, n := range l.orphans {
		for k, v := range l.patches[n].shell {
			s := l.patches[n].shell
			facing[side{s[(k+1)%len(s)], v}] = i
		}
	}
	shared := make([]map[int32]float64, len(l.orphans))
	vote := func(n int) {
		p := &l.patches[n]
		for k, v := range p.shell {
			w := p.shell[(k+1)%len(p.shell)]
			i, ok := facing[side{v, w}]
			if !ok || l.patches[l.orphans[i]].village != nobody {
				continue
			}
			if shared[i] == nil {
				shared[i] = map[int32]float64{}
			}
			shared[i][p.village] += distance(l.at(v), l.at(w))
		}
	}
	for n := range l.patches {
		if l.patches[n].village != nobody {
			vote(n)
		}
	}
	for left := slices.Clone(l.orphans); len(left) > 0; {
		var given []int
		for i, n := range l.orphans {
			if l.patches[n].village == nobody && len(shared[i]) > 0 {
				l.patches[n].village = most(shared[i])
				given = append(given, n)
			}
		}
		if len(given) == 0 {
			return
		}
		for _, n := range given {
			vote(n)
		}
		left = slices.DeleteFunc(left, func(n int) bool { return l.patches[n].village != nobody })
	}
}

// most returns the key with the greatest value, the least of equals.
func most(m map[int32]float64) int32 {
	best, greatest := int32(nobody), math.Inf(-1)
	for k, v := range m {
		if v > greatest || v == greatest && k < best {
			best, greatest = k, v
		}
	}
	return best
}

// byVillage returns the numbers of the patches of each village, in order.
func (l *landscape) byVillage() [][]int {
	out := make([][]int, len(l.villages))
	for n, p := range l.patches {
		out[p.village] = append(out[p.village], n)
	}
	return out
}

// dissolve returns the ground of the given patches as polygons of rings.
func (l *landscape) dissolve(patches []int) [][]ring {
	next := map[int32][]int32{} // where border edges lead from a vertex
	open := map[side]bool{}
	count := func(r ring) {
		for k, v := range r {
			w := r[(k+1)%len(r)]
			if open[side{w, v}] {
				delete(open, side{w, v})
			} else {
				open[side{v, w}] = true
			}
		}
	}
	var order []side
	for _, n := range patches {
		count(l.patches[n].shell)
		for _, h := range l.patches[n].holes {
			back := slices.Clone(h)
			slices.Reverse(back)
			count(back)
		}
	}
	for s := range open {
		order = append(order, s)
	}
	slices.SortFunc(order, func(a, b side) int {
		if a.from != b.from {
			return int(a.from) - int(b.from)
		}
		return int(a.to) - int(b.to)
	})
	for _, s := range order {
		next[s.from] = append(next[s.from], s.to)
	}
	var rings []ring
	for _, s := range order {
		if open[s] {
			rings = append(rings, l.trace(s, next, open)...)
		}
	}
	return l.nest(rings)
}

// trace follows border edges from start until they close, takes them out of open
// and returns the simple rings that they make.
func (l *landscape) trace(start side, next map[int32][]int32, open map[side]bool) []ring {
	var rings []ring
	var path ring
	place := map[int32]int{}
	for s := start; ; {
		delete(open, s)
		place[s.from] = len(path)
		path = append(path, s.from)
		if k, ok := place[s.to]; ok {
			// The path met itself: what lies between is a ring.
			rings = append(rings, slices.Clone(path[k:]))
			for _, v := range path[k:] {
				delete(place, v)
			}
			path = path[:k]
			if len(path) == 0 {
				return rings
			}
		}
		var ok bool
		if s, ok = l.turn(s, next, open); !ok {
			return rings
		}
	}
}

// turn returns the border edge that goes on from s with the same ground on its
// left: the first one met turning clockwise from the way back.
func (l *landscape) turn(s side, next map[int32][]int32, open map[side]bool) (side, bool) {
	from, at := l.at(s.from), l.at(s.to)
	back := math.Atan2(from.Y-at.Y, from.X-at.X)
	best, least := side{}, math.Inf(1)
	for _, to := range next[s.to] {
		e := side{s.to, to}
		if !open[e] {
			continue
		}
		p := l.at(to)
		angle := math.Mod(back-math.Atan2(p.Y-at.Y, p.X-at.X)+4*math.Pi, 2*math.Pi)
		if angle < least {
			best, least = e, angle
		}
	}
	return best, !math.IsInf(least, 1)
}

// nest puts holes, which run clockwise, behind the shells that they lie in.
func (l *landscape) nest(rings []ring) [][]ring {
	var out [][]ring
	var shells [][]geo.XY
	for _, r := range rings {
		if p := l.points(r); area(p) > 0 {
			out, shells = append(out, []ring{r}), append(shells, p)
		}
	}
	for _, r := range rings {
		p := l.points(r)
		if area(p) > 0 {
			continue
		}
		for i := range shells {
			// Between the first two vertices, for a vertex may touch the shell.
			if geo.InRing(shells[i], mix(p[0], p[1], 0.5)) {
				out[i] = append(out[i], r)
				break
			}
		}
	}
	return out
}
