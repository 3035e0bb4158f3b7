package sample

import (
	"math"
	"math/rand/v2"
	"slices"

	"gengtu/index/geo"
)

// changedPart is the part of the cropland that is something else in the second
// vintage.
const changedPart = 0.015

// middle returns the centre of patch n.
func (l *landscape) middle(n int) geo.XY { return centroid(l.points(l.patches[n].shell)) }

// net returns the plane area of patch n without its holes, in square metres.
func (l *landscape) net(n int) float64 {
	a := l.area(l.patches[n].shell)
	for _, h := range l.patches[n].holes {
		a -= l.area(h)
	}
	return a
}

// fromHome returns the distance in metres of p from the edge of the settlement
// of village v, negative inside.
func (l *landscape) fromHome(p geo.XY, v int32) float64 {
	return distance(p, l.villages[v].centre) - l.villages[v].radius
}

// change gives a part of the cropland another use in the second vintage: new
// houses beside the villages, and here and there neighbouring parcels planted
// with trees, made orchards or ponds.
func (l *landscape) change() {
	rng := rand.New(rand.NewPCG(l.seed, streamChange))
	var fields []int
	ground := 0.0
	for n := range l.patches {
		if l.patches[n].class.cropland() {
			fields = append(fields, n)
			ground += l.net(n)
		}
	}
	left := ground * changedPart
	for range 50 * len(fields) {
		if left <= 0 {
			return
		}
		first := fields[rng.IntN(len(fields))]
		use := [...]class{wood, pond, orchardK, orchardK}[rng.IntN(4)]
		run := 1 + rng.IntN(4)
		if l.fromHome(l.middle(first), l.patches[first].village) < 150 {
			use, run = house, 1+rng.IntN(2)
		} else if rng.Float64() < 0.6 {
			continue // so that half of the change is beside villages
		}
		for n := first; n < min(first+run, len(l.patches)) && left > 0; n++ {
			p := &l.patches[n]
			if !p.class.cropland() || p.changed != p.class || p.block != l.patches[first].block {
				break
			}
			p.changed = use
			left -= l.net(n)
		}
	}
}

// protectedPart is the part of the cropland that is permanent basic farmland.
const protectedPart = 0.85

// protect marks the permanent basic farmland: the cropland away from villages
// and steep slopes.
func (l *landscape) protect() {
	type field struct {
		patch int
		score float64
		area  float64
	}
	var fields []field
	ground := 0.0
	uneven := noise{seed: rand.New(rand.NewPCG(l.seed, streamProtected)).Uint64(), size: 700}
	for n := range l.patches {
		p := &l.patches[n]
		if !p.class.cropland() {
			continue
		}
		c := l.middle(n)
		f := field{patch: n, score: l.fromHome(c, p.village) + 260*uneven.at(c), area: l.net(n)}
		if p.grade == 5 {
			f.score -= 500
		}
		ground += f.area
		fields = append(fields, f)
	}
	slices.SortFunc(fields, func(a, b field) int {
		if a.score != b.score {
			return int(math.Copysign(1, b.score-a.score))
		}
		return a.patch - b.patch
	})
	left := ground * protectedPart
	for _, f := range fields {
		if left <= 0 {
			return
		}
		l.patches[f.patch].protected = true
		left -= f.area
	}
}

// faults is the number of rings that cross themselves, whatever the landscape's
// size.
const faults = 6

// spoil exchanges two neighbouring vertices in a few rings, as a slip in
// digitising does, so that they cross themselves. The neighbours keep the right
// border. Areas of record are those of the right ring.
func (l *landscape) spoil() {
	rng := rand.New(rand.NewPCG(l.seed, streamFault))
	for range 200 * faults {
		if len(l.faulty) == faults {
			break
		}
		n := rng.IntN(len(l.patches))
		p := &l.patches[n]
		if _, done := l.faulty[n]; done || !p.class.cropland() || p.changed != p.class {
			continue
		}
		points := l.points(p.shell)
		if k := slip(points); k >= 0 {
			wrong := slices.Clone(p.shell)
			next := (k + 1) % len(wrong)
			wrong[k], wrong[next] = wrong[next], wrong[k]
			l.faulty[n] = wrong
		}
	}
}

// slip returns the vertex whose exchange with the next makes a ring cross itself
// most visibly, or -1 when none does.
func slip(points []geo.XY) int {
	best, most := -1, 0.05 // square metres; less is not seen
	n := len(points)
	for k := range points {
		a, b, c, d := points[(k+n-1)%n], points[k], points[(k+1)%n], points[(k+2)%n]
		// With b and c exchanged the edges a-c and b-d meet.
		t, ok := crossing(a, c, b, d)
		if !ok {
			continue
		}
		x := mix(a, c, t)
		size := math.Abs(area([]geo.XY{b, c, x}))
		if size > most && size < 0.05*math.Abs(area(points)) {
			best, most = k, size
		}
	}
	return best
}
