package source

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

// vct reads one table of a VCT file (GB/T 17798-2007, version 3.0), as the
// programs of the land survey write it.
//
// Records come in the order of the table's rows; polygons of the table that have no
// row follow, without values.
type vct struct {
	layer    Layer
	file     *os.File
	head     *vctHead
	table    *vctTable
	lines    vctIndex
	polygons vctIndex
	orphans  []int // polygons without a row
	rows     []vctRows
	given    []bool // polygons that a row has been read for
	text     *vctText
	left     int64 // rows of the run that is being read
	record   int64
	own      *vctParser // of Next
	ready    []Feature

	mu      sync.Mutex // over what parsers found
	pending int        // batches that are not yet parsed
	ended   bool
	shapes  Shapes
	found   vctTallies
	foreign tally
}

// openVCT opens the table opt.Table, or the only one with polygons.
func openVCT(ctx context.Context, path string, opt Options) (*vct, error) {
	file, size, err := openSized(path)
	if err != nil {
		return nil, err
	}
	r := &vct{file: file}
	if err := r.open(ctx, path, size, opt); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return r, nil
}

// open reads the head and makes the first pass.
func (r *vct) open(ctx context.Context, path string, size int64, opt Options) error {
	text := newVCTText(ctx, r.file, size)
	var err error
	if r.head, err = readVCTHead(text, opt.Encoding); err != nil {
		return err
	}
	if opt.Shapes == Lines {
		r.shapes = Lines
		r.table, err = r.head.chooseLines(opt.Table)
	} else {
		r.table, err = r.head.choose(opt.Table, path)
	}
	if err != nil {
		return err
	}
	s := &vctScan{text: text, head: r.head, table: r.table, size: size}
	if err := s.run(); err != nil {
		return err
	}
	r.lines, r.polygons, r.rows, r.foreign = s.lines, s.polygons, s.rows, s.foreign
	r.layer = Layer{
		Table: r.table.name, Fields: r.table.fields, Encoding: r.head.text.name, Notes: r.head.notes, NoGeometry: !r.table.polygons && r.shapes != Lines,
	}
	if r.shapes == Lines {
		r.layer.CRS = r.head.crs(s.first)
	}
	if r.table.polygons {
		r.layer.CRS = r.head.crs(s.first)
		r.given = make([]bool, len(s.given))
		for i, ours := range s.ours {
			if ours && !s.given[i] {
				r.orphans = append(r.orphans, i)
			}
		}
	}
	for _, rows := range r.rows {
		r.layer.Count += rows.count
	}
	r.layer.Count += int64(len(r.orphans))
	return nil
}

// vctTables lists the tables of the file at path.
func vctTables(path string) ([]TableInfo, error) {
	file, size, err := openSized(path)
	if err != nil {
		return nil, err
	}
	h, err := readVCTHead(newVCTText(context.Background(), file, size), "")
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	var out []TableInfo
	for _, t := range h.tables {
		if t.polygons || t.plain {
			out = append(out, TableInfo{Name: t.name, NoGeometry: !t.polygons})
		}
	}
	return out, nil
}

// LineTables lists the layers of lines in the file at path where it is a VCT, in its
// order; other formats have one layer in a file, which its name tells.
func LineTables(path string) ([]string, error) {
	form, err := detect(path)
	if err != nil || form != formatVCT {
		return nil, inFile(err, path)
	}
	file, size, err := openSized(path)
	if err != nil {
		return nil, inFile(err, path)
	}
	h, err := readVCTHead(newVCTText(context.Background(), file, size), "")
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, inFile(err, path)
	}
	var out []string
	for _, t := range h.tables {
		if t.lines && !t.polygons {
			out = append(out, t.name)
		}
	}
	return out, nil
}

// Layer implements [Reader].
func (r *vct) Layer() *Layer { return &r.layer }

// Close implements [Reader].
func (r *vct) Close() error { return r.file.Close() }

// Next implements [Reader].
func (r *vct) Next(f *Feature) error {
	for len(r.ready) == 0 {
		b, _, err := r.nextBatch()
		if b == nil {
			return err
		}
		if r.own == nil {
			r.own = newVCTParser(r)
		}
		batch, _ := b.(*vctBatch) // nextBatch makes no other
		r.ready = batch.parseBy(r.own, r.ready)
	}
	*f, r.ready = r.ready[0], r.ready[1:]
	return nil
}

// vctBatch is a run of rows, or of polygons without one.
type vctBatch struct {
	reader   *vct
	first    int64 // number of the record before the first
	rows     []byte
	ends     []int // of rows
	polygons []int // of each row or orphan, or one of the marks below
}

// What a row may be instead of a polygon's.
const (
	vctNoPolygon = -1 - iota
	vctTwice     // it is the second row of its polygon
	vctPlain     // its table has no geometry
)

