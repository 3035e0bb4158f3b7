package geo_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"gengtu/benchmarks/suite"
	"gengtu/index/geo"
)

// run runs an external program that the tests take as an oracle.
func run(t *testing.T, stdin, program string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Fatalf("%v; install it: apt-get install -y proj-bin gdal-bin", err)
	}
	cmd := exec.Command(program, args...)
	cmd.Stdin = strings.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", program, args, err, stderr.String())
	}
	return string(out)
}

func mustEPSG(t testing.TB, code int) geo.CRS {
	t.Helper()
	c, err := geo.EPSG(code)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// planeCodes are all systems in metres.
func planeCodes() []int {
	codes := []int{3857}
	for code := 4491; code <= 4554; code++ {
		codes = append(codes, code)
	}
	return codes
}

// samplePlaces returns places over the zone of c and 2 degrees to each side of
// it, borders and meridian included; for Web Mercator over the world.
func samplePlaces(c geo.CRS) []geo.LonLat {
	r := rand.New(rand.NewPCG(1, uint64(c.EPSG())))
	half, south, north := 1.5+2, 0.5, 56.0
	switch {
	case !c.GaussKrueger():
		half, south, north = 180, -85, 85
	case c.EPSG() < 4513:
		half = 3 + 2
	}
	var places []geo.LonLat
	for _, f := range []float64{-1, -0.5, 0, 0.5, 1} {
		for lat := south; lat <= north; lat += (north - south) / 10 {
			places = append(places, geo.LonLat{Lon: c.CentralMeridian() + f*half, Lat: lat})
		}
	}
	for range 150 {
		places = append(places, geo.LonLat{
			Lon: c.CentralMeridian() + (2*r.Float64()-1)*half,
			Lat: south + r.Float64()*(north-south),
		})
	}
	return places
}

// pairs reads the first two numbers of each line.
func pairs(t *testing.T, text string) [][2]float64 {
	t.Helper()
	var out [][2]float64
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 2 {
			t.Fatalf("line %q", line)
		}
		a, errA := strconv.ParseFloat(f[0], 64)
		b, errB := strconv.ParseFloat(f[1], 64)
		if errA != nil || errB != nil {
			t.Fatalf("line %q", line)
		}
		out = append(out, [2]float64{a, b})
	}
	return out
}

// Forward and Inverse agree with PROJ to 1e-4 mm in every system, over the zone
// and 2 degrees beyond, a hundredth of what a position resolves; the EPSG axis
// order is latitude, longitude and northing, easting, but for Web Mercator.
func TestProjectionAgainstPROJ(t *testing.T) {
	t.Parallel()
	const tolM, tolDeg = 1e-7, 2e-12
	for _, code := range planeCodes() {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			t.Parallel()
			c := mustEPSG(t, code)
			places := samplePlaces(c)
			var lonlats, planes strings.Builder
			for _, p := range places {
				fmt.Fprintf(&lonlats, "%.17g %.17g\n", p.Lat, p.Lon)
				v := c.Forward(p)
				if c.GaussKrueger() {
					v.X, v.Y = v.Y, v.X
				}
				fmt.Fprintf(&planes, "%.17g %.17g\n", v.X, v.Y)
			}
			forward := pairs(t, run(t, lonlats.String(), "cs2cs", "-f", "%.8f", "EPSG:4490", c.String()))
			inverse := pairs(t, run(t, planes.String(), "cs2cs", "-f", "%.13f", c.String(), "EPSG:4490"))
			if len(forward) != len(places) || len(inverse) != len(places) {
				t.Fatalf("cs2cs answered %d and %d of %d", len(forward), len(inverse), len(places))
			}
			suite.Count(t, "projection", float64(len(places)), "places")
			for i, p := range places {
				got := c.Forward(p)
				want := geo.XY{X: forward[i][0], Y: forward[i][1]}
				if c.GaussKrueger() {
					want.X, want.Y = want.Y, want.X
				}
				if d := math.Hypot(got.X-want.X, got.Y-want.Y); !(d <= tolM) {
					t.Errorf("Forward(%v) = %v, PROJ %v: %g m", p, got, want, d)
				}
				back := c.Inverse(got)
				if d := math.Hypot(back.Lon-inverse[i][1], back.Lat-inverse[i][0]); !(d <= tolDeg) {
					t.Errorf("Inverse(%v) = %v, PROJ %v: %g degree", got, back, inverse[i], d)
				}
				if d := math.Hypot(back.Lon-p.Lon, back.Lat-p.Lat); !(d <= tolDeg) {
					t.Errorf("there and back %v, %v: %g degree", p, back, d)
				}
			}
		})
	}
}

// The survey's own inverse agrees with its table of vectors, northing first.
func TestInverseVectors(t *testing.T) {
	for _, v := range []struct {
		code                      int
		north, east, wantB, wantL float64
	}{
		{4522, 3940000, 34502000, 35.589537998152, 102.02206808984},
		{4522, 3940000, 34610000, 35.583429632723, 103.21362321146},
		{4523, 4160000, 35590000, 37.567665278884, 106.01871266472},
		{4524, 3790000.1234, 36420000.5678, 34.234372311915, 107.13168295166},
	} {
		got := mustEPSG(t, v.code).Inverse(geo.XY{X: v.east, Y: v.north})
		if math.Abs(got.Lat-v.wantB) > 1e-11 || math.Abs(got.Lon-v.wantL) > 2e-11 {
			t.Errorf("EPSG:%d N %v E %v: got %.12f %.12f, want %v %v", v.code, v.north, v.east, got.Lat, got.Lon, v.wantB, v.wantL)
		}
	}
}

// Plane coordinates on the survey's grid of 0.1 mm come back exactly from
// integers of 1e-10 degree.
func TestGridComesBack(t *testing.T) {
	for _, code := range []int{4495, 4515, 4522, 4524, 4533, 4549} {
		c := mustEPSG(t, code)
		r := rand.New(rand.NewPCG(2, uint64(code)))
		for range 20000 {
			e := math.Round((c.Forward(geo.LonLat{Lon: c.CentralMeridian(), Lat: 0}).X+(2*r.Float64()-1)*150000)*1e4) / 1e4
			n := math.Round((2e6+r.Float64()*3.8e6)*1e4) / 1e4
			p := geo.PositionOf(c.Inverse(geo.XY{X: e, Y: n}))
			back := c.Forward(p.LonLat())
			if math.Round(back.X*1e4)/1e4 != e || math.Round(back.Y*1e4)/1e4 != n {
				t.Fatalf("EPSG:%d: %.4f %.4f came back as %.7f %.7f", code, e, n, back.X, back.Y)
			}
		}
	}
}

// Poles and the equator project without NaN.
func TestProjectionEdges(t *testing.T) {
	c := mustEPSG(t, 4524)
	for _, p := range []geo.LonLat{{108, 90}, {108, -90}, {108, 0}, {110, 90}, {108, 45}} {
		v := c.Forward(p)
		if math.IsNaN(v.X) || math.IsNaN(v.Y) {
			t.Errorf("Forward(%v) = %v", p, v)
		}
		if back := c.Inverse(v); math.Abs(back.Lat-p.Lat) > 1e-10 {
			t.Errorf("Inverse(Forward(%v)) = %v", p, back)
		}
	}
	if v := c.Forward(geo.LonLat{Lon: 108, Lat: 45}); v.X != 36500000 {
		t.Errorf("on the meridian: easting %v", v.X)
	}
}
