package report_test

import (
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gengtu/index/geo"
	"gengtu/ingest"
	"gengtu/ingest/check"
	"gengtu/ingest/report"
	"gengtu/ingest/sample"
	"gengtu/ingest/source"
)

// delivery is a synthetic delivery whose patches can be spoilt before it is checked.
type delivery struct {
	t        *testing.T
	dir      string
	layer    source.Layer
	features []source.Feature
	patches  string // the file that write made
	places   string
}

// deliver makes a delivery, whose only faults are the sample's own: rings that cross
// themselves.
func deliver(t *testing.T, parcels int) *delivery {
	t.Helper()
	dir := t.TempDir()
	if _, err := sample.Write(t.Context(), dir, sample.Options{Parcels: parcels, Seed: 1}); err != nil {
		t.Fatal(err)
	}
	d := &delivery{t: t, dir: dir, places: filepath.Join(dir, "2024", "XZQ.fgb")}
	r, err := source.Open(t.Context(), filepath.Join(dir, "2024", "DLTB.shp"), source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	d.layer = *r.Layer()
	for {
		var f source.Feature
		if err := r.Next(&f); errors.Is(err, io.EOF) {
			return d
		} else if err != nil {
			t.Fatal(err)
		}
		d.features = append(d.features, f)
	}
}

func (d *delivery) field(name string) int {
	i := slices.IndexFunc(d.layer.Fields, func(f source.Field) bool { return f.Name == name })
	if i < 0 {
		d.t.Fatalf("no field %s", name)
	}
	return i
}

func (d *delivery) set(i int, name string, v any) { d.features[i].Values[d.field(name)] = v }

func (d *delivery) text(i int, name string) string {
	s, _ := d.features[i].Values[d.field(name)].(string)
	return s
}

// push moves a corner of a patch's shell away from the middle of its box, by metres;
// towards it when they are negative.
func (d *delivery) push(i, corner int, metres float64) {
	ring := slices.Clone(d.features[i].Polygons[0][0])
	lo, hi := ring[0], ring[0]
	for _, p := range ring {
		lo.X, lo.Y, hi.X, hi.Y = min(lo.X, p.X), min(lo.Y, p.Y), max(hi.X, p.X), max(hi.Y, p.Y)
	}
	p := ring[corner]
	x, y := p.X-(lo.X+hi.X)/2, p.Y-(lo.Y+hi.Y)/2
	k := metres / max(1, (hi.X-lo.X+hi.Y-lo.Y)/2)
	moved := geo.XY{X: p.X + k*x, Y: p.Y + k*y}
	for n := range ring {
		if ring[n] == p {
			ring[n] = moved
		}
	}
	polygon := slices.Clone(d.features[i].Polygons[0])
	polygon[0] = ring
	d.features[i].Polygons = [][][]geo.XY{polygon}
}

// write writes the patches as a shapefile.
func (d *delivery) write(encoding string) {
	d.t.Helper()
	d.patches = filepath.Join(d.dir, "DLTB.shp")
	w, err := source.Create(d.patches, &d.layer, source.WriteOptions{Encoding: encoding})
	if err != nil {
		d.t.Fatal(err)
	}
	for i := range d.features {
		if err := w.Write(&d.features[i]); err != nil {
			d.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		d.t.Fatal(err)
	}
}

// run checks the delivery.
func (d *delivery) run(reading ingest.Options, opt report.Options) *report.Report {
	d.t.Helper()
	inputs := []ingest.Input{{Layer: "dltb", Path: d.patches}, {Layer: "region", Path: d.places}}
	opt.Program = "test"
	r, err := report.Run(d.t.Context(), inputs, reading, opt)
	if err != nil {
		d.t.Fatal(err)
	}
	return r
}

// planted are the places in the delivery at which spoil plants its faults, by the check
// that must find them.
var planted = map[string]int{
	"overlap": 20, "gap": 62, "sliver": 5, "name-of-code": 100, "unique": 140, "patch-area": 180, "domain": 220,
}

// spoil plants a fault of each kind.
func (d *delivery) spoil() {
	d.push(planted["overlap"], 0, 6)
	d.push(planted["gap"], 0, -6)
	p := d.features[planted["sliver"]].Polygons[0][0][0]
	tiny := d.features[planted["sliver"]]
	tiny.Polygons = [][][]geo.XY{{{p, {X: p.X, Y: p.Y + 2}, {X: p.X + 2, Y: p.Y}, p}}}
	tiny.Values = slices.Clone(tiny.Values)
	d.features = append(d.features, tiny)
	d.set(len(d.features)-1, "BSM", "619901200199999999")
	d.set(planted["name-of-code"], "DLMC", "月球")
	d.set(planted["unique"], "BSM", d.text(planted["unique"]-1, "BSM"))
	i := d.field("TBMJ")
	v, _ := d.features[planted["patch-area"]].Values[i].(float64)
	d.features[planted["patch-area"]].Values[i] = v + 500
	d.set(planted["domain"], "DLBM", "9999")
}

// rulesOf returns the numbers of the rules that a check stands in.
func rulesOf(t *testing.T, name string) []string {
	t.Helper()
	rules, err := check.LoadRules("")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for i := range rules.List {
		if rules.List[i].Check == name {
			out = append(out, rules.List[i].Number)
		}
	}
	if len(out) == 0 {
		t.Fatalf("no rule asks for %s", name)
	}
	return out
}

// page returns the HTML of a report.
func page(t *testing.T, r *report.Report) string {
	t.Helper()
	var b strings.Builder
	if err := r.HTML(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
