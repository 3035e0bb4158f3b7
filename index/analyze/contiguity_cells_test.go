package analyze_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gengtu/index/analyze"
	"gengtu/index/analyze/analyzetest"
	"gengtu/index/areas"
	"gengtu/index/geo"
)

// cellGap is the distance of two cells in metres, by the radii of curvature at the
// latitude between them.
func cellGap(c *analyzetest.County, a, b int) float64 {
	apart := func(u, v int) float64 { return float64(max(0, max(u, v)-min(u, v)-1)) }
	x, y := apart(a%c.W, b%c.W), apart(a/c.W, b/c.W)
	upper := min(a/c.W, b/c.W) + 1
	lat := (analyzetest.South + (float64(upper)+y/2)*analyzetest.Step) / 1e10 * math.Pi / 180
	const e2 = 2/298.257222101 - 1/298.257222101/298.257222101
	w := 1 - e2*math.Sin(lat)*math.Sin(lat)
	step := analyzetest.Step / 1e10 * math.Pi / 180 * 6378137
	return math.Hypot(x*step*math.Cos(lat)/math.Sqrt(w), y*step*(1-e2)/w/math.Sqrt(w))
}

// tractBorder is the border of a set of cells: along the parallels and along the meridians.
func tractBorder(c *analyzetest.County, set map[int]bool) float64 {
	const e2 = 2/298.257222101 - 1/298.257222101/298.257222101
	step := analyzetest.Step / 1e10 * math.Pi / 180 * 6378137
	sum := 0.0
	at := func(row float64) (lat, w float64) {
		lat = (analyzetest.South + row*analyzetest.Step) / 1e10 * math.Pi / 180
		return lat, 1 - e2*math.Sin(lat)*math.Sin(lat)
	}
	for cell := range set {
		x, y := cell%c.W, cell/c.W
		for _, d := range [][2]int{{-1, 0}, {1, 0}, {0, -1}, {0, 1}} {
			u, v := x+d[0], y+d[1]
			if u >= 0 && v >= 0 && u < c.W && v < c.H && set[v*c.W+u] {
				continue
			}
			if d[0] != 0 {
				_, w := at(float64(y) + 0.5)
				sum += step * (1 - e2) / w / math.Sqrt(w)
				continue
			}
			lat, w := at(float64(y) + max(0, float64(d[1])))
			sum += step * math.Cos(lat) / math.Sqrt(w)
		}
	}
	return sum
}

// knownTract is a component as cells tell it.
type knownTract struct {
	features []int
	area     int64
	cells    map[int]bool
}

// tracts finds components by all pairs of cells.
func tracts(c *analyzetest.County, l *analyzetest.Layer, take func(i int) bool, gap float64) []knownTract {
	var out []knownTract
	of := map[int]int{}
	for i := range l.Features {
		if take(i) {
			of[i] = i
		}
	}
	for i := range l.Features {
		for k := range i {
			a, okA := of[i]
			b, okB := of[k]
			if !okA || !okB || a == b || !slices.ContainsFunc(l.Features[i].Cells, func(u int) bool {
				return slices.ContainsFunc(l.Features[k].Cells, func(v int) bool { return cellGap(c, u, v) <= gap+1e-4 })
			}) {
				continue
			}
			for j, r := range of {
				if r == a {
					of[j] = b
				}
			}
		}
	}
	sets := map[int]*knownTract{}
	for i := range l.Features {
		r, ok := of[i]
		if !ok {
			continue
		}
		if sets[r] == nil {
			sets[r] = &knownTract{cells: map[int]bool{}}
		}
		s := sets[r]
		s.features = append(s.features, i)
		s.area += int64(geo.HundredthsOf(c.AreaOf(l.Features[i].Cells)))
		for _, cell := range l.Features[i].Cells {
			s.cells[cell] = true
		}
	}
	for _, s := range sets {
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b knownTract) int {
		return cmp.Or(cmp.Compare(b.area, a.area), cmp.Compare(a.features[0], b.features[0]))
	})
	return out
}

// On generated counties every figure is the one that cells give, by place and in all.
func TestContiguityAgainstCells(t *testing.T) {
	gaps := []float64{0, 15, 25, 45}
	for seed := range uint64(4) {
		c := analyzetest.New(seed, 40, 30, 90)
		pbf := c.Layer("pbf", "2024")
		// Thin them out, so that there are components.
		rnd := rand.New(rand.NewPCG(seed, 1))
		pbf.Features = slices.DeleteFunc(pbf.Features, func(analyzetest.Feature) bool { return rnd.IntN(3) == 0 })
		ix := c.Index(t)
		for _, by := range []areas.Level{"county", "township", "group"} {
			for _, place := range []string{"", "619901101"} {
				r := askContiguity(t, ix, analyze.Request{By: by, Place: place, Parameters: map[string]string{"gaps": "45,0,15,25"}})
				take := func(i int) bool { return strings.HasPrefix(pbf.Features[i].Place, place) }
				for _, gap := range gaps {
					checkTracts(t, c, pbf, r, tracts(c, pbf, take, gap), by.Digits(), gap)
				}
				if t.Failed() {
					t.Fatalf("seed %d by %s in %q", seed, by, place)
				}
			}
		}
	}
}