// nextBatch implements [batchReader].
func (r *vct) nextBatch() (rawBatch, []Feature, error) {
	b := &vctBatch{reader: r, first: r.record}
	for len(b.polygons) < batchRecords && len(b.rows) < batchBytes {
		row, err := r.row()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		b.rows = append(b.rows, row...)
		b.ends = append(b.ends, len(b.rows))
		b.polygons = append(b.polygons, r.polygonOf(row))
	}
	for len(b.ends) == 0 && len(r.orphans) > 0 && len(b.polygons) < batchRecords {
		b.polygons, r.orphans = append(b.polygons, r.orphans[0]), r.orphans[1:]
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(b.polygons) == 0 {
		if !r.ended {
			r.ended = true
			r.tell()
		}
		return nil, nil, io.EOF
	}
	r.record += int64(len(b.polygons))
	r.pending++
	return b, nil, nil
}

// row returns the next row of the table; it is valid until the next call.
func (r *vct) row() ([]byte, error) {
	for r.left == 0 {
		if len(r.rows) == 0 {
			return nil, io.EOF
		}
		rows := r.rows[0]
		r.rows, r.left = r.rows[1:], rows.count
		if _, err := r.file.Seek(rows.offset, io.SeekStart); err != nil {
			return nil, err
		}
		r.text = newVCTText(context.Background(), r.file, vctLine) // the stream looks at its own context
		r.text.line = rows.line
	}
	for {
		b, err := r.text.need("Table")
		if err != nil || len(b) > 0 {
			r.left--
			return b, err
		}
	}
}

// polygonOf returns the polygon that a row is of, or a mark; of a table of lines, the
// number of the line.
func (r *vct) polygonOf(row []byte) int {
	if !r.table.polygons && r.shapes != Lines {
		return vctPlain
	}
	field, _ := cutField(row, r.head.separator)
	id, ok := parseInteger(field)
	if !ok {
		return vctNoPolygon
	}
	if r.shapes == Lines {
		if at, _ := r.lines.find(id); at < 0 || id < 0 {
			return vctNoPolygon
		}
		return int(id)
	}
	at, alone := r.polygons.find(id)
	switch {
	case at < 0:
		return vctNoPolygon
	case r.given[at] || !alone:
		return vctTwice
	}
	r.given[at] = true
	return at
}

// parse implements [rawBatch].
func (b *vctBatch) parse(s *Scratch) []Feature {
	if s.vct == nil || s.vct.reader != b.reader {
		s.vct = newVCTParser(b.reader)
	}
	s.vct.arena.reuse()
	s.features = b.parseBy(s.vct, s.features[:0])
	return s.features
}

// parseBy adds the records of b to into.
func (b *vctBatch) parseBy(p *vctParser, into []Feature) []Feature {
	start := 0
	for i, at := range b.polygons {
		f := Feature{Record: b.first + int64(i) + 1}
		if i < len(b.ends) {
			p.row(b.rows[start:b.ends[i]], &f)
			start = b.ends[i]
		} else {
			f.Values = p.arena.row(len(b.reader.table.fields))
			p.found.orphans.add(f.Record)
		}
		if f.Problem == nil {
			p.geometry(at, &f)
		}
		into = append(into, f)
	}
	b.reader.parsed(p)
	return into
}

// parsed takes over what a parser found in a batch.
func (r *vct) parsed(p *vctParser) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found.join(&p.found)
	p.found = vctTallies{}
	r.pending--
	r.tell()
}

// tell adds the notes that are known at the end only, when all is parsed.
func (r *vct) tell() {
	if r.pending > 0 || !r.ended {
		return
	}
	note := func(n tally, p *problem.Problem) {
		if n.count > 0 {
			r.layer.Notes = append(r.layer.Notes, p.At(n.first, ""))
		}
	}
	f := &r.found
	if r.foreign.count > 0 && r.table.polygons {
		r.layer.Notes = append(r.layer.Notes, problem.New("VCT_CODE", "有 %d 个面的要素编码不在 FeatureCode 一节里，第一个是面 %d；没有属性行的不读",
			"%d polygons have a code that the section FeatureCode does not have, the first is polygon %d; those without a row of attributes are not read", r.foreign.count, r.foreign.first))
	}
	note(f.orphans, problem.New("VCT_NO_ROW", "%d 个面没有属性行，属性为空", "%d polygons have no row of attributes; they have no values", f.orphans.count))
	note(f.turned, problem.New("VCT_SIGN", "%d 个面里有线的正负号写反了，按首尾相接读", "in %d polygons the sign of a line is wrong; it is read as it joins the line before", f.turned.count))
	note(f.label, problem.New("VCT_LABEL", "%d 个面的标识点不在面内", "of %d polygons the label point does not lie inside", f.label.count))
	note(f.undecoded, problem.New("VCT_ENCODING", "%d 个值不是 %s 编码", "%d values are not %s", f.undecoded.count, r.head.text.name).
		Advise("用 --encoding 指定编码", "name the encoding with --encoding"))
	note(f.unreadable, problem.New("VCT_VALUE", "%d 个数值无法读取，按空值处理", "%d numbers cannot be read, taken as null", f.unreadable.count))
}

// point reads the text x,y or x,y,z.
func (h *vctHead) point(b []byte) (geo.XY, bool) {
	first, rest := cutField(b, h.separator)
	second, _ := cutField(rest, h.separator)
	x, okX := parseDecimal(first)
	y, okY := parseDecimal(second)
	if h.swapped {
		x, y = y, x
	}
	return geo.XY{X: x, Y: y}, okX && okY
}

// cutField returns the text before the first separator, without blanks, and what
// stands behind it.
func cutField(b []byte, separator byte) (field, rest []byte) {
	if i := bytes.IndexByte(b, separator); i >= 0 {
		return bytes.TrimSpace(b[:i]), b[i+1:]
	}
	return bytes.TrimSpace(b), nil
}

// tableKey is a table's name without regard to case.
func tableKey(name string) string { return strings.ToLower(strings.TrimSpace(name)) }
