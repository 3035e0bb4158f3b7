package source

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"strings"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

// fgbMagic are the first bytes of FlatGeobuf version 3; the eighth is the patch
// level and may differ.
const fgbMagic = "fgb\x03fgb"

// Fields of the tables in FlatGeobuf's header.fbs and feature.fbs, by their
// place.
const (
	fgbHeaderName        = 0
	fgbHeaderEnvelope    = 1
	fgbHeaderGeometry    = 2
	fgbHeaderColumns     = 7
	fgbHeaderCount       = 8
	fgbHeaderNodeSize    = 9
	fgbHeaderCRS         = 10
	fgbColumnName        = 0
	fgbColumnType        = 1
	fgbColumnWidth       = 4
	fgbColumnPrecision   = 5
	fgbColumnScale       = 6
	fgbCRSOrg            = 0
	fgbCRSCode           = 1
	fgbCRSName           = 2
	fgbCRSWKT            = 4
	fgbFeatureGeometry   = 0
	fgbFeatureProperties = 1
	fgbFeatureColumns    = 2
	fgbGeometryEnds      = 0
	fgbGeometryXY        = 1
	fgbGeometryType      = 6
	fgbGeometryParts     = 7
)

// fgbNodeBytes is the size of a node of the packed R-tree: four doubles and a
// place.
const fgbNodeBytes = 40

// fgbNodeSize is the number of children of a node where the header says nothing.
const fgbNodeSize = 16

// fgbReadAhead is the buffer of a file; a few thousand parcels.
const fgbReadAhead = 1 << 20

// fgbPiped is the largest feature that is taken out of a pipe: 60 million points.
const fgbPiped = 1 << 30

// flatGeobuf reads FlatGeobuf (flatgeobuf.org, version 3).
type flatGeobuf struct {
	layer    Layer
	file     *os.File
	in       *bufio.Reader
	left     int64 // bytes that are not yet read
	piped    bool  // nobody knows how many are left
	types    []byte
	geometry uint32 // of all features; 0 when each says its own
	known    []map[string]any
	record   int64
	foreign  tally // features that describe their own columns
	wide     tally // numbers beyond int64
	buf      []byte
	shape    shape
	arena    arena
}

