package areas

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"strconv"
	"strings"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/index/problem"
)

// Limits bound what a request's shapes may hold; 0 is no bound of this package.
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
	// Notes are what was doubtful about it; they stand in its answer.
	Notes []*problem.Problem
	// Stated is the area that was said of it, nil when none was.
	Stated *StatedArea
	// CRS is what the polygons are in, for questions about shapes of several files, each
	// in a system of its own: whoever reads the file says it. [Asker] goes by its own.
	CRS geo.CRS
	// File is the name, without directories, of the file that it came in; "" for none.
	File string
}

// ParseCRS reads the name of a coordinate system that shapes may come in:
// EPSG:4490 when it is "", 4326, 3857 or a CGCS2000 Gauss-Krüger zone.
func ParseCRS(name string) (geo.CRS, error) {
	if name == "" {
		name = "EPSG:4490"
	}
	crs, err := geo.ParseCRSName(name)
	if err != nil {
		zh, en := geo.Words(err)
		return geo.CRS{}, problem.New("CRS_UNKNOWN", "坐标系 %.40[1]q 不能用（%[2]s）", "the coordinate system %.40[1]q cannot be used (%[3]s)", name, zh, en).
			Advise("可用 EPSG:4490、4326、3857 和 4491–4554", "there are EPSG:4490, 4326, 3857 and 4491 to 4554").Because(err)
	}
	return crs, nil
}

// StatedCRS returns the coordinate system that the `crs` members (GeoJSON of 2008)
// of a GeoJSON text name, nil where there is none or it is null. Errors are
// problems CRS_UNKNOWN, and CRS_CONFLICT when members name different systems; a
// text that is no JSON is left to [ParseShapes].
func StatedCRS(data []byte) (*geo.CRS, error) {
	return statedCRS(nil, data)
}

// StatedSequenceCRS is [StatedCRS] of all records of a text sequence together.
func StatedSequenceCRS(data []byte) (*geo.CRS, error) {
	var stated *geo.CRS
	for text := range records(data) {
		var err error
		if stated, err = statedCRS(stated, text); err != nil {
			return nil, err
		}
	}
	return stated, nil
}

// statedCRS is StatedCRS beside what has been stated before.
func statedCRS(stated *geo.CRS, data []byte) (*geo.CRS, error) {
	var last []byte
	err := geo.ParseCRSMembers(data, func(value []byte) error {
		if bytes.Equal(value, last) || string(value) == "null" {
			return nil // as in the feature before
		}
		last = value
		crs, err := memberCRS(value)
		switch {
		case err != nil:
			return err
		case stated != nil && *stated != crs:
			return problem.New("CRS_CONFLICT", "crs 成员说了两个坐标系：%s 和 %s", "crs members name two coordinate systems: %s and %s", *stated, crs).
				Advise("分成两次来问", "ask in two requests")
		}
		stated = &crs
		return nil
	})
	if err != nil && problem.Of(err) == nil {
		err = nil // of the syntax
	}
	return stated, err
}

// memberCRS reads a crs member: a name, or an object whose properties name the
// system or give its EPSG code.
func memberCRS(value []byte) (geo.CRS, error) {
	var name string
	var member struct {
		Properties struct {
			Name string
			Code json.Number
		}
	}
	if json.Unmarshal(value, &name) != nil && json.Unmarshal(value, &member) == nil {
		name = cmp.Or(member.Properties.Name, member.Properties.Code.String())
	}
	if name == "" {
		return geo.CRS{}, problem.New("CRS_UNKNOWN", "crs 成员 %.80q 没有说出坐标系的名称", "the crs member %.80q names no coordinate system", value).
			Advise(`写成 {"type":"name","properties":{"name":"EPSG:4490"}}，或去掉它`, `write {"type":"name","properties":{"name":"EPSG:4490"}}, or leave it out`)
	}
	return ParseCRS(name)
}

