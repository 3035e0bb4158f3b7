package load

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// A client who takes nothing gives his place back after a while and gets one again when he
// goes on, or is told that there is none; one who takes the answer keeps it.
func TestLease(t *testing.T) {
	p := NewPlaces(1)
	leave, err := p.Take("a")
	if err != nil {
		t.Fatal(err)
	}
	l := NewLease(p, "a", leave)
	for range 100 {
		if err := l.During(func() error { return nil }); err != nil || p.Occupied().Running != 1 {
			t.Fatalf("%v, %d places taken", err, p.Occupied().Running)
		}
	}
	var other func()
	stall := func() error {
		start := time.Now()
		other, err = p.Take("b") // waits until the place is given back
		if took := time.Since(start); err != nil || took < stallTime/2 || took > placeTime {
			t.Errorf("another one gets the place after %v: %v", took, err)
		}
		return nil
	}
	if err := l.During(stall); !errors.Is(err, ErrBusy) {
		t.Errorf("while another one has the place: %v", err)
	}
	other()
	if err := l.During(func() error { return nil }); err != nil || p.Occupied().Running != 1 {
		t.Errorf("when it is free again: %v, %d places taken", err, p.Occupied().Running)
	}
	l.End()
	l.End()
	if p.Occupied().Running != 0 {
		t.Error("the place is not given back")
	}
}

// A client who takes the answer in the moment in which his place is given back goes on with
// a place: never while others may have all of them.
func TestLeaseJustStalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// A timer of this bubble never fires for others: they keep the width of their own.
		outside := long
		long = &width{}
		defer func() {
			<-time.After(2 * narrowAfter) // until it is narrow again
			long = outside
		}()
		p := NewPlaces(1)
		leave, err := p.Take("a")
		if err != nil {
			t.Fatal(err)
		}
		l := NewLease(p, "a", leave)
		for range 200 {
			if err := l.During(func() error { <-time.After(stallTime); return nil }); err != nil {
				t.Fatal(err)
			}
			synctest.Wait() // for what was begun and has not been done yet
			if n := p.Occupied().Running; n != 1 {
				t.Fatalf("the answer goes on with %d places", n)
			}
		}
		l.End()
	})
}
