package areas_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"gengtu/index"
	"gengtu/index/areas"
	"gengtu/index/geo"
	"gengtu/index/problem"
)

const (
	square  = `{"type":"Polygon","coordinates":[[[108.7,34.3],[108.8,34.3],[108.8,34.4],[108.7,34.4],[108.7,34.3]]]}`
	another = `{"type":"Polygon","coordinates":[[[109.7,34.3],[109.8,34.3],[109.8,34.4]]]}`
)

func TestParseShapes(t *testing.T) {
	type want struct {
		codes string // of the shapes, "ok" for one without error
		many  bool
		err   string
	}
	for _, c := range []struct {
		name, body string
		want       want
	}{
		{"a geometry", square, want{"ok", false, ""}},
		{"a byte order mark", "\uFEFF" + square, want{"ok", false, ""}},
		{"a feature", `{"type":"Feature","id":7,"properties":{"a":1},"geometry":` + square + `}`, want{"ok", false, ""}},
		{"a collection of geometries", `{"type":"GeometryCollection","geometries":[` + square + `,` + another + `]}`, want{"ok", false, ""}},
		{"a collection of one", `{"type":"FeatureCollection","features":[{"type":"Feature","geometry":` + square + `}]}`, want{"ok", true, ""}},
		{"a collection of none", `{"type":"FeatureCollection","features":[]}`, want{"", true, ""}},
		{"one bad feature among good ones", `{"type":"FeatureCollection","features":[{"type":"Feature","geometry":` + square + `},{"type":"Feature","geometry":{"type":"Point","coordinates":[1,2]}},7,{"type":"Feature","geometry":null},{"type":"Feature"},null,{"type":"Feature","geometry":` + another + `}]}`,
			want{"ok GEOMETRY_REFUSED GEOJSON_SYNTAX AOI_EMPTY AOI_EMPTY AOI_EMPTY ok", true, ""}},
		{"a number that is too large for one", `{"type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[1e999,0],[1,0],[1,1]]]}}]}`, want{"GEOMETRY_REFUSED", true, ""}},
		{"a collection in a collection", `{"type":"FeatureCollection","features":[{"type":"FeatureCollection","features":[]}]}`, want{"GEOMETRY_REFUSED", true, ""}},
		{"a null geometry", `{"type":"Feature","geometry":null}`, want{"AOI_EMPTY", false, ""}},
		{"null", `null`, want{"AOI_EMPTY", false, ""}},
		{"no polygons", `{"type":"MultiPolygon","coordinates":[]}`, want{"ok", false, ""}}, // has no area when it is measured
		{"a ring of two", `{"type":"Polygon","coordinates":[[[1,2],[3,4]]]}`, want{"GEOMETRY_REFUSED", false, ""}},
		{"NaN", `{"type":"Polygon","coordinates":[[[NaN,0],[1,0],[1,1]]]}`, want{"", false, "GEOJSON_SYNTAX"}},
		{"a text", `"x"`, want{"", false, "GEOJSON_SYNTAX"}},
		{"features that are no array", `{"type":"FeatureCollection","features":{}}`, want{"", false, "GEOJSON_SYNTAX"}},
		{"no features member", `{"type":"FeatureCollection"}`, want{"", false, "GEOJSON_SYNTAX"}},
		{"half of a document", square[:40], want{"", false, "GEOJSON_SYNTAX"}},
		{"one feature too many", `{"type":"FeatureCollection","features":[1,2,3,4,5,6,7,8]}`, want{"", false, "TOO_LARGE_COLLECTION"}},
		{"one vertex too many in one", rings(21), want{"", false, "TOO_LARGE_SHAPES"}},
		{"as many vertices as allowed", rings(20), want{"ok", false, ""}},
		{"one vertex too many in all", `{"type":"FeatureCollection","features":[{"type":"Feature","geometry":` + rings(16) + `},{"type":"Feature","geometry":` + square + `}]}`, want{"", false, "TOO_LARGE_SHAPES"}},
		{"a geometry too deep among others", `{"type":"FeatureCollection","features":[{"type":"Feature","geometry":` + square + `},{"type":"Feature","geometry":` + strings.Repeat(`{"type":"GeometryCollection","geometries":[`, 20) + square + strings.Repeat("]}", 20) + `}]}`, want{"ok GEOMETRY_REFUSED", true, ""}},
	} {
		shapes, many, err := areas.ParseShapes([]byte(c.body), areas.Limits{Vertices: 20, Features: 7})
		if c.want.err != "" {
			if !hasCode(err, c.want.err) {
				t.Errorf("%s: got %v, want %s", c.name, err, c.want.err)
			}
			continue
		}
		var codes []string
		for _, s := range shapes {
			switch {
			case s.Err == nil:
				codes = append(codes, "ok")
			case hasCode(s.Err, "GEOMETRY_REFUSED"), hasCode(s.Err, "GEOJSON_SYNTAX"), hasCode(s.Err, "AOI_EMPTY"):
				codes = append(codes, s.Err.Error()[strings.LastIndexByte(s.Err.Error(), '[')+1:len(s.Err.Error())-1])
			default:
				t.Errorf("%s: error %v", c.name, s.Err)
			}
		}
		if got := strings.Join(codes, " "); err != nil || got != c.want.codes || many != c.want.many {
			t.Errorf("%s: got %q, many %v, error %v; want %+v", c.name, got, many, err, c.want)
		}
	}
}

