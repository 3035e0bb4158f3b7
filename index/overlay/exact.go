package overlay

import (
	"cmp"
	"math"
	"math/bits"

	"gengtu/index/geo"
)

// order compares positions by longitude, then latitude.
func order(a, b geo.Position) int {
	if c := cmp.Compare(a.Lon, b.Lon); c != 0 {
		return c
	}
	return cmp.Compare(a.Lat, b.Lat)
}

func before(a, b geo.Position) bool {
	return a.Lon < b.Lon || a.Lon == b.Lon && a.Lat < b.Lat
}

// cross returns (b-a) × (c-a): positive when c lies to the left of the line
// from a to b. Its sign is exact and its value right to 40 bits, as long as the
// coordinates differ by less than 2^62.
func cross(a, b, c geo.Position) float64 {
	return determinant(b.Lon-a.Lon, b.Lat-a.Lat, c.Lon-a.Lon, c.Lat-a.Lat)
}

// determinant returns ax·by − ay·bx with an exact sign.
func determinant(ax, ay, bx, by int64) float64 {
	l, r := float64(ax)*float64(by), float64(ay)*float64(bx)
	// Each product is off by three roundings of 2^-53 at most.
	if d := l - r; math.Abs(d) > (math.Abs(l)+math.Abs(r))*0x1p-10 {
		return d
	}
	return product(ax, ay, bx, by)
}

// side returns ax·by − ay·bx with an exact sign; its value is off by 2^-51 of the
// two products at most.
func side(ax, ay, bx, by int64) float64 {
	l, r := float64(ax)*float64(by), float64(ay)*float64(bx)
	d, e := l-r, (math.Abs(l)+math.Abs(r))*0x1p-50
	if d > e || d < -e {
		return d
	}
	return product(ax, ay, bx, by)
}

// turnOf is [cross] for those who ask for its sign only.
func turnOf(a, b, c geo.Position) float64 {
	return side(b.Lon-a.Lon, b.Lat-a.Lat, c.Lon-a.Lon, c.Lat-a.Lat)
}

// product returns ax·by − ay·bx, rounded to 2^-52 of itself.
func product(ax, ay, bx, by int64) float64 {
	h1, l1 := multiply(ax, by)
	h2, l2 := multiply(ay, bx)
	lo, borrow := bits.Sub64(l1, l2, 0)
	hi := h1 - h2 - int64(borrow)
	if hi < 0 {
		var carry uint64
		lo, carry = bits.Add64(^lo, 1, 0)
		return -(float64(uint64(^hi)+carry)*0x1p64 + float64(lo))
	}
	return float64(hi)*0x1p64 + float64(lo)
}

// multiply returns a·b in 128 bits, two's complement.
func multiply(a, b int64) (hi int64, lo uint64) {
	h, l := bits.Mul64(uint64(a), uint64(b))
	h -= uint64(a>>63) & uint64(b)
	h -= uint64(b>>63) & uint64(a)
	return int64(h), l
}

// between tells whether p, which lies on the line through a and b, lies strictly
// between them.
func between(a, b, p geo.Position) bool {
	if before(b, a) {
		a, b = b, a
	}
	return before(a, p) && before(p, b)
}

// doubledArea returns twice the area of r in square units, positive when r runs
// counter-clockwise; its sign decides direction and is exact for rings without
// crossings whose area is not below 1e-15 of their box.
func doubledArea(r geo.Ring) float64 {
	var t sum
	for i := 1; i+1 < len(r); i++ {
		t.add(cross(r[0], r[i], r[i+1]))
	}
	return t.value()
}

// place is where a position lies with respect to a ring.
type place int

const (
	insideRing place = iota
	outsideRing
	onRing
)

// locate tells where twice p, given in doubled units, lies with respect to r.
// Doubled units let middles of edges be asked for exactly.
func locate(r geo.Ring, p geo.Position) place {
	in := false
	for i := 1; i < len(r); i++ {
		a := geo.Position{Lon: 2 * r[i-1].Lon, Lat: 2 * r[i-1].Lat}
		b := geo.Position{Lon: 2 * r[i].Lon, Lat: 2 * r[i].Lat}
		if (a.Lat > p.Lat) == (b.Lat > p.Lat) && !(min(a.Lat, b.Lat) <= p.Lat && p.Lat <= max(a.Lat, b.Lat)) {
			continue
		}
		d := cross(a, b, p)
		if d == 0 && (a == p || b == p || between(a, b, p)) {
			return onRing
		}
		if (a.Lat > p.Lat) != (b.Lat > p.Lat) && (b.Lat > a.Lat) == (d > 0) {
			in = !in
		}
	}
	if in {
		return insideRing
	}
	return outsideRing
}
