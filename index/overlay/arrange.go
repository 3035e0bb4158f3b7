package overlay

import (
	"cmp"
	"math"
	"slices"

	"gengtu/index/geo"
)

// segment is a piece of border, p before q. Going up across it, the winding
// numbers of the two operands change by a and b.
type segment struct {
	p, q geo.Position
	a, b int32
}

// reading is how winding numbers tell inside from outside.
type reading int

const (
	windings reading = iota // of directed, valid polygons
	evenOdd                 // of anything: borders that lie on each other cancel in pairs
)

// arrangement is a set of segments on the grid, to be divided until they meet at
// their ends only.
type arrangement struct {
	reading  reading
	segments []segment
}

// operand names the winding number that a polygon counts in.
type operand int

const (
	operandA operand = iota
	operandB
)

// add takes the rings of m in, closed ones.
func (s *arrangement) add(m geo.MultiPolygon, o operand) {
	for _, poly := range m {
		for _, r := range poly {
			for i := 1; i < len(r); i++ {
				s.addEdge(r[i-1], r[i], o)
			}
		}
	}
}

func (s *arrangement) addEdge(p, q geo.Position, o operand) {
	if p == q {
		return
	}
	// Left of a counter-clockwise ring is inside, and left of an edge that runs
	// to the right is above.
	g, w := segment{p: p, q: q}, int32(1)
	if before(q, p) {
		g.p, g.q, w = q, p, -1
	}
	if o == operandA {
		g.a = w
	} else {
		g.b = w
	}
	s.segments = append(s.segments, g)
}

// merge sorts the segments and makes one of those that are the same.
func (s *arrangement) merge() {
	g := s.segments
	slices.SortFunc(g, func(a, b segment) int {
		if c := order(a.p, b.p); c != 0 {
			return c
		}
		return order(a.q, b.q)
	})
	k := 0
	for i := 0; i < len(g); {
		t := g[i]
		for i++; i < len(g) && g[i].p == t.p && g[i].q == t.q; i++ {
			t.a += g[i].a
			t.b += g[i].b
		}
		if s.reading == evenOdd {
			t.a, t.b = t.a&1, t.b&1
		}
		if t.a != 0 || t.b != 0 {
			g[k] = t
			k++
		}
	}
	s.segments = g[:k]
}

func (s *arrangement) box() geo.Box {
	b := geo.EmptyBox()
	for i := range s.segments {
		b.Extend(s.segments[i].p)
		b.Extend(s.segments[i].q)
	}
	return b
}

// maxRounds bounds the rounds of dividing. Each round cuts at what the last one
// moved by half a unit; two or three are usual.
const maxRounds = 24

// divide cuts the segments at all places where they meet, so that afterwards
// they share nothing but ends, exactly.
//
// Crossings are taken where they are in the equal-area plane, in which edges
// are straight, and rounded to the grid. Then, on the grid itself, every
// segment is led through the ends and crossings that it passes within half a
// unit (iterated snap rounding, Halperin and Packer 2002) until no such place
// is left.
//
// Before that, edges whose middle differs by more than bend units between the
// two readings of straight, in q and on the grid, are replaced by points on
// the first of them.
func (s *arrangement) divide(bend float64) error {
	box := s.box()
	if box.Empty() {
		return nil
	}
	f := &areaFrame{newPlane(box)}
	if err := s.refine(f, bend, box); err != nil {
		return err
	}
	s.merge()
	if _, err := s.round(f, box); err != nil {
		return err
	}
	return s.settle(gridFrame{}, box)
}

// divideExactly is divide for segments of which no two cross between their ends:
// nothing is rounded and no position moves.
func (s *arrangement) divideExactly() error {
	s.merge()
	return s.settle(exactFrame{}, s.box())
}

// settle cuts until there is nothing left to cut.
func (s *arrangement) settle(f frame, box geo.Box) error {
	for range maxRounds {
		cut, err := s.round(f, box)
		if err != nil {
			return err
		}
		if !cut {
			return nil
		}
	}
	return tooComplex(box)
}

// refine divides each segment that is bent by more than bend units in latitude.
func (s *arrangement) refine(f *areaFrame, bend float64, box geo.Box) error {
	var cuts []cut
	for i := range s.segments {
		g := &s.segments[i]
		low, top := float64(f.ordinate(g.p.Lat)), float64(f.ordinate(g.q.Lat))
		off := math.Abs(float64(f.latitude((low+top)/2)) - float64(g.p.Lat+g.q.Lat)/2)
		// Half a unit of it may be rounding. The bend falls with the square of the length.
		parts := math.Ceil(math.Sqrt(max(0, off-0.5) / bend))
		if float64(len(cuts))+parts > maxCuts {
			return tooComplex(box)
		}
		for k := 1.0; k < parts; k++ {
			t := k / parts
			cuts = append(cuts, cut{int32(i), t, geo.Position{
				Lon: g.p.Lon + int64(math.Round(t*float64(g.q.Lon-g.p.Lon))),
				Lat: f.latitude(low + t*(top-low)),
			}})
		}
	}
	if len(cuts) > 0 {
		s.apply(cuts)
	}
	return nil
}

