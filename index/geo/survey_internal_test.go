package geo

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// The constants are those of the survey's table, to the digits given there.
func TestSurveyConstants(t *testing.T) {
	for _, c := range []struct {
		name              string
		got, want, within float64
	}{
		{"b", semiMinor, 6356752.31414036, 1e-8},
		{"e²", ecc2, 0.0066943800229, 5e-14},
		{"e'²", surveyE2, ecc2 / (1 - ecc2), 5e-15},
		{"e² is the smaller", min(ecc2, surveyE2), ecc2, 0},
		{"c", surveyC, semiMajor * semiMajor / semiMinor, 5e-6},
		{"A", zonal[0], 1.003364089834192927, 3e-16},
		{"B", -zonal[1], 0.0011241893819271, 5e-17},
		// C to E stem from an e² of 13 decimals, which is right to 2e-13.
		{"C", zonal[2], 1.69945947351895e-6, 1e-19},
		{"D", -zonal[3], 2.71785784557756e-9, 1e-21},
		{"E", zonal[4], 4.35841900483452e-12, 2e-24},
		{"seconds in a radian", secondsPerRadian, 206264.8062471, 5e-8},
	} {
		if math.Abs(c.got-c.want) > c.within {
			t.Errorf("%s: got %.20g, want %.20g", c.name, c.got, c.want)
		}
	}
}

// The survey's inverse projection gives the table's positions to its digits, and
// stays within 4.4e-6 second of the exact one in China's latitudes.
func TestSurveyInverse(t *testing.T) {
	for _, c := range []struct {
		code             int
		north, east      float64
		wantLat, wantLon float64
	}{
		{4522, 3940000, 34502000, 35.589537998152, 102.02206808984},
		{4522, 3940000, 34610000, 35.583429632723, 103.21362321146},
		{4523, 4160000, 35590000, 37.567665278884, 106.01871266472},
		{4524, 3790000.1234, 36420000.5678, 34.234372311915, 107.13168295166},
	} {
		crs := gaussOf(c.code)
		p := XY{X: c.east - crs.easting, Y: c.north}
		lat, lon := surveyInverse(p)
		lat, lon = lat/degree, crs.meridian+lon/degree
		// The table is the exact projection; the survey's footpoint latitude stays
		// within 4e-6 second of it here.
		if math.Abs(lat-c.wantLat) > 1.1e-9 || math.Abs(lon-c.wantLon) > 2e-11 {
			t.Errorf("[%v %v]: got %.13f %.12f, want %.12f %.11f", c.north, c.east, lat, lon, c.wantLat, c.wantLon)
		}
		exact := crs.Inverse(XY{X: c.east, Y: c.north})
		if math.Abs(exact.Lat-c.wantLat) > 6e-13 || math.Abs(exact.Lon-c.wantLon) > 6e-12 {
			t.Errorf("[%v %v]: exact %.13f %.12f, want %.12f %.11f", c.north, c.east, exact.Lat, exact.Lon, c.wantLat, c.wantLon)
		}
	}
	worst := 0.0
	r := rand.New(rand.NewPCG(21, 1))
	for range 20000 {
		p := XY{X: (r.Float64() - 0.5) * 100, Y: 2e6 + r.Float64()*3.9e6}
		lat, _ := surveyInverse(p)
		exact, _ := gaussInverse(p)
		worst = max(worst, math.Abs(lat-exact)*secondsPerRadian)
	}
	if t.Logf("footpoint latitude off by %.3g seconds at most", worst); worst > 4.4e-6 {
		t.Errorf("footpoint latitude off by %g seconds", worst)
	}
}

