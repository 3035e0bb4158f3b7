package geo_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/geo"
)

// The theoretical areas of map sheets and of the cells in the survey's tables.
func TestCellArea(t *testing.T) {
	const minute, second = 1.0 / 60, 1.0 / 3600
	for _, c := range []struct {
		name                     string
		west, south, east, north float64
		want, within             float64
	}{
		{"sheet I48G010020", 103 + 11.25*minute, 35 + 35*minute, 103 + 15*minute, 35 + 37.5*minute, 26181159.35, 0.005},
		{"sheet I48G048048", 104 + 56.25*minute, 34, 105, 34 + 2.5*minute, 26679877.74, 0.005},
		{"sheet I49G001001", 108, 35 + 57.5*minute, 108 + 3.75*minute, 36, 26060073.81, 0.005},
		{"sheet J48G050050", 105 + 3.75*minute, 37 + 55*minute, 105 + 7.5*minute, 37 + 57.5*minute, 25409525.45, 0.005},
		{"one second at 30 N", 105, 30, 105 + second, 30 + second, 825.28743557, 5e-8}, // one second is not exact in degrees,
		{"one degree at 30 N", 105, 30, 106, 31, 10642393438.711, 0.002},
		{"the hemisphere", 0, 0, 360, 90, 510065621724088.44 / 2, 20000},
		{"nothing", 105, 30, 105, 31, 0, 0},
		{"southern half against northern", 105, -31, 106, -30, 10642393438.711, 0.002},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := geo.CellArea(geo.LonLat{Lon: c.west, Lat: c.south}, geo.LonLat{Lon: c.east, Lat: c.north})
			if math.Abs(got-c.want) > c.within {
				t.Errorf("got %.8f, want %v", got, c.want)
			}
		})
	}
}

// vectors are the survey's polygons, northing first, with the area by the rule
// before its last rounding, and the true area.
var vectors = []struct {
	name   string
	code   int
	points [][2]float64
	survey float64
	truth  float64
}{
	{"T1", 4522, square(3940000, 34502000, 200), 39999.9941, 39999.99565},
	{"T2", 4522, square(3940000, 34610000, 200), 39988.0565, 39988.0572},
	{"T3", 4524, [][2]float64{{3790000.1234, 36420000.5678}, {3790850.25, 36420400.75}, {3791500.5, 36421900.125}, {3790600, 36422050}, {3789800.875, 36421000.5}}, 1978717.5998, 1978717.5791},
	{"T4", 4523, square(4160000, 35590000, 10000), 99977759.5276, 99977759.5336},
}

func square(north, east, side float64) [][2]float64 {
	return [][2]float64{{north, east}, {north, east + side}, {north + side, east + side}, {north + side, east}}
}

func eastFirst(points [][2]float64) []geo.XY {
	var out []geo.XY
	for _, p := range points {
		out = append(out, geo.XY{X: p[1], Y: p[0]})
	}
	return out
}

// The rule gives the survey's own figures, wound either way, closed or open.
func TestAreaSurvey(t *testing.T) {
	for _, v := range vectors {
		c := mustEPSG(t, v.code)
		open := eastFirst(v.points)
		closed := append(slices.Clone(open), open[0])
		want := geo.HundredthsOf(v.survey)
		for _, points := range [][]geo.XY{open, closed} {
			for range 2 {
				if got, err := geo.AreaSurvey(c, [][][]geo.XY{{points}}); err != nil || got != want {
					t.Errorf("%s: got %v, %v; want %v", v.name, got, err, want)
				}
				slices.Reverse(points)
			}
		}
		twice, err := geo.AreaSurvey(c, [][][]geo.XY{{open, open}, {open}})
		if err != nil || twice != want {
			t.Errorf("%s: a polygon whose hole fills it, and itself: %v, %v", v.name, twice, err)
		}
	}
	small, large := eastFirst(square(3940000, 36502000, 10)), eastFirst(square(3940000, 36502000, 20))
	if got, err := geo.AreaSurvey(mustEPSG(t, 4524), [][][]geo.XY{{small, large}, {large}}); err != nil || got.M2() < 399 {
		t.Errorf("a hole larger than its shell takes from its neighbour: %v, %v", got, err)
	}
	if _, err := geo.AreaSurvey(mustEPSG(t, 3857), nil); err == nil {
		t.Error("Web Mercator is taken")
	}
	sheet := [][][]geo.XY{{{{103.1875, 35 + 35.0/60}, {103.25, 35 + 35.0/60}, {103.25, 35.625}, {103.1875, 35.625}}}}
	if got, err := geo.AreaSurvey(geo.CRS{}, sheet); err != nil || got != 2618115935 {
		t.Errorf("a sheet in degrees: %v, %v", got, err)
	}
}

