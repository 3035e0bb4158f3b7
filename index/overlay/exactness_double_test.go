package overlay

import (
	"math"
	"math/big"

	"gengtu/index/geo"
)

// double is an unevaluated sum of two float64, |lo| at most half a unit in the
// last place of hi: 106 bits, each operation right to some 2^-103 (Dekker 1971;
// Hida, Li and Bailey 2001).
type double struct{ hi, lo float64 }

func twoSum(a, b float64) double {
	s := a + b
	t := s - a
	return double{s, (a - (s - t)) + (b - t)}
}

func quickSum(a, b float64) double {
	s := a + b
	return double{s, b - (s - a)}
}

func (a double) add(b double) double {
	s, t := twoSum(a.hi, b.hi), twoSum(a.lo, b.lo)
	s = quickSum(s.hi, s.lo+t.hi)
	return quickSum(s.hi, s.lo+t.lo)
}

func (a double) neg() double { return double{-a.hi, -a.lo} }

func (a double) sub(b double) double { return a.add(b.neg()) }

func (a double) mul(b double) double {
	p := a.hi * b.hi
	e := math.FMA(a.hi, b.hi, -p)
	return quickSum(p, e+(float64(a.hi*b.lo)+float64(a.lo*b.hi)))
}

func (a double) times(b float64) double {
	p := a.hi * b
	return quickSum(p, math.FMA(a.hi, b, -p)+float64(a.lo*b))
}

func (a double) quo(b double) double {
	q := a.hi / b.hi
	r := a.sub(b.times(q))
	q2 := r.hi / b.hi
	r = r.sub(b.times(q2))
	return quickSum(q, q2).add(double{r.hi / b.hi, 0})
}

func (a double) sign() int {
	switch {
	case a.hi > 0:
		return 1
	case a.hi < 0:
		return -1
	default:
		return 0
	}
}

func (a double) value() float64 { return a.hi + a.lo }

// doubleOf rounds v.
func doubleOf(v *big.Float) double {
	hi, _ := v.Float64()
	lo, _ := bigNew().Sub(v, bigOf(hi)).Float64()
	return double{hi, lo}
}

// survey holds the constants of the survey's area formula, from the ellipsoid's
// definition by exact rationals: a = 6378137 m, 1/f = 298.257222101. They share
// nothing with the constants of package geo.
var survey = newSurveyConstants()

type surveyConstants struct {
	zonal   [5]*big.Float // of sin B, sin 3B … sin 9B, on an ellipsoid with b = 1
	square  *big.Float    // b², m²
	radians *big.Float    // of one unit
	doubles struct {
		zonal   [5]double
		radians double
		m2      double // of one unit of longitude × 1
	}
}

// pi to 100 digits.
const piDigits = "3.141592653589793238462643383279502884197169399375105820974944592307816406286208998628034825342117068"

func newSurveyConstants() *surveyConstants {
	rat := func(a, b int64) *big.Rat { return big.NewRat(a, b) }
	mul := func(a, b *big.Rat) *big.Rat { return new(big.Rat).Mul(a, b) }
	f := rat(1_000_000_000, 298_257_222_101)
	e2 := mul(f, new(big.Rat).Sub(rat(2, 1), f))
	powers := []*big.Rat{rat(1, 1), e2}
	for len(powers) < 5 {
		powers = append(powers, mul(powers[len(powers)-1], e2))
	}
	// A to E of the notice, each a polynomial in e².
	series := [5][5][2]int64{
		{{1, 1}, {3, 6}, {30, 80}, {35, 112}, {630, 2304}},
		{{0, 1}, {-1, 6}, {-15, 80}, {-21, 112}, {-420, 2304}},
		{{0, 1}, {0, 1}, {3, 80}, {7, 112}, {180, 2304}},
		{{0, 1}, {0, 1}, {0, 1}, {-1, 112}, {-45, 2304}},
		{{0, 1}, {0, 1}, {0, 1}, {0, 1}, {5, 2304}},
	}
	c := &surveyConstants{}
	for i, terms := range series {
		sum := new(big.Rat)
		for j, q := range terms {
			sum.Add(sum, mul(rat(q[0], q[1]), powers[j]))
		}
		c.zonal[i] = bigNew().SetRat(sum)
		c.doubles.zonal[i] = doubleOf(c.zonal[i])
	}
	b := mul(rat(6378137, 1), new(big.Rat).Sub(rat(1, 1), f))
	c.square = bigNew().SetRat(mul(b, b))
	pi, _, err := big.ParseFloat(piDigits, 10, oraclePrecision, big.ToNearestEven)
	if err != nil {
		panic(err)
	}
	c.radians = pi.Quo(pi, bigNew().SetInt64(180*geo.Unit))
	c.doubles.radians = doubleOf(c.radians)
	c.doubles.m2 = doubleOf(bigNew().Mul(c.radians, c.square))
	return c
}

// doubleTerms is the number of Taylor terms: within 2 degrees the first one left
// out, (0.035 k)^j/j! of the k-th coefficient, is below 2^-106 of the first.
const doubleTerms = 20

// doublePlane maps latitudes to the area function of the survey, b = 1, less
// that of its origin; longitudes are units as they are.
type doublePlane struct {
	lon, lat int64
	north    [doubleTerms]double
}

