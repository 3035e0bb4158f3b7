package areas_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"

	"gengtu/index/areas"
	"gengtu/index/geo"
	"gengtu/index/problem"
)

// txtHead is the section of attributes as programs write it.
const txtHead = "[属性描述]\r\n格式版本号=1.01版本\r\n数据产生单位=测绘队\r\n数据产生日期=2024-5-1\r\n坐标系=2000国家大地坐标系\r\n几度分带=3\r\n投影类型=高斯克吕格\r\n计量单位=米\r\n带号=36\r\n精度=0.001\r\n转换参数=,,,,,,\r\n[地块坐标]\r\n"

// txtSquare writes the points of a ring: a square of side metres whose south-west
// corner is at east, north.
func txtSquare(first, ring int, east, north, side float64) string {
	var b strings.Builder
	for i, d := range [][2]float64{{0, 0}, {0, 1}, {1, 1}, {1, 0}, {0, 0}} {
		fmt.Fprintf(&b, "J%d,%d,%.3f,%.3f\r\n", first+i%4, ring, north+d[1]*side, east+d[0]*side)
	}
	return b.String()
}

func gbk(t testing.TB, text string) []byte {
	t.Helper()
	out, err := simplifiedchinese.GBK.NewEncoder().Bytes([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// codesOf are the codes of an error, or of what is told of a shape.
func codesOf(g areas.Given) string {
	if g.Err != nil {
		return problem.Of(g.Err).Code
	}
	out := []string{"ok"}
	for _, n := range g.Notes {
		out = append(out, n.Code)
	}
	return strings.Join(out, " ")
}

// A file with a plain parcel, one with a hole and an island in it, one of two
// parts and one that is not closed, in each encoding and line ending.
func TestParseTXT(t *testing.T) {
	const east, north = 36500000, 3790000
	open := txtSquare(1, 1, east+5000, north, 100)
	open = open[:strings.LastIndex(open[:len(open)-2], "\n")+1]
	text := txtHead +
		"5,1.0000,1,一号,地块,面,I49G001001,建设用地,0701,@\r\n" + txtSquare(1, 1, east, north, 100) +
		"15,0.7600,DK-02,二号地,面,,道路,,@\r\n" + txtSquare(1, 1, east+1000, north, 100) + txtSquare(5, 2, east+1020, north+20, 60) + txtSquare(9, 3, east+1030, north+30, 34.641) +
		"8,2.00,3,三号,面,,,,@\r\n" + txtSquare(1, 1, east+3000, north, 100) + txtSquare(5, 2, east+4000, north, 100) +
		"4,1,,四号 \"引号\",面,,,,@\r\n\r\n" + open
	ix := land{}.open(t)
	for name, data := range map[string][]byte{
		"GBK": gbk(t, text), "UTF-8": []byte(text), "UTF-8 with a mark": []byte("\uFEFF" + text),
		"LF": []byte(strings.ReplaceAll(text, "\r\n", "\n")), "GBK, LF": gbk(t, strings.ReplaceAll(text, "\r\n", "\n")),
	} {
		if !areas.LooksLikeTXT(data) {
			t.Errorf("%s: not known as TXT", name)
		}
		shapes, crs, err := areas.ParseTXT(data, nil, areas.Limits{})
		if err != nil || len(shapes) != 4 || crs.EPSG() != 4524 {
			t.Fatalf("%s: %d shapes in %v, %v", name, len(shapes), crs, err)
		}
		for i, want := range []struct {
			id, props string
			m2        float64
		}{
			{`"1"`, `{"name":"一号,地块","use":"建设用地","class":"0701","sheet":"I49G001001","stated_ha":1}`, 10000},
			{`"DK-02"`, `{"name":"二号地","use":"道路","class":"","sheet":"","stated_ha":0.76}`, 10000 - 3600 + 1200},
			{`"3"`, `{"name":"三号","use":"","class":"","sheet":"","stated_ha":2}`, 20000},
			{``, `{"name":"四号 \"引号\"","use":"","class":"","sheet":"","stated_ha":1}`, 10000},
		} {
			g := shapes[i]
			if codesOf(g) != "ok" || string(g.ID) != want.id || string(g.Properties) != want.props {
				t.Errorf("%s: parcel %d is %s %s %s", name, i+1, codesOf(g), g.ID, g.Properties)
			}
			a, err := (&areas.Asker{Index: ix, Question: areas.Question{Layers: []string{"pbf"}}, CRS: crs}).Answer(t.Context(), &g)
			if err != nil {
				t.Fatal(err)
			}
			// Near the central meridian plane and ellipsoid agree to some 1e-9.
			if math.Abs(a.AOI.AreaM2-want.m2) > 0.1 || slices.ContainsFunc(a.AOI.Problems, func(p *problem.Problem) bool { return p.Code == "AREA_STATED" }) {
				t.Errorf("%s: parcel %d has %v m², want %v; %v", name, i+1, a.AOI.AreaM2, want.m2, a.AOI.Problems)
			}
		}
	}
}

// What is wrong with a file is told with its line; what is wrong with one parcel
// fails no other.
func TestParseTXTRefuses(t *testing.T) {
	good := "5,1.0,1,n,面,,,,@\r\n" + txtSquare(1, 1, 36500000, 3790000, 100)
	point := "J1,1,3790000,36500000\n"
	head := func(was, is string) string { return strings.Replace(txtHead, was, is, 1) }
	for _, c := range []struct{ name, text, code, says string }{
		{"empty", "", "TXT_NO_PARCELS", ""},
		{"no parcels", txtHead, "TXT_NO_PARCELS", ""},
		{"no section of parcels", txtHead[:strings.Index(txtHead, "[地块坐标]")], "TXT_NO_PARCELS", ""},
		{"no section at all", good, "TXT_SYNTAX", "line 1"},
		{"an attribute without =", head("精度=0.001", "精度") + good, "TXT_SYNTAX", "line 10"},
		{"an attribute that contradicts itself", head("精度=0.001", "带号=37") + good, "TXT_SYNTAX", "line 10"},
		{"Xi'an 1980", head("2000国家大地坐标系", "1980西安坐标系") + good, "TXT_DATUM", "line 5"},
		{"no datum", head("坐标系=2000国家大地坐标系\r\n", "") + good, "TXT_DATUM", ""},
		{"another unit", head("=米", "=度") + good, "TXT_UNIT", "line 8"},
		{"another projection", head("高斯克吕格", "墨卡托") + good, "TXT_PROJECTION", "line 7"},
		{"a zone that is no number", head("带号=36", "带号=三十六") + good, "TXT_ZONE", "line 9"},
		{"a zone that does not exist", head("带号=36", "带号=60") + good, "TXT_ZONE", "line 9"},
		{"a zone of another width", head("几度分带=3", "几度分带=6") + good, "TXT_ZONE", "line 9"},
		{"zones of four degrees", head("几度分带=3", "几度分带=4") + good, "TXT_ZONE", "line 6"},
		{"another zone than the eastings'", head("带号=36", "带号=37") + good, "TXT_ZONE", "line 9"},
		{"neither a zone nor eastings with one", head("带号=36\r\n", "") + strings.ReplaceAll(good, ",365", ",5"), "TXT_ZONE", "500000"},
		{"a point before any parcel", txtHead + point + good, "TXT_SYNTAX", "line 13"},
		{"UTF-16", "\xff\xfe[\x00", "TXT_ENCODING", "UTF-16"},
		{"neither GBK nor UTF-8", string(gbk(t, txtHead)) + "\xff\xff" + good, "TXT_ENCODING", "GBK"},
		{"UTF-8 cut within a character", "\uFEFF" + txtHead + "\xe5", "TXT_ENCODING", "UTF-8"},
		{"parcels too many", txtHead + good + good + good + good, "TOO_LARGE_COLLECTION", ""},
		{"points too many", txtHead + "9,1,1,n,面,,,,@\n" + strings.Repeat(point, 31), "TOO_LARGE_SHAPES", ""},
	} {
		_, _, err := areas.ParseTXT([]byte(c.text), nil, areas.Limits{Features: 3, Vertices: 30})
		if !hasCode(err, c.code) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want %s, %q", c.name, err, c.code, c.says)
		}
	}
	for _, c := range []struct{ name, parcel, want, says string }{
		{"as it should be", good, "ok", ""},
		{"fields missing", "5,1.0,7,n,面,@\n" + point, "TXT_PARCEL", "line 19"},
		{"a line", strings.Replace(good, "面", "线", 1), "TXT_KIND", "线"},
		{"no points", "5,1.0,1,n,面,,,,@\n", "TXT_PARCEL", "line 19"},
		{"two points", "2,1.0,1,n,面,,,,@\n" + point + point, "TXT_RING", "line 19"},
		{"a point of three fields", good + "J9,1,3790000\n", "TXT_POINT", "line 25"},
		{"a northing that is no number", good + "J9,1,NaN,36500000\n", "TXT_POINT", "line 25"},
		{"an easting with an exponent", good + "J9,1,3790000,3.65e7\n", "TXT_POINT", "line 25"},
		{"a ring that is no number", good + "J9,a,3790000,36500000\n", "TXT_POINT", "line 25"},
		{"a ring that comes twice", good + txtSquare(5, 2, 36500020, 3790020, 10) + point, "TXT_RING", "line 30"},
		{"fewer points than stated", strings.Replace(good, "5,", "6,", 1), "ok TXT_POINTS", "states 6"},
		{"as many as stated without the closing one", strings.Replace(good, "5,", "4,", 1), "ok", ""},
		{"no number of points", strings.Replace(good, "5,", "x,", 1), "ok TXT_POINTS", "line 19"},
		{"an area that is no number", strings.Replace(good, "1.0,", "1.0公顷,", 1), "ok TXT_AREA", "line 19"},
	} {
		shapes, _, err := areas.ParseTXT([]byte(txtHead+good+c.parcel), nil, areas.Limits{})
		if err != nil || len(shapes) != 2 || codesOf(shapes[0]) != "ok" || codesOf(shapes[1]) != c.want {
			t.Errorf("%s: %v, %d shapes", c.name, err, len(shapes))
			for _, s := range shapes {
				t.Errorf("  %s %v", codesOf(s), s.Err)
			}
			continue
		}
		told := fmt.Sprint(shapes[1].Err)
		for _, n := range shapes[1].Notes {
			told += n.Error()
		}
		if !strings.Contains(told, c.says) {
			t.Errorf("%s: told %s, want %q", c.name, told, c.says)
		}
	}
}

// The zone: by its number with and without it in the eastings, by the eastings
// where it is missing, and by the caller above all.
func TestParseTXTZones(t *testing.T) {
	head := func(zone, width string) string {
		h := txtHead
		if zone != "36" {
			h = strings.Replace(h, "带号=36\r\n", zone, 1)
		}
		return strings.Replace(h, "几度分带=3\r\n", width, 1)
	}
	given, err := geo.EPSG(4526)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, head string
		east       float64
		crs        *geo.CRS
		epsg       int
		note       string
	}{
		{"zone 36 of 3 degrees, in the easting", head("36", "几度分带=3\r\n"), 36500000, nil, 4524, "ok"},
		{"zone 36 of 3 degrees, not in the easting", head("36", "几度分带=3\r\n"), 500000, nil, 4545, "ok"},
		{"zone 18 of 6 degrees, in the easting", head("带号=18\r\n", "几度分带=6\r\n"), 18500000, nil, 4496, "ok"},
		{"zone 18 of 6 degrees, not in the easting", head("带号=18\r\n", "几度分带=6\r\n"), 500000, nil, 4507, "ok"},
		{"a width left out", head("带号=19\r\n", ""), 500000, nil, 4508, "ok"},
		{"a zone left out", head("", "几度分带=3\r\n"), 38500000, nil, 4526, "ok TXT_ZONE_TAKEN"},
		{"zone and width left out", head("", ""), 20500000, nil, 4498, "ok TXT_ZONE_TAKEN"},
		{"the caller's", head("带号=99\r\n", ""), 38500000, &given, 4526, "ok"},
	} {
		text := c.head + "5,1.0,1,n,面,,,,@\n" + txtSquare(1, 1, c.east, 3790000, 100)
		shapes, crs, err := areas.ParseTXT([]byte(text), c.crs, areas.Limits{})
		if err != nil || crs.EPSG() != c.epsg || codesOf(shapes[0]) != c.note {
			t.Errorf("%s: %v, %v, %v", c.name, crs, shapes, err)
		}
	}
}

// A stated area that is neither that of the ellipsoid nor of the plane is told.
func TestStatedArea(t *testing.T) {
	ix := land{}.open(t)
	// Far from the central meridian the plane area of 100 ha is 0.03 ha larger.
	crs, err := geo.EPSG(4524)
	if err != nil {
		t.Fatal(err)
	}
	plots := func(stated string) string {
		return txtHead + "5," + stated + ",1,n,面,,,,@\n" + txtSquare(1, 1, 36610000, 3940000, 1000)
	}
	shapes, _, err := areas.ParseTXT([]byte(plots("1")), nil, areas.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := areas.Shape(shapes[0].Polygons, crs)
	if err != nil {
		t.Fatal(err)
	}
	ellipsoid := math.Abs(geo.Area(m)) / 1e4
	for _, c := range []struct {
		stated string
		told   bool
	}{
		{"100.0000", false}, {fmt.Sprintf("%.4f", ellipsoid), false}, {fmt.Sprintf("%.4f", ellipsoid+0.0003), true}, {"100.0003", true},
		{"100", false}, {"99", true}, {"99.9", true}, {"100.0", false}, {"", false}, {"0", true},
	} {
		shapes, crs, err := areas.ParseTXT([]byte(plots(c.stated)), nil, areas.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		a, err := (&areas.Asker{Index: ix, Question: areas.Question{Layers: []string{"pbf"}}, CRS: crs}).Answer(t.Context(), &shapes[0])
		if err != nil {
			t.Fatal(err)
		}
		told := slices.ContainsFunc(a.AOI.Problems, func(p *problem.Problem) bool { return p.Code == "AREA_STATED" })
		if told != c.told {
			t.Errorf("%q stated for %.5f: %v", c.stated, ellipsoid, a.AOI.Problems)
		}
	}
}

// A parcel of many rings is bounded, and so is the time that its plane area takes.
func TestParseTXTRings(t *testing.T) {
	file := func(rings, points int) []byte {
		var b strings.Builder
		b.WriteString(txtHead + "1,1.0,1,n,面,,,,@\n")
		for i := range rings {
			for k := range points {
				sin, cos := math.Sincos(2 * math.Pi * float64(k) / float64(points))
				fmt.Fprintf(&b, "J%d,%d,%.3f,%.3f\n", k, i+1, 3790000+1000*sin, 36500000+100*float64(i)+1000*cos)
			}
		}
		return []byte(b.String())
	}
	for _, c := range []struct {
		rings, points int
		want          string
		plane         bool
	}{{1000, 3, "ok TXT_POINTS", false}, {1001, 3, "TXT_RING", false}, {500, 200, "ok TXT_POINTS", false}, {100, 20, "ok TXT_POINTS", true}} {
		shapes, _, err := areas.ParseTXT(file(c.rings, c.points), nil, areas.Limits{})
		if err != nil || codesOf(shapes[0]) != c.want || (shapes[0].Stated.PlaneM2 > 0) != c.plane {
			t.Errorf("%d rings of %d: %s, %v, %v", c.rings, c.points, codesOf(shapes[0]), shapes[0].Stated, err)
		}
	}
}

// Whatever the bytes, the answer is shapes within the limits, whose ids and
// properties are JSON, or a problem.
func FuzzParseTXT(f *testing.F) {
	text := txtHead + "5,1.0,1,名,面,,,,@\r\n" + txtSquare(1, 1, 36500000, 3790000, 100) + txtSquare(5, 2, 36500020, 3790020, 10)
	f.Add([]byte(text))
	f.Add(gbk(f, text))
	f.Add([]byte("[地块坐标]\n,,,,,,,,@\nJ1,1,1,1\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		areas.LooksLikeTXT(data)
		lim := areas.Limits{Features: 5, Vertices: 60}
		shapes, crs, err := areas.ParseTXT(data, nil, lim)
		if err != nil {
			if problem.Of(err) == nil || len(err.Error()) > 2000 {
				t.Fatalf("not told as a problem: %v", err)
			}
			return
		}
		points := 0
		for _, g := range shapes {
			if (len(g.ID) > 0 && !json.Valid(g.ID)) || len(g.Properties) > 0 && !json.Valid(g.Properties) {
				t.Fatalf("id %s, properties %s", g.ID, g.Properties)
			}
			if g.Err == nil && len(g.Polygons) == 0 || g.Err != nil && problem.Of(g.Err) == nil {
				t.Fatalf("a shape without polygons: %v", g.Err)
			}
			for _, p := range g.Polygons {
				points += len(p[0])
			}
			_, _ = areas.Shape(g.Polygons, crs) // whether it fits its zone is told elsewhere
		}
		if len(shapes) == 0 || len(shapes) > lim.Features || points > lim.Vertices || points > bytes.Count(data, []byte{'\n'})+1 {
			t.Fatalf("%d shapes of %d points", len(shapes), points)
		}
	})
}