// openFlatGeobuf opens the file at path.
func openFlatGeobuf(path string) (*flatGeobuf, error) {
	file, size, err := openSized(path)
	if err != nil {
		return nil, err
	}
	r := &flatGeobuf{file: file, in: bufio.NewReaderSize(file, readAhead(size, fgbReadAhead)), left: size}
	r.layer = Layer{Table: baseName(path), Encoding: charsetUTF8.name, Count: -1}
	if err := r.open(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return r, nil
}

// truncated is the problem of a file that ends where need bytes should follow.
func (r *flatGeobuf) truncated(need int64) *problem.Problem {
	return problem.New("FGB_TRUNCATED", "文件被截断：还应有 %d 字节，只剩 %d", "truncated: %d bytes should follow, %d are left", need, r.left).
		Advise("请重新取得该文件", "get the file again")
}

// badFGB is the problem of a header that makes no sense.
func badFGB(zh, en string, args ...any) *problem.Problem {
	return problem.New("FGB_HEADER", zh, en, args...).Advise("文件可能损坏，请重新取得", "it may be damaged; get it again")
}

// read reads n bytes into the buffer, which the next call overwrites.
func (r *flatGeobuf) read(n int64) ([]byte, error) {
	if n > r.left {
		return nil, r.truncated(n)
	}
	if int64(cap(r.buf)) < n {
		r.buf = make([]byte, n+n/2)
	}
	b := r.buf[:n]
	if _, err := io.ReadFull(r.in, b); err != nil {
		return nil, err
	}
	if !r.piped {
		r.left -= n
	}
	return b, nil
}

// open reads the header and moves behind the index.
func (r *flatGeobuf) open() error {
	magic, err := r.read(8)
	if err != nil {
		return err
	}
	if string(magic[:7]) != fgbMagic {
		return problem.New("FGB_VERSION", "FlatGeobuf 版本 %d 不能读，只能读版本 3", "FlatGeobuf version %d is not read, only version 3", magic[3]).
			Advise("先转换：ogr2ogr 输出.fgb 输入", "convert it first: ogr2ogr OUT.fgb IN")
	}
	size, err := r.read(4)
	if err != nil {
		return err
	}
	b, err := r.read(int64(binary.LittleEndian.Uint32(size)))
	if err != nil {
		return err
	}
	h := rootTable(b)
	if !h.ok {
		return badFGB("文件头无法读取", "its header cannot be read")
	}
	if name := h.bytes(fgbHeaderName); len(name) > 0 {
		r.layer.Table = text(name)
	}
	r.geometry = uint32(h.byte(fgbHeaderGeometry))
	r.readCRS(h.table(fgbHeaderCRS))
	if err := r.readColumns(h); err != nil {
		return err
	}
	count := h.uint64(fgbHeaderCount)
	if count == 0 {
		return nil
	}
	return r.skipIndex(count, uint64(h.uint16(fgbHeaderNodeSize, fgbNodeSize)))
}

// skipIndex moves behind the packed R-tree of count features.
func (r *flatGeobuf) skipIndex(count, nodeSize uint64) error {
	// A feature takes 4 bytes at least.
	if count > uint64(r.left)/4 { //nolint:gosec // left is never negative
		return badFGB("文件头说有 %d 个要素，剩余 %d 字节放不下", "its header says %d features, which do not fit into %d bytes", count, r.left)
	}
	r.layer.Count = int64(count) //nolint:gosec // bounded above
	if nodeSize == 0 {
		return nil
	}
	if nodeSize < 2 {
		return badFGB("索引节点大小是 %d", "index node size is %d", nodeSize)
	}
	size := int64(packedTreeNodes(count, nodeSize)) * fgbNodeBytes //nolint:gosec // below twice the count
	if size > r.left {
		return r.truncated(size)
	}
	if _, err := io.CopyN(io.Discard, r.in, size); err != nil {
		return err
	}
	r.left -= size
	return nil
}

// packedTreeNodes returns the number of nodes of a packed R-tree over n > 0
// leaves; there is a root above even one leaf.
func packedTreeNodes(n, nodeSize uint64) uint64 {
	nodes := n
	for {
		n = (n + nodeSize - 1) / nodeSize
		nodes += n
		if n == 1 {
			return nodes
		}
	}
}

// text returns b as valid UTF-8.
func text(b []byte) string { return strings.ToValidUTF8(string(b), "\uFFFD") }

// readCRS takes over the header's coordinate system.
func (r *flatGeobuf) readCRS(c flatTable) {
	if !c.ok {
		return
	}
	info := CRSInfo{Name: text(c.bytes(fgbCRSName)), WKT: text(c.bytes(fgbCRSWKT))}
	if org := c.bytes(fgbCRSOrg); len(org) == 0 || strings.EqualFold(string(org), "EPSG") {
		info.EPSG = int(c.int32(fgbCRSCode, 0))
	}
	if info.Name == "" {
		info.Name = wktName(info.WKT)
	}
	r.layer.CRS = info
}

// fgbKinds are the kinds of FlatGeobuf's column types, by their number: byte,
// ubyte, bool, short, ushort, int, uint, long, ulong, float, double, string,
// json, datetime, binary.
var fgbKinds = [...]Kind{
	Integer, Integer, Bool, Integer, Integer, Integer, Integer, Integer, Integer, Real, Real,
	Text, Text, Date, Text,
}

// fgbSizes are the sizes of the values of the column types that have one; the
// others begin with their length.
var fgbSizes = [...]int{1, 1, 1, 2, 2, 4, 4, 8, 8, 4, 8}

// readColumns reads the header's columns.
func (r *flatGeobuf) readColumns(h flatTable) error {
	columns, valid := h.vector(fgbHeaderColumns, 4)
	if !valid || columns.n > math.MaxUint16 { // the properties count columns in 16 bits
		return badFGB("字段表无法读取", "its columns cannot be read")
	}
	for i := range columns.n {
		c := columns.table(i)
		typ := c.byte(fgbColumnType)
		if !c.ok || int(typ) >= len(fgbKinds) {
			return badFGB("第 %d 个字段无法读取（类型 %d）", "column %d cannot be read (type %d)", i+1, typ)
		}
		f := Field{Name: text(c.bytes(fgbColumnName)), Kind: fgbKinds[typ]}
		f.Width = int(max(0, c.int32(fgbColumnWidth, -1), c.int32(fgbColumnPrecision, -1)))
		f.Decimals = int(max(0, c.int32(fgbColumnScale, -1)))
		r.layer.Fields = append(r.layer.Fields, f)
		r.types = append(r.types, typ)
		r.known = append(r.known, map[string]any{})
	}
	return nil
}

// Layer implements [Reader].
func (r *flatGeobuf) Layer() *Layer { return &r.layer }

// Close implements [Reader].
func (r *flatGeobuf) Close() error { return r.file.Close() }

// Next implements [Reader].
func (r *flatGeobuf) Next(f *Feature) error {
	if !r.piped && (r.record == r.layer.Count || (r.layer.Count < 0 && r.left == 0)) {
		return r.finish()
	}
	size, err := r.read(4)
	if r.piped && errors.Is(err, io.EOF) {
		return r.finish()
	}
	if err != nil {
		return err
	}
	b, err := r.read(int64(binary.LittleEndian.Uint32(size)))
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	r.record++
	f.Record = r.record
	f.Values = r.arena.row(len(r.layer.Fields))
	t := rootTable(b)
	if !t.ok {
		f.Problem = badFeature("要素无法读取", "the feature cannot be read")
		return nil
	}
	if t.target(fgbFeatureColumns) >= 0 && len(r.types) == 0 {
		r.foreign.add(r.record)
	} else if f.Problem = r.properties(t, f.Values); f.Problem != nil {
		return nil //nolint:nilerr // a bad record is told in f, and the next is read
	}
	g := t.table(fgbFeatureGeometry)
	if !g.ok {
		if t.target(fgbFeatureGeometry) >= 0 {
			f.Problem = badFeature("几何无法读取", "the geometry cannot be read")
		}
		return nil
	}
	r.shape.reset()
	parser := fgbGeometry{shape: &r.shape, points: len(b) / 16, tables: len(b) / 4}
	if f.Problem = parser.add(g, r.geometry, 0); f.Problem == nil {
		f.Polygons, f.Problem = r.arena.copyShape(&r.shape)
	}
	return nil
}

// finish adds the notes that are known at the end only.
func (r *flatGeobuf) finish() error {
	note := func(n tally, p *problem.Problem) {
		if n.count > 0 {
			r.layer.Notes = append(r.layer.Notes, p.At(n.first, ""))
		}
	}
	note(r.foreign, problem.New("FGB_COLUMNS", "%d 个要素自带字段表，其属性未读", "%d features describe their own columns; their attributes are not read", r.foreign.count))
	note(r.wide, problem.New("FGB_INTEGER", "%d 个整数超出 64 位有符号范围，按实数处理", "%d integers are beyond 64 bits with sign, taken as reals", r.wide.count))
	if r.left > 0 && !r.piped {
		r.layer.Notes = append(r.layer.Notes, problem.New("FGB_TRAILING", "最后一个要素之后还有 %d 字节，未读", "%d bytes behind the last feature are not read", r.left))
	}
	return io.EOF
}

// badFeature is the problem of one feature whose bytes make no sense.
func badFeature(zh, en string, args ...any) *problem.Problem {
	return problem.New("FGB_FEATURE", zh, en, args...)
}

// fgbGeometry adds the polygons of a geometry to a shape. A buffer may point to
// the same bytes many times; points and tables bound what honest ones can hold.
type fgbGeometry struct {
	shape          *shape
	points, tables int // tables counts parts and ends of rings
}

// add adds geometry g of type typ (0: g says itself), which lies in depth others.
func (p *fgbGeometry) add(g flatTable, typ uint32, depth int) *problem.Problem {
	if typ == 0 {
		typ = uint32(g.byte(fgbGeometryType))
	}
	switch typ {
	case wkbPolygon:
		return p.polygon(g)
	case wkbMultiPolygon, wkbCollection:
	default:
		return notPolygon(geometryName(typ))
	}
	parts, valid := g.vector(fgbGeometryParts, 4)
	if p.tables -= parts.n; !valid || depth == maxNesting || p.tables < 0 {
		return badFeature("多部分几何无法读取", "the parts of the geometry cannot be read")
	}
	part := uint32(0)
	if typ == wkbMultiPolygon {
		part = wkbPolygon
	}
	for i := range parts.n {
		t := parts.table(i)
		if !t.ok {
			return badFeature("第 %d 部分无法读取", "part %d cannot be read", i+1)
		}
		if problem := p.add(t, part, depth+1); problem != nil {
			return problem
		}
	}
	return nil
}

// polygon adds the rings of one polygon: xy pairs, and where each ring ends when
// there are several.
func (p *fgbGeometry) polygon(g flatTable) *problem.Problem {
	xy, validXY := g.vector(fgbGeometryXY, 8)
	ends, validEnds := g.vector(fgbGeometryEnds, 4)
	p.points -= xy.n / 2
	p.tables -= ends.n
	if !validXY || !validEnds || xy.n%2 != 0 || p.points < 0 || p.tables < 0 {
		return badFeature("坐标无法读取", "the coordinates cannot be read")
	}
	start := 0
	for i := range max(1, ends.n) {
		end := xy.n / 2
		if ends.n > 0 {
			end = int(ends.uint32(i))
		}
		if end < start || end > xy.n/2 {
			return badFeature("第 %d 个环的终点 %d 不成立", "ring %d cannot end at %d", i+1, end)
		}
		for k := start; k < end; k++ {
			p.shape.points = append(p.shape.points, geo.XY{X: xy.float64(2 * k), Y: xy.float64(2*k + 1)})
		}
		p.shape.endRing()
		start = end
	}
	if start != xy.n/2 {
		return badFeature("环的终点 %d 之后还有点", "points follow the end of the last ring at %d", start)
	}
	p.shape.endPolygon()
	return nil
}
