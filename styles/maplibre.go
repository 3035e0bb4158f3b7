package styles

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"math"
	"net/url"
	"slices"
	"strings"
)

// ErrOptions is wrapped by the errors of [Sheet.MapLibre].
var ErrOptions = errors.New("style options not valid")

// Shown is a layer that a style or a legend shows.
type Shown struct {
	// Name is the layer's name in tiles and addresses.
	Name string
	// MinZoom and MaxZoom are the tile levels that the layer is served at, both
	// included. Above MaxZoom its last tiles are drawn larger.
	MinZoom, MaxZoom int
	// LineZoom is the zoom from which outlines are drawn that do not wait for parcels
	// ([Line.Always]): below it the layer's features are too small for a net of them.
	LineZoom int
	// Fields are the attributes that its tiles carry; nil says that they carry
	// all that the sheet asks for. What needs an absent field is left out.
	Fields []string
}

// has tells whether the layer's tiles carry field.
func (s Shown) has(field string) bool { return s.Fields == nil || slices.Contains(s.Fields, field) }

// Extent is a box in degrees of longitude and latitude (EPSG:4490).
type Extent struct {
	MinLon, MinLat, MaxLon, MaxLat float64
}

// StyleOptions says what a MapLibre style is made for.
type StyleOptions struct {
	// Name is the style's title, shown by editors of styles.
	Name string
	// BaseURL is the server's address, absolute, http or https, without a query.
	BaseURL string
	// Tier is the first path element of every address.
	Tier string
	// Query is appended to every address: the caller's tk, a pinned generation.
	Query url.Values
	// Layers are drawn in the sheet's order, whatever their order here.
	Layers []Shown
	// ParcelZoom is the first tile level at which features are parcels rather
	// than merged shapes; outlines begin there.
	ParcelZoom int
	// Extent is what the map shows first; the zero value leaves that to the page.
	Extent Extent
	// LabelPoints are, by layer, the absolute addresses of GeoJSON points that
	// carry the label under `name`. A layer without one is labelled from its
	// tiles, once in every tile that a shape reaches into.
	LabelPoints map[string]string
	// Attribution names the producer, Approval is the number of the map's
	// approval (审图号). Both are plain text and are shown on the map.
	Attribution, Approval string
}

// style is a MapLibre style, version 8, in the specification's order.
type style struct {
	Version  int               `json:"version"`
	Name     string            `json:"name,omitempty"`
	Metadata map[string]any    `json:"metadata,omitempty"`
	Center   []float64         `json:"center,omitempty"`
	Zoom     float64           `json:"zoom,omitempty"`
	Sprite   string            `json:"sprite,omitempty"`
	Glyphs   string            `json:"glyphs,omitempty"`
	Sources  map[string]source `json:"sources"`
	Layers   []styleLayer      `json:"layers"`
}

type source struct {
	Type        string    `json:"type"`
	Data        string    `json:"data,omitempty"`
	Tiles       []string  `json:"tiles,omitempty"`
	MinZoom     int       `json:"minzoom,omitempty"`
	MaxZoom     int       `json:"maxzoom,omitempty"`
	Bounds      []float64 `json:"bounds,omitempty"`
	Attribution string    `json:"attribution,omitempty"`
}

type styleLayer struct {
	ID          string         `json:"id"`
	Type        string         `json:"type"`
	Source      string         `json:"source,omitempty"`
	SourceLayer string         `json:"source-layer,omitempty"`
	MinZoom     int            `json:"minzoom,omitempty"`
	Filter      any            `json:"filter,omitempty"`
	Layout      map[string]any `json:"layout,omitempty"`
	Paint       map[string]any `json:"paint,omitempty"`
}

