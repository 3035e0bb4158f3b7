package sample

import (
	"testing"

	"gengtu/index/geo"
)

// Reference domain 2.4: four sheets, their corners and areas.
func TestSheets(t *testing.T) {
	for _, c := range []struct {
		number string
		s      sheet
		m2     float64
	}{
		{"I48G010020", sheet{1651, 854}, 26181159.35},
		{"I48G048048", sheet{1679, 816}, 26679877.74},
		{"I49G001001", sheet{1728, 863}, 26060073.81},
		{"J48G050050", sheet{1681, 910}, 25409525.45},
	} {
		if got := c.s.number(); got != c.number {
			t.Errorf("%v is %s, want %s", c.s, got, c.number)
		}
		if got := geo.HundredthsOf(c.s.area()); got != geo.HundredthsOf(c.m2) {
			t.Errorf("%s: %v m², want %.2f", c.number, got.M2(), c.m2)
		}
		// The sides lie on the grid of 1e-10 degree, 5 µm off at most over 5.7 km.
		if got := geo.RingArea(c.s.ring()); got < c.m2-0.06 || got > c.m2+0.06 {
			t.Errorf("%s: its ring has %.4f m², want %.2f", c.number, got, c.m2)
		}
	}
}

// Each piece of border between two villages, and of the county's, is in one line and in no
// other; lines end where a third village or the outside begins.
func TestBorders(t *testing.T) {
	l := landscapeOf(t, 4000, 3)
	if err := l.survey(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := map[side]int32{}
	for v := range l.villages {
		for _, n := range l.members[v] {
			for _, r := range append([]ring{l.patches[n].shell}, l.patches[n].holes...) {
				for k, a := range r {
					want[side{a, r[(k+1)%len(r)]}] = int32(v)
				}
			}
		}
	}
	// The side of a hole's ring has the direction that the patch in it has, too.
	inHole := map[side]bool{}
	for i := range l.patches {
		for _, h := range l.patches[i].holes {
			for k, a := range h {
				inHole[side{a, h[(k+1)%len(h)]}] = true
			}
		}
	}
	seen := map[side]int{}
	for _, b := range l.borders() {
		for k := range len(b.points) - 1 {
			s := side{b.points[k], b.points[k+1]}
			seen[s]++
			back, ok := want[side{s.to, s.from}]
			if !ok {
				back = nobody
			}
			if want[s] != b.left || back != b.right {
				t.Fatalf("%v lies between %d and %d, the line between %d and %d", s, want[s], back, b.left, b.right)
			}
		}
	}
	for s, v := range want {
		other, inside := want[side{s.to, s.from}]
		if !inside {
			other = nobody
		}
		expect := 0
		if other == nobody && !inHole[s] || other > v {
			expect = 1
		}
		if seen[s] != expect {
			t.Fatalf("%v between %d and %d is in %d lines", s, v, other, seen[s])
		}
	}
}
