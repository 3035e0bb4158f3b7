package tileserver

import (
	"errors"
	"testing"
	"time"
)

// A client who takes nothing gives his place back after a while and gets one again when he
// goes on, or is told that there is none; one who takes the answer keeps it.
func TestLease(t *testing.T) {
	p := newPlaces(1)
	leave, err := p.take("a")
	if err != nil {
		t.Fatal(err)
	}
	l := &lease{places: p, who: "a", leave: leave}
	for range 100 {
		if err := l.during(func() error { return nil }); err != nil || p.occupied().running != 1 {
			t.Fatalf("%v, %d places taken", err, p.occupied().running)
		}
	}
	var other func()
	stall := func() error {
		start := time.Now()
		other, err = p.take("b") // waits until the place is given back
		if took := time.Since(start); err != nil || took < stallTime/2 || took > placeTime {
			t.Errorf("another one gets the place after %v: %v", took, err)
		}
		return nil
	}
	if err := l.during(stall); !errors.Is(err, errBusy) {
		t.Errorf("while another one has the place: %v", err)
	}
	other()
	if err := l.during(func() error { return nil }); err != nil || p.occupied().running != 1 {
		t.Errorf("when it is free again: %v, %d places taken", err, p.occupied().running)
	}
	l.end()
	l.end()
	if p.occupied().running != 0 {
		t.Error("the place is not given back")
	}
}
