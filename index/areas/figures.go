package areas

import (
	"math"
	"strconv"

	"gengtu/index/geo"
)

// The forms for people print figures of the JSON answer with fewer digits. They
// are rounded from the decimals that the answer shows, so that whoever rounds
// those by hand comes to the same figure; nothing is computed anew from them, or
// shared out so that it adds up.

// figureDecimals are more decimals than the figures of an answer have beyond
// those that are printed.
const figureDecimals = 4

// steps rounds a figure of an answer to whole steps of its last printed decimal,
// halves away from zero.
func steps(v float64, decimals int) int64 {
	// First to the figure's own decimals: 1.005 is less than its digits say, and
	// would be rounded down.
	own := math.Pow10(figureDecimals)
	return int64(math.Round(math.Round(v*math.Pow10(decimals)*own) / own))
}

// ofSteps is the figure of whole steps.
func ofSteps(n int64, decimals int) float64 { return float64(n) / math.Pow10(decimals) }

// fixed writes a figure of whole steps.
func fixed(n int64, decimals int) string {
	return strconv.FormatFloat(ofSteps(n, decimals), 'f', decimals, 64)
}

// area is one area of an answer in the units that it is told in.
type area struct{ m2, mu, ha float64 }

func (a *AOI) area() area   { return area{a.AreaM2, a.AreaMu, a.AreaHa} }
func (l *Layer) area() area { return area{l.AreaM2, l.AreaMu, l.AreaHa} }
func (g *Group) area() area { return area{g.AreaM2, g.AreaMu, g.AreaM2 / 1e4} }
func (p *Piece) area() area { return area{p.AreaM2, round(p.AreaM2*geo.MuPerM2, 4), p.AreaM2 / 1e4} }
func (c *Combination) area() area {
	return area{c.AreaM2, round(c.AreaM2*geo.MuPerM2, 4), c.AreaM2 / 1e4}
}

// The decimals that forms for people print areas with.
const (
	m2Decimals = 2
	muDecimals = 4
	haDecimals = 2
)

// printed is an area, or a sum of such, as it is printed, in whole steps.
type printed struct{ m2, mu, ha int64 }

func (a area) printed() printed {
	return printed{steps(a.m2, m2Decimals), steps(a.mu, muDecimals), steps(a.ha, haDecimals)}
}

func (p *printed) add(q printed) { p.m2, p.mu, p.ha = p.m2+q.m2, p.mu+q.mu, p.ha+q.ha }

// printedSum adds up figures in m² of which some may be missing; then there is no
// sum.
type printedSum struct {
	sum     int64
	missing bool
}

func (s *printedSum) add(m2 *float64) {
	if m2 == nil {
		s.missing = true
		return
	}
	s.sum += steps(*m2, m2Decimals)
}

// text is the sum, or "" when there is none.
func (s *printedSum) text() string {
	if s.missing {
		return ""
	}
	return fixed(s.sum, m2Decimals)
}

// optionalText writes a figure in m², "" for none.
func optionalText(m2 *float64) string {
	if m2 == nil {
		return ""
	}
	return fixed(steps(*m2, m2Decimals), m2Decimals)
}
