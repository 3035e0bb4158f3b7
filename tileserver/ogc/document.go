package ogc

import (
	"slices"
	"time"
)

// Media types of documents.
const (
	MediaOpenAPI = "application/vnd.oai.openapi+json;version=3.0"
	MediaSchema  = "application/schema+json"
)

// Link is a link of a document (RFC 8288).
type Link struct {
	Href      string `json:"href"`
	Rel       string `json:"rel"`
	Type      string `json:"type,omitempty"`
	Title     string `json:"title,omitempty"`
	Templated bool   `json:"templated,omitempty"`
}

// Landing is the landing page.
type Landing struct {
	Title       string `json:"title"`
	Description string `json:"description,omitempty"`
	Attribution string `json:"attribution,omitempty"`
	Links       []Link `json:"links"`
}

// Collections are the layers.
type Collections struct {
	Links       []Link       `json:"links"`
	Collections []Collection `json:"collections"`
}

// Collection is a layer.
type Collection struct {
	ID          string   `json:"id"`
	Title       string   `json:"title"`
	Description string   `json:"description,omitempty"`
	Attribution string   `json:"attribution,omitempty"`
	Extent      Extent   `json:"extent"`
	ItemType    string   `json:"itemType"`
	CRS         []string `json:"crs"`
	StorageCRS  string   `json:"storageCrs"`
	Links       []Link   `json:"links"`
}

// Extent is where and when a collection's features are; nil is not told.
type Extent struct {
	Spatial  *SpatialExtent  `json:"spatial,omitempty"`
	Temporal *TemporalExtent `json:"temporal,omitempty"`
}

// SpatialExtent is a list of boxes, the first around all.
type SpatialExtent struct {
	Box [][]float64 `json:"bbox"`
	CRS string      `json:"crs"`
}

// TemporalExtent is a list of intervals, the first around all.
type TemporalExtent struct {
	Interval [][]string `json:"interval"`
}

// Periods is the time around the periods of vintages; nil when none is a period.
func Periods(vintages []string) [][]string {
	var all []Interval
	for _, v := range vintages {
		if p, ok := Period(v); ok {
			all = append(all, p)
		}
	}
	if len(all) == 0 {
		return nil
	}
	from := slices.MinFunc(all, func(a, b Interval) int { return a.From.Compare(b.From) }).From
	to := slices.MaxFunc(all, func(a, b Interval) int { return a.To.Compare(b.To) }).To.Add(-time.Second)
	return [][]string{{from.Format(time.RFC3339), to.Format(time.RFC3339)}}
}

// ConformsTo lists the classes that the service conforms to.
func ConformsTo() []string {
	const (
		common   = "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/"
		features = "http://www.opengis.net/spec/ogcapi-features-"
		tiles    = "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/"
		sets     = "http://www.opengis.net/spec/tms/2.0/conf/"
		cql2     = "http://www.opengis.net/spec/cql2/1.0/conf/"
	)
	return []string{
		common + "core", common + "landing-page", common + "json", common + "html", common + "oas30",
		features + "1/1.0/conf/core", features + "1/1.0/conf/oas30", features + "1/1.0/conf/geojson", features + "1/1.0/conf/html",
		features + "2/1.0/conf/crs",
		features + "3/1.0/conf/queryables", features + "3/1.0/conf/queryables-query-parameters", features + "3/1.0/conf/filter", features + "3/1.0/conf/features-filter",
		cql2 + "cql2-text", cql2 + "basic-cql2", cql2 + "advanced-comparison-operators", cql2 + "case-insensitive-comparison", cql2 + "property-property",
		cql2 + "basic-spatial-functions", cql2 + "basic-spatial-functions-plus",
		tiles + "core", tiles + "tileset", tiles + "tilesets-list", tiles + "dataset-tilesets", tiles + "geodata-tilesets", tiles + "collections-selection",
		tiles + "oas30", tiles + "mvt", tiles + "png",
		sets + "tilematrixset", sets + "tilematrixsetlimits", sets + "tilesetmetadata", sets + "json-tilematrixset", sets + "json-tilematrixsetlimits", sets + "json-tilesetmetadata",
	}
}

// Queryables describes properties that filters may name, and the geometry, as JSON Schema:
// there are no others.
func Queryables(id, title string, properties []Queryable) map[string]any {
	doc := Schema(id, title, properties)
	doc["additionalProperties"] = false
	return doc
}

// Schema describes the properties of features, and their geometry, as JSON Schema.
func Schema(id, title string, properties []Queryable) map[string]any {
	all := map[string]any{GeometryName: map[string]any{"format": "geometry-multipolygon", "x-ogc-role": "primary-geometry"}}
	for _, q := range properties {
		all[q.Name] = q.schema()
	}
	return map[string]any{"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": id, "type": "object", "title": title, "properties": all}
}

// schema describes a property. A date is a text as it was delivered.
func (q Queryable) schema() map[string]any {
	kind := q.Kind
	if kind == Date {
		kind = Text
	}
	s := map[string]any{"type": kind}
	if q.Title != "" {
		s["title"] = q.Title
	}
	return s
}
