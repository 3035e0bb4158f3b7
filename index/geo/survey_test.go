package geo_test

import (
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"gengtu/index/geo"
)

func TestSurveyZone(t *testing.T) {
	at := func(west, east float64) geo.MultiPolygon {
		return geo.MultiPolygon{geo.Box{
			Min: geo.PositionOf(geo.LonLat{Lon: west, Lat: 35}), Max: geo.PositionOf(geo.LonLat{Lon: east, Lat: 36}),
		}.Polygon()}
	}
	for _, c := range []struct {
		name string
		m    geo.MultiPolygon
		want int // 0: refused
	}{
		{"Linxia, west of 103.5", at(103.2, 103.22), 4522},
		{"Shaanxi", at(108.89, 108.91), 4524},
		{"across the line between zones", at(103.4, 103.7), 4523},
		{"on the line", at(103.5, 103.5), 4523},
		{"a unit west of the line", at(103.5-2e-10, 103.5), 4522},
		{"the first zone", at(73.5, 73.6), 4513},
		{"the last zone", at(136.4, 136.49), 4533},
		{"west of the first", at(73.4, 73.49), 0},
		{"east of the last", at(136.5, 136.6), 0},
		{"west of Greenwich", at(-100, -99), 0},
		{"no position", nil, 0},
	} {
		got, err := geo.SurveyZone(c.m)
		if c.want == 0 {
			if !errors.Is(err, geo.ErrCRSUnsupported) {
				t.Errorf("%s: got %v, %v", c.name, got, err)
			}
			continue
		}
		if err != nil || got.EPSG() != c.want {
			t.Errorf("%s: got %v, %v, want EPSG:%d", c.name, got, err, c.want)
		}
	}
}

// The rule on stored polygons: holes count against their shells, both ways to
// name a zone give the same, what cannot be computed is refused with its place.
func TestSurveyArea(t *testing.T) {
	c := mustEPSG(t, 4524)
	shell := c.Ring(eastFirst(square(3790000.1234, 36520000.5678, 300)))
	hole := c.Ring(eastFirst(square(3790100, 36520100, 50)))
	slices.Reverse(hole)
	for _, code := range []int{4524, 4545} {
		zone := mustEPSG(t, code)
		a, errA := geo.SurveyArea(zone, geo.MultiPolygon{{shell}})
		b, errB := geo.SurveyArea(zone, geo.MultiPolygon{{hole}})
		all, err := geo.SurveyArea(zone, geo.MultiPolygon{{shell, hole}, {hole}})
		if err := errors.Join(errA, errB, err); err != nil {
			t.Fatal(err)
		}
		if all < a-1 || all > a+1 || b.M2() < 2499 || b.M2() > 2501 {
			t.Errorf("shell %v, hole %v, shell less hole and hole %v", a, b, all)
		}
	}
	if got, err := geo.SurveyArea(c, geo.MultiPolygon{{}, {nil}, {{{Lon: 108e10, Lat: 35e10}}}}); got != 0 || err != nil {
		t.Errorf("nothing: %v, %v", got, err)
	}
	for _, zone := range []geo.CRS{{}, mustEPSG(t, 3857)} {
		if _, err := geo.SurveyArea(zone, nil); !errors.Is(err, geo.ErrCRSUnsupported) {
			t.Errorf("%v: %v", zone, err)
		}
	}
	var place *geo.GeometryError
	_, err := geo.SurveyArea(mustEPSG(t, 4540), geo.MultiPolygon{{shell, hole}}) // 15 degrees to the west
	if !errors.As(err, &place) || !errors.Is(err, geo.ErrRange) || place.Place != (geo.Place{Polygon: 1, Ring: 1, Position: 1}) {
		t.Errorf("in a zone far away: %v", err)
	}
}

// A polygon's parts add up to it at full precision, however it is cut: along
// paths of any shape, also such as leave it, into parts that are cut again.
func TestAreaAdditive(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 3))
	worst := 0.0
	for n := 0; n < 10_000; {
		centre := geo.Position{Lon: int64((74 + 61*r.Float64()) * geo.Unit), Lat: int64((18 + 36*r.Float64()) * geo.Unit)}
		whole := randomRing(r, centre, 4+r.IntN(40), math.Exp(r.Float64()*10)*5)
		want, parts := geo.RingArea(whole), []geo.Ring{whole}
		for range 1 + r.IntN(5) {
			i := r.IntN(len(parts))
			a, b, ok := cutRing(r, parts[i])
			if !ok {
				continue
			}
			n++
			parts[i] = a
			parts = append(parts, b)
		}
		sum, gross := 0.0, 0.0
		for _, p := range parts {
			sum += geo.RingArea(p)
			gross += math.Abs(geo.RingArea(p))
		}
		// Paths may leave the polygon: then parts are larger than the whole and
		// count against each other.
		worst = max(worst, math.Abs(sum-want)/max(gross, want))
	}
	if t.Logf("worst difference %.2g of the area", worst); worst > 1e-12 {
		t.Errorf("parts differ from the whole by %g", worst)
	}
}

