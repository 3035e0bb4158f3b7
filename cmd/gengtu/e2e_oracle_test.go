package main_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"gengtu/benchmarks/suite"
)

// metres are a place on the ground, east and north of the oracle's corner.
type metres struct{ x, y float64 }

func (p metres) plus(d metres, s float64) metres { return metres{p.x + s*d.x, p.y + s*d.y} }

func (p metres) to(q metres) float64 { return math.Hypot(p.x-q.x, p.y-q.y) }

// oracle asks a tier's overlay whether places lie on the ground of a layer.
type oracle struct {
	s           *server
	tier, layer string
	lon, lat    float64 // the corner
	kx, ky      float64 // metres in a degree
	width, high float64 // of the extent
	asked       int
	told        []string // what was judged
}

func newOracle(t *testing.T, s *server, tier, layer string) *oracle {
	t.Helper()
	var c struct{ Extent [4]float64 }
	decode(t, s.get(t, 200, "/"+tier+"/catalog").Body, &c)
	o := &oracle{s: s, tier: tier, layer: layer, lon: c.Extent[0], lat: c.Extent[1], ky: 110_930}
	o.kx = 111_320 * math.Cos(o.lat*math.Pi/180)
	o.width, o.high = (c.Extent[2]-o.lon)*o.kx, (c.Extent[3]-o.lat)*o.ky
	return o
}

// half is half the side of the squares that are asked about, in metres, and batch how
// many go in a request.
const (
	half  = 0.01
	batch = 2000
)

// inside tells of each place whether most of a square of 2 cm around it is covered.
func (o *oracle) inside(t *testing.T, at []metres) []bool {
	t.Helper()
	var out []bool
	for some := range slices.Chunk(at, batch) {
		var b bytes.Buffer
		b.WriteString(`{"type":"FeatureCollection","features":[`)
		for i, p := range some {
			if i > 0 {
				b.WriteByte(',')
			}
			x0, x1, y0, y1 := o.lon+(p.x-half)/o.kx, o.lon+(p.x+half)/o.kx, o.lat+(p.y-half)/o.ky, o.lat+(p.y+half)/o.ky
			fmt.Fprintf(&b, `{"type":"Feature","properties":null,"geometry":{"type":"Polygon","coordinates":[[[%.10f,%.10f],[%.10f,%.10f],[%.10f,%.10f],[%.10f,%.10f],[%.10f,%.10f]]]}}`,
				x0, y0, x1, y0, x1, y1, x0, y1, x0, y0)
		}
		b.WriteString("]}")
		a := o.s.do(t, "POST", "/"+o.tier+"/overlay?combinations=false&layers="+o.layer, b.Bytes())
		if a.Status != 200 {
			t.Fatalf("the oracle answers %d\n%.300s", a.Status, a.Body)
		}
		var answers []struct {
			AOI struct {
				AreaM2 float64 `json:"area_m2"`
			}
			Layers []struct {
				AreaM2 float64 `json:"area_m2"`
			}
		}
		decode(t, a.Body, &answers)
		for _, r := range answers {
			if len(r.Layers) != 1 {
				t.Fatalf("no answer: %.300s", a.Body)
			}
			out = append(out, r.Layers[0].AreaM2 > r.AOI.AreaM2/2)
		}
		o.asked += len(some)
	}
	return out
}

// between narrows lines from a place inside to one outside down to where the border
// crosses them, all at once.
func (o *oracle) between(t *testing.T, in, out []metres) []metres {
	t.Helper()
	in, out = slices.Clone(in), slices.Clone(out)
	for range 22 { // 80 m to a fiftieth of a millimetre
		mid := make([]metres, len(in))
		for i := range in {
			mid[i] = metres{(in[i].x + out[i].x) / 2, (in[i].y + out[i].y) / 2}
		}
		for i, is := range o.inside(t, mid) {
			if is {
				in[i] = mid[i]
			} else {
				out[i] = mid[i]
			}
		}
	}
	return in
}

// borders are places on the border, with the way along it and the way in.
type borders struct{ at, along, in []metres }

