package source

import (
	"encoding/binary"
	"errors"
	"math"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

// flatGeobufWriter writes FlatGeobuf version 3. The features go to a passing
// file first: the index, which stands before them, wants them along a Hilbert
// curve. A layer with features without geometry gets no index and keeps its
// order.
type flatGeobufWriter struct {
	file    *stagedFile
	spool   *stagedFile
	layer   *Layer
	crs     CRSInfo
	nodes   []fgbNode
	sizes   []int64 // of the features in the passing file
	types   uint32  // bits 1<<3 and 1<<6: polygons and multipolygons were met
	without bool    // a feature had no geometry
	extent  extent
	buffer  flatBuilder
	values  []byte
}

// fgbTypes are the column types of the kinds: string, long, double, bool,
// datetime.
var fgbTypes = map[Kind]uint64{Text: 11, Integer: 7, Real: 10, Bool: 2, Date: 13}

// createFlatGeobuf begins a file at path.
func createFlatGeobuf(path string, l *Layer, opt WriteOptions) (*flatGeobufWriter, error) {
	file, err := stage(path)
	if err != nil {
		return nil, err
	}
	spool, err := stage(path + ".features")
	if err != nil {
		return nil, errors.Join(err, file.abort())
	}
	return &flatGeobufWriter{file: file, spool: spool, layer: l, crs: opt.CRS, extent: emptyExtent()}, nil
}

// Write implements [Writer].
func (w *flatGeobufWriter) Write(f *Feature) error {
	if err := w.properties(f); err != nil {
		return err.In(w.file.path).At(f.Record, "")
	}
	typ, polygons := uint32(wkbPolygon), closedRings(f.Polygons)
	if len(polygons) > 1 {
		typ = wkbMultiPolygon
	}
	box := extentOf(polygons)
	if box.empty() {
		w.without = true
	} else {
		w.types |= 1 << typ
		w.extent = w.extent.union(box)
	}
	b := w.feature(polygons, typ)
	if len(b) > math.MaxInt32 {
		return problem.New("EXPORT_SIZE", "一个要素超过 2 GB", "a feature is larger than 2 GB").In(w.file.path).At(f.Record, "")
	}
	w.nodes = append(w.nodes, fgbNode{box: box, offset: uint64(w.spool.size)}) //nolint:gosec // sizes are not negative
	w.sizes = append(w.sizes, int64(len(b)))
	_, err := w.spool.Write(b)
	return err
}

// properties encodes the attributes of f into w.values.
func (w *flatGeobufWriter) properties(f *Feature) *problem.Problem {
	le := binary.LittleEndian
	b := w.values[:0]
	for i, field := range w.layer.Fields {
		v := valueAt(f, i)
		if v == nil {
			continue
		}
		b = le.AppendUint16(b, uint16(i)) //nolint:gosec // columns are bounded by the header
		if whole, ok := v.(int64); ok && field.Kind == Real {
			v = float64(whole)
		}
		fits := false
		switch v := v.(type) {
		case string:
			fits = field.Kind == Text || field.Kind == Date
			b = append(le.AppendUint32(b, uint32(len(v))), v...) //nolint:gosec // features are below 2 GB
		case int64:
			fits = field.Kind == Integer
			b = le.AppendUint64(b, uint64(v)) //nolint:gosec // the bits are the number
		case float64:
			fits = field.Kind == Real
			b = appendFloats(b, v)
		case bool:
			fits = field.Kind == Bool
			bit := byte(0)
			if v {
				bit = 1
			}
			b = append(b, bit)
		}
		if !fits {
			return badValue(field.Name, v)
		}
	}
	w.values = b
	return nil
}

// feature returns the buffer of a feature with w.values, valid until the next
// call.
func (w *flatGeobufWriter) feature(polygons [][][]geo.XY, typ uint32) []byte {
	w.buffer.start()
	slots := []flatSlot{{field: fgbFeatureProperties, size: 4}}
	if len(polygons) > 0 {
		slots = append(slots, flatSlot{field: fgbFeatureGeometry, size: 4})
	}
	root, places := w.buffer.table(slots...)
	w.buffer.point(places[0], w.buffer.vector(len(w.values), 1))
	w.buffer.b = append(w.buffer.b, w.values...)
	switch {
	case len(polygons) == 0:
	case typ == wkbPolygon:
		w.buffer.point(places[1], w.polygon(polygons[0]))
	default:
		multi, slots := w.buffer.table(flatSlot{field: fgbGeometryParts, size: 4}, flatSlot{field: fgbGeometryType, size: 1, value: wkbMultiPolygon})
		w.buffer.point(places[1], multi)
		parts := w.buffer.offsets(len(polygons))
		w.buffer.point(slots[0], parts)
		for i, polygon := range polygons {
			w.buffer.point(parts+4+4*i, w.polygon(polygon))
		}
	}
	return w.buffer.finish(root)
}

// polygon writes the geometry of one polygon and returns its place.
func (w *flatGeobufWriter) polygon(polygon [][]geo.XY) int {
	slots := []flatSlot{{field: fgbGeometryXY, size: 4}, {field: fgbGeometryType, size: 1, value: wkbPolygon}}
	if len(polygon) > 1 {
		slots = append(slots, flatSlot{field: fgbGeometryEnds, size: 4})
	}
	pos, places := w.buffer.table(slots...)
	points := 0
	for _, ring := range polygon {
		points += len(ring)
	}
	if len(polygon) > 1 {
		w.buffer.point(places[2], w.buffer.vector(len(polygon), 4))
		end := 0
		for _, ring := range polygon {
			end += len(ring)
			w.buffer.b = binary.LittleEndian.AppendUint32(w.buffer.b, uint32(end)) //nolint:gosec // features are below 2 GB
		}
	}
	w.buffer.point(places[0], w.buffer.vector(2*points, 8))
	for _, ring := range polygon {
		for _, p := range ring {
			w.buffer.b = appendFloats(w.buffer.b, p.X, p.Y)
		}
	}
	return pos
}

// header returns the file's header.
func (w *flatGeobufWriter) header(typ uint32, nodeSize uint64) []byte {
	b := &w.buffer
	b.start()
	slots := []flatSlot{
		{field: fgbHeaderCount, size: 8, value: uint64(len(w.nodes))},
		{field: fgbHeaderName, size: 4},
		{field: fgbHeaderColumns, size: 4},
		{field: fgbHeaderNodeSize, size: 2, value: nodeSize},
		{field: fgbHeaderGeometry, size: 1, value: uint64(typ)},
	}
	if !w.extent.empty() {
		slots = append(slots, flatSlot{field: fgbHeaderEnvelope, size: 4})
	}
	if w.crs.EPSG != 0 || w.crs.WKT != "" {
		slots = append(slots, flatSlot{field: fgbHeaderCRS, size: 4})
	}
	root, places := b.table(slots...)
	b.point(places[1], b.text(w.layer.Table))
	columns := b.offsets(len(w.layer.Fields))
	b.point(places[2], columns)
	for i, f := range w.layer.Fields {
		column, at := b.table(flatSlot{field: fgbColumnName, size: 4}, flatSlot{field: fgbColumnType, size: 1, value: fgbTypes[f.Kind]})
		b.point(columns+4+4*i, column)
		b.point(at[0], b.text(f.Name))
	}
	next := 5
	if !w.extent.empty() {
		b.point(places[next], b.vector(4, 8))
		b.b = appendFloats(b.b, w.extent.minX, w.extent.minY, w.extent.maxX, w.extent.maxY)
		next++
	}
	if next < len(places) {
		b.point(places[next], w.writeCRS())
	}
	return b.finish(root)
}

// writeCRS writes the coordinate system and returns its place.
func (w *flatGeobufWriter) writeCRS() int {
	b := &w.buffer
	slots := []flatSlot{{field: fgbCRSName, size: 4}, {field: fgbCRSWKT, size: 4}}
	if w.crs.EPSG != 0 {
		slots = append(slots, flatSlot{field: fgbCRSOrg, size: 4},
			flatSlot{field: fgbCRSCode, size: 4, value: uint64(w.crs.EPSG)}) //nolint:gosec // codes are positive
	}
	pos, places := b.table(slots...)
	b.point(places[0], b.text(w.crs.Name))
	b.point(places[1], b.text(w.crs.WKT))
	if w.crs.EPSG != 0 {
		b.point(places[2], b.text("EPSG"))
	}
	return pos
}

// Close implements [Writer].
func (w *flatGeobufWriter) Close() error {
	if len(w.layer.Fields) > math.MaxUint16 {
		return problem.New("EXPORT_SIZE", "字段有 %d 个，超过 65535", "%d fields are more than 65535", len(w.layer.Fields)).In(w.file.path)
	}
	if err := w.spool.out.Flush(); err != nil {
		return w.spool.failed(err)
	}
	typ := uint32(wkbPolygon)
	if w.types&(1<<wkbMultiPolygon) != 0 {
		typ = wkbMultiPolygon
		if err := w.unify(); err != nil {
			return err
		}
	}
	nodeSize := uint64(fgbNodeSize)
	if w.without || len(w.nodes) == 0 {
		nodeSize = 0
	}
	if _, err := w.file.Write([]byte(fgbMagic + "\x00")); err != nil {
		return err
	}
	if _, err := w.file.Write(w.header(typ, nodeSize)); err != nil {
		return err
	}
	order := make([]int, len(w.nodes))
	for i := range order {
		order[i] = i
	}
	if nodeSize > 0 {
		order = hilbertOrder(w.nodes, w.extent)
		if _, err := w.file.Write(packedTree(w.nodes, w.sizes, order)); err != nil {
			return err
		}
	}
	if err := w.copyFeatures(order); err != nil {
		return err
	}
	return errors.Join(w.spool.abort(), w.file.commit())
}

// copyFeatures writes the features from the passing file in the order given.
func (w *flatGeobufWriter) copyFeatures(order []int) error {
	for _, i := range order {
		b, err := w.spooled(i)
		if err != nil {
			return err
		}
		if _, err := w.file.Write(b); err != nil {
			return err
		}
	}
	return nil
}

// spooled returns the buffer of feature i.
func (w *flatGeobufWriter) spooled(i int) ([]byte, error) {
	b := make([]byte, w.sizes[i])
	_, err := w.spool.file.ReadAt(b, int64(w.nodes[i].offset)) //nolint:gosec // was a size
	return b, w.spool.failed(err)
}

// unify makes multipolygons of the polygons among them: a layer has one type for
// the programs that ask.
func (w *flatGeobufWriter) unify() error {
	old := w.spool
	spool, err := stage(w.file.path + ".multipolygons")
	if err != nil {
		return err
	}
	var s shape
	var a arena
	for i := range w.nodes {
		b, err := w.spooled(i)
		if err != nil {
			return errors.Join(err, spool.abort())
		}
		t := rootTable(b[4:])
		if g := t.table(fgbFeatureGeometry); g.byte(fgbGeometryType) == wkbPolygon {
			s.reset()
			parser := fgbGeometry{shape: &s, points: len(b) / 16, tables: len(b) / 4}
			p := parser.polygon(g)
			polygons, bad := a.copyShape(&s)
			if p = firstProblem(p, bad); p != nil {
				return errors.Join(p, spool.abort())
			}
			w.values = append(w.values[:0], t.bytes(fgbFeatureProperties)...)
			b = w.feature(polygons, wkbMultiPolygon)
		}
		w.nodes[i].offset, w.sizes[i] = uint64(spool.size), int64(len(b)) //nolint:gosec // sizes are not negative
		if _, err := spool.Write(b); err != nil {
			return errors.Join(err, spool.abort())
		}
	}
	w.spool = spool
	return errors.Join(old.abort(), spool.failed(spool.out.Flush()))
}

// Abort implements [Writer].
func (w *flatGeobufWriter) Abort() error { return errors.Join(w.file.abort(), w.spool.abort()) }

// Notes implements [Writer].
func (w *flatGeobufWriter) Notes() []*problem.Problem { return nil }
