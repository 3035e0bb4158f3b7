// Package contiguity tells which features lie together: the components of features of
// one or several layers, and of shapes beside them, that are joined by gaps of at most
// so many metres (domain 6.4).
//
// The gap of two features is the true distance on the ground between them, 0 where
// they share ground or a border or a single point. Two features are linked at a gap d
// when theirs is at most d; what a chain of links joins is a component, which is
// therefore the same however the work is divided, and grows with d. Vertices that are
// 0.1 mm ([Tolerance]) apart touch. Barriers (highways, rivers) break links that
// nothing but lines through them would make.
//
// Coordinates are CGCS2000 (EPSG:4490), edges straight in longitude and latitude.
// Distances are those of [geo.LocalScale] where the two come nearest: right to 0.01 mm
// for gaps up to [MaxGap]. An edge of more than a kilometre differs from the geodesic
// between its ends by centimetres; which of the two a border is nobody can say.
//
// The package stores nothing and asks nothing: what a component means is for the question
// that it is found for.
package contiguity

import (
	"cmp"
	"errors"
	"math"
	"slices"

	"gengtu/index"
	"gengtu/index/geo"
	"gengtu/index/pieces"
)

// Tolerance is the distance in metres up to which things touch (domain 6.0 rule 8).
const Tolerance = 1e-4

// MaxGap is the greatest gap in metres that is sought.
const MaxGap = 1000

// ErrGaps says that gaps are not numbers in [0, MaxGap] in rising order.
var ErrGaps = errors.New("gaps are not in rising order from 0 to 1000 m")

// Ground is what links are sought among: members, which are the features of covers
// that take part, in their order, and behind them the extra shapes. Members are counted
// from 0. A Ground is not changed once it is made, and safe for concurrent use as long
// as the layers' index is open.
type Ground struct {
	covers   []pieces.Cover
	lists    [][]int32 // by cover the features that take part
	member   [][]int32 // by cover and feature the member, -1 for none
	first    []int32   // the first member of each cover, and of the extra shapes
	extra    extras
	barriers *Ground // nil for none
	box      geo.Box
}

// New returns the ground of covers, extra shapes and barriers, any of which may be nil.
// The shapes are kept; they are valid, as overlay.Mend returns them.
func New(covers []pieces.Cover, extra []geo.MultiPolygon, barriers []pieces.Cover) *Ground {
	g := &Ground{covers: covers, box: geo.EmptyBox()}
	n := int32(0)
	for _, c := range covers {
		list, member := make([]int32, 0, c.Layer.Len()), make([]int32, c.Layer.Len())
		g.first = append(g.first, n)
		for i := range member {
			member[i] = -1
			if c.Only == nil || c.Only(i) {
				member[i] = n
				list = append(list, int32(i))
				g.box = g.box.Union(c.Layer.Box(i))
				n++
			}
		}
		g.lists, g.member = append(g.lists, list), append(g.member, member)
	}
	g.first = append(g.first, n)
	g.extra = newExtras(extra)
	for i := range g.extra.shapes {
		g.box = g.box.Union(g.extra.shapes[i].box)
	}
	if len(barriers) > 0 {
		if b := New(barriers, nil, nil); b.Members() > 0 {
			g.barriers = b
		}
	}
	return g
}

// Members returns how many there are.
func (g *Ground) Members() int { return int(g.first[len(g.covers)]) + len(g.extra.shapes) }

// Member returns the member that a feature is; false when it takes no part.
func (g *Ground) Member(cover, feature int) (int32, bool) {
	m := g.member[cover][feature]
	return m, m >= 0
}

// Extra returns the member that an extra shape is, counted from 0.
func (g *Ground) Extra(shape int) int32 { return g.first[len(g.covers)] + int32(shape) }

// Owner returns what a member is: the feature of a cover, or where Cover is the number of
// covers the extra shape of that number.
func (g *Ground) Owner(m int32) pieces.Owner {
	for c := len(g.covers) - 1; c >= 0; c-- {
		if m >= g.first[c+1] {
			return pieces.Owner{Cover: int32(c + 1), Feature: m - g.first[c+1]}
		}
		if m >= g.first[c] {
			return pieces.Owner{Cover: int32(c), Feature: g.lists[c][m-g.first[c]]}
		}
	}
	return pieces.Owner{Feature: m}
}

// Box returns the box around a member.
func (g *Ground) Box(m int32) geo.Box {
	o := g.Owner(m)
	if int(o.Cover) == len(g.covers) {
		return g.extra.shapes[o.Feature].box
	}
	return g.covers[o.Cover].Layer.Box(int(o.Feature))
}

// search visits the members whose boxes meet b, in any order, until visit returns false.
func (g *Ground) search(b geo.Box, visit func(m int32) bool) {
	more := true
	for c := range g.covers {
		member := g.member[c]
		g.covers[c].Layer.Search(b, func(i int) bool {
			if m := member[i]; m >= 0 {
				more = visit(m)
			}
			return more
		})
		if !more {
			return
		}
	}
	base := g.first[len(g.covers)]
	g.extra.search(b, func(i int32) bool { return visit(base + i) })
}

// load fills s with the shape of a member.
func (g *Ground) load(m int32, s *shape) error {
	o := g.Owner(m)
	if int(o.Cover) == len(g.covers) {
		*s = g.extra.shapes[o.Feature]
		return nil
	}
	l := g.covers[o.Cover].Layer
	s.rings.Reset()
	s.box = l.Box(int(o.Feature))
	return l.Rings(int(o.Feature), &s.rings)
}

// Layer returns the layer of a cover, nil for the extra shapes.
func (g *Ground) Layer(cover int) *index.Layer {
	if cover == len(g.covers) {
		return nil
	}
	return g.covers[cover].Layer
}

// shape is a polygon or multipolygon as rings, and the box around it.
type shape struct {
	rings geo.Rings
	box   geo.Box
}

func shapeOf(m geo.MultiPolygon) shape {
	s := shape{box: m.Box()}
	s.rings.Append(m)
	return s
}

// extras are shapes that are in no layer, found by the latitudes where they begin.
type extras struct {
	shapes []shape
	order  []int32 // by the south of their boxes
	height int64   // of the highest box
}

func newExtras(ms []geo.MultiPolygon) extras {
	e := extras{shapes: make([]shape, len(ms)), order: make([]int32, 0, len(ms))}
	for i, m := range ms {
		e.shapes[i] = shapeOf(m)
		if b := e.shapes[i].box; !b.Empty() {
			e.order = append(e.order, int32(i))
			e.height = max(e.height, b.Max.Lat-b.Min.Lat)
		}
	}
	slices.SortStableFunc(e.order, func(a, b int32) int {
		return cmp.Compare(e.shapes[a].box.Min.Lat, e.shapes[b].box.Min.Lat)
	})
	return e
}

func (e *extras) search(b geo.Box, visit func(i int32) bool) {
	at, _ := slices.BinarySearchFunc(e.order, b.Min.Lat-e.height, func(i int32, lat int64) int {
		return cmp.Compare(e.shapes[i].box.Min.Lat, lat)
	})
	for _, i := range e.order[at:] {
		if e.shapes[i].box.Min.Lat > b.Max.Lat {
			return
		}
		if e.shapes[i].box.Intersects(b) && !visit(i) {
			return
		}
	}
}

// checkGaps refuses what is no list of gaps.
func checkGaps(gaps []float64) error {
	last := math.Inf(-1)
	for _, d := range gaps {
		if !(d >= 0 && d <= MaxGap && d > last) {
			return ErrGaps
		}
		last = d
	}
	return nil
}
