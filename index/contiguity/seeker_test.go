package contiguity_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"gengtu/index/contiguity"
	"gengtu/index/geo"
	"gengtu/index/pieces"
)

// How much of a square's border others share: whole sides, parts of sides with other
// vertices, doubled ones once, corners and crossings not.
func TestBorder(t *testing.T) {
	unit := ground(t, square(0, 0, 10))
	for _, c := range []struct {
		name   string
		others []ring
		want   float64
	}{
		{"nothing", nil, 0},
		{"a side", []ring{square(10, 0, 10)}, 10},
		{"half a side", []ring{square(10, 5, 10)}, 5},
		{"half a side twice", []ring{square(10, 5, 10), square(10, 5, 5)}, 5},
		{"parts of a side that overlap", []ring{square(10, 5, 10), square(10, -3, 10)}, 10},
		{"a corner", []ring{square(10, 10, 10)}, 0},
		{"two sides", []ring{square(10, 0, 10), square(-3, 10, 20)}, 20},
		{"a crossing", []ring{square(5, 5, 10)}, 0},
		{"0.08 mm beside", []ring{square(10.00008, 0, 10)}, 10},
		{"0.5 mm beside", []ring{square(10.0005, 0, 10)}, 0},
		{"itself", []ring{square(0, 0, 10)}, 40},
		{"inside along a side", []ring{square(0, 2, 4)}, 4},
	} {
		var others []geo.MultiPolygon
		for _, r := range c.others {
			others = append(others, ground(t, r))
		}
		shared, length, err := contiguity.New(nil, others, nil).Seeker().Border(unit, nil)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(shared-c.want) > 1e-3 || math.Abs(length-40) > 1e-4 {
			t.Errorf("%s: %v of %v m, want %v of 40", c.name, shared, length, c.want)
		}
	}
}

// A hole's border counts, and what choose leaves out does not.
func TestBorderOfHole(t *testing.T) {
	frame := ground(t, square(0, 0, 30), square(10, 10, 10))
	g := contiguity.New(nil, []geo.MultiPolygon{ground(t, square(10, 10, 10)), ground(t, square(30, 0, 30))}, nil)
	for want, choose := range map[float64]func(m int32) bool{
		70: nil,
		40: func(m int32) bool { return m == 0 },
		30: func(m int32) bool { return m == 1 },
	} {
		shared, length, err := g.Seeker().Border(frame, choose)
		if err != nil || math.Abs(shared-want) > 1e-3 || math.Abs(length-160) > 1e-4 {
			t.Errorf("%v of %v m (%v), want %v of 160", shared, length, err, want)
		}
	}
}

