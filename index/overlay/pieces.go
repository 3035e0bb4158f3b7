package overlay

import (
	"gengtu/index/geo"
)

// Mask is an AOI that pieces are cut with, many times. It is not changed after
// [NewMask] and may be used by several goroutines at once.
type Mask struct {
	geometry geo.MultiPolygon
	box      geo.Box
	edges    []span
	// rows[starts[k]:starts[k+1]] are the edges that reach into row k, one of equal
	// rows of latitude from the bottom of box upwards.
	starts, rows []int32
	height       int64
	tree         *ringTree // of geometry; nil unless no two of its rings touch
}

const (
	// edgesPerRow makes rows that hold some edges each without being many.
	edgesPerRow = 4
	maxRows     = 1 << 14
)

// NewMask mends aoi and returns it as a mask. Errors are those of [Mend].
func NewMask(aoi geo.MultiPolygon) (*Mask, error) {
	g, err := mended(aoi)
	if err != nil {
		return nil, err
	}
	m := &Mask{geometry: g, box: g.Box()}
	m.index()
	t := new(ringTree)
	if len(g) > 0 && t.load(g) == sound && t.upright(g) {
		m.tree = t
	}
	return m, nil
}

// index puts the edges into rows.
func (m *Mask) index() {
	for _, p := range m.geometry {
		for _, r := range p {
			for i := 1; i < len(r); i++ {
				if a, b := r[i-1], r[i]; before(a, b) {
					m.edges = append(m.edges, spanOf(a, b))
				} else {
					m.edges = append(m.edges, spanOf(b, a))
				}
			}
		}
	}
	if len(m.edges) == 0 {
		return
	}
	count := min(int64(len(m.edges)/edgesPerRow+1), maxRows)
	m.height = (m.box.Max.Lat-m.box.Min.Lat)/count + 1
	m.starts = make([]int32, count+2)
	for i := range m.edges {
		for k := m.row(m.edges[i].minY); k <= m.row(m.edges[i].maxY); k++ {
			m.starts[k+2]++
		}
	}
	for k := 1; k < len(m.starts); k++ {
		m.starts[k] += m.starts[k-1]
	}
	m.rows = make([]int32, m.starts[count+1])
	for i := range m.edges {
		for k := m.row(m.edges[i].minY); k <= m.row(m.edges[i].maxY); k++ {
			m.rows[m.starts[k+1]] = int32(i)
			m.starts[k+1]++
		}
	}
}

// row returns the row of latitude lat, or the one next to it.
func (m *Mask) row(lat int64) int64 {
	return min(max((lat-m.box.Min.Lat)/m.height, 0), int64(len(m.starts))-3)
}

// Geometry returns the mended AOI; it must not be changed.
func (m *Mask) Geometry() geo.MultiPolygon { return m.geometry }

// Piece returns what of g lies in the mask, as [Intersection] does. Where g lies
// wholly inside, that is g itself, mended; the result is the caller's.
//
// Pieces share their borders to the last bit. Each position of a piece is one of
// the mask's or of g's, or a crossing of an edge of the one with an edge of the
// other, and that is rounded to the same position whatever else there is: so two
// features that have a border in common, with the same positions, have it in
// common in their pieces, and so have the pieces of one feature cut by two masks.
// The exception is a border that another edge of one of the three passes within
// half a unit of the grid, 6 µm, without meeting it there, or that bends by more than
// half a unit between the grid and the equal-area plane, in which edges are
// straight, with something in between: then one piece may have a position on the common
// border that the other has not. It lies within two units, 22 µm, of the other's line in
// the equal-area plane. So pieces of features that do not overlap, cut by masks that do
// not, overlap nowhere by more than that width.
//
// The work is bounded by the edges of g and of the mask's part beside it.
func (m *Mask) Piece(g geo.MultiPolygon) (geo.MultiPolygon, error) {
	if out, ok := m.pieceLocally(g); ok {
		return out, nil
	}
	return m.pieceOfAll(g)
}

// pieceLocally is [Mask.Piece] if a local look is enough.
func (m *Mask) pieceLocally(g geo.MultiPolygon) (geo.MultiPolygon, bool) {
	if m.tree == nil {
		return nil, false
	}
	l := locals.Get().(*locally)
	defer l.release()
	g, ok := l.load(operandB, g)
	if !ok {
		return nil, false
	}
	t := &l.loaded[operandB]
	switch {
	case !t.box.Intersects(m.box):
		return nil, true
	case m.meets(widened(t.box)):
		o := operation{first: m.geometry, second: g, wanted: inBoth, area: SharedArea(m.geometry, g)}
		return l.region(&o, m.tree, t)
	case m.contains(t.at[0]):
		return canonicalCopy(g, len(t.at)), true
	default:
		return nil, true
	}
}

// pieceOfAll is [Mask.Piece] with all edges in one arrangement.
func (m *Mask) pieceOfAll(g geo.MultiPolygon) (geo.MultiPolygon, error) {
	g, err := mended(g)
	if err != nil {
		return nil, err
	}
	box := g.Box()
	if !box.Intersects(m.box) {
		return nil, nil
	}
	if !m.meets(widened(box)) {
		if m.contains(g[0][0][0]) {
			return g, nil
		}
		return nil, nil
	}
	return shared(m.geometry, m.box, g)
}

// meets tells whether the box of an edge of the mask meets box.
func (m *Mask) meets(box geo.Box) bool {
	first, last := m.row(box.Min.Lat), m.row(box.Max.Lat)
	for _, i := range m.rows[m.starts[first]:m.starts[last+1]] {
		if e := &m.edges[i]; e.minX <= box.Max.Lon && e.maxX >= box.Min.Lon && e.minY <= box.Max.Lat && e.maxY >= box.Min.Lat {
			return true
		}
	}
	return false
}

// contains tells whether the mask contains v, which lies in the box of no edge:
// so an edge lies to its right wholly or not at all.
func (m *Mask) contains(v geo.Position) bool {
	in := false
	k := m.row(v.Lat)
	for _, i := range m.rows[m.starts[k]:m.starts[k+1]] {
		if e := &m.edges[i]; e.minY <= v.Lat && v.Lat < e.maxY && v.Lon < e.minX {
			in = !in
		}
	}
	return in
}
