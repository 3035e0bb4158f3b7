package tile

import (
	"math/big"
	"math/bits"
	"sync"
	"sync/atomic"

	"gengtu/index/geo"
)

// FixedBits is the number of bits that [Fixed] has behind the point: 2^-44 of
// the world is 2.3 µm at the equator, a fifth of a unit of [geo.Position]. So
// different positions stay different, and a float64 holds every value exactly.
const FixedBits = 44

// Fixed is a place on the plane that [World] describes, in whole units of
// 2^-[FixedBits] of its width. What decides how a tile looks is decided on these
// integers, which are the same on every machine.
type Fixed struct {
	X, Y int64
}

// World returns f as floating point numbers, exactly.
func (f Fixed) World() World {
	const unit = 1.0 / (1 << FixedBits)
	return World{float64(f.X) * unit, float64(f.Y) * unit}
}

// Fix maps p to the plane of g, within 0.6 units of the true place, by integers
// and by products and sums that every machine rounds alike.
//
// In c the map is linear. In w it is EPSG method 1024 (spherical Mercator of the
// ellipsoid's latitude); latitudes beyond ±[MaxLat] are clamped, so that Y is
// always in [0, 2^FixedBits]. Of two positions the one further east has the larger
// X and the one further south the larger Y. Longitudes beyond ±180° give X outside
// [0, 2^FixedBits].
func (g Grid) Fix(p geo.Position) Fixed {
	x := linear(p.Lon + 180*geo.Unit)
	if g == C {
		return Fixed{x, linear(90*geo.Unit - p.Lat)}
	}
	return Fixed{x, mercatorY(p.Lat)}
}

// perUnit is the number of fixed units in a unit of [geo.Position], 2^44 / 3.6e12,
// rounded at its 61st binary place: the error of a product is below 2^-19.
const (
	perUnit      = (1<<(FixedBits+perUnitShift) + 1_800_000_000_000) / 3_600_000_000_000
	perUnitShift = 61
)

// linear returns u in fixed units, rounded to the nearest.
func linear(u int64) int64 {
	if u < 0 {
		return -linear(-u)
	}
	hi, lo := bits.Mul64(uint64(u), perUnit)
	lo, carry := bits.Add64(lo, 1<<(perUnitShift-1), 0)
	return int64((hi+carry)<<(64-perUnitShift) | lo>>perUnitShift)
}

// The latitudes from 0 to MaxLat are divided into spans of 2^29 units, 0.054°. In
// each the projection is a polynomial about the span's middle. Its Taylor series
// converges within the distance to the pole, 4.9° at least, so the sixth term is
// below 0.02 fixed units.
const (
	spanShift = 29
	topLat    = 850_511_287_799 // MaxLat in units, rounded up
	spans     = topLat>>spanShift + 1
	degree    = 5
	// fineShift is the number of bits that a span's middle value has more than
	// FixedBits.
	fineShift = 10
)

// mercatorSpan is the projection in one span: what the middle lies from the
// equator in units of 2^-54, and the coefficients of the offset's powers.
type mercatorSpan struct {
	middle int64
	c      [degree]float64
}

// mercatorY returns the w row of a latitude.
func mercatorY(lat int64) int64 {
	north := lat >= 0
	if !north {
		lat = -lat
	}
	away := int64(1) << (FixedBits - 1)
	if lat < topLat {
		table := mercatorMade.Load()
		if table == nil {
			table = mercatorTable()
		}
		s := &table[lat>>spanShift]
		d := float64(lat&(1<<spanShift-1) - 1<<(spanShift-1))
		// Each product is converted, so that no machine fuses it with the sum.
		v := float64(s.c[4]*d) + s.c[3]
		v = float64(v*d) + s.c[2]
		v = float64(v*d) + s.c[1]
		v = float64(v*d) + s.c[0]
		v = float64(v * d)
		// Far from both ends of int64; halves go up, which is never a tie in effect.
		away = (s.middle + int64(v+float64(1<<50)) - 1<<50 + 1<<(fineShift-1)) >> fineShift
		away = min(away, 1<<(FixedBits-1))
	}
	if north {
		return 1<<(FixedBits-1) - away
	}
	return 1<<(FixedBits-1) + away
}

// mercatorTable makes the table with integers of 128 bits and more, which are the
// same everywhere. It takes some milliseconds, once.
var mercatorTable = sync.OnceValue(func() *[spans]mercatorSpan {
	mercatorMade.Store(makeMercatorTable())
	return mercatorMade.Load()
})

