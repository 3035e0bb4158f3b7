package sample

import (
	"container/heap"
	"context"
	"math"

	"gengtu/index/geo"
)

// style is how the patches of one block lie.
type style struct {
	axes          // u runs along the strips
	long  float64 // the length of a strip, metres
	bends bends
	crest geo.XY // where arcs are highest
}

// holesIn is the part of all patches that have another as a hole.
const holesIn = 0.03

// divideLeaves divides the blocks so that the landscape has the given number of
// patches.
func (l *landscape) divideLeaves(ctx context.Context, parcels int) error {
	ponds := int(float64(parcels)*holesIn + 0.5)
	counts := l.quota(parcels - len(l.patches) - ponds)
	for i := range l.leaves {
		if i%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		f := &l.leaves[i]
		s := l.styleOf(f)
		block := l.nextBlock()
		l.divideLeaf(f, l.expand(f.ring), counts[i], s, block)
	}
	l.sprinkle()
	l.digPonds(min(ponds, parcels-len(l.patches)))
	return l.fill(ctx, parcels)
}

// quota says how many patches each leaf is divided into, total in all where that
// can be: other land by its usual size, cropland in proportion to what is left,
// and at least one each.
func (l *landscape) quota(total int) []int {
	counts := make([]int, len(l.leaves))
	weights := 0.0
	for i, f := range l.leaves {
		if f.class.cropland() {
			weights += f.ground / f.typical
			continue
		}
		counts[i] = 1
		if f.typical > 0 {
			counts[i] = max(int(f.ground/f.typical+0.5), 1)
		}
		total -= counts[i]
	}
	// Rounded running sums give whole numbers that add up.
	sum, given := 0.0, 0
	for i, f := range l.leaves {
		if f.class.cropland() {
			sum += f.ground / f.typical
			counts[i] = max(int(math.Round(sum/weights*float64(total)))-given, 1)
			given += counts[i]
		}
	}
	return counts
}

// styleOf chooses how the patches of f lie.
func (l *landscape) styleOf(f *leaf) style {
	points := l.points(f.ring)
	centre := centroid(points)
	up := l.upland(centre)
	angle, agreement := grain(points)
	if up > 0.4 && agreement < 0.8 {
		angle = l.contour(centre)
	}
	s := style{
		axes: axesAt(angle), long: within(l.rng, 120, 230), crest: centre,
		bends: bends{step: 32, wobble: 0.3},
	}
	lowU, highU := span(points, s.u)
	lowV, highV := span(points, s.v)
	// Strips mostly run along the shorter side of a block, from road to road.
	if (highU-lowU > highV-lowV) == (l.rng.Float64() < 0.75) {
		s.axes = s.turned()
	}
	if up > 0.3 {
		// Terraces follow the hill in arcs of 250 to 800 m radius.
		s.bends.bow = up / within(l.rng, 250, 800)
		if l.relief.at(centre) < 0 {
			s.bends.bow = -s.bends.bow
		}
		s.bends.wobble, s.bends.step = 0.9, 22
		s.long *= 1.3
	} else {
		s.bends.bow = within(l.rng, -1, 1) / 9000
	}
	return s
}

// divideLeaf adds the part r of f as n patches.
func (l *landscape) divideLeaf(f *leaf, r ring, n int, s style, block int32) {
	if n > 1 {
		for range 3 {
			left, right, part, ok := l.halve(r, n, s)
			if ok {
				l.divideLeaf(f, left, n-part, s, block)
				l.divideLeaf(f, l.expand(right), part, s, block)
				return
			}
		}
	}
	l.patches = append(l.patches, patch{
		shell: r, class: f.class, village: f.village, block: block,
		grade: f.grade, terraced: f.terrace, town: f.town,
	})
}

// halve divides r, which is to become n patches, and says how many of them the
// right part is to become.
func (l *landscape) halve(r ring, n int, s style) (left, right ring, part int, ok bool) {
	points := l.points(r)
	lowU, highU := span(points, s.u)
	lowV, highV := span(points, s.v)
	rows := int((highU-lowU)/s.long + 0.5)
	a, b := s.axes, s.bends
	part = n / 2
	// Narrower than 14 m a strip is not worked; then it is cut short.
	if rows >= 2 || (highV-lowV)/float64(n) < 14 && highU-lowU > highV-lowV {
		a = s.turned()
		b.bow, b.wobble = 0, min(b.wobble, 0.4)
		if rows > 2 {
			part = min(max(n*(rows/2)/rows, 1), n-1)
		}
	}
	// share counts from below along a.v, which is the right side of a.u.
	w := share(points, a.v, float64(part)/float64(n)*(1+within(l.rng, -0.07, 0.07)))
	base := interval(points, a, w)
	b.top = dot(s.crest, a.u) - dot(base, a.u)
	left, right, ok = l.lay(r, l.draw(base, a, reach(points, a), b), nil)
	return left, right, part, ok
}

