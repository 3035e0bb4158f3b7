package pyramidtest

import (
	"fmt"
	"maps"
	"slices"

	"gengtu/tileserver/mvt"
	"gengtu/tileserver/tile"
)

// measurer measures one tile after the other.
type measurer struct {
	w        *judging
	outlines *outlines
	core     *core
	clipper  clipper
	rows     *rows
	edges    []edge
	ring     []point
}

func (m *measurer) tile(v *view) {
	if m.rows == nil || m.rows.y != v.at.Y {
		m.rows = newRows(v.at)
	}
	m.edges = m.edges[:0]
	for i := range v.features {
		f := &v.features[i]
		m.edges = edgesOf(m.edges, f.Polygons, 0, 0, 1)
		v.areas = append(v.areas, m.area(f))
	}
	m.cover(v)
	m.margins(v)
}

// area is the ground of f inside the tile's borders.
func (m *measurer) area(f *mvt.Feature) float64 {
	sum := 0.0
	for _, p := range f.Polygons {
		for _, r := range p {
			m.ring = m.ring[:0]
			for _, q := range r {
				m.ring = append(m.ring, point{float64(q.X), float64(q.Y)})
			}
			sum += m.rows.area(m.clipper.box(m.ring, 0, 0, mvt.Extent, mvt.Extent))
		}
	}
	return sum
}

// cover finds overlaps, gaps and strays inside the tile's borders.
func (m *measurer) cover(v *view) {
	m.core.draw(m.outlines.rings[v.at], m.w.z.Reach)
	columns(m.edges, 0, mvt.Extent, func(s *strip) {
		a := s.clamped(0, mvt.Extent)
		if a <= 0 {
			return
		}
		switch {
		case s.times > 1 || s.times < 0:
			// A ring that runs the wrong way is as bad as ground covered twice.
			times := float64(max(s.times-1, -s.times))
			v.overlap += a * times
			v.overlapAt = first(v.overlapAt, v.at, s, fmt.Sprintf("%d times", s.times))
			v.excess += a * times * m.rows.square((s.nw+s.ne+s.sw+s.se)/4)
		case s.times == 0:
			if gap := m.within(s, true); gap > 0 {
				v.gap += gap
				v.gapAt = first(v.gapAt, v.at, s, "not at all")
			}
		}
		if s.times > 0 {
			v.stray += m.within(s, false)
		}
	})
}

// first keeps the place that was found before, or tells where s is.
func first(found string, t tile.Tile, s *strip, what string) string {
	if found != "" {
		return found
	}
	return fmt.Sprintf("%s x %d y %.2f–%.2f %s", t, s.x, max(-far, (s.nw+s.ne)/2), min(far, (s.sw+s.se)/2), what)
}

// within is the area of s in squares far from the outline: those inside it, or
// those outside.
func (m *measurer) within(s *strip, inside bool) float64 {
	y0 := max(0, int(min(s.nw, s.ne)))
	y1 := min(mvt.Extent-1, int(max(s.sw, s.se)))
	ins, near := &m.core.inside[s.x], &m.core.near[s.x]
	sum := 0.0
	for y := y0; y <= y1; y++ {
		word, bit := y/64, y%64
		in := ins[word]
		if !inside {
			in = ^in
		}
		want := in &^ near[word]
		if want == 0 {
			y |= 63
			continue
		}
		if want>>bit&1 == 1 {
			sum += s.clamped(float64(y), float64(y+1))
		}
	}
	return sum
}

// margins compares what the tile shows beyond its borders with what its neighbours
// show there. A neighbour that was not made shows nothing and is passed over.
func (m *measurer) margins(v *view) {
	depth := int32(m.w.z.Margin)
	if depth == 0 {
		return
	}
	for dy := int32(-1); dy <= 1; dy++ {
		for dx := int32(-1); dx <= 1; dx++ {
			at := tile.Tile{Grid: v.at.Grid, Z: v.at.Z, X: v.at.X + uint32(dx), Y: v.at.Y + uint32(dy)}
			there := m.w.views[at]
			if there == nil || at == v.at {
				continue
			}
			v.pairs++
			x0, x1 := beyond(dx, depth)
			y0, y1 := beyond(dy, depth)
			torn := m.torn(v, there, [4]int32{x0, y0, x1, y1}, [2]int32{dx * mvt.Extent, dy * mvt.Extent})
			v.torn += torn
			v.tornPairs += one(torn)
		}
	}
}

// beyond is the part of a neighbour at d tiles that lies in the margin.
func beyond(d, depth int32) (from, to int32) {
	switch d {
	case -1:
		return -depth, 0
	case 1:
		return mvt.Extent, mvt.Extent + depth
	default:
		return 0, mvt.Extent
	}
}

// torn is the area in a box of here's units in which one of the two shows a
// parcel, or a class, and the other, which lies at move, does not.
func (m *measurer) torn(here, there *view, box [4]int32, move [2]int32) float64 {
	byKey := map[string][]edge{}
	add := func(v *view, dx, dy, way int32) {
		for i := range v.features {
			f := &v.features[i]
			if meets(f.Polygons, [4]int32{box[0] - dx, box[1] - dy, box[2] - dx, box[3] - dy}) {
				byKey[v.keys[i]] = edgesOf(byKey[v.keys[i]], f.Polygons, dx, dy, way)
			}
		}
	}
	add(here, 0, 0, 1)
	add(there, move[0], move[1], -1)
	sum := 0.0
	for _, k := range slices.Sorted(maps.Keys(byKey)) {
		columns(byKey[k], box[0], box[2], func(s *strip) {
			if a := s.clamped(float64(box[1]), float64(box[3])); a > 0 && s.times != 0 {
				sum += a
				here.tornAt = first(here.tornAt, here.at, s, fmt.Sprintf("%d times more than in %s, %s", s.times, there.at, k))
			}
		})
	}
	return sum
}

// meets tells whether the bounds of polygons share ground with box.
func meets(polygons []mvt.Polygon, box [4]int32) bool {
	for _, p := range polygons {
		x0, y0, x1, y1 := p[0][0].X, p[0][0].Y, p[0][0].X, p[0][0].Y
		for _, q := range p[0] {
			x0, y0, x1, y1 = min(x0, q.X), min(y0, q.Y), max(x1, q.X), max(y1, q.Y)
		}
		if x0 < box[2] && x1 > box[0] && y0 < box[3] && y1 > box[1] {
			return true
		}
	}
	return false
}