// MapLibre returns a MapLibre style, version 8, as JSON, that draws opt.Layers
// from the server's vector tiles of grid w (EPSG:3857) as it is. Its layers are
// background and then `<layer>-fill` and `<layer>-hatch`, all `<layer>-line`, and
// all `<layer>-label`, each group in drawing order. Layers with the same levels
// share one source, so that a tile of all of them is one request.
//
// It refers to {BaseURL}/{Tier}/tiles/…, /fonts/{fontstack}/{range}.pbf and, when
// a layer has hatching, /sprites/map: there MapLibre asks for map.json, map.png,
// map@2x.json and map@2x.png, which [Sheet.Sprite] makes. No layers give a style of the background alone. The errors wrap
// [ErrOptions].
func (s *Sheet) MapLibre(opt StyleOptions) ([]byte, error) {
	if err := opt.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOptions, err)
	}
	out := style{
		Version: 8, Name: opt.Name, Glyphs: opt.address("fonts/{fontstack}/{range}.pbf"),
		Sources: opt.sources(s),
		Layers: []styleLayer{{ID: "background", Type: "background",
			Paint: map[string]any{"background-color": s.Background.String()}}},
	}
	if opt.Approval != "" {
		out.Metadata = map[string]any{"gengtu:approval": opt.Approval}
	}
	if opt.Extent != (Extent{}) {
		out.Center, out.Zoom = opt.Extent.view()
	}
	var fills, lines, labels []styleLayer
	for _, shown := range opt.ordered(s) {
		l, src := s.Layer(shown.Name), sourceName(shown)
		fills = append(fills, l.fillLayer(shown, src))
		if l.Hatch.Width > 0 {
			out.Sprite = opt.address("sprites/map")
			fills = append(fills, l.hatchLayer(src))
		}
		from := opt.ParcelZoom
		if l.Line.Always {
			from = shown.LineZoom
		}
		lines = append(lines, l.lineLayer(from, src))
		if l.Label != nil && shown.has(l.Label.Field) {
			from := labelPlace{source: src, layer: l.Name, field: l.Label.Field, code: l.Label.CodeField}
			if opt.LabelPoints[l.Name] != "" {
				from = labelPlace{source: labelSource(l.Name), field: "name", code: "code"}
			}
			labels = append(labels, l.labelLayer(s.Font, from))
		}
	}
	out.Layers = slices.Concat(out.Layers, fills, lines, labels)
	return marshal(out)
}

// marshal writes v without the escapes that JSON in HTML needs: addresses stay
// readable.
func marshal(v any) ([]byte, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return []byte(b.String()), nil
}

// check refuses what no server has.
func (o StyleOptions) check() error {
	u, err := url.Parse(o.BaseURL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("base address %q: an absolute http or https address without a query is needed", o.BaseURL)
	}
	if o.Tier == "" {
		return errors.New("the tier is missing")
	}
	seen := map[string]bool{}
	for _, l := range o.Layers {
		if l.Name == "" || seen[l.Name] {
			return fmt.Errorf("layer %q: names must be there and differ", l.Name)
		}
		if l.MinZoom < 0 || l.MaxZoom < l.MinZoom || l.MaxZoom > MaxZoom {
			return fmt.Errorf("layer %q: zooms %d-%d are not within 0-%d", l.Name, l.MinZoom, l.MaxZoom, MaxZoom)
		}
		seen[l.Name] = true
	}
	if o.ParcelZoom < 0 || o.ParcelZoom > MaxZoom {
		return fmt.Errorf("parcel zoom %d is not in [0, %d]", o.ParcelZoom, MaxZoom)
	}
	e := o.Extent
	if !(e.MinLon >= -180 && e.MaxLon <= 180 && e.MinLon <= e.MaxLon && e.MinLat >= -90 && e.MaxLat <= 90 && e.MinLat <= e.MaxLat) {
		return fmt.Errorf("extent %v is not a box of degrees", e)
	}
	return nil
}

// address returns the address of path in the tier, with the query of o. Braces
// in path stay: they are MapLibre's.
func (o StyleOptions) address(path string) string {
	a := strings.TrimRight(o.BaseURL, "/") + "/" + url.PathEscape(o.Tier) + "/" + path
	if q := o.Query.Encode(); q != "" {
		a += "?" + q
	}
	return a
}

