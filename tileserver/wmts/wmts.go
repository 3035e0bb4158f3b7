// Package wmts speaks OGC WMTS 1.0.0 (07-057r7) as text: it reads requests in
// both bindings, KVP and RESTful, and prints capabilities, exception reports
// and feature information.
//
// A request that is read names an operation, and a tile that exists in its
// grid; [Capabilities.Check] then tells whether the service offers what is
// asked. Whatever is wrong with a request is a [Fault], which knows the code
// and locator of the standard, the HTTP status, and the text in both languages.
//
// The package opens no connection and reads no edition: what is offered comes
// in as [Capabilities], and tiles are made elsewhere.
package wmts

import "gengtu/tileserver/tile"

// Version is the one version of WMTS that is spoken.
const Version = "1.0.0"

// MaxZoom is the last tile matrix of both sets. Tianditu's sets end at 18, and
// so does OGC's well-known scale set GoogleMapsCompatible, which w is.
const MaxZoom = 18

// DefaultStyle is the style of a request that names none.
const DefaultStyle = "default"

// VintageDimension is the identifier of the dimension that layers have which are
// of more than one time: in KVP a parameter, in the RESTful binding an element of
// the path between style and matrix set, which [ParseREST] is given without.
const VintageDimension = "vintage"

// Operation is what a request asks for, by the name that REQUEST has.
type Operation string

// The operations of WMTS.
const (
	GetCapabilities Operation = "GetCapabilities"
	GetTile         Operation = "GetTile"
	GetFeatureInfo  Operation = "GetFeatureInfo"
)

// Format is the form of a tile. The zero value is PNG.
type Format uint8

// The forms in which tiles are offered.
const (
	PNG Format = iota
	MVT
)

// formats has MIME type and file ending of each [Format].
var formats = [...][2]string{
	PNG: {"image/png", "png"},
	MVT: {"application/vnd.mapbox-vector-tile", "mvt"},
}

// MIME returns the media type of f: "image/png".
func (f Format) MIME() string { return formats[f][0] }

// Extension returns the ending of f in addresses, without dot: "png".
func (f Format) Extension() string { return formats[f][1] }

// parseFormat reads FORMAT. Tianditu's users write "tiles" for a picture.
func parseFormat(s string) (Format, bool) {
	if s == "tiles" {
		return PNG, true
	}
	for f := range formats {
		if s == Format(f).MIME() {
			return Format(f), true
		}
	}
	return 0, false
}

// InfoFormat is the form of feature information. The zero value is JSON.
type InfoFormat uint8

// The forms in which feature information is offered.
const (
	JSON InfoFormat = iota
	HTML
	XML
)

// infoFormats has MIME type and file ending of each [InfoFormat].
var infoFormats = [...][2]string{
	JSON: {"application/json", "json"},
	HTML: {"text/html", "html"},
	XML:  {"text/xml", "xml"},
}

// InfoFormats returns all forms of feature information, the preferred first.
func InfoFormats() []InfoFormat { return []InfoFormat{JSON, HTML, XML} }

// MIME returns the media type of f, without a charset: "application/json". All
// are UTF-8.
func (f InfoFormat) MIME() string { return infoFormats[f][0] }

// Extension returns the ending of f in addresses, without dot: "json".
func (f InfoFormat) Extension() string { return infoFormats[f][1] }

// Request is one request of either binding.
//
// For [GetCapabilities] only UpdateSequence has a meaning. For the others Tile
// exists in its grid, at a zoom of at most [MaxZoom]; Layer and Style are as
// the client wrote them and need not exist. I and J, the pixel's column and row
// in the tile, lie in [0, 256) and, like InfoFormat, belong to [GetFeatureInfo].
type Request struct {
	Operation      Operation
	UpdateSequence string
	Layer, Style   string
	Format         Format
	Tile           tile.Tile
	I, J           uint32
	InfoFormat     InfoFormat
}
