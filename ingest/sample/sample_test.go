package sample_test

import (
	"context"
	"errors"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"gengtu/index/geo"
	"gengtu/ingest/sample"
	"gengtu/ingest/source"

	"github.com/google/go-cmp/cmp"
)

// write makes a sample in a new folder.
func write(t *testing.T, opt sample.Options) sample.Summary {
	t.Helper()
	s, err := sample.Write(context.Background(), t.TempDir(), opt)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// table is a file read back.
type table struct {
	layer *source.Layer
	rows  []map[string]any
	rings [][][][]geo.XY
}

func read(t *testing.T, path string) table {
	t.Helper()
	r, err := source.Open(context.Background(), path, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	out := table{layer: r.Layer()}
	for {
		var f source.Feature
		err := r.Next(&f)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if f.Problem != nil {
			t.Errorf("%v", f.Problem)
		}
		row := map[string]any{}
		for i, field := range out.layer.Fields {
			row[field.Name] = f.Values[i]
		}
		out.rows = append(out.rows, row)
		out.rings = append(out.rings, f.Polygons)
	}
}

func text(row map[string]any, field string) string {
	s, ok := row[field].(string)
	if !ok {
		return ""
	}
	return strings.TrimSpace(s)
}

func hundredths(row map[string]any, field string) geo.Hundredths {
	f, ok := row[field].(float64)
	if !ok {
		return -1
	}
	return geo.HundredthsOf(f)
}

func year(row map[string]any, field string) int64 {
	n, ok := row[field].(int64)
	if !ok {
		return -1
	}
	return n
}

// zone is the system of DLTB.
func zone(t *testing.T) geo.CRS {
	t.Helper()
	c, err := geo.EPSG(4524)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSurveyRecords(t *testing.T) {
	t.Parallel()
	s := write(t, sample.Options{Parcels: 1500, Seed: 5})
	faulty := map[string]bool{}
	for _, b := range s.Faulty {
		faulty[b] = true
	}
	for i, d := range s.Deliveries {
		got := read(t, filepath.Join(s.Dir, d.Vintage, "DLTB.shp"))
		if got.layer.Encoding != "GBK" {
			t.Errorf("encoding %s", got.layer.Encoding)
		}
		crs, err := geo.ParseWKT(got.layer.CRS.WKT)
		if err != nil || crs != zone(t) {
			t.Errorf("coordinate system %v, %v", crs, err)
		}
		seen, numbers := map[string]bool{}, map[string]bool{}
		var patch, net geo.Hundredths
		for n, row := range got.rows {
			for field, length := range map[string]int{
				"BSM": 18, "YSDM": 10, "QSDWDM": 19, "ZLDWDM": 19, "QSXZ": 2, "MSSM": 2,
			} {
				if len(text(row, field)) != length {
					t.Fatalf("record %d: %s %q has not %d digits", n, field, text(row, field), length)
				}
			}
			for _, field := range []string{"TBBH", "DLMC", "QSDWMC", "ZLDWMC", "BZ"} {
				if text(row, field) == "" || !utf8.ValidString(text(row, field)) {
					t.Fatalf("record %d: %s %q", n, field, text(row, field))
				}
			}
			number := text(row, "ZLDWDM") + "/" + text(row, "TBBH")
			if seen[text(row, "BSM")] || numbers[number] {
				t.Fatalf("record %d: %s or %s twice", n, text(row, "BSM"), number)
			}
			seen[text(row, "BSM")], numbers[number] = true, true
			checkAreas(t, row)
			if year(row, "SJNF") != int64(2023+i) {
				t.Errorf("record %d: SJNF %v", n, row["SJNF"])
			}
			if b := text(row, "BSM"); !faulty[b] {
				checkBooked(t, b, got.rings[n], hundredths(row, "TBMJ"))
			}
			patch += hundredths(row, "TBMJ")
			net += hundredths(row, "TBDLMJ")
		}
		if want := d.Layers[0]; len(got.rows) != 1500 || want.Features != 1500 || patch != want.Patch || net != want.Net {
			t.Errorf("%d records with %v and %v m², the summary says %+v", len(got.rows), patch, net, want)
		}
	}
}

// checkAreas holds a record to the rules of its class and its areas (TD/T
// 1057-2020, attribute checks of 地类图斑).
func checkAreas(t *testing.T, row map[string]any) {
	t.Helper()
	code, bsm := text(row, "DLBM"), text(row, "BSM")
	if len(code) < 2 || len(code) > 5 {
		t.Errorf("%s: DLBM %q", bsm, code)
	}
	ratio, ok := row["KCXS"].(float64)
	tbmj, kcmj, tbdlmj := hundredths(row, "TBMJ"), hundredths(row, "KCMJ"), hundredths(row, "TBDLMJ")
	if !ok || ratio < 0 || ratio >= 1 || tbmj <= 0 {
		t.Errorf("%s: KCXS %v, TBMJ %v", bsm, row["KCXS"], tbmj)
	}
	// In hundredths with some room for the product's last bit.
	if math.Abs(float64(kcmj)-float64(tbmj)*ratio) > 0.5+1e-6 || tbdlmj != tbmj-kcmj {
		t.Errorf("%s: TBMJ %v, KCXS %v, KCMJ %v, TBDLMJ %v", bsm, tbmj, ratio, kcmj, tbdlmj)
	}
	crop := strings.HasPrefix(code, "01")
	grade, form := text(row, "GDPDJB"), text(row, "GDLX")
	switch {
	case (ratio > 0) != (text(row, "KCDLBM") == "1203"), ratio > 0 && !crop:
		t.Errorf("%s: %s with KCXS %v and KCDLBM %q", bsm, code, ratio, text(row, "KCDLBM"))
	case crop != (len(grade) == 1 && strings.Contains("12345", grade)):
		t.Errorf("%s: %s with GDPDJB %q", bsm, code, grade)
	case (crop && grade >= "2") != (form == "PD" || form == "TT"):
		t.Errorf("%s: %s of grade %q with GDLX %q", bsm, code, grade, form)
	case crop && text(row, "ZZSXDM") == "":
		t.Errorf("%s: %s without ZZSXDM", bsm, code)
	case row["XZDWKD"] != nil && !strings.Contains("1001 1003 1004 1006 1009 1101 1107", code):
		t.Errorf("%s: %s with XZDWKD", bsm, code)
	case code == "0702" && text(row, "CZCSXM") == "", code == "0602" && text(row, "CZCSXM") != "204":
		t.Errorf("%s: %s with CZCSXM %q", bsm, code, text(row, "CZCSXM"))
	}
}

// checkBooked holds an area of record against the survey's own arithmetic and
// the coordinates against the grid of 0.1 mm.
func checkBooked(t *testing.T, bsm string, polygons [][][]geo.XY, booked geo.Hundredths) {
	t.Helper()
	survey, err := geo.AreaSurvey(zone(t), polygons)
	// The survey rounds latitudes to 0.03 mm, which on a border of a kilometre
	// makes 2 hundredths.
	if diff := survey - booked; err != nil || diff < -5 || diff > 5 {
		t.Errorf("%s: TBMJ %v, by the survey's rule %v (%v)", bsm, booked, survey, err)
	}
	for _, rings := range polygons {
		for _, ring := range rings {
			for _, p := range ring {
				if p.X != math.Round(p.X*1e4)/1e4 || p.Y != math.Round(p.Y*1e4)/1e4 {
					t.Fatalf("%s: %v is off the grid", bsm, p)
				}
			}
		}
	}
}

func TestVintages(t *testing.T) {
	t.Parallel()
	s := write(t, sample.Options{Parcels: 1500, Seed: 7})
	before := read(t, filepath.Join(s.Dir, "2023", "DLTB.shp"))
	after := read(t, filepath.Join(s.Dir, "2024", "DLTB.shp"))
	if !cmp.Equal(before.rings, after.rings) {
		t.Error("borders changed")
	}
	crop, changed := geo.Hundredths(0), geo.Hundredths(0)
	for n, row := range before.rows {
		was, is := text(row, "DLBM"), text(after.rows[n], "DLBM")
		if strings.HasPrefix(was, "01") {
			crop += hundredths(row, "TBMJ")
		}
		if was == is {
			continue
		}
		changed += hundredths(row, "TBMJ")
		if !strings.HasPrefix(was, "01") || !strings.Contains("0702 0301 1104 0201K", is) {
			t.Errorf("%s: %s became %s", text(row, "BSM"), was, is)
		}
		if text(row, "BSM") != text(after.rows[n], "BSM") || hundredths(row, "TBMJ") != hundredths(after.rows[n], "TBMJ") {
			t.Errorf("%s: became another record", text(row, "BSM"))
		}
	}
	if part := float64(changed) / float64(crop); part < 0.0149 || part > 0.018 {
		t.Errorf("%.4f of the cropland changed", part)
	}
}

func TestProtectedFarmland(t *testing.T) {
	t.Parallel()
	s := write(t, sample.Options{Parcels: 1500, Seed: 2})
	crs := zone(t)
	for _, d := range s.Deliveries {
		patches := read(t, filepath.Join(s.Dir, d.Vintage, "DLTB.shp"))
		byNumber := map[string]int{}
		crop := geo.Hundredths(0)
		for n, row := range patches.rows {
			byNumber[text(row, "ZLDWDM")+text(row, "TBBH")] = n
			if strings.HasPrefix(text(row, "DLBM"), "01") {
				crop += hundredths(row, "TBMJ")
			}
		}
		got := read(t, filepath.Join(s.Dir, d.Vintage, "YJJBNTTB.gpkg"))
		if got.layer.CRS.EPSG != 4490 {
			t.Errorf("coordinate system %+v", got.layer.CRS)
		}
		whole, apart := geo.Hundredths(0), 0
		persons := map[string]bool{}
		for n, row := range got.rows {
			of, ok := byNumber[text(row, "ZLDWDM")+text(row, "TBBH")]
			if !ok || text(patches.rows[of], "DLBM") != text(row, "DLBM") || !strings.HasPrefix(text(row, "DLBM"), "01") {
				t.Fatalf("%s is not cropland of the survey", text(row, "BSM"))
			}
			whole += hundredths(row, "YJJBNTTBMJ")
			ratio, _ := row["KCXS"].(float64)
			deducted, net := hundredths(row, "KCMJ"), hundredths(row, "YJJBNTMJ")
			if math.Abs(float64(deducted)-float64(hundredths(row, "YJJBNTTBMJ"))*ratio) > 0.5+1e-6 || net != hundredths(row, "YJJBNTTBMJ")-deducted {
				t.Errorf("%s: areas %v %v %v", text(row, "BSM"), row["YJJBNTTBMJ"], row["KCMJ"], row["YJJBNTMJ"])
			}
			for _, field := range []string{"ZRRZJHM", "ZRRMC", "LXDH"} {
				if v := text(row, field); v == "" || persons[v] {
					t.Errorf("%s: %s %q", text(row, "BSM"), field, v)
				}
				persons[text(row, field)] = true
			}
			if text(row, "BHKSSJ") == "" || text(row, "WDGD") == "" || text(row, "JZDZ") == "" {
				t.Errorf("%s: BHKSSJ, WDGD or JZDZ is missing", text(row, "BSM"))
			}
			if slices.Contains(s.Faulty, text(patches.rows[of], "BSM")) {
				continue // its protected copy has the right ring
			}
			if distant(t, crs, patches.rings[of], got.rings[n]) {
				apart++
			}
		}
		if part := float64(whole) / float64(crop); part < 0.83 || part > 0.87 {
			t.Errorf("%s: %.3f of the cropland is protected", d.Vintage, part)
		}
		if part := float64(apart) / float64(len(got.rows)); part < 0.36 || part > 0.44 {
			t.Errorf("%s: %.3f of the protected patches are digitised apart", d.Vintage, part)
		}
	}
}

// distant tells whether a protected patch was digitised apart from the survey's:
// then it lies 1 to 3 m off, else it has the survey's positions to the last digit.
func distant(t *testing.T, crs geo.CRS, survey, protected [][][]geo.XY) bool {
	t.Helper()
	positions := map[geo.Position]bool{}
	for _, p := range crs.Ring(survey[0][0]) {
		positions[p] = true
	}
	same := 0
	for _, p := range protected[0][0] {
		if positions[geo.PositionOf(geo.LonLat{Lon: p.X, Lat: p.Y})] {
			same++
		}
	}
	if same == len(protected[0][0]) {
		return false
	}
	if same > 0 {
		t.Errorf("%d of %d positions are the survey's", same, len(protected[0][0]))
	}
	plane := make([]geo.XY, len(protected[0][0]))
	for i, p := range protected[0][0] {
		plane[i] = crs.Forward(geo.LonLat{Lon: p.X, Lat: p.Y})
	}
	a, b := middle(survey[0][0]), middle(plane)
	if off := math.Hypot(b.X-a.X, b.Y-a.Y); off < 0.99 || off > 3.01 {
		t.Errorf("%.2f m apart", off)
	}
	return true
}

// middle returns the centre of gravity of a closed ring.
func middle(ring []geo.XY) geo.XY {
	o := ring[0]
	var twice, x, y float64
	for i := range len(ring) - 1 {
		p, q := ring[i], ring[i+1]
		c := (p.X-o.X)*(q.Y-o.Y) - (q.X-o.X)*(p.Y-o.Y)
		twice, x, y = twice+c, x+c*(p.X+q.X-2*o.X), y+c*(p.Y+q.Y-2*o.Y)
	}
	return geo.XY{X: o.X + x/(3*twice), Y: o.Y + y/(3*twice)}
}

func TestRegionsAreNamedAndCoverAll(t *testing.T) {
	t.Parallel()
	s := write(t, sample.Options{Parcels: 5000, Seed: 4})
	got := read(t, filepath.Join(s.Dir, "2024", "XZQ.fgb"))
	names := map[string]bool{}
	for _, row := range got.rows {
		if len(text(row, "XZQDM")) != 12 || !strings.HasSuffix(text(row, "XZQMC"), "村") || names[text(row, "XZQMC")] {
			t.Errorf("village %q %q", text(row, "XZQDM"), text(row, "XZQMC"))
		}
		names[text(row, "XZQMC")] = true
	}
	layers := s.Deliveries[1].Layers
	// Both are sums of rounded areas, the one of 5,000, the other of a dozen.
	if diff := layers[3].Patch - layers[0].Patch; len(got.rows) != s.Villages || diff < -200 || diff > 200 {
		t.Errorf("%d villages with %v m², patches have %v m²", len(got.rows), layers[3].Patch, layers[0].Patch)
	}
}
