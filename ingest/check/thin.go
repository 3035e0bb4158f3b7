package check

import (
	"cmp"
	"math"
	"slices"

	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// thinGround is what the borders of two features leave between them where they are
// joined because they are within nearness.edgeM of each other: ground that both have, and
// ground that neither has, in m². Of each is told how much the survey's grid explains.
//
// A vertex that should lie on a straight border lies beside it by half a diagonal of the
// grid at most. An edge of up to 70 m is straight on the ellipsoid's map and not in the
// plane that it was drawn in (bow). So a border that neighbours divide in other places
// leaves both kinds of ground, up to 0.1 mm times its length, which no one drew. What is
// more than that somebody did.
type thinGround struct {
	overlap, gap       float64
	overlapBy, gapBy   float64 // of them, what is explained
	overlapAt, gapAt   geo.Position
	overlapMax, gapMax float64 // at these places
}

// excess returns the ground of one kind, 0 where the grid explains all of it.
func excess(ground, explained float64) float64 {
	if ground <= explained {
		return 0
	}
	return ground
}

// noteThin notes what lay between the borders of two features whose edges, group, have
// become one.
func (w *weave) noteThin(group []edge) {
	if len(group) != 2 || group[0].n[0]+group[1].n[0] != 0 || group[0].n[1] != 0 || group[1].n[1] != 0 {
		return
	}
	pair := [2]uint32{group[0].owner[0], group[1].owner[0]}
	if pair[0] == pair[1] || group[0].bent == 0 && group[1].bent == 0 {
		return
	}
	if pair[0] > pair[1] {
		pair[0], pair[1] = pair[1], pair[0]
	}
	// An edge that covers its left side, led to the left, leaves ground on its right that it
	// covers, and that the other, whose vertex it was led through, covers too.
	ground, explained := 0.0, 0.0
	for _, e := range group {
		ground += e.bent * float64(e.n[0])
		explained += e.allowed
	}
	t := w.between(pair)
	if ground > 0 {
		t.overlap, t.overlapBy = t.overlap+ground, t.overlapBy+explained
		if ground > t.overlapMax {
			t.overlapMax, t.overlapAt = ground, group[0].a
		}
		return
	}
	t.gap, t.gapBy = t.gap-ground, t.gapBy+explained
	if -ground > t.gapMax {
		t.gapMax, t.gapAt = -ground, group[0].a
	}
}

// bend measures the ground between an edge and the pieces that it is led along.
type bend struct {
	a             geo.Position
	scale         scale
	ux, uy, long  float64 // the edge's direction, and its length in metres
	grid          float64 // how far beside it rounding puts a vertex, in metres
	curvature     float64 // of the line that it may stand for
	bent, allowed float64 // what the edge had before
	end           geo.Position
}

func newBend(e *edge, gridM float64) *bend {
	b := &bend{a: e.a, end: e.b, scale: metresAt(e.a.Lat), bent: e.bent, allowed: e.allowed}
	dx, dy := b.scale.x*float64(e.b.Lon-e.a.Lon), b.scale.y*float64(e.b.Lat-e.a.Lat)
	b.long = math.Hypot(dx, dy)
	b.ux, b.uy = dx/b.long, dy/b.long
	b.grid, b.curvature = gridM/math.Sqrt2, curvature(b.ux, e.a.Lat)
	return b
}

// curvature returns that of a line that is straight in longitude and the equal-area
// latitude, one part in metres: tan φ·sin α·(1 + 2 cos² α) / R for azimuth α. It follows
// from tan α = k·cos² φ on such a line and dα/ds = tan φ·sin α / R on a geodesic. Lines
// that are straight in a Gauss-Krüger plane are geodesics to 3 % of that.
func curvature(sinAzimuth float64, lat int64) float64 {
	const earth = 6_371_000
	s := math.Abs(sinAzimuth)
	return math.Abs(math.Tan(float64(lat)/geo.Unit*math.Pi/180)) * s * (3 - 2*s*s) / earth
}

// place returns how far along the edge p is, how far left of it, and how far from it the
// grid explains.
func (b *bend) place(p geo.Position) (along, aside, explained float64) {
	if p == b.a {
		return 0, 0, 0
	}
	if p == b.end {
		return b.long, 0, 0
	}
	x, y := b.scale.x*float64(p.Lon-b.a.Lon), b.scale.y*float64(p.Lat-b.a.Lat)
	along = x*b.ux + y*b.uy
	return along, y*b.ux - x*b.uy, b.grid + b.curvature*along*(b.long-along)/2
}

// to notes in a piece of the edge what lies between the two.
func (b *bend) to(piece *edge) {
	from, left, by := b.place(piece.a)
	to, alsoLeft, alsoBy := b.place(piece.b)
	share := (to - from) / b.long
	piece.bent = b.bent*share + (to-from)*(left+alsoLeft)/2
	piece.allowed = b.allowed*share + (to-from)*(by+alsoBy)/2
}

// move puts the ends of an edge at a and b, and notes the ground between the two as what
// is explained: no farther than the tolerance.
func (e *edge) move(a, b geo.Position) {
	k := metresAt(e.a.Lat)
	dx, dy := k.x*float64(e.b.Lon-e.a.Lon), k.y*float64(e.b.Lat-e.a.Lat)
	left := func(from, to geo.Position) float64 { // times the length of the edge
		return dx*k.y*float64(to.Lat-from.Lat) - dy*k.x*float64(to.Lon-from.Lon)
	}
	ground := (left(e.a, a) + left(e.b, b)) / 2
	e.bent, e.allowed = e.bent+ground, e.allowed+math.Abs(ground)
	e.a, e.b = a, b
}

// withThin returns the overlaps of at least minM2 among those that were found and the thin
// ground: what was found and what is thin together. What the grid explains is marked.
// Areas are those of the features as they were delivered, when they are larger.
func (g *ground) withThin(list []shared, w *weave, minM2 float64) ([]shared, error) {
	at := map[[2]uint32]bool{}
	for _, p := range list {
		at[[2]uint32{p.a, p.b}] = true
	}
	for pair, t := range w.thin {
		if !at[pair] && t.overlap >= minM2/4 {
			list = append(list, shared{a: pair[0], b: pair[1]})
		}
	}
	out := list[:0]
	for _, p := range list {
		t := w.thin[[2]uint32{p.a, p.b}]
		if t == nil {
			t = &thinGround{}
		}
		if p.area+t.overlap < minM2/4 {
			continue
		}
		a, err := g.get(p.a)
		if err != nil {
			return nil, err
		}
		b, err := g.get(p.b)
		if err != nil {
			return nil, err
		}
		wide := p.area
		p.area = max(wide, overlay.SharedArea(a.shape, b.shape))
		// Edges that stay may have a part of the ground that they were led past: then neither
		// figure has it.
		beyond := max(excess(wide+t.overlap, t.overlapBy), p.area-t.overlapBy)
		if p.explained = wide < minM2 && beyond < minM2/4; p.area >= minM2 {
			out = append(out, p)
		}
	}
	return out, nil
}

// thinRegion adds a gap that is too small to be a fault to what else lies between the two
// features that most of its border is of.
func (w *weave) thinRegion(r *region) {
	long := map[uint32]float64{}
	ground, explained := r.area, 0.0
	for i := range r.edges {
		e := &r.edges[i]
		ground -= e.bent * float64(e.n[0])
		explained += e.allowed
		long[e.owner[0]] += metresAt(e.a.Lat).apart(e.a, e.b)
	}
	names := r.owners(0)
	if len(names) < 2 {
		return
	}
	slices.SortStableFunc(names, func(a, b uint32) int { return cmp.Compare(long[b], long[a]) })
	t := w.between([2]uint32{min(names[0], names[1]), max(names[0], names[1])})
	t.gap, t.gapBy = t.gap+ground, t.gapBy+explained
	if ground > t.gapMax {
		t.gapMax, t.gapAt = ground, r.edges[0].a
	}
}

// between returns the thin ground of two features, the first that of the smaller number.
func (w *weave) between(pair [2]uint32) *thinGround {
	if w.thin == nil {
		w.thin = map[[2]uint32]*thinGround{}
	}
	t := w.thin[pair]
	if t == nil {
		t = &thinGround{}
		w.thin[pair] = t
	}
	return t
}

// thinGaps reports gaps that are too thin to be regions, and notes in told which.
func (c *Checker) thinGaps(g *ground, w *weave, told map[[2]uint32]bool) error {
	rules := g.layer.rules["gap"]
	pairs := make([][2]uint32, 0, len(w.thin))
	for pair, t := range w.thin {
		if excess(t.gap, t.gapBy) >= least(rules) {
			pairs = append(pairs, pair)
		}
	}
	slices.SortFunc(pairs, func(p, q [2]uint32) int { return cmp.Or(cmp.Compare(p[0], q[0]), cmp.Compare(p[1], q[1])) })
	for _, pair := range pairs {
		told[pair] = true
		a, err := g.head(pair[0])
		if err != nil {
			return err
		}
		b, err := g.head(pair[1])
		if err != nil {
			return err
		}
		t := w.thin[pair]
		at := g.place(&a)
		at.other, at.at = b.name(), t.gapAt
		for _, r := range rules {
			if !r.holds(t.gap) {
				continue
			}
			if err := c.book.report(&found{place: at, rule: r, areaM2: t.gap, zh: "%.2f m²", en: "%.2f m²", args: []any{t.gap}}); err != nil {
				return err
			}
		}
	}
	return nil
}
