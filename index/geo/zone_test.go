package geo_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/geo"
)

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name     string
		code     int
		p        geo.XY
		want     error
		proposed int
	}{
		{"in the zone", 4524, geo.XY{X: 36512345.6, Y: 3940000}, nil, 0},
		{"by meridian", 4545, geo.XY{X: 512345.6, Y: 3940000}, nil, 0},
		{"degrees", 4490, geo.XY{X: 108.1, Y: 35.2}, nil, 0},
		{"corner of the world", 4490, geo.XY{X: -180, Y: 90}, nil, 0},
		{"mercator", 3857, geo.XY{X: 12e6, Y: 4e6}, nil, 0},
		{"mercator's corner", 3857, geo.XY{X: 20037508.342789244, Y: -20037508.342789244}, nil, 0},
		{"mercator's origin", 3857, geo.XY{}, nil, 0},

		{"NaN", 4490, geo.XY{X: math.NaN(), Y: 35}, geo.ErrNotFinite, 0},
		{"infinite", 4524, geo.XY{X: 36512345.6, Y: math.Inf(-1)}, geo.ErrNotFinite, 0},
		{"metres as degrees, zone 36", 4490, geo.XY{X: 36512345.6, Y: 3940000}, geo.ErrMetres, 4524},
		{"metres as degrees, zone 18", 4490, geo.XY{X: 18512345.6, Y: 3940000}, geo.ErrMetres, 4496},
		{"metres as degrees, no zone", 4490, geo.XY{X: 512345.6, Y: 3940000}, geo.ErrMetres, 0},
		{"latitude first", 4490, geo.XY{X: 35.2, Y: 108.1}, geo.ErrSwapped, 0},
		{"latitude above the pole", 4490, geo.XY{X: 108, Y: 90.5}, geo.ErrRange, 0},
		{"degrees as metres", 4524, geo.XY{X: 108.1, Y: 35.2}, geo.ErrDegrees, 0},
		{"degrees as metres, by meridian", 4545, geo.XY{X: 108.1, Y: 35.2}, geo.ErrDegrees, 0},
		{"degrees as mercator", 3857, geo.XY{X: 108.1, Y: 35.2}, geo.ErrDegrees, 0},
		{"northing first", 4524, geo.XY{X: 3940000, Y: 36512345.6}, geo.ErrSwapped, 0},
		{"northing first, by meridian", 4545, geo.XY{X: 3940000, Y: 512345.6}, geo.ErrSwapped, 0},
		{"next zone", 4524, geo.XY{X: 37412345.6, Y: 3940000}, geo.ErrZone, 4525},
		{"zone number where none stands", 4545, geo.XY{X: 36512345.6, Y: 3940000}, geo.ErrZone, 4524},
		{"no zone number where one stands", 4524, geo.XY{X: 512345.6, Y: 3940000}, geo.ErrRange, 0},
		{"beyond the pole", 4524, geo.XY{X: 36512345.6, Y: 10100000}, geo.ErrRange, 0},
		{"beyond mercator", 3857, geo.XY{X: 3e7, Y: 4e6}, geo.ErrRange, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := mustEPSG(t, c.code).Check(c.p)
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			var e *geo.CoordinateError
			if err == nil {
				return
			}
			if !errors.As(err, &e) {
				t.Fatalf("%T", err)
			}
			proposal, ok := e.Proposal()
			if ok != (c.proposed != 0) || ok && proposal.EPSG() != c.proposed {
				t.Errorf("proposal %v %v, want %d", proposal, ok, c.proposed)
			}
		})
	}
}

// Every zone with a number is proposed for its own coordinates, and every system
// takes them.
func TestProposeZone(t *testing.T) {
	for _, code := range planeCodes()[1:] {
		c := mustEPSG(t, code)
		for _, p := range samplePlaces(c) {
			v := c.Forward(p)
			if v.X < 0 || math.Abs(p.Lon-c.CentralMeridian()) > 4 {
				continue
			}
			if err := c.Check(v); err != nil {
				t.Fatalf("%v: %v", c, err)
			}
			got, ok := geo.ProposeZone(v)
			if numbered := v.X > 1e6; ok != numbered || ok && got != c {
				t.Fatalf("ProposeZone(%v) of %v = %v, %v", v, c, got, ok)
			}
		}
	}
	for _, p := range []geo.XY{{36512345, -1}, {46512345, 4e6}, {24512345, 4e6}, {math.NaN(), 4e6}, {1e300, 4e6}, {36512345, math.Inf(1)}} {
		if got, ok := geo.ProposeZone(p); ok {
			t.Errorf("ProposeZone(%v) = %v", p, got)
		}
	}
}

