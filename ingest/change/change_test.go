package change_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index"
	"gengtu/index/compare"
	"gengtu/index/compare/comparetest"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/ingest"
	"gengtu/ingest/change"
)

func idOf(bsm string) uint64 { return ingest.KeyID("dltb", bsm) }

// record is a record of one of a package's layers.
type record struct {
	Type       string          `json:"type"`
	Properties map[string]any  `json:"properties"`
	Geometry   json.RawMessage `json:"geometry"`
}

func recordOf(m geo.MultiPolygon, properties map[string]any) *record {
	r := &record{Type: "Feature", Properties: properties, Geometry: json.RawMessage("null")}
	if len(m) > 0 {
		r.Geometry = geo.AppendGeoJSON(nil, m)
	}
	return r
}

// delivery is a package as it would be delivered.
type delivery struct{ patches, flows []*record }

// valuesOf are a patch's values under its fields' names, before which prefix stands.
func valuesOf(p *comparetest.Patch, prefix string) map[string]any {
	key := "BSM"
	if prefix != "" {
		key = "TBBSM"
	}
	m2 := float64(p.Record()) / 100
	return map[string]any{
		prefix + key: p.BSM, prefix + "TBBH": p.TBBH, prefix + "DLBM": p.DLBM, prefix + "ZLDWDM": "6104022001000000000",
		prefix + "TBMJ": m2, prefix + "TBDLMJ": float64(p.Record()*93/100) / 100,
	}
}

// deliver writes down what changed in a landscape.
func deliver(t testing.TB, l *comparetest.Land) *delivery {
	t.Helper()
	find := func(list []comparetest.Patch, bsm string) *comparetest.Patch {
		i := slices.IndexFunc(list, func(p comparetest.Patch) bool { return p.BSM == bsm })
		if i < 0 {
			return nil
		}
		return &list[i]
	}
	d := &delivery{}
	for i := range l.To {
		if p := &l.To[i]; !slices.Contains(l.Kept, p.BSM) {
			v := valuesOf(p, "")
			v["SJNF"], v["GXSJ"] = 2025, "2025-12-31"
			d.patches = append(d.patches, recordOf(p.Geometry(t), v))
		}
	}
	for i := range l.Flows {
		f := &l.Flows[i]
		v := map[string]any{"TBBGMJ": float64(f.Record()) / 100, "XZQTZLX": "0", "BGXW": "1", "BGQTBBSM": nil, "BGHTBBSM": nil}
		for prefix, p := range map[string]*comparetest.Patch{"BGQ": find(l.From, f.From), "BGH": find(l.To, f.To)} {
			if p != nil {
				for k, x := range valuesOf(p, prefix) {
					v[k] = x
				}
			}
		}
		switch {
		case f.From == "":
			v["XZQTZLX"] = []string{"1", "3"}[i%2]
		case f.To == "":
			v["XZQTZLX"] = []string{"2", "4"}[i%2]
		}
		d.flows = append(d.flows, recordOf(comparetest.Ground(t, f.Cells), v))
	}
	return d
}

