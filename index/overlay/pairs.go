package overlay

import (
	"math"
	"slices"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

const (
	// pairLeaf is the number of segments up to which every pair is looked at.
	pairLeaf = 24
	// maxVisits bounds the pairs that one search looks at, some ten seconds of
	// work; real layers of a million edges need a hundredth.
	maxVisits = 1 << 31
	// maxCuts bounds the crossings of one overlay, and with them its memory.
	maxCuts = 1 << 23
)

// tooComplex is the answer to input whose edges cross each other without end.
func tooComplex(box geo.Box) error {
	at := box.Min.LonLat()
	return problem.New("OVERLAY_TOO_COMPLEX",
		"边线交叉过多，无法叠加（%.7f, %.7f 附近）", "too many edges cross each other to be overlaid, near %.7f, %.7f",
		at.Lon, at.Lat).Advise("请检查数据或分块处理", "check the data or treat it in parts")
}

// extent is a segment's box in the working plane, and the side it leans to.
type extent struct {
	minX, minY, maxX, maxY float64
	falling                bool // runs from upper left to lower right
}

// pairs finds segments that are near each other, by halving the box that they
// fill. What it looks at is a superset of what touches; a pair may be seen more
// than once.
type pairs struct {
	extents []extent
	points  []extent // empty for a search among the segments alone
	reach   float64  // how far apart, in ordinates, points and segments are still near
	visit   func(i, j int32)
	visits  int64
}

// search looks at all pairs of segments or, if there are points, of segments and points.
func (p *pairs) search(box geo.Box) error {
	segments := make([]int32, len(p.extents))
	for i := range segments {
		segments[i] = int32(i)
	}
	points := make([]int32, len(p.points))
	for i := range points {
		points[i] = int32(i)
	}
	all := extent{minX: math.Inf(1), minY: math.Inf(1), maxX: math.Inf(-1), maxY: math.Inf(-1)}
	for i := range p.extents {
		e := &p.extents[i]
		all.minX, all.maxX = min(all.minX, e.minX), max(all.maxX, e.maxX)
		all.minY, all.maxY = min(all.minY, e.minY), max(all.maxY, e.maxY)
	}
	p.divide(all, segments, points, 0)
	if p.visits > maxVisits {
		return tooComplex(box)
	}
	return nil
}

func (p *pairs) divide(box extent, segments, points []int32, stall int) {
	if len(segments) == 0 || len(p.points) > 0 && len(points) == 0 || p.visits > maxVisits {
		return
	}
	w, h := box.maxX-box.minX, box.maxY-box.minY
	small := len(segments) <= pairLeaf
	if len(p.points) > 0 {
		small = len(segments)*len(points) <= pairLeaf*pairLeaf
	}
	if small || stall > stallSplits || max(w, h) < 4 {
		p.all(segments, points)
		return
	}
	lo, hi := box, box
	if w >= h {
		lo.maxX = box.minX + w/2
		hi.minX = lo.maxX
	} else {
		lo.maxY = box.minY + h/2
		hi.minY = lo.maxY
	}
	sl, sh := p.within(p.extents, segments, lo), p.within(p.extents, segments, hi)
	pl, ph := p.within(p.points, points, lo), p.within(p.points, points, hi)
	next := func(s []int32) int {
		switch {
		case len(s)*20 < len(segments)*19:
			return 0
		case (len(sl)+len(sh))*5 >= len(segments)*7:
			return stall + 1
		default:
			return stall
		}
	}
	p.divide(lo, sl, pl, next(sl))
	p.divide(hi, sh, ph, next(sh))
}

// within returns those of list that may reach into box.
func (p *pairs) within(extents []extent, list []int32, box extent) []int32 {
	out := make([]int32, 0, len(list)*5/8)
	for _, i := range list {
		if extents[i].meets(&box, p.reach) {
			out = append(out, i)
		}
	}
	return out
}

// meets tells whether the diagonal of e may come within a unit of box, and
// within reach in ordinates.
func (e *extent) meets(box *extent, reach float64) bool {
	if e.minX > box.maxX+1 || e.maxX < box.minX-1 || e.minY > box.maxY+reach || e.maxY < box.minY-reach {
		return false
	}
	dx, dy := e.maxX-e.minX, e.maxY-e.minY
	// The diagonal against the two corners of box that lie farthest on either side.
	slack := 2 * (dx*reach + dy)
	if e.falling {
		lower := dx*(box.minY-e.maxY) + dy*(box.minX-e.minX)
		upper := dx*(box.maxY-e.maxY) + dy*(box.maxX-e.minX)
		return lower <= slack && upper >= -slack
	}
	lower := dx*(box.minY-e.minY) - dy*(box.maxX-e.minX)
	upper := dx*(box.maxY-e.minY) - dy*(box.minX-e.minX)
	return lower <= slack && upper >= -slack
}

func (p *pairs) all(segments, points []int32) {
	if len(p.points) > 0 {
		p.visits += int64(len(segments)) * int64(len(points))
		for _, i := range segments {
			e := &p.extents[i]
			for _, j := range points {
				if e.near(&p.points[j], p.reach) {
					p.visit(i, j)
				}
			}
		}
		return
	}
	p.visits += int64(len(segments)) * int64(len(segments)) / 2
	if p.visits > maxVisits {
		return
	}
	for k, i := range segments {
		e := &p.extents[i]
		for _, j := range segments[:k] {
			if e.near(&p.extents[j], p.reach) {
				p.visit(j, i)
			}
		}
	}
}

// near tells whether the boxes of e and f come within a unit of each other, and
// within reach in ordinates.
func (e *extent) near(f *extent, reach float64) bool {
	return e.minX <= f.maxX+1 && f.minX <= e.maxX+1 && e.minY <= f.maxY+reach && f.minY <= e.maxY+reach
}

// sortedUnique sorts ps and takes out what occurs twice.
func sortedUnique(ps []geo.Position) []geo.Position {
	slices.SortFunc(ps, order)
	return slices.Compact(ps)
}
