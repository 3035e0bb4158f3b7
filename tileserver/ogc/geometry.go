package ogc

import (
	"math"
	"strings"

	"gengtu/index/geo"
	"gengtu/index/relate"
)

// Geometry is a literal of a filter, in the numbers that it was written with: first and
// second, whatever axes they are.
type Geometry struct {
	Points   []geo.XY
	Lines    [][]geo.XY
	Polygons [][][]geo.XY
}

// relation is what a spatial function asks.
type relation uint8

const (
	intersects relation = 1 + iota
	disjoint
	within
	contains
)

// spatials are the spatial functions; S_CONTAINS is S_WITHIN the other way round.
var spatials = map[string]relation{"S_INTERSECTS": intersects, "S_DISJOINT": disjoint, "S_WITHIN": within, "S_CONTAINS": contains}

// spatial reads a spatial function of the geometry and a literal, in either order where
// that means the same.
func (p *parser) spatial(of relation) (expr, error) {
	at := p.now.at
	if err := p.advance(); err != nil {
		return nil, err
	}
	if err := p.need("("); err != nil {
		return nil, err
	}
	first := p.isGeometryName()
	g, err := p.spatialArgument()
	if err == nil {
		err = p.need(",")
	}
	if err != nil {
		return nil, err
	}
	second := p.isGeometryName()
	h, err := p.spatialArgument()
	if err == nil {
		err = p.need(")")
	}
	switch {
	case err != nil:
		return nil, err
	case first && second: // a geometry with itself
		return constant(truthOf(of != disjoint)), nil
	case !first && !second && (of == intersects || of == disjoint):
		return p.betweenLiterals(of, g, h)
	case of == within && !first, of == contains && first, !first && !second:
		return nil, wrong(at, "S_WITHIN 应写成 S_WITHIN(%[2]s, 字面值)", "only S_WITHIN(%[2]s, literal) is answered", GeometryName)
	case g == nil:
		g = h
	}
	shape, err := p.Shape(g)
	if err != nil {
		return nil, err
	}
	switch of {
	case disjoint:
		return not{meets{shape}}, nil
	case within, contains:
		return holds{shape}, nil
	case intersects:
	}
	return meets{shape}, nil
}

// betweenLiterals is what a spatial function says of two literals, the same of each feature.
func (p *parser) betweenLiterals(of relation, g, h *Geometry) (expr, error) {
	a, err := p.Shape(g)
	if err != nil {
		return nil, err
	}
	b, err := p.Shape(h)
	if err != nil {
		return nil, err
	}
	return constant(truthOf(a.MeetsShape(b) == (of == intersects))), nil
}

func (p *parser) isGeometryName() bool {
	return p.now.kind == tokenName && p.now.text == GeometryName || p.now.kind == tokenWord && strings.EqualFold(p.now.text, GeometryName)
}

// spatialArgument reads the geometry's name, which is nil, or a literal.
func (p *parser) spatialArgument() (*Geometry, error) {
	if p.isGeometryName() {
		return nil, p.advance()
	}
	g := &Geometry{}
	return g, p.literal(g)
}

// literal reads a geometry in well-known text, or BBOX(…), and adds it to g.
func (p *parser) literal(g *Geometry) error {
	if err := p.deeper(); err != nil {
		return err
	}
	defer func() { p.depth-- }()
	name := p.now
	if name.kind != tokenWord {
		return p.unexpected("POINT LINESTRING POLYGON MULTI… GEOMETRYCOLLECTION BBOX")
	}
	if err := p.advance(); err != nil {
		return err
	}
	if name.is("BBOX") || name.is("ENVELOPE") {
		return p.bbox(g)
	}
	// Heights may be there without a Z, and the other way round (21-065r2, 7.14).
	if _, err := p.take("Z"); err != nil {
		return err
	}
	point := p.position
	line := func() ([]geo.XY, error) { return list(p, point) }
	polygon := func() ([][]geo.XY, error) { return list(p, line) }
	var err error
	switch strings.ToUpper(name.text) {
	case "POINT":
		had := len(g.Points)
		g.Points, err = addAll(g.Points, p, point)
		if err == nil && len(g.Points) != had+1 {
			err = wrong(name.at, "POINT 有不止一个位置", "a POINT has one position")
		}
	case "MULTIPOINT":
		g.Points, err = addAll(g.Points, p, func() (geo.XY, error) { return p.bracketedPoint(point) })
	case "LINESTRING":
		g.Lines, err = addOne(g.Lines, line)
	case "MULTILINESTRING":
		g.Lines, err = addAll(g.Lines, p, line)
	case "POLYGON":
		g.Polygons, err = addOne(g.Polygons, polygon)
	case "MULTIPOLYGON":
		g.Polygons, err = addAll(g.Polygons, p, polygon)
	case "GEOMETRYCOLLECTION":
		_, err = list(p, func() (struct{}, error) { return struct{}{}, p.literal(g) })
	default:
		return wrong(name.at, "没有几何类型 %.40[2]q", "there is no geometry %.40[2]q", name.text)
	}
	return err
}