// frame is a plane in which segments are straight: longitude by an ordinate that
// grows with latitude, both integers.
type frame interface {
	// ordinate returns the ordinate of a latitude.
	ordinate(lat int64) int64
	// latitude returns the latitude next to ordinate y.
	latitude(y float64) int64
	// steps returns the ordinate's change over one unit of latitude.
	steps() float64
	// reach returns how near, in units, a segment must pass a place to be led
	// through it; 0 is exactly through it.
	reach() float64
}

// gridFrame is the grid itself.
type gridFrame struct{}

func (gridFrame) ordinate(lat int64) int64 { return lat }
func (gridFrame) latitude(y float64) int64 { return int64(math.Round(y)) }
func (gridFrame) steps() float64           { return 1 }

func (gridFrame) reach() float64 { return 0.5 }

// exactFrame is the grid, but nothing is led anywhere.
type exactFrame struct{ gridFrame }

func (exactFrame) reach() float64 { return 0 }

// areaFrame is the equal-area plane, ordinates in steps fine enough that
// latitudes one unit apart stay apart up to 89°.
type areaFrame struct {
	plane plane
}

const (
	// areaSteps is the number of ordinate steps in one unit of latitude at the
	// plane's origin; 64 × cos 89° is above 1.
	areaSteps = 64
	// stepsPerMetre follows from it, a degree of latitude being 110.6 to 111.7 km.
	stepsPerMetre = areaSteps * geo.Unit / 111_000
)

func (f *areaFrame) ordinate(lat int64) int64 {
	_, y := f.plane.at(geo.Position{Lon: f.plane.Origin().Lon, Lat: lat})
	return int64(math.Round(y * stepsPerMetre))
}

func (f *areaFrame) latitude(y float64) int64 {
	return f.plane.From(geo.XY{Y: y / stepsPerMetre}).Lat
}

func (f *areaFrame) steps() float64 { return areaSteps }

// reach is below half a unit: what the grid leaves apart must not be joined here.
func (f *areaFrame) reach() float64 { return 0.45 }

// cut is a place that a segment is to be led through; t orders those of one segment.
type cut struct {
	segment int32
	t       float64
	at      geo.Position
}

// round finds all cuts in one frame and makes them. It tells whether there were any.
func (s *arrangement) round(f frame, box geo.Box) (bool, error) {
	r := &rounding{frame: f, segments: s.segments}
	r.prepare()
	if err := r.crossings(box); err != nil {
		return false, err
	}
	if err := r.passes(box); err != nil {
		return false, err
	}
	if len(r.cuts) == 0 {
		return false, nil
	}
	s.apply(r.cuts)
	s.merge()
	return true, nil
}

// apply replaces each segment that has cuts by its parts.
func (s *arrangement) apply(cuts []cut) {
	slices.SortFunc(cuts, func(a, b cut) int {
		if c := cmp.Compare(a.segment, b.segment); c != 0 {
			return c
		}
		if c := cmp.Compare(a.t, b.t); c != 0 {
			return c
		}
		return order(a.at, b.at)
	})
	out := make([]segment, 0, len(s.segments)+len(cuts))
	for i, k := 0, 0; i < len(s.segments); i++ {
		g := s.segments[i]
		from := g.p
		for ; k < len(cuts) && cuts[k].segment == int32(i); k++ {
			out = appendPart(out, g, from, cuts[k].at)
			from = cuts[k].at
		}
		out = appendPart(out, g, from, g.q)
	}
	s.segments = out
}

// appendPart appends g's part from p to q, which snapping may have turned round.
func appendPart(out []segment, g segment, p, q geo.Position) []segment {
	switch {
	case p == q:
		return out
	case before(q, p):
		return append(out, segment{q, p, -g.a, -g.b})
	default:
		return append(out, segment{p, q, g.a, g.b})
	}
}

// rounding is the search for the cuts of one round.
type rounding struct {
	frame    frame
	segments []segment
	low, top []int64 // ordinates of the segments' ends
	extents  []extent
	found    []geo.Position // crossings
	cuts     []cut
}

func (r *rounding) prepare() {
	n := len(r.segments)
	r.low, r.top, r.extents = make([]int64, n), make([]int64, n), make([]extent, n)
	for i := range r.segments {
		g := &r.segments[i]
		p, q := r.frame.ordinate(g.p.Lat), r.frame.ordinate(g.q.Lat)
		r.low[i], r.top[i] = p, q
		r.extents[i] = extent{
			minX: float64(g.p.Lon), maxX: float64(g.q.Lon),
			minY: float64(min(p, q)), maxY: float64(max(p, q)), falling: q < p,
		}
	}
}

