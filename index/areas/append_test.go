package areas_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"gengtu/index/areas"
	"gengtu/index/geo"
	"gengtu/index/problem"
)

// texts are what a writer of JSON may go wrong at.
var texts = []string{"", "cropland", "耕地", "a\"b\\c", "<&>", "\x00\x1f\x7f\b\f\n\r\t", "\u2028\u2029", "\xff\xc3", "𠀀", "é\xe2\x80", "=1+1"}

var numbers = []float64{0, math.Copysign(0, -1), 1, -1, 0.0001, 1234.5678, 1e-6, 9.9e-7, 1.5e-10, 1e15, 1e20, 1e21, 1.5e300, 999999999999999, 2.0000000000000004e15, math.MaxFloat64, math.SmallestNonzeroFloat64}

// fill sets every field of v, so that none that is added later stays unseen.
func fill(rng *rand.Rand, v reflect.Value) {
	if v.Type() == reflect.TypeFor[*problem.Problem]() {
		v.Set(reflect.ValueOf(problem.New("CODE", "中<文", "en\"glish").Advise("改", "do %d", 1).In("f").At(3, "k")))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(texts[rng.IntN(len(texts))])
	case reflect.Float64:
		v.SetFloat(numbers[rng.IntN(len(numbers))])
		if rng.IntN(3) == 0 {
			v.SetFloat(math.Round(rng.Float64()*1e10) / 1e4)
		}
	case reflect.Int, reflect.Int64:
		v.SetInt(rng.Int64N(1 << 40))
	case reflect.Uint64:
		v.SetUint(rng.Uint64N(1 << 53))
	case reflect.Bool:
		v.SetBool(rng.IntN(2) == 0)
	case reflect.Pointer:
		if rng.IntN(4) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(rng, v.Elem())
		}
	case reflect.Slice:
		n := rng.IntN(4)
		if n == 3 {
			return // nil
		}
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(rng, v.Index(i))
		}
	case reflect.Map:
		if rng.IntN(4) == 0 {
			return
		}
		v.Set(reflect.MakeMap(v.Type()))
		for range rng.IntN(4) {
			k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(rng, k)
			fill(rng, e)
			v.SetMapIndex(k, e)
		}
	case reflect.Interface:
		v.Set(reflect.ValueOf([]any{"0101", int64(-7), 2.5, true, "<"}[rng.IntN(5)]))
	case reflect.Struct:
		for i := range v.NumField() {
			fill(rng, v.Field(i))
		}
		if g, ok := v.Addr().Interface().(*areas.Group); ok {
			g.Fields, g.Values = []string{"DLBM", "耕<"}, []any{nil, nil}
			fill(rng, reflect.ValueOf(&g.Values[0]).Elem())
		}
	default:
		panic("a kind that no answer has: " + v.Kind().String())
	}
}

// What is appended is what encoding/json writes by reflection, whatever the
// fields hold; a field of an answer that is not written turns this red.
func TestAppendJSON(t *testing.T) {
	for seed := range uint64(3000) {
		rng := rand.New(rand.NewPCG(21, seed))
		var a areas.Answer
		fill(rng, reflect.ValueOf(&a).Elem())
		want, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.AppendJSON([]byte("x")); string(got[1:]) != string(want) {
			t.Fatalf("seed %d:\n got %s\nwant %s", seed, got[1:], want)
		}
		r := areas.Result{Answer: &a, ID: json.RawMessage(` "<\u00e9\"\\" `), Properties: json.RawMessage("{ \"a b\" :\t[1, \"\u2028 & \\\" \"],\r\n\"c\":null }")}
		if seed%3 == 0 {
			r = areas.Result{Problem: problem.New("X", "甲", "a"), ID: json.RawMessage(`7`)}
		}
		want, err = json.Marshal(r) // which compacts, escapes and checks the JSON
		if got := r.AppendJSON(nil); err != nil || string(got) != string(want) {
			t.Fatalf("seed %d: %v\n got %s\nwant %s", seed, err, got, want)
		}
	}
}

