package pyramid

// quarters hold the arcs of a graph by the squares of 128 units that their boxes
// meet, in a chain for each square.
type quarters struct {
	ready   bool
	heads   []int32 // for each square its first member, from 1
	members []quartered
}

type quartered struct{ arc, next int32 }

const (
	quarterShift = 7
	quarterSide  = (frameSide-1)>>quarterShift + 1
)

// fill sorts in all arcs of g.
func (q *quarters) fill(g *graph) {
	q.ready = true
	q.heads = zeroed(q.heads, quarterSide*quarterSide)
	q.members = append(q.members[:0], quartered{})
	for i := range g.arcs {
		if g.arcs[i].flips.empty() {
			continue
		}
		points := g.points(int32(i))
		west, east, north, south := points[0].column(), points[0].column(), points[0].row(), points[0].row()
		for _, n := range points[1:] {
			west, east = min(west, n.column()), max(east, n.column())
			north, south = min(north, n.row()), max(south, n.row())
		}
		for y := north >> quarterShift; y <= south>>quarterShift; y++ {
			for x := west >> quarterShift; x <= east>>quarterShift; x++ {
				at := y*quarterSide + x
				q.members = append(q.members, quartered{int32(i), q.heads[at]})
				q.heads[at] = int32(len(q.members) - 1)
			}
		}
	}
}

// find returns the label of the ground just north of a node, a little to the
// east of it. Arcs there must be labelled.
func (q *quarters) find(g *graph, n int32) label {
	if !q.ready {
		q.fill(g)
	}
	nearest := nextNorth{to: g.nodes[n], label: none}
	column := g.nodes[n].column() >> quarterShift
	for y := g.nodes[n].row() >> quarterShift; y >= 0; y-- {
		for i := q.heads[y*quarterSide+column]; i != 0; i = q.members[i].next {
			arc := q.members[i].arc
			points := g.points(arc)
			a := points[0]
			for _, b := range points[1:] {
				nearest.look(g, a, b, 2*arc)
				a = b
			}
		}
		if nearest.width > 0 && nearest.top >= int64(y)<<quarterShift*nearest.width {
			break // what squares further north hold is further away
		}
	}
	return nearest.label
}

// nextNorth is the search for the link next north of a node, a little to the east of
// it. The nearest so far is top/width south of the frame's upper side there, and
// falls by rise/width.
type nextNorth struct {
	to               node
	top, rise, width int64
	label            label
}

// look looks at the link from a to b of a way.
func (s *nextNorth) look(g *graph, a, b node, way int32) {
	if a.column() > b.column() {
		a, b, way = b, a, way+1
	}
	x, y := s.to.column(), s.to.row()
	if x < a.column() || x >= b.column() || min(a.row(), b.row()) >= y {
		return
	}
	w, r := int64(b.column()-a.column()), int64(b.row()-a.row())
	t := int64(a.row())*w + int64(x-a.column())*r
	if t >= int64(y)*w {
		return
	}
	if nearer := t*s.width - s.top*w; s.width == 0 || nearer > 0 || nearer == 0 && r*s.width > s.rise*w {
		s.top, s.rise, s.width, s.label = t, r, w, g.labels[way]
	}
}
