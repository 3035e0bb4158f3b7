// Package wms speaks OGC WMS, versions 1.3.0 (06-042) and 1.1.1 (01-068r3), as
// text: it reads requests of the KVP binding and prints capabilities and
// exception reports of either version.
//
// A request that is read has a picture whose corners lie in one of the two
// grids' planes; [Capabilities.Check] then tells whether the service offers
// what is asked. Whatever is wrong with a request is a [Fault], which knows the
// standard's code, the HTTP status, and the text in both languages.
//
// The package opens no connection, reads no edition and paints nothing: what is
// offered comes in as [Capabilities], and pictures are made elsewhere.
package wms

import (
	"gengtu/tileserver/tile"
)

// Version is a version of WMS that is spoken. The zero value is 1.3.0.
type Version uint8

// The versions that are spoken.
const (
	V130 Version = iota
	V111
)

// String returns the version as requests write it: "1.3.0".
func (v Version) String() string {
	if v == V111 {
		return "1.1.1"
	}
	return "1.3.0"
}

// Operation is what a request asks for, by the name that REQUEST has.
type Operation string

// The operations of WMS.
const (
	GetCapabilities  Operation = "GetCapabilities"
	GetMap           Operation = "GetMap"
	GetFeatureInfo   Operation = "GetFeatureInfo"
	GetLegendGraphic Operation = "GetLegendGraphic" // of SLD's profile, 05-078r4 11
)

// PNG is the one form of pictures.
const PNG = "image/png"

// DefaultStyle is the style of a layer for which none is named.
const DefaultStyle = "default"

// Limits of a request that the standard lets a service name.
const (
	// MaxLayers bounds LAYERS and QUERY_LAYERS.
	MaxLayers = 16
	// MaxSide bounds WIDTH and HEIGHT, in pixels.
	MaxSide = 4096
	// MaxFeatures bounds FEATURE_COUNT; a larger one counts as this.
	MaxFeatures = 10
)

// Exceptions is how a fault is told.
type Exceptions uint8

// The ways in which faults are told: as a report, as a picture that shows its
// text, or as a picture of the background alone.
const (
	XML Exceptions = iota
	InImage
	Blank
)

// exceptions has the names of each [Exceptions] in 1.3.0 and 1.1.1.
var exceptions = [...][2]string{
	XML:     {"XML", "application/vnd.ogc.se_xml"},
	InImage: {"INIMAGE", "application/vnd.ogc.se_inimage"},
	Blank:   {"BLANK", "application/vnd.ogc.se_blank"},
}

// crs is a coordinate system in which pictures are made.
type crs struct {
	name string
	grid tile.Grid
	// northFirst tells whether 1.3.0 writes the northing or latitude first, as
	// the system's definition has it; 1.1.1 never does.
	northFirst bool
}

// systems are the coordinate systems, the preferred first. CGCS2000 and WGS 84
// differ by less than a picture shows.
var systems = []crs{
	{"EPSG:4490", tile.C, true},
	{"EPSG:4326", tile.C, true},
	{"CRS:84", tile.C, false},
	{"EPSG:3857", tile.W, false},
}

// Canvas is the picture that a request wants, whatever it shows.
type Canvas struct {
	// Width and Height are in pixels, in [1, MaxSide].
	Width, Height int
	// Transparent tells whether nothing is painted where nothing lies;
	// otherwise the background is Red, Green, Blue.
	Transparent      bool
	Red, Green, Blue uint8
}

// Request is one request.
//
// For [GetCapabilities] only Version and UpdateSequence have a meaning. For the
// others there are 1 to MaxLayers Layers and as many Styles; neither need
// exist. [GetLegendGraphic] has one of each and nothing more. Grid is the plane of the picture and NorthWest and SouthEast its
// corners there, which may lie beyond the world's square: NorthWest.X <
// SouthEast.X and NorthWest.Y < SouthEast.Y. I and J, the pixel's column and
// row, lie in the picture and, like QueryLayers, InfoFormat and Count in [1,
// MaxFeatures], belong to [GetFeatureInfo].
type Request struct {
	Operation            Operation
	Version              Version
	UpdateSequence       string
	Layers, Styles       []string
	Grid                 tile.Grid
	NorthWest, SouthEast tile.World
	Canvas               Canvas
	QueryLayers          []string
	InfoFormat           string
	I, J, Count          int
}

// Point returns where the pixel of a [GetFeatureInfo] lies in the plane of the
// request's grid: its middle.
func (r Request) Point() tile.World {
	return tile.World{
		X: r.NorthWest.X + (float64(r.I)+0.5)/float64(r.Canvas.Width)*(r.SouthEast.X-r.NorthWest.X),
		Y: r.NorthWest.Y + (float64(r.J)+0.5)/float64(r.Canvas.Height)*(r.SouthEast.Y-r.NorthWest.Y),
	}
}
