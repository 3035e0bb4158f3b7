package styles_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"image/png"
	"math"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/styles"
)

// options is a style of everything that a style can have.
func options() styles.StyleOptions {
	return styles.StyleOptions{
		Name: "耕图", BaseURL: "https://map.example.cn/gengtu/", Tier: "secure",
		Query: url.Values{"tk": {"a b&c"}},
		Layers: []styles.Shown{
			{Name: "region", MinZoom: 4, MaxZoom: 12, LineZoom: 9},
			{Name: "hsf", MinZoom: 5, MaxZoom: 14},
			{Name: "salt", MinZoom: 5, MaxZoom: 14},
			{Name: "cropland", MinZoom: 5, MaxZoom: 14},
			{Name: "pbf", MinZoom: 5, MaxZoom: 14},
			{Name: "dltb", MinZoom: 5, MaxZoom: 14},
		},
		ParcelZoom:  12,
		Extent:      styles.Extent{MinLon: 108.6, MinLat: 34.3, MaxLon: 108.7, MaxLat: 34.4},
		Attribution: "某县自然资源局 <a>", Approval: "陕S（2024）001号",
	}
}

// read is a style as a client reads it.
type read struct {
	Version int
	Zoom    float64
	Center  []float64
	Sprite  string
	Glyphs  string
	Sources map[string]struct {
		Type             string
		Tiles            []string
		MinZoom, MaxZoom int
		Bounds           []float64
		Attribution      string
	}
	Layers []struct {
		ID, Type, Source string
		SourceLayer      string `json:"source-layer"`
		MinZoom          int
		Layout, Paint    map[string]any
	}
}