// A barrier breaks a link whose every line runs through it, and no other: not where a
// line passes beside it, not where it is only touched, not where two touch.
func TestBarriers(t *testing.T) {
	left, right := square(0, 0, 100), square(120, 0, 100)
	for _, c := range []struct {
		name    string
		barrier []ring
		gap     float64
		joined  bool
	}{
		{"none", nil, 20, true},
		{"none, and too far", nil, 19.9, false},
		{"a road between", []ring{{{X: 105, Y: -500}, {X: 110, Y: -500}, {X: 110, Y: 500}, {X: 105, Y: 500}}}, 50, false},
		{"a road between the southern halves", []ring{{{X: 105, Y: -500}, {X: 110, Y: -500}, {X: 110, Y: 50}, {X: 105, Y: 50}}}, 20, true},
		{"a road that leaves 10 m above, which a slanting line passes", []ring{{{X: 105, Y: -500}, {X: 110, Y: -500}, {X: 110, Y: 90}, {X: 105, Y: 90}}}, 50, true},
		{"a field beside", []ring{square(50, 100, 300)}, 20, true},
		{"the left one", []ring{left}, 20, true},
		{"all of the ground between", []ring{square(100, -100, 20), square(100, -80, 20), square(100, -60, 20), {{X: 100, Y: -40}, {X: 120, Y: -40}, {X: 120, Y: 200}, {X: 100, Y: 200}}}, 20, false},
	} {
		var walls []pieces.Cover
		if c.barrier != nil {
			var set []geo.MultiPolygon
			for _, r := range c.barrier {
				set = append(set, ground(t, r))
			}
			walls = cover(layers(t, set)[0])
		}
		shapes := []geo.MultiPolygon{ground(t, left), ground(t, right)}
		g := contiguity.New(nil, shapes, walls)
		k, err := g.Components(t.Context(), []float64{c.gap}, contiguity.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := k.Of(0, 1) == 0; got != c.joined {
			t.Errorf("%s: joined is %v", c.name, got)
		}
		near, err := g.Seeker().Near(shapes[0], c.gap)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(near) == 2; got != c.joined {
			t.Errorf("%s: the neighbours are %v", c.name, near)
		}
	}
	touching := []geo.MultiPolygon{ground(t, left), ground(t, square(100, 0, 100))}
	walls := cover(layers(t, []geo.MultiPolygon{ground(t, square(80, -10, 200))})[0])
	k, err := contiguity.New(nil, touching, walls).Components(t.Context(), []float64{0}, contiguity.Options{})
	if err != nil || k.Of(0, 1) != 0 {
		t.Errorf("a barrier on a shared border parts it (%v)", err)
	}
}

// Joined names each component that a new shape reaches once: three squares in a row, of
// which the middle one is new.
func TestJoined(t *testing.T) {
	set := []geo.MultiPolygon{ground(t, square(0, 0, 10)), ground(t, square(0, 10, 10)), ground(t, square(25, 0, 10)), ground(t, square(300, 0, 10))}
	g := contiguity.New(cover(layers(t, set)[0]), nil, nil)
	c, err := g.Components(t.Context(), []float64{0, 5}, contiguity.Options{})
	if err != nil {
		t.Fatal(err)
	}
	near, err := g.Seeker().Near(ground(t, square(10, 0, 10)), 5)
	if err != nil {
		t.Fatal(err)
	}
	if at0, at5 := c.Joined(0, near), c.Joined(1, near); len(near) != 3 || len(at0) != 1 || len(at5) != 2 {
		t.Errorf("near %v, joined %v at 0 and %v at 5 m", near, at0, at5)
	}
	areas := c.Sums(0, func(int32) int64 { return 1 })
	if two := areas[c.Of(0, near[0].Member)]; two != 2 {
		t.Errorf("the component of two squares has %d", two)
	}
}

// Gaps that make no sense are refused.
func TestGaps(t *testing.T) {
	g := contiguity.New(nil, nil, nil)
	for _, gaps := range [][]float64{{-1}, {math.NaN()}, {math.Inf(1)}, {1001}, {10, 10}, {20, 10}} {
		if _, err := g.Components(t.Context(), gaps, contiguity.Options{}); !errors.Is(err, contiguity.ErrGaps) {
			t.Errorf("%v: %v", gaps, err)
		}
	}
	if c, err := g.Components(t.Context(), []float64{0, 1000}, contiguity.Options{}); err != nil || len(c.Gaps) != 2 {
		t.Error(c, err)
	}
}

// Large shapes, whose edges are put in order first, have the distances of small ones.
func TestNearOfLargeShapes(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	star := func(x, y float64) ring {
		s := make(ring, 400)
		for k := range s {
			sin, cos := math.Sincos(2 * math.Pi * float64(k) / float64(len(s)))
			far := 80 + 20*r.Float64()
			s[k] = geo.XY{X: x + far*cos, Y: y + far*sin}
		}
		return s
	}
	for range 8 {
		a, b := ground(t, star(0, 0)), ground(t, star(180+80*r.Float64(), 40*r.Float64()))
		want := far(planeOf(a), planeOf(b))
		near, err := contiguity.New(nil, []geo.MultiPolygon{a}, nil).Seeker().Near(b, 100)
		if err != nil || len(near) != 1 || math.Abs(near[0].GapM-want) > 2e-5 {
			t.Errorf("near is %v (%v), want %v m", near, err, want)
		}
	}
}
