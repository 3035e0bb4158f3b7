package source

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/text/transform"

	"gengtu/index/problem"
)

// geoJSON reads GeoJSON (RFC 7946, and the crs member of the 2008 format) in all
// its forms: a collection, one feature, a bare geometry, features on lines and
// text sequences (RFC 8142).
//
// The file is read twice: a first time to learn the names and kinds of all
// properties and the coordinate system, which may stand at the end, and to find
// out whether the file is whole; then for the features. Of a large file that may be
// sampled only pieces are read the first time, see [jsonProof].
type geoJSON struct {
	layer   Layer
	file    *os.File
	size    int64
	sizes   jsonSizes
	text    charset
	walker  *jsonWalker
	schema  *jsonSchema
	record  int64  // the last one handed out
	pending []byte // a feature that is read and not yet handed out, nil for none
	parser  *jsonParser
	batches sync.Pool  // of batches that are done with
	proof   *jsonProof // nil when the schema is no guess
}

// jsonSizes are the sizes in which a file is read. They do not show in what is read.
type jsonSizes struct {
	window int // bytes of the file in memory at first
	// A batch has so many features and bytes at most, but for the last feature.
	features, bytes int
	// From so many bytes on a feature is parsed where it stands in the window
	// instead of being copied into a batch, so that a huge one is in memory once.
	single int
	// From sampled bytes on a file may be sampled: its beginning, of head bytes, and
	// pieces of so many bytes.
	sampled     int64
	head, piece int
}

// openGeoJSON opens the file at path and goes through it once.
func openGeoJSON(ctx context.Context, path string, opt Options) (*geoJSON, error) {
	return openGeoJSONSized(ctx, path, opt, jsonSizes{
		window: jsonWindow, features: batchRecords, bytes: batchBytes, single: 4 * batchBytes,
		sampled: 32 << 20, head: 1 << 20, piece: 64 << 10,
	})
}

// openGeoJSONSized is [openGeoJSON] in sizes to choose.
func openGeoJSONSized(ctx context.Context, path string, opt Options, sizes jsonSizes) (*geoJSON, error) {
	file, size, err := openSized(path)
	if err != nil {
		return nil, err
	}
	sizes.window = readAhead(size, sizes.window)
	r := &geoJSON{file: file, size: size, sizes: sizes, text: charsetUTF8, layer: Layer{Table: baseName(path)}}
	if err := r.open(ctx, opt); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return r, nil
}

// open learns what the file holds and starts it anew.
func (r *geoJSON) open(ctx context.Context, opt Options) error {
	if opt.Encoding != "" {
		var ok bool
		if r.text, ok = charsetOf(opt.Encoding); !ok {
			return unknownEncoding(opt.Encoding)
		}
	}
	if err := r.rewind(); err != nil {
		return err
	}
	schema, err := r.learnAs(ctx, opt)
	if err != nil {
		return err
	}
	schema.shapes = opt.Shapes
	r.schema = schema
	r.parser = newJSONParser(schema, r.proof)
	r.layer.Encoding = r.text.name
	r.layer.Fields = schema.fields()
	r.layer.Count = schema.records
	r.readCRS(schema.crs)
	return r.rewind()
}

// learnAs learns as much of the file as opt asks for.
func (r *geoJSON) learnAs(ctx context.Context, opt Options) (*jsonSchema, error) {
	if opt.Learning == LearnSamples && r.text.enc == nil && r.size >= r.sizes.sampled {
		s, err := r.sample(ctx)
		if s != nil || err != nil {
			return s, err
		}
		if err := r.rewind(); err != nil {
			return nil, err
		}
	}
	return r.learn(ctx, opt.Workers)
}

// rewind starts the file from its beginning.
func (r *geoJSON) rewind() error {
	if _, err := r.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	r.record, r.pending = 0, nil
	var in io.Reader = r.file
	if r.text.enc != nil {
		in = transform.NewReader(in, r.text.enc.NewDecoder())
	}
	var err error
	r.walker, err = newJSONWalker(in, r.sizes.window)
	return err
}

// readCRS sets the coordinate system from the file's crs member, nil for none.
func (r *geoJSON) readCRS(member []byte) {
	if member == nil {
		r.layer.CRS = CRSInfo{EPSG: 4326}
		r.layer.RingOrder = ShellsCounterClockwise
		return
	}
	name := ""
	c := jsonCursor{b: member}
	p := c.object(func(key []byte) *problem.Problem {
		if string(key) != "properties" || c.space() != '{' {
			_, p := c.skip()
			return p
		}
		return c.object(func(key []byte) *problem.Problem {
			v, p := c.skip()
			if string(key) == "name" && len(v) > 2 && v[0] == '"' {
				name, _ = unquote(v[1 : len(v)-1])
			}
			return p
		})
	})
	r.layer.CRS = crsByName(name)
	if string(member) != "null" && (p != nil || r.layer.CRS.EPSG == 0) {
		r.layer.Notes = append(r.layer.Notes, problem.New("GEOJSON_CRS", "crs 成员说的坐标系无法识别：%s",
			"the crs member names no known coordinate system: %s", short(member)))
	}
}

