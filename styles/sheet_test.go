package styles_test

import (
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/styles"
)

func TestDefault(t *testing.T) {
	s := styles.Default()
	var names []string
	for _, l := range s.Layers {
		names = append(names, l.Name)
	}
	want := []string{
		"dltb", "dltbgx", "quality", "soil", "target", "cropland", "contract", "estate", "forest", "grass", "arid", "fragile", "pbf", "hsf",
		"hsf-project", "reserve", "supplement", "approval", "change", "urban", "redline", "control-sheet", "control-village", "cjdcq", "region",
	}
	if d := cmp.Diff(want, names); d != "" {
		t.Errorf("layers in drawing order (-want +got):\n%s", d)
	}
	if l := s.Layer("region").Label; l == nil || l.Field != "XZQMC" {
		t.Errorf("region: got label %+v, want one of XZQMC", l)
	}
	if s.Order("salt") <= s.Order("dltb") || s.Order("salt") >= s.Order("cropland") {
		t.Error("an unknown layer must lie over dltb and under cropland")
	}
	if l := s.Layer("salt"); l.Name != "salt" || l.Title.Zh != "salt" || l.Fill.Color != s.Unknown.Fill.Color {
		t.Errorf("unknown layer: got %+v", l)
	}
}

// A code takes the class of the longest code that it begins with.
func TestFillOf(t *testing.T) {
	dltb, cropland := styles.Default().Layer("dltb"), styles.Default().Layer("cropland")
	tests := []struct {
		name, code string
		layer      styles.Layer
		want       string // the class's code, "" for the layer's own colour
	}{
		{"a class of its own", "0102", dltb, "0102"},
		{"the class above", "0404", dltb, "04"},
		{"a letter behind", "0201K", dltb, "02"},
		{"a letter inside", "05H1", dltb, "05"},
		{"farm facilities", "1202", dltb, "1202"},
		{"no such class", "99", dltb, ""},
		{"none", "", dltb, ""},
		{"shorter than any", "0", dltb, ""},
		{"cropland by two digits", "01", cropland, "01"},
		{"a code that cropland cannot have", "0301", cropland, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := tt.layer.Fill.Color
			if tt.want != "" {
				want = tt.layer.Classes[slices.IndexFunc(tt.layer.Classes, func(c styles.Class) bool { return c.Code == tt.want })].Fill
			}
			if got := fillOf(tt.layer, tt.code); got != want {
				t.Errorf("%q: got %v, want %v", tt.code, got, want)
			}
		})
	}
}

// sheet is a valid sheet of one layer, for planting faults.
const sheet = `
background: "#ffffff"
font: Sans
schemes: {s: [{code: "01", zh: 甲, en: A, fill: "#102030"}]}
layers:
  - name: a
    zh: 甲
    en: A
    classes: {field: F, scheme: s}
    fill: {color: "#112233", opacity: {4: 0.5, 8: 1}}
    hatch: {color: "#112233", width: 1}
    line: {color: "#112233", width: 1, dash: [2, 1]}
    label: {field: N, color: "#000000", halo: "#ffffff", halo_width: 1, size: 12}
unknown: {fill: {color: "#112233", opacity: 1}, line: {color: "#112233", width: 1}}
`

