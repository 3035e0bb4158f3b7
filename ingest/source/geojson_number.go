package source

import (
	"encoding/binary"
	"strconv"

	"gengtu/index/geo"
)

// number consumes a number, and is false when there is none. Numbers of up to 18
// digits without exponent are read on the way; see parseDecimal for why that is
// exact.
func (c *jsonCursor) number() (float64, bool) {
	c.space()
	b, start := c.b, c.i
	if v, end, ok := plainNumber(b, start); ok {
		c.i = end
		return v, true
	}
	i := start
	negative := i < len(b) && b[i] == '-'
	if negative {
		i++
	}
	var mantissa uint64
	first := i
	for ; i < len(b) && b[i]-'0' <= 9; i++ {
		mantissa = mantissa*10 + uint64(b[i]-'0')
	}
	digits, decimals := i-first, 0
	if i < len(b) && b[i] == '.' {
		point := i
		for i++; i < len(b) && b[i]-'0' <= 9; i++ {
			mantissa = mantissa*10 + uint64(b[i]-'0')
		}
		decimals = i - point - 1
		digits += decimals
	}
	if digits == 0 {
		return 0, false
	}
	slow := digits > mostDigits || mantissa > 1<<53
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		slow = true
		for i < len(b) && !jsonScalarEnds[b[i]] {
			i++
		}
	}
	c.i = i
	if slow {
		v, err := strconv.ParseFloat(string(b[start:i]), 64)
		return v, err == nil
	}
	v := float64(mantissa) / tenPowers[decimals]
	if negative {
		v = -v
	}
	return v, true
}

// mostDigits is how many digits an integer of 64 bits holds, whatever they are.
const mostDigits = 18

// eightDigits returns the number that the first eight bytes of b are, if they are
// digits: neighbours are joined in pairs, fours and then all, side by side.
func eightDigits(b []byte) (uint64, bool) {
	const high, zeros, sixes = 0xF0 * eachByte, '0' * eachByte, 6 * eachByte
	v := binary.LittleEndian.Uint64(b)
	if v&high != zeros || (v+sixes)&high != zeros {
		return 0, false
	}
	v -= zeros
	v = v*10 + v>>8
	v = (v & 0x00FF00FF00FF00FF) * (100<<16 + 1) >> 16
	v = (v & 0x0000FFFF0000FFFF) * (10_000<<32 + 1) >> 32
	return v, true
}

// plainNumber reads the number at b[i] if it is written as coordinates mostly are: up
// to eight digits, a point, up to sixteen decimals, no exponent, and other bytes behind
// it. The result is that of [jsonCursor.number]; end is behind it. How many digits there
// are is left to branches, which are foretold well and need not wait for each other.
func plainNumber(b []byte, i int) (v float64, end int, ok bool) {
	const whole, decimals = 8, 16
	if i < 0 || i+1+whole+1+decimals >= len(b) {
		return 0, i, false
	}
	negative := b[i] == '-'
	if negative {
		i++
	}
	var mantissa uint64
	first := i
	for i < first+whole && b[i]-'0' <= 9 {
		mantissa = mantissa*10 + uint64(b[i]-'0')
		i++
	}
	if i == first || b[i] != '.' {
		return 0, i, false
	}
	digits := i - first
	i++
	point := i
	if eight, ok := eightDigits(b[i : i+8]); ok {
		mantissa = mantissa*1e8 + eight
		i += 8
	}
	for i < point+decimals && b[i]-'0' <= 9 {
		mantissa = mantissa*10 + uint64(b[i]-'0')
		i++
	}
	if next := b[i]; digits+i-point > mostDigits || mantissa > 1<<53 || next|' ' == 'e' || next-'0' <= 9 {
		return 0, i, false
	}
	v = float64(mantissa) / tenPowers[i-point]
	if negative {
		v = -v
	}
	return v, i, true
}

// plainPositions adds positions to s as long as each is written as most are: two plain
// numbers, with at most one blank in each place. It is false when c stands at a
// position that is written otherwise, and else c stands behind the last.
func (c *jsonCursor) plainPositions(s *shape) bool {
	b := c.b
	for {
		i, ok := blankAnd(b, c.i, '[')
		if !ok {
			return false
		}
		var p geo.XY
		if p.X, i, ok = plainNumber(b, afterBlank(b, i)); !ok {
			return false
		}
		if i, ok = blankAnd(b, i, ','); !ok {
			return false
		}
		if p.Y, i, ok = plainNumber(b, afterBlank(b, i)); !ok {
			return false
		}
		if i, ok = blankAnd(b, i, ']'); !ok {
			return false
		}
		s.points = append(s.points, p)
		c.i = i
		if i, ok = blankAnd(b, i, ','); !ok {
			return true
		}
		if i = afterBlank(b, i); i == len(b) || b[i] != '[' {
			return true
		}
		c.i = i
	}
}

// afterBlank returns i, or what follows it if a blank stands there.
func afterBlank(b []byte, i int) int {
	if i < len(b) && b[i] == ' ' {
		i++
	}
	return i
}

// blankAnd returns the place behind ch, which stands at b[i] or behind a blank there.
func blankAnd(b []byte, i int, ch byte) (int, bool) {
	i = afterBlank(b, i)
	if i < len(b) && b[i] == ch {
		return i + 1, true
	}
	return i, false
}
