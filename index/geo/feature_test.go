package geo_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"gengtu/index/geo"
)

// describe reads a text and writes what each feature is, for comparisons.
func describe(text string, limits geo.Limits) (string, bool, error) {
	var out []string
	many, err := geo.ParseFeatures([]byte(text), limits, func(f *geo.Feature) error {
		what := fmt.Sprintf("%s|%s|%d", f.ID, f.Properties, len(f.Polygons))
		switch {
		case f.Err != nil:
			var g *geo.GeometryError
			errors.As(f.Err, &g)
			what += "|" + g.Kind.Error()
		case f.NoGeometry:
			what += "|none"
		}
		out = append(out, what)
		return nil
	})
	return strings.Join(out, " "), many, err
}

func TestParseFeatures(t *testing.T) {
	const square = `{"type":"Polygon","coordinates":[[[1,2],[3,2],[3,4],[1,2]]]}`
	for _, c := range []struct {
		name, text, want string
		many             bool
	}{
		{"a geometry", square, "||1", false},
		{"a geometry whose type comes last", `{"coordinates":[[[1,2],[3,2],[3,4],[1,2]]],"type":"Polygon"}`, "||1", false},
		{"null", ` null `, "||0|none", false},
		{"a feature", `{"type":"Feature","id":7,"properties":{"a":[1, 2]},"geometry":` + square + `}`, `7|{"a":[1, 2]}|1`, false},
		{"members in another order", `{"geometry":` + square + `,"properties":null,"x":[{}],"id":"a\"","type":"Feature"}`, `"a\""|null|1`, false},
		{"a feature without a geometry", `{"type":"Feature","properties":{}}`, "|{}|0|none", false},
		{"a collection whose type comes last", `{"features":[{"geometry":` + square + `,"type":"Feature","id":1},` + square + `],"type":"FeatureCollection"}`, "1||1 ||1", true},
		{"a collection with an id", `{"type":"FeatureCollection","id":9,"features":[{"type":"Feature","geometry":null}]}`, "||0|none", true},
		{"a collection of none", `{"type":"FeatureCollection","features":[]}`, "", true},
		{"bad ones among good ones", `{"type":"FeatureCollection","features":[{"type":"Feature","id":1,"geometry":{"type":"Point","coordinates":[1,2]}},7,null,{"type":"Feature","id":2,"geometry":` + square + `}]}`,
			"1||0|" + geo.ErrGeometryType.Error() + " ||0|" + geo.ErrGeometrySyntax.Error() + " ||0|none 2||1", true},
		{"a member twice", `{"type":"FeatureCollection","features":[{"type":"Feature","geometry":null,"geometry":` + square + `},{"type":"Feature","geometry":` + square + `,"geometry":null},{"id":1,"type":"Feature","id":2}]}`,
			"||0|" + geo.ErrGeometrySyntax.Error() + " ||0|" + geo.ErrGeometrySyntax.Error() + " 2||0|" + geo.ErrGeometrySyntax.Error(), true},
	} {
		got, many, err := describe(c.text, geo.Limits{})
		if err != nil || got != c.want || many != c.many {
			t.Errorf("%s: got %q, many %v, %v; want %q", c.name, got, many, err, c.want)
		}
	}
	for name, text := range map[string]string{
		"empty": "", "a text": `"x"`, "an array": `[` + square + `]`, "something behind": square + `{}`, "half": square[:30],
		"features that are no array": `{"type":"FeatureCollection","features":{}}`, "no features": `{"type":"FeatureCollection"}`,
		"features twice": `{"type":"FeatureCollection","features":[],"features":[]}`, "NaN": `{"type":"Polygon","coordinates":[[[NaN,1],[2,3],[4,5]]]}`,
		"a broken member behind": `{"type":"Feature","geometry":` + square + `,"properties":{]}`,
	} {
		if got, _, err := describe(text, geo.Limits{}); !errors.Is(err, geo.ErrGeometrySyntax) {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	two := `{"type":"FeatureCollection","features":[{"type":"Feature","geometry":` + square + `},{"type":"Feature","geometry":` + square + `}]}`
	if _, _, err := describe(two, geo.Limits{Vertices: 7}); !errors.Is(err, geo.ErrGeometryLimit) {
		t.Errorf("eight positions within seven: %v", err)
	}
	if _, _, err := describe(two, geo.Limits{Vertices: 8}); err != nil {
		t.Errorf("eight positions within eight: %v", err)
	}
	stop := errors.New("stop")
	if _, err := geo.ParseFeatures([]byte(two), geo.Limits{}, func(*geo.Feature) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("yield's error came back as %v", err)
	}
}

func TestParseMembers(t *testing.T) {
	var got []string
	add := func(name string, value []byte) error {
		got = append(got, name+"="+string(value))
		return nil
	}
	if err := geo.ParseMembers([]byte(` {"a" : [1, {}] ,"b":"x" , "\u0061":null}`), add); err != nil || strings.Join(got, ";") != `a=[1, {}];b="x";a=null` {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{"", "[]", "{", `{"a":}`, `{"a":1}x`, `{"a":01}`} {
		if err := geo.ParseMembers([]byte(bad), add); !errors.Is(err, geo.ErrGeometrySyntax) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// What is read is JSON, the members are those that encoding/json finds, and JSON
// objects are read.
func TestParseCRSMembers(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"none", `{"type":"Point"}`, ""},
		{"of a collection", `{"crs":{"a":1},"features":[]}`, `{"a":1}`},
		{"behind the features", `{"features":[{}],"crs" : "x" }`, `"x"`},
		{"of each", `{"features":[{"crs":1,"geometry":{"crs":2,"geometries":[{"crs":3},7]}},{"crs":4}],"crs":5}`, "1 2 3 4 5"},
		{"escaped", `{"\u0063rs":null}`, "null"},
		{"in properties", `{"properties":{"crs":1},"geometry":{"coordinates":[{"crs":2}]}}`, ""},
		{"no object", `["crs"]`, ""},
	} {
		var got []string
		err := geo.ParseCRSMembers([]byte(c.text), func(v []byte) error { got = append(got, string(v)); return nil })
		if g := strings.Join(got, " "); err != nil || g != c.want {
			t.Errorf("%s: %q, %v, want %q", c.name, g, err, c.want)
		}
	}
	for _, bad := range []string{`{"crs":`, `{"features":[{"crs"}]}`, `{"geometry":` + strings.Repeat(`{"geometry":`, 1e5)} {
		if err := geo.ParseCRSMembers([]byte(bad+" \"crs\""), func([]byte) error { return nil }); err == nil {
			t.Errorf("%.40s is taken", bad)
		}
	}
}

func FuzzParseCRSMembers(f *testing.F) {
	for _, t := range []string{`{"crs":{"a":1},"features":[{"crs":null,"geometry":{"geometries":[{"crs":"x"}]}}]}`, `{"\u0063rs":1}`, `{"features":{"crs":1}}`, `{"crs":`, `["crs"]`} {
		f.Add([]byte(t))
	}
	// What is given is JSON and part of the text, never more of it than there is.
	f.Fuzz(func(t *testing.T, data []byte) {
		length := 0
		if err := geo.ParseCRSMembers(data, func(v []byte) error {
			if length += len(v); !json.Valid(bytes.ToValidUTF8(v, nil)) || !bytes.Contains(data, v) {
				t.Errorf("%q is given", v)
			}
			return nil
		}); err != nil && !errors.Is(err, geo.ErrGeometrySyntax) && !errors.Is(err, geo.ErrGeometryLimit) {
			t.Errorf("error %v", err)
		}
		if length > len(data) {
			t.Errorf("%d bytes of %d are given", length, len(data))
		}
	})
}

func FuzzParseFeatures(f *testing.F) {
	const square = `{"type":"Polygon","coordinates":[[[1,2],[3,2],[3,4],[1,2]]]}`
	for _, s := range []string{square, `null`, `{"type":"Feature","id":"a","properties":{"b":1e9},"geometry":` + square + `}`, `{"features":[{"geometry":` + square + `,"type":"Feature"},7,null],"type":"FeatureCollection"}`, `{"type":"GeometryCollection","geometries":[` + square + `]}`, `{"id":1,"id":2}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var first *geo.Feature
		n := 0
		many, err := geo.ParseFeatures(data, geo.Limits{Vertices: 100}, func(f *geo.Feature) error {
			if n++; n == 1 {
				g := *f
				first = &g
			}
			if f.Err != nil && f.Polygons != nil {
				t.Fatalf("a feature with an error has polygons: %v", f.Err)
			}
			return nil
		})
		var object struct {
			Type           string
			ID, Properties json.RawMessage
			Features       json.RawMessage
		}
		if err == nil && !json.Valid(data) {
			t.Fatal("read what is no JSON")
		}
		if err != nil && !errors.Is(err, geo.ErrGeometryLimit) && json.Valid(data) && bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) &&
			json.Unmarshal(data, &object) == nil && object.Type != "FeatureCollection" {
			t.Fatalf("JSON is not read: %v", err)
		}
		// encoding/json matches names without regard to case; ours are exact.
		var exact map[string]json.RawMessage
		if err == nil && !many && first.Err == nil && json.Unmarshal(data, &exact) == nil {
			if string(exact["id"]) != string(first.ID) || string(exact["properties"]) != string(first.Properties) {
				if !bytes.ContainsRune(data, '\uFFFD') && json.Valid(bytes.ToValidUTF8(data, nil)) && bytes.Equal(data, bytes.ToValidUTF8(data, nil)) {
					t.Fatalf("id %s, properties %s", first.ID, first.Properties)
				}
			}
		}
	})
}
