package styles

import (
	"slices"
	"strings"
)

// LegendLayer is what a legend says of one layer. Entries is never empty.
type LegendLayer struct {
	Layer string `json:"layer"`
	Title Text   `json:"title"`
	Field string `json:"field,omitempty"`
	// Whole says that an entry's value is the whole code, not its beginning.
	Whole   bool          `json:"whole,omitempty"`
	Entries []LegendEntry `json:"entries"`
}

// LegendEntry is one swatch: Value is the code that features of it begin with,
// "" for features that no other entry takes. Hatch is the colour of the hatching
// over the fill, "" when there is none, and HatchLines how its lines run. Dashed says
// that the outline is broken.
type LegendEntry struct {
	Value       string  `json:"value"`
	Label       Text    `json:"label"`
	Fill        string  `json:"fill"`
	FillOpacity float64 `json:"fill_opacity"`
	Line        string  `json:"line"`
	LineWidth   float64 `json:"line_width"`
	Dashed      bool    `json:"dashed,omitempty"`
	Hatch       string  `json:"hatch,omitempty"`
	HatchLines  Lines   `json:"hatch_lines,omitempty"`
}

// umbrella tells whether one class takes every code that another takes, so that
// no feature is left over for the layer's own look.
func (l Layer) umbrella() bool {
	return !l.Whole && slices.ContainsFunc(l.Classes, func(all Class) bool {
		return !slices.ContainsFunc(l.Classes, func(c Class) bool { return !strings.HasPrefix(c.Code, all.Code) })
	})
}

// LegendZoom is the zoom whose opacities and widths a legend shows: parcels are
// themselves there.
const LegendZoom = 15

// Legend returns the legend of layers, in the order given. Classes are listed
// by code, where the layer's tiles carry the code. The result is not nil, and marshals to a JSON array.
func (s *Sheet) Legend(layers ...Shown) []LegendLayer {
	legend := make([]LegendLayer, 0, len(layers))
	for _, shown := range layers {
		l := s.Layer(shown.Name)
		entry := LegendEntry{
			Label: l.Title, Fill: l.Fill.Color.String(), FillOpacity: l.Fill.Opacity.At(LegendZoom),
			Line: l.Line.Color.String(), LineWidth: l.Line.Width.At(LegendZoom), Dashed: len(l.Line.Dash) > 0,
		}
		if l.Hatch.Width > 0 {
			entry.Hatch, entry.HatchLines = l.Hatch.Color.String(), l.Hatch.Lines
		}
		out := LegendLayer{Layer: l.Name, Title: l.Title}
		if l.ClassField != "" && shown.has(l.ClassField) {
			out.Field, out.Whole = l.ClassField, l.Whole
			for _, c := range l.byCode() {
				e := entry
				e.Value, e.Label, e.Fill = c.Code, c.Title, c.Fill.String()
				out.Entries = append(out.Entries, e)
			}
			entry.Label = Text{"其他", "Other"}
			if l.Late {
				entry.Label = Text{"无此值，或小比例尺下合并的图斑", "No value, or merged at small scales"}
			}
			if l.umbrella() {
				legend = append(legend, out)
				continue
			}
		}
		out.Entries = append(out.Entries, entry)
		legend = append(legend, out)
	}
	return legend
}