// ParseShapes reads a GeoJSON geometry, Feature or FeatureCollection. Many is
// true for a collection, whose shapes fail one by one; the error is of what
// cannot be read at all, and of a request that goes beyond the limits as a whole
// (TOO_LARGE_COLLECTION, TOO_LARGE_SHAPES). A byte order mark is stepped
// over. Nothing of data is kept.
func ParseShapes(data []byte, lim Limits) (shapes []Given, many bool, err error) {
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	many, err = geo.ParseFeatures(data, geo.Limits{Vertices: lim.Vertices}, func(f *geo.Feature) error {
		if lim.Features > 0 && len(shapes) == lim.Features {
			return tooManyShapes(lim)
		}
		shapes = append(shapes, givenOf(f))
		return nil
	})
	if err != nil {
		return nil, many, parseProblem(err)
	}
	// What stands alone and is no object of GeoJSON is the request's fault.
	if !many && shapes[0].Err != nil && problem.Of(shapes[0].Err).Code == "GEOJSON_SYNTAX" {
		return nil, false, shapes[0].Err
	}
	return shapes, many, nil
}

// ParseSequence reads a GeoJSON text sequence: records that each begin with a
// record separator (RFC 8142), or lines with one value each. Every record is a
// shape, and one that cannot be read fails no other. Errors are TOO_LARGE_COLLECTION
// and TOO_LARGE_SHAPES. Nothing of data is kept.
func ParseSequence(data []byte, lim Limits) ([]Given, error) {
	shapes := []Given{}
	left := lim.Vertices
	for text := range records(data) {
		if lim.Features > 0 && len(shapes) == lim.Features {
			return nil, tooManyShapes(lim)
		}
		one, many, err := ParseShapes(text, Limits{Vertices: left})
		switch p := problem.Of(err); {
		case p != nil && p.Code == "TOO_LARGE_SHAPES":
			return nil, err
		case err != nil:
			one = []Given{{Err: err}}
		case many:
			one = []Given{{Err: problem.New("GEOJSON_SYNTAX", "文本序列里有 FeatureCollection", "a FeatureCollection stands in a text sequence").
				Advise("每条一个 Feature", "write one Feature a record")}}
		}
		if lim.Vertices > 0 {
			// 0 would be no bound; no ring has so few as one.
			left = max(1, left-verticesOf(one[0].Polygons))
		}
		shapes = append(shapes, one[0])
	}
	return shapes, nil
}

// records yields the records of a text sequence.
func records(data []byte) iter.Seq[[]byte] {
	data = bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\uFEFF")), " \t\r\n")
	end := byte('\n')
	if len(data) > 0 && data[0] == recordSeparator {
		end = recordSeparator
	}
	return func(yield func([]byte) bool) {
		for text := range bytes.SplitSeq(data, []byte{end}) {
			if text = bytes.TrimSpace(text); len(text) > 0 && !yield(text) {
				return
			}
		}
	}
}

// recordSeparator begins a record of a text sequence (RFC 7464).
const recordSeparator = 0x1E

func verticesOf(polygons [][][]geo.XY) int {
	n := 0
	for _, p := range polygons {
		for _, r := range p {
			n += len(r)
		}
	}
	return n
}

// givenOf keeps a feature as a shape.
func givenOf(f *geo.Feature) Given {
	g := Given{ID: bytes.Clone(f.ID), Properties: bytes.Clone(f.Properties), Polygons: f.Polygons}
	var ge *geo.GeometryError
	switch {
	case f.Err != nil && errors.As(f.Err, &ge) && ge.Place == (geo.Place{}) && errors.Is(ge, geo.ErrGeometrySyntax):
		g.Err = syntax("Feature", f.Err)
	case f.Err != nil:
		g.Err = refused(f.Err, ge)
	case f.NoGeometry:
		g.Err = errEmpty
	}
	return g
}

// parseProblem tells why a whole text cannot be read.
func parseProblem(err error) error {
	switch {
	case problem.Of(err) != nil:
		return err
	case errors.Is(err, geo.ErrGeometryLimit):
		var ge *geo.GeometryError
		if errors.As(err, &ge) && ge.Place.Position > 0 {
			return tooLarge(err)
		}
	}
	return syntax("GeoJSON", err)
}

// syntax says what JSON is wrong with.
func syntax(what string, err error) error {
	p := problem.New("GEOJSON_SYNTAX", "不是完整的 %s", "this is no whole %s", what)
	var ge *geo.GeometryError
	if errors.As(err, &ge) {
		p = problem.New("GEOJSON_SYNTAX", "不是完整的 %s：第 %d 字节处是 %s", "this is no whole %s: at byte %d stands %s", what, ge.Offset, ge.Found)
	}
	return p.Because(err)
}

func tooManyShapes(lim Limits) error {
	return problem.New("TOO_LARGE_COLLECTION", "一次多于 %d 个图形", "more than %d shapes at once, which is the limit", lim.Features).
		Advise("分几次来问", "ask in several requests")
}