// The crs members of GeoJSON of 2008 are believed, as the command believes them.
func TestStatedCRS(t *testing.T) {
	named := func(name string) string { return `"crs":{"type":"name","properties":{"name":"` + name + `"}}` }
	for _, c := range []struct{ name, text, want string }{
		{"none", square, "none"}, {"null", `{"crs":null}`, "none"}, {"no JSON", `{"crs":`, "none"},
		{"of the collection", `{` + named("urn:ogc:def:crs:EPSG::4524") + `}`, "EPSG:4524"},
		{"an EPSG code", `{"crs":{"type":"EPSG","properties":{"code":4524}}}`, "EPSG:4524"}, {"a text", `{"crs":"EPSG:4524"}`, "EPSG:4524"},
		{"of the geometry", `{"geometry":{` + named("EPSG:4524") + `}}`, "EPSG:4524"},
		{"the same twice", `{"features":[{` + named("urn:ogc:def:crs:OGC:1.3:CRS84") + `}],` + named("EPSG:4490") + `}`, "EPSG:4490"},
		{"two systems", `{"features":[{` + named("EPSG:4525") + `}],` + named("EPSG:4524") + `}`, "CRS_CONFLICT"},
		{"Xi'an 80", `{` + named("urn:ogc:def:crs:EPSG::4610") + `}`, "CRS_UNKNOWN"}, {"a link", `{"crs":{"type":"link","properties":{"href":"x"}}}`, "CRS_UNKNOWN"},
		{"a number", `{"crs":4524}`, "CRS_UNKNOWN"},
	} {
		for sequence, read := range []func([]byte) (*geo.CRS, error){areas.StatedCRS, areas.StatedSequenceCRS} {
			text := c.text
			if sequence == 1 {
				text = "{}\n" + text + "\n" + square
			}
			crs, err := read([]byte(text))
			got := "none"
			if crs != nil {
				got = crs.String()
			}
			if got != c.want && !hasCode(err, c.want) {
				t.Errorf("%s: %s, %v, want %s", c.name, got, err, c.want)
			}
		}
	}
}

// rings is a polygon of n positions.
func rings(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ",[%v,%v]", 108.7+float64(i)*0.001, 34.3+float64(i*i)*0.001)
	}
	return `{"type":"Polygon","coordinates":[[` + b.String()[1:] + `]]}`
}

func TestParseShapesKeepsTheirOwn(t *testing.T) {
	shapes, _, err := areas.ParseShapes([]byte(`{"type":"Feature","id":"地块","properties":{"a":[1]},"geometry":`+square+`}`), areas.Limits{})
	if err != nil || string(shapes[0].ID) != `"地块"` || string(shapes[0].Properties) != `{"a":[1]}` {
		t.Errorf("got %s %s %v", shapes[0].ID, shapes[0].Properties, err)
	}
}

func FuzzParseShapes(f *testing.F) {
	for _, s := range []string{square, another, `{"type":"FeatureCollection","features":[{"type":"Feature","id":1,"geometry":` + square + `},null]}`, `{"type":"GeometryCollection","geometries":[` + square + `]}`, `null`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		lim := areas.Limits{Vertices: 100, Features: 10}
		shapes, many, err := areas.ParseShapes(data, lim)
		if err != nil {
			return
		}
		if !many && len(shapes) != 1 || len(shapes) > lim.Features {
			t.Fatalf("%d shapes, many %v", len(shapes), many)
		}
		vertices := 0
		for _, s := range shapes {
			for _, p := range s.Polygons {
				for _, r := range p {
					vertices += len(r)
				}
			}
			// What is read can be asked again: as GeoJSON it gives the same shape.
			m, err := areas.ShapeWithin(s.Polygons, geo.CRS{}, 1000)
			if s.Err != nil || err != nil {
				continue
			}
			again, _, err := areas.ParseShapes(geo.AppendGeoJSON(nil, m), areas.Limits{})
			if err != nil || again[0].Err != nil && m.Vertices() > 0 && !degenerate(m) {
				t.Fatalf("%s is not read again: %v %v", geo.AppendGeoJSON(nil, m), err, again[0].Err)
			}
		}
		if vertices > lim.Vertices {
			t.Fatalf("%d vertices", vertices)
		}
	})
}

