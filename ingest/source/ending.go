package source

import (
	"path/filepath"
	"slices"
	"strings"
)

// An Ending is what a file's ending says of it, and what is done with such files. Every
// list of endings and every sentence about them is made of [Endings].
type Ending struct {
	// Ending is in lower case, with its point.
	Ending string
	// Holds is what such a file may hold.
	Holds Content
	// Several tells that a file may hold several layers, each under a name of its own.
	Several bool
	// Written tells that [Create] writes files with it.
	Written bool
	// Sequence tells that the file has one GeoJSON value a line or record.
	Sequence bool

	form    format
	promise bool // content of another format is an error that names this one
}

// Content is what files may hold, as far as gengtu is concerned.
type Content uint8

const (
	// HoldsLayers are layers with polygons, which [Open] reads.
	HoldsLayers Content = iota + 1
	// HoldsShapes are polygons without fields of their own, which Open reads, too.
	HoldsShapes
	// HoldsTable is a table of attributes alone, which [OpenTable] reads.
	HoldsTable
	// HoldsCompanion is a part of a file that has another ending.
	HoldsCompanion
	// HoldsForeign is map data, or an archive, that no reader here takes.
	HoldsForeign
	// HoldsSheet is a table for people, which is written and never read.
	HoldsSheet
)

// endings are in the order in which, of the same layer in several formats, one is
// preferred: the makers' own format before the one for exchange (a delivery has both).
// A .csv of a delivery is mostly a document of sums, a .txt a readme: neither promises data.
var endings = []Ending{
	{Ending: ".gdb", Holds: HoldsLayers, Several: true, form: formatGDB, promise: true},
	{Ending: ".gpkg", Holds: HoldsLayers, Several: true, Written: true, form: formatGeoPackage, promise: true},
	{Ending: ".shp", Holds: HoldsLayers, Written: true, form: formatShapefile, promise: true},
	{Ending: ".zip", Holds: HoldsLayers, Several: true, form: formatZip, promise: true},
	{Ending: ".fgb", Holds: HoldsLayers, Written: true, form: formatFlatGeobuf, promise: true},
	{Ending: ".geojson", Holds: HoldsLayers, Written: true, form: formatGeoJSON, promise: true},
	{Ending: ".json", Holds: HoldsLayers, Written: true, form: formatGeoJSON, promise: true},
	{Ending: ".geojsonl", Holds: HoldsLayers, Written: true, Sequence: true, form: formatGeoJSON, promise: true},
	{Ending: ".geojsons", Holds: HoldsLayers, Sequence: true, form: formatGeoJSON, promise: true},
	{Ending: ".ndjson", Holds: HoldsLayers, Written: true, Sequence: true, form: formatGeoJSON, promise: true},
	{Ending: ".jsonl", Holds: HoldsLayers, Written: true, Sequence: true, form: formatGeoJSON, promise: true},
	{Ending: ".vct", Holds: HoldsLayers, Several: true, Written: true, form: formatVCT, promise: true},
	{Ending: ".txt", Holds: HoldsShapes, form: formatTXT},
	{Ending: ".dbf", Holds: HoldsTable},
	{Ending: ".csv", Holds: HoldsTable, Written: true},
	{Ending: ".xlsx", Holds: HoldsSheet, Written: true},
	{Ending: ".shx", Holds: HoldsCompanion}, {Ending: ".prj", Holds: HoldsCompanion}, {Ending: ".cpg", Holds: HoldsCompanion},
	{Ending: ".sbn", Holds: HoldsCompanion}, {Ending: ".sbx", Holds: HoldsCompanion}, {Ending: ".xml", Holds: HoldsCompanion},
	{Ending: ".mdb", Holds: HoldsForeign}, {Ending: ".kml", Holds: HoldsForeign}, {Ending: ".kmz", Holds: HoldsForeign},
	{Ending: ".gml", Holds: HoldsForeign}, {Ending: ".tab", Holds: HoldsForeign}, {Ending: ".mif", Holds: HoldsForeign},
	{Ending: ".dwg", Holds: HoldsForeign}, {Ending: ".dxf", Holds: HoldsForeign}, {Ending: ".e00", Holds: HoldsForeign},
	{Ending: ".parquet", Holds: HoldsForeign}, {Ending: ".rar", Holds: HoldsForeign}, {Ending: ".7z", Holds: HoldsForeign},
	{Ending: ".tar", Holds: HoldsForeign}, {Ending: ".gz", Holds: HoldsForeign}, {Ending: ".tgz", Holds: HoldsForeign},
}

// Endings returns the endings of which want holds, in the order in which, of one layer in
// several formats, one is preferred. The slice is the caller's.
func Endings(want func(Ending) bool) []string {
	var out []string
	for _, e := range endings {
		if want(e) {
			out = append(out, e.Ending)
		}
	}
	return out
}

// EndingOf returns what the ending of path says, in whatever case it is written; the zero
// value for one that is not known.
func EndingOf(path string) Ending {
	ext := strings.ToLower(filepath.Ext(path))
	if i := slices.IndexFunc(endings, func(e Ending) bool { return e.Ending == ext }); i >= 0 {
		return endings[i]
	}
	return Ending{}
}

// ShapefileEndings returns those of the files of a shapefile, .shp first. The slice is the
// caller's.
func ShapefileEndings() []string { return []string{".shp", ".shx", ".dbf", ".prj", ".cpg"} }

// written returns the endings that [Create] takes.
func written() []string { return Endings(func(e Ending) bool { return e.Written }) }

// GeoJSON tells whether files with the ending hold GeoJSON.
func (e Ending) GeoJSON() bool { return e.Holds == HoldsLayers && e.form == formatGeoJSON }
