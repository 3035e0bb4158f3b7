package sample

import (
	"math"

	"gengtu/index/geo"
)

const (
	squareKilometre = 1e6
	hectare         = 1e4
	// countryFace is the ground above which a main road divides the country.
	countryFace = 9 * squareKilometre
	// villageFace is the ground above which a face holds more than one village.
	villageFace = 3.6 * squareKilometre
	// yard is about the ground of one block in a settlement.
	yard = 0.8 * hectare
	// perTownship is the number of villages that make a township.
	perTownship = 12
)

// cutAcross returns a line across the longer side of a face, near its middle,
// along the grain of its borders where they agree and else of the fields.
func (l *landscape) cutAcross(points []geo.XY, b bends) line {
	angle, agreement := grain(points)
	centre := centroid(points)
	sin, cos := math.Sincos(4 * l.direction(centre))
	s, c := math.Sincos(4 * angle)
	// Borders count up to twice as much as the lie of the fields.
	weight := 2 * agreement
	angle = math.Atan2(sin+weight*s, cos+weight*c) / 4
	a := axesAt(angle)
	lowU, highU := span(points, a.u)
	lowV, highV := span(points, a.v)
	if highU-lowU > highV-lowV {
		a = a.turned()
	}
	// The line runs along a.u; a.v is the longer side.
	w := share(points, a.v, within(l.rng, 0.4, 0.6))
	base := interval(points, a, w)
	return l.draw(base, a, reach(points, a), b)
}

// tries is how many lines are drawn before a face is left as it is.
const tries = 8

// split divides a face across, by strips or by none; false when no line fits.
func (l *landscape) split(face ring, b bends, strips ...strip) (left, right ring, ok bool) {
	points := l.points(face)
	for i := range tries {
		use := strips
		if i > tries/2 {
			use = nil // a plain border fits where no strip does
		}
		left, right, ok = l.lay(face, l.cutAcross(points, b), use)
		if ok {
			return l.expand(left), l.expand(right), true
		}
	}
	return nil, nil, false
}

// divideCountry divides a face by main roads and canals down to villages.
func (l *landscape) divideCountry(face ring) {
	if l.stopped() {
		return
	}
	face = l.expand(face)
	points := l.points(face)
	ground := area(points)
	if ground <= villageFace {
		l.settle(face)
		return
	}
	long := math.Sqrt(ground)
	b := bends{step: 45, wobble: 0.4, waves: [2]wave{{0.012 * long, 1.1 * long}, {4, 900}}}
	var strips []strip
	switch r := l.rng.Float64(); {
	case ground > countryFace:
		strips = []strip{{otherWood, 9}, {road, 15}, {otherWood, 9}}
	case r < 0.45:
		strips = []strip{{road, 9}}
	case r < 0.8:
		strips = []strip{{ditch, 9}, {track, 5}}
	}
	left, right, ok := l.split(face, b, strips...)
	if !ok {
		l.settle(face)
		return
	}
	l.divideCountry(left)
	l.divideCountry(right)
}

// settle makes a face a village's land: a settlement near its middle, roads and
// ditches, and blocks between them.
func (l *landscape) settle(face ring) {
	points := l.points(face)
	number := int32(len(l.villages)) //nolint:gosec // bounded by the number of patches
	centre := centroid(points)
	for range 20 {
		// Off the middle, where it is no wood on a slope if that can be had.
		c := centroid(points)
		reach := 0.18 * math.Sqrt(area(points))
		c.X += within(l.rng, -reach, reach)
		c.Y += within(l.rng, -reach, reach)
		if geo.InRing(points, c) && l.fromRiver(c) > 200 {
			centre = c
			if l.upland(c) < 0.7 {
				break
			}
		}
	}
	town := number%perTownship == perTownship/2
	part := within(l.rng, 0.036, 0.062)
	if town {
		part *= 1.8
	}
	l.villages = append(l.villages, village{
		centre: centre, radius: math.Sqrt(part * area(points) / math.Pi), town: town, heart: l.direction(centre),
	})
	l.owner = number
	l.divideVillage(face, unsited)
	l.owner = nobody
}

// siting says whether a face lies in a site already.
type siting uint8

const (
	unsited siting = iota
	isSited
)

// divideVillage divides a face of the village l.owner down to blocks, and notes
// sites for high-standard farmland on the way.
func (l *landscape) divideVillage(face ring, sited siting) {
	if l.stopped() {
		return
	}
	points := l.points(face)
	ground := area(points)
	centre := centroid(points)
	home := &l.villages[l.owner]
	up := l.upland(centre)
	far := distance(centre, home.centre) - home.radius
	settled := far < 0.45*math.Sqrt(ground)

	limit := within(l.rng, 9, 17) * hectare * (1 - 0.45*up)
	if settled {
		limit = yard * within(l.rng, 1.2, 1.9)
	}
	if sited == unsited && ground > plotLeast && ground <= plotMost && far > 0.3*math.Sqrt(ground) {
		l.sites = append(l.sites, site{face, l.owner})
		sited = isSited
	}
	if ground <= limit {
		l.addLeaf(face, points)
		return
	}
	b := bends{step: 36, wobble: 0.25, waves: [2]wave{{1.2, 420}, {}}}
	if up > 0.3 {
		b.waves = [2]wave{{0.045 * math.Sqrt(ground), 1.1 * math.Sqrt(ground)}, {5, 170}}
		b.wobble, b.step = 0.8, 24
	}
	left, right, ok := l.split(face, b, l.villageStrips(ground, up, settled && ground < 4*hectare)...)
	if !ok {
		l.addLeaf(face, points)
		return
	}
	l.divideVillage(left, sited)
	l.divideVillage(l.expand(right), sited)
}

