package check

import (
	"math/bits"

	"gengtu/index/geo"
)

// turn returns 1 when p lies left of the line from a to b, −1 when right, 0 when on
// it. It is exact.
func turn(a, b, p geo.Position) int {
	return det(b.Lon-a.Lon, b.Lat-a.Lat, p.Lon-a.Lon, p.Lat-a.Lat)
}

// det returns the sign of a·d − b·c. It is exact: products take 128 bits where 64 are
// not enough. Arguments are differences of positions, below 2⁴⁴.
func det(a, b, c, d int64) int {
	const small = 1 << 31
	if max(abs(a), abs(b), abs(c), abs(d)) < small {
		return sign(a*d - b*c)
	}
	h1, l1 := product(a, d)
	h2, l2 := product(b, c)
	l, borrow := bits.Sub64(l1, l2, 0)
	h, _ := bits.Sub64(h1, h2, borrow)
	switch {
	case int64(h) < 0:
		return -1
	case h == 0 && l == 0:
		return 0
	}
	return 1
}

// product returns a·b in 128 bits, two's complement.
func product(a, b int64) (high, low uint64) {
	high, low = bits.Mul64(uint64(abs(a)), uint64(abs(b)))
	if (a < 0) != (b < 0) {
		var carry uint64
		low, carry = bits.Add64(^low, 1, 0)
		high = ^high + carry
	}
	return high, low
}

func abs(a int64) int64 {
	if a < 0 {
		return -a
	}
	return a
}

func sign(a int64) int {
	switch {
	case a > 0:
		return 1
	case a < 0:
		return -1
	}
	return 0
}
