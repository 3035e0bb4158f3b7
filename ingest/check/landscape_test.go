package check_test

import (
	"context"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"gengtu/benchmarks/suite"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/ingest"
	"gengtu/ingest/check"
	"gengtu/ingest/sample"
	"gengtu/ingest/source"
)

// landscape is a delivery without faults that a test may spoil: the survey's patches of a
// sample, in the plane, with the sample's own faults put right.
type landscape struct {
	t       *testing.T
	rng     *rand.Rand
	crs     geo.CRS
	fields  []source.Field
	epsg    int
	patches []*patch
	at      map[geo.XY][]int  // patches by their vertices
	sides   map[[2]geo.XY]int // the patch that has an edge in this direction
	used    map[int]bool      // near to what was spoilt
	// encoding is what texts are written in, "" for GBK.
	encoding string
}

type patch struct {
	rings  [][]geo.XY // closed, as a shapefile has them
	parts  [][][]geo.XY
	values []any
}

const perMetre = 10_000 // the survey's grid

func onGrid(p geo.XY) geo.XY {
	return geo.XY{X: math.Round(p.X*perMetre) / perMetre, Y: math.Round(p.Y*perMetre) / perMetre}
}

// parcels is how many patches the landscape has: enough for 2,000 faults that are not
// neighbours.
const parcels = 12_000

var (
	county     *landscape
	countyOnce sync.Once
)

// newLandscape returns the landscape, which is made once, to be spoilt by t.
func newLandscape(t *testing.T) *landscape {
	t.Helper()
	countyOnce.Do(func() { county = readLandscape(t) })
	if county == nil {
		t.Fatal("there is no landscape")
	}
	l := *county
	l.t, l.rng = t, rand.New(rand.NewPCG(7, 1))
	l.fields, l.patches = slices.Clone(l.fields), slices.Clone(l.patches)
	for i, p := range l.patches {
		l.patches[i] = &patch{rings: slices.Clone(p.rings), values: slices.Clone(p.values)}
	}
	return &l
}

// readLandscape returns the sample without its faults.
func readLandscape(t *testing.T) *landscape {
	dir := t.TempDir()
	if _, err := sample.Write(context.Background(), dir, sample.Options{Parcels: parcels, Seed: 7}); err != nil {
		t.Fatal(err)
	}
	rd, err := source.Open(context.Background(), filepath.Join(dir, "2024", "DLTB.shp"), source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rd.Close() }() // only read
	l := &landscape{t: t, rng: rand.New(rand.NewPCG(7, 1)), fields: slices.Clone(rd.Layer().Fields), epsg: 4524}
	if l.crs, err = geo.EPSG(l.epsg); err != nil {
		t.Fatal(err)
	}
	for {
		var f source.Feature
		if err := rd.Next(&f); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		p := &patch{rings: f.Polygons[0], values: f.Values}
		for _, r := range p.rings {
			for i := range r {
				r[i] = onGrid(r[i])
			}
		}
		l.patches = append(l.patches, p)
	}
	for _, p := range l.patches {
		l.straighten(p)
	}
	return l
}

// straighten puts right a ring that the sample let cross itself, by exchanging two
// vertices in turn.
func (l *landscape) straighten(p *patch) {
	if l.fair(p) {
		return
	}
	drawn := p.rings[0]
	n := len(drawn) - 1
	for i := range n {
		r := slices.Clone(drawn[:n])
		r[i], r[(i+1)%n] = r[(i+1)%n], r[i]
		if p.rings[0] = append(r, r[0]); l.fair(p) {
			return
		}
	}
	l.t.Fatalf("%v cannot be put right", p.values[0])
}

func (l *landscape) shape(p *patch) geo.MultiPolygon {
	m, err := l.crs.MultiPolygon([][][]geo.XY{p.rings}, geo.Limits{})
	if err != nil {
		l.t.Fatal(err)
	}
	return m
}

// fair tells whether a patch is valid and as large as its record says.
func (l *landscape) fair(p *patch) bool {
	m, findings, err := overlay.Mend(l.shape(p))
	return err == nil && len(findings) == 0 && math.Abs(geo.Area(m)-l.value(p, "TBMJ").(float64)) < 0.05
}

func (l *landscape) column(name string) int {
	i := slices.IndexFunc(l.fields, func(f source.Field) bool { return f.Name == name })
	if i < 0 {
		l.t.Fatalf("no field %s", name)
	}
	return i
}

func (l *landscape) value(p *patch, name string) any { return p.values[l.column(name)] }