// write writes the package into a folder.
func (d *delivery) write(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "更新数据包")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, list := range map[string][]*record{"610402DLTBGX.geojson": d.patches, "610402DLTBGXGC.geojson": d.flows} {
		data, err := json.Marshal(map[string]any{"type": "FeatureCollection", "features": list})
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// base opens the earlier state as an update starts from it.
func base(t testing.TB, l *comparetest.Land) *index.Base {
	t.Helper()
	dir := t.TempDir()
	b, err := index.OpenBase(dir, comparetest.Write(t, dir, comparetest.StateOf(t, l.From, "2024", idOf)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func apply(t testing.TB, b *index.Base, d *delivery, opt change.Options) (*change.Applied, *change.Report, error) {
	t.Helper()
	p, err := change.Find(known(t), []string{d.write(t)})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Patches) != 1 || len(p.Flows) != 1 {
		t.Fatalf("found %+v", p)
	}
	return change.Apply(t.Context(), b, p, opt)
}

// A package makes, of the state before, the state after, feature by feature; the state
// before stays; and the lineage is what was made of what.
func TestApply(t *testing.T) {
	for seed := range uint64(8) {
		land := comparetest.New(seed, 10+2*int(seed))
		b := base(t, land)
		a, rep, err := apply(t, b, deliver(t, land), change.Options{})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if rep.Vintage != "2025" || rep.From != "2024" || rep.Kept != len(land.Kept) {
			t.Errorf("seed %d: report %+v, %d stay", seed, rep, len(land.Kept))
		}
		dir := t.TempDir()
		path := filepath.Join(dir, edition.FeaturesFile)
		layers, err := ingest.Extend(t.Context(), b, path, ingest.Options{}, a.Add(t.Context()))
		if err == nil {
			err = index.Seal(t.Context(), path)
		}
		if err != nil {
			t.Fatal(err)
		}
		m := &edition.Manifest{Layers: layers}
		if err := index.CheckContent(t.Context(), path, m); err != nil {
			t.Fatal(err)
		}
		got, err := index.OpenFiles(dir, m)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = got.Close() }()
		want := comparetest.Open(t, comparetest.StateOf(t, land.From, "2024", idOf), comparetest.StateOf(t, land.To, "2025", idOf))
		for _, key := range [][2]string{{"dltb", "2024"}, {"dltb", "2025"}, {"cropland", "2024"}, {"cropland", "2025"}} {
			same(t, want.Layer(key[0], key[1]), got.Layer(key[0], key[1]))
		}
		checkLineage(t, land, got)
	}
}

// same compares two layers, all fields and records included.
func same(t *testing.T, want, got *index.Layer) {
	t.Helper()
	r, err := compare.Layers(t.Context(), want, got, compare.Options{Ignored: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Changes) > 0 {
		var b bytes.Buffer
		if err := r.Write(t.Context(), &b, compare.JSON, compare.Whole); err != nil {
			t.Fatal(err)
		}
		t.Errorf("%s: is not as it should be: %.2000s", want.Meta.Key(), &b)
	}
	for i := range want.Len() {
		w := want.Head(i)
		k, ok := got.ByID(w.ID)
		if !ok {
			continue
		}
		if g := got.Head(k); w.Patch != g.Patch || w.Net != g.Net || w.Place != g.Place {
			t.Errorf("%s: %+v, want %+v", want.Meta.Key(), g, w)
		}
	}
}

func checkLineage(t *testing.T, land *comparetest.Land, ix *index.Index) {
	t.Helper()
	g := ix.Lineage(ix.Layer("dltb", "2025"), "2024", "2025")
	if g == nil || ix.Lineage(ix.Layer("cropland", "2025"), "2024", "2025") != g {
		t.Fatal("the lineage is missing, or not that of the view")
	}
	id := func(bsm string) uint64 {
		if bsm == "" {
			return 0
		}
		return idOf(bsm)
	}
	var want []index.Link
	for _, f := range land.Flows {
		want = append(want, index.Link{From: id(f.From), To: id(f.To), Area: f.Record()})
	}
	want = index.NewLineage("dltb", "2024", "2025", want).Links()
	if d := cmp.Diff(want, g.Links()); d != "" {
		t.Errorf("lineage: %s", d)
	}
	for _, k := range want {
		if !slices.Contains(g.Successors(k.From), k) || !slices.Contains(g.Predecessors(k.To), k) {
			t.Errorf("%+v is not found from its ends", k)
		}
	}
	if g.Successors(1) != nil || g.Predecessors(1) != nil {
		t.Error("an id without a lineage has one")
	}
}

// fault spoils a package and says by what code, of which record, it must be refused;
// "" where this package has nothing to spoil.
type fault struct {
	name  string
	spoil func(d *delivery, rng *rand.Rand) (code string, record int)
}

func pick(rng *rand.Rand, list []*record, fits func(*record) bool) int {
	var at []int
	for i, r := range list {
		if fits(r) {
			at = append(at, i)
		}
	}
	if len(at) == 0 {
		return -1
	}
	return at[rng.IntN(len(at))]
}

func kind(k ...string) func(*record) bool {
	return func(r *record) bool { return slices.Contains(k, r.Properties["XZQTZLX"].(string)) }
}

func spoilFlow(fits func(*record) bool, code string, spoil func(v map[string]any)) func(*delivery, *rand.Rand) (string, int) {
	return func(d *delivery, rng *rand.Rand) (string, int) {
		i := pick(rng, d.flows, fits)
		if i < 0 {
			return "", 0
		}
		spoil(d.flows[i].Properties)
		return code, i + 1
	}
}

var faults = []fault{
	{"a patch before that is not there", spoilFlow(kind("0", "2", "4"), "PACKAGE_FROM_UNKNOWN", func(v map[string]any) { v["BGQTBBSM"] = "610402200199999999" })},
	{"a patch after that is not there", spoilFlow(kind("0", "1", "3"), "PACKAGE_TO_UNKNOWN", func(v map[string]any) { v["BGHTBBSM"] = "610402200199999999" })},
	{"another class before", spoilFlow(kind("0", "2", "4"), "PACKAGE_DIFFERS", func(v map[string]any) { v["BGQDLBM"] = "9999" })},
	{"another class after", spoilFlow(kind("0", "1", "3"), "PACKAGE_DIFFERS", func(v map[string]any) { v["BGHDLBM"] = "9999" })},
	{"another TBMJ before", spoilFlow(kind("0", "2", "4"), "PACKAGE_DIFFERS", func(v map[string]any) { v["BGQTBMJ"] = v["BGQTBMJ"].(float64) + 0.01 })},
	{"another net area after", spoilFlow(kind("0", "1", "3"), "PACKAGE_DIFFERS", func(v map[string]any) { v["BGHTBDLMJ"] = v["BGHTBDLMJ"].(float64) - 0.01 })},
	{"a cent more", spoilFlow(kind("0"), "PACKAGE_AREA_FROM", func(v map[string]any) { v["TBBGMJ"] = v["TBBGMJ"].(float64) + 0.01 })},
	{"a cent less coming in", spoilFlow(kind("1", "3"), "PACKAGE_AREA_TO", func(v map[string]any) { v["TBBGMJ"] = v["TBBGMJ"].(float64) - 0.01 })},
	{"no area", spoilFlow(kind("0"), "PACKAGE_AREA", func(v map[string]any) { v["TBBGMJ"] = -1.0 })},
	{"no kind", spoilFlow(kind("0"), "PACKAGE_KIND", func(v map[string]any) { v["XZQTZLX"] = "7" })},
	{"out that is told as inside", spoilFlow(kind("2", "4"), "PACKAGE_TO_UNKNOWN", func(v map[string]any) { v["XZQTZLX"] = "0" })},
	{"a flow is missing", func(d *delivery, rng *rand.Rand) (string, int) {
		i := pick(rng, d.flows, func(r *record) bool {
			bsm, n := r.Properties["BGQTBBSM"], 0
			for _, o := range d.flows {
				if o.Properties["BGQTBBSM"] == bsm {
					n++
				}
			}
			return bsm != nil && n > 1
		})
		if i < 0 {
			return "", 0
		}
		bsm := d.flows[i].Properties["BGQTBBSM"]
		d.flows = slices.Delete(d.flows, i, i+1)
		return "PACKAGE_AREA_FROM", 1 + slices.IndexFunc(d.flows, func(r *record) bool { return r.Properties["BGQTBBSM"] == bsm })
	}},
	{"a patch without a flow", func(d *delivery, rng *rand.Rand) (string, int) {
		p := *d.patches[rng.IntN(len(d.patches))]
		p.Properties = map[string]any{}
		for k, v := range d.patches[0].Properties {
			p.Properties[k] = v
		}
		p.Properties["BSM"] = "610402200188888888"
		d.patches = append(d.patches, &p)
		return "PACKAGE_PATCH_UNTOLD", len(d.patches)
	}},
	{"a patch a metre off", func(d *delivery, rng *rand.Rand) (string, int) {
		i := rng.IntN(len(d.patches))
		shift(d.patches[i], 1e-5)
		return "PACKAGE_GROUND", 0
	}},
	{"a piece that is another", func(d *delivery, rng *rand.Rand) (string, int) {
		i := pick(rng, d.flows, kind("0"))
		if i < 0 {
			return "", 0
		}
		d.flows[i].Geometry = json.RawMessage(`{"type":"Polygon","coordinates":[[[108.7,34.3],[108.71,34.3],[108.7,34.31],[108.7,34.3]]]}`)
		return "PACKAGE_PIECE", i + 1
	}},
	{"out without a shape", func(d *delivery, rng *rand.Rand) (string, int) {
		i := pick(rng, d.flows, kind("1", "2", "3", "4"))
		if i < 0 {
			return "", 0
		}
		d.flows[i].Geometry = json.RawMessage("null")
		return "PACKAGE_PLACELESS", 0
	}},
}

// shift moves the first position of a shape by so many degrees.
func shift(r *record, by float64) {
	var g struct {
		Type        string `json:"type"`
		Coordinates any    `json:"coordinates"`
	}
	_ = json.Unmarshal(r.Geometry, &g) // is our own
	at := g.Coordinates.([]any)
	for {
		if _, ok := at[0].([]any)[0].([]any); !ok {
			break
		}
		at = at[0].([]any)
	}
	first, last := at[0].([]any), at[len(at)-1].([]any)
	first[0], last[0] = first[0].(float64)-by, last[0].(float64)-by
	r.Geometry, _ = json.Marshal(g)
}

// Each planted fault is found, told of the record that has it, and by its own code
// first; and a package without a shape of its flows is taken.
func TestFaults(t *testing.T) {
	planted := map[string]int{}
	for seed := range uint64(12) {
		land := comparetest.New(1000+seed, 16)
		b := base(t, land)
		for n, f := range faults {
			rng := rand.New(rand.NewPCG(seed, uint64(n)))
			d := deliver(t, land)
			code, record := f.spoil(d, rng)
			if code == "" {
				continue
			}
			planted[f.name]++
			_, rep, err := apply(t, b, d, change.Options{})
			p := problem.Of(err)
			if p == nil || p.Code != "PACKAGE_REFUSED" {
				t.Fatalf("seed %d, %s: %v", seed, f.name, err)
			}
			found := slices.ContainsFunc(rep.Faults, func(p *problem.Problem) bool {
				// A sum is told of the first record of its patch, and names the others.
				named := slices.Contains(strings.Fields(strings.NewReplacer(",", " ", ":", " ").Replace(p.Text(problem.English))), fmt.Sprint(record))
				return strings.HasPrefix(p.Code, code) && (record == 0 || p.Record == int64(record) || named)
			})
			if !found {
				t.Errorf("seed %d, %s: want %s of record %d, found %v", seed, f.name, code, record, rep.Faults)
			}
		}
	}
	for _, f := range faults {
		if planted[f.name] < 3 {
			t.Errorf("%s: planted %d times", f.name, planted[f.name])
		}
	}
}

// What is no package, or not one for this edition, is refused.
func TestRefused(t *testing.T) {
	land := comparetest.New(77, 12)
	b := base(t, land)
	for _, row := range []struct {
		name, code string
		spoil      func(d *delivery)
		opt        change.Options
	}{
		{"a vintage that is there", "VINTAGE_EXISTS", nil, change.Options{Vintage: "2024"}},
		{"a vintage before all", "PACKAGE_BASE", nil, change.Options{Vintage: "2020"}},
		{"a vintage that is none", "PACKAGE_VINTAGE", nil, change.Options{Vintage: "20/25"}},
		{"two years", "PACKAGE_VINTAGE", func(d *delivery) { d.patches[0].Properties["SJNF"] = 2023 }, change.Options{}},
		{"no key before", "PACKAGE_FIELDS", func(d *delivery) {
			for _, r := range d.flows {
				delete(r.Properties, "BGQTBBSM")
			}
		}, change.Options{}},
		{"a patch without a shape", "PACKAGE_PATCHES", func(d *delivery) { d.patches[1].Geometry = json.RawMessage("null") }, change.Options{}},
		{"a patch twice", "PACKAGE_PATCHES", func(d *delivery) { d.patches = append(d.patches, d.patches[0]) }, change.Options{}},
	} {
		d := deliver(t, land)
		if row.spoil != nil {
			row.spoil(d)
		}
		if _, _, err := apply(t, b, d, row.opt); problem.Of(err) == nil || problem.Of(err).Code != row.code {
			t.Errorf("%s: %v, want %s", row.name, err, row.code)
		}
	}
	if _, _, err := change.Apply(t.Context(), b, &change.Package{}, change.Options{}); problem.Of(err) == nil || problem.Of(err).Code != "PACKAGE_INCOMPLETE" {
		t.Errorf("no files: %v", err)
	}
	if _, err := change.Find(known(t), []string{filepath.Join(t.TempDir(), "nosuch")}); problem.Of(err) == nil || problem.Of(err).Code != "PACKAGE_MISSING" {
		t.Errorf("no folder: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p, err := change.Find(known(t), []string{deliver(t, land).write(t)})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := change.Apply(ctx, b, p, change.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// Nulls, blanks and zeros are one; a class more is not.
func TestFormatsWithoutNulls(t *testing.T) {
	land := comparetest.New(4, 14)
	b := base(t, land)
	d := deliver(t, land)
	for _, r := range d.flows {
		r.Properties["BGQSJNF"] = nil // not compared as empty: the edition has one
		delete(r.Properties, "BGQSJNF")
		if r.Properties["XZQTZLX"] == "0" {
			r.Properties["XZQTZLX"] = nil
		}
		if r.Properties["XZQTZLX"] == nil {
			r.Geometry = json.RawMessage("null")
		}
	}
	if _, rep, err := apply(t, b, d, change.Options{}); err != nil {
		t.Errorf("%v: %v", err, rep.Faults)
	}
}

// The report closes: removed − out + in = inserted, to the cent.
func TestReport(t *testing.T) {
	land := comparetest.New(21, 20)
	_, rep, err := apply(t, base(t, land), deliver(t, land), change.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if d := rep.RemovedM2 - rep.OutM2 + rep.InM2 - rep.InsertedM2; math.Abs(d) > 1e-6 || rep.InM2 == 0 || rep.OutM2 == 0 {
		t.Errorf("report %+v does not close by %g", rep, d)
	}
	var b bytes.Buffer
	for _, lang := range []problem.Lang{problem.Chinese, problem.English} {
		if err := rep.Write(&b, lang); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(b.String(), fmt.Sprintf("%.2f", rep.InsertedM2)) {
		t.Errorf("printed: %s", &b)
	}
}
