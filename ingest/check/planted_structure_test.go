package check_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/geo"
	"gengtu/ingest"
	"gengtu/ingest/check"
	"gengtu/ingest/source"
)

// few returns the landscape with few of its patches: rules about layers need no more.
func (l *landscape) few(n int) *landscape {
	l.patches = l.patches[:n]
	return l
}

// structureOf judges inputs and returns what is found under the rules about layers, and
// how often.
func structureOf(t *testing.T, inputs []ingest.Input, expected ...string) map[string]int {
	t.Helper()
	res, _, err := check.Run(context.Background(), inputs, ingest.Options{Tier: "secure", MayBeEmpty: []string{"dltb"}}, check.Options{Expected: expected, Listed: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int{}
	for _, r := range res.Rules {
		if r.Group != check.Structure {
			continue
		}
		for _, f := range r.Faults {
			said := f.Problem.Error()
			for _, name := range []string{"BSM", "DLBM", "QSXZ", "EXTRA1", "EXTRA2", "pbf", "dltb"} {
				if strings.Contains(said, ": "+name+";") {
					said = name
				}
			}
			if r.Check == "crs" || r.Check == "unreadable" {
				said = ""
			}
			out[r.Number+" "+said]++
		}
		if r.Count != len(r.Faults) {
			t.Errorf("rule %s: %d counted, %d listed", r.Number, r.Count, len(r.Faults))
		}
	}
	return out
}

// The rules about layers, fields, systems and records that cannot be read find what is
// planted, each as often as it is there, and nothing in what is whole.
func TestPlantedStructure(t *testing.T) {
	drop := func(l *landscape, name string) {
		at := l.column(name)
		l.fields = slices.Delete(l.fields, at, at+1)
		for _, p := range l.patches {
			p.values = slices.Delete(p.values, at, at+1)
		}
	}
	const some = 50
	for name, c := range map[string]struct {
		spoil    func(l *landscape)
		expected []string
		want     map[string]int
	}{
		"whole":                   {func(*landscape) {}, []string{"dltb"}, map[string]int{}},
		"a field that is missing": {func(l *landscape) { drop(l, "QSXZ") }, nil, map[string]int{"G2301 QSXZ": 1}},
		"fields beyond a standard": {func(l *landscape) {
			for _, name := range []string{"EXTRA1", "EXTRA2"} {
				l.fields = append(l.fields, source.Field{Name: name, Width: 4})
				for _, p := range l.patches {
					p.values = append(p.values, "x")
				}
			}
		}, nil, map[string]int{"G2302 EXTRA1": 1, "G2302 EXTRA2": 1}},
		"no features": {func(l *landscape) { l.patches = nil }, nil, map[string]int{"2203 dltb": 1}},
		"a 6° zone":   {func(l *landscape) { l.epsg = 4496; l.renumber(-18) }, nil, map[string]int{"G2101 ": 1}},
		"records without shapes": {func(l *landscape) {
			for i := range some {
				l.patches[3*i].rings = nil
			}
		}, nil, map[string]int{"G2401 ": some}},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLandscape(t).few(300)
			c.spoil(l)
			if d := cmp.Diff(c.want, structureOf(t, l.write(), c.expected...)); d != "" {
				t.Error(d)
			}
		})
	}
	l := newLandscape(t).few(300)
	inputs := l.write()
	inputs[0].Layer = "pbf"
	if got := structureOf(t, inputs, "dltb"); got["2201 dltb"] != 1 {
		t.Errorf("a layer that is missing: %v", got)
	}
}

// renumber gives the eastings another number of their zone before them.
func (l *landscape) renumber(zones int) {
	for _, p := range l.patches {
		for k, r := range p.rings {
			p.rings[k] = slices.Clone(r) // they are others', too
			for i := range r {
				p.rings[k][i].X += 1e6 * float64(zones)
			}
		}
	}
}

// Basic farmland is no coverage: ground that it leaves out is no gap, ground that two of it
// share is an overlap.
func TestPBFIsNoCoverage(t *testing.T) {
	l := newLandscape(t)
	l.index()
	overlaps := map[string]float64{}
	for _, n := range l.rng.Perm(len(l.patches)) {
		area := l.logUniform(1.02, 30)
		if k, ok := l.findBump(n, area, max(1, area/20), len(overlaps) < 300); ok && k.area > 1.01 && l.take(n) {
			if l.dent(&k); len(overlaps) < 300 {
				overlaps[pairKey(l.key(n), l.key(k.neighbour))] = k.area
			} else if len(overlaps)+1 > 600 {
				break
			}
		}
	}
	inputs := l.write()
	inputs[0].Layer = "pbf"
	got := judge(t, inputs, check.Options{})
	compare(t, "G4101", overlaps, got["G4101"], pairOf)
	if n := len(got["G4103"]); n > 0 {
		t.Errorf("%d gaps in what is no coverage", n)
	}
}

// A delivery of two zones, each with its own part of the patches, is judged as one layer:
// borders between the zones are shared, and what is planted across them is found.
func TestSeveralZones(t *testing.T) {
	for _, spoilt := range []bool{false, true} {
		l := newLandscape(t)
		l.index()
		half := func(p *patch) int {
			if p.rings[0][0].X < 36_559_000 {
				return 0
			}
			return 1
		}
		overlaps := map[string]float64{}
		for _, n := range l.rng.Perm(len(l.patches)) {
			if !spoilt {
				break
			}
			k, ok := l.findBump(n, 3, 1, true)
			if ok && half(l.patches[n]) != half(l.patches[k.neighbour]) && l.take(n) {
				l.dent(&k)
				overlaps[pairKey(l.key(n), l.key(k.neighbour))] = k.area
			}
		}
		other, err := geo.EPSG(4525)
		if err != nil {
			t.Fatal(err)
		}
		var inputs []ingest.Input
		for zone, epsg := range []int{4524, 4525} {
			path := filepath.Join(t.TempDir(), fmt.Sprintf("DLTB%d.gpkg", epsg))
			w, err := source.Create(path, &source.Layer{Fields: l.fields, CRS: source.CRSInfo{EPSG: epsg}}, source.WriteOptions{})
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range l.patches {
				if half(p) != zone {
					continue
				}
				f := source.Feature{Values: p.values, Polygons: [][][]geo.XY{p.rings}}
				if zone == 1 {
					f.Polygons = [][][]geo.XY{moved(l.crs, other, p.rings)}
				}
				if err := w.Write(&f); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			inputs = append(inputs, ingest.Input{Layer: "dltb", Vintage: "2024", Path: path})
		}
		got := judge(t, inputs, check.Options{})
		compare(t, "G4101", overlaps, got["G4101"], pairOf)
		if n := len(got["G4102"]) + len(got["G4103"]); n > 0 {
			t.Errorf("%d overlaps and gaps along the border of the zones: %v %v", n, got["G4102"], got["G4103"])
		}
		if spoilt && len(overlaps) < 10 {
			t.Errorf("%d planted", len(overlaps))
		}
	}
}

// moved returns rings in another zone, on its grid.
func moved(from, to geo.CRS, rings [][]geo.XY) [][]geo.XY {
	out := make([][]geo.XY, len(rings))
	for i, r := range rings {
		for _, v := range r {
			out[i] = append(out[i], onGrid(to.Forward(from.Inverse(v))))
		}
	}
	return out
}