// ruleArea is the rule with its parts of 70 m or longer ones, its rounding of
// seconds to 1e-6 or to other digits, computed on its own: corners in the plane,
// the survey's inverse, trapezoids from the zone's meridian.
func ruleArea(c CRS, points []XY, longest, perSecond float64) float64 {
	var ring []XY
	for i, a := range points {
		b := points[(i+1)%len(points)]
		parts := int(max(1, math.Ceil(math.Hypot(b.X-a.X, b.Y-a.Y)/longest)))
		for k := range parts {
			f := float64(k) / float64(parts)
			ring = append(ring, XY{X: a.X + (b.X-a.X)*f, Y: a.Y + (b.Y-a.Y)*f})
		}
	}
	var lats, lons []float64
	for _, p := range ring {
		p = XY{X: math.Floor(p.X*1e4+0.5) / 1e4, Y: math.Floor(p.Y*1e4+0.5) / 1e4}
		lat, lon := surveyInverse(XY{X: p.X - c.easting, Y: p.Y})
		lat = math.Floor(lat*secondsPerRadian*perSecond+0.5) / perSecond / secondsPerRadian
		lon = math.Floor((lon*secondsPerRadian+c.meridian*3600)*perSecond+0.5)/perSecond/secondsPerRadian - c.meridian*degree
		lats, lons = append(lats, lat), append(lons, lon)
	}
	sum := 0.0
	for i := range ring {
		j := (i + 1) % len(ring)
		middle, half := (lats[i]+lats[j])/2, (lats[j]-lats[i])/2
		band := 0.0
		for k := len(zonal) - 1; k >= 0; k-- {
			m := float64(2*k + 1)
			band += zonal[k] * math.Sin(m*half) * math.Cos(m*middle)
		}
		sum += 2 * semiMinor * semiMinor * band * (lons[i] + lons[j]) / 2
	}
	return math.Abs(sum)
}

// The rule gives the survey's four vectors to the fourth decimal, from the
// delivery's coordinates and from stored positions; so do its variants.
func TestSurveyVectors(t *testing.T) {
	square := func(east, north, side float64) []XY {
		return []XY{{east, north}, {east + side, north}, {east + side, north + side}, {east, north + side}}
	}
	for _, v := range []struct {
		name                               string
		code                               int
		points                             []XY
		plane, rule, undivided, notRounded float64
	}{
		{"T1", 4522, square(34502000, 3940000, 200), 40000, 39999.9941, 39999.9958, 39999.9957},
		{"T2", 4522, square(34610000, 3940000, 200), 40000, 39988.0565, 39988.0602, 39988.0572},
		{"T3", 4524, []XY{{36420000.5678, 3790000.1234}, {36420400.75, 3790850.25}, {36421900.125, 3791500.5}, {36422050, 3790600}, {36421000.5, 3789800.875}},
			1979021.16, 1978717.5998, 1978697.0802, 1978717.5956},
		{"T4", 4523, square(35590000, 4160000, 10000), 1e8, 99977759.5276, 99977783.7749, 99977759.5341},
	} {
		c := gaussOf(v.code)
		plane := 0.0
		for i, p := range v.points {
			q := v.points[(i+1)%len(v.points)]
			plane += ((p.X-c.easting)*q.Y - (q.X-c.easting)*p.Y) / 2
		}
		direct, err := surveyArea(c, [][][]XY{{v.points}})
		if err != nil {
			t.Fatal(err)
		}
		stored, err := surveyAreaStored(c, MultiPolygon{{c.Ring(v.points)}})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range []struct {
			name              string
			got, want, within float64
		}{
			{"in the plane", math.Abs(plane), v.plane, 0.006},
			{"by the rule", direct, v.rule, 6e-5},
			{"by the rule, stored", stored, v.rule, 6e-5},
			{"by the rule, on its own", ruleArea(c, v.points, 70, 1e6), v.rule, 6e-5},
			{"without division", ruleArea(c, v.points, 1e9, 1e6), v.undivided, 6e-5},
			{"seconds not rounded", ruleArea(c, v.points, 70, 1e10), v.notRounded, 6e-5},
		} {
			// The table's last digit of T4 hangs on 1e-12 of the area.
			if math.Abs(f.got-f.want) > f.within+1e-12*f.want {
				t.Errorf("%s %s: got %.5f, want %.4f", v.name, f.name, f.got, f.want)
			}
		}
	}
}

