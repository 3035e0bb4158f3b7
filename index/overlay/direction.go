package overlay

import (
	"cmp"

	"gengtu/index/geo"
)

// Turn returns 1 when c lies left of the line from a to b, −1 when right, 0 when on it.
// It is exact, as long as the coordinates differ by less than 2^62.
func Turn(a, b, c geo.Position) int { return cmp.Compare(turnOf(a, b, c), 0) }

// ClockwiseBefore tells whether, turning clockwise round v from the direction of
// back, one meets u before w. What lies in the direction of back itself comes last.
// It is exact.
func ClockwiseBefore(v, back, u, w geo.Position) bool {
	su, sw := halfTurn(v, back, u), halfTurn(v, back, w)
	if su != sw {
		return su < sw
	}
	return turnOf(v, u, w) < 0
}

// halfTurn tells where u lies, turning clockwise round v from back: 0 in the
// first half turn, 1 opposite, 2 in the second half, 3 at back itself.
func halfTurn(v, back, u geo.Position) int {
	switch d := turnOf(v, back, u); {
	case d < 0:
		return 0
	case d > 0:
		return 2
	}
	if between(back, u, v) {
		return 1
	}
	return 3
}
