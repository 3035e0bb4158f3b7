package sample

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"

	"gengtu/index/geo"
)

// borderLine is a line between two villages, or between one and what is outside.
type borderLine struct {
	left, right int32 // right is nobody outside the county
	points      ring
}

// borders returns the lines between the villages, each once, in order.
func (l *landscape) borders() []borderLine {
	rings := make([][]ring, len(l.villages))
	owner := map[side]int32{}
	for v := range l.villages {
		for _, polygon := range l.dissolve(l.members[v]) {
			for _, r := range polygon {
				rings[v] = append(rings[v], r)
				for k, a := range r {
					owner[side{a, r[(k+1)%len(r)]}] = int32(v) //nolint:gosec // villages are few
				}
			}
		}
	}
	var out []borderLine
	for v := range rings {
		for _, r := range rings[v] {
			out = append(out, linesOf(r, int32(v), owner)...) //nolint:gosec // villages are few
		}
	}
	return out
}

// linesOf divides a ring of village v where its neighbour changes, and returns the lines
// that belong to v: those with a neighbour of a higher number or none.
func linesOf(r ring, v int32, owner map[side]int32) []borderLine {
	beside := make([]int32, len(r)) // of the edge that begins at each vertex
	for k, a := range r {
		n, ok := owner[side{r[(k+1)%len(r)], a}]
		if !ok {
			n = nobody
		}
		beside[k] = n
	}
	first := 0 // where a line begins
	for k := range r {
		if beside[k] != beside[(k+len(r)-1)%len(r)] {
			first = k
			break
		}
	}
	var out []borderLine
	for k := 0; k < len(r); {
		line := borderLine{left: v, right: beside[(first+k)%len(r)]}
		for ; k < len(r) && beside[(first+k)%len(r)] == line.right; k++ {
			line.points = append(line.points, r[(first+k)%len(r)])
		}
		line.points = append(line.points, r[(first+k)%len(r)])
		if line.right == nobody || line.right > v {
			out = append(out, line)
		}
	}
	return out
}

// kind returns JXLX of a line.
func (b borderLine) kind() string {
	switch {
	case b.right == nobody:
		return "650200"
	case b.left/perTownship != b.right/perTownship:
		return "660200"
	}
	return "670500"
}

// lineFeature is a line in GeoJSON.
type lineFeature struct {
	Type       string         `json:"type"`
	Properties map[string]any `json:"properties"`
	Geometry   struct {
		Type        string       `json:"type"`
		Coordinates [][2]float64 `json:"coordinates"`
	} `json:"geometry"`
}

// writeBorders writes XZQJX as GeoJSON: the one layer of lines, for which a writer of
// polygons is of no use. It returns how many there are.
func (l *landscape) writeBorders(to string) (int, error) {
	lines := l.borders()
	features := make([]lineFeature, len(lines))
	for i, b := range lines {
		f := &features[i]
		f.Type, f.Geometry.Type = "Feature", "LineString"
		f.Properties = map[string]any{
			"BSM": bsm(layerBorder, i), "YSDM": "1000600400", "JXLX": b.kind(), "JXXZ": "600001", "JXSM": nil, "BZ": remark,
		}
		f.Geometry.Coordinates = l.positions(b.points)
	}
	data, err := json.Marshal(map[string]any{
		"type": "FeatureCollection", "name": "XZQJX", "features": features,
		"crs": map[string]any{"type": "name", "properties": map[string]any{"name": "urn:ogc:def:crs:EPSG::4490"}},
	})
	if err != nil {
		return 0, err
	}
	err = errors.Join(os.MkdirAll(filepath.Dir(to), 0o777), os.WriteFile(to, data, 0o666))
	return len(lines), err
}

// positions returns longitudes and latitudes of vertices.
func (l *landscape) positions(vertices ring) [][2]float64 {
	out := make([][2]float64, len(vertices))
	for i, p := range l.ground(vertices) {
		at := l.crs.Ring([]geo.XY{p})[0]
		out[i] = [2]float64{float64(at.Lon) / geo.Unit, float64(at.Lat) / geo.Unit}
	}
	return out
}
