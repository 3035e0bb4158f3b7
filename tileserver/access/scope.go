package access

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"gengtu/index/edition"
	"gengtu/index/problem"
)

// Operation is a kind of question that a token may ask.
type Operation string

// The operations. Looking (catalogue, style, legend, fonts) goes with each of them.
const (
	// Tiles are vector tiles, pictures, WMTS and maps.
	Tiles Operation = "tiles"
	// Features are single features, places, lineage and differences.
	Features Operation = "features"
	// Overlay is areas inside a shape or a place, and summaries.
	Overlay Operation = "overlay"
	// Analyses are long questions as jobs.
	Analyses Operation = "analyses"
	// Exchange is what other systems fetch: changes since a generation.
	Exchange Operation = "exchange"
)

// Operations lists all operations.
var Operations = []Operation{Tiles, Features, Overlay, Analyses, Exchange}

// Scope is what a token reaches inside of its tier. What is left empty bounds
// nothing. It is not changed after it was checked.
type Scope struct {
	// Layers are the layers that it reaches.
	Layers []string `json:"layers,omitempty"`
	// Places are codes of places, 2 to 14 digits; what lies in one of them is
	// reached.
	Places []string `json:"places,omitempty"`
	// Area is a GeoJSON Polygon or MultiPolygon in EPSG:4490 instead of places.
	Area string `json:"area,omitempty"`
	// MinZoom and MaxZoom bound the zooms of tiles; MaxZoom 0 is no bound.
	MinZoom int `json:"min_zoom,omitempty"`
	MaxZoom int `json:"max_zoom,omitempty"`
	// Operations are what it may ask.
	Operations []Operation `json:"operations,omitempty"`
}

// maxScopeItems bounds each list of a scope.
const maxScopeItems = 100

// check returns what is wrong with s, or nil.
func (s *Scope) check() *problem.Problem {
	if s == nil {
		return nil
	}
	bad := func(zh, en string, args ...any) *problem.Problem {
		return problem.New("ACCESS_SCOPE", zh, en, args...)
	}
	if len(s.Layers) > maxScopeItems || len(s.Places) > maxScopeItems || len(s.Operations) > maxScopeItems {
		return bad("范围中的一项超过 %d 条", "a list of the scope is longer than %d", maxScopeItems)
	}
	for _, l := range s.Layers {
		if !edition.ValidLayer(l) {
			return bad("图层名 %.40q 不合规", "the layer's name %.40q is not allowed", l)
		}
	}
	for _, p := range s.Places {
		if !edition.IsPlace(p) {
			return bad("地点代码 %.40q 不是 "+edition.PlaceDigitsZh, "the place %.40q is not of "+edition.PlaceDigitsEn, p)
		}
	}
	if len(s.Places) > 0 && s.Area != "" {
		return bad("places 与 area 只能给一个", "give one of places and area")
	}
	if s.MinZoom < 0 || s.MaxZoom < 0 || s.MaxZoom > 0 && s.MinZoom > s.MaxZoom {
		return bad("级别 %d 至 %d 不成范围", "zooms %d to %d are no range", s.MinZoom, s.MaxZoom)
	}
	for _, o := range s.Operations {
		if !slices.Contains(Operations, o) {
			return bad("没有操作 %.40q", "there is no operation %.40q", o).
				Advise("可为：%s", "it is one of: %s", listOperations())
		}
	}
	return nil
}

func listOperations() string {
	var names []string
	for _, o := range Operations {
		names = append(names, string(o))
	}
	return strings.Join(names, " ")
}

// Local tells whether the scope is bounded by a place or an area.
func (s *Scope) Local() bool { return s != nil && (len(s.Places) > 0 || s.Area != "") }

// Ground names what bounds the scope on the ground, the same for scopes that are bounded
// alike: the codes of its places with commas between, or `area:` and digits of its area's
// digest; "" of one that is not bounded.
func (s *Scope) Ground() string {
	switch {
	case !s.Local():
		return ""
	case s.Area != "":
		sum := sha256.Sum256([]byte(strings.TrimSpace(s.Area)))
		return "area:" + hex.EncodeToString(sum[:8])
	}
	return strings.Join(slices.Compact(slices.Sorted(slices.Values(s.Places))), ",")
}

// Layer tells whether a layer is reached.
func (s *Scope) Layer(name string) bool {
	return s == nil || len(s.Layers) == 0 || slices.Contains(s.Layers, name)
}

// Zoom tells whether tiles of a zoom are reached.
func (s *Scope) Zoom(z int) bool {
	return s == nil || z >= s.MinZoom && (s.MaxZoom == 0 || z <= s.MaxZoom)
}

// Allows tells whether an operation may be asked.
func (s *Scope) Allows(o Operation) bool {
	return s == nil || len(s.Operations) == 0 || slices.Contains(s.Operations, o)
}