// sprinkle gives a few patches of the fields another use.
func (l *landscape) sprinkle() {
	uses := [...]struct {
		class
		part float64
	}{
		{facility, 0.006}, {orchard, 0.008}, {wood, 0.005}, {pond, 0.004}, {grass, 0.003},
		{orchardK, 0.004}, {special, 0.001}, {industry, 0.0008}, {works, 0.0004}, {house, 0.001}, {tea, 0.001},
	}
	for i := range l.patches {
		p := &l.patches[i]
		if !p.class.cropland() {
			continue
		}
		r := l.rng.Float64()
		for _, u := range uses {
			if r -= u.part; r < 0 {
				p.class = u.class
				break
			}
		}
	}
}

// digPonds puts a pond, a grave yard or a shed into up to n patches of cropland,
// each a patch of its own in a hole.
func (l *landscape) digPonds(n int) {
	var chances []int
	for i := range l.patches {
		if l.patches[i].class.cropland() {
			chances = append(chances, i)
		}
	}
	l.rng.Shuffle(len(chances), func(i, j int) { chances[i], chances[j] = chances[j], chances[i] })
	for _, i := range chances {
		if n <= 0 {
			return
		}
		p := &l.patches[i]
		points := l.points(l.expand(p.shell))
		centre := centroid(points)
		// Room for 3 m of field around a pond of 13 m across.
		room := clearance(points, centre)
		if !geo.InRing(points, centre) || room < 12 {
			continue
		}
		shore := l.drawPond(centre, min(room-3, 45)*within(l.rng, 0.72, 1))
		use := [...]class{pond, pond, pond, special, facility, wood}[l.rng.IntN(6)]
		p.holes = append(p.holes, shore)
		l.patches = append(l.patches, patch{shell: shore, class: use, village: p.village, block: p.block, grade: p.grade})
		n--
	}
}

// drawPond returns a rounded uneven ring of about the given radius, never beyond
// it.
func (l *landscape) drawPond(centre geo.XY, radius float64) ring {
	n := max(9, int(2*math.Pi*radius/6))
	flat := within(l.rng, 0.6, 1)
	a := axesAt(within(l.rng, 0, math.Pi))
	out := make(ring, n)
	lobe := within(l.rng, 0, 2*math.Pi)
	for i := range out {
		t := 2 * math.Pi * float64(i) / float64(n)
		sin, cos := math.Sincos(t)
		r := radius * (0.86 + 0.1*math.Sin(2*t+lobe) + 0.04*l.rng.Float64())
		out[i] = l.add(a.along(centre, r*cos, r*flat*sin))
	}
	return out
}

// byGround orders patches by their ground, the largest first.
type byGround struct {
	ground  []float64
	patches []int
}

func (q *byGround) Len() int { return len(q.patches) }
func (q *byGround) Less(i, j int) bool {
	return q.ground[i] > q.ground[j] || q.ground[i] == q.ground[j] && q.patches[i] < q.patches[j]
}
func (q *byGround) Swap(i, j int) {
	q.ground[i], q.ground[j] = q.ground[j], q.ground[i]
	q.patches[i], q.patches[j] = q.patches[j], q.patches[i]
}
func (q *byGround) Push(any) {}
func (q *byGround) Pop() any {
	last := len(q.patches) - 1
	p := q.patches[last]
	q.ground, q.patches = q.ground[:last], q.patches[:last]
	return p
}

// fill halves the largest patches of cropland until there are as many patches as
// wanted: what the cuts that did not fit left short.
func (l *landscape) fill(ctx context.Context, parcels int) error {
	var q byGround
	for i := range l.patches {
		if p := &l.patches[i]; p.class.cropland() && len(p.holes) == 0 {
			q.patches = append(q.patches, i)
			q.ground = append(q.ground, l.area(p.shell))
		}
	}
	heap.Init(&q)
	for len(l.patches) < parcels && q.Len() > 0 {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		p := &l.patches[heap.Pop(&q).(int)] //nolint:forcetypeassert // only ints are in the queue
		r := l.expand(p.shell)
		for range tries {
			left, right, ok := l.lay(r, l.cutAcross(l.points(r), bends{step: 32, wobble: 0.2}), nil)
			if ok {
				other := *p
				p.shell, other.shell = left, right
				l.patches = append(l.patches, other)
				break
			}
		}
	}
	return nil
}