// checkTracts holds an answer at one gap against what is known.
func checkTracts(t *testing.T, c *analyzetest.County, l *analyzetest.Layer, r *analyze.Result, known []knownTract, digits int, gap float64) {
	t.Helper()
	type sums struct {
		n, main, across, patches int64
		area, net, largest       int64
		mesh, within, shape      float64
		parts                    []int64
		large                    [3]int64
	}
	by, all := map[string]*sums{}, &sums{}
	comp := tractTable(t, r, "contiguity_comp")
	listed := 0
	for _, k := range known {
		parts := map[string]*sums{}
		least := uint64(math.MaxUint64)
		for _, i := range k.features {
			f := &l.Features[i]
			least = min(least, f.ID)
			code := f.Place[:min(digits, len(f.Place))]
			if parts[code] == nil {
				parts[code] = &sums{}
			}
			parts[code].patches++
			parts[code].area += int64(geo.HundredthsOf(c.AreaOf(f.Cells)))
			parts[code].net += f.Net
		}
		got := tractRow(t, comp, "gap_m", gap, "comp_id", fmt.Sprint(least))
		listed++
		shape := tractBorder(c, k.cells) / 2 / math.Sqrt(math.Pi*float64(k.area)/100)
		if got("area") != analyze.Area(k.area) || got("patches") != int64(len(k.features)) || got("places") != int64(len(parts)) ||
			math.Abs(got("perimeter").(float64)-tractBorder(c, k.cells)) > 1e-4*got("perimeter").(float64) || math.Abs(got("shape_index").(float64)-shape) > 1e-3 {
			t.Errorf("gap %v, component %d: %v in %v patches, %v places, perimeter %v; cells say %+v, perimeter %v", gap, least, got("area"), got("patches"), got("places"), got("perimeter"), k.features, tractBorder(c, k.cells))
		}
		main := ""
		for code, p := range parts {
			if main == "" || p.area > parts[main].area || p.area == parts[main].area && code < main {
				main = code
			}
		}
		for code, p := range parts {
			if by[code] == nil {
				by[code] = &sums{}
			}
			for _, s := range []*sums{by[code], all} {
				if s == by[code] {
					s.n++
					s.parts = append(s.parts, p.area)
					s.largest = max(s.largest, p.area)
					s.within += float64(p.area) * float64(p.area)
					if code == main {
						s.main++
					}
					if len(parts) > 1 {
						s.across++
					}
				}
				s.patches += p.patches
				s.area += p.area
				s.net += p.net
				s.mesh += float64(p.area) * float64(k.area)
				s.shape += float64(p.area) * shape
				for i, mu := range []float64{100, 500, 1000} {
					if float64(k.area)/100*0.0015 >= mu {
						s.large[i] += p.area
					}
				}
			}
		}
		all.n++
		all.main++
		all.parts = append(all.parts, k.area)
		all.largest = max(all.largest, k.area)
		all.within += float64(k.area) * float64(k.area)
		if len(parts) > 1 {
			all.across++
		}
	}
	same := func(name string, got func(string) any, s *sums) {
		t.Helper()
		slices.Sort(s.parts)
		median := (s.parts[(len(s.parts)-1)/2] + s.parts[len(s.parts)/2]) / 2
		whole := float64(s.area)
		for column, want := range map[string]any{
			"n": s.n, "main": s.main, "across": s.across, "patches": s.patches, "area": analyze.Area(s.area), "net": analyze.Area(s.net),
			"largest": analyze.Area(s.largest), "median": analyze.Area(median), "mean": analyze.Area(math.Round(whole / float64(s.n))),
			"mesh": analyze.Area(math.Round(s.mesh / whole)), "area100": analyze.Area(s.large[0]), "area500": analyze.Area(s.large[1]), "area1000": analyze.Area(s.large[2]),
		} {
			if got(column) != want {
				t.Errorf("gap %v, %s: %s is %v, cells say %v", gap, name, column, got(column), want)
			}
		}
		for column, want := range map[string]float64{
			"coherence": s.within / whole / whole, "lpi": float64(s.largest) / whole, "share100": float64(s.large[0]) / whole, "shape_index": s.shape / whole,
		} {
			if math.Abs(got(column).(float64)-want) > 1e-4 {
				t.Errorf("gap %v, %s: %s is %v, cells say %v", gap, name, column, got(column), want)
			}
		}
	}
	same("all", tractRow(t, tractTable(t, r, "contiguity_total"), "gap_m", gap), all)
	places := tractTable(t, r, "contiguity")
	mesh, rows := 0.0, 0
	for code, s := range by {
		got := tractRow(t, places, "xzqdm", code, "gap_m", gap)
		same(code, got, s)
		mesh += float64(got("mesh").(analyze.Area)) * float64(got("area").(analyze.Area))
	}
	// The mean of the places' meshes by area is the mesh of all.
	if got, want := mesh/float64(all.area), all.mesh/float64(all.area); math.Abs(got-want) > 1 {
		t.Errorf("gap %v: the meshes of places come to %v, that of all is %v", gap, got, want)
	}
	for _, x := range places.Rows {
		if x[places.Column("gap_m")] == gap {
			rows++
		}
	}
	if rows != len(by) {
		t.Errorf("gap %v: %d places, cells say %d", gap, rows, len(by))
	}
	for _, x := range comp.Rows {
		if x[0] == gap {
			listed--
		}
	}
	if listed != 0 {
		t.Errorf("gap %v: %d components too few", gap, listed)
	}
}