func addOne[T any](to []T, read func() (T, error)) ([]T, error) {
	v, err := read()
	return append(to, v), err
}

func addAll[T any](to []T, p *parser, read func() (T, error)) ([]T, error) {
	all, err := list(p, read)
	return append(to, all...), err
}

// list reads things in brackets, commas between; there is one at least. They are no more
// than the text has bytes.
func list[T any](p *parser, read func() (T, error)) ([]T, error) {
	if err := p.need("("); err != nil {
		return nil, err
	}
	var out []T
	for {
		v, err := read()
		if err != nil {
			return nil, err
		}
		out = append(out, v)
		more, err := p.take(",")
		if err != nil {
			return nil, err
		}
		if !more {
			return out, p.need(")")
		}
	}
}

// bracketedPoint reads a position of a MULTIPOINT, which may stand in brackets.
func (p *parser) bracketedPoint(point func() (geo.XY, error)) (geo.XY, error) {
	open, err := p.take("(")
	if err != nil {
		return geo.XY{}, err
	}
	at, err := point()
	if err == nil && open {
		err = p.need(")")
	}
	return at, err
}

// position reads the two or three numbers of a position, of which the first two count.
func (p *parser) position() (geo.XY, error) {
	x, err := p.coordinate()
	if err != nil {
		return geo.XY{}, err
	}
	y, err := p.coordinate()
	if err == nil && (p.now.kind == tokenNumber || p.now.is("-") || p.now.is("+")) {
		_, err = p.coordinate()
	}
	return geo.XY{X: x, Y: y}, err
}

func (p *parser) coordinate() (float64, error) {
	at := p.now.at
	o, err := p.number()
	if err != nil {
		return 0, err
	}
	v := o.literal.Real
	if o.literal.Kind == IsInt {
		v = float64(o.literal.Int)
	}
	if math.Abs(v) > maxCoordinate {
		return 0, wrong(at, "坐标 %[2]v 太大", "the coordinate %[2]v is too large", v)
	}
	return v, nil
}

// maxCoordinate is greater than any coordinate of a system that is served.
const maxCoordinate = 1e9

// bbox reads BBOX(x1, y1, x2, y2), or with a third axis that is not looked at.
func (p *parser) bbox(g *Geometry) error {
	at := p.now.at
	n, err := list(p, p.coordinate)
	if err != nil {
		return err
	}
	if len(n) == 6 {
		n = []float64{n[0], n[1], n[3], n[4]}
	}
	if len(n) != 4 {
		return wrong(at, "BBOX 应有 4 个数", "a BBOX has 4 numbers")
	}
	g.AddBox(geo.XY{X: n[0], Y: n[1]}, geo.XY{X: n[2], Y: n[3]})
	return nil
}

// AddBox adds a box by its corners, which may be a line or a point.
func (g *Geometry) AddBox(a, b geo.XY) {
	switch {
	case a == b:
		g.Points = append(g.Points, a)
	case a.X == b.X || a.Y == b.Y:
		g.Lines = append(g.Lines, []geo.XY{a, b})
	default:
		g.Polygons = append(g.Polygons, [][]geo.XY{{a, {X: b.X, Y: a.Y}, b, {X: a.X, Y: b.Y}, a}})
	}
}

// Placer brings positions of a coordinate system into those of features.
type Placer interface {
	Point(p geo.XY) (geo.Position, error)
	Line(l []geo.XY) ([]geo.Position, error)
	// Area returns valid and directed polygons, none over another.
	Area(polygons [][][]geo.XY) (geo.MultiPolygon, error)
}

// Shape returns g in the coordinates of features.
func (g *Geometry) Shape(in Placer) (*relate.Shape, error) {
	s := relate.New()
	for _, p := range g.Points {
		at, err := in.Point(p)
		if err != nil {
			return nil, err
		}
		s.AddPoint(at)
	}
	for _, l := range g.Lines {
		line, err := in.Line(l)
		if err != nil {
			return nil, err
		}
		s.AddLine(line)
	}
	if len(g.Polygons) > 0 {
		m, err := in.Area(g.Polygons)
		if err != nil {
			return nil, err
		}
		s.AddPolygons(m)
	}
	return s, nil
}
