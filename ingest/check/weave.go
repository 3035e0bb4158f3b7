package check

import (
	"cmp"
	"math"
	"slices"

	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// edge is a piece of a border. Of ground l (0 or 1), n[l] more features cover its left
// side than its right side, and owner[l] is one that has it, or nobody.
type edge struct {
	a, b  geo.Position
	n     [2]int32
	owner [2]uint32
	root  int32 // the edge that it is a piece of, in weave.roots
	// bent is the ground, in m², that the piece passed over when it was led through others'
	// vertices, left of a to b, and allowed how much of it the survey's grid explains.
	bent, allowed float64
}

const nobody = math.MaxUint32

func newEdge(a, b geo.Position, label int, n int32, owner uint32) edge {
	e := edge{a: a, b: b, owner: [2]uint32{nobody, nobody}}
	e.n[label], e.owner[label] = n, owner
	return e
}

// nearness are the distances within which places are one, in metres (rules.yaml,
// tolerances).
type nearness struct {
	// vertexM: two vertices this near are one. It takes up digits that one program writes
	// and another does not.
	vertexM float64
	// edgeM: a vertex this near to another's edge lies on it, as where a neighbour has a
	// vertex on a straight border and both stand on a grid, or where a plane edge was
	// divided in other places; unless it lies within apartM of an end of the edge, where no
	// grid explains it.
	edgeM, apartM float64
	// gridM is the survey's grid, by which vertices are off where they should be.
	gridM float64
}

// weave makes of borders a plane graph: vertices that are one by near become so, edges
// are divided at the vertices that lie on them and where they cross, and what then adds
// up to nothing is gone. So borders that two features draw through different vertices
// of one straight line leave nothing behind, and everything else stays where it is to
// 0.01 mm.
type weave struct {
	near  nearness
	edges []edge
	// moved are the vertices that became another, and along the vertices that edges of the
	// grounds were led through: what makes a feature's own rings fit its neighbours'.
	moved map[geo.Position]geo.Position
	along map[segment][]geo.Position
	roots []segment
	// grid is that of the edges as they are, nil after they have changed; sides are the
	// covers of each edge's left and right side, once somebody has asked.
	grid  *grid
	sides [][2][2]int32
	// led tells that along holds the places where edges cross, too.
	led bool
	// thin is what the joined borders of two features leave between them.
	thin map[[2]uint32]*thinGround
}

// segment is an edge without direction: from the smaller end to the greater.
type segment struct{ a, b geo.Position }

func segmentOf(a, b geo.Position) segment {
	if after(a, b) {
		a, b = b, a
	}
	return segment{a, b}
}

// maxRounds bounds how often crossings, rounded to the grid, may make new ones.
const maxRounds = 12

// newWeave weaves edges, which it keeps.
func newWeave(edges []edge, near nearness) *weave {
	w := &weave{near: near, edges: edges}
	w.work()
	return w
}

// newLedWeave is newWeave for borders that are to be led through the places where they
// cross as well.
func newLedWeave(edges []edge, near nearness) *weave {
	w := &weave{near: near, edges: edges, led: true}
	w.work()
	return w
}

func (w *weave) work() {
	w.moved, w.along = map[geo.Position]geo.Position{}, map[segment][]geo.Position{}
	for range maxRounds {
		if !w.merge() {
			break
		}
	}
	w.roots = make([]segment, len(w.edges))
	for i := range w.edges {
		e := &w.edges[i]
		e.root, w.roots[i] = int32(i), segmentOf(e.a, e.b)
	}
	for range maxRounds {
		if !w.divide((*weave).touches) {
			break
		}
	}
	if !w.led {
		w.roots = nil
	}
	for range maxRounds {
		if !w.divide((*weave).crossings) {
			break
		}
	}
	for s, list := range w.along {
		slices.SortFunc(list, func(p, q geo.Position) int { return cmp.Compare(alongOf(s, p), alongOf(s, q)) })
		w.along[s] = slices.Compact(list)
	}
}

// pairs calls visit with every two edges that come near each other, with some more than
// once.
func (w *weave) pairs(visit func(e, f int32)) {
	if w.grid == nil {
		w.grid = newGrid(w.edges, max(w.near.edgeM, w.near.vertexM))
	}
	w.grid.pairs(visit)
}

// alongOf tells how far p lies along s.
func alongOf(s segment, p geo.Position) float64 {
	k := metresAt(s.a.Lat)
	return k.x*k.x*float64(p.Lon-s.a.Lon)*float64(s.b.Lon-s.a.Lon) + k.y*k.y*float64(p.Lat-s.a.Lat)*float64(s.b.Lat-s.a.Lat)
}

// scale is metres for one unit of longitude and latitude.
type scale struct{ x, y float64 }

// metresAt returns the scale at a latitude, to 0.5 %: distances here are tolerances.
func metresAt(lat int64) scale {
	const perUnit = 6_371_000 * math.Pi / 180 / geo.Unit
	return scale{perUnit * math.Cos(float64(lat)/geo.Unit*math.Pi/180), perUnit}
}

// apart returns the distance of p and q in metres.
func (k scale) apart(p, q geo.Position) float64 {
	return math.Hypot(k.x*float64(p.Lon-q.Lon), k.y*float64(p.Lat-q.Lat))
}

// merge makes one of vertices that are near each other, the smaller of each two, and tells
// whether there was anything to do. Edges between the same ends become one.
func (w *weave) merge() bool {
	moved, doubled := map[geo.Position]geo.Position{}, false
	w.pairs(func(e, f int32) {
		d, h := &w.edges[e], &w.edges[f]
		doubled = doubled || segmentOf(d.a, d.b) == segmentOf(h.a, h.b)
		for _, p := range [...]geo.Position{d.a, d.b} {
			for _, q := range [...]geo.Position{h.a, h.b} {
				w.mergeTwo(moved, p, q)
			}
		}
	})
	if len(moved) == 0 && !doubled {
		return false
	}
	for p, q := range moved {
		for next, ok := moved[q]; ok; next, ok = moved[q] {
			q = next // always smaller, so that it ends
		}
		moved[p] = q
	}
	for p, q := range w.moved {
		if next, ok := moved[q]; ok {
			w.moved[p] = next
		}
	}
	for p, q := range moved {
		w.moved[p] = q
	}
	for i := range w.edges {
		e := &w.edges[i]
		a, b := w.place(e.a), w.place(e.b)
		if a != e.a || b != e.b {
			e.move(a, b)
		}
	}
	w.cancel()
	return true
}

// mergeTwo notes that p and q are one when they are near each other.
func (w *weave) mergeTwo(moved map[geo.Position]geo.Position, p, q geo.Position) {
	const far = 1 << 20 // units, 12 m: no tolerance reaches there
	if p == q || abs(p.Lat-q.Lat) > far || abs(p.Lon-q.Lon) > far || metresAt(p.Lat).apart(p, q) > w.near.vertexM {
		return
	}
	if after(q, p) {
		p, q = q, p
	}
	if old, ok := moved[p]; !ok || after(old, q) {
		moved[p] = q
	}
}

// place returns where vertex p is after merging.
func (w *weave) place(p geo.Position) geo.Position {
	if q, ok := w.moved[p]; ok {
		return q
	}
	return p
}

// cancel puts edges between the same ends together, and leaves out what adds up to
// nothing. Afterwards edges are in the order of their ends.
func (w *weave) cancel() {
	for i := range w.edges {
		if e := &w.edges[i]; after(e.a, e.b) {
			e.a, e.b = e.b, e.a
			e.n[0], e.n[1], e.bent = -e.n[0], -e.n[1], -e.bent
		}
	}
	w.grid, w.sides = nil, nil
	slices.SortFunc(w.edges, func(d, e edge) int {
		return cmp.Or(cmp.Compare(d.a.Lon, e.a.Lon), cmp.Compare(d.a.Lat, e.a.Lat), cmp.Compare(d.b.Lon, e.b.Lon), cmp.Compare(d.b.Lat, e.b.Lat),
			cmp.Compare(d.owner[0], e.owner[0]), cmp.Compare(d.owner[1], e.owner[1]))
	})
	out := w.edges[:0]
	for i := 0; i < len(w.edges); {
		k := i + 1
		for k < len(w.edges) && w.edges[k].a == w.edges[i].a && w.edges[k].b == w.edges[i].b {
			k++
		}
		w.noteThin(w.edges[i:k])
		if e := sumOf(w.edges[i:k]); e.a != e.b && e.n != [2]int32{} {
			out = append(out, e)
		}
		i = k
	}
	w.edges = out
}

// sumOf returns one edge for all of group, which has the same ends; its owners are of
// those on the side that counts more.
func sumOf(group []edge) edge {
	out := group[0]
	for _, e := range group[1:] {
		out.n[0] += e.n[0]
		out.n[1] += e.n[1]
	}
	for l := range out.n {
		out.owner[l] = nobody
		for _, e := range group {
			if out.n[l] != 0 && e.n[l] != 0 && (e.n[l] > 0) == (out.n[l] > 0) {
				out.owner[l] = e.owner[l]
				break
			}
		}
	}
	return out
}

// cut is a vertex that an edge is to be divided at.
type cut struct {
	edge int32
	at   geo.Position
}

// divide divides edges where find says, and tells whether there was anything to do.
func (w *weave) divide(find func(w *weave, e, f int32, cuts []cut) []cut) bool {
	var cuts []cut
	w.pairs(func(e, f int32) { cuts = find(w, e, f, cuts) })
	if len(cuts) == 0 {
		return false
	}
	slices.SortFunc(cuts, func(c, d cut) int {
		return cmp.Or(cmp.Compare(c.edge, d.edge), cmp.Compare(c.at.Lon, d.at.Lon), cmp.Compare(c.at.Lat, d.at.Lat))
	})
	cuts = slices.Compact(cuts)
	var pieces []edge
	for i := 0; i < len(cuts); {
		k := i + 1
		for k < len(cuts) && cuts[k].edge == cuts[i].edge {
			k++
		}
		pieces = w.cutUp(cuts[i:k], pieces)
		i = k
	}
	w.edges = append(w.edges, pieces...)
	w.cancel()
	return true
}

// cutUp divides one edge at all of cuts: the edge becomes the first piece, the others
// are appended.
func (w *weave) cutUp(cuts []cut, pieces []edge) []edge {
	e := &w.edges[cuts[0].edge]
	s := segment{e.a, e.b}
	slices.SortFunc(cuts, func(c, d cut) int { return cmp.Compare(alongOf(s, c.at), alongOf(s, d.at)) })
	if w.roots != nil {
		root := w.roots[e.root]
		for _, c := range cuts {
			w.along[root] = append(w.along[root], c.at)
		}
	}
	bend := newBend(e, w.near.gridM)
	last := *e
	e.b = cuts[0].at
	bend.to(e)
	for i, c := range cuts {
		last.a = c.at
		piece := last
		if i+1 < len(cuts) {
			piece.b = cuts[i+1].at
		}
		bend.to(&piece)
		pieces = append(pieces, piece)
	}
	return pieces
}

// touches appends cuts where an end of one edge lies on the other.
func (w *weave) touches(e, f int32, cuts []cut) []cut {
	d, h := &w.edges[e], &w.edges[f]
	for _, p := range [...]geo.Position{h.a, h.b} {
		if w.on(d, p) {
			cuts = append(cuts, cut{e, p})
		}
	}
	for _, p := range [...]geo.Position{d.a, d.b} {
		if w.on(h, p) {
			cuts = append(cuts, cut{f, p})
		}
	}
	return cuts
}

// on tells whether p lies on e, and not at its ends.
func (w *weave) on(e *edge, p geo.Position) bool {
	if p == e.a || p == e.b {
		return false
	}
	k := metresAt(p.Lat)
	dx, dy := k.x*float64(e.b.Lon-e.a.Lon), k.y*float64(e.b.Lat-e.a.Lat)
	px, py := k.x*float64(p.Lon-e.a.Lon), k.y*float64(p.Lat-e.a.Lat)
	long := math.Hypot(dx, dy)
	if along := (px*dx + py*dy) / long; along <= 0 || along >= long {
		return false
	}
	if math.Abs(px*dy-py*dx) > w.near.edgeM*long {
		return false
	}
	if overlay.Turn(e.a, e.b, p) == 0 {
		return true
	}
	return math.Hypot(px, py) > w.near.apartM && k.apart(p, e.b) > w.near.apartM
}

// crossings appends cuts where two edges cross in their middles, at the position of the
// grid that is nearest, and where an end of one lies exactly on the other.
func (w *weave) crossings(e, f int32, cuts []cut) []cut {
	d, h := &w.edges[e], &w.edges[f]
	if d.a == h.a || d.a == h.b || d.b == h.a || d.b == h.b {
		return w.exactTouches(e, f, cuts)
	}
	s, t := overlay.Turn(d.a, d.b, h.a), overlay.Turn(d.a, d.b, h.b)
	u, v := overlay.Turn(h.a, h.b, d.a), overlay.Turn(h.a, h.b, d.b)
	if s == 0 || t == 0 || u == 0 || v == 0 {
		return w.exactTouches(e, f, cuts)
	}
	if s == t || u == v {
		return cuts
	}
	p := crossing(d, h)
	for _, c := range [...]struct {
		edge *edge
		n    int32
	}{{d, e}, {h, f}} {
		if p != c.edge.a && p != c.edge.b {
			cuts = append(cuts, cut{c.n, p})
		}
	}
	return cuts
}

func (w *weave) exactTouches(e, f int32, cuts []cut) []cut {
	d, h := &w.edges[e], &w.edges[f]
	for _, p := range [...]geo.Position{h.a, h.b} {
		if within(d, p) {
			cuts = append(cuts, cut{e, p})
		}
	}
	for _, p := range [...]geo.Position{d.a, d.b} {
		if within(h, p) {
			cuts = append(cuts, cut{f, p})
		}
	}
	return cuts
}

// within tells whether p lies exactly on e, and not at its ends.
func within(e *edge, p geo.Position) bool {
	return p != e.a && p != e.b && overlay.Turn(e.a, e.b, p) == 0 &&
		min(e.a.Lon, e.b.Lon) <= p.Lon && p.Lon <= max(e.a.Lon, e.b.Lon) &&
		min(e.a.Lat, e.b.Lat) <= p.Lat && p.Lat <= max(e.a.Lat, e.b.Lat)
}

// crossing returns the position of the grid nearest to where d and h cross.
func crossing(d, h *edge) geo.Position {
	ax, ay := float64(d.b.Lon-d.a.Lon), float64(d.b.Lat-d.a.Lat)
	bx, by := float64(h.b.Lon-h.a.Lon), float64(h.b.Lat-h.a.Lat)
	cx, cy := float64(h.a.Lon-d.a.Lon), float64(h.a.Lat-d.a.Lat)
	t := (cx*by - cy*bx) / (ax*by - ay*bx)
	return geo.Position{Lon: d.a.Lon + int64(math.Round(t*ax)), Lat: d.a.Lat + int64(math.Round(t*ay))}
}
