package pyramidtest

import (
	"math"
	"slices"

	"gengtu/tileserver/mvt"
)

// edge is a side of a ring in tile units, from west to east: x0 < x1. way is 1
// when the ring runs east here, with its ground to the south, and -1 when it runs
// west.
type edge struct {
	x0, y0, x1, y1 int32
	way            int32
}

// edgesOf appends the edges of polygons, moved by dx and dy, way times. Edges
// that run north or south bound nothing within a column.
func edgesOf(dst []edge, polygons []mvt.Polygon, dx, dy, way int32) []edge {
	for _, p := range polygons {
		for _, r := range p {
			for i, a := range r {
				b := r[(i+1)%len(r)]
				switch {
				case a.X < b.X:
					dst = append(dst, edge{a.X + dx, a.Y + dy, b.X + dx, b.Y + dy, way})
				case a.X > b.X:
					dst = append(dst, edge{b.X + dx, b.Y + dy, a.X + dx, a.Y + dy, -way})
				}
			}
		}
	}
	return dst
}

// same is the distance below which two heights at a column's side are one. Both
// are fractions whose denominators are lengths of edges, of at most 2^14 units,
// so that they are equal or at least 2^-28 apart; the division of floats errs by
// less than 2^-38.
const same = 1.0 / (1 << 30)

// crossing is an edge within one column: its heights at the column's sides.
type crossing struct {
	left, right float64
	edge        int32
	way         int32
}

func before(a, b *crossing) bool {
	if d := a.left - b.left; d < -same || d > same {
		return d < 0
	}
	return a.right < b.right-same
}

// strip is a part of a column between two edges, or beyond the last: its heights
// at both sides, its width, and how many times it is covered.
type strip struct {
	x      int32
	width  float64
	nw, ne float64
	sw, se float64
	times  int32
}

// far is beyond every edge.
const far = 1 << 20

// clamped is the area of s between the heights y0 and y1.
func (s *strip) clamped(y0, y1 float64) float64 {
	in := func(v float64) float64 { return max(y0, min(v, y1)) }
	return s.width * (in(s.sw) - in(s.nw) + in(s.se) - in(s.ne)) / 2
}

// columns visits the unit columns [x0, x1) from west to east, and in each the
// strips between edges from north to south. Strips without area are left out, so
// that what is covered 0 or 1 times everywhere is seen to be so exactly.
func columns(edges []edge, x0, x1 int32, visit func(s *strip)) {
	slices.SortFunc(edges, func(a, b edge) int { return int(max(a.x0, x0) - max(b.x0, x0)) })
	var active []crossing
	next := 0
	for x := x0; x < x1; x++ {
		for ; next < len(edges) && max(edges[next].x0, x0) <= x; next++ {
			if edges[next].x1 > x {
				active = append(active, crossing{edge: int32(next)})
			}
		}
		kept := active[:0]
		for _, c := range active {
			e := &edges[c.edge]
			if e.x1 <= x {
				continue
			}
			dx, dy := float64(e.x1-e.x0), int64(e.y1-e.y0)
			c.left = float64(e.y0) + float64(int64(x-e.x0)*dy)/dx
			c.right = float64(e.y0) + float64(int64(x+1-e.x0)*dy)/dx
			c.way = e.way
			kept = append(kept, c)
		}
		active = kept
		// Nearly in order already: those of the column before.
		for i := 1; i < len(active); i++ {
			for j := i; j > 0 && before(&active[j], &active[j-1]); j-- {
				active[j], active[j-1] = active[j-1], active[j]
			}
		}
		crossed := false
		for i := 1; i < len(active) && !crossed; i++ {
			crossed = active[i].right < active[i-1].right-same
		}
		if crossed {
			divided(active, x, visit)
		} else {
			column(active, x, 1, visit)
		}
	}
}

// column visits the strips of a column whose edges do not cross.
func column(active []crossing, x int32, width float64, visit func(s *strip)) {
	s := strip{x: x, width: width, nw: -far, ne: -far}
	for i := range active {
		c := &active[i]
		s.sw, s.se = c.left, c.right
		if s.sw-s.nw > same || s.se-s.ne > same {
			visit(&s)
			s.nw, s.ne = c.left, c.right
		}
		s.times += c.way
	}
	s.sw, s.se = far, far
	visit(&s)
}

// divided visits the strips of a column in which edges cross, part by part
// between the crossings.
func divided(active []crossing, x int32, visit func(s *strip)) {
	cuts := []float64{0, 1}
	for i := range active {
		for j := i + 1; j < len(active); j++ {
			a, b := &active[i], &active[j]
			l, r := b.left-a.left, b.right-a.right
			if l > same && r < -same {
				cuts = append(cuts, l/(l-r))
			}
		}
	}
	slices.Sort(cuts)
	part := make([]crossing, len(active))
	for k := 1; k < len(cuts); k++ {
		a, b := cuts[k-1], cuts[k]
		if b-a < 1e-9 {
			continue
		}
		for i, c := range active {
			part[i] = c
			part[i].left, part[i].right = c.left+a*(c.right-c.left), c.left+b*(c.right-c.left)
		}
		slices.SortStableFunc(part, func(p, q crossing) int {
			if d := p.left + p.right - q.left - q.right; math.Abs(d) > 2*same {
				return int(math.Copysign(1, d))
			}
			return 0
		})
		column(part, x, b-a, visit)
	}
}