// surveyRandomRing is a ring on the 0.1 mm grid with long and short edges, places
// on straight lines, at even distances or any, and edges that are whole numbers
// of parts long.
func surveyRandomRing(r *rand.Rand, c CRS, even bool) []XY {
	x, y := c.easting+(r.Float64()-0.5)*2.6e5, 2e6+r.Float64()*3.5e6
	radius := math.Exp(r.Float64()*5.5) * 8
	n := 3 + r.IntN(12)
	var ring []XY
	for i := range n {
		angle := 2 * math.Pi * (float64(i) + 0.8*r.Float64()) / float64(n)
		d := radius * (0.4 + 0.6*r.Float64())
		ring = append(ring, rounded(XY{X: x + d*math.Cos(angle), Y: y + d*math.Sin(angle)}))
	}
	if r.IntN(4) == 0 { // a rectangle whose sides are whole numbers of steps
		w, h := float64(1+r.IntN(9))*[]float64{35, 40, 70, 69.9999, 70.0001}[r.IntN(5)], float64(1+r.IntN(5))*70
		o := ring[0]
		ring = []XY{o, rounded(XY{o.X + w, o.Y}), rounded(XY{o.X + w, o.Y + h}), rounded(XY{o.X, o.Y + h})}
	}
	var out []XY
	for i, a := range ring {
		b := ring[(i+1)%len(ring)]
		out = append(out, a)
		places := make([]float64, r.IntN(5)*r.IntN(2))
		for k := range places {
			places[k] = r.Float64()
			if even {
				places[k] = float64(k+1) / float64(len(places)+1)
			}
		}
		slices.Sort(places)
		for _, f := range places {
			if p := rounded(XY{X: a.X + (b.X-a.X)*f, Y: a.Y + (b.Y-a.Y)*f}); p != out[len(out)-1] && p != b {
				out = append(out, p)
			}
		}
	}
	return out
}

// storedRing is what is stored of an open ring, begun anywhere and run either way.
func storedRing(r *rand.Rand, c CRS, points []XY) Ring {
	ring := c.Ring(points)
	open := ring[:len(ring)-1]
	k := r.IntN(len(open))
	stored := append(append(slices.Clone(open[k:]), open[:k]...), open[k])
	if r.IntN(2) == 0 {
		slices.Reverse(stored)
	}
	return stored
}

