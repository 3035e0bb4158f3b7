package viewer_test

import (
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Modules are tried in the page itself, imported from the address that the page
// has them from.
func TestModules(t *testing.T) {
	in := browser(t)
	c := newContract(t)
	b := openMap(t, in, c.URL+"/?tier=government#tk="+governmentToken, desktop)
	base := c.URL + "/government/style.json"
	for _, test := range []struct {
		name, module, expression, want string
	}{
		{"opacity that the style leaves out", "layers", "m.scaled(undefined, 0.5)", "0.5"},
		{"a number", "layers", "m.scaled(0.8, 0.5)", "0.4"},
		{"by zoom, interpolated", "layers", "m.scaled(['interpolate', ['linear'], ['zoom'], 5, 0.2, 9, 1], 0.5)", `["interpolate",["linear"],["zoom"],5,0.1,9,0.5]`},
		{"by zoom, stepped", "layers", "m.scaled(['step', ['zoom'], 0.2, 9, ['get', 'o']], 0.5)", `["step",["zoom"],0.1,9,["*",0.5,["get","o"]]]`},
		{"by value", "layers", "m.scaled(['match', ['get', 'a'], 'b', 1, 0], 0.5)", `["*",0.5,["match",["get","a"],"b",1,0]]`},
		{"by stops", "layers", "m.scaled({stops: [[5, 1], [9, 0.5]]}, 0.5)", `{"stops":[[5,0.5],[9,0.25]]}`},

		{"relative addresses", "map", fmt.Sprintf("m.absolute({glyphs: 'fonts/{fontstack}/{range}.pbf', sources: {a: {tiles: ['/t/{z}/{x}/{y}.mvt', 'https://h/{z}']}}}, %q)", base),
			fmt.Sprintf(`{"glyphs":"%[1]s/government/fonts/{fontstack}/{range}.pbf","sources":{"a":{"tiles":["%[1]s/t/{z}/{x}/{y}.mvt","https://h/{z}"]}}}`, c.URL)},

		{"scale of 1", "status", "m.roundLength(1.99)", "1"},
		{"scale of 2", "status", "m.roundLength(4999)", "2000"},
		{"scale of 5", "status", "m.roundLength(50000)", "50000"},

		{"the token for the own tier", "api", fmt.Sprintf("m.authorize('%s/government/catalog')", c.URL), fmt.Sprintf(`{"Authorization":"Bearer %s"}`, governmentToken)},
		{"no token for another tier", "api", fmt.Sprintf("m.authorize('%s/public/catalog')", c.URL), "{}"},
		{"no token for another host", "api", "m.authorize('https://example.com/government/catalog')", "{}"},
		{"no token for a host that begins like ours", "api", fmt.Sprintf("m.authorize('%s/government/catalog')", strings.Replace(c.URL, "127.0.0.1", "127.0.0.1.example.com", 1)), "{}"},
		{"no token for our name as a user", "api", fmt.Sprintf("m.authorize('%s@example.com/government/')", c.URL), "{}"},
		{"no token by way of dots", "api", fmt.Sprintf("m.authorize('%s/government/../public/catalog')", c.URL), "{}"},

		{"a link", "permalink", "(({layers, ...l}) => [l, [...layers]])(m.readLink('#map=12.5/34.3/108.6&layers=a,b:40,c:900'))", `[{"zoom":12.5,"lon":108.6,"lat":34.3},[["a",1],["b",0.4],["c",1]]]`},
		{"a link that cannot be read", "permalink", "m.readLink('#map=x/200/1')", `{"layers":null}`},
		{"a link with nothing switched on", "permalink", "m.readLink('#layers=').layers.size", "0"},

		{"a slope grade", "format", "m.fieldText('GDPDJB', '2')", `"2 · 2°–6°"`},
		{"a class that may be restored", "format", "m.fieldText('DLBM', '0201K')", `"0201K · 果园（可调整）"`},
		{"a code is no number", "format", "m.fieldText('BSM', '610402200100000001')", `"610402200100000001"`},
		{"an area that is none", "format", "m.fieldText('TBMJ', 'x')", `"x"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := eval[string](t, b, fmt.Sprintf("import('%s/viewer/%s.js').then((m) => JSON.stringify(%s))", c.URL, test.module, test.expression))
			if got != test.want {
				t.Errorf("%s: got %s, want %s", test.expression, got, test.want)
			}
		})
	}
}

// The CSV holds every figure of the answer as it came, and is safe in a
// spreadsheet.
func TestCSV(t *testing.T) {
	in := browser(t)
	c := newContract(t)
	b := openMap(t, in, c.URL+"/", desktop)
	want := figures(1)
	text := eval[string](t, b, fmt.Sprintf("import('./viewer/csv.js').then((m) => m.csv(%s, (name) => name === 'pbf' ? '=1+\"2\"' : name))", jsonOf(t, want)))
	text, found := strings.CutPrefix(text, "\ufeff")
	if !found {
		t.Error("no byte order mark")
	}
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := map[string]int{}
	for k, name := range rows[0] {
		column[name] = k
	}
	sum, kinds := 0.0, map[string]int{}
	for _, row := range rows[1:] {
		kinds[row[column["kind"]]]++
		area, err := strconv.ParseFloat(row[column["area_m2"]], 64)
		if err != nil {
			t.Fatal(err)
		}
		if row[column["kind"]] == "combination" {
			sum += area
		}
		if row[column["layer"]] == "pbf" && row[column["kind"]] == "layer" && row[column["title"]] != "'=1+\"2\"" {
			t.Errorf("a title that is a formula: %q", row[column["title"]])
		}
		if row[column["generation"]] != generation {
			t.Errorf("generation %q", row[column["generation"]])
		}
	}
	if diff := cmp.Diff(map[string]int{"aoi": 1, "layer": 3, "class": 2, "combination": 5}, kinds); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if aoi := want["aoi"].(map[string]any)["area_m2"].(float64); fmt.Sprintf("%.2f", sum) != fmt.Sprintf("%.2f", aoi) {
		t.Errorf("combinations add up to %.2f, want %.2f", sum, aoi)
	}
}

// What is wrong with a shape or with single features is said, sums that do not
// agree are shown as such, and text from data is text.
func TestReport(t *testing.T) {
	in := browser(t)
	c := newContract(t)
	b := openMap(t, in, c.URL+"/", desktop)
	odd := figures(1)
	aoi := odd["aoi"].(map[string]any)
	aoi["mended"], aoi["problems"] = true, []any{map[string]any{"code": "RING_CROSSES", "zh": "环自相交", "en": "ring crosses itself"}, "AOI_OUTSIDE"}
	aoi["area_m2"] = aoi["area_m2"].(float64) - 100
	layer := odd["layers"].([]any)[0].(map[string]any)
	layer["gross_area_m2"] = layer["area_m2"].(float64) + 5
	layer["groups"] = []any{map[string]any{"DLBM": `<img src=x onerror="document.title='hacked'">`, "features": 1, "area_m2": 1, "net_m2": nil}}
	odd["failed"] = []any{map[string]any{"layer": "pbf", "id": 17, "code": "GEOMETRY", "zh": "图形无效", "en": "geometry not valid"}}
	c.answerNext(odd)
	eval[any](t, b, "gengtu.drawPolygon("+square+")")
	eval[bool](t, b, "(document.querySelector('.failed').open = true)")
	got := b.text(t, "overlay-panel")
	for _, want := range []string{"环自相交", "RING_CROSSES", "没有所选图层的数据", "相差 100.00 平方米", "重叠重复计", "<img src=x", "图形无效", "未能计算的图斑（1）"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in %q", want, got)
		}
	}
	if title := eval[string](t, b, "document.title"); !strings.Contains(title, "耕图") {
		t.Errorf("title: %q", title)
	}
	checkWidth(t, b)
	b.picture(t, "report-odd")
}
