package overlay

import (
	"math"
	"slices"

	"gengtu/index/geo"
)

// frame is the plane that a round takes segments to be straight in.
type frame int

const (
	areaFrame  frame = iota // longitude and [ordinate]: where edges are straight
	gridFrame               // longitude and latitude: where a result is read
	exactFrame              // the same, and a segment passes only what lies on it
)

const (
	// gridReach is how near a segment must pass a place to be led through it:
	// through the open square of one unit round it.
	gridReach = 0.5
	// areaReach is below it: what the grid leaves apart must not be joined there.
	areaReach = 0.45
	// straight is the bend, in units, up to which an edge needs no points.
	straight = 0.5
	// maxRounds bounds the rounds on the grid, see [arrangement.divide].
	maxRounds = 64
	// freeRounds is the number of rounds that make all cuts they find.
	freeRounds = 16
)

// refinement tells which edges get points where they bend between the two frames.
type refinement int

const (
	refineWhereNeeded refinement = iota // those on whose two readings something lies differently
	refineAll                           // all that bend by more than half a unit
)

// divide cuts the segments at all places where they meet, so that afterwards
// they share nothing but ends, exactly, and no segment passes through the open
// square of one unit round an end of another. What is built of them is therefore
// valid also when read in float64 degrees, which are off by 1e-4 unit.
//
// # In the equal-area plane
//
// There edges are straight, so there it is decided what crosses, by exact
// determinants of longitudes and ordinates, which are integers. Two edges that
// cross are both led through the position nearest to the crossing, and an edge
// that passes an end of another within 0.45 unit is led through it. Both follow from
// the two edges, or the edge and the end, alone: not from the operand, the
// direction, the box, or what else there is. A crossing has, in each axis, an error of
//
//	1/2              unit for rounding to the grid,
//	2^-9             for the float64 quotient of two exact determinants, each right
//	                 to 2^-52, times a length below 2^42 units,
//	0.75/(256 cos φ) for the ordinates, 0.005 at 54°, and 0.01 for their inversion:
//
// 0.52 unit, 6 µm. The position is put into the boxes of both edges.
//
// # What bends
//
// On the grid an edge is straight in latitude, and stands off its line in the equal-area
// plane by 7 units over 70 m and by 1.6 m over 10 km. Where something lies
// between the two, or crosses the one and not the other, the edge gets points on its line
// in the plane, evenly, until it bends by half a unit only; and so on for what
// lies beside those points. A part's ends lie within 0.52 unit of the edge's line.
//
// # On the grid
//
// Then, on the grid, every segment is led through each end that it passes
// through the open unit square of, and through the positions nearest to the crossings,
// as if those were ends: a round of snap rounding, after which no two segments cross
// (Hobby 1999; Guibas and Marimont 1998). What has been led elsewhere may pass other
// ends: it is led through those in further rounds, until there are none
// (iterated snap rounding, Halperin and Packer 2002). Crossings have to count in the round
// that finds them; left to the next, three nearly parallel lines find a new one each time.
//
// The rounds end. Let a segment run from p by (dx, dy), dx, dy ≥ 0, through the open
// squares of v_1 … v_k, that is |dx·v.y − dy·v.x| < (dx+dy)/2, v taken from p. (1) A v
// with v.x < 0 would need v.y ≥ 1 to lie ahead and have a determinant of at least
// dx+dy; so all v lie in the box of the segment. (2) If u.x < v.x but u.y > v.y,
// their determinants would differ by dx+dy at least, and cannot; so the v are
// ordered in x and y alike, and so are the parts a_i of the path through them: all in
// one quadrant. (3) Hence L² = |Σ a_i|² = Σ|a_i|² + 2 Σ a_i·a_j with a_i·a_j ≥ 0, and
// all products vanish only for one v in a corner of the box, whose determinant
// dx·dy is below (dx+dy)/2 for no positive integers. So the sum of the squared
// lengths, an integer, falls with every segment that is cut. (4) A crossing
// lies in the closed square of its position, which differs only where the segment
// touches the square's border; there h ≤ √½, and for a single cut
// |p−v|² + |v−q|² = L² − 2(t(L−t) − h²) with t ≥ 1/L is less than L² but for the diagonals
// of one square, L² = 2, which become sides and are never cut again. From round
// [freeRounds] on a segment is cut once a round, so that this holds in every case.
// That is no bound that one could wait for: [maxRounds] is. Three are usual.
//
// When no round finds a cut, no two segments meet between their ends: of a
// proper crossing the rounded position lies in both boxes, and is an end of both
// only if they share it; of a touch the end is a cut; two that run along each
// other have an end within the other or are one.
//
// # What results share
//
// A result's position is one that was given, or the crossing of two edges, which is
// the same in every result, or a point of a bent edge, or follows from rounding; each
// lies within two units of the lines, in the equal-area plane, of the edges that meet
// there (tests find 0.7). So where a border is cut by the same line for two neighbours,
// both results have the same positions on it, to the last bit. One may have a
// position that the other has not only where something else of one neighbour passes the
// border within half a unit (6 µm) or within its bend; it lies within two units of the
// other's line in the plane.
func (s *arrangement) divide(r refinement) error {
	s.merge()
	if len(s.segments) == 0 {
		return s.ctx.Err()
	}
	s.rounds = 0
	if _, err := s.round(areaFrame, r); err != nil {
		return err
	}
	return s.settle(gridFrame)
}