// villageStrips chooses what divides a face of a village's land: streets in the
// settlement, else roads, ditches and, on slopes, gullies under grass and wood.
func (l *landscape) villageStrips(ground, up float64, settled bool) []strip {
	r := l.rng.Float64()
	switch {
	case settled:
		return []strip{{street, within(l.rng, 3.5, 6)}}
	case up > 0.5 && r < 0.12:
		return []strip{{bush, within(l.rng, 10, 18)}, {grass, within(l.rng, 14, 26)}, {wood, within(l.rng, 8, 20)}}
	case up > 0.5 && r < 0.22:
		return []strip{{grass, within(l.rng, 8, 14)}}
	case ground > 60*hectare && r < 0.6:
		return []strip{{track, 6}}
	case ground > 60*hectare:
		return []strip{{ditch, 6}, {track, 5}}
	case r < 0.55:
		return []strip{{track, within(l.rng, 3.2, 5)}}
	case r < 0.8:
		return []strip{{ditch, within(l.rng, 2.4, 4)}}
	case r < 0.93:
		return []strip{{ditch, 3}, {track, 4}}
	}
	return nil
}

// addLeaf notes a block and what it is used for.
func (l *landscape) addLeaf(face ring, points []geo.XY) {
	home := l.villages[l.owner]
	centre := centroid(points)
	f := leaf{ring: face, village: l.owner, ground: area(points), town: home.town}
	f.grade, f.terrace = l.slope(centre)
	d := distance(centre, home.centre) / (home.radius * (1 + 0.3*l.spread.at(centre)))
	if f.ground < 3*hectare && d < 1.5 {
		f.class, f.typical = l.settlementUse(d, home.town)
	} else {
		f.class, f.typical = l.fieldUse(centre, f.ground)
	}
	if f.class.cropland() && f.typical == 0 {
		f.typical = meanPatch * within(l.rng, 0.6, 1.5) * (1 - 0.3*l.upland(centre))
	}
	l.leaves = append(l.leaves, f)
}

// slope returns the slope grade at p and whether the land is terraced.
func (l *landscape) slope(p geo.XY) (grade uint8, terraced bool) {
	steep := l.upland(p) * (0.75 + 0.5*l.patchy.at(p))
	switch {
	case steep < 0.08:
		return 1, false
	case steep < 0.35:
		return 2, l.rng.Float64() < 0.3
	case steep < 0.7:
		return 3, l.rng.Float64() < 0.7
	case steep < 0.95:
		return 4, l.rng.Float64() < 0.85
	}
	return 5, true
}

// settlementUse chooses the use of a block in or near a settlement; d is its
// distance from the middle, 1 at the edge.
func (l *landscape) settlementUse(d float64, town bool) (c class, typical float64) {
	r := l.rng.Float64()
	switch {
	case d < 1 && town && r < 0.45:
		return townHouse, 0
	case d < 1 && town && r < 0.6:
		return [...]class{commerce, industry, storage, office}[l.rng.IntN(4)], 0
	case d < 0.5 && r > 0.9:
		return [...]class{office, school, square, utility}[l.rng.IntN(4)], 0
	case d < 1 && r > 0.97:
		return pond, 0
	case d < 1 && r > 0.94:
		return vacant, 0
	case d < 1:
		return house, 0
	case r < 0.22:
		return orchard, 0.5 * hectare
	case r < 0.42:
		return wood, 0
	case r < 0.46:
		return special, 0
	}
	return irrigated, 0.25 * hectare
}

// fieldUse chooses the use of a block in the open country.
func (l *landscape) fieldUse(p geo.XY, ground float64) (c class, typical float64) {
	up, near := l.upland(p), l.fromRiver(p)
	r := l.rng.Float64()
	switch {
	case near < 260 && r < 0.1:
		return fishPond, 0.8 * hectare
	case near < 200 && r < 0.22:
		return wood, ground
	case up > 0.6 && r < 0.12 || up > 0.25 && r < 0.04:
		return [...]class{wood, bush, grass, wood}[l.rng.IntN(4)], 2.5 * hectare
	case l.patchy.at(p) > 0.5 && r < 0.3 || up > 0.3 && r < 0.14:
		return orchard, 0.9 * hectare
	case up > 0.15:
		return dry, 0
	case near < 900 && l.wet.at(p) > -0.5 || l.wet.at(p) > 0.45:
		return paddy, 0
	}
	return irrigated, 0
}