func TestParse(t *testing.T) {
	s, err := styles.Parse([]byte(sheet))
	if err != nil {
		t.Fatal(err)
	}
	l := s.Layer("a")
	if l.Line.Opacity.At(3) != 1 || l.Hatch.Spacing != 8 || l.Fill.Opacity.At(6) != 0.75 || l.Fill.Color.String() != "#112233" {
		t.Errorf("got %+v", l)
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct {
		name, old, new, want string
	}{
		{"nothing", sheet, "", "empty"},
		{"no YAML", "background", "]", "yaml"},
		{"a key that does not exist", "halo_width", "halowidth", "halowidth"},
		{"a colour by name", `"#112233", opacity: {`, `"red", opacity: {`, "red"},
		{"a short colour", `"#112233", opacity: {`, `"#123", opacity: {`, "#123"},
		{"no background", `background: "#ffffff"`, "", "background"},
		{"opacity above 1", "8: 1}", "8: 1.5}", "1.5"},
		{"opacity that is no number", "8: 1}", "8: .nan}", "NaN"},
		{"a zoom that is no number", "8: 1}", ".nan: 1}", "zoom"},
		{"a zoom beyond the last", "8: 1}", "25: 1}", "25"},
		{"no opacity", `, opacity: {4: 0.5, 8: 1}`, "", "opacity is missing"},
		{"a width below 0", `width: 1, dash`, `width: -1, dash`, "-1"},
		{"half a dash pattern", "[2, 1]", "[2]", "even"},
		{"a dash without length", "[2, 1]", "[0, 0]", "dash length 0"},
		{"a scheme that does not exist", "scheme: s", "scheme: t", "scheme"},
		{"no class within", "scheme: s", `scheme: s, within: "9"`, "within"},
		{"a class twice", `fill: "#102030"}`, `fill: "#102030"}, {code: "01", zh: 乙, en: B, fill: "#102030"}`, "twice"},
		{"a class without a name", `zh: 甲, en: A, fill`, `zh: 甲, fill`, "needs"},
		{"a name in capitals", "name: a", "name: A", "name"},
		{"no English title", "    en: A\n", "", "titles"},
		{"a hatch that does not join", "width: 1}\n    line", "width: 1, spacing: 7}\n    line", "spacing"},
		{"lines that run nowhere", "width: 1}\n    line", "width: 1, lines: round}\n    line", "round"},
		{"a hatch that fills all", "width: 1}\n    line", "width: 9}\n    line", "hatch width"},
		{"a label without a field", "field: N, ", "", "field"},
		{"a font list", "font: Sans", "font: 'A,B'", "font"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			planted := strings.Replace(sheet, tt.old, tt.new, 1)
			if planted == sheet {
				t.Fatal("the fault is not planted")
			}
			_, err := styles.Parse([]byte(planted))
			if !errors.Is(err, styles.ErrSheet) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want ErrSheet about %q", err, tt.want)
			}
		})
	}
}

func TestStopsAt(t *testing.T) {
	s := styles.Stops{{Zoom: 10, Value: 1}, {Zoom: 12, Value: 3}, {Zoom: 13, Value: 0}}
	for zoom, want := range map[float64]float64{-1: 1, 10: 1, 11: 2, 11.5: 2.5, 12: 3, 12.5: 1.5, 13: 0, 20: 0} {
		if got := s.At(zoom); got != want {
			t.Errorf("zoom %v: got %v, want %v", zoom, got, want)
		}
	}
	if got := (styles.Stops{}).At(5); got != 0 {
		t.Errorf("no stops: got %v, want 0", got)
	}
}

// What Parse takes must be drawable at every zoom: a style, a legend and a
// sprite come out, and every value is in its range.
func FuzzParse(f *testing.F) {
	f.Add([]byte(sheet))
	if b, err := os.ReadFile("styles.yaml"); err == nil {
		f.Add(b)
	}
	f.Add([]byte("layers: [{name: a}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := styles.Parse(data)
		if err != nil {
			if !errors.Is(err, styles.ErrSheet) {
				t.Fatalf("%v is no ErrSheet", err)
			}
			return
		}
		var shown []styles.Shown
		for _, l := range s.Layers {
			shown = append(shown, styles.Shown{Name: l.Name, MaxZoom: 14})
			for zoom := -2.0; zoom < 26; zoom += 0.5 {
				if o := l.Fill.Opacity.At(zoom); !(o >= 0 && o <= 1) {
					t.Fatalf("%s: opacity %v", l.Name, o)
				}
				if w := l.Line.Width.At(zoom); !(w >= 0) || math.IsInf(w, 0) {
					t.Fatalf("%s: width %v", l.Name, w)
				}
			}
		}
		if _, err := s.MapLibre(styles.StyleOptions{BaseURL: "http://h", Tier: "t", Layers: shown}); err != nil {
			t.Fatal(err)
		}
		if len(s.Legend(shown...)) != len(shown) {
			t.Fatal("the legend lacks a layer")
		}
		if _, _, err := s.Sprite(2); err != nil {
			t.Fatal(err)
		}
	})
}

// fillOf is the fill colour of a feature of l whose class field holds code.
func fillOf(l styles.Layer, code string) styles.Color {
	if i := l.ClassOf(code); i >= 0 {
		return l.Classes[i].Fill
	}
	return l.Fill.Color
}
