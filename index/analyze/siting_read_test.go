package analyze_test

import (
	"strings"
	"testing"

	"gengtu/index/analyze"
	"gengtu/index/areas"
	"gengtu/index/geo"
	"gengtu/index/problem"
)

const plotTXT = "[属性描述]\n坐标系=2000国家大地坐标系\n几度分带=3\n投影类型=高斯克吕格\n计量单位=米\n带号=%ZONE%\n[地块坐标]\n" +
	"4,1.0000,1,一号地块,面,,用地,0101,@\nJ1,1,3770000,36500000\nJ2,1,3770100,36500000\nJ3,1,3770100,36500100\nJ4,1,3770000,36500100\nJ1,1,3770000,36500000\n"

// A shape keeps its file's name and the coordinate system that the file states; a zone that
// the eastings contradict is the fault of the shapes, not the end of the reading.
func TestReadShapes(t *testing.T) {
	zone36, err := geo.EPSG(4524)
	if err != nil {
		t.Fatal(err)
	}
	read := func(file, text string, crs *geo.CRS) areas.Given {
		t.Helper()
		shapes, err := analyze.ReadShapes(file, []byte(text), crs, areas.Limits{})
		if err != nil || len(shapes) != 1 {
			t.Fatalf("%s: %d shapes, %v", file, len(shapes), err)
		}
		return shapes[0]
	}
	good := read("/a/b/甲.txt", strings.Replace(plotTXT, "%ZONE%", "36", 1), nil)
	if good.Err != nil || good.CRS != zone36 || good.File != "甲.txt" {
		t.Errorf("a TXT is read as %+v", good)
	}
	wrong := read("乙.txt", strings.Replace(plotTXT, "%ZONE%", "37", 1), nil)
	if p := problem.Of(wrong.Err); p == nil || p.Code != "TXT_ZONE" {
		t.Errorf("a zone that the eastings contradict: %v", wrong.Err)
	}
	if named := read("乙.txt", strings.Replace(plotTXT, "%ZONE%", "37", 1), &zone36); named.Err != nil || named.CRS != zone36 {
		t.Errorf("a named system does not take the place of the file's: %v", named.Err)
	}
	const square = `{"type":"Polygon","coordinates":[[[36500000,3770000],[36500100,3770000],[36500100,3770100],[36500000,3770000]]]}`
	stated := read("丙.geojson", `{"type":"FeatureCollection","crs":{"type":"name","properties":{"name":"EPSG:4524"}},"features":[{"type":"Feature","properties":{},"geometry":`+square+`}]}`, nil)
	if stated.CRS != zone36 {
		t.Errorf("the crs member is not taken: %v", stated.CRS)
	}
	if lines := read("丁.geojsonl", `{"type":"Feature","properties":{},"geometry":`+square+"}\n", &zone36); lines.Err != nil || lines.CRS != zone36 {
		t.Errorf("a sequence is read as %+v", lines)
	}
	if _, err := analyze.ReadShapes("x.txt", []byte("[属性描述]\n"), nil, areas.Limits{}); problem.Of(err) == nil || problem.Of(err).File != "x.txt" {
		t.Errorf("a file without parcels: %v", err)
	}
}