func tooLarge(cause error) error {
	return problem.New("TOO_LARGE_SHAPES", "图形的顶点太多（%v）", "the shapes have too many vertices (%v)", cause).
		Advise("简化图形，或分几次来问", "simplify them, or ask in several requests").Because(cause)
}

// Shape is [ShapeWithin] the limit that package geo keeps to itself.
func Shape(polygons [][][]geo.XY, crs geo.CRS) (geo.MultiPolygon, error) {
	return ShapeWithin(polygons, crs, 0)
}

// ShapeWithin brings polygons from crs into CGCS2000; the result has at most
// vertices positions, those that long plane edges are divided by included.
// Metres that are sent as degrees are refused with the zone that they are likely
// in. Errors are problems CRS_MISMATCH and TOO_LARGE_SHAPES.
func ShapeWithin(polygons [][][]geo.XY, crs geo.CRS, vertices int) (geo.MultiPolygon, error) {
	m, err := crs.MultiPolygon(polygons, geo.Limits{Vertices: vertices})
	switch {
	case err == nil:
		return m, nil
	case errors.Is(err, geo.ErrGeometryLimit):
		return nil, tooLarge(err)
	}
	return nil, coordinateProblem(err)
}

// refused is why a shape cannot be used; at, where that is, is nil when it is not known.
func refused(err error, at *geo.GeometryError) error {
	zh, en := geo.Words(err)
	if at != nil {
		placeZh, placeEn := at.Place.Words()
		for _, more := range [][2]string{{placeZh, placeEn}, {at.Found, at.Found}} {
			if more[1] != "" {
				zh, en = zh+"，"+more[0], en+", "+more[1]
			}
		}
	}
	return problem.New("GEOMETRY_REFUSED", "图形不能用（%[1]s）", "the shape cannot be used (%[2]s)", zh, en).Because(err).
		Advise("请更正图形；只收面和多面", "correct the shape; polygons and multipolygons are taken")
}

func coordinateProblem(err error) error {
	zh, en := geo.Words(err)
	p := problem.New("CRS_MISMATCH", "坐标与坐标系不符：%[1]s", "the coordinates do not fit the coordinate system: %[2]s", zh, en).Because(err)
	var c *geo.CoordinateError
	if errors.As(err, &c) {
		p = problem.New("CRS_MISMATCH", "坐标与坐标系不符：%[1]s：%[3]v, %[4]v（%[5]v）", "the coordinates do not fit the coordinate system: %[2]s: %[3]v, %[4]v (%[5]v)",
			zh, en, metres(c.Found.X), metres(c.Found.Y), c.CRS).Because(err)
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

// Place returns the shape of a place: the region of that code, or where there is
// none those whose code begins with it, dissolved. Codes are
// those of [edition.IsPlace]. A region layer without the vintage gives its latest: it names the
// same places. Errors are ctx's, or problems NO_PLACE and PARAMETER_PLACE.
func Place(ctx context.Context, ix *index.Index, code, vintage string) (geo.MultiPolygon, error) {
	l := ix.Regions(vintage)
	none := noPlace(code)
	if l == nil {
		return nil, none.Advise("本版没有行政区图层", "this edition has no region layer")
	}
	if !edition.IsPlace(code) {
		return nil, edition.BadPlace(code)
	}
	parts, err := regions(ctx, l, code)
	if err != nil {
		return nil, err
	}
	switch len(parts) {
	case 0:
		return nil, none
	case 1:
		return parts[0], nil
	}
	return overlay.Dissolve(ctx, parts)
}

// regions returns the shapes of the regions that have the code or, when there is
// none, those that lie under it.
func regions(ctx context.Context, l *index.Layer, code string) ([]geo.MultiPolygon, error) {
	var exact, under []int
	for i := range l.Len() {
		switch p := l.Head(i).Place; {
		case p == code:
			exact = append(exact, i)
		case strings.HasPrefix(p, code):
			under = append(under, i)
		}
	}
	if len(exact) == 0 {
		exact = under
	}
	var parts []geo.MultiPolygon
	for _, i := range exact {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		f, err := l.Feature(i)
		if err != nil {
			return nil, err
		}
		parts = append(parts, f.Geometry)
	}
	return parts, nil
}

// metres is a coordinate as surveyors write it, without a power of ten.
func metres(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