// The area of a ring that came through CRS.Ring is the true one but for the
// chords of 70 m, whose effect the survey's table gives as up to 0.017 m² for T3.
func TestRingAreaVectors(t *testing.T) {
	unrounded := map[string]float64{"T1": 39999.9957, "T2": 39988.0572, "T3": 1978717.5608, "T4": 99977759.5341}
	for _, v := range vectors {
		ring := mustEPSG(t, v.code).Ring(eastFirst(v.points))
		got := geo.RingArea(ring)
		if v.name == "T3" {
			got = -got // listed clockwise, seen with east to the right
		}
		// Positions are rounded to 0.01 mm: 1e-10 of the area of T4.
		if math.Abs(got-unrounded[v.name]) > 0.015 || math.Abs(got-v.truth) > 0.025 {
			t.Errorf("%s: got %.5f, want %v, truth %v", v.name, got, unrounded[v.name], v.truth)
		}
	}
}

// randomRing is a star around a centre, counter-clockwise.
func randomRing(r *rand.Rand, centre geo.Position, n int, radiusM float64) geo.Ring {
	var ring geo.Ring
	for i := range n {
		angle := 2 * math.Pi * (float64(i) + r.Float64()*0.9) / float64(n)
		d := radiusM * (0.3 + 0.7*r.Float64()) / 111000 * geo.Unit
		ring = append(ring, geo.Position{
			Lon: centre.Lon + int64(d*math.Cos(angle)/math.Cos(float64(centre.Lat)/geo.Unit*math.Pi/180)),
			Lat: centre.Lat + int64(d*math.Sin(angle)),
		})
	}
	return append(ring, ring[0])
}

// Small and large rings agree with the integral in 60 digits, and are
// positive when they run counter-clockwise.
func TestRingAreaAgainstOracle(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for _, radiusM := range []float64{2, 10, 100, 1e3, 1e4, 1e5, 1e6} {
		worst := 0.0
		for range 40 {
			centre := geo.Position{Lon: int64((74 + 61*r.Float64()) * geo.Unit), Lat: int64((-20 + 75*r.Float64()) * geo.Unit)}
			ring := randomRing(r, centre, 3+r.IntN(30), radiusM)
			got, want := geo.RingArea(ring), oracleRingArea(ring)
			worst = max(worst, relative(got, want))
			if want <= 0 {
				t.Fatalf("oracle %v", want)
			}
			slices.Reverse(ring)
			if back := geo.RingArea(ring); math.Abs(back+got) > 1e-10*got {
				t.Errorf("reversed %v, %v", back, got)
			}
		}
		t.Logf("radius %v m: worst relative error %.2g", radiusM, worst)
		// The survey's series leaves out 1.1e-11 of the area.
		if worst > 1.5e-11 {
			t.Errorf("radius %v m: relative error %g", radiusM, worst)
		}
	}
}

