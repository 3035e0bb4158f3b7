package analyze

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gengtu/index/areas"
	"gengtu/index/geo"
	"gengtu/index/problem"
)

// Whatever a file of rules says, it is refused with a problem of its kind, or every
// threshold in it is a number, and its version is that of the bytes.
func FuzzParseRules(f *testing.F) {
	f.Add(rulesYAML)
	f.Add([]byte("version: x\n"))
	f.Add([]byte("version: &a x\nslivers: *a\n"))
	lines := bytes.SplitAfter(rulesYAML, []byte("\n"))
	for i, line := range lines {
		if at := bytes.Index(line, []byte("value: ")); at >= 0 {
			end := at + 7 + bytes.IndexAny(line[at+7:], ",}\n")
			for _, v := range []string{".nan", ".inf"} {
				changed := slices.Clone(lines)
				changed[i] = slices.Concat(line[:at+7], []byte(v), line[end:])
				f.Add(bytes.Join(changed, nil))
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ParseRules("rules.yaml", data)
		if err != nil {
			if p := problem.Of(err); p == nil || p.Code != rulesFile.Code {
				t.Fatal(err)
			}
			return
		}
		if sum := sha256.Sum256(data); r.Name == "" || r.Version != (Version{r.Name, hex.EncodeToString(sum[:])}) {
			t.Fatalf("%q has the version %+v", r.Name, r.Version)
		}
		if at := unsound(reflect.ValueOf(*r), "rules"); at != "" {
			t.Fatalf("%s is no number", at)
		}
	})
}

// unsound names the first floating-point number in v that is none, or without end.
func unsound(v reflect.Value, at string) string {
	switch v.Kind() {
	case reflect.Float64:
		if math.IsNaN(v.Float()) || math.IsInf(v.Float(), 0) {
			return at
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if bad := unsound(v.Field(i), at+"."+v.Type().Field(i).Name); bad != "" {
				return bad
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if bad := unsound(v.Index(i), at+"."+strconv.Itoa(i)); bad != "" {
				return bad
			}
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			if bad := unsound(v.MapIndex(k), at+"."+k.String()); bad != "" {
				return bad
			}
		}
	case reflect.Pointer:
		if !v.IsNil() {
			return unsound(v.Elem(), at)
		}
	}
	return ""
}

// Whatever a list of gaps says, it is refused with a problem, or is of 1 to 8 numbers from
// 0 to 1000 that rise, and is read again from these.
func FuzzParseGaps(f *testing.F) {
	for _, s := range []string{"0,5,10,20", "20, 5,5", "", ",", "1e3", "-0", "NaN", "0x1p-2", "1,2,3,4,5,6,7,8,9", "1001"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		gaps, err := parseGaps(value)
		if err != nil {
			if problem.Of(err) == nil {
				t.Fatal(err)
			}
			return
		}
		if len(gaps) < 1 || len(gaps) > 8 || !(gaps[0] >= 0) || !(gaps[len(gaps)-1] <= 1000) || math.Signbit(gaps[0]) {
			t.Fatalf("%q is %v", value, gaps)
		}
		var words []string
		for i, g := range gaps {
			if i > 0 && !(g > gaps[i-1]) {
				t.Fatalf("%q is %v", value, gaps)
			}
			words = append(words, strconv.FormatFloat(g, 'g', -1, 64))
		}
		if again, err := parseGaps(strings.Join(words, ",")); err != nil || !slices.Equal(again, gaps) {
			t.Fatalf("%v is read again as %v: %v", gaps, again, err)
		}
	})
}

// Whatever a file of shapes holds, it is refused with a problem that names it, or each
// shape has its name, and the coordinate system that was named, if one was.
func FuzzReadShapes(f *testing.F) {
	const ring = `{"type":"Polygon","coordinates":[[[108.5,34],[108.6,34],[108.6,34.1],[108.5,34]]]}`
	for _, s := range []string{
		ring, ring + "\n" + ring, "\x1e" + ring + "\n", `{"type":"FeatureCollection","crs":{"type":"name","properties":{"name":"EPSG:4524"}},"features":[{"type":"Feature","properties":{},"geometry":` + ring + `}]}`,
		"[属性描述]\n坐标系=2000国家大地坐标系\n几度分带=3\n投影类型=高斯克吕格\n计量单位=米\n带号=36\n[地块坐标]\n4,1.0000,1,一号地块,面,,用地,0101,@\nJ1,1,3770000,36500000\nJ2,1,3770100,36500000\nJ3,1,3770100,36500100\nJ1,1,3770000,36500000\n",
		"[属性描述]\n", "", "{",
	} {
		f.Add([]byte(s))
	}
	zone, err := geo.EPSG(4524)
	if err != nil {
		f.Fatal(err)
	}
	lim := areas.Limits{Features: 20, Vertices: 1000}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, crs := range []*geo.CRS{nil, &zone} {
			shapes, err := ReadShapes("a/甲", data, crs, lim)
			if err != nil {
				if p := problem.Of(err); p == nil || p.File != "甲" {
					t.Fatal(err)
				}
				continue
			}
			if len(shapes) > lim.Features {
				t.Fatalf("%d shapes", len(shapes))
			}
			for i := range shapes {
				if shapes[i].File != "甲" || crs != nil && shapes[i].CRS != zone {
					t.Fatalf("shape %d of %q is in %v", i, shapes[i].File, shapes[i].CRS)
				}
			}
		}
	})
}
