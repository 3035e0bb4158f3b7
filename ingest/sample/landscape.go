package sample

import (
	"context"
	"math"
	"math/rand/v2"

	"gengtu/index/geo"
)

// meanPatch is the ground in square metres for each survey patch, roads and
// villages included: 9 mu, usual in a plain.
const meanPatch = 6200

// patch is one survey patch of the landscape.
type patch struct {
	shell    ring
	holes    []ring // shells of the patches that lie in it
	class    class
	changed  class // the class in the second vintage
	village  int32 // the place in landscape.villages
	block    int32 // patches of one block lie side by side
	grade    uint8 // slope grade 1 to 5
	terraced bool
	width    float64 // metres, of roads and waters
	town     bool    // lies in the seat of a township
	// protected tells whether it is permanent basic farmland.
	protected bool
}

// village is a village's land with its settlement.
type village struct {
	centre geo.XY
	radius float64 // metres, about where the settlement ends
	town   bool    // the seat of a township
	heart  float64 // the direction of its streets
}

// landscape is the whole: a true coverage by patches.
type landscape struct {
	mesh
	*terrain
	rng      *rand.Rand
	outline  ring // as drawn
	border   ring // the outline with the vertices of the patches along it
	patches  []patch
	villages []village
	leaves   []leaf
	orphans  []int // patches of strips between villages, to be given to one
	owner    int32 // the village that strips are laid in, or nobody
	stopped  func() bool
	blocks   int32
	seed     uint64
	faulty   map[int]ring // rings that cross themselves, by patch
	sites    []site
	plots    []plot
	members  [][]int // the patches of each village

	// What survey adds.
	crs     geo.CRS          // the system of plane coordinates
	named   []place          // of each village
	numbers []int            // TBBH of each patch
	booked  []geo.Hundredths // TBMJ of each patch
}

// leaf is a face that holds patches of one kind, to be divided among them.
type leaf struct {
	ring    ring
	class   class
	village int32
	ground  float64 // square metres
	typical float64 // square metres of one patch, 0 when it stays whole
	grade   uint8
	terrace bool
	town    bool
}

// nobody is the village of a patch that is not given to one yet.
const nobody = -1

// streams of random numbers, so that a change in one part leaves the others.
const (
	streamLand uint64 = iota + 1
	streamChange
	streamProtected
	streamStandard
	streamFault
	streamName
)

// newLandscape builds the landscape of the given number of patches. It returns
// ctx's error when that is cancelled.
func newLandscape(ctx context.Context, parcels int, seed uint64) (*landscape, error) {
	rng := rand.New(rand.NewPCG(seed, streamLand))
	ground := float64(parcels) * meanPatch
	side := math.Sqrt(ground)
	// Room for the outline's bulges on all sides; a whole number of metres.
	half := math.Ceil(side * 0.75)
	centre := geo.XY{X: half, Y: half}
	l := &landscape{
		mesh:    mesh{divided: make(map[edge]int32, parcels*5)},
		terrain: newTerrain(rng, ground, centre),
		rng:     rng,
		seed:    seed,
		faulty:  map[int]ring{},
		owner:   nobody,
		stopped: func() bool { return ctx.Err() != nil },
	}
	l.outline = l.drawOutline(ground)
	for _, face := range l.layRiver(l.outline) {
		l.divideCountry(face)
	}
	if l.stopped() {
		return nil, ctx.Err()
	}
	if err := l.divideLeaves(ctx, parcels); err != nil {
		return nil, err
	}
	l.finish()
	l.change()
	l.protect()
	l.spoil()
	l.members = l.byVillage()
	l.plots = l.standard()
	l.divided, l.sites = nil, nil
	return l, nil
}

// drawOutline returns the border of the landscape: an uneven rounded square of
// the given area.
func (l *landscape) drawOutline(ground float64) ring {
	n := max(48, int(4*l.size/60))
	points := make([]geo.XY, n)
	border := noise{seed: l.rng.Uint64(), size: 0.27 * l.size}
	corner := noise{seed: l.rng.Uint64(), size: 0.08 * l.size}
	ripple := noise{seed: l.rng.Uint64(), size: 160}
	for i := range points {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(n))
		// A superellipse of the fifth degree is nearly a square.
		r := l.size / 2 / math.Pow(math.Pow(math.Abs(cos), 5)+math.Pow(math.Abs(sin), 5), 0.2)
		p := l.along(l.centre, r*cos*1.06, r*sin/1.06)
		r = 1 + 0.09*border.at(p) + 0.025*corner.at(p) + min(25/l.size, 0.02)*ripple.at(p)
		points[i] = geo.XY{X: l.centre.X + r*(p.X-l.centre.X), Y: l.centre.Y + r*(p.Y-l.centre.Y)}
	}
	f := math.Sqrt(ground / area(points))
	out := make(ring, n)
	for i, p := range points {
		out[i] = l.add(mix(l.centre, p, f))
	}
	return out
}

// strip is a road or water to be laid: its class and its width in metres.
type strip struct {
	class class
	width float64
}

// bends say how a line winds.
type bends struct {
	step   float64 // metres between its vertices
	wobble float64 // metres by which each vertex is off
	waves  [2]wave
	bow    float64 // the curvature of an arc, 1/metre
	top    float64 // where along the line the arc is highest, metres from its base
}

type wave struct{ high, long float64 } // metres

