package geo

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// LargestRemainder divides total in proportion to shares so that the parts add
// up to total exactly: each part is rounded down, and the units left go one each
// to the parts that lost most, the first of equals first.
//
// It reckons in integers, so that nothing depends on the order in which the
// shares are summed: in another order each share gets the same part, equals
// apart. Each part is less than one unit from its exact share, whatever the
// total; a share below 2^-50 of the greatest may count as a little less, by
// 2^-100 of the greatest. A share that is negative or not finite counts as 0
// and gets nothing; when none is above 0, all count the same. No shares give no
// parts. shares is not changed and not kept.
func LargestRemainder(total Hundredths, shares []float64) []Hundredths {
	if len(shares) == 0 {
		return nil
	}
	weights, sum := allotments(shares)
	size := uint64(total)
	if total < 0 {
		size = -size
	}
	type rest struct {
		wide
		index int
	}
	parts := make([]Hundredths, len(shares))
	rests := make([]rest, 0, len(shares))
	left := total
	for i, w := range weights {
		part, lost := w.share(size, sum)
		if total < 0 {
			part = -part
			if lost != (wide{}) {
				part-- // rounded down
				lost = sum.less(lost)
			}
		}
		parts[i] = Hundredths(part)
		left -= parts[i]
		if lost != (wide{}) {
			rests = append(rests, rest{lost, i})
		}
	}
	if left == 0 {
		return parts
	}
	slices.SortFunc(rests, func(a, b rest) int {
		switch {
		case a.hi != b.hi:
			return cmp.Compare(b.hi, a.hi)
		case a.lo != b.lo:
			return cmp.Compare(b.lo, a.lo)
		}
		return a.index - b.index
	})
	// The losses add up to left, and each is less than one: there are more than
	// left of them.
	for _, r := range rests[:left] {
		parts[r.index]++
	}
	return parts
}

// wide is a number of 128 bits.
type wide struct {
	hi, lo uint64
}

func (a wide) plus(b wide) wide {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	hi, _ := bits.Add64(a.hi, b.hi, carry)
	return wide{hi, lo}
}

func (a wide) less(b wide) wide {
	lo, borrow := bits.Sub64(a.lo, b.lo, 0)
	hi, _ := bits.Sub64(a.hi, b.hi, borrow)
	return wide{hi, lo}
}

// shifted returns a·2^n, n in [0, 128).
func (a wide) shifted(n uint) wide {
	if n >= 64 {
		return wide{a.lo << (n - 64), 0}
	}
	return wide{a.hi<<n | a.lo>>(64-n), a.lo << n}
}

// allotments returns shares as integers in proportion, and their sum, which lies
// in [2^64, 2^127).
func allotments(shares []float64) ([]wide, wide) {
	weights := make([]wide, len(shares))
	greatest := 0.0
	for _, s := range shares {
		if s > 0 && !math.IsInf(s, 1) {
			greatest = max(greatest, s)
		}
	}
	_, top := math.Frexp(greatest)
	// 53 bits of significand and room stay below 2^127 when n of them are added.
	const significand = 53
	room := 127 - significand - bits.Len(uint(len(shares)))
	var sum wide
	for i, s := range shares {
		switch {
		case greatest == 0:
			weights[i] = wide{0, 1}.shifted(uint(significand - 1 + room))
		case s > 0 && !math.IsInf(s, 1):
			fraction, exponent := math.Frexp(s)
			m := uint64(math.Ldexp(fraction, significand))
			if shift := room - (top - exponent); shift >= 0 {
				weights[i] = wide{0, m}.shifted(uint(shift))
			} else {
				weights[i] = wide{0, m >> uint(-shift)}
			}
		}
		sum = sum.plus(weights[i])
	}
	return weights, sum
}

// share returns size·a/sum rounded down, and what was lost by that in units of
// 1/sum. a is at most sum, sum at least 2^64 and size at most 2^63.
func (a wide) share(size uint64, sum wide) (uint64, wide) {
	// Long division of three digits of 64 bits by two, for one digit (Knuth, The
	// Art of Computer Programming 2, 4.3.1, algorithm D): with sum's highest bit
	// set, the guess from the first digits is at most 2 too large, and the second
	// digit puts that right.
	shift := uint(bits.LeadingZeros64(sum.hi))
	v := sum.shifted(shift)
	h0, p0 := bits.Mul64(size, a.lo)
	h1, p1 := bits.Mul64(size, a.hi)
	p1, carry := bits.Add64(p1, h0, 0)
	p2 := h1 + carry
	u2 := p2<<shift | p1>>(64-shift)
	low := wide{p1, p0}.shifted(shift)

	// size being at most 2^63, so is the quotient, and u2 is below v.hi.
	q, r := bits.Div64(u2, low.hi, v.hi)
	for {
		hi, lo := bits.Mul64(q, v.lo)
		if hi < r || hi == r && lo <= low.lo {
			break
		}
		q--
		var over uint64
		if r, over = bits.Add64(r, v.hi, 0); over != 0 {
			break
		}
	}
	hi, lo := bits.Mul64(q, v.lo)
	rest := low.less(wide{hi + q*v.hi, lo})
	return q, wide{rest.hi >> shift, rest.lo>>shift | rest.hi<<(64-shift)}
}