func TestArea(t *testing.T) {
	shell := geo.Box{Min: geo.Position{Lon: 108e10, Lat: 35e10}, Max: geo.Position{Lon: 109e10, Lat: 36e10}}
	hole := geo.Box{Min: geo.Position{Lon: 1083e9, Lat: 352e9}, Max: geo.Position{Lon: 1085e9, Lat: 354e9}}
	inner := slices.Clone(hole.Polygon()[0])
	slices.Reverse(inner)
	a := geo.CellArea(shell.Min.LonLat(), shell.Max.LonLat())
	b := geo.CellArea(hole.Min.LonLat(), hole.Max.LonLat())
	for _, c := range []struct {
		name string
		m    geo.MultiPolygon
		want float64
	}{
		{"nil", nil, 0},
		{"an empty polygon", geo.MultiPolygon{{}, {nil}}, 0},
		{"two positions", geo.MultiPolygon{{{{1, 1}, {2, 2}}}}, 0},
		{"a box", geo.MultiPolygon{shell.Polygon()}, a},
		{"with a hole", geo.MultiPolygon{{shell.Polygon()[0], inner}}, a - b},
		{"and the hole's ground", geo.MultiPolygon{{shell.Polygon()[0], inner}, hole.Polygon()}, a},
		{"open", geo.MultiPolygon{{shell.Polygon()[0][:4]}}, a},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := geo.Area(c.m); math.Abs(got-c.want) > 1e-10*a {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// To agrees with the integral in 60 digits, near and far; From undoes it.
func TestEqualAreaPlane(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for _, lat := range []float64{0, 18, 35.5, 53, -40, 75, 88.9} {
		origin := geo.Position{Lon: 108e10, Lat: int64(lat * geo.Unit)}
		plane := geo.NewEqualAreaPlane(origin)
		if got := plane.To(origin); got != (geo.XY{}) || plane.Origin() != origin {
			t.Errorf("origin at %v", got)
		}
		// One radian of longitude times one metre of Y is the scale's area.
		scale := plane.To(geo.Position{Lon: origin.Lon + 180e10, Lat: origin.Lat}).X / math.Pi
		for _, reach := range []float64{1e-6, 1e-3, 0.1, 1, 4.9, 5.1, 30} {
			for range 20 {
				d := int64((2*r.Float64() - 1) * reach * geo.Unit)
				p := geo.Position{Lon: origin.Lon + int64(r.Float64()*1e10), Lat: origin.Lat + d}
				if p.Lat > 89e10 || p.Lat < -89e10 {
					continue
				}
				got := plane.To(p)
				// The survey's series is itself right to 6e-11.
				within := 1e-10 + 8e-11*math.Abs(got.Y)
				if lat > 80 {
					within *= 10 // parallels shrink, and the series' error does not
				}
				if want := oracleY(origin.Lat, p.Lat, scale); math.Abs(got.Y-want) > within {
					t.Errorf("origin %v, %v north: Y %.12f, want %.12f", lat, float64(d)/geo.Unit, got.Y, want)
				}
				if back := plane.From(got); back != p {
					t.Errorf("origin %v: %v came back as %v", lat, p, back)
				}
			}
		}
	}
}

// At its origin the plane is true to scale in both directions, held against the
// conformal projection on its meridian.
func TestEqualAreaPlaneScale(t *testing.T) {
	c := mustEPSG(t, 4545)
	for _, lat := range []float64{20, 35, 50} {
		origin := geo.PositionOf(geo.LonLat{Lon: 108, Lat: lat})
		plane := geo.NewEqualAreaPlane(origin)
		zero := c.Forward(origin.LonLat())
		for _, step := range []geo.Position{{Lon: 1e6}, {Lat: 1e6}} {
			p := geo.Position{Lon: origin.Lon + step.Lon, Lat: origin.Lat + step.Lat}
			got, want := plane.To(p), c.Forward(p.LonLat())
			if math.Abs(got.X-(want.X-zero.X)) > 1e-4 || math.Abs(got.Y-(want.Y-zero.Y)) > 1e-4 {
				t.Errorf("latitude %v: %v lies at %v, want %v", lat, step, got, geo.XY{X: want.X - zero.X, Y: want.Y - zero.Y})
			}
		}
	}
}

// The ways to compute Y meet where one takes over from the other.
func TestEqualAreaPlaneSeam(t *testing.T) {
	for _, seam := range []struct {
		at     int64
		within float64
	}{{geo.Unit / 10, 1e-11}, {5 * geo.Unit, 5e-8}} {
		for _, lat := range []int64{0, 20, 36, 50, 80} {
			plane := geo.NewEqualAreaPlane(geo.Position{Lat: lat * 1e10})
			for _, side := range []int64{-1, 1} {
				near := plane.To(geo.Position{Lat: lat*1e10 + side*seam.at})
				far := plane.To(geo.Position{Lat: lat*1e10 + side*(seam.at+1)})
				step := plane.To(geo.Position{Lat: lat*1e10 + side*(seam.at-1)})
				if d := (far.Y - near.Y) - (near.Y - step.Y); math.Abs(d) > seam.within {
					t.Errorf("lat %d: step of %g m at %d", lat, d, seam.at)
				}
			}
		}
	}
}

// Beyond the poles From answers the pole.
func TestEqualAreaPlanePoles(t *testing.T) {
	for _, lat := range []int64{-90, -35, 0, 60, 90} {
		plane := geo.NewEqualAreaPlane(geo.Position{Lat: lat * 1e10})
		if got := plane.From(geo.XY{Y: 1e12}); got.Lat != 90e10 {
			t.Errorf("origin %d: north of everything is %v", lat, got)
		}
		if got := plane.From(geo.XY{Y: -1e12}); got.Lat != -90e10 {
			t.Errorf("origin %d: south of everything is %v", lat, got)
		}
	}
}

// The plane of the whole ellipsoid keeps areas too.
func TestEqualArea(t *testing.T) {
	sw, ne := geo.Position{Lon: 105e10, Lat: 30e10}, geo.Position{Lon: 106e10, Lat: 31e10}
	a, b := geo.EqualArea(sw), geo.EqualArea(ne)
	if got := (b.X - a.X) * (b.Y - a.Y); math.Abs(got-10642393438.711) > 0.01 {
		t.Errorf("one degree at 30 N: %v", got)
	}
	if o := geo.EqualArea(geo.Position{}); o != (geo.XY{}) {
		t.Errorf("origin at %v", o)
	}
}

func TestHundredths(t *testing.T) {
	for _, c := range []struct {
		m2   float64
		want geo.Hundredths
		text string
	}{
		{0, 0, "0.00"},
		{39999.9941, 3999999, "39999.99"},
		{0.005, 1, "0.01"},
		{0.015, 2, "0.02"},
		{0.0049, 0, "0.00"},
		{-0.005, 0, "0.00"},
		{-0.0051, -1, "-0.01"},
		{-12.5, -1250, "-12.50"},
		{61904860.22, 6190486022, "61904860.22"},
		{math.NaN(), 0, "0.00"},
		{math.Inf(1), math.MaxInt64, "92233720368547758.07"},
		{1e300, math.MaxInt64, "92233720368547758.07"},
		{-1e300, math.MinInt64, "-92233720368547758.08"},
	} {
		if got := geo.HundredthsOf(c.m2); got != c.want || got.String() != c.text {
			t.Errorf("HundredthsOf(%v) = %d %q, want %d %q", c.m2, got, got.String(), c.want, c.text)
		}
	}
	h := geo.HundredthsOf(2000)
	if h.M2() != 2000 || h.Mu() != 3 || h.Ha() != 0.2 || math.Abs(2000*geo.MuPerM2-3) > 1e-15 {
		t.Errorf("2000 m² = %v mu, %v ha", h.Mu(), h.Ha())
	}
}

func TestLargestRemainder(t *testing.T) {
	for _, c := range []struct {
		name   string
		total  geo.Hundredths
		shares []float64
		want   []geo.Hundredths
	}{
		{"no shares", 5, nil, nil},
		{"one", 5, []float64{0.1}, []geo.Hundredths{5}},
		{"thirds, the first of equals first", 100, []float64{1, 1, 1}, []geo.Hundredths{34, 33, 33}},
		{"the largest remainder", 10, []float64{1, 5, 3}, []geo.Hundredths{1, 6, 3}},
		{"a share of nothing", 10, []float64{0, 1}, []geo.Hundredths{0, 10}},
		{"nothing above 0", 10, []float64{0, -1, math.NaN(), math.Inf(1)}, []geo.Hundredths{3, 3, 2, 2}},
		{"nothing to divide", 0, []float64{1, 2}, []geo.Hundredths{0, 0}},
		{"tiny and huge", 7, []float64{1e-300, 1e300}, []geo.Hundredths{0, 7}},
		{"huge shares do not overflow", 5, []float64{math.MaxFloat64, math.MaxFloat64 / 4}, []geo.Hundredths{4, 1}},
		{"a negative total", -10, []float64{1, 1, 1}, []geo.Hundredths{-3, -3, -4}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, geo.LargestRemainder(c.total, c.shares)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Parts add up to the total, and each is within one unit of its share.
func TestLargestRemainderAddsUp(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	for range 3000 {
		shares := make([]float64, 1+r.IntN(40))
		sum := 0.0
		for i := range shares {
			shares[i] = math.Exp(r.NormFloat64() * 5)
			sum += shares[i]
		}
		total := geo.Hundredths(r.Int64N(1 << (1 + r.IntN(50))))
		var got geo.Hundredths
		for i, part := range geo.LargestRemainder(total, shares) {
			got += part
			if exact := float64(total) * shares[i] / sum; math.Abs(float64(part)-exact) > 1+1e-15*exact {
				t.Fatalf("part %v, exact %v", part, exact)
			}
		}
		if got != total {
			t.Fatalf("%v of %v", got, total)
		}
	}
}

func ExampleHundredths() {
	h := geo.HundredthsOf(39999.9941)
	fmt.Println(h, h.Mu())
	// Output: 39999.99 59.999985
}
