package sample_test

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/geo"
	"gengtu/ingest/profiles"
	"gengtu/ingest/sample"
)

// embedded are the profiles that the program carries.
func embedded(t *testing.T) *profiles.Set {
	t.Helper()
	s, err := profiles.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// delivered is a file of a sample with the layer that it is.
type delivered struct {
	layer, vintage, path string
}

// all lists every file of a sample.
func all(s sample.Summary) []delivered {
	var out []delivered
	for _, d := range s.Deliveries {
		for _, l := range d.Layers {
			out = append(out, delivered{l.Name, d.Vintage, filepath.Join(s.Dir, d.Vintage, l.File)})
		}
	}
	for _, l := range s.Themes {
		out = append(out, delivered{l.Name, l.Vintage, filepath.Join(s.Dir, filepath.FromSlash(l.File))})
	}
	return out
}

// A sample has one delivery of each profile, under a name that tells which it is.
func TestEachProfileIsDelivered(t *testing.T) {
	t.Parallel()
	known := embedded(t)
	s := write(t, sample.Options{Parcels: 900, Seed: 4})
	seen := map[string]bool{}
	for _, d := range all(s) {
		seen[d.layer] = true
		names := []string{d.path}
		if strings.HasPrefix(d.layer, "dltbgx") {
			names = append(names, strings.ToUpper(d.layer)) // the table in a file of another name
		}
		if p := known.File(names...); p == nil || p.Name != d.layer {
			t.Errorf("%s is not told by its name: %v", d.path, p)
		}
	}
	for _, p := range known.All() {
		if !seen[p.Name] {
			t.Errorf("no delivery of %s", p.Name)
		}
	}
}

// Every value of every delivery is one that its profile allows: code lists, lengths,
// ranges and conditions.
func TestValuesConform(t *testing.T) {
	t.Parallel()
	known := embedded(t)
	s := write(t, sample.Options{Parcels: 1200, Seed: 6})
	for _, d := range all(s) {
		if d.layer == "xzqjx" {
			continue // lines are no polygons for read
		}
		p := known.Of(d.layer)
		got := read(t, d.path)
		faults := map[string]int{}
		for _, r := range got.rows {
			for _, f := range conform(p, r) {
				faults[f]++
			}
		}
		for f, n := range faults {
			t.Errorf("%s %s: %s (%d records)", d.layer, filepath.Base(d.path), f, n)
		}
	}
}

// conform lists what a record breaks of a profile.
func conform(p *profiles.Profile, r map[string]any) []string {
	value := func(field string) string {
		if r[field] == nil {
			return ""
		}
		return strings.TrimSpace(fmt.Sprint(r[field]))
	}
	var out []string
	wrong := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for i := range p.Fields {
		f := &p.Fields[i]
		v := value(f.Name)
		number, numeric := r[f.Name].(float64)
		if whole, ok := r[f.Name].(int64); ok {
			number, numeric = float64(whole), true
		}
		if v == "" || numeric && number == 0 {
			if f.Required && v == "" || len(f.RequiredWhen) > 0 && f.RequiredWhen.Hold(value) {
				wrong("%s is empty", f.Name)
			}
			if v == "" {
				continue
			}
		}
		if len(f.OnlyWhen) > 0 && !f.OnlyWhen.Hold(value) && (!numeric || number != 0) {
			wrong("%s has %q where it may not", f.Name, v)
		}
		if d := f.DomainIn(value); d != nil && !d.Has(v) {
			wrong("%s: %q is no code of %s", f.Name, v, d.ID)
		}
		if f.Names != "" {
			if list := p.Field(f.Names).List(); list != nil {
				if name, ok := list.NameOf(value(f.Names)); ok && name != v {
					wrong("%s is %q, the name of %s is %q", f.Name, v, value(f.Names), name)
				}
			}
		}
		n := utf8.RuneCountInString(v)
		if !numeric && f.Length > 0 && n > f.Length || len(f.Exact) > 0 && !slices.Contains(f.Exact, n) {
			wrong("%s has %d characters", f.Name, n)
		}
		if f.Range != nil && (!numeric || !f.Range.Holds(number)) {
			wrong("%s is %v, out of range", f.Name, r[f.Name])
		}
	}
	return out
}

// byBSM indexes the records of a file.
func byBSM(t *testing.T, rows []map[string]any) map[string]map[string]any {
	t.Helper()
	out := map[string]map[string]any{}
	for _, r := range rows {
		if out[text(r, "BSM")] != nil {
			t.Errorf("BSM %s twice", text(r, "BSM"))
		}
		out[text(r, "BSM")] = r
	}
	return out
}

// themeOf returns the paths of a layer beside the yearly deliveries.
func themeOf(s sample.Summary, layer string) []string {
	var out []string
	for _, d := range all(s)[8:] {
		if d.layer == layer {
			out = append(out, d.path)
		}
	}
	return out
}

// The update package tells exactly what the two yearly deliveries differ in, before and
// after, and no area is lost.
func TestUpdatePackage(t *testing.T) {
	t.Parallel()
	s := write(t, sample.Options{Parcels: 2000, Seed: 8})
	before := byBSM(t, read(t, filepath.Join(s.Dir, "2023", "DLTB.shp")).rows)
	after := byBSM(t, read(t, filepath.Join(s.Dir, "2024", "DLTB.shp")).rows)
	updated := byBSM(t, read(t, themeOf(s, "dltbgx")[0]).rows)
	flows := read(t, themeOf(s, "dltbgxgc")[0]).rows
	changed := map[string]bool{}
	for bsm, b := range before {
		a := after[bsm]
		for field := range a {
			if field != "SJNF" && !cmp.Equal(a[field], b[field]) {
				changed[bsm] = true
			}
		}
		if changed[bsm] != (updated[bsm] != nil) {
			t.Errorf("%s: changed %v, in DLTBGX %v", bsm, changed[bsm], updated[bsm] != nil)
		}
	}
	if len(changed) < 10 || len(flows) != len(changed) || len(updated) != len(changed) {
		t.Errorf("%d changed, %d updated, %d flows", len(changed), len(updated), len(flows))
	}
	for bsm, u := range updated {
		for field, v := range after[bsm] {
			if !cmp.Equal(u[field], v) {
				t.Errorf("%s %s: %v in DLTBGX, %v in DLTB", bsm, field, u[field], v)
			}
		}
	}
	for _, f := range flows {
		b, a := before[text(f, "BGQTBBSM")], after[text(f, "BGHTBBSM")]
		for field, v := range f {
			name, side := strings.TrimPrefix(field, "BGQ"), b
			if strings.HasPrefix(field, "BGH") {
				name, side = strings.TrimPrefix(field, "BGH"), a
			}
			if got, has := side[name]; has && name != field && !cmp.Equal(v, got) {
				t.Errorf("flow %s: %s is %v, the patch has %v", text(f, "BSM"), field, v, got)
			}
		}
		for _, side := range []string{"BGQ", "BGH"} {
			if got := hundredths(f, side+"TBDLMJ") + hundredths(f, side+"KCMJ"); got != hundredths(f, "TBBGMJ") {
				t.Errorf("flow %s: %s areas add up to %v, not %v", text(f, "BSM"), side, got, hundredths(f, "TBBGMJ"))
			}
		}
		if hundredths(f, "TBBGMJ") != hundredths(b, "TBMJ") || hundredths(f, "TBBGMJ") != hundredths(a, "TBMJ") {
			t.Errorf("flow %s: the areas before, of the flow and after differ", text(f, "BSM"))
		}
	}
	found := 0
	for _, path := range themeOf(s, "change") {
		for _, r := range read(t, path).rows {
			found++
			// DLBM is the class before; a patch of that class and area has changed.
			if !slices.ContainsFunc(flows, func(f map[string]any) bool {
				return text(f, "BGQDLBM") == text(r, "DLBM") && hundredths(f, "TBBGMJ") == hundredths(r, "MJ")
			}) {
				t.Errorf("%s lies on no patch that changed", text(r, "JCBH"))
			}
		}
	}
	if found != len(changed) {
		t.Errorf("%d monitored patches, %d changed", found, len(changed))
	}
}

// Control areas of villages and of sheets add up to what all patches add up to; sheets
// have the theoretical area of the survey's test vectors.
func TestControlAreas(t *testing.T) {
	t.Parallel()
	s := write(t, sample.Options{Parcels: 2600, Seed: 2})
	total, villages := geo.Hundredths(0), map[string]geo.Hundredths{}
	for _, r := range read(t, filepath.Join(s.Dir, "2024", "DLTB.shp")).rows {
		total += hundredths(r, "TBMJ")
		villages[text(r, "ZLDWDM")] += hundredths(r, "TBMJ")
	}
	got := map[string]geo.Hundredths{}
	for _, r := range read(t, themeOf(s, "control-village")[0]).rows {
		got[text(r, "ZLDWDM")] = hundredths(r, "KZMJ")
	}
	if diff := cmp.Diff(villages, got); diff != "" {
		t.Error(diff)
	}
	sheets := read(t, themeOf(s, "control-sheet")[0])
	sum := geo.Hundredths(0)
	for i, r := range sheets.rows {
		sum += hundredths(r, "KZMJ")
		if hundredths(r, "KZMJ") > hundredths(r, "TFLLMJ") {
			t.Errorf("sheet %s: part %v of %v", text(r, "TFH"), hundredths(r, "KZMJ"), hundredths(r, "TFLLMJ"))
		}
		// The number, worked out the other way round: from the middle of the sheet.
		ring := sheets.rings[i][0][0]
		lon, lat := (ring[0].X+ring[2].X)/2, (ring[0].Y+ring[2].Y)/2
		want := fmt.Sprintf("%c%dG%03d%03d", 'A'+int(lat/4), int(lon/6)+31, 96-int(math.Mod(lat, 4)/(4.0/96)), int(math.Mod(lon, 6)/(6.0/96))+1)
		if text(r, "TFH") != want {
			t.Errorf("sheet %s, want %s", text(r, "TFH"), want)
		}
	}
	if sum != total || len(sheets.rows) < 2 {
		t.Errorf("%d sheets add up to %v, the patches to %v", len(sheets.rows), sum, total)
	}
}

// GDAL reads the themes as they are meant: number, system, valid polygons, areas of
// record against its own, Chinese names of files and values.
func TestGDALReadsThemes(t *testing.T) {
	t.Parallel()
	known := embedded(t)
	s := write(t, sample.Options{Parcels: 1000, Seed: 3})
	for _, l := range s.Themes {
		path := filepath.Join(s.Dir, filepath.FromSlash(l.File))
		p := known.Of(l.Name)
		printed := gdal(t, "-so", "-al", path)
		code, shape := "4524", "geometry"
		switch l.Name {
		case "quality", "supplement", "fragile", "arid", "redline", "control-sheet", "xzqjx":
			code = "4490"
		case "dltbgxgc", "control-village":
			code = ""
		}
		if strings.HasSuffix(l.File, ".gpkg") {
			shape = "geom"
		}
		described := `ID["EPSG",` + code + `]]`
		if code == "" {
			described, shape = "Geometry: None", "'POINT(0 0)'"
		}
		if !strings.Contains(printed, described) || strings.Contains(printed, "Warning") {
			t.Errorf("%s: %s", path, printed)
		}
		for i := range p.Fields {
			// The patches of the sample have no names of islands and no spatial codes: their
			// updates neither.
			absent := l.Name == "dltbgx" && (p.Fields[i].Name == "HDMC" || p.Fields[i].Name == "KJM")
			if f := p.Fields[i].Name; absent == strings.Contains(printed, "\n"+f+": ") && absent {
				t.Errorf("%s: GDAL finds the field %s, which the patches have not", path, f)
			} else if !absent && !strings.Contains(printed, "\n"+f+": ") && l.Name != "xzqjx" && !strings.HasSuffix(l.File, ".geojson") {
				t.Errorf("%s: GDAL finds no field %s", path, f)
			}
		}
		_, name, _ := strings.Cut(printed, "Layer name: ")
		name, _, _ = strings.Cut(name, "\n")
		sum := "0"
		if p.Patch != "" {
			sum = `sum("` + p.Patch + `")`
		}
		remark := "BZ"
		if l.Name == "contract" {
			remark = "DKBZXX"
		}
		printed = gdal(t, "-q", "-dialect", "sqlite", "-sql", "select count(*) n, total(st_isvalid("+shape+") = 0) bad, total("+remark+" = '合成样例数据，非真实土地') marked, "+
			sum+" booked, total(st_area("+shape+")) ground from \""+name+"\"", path)
		n, booked, ground := number(t, printed, "n"), 0.0, number(t, printed, "ground")
		if l.Features > 0 && p.Patch != "" {
			booked = number(t, printed, "booked")
		}
		if int(n) != l.Features || number(t, printed, "bad") != 0 || number(t, printed, "marked") != n {
			t.Errorf("%s: want %d: %s", path, l.Features, printed)
		}
		if geo.HundredthsOf(booked) != l.Patch {
			t.Errorf("%s: %s add up to %v, the summary says %v", path, p.Patch, booked, l.Patch)
		}
		// 59 km from its meridian the plane's areas are (59 / 6371)² too large; of villages
		// the control area is booked, of sheets another thing than their ground.
		if r := ground / booked; code == "4524" && n > 0 && (r < 1.00008 || r > 1.00009) {
			t.Errorf("%s: plane and booked areas differ by the factor %v", path, r)
		}
	}
}