// crossings finds the places where two segments cross between their ends.
func (r *rounding) crossings(box geo.Box) error {
	search := &pairs{extents: r.extents, reach: 1, visit: func(i, j int32) {
		if len(r.found) < maxCuts {
			r.crossing(i, j)
		}
	}}
	if err := search.search(box); err != nil {
		return err
	}
	if len(r.found) >= maxCuts {
		return tooComplex(box)
	}
	return nil
}

func (r *rounding) crossing(i, j int32) {
	g, h := &r.segments[i], &r.segments[j]
	if g.p == h.p || g.p == h.q || g.q == h.p || g.q == h.q {
		return
	}
	hx, hy := h.q.Lon-h.p.Lon, r.top[j]-r.low[j]
	d1 := determinant(hx, hy, g.p.Lon-h.p.Lon, r.low[i]-r.low[j])
	d2 := determinant(hx, hy, g.q.Lon-h.p.Lon, r.top[i]-r.low[j])
	if d1 >= 0 && d2 >= 0 || d1 <= 0 && d2 <= 0 {
		return
	}
	gx, gy := g.q.Lon-g.p.Lon, r.top[i]-r.low[i]
	d3 := determinant(gx, gy, h.p.Lon-g.p.Lon, r.low[j]-r.low[i])
	d4 := determinant(gx, gy, h.q.Lon-g.p.Lon, r.top[j]-r.low[i])
	if d3 >= 0 && d4 >= 0 || d3 <= 0 && d4 <= 0 {
		return
	}
	t := d1 / (d1 - d2)
	at := geo.Position{
		Lon: g.p.Lon + int64(math.Round(t*float64(gx))),
		Lat: r.frame.latitude(float64(r.low[i]) + t*float64(gy)),
	}
	r.found = append(r.found, at)
	// Rounded, the crossing may lie at the corner of a square that neither
	// segment enters; they are led through it all the same.
	y := r.frame.ordinate(at.Lat)
	r.cut(i, at, y)
	r.cut(j, at, y)
}

// cut leads segment i through v, whose ordinate is y, if v lies between its ends.
func (r *rounding) cut(i int32, v geo.Position, y int64) {
	g := &r.segments[i]
	if v == g.p || v == g.q {
		return
	}
	// In the segment's own measure, ordinates in units of latitude.
	k := 1 / r.frame.steps()
	fx, fy := float64(g.q.Lon-g.p.Lon), float64(r.top[i]-r.low[i])*k
	t := float64(v.Lon-g.p.Lon)*fx + float64(y-r.low[i])*k*fy
	if t > 0 && t < fx*fx+fy*fy {
		r.cuts = append(r.cuts, cut{i, t, v})
	}
}

// passes finds, for each segment, the ends and crossings that it passes within
// half a unit.
func (r *rounding) passes(box geo.Box) error {
	hot := r.found
	for i := range r.segments {
		hot = append(hot, r.segments[i].p, r.segments[i].q)
	}
	hot = sortedUnique(hot)
	points := make([]extent, len(hot))
	for i, v := range hot {
		x, y := float64(v.Lon), float64(r.frame.ordinate(v.Lat))
		points[i] = extent{minX: x, maxX: x, minY: y, maxY: y}
	}
	reach := r.frame.reach()
	search := &pairs{extents: r.extents, points: points, reach: reach*r.frame.steps() + 1, visit: func(i, j int32) {
		if len(r.cuts) < maxCuts {
			r.pass(i, hot[j], int64(points[j].minY), reach)
		}
	}}
	if err := search.search(box); err != nil {
		return err
	}
	if len(r.cuts) >= maxCuts {
		return tooComplex(box)
	}
	slices.SortFunc(r.cuts, func(a, b cut) int {
		if c := cmp.Compare(a.segment, b.segment); c != 0 {
			return c
		}
		return order(a.at, b.at)
	})
	r.cuts = slices.Compact(r.cuts)
	return nil
}

func (r *rounding) pass(i int32, v geo.Position, y int64, reach float64) {
	g := &r.segments[i]
	dx, dy := g.q.Lon-g.p.Lon, r.top[i]-r.low[i]
	d := determinant(dx, dy, v.Lon-g.p.Lon, y-r.low[i])
	// The square round v without its border: with it, a diagonal would be led
	// through the two corners beside it, which makes a new diagonal.
	if d == 0 || math.Abs(d) < reach*(float64(dx)*r.frame.steps()+math.Abs(float64(dy))) {
		r.cut(i, v, y)
	}
}
