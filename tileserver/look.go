package tileserver

import (
	"math"
	"strings"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/styles"
	"gengtu/tileserver/tile"
	"gengtu/tileserver/tileset"
	"gengtu/tileserver/wmts"
)

// shownOf says what a style and a legend need to know of a layer; false where the
// token does not reach the layer's zooms.
func (r *request) shownOf(l *index.Layer) (styles.Shown, bool) {
	lo, hi := l.Meta.Within(r.minZoom(tile.W), r.ix().Manifest.MaxZoom)
	s := styles.Shown{Name: l.Meta.Name, MinZoom: lo, MaxZoom: hi, LineZoom: lineZoom(l), Fields: []string{}}
	for _, f := range l.Meta.Fields {
		if f.Tile {
			s.Fields = append(s.Fields, f.Name)
		}
	}
	return s, lo <= hi
}

// netPixels is how wide the meshes of a net of borders are at least, in pixels: closer
// together, dashes of villages are a grey that hides the map and names nothing.
const netPixels = 24

// lineZoom is the zoom, of tiles of 512 pixels, from which l is outlined where outlines do
// not wait for parcels: that at which the root of the mean area of places is 24 pixels, 0
// for other layers.
func lineZoom(l *index.Layer) int {
	if l.Meta.Name != edition.Region || l.Meta.Extent == nil {
		return 0
	}
	box := *l.Meta.Extent
	return tileset.ZoomOf(math.Sqrt(l.Meta.AreaM2/float64(l.Meta.Features)), (box[1]+box[3])/2, netPixels)
}

// lineZooms are those of layers by their names.
func lineZooms(layers []*index.Layer) map[string]int {
	out := map[string]int{}
	for _, l := range layers {
		out[l.Meta.Name] = lineZoom(l)
	}
	return out
}

// lookOf returns the look that the style name stands for, "" for the default one. A
// name is refused where none of the layers would look otherwise in it.
func lookOf(name string, layers []styles.Shown) (*styles.Sheet, error) {
	offered := styles.Default().Offered(layers...)
	var names []string
	for _, s := range offered {
		if name == s.Name || name == "" {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return nil, problem.New("PARAMETER_STYLE", "所问图层没有样式 %.40q", "the layers asked for have no style %.40q", name).
		Advise("有：%s", "there are: %s", strings.Join(names, " "))
}

// sheetOf is [lookOf] for layers of the edition.
func (r *request) sheetOf(name string, layers []*index.Layer) (*styles.Sheet, error) {
	if name == "" || name == styles.DefaultName {
		return styles.Default(), nil
	}
	var shown []styles.Shown
	for _, l := range layers {
		s, _ := r.shownOf(l) // the zooms do not matter here
		shown = append(shown, s)
	}
	return lookOf(name, shown)
}

// say chooses the request's language.
func (r *request) say(t styles.Text) string {
	if r.lang() == problem.Chinese {
		return t.Zh
	}
	return t.En
}

// wmtsStyles are the styles that a layer's pictures have, each with the address of
// its legend.
func (r *request) wmtsStyles(l *index.Layer) []wmts.Style {
	shown, _ := r.shownOf(l) // the zooms do not matter here
	var out []wmts.Style
	for _, s := range styles.Default().Offered(shown) {
		out = append(out, wmts.Style{
			Identifier: s.Name, Title: r.say(s.Title),
			Legend: &wmts.Legend{URL: r.legendAddress(shown.Name, s.Name), MIME: "image/png"},
		})
	}
	return out
}

// legendAddress is where the picture of a layer's legend is.
func (r *request) legendAddress(layer, style string) string {
	v := r.carried()
	v.Set("layer", layer)
	v.Set("style", style)
	return r.path("legend.png") + "?" + v.Encode()
}