// Groups and pieces, whose members are put together by hand, are what
// encoding/json writes of structs and maps with those members.
func TestAppendJSONOfParts(t *testing.T) {
	for seed := range uint64(3000) {
		rng := rand.New(rand.NewPCG(22, seed))
		var g areas.Group
		fill(rng, reflect.ValueOf(&g).Elem())
		got, err := json.Marshal(g)
		if err != nil {
			t.Fatal(err)
		}
		members := map[string]any{
			"features": g.Count, "area_m2": g.AreaM2, "area_mu": g.AreaMu, "patch_m2": g.PatchM2, "net_m2": g.NetM2, "net_mu": g.NetMu,
		}
		for i, f := range g.Fields {
			members[f] = g.Values[i]
		}
		sameMembers(t, seed, got, members)
		var p areas.Piece
		fill(rng, reflect.ValueOf(&p).Elem())
		if got, err = json.Marshal(p); err != nil {
			t.Fatal(err)
		}
		members = map[string]any{
			"id": p.ID, "area_m2": p.AreaM2, "patch_m2": p.PatchM2, "net_m2": p.NetM2, "geometry": json.RawMessage(geo.AppendGeoJSON(nil, p.Shape)),
		}
		if p.Code != "" {
			members["code"] = p.Code
		}
		if p.SurveyM2 != nil {
			members["survey_m2"] = p.SurveyM2
		}
		sameMembers(t, seed, got, members)
	}
	// One for each field that is written: what is added is to be written as well.
	if n, m := reflect.TypeFor[areas.Group]().NumField(), reflect.TypeFor[areas.Piece]().NumField(); n != 8 || m != 7 {
		t.Errorf("a group has %d fields and a piece %d", n, m)
	}
}

// sameMembers compares JSON with the members that it must have, each as
// encoding/json writes it.
func sameMembers(t *testing.T, seed uint64, got []byte, want map[string]any) {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal(got, &members); err != nil {
		t.Fatalf("seed %d: %v: %s", seed, err, got)
	}
	for name, v := range want {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if string(members[name]) != string(text) {
			t.Fatalf("seed %d: member %q is %s, want %s", seed, name, members[name], text)
		}
	}
	if len(members) != len(want) {
		t.Fatalf("seed %d: %d members, want %d: %s", seed, len(members), len(want), got)
	}
}

// An answer of the default question over three layers with eight combinations,
// as most requests get.
func defaultAnswer() *areas.Answer {
	v := func(x float64) *float64 { return &x }
	a := &areas.Answer{Generation: "g0123456789abcdef", Program: "gengtu 1.0", Tier: "secure", Formula: areas.Formula, Failed: []areas.Failed{}}
	a.AOI = areas.AOI{AreaM2: 12034567.8912, AreaMu: 18051.8518, AreaHa: 1203.456789, Problems: []*problem.Problem{}}
	for i, n := range areas.DefaultLayers {
		m2 := 6034567.8912 / float64(i+1)
		a.Layers = append(a.Layers, areas.Layer{
			Layer: n, Vintage: "2024", Count: 1835, AreaM2: m2, AreaMu: m2 * 0.0015, AreaHa: m2 / 1e4,
			PatchM2: v(m2 * 0.99), NetM2: v(m2 * 0.93), NetMu: v(m2 * 0.93 * 0.0015), GrossM2: m2,
		})
	}
	for mask := range 8 {
		c := areas.Combination{Inside: []string{}, Outside: []string{}, NetM2: map[string]*float64{}, AreaM2: 1234567.1234 * float64(mask+1)}
		for i, n := range areas.DefaultLayers {
			if mask&(1<<i) == 0 {
				c.Outside = append(c.Outside, n)
				continue
			}
			c.Inside = append(c.Inside, n)
			c.NetM2[n] = v(c.AreaM2 * 0.9331)
		}
		a.Combinations = append(a.Combinations, c)
	}
	return a
}

func BenchmarkAppendJSON(b *testing.B) {
	a := defaultAnswer()
	buf := a.AppendJSON(nil)
	b.ReportAllocs()
	for b.Loop() {
		buf = a.AppendJSON(buf[:0])
	}
}

func BenchmarkAppendJSONMarshal(b *testing.B) {
	a := defaultAnswer()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := json.Marshal(a); err != nil {
			b.Fatal(err)
		}
	}
}

// roundShape is a polygon of n positions around a place, as GeoJSON.
func roundShape(n int, lon, lat, radius float64) string {
	var ring geo.Ring
	for i := range n - 1 {
		s, c := math.Sincos(2 * math.Pi * float64(i) / float64(n-1))
		ring = append(ring, geo.PositionOf(geo.LonLat{Lon: lon + radius*c, Lat: lat + radius*s}))
	}
	return string(geo.AppendGeoJSON(nil, geo.MultiPolygon{{append(ring, ring[0])}}))
}

func BenchmarkParseShapes(b *testing.B) {
	plots := []byte(`{"type":"FeatureCollection","features":[`)
	for i := range 5000 {
		if i > 0 {
			plots = append(plots, ',')
		}
		plots = append(plots, `{"type":"Feature","id":"P`+string(rune('A'+i%26))+`","properties":{"name":"地块"},"geometry":`+roundShape(64, 108+float64(i%100)/100, 34+float64(i/100)/100, 0.0021)+`}`...)
	}
	plots = append(plots, "]}"...)
	for _, c := range []struct {
		name string
		body []byte
	}{{"one=64", []byte(roundShape(64, 108.7, 34.3, 0.0213))}, {"plots=5000", plots}} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := areas.ParseShapes(c.body, areas.Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