// mercatorMade is the table when it is made: so every point asks for no more than this.
var mercatorMade atomic.Pointer[[spans]mercatorSpan]

// Terms of the series that lead from one span's middle to the next: the first
// that is left out is below 2^-80 of the world.
const seriesTerms = 10

// makeMercatorTable goes north from the equator. In a span the projection's
// derivative is 1/cos; the series of cos about the middle is divided into 1, and
// the series of the quotient integrated. Sine and cosine of the middles come from
// turning by one span, the value of a middle from the two series that meet
// between it and the one before.
func makeMercatorTable() *[spans]mercatorSpan {
	table := new([spans]mercatorSpan)
	pi := number("3.14159265358979323846264338327950288419716939937510582097494459")
	span := quotient(product(pi, whole(1<<spanShift)), whole(180*geo.Unit))
	half := quotient(span, whole(2))
	turnSin, turnCos := smallSinCos(span)
	sin, cos := smallSinCos(half)
	scale := quotient(whole(1<<(FixedBits+fineShift-1)), pi)
	at := new(big.Float).SetPrec(precision) // the projection at the span's south end
	for i := range table {
		f := secantSeries(sin, cos)
		at = sum(at, negative(evaluate(f, negative(half))))
		table[i].middle = nearest(product(at, scale))
		unit := scale
		for k := range degree {
			unit = quotient(product(unit, pi), whole(180*geo.Unit))
			table[i].c[k], _ = product(f[k], unit).Float64()
		}
		at = sum(at, evaluate(f, half))
		sin, cos = sum(product(sin, turnCos), product(cos, turnSin)), sum(product(cos, turnCos), negative(product(sin, turnSin)))
	}
	return table
}

// secantSeries returns the coefficients of the powers 1, 2, … of t in the integral
// of 1/cos(φ+t), where sin and cos are those of φ.
func secantSeries(sin, cos *big.Float) []*big.Float {
	turn := [4]*big.Float{cos, negative(sin), negative(cos), sin} // cos and its derivatives
	var c, s, f []*big.Float
	factorial := int64(1)
	for k := range seriesTerms {
		if k > 0 {
			factorial *= int64(k)
		}
		c = append(c, quotient(turn[k%4], whole(factorial)))
		// The k-th power of the product of cos and its inverse is 1 or 0.
		left := new(big.Float).SetPrec(precision)
		if k == 0 {
			left = whole(1)
		}
		for j := 1; j <= k; j++ {
			left = sum(left, negative(product(c[j], s[k-j])))
		}
		s = append(s, quotient(left, cos))
		f = append(f, quotient(s[k], whole(int64(k)+1)))
	}
	return f
}

// evaluate returns the sum of f[k]·t^(k+1).
func evaluate(f []*big.Float, t *big.Float) *big.Float {
	v := new(big.Float).SetPrec(precision)
	for k := len(f) - 1; k >= 0; k-- {
		v = product(sum(v, f[k]), t)
	}
	return v
}

// smallSinCos returns sine and cosine of an angle below 0.001 by their series.
func smallSinCos(t *big.Float) (sin, cos *big.Float) {
	sin, cos = t, whole(1)
	term := t
	for k := int64(2); k < 14; k++ {
		if term = quotient(product(term, t), whole(k)); k%2 == 0 {
			term = negative(term)
			cos = sum(cos, term)
		} else {
			sin = sum(sin, term)
		}
	}
	return sin, cos
}

// precision is that of the table's arithmetic in bits.
const precision = 128

func number(text string) *big.Float {
	// The text is a constant of ours.
	v, _, _ := big.ParseFloat(text, 10, precision, big.ToNearestEven)
	return v
}

func whole(v int64) *big.Float            { return new(big.Float).SetPrec(precision).SetInt64(v) }
func sum(a, b *big.Float) *big.Float      { return new(big.Float).SetPrec(precision).Add(a, b) }
func product(a, b *big.Float) *big.Float  { return new(big.Float).SetPrec(precision).Mul(a, b) }
func quotient(a, b *big.Float) *big.Float { return new(big.Float).SetPrec(precision).Quo(a, b) }
func negative(a *big.Float) *big.Float    { return new(big.Float).SetPrec(precision).Neg(a) }

func nearest(v *big.Float) int64 {
	n, _ := sum(v, number("0.5")).Int64()
	return n
}