// Whatever ring stood on the survey's grid has, from stored positions, the area
// that its delivered coordinates have; where the ring begins and which way it
// runs does not matter. The positions that divide long edges would disturb it if
// they stayed: by how much is logged.
//
// There are two exceptions. Delivered places on a straight line at even distances
// of over 35 m may be taken for the rule's own, and those that the rule puts in
// then move by less than 0.02 mm before they are rounded to 0.1 mm. And beside the
// grid, storing moves a coordinate by less than 0.01 mm before it is rounded.
func TestSurveyAreaStored(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 2))
	for _, kind := range []struct {
		name          string
		even, offGrid bool
		most          int // of 4,000 that may differ
	}{
		{"on the grid", false, false, 0},
		{"even places on straight lines", true, false, 60},
		{"beside the grid", false, true, 1600},
	} {
		differs, disturbed, worst, worstDisturbed, rings := 0, 0, 0.0, 0.0, 4000
		for range rings {
			c := gaussOf(codeGauss3 + r.IntN(zones3))
			points := surveyRandomRing(r, c, kind.even)
			if kind.offGrid {
				for i := range points {
					points[i].X += (r.Float64() - 0.5) * 1e-4
					points[i].Y += (r.Float64() - 0.5) * 1e-4
				}
			}
			want, err := surveyArea(c, [][][]XY{{points}})
			if err != nil {
				t.Fatal(err)
			}
			stored := storedRing(r, c, points)
			got, err := surveyAreaStored(c, MultiPolygon{{stored}})
			if err != nil {
				t.Fatal(err)
			}
			length := 0.0
			for i, p := range points {
				q := points[(i+1)%len(points)]
				length += math.Hypot(q.X-p.X, q.Y-p.Y)
			}
			if HundredthsOf(got) != HundredthsOf(want) {
				if differs++; kind.most == 0 {
					t.Errorf("%v %v: stored %.9f, delivered %.9f", c, points, got, want)
				}
				worst = max(worst, math.Abs(got-want)/length)
			}
			kept, _, err := c.planeRing(stored)
			if err != nil {
				t.Fatal(err)
			}
			naive, err := surveyArea(c, [][][]XY{{kept}})
			if err != nil {
				t.Fatal(err)
			}
			if HundredthsOf(naive) != HundredthsOf(want) {
				disturbed++
			}
			worstDisturbed = max(worstDisturbed, math.Abs(naive-want)/length)
		}
		t.Logf("%s: %d of %d areas differ, by up to %.2g mm of the border's length; with the dividing positions left in %d, by up to %.2g mm",
			kind.name, differs, rings, worst*1e3, disturbed, worstDisturbed*1e3)
		if disturbed <= differs || differs > kind.most || worst > 1e-4 {
			t.Errorf("%s: leaving the dividing positions in makes no difference, or taking them out makes too much", kind.name)
		}
	}
}

// Of points on a straight line those go that divide an edge as the rule does, and
// no others.
func TestUndivided(t *testing.T) {
	// line is a triangle one side of which has points after the given numbers of
	// steps.
	line := func(dx, dy float64, steps int) []XY {
		points := make([]XY, 0, steps+2)
		for k := range steps + 1 {
			points = append(points, XY{X: 36520000.1234 + dx*float64(k), Y: 3790000.5678 + dy*float64(k)})
		}
		return append(points, XY{X: 36520000, Y: 3790100})
	}
	for _, c := range []struct {
		name   string
		points []XY
		want   int // points on the line that stay, its last left out
	}{
		{"four parts of one edge", line(40.00001, 50.00003, 4), 1},
		{"short edges that go straight on", line(6.0001, 8.0001, 31), 31},
		{"the same beside the grid", line(6.00003, 8.00004, 31), 31},
		{"edges of 34 m", line(16, 30, 5), 5},
		{"ten edges of 71 m", line(71, 0.5, 10), 10},
		{"as many steps as the rule divides an edge into", line(30, 40, 3), 1},
		// Three edges of three parts, 56.67 m each; the rule would not divide their
		// whole into nine, and only the edges' ends are on the grid.
		{"three edges in a row", line(102.0003/3, 136.0001/3, 9), 3},
	} {
		if got := len(undivided(c.points)) - 2; got != c.want {
			t.Errorf("%s: %d points stay, want %d", c.name, got, c.want)
		}
	}
}

// Rings that are all line, or huge, are gone through once.
func TestUndividedLinear(t *testing.T) {
	const n = 100_000
	for _, step := range []float64{1, 35.5, 69.9999, 70, 70.00001, 71} {
		points := make([]XY, 0, n+2)
		for i := range n {
			points = append(points, XY{X: float64(i) * step, Y: 3e6})
		}
		points = append(points, XY{X: 5, Y: 3e6 + 10}, XY{X: 0, Y: 3e6 + 5})
		if got := undivided(points); len(got) > len(points) || len(got) < 4 {
			t.Errorf("step %v: %d points are left", step, len(got))
		}
	}
	for _, points := range [][]XY{nil, {{1, 1}}, {{1, 1}, {1, 1}}, {{1, 1}, {2, 2}}} {
		if got := undivided(points); len(got) != len(points) {
			t.Errorf("%v became %v", points, got)
		}
	}
}
