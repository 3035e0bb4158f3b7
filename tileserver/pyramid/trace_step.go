package pyramid

import "gengtu/tileserver/mvt"

// A step is a side of one cell at whose ends a border turns first one way and then the
// other. It is drawn as a slope from half a cell before it to half a cell behind it: what
// one side of the border loses at one end it gains at the other, so every class keeps its
// area to the unit, and a stair of single cells becomes a straight line. Both sides of the
// border, and every tile that shows it, find the same, because where a node goes depends
// on the cells beside it and one further.

// halfCell is how far the ends of a step move.
const halfCell = cellUnits / 2

// turnAt tells how a border runs at a node where it turns: its two sides lead dx columns and
// dy rows away, both -1 or 1.
type turnAt struct{ dx, dy int32 }

// turnOf returns the turn at the node at. False: the border does not turn there, or three
// borders meet, or a patch is near, or a tile or a block ends there, which all tiles leave
// as it is.
func (t *tracer) turnOf(at int32) (turnAt, bool) {
	if fixed((at-traceFirst)%traceRow) || fixed((at-traceFirst)/traceRow) {
		return turnAt{}, false
	}
	north := at - traceRow
	nw, ne, sw, se := t.cells[north-1], t.cells[north], t.cells[at-1], t.cells[at]
	if t.patched[north-1] || t.patched[north] || t.patched[at-1] || t.patched[at] {
		return turnAt{}, false
	}
	switch {
	case nw != ne && ne == se && se == sw:
		return turnAt{-1, -1}, true
	case ne != nw && nw == sw && sw == se:
		return turnAt{1, -1}, true
	case sw != se && se == ne && ne == nw:
		return turnAt{-1, 1}, true
	case se != sw && sw == nw && nw == ne:
		return turnAt{1, 1}, true
	}
	return turnAt{}, false
}

// fixed tells whether corners of that column or row stay where they are: blocks and tiles
// end there, or the margins along them.
func fixed(i int32) bool {
	return (i-marginCells)%blockCells == 0 || i == 0 || i == traceSide || i == 2*marginCells || i == tileCells
}

// upright tells whether the side that goes up or down from a node is a step.
func (t *tracer) upright(at int32, here turnAt) bool {
	next, ok := t.turnOf(at + here.dy*traceRow)
	return ok && next.dy == -here.dy && next.dx == -here.dx
}

// level tells whether the side that goes east or west from a node is a step, where
// neither of its ends has one that goes up or down.
func (t *tracer) level(at int32, here turnAt) bool {
	next, ok := t.turnOf(at + here.dx)
	return ok && next.dx == -here.dx && next.dy == -here.dy && !t.upright(at, here) && !t.upright(at+here.dx, next)
}

// place returns where the corner at is drawn, in tile units.
func (t *tracer) place(at int32) mvt.Point {
	p := mvt.Point{X: cornerUnits((at - traceFirst) % traceRow), Y: cornerUnits((at - traceFirst) / traceRow)}
	here, ok := t.turnOf(at)
	switch {
	case !ok:
	case t.upright(at, here):
		p.X += here.dx * halfCell
	case t.level(at, here):
		p.Y += here.dy * halfCell
	}
	return p
}

// outline returns the ring through the corners of path.
func (t *tracer) outline(path []int32) mvt.Ring {
	r := t.corners[:0]
	for _, at := range path {
		if p := t.place(at); len(r) == 0 || p != r[len(r)-1] {
			r = append(r, p)
		}
	}
	t.corners = r
	if r[0] == r[len(r)-1] {
		r = r[:len(r)-1]
	}
	// Slopes that go on in one line need no corner between them.
	straight := t.room(len(r))
	for i, p := range r {
		a, b := r[(i+len(r)-1)%len(r)], r[(i+1)%len(r)]
		if cross(mvt.Point{X: p.X - a.X, Y: p.Y - a.Y}, mvt.Point{X: b.X - p.X, Y: b.Y - p.Y}) != 0 {
			straight = append(straight, p)
		}
	}
	return straight
}