// Edges over 70 m are divided into the fewest equal parts of at most 70 m,
// straight in the plane; shorter ones are not.
func TestRingDivides(t *testing.T) {
	c := mustEPSG(t, 4524)
	x, y := 36420000.0, 3790000.0
	points := []geo.XY{{x, y}, {x + 200, y}, {x + 200, y + 140}, {x, y + 140}}
	got := c.Ring(points)
	want := []geo.XY{
		{x, y}, {x + 200.0/3, y}, {x + 400.0/3, y}, {x + 200, y}, {x + 200, y + 70},
		{x + 200, y + 140}, {x + 400.0/3, y + 140}, {x + 200.0/3, y + 140}, {x, y + 140}, {x, y + 70}, {x, y},
	}
	if len(got) != len(want) || c.Positions(points) != len(want) {
		t.Fatalf("%d positions, %d foretold, want %d", len(got), c.Positions(points), len(want))
	}
	for i, v := range got {
		if p := c.Forward(v.LonLat()); math.Hypot(p.X-want[i].X, p.Y-want[i].Y) > 1e-5 {
			t.Errorf("position %d: %v, want %v", i, p, want[i])
		}
	}
}

// Both sides of a divided edge get the same positions, whichever way they run.
func TestRingNeighbours(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for _, code := range []int{3857, 4497, 4524, 4549} {
		c := mustEPSG(t, code)
		origin := c.Forward(geo.LonLat{Lon: c.CentralMeridian() + 1.1, Lat: 35})
		for range 1000 {
			a := geo.XY{X: origin.X + r.Float64()*9000, Y: origin.Y + r.Float64()*9000}
			b := geo.XY{X: origin.X + r.Float64()*9000, Y: origin.Y + r.Float64()*9000}
			if r.IntN(10) == 0 {
				b.X = a.X
			}
			// A ring of two points runs along the edge and back.
			ring := c.Ring([]geo.XY{a, b})
			back := slices.Clone(ring)
			slices.Reverse(back)
			if !slices.Equal(ring, back) {
				t.Fatalf("%v: edge %v %v differs from its reverse", c, a, b)
			}
		}
	}
}

func TestRing(t *testing.T) {
	plane, degrees := mustEPSG(t, 4524), geo.CRS{}
	for _, c := range []struct {
		name   string
		crs    geo.CRS
		points []geo.XY
		want   geo.Ring
	}{
		{"empty", degrees, nil, nil},
		{"one point", degrees, []geo.XY{{108, 35}}, geo.Ring{{108e10, 35e10}}},
		{"closed stays", degrees, []geo.XY{{1, 1}, {2, 1}, {2, 2}, {1, 1}}, geo.Ring{{1e10, 1e10}, {2e10, 1e10}, {2e10, 2e10}, {1e10, 1e10}}},
		{"open is closed, degrees are not divided", degrees, []geo.XY{{1, 1}, {2, 1}, {2, 2}}, geo.Ring{{1e10, 1e10}, {2e10, 1e10}, {2e10, 2e10}, {1e10, 1e10}}},
		{"equal neighbours dropped", degrees, []geo.XY{{1, 1}, {1 + 1e-12, 1}, {2, 1}, {2, 1}, {2, 2}}, geo.Ring{{1e10, 1e10}, {2e10, 1e10}, {2e10, 2e10}, {1e10, 1e10}}},
		{"all equal", degrees, []geo.XY{{1, 1}, {1, 1}, {1, 1}}, geo.Ring{{1e10, 1e10}}},
		{"empty plane", plane, []geo.XY{}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := c.crs.Ring(c.points)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if len(got) > c.crs.Positions(c.points) {
				t.Errorf("%d positions, bound %d", len(got), c.crs.Positions(c.points))
			}
		})
	}
}

// A hostile edge neither hangs nor fills the memory.
func TestRingBounded(t *testing.T) {
	c := mustEPSG(t, 4524)
	for _, far := range []float64{1e9, 1e300, math.Inf(1), math.NaN()} {
		points := []geo.XY{{36500000, 0}, {far, 1}}
		if got := c.Ring(points); len(got) > 1<<16 {
			t.Errorf("edge to %v: %d positions", far, len(got))
		}
	}
	long := [][][]geo.XY{{{{36000001, 1}, {36999999, 1}, {36999999, 9e6}}}}
	if _, err := c.MultiPolygon(long, geo.Limits{Vertices: 1000}); !errors.Is(err, geo.ErrGeometryLimit) {
		t.Errorf("got %v", err)
	}
}

func TestMultiPolygonPlace(t *testing.T) {
	square := []geo.XY{{1, 1}, {2, 1}, {2, 2}, {1, 1}}
	wrong := []geo.XY{{1, 1}, {2, 1}, {36512345, 3940000}, {1, 1}}
	_, err := geo.CRS{}.MultiPolygon([][][]geo.XY{{square}, {square, wrong}}, geo.Limits{})
	var e *geo.GeometryError
	if !errors.As(err, &e) || e.Place != (geo.Place{Polygon: 2, Ring: 2, Position: 3}) || !errors.Is(err, geo.ErrMetres) {
		t.Fatalf("got %v", err)
	}
	m, err := geo.CRS{}.MultiPolygon([][][]geo.XY{{square}, {square, square}}, geo.Limits{})
	if err != nil || m.Vertices() != 12 || len(m) != 2 || len(m[1]) != 2 {
		t.Fatalf("got %v, %v", m, err)
	}
}
