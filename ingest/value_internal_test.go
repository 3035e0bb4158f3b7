package ingest

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
)

// What fits a field's kind is carried over; what does not stays as it is and is
// told of.
func TestConvert(t *testing.T) {
	for _, c := range []struct {
		name string
		in   any
		kind edition.FieldKind
		out  any
		ok   bool
	}{
		{"nothing", nil, edition.Real, nil, true},
		{"text", "水田 ", edition.Text, "水田 ", true},
		{"18 digits as a number", int64(610402211000000123), edition.Text, "610402211000000123", true},
		{"a whole real as text", 2024.0, edition.Text, "2024", true},
		{"18 digits as a real, some lost", 610402211000000123.0, edition.Text, "6.104022110000001e+17", false},
		{"a bool as text", true, edition.Text, "true", true},
		{"digits as an integer", " 12 ", edition.Integer, int64(12), true},
		{"blanks as an integer", "  ", edition.Integer, nil, true},
		{"a whole real as an integer", 12.0, edition.Integer, int64(12), true},
		{"decimals as an integer", 12.5, edition.Integer, 12.5, false},
		{"a huge real as an integer", 1e300, edition.Integer, 1e300, false},
		{"a word as an integer", "one", edition.Integer, "one", false},
		{"a bool as an integer", true, edition.Integer, true, false},
		{"an integer as a real", int64(3), edition.Real, 3.0, true},
		{"digits as a real", " 3.25", edition.Real, 3.25, true},
		{"blanks as a real", "", edition.Real, nil, true},
		{"no number as a real", "NaN", edition.Real, "NaN", false},
		{"beyond numbers as a real", "1e999", edition.Real, "1e999", false},
		{"NaN", math.NaN(), edition.Real, "NaN", false},
		{"infinity", math.Inf(-1), edition.Real, "-Inf", false},
		{"NaN as text", math.NaN(), edition.Text, "NaN", false},
		{"a date", "2024-01-02", edition.Date, "2024-01-02", true},
		{"a bool", false, edition.Bool, false, true},
		{"a word as a bool", "yes", edition.Bool, "yes", false},
	} {
		if out, ok := convert(c.in, c.kind); out != c.out || ok != c.ok {
			t.Errorf("%s: %#v %v, want %#v %v", c.name, out, ok, c.out, c.ok)
		}
	}
}

func TestRecordArea(t *testing.T) {
	for _, c := range []struct {
		in   any
		want int64
		ok   bool
	}{
		{0.0, 0, true}, {12.34, 1234, true}, {0.005, 1, true}, {61904860.22, 6190486022, true},
		{-0.01, index.NoArea, false}, {math.NaN(), index.NoArea, false}, {1e11, 1e13, true}, {1.0001e11, index.NoArea, false}, {"12", index.NoArea, false},
	} {
		if got, ok := recordArea(c.in); got != c.want || ok != c.ok {
			t.Errorf("%v: %d %v, want %d %v", c.in, got, ok, c.want, c.ok)
		}
	}
}

func TestPlaceOf(t *testing.T) {
	for code, want := range map[string]string{
		"6104020010010000000": "610402001001", "610402001001": "610402001001", "61040200100105": "61040200100105", "610402001": "610402001",
		"610402": "610402", "6104": "6104", "61": "61", "": "", "6": "", "61040": "", "61040X": "", "６１": "",
	} {
		if got := placeOf(code); got != want {
			t.Errorf("%q lies in %q, want %q", code, got, want)
		}
	}
}

// Coordinates that do not fit are told of in words, with what to do.
func TestGeometryProblem(t *testing.T) {
	gk, err := geo.EPSG(4524)
	if err != nil {
		t.Fatal(err)
	}
	other, err := geo.EPSG(4525)
	if err != nil {
		t.Fatal(err)
	}
	shape := func(p geo.XY) [][][]geo.XY { return [][][]geo.XY{{{p, {X: p.X + 1, Y: p.Y}, {X: p.X, Y: p.Y + 1}, p}}} }
	for _, c := range []struct {
		name   string
		crs    geo.CRS
		at     geo.XY
		advice string
	}{
		{"metres as degrees", geo.CRS{}, geo.XY{X: 36500000, Y: 3800000}, "EPSG:4524"},
		{"metres without zone", geo.CRS{}, geo.XY{X: 500000, Y: 3800000}, "--crs"},
		{"degrees as metres", gk, geo.XY{X: 108, Y: 34}, "EPSG:4490"},
		{"exchanged", gk, geo.XY{X: 3800000, Y: 36500000}, "easting"},
		{"another zone", other, geo.XY{X: 36500000, Y: 3800000}, "EPSG:4524"},
		{"not a number", gk, geo.XY{X: math.NaN(), Y: 1}, "check"},
		{"out of range", geo.CRS{}, geo.XY{X: 200, Y: 95}, "check"},
	} {
		_, err := c.crs.MultiPolygon(shape(c.at), geo.Limits{})
		if err == nil {
			t.Errorf("%s: taken", c.name)
			continue
		}
		p := geometryProblem(err)
		en, zh := p.Text("en"), p.Text("zh")
		if p.Code != "COORDINATE" || !strings.Contains(en, c.advice) || !strings.Contains(en, "position 1") || !strings.Contains(zh, "第 1 点") || strings.Contains(en+zh, "%!") {
			t.Errorf("%s: %s / %s", c.name, en, zh)
		}
	}
	_, err = gk.MultiPolygon(shape(geo.XY{X: 36500000, Y: 3800000}), geo.Limits{Vertices: 2})
	if p := geometryProblem(err); p.Code != "GEOMETRY_LIMIT" {
		t.Errorf("too many positions: %v", p)
	}
}

// Classes without end, as a field that is no class has, take no memory without end.
func TestLeaveOutManyClasses(t *testing.T) {
	r := newLayerReport(Input{Layer: "cropland"})
	for i := range 3 * maxClasses {
		j := judged{class: strconv.Itoa(i), areaIn: 1}
		j.AreaM2 = 1
		r.leaveOut(&j)
	}
	sum := 0
	for _, c := range r.LeftOut {
		sum += c.Features
	}
	if last := r.LeftOut[len(r.LeftOut)-1]; len(r.LeftOut) != maxClasses+1 || last.Class != otherClasses || sum != 3*maxClasses {
		t.Errorf("%d classes, the last %+v, %d features in all", len(r.LeftOut), last, sum)
	}
}