func newDoublePlane(origin geo.Position) *doublePlane {
	p := &doublePlane{lon: origin.Lon, lat: origin.Lat}
	s, c := doubleSincos(survey.doubles.radians.times(float64(origin.Lat)))
	sin2, cos2 := s.mul(c).times(2), double{1, 0}.sub(s.mul(s).times(2))
	for i, z := range survey.doubles.zonal {
		k := float64(2*i + 1)
		// The derivatives of sin kB are k cos kB, -k² sin kB and so on.
		d := [4]double{c, s.neg(), c.neg(), s}
		factor := z
		for j := range p.north {
			factor = factor.mul(survey.doubles.radians).times(k).quo(double{float64(j + 1), 0})
			p.north[j] = p.north[j].add(factor.mul(d[j%4]))
		}
		s, c = s.mul(cos2).add(c.mul(sin2)), c.mul(cos2).sub(s.mul(sin2))
	}
	return p
}

// doubleSincos is the Taylor series, for |x| up to 2.
func doubleSincos(x double) (sin, cos double) {
	term := double{1, 0}
	for i := range 44 {
		switch i % 4 {
		case 0:
			cos = cos.add(term)
		case 1:
			sin = sin.add(term)
		case 2:
			cos = cos.sub(term)
		default:
			sin = sin.sub(term)
		}
		term = term.mul(x).quo(double{float64(i + 1), 0})
	}
	return sin, cos
}

func (p *doublePlane) y(lat int64) double {
	t := float64(lat - p.lat)
	sum := p.north[doubleTerms-1]
	for i := doubleTerms - 2; i >= 0; i-- {
		sum = sum.times(t).add(p.north[i])
	}
	return sum.times(t)
}

// doubleEdge is an edge from left to right.
type doubleEdge struct {
	xl, xr    float64 // whole units from the origin
	yl, slope double
	low, high float64 // ordinates, rounded outwards
	sign      float64
}

func (e *doubleEdge) at(x float64) double { return e.slope.times(x - e.xl).add(e.yl) }

func (p *doublePlane) edges(m geo.MultiPolygon) []doubleEdge {
	out := make([]doubleEdge, 0, m.Vertices())
	for _, poly := range m {
		for _, r := range poly {
			var before double
			for i, v := range r {
				y := p.y(v.Lat)
				if i > 0 && v.Lon != r[i-1].Lon {
					e := doubleEdge{xl: float64(r[i-1].Lon - p.lon), xr: float64(v.Lon - p.lon), yl: before, sign: -1}
					other := y
					if e.xl > e.xr {
						e.xl, e.xr, e.yl, other, e.sign = e.xr, e.xl, y, before, 1
					}
					e.slope = other.sub(e.yl).quo(double{e.xr - e.xl, 0})
					low, high := min(y.hi, before.hi), max(y.hi, before.hi)
					e.low, e.high = math.Nextafter(low, -1), math.Nextafter(high, 1)
					out = append(out, e)
				}
				before = y
			}
		}
	}
	return out
}

// area is the sum of the trapezia, m².
func (p *doublePlane) area(edges []doubleEdge) double {
	var t double
	for i := range edges {
		e := &edges[i]
		t = t.add(e.at(e.xl).add(e.at(e.xr)).times((e.xr - e.xl) * e.sign / 2))
	}
	return t.mul(survey.doubles.m2)
}

// shared is the winding integral of all pairs without any shortcut, m².
func (p *doublePlane) shared(a, b []doubleEdge) double {
	var t double
	for i := range a {
		e := &a[i]
		for j := range b {
			f := &b[j]
			if f.xl >= e.xr || e.xl >= f.xr {
				continue
			}
			xl, xr := max(e.xl, f.xl), min(e.xr, f.xr)
			low := e
			if f.high < e.low {
				low = f
			}
			v := low.at(xl).add(low.at(xr))
			if e.high >= f.low && f.high >= e.low {
				dl, dr := e.at(xl).sub(f.at(xl)), e.at(xr).sub(f.at(xr))
				// v is twice the mean of e; where e is above, it is too much.
				switch sl, sr := dl.sign(), dr.sign(); {
				case sl <= 0 && sr <= 0:
				case sl >= 0 && sr >= 0:
					v = v.sub(dl).sub(dr)
				case sl > 0:
					v = v.sub(dl.mul(dl.quo(dl.sub(dr))))
				default:
					v = v.sub(dr.mul(dr.quo(dr.sub(dl))))
				}
			}
			t = t.add(v.times((xr - xl) * e.sign * f.sign / 2))
		}
	}
	return t.mul(survey.doubles.m2)
}

// truth are the areas of a pair, m².
type truth struct{ a, b, shared double }

// truthOf computes all areas from the integers, in 106 bits.
func truthOf(a, b geo.MultiPolygon) truth {
	box := a.Box().Union(b.Box())
	p := newDoublePlane(geo.Position{Lon: (box.Min.Lon + box.Max.Lon) / 2, Lat: (box.Min.Lat + box.Max.Lat) / 2})
	ea, eb := p.edges(a), p.edges(b)
	return truth{p.area(ea), p.area(eb), p.shared(ea, eb)}
}

func (t truth) union() double { return t.a.add(t.b).sub(t.shared) }

func (t truth) difference() double { return t.a.sub(t.shared) }

func (t truth) symmetric() double { return t.a.add(t.b).sub(t.shared.times(2)) }
