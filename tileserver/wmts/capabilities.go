package wmts

import (
	"slices"

	"gengtu/index/geo"
	"gengtu/tileserver/tile"
)

// Capabilities is what a service offers. It is printed by
// [Capabilities.Document] and requests are held against it by
// [Capabilities.Check]; neither changes it, so one value may be used by many
// goroutines at once.
type Capabilities struct {
	Title, Abstract string
	Keywords        []string
	// Fees and Constraints are the use conditions; empty ones are printed as
	// the standard's word "none".
	Fees        string
	Constraints []string
	// Provider is the name of the publisher; "" leaves the element out.
	Provider string
	// UpdateSequence grows, compared as text, with each change of the document:
	// a time in UTC in RFC 3339 form does. "" leaves the attribute out.
	UpdateSequence string
	// Base is the absolute address of the service in both bindings, without a
	// slash at the end: "https://example.org/public/wmts".
	Base string
	// Query is repeated in every address, encoded, without question mark:
	// "tk=0123". It may be "".
	Query string
	// Dialect chooses the numbers of the tile matrix sets.
	Dialect Dialect
	// Grids are those whose tile matrix sets the document has; nil means all.
	Grids  []tile.Grid
	Layers []Layer
}

// Dialect is a reading of the standard. The zero value is [Standard].
type Dialect uint8

const (
	// Standard is WMTS to the letter: pixels of 0.28 mm, EPSG:3857, corners in
	// the axis order of the coordinate system.
	Standard Dialect = iota
	// Tianditu repeats what Tianditu's own documents have and clients made for
	// them expect: pixels of 1/96 inch, and a w of EPSG:900913 whose corner has
	// the northing first. Conforming clients misplace its tiles. It has the KVP
	// binding alone, as they have.
	Tianditu
)

// Layer is one layer of a service.
type Layer struct {
	// Identifier is the name in requests; letters, digits, '_' and '-'.
	Identifier      string
	Title, Abstract string
	// Box is where the layer has features; the empty box is taken as unknown.
	Box geo.Box
	// MinZoom and MaxZoom are the zooms that are served, both included. What
	// lies beyond a grid's own zooms or [MaxZoom] is not offered.
	MinZoom, MaxZoom uint8
	// Formats are those of the layer's tiles, the preferred first; nil means
	// PNG and MVT.
	Formats []Format
	// Styles are those of the pictures, the one used without asking first; nil
	// means [DefaultStyle] alone.
	Styles []Style
	// Vintages are the values of the dimension vintage, the one used without
	// asking first; nil is a layer without the dimension.
	Vintages []string
	// InfoFormats are those of the layer's feature information; nil means that
	// the layer has none.
	InfoFormats []InfoFormat
}

// Style is one way in which a layer is painted.
type Style struct {
	Identifier, Title string
	// Legend is the picture that explains the style; nil when there is none.
	Legend *Legend
}

// Legend is a picture. Width and Height are its size in pixels, 0 if unknown.
type Legend struct {
	URL, MIME     string
	Width, Height int
}

func (c *Capabilities) grids() []tile.Grid {
	if c.Grids == nil {
		return tile.Grids()
	}
	return c.Grids
}

func (l Layer) formats() []Format {
	if l.Formats == nil {
		return []Format{PNG, MVT}
	}
	return l.Formats
}

func (l Layer) styles() []Style {
	if l.Styles == nil {
		return []Style{{Identifier: DefaultStyle, Title: DefaultStyle}}
	}
	return l.Styles
}

// Check tells whether c offers what r asks for; nil means that it does. A tile
// that lies in its matrix but beside the layer's box is offered: it is empty.
func (c *Capabilities) Check(r Request) *Fault {
	if r.Operation == GetCapabilities {
		if c.UpdateSequence != "" && r.UpdateSequence > c.UpdateSequence {
			return sequenceAhead(r.UpdateSequence, c.UpdateSequence)
		}
		return nil
	}
	i := slices.IndexFunc(c.Layers, func(l Layer) bool { return l.Identifier == r.Layer })
	if i < 0 {
		return invalid("LAYER", r.Layer, "Capabilities/Contents/Layer")
	}
	l := c.Layers[i]
	if !slices.ContainsFunc(l.styles(), func(s Style) bool { return s.Identifier == r.Style }) {
		return invalid("STYLE", r.Style, "Capabilities/Contents/Layer/Style")
	}
	if !slices.Contains(l.formats(), r.Format) {
		return invalid("FORMAT", r.Format.MIME(), "Capabilities/Contents/Layer/Format")
	}
	if r.Tile.Z < l.MinZoom || r.Tile.Z > l.MaxZoom {
		return notServed(r.Tile.Z, l.MinZoom, l.MaxZoom)
	}
	if r.Operation == GetFeatureInfo && !slices.Contains(l.InfoFormats, r.InfoFormat) {
		return invalid("INFOFORMAT", r.InfoFormat.MIME(), "Capabilities/Contents/Layer/InfoFormat")
	}
	return nil
}