// crsByName understands the names that stand in crs members:
// urn:ogc:def:crs:EPSG::4490, EPSG:4490, urn:ogc:def:crs:OGC:1.3:CRS84.
func crsByName(name string) CRSInfo {
	info := CRSInfo{Name: name}
	parts := strings.FieldsFunc(name, func(c rune) bool { return c == ':' || c == '/' || c == '#' })
	if len(parts) < 2 {
		return info
	}
	last := parts[len(parts)-1]
	if strings.EqualFold(last, "CRS84") {
		info.EPSG = 4326
		return info
	}
	for _, part := range parts[:len(parts)-1] {
		if strings.EqualFold(part, "EPSG") {
			if code, err := strconv.Atoi(last); err == nil && code > 0 {
				info.EPSG = code
			}
		}
	}
	return info
}

// short returns the beginning of b for a message.
func short(b []byte) string {
	const most = 80
	if len(b) > most {
		return strings.ToValidUTF8(string(b[:most]), "") + "…"
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}

// Layer implements [Reader].
func (r *geoJSON) Layer() *Layer { return &r.layer }

// Close implements [Reader].
func (r *geoJSON) Close() error { return r.file.Close() }

// Next implements [Reader].
func (r *geoJSON) Next(f *Feature) error {
	b, err := r.take()
	if err != nil {
		return err
	}
	r.record++
	f.Record = r.record
	r.parser.parse(b, r.walker.at, f)
	return nil
}

// firstProblem returns the first that is one.
func firstProblem(all ...*problem.Problem) *problem.Problem {
	for _, p := range all {
		if p != nil {
			return p
		}
	}
	return nil
}

// jsonGeometry parses one geometry. Coordinates that come before the type are
// remembered and parsed at the end.
type jsonGeometry struct {
	cursor *jsonCursor
	shape  *shape
	shapes Shapes
	typ    []byte // with its quotes; nil until it is met
	kept   int    // where the coordinates or geometries begin, if they were met; else 0
	done   bool
}

// parse parses the geometry that is next, null included; it lies in depth
// collections.
func (g *jsonGeometry) parse(depth int) *problem.Problem {
	c := g.cursor
	c.space()
	if c.null() {
		return nil
	}
	p := c.object(func(name []byte) *problem.Problem {
		switch string(name) {
		case "type":
			v, p := c.skip()
			g.typ = v
			return p
		case "coordinates", "geometries":
			return g.member(name)
		}
		_, p := c.skip()
		return p
	})
	if p != nil {
		return p
	}
	return g.finish(depth)
}

// member handles "coordinates" and "geometries".
func (g *jsonGeometry) member(name []byte) *problem.Problem {
	c := g.cursor
	if string(name) == "coordinates" && !g.done {
		switch string(g.typ) {
		case `"Polygon"`, `"MultiPolygon"`:
			if g.shapes == Polygons {
				g.done = true
				return g.coordinates()
			}
		}
	}
	g.kept = c.i
	_, p := c.skip()
	return p
}

// finish parses what had to wait for the type.
func (g *jsonGeometry) finish(depth int) *problem.Problem {
	c := g.cursor
	if g.done {
		return nil
	}
	typ := string(bytes.Trim(g.typ, `"`))
	polygon := typ == "Polygon" || typ == "MultiPolygon" || typ == "GeometryCollection"
	line := typ == "LineString" || typ == "MultiLineString"
	if !(g.shapes == Polygons && polygon || g.shapes == Lines && line) {
		return notPolygon(strconv.Quote(short([]byte(typ))))
	}
	if g.kept == 0 {
		return c.fail("几何没有坐标", "the geometry has no coordinates")
	}
	end := c.i
	c.i = g.kept
	g.done = true
	var p *problem.Problem
	switch {
	case typ != "GeometryCollection":
		p = g.coordinates()
	case depth == maxNesting:
		return c.fail("几何嵌套过深", "the geometry is nested too deep")
	default:
		p = c.array(func() *problem.Problem {
			return (&jsonGeometry{cursor: c, shape: g.shape, shapes: g.shapes}).parse(depth + 1)
		})
	}
	if p == nil {
		c.i = end
	}
	return p
}

// coordinates parses the coordinates that are next by g's type.
func (g *jsonGeometry) coordinates() *problem.Problem {
	if g.cursor.null() {
		return nil
	}
	switch string(g.typ) {
	case `"Polygon"`, `"MultiLineString"`: // lists of lists of positions, both
		return g.polygon()
	case `"LineString"`:
		p := g.cursor.ring(g.shape)
		g.shape.endPolygon()
		return p
	}
	return g.cursor.array(g.polygon)
}

// polygon parses the rings of one polygon.
func (g *jsonGeometry) polygon() *problem.Problem {
	p := g.cursor.array(func() *problem.Problem { return g.cursor.ring(g.shape) })
	g.shape.endPolygon()
	return p
}
