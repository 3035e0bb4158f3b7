package main

import "testing"

// The probe tells a product that was rounded before it was added to from one that was not.
func TestFuses(t *testing.T) {
	if fuses([3]float64{2, 3, -6}) {
		t.Error("a product that needs no rounding")
	}
	// As if the product of roundings was not rounded: there is 2^-60 left.
	if !fuses([3]float64{0x1p-60, 1, 0}) {
		t.Error("something is left, and it is not seen")
	}
}