// cutRing cuts a ring in two along a path with some places of its own. It does
// not cut what is too small.
func cutRing(r *rand.Rand, ring geo.Ring) (a, b geo.Ring, ok bool) {
	open := ring[:len(ring)-1]
	n := len(open)
	if n < 4 {
		return nil, nil, false
	}
	i, j := 0, 2+r.IntN(n-3)
	k := r.IntN(n)
	open = append(slices.Clone(open[k:]), open[:k]...)
	var path geo.Ring
	for range r.IntN(4) {
		p, q := open[r.IntN(n)], open[r.IntN(n)]
		path = append(path, geo.Position{Lon: p.Lon/2 + q.Lon/2, Lat: p.Lat/2 + q.Lat/2})
	}
	a = append(append(geo.Ring{}, open[i:j+1]...), reversed(path)...)
	a = append(a, open[i])
	b = append(append(geo.Ring{}, open[j:]...), open[i])
	b = append(append(b, path...), open[j])
	return a, b, true
}

func reversed(r geo.Ring) geo.Ring {
	r = slices.Clone(r)
	slices.Reverse(r)
	return r
}

// Text in hectares is the exact decimal, rounded half up, for small and for the
// largest areas; floats are the nearest to it.
func TestAreaUnits(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 4))
	areas := []geo.Hundredths{0, 1, -1, 9, 10, 30, -10, -30, 3999999, 6190486022, 333333, 99999999, math.MaxInt64, math.MinInt64, math.MinInt64 + 1}
	for range 4000 {
		areas = append(areas, geo.Hundredths(int64(r.Uint64())>>r.IntN(63)))
	}
	for _, h := range areas {
		for decimals := range 7 {
			if got, want := h.HaText(decimals), exactDecimal(h, 1, decimals); got != want {
				t.Fatalf("%d in ha with %d decimals: got %s, want %s", int64(h), decimals, got, want)
			}
		}
		if h > 1<<49 || h < -1<<49 {
			continue // beyond 5.6e12 m² the product is no longer a float64
		}
		for _, f := range []struct {
			got  float64
			text string
		}{{h.Mu(), exactDecimal(h, 15, 6)}, {h.Ha(), h.HaText(6)}, {h.M2(), h.String()}} {
			if want, err := strconv.ParseFloat(f.text, 64); err != nil || f.got != want {
				t.Fatalf("%d: got %v, text %s", int64(h), f.got, f.text)
			}
		}
	}
	// 1.005 ha lies on a half, and its float64 below.
	if got := geo.Hundredths(1_005_000).HaText(2); got != "1.01" {
		t.Errorf("a half is rounded to %s", got)
	}
}

// exactDecimal is h·factor/10^6 by rationals, rounded half up.
func exactDecimal(h geo.Hundredths, factor int64, decimals int) string {
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(decimals)), nil)
	n := new(big.Int).Mul(big.NewInt(int64(h)), big.NewInt(2*factor))
	n.Mul(n, scale).Add(n, big.NewInt(1_000_000))
	n.Div(n, big.NewInt(2_000_000)) // Euclidean: rounded down
	return new(big.Rat).SetFrac(n, scale).FloatString(decimals)
}

func BenchmarkSurveyArea(b *testing.B) {
	r := rand.New(rand.NewPCG(21, 5))
	zone, err := geo.EPSG(4524)
	if err != nil {
		b.Fatal(err)
	}
	for _, radiusM := range []float64{50, 1000} { // no edge over 70 m; all of them
		m := geo.MultiPolygon{{randomRing(r, geo.Position{Lon: 1085e9, Lat: 355e9}, 36, radiusM)}}
		b.Run("radius="+strconv.Itoa(int(radiusM)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if area, err := geo.SurveyArea(zone, m); area == 0 || err != nil {
					b.Fatal(area, err)
				}
			}
		})
	}
}