// divideExactly is divide for segments of which no two cross between their ends:
// nothing is rounded and no position moves.
func (s *arrangement) divideExactly() error {
	s.merge()
	s.bent = false
	return s.settle(exactFrame)
}

// settle cuts until there is nothing left to cut.
func (s *arrangement) settle(f frame) error {
	for s.rounds = 0; s.rounds < maxRounds; s.rounds++ {
		if s.bent {
			if err := s.straighten(); err != nil {
				return err
			}
		}
		cut, err := s.round(f, refineWhereNeeded)
		if err != nil {
			return err
		}
		if !cut {
			return nil
		}
	}
	return tooComplex(s.box())
}

// single tells whether a segment is cut once a round.
func (s *arrangement) single() bool { return s.rounds >= freeRounds }

// round finds all cuts in one frame and makes them. It tells whether there were any.
func (s *arrangement) round(f frame, r refinement) (bool, error) {
	s.prepare(f)
	s.cuts, s.found = s.cuts[:0], s.found[:0]
	err := s.finder.search(s.ctx, s.spans, func(i, j int32) bool {
		s.meet(f, i, j)
		return len(s.cuts) < s.limit
	})
	if err != nil {
		return false, err
	}
	switch {
	case f == areaFrame:
		s.refine(r)
	case len(s.found) > 0:
		if err := s.passFound(); err != nil {
			return false, err
		}
	}
	if len(s.cuts) >= s.limit {
		return false, tooComplex(s.box())
	}
	if len(s.cuts) == 0 {
		return false, nil
	}
	s.apply()
	s.merge()
	return true, nil
}

// line64 is what a round knows of a segment in its frame.
type line64 struct {
	low, top int64   // ordinates of p and q
	reach    float64 // determinants below it are those of places that the segment passes
	bent     bool    // whether it bends by more than straight
}

func (s *arrangement) prepare(f frame) {
	n := len(s.segments)
	s.bent = s.bent && f == gridFrame
	s.lines = resized(s.lines, n)
	s.spans = resized(s.spans, n)
	for i := range s.segments {
		g := &s.segments[i]
		s.spans[i] = spanOf(g.p, g.q)
		l := &s.lines[i]
		*l = line64{low: g.p.Lat, top: g.q.Lat}
		dx := float64(g.q.Lon - g.p.Lon)
		switch f {
		case areaFrame:
			l.low, l.top = ordinate(g.p.Lat), ordinate(g.q.Lat)
			slope := slopeAt(g.p.Lat)
			l.reach = areaReach * (dx*slope + math.Abs(float64(l.top-l.low)))
			if b := bend(g, l, slope); b > straight {
				l.bent, s.bent = true, true
				s.spans[i].slack = int64(b) + 1
			}
		case gridFrame:
			l.reach = gridReach * (dx + math.Abs(float64(l.top-l.low)))
		}
	}
	s.refined = resized(s.refined, n)
	clear(s.refined)
}

func resized[T any](list []T, n int) []T {
	if cap(list) < n {
		return make([]T, n, n+n/2)
	}
	return list[:n]
}

// flatUnits is a length in latitude, some 9 m, within which no edge below 70° bends
// by half a unit.
const flatUnits = 800_000

// bend returns how far, in units of latitude, g's middle on the grid stands off
// g's line in the equal-area plane.
func bend(g *segment, l *line64, slope float64) float64 {
	if h := g.q.Lat - g.p.Lat; h < flatUnits && h > -flatUnits {
		return 0
	}
	middle := float64(ordinate((g.p.Lat+g.q.Lat)/2)) - (float64(l.low)+float64(l.top))/2
	return math.Abs(middle) / slope
}

// maxStraighten bounds the rounds of straighten; two are usual.
const maxStraighten = 16

