package tile_test

import (
	"bufio"
	"fmt"
	"math"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"gengtu/index/geo"
	"gengtu/tileserver/tile"
)

// Y must not decrease as latitude falls, poles included, and stays on the plane.
func TestProjectIsMonotonic(t *testing.T) {
	for _, g := range tile.Grids() {
		height := 1.0
		if g == tile.C {
			height = 0.5
		}
		last := -1.0
		for lat := int64(90e10); lat >= -90e10; lat -= 1e7 + 1 {
			y := g.Project(geo.Position{Lat: lat}).Y
			if y < last || y < 0 || y > height {
				t.Fatalf("%v: latitude %d gives y %v after %v", g, lat, y, last)
			}
			last = y
		}
		if top := g.Project(geo.Position{Lat: 90e10}).Y; top != 0 {
			t.Errorf("%v: the north pole is at y %v, want 0", g, top)
		}
		if foot := g.Project(geo.Position{Lat: -90e10}).Y; foot != height {
			t.Errorf("%v: the south pole is at y %v, want %v", g, foot, height)
		}
		if over := g.Project(geo.Position{Lat: 100e10}).Y; g == tile.W && over != 0 {
			t.Errorf("w: beyond the pole is y %v, want 0", over)
		}
		if x := g.Project(geo.Position{Lon: 180e10}).X; x != 1 {
			t.Errorf("%v: the eastern antimeridian is at x %v, want 1", g, x)
		}
	}
}

func TestUnprojectIsTheInverse(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for range 100_000 {
		p := geo.Position{Lon: rng.Int64N(360e10) - 180e10, Lat: rng.Int64N(170e10) - 85e10}
		for _, g := range tile.Grids() {
			if got := geo.PositionOf(g.Unproject(g.Project(p))); abs(got.Lon-p.Lon) > 1 || abs(got.Lat-p.Lat) > 1 {
				t.Fatalf("%v: %v came back as %v", g, p, got)
			}
		}
	}
}

func abs(v int64) int64 { return max(v, -v) }

// PROJ is the oracle for w, to 0.6 fixed units, which are 1.4 µm of the projection's
// plane.
func TestProjectAgainstPROJ(t *testing.T) {
	program, err := exec.LookPath("cs2cs")
	if err != nil {
		t.Fatal("cs2cs is missing: apt-get install proj-bin")
	}
	rng := rand.New(rand.NewPCG(4, 4))
	var in strings.Builder
	points := make([]geo.Position, 2000)
	for i := range points {
		points[i] = geo.Position{Lon: rng.Int64N(360e10) - 180e10, Lat: rng.Int64N(170e10) - 85e10}
		ll := points[i].LonLat()
		fmt.Fprintf(&in, "%.10f %.10f\n", ll.Lon, ll.Lat)
	}
	run := exec.CommandContext(t.Context(), program, "-f", "%.9f",
		"+proj=longlat +a=6378137 +b=6378137", "+to", "+proj=merc +a=6378137 +b=6378137")
	run.Stdin = strings.NewReader(in.String())
	out, err := run.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(strings.NewReader(string(out)))
	for i, p := range points {
		var x, y float64
		if !lines.Scan() {
			t.Fatalf("PROJ answered %d of %d points", i, len(points))
		}
		if _, err := fmt.Sscan(lines.Text(), &x, &y); err != nil {
			t.Fatal(err)
		}
		w := tile.W.Project(p)
		const circumference = 2 * math.Pi * 6378137
		gotX, gotY := (w.X-0.5)*circumference, (0.5-w.Y)*circumference
		const least = 0.6 * circumference / (1 << tile.FixedBits)
		if math.Abs(gotX-x) > least || math.Abs(gotY-y) > least {
			t.Errorf("%v: got %.9f %.9f, PROJ has %.9f %.9f", p, gotX, gotY, x, y)
		}
	}
}