func (l *landscape) index() {
	l.at, l.sides, l.used = map[geo.XY][]int{}, map[[2]geo.XY]int{}, map[int]bool{}
	for n, p := range l.patches {
		for _, r := range p.rings {
			for i := 1; i < len(r); i++ {
				l.at[r[i]] = append(l.at[r[i]], n)
				l.sides[[2]geo.XY{r[i-1], r[i]}] = n
			}
		}
	}
}

// around returns a patch and all that have a vertex of it.
func (l *landscape) around(n int) []int {
	out := []int{n}
	for _, r := range l.patches[n].rings {
		for _, v := range r {
			for _, m := range l.at[v] {
				if !slices.Contains(out, m) {
					out = append(out, m)
				}
			}
		}
	}
	return out
}

// take tells whether patch n and all around it are as they were, and uses them up.
func (l *landscape) take(n int) bool {
	list := l.around(n)
	for _, m := range list {
		if l.used[m] {
			return false
		}
	}
	for _, m := range list {
		l.used[m] = true
	}
	return true
}

// book computes a patch's areas of record anew.
func (l *landscape) book(p *patch) {
	parts := append([][][]geo.XY{p.rings}, p.parts...)
	a, err := geo.AreaSurvey(l.crs, parts)
	if err != nil {
		l.t.Fatal(err)
	}
	ratio, _ := l.value(p, "KCXS").(float64)
	deducted := geo.HundredthsOf(a.M2() * ratio)
	p.values[l.column("TBMJ")], p.values[l.column("KCMJ")], p.values[l.column("TBDLMJ")] = a.M2(), deducted.M2(), (a - deducted).M2()
}

// write writes the layers and returns the inputs of a check.
func (l *landscape) write() []ingest.Input {
	dir := l.t.TempDir()
	path := filepath.Join(dir, "DLTB.shp")
	w, err := source.Create(path, &source.Layer{Fields: l.fields, CRS: source.CRSInfo{EPSG: l.epsg}}, source.WriteOptions{Encoding: l.encoding})
	if err != nil {
		l.t.Fatal(err)
	}
	for i, p := range l.patches {
		f := source.Feature{Record: int64(i + 1), Polygons: append([][][]geo.XY{p.rings}, p.parts...), Values: p.values}
		if err := w.Write(&f); err != nil {
			l.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		l.t.Fatal(err)
	}
	return []ingest.Input{{Layer: "dltb", Vintage: "2024", Path: path}}
}

// judge checks inputs and returns the faults by rule.
func judge(t *testing.T, inputs []ingest.Input, opt check.Options) map[string][]check.Fault {
	t.Helper()
	opt.Listed = 1 << 20
	res, _, err := check.Run(context.Background(), inputs, ingest.Options{Tier: "secure"}, opt)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]check.Fault{}
	for _, r := range res.Rules {
		if r.Count > 0 {
			out[r.Number] = r.Faults
		}
		if r.Count != len(r.Faults) {
			t.Errorf("rule %s: %d counted, %d listed", r.Number, r.Count, len(r.Faults))
		}
	}
	return out
}

// compare is [hold] of one rule, and counts what was planted for it.
func compare(t *testing.T, rule string, want map[string]float64, got []check.Fault, name func(*check.Fault) string) {
	t.Helper()
	hold(t, rule, want, got, name)
	suite.Count(t, "planted/rule="+rule, float64(len(want)), "faults")
}

// hold holds the faults of a rule, by name, against the planted ones.
func hold(t *testing.T, rule string, want map[string]float64, got []check.Fault, name func(*check.Fault) string) {
	t.Helper()
	seen := map[string]bool{}
	wrong := 0
	tell := func(format string, args ...any) {
		if wrong++; wrong <= 5 {
			t.Errorf(format, args...)
		}
	}
	for i := range got {
		f := &got[i]
		k := name(f)
		area, ok := want[k]
		switch {
		case !ok:
			tell("rule %s: %s was not planted: %v", rule, k, f.Problem)
		case seen[k]:
			tell("rule %s: %s comes twice", rule, k)
		case !math.IsNaN(area) && math.Abs(area-f.AreaM2) > 0.002+1e-3*math.Abs(area):
			tell("rule %s: %s has %.4f m², planted %.4f", rule, k, f.AreaM2, area)
		}
		seen[k] = true
	}
	for k, area := range want {
		if !seen[k] {
			tell("rule %s: %s (%.4f m²) is missed", rule, k, area)
		}
	}
	if wrong > 5 {
		t.Errorf("rule %s: %d wrong in all", rule, wrong)
	}
	t.Logf("rule %s: %d planted, %d found", rule, len(want), len(got))
}
