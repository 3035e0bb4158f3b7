package areas

import (
	"math"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

// StatedArea is an area that a file states of a shape.
type StatedArea struct {
	// M2 is the area, m², and StepM2 the unit of its last digit.
	M2, StepM2 float64
	// PlaneM2 is the area of the given coordinates in their plane; 0 when it is
	// not known.
	PlaneM2 float64
}

// agreeM2 is how far a stated area may be off without being told: 0.0001 ha,
// the last digit that plots are stated to.
const agreeM2 = 1

// differs returns the problem of a stated area that agrees neither with the
// ellipsoidal area, which may have been rounded to a step, nor with that in the plane,
// which some programs write; nil when it does.
func (s *StatedArea) differs(ellipsoidalM2, roundedM2 float64) *problem.Problem {
	if s == nil {
		return nil
	}
	allowed := max(agreeM2, s.StepM2/2, roundedM2/2) * (1 + 1e-9)
	if math.Abs(s.M2-ellipsoidalM2) <= allowed || s.PlaneM2 > 0 && math.Abs(s.M2-s.PlaneM2) <= allowed {
		return nil
	}
	zh, en := "写明的面积 %.4f 公顷与算出的不符：椭球面积 %.4f 公顷", "the stated area of %.4f ha is not what was found: %.4f ha on the ellipsoid"
	figures := []any{s.M2 / 1e4, ellipsoidalM2 / 1e4}
	if s.PlaneM2 > 0 {
		zh, en, figures = zh+"，平面面积 %.4f 公顷", en+", %.4f ha in the plane", append(figures, s.PlaneM2/1e4)
	}
	return problem.New("AREA_STATED", zh, en, figures...).
		Advise("请核对界址点和面积", "check the boundary points and the area")
}

// tell adds to an answer what was doubtful about its shape.
func (g *Given) tell(a *Answer) {
	a.AOI.Problems = append(a.AOI.Problems, g.Notes...)
	if p := g.Stated.differs(a.AOI.AreaM2, a.RoundedM2); p != nil {
		a.AOI.Problems = append(a.AOI.Problems, p)
	}
}

// maxPlaneWork bounds the work for a plane area, rings times points: some ten
// milliseconds. Plots have a few rings.
const maxPlaneWork = 1_000_000

// planeArea is the area of rings in their plane by the even-odd rule, as far as
// they do not cross: the shoelace formula, each ring added or taken away by how
// many others it lies in. It is 0 for so many rings that this would take long.
func planeArea(rings [][]geo.XY) float64 {
	points := 0
	for _, r := range rings {
		points += len(r)
	}
	if len(rings)*points > maxPlaneWork {
		return 0
	}
	sum := 0.0
	for i, r := range rings {
		depth := 0
		for j, other := range rings {
			if i != j && ringHolds(other, r) {
				depth++
			}
		}
		a := math.Abs(shoelace(r))
		if depth%2 == 1 {
			a = -a
		}
		sum += a
	}
	return sum
}

// shoelace is the signed area of a ring, taken from its first point so that
// large coordinates lose no digits.
func shoelace(r []geo.XY) float64 {
	sum := 0.0
	for i := 1; i+1 < len(r); i++ {
		sum += (r[i].X-r[0].X)*(r[i+1].Y-r[0].Y) - (r[i+1].X-r[0].X)*(r[i].Y-r[0].Y)
	}
	return sum / 2
}

// ringHolds tells whether most of inner's points lie inside outer: single ones
// may lie on its border.
func ringHolds(outer, inner []geo.XY) bool {
	const looked = 9 // points; an odd number, so that there is a majority
	in, n := 0, 0
	for i := 0; i < len(inner); i += max(1, len(inner)/looked) {
		n++
		if geo.InRing(outer, inner[i]) {
			in++
		}
	}
	return 2*in > n
}