// straighten gives points to parts that something lies beside differently in the
// two frames, among it the points that others have been given.
func (s *arrangement) straighten() error {
	for range maxStraighten {
		if s.prepare(areaFrame); !s.bent {
			return nil
		}
		s.cuts = s.cuts[:0]
		err := s.finder.search(s.ctx, s.spans, func(i, j int32) bool {
			if s.lines[i].bent || s.lines[j].bent {
				s.part(i, j)
				s.partCrossing(i, j)
			}
			return true
		})
		if err != nil {
			return err
		}
		s.refine(refineWhereNeeded)
		if len(s.cuts) == 0 {
			return nil
		}
		if len(s.cuts) >= s.limit {
			return tooComplex(s.box())
		}
		s.apply()
		s.merge()
	}
	return nil
}

// part notes which of segments i and j, if they bend, the other lies beside
// differently in the two frames.
func (s *arrangement) part(i, j int32) {
	g, h := &s.segments[i], &s.segments[j]
	lg, lh := &s.lines[i], &s.lines[j]
	if lg.bent {
		s.refined[i] = s.refined[i] || lg.parted(g, h.p, lh.low) || lg.parted(g, h.q, lh.top)
	}
	if lh.bent {
		s.refined[j] = s.refined[j] || lh.parted(h, g.p, lg.low) || lh.parted(h, g.q, lg.top)
	}
}

// partCrossing is part for segments that do not cross in the equal-area plane but
// may do so on the grid, where the crossing would lie off their lines.
func (s *arrangement) partCrossing(i, j int32) {
	g, h := &s.segments[i], &s.segments[j]
	if s.refined[i] && s.refined[j] || g.p == h.p || g.p == h.q || g.q == h.p || g.q == h.q {
		return
	}
	if opposite(turnOf(g.p, g.q, h.p), turnOf(g.p, g.q, h.q)) && opposite(turnOf(h.p, h.q, g.p), turnOf(h.p, h.q, g.q)) {
		s.refined[i] = s.refined[i] || s.lines[i].bent
		s.refined[j] = s.refined[j] || s.lines[j].bent
	}
}

// refine adds cuts that divide bent segments, evenly and on their line in the
// equal-area plane, so far that no part bends by more than [straight]: the bend
// falls with the square of the length.
func (s *arrangement) refine(r refinement) {
	for i := range s.segments {
		l := &s.lines[i]
		if !l.bent || r == refineWhereNeeded && !s.refined[i] {
			continue
		}
		g := &s.segments[i]
		parts := math.Ceil(math.Sqrt(bend(g, l, slopeAt(g.p.Lat)) / straight))
		for k := 1.0; k < parts && len(s.cuts) < s.limit; k++ {
			t := k / parts
			s.lead(int32(i), geo.Position{
				Lon: g.p.Lon + int64(math.Round(t*float64(g.q.Lon-g.p.Lon))),
				Lat: latitudeOf(float64(l.low)+t*float64(l.top-l.low), g.p.Lat+int64(t*float64(g.q.Lat-g.p.Lat))),
			})
		}
	}
}

// meet cuts segments i and j where they meet.
func (s *arrangement) meet(f frame, i, j int32) {
	g, h := &s.segments[i], &s.segments[j]
	if f == areaFrame && s.fair && (g.a != 0) == (h.a != 0) && (g.b != 0) == (h.b != 0) && (g.a == 0 || g.b == 0) {
		return // of one operand, whose edges meet at ends only
	}
	lg, lh := &s.lines[i], &s.lines[j]
	if lg.bent || lh.bent {
		s.part(i, j)
	}
	hx, hy := h.q.Lon-h.p.Lon, lh.top-lh.low
	d1 := side(hx, hy, g.p.Lon-h.p.Lon, lg.low-lh.low)
	d2 := side(hx, hy, g.q.Lon-h.p.Lon, lg.top-lh.low)
	if aside(d1, d2, lh.reach) {
		return
	}
	gx, gy := g.q.Lon-g.p.Lon, lg.top-lg.low
	d3 := side(gx, gy, h.p.Lon-g.p.Lon, lh.low-lg.low)
	d4 := side(gx, gy, h.q.Lon-g.p.Lon, lh.top-lg.low)
	if aside(d3, d4, lg.reach) {
		return
	}
	if passes(d1, lh.reach) {
		s.lead(j, g.p)
	}
	if passes(d2, lh.reach) {
		s.lead(j, g.q)
	}
	if passes(d3, lg.reach) {
		s.lead(i, h.p)
	}
	if passes(d4, lg.reach) {
		s.lead(i, h.q)
	}
	if f == exactFrame || !opposite(d1, d2) || !opposite(d3, d4) ||
		g.p == h.p || g.p == h.q || g.q == h.p || g.q == h.q {
		return
	}
	// Which of the two is walked along must not depend on their numbers.
	var at geo.Position
	if compareSegments(*g, *h) <= 0 {
		at = crossingOf(f, g, lg, h, lh)
	} else {
		at = crossingOf(f, h, lh, g, lg)
	}
	s.lead(i, at)
	s.lead(j, at)
	s.found = append(s.found, at)
}