func style(t *testing.T, opt styles.StyleOptions) read {
	t.Helper()
	b, err := styles.Default().MapLibre(opt)
	if err != nil {
		t.Fatal(err)
	}
	var r read
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestMapLibreLayers(t *testing.T) {
	r := style(t, options())
	var ids []string
	for _, l := range r.Layers {
		ids = append(ids, l.ID)
		if src, ok := r.Sources[l.Source]; l.Type != "background" && (!ok || !strings.Contains(src.Tiles[0], l.SourceLayer)) {
			t.Errorf("%s: source %q does not carry %q", l.ID, l.Source, l.SourceLayer)
		}
		want := map[bool]int{true: 12}[l.Type == "line"]
		if l.ID == "region-line" {
			want = 9
		}
		if l.MinZoom != want {
			t.Errorf("%s: minzoom %d, want %d", l.ID, l.MinZoom, want)
		}
	}
	want := []string{
		"background", "dltb-fill", "salt-fill", "cropland-fill", "pbf-fill", "hsf-fill", "hsf-hatch", "region-fill",
		"dltb-line", "salt-line", "cropland-line", "pbf-line", "hsf-line", "region-line", "region-label",
	}
	if d := cmp.Diff(want, ids); d != "" {
		t.Errorf("layers (-want +got):\n%s", d)
	}
}

// Every address must be absolute, in the tier, and carry the caller's token.
func TestMapLibreAddresses(t *testing.T) {
	r := style(t, options())
	got := []string{r.Sprite, r.Glyphs}
	for _, key := range []string{"gengtu-5-14", "gengtu-4-12"} {
		src := r.Sources[key]
		got = append(got, src.Tiles...)
		if want := "某县自然资源局 &lt;a&gt; | 陕S（2024）001号"; src.Attribution != want {
			t.Errorf("%s: attribution %q, want %q", key, src.Attribution, want)
		}
	}
	const base = "https://map.example.cn/gengtu/secure/"
	want := []string{
		base + "sprites/map?tk=a+b%26c",
		base + "fonts/{fontstack}/{range}.pbf?tk=a+b%26c",
		base + "tiles/dltb,salt,cropland,pbf,hsf/w/{z}/{x}/{y}.mvt?tk=a+b%26c",
		base + "tiles/region/w/{z}/{x}/{y}.mvt?tk=a+b%26c",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if src := r.Sources["gengtu-4-12"]; len(r.Sources) != 2 || src.MinZoom != 4 || src.MaxZoom != 12 || src.Type != "vector" {
		t.Errorf("got sources %+v", r.Sources)
	}
}

// eval evaluates the part of MapLibre's expressions that a style uses, from the
// specification.
func eval(t *testing.T, e any, zoom float64, tags map[string]any) any {
	t.Helper()
	list, ok := e.([]any)
	if !ok {
		return e
	}
	arg := func(i int) any { return eval(t, list[i], zoom, tags) }
	switch list[0] {
	case "get":
		return tags[list[1].(string)]
	case "to-string":
		if s, ok := arg(1).(string); ok {
			return s
		}
		return ""
	case "slice":
		s, from, to := arg(1).(string), int(arg(2).(float64)), int(arg(3).(float64))
		return s[min(from, len(s)):min(to, len(s))]
	case "match":
		in := arg(1)
		for i := 2; i+1 < len(list); i += 2 {
			if list[i] == in {
				return arg(i + 1)
			}
		}
		return arg(len(list) - 1)
	case "interpolate":
		for i := 3; i < len(list); i += 2 {
			z1, v1 := list[i].(float64), list[i+1].(float64)
			if zoom <= z1 {
				if i == 3 {
					return v1
				}
				z0, v0 := list[i-2].(float64), list[i-1].(float64)
				return v0 + (v1-v0)*(zoom-z0)/(z1-z0)
			}
		}
		return list[len(list)-1]
	}
	t.Fatalf("unknown expression %v", list[0])
	return nil
}

// The style's expressions must say what the painter of pictures reads from the
// sheet: two ways to one look.
func TestMapLibreIsTheSheet(t *testing.T) {
	for _, l := range style(t, options()).Layers {
		look := styles.Default().Layer(l.SourceLayer)
		for zoom := 3.0; zoom < 20; zoom += 0.25 {
			switch l.Type {
			case "fill":
				want := look.Fill.Opacity.At(zoom)
				if strings.HasSuffix(l.ID, "-hatch") {
					want = look.Hatch.Opacity.At(zoom)
				}
				if got := eval(t, l.Paint["fill-opacity"], zoom, nil).(float64); math.Abs(got-want) > 1e-12 {
					t.Errorf("%s zoom %v: opacity %v, want %v", l.ID, zoom, got, want)
				}
			case "line":
				if got, want := eval(t, l.Paint["line-width"], zoom, nil).(float64), look.Line.Width.At(zoom); math.Abs(got-want) > 1e-12 {
					t.Errorf("%s zoom %v: width %v, want %v", l.ID, zoom, got, want)
				}
			}
		}
		if !strings.HasSuffix(l.ID, "-fill") {
			continue
		}
		for _, code := range []any{"0101", "0103", "01", "0201K", "0404", "05H1", "1104A", "1202", "1203", "99", "0", "", nil, 101.0} {
			s, _ := code.(string)
			if got, want := eval(t, l.Paint["fill-color"], 12, map[string]any{"DLBM": code}), fillOf(look, s).String(); got != want {
				t.Errorf("%s %v: got %v, want %v", l.ID, code, got, want)
			}
		}
	}
}

// A border that MapLibre paints for the parcels on both sides has as much colour, to a
// quarter, as on
// a picture tile, which has it once. The oracle adds MapLibre's ramps up (line.fragment.glsl:
// coverage at d pixels from the middle is w/2 + 1/2 - d, within [0, 1]).
func TestMapLibreOutlines(t *testing.T) {
	seen := 0
	for _, l := range style(t, options()).Layers {
		look := styles.Default().Layer(l.SourceLayer).Line
		if l.Type != "line" || len(look.Dash) > 0 || look.Opacity.At(15) == 1 {
			continue // two parcels on a border, neither opaque
		}
		seen++
		for zoom := 12.0; zoom <= 18; zoom += 0.5 {
			opacity, width := eval(t, l.Paint["line-opacity"], zoom, nil).(float64), look.Width.At(zoom)
			const step = 1.0 / 1024
			painted := 0.0
			for d := step / 2; d < width/2+0.5; d += step {
				once := opacity * min(1, width/2+0.5-d)
				painted += 2 * step * (1 - (1-once)*(1-once))
			}
			if want := width * look.Opacity.At(zoom); math.Abs(painted/want-1) > 0.25 {
				t.Errorf("%s zoom %v: a border %v wide has the colour of %.3f pixels, want %.3f", l.ID, zoom, width, painted, want)
			}
		}
	}
	if seen < 3 {
		t.Errorf("%d layers have such outlines", seen)
	}
}

// Without a grade of their own features look alike in a style: its legend says that
// merged shapes are among them, but where these are made by the style's own field.
func TestLegendOfMergedShapes(t *testing.T) {
	last := func(style, layer, field string) string {
		entries := styles.Default().Style(style).Legend(styles.Shown{Name: layer, Fields: []string{field}})[0].Entries
		return entries[len(entries)-1].Label.En
	}
	for _, c := range [][3]string{{"slope", "cropland", "GDPDJB"}, {"slope", "pbf", "GDPDJB"}, {"rank", "dltb", "GDDB"}} {
		if got := last(c[0], c[1], c[2]); !strings.Contains(got, "merged") {
			t.Errorf("%v: the last entry is %q", c, got)
		}
	}
	for _, c := range [][3]string{{"default", "dltb", "DLBM"}, {"default", "quality", "GDDJ"}, {"quality", "quality", "GDDJ"}} {
		if got := last(c[0], c[1], c[2]); got != "Other" {
			t.Errorf("%v: the last entry is %q", c, got)
		}
	}
}

// What needs a field that the tiles do not carry is left out.
func TestMapLibreWithoutFields(t *testing.T) {
	opt := options()
	for i := range opt.Layers {
		opt.Layers[i].Fields = []string{}
	}
	for _, l := range style(t, opt).Layers {
		if _, plain := l.Paint["fill-color"].(string); l.Type == "symbol" || strings.HasSuffix(l.ID, "-fill") && !plain {
			t.Errorf("%s asks for a field", l.ID)
		}
	}
	if legend := styles.Default().Legend(opt.Layers...); len(legend[3].Entries) != 1 || legend[3].Field != "" {
		t.Errorf("the legend of cropland asks for a field: %+v", legend[3])
	}
}

func TestMapLibreOfNothing(t *testing.T) {
	r := style(t, styles.StyleOptions{BaseURL: "http://127.0.0.1:8080", Tier: "public"})
	if len(r.Layers) != 1 || len(r.Sources) != 0 || r.Version != 8 || r.Sprite != "" || r.Center != nil {
		t.Errorf("got %+v", r)
	}
}

// The view must hold the whole extent in 512 CSS pixels, and not half of it more.
func TestMapLibreView(t *testing.T) {
	tests := []struct {
		name   string
		extent styles.Extent
		side   float64 // of the world of 1
	}{
		{"a county", styles.Extent{MinLon: 108.6, MinLat: 34.3, MaxLon: 108.7, MaxLat: 34.3}, 0.1 / 360},
		{"tall", styles.Extent{MinLon: 108, MinLat: 0, MaxLon: 108.1, MaxLat: 66.51326044311186}, 0.25},
		{"the world", styles.Extent{MinLon: -180, MinLat: -90, MaxLon: 180, MaxLat: 90}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			opt := options()
			opt.Extent = tt.extent
			if seen := tt.side * math.Exp2(style(t, opt).Zoom); seen > 1.001 || seen < 0.9 {
				t.Errorf("the extent fills %.2f of the view", seen)
			}
		})
	}
}

func TestMapLibreRefuses(t *testing.T) {
	tests := []struct {
		name  string
		plant func(*styles.StyleOptions)
		want  string
	}{
		{"a relative base", func(o *styles.StyleOptions) { o.BaseURL = "/gengtu" }, "base"},
		{"another scheme", func(o *styles.StyleOptions) { o.BaseURL = "javascript:alert(1)" }, "base"},
		{"a base with a query", func(o *styles.StyleOptions) { o.BaseURL += "?a=b" }, "base"},
		{"no tier", func(o *styles.StyleOptions) { o.Tier = "" }, "tier"},
		{"a layer twice", func(o *styles.StyleOptions) { o.Layers[0].Name = "pbf" }, "pbf"},
		{"levels the wrong way round", func(o *styles.StyleOptions) { o.Layers[0].MaxZoom = 3 }, "zooms"},
		{"a level below 0", func(o *styles.StyleOptions) { o.Layers[0].MinZoom = -1 }, "zooms"},
		{"a parcel zoom beyond all", func(o *styles.StyleOptions) { o.ParcelZoom = 25 }, "parcel"},
		{"an extent that is none", func(o *styles.StyleOptions) { o.Extent.MinLon = math.NaN() }, "extent"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			opt := options()
			tt.plant(&opt)
			if _, err := styles.Default().MapLibre(opt); !errors.Is(err, styles.ErrOptions) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want ErrOptions about %s", err, tt.want)
			}
		})
	}
}

