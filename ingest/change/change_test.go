package change_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
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
type delivery struct {
	patches, flows []*record
	kept           []string // the keys of patches that stay, which are in neither
}

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
	d := &delivery{kept: l.Kept}
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

// Numbers in messages stand as a person writes them.
func TestNumbersInMessages(t *testing.T) {
	land := comparetest.New(1003, 16)
	d := deliver(t, land)
	i := slices.IndexFunc(d.flows, kind("0"))
	v := d.flows[i].Properties
	is := v["BGQTBMJ"].(float64)
	v["BGQTBMJ"], d.flows[i+1].Properties["TBBGMJ"] = 5.1, -5.1
	_, rep, err := apply(t, base(t, land), d, change.Options{})
	if err == nil {
		t.Fatal("taken")
	}
	for code, want := range map[string]string{"PACKAGE_DIFFERS": fmt.Sprintf("BGQTBMJ is 5.1, the patch has TBMJ %v", is), "PACKAGE_AREA": "TBBGMJ is -5.1, which is no area"} {
		k := slices.IndexFunc(rep.Faults, func(p *problem.Problem) bool { return p.Code == code })
		if k < 0 || rep.Faults[k].Found(problem.English) != want {
			t.Errorf("want %s: %s, found %v", code, want, rep.Faults)
		}
	}
}

// The folder of a package may be named by a link.
func TestFindByLink(t *testing.T) {
	link := filepath.Join(t.TempDir(), "current")
	if err := os.Symlink(deliver(t, comparetest.New(3, 12)).write(t), link); err != nil {
		t.Skip(err)
	}
	p, err := change.Find(known(t), []string{link})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Patches) != 1 || len(p.Flows) != 1 || p.Patches[0].Path != filepath.Join(link, "610402DLTBGX.geojson") {
		t.Errorf("found %+v", p)
	}
}