// passFound leads the segments through the crossings that have been found and that
// they pass, as if those were ends.
func (s *arrangement) passFound() error {
	slices.SortFunc(s.found, order)
	s.found = slices.Compact(s.found)
	n := len(s.segments)
	for _, v := range s.found {
		s.spans = append(s.spans, span{minX: v.Lon, maxX: v.Lon, minY: v.Lat, maxY: v.Lat})
	}
	return s.finder.search(s.ctx, s.spans, func(i, j int32) bool {
		i, j = min(i, j), max(i, j)
		if int(i) < n && int(j) >= n {
			g, v := &s.segments[i], s.found[int(j)-n]
			if passes(turnOf(g.p, g.q, v), s.lines[i].reach) {
				s.lead(i, v)
			}
		}
		return len(s.cuts) < s.limit
	})
}

// aside tells whether both ends of a segment lie on one side of a line, out of reach.
// Then the segment passes none of the line's ends either: a point of it in the
// square round a place on the line would have a determinant below reach.
func aside(d, e, reach float64) bool {
	return d > 0 && e > 0 && d >= reach && e >= reach || d < 0 && e < 0 && d <= -reach && e <= -reach
}

func passes(d, reach float64) bool { return d == 0 || math.Abs(d) < reach }

func opposite(d, e float64) bool { return d > 0 && e < 0 || d < 0 && e > 0 }

// parted tells whether v, with ordinate y, lies on one side of g in the equal-area
// plane and not on the same on the grid, or g would be led through it there only.
func (l *line64) parted(g *segment, v geo.Position, y int64) bool {
	if !g.beside(v) {
		return false
	}
	dx, dy := g.q.Lon-g.p.Lon, g.q.Lat-g.p.Lat
	in := side(dx, l.top-l.low, v.Lon-g.p.Lon, y-l.low)
	on := side(dx, dy, v.Lon-g.p.Lon, v.Lat-g.p.Lat)
	if (in > 0) != (on > 0) || (in < 0) != (on < 0) {
		return true
	}
	return !passes(in, l.reach) && passes(on, gridReach*(float64(dx)+math.Abs(float64(dy))))
}

// beside tells whether v lies in g's box and is not an end of it.
func (g *segment) beside(v geo.Position) bool {
	return v.Lon >= g.p.Lon && v.Lon <= g.q.Lon &&
		v.Lat >= min(g.p.Lat, g.q.Lat) && v.Lat <= max(g.p.Lat, g.q.Lat) && v != g.p && v != g.q
}

// lead cuts segment i at v, if v lies between its ends.
func (s *arrangement) lead(i int32, v geo.Position) {
	if s.segments[i].beside(v) {
		s.cuts = append(s.cuts, cut{i, v})
	}
}

// crossingOf returns the position nearest to the place where g and h cross.
func crossingOf(f frame, g *segment, lg *line64, h *segment, lh *line64) geo.Position {
	hx, hy := h.q.Lon-h.p.Lon, lh.top-lh.low
	d1 := product(hx, hy, g.p.Lon-h.p.Lon, lg.low-lh.low)
	d2 := product(hx, hy, g.q.Lon-h.p.Lon, lg.top-lh.low)
	gx, gy := g.q.Lon-g.p.Lon, lg.top-lg.low
	var at geo.Position
	var y, t float64
	// From the end that is nearer: the quotient's error counts there.
	if t = d1 / (d1 - d2); t <= 0.5 {
		at.Lon = g.p.Lon + int64(math.Round(t*float64(gx)))
		y = float64(lg.low) + t*float64(gy)
	} else {
		u := d2 / (d2 - d1)
		at.Lon = g.q.Lon - int64(math.Round(u*float64(gx)))
		y = float64(lg.top) - u*float64(gy)
	}
	if f == areaFrame {
		at.Lat = latitudeOf(y, g.p.Lat+int64(t*float64(g.q.Lat-g.p.Lat)))
	} else {
		at.Lat = int64(math.Round(y))
	}
	low, high := min(h.p.Lat, h.q.Lat), max(h.p.Lat, h.q.Lat)
	at.Lon = min(max(at.Lon, g.p.Lon, h.p.Lon), g.q.Lon, h.q.Lon)
	at.Lat = min(max(at.Lat, min(g.p.Lat, g.q.Lat), low), max(g.p.Lat, g.q.Lat), high)
	return at
}