// draw returns the line through base that reaches over the whole of a ring.
func (l *landscape) draw(base geo.XY, a axes, reach float64, b bends) line {
	n := int(reach/b.step) + 2
	out := line{base: base, axes: a, step: b.step, aside: make([]float64, 2*n+1)}
	var phases [2]float64
	for i := range phases {
		phases[i] = within(l.rng, 0, 2*math.Pi)
	}
	bent := func(s float64) float64 {
		t := b.bow / 2 * (s - b.top) * (s - b.top)
		for i, w := range b.waves {
			if w.long > 0 {
				t += w.high * math.Sin(2*math.Pi*s/w.long+phases[i])
			}
		}
		return t
	}
	zero := bent(0)
	for i := range out.aside {
		if i != n {
			out.aside[i] = bent(float64(i-n)*b.step) - zero + within(l.rng, -b.wobble, b.wobble)
		}
	}
	return out
}

// reach returns a length that leads out of a ring from any place in it.
func reach(ring []geo.XY, a axes) float64 {
	lowU, highU := span(ring, a.u)
	lowV, highV := span(ring, a.v)
	return highU - lowU + highV - lowV
}

// lay divides the face r by strips along ln, side by side from left to right, and
// returns what is left of them and right of them. No strips: a plain cut.
func (l *landscape) lay(r ring, ln line, strips []strip) (left, right ring, ok bool) {
	offsets := []float64{0}
	for _, s := range strips {
		offsets[0] += s.width / 2
	}
	for i, s := range strips {
		offsets = append(offsets, offsets[i]-s.width)
	}
	if !l.layable(l.points(r), ln, offsets) {
		return nil, nil, false
	}
	d, ok := l.cut(r, ln.curve(offsets[0]))
	if !ok {
		return nil, nil, false
	}
	left, right = d.left, d.right
	for i, s := range strips {
		before := d
		if d, ok = l.cut(l.expand(right), ln.curve(offsets[i+1])); !ok {
			break // the face to the right keeps the strip's ground
		}
		right = d.right
		l.addStrip(d.left, s, before, d)
	}
	return left, right, true
}

// layable tells whether cuts at all offsets can be made and end beside each other.
func (l *landscape) layable(points []geo.XY, ln line, offsets []float64) bool {
	var last plan
	for i, o := range offsets {
		c := ln.curve(o)
		if !geo.InRing(points, c.samples[c.start]) {
			return false
		}
		p, ok := planCut(points, c)
		if !ok {
			return false
		}
		if i > 0 {
			// Beyond this the strip would turn round a corner.
			limit := 2.5*(offsets[i-1]-o) + 3
			if distance(p.from.at, last.from.at) > limit || distance(p.to.at, last.to.at) > limit ||
				p.from.corner >= 0 && p.from.corner == last.from.corner || p.to.corner >= 0 && p.to.corner == last.to.corner {
				return false
			}
		}
		last = p
	}
	return true
}

// stretch is about the length in metres of one patch of a road or a water; the
// survey cuts longer ones.
const stretch = 700

// addStrip adds the strip between the cuts a and b, in patches of a stretch each.
func (l *landscape) addStrip(r ring, s strip, a, b division) {
	block := l.nextBlock()
	add := func(r ring) {
		if l.owner == nobody {
			l.orphans = append(l.orphans, len(l.patches))
		}
		l.patches = append(l.patches, patch{shell: r, class: s.class, village: l.owner, block: block, width: s.width})
	}
	first := max(a.first, b.first)
	last := min(a.first+len(a.ids), b.first+len(b.ids)) - 1
	length := 0.0
	for k := first; k < last; k++ {
		length += distance(l.at(a.ids[k-a.first]), l.at(a.ids[k+1-a.first]))
	}
	count := last - first + 1
	pieces := min(int(length/stretch+0.5), count/2)
	for i := 1; i < pieces; i++ {
		k := first + i*count/pieces
		done, rest, ok := chord(r, a.ids[k-a.first], b.ids[k-b.first])
		if !ok {
			break
		}
		add(done)
		r = rest
	}
	add(r)
}

// chord divides the strip r across, from v on its left border to w on its right
// one; behind is the part that the strip's line comes from.
func chord(r ring, v, w int32) (behind, ahead ring, ok bool) {
	i, j := -1, -1
	for k, x := range r {
		switch x {
		case v:
			i = k
		case w:
			j = k
		}
	}
	if i < 0 || j < 0 {
		return nil, nil, false
	}
	return arc(r, i, j), arc(r, j, i), true
}

func (l *landscape) nextBlock() int32 {
	l.blocks++
	return l.blocks
}

// layRiver lays a river with its banks along the foot of the plain and returns
// the faces beside it; small landscapes have a small one.
func (l *landscape) layRiver(face ring) []ring {
	scale := min(max(l.size/8000, 0.3), 1.5)
	for range 8 {
		base := l.along(l.centre, 0, within(l.rng, -0.3, -0.16)*l.size)
		ln := l.draw(base, l.axes, 1.6*l.size, bends{
			step: 24, wobble: 0.8,
			waves: [2]wave{{250 * scale, 2600 * scale}, {60 * scale, 850 * scale}},
		})
		left, right, ok := l.lay(face, ln, []strip{
			{otherWood, 30 * scale}, {shoal, 16 * scale}, {river, 52 * scale}, {shoal, 12 * scale}, {grass, 24 * scale},
		})
		if !ok {
			continue
		}
		l.stream = &ln
		return []ring{l.expand(left), l.expand(right)}
	}
	return []ring{face}
}