// findBorders finds places on borders from pairs of random places.
func (o *oracle) findBorders(t *testing.T, n int) borders {
	t.Helper()
	rng := rand.New(rand.NewPCG(25, 10))
	var a, b []metres
	for range n {
		p := metres{rng.Float64() * o.width, rng.Float64() * o.high}
		angle := rng.Float64() * 2 * math.Pi
		a, b = append(a, p), append(b, p.plus(metres{math.Cos(angle), math.Sin(angle)}, 80))
	}
	ia, ib := o.inside(t, a), o.inside(t, b)
	var in, out []metres
	for i := range a {
		switch {
		case ia[i] && !ib[i]:
			in, out = append(in, a[i]), append(out, b[i])
		case ib[i] && !ia[i]:
			in, out = append(in, b[i]), append(out, a[i])
		}
	}
	first := o.between(t, in, out)
	// The border's direction: where it crosses a circle of 30 cm around the place.
	const r, points, straight = 0.3, 24, 0.0001
	var round []metres
	spoke := func(p metres, k int) metres {
		angle := 2 * math.Pi * float64(k) / points
		return p.plus(metres{math.Cos(angle), math.Sin(angle)}, r)
	}
	for _, p := range first {
		for k := range points {
			round = append(round, spoke(p, k))
		}
	}
	states := o.inside(t, round)
	var from, to, center []metres
	for i, p := range first {
		var ins, outs []metres
		for k := range points {
			next := (k + 1) % points
			here, there := states[i*points+k], states[i*points+next]
			if here && !there {
				ins, outs = append(ins, spoke(p, k)), append(outs, spoke(p, next))
			} else if there && !here {
				ins, outs = append(ins, spoke(p, next)), append(outs, spoke(p, k))
			}
		}
		if len(ins) == 2 { // one border, and no corner of another
			from, to, center = append(from, ins...), append(to, outs...), append(center, p)
		}
	}
	crossed := o.between(t, from, to)
	var w borders
	for i, p := range center {
		q, s := crossed[2*i], crossed[2*i+1]
		d := metres{(s.x - q.x) / q.to(s), (s.y - q.y) / q.to(s)}
		if off := (p.x-q.x)*d.y - (p.y-q.y)*d.x; math.Abs(off) > straight {
			continue // there is a corner within the circle
		}
		w.at, w.along, w.in = append(w.at, p), append(w.along, d), append(w.in, metres{-d.y, d.x})
	}
	var sides []metres
	for i, p := range w.at {
		sides = append(sides, p.plus(w.in[i], 0.1))
	}
	for i, is := range o.inside(t, sides) {
		if !is {
			w.in[i] = metres{-w.in[i].x, -w.in[i].y}
		}
	}
	return w
}

// recover follows straight borders to where they end: the vertices, to some centimetres
// where the border turns.
func (o *oracle) recover(t *testing.T, w borders) []metres {
	t.Helper()
	// beside is how far from the border is asked: it runs on where one side is inside
	// and the other is not.
	const beside, step, most = 0.012, 1.0, 40
	n := len(w.at)
	runs := func(s []float64) []bool {
		var at []metres
		for i := range n {
			p := w.at[i].plus(w.along[i], s[i])
			at = append(at, p.plus(w.in[i], beside), p.plus(w.in[i], -beside))
		}
		is := o.inside(t, at)
		out := make([]bool, n)
		for i := range n {
			out[i] = is[2*i] && !is[2*i+1]
		}
		return out
	}
	good, bad := make([]float64, n), make([]float64, n)
	for k := 1; k <= most; k++ {
		s := make([]float64, n)
		for i := range s {
			s[i] = float64(k) * step
			if bad[i] > 0 {
				s[i] = bad[i]
			}
		}
		for i, ok := range runs(s) {
			if ok && bad[i] == 0 {
				good[i] = s[i]
			} else if bad[i] == 0 {
				bad[i] = s[i]
			}
		}
	}
	for range 9 {
		mid := make([]float64, n)
		for i := range mid {
			mid[i] = (good[i] + bad[i]) / 2
		}
		for i, ok := range runs(mid) {
			if ok {
				good[i] = mid[i]
			} else {
				bad[i] = mid[i]
			}
		}
	}
	var out []metres
	for i := range n {
		if bad[i] > 0 {
			out = append(out, w.at[i].plus(w.along[i], good[i]))
		}
	}
	return out
}

// places are found by where they lie.
type places struct {
	within float64
	cells  map[[2]int][]metres
}

// placesOf arranges places so that those within a distance of others are found.
func placesOf(all []metres, within float64) *places {
	p := &places{within, map[[2]int][]metres{}}
	for _, q := range all {
		p.cells[p.cell(q)] = append(p.cells[p.cell(q)], q)
	}
	return p
}

func (p *places) cell(q metres) [2]int {
	return [2]int{int(math.Floor(q.x / p.within)), int(math.Floor(q.y / p.within))}
}

// near tells whether one of the places is near q.
func (p *places) near(q metres) bool {
	k := p.cell(q)
	for i := range 9 {
		for _, r := range p.cells[[2]int{k[0] + i%3 - 1, k[1] + i/3 - 1}] {
			if r.to(q) <= p.within {
				return true
			}
		}
	}
	return false
}

// countNear is how many of some places lie near one of the others when they are moved.
func countNear(some []metres, others *places, by metres) (n int) {
	for _, p := range some {
		if others.near(p.plus(by, 1)) {
			n++
		}
	}
	return n
}

// corner is the point of the grid that is nearest to a place.
func (o *oracle) corner(p metres, gridLon, gridLat float64) metres {
	lon, lat := o.lon+p.x/o.kx, o.lat+p.y/o.ky
	return metres{(math.Round(lon/gridLon)*gridLon - o.lon) * o.kx, (math.Round(lat/gridLat)*gridLat - o.lat) * o.ky}
}

