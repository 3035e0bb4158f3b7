package tileserver

import (
	"gengtu/index"
	"gengtu/index/areas"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/index/problem"
	"gengtu/index/relate"
	"gengtu/tileserver/ogc"
)

// offeredCRS are the systems in which a layer's features are answered.
func offeredCRS(l *index.Layer) []ogc.CRS { return ogc.Offered(l.Extent()) }

// ogcPlacer brings positions of a system into those of features, for a request that may
// have so many. It implements [ogc.Placer].
type ogcPlacer struct {
	crs ogc.CRS
	of  *itemsRequest
}

// lightShapes is how many positions the shapes of a request have that is answered beside
// those that take long.
const lightShapes = 2000

// spend counts positions of a request's shapes, against their limit. An address of some
// hundred bytes in a plane system can make hundreds of thousands, which to mend takes
// seconds: such a request has one of the places of long answers before that.
func (q *itemsRequest) spend(positions int) error {
	if q.positions += positions; q.positions > q.server.cfg.Limits.AOIVertices {
		return problem.New("TOO_LARGE_SHAPES", "图形的顶点多于 %d 个", "the shapes have more than %d vertices", q.server.cfg.Limits.AOIVertices)
	}
	if q.positions <= lightShapes {
		return nil
	}
	return q.takePlace()
}

// takePlace takes one of the places of long answers, until leave.
func (q *itemsRequest) takePlace() (err error) {
	if q.place == nil {
		q.place, err = q.server.overlays.Take(q.asker())
	}
	return err
}

// leave gives the place back, if one was taken.
func (q *itemsRequest) leave() {
	if q.place != nil {
		q.place()
		q.place = nil
	}
}

func (p ogcPlacer) checked(at geo.XY) (geo.XY, error) {
	at = p.crs.Given(at)
	if err := p.crs.System.Check(at); err != nil {
		return at, problem.New("CRS_MISMATCH", "坐标与坐标系不符（%v）", "the coordinates do not fit the coordinate system (%v)", err).Because(err).
			Advise("坐标的顺序按坐标系的定义：CRS84、3857 先经度或东坐标，EPSG:4490、4326 和高斯带先纬度或北坐标", "positions are in the order of the system's axes: CRS84 and 3857 easting first, EPSG:4490, 4326 and Gauss-Krüger zones northing first")
	}
	return at, nil
}

// shape brings a literal of a filter into the coordinates of features.
func (p ogcPlacer) shape(g *ogc.Geometry) (*relate.Shape, error) { return g.Shape(p) }

// Point returns a position.
func (p ogcPlacer) Point(at geo.XY) (geo.Position, error) {
	at, err := p.checked(at)
	return geo.PositionOf(p.crs.System.Inverse(at)), err
}

// Line returns a line, its long edges divided in a plane.
func (p ogcPlacer) Line(l []geo.XY) ([]geo.Position, error) {
	var out []geo.Position
	for i := range l {
		at, err := p.checked(l[i])
		if err != nil {
			return nil, err
		}
		if i == 0 {
			out = append(out, geo.PositionOf(p.crs.System.Inverse(at)))
			continue
		}
		edge := []geo.XY{p.crs.Given(l[i-1]), at}
		// A ring of one edge comes back the way that it went.
		if err := p.of.spend(p.crs.System.Positions(edge) / 2); err != nil {
			return nil, err
		}
		ring := p.crs.System.Ring(edge)
		out = append(out, ring[1:len(ring)/2+1]...)
	}
	return out, nil
}

// Area returns polygons, mended, and where they overlap as one.
func (p ogcPlacer) Area(polygons [][][]geo.XY) (geo.MultiPolygon, error) {
	given := make([][][]geo.XY, len(polygons))
	for i, polygon := range polygons {
		for _, ring := range polygon {
			r := make([]geo.XY, len(ring))
			for k, at := range ring {
				r[k] = p.crs.Given(at)
			}
			given[i] = append(given[i], r)
		}
	}
	m, err := areas.ShapeWithin(given, p.crs.System, max(p.of.server.cfg.Limits.AOIVertices-p.of.positions, 1))
	if err == nil {
		err = p.of.spend(m.Vertices())
	}
	if err != nil {
		return nil, err
	}
	m, _, err = overlay.MendBy(overlay.NonZero, m)
	if err == nil && len(m) == 0 {
		err = problem.New("GEOMETRY_EMPTY", "图形没有面积", "the shape has no area")
	}
	return m, err
}

// boxShape is bbox=, two corners in the order of crs, as a shape. In a geographic
// system whose first corner lies east of the second the box goes over the antimeridian.
func (p ogcPlacer) boxShape(n []float64) (*relate.Shape, error) {
	a, b := geo.XY{X: n[0], Y: n[1]}, geo.XY{X: n[2], Y: n[3]}
	lo, hi := p.crs.Given(a), p.crs.Given(b)
	over := p.crs.System.Geographic() && lo.X > hi.X
	if lo.Y > hi.Y || lo.X > hi.X && !over {
		return nil, problem.New("PARAMETER_BBOX", "bbox %v 的最小值大于最大值", "in bbox %v the least is above the greatest", n).
			Advise("坐标的顺序按 bbox-crs 的定义，默认先经度后纬度", "the order is that of bbox-crs; by default longitude comes first")
	}
	if p.crs.System.GaussKrueger() {
		g := &ogc.Geometry{}
		g.AddBox(a, b)
		return g.Shape(p)
	}
	from, err := p.Point(a)
	if err != nil {
		return nil, err
	}
	to, err := p.Point(b)
	if err != nil {
		return nil, err
	}
	if !over {
		return relate.Rectangle(geo.Box{Min: from, Max: to}), nil
	}
	s := relate.New()
	edge := geo.PositionOf(geo.LonLat{Lon: 180})
	s.AddPolygons(geo.MultiPolygon{
		geo.Box{Min: from, Max: geo.Position{Lon: edge.Lon, Lat: to.Lat}}.Polygon(), geo.Box{Min: geo.Position{Lon: -edge.Lon, Lat: from.Lat}, Max: to}.Polygon(),
	})
	return s, nil
}