// degenerate tells whether rounding to positions left a ring with fewer than
// three.
func degenerate(m geo.MultiPolygon) bool {
	for _, p := range m {
		for _, r := range p {
			if len(r) < 4 {
				return true
			}
		}
	}
	return false
}

func TestShape(t *testing.T) {
	ring := func(pts ...geo.XY) [][][]geo.XY { return [][][]geo.XY{{pts}} }
	gauss := ring(geo.XY{X: 36500000, Y: 3800000}, geo.XY{X: 36500100, Y: 3800000}, geo.XY{X: 36500100, Y: 3800100})
	world := ring(geo.XY{X: -2e7, Y: -2e7}, geo.XY{X: 2e7, Y: -2e7}, geo.XY{X: 2e7, Y: 2e7})
	crs := func(name string) geo.CRS {
		c, err := areas.ParseCRS(name)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	m, err := areas.ShapeWithin(gauss, crs("EPSG:4524"), 1000)
	if err != nil || math.Abs(geo.Area(m)-5000) > 5 {
		t.Errorf("a triangle of 5000 m² in its zone has %v, %v", geo.Area(m), err)
	}
	_, err = areas.Shape(gauss, crs(""))
	if !hasCode(err, "CRS_MISMATCH") || !strings.Contains(err.Error(), "EPSG:4524") {
		t.Errorf("metres sent as degrees give %v", err)
	}
	if p := problem.Of(err); p != nil && (!strings.Contains(p.Found(problem.Chinese), "坐标像是平面坐标（米）") || strings.Contains(p.Found(problem.Chinese), "looks like")) {
		t.Errorf("in Chinese it says %s", p.Found(problem.Chinese))
	}
	// Three positions in Web Mercator stand for some fifty thousand along long edges.
	if _, err := areas.ShapeWithin(world, crs("EPSG:3857"), 40_000); !hasCode(err, "TOO_LARGE_SHAPES") {
		t.Errorf("a triangle over the world gives %v", err)
	}
	for _, name := range []string{"EPSG:2435", "EPSG:9999", "x", strings.Repeat("9", 100)} {
		if _, err := areas.ParseCRS(name); !hasCode(err, "CRS_UNKNOWN") {
			t.Errorf("%.20s gives %v", name, err)
		}
	}
}

// A place is the region of its code, even where what lies under it says
// otherwise; without one it is all that lies under it.
func TestPlace(t *testing.T) {
	ix := land{"region": {
		{rect: rect{0, 0, 4, 4}, place: "610402001", patch: index.NoArea, net: index.NoArea},
		{rect: rect{3, 3, 5, 4}, place: "610402001201", patch: index.NoArea, net: index.NoArea},
		{rect: rect{4, 0, 6, 4}, place: "610402002201", patch: index.NoArea, net: index.NoArea},
		{rect: rect{6, 0, 8, 4}, place: "610402002202", patch: index.NoArea, net: index.NoArea},
	}}.open(t)
	for code, want := range map[string]rect{
		"610402001": {0, 0, 4, 4}, "610402001201": {3, 3, 5, 4}, "610402002": {4, 0, 8, 4}, "61": {0, 0, 8, 4}, "610402": {0, 0, 8, 4},
	} {
		m, err := areas.Place(t.Context(), ix, code, "")
		if err != nil || !near(geo.Area(m), cellArea(want)) {
			t.Errorf("%s has %v m², want %v: %v", code, geo.Area(m), cellArea(want), err)
		}
	}
	for code, want := range map[string]string{"62": "NO_PLACE", "610": "PARAMETER_PLACE", "6104a2": "PARAMETER_PLACE", "": "PARAMETER_PLACE"} {
		if _, err := areas.Place(t.Context(), ix, code, ""); !hasCode(err, want) {
			t.Errorf("%q gives %v, want %s", code, err, want)
		}
	}
	if _, err := areas.Place(t.Context(), ix, "61", "1999"); err != nil {
		t.Errorf("another vintage gives %v: its places are those of the latest", err)
	}
}

func TestResultJSON(t *testing.T) {
	bad, err := json.Marshal(areas.Result{ID: json.RawMessage(`"b"`), Problem: errProblem(t)})
	if err != nil || !strings.HasPrefix(string(bad), `{"id":"b","properties":null,"status":"failed","problem":{"code":"AOI_EMPTY"`) {
		t.Errorf("got %s %v", bad, err)
	}
	good, err := json.Marshal(areas.Result{Properties: json.RawMessage(`{"k":1}`), Answer: &areas.Answer{Generation: "g"}})
	if err != nil || !strings.HasPrefix(string(good), `{"id":null,"properties":{"k":1},"status":"ok","generation":"g"`) {
		t.Errorf("got %s %v", good, err)
	}
}