// The golden style was checked by gl-style-validate of
// @maplibre/maplibre-gl-style-spec; it changes with the sheet. UPDATE_GOLDEN=1
// renews it.
func TestMapLibreGolden(t *testing.T) {
	b, err := styles.Default().MapLibre(options())
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := json.Indent(&got, b, "", "  "); err != nil {
		t.Fatal(err)
	}
	const file = "testdata/style.golden.json"
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got.String()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestLegend(t *testing.T) {
	legend := styles.Default().Legend(styles.Shown{Name: "cropland"}, styles.Shown{Name: "hsf"}, styles.Shown{Name: "salt"})
	b, err := json.Marshal(legend)
	if err != nil {
		t.Fatal(err)
	}
	var got []struct {
		Layer   string
		Title   struct{ Zh, En string }
		Entries []struct {
			Value       string
			Label       struct{ Zh, En string }
			Fill, Hatch string
		}
	}
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, e := range got[0].Entries {
		values = append(values, e.Value+e.Label.Zh)
	}
	if d := cmp.Diff([]string{"01耕地", "0101水田", "0102水浇地", "0103旱地"}, values); d != "" {
		t.Errorf("cropland (-want +got):\n%s", d)
	}
	if e := got[1].Entries; len(e) != 1 || e[0].Label.Zh != "高标准农田" || e[0].Hatch == "" {
		t.Errorf("hsf: got %+v", e)
	}
	if got[2].Title.En != "salt" {
		t.Errorf("unknown: got %+v", got[2])
	}
	if b, err := json.Marshal(styles.Default().Legend()); err != nil || string(b) != "[]" {
		t.Errorf("nothing: got %s, %v", b, err)
	}
}

// The hatch must cover the share of the ground that its width and spacing say,
// join with itself, and stand in the sprite where the index says.
func TestSprite(t *testing.T) {
	hatch := styles.Default().Layer("hsf").Hatch
	for _, ratio := range []int{1, 2} {
		picture, index, err := styles.Sprite(ratio)
		if err != nil {
			t.Fatal(err)
		}
		var places map[string]struct{ X, Y, Width, Height, PixelRatio int }
		if err := json.Unmarshal(index, &places); err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(bytes.NewReader(picture))
		if err != nil {
			t.Fatal(err)
		}
		at, ok := places["hsf-hatch"]
		if !ok || at.Width != 16*ratio || at.PixelRatio != ratio || at.X+at.Width > img.Bounds().Dx() || at.Y+at.Height > img.Bounds().Dy() {
			t.Fatalf("got %+v of %v", places, img.Bounds())
		}
		sum := 0.0
		for y := range at.Height {
			for x := range at.Width {
				_, _, _, a := img.At(at.X+x, at.Y+y).RGBA()
				sum += float64(a) / 0xffff
				_, _, _, b := img.At(at.X+(x+1)%at.Width, at.Y+(y+at.Height-1)%at.Height).RGBA()
				if a != b {
					t.Fatalf("ratio %d: the line breaks at %d, %d", ratio, x, y)
				}
			}
		}
		want := hatch.Width * math.Sqrt2 / float64(hatch.Spacing)
		if got := sum / float64(at.Width*at.Height); math.Abs(got-want) > 0.01*want {
			t.Errorf("ratio %d: covers %.4f, want %.4f", ratio, got, want)
		}
	}
	if _, _, err := styles.Sprite(3); err == nil {
		t.Error("ratio 3: want an error")
	}
}

// A layer with label points is labelled from them alone, so that a shape that
// reaches over many tiles has one label.
func TestMapLibreLabelPoints(t *testing.T) {
	b, err := styles.Default().MapLibre(styles.StyleOptions{
		BaseURL: "http://127.0.0.1", Tier: "public", Layers: []styles.Shown{{Name: "region", MaxZoom: 14}},
		LabelPoints: map[string]string{"region": "http://127.0.0.1/public/places?f=geojson"},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Sources map[string]struct{ Type, Data string }
		Layers  []struct {
			ID, Type, Source string
			Layer            string `json:"source-layer"`
			Layout           map[string]any
		}
	}
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	for _, l := range got.Layers {
		if l.Type != "symbol" {
			continue
		}
		src := got.Sources[l.Source]
		if src.Type != "geojson" || src.Data != "http://127.0.0.1/public/places?f=geojson" || l.Layer != "" {
			t.Errorf("%s is labelled from %+v, layer %q", l.ID, src, l.Layer)
		}
		return
	}
	t.Error("there is no label layer")
}