// ordered returns the layers of o in drawing order.
func (o StyleOptions) ordered(s *Sheet) []Shown {
	layers := slices.Clone(o.Layers)
	slices.SortStableFunc(layers, func(a, b Shown) int { return s.Order(a.Name) - s.Order(b.Name) })
	return layers
}

// sourceName names the source of all layers that are served at the levels of l.
func sourceName(l Shown) string { return fmt.Sprintf("gengtu-%d-%d", l.MinZoom, l.MaxZoom) }

// sources returns one source for each pair of first and last level.
func (o StyleOptions) sources(s *Sheet) map[string]source {
	names := map[string][]string{}
	sources := map[string]source{}
	for _, l := range o.ordered(s) {
		key := sourceName(l)
		names[key] = append(names[key], url.PathEscape(l.Name))
		src := source{
			Type: "vector", MinZoom: l.MinZoom, MaxZoom: l.MaxZoom,
			Tiles:       []string{o.address("tiles/" + strings.Join(names[key], ",") + "/w/{z}/{x}/{y}.mvt")},
			Attribution: o.attribution(),
		}
		if e := o.Extent; e != (Extent{}) {
			src.Bounds = []float64{e.MinLon, e.MinLat, e.MaxLon, e.MaxLat}
		}
		sources[key] = src
	}
	for _, l := range o.Layers {
		if data := o.LabelPoints[l.Name]; data != "" {
			sources[labelSource(l.Name)] = source{Type: "geojson", Data: data}
		}
	}
	return sources
}

// labelSource names the source of a layer's label points.
func labelSource(layer string) string { return "gengtu-" + layer + "-labels" }

// attribution returns what the map must show of its producer and approval, as
// the HTML that MapLibre takes it for.
func (o StyleOptions) attribution() string {
	var parts []string
	for _, p := range []string{o.Attribution, o.Approval} {
		if p != "" {
			parts = append(parts, html.EscapeString(p))
		}
	}
	return strings.Join(parts, " | ")
}

// view returns the centre of e in degrees and the zoom at which all of e is seen
// in a window of 512 CSS pixels, the side of MapLibre's tile at that zoom.
func (e Extent) view() (center []float64, zoom float64) {
	// The zoom of a Mercator world of 1 in which e is as wide or high as 1.
	mercator := func(lat float64) float64 {
		lat = max(-85, min(85, lat)) * math.Pi / 180
		return math.Log(math.Tan(math.Pi/4+lat/2)) / (2 * math.Pi)
	}
	side := max((e.MaxLon-e.MinLon)/360, mercator(e.MaxLat)-mercator(e.MinLat), 1e-6)
	round := func(v, unit float64) float64 { return math.Round(v*unit) / unit }
	return []float64{round((e.MinLon+e.MaxLon)/2, 1e6), round((e.MinLat+e.MaxLat)/2, 1e6)},
		max(0, round(-math.Log2(side)-0.05, 100))
}

// fillLayer is `<layer>-fill`. Antialiasing is off because MapLibre does it with
// a line of its own around each feature, which doubles the opacity along shared
// borders; the outlines of the sheet cover the edges.
func (l Layer) fillLayer(shown Shown, src string) styleLayer {
	return styleLayer{
		ID: l.Name + "-fill", Type: "fill", Source: src, SourceLayer: l.Name,
		Paint: map[string]any{
			"fill-color": l.fillColor(shown), "fill-opacity": l.Fill.Opacity.expression(), "fill-antialias": false,
		},
	}
}

// fillColor is the fill colour, by class where there are classes. Codes match by
// prefix, so there is one match for each length of codes, the longest outside.
func (l Layer) fillColor(shown Shown) any {
	var value any = l.Fill.Color.String()
	if l.ClassField == "" || !shown.has(l.ClassField) {
		return value
	}
	code := []any{"to-string", []any{"get", l.ClassField}}
	if l.Whole {
		match := []any{"match", code}
		for _, c := range l.byCode() {
			match = append(match, c.Code, c.Fill.String())
		}
		return append(match, value)
	}
	for _, group := range l.byLength() {
		match := []any{"match", []any{"slice", code, 0, len(group[0].Code)}}
		for _, c := range group {
			match = append(match, c.Code, c.Fill.String())
		}
		value = append(match, value)
	}
	return value
}

