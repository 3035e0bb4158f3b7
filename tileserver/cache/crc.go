package cache

import "hash/crc32"

// A CRC-32 is the remainder of a polynomial over GF(2), lowest power in the
// highest bit, so the CRC of a string A followed by B is
//
//	crc(A)·x^(8·len(B)) + crc(B)  mod P
//
// (the two inversions of RFC 1952's CRC cancel out), and the power of x is a
// product of those of the length's binary digits.

// xPower[i] is x^(8·2^i) mod P.
var xPower = func() (t [32]uint32) {
	p := uint32(1 << 31 >> 8)
	for i := range t {
		t[i] = p
		p = multiply(p, p)
	}
	return t
}()

// multiply returns a·b mod P.
func multiply(a, b uint32) uint32 {
	product := uint32(0)
	for bit := uint32(1 << 31); bit != 0; bit >>= 1 {
		if a&bit != 0 {
			product ^= b
		}
		// b·x: the highest power, in the lowest bit, wraps around to P.
		carry := b & 1
		b >>= 1
		if carry != 0 {
			b ^= crc32.IEEE
		}
	}
	return product
}

// combineCRC returns the CRC-32 of two strings' bytes in a row, given the CRC of
// each and the length of the second.
func combineCRC(first, second, secondLen uint32) uint32 {
	for i := 0; secondLen != 0; i, secondLen = i+1, secondLen>>1 {
		if secondLen&1 != 0 {
			first = multiply(xPower[i], first)
		}
	}
	return first ^ second
}
