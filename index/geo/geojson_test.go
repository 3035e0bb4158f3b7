package geo_test

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/geo"
)

func TestParseGeometry(t *testing.T) {
	triangle := []geo.XY{{1, 2}, {3, 2}, {3, 4}, {1, 2}}
	for _, c := range []struct {
		name, text string
		want       [][][]geo.XY
	}{
		{"polygon", `{"type":"Polygon","coordinates":[[[1,2],[3,2],[3,4],[1,2]]]}`, [][][]geo.XY{{triangle}}},
		{"coordinates before the type", `{"coordinates":[[[1,2],[3,2],[3,4],[1,2]]],"type":"Polygon"}`, [][][]geo.XY{{triangle}}},
		{"height is dropped", `{"type":"Polygon","coordinates":[[[1,2,9],[3,2,9,9],[3,4],[1,2,9]]]}`, [][][]geo.XY{{triangle}}},
		{"open ring stays open", `{"type":"Polygon","coordinates":[[[1,2],[3,2],[3,4]]]}`, [][][]geo.XY{{triangle[:3]}}},
		{"hole", `{"type":"Polygon","coordinates":[[[1,2],[3,2],[3,4],[1,2]],[[1,2],[3,2],[3,4],[1,2]]]}`, [][][]geo.XY{{triangle, triangle}}},
		{"multipolygon", `{"type":"MultiPolygon","coordinates":[[[[1,2],[3,2],[3,4],[1,2]]],[[[1,2],[3,2],[3,4],[1,2]]]]}`, [][][]geo.XY{{triangle}, {triangle}}},
		{"collection", `{"type":"GeometryCollection","geometries":[{"type":"Polygon","coordinates":[[[1,2],[3,2],[3,4],[1,2]]]},null,{"type":"GeometryCollection","geometries":[{"type":"MultiPolygon","coordinates":[[[[1,2],[3,2],[3,4],[1,2]]]]}]}]}`, [][][]geo.XY{{triangle}, {triangle}}},
		{"unknown members, white space, escapes", "\r\n{ \"bbox\" : [1,2.5e3,-0,null] , \"crs\":{\"a\":[true,false,{}],\"b\":\"\\\"]}\\u00e9\"},\t\"t\\u0079pe\":\"Polyg\\u006fn\",\"coordinates\":[ [ [1 , 2],[3,2],[3,4],[1,2]]]} ", [][][]geo.XY{{triangle}}},
		{"number forms", `{"type":"Polygon","coordinates":[[[-1.5e2,0.25E+1],[0,-0],[1e-3,4],[-150,2.5]]]}`, [][][]geo.XY{{{{-150, 2.5}, {0, 0}, {0.001, 4}, {-150, 2.5}}}}},
		{"null", `null`, nil},
		{"empty polygon", `{"type":"Polygon","coordinates":[]}`, nil},
		{"empty multipolygon", `{"type":"MultiPolygon","coordinates":[]}`, nil},
		{"empty polygon in a multipolygon", `{"type":"MultiPolygon","coordinates":[[],[[[1,2],[3,2],[3,4],[1,2]]]]}`, [][][]geo.XY{{triangle}}},
		{"empty collection", `{"type":"GeometryCollection","geometries":[]}`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := geo.ParseGeometry([]byte(c.text), geo.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseGeometryRefused(t *testing.T) {
	const ring = `[[1,2],[3,2],[3,4],[1,2]]`
	nested := strings.Repeat(`{"type":"GeometryCollection","geometries":[`, 20) + `null` + strings.Repeat(`]}`, 20)
	for _, c := range []struct {
		name, text string
		kind       error
		place      geo.Place
	}{
		{"empty", ``, geo.ErrGeometrySyntax, geo.Place{}},
		{"no object", `[1,2]`, geo.ErrGeometrySyntax, geo.Place{}},
		{"cut off", `{"type":"Polygon","coordinates":[[[1,2],[3`, geo.ErrGeometrySyntax, geo.Place{Polygon: 1, Ring: 1, Position: 2}},
		{"something after it", `{"type":"Polygon","coordinates":[]}x`, geo.ErrGeometrySyntax, geo.Place{}},
		{"comma at the end", `{"type":"Polygon","coordinates":[],}`, geo.ErrGeometrySyntax, geo.Place{}},
		{"no coordinates", `{"type":"Polygon"}`, geo.ErrGeometrySyntax, geo.Place{}},
		{"coordinates twice", `{"type":"Polygon","coordinates":[],"coordinates":[]}`, geo.ErrGeometrySyntax, geo.Place{}},
		{"type twice", `{"type":"Polygon","type":"Polygon","coordinates":[]}`, geo.ErrGeometrySyntax, geo.Place{}},
		{"type is a number", `{"type":1,"coordinates":[]}`, geo.ErrGeometrySyntax, geo.Place{}},
		{"control character", "{\"type\":\"Poly\ngon\",\"coordinates\":[]}", geo.ErrGeometrySyntax, geo.Place{}},
		{"bad escape", `{"type":"Pol\ygon","coordinates":[]}`, geo.ErrGeometrySyntax, geo.Place{}},
		{"leading zero", `{"type":"Polygon","coordinates":[[[01,2]]]}`, geo.ErrGeometryCoordinate, geo.Place{Polygon: 1, Ring: 1, Position: 1}},
		{"coordinates are a number", `{"type":"Polygon","coordinates":1}`, geo.ErrGeometrySyntax, geo.Place{Polygon: 1}},
		{"rings are flat", `{"type":"Polygon","coordinates":` + ring + `}`, geo.ErrGeometrySyntax, geo.Place{Polygon: 1, Ring: 1, Position: 1}},

		{"no type", `{}`, geo.ErrGeometryType, geo.Place{}},
		{"point", `{"type":"Point","coordinates":[1,2]}`, geo.ErrGeometryType, geo.Place{}},
		{"feature", `{"type":"Feature","geometry":null}`, geo.ErrGeometryType, geo.Place{}},
		{"line in a collection", `{"type":"GeometryCollection","geometries":[{"type":"LineString","coordinates":[[1,2],[3,4]]}]}`, geo.ErrGeometryType, geo.Place{}},

		{"collections too deep", nested, geo.ErrGeometryLimit, geo.Place{}},
		{"members too deep", `{"a":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`, geo.ErrGeometryLimit, geo.Place{}},
		{"too many positions", `{"type":"Polygon","coordinates":[` + strings.Repeat(ring+",", 30) + ring + `]}`, geo.ErrGeometryLimit, geo.Place{Polygon: 1, Ring: 26, Position: 1}},

		{"two positions", `{"type":"Polygon","coordinates":[` + ring + `,[[1,2],[3,4]]]}`, geo.ErrGeometryRing, geo.Place{Polygon: 1, Ring: 2}},
		{"two positions, closed", `{"type":"Polygon","coordinates":[[[1,2],[3,4],[1,2]]]}`, geo.ErrGeometryRing, geo.Place{Polygon: 1, Ring: 1}},
		{"empty ring", `{"type":"MultiPolygon","coordinates":[[` + ring + `],[[]]]}`, geo.ErrGeometryRing, geo.Place{Polygon: 2, Ring: 1}},

		{"one number", `{"type":"Polygon","coordinates":[[[1,2],[3]]]}`, geo.ErrGeometryCoordinate, geo.Place{Polygon: 1, Ring: 1, Position: 2}},
		{"text for a number", `{"type":"Polygon","coordinates":[[[1,2],[3,"4"]]]}`, geo.ErrGeometryCoordinate, geo.Place{Polygon: 1, Ring: 1, Position: 2}},
		{"null for a number", `{"type":"MultiPolygon","coordinates":[[` + ring + `],[[[null,2]]]]}`, geo.ErrGeometryCoordinate, geo.Place{Polygon: 2, Ring: 1, Position: 1}},
		{"number too large", `{"type":"Polygon","coordinates":[[[1e999,2]]]}`, geo.ErrGeometryCoordinate, geo.Place{Polygon: 1, Ring: 1, Position: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := geo.ParseGeometry([]byte(c.text), geo.Limits{Vertices: 100})
			var e *geo.GeometryError
			if got != nil || !errors.Is(err, c.kind) || !errors.As(err, &e) || e.Place != c.place {
				t.Errorf("got %v, %v; want %v at %v", got, err, c.kind, c.place)
			}
		})
	}
}

func TestAppendGeoJSON(t *testing.T) {
	one := geo.Polygon{{{1081234567891, 350000000000}, {-1, 1}, {-10000000001, -500000000}, {1081234567891, 350000000000}}}
	const ring = `[[[108.1234567891,35],[-0.0000000001,0.0000000001],[-1.0000000001,-0.05],[108.1234567891,35]]]`
	for _, c := range []struct {
		name string
		m    geo.MultiPolygon
		want string
	}{
		{"nil", nil, `{"type":"MultiPolygon","coordinates":[]}`},
		{"one", geo.MultiPolygon{one}, `{"type":"Polygon","coordinates":` + ring + `}`},
		{"two", geo.MultiPolygon{one, one}, `{"type":"MultiPolygon","coordinates":[` + ring + `,` + ring + `]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff("x"+c.want, string(geo.AppendGeoJSON([]byte("x"), c.m))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// randomMultiPolygon has rings anywhere in the world, each of at least three
// positions besides the closing one.
func randomMultiPolygon(r *rand.Rand) geo.MultiPolygon {
	m := make(geo.MultiPolygon, 1+r.IntN(3))
	for i := range m {
		m[i] = make(geo.Polygon, 1+r.IntN(3))
		for j := range m[i] {
			ring := make(geo.Ring, 3+r.IntN(6))
			for k := range ring {
				ring[k] = geo.Position{Lon: r.Int64N(360e10) - 180e10, Lat: r.Int64N(180e10) - 90e10}
				if r.IntN(4) == 0 {
					ring[k].Lon = ring[k].Lon / 1e8 * 1e8
				}
			}
			m[i][j] = append(ring, ring[0])
		}
	}
	return m
}

// Every position comes back exactly from the text.
func TestGeoJSONRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for range 500 {
		m := randomMultiPolygon(r)
		text := geo.AppendGeoJSON(nil, m)
		if !json.Valid(text) {
			t.Fatalf("not JSON: %s", text)
		}
		polygons, err := geo.ParseGeometry(text, geo.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		back, err := geo.CRS{}.MultiPolygon(polygons, geo.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, back); diff != "" {
			t.Fatal(diff)
		}
	}
}

// oracleGeometry reads a geometry with encoding/json, which has no limits.
func oracleGeometry(data []byte) ([][][]geo.XY, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return nil, err
	}
	if members == nil {
		return nil, nil
	}
	var kind string
	if err := json.Unmarshal(members["type"], &kind); err != nil {
		return nil, err
	}
	var polygons [][][][]float64
	switch kind {
	case "Polygon":
		var one [][][]float64
		if err := json.Unmarshal(members["coordinates"], &one); err != nil {
			return nil, err
		}
		polygons = append(polygons, one)
	case "MultiPolygon":
		if err := json.Unmarshal(members["coordinates"], &polygons); err != nil {
			return nil, err
		}
	case "GeometryCollection":
		var parts []json.RawMessage
		if err := json.Unmarshal(members["geometries"], &parts); err != nil {
			return nil, err
		}
		var all [][][]geo.XY
		for _, part := range parts {
			sub, err := oracleGeometry(part)
			if err != nil {
				return nil, err
			}
			all = append(all, sub...)
		}
		return all, nil
	default:
		return nil, errors.New("type")
	}
	var out [][][]geo.XY
	for _, rings := range polygons {
		var p [][]geo.XY
		for _, ring := range rings {
			var points []geo.XY
			for _, v := range ring {
				if len(v) < 2 {
					return nil, errors.New("position")
				}
				points = append(points, geo.XY{X: v[0], Y: v[1]})
			}
			p = append(p, points)
		}
		if len(p) > 0 {
			out = append(out, p)
		}
	}
	return out, nil
}

// What is accepted is JSON and reads the same with encoding/json.
func FuzzParseGeometry(f *testing.F) {
	f.Add([]byte(`{"type":"Polygon","coordinates":[[[1,2],[3,2,0],[3,4],[1,2]]]}`))
	f.Add([]byte(`{"coordinates":[[[[1,2],[3e1,2],[-3.5,4]]],[]],"type":"MultiPolygon","bbox":[1,2,"\u00e9"]}`))
	f.Add([]byte(`{"type":"GeometryCollection","geometries":[null,{"type":"Polygon","coordinates":[]}]}`))
	f.Add([]byte(`{"type":"Point","coordinates":[1,2]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		limits := geo.Limits{Vertices: 1000, Depth: 4}
		got, err := geo.ParseGeometry(data, limits)
		if err != nil {
			var e *geo.GeometryError
			if got != nil || !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(data) {
				t.Fatalf("%v, %v", got, err)
			}
			return
		}
		want, err := oracleGeometry(data)
		if err != nil {
			t.Fatalf("accepted, but %v", err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}
