package source

import (
	"errors"
	"io"
	"sort"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

// The first pass over a VCT file finds where each line, each polygon and each row
// of the chosen table stands; the second reads the rows in their order and fetches
// polygons and lines from the file. Of a line 20 bytes are kept, of a polygon 21,
// and no coordinates.

// Kinds in GB/T 17798-2007, 5.6, that are read: a line of points, whose parts are
// straight, and a polygon of lines.
const (
	vctDirect   = 1
	vctIndirect = 100
	vctStraight = 11
	vctOfLines  = 21
)

// vctIndex says where the records of a section stand, by their numbers.
type vctIndex struct {
	ids     []int64
	offsets []int64
	sizes   []uint32
}

// add adds the record of number id, whose text behind the number lies in [from, to).
func (x *vctIndex) add(id, from, to int64) bool {
	const most = 1 << 31
	if to-from >= most {
		return false
	}
	x.ids, x.offsets, x.sizes = append(x.ids, id), append(x.offsets, from), append(x.sizes, uint32(to-from)) //nolint:gosec // bounded above
	return true
}

// find returns the place of the record with number id, and whether there is just
// one; -1 when there is none. The index is in order.
func (x *vctIndex) find(id int64) (at int, alone bool) {
	i := sort.Search(len(x.ids), func(i int) bool { return x.ids[i] >= id })
	if i == len(x.ids) || x.ids[i] != id {
		return -1, true
	}
	return i, i+1 == len(x.ids) || x.ids[i+1] != id
}

// vctByID orders an index and what is parallel to it.
type vctByID struct {
	*vctIndex
	ours []bool
}

func (s vctByID) Len() int           { return len(s.ids) }
func (s vctByID) Less(i, j int) bool { return s.ids[i] < s.ids[j] }
func (s vctByID) Swap(i, j int) {
	s.ids[i], s.ids[j] = s.ids[j], s.ids[i]
	s.offsets[i], s.offsets[j] = s.offsets[j], s.offsets[i]
	s.sizes[i], s.sizes[j] = s.sizes[j], s.sizes[i]
	if s.ours != nil {
		s.ours[i], s.ours[j] = s.ours[j], s.ours[i]
	}
}

// order sorts the index by number; most are already.
func (s vctByID) order() {
	if !sort.IsSorted(s) {
		sort.Stable(s)
	}
}

// vctRows is a run of rows of the table.
type vctRows struct {
	offset int64
	line   int64 // of the file, before the first
	count  int64
}

// vctScan is the first pass.
type vctScan struct {
	text     *vctText
	head     *vctHead
	table    *vctTable
	size     int64
	lines    vctIndex
	polygons vctIndex
	ours     []bool // the polygon's code is one of the table's
	given    []bool // there is a row for the polygon
	rows     []vctRows
	first    geo.XY // point
	pointed  bool
	foreign  tally // polygons of codes that the head does not have
	section  map[string]bool
}

// run reads the sections behind the head to the end of the attributes.
func (s *vctScan) run() error {
	s.section = map[string]bool{}
	read := map[string]func() error{"line": s.readLines, "polygon": s.readPolygons, "attribute": s.readAttributes}
	for !s.section["attribute"] {
		b, err := s.text.next()
		if errors.Is(err, io.EOF) {
			return s.text.truncated("Attribute")
		}
		if err != nil {
			return err
		}
		name := vctSection(b)
		switch {
		case len(b) == 0:
			continue
		case name == "":
			return s.text.syntax("第 %d 行是 %q，不是任何一节的开始", "line %d, %q, begins no section", s.text.line, short(b))
		case s.section[name]:
			return s.text.syntax("第 %d 行：%s 一节出现了两次", "line %d: the section %s comes twice", s.text.line, name)
		case read[name] != nil:
			err = read[name]()
		default:
			err = s.text.skip(name)
		}
		if err != nil {
			return err
		}
		s.section[name] = true
	}
	return nil
}

// left is how many lines of text the rest of the file may hold at most.
func (s *vctScan) left() int64 { return (s.size-s.text.at)/2 + 1 }

// id reads the number that a record begins with; 0 is the end of the section.
func (s *vctScan) id(section string) (int64, error) {
	for {
		b, err := s.text.need(section)
		if err != nil || vctEnds(b, section) {
			return 0, err
		}
		if len(b) == 0 {
			continue
		}
		id, ok := parseInteger(b)
		if !ok || id <= 0 {
			return 0, s.text.syntax("第 %d 行（%s）是 %q，应为对象标识码", "line %d (%s) says %q where the number of an object should be", s.text.line, section, short(b))
		}
		return id, nil
	}
}

// finish ends a record at the line 0 that stands behind it, which may be missing,
// and returns where its text ends.
func (s *vctScan) finish(section string) (int64, error) {
	end := s.text.at
	b, err := s.text.need(section)
	if err == nil && string(b) != "0" {
		s.text.again()
	}
	return end, err
}

// pass moves behind the line 0 of a record whose form is not read.
func (s *vctScan) pass(section string) (int64, error) {
	for {
		end := s.text.at
		b, err := s.text.need(section)
		if err != nil {
			return 0, err
		}
		if vctEnds(b, section) {
			s.text.again()
			return end, nil
		}
		if string(b) == "0" {
			return end, nil
		}
	}
}

// readLines reads the section of lines.
func (s *vctScan) readLines() error {
	const section = "Line"
	for {
		id, err := s.id(section)
		if err != nil || id == 0 {
			vctByID{vctIndex: &s.lines}.order()
			return err
		}
		from := s.text.at
		end, err := s.line(section)
		if err != nil {
			return err
		}
		if !s.lines.add(id, from, end) {
			return s.text.syntax("第 %d 行：线 %d 太长", "line %d: the line with number %d is too long", s.text.line, id)
		}
	}
}

// line passes over one line: code, style, kind, number of parts, and of each part
// the kind, the number of points and the points.
func (s *vctScan) line(section string) (int64, error) {
	kind, err := s.kind(section)
	if err != nil || kind != vctDirect {
		return s.orPass(section, err)
	}
	parts, err := s.text.integer(section, s.left())
	if err != nil {
		return 0, err
	}
	for range parts {
		form, err := s.text.integer(section, 1000)
		if err != nil || form != vctStraight {
			return s.orPass(section, err)
		}
		points, err := s.text.integer(section, s.left())
		if err != nil {
			return 0, err
		}
		if points > 0 && !s.pointed {
			b, err := s.text.need(section)
			if err != nil {
				return 0, err
			}
			s.first, s.pointed = s.head.point(b)
			points--
		}
		if err := s.text.pass(section, points); err != nil {
			return 0, err
		}
	}
	return s.finish(section)
}

// kind reads the code and the style of a record, which it returns nothing of, and
// its kind.
func (s *vctScan) kind(section string) (int64, error) {
	for range 2 {
		if _, err := s.text.need(section); err != nil {
			return 0, err
		}
	}
	return s.text.integer(section, 1000)
}

// orPass passes over the rest of a record, unless there is an error.
func (s *vctScan) orPass(section string, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return s.pass(section)
}

// readPolygons reads the section of polygons.
func (s *vctScan) readPolygons() error {
	const section = "Polygon"
	for {
		id, err := s.id(section)
		if err != nil || id == 0 {
			vctByID{&s.polygons, s.ours}.order()
			s.given = make([]bool, len(s.ours))
			return err
		}
		from := s.text.at
		code, err := s.text.need(section)
		if err != nil {
			return err
		}
		of, known := s.head.codes[string(code)]
		if !known {
			s.foreign.add(id)
		}
		ours := known && of.polygon && of.table == s.table.key
		end, err := s.polygon(section)
		if err != nil {
			return err
		}
		if !s.polygons.add(id, from, end) {
			return s.text.syntax("第 %d 行：面 %d 太长", "line %d: the polygon with number %d is too long", s.text.line, id)
		}
		s.ours = append(s.ours, ours)
	}
}

// polygon passes over one polygon behind its code: style, kind, label point, what it
// is made of, how many, and their numbers.
func (s *vctScan) polygon(section string) (int64, error) {
	if _, err := s.text.need(section); err != nil {
		return 0, err
	}
	kind, err := s.text.integer(section, 1000)
	if err != nil || kind != vctIndirect {
		return s.orPass(section, err)
	}
	if _, err := s.text.need(section); err != nil {
		return 0, err
	}
	of, err := s.text.integer(section, 1000)
	if err != nil || of != vctOfLines {
		return s.orPass(section, err)
	}
	count, err := s.text.integer(section, s.left())
	if err != nil {
		return 0, err
	}
	refs := vctCount{want: count}
	for !refs.done() {
		b, err := s.text.need(section)
		if err != nil {
			return 0, err
		}
		if err := refs.add(b, s.head.separator); err != nil {
			return 0, s.text.syntax("第 %d 行 %q 不是线的标识码", "line %d, %q, holds no numbers of lines", s.text.line, short(b))
		}
		if !refs.full() {
			continue
		}
		// Some count the zeros between rings, some do not.
		next, err := s.text.need(section)
		if err != nil {
			return 0, err
		}
		s.text.again()
		refs.ended = string(next) == "0"
	}
	return s.finish(section)
}

// vctCount counts numbers of lines: all of them, and those that are not 0.
type vctCount struct {
	want, all, lines int64
	ended            bool
}

// full tells whether there may be no more, by one way to count.
func (c *vctCount) full() bool { return c.all >= c.want }

// done tells whether there are no more.
func (c *vctCount) done() bool { return c.ended || c.lines >= c.want }

var errVCTNumber = errors.New("no number")

// add counts the numbers in a line of text.
func (c *vctCount) add(b []byte, separator byte) error {
	for len(b) > 0 {
		var field []byte
		field, b = cutField(b, separator)
		if len(field) == 0 {
			continue
		}
		n, ok := parseInteger(field)
		if !ok {
			return errVCTNumber
		}
		c.all++
		if n != 0 {
			c.lines++
		}
	}
	return nil
}

// readAttributes reads the section of attributes: of each table its name, its rows
// and TableEnd.
func (s *vctScan) readAttributes() error {
	const section = "Attribute"
	if s.table.polygons && !s.section["polygon"] {
		return problem.New("VCT_SECTION", "第 %d 行：Attribute 一节之前没有 Polygon 一节", "line %d: there is no section Polygon before the section Attribute", s.text.line).
			Advise("请用原软件重新输出 VCT", "have it written again by the program that made it")
	}
	names := newDecoder(s.head.text)
	for {
		b, err := s.text.need(section)
		if err != nil || vctEnds(b, section) {
			return err
		}
		if len(b) == 0 {
			continue
		}
		name, _ := names.decode(b)
		if tableKey(name) != s.table.key {
			if err := s.text.skip("Table"); err != nil {
				return err
			}
			continue
		}
		if err := s.readRows(); err != nil {
			return err
		}
	}
}

// readRows counts the rows of the table and marks the polygons that they are of.
func (s *vctScan) readRows() error {
	rows := vctRows{offset: s.text.at, line: s.text.line}
	for {
		b, err := s.text.need("Table")
		if err != nil {
			return err
		}
		if vctEnds(b, "Table") {
			s.rows = append(s.rows, rows)
			return nil
		}
		if len(b) == 0 {
			continue
		}
		rows.count++
		field, _ := cutField(b, s.head.separator)
		if id, ok := parseInteger(field); ok && s.table.polygons {
			if at, _ := s.polygons.find(id); at >= 0 {
				s.given[at] = true
			}
		}
	}
}
