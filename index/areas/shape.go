package areas

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"gengtu/index"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/index/problem"
)

// Limits bound what a request's shapes may hold.
type Limits struct {
	Vertices int // of all shapes together
	Features int // of a collection
}

// Given is one shape of a request, in the coordinates that it was given in.
type Given struct {
	ID         json.RawMessage // as given, nil when there is none
	Properties json.RawMessage
	Polygons   [][][]geo.XY
	// Err is why this shape cannot be read; it fails no other.
	Err error
}

// ParseCRS reads the name of a coordinate system that shapes may come in:
// EPSG:4490 when it is "", 4326, 3857 or a CGCS2000 Gauss-Krüger zone.
func ParseCRS(name string) (geo.CRS, error) {
	if name == "" {
		name = "EPSG:4490"
	}
	crs, err := geo.ParseCRSName(name)
	if err != nil {
		return geo.CRS{}, problem.New("CRS_UNKNOWN", "坐标系 %.40q 不能用（%v）", "the coordinate system %.40q cannot be used (%v)", name, err).
			Advise("可用 EPSG:4490、4326、3857 和 4491–4554", "there are EPSG:4490, 4326, 3857 and 4491 to 4554").Because(err)
	}
	return crs, nil
}

// ParseShapes reads a GeoJSON geometry, Feature or FeatureCollection. Many is
// true for a collection, whose shapes fail one by one; the error is of what
// cannot be read at all.
func ParseShapes(data []byte, lim Limits) (shapes []Given, many bool, err error) {
	var head struct {
		Type     string            `json:"type"`
		Features []json.RawMessage `json:"features"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, false, problem.New("GEOJSON_SYNTAX", "不是完整的 GeoJSON（%v）", "this is no whole GeoJSON (%v)", err)
	}
	if head.Type != "FeatureCollection" {
		g := parseFeature(data, head.Type, &lim)
		return []Given{g}, false, nil
	}
	if lim.Features > 0 && len(head.Features) > lim.Features {
		return nil, true, problem.New("TOO_LARGE_COLLECTION", "一次 %d 个图形，上限 %d", "%d shapes at once, the limit is %d", len(head.Features), lim.Features).
			Advise("分几次来问", "ask in several requests")
	}
	for _, f := range head.Features {
		var t struct {
			Type string `json:"type"`
		}
		if err := json.Unmarshal(f, &t); err != nil {
			shapes = append(shapes, Given{Err: problem.New("GEOJSON_SYNTAX", "不是要素（%v）", "this is no feature (%v)", err)})
			continue
		}
		shapes = append(shapes, parseFeature(f, t.Type, &lim))
		if lim.Vertices < 0 {
			return nil, true, problem.New("TOO_LARGE_SHAPES", "顶点太多", "there are too many vertices").Advise("分几次来问", "ask in several requests")
		}
	}
	return shapes, true, nil
}

// parseFeature reads a geometry or Feature and takes its vertices off the limit.
func parseFeature(data []byte, kind string, lim *Limits) Given {
	g := Given{}
	geometry := json.RawMessage(data)
	if kind == "Feature" {
		var f struct {
			ID         json.RawMessage `json:"id"`
			Properties json.RawMessage `json:"properties"`
			Geometry   json.RawMessage `json:"geometry"`
		}
		if err := json.Unmarshal(data, &f); err != nil {
			g.Err = problem.New("GEOJSON_SYNTAX", "不是要素（%v）", "this is no feature (%v)", err)
			return g
		}
		g.ID, g.Properties, geometry = f.ID, f.Properties, f.Geometry
	}
	if len(geometry) == 0 || bytes.Equal(geometry, []byte("null")) {
		g.Err = errEmpty
		return g
	}
	polygons, err := geo.ParseGeometry(geometry, geo.Limits{Vertices: max(lim.Vertices, 1)})
	if err != nil {
		g.Err = geometryProblem(err)
		return g
	}
	for _, p := range polygons {
		for _, r := range p {
			lim.Vertices -= len(r)
		}
	}
	g.Polygons = polygons
	return g
}

func geometryProblem(err error) error {
	if errors.Is(err, geo.ErrGeometryLimit) {
		return problem.New("TOO_LARGE_SHAPES", "图形太大（%v）", "the shape is too large (%v)", err).Because(err)
	}
	return problem.New("GEOMETRY_REFUSED", "图形不能用（%v）", "the shape cannot be used (%v)", err).Because(err)
}

// Shape brings polygons from crs into CGCS2000. Metres that are sent as degrees
// are refused with the zone that they are likely in.
func Shape(polygons [][][]geo.XY, crs geo.CRS) (geo.MultiPolygon, error) {
	var m geo.MultiPolygon
	for _, p := range polygons {
		var poly geo.Polygon
		for _, r := range p {
			for _, v := range r {
				if err := crs.Check(v); err != nil {
					return nil, coordinateProblem(err)
				}
			}
			poly = append(poly, crs.Ring(r))
		}
		m = append(m, poly)
	}
	return m, nil
}

func coordinateProblem(err error) error {
	p := problem.New("CRS_MISMATCH", "坐标与坐标系不符（%v）", "the coordinates do not fit the coordinate system (%v)", err).Because(err)
	var c *geo.CoordinateError
	if errors.As(err, &c) {
		if zone, ok := c.Proposal(); ok {
			return p.Advise("看起来是 %s（%s），请在 crs 中写明", "they look like %s (%s): say so in crs", zone, zone.Name())
		}
	}
	return p.Advise("请核对 crs，坐标一律先经度（东坐标）后纬度（北坐标）", "check crs; positions are easting or longitude first")
}

// Size returns the shape's area in m² by the even-odd rule.
func Size(ctx context.Context, m geo.MultiPolygon) (float64, error) {
	res, err := overlay.Measure(ctx, m, nil, overlay.Options{})
	if err != nil {
		return 0, err
	}
	return res.AOI, nil
}

// Place returns the shape of a place: the regions whose code begins with code,
// dissolved. Codes have 2, 4, 6, 9, 12 or 14 digits.
func Place(ctx context.Context, ix *index.Index, code, vintage string) (geo.MultiPolygon, error) {
	l := ix.Layer("region", vintage)
	if l == nil {
		l = ix.Layer("region", "") // a region layer of another year names the same places
	}
	none := problem.New("NO_PLACE", "没有行政区 %.20q", "there is no place %.20q", code)
	if l == nil {
		return nil, none.Advise("本版没有行政区图层", "this edition has no region layer")
	}
	if !validPlace(code) {
		return nil, problem.New("PARAMETER_PLACE", "行政区代码 %.20q 不合规", "the place code %.20q is not valid", code).
			Advise("2、4、6、9、12 或 14 位数字", "2, 4, 6, 9, 12 or 14 digits")
	}
	var parts []geo.MultiPolygon
	for i := range l.Len() {
		if !strings.HasPrefix(l.Head(i).Place, code) {
			continue
		}
		f, err := l.Feature(i)
		if err != nil {
			return nil, err
		}
		parts = append(parts, f.Geometry)
	}
	switch len(parts) {
	case 0:
		return nil, none
	case 1:
		return parts[0], nil
	}
	return overlay.Dissolve(ctx, parts)
}

func validPlace(code string) bool {
	for _, c := range code {
		if c < '0' || c > '9' {
			return false
		}
	}
	return slices.Contains([]int{2, 4, 6, 9, 12, 14}, len(code))
}
