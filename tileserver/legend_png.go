package tileserver

import (
	"gengtu/index"
	"gengtu/styles"
	"gengtu/tileserver/raster"
	"gengtu/tileserver/tileset"
)

// legendPNG returns the picture that explains style, "" for the default one, of
// layers, in the order given and in the request's language, at ratio (1 or 2)
// pixels per CSS pixel. A style that none of the layers has is the problem
// PARAMETER_STYLE.
func (s *Server) legendPNG(r *request, layers []*index.Layer, style string, ratio int) ([]byte, error) {
	look, err := r.sheetOf(style, layers)
	if err != nil {
		return nil, err
	}
	var shown []styles.Shown
	for _, l := range layers {
		one, _ := r.shownOf(l) // a legend has no zoom
		shown = append(shown, one)
	}
	return raster.Legend(raster.LegendParams{Sheet: look, Layers: look.Legend(shown...), Say: r.say, Ratio: ratio})
}

// handleLegendPNG answers with the legend of layer= (a name, a comma list or all,
// the default) in style=, as a picture.
func (s *Server) handleLegendPNG(r *request) error {
	names := r.query("layer")
	if names == "" {
		names = tileset.All
	}
	layers, err := r.layersOf(names)
	if err != nil {
		return err
	}
	picture, err := s.legendPNG(r, layers, r.query("style"), 1)
	if err != nil {
		return err
	}
	return r.send("image/png", picture)
}