// attack recovers vertices of a layer through overlay alone.
func (o *oracle) attack(t *testing.T) []metres {
	t.Helper()
	got := distinct(o.recover(t, o.findBorders(t, 2400)), 0.2)
	t.Logf("%s: %d vertices of %s recovered with %d shapes", o.tier, len(got), o.layer, o.asked)
	suite.Count(t, "bisection/tier="+o.tier+"/layer="+o.layer, float64(o.asked), "shapes")
	if len(got) < 150 || o.asked < 5000 {
		t.Fatalf("%s: %d vertices were recovered with %d shapes: the attack does not work", o.tier, len(got), o.asked)
	}
	return got
}

// Whoever bisects with thousands of small shapes recovers the vertices of an edition
// without a grid, and of one with a grid its points alone, which lie no nearer to true
// vertices than the grid's points do by chance: by overlay in every form, by point=, by what a
// click on a picture tells, in tiles, features, differences, changes and pictures.
func TestOverlayIsNoOracle(t *testing.T) {
	d := t.TempDir()
	e := &gridded{secure: filepath.Join(d, "S"), government: filepath.Join(d, "G"), public: filepath.Join(d, "P"), rounded: filepath.Join(d, "R")}
	e.make(t)
	s := serve(t, e.secure, e.government, e.public)

	o := newOracle(t, s, "secure", "pbf")
	truth := o.groundOf(t, e.secure, "pbf")
	got := o.attack(t)
	if n := countNear(got, placesOf(truth.vertices, 1), metres{}); 10*n < 7*len(got) {
		t.Fatalf("of %d vertices recovered from secure %d are true ones: the attack proves nothing", len(got), n)
	}
	// The test of the test: what an edition without a grid tells is caught by both rules.
	for _, grid := range []float64{governmentGrid, publicGrid} {
		if f := o.judge("overlay", got, 0.1, grid, truth); len(f) < 2 {
			t.Errorf("secure passes for an edition of a grid of %g m: %q", grid, f)
		}
	}
	for _, c := range []struct {
		tier, dir string
		grid      float64
	}{{"government", e.government, governmentGrid}, {"public", e.public, publicGrid}} {
		for _, layer := range []string{"pbf", "cropland"} {
			o := newOracle(t, s, c.tier, layer)
			truth := o.groundOf(t, e.secure, layer)
			got := o.attack(t)
			faults := o.judge("overlay", got, 0.1, c.grid, truth)
			faults = append(faults, o.otherRoutes(t, c.dir, c.grid, truth)...)
			for _, f := range faults {
				t.Error(f)
			}
			for _, line := range o.told {
				t.Log(line)
			}
			// A grid that is finer than the policy's is caught, however the edition calls it.
			if c.tier == "government" {
				if f := o.judge("overlay", got, 0.1, publicGrid, truth); len(f) == 0 {
					t.Errorf("%s: a grid of %g m passes for one of %g m", layer, c.grid, publicGrid)
				}
			}
		}
	}
	e.filesHaveNone(t)
	answersAreRounded(t, serve(t, e.rounded), 100)
}

// answersAreRounded asks about thousands of shapes of an edition that rounds.
func answersAreRounded(t *testing.T, s *server, step float64) {
	t.Helper()
	o := newOracle(t, s, "public", "pbf")
	rng := rand.New(rand.NewPCG(3, 4))
	var b bytes.Buffer
	b.WriteString(`{"type":"FeatureCollection","features":[`)
	const shapes = 2000
	for i := range shapes {
		if i > 0 {
			b.WriteByte(',')
		}
		// Some grow by a centimetre at a time, as a bisection's last ones do.
		x, y, d := rng.Float64()*o.width, rng.Float64()*o.high, 5+50*rng.Float64()
		if i%2 == 0 {
			x, y, d = o.width/2, o.high/2, 30+float64(i)/100
		}
		x0, y0, x1, y1 := o.lon+x/o.kx, o.lat+y/o.ky, o.lon+(x+d)/o.kx, o.lat+(y+d)/o.ky
		fmt.Fprintf(&b, `{"type":"Feature","properties":null,"geometry":{"type":"Polygon","coordinates":[[[%.9f,%.9f],[%.9f,%.9f],[%.9f,%.9f],[%.9f,%.9f],[%.9f,%.9f]]]}}`, x0, y0, x1, y0, x1, y1, x0, y1, x0, y0)
	}
	b.WriteString("]}")
	var answers []struct {
		Layers []map[string]any
	}
	a := s.do(t, "POST", "/public/overlay?layers=pbf,cropland", b.Bytes())
	decode(t, a.Body, &answers)
	figures, some := 0, false
	for _, r := range answers {
		for _, l := range r.Layers {
			for _, name := range []string{"area_m2", "gross_area_m2", "patch_m2", "net_m2"} {
				v, ok := l[name].(float64)
				if !ok {
					continue
				}
				figures++
				some = some || v > 0
				if math.Abs(v/step-math.Round(v/step)) > 1e-9 {
					t.Fatalf("%s is %v, no multiple of %g", name, v, step)
				}
			}
		}
	}
	if figures < 2*shapes || !some {
		t.Errorf("%d figures were looked at", figures)
	}
}