// byLength returns the classes in groups of one length of code, the shortest
// codes first.
func (l Layer) byLength() [][]Class {
	var groups [][]Class
	for _, c := range l.byCode() {
		n := slices.IndexFunc(groups, func(g []Class) bool { return len(g[0].Code) == len(c.Code) })
		if n < 0 {
			groups = append(groups, []Class{c})
			continue
		}
		groups[n] = append(groups[n], c)
	}
	slices.SortFunc(groups, func(a, b []Class) int { return len(a[0].Code) - len(b[0].Code) })
	return groups
}

// byCode returns the classes in the order of their codes.
func (l Layer) byCode() []Class {
	classes := slices.Clone(l.Classes)
	slices.SortFunc(classes, func(a, b Class) int {
		if l.Whole && len(a.Code) != len(b.Code) {
			return len(a.Code) - len(b.Code) // numbers
		}
		return strings.Compare(a.Code, b.Code)
	})
	return classes
}

// hatchLayer is `<layer>-hatch`.
func (l Layer) hatchLayer(src string) styleLayer {
	return styleLayer{
		ID: l.Name + "-hatch", Type: "fill", Source: src, SourceLayer: l.Name,
		Paint: map[string]any{
			"fill-pattern": l.hatchImage(), "fill-opacity": l.Hatch.Opacity.expression(), "fill-antialias": false,
		},
	}
}

// lineLayer is `<layer>-line`, drawn from a zoom on.
func (l Layer) lineLayer(from int, src string) styleLayer {
	out := styleLayer{
		ID: l.Name + "-line", Type: "line", Source: src, SourceLayer: l.Name, MinZoom: from,
		Layout: map[string]any{"line-join": "round"},
		Paint: map[string]any{
			"line-color": l.Line.Color.String(), "line-opacity": l.Line.mapLibreOpacity().expression(),
			"line-width": l.Line.Width.expression(),
		},
	}
	if len(l.Line.Dash) > 0 {
		out.Paint["line-dasharray"] = l.Line.Dash
	}
	return out
}

// labelPlace is where a label layer has its texts and the codes of its places from.
type labelPlace struct {
	source, layer, field, code string
}

// length is the number of characters of a place's code.
func (p labelPlace) length() any { return []any{"length", []any{"to-string", []any{"get", p.code}}} }

// filter chooses the places that stand, as [Label.ShownAt] does; nil for all.
func (l *Label) filter(from labelPlace) any {
	if len(l.Levels) == 0 {
		return nil
	}
	steps := []any{"step", []any{"zoom"}, false}
	for i, v := range l.Levels {
		stand := []any{">=", from.length(), l.Levels[0].Length}
		if i+1 < len(l.Levels) {
			stand = []any{"all", stand, []any{"<", from.length(), l.Levels[i+1].Length}}
		}
		steps = append(steps, v.Zoom, stand)
	}
	return steps
}

// labelLayer is `<layer>-label`.
func (l Layer) labelLayer(font string, from labelPlace) styleLayer {
	out := styleLayer{
		Filter: l.Label.filter(from),
		ID:     l.Name + "-label", Type: "symbol", Source: from.source, SourceLayer: from.layer, MinZoom: l.Label.MinZoom,
		Layout: map[string]any{
			"text-field": []any{"to-string", []any{"get", from.field}}, "text-font": []string{font},
			"text-size": l.Label.Size.expression(), "text-padding": LabelPadding,
		},
		Paint: map[string]any{
			"text-color": l.Label.Color.String(), "text-halo-color": l.Label.Halo.String(),
			"text-halo-width": l.Label.HaloWidth,
		},
	}
	if len(l.Label.Levels) > 0 {
		// Places of higher rank keep their names where there is no room for all.
		out.Layout["symbol-sort-key"] = from.length()
	}
	return out
}
