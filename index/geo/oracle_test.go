package geo_test

import (
	"math"
	"math/big"

	"gengtu/index/geo"
)

// The oracle computes areas from the closed integral of the ellipsoid's zones in
// 60 digits, and adds up the trapezoids of a ring exactly.
const oraclePrec = 200

func bigOf(x float64) *big.Float { return new(big.Float).SetPrec(oraclePrec).SetFloat64(x) }

func bigParse(s string) *big.Float {
	f, _, err := big.ParseFloat(s, 10, oraclePrec, big.ToNearestEven)
	if err != nil {
		panic(err)
	}
	return f
}

func mul(a, b *big.Float) *big.Float { return new(big.Float).SetPrec(oraclePrec).Mul(a, b) }
func add(a, b *big.Float) *big.Float { return new(big.Float).SetPrec(oraclePrec).Add(a, b) }
func sub(a, b *big.Float) *big.Float { return new(big.Float).SetPrec(oraclePrec).Sub(a, b) }
func quo(a, b *big.Float) *big.Float { return new(big.Float).SetPrec(oraclePrec).Quo(a, b) }

var (
	bigPi = bigParse("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899")
	// bigUnit is 1e-10 degree in radians.
	bigUnit       = quo(bigPi, bigOf(180*1e10))
	bigA          = bigOf(6378137)
	bigFlattening = quo(bigOf(1), bigParse("298.257222101"))
	bigE2         = mul(bigFlattening, sub(bigOf(2), bigFlattening))
	bigE          = new(big.Float).SetPrec(oraclePrec).Sqrt(bigE2)
)

// bigSin is the sine by its power series.
func bigSin(x *big.Float) *big.Float {
	sum, term, x2 := bigOf(0), new(big.Float).Set(x), mul(x, x)
	for k := 1; k < 120; k += 2 {
		sum = add(sum, term)
		term = quo(mul(term, x2), bigOf(float64(-(k+1)*(k+2))))
	}
	return sum
}

// bigZone is the area between the equator and the latitude of lat units, for one
// radian of longitude: a²(1−e²)/2 · [ s/(1−e²s²) + artanh(es)/e ].
func bigZone(lat *big.Float) *big.Float {
	s := bigSin(mul(lat, bigUnit))
	es := mul(bigE, s)
	es2 := mul(es, es)
	artanh, power := bigOf(0), es
	for k := 1; k < 80; k += 2 {
		artanh = add(artanh, quo(power, bigOf(float64(k))))
		power = mul(power, es2)
	}
	sum := add(quo(s, sub(bigOf(1), es2)), quo(artanh, bigE))
	return mul(mul(mul(bigA, bigA), sub(bigOf(1), bigE2)), mul(sum, bigOf(0.5)))
}

// oracleRingArea is the signed area of a closed ring in square metres.
func oracleRingArea(r geo.Ring) float64 {
	sum := bigOf(0)
	var lastQ *big.Float
	for i, v := range r {
		q := bigZone(bigOf(float64(v.Lat)))
		if i > 0 {
			width := bigOf(float64(r[i-1].Lon-r[0].Lon) + float64(v.Lon-r[0].Lon))
			sum = sub(sum, mul(mul(width, bigUnit), sub(lastQ, q)))
		}
		lastQ = q
	}
	f, _ := mul(sum, bigOf(0.5)).Float64()
	return f
}

// oracleY is the distance in metres along the equal-area latitude between two
// latitudes in units, for a plane with the given square metres a radian a metre.
func oracleY(from, to int64, scale float64) float64 {
	d := sub(bigZone(bigOf(float64(to))), bigZone(bigOf(float64(from))))
	f, _ := quo(d, bigOf(scale)).Float64()
	return f
}

// relative is the difference of two areas in proportion to the second.
func relative(got, want float64) float64 { return math.Abs(got-want) / math.Abs(want) }
