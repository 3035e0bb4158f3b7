package sample

import (
	"math"
	"math/rand/v2"

	"gengtu/index/geo"
)

// noise is a smooth random function of the place, in [-1, 1]: random values at
// the corners of squares of the given size, joined by a quintic (value noise
// after Perlin, "Improving noise", 2002). Equal seeds give equal functions.
type noise struct {
	seed uint64
	size float64 // metres
}

// at returns the function's value at p.
func (n noise) at(p geo.XY) float64 {
	x, y := p.X/n.size, p.Y/n.size
	fx, fy := math.Floor(x), math.Floor(y)
	tx, ty := fade(x-fx), fade(y-fy)
	i, j := int64(fx), int64(fy)
	low := blend(n.corner(i, j), n.corner(i+1, j), tx)
	high := blend(n.corner(i, j+1), n.corner(i+1, j+1), tx)
	return blend(low, high, ty)
}

func fade(t float64) float64 { return t * t * t * (t*(t*6-15) + 10) }

func blend(a, b, t float64) float64 { return a + t*(b-a) }

// corner returns the value at the corner i, j, by the finaliser of SplitMix64
// (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
func (n noise) corner(i, j int64) float64 {
	h := n.seed + uint64(i)*0x9e3779b97f4a7c15 + uint64(j)*0xc2b2ae3d27d4eb4f //nolint:gosec // wraps on purpose
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	h ^= h >> 31
	return float64(h>>11)/(1<<52) - 1
}

// terrain is the lie of the land: a plain that rises to terraced slopes on one
// side, with a river through the plain.
type terrain struct {
	size    float64 // the side of a square of the landscape's area, metres
	centre  geo.XY
	axes            // v points uphill
	foot    float64 // where the slopes begin along v from the centre, metres
	relief  noise   // hills
	edge    noise   // how the foot of the slopes winds
	turn    noise   // how the direction of fields changes
	patchy  noise   // where orchards are
	wet     noise   // where paddies and ponds are
	spread  noise   // the uneven edge of settlements and protected land
	heading float64 // the direction of fields in the plain, radians
	stream  *line   // the river's middle, nil when there is none
}

// newTerrain returns the terrain of a landscape of the given area around centre.
func newTerrain(rng *rand.Rand, squareMetres float64, centre geo.XY) *terrain {
	t := &terrain{size: math.Sqrt(squareMetres), centre: centre}
	t.axes = axesAt(within(rng, -0.4, 0.4))
	t.foot = within(rng, 0.25, 0.33) * t.size
	t.heading = within(rng, -0.15, 0.15)
	for _, n := range []struct {
		to   *noise
		size float64
	}{
		{&t.relief, 900}, {&t.edge, 1700}, {&t.turn, 3100}, {&t.patchy, 1300}, {&t.wet, 2300}, {&t.spread, 110},
	} {
		*n.to = noise{seed: rng.Uint64(), size: n.size}
	}
	return t
}

// within returns a random number in [low, high).
func within(rng *rand.Rand, low, high float64) float64 { return low + rng.Float64()*(high-low) }

// upland returns how far p is up the slopes: 0 in the plain, 1 well above its
// foot.
func (t *terrain) upland(p geo.XY) float64 {
	d := dot(geo.XY{X: p.X - t.centre.X, Y: p.Y - t.centre.Y}, t.v) - t.foot
	// The foot winds by up to a tenth of the landscape; the slopes take 1.2 km,
	// or a tenth of a small landscape, to reach their full height.
	d += 0.09 * min(t.size, 16_000) * t.edge.at(p)
	return fade(min(max(d/min(1200, t.size/8), 0), 1))
}

// contour returns the direction of the contour line at p.
func (t *terrain) contour(p geo.XY) float64 {
	const h = 20
	height := func(x, y float64) float64 {
		q := geo.XY{X: p.X + x, Y: p.Y + y}
		// Hills of 70 m on a slope of 5 in 100.
		return 0.05*dot(q, t.v) + 35*t.relief.at(q)
	}
	return math.Atan2(height(0, h)-height(0, -h), height(h, 0)-height(-h, 0)) + math.Pi/2
}

// direction returns the direction of fields at p: the plain's own, which changes
// slowly, or the contour on slopes.
func (t *terrain) direction(p geo.XY) float64 {
	if t.upland(p) > 0.4 {
		return t.contour(p)
	}
	return t.heading + 0.6*t.turn.at(p)
}

// fromRiver returns about the distance in metres from p to the middle of the
// river, exact up to 900 m.
func (t *terrain) fromRiver(p geo.XY) float64 {
	if t.stream == nil {
		return math.Inf(1)
	}
	s := t.stream
	d := geo.XY{X: p.X - s.base.X, Y: p.Y - s.base.Y}
	along, aside := dot(d, s.u), dot(d, s.v)
	middle := len(s.aside)/2 + int(math.Round(along/s.step))
	// Further along the river than this nothing is nearer than 900 m.
	window := int(900/s.step) + 1
	least := math.Inf(1)
	for i := max(middle-window, 0); i <= min(middle+window, len(s.aside)-1); i++ {
		least = min(least, math.Hypot(float64(i-len(s.aside)/2)*s.step-along, s.aside[i]-aside))
	}
	return least
}
