// Package areas answers what an edition's layers hold inside a shape: the
// answer of the contract, for the command line and for HTTP alike.
//
// It joins index (which features come near) with index/overlay (what they
// share with the shape) and puts the areas of record beside the ellipsoidal
// ones. It knows nothing of files, flags or requests.
package areas

import (
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
)

// Formula names how areas are computed, in every answer.
const Formula = "ellipsoidal CGCS2000"

// DefaultLayers are the layers asked about when a question names none.
var DefaultLayers = edition.ThemeLayers()

// Question asks what layers hold inside a shape.
type Question struct {
	// Shape is read by the even-odd rule over all of its rings.
	Shape geo.MultiPolygon
	// Layers are the names of layers, each once; DefaultLayers that exist when
	// it is empty.
	Layers []string
	// Vintage is the vintage of every layer, or "" for the latest of each.
	Vintage string
	// GroupBy names, for a layer, the fields to add up by.
	GroupBy map[string][]string
	// Pieces asks for every feature's part of the shape, with geometry.
	Pieces bool
	// Survey asks for areas as the survey's software books them, beside the exact
	// ones: see [geo.SurveyArea].
	Survey bool
	// Combinations asks for the ground in each combination of layers.
	Combinations bool
	// Workers is how many goroutines measure; 0 takes all processors.
	Workers int
	// MaxVertices bounds the positions of the shape and of the features near it
	// together, which are held in memory; 0 is no bound.
	MaxVertices int
	// Outline asks for the shape that was measured, in [AOI], when a shape is asked about:
	// who sent plane coordinates can then draw it.
	Outline bool
	// MaxListed bounds the groups and pieces of an answer, each; 0 is no bound.
	MaxListed int
}

// Answer is the answer of the contract. Areas are in m², mu and ha, rounded to
// 0.0001 m² (0.01 m² from 1,000 km² on). Combinations add up to the AOI's area
// to that digit.
type Answer struct {
	Generation string `json:"generation"`
	// Scope is the part of the edition that was asked, "" for all of it.
	Scope   string       `json:"scope,omitempty"`
	Program string       `json:"program"`
	Tier    edition.Tier `json:"tier"`
	Formula string       `json:"formula"`
	// RoundedM2 is the step that the policy has all areas rounded to, 0 for none.
	RoundedM2 float64 `json:"rounded_to_m2,omitzero"`
	AOI       AOI     `json:"aoi"`
	Layers    []Layer `json:"layers"`
	// Combinations is nil, and left out, when they were not asked for.
	Combinations []Combination `json:"combinations,omitzero"`
	Failed       []Failed      `json:"failed"`
}

// AOI describes the shape that was asked about.
type AOI struct {
	AreaM2 float64 `json:"area_m2"`
	AreaMu float64 `json:"area_mu"`
	AreaHa float64 `json:"area_ha"`
	// SurveyM2 is the area as booked in SurveyZone, when it was asked for.
	SurveyM2   *float64           `json:"survey_m2,omitempty"`
	SurveyZone string             `json:"survey_zone,omitempty"`
	Mended     bool               `json:"mended"`
	Problems   []*problem.Problem `json:"problems"`
	// Outline is the shape as it was read, when it was asked for; nil for a place.
	Outline Outline `json:"geometry,omitempty"`
}

// Outline is a shape in CGCS2000, a GeoJSON geometry in JSON.
type Outline geo.MultiPolygon

// MarshalJSON implements [json.Marshaler].
func (o Outline) MarshalJSON() ([]byte, error) {
	return geo.AppendGeoJSON(nil, geo.MultiPolygon(o)), nil
}

// Layer is what one layer has inside the shape.
type Layer struct {
	Layer   string  `json:"layer"`
	Vintage string  `json:"vintage"`
	Count   int     `json:"features"`
	AreaM2  float64 `json:"area_m2"`
	AreaMu  float64 `json:"area_mu"`
	AreaHa  float64 `json:"area_ha"`
	// PatchM2 and NetM2 are shares of the areas of record; null where the record
	// has none.
	PatchM2 *float64 `json:"patch_m2"`
	NetM2   *float64 `json:"net_m2"`
	NetMu   *float64 `json:"net_mu"`
	// NoPatchM2 and NoNetM2 are the ground, gross, of features whose record has
	// no such area while others' records have one: what PatchM2 and NetM2 lack.
	NoPatchM2 float64 `json:"no_patch_area_m2,omitzero"`
	NoNetM2   float64 `json:"no_net_area_m2,omitzero"`
	GrossM2   float64 `json:"gross_area_m2"`
	// LayerPatchWithheldM2 and LayerNetWithheldM2 are of the whole layer, wherever the
	// shape lies: areas of record of features that the edition's policy does not show, by
	// some part of which PatchM2 and NetM2 may be short; see [edition.Layer].
	LayerPatchWithheldM2 float64 `json:"layer_patch_withheld_m2,omitzero"`
	LayerNetWithheldM2   float64 `json:"layer_net_withheld_m2,omitzero"`
	// PatchComputedM2 and NetComputedM2 are shares of areas that were computed for
	// features whose record has none; they are no part of PatchM2 and NetM2, and nil
	// where nothing was computed.
	PatchComputedM2 *float64 `json:"patch_computed_m2,omitempty"`
	NetComputedM2   *float64 `json:"net_computed_m2,omitempty"`
	// SurveyM2 is the sum of the pieces' areas as booked, when it was asked for.
	SurveyM2 *float64 `json:"survey_m2,omitempty"`
	// Groups and Pieces are nil, and left out, when they were not asked for.
	Groups []Group `json:"groups,omitzero"`
	Pieces []Piece `json:"pieces,omitzero"`
}

// Group is one class of a layer.
type Group struct {
	// Fields and Values tell the class; in JSON they are members of the group.
	Fields []string
	Values []any
	Count  int
	AreaM2 float64
	AreaMu float64
	// PatchM2 and NetM2 are as in [Layer].
	PatchM2 *float64
	NetM2   *float64
	NetMu   *float64
}

// Piece is the part of one feature inside the shape.
type Piece struct {
	ID uint64
	// Code is the feature's code (BSM or the layer's first other code field), "" when
	// the edition has none.
	Code   string
	AreaM2 float64
	// PatchM2 and NetM2 are shares of the feature's areas of record.
	PatchM2 *float64
	NetM2   *float64
	// SurveyM2 is the area as booked, when it was asked for.
	SurveyM2 *float64
	Shape    geo.MultiPolygon
}

// Combination is the ground that lies in all layers of Inside and in none of
// Outside.
type Combination struct {
	Inside  []string            `json:"inside"`
	Outside []string            `json:"outside"`
	AreaM2  float64             `json:"area_m2"`
	NetM2   map[string]*float64 `json:"net_m2"`
}

// Failed is a feature that could not be measured.
type Failed struct {
	Layer string `json:"layer"`
	ID    uint64 `json:"id"`
	// Reason is why, in English, and ReasonZh in Chinese.
	Reason   string `json:"reason"`
	ReasonZh string `json:"reason_zh"`
}

// errEmpty is what is said of a shape without ground.
var errEmpty = problem.New("AOI_EMPTY", "范围没有面积", "the shape has no area").
	Advise("请给出有面积的面", "give a polygon that has an area")
