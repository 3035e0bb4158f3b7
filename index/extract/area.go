package extract

import (
	"gengtu/index/areas"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/index/problem"
)

// MaxAreaVertices bounds the area of a scope: a county's outline in full has some
// 100,000.
const MaxAreaVertices = 500_000

// ParseArea reads the area of a scope: a GeoJSON Polygon or MultiPolygon, or a Feature
// of one, in CGCS2000 (EPSG:4490), longitude first. The result is mended. Errors are
// problems of the text and the shape; one without ground is SCOPE_AREA.
func ParseArea(text string) (geo.MultiPolygon, error) {
	shapes, many, err := areas.ParseShapes([]byte(text), areas.Limits{Vertices: MaxAreaVertices, Features: 1})
	switch {
	case err != nil:
		return nil, err
	case many || len(shapes) != 1:
		return nil, problem.New("SCOPE_AREA", "范围要写一个面或多面", "an area is one polygon or multipolygon").
			Advise("用 geometry，不用 FeatureCollection", "give the geometry, not a FeatureCollection")
	case shapes[0].Err != nil:
		return nil, shapes[0].Err
	}
	crs, err := areas.ParseCRS("")
	if err != nil {
		return nil, err
	}
	shape, err := areas.ShapeWithin(shapes[0].Polygons, crs, MaxAreaVertices)
	if err != nil {
		return nil, err
	}
	area, _, err := overlay.Mend(shape)
	if err == nil && len(area) == 0 {
		err = problem.New("SCOPE_AREA", "范围没有面积", "the area has no ground").
			Advise("请核对坐标", "check its positions")
	}
	return area, err
}
