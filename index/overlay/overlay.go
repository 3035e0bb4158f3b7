// Package overlay answers what polygons share: areas, pieces, dissolved
// outlines, and the mending of polygons that do not follow the rules.
//
// Areas come from [Measure], one subdivision of the ground that never builds a
// result polygon and therefore has no topology that could fail, and from
// [SharedArea], an independent integral for a pair. Geometry comes from
// [Mend], [Intersection], [Union], [Difference] and [Dissolve], which work on
// the integer grid of [geo.Position] with exact predicates; every one of their
// results is weighed against an area measured without geometry before it is
// returned, so that a wrong polygon is an error and never an answer.
//
// Positions are CGCS2000 longitude, latitude (EPSG:4490) in units of 1e-10
// degree. Areas are square metres on the ellipsoid by the survey's formula.
// Edges are straight in longitude and the equal-area latitude q, the plane in
// which that formula is the plain area of a polygon.
//
// The package knows no layer by name, no attribute and no file.
package overlay

// MinShared is the smallest shared area, in m², that counts as shared ground.
//
// Areas of record are kept to 0.01 m², and what rounds to 0.00 is no ground.
// It also lies above the noise of a touching border: a vertex that was put on a
// neighbour's edge and rounded to the grid of 1e-10 degree stands off it by up
// to 8e-6 m, which over an edge of 1 km makes a sliver of 0.004 m².
const MinShared = 0.005

// SharesGround tells whether shared, the area in m² that a feature has inside
// an AOI of aoi m², is more than a touching border. An AOI below 1 m² lowers
// [MinShared] in proportion, so that very small AOIs still find what they lie in.
func SharesGround(shared, aoi float64) bool {
	return shared > 0 && shared >= MinShared*min(1, aoi)
}
