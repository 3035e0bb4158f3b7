package source

import (
	"bytes"
	"io"
	"math"
	"slices"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

// vctTallies count what loses or doubts something.
type vctTallies struct{ orphans, turned, label, undecoded, unreadable tally }

// join adds what another count found.
func (t *vctTallies) join(o *vctTallies) {
	t.orphans.join(o.orphans)
	t.turned.join(o.turned)
	t.label.join(o.label)
	t.undecoded.join(o.undecoded)
	t.unreadable.join(o.unreadable)
}

// join adds what another tally counted; the first record is the lower one, so that
// the order of joining does not show.
func (t *tally) join(o tally) {
	if o.count > 0 && (t.count == 0 || o.first < t.first) {
		t.first = o.first
	}
	t.count += o.count
}

// vctParser is memory that one goroutine makes features of a VCT file in.
type vctParser struct {
	reader *vct
	text   *decoder
	known  []map[string]any // decoded texts of each column
	window vctWindow        // of lines
	about  vctWindow        // of polygons
	refs   []int64
	line   []geo.XY
	shape  shape
	arena  arena
	found  vctTallies
	most   int // points of a polygon
}

func newVCTParser(r *vct) *vctParser {
	p := &vctParser{reader: r, text: newDecoder(r.head.text), known: make([]map[string]any, len(r.table.fields)), most: vctMostPoints}
	for i := range p.known {
		p.known[i] = map[string]any{}
	}
	return p
}

// row reads the values of a row.
func (p *vctParser) row(row []byte, f *Feature) {
	fields := p.reader.table.fields
	values := p.arena.row(len(fields))
	rest, separator := row, p.reader.head.separator
	n := bytes.Count(row, []byte{separator}) + 1
	switch {
	case n == len(fields)+1:
		_, rest = cutField(rest, separator)
	case n == len(fields) && !p.reader.table.polygons && p.reader.shapes != Lines: // without a number of its own
	default:
		f.Problem = problem.New("VCT_ROW", "属性行有 %d 项，应为标识码加 %d 个字段：%q", "its row has %d parts; there should be a number and %d fields: %q", n, len(fields), short(row)).
			Advise("字段值里的逗号须换成全角", "commas inside a value must be full-width")
		return
	}
	for i := range fields {
		var b []byte
		b, rest = cutField(rest, separator)
		values[i] = p.value(i, b, f.Record)
	}
	f.Values = values
}

// value reads one value.
func (p *vctParser) value(column int, b []byte, record int64) any {
	if len(b) == 0 {
		return nil
	}
	switch p.reader.table.fields[column].Kind {
	case Integer:
		if v, ok := parseInteger(b); ok {
			return v
		}
	case Real:
	case Date:
		return dbfDate(b)
	default:
		return p.string(column, b, record)
	}
	v, ok := parseDecimal(b)
	if !ok {
		p.found.unreadable.add(record)
		return nil
	}
	return v
}

// string decodes a text; those that come often are decoded once.
func (p *vctParser) string(column int, b []byte, record int64) any {
	known := p.known[column]
	if v, ok := known[string(b)]; ok {
		return v
	}
	s, ok := p.text.decode(b)
	if !ok {
		p.found.undecoded.add(record)
	}
	var v any = s
	if ok && len(known) < knownValues {
		known[string(b)] = v
	}
	return v
}

// geometry reads the polygon of a record. A file that cannot be read again is told
// in the record.
func (p *vctParser) geometry(at int, f *Feature) {
	switch at {
	case vctPlain:
		return
	case vctNoPolygon:
		f.Problem = problem.New("VCT_NO_POLYGON", "属性行没有对应的面", "there is no polygon for its row of attributes").
			Advise("核对标识码和要素是否齐全", "check the number and whether polygons are missing")
		return
	case vctTwice:
		f.Problem = problem.New("VCT_TWICE", "同一标识码有不止一个面或属性行", "its number is that of more than one polygon or row").
			Advise("请让标识码不重复，重新输出 VCT", "have each number used once, and the file written again")
		return
	}
	if p.reader.shapes == Lines {
		f.Polygons, f.Problem = p.lineOf(int64(at))
		return
	}
	if f.Problem = p.polygon(at, f.Record); f.Problem == nil {
		f.Polygons, f.Problem = p.arena.groupShape(&p.shape)
	}
}

// lineOf returns the line of a number as the one part of a shape.
func (p *vctParser) lineOf(id int64) ([][][]geo.XY, *problem.Problem) {
	if bad := p.points(id); bad != nil {
		return nil, bad
	}
	p.shape.reset()
	p.shape.points = append(p.shape.points, p.line...)
	p.shape.endRing()
	p.shape.endPolygon()
	return p.arena.copyShape(&p.shape)
}

// vctMostPoints is what a polygon may have: as many as ingest takes. Lines may be
// named many times.
const vctMostPoints = 20_000_000

// tooManyPoints is the problem of a polygon beyond that.
func tooManyPoints() *problem.Problem {
	return problem.New("GEOMETRY_LIMIT", "顶点太多：一个要素最多 2000 万个", "too many positions: a feature has at most 20 million").
		Advise("请拆成几个要素", "divide it into several features")
}

// polygon puts the rings of a polygon into the shape.
func (p *vctParser) polygon(at int, record int64) *problem.Problem {
	p.shape.reset()
	label, bad := p.references(at)
	if bad != nil {
		return bad
	}
	ring := vctRing{parser: p}
	for _, ref := range p.refs {
		if ref == 0 {
			bad = ring.end()
		} else {
			bad = ring.add(ref)
		}
		if bad != nil {
			return bad
		}
	}
	if bad = ring.end(); bad != nil {
		return bad
	}
	if ring.turned {
		p.found.turned.add(record)
	}
	if label != (geo.XY{}) && !p.shape.holds(label) {
		p.found.label.add(record)
	}
	return nil
}

// references reads the numbers of a polygon's lines, 0 between its rings.
func (p *vctParser) references(at int) (label geo.XY, bad *problem.Problem) {
	r := p.reader
	b, bad := p.about.read(r.file, r.polygons.offsets[at], int(r.polygons.sizes[at]))
	if bad != nil {
		return label, bad
	}
	p.refs = p.refs[:0]
	_, b = cutText(b) // code
	_, b = cutText(b) // style
	kind, b := cutText(b)
	if v, _ := parseInteger(kind); v != vctIndirect {
		return label, problem.New("VCT_KIND", "面 %d 的特征类型是 %q，只读由线组成的面（100）", "polygon %d is of kind %q; those made of lines (100) are read", r.polygons.ids[at], short(kind)).
			Advise(vctAgainZh, vctAgainEn)
	}
	text, b := cutText(b)
	label, _ = r.head.point(text) // a label that is none is not needed
	of, b := cutText(b)
	if v, _ := parseInteger(of); v != vctOfLines {
		return label, problem.New("VCT_KIND", "面 %d 由类型 %q 组成，只读由线组成的面（21）", "polygon %d is made of kind %q; those made of lines (21) are read", r.polygons.ids[at], short(of)).
			Advise(vctAgainZh, vctAgainEn)
	}
	_, b = cutText(b) // their number
	for len(b) > 0 {
		var line, field []byte
		line, b = cutText(b)
		for len(line) > 0 {
			field, line = cutField(line, r.head.separator)
			n, ok := parseInteger(field)
			if !ok {
				continue
			}
			if len(p.refs) == p.most {
				return label, tooManyPoints()
			}
			p.refs = append(p.refs, n)
		}
	}
	return label, nil
}

// vctRing is a ring that is put together of lines.
type vctRing struct {
	parser *vctParser
	start  int // in the shape's points
	lines  int
	turned bool
}

// vctNear is how far lines that join may be apart: 1 mm, or as much in degrees.
const (
	vctNear        = 1e-3
	vctNearDegrees = 1e-8
)

// near tells whether lines that end at a and b join.
func near(a, b geo.XY) bool {
	limit := vctNear
	if math.Abs(a.X) <= 180 && math.Abs(a.Y) <= 90 {
		limit = vctNearDegrees
	}
	return math.Abs(a.X-b.X) <= limit && math.Abs(a.Y-b.Y) <= limit
}

// add adds the line of a number, turned round when that is negative.
func (g *vctRing) add(ref int64) *problem.Problem {
	p := g.parser
	if ref == math.MinInt64 {
		return noVCTLine(ref)
	}
	if bad := p.points(max(ref, -ref)); bad != nil {
		return bad
	}
	line := p.line
	if len(line) == 0 {
		return nil
	}
	if len(p.shape.points)+len(line) > p.most {
		return tooManyPoints()
	}
	if ref < 0 {
		slices.Reverse(line)
	}
	if g.lines > 0 {
		last := p.shape.points[len(p.shape.points)-1]
		switch {
		case near(last, line[0]):
		case near(last, line[len(line)-1]):
			slices.Reverse(line)
			g.turned = true
		case near(last, p.shape.points[g.start]):
			// The ring is closed: another follows, without the 0 between them.
			if bad := g.end(); bad != nil {
				return bad
			}
		default:
			return problem.New("VCT_RING", "第 %d 环：线 %d 与前一条线不相接（%v, %v 到 %v, %v）", "ring %d: line %d does not join the one before (%v, %v to %v, %v)",
				len(p.shape.ringEnds)+1, ref, last.X, last.Y, line[0].X, line[0].Y).
				Advise("请检查拓扑后重新输出 VCT", "check the topology and have it written again")
		}
	}
	if g.lines > 0 && len(p.shape.points) > g.start && p.shape.points[len(p.shape.points)-1] == line[0] {
		line = line[1:]
	}
	p.shape.points = append(p.shape.points, line...)
	g.lines++
	return nil
}

// end ends the ring. One of a single line is taken as it is, closed or not; where
// one of several does not close, a line is missing.
func (g *vctRing) end() *problem.Problem {
	s := &g.parser.shape
	if n := len(s.points); n > g.start {
		first, last := s.points[g.start], s.points[n-1]
		switch {
		case near(first, last) && n > g.start+1:
			s.points[n-1] = first
		case g.lines > 1:
			return problem.New("VCT_OPEN", "第 %d 环没有闭合：从 %v, %v 到 %v, %v", "ring %d is not closed: from %v, %v to %v, %v",
				len(s.ringEnds)+1, first.X, first.Y, last.X, last.Y).
				Advise("请检查拓扑后重新输出 VCT", "check the topology and have it written again")
		}
	}
	s.endRing()
	g.start, g.lines = len(s.points), 0
	return nil
}

// noVCTLine is the problem of a line that is not there.
func noVCTLine(id int64) *problem.Problem {
	return problem.New("VCT_NO_LINE", "引用的线 %d 不存在", "it names line %d, which is not there", id).
		Advise("请用原软件重新输出 VCT", "have it written again by the program that made it")
}

// points reads the points of the line with number id.
func (p *vctParser) points(id int64) *problem.Problem {
	r := p.reader
	at, alone := r.lines.find(id)
	switch {
	case at < 0:
		return noVCTLine(id)
	case !alone:
		return problem.New("VCT_LINE_TWICE", "线 %d 不止一条", "there is more than one line with number %d", id).
			Advise("请让标识码不重复，重新输出 VCT", "have each number used once, and the file written again")
	}
	b, bad := p.window.read(r.file, r.lines.offsets[at], int(r.lines.sizes[at]))
	if bad != nil {
		return bad
	}
	p.line = p.line[:0]
	_, b = cutText(b) // code
	_, b = cutText(b) // style
	kind, b := cutText(b)
	parts, b := cutText(b)
	if v, _ := parseInteger(kind); v != vctDirect {
		return problem.New("VCT_KIND", "线 %d 的特征类型是 %q，只读直接给出坐标的线（1）", "line %d is of kind %q; those that give their points (1) are read", id, short(kind)).
			Advise(vctAgainZh, vctAgainEn)
	}
	n, _ := parseInteger(parts) // the first pass has seen them
	for range n {
		var form, count []byte
		form, b = cutText(b)
		if v, _ := parseInteger(form); v != vctStraight {
			return problem.New("VCT_CURVE", "线 %d 有类型 %q 的曲线段，只读折线（11）", "line %d has a curve of kind %q; straight lines (11) are read", id, short(form)).
				Advise("请先把曲线加密成折线", "have curves turned into straight lines first")
		}
		count, b = cutText(b)
		points, _ := parseInteger(count)
		if points > int64(p.most-len(p.line)) {
			return tooManyPoints()
		}
		for range points {
			xy, behind, ok := r.head.plainPoint(b)
			if !ok {
				var text []byte
				text, behind = cutText(b)
				xy, ok = r.head.point(text)
				b = text // for the message
			}
			if !ok {
				return problem.New("VCT_POINT", "线 %d 的坐标 %q 不是数", "line %d has a point that is no number: %q", id, short(b)).
					Advise("请用原软件重新输出 VCT", "have it written again by the program that made it")
			}
			b = behind
			if len(p.line) == 0 || p.line[len(p.line)-1] != xy {
				p.line = append(p.line, xy)
			}
		}
	}
	return nil
}

// plainPoint reads a line x,y in its usual form, digits with a point, and returns what
// stands behind it; false for any other form.
func (h *vctHead) plainPoint(b []byte) (xy geo.XY, behind []byte, ok bool) {
	x, i := plainDecimal(b, 0)
	if i == 0 || i >= len(b) || b[i] != h.separator {
		return xy, nil, false
	}
	y, j := plainDecimal(b, i+1)
	end := j
	if end < len(b) && b[end] == '\r' {
		end++
	}
	if j == i+1 || end >= len(b) || b[end] != '\n' {
		return xy, nil, false
	}
	if h.swapped {
		x, y = y, x
	}
	return geo.XY{X: x, Y: y}, b[end+1:], true
}

// plainDecimal reads digits with a point and a sign from b[at:] and returns where they
// end, which is at when there are none, or more than [parseDecimal] reads exactly in
// its fast way.
func plainDecimal(b []byte, at int) (v float64, end int) {
	i, negative := at, false
	if i < len(b) && b[i] == '-' {
		negative = true
		i++
	}
	var mantissa uint64
	start, point := i, -1
	for ; i < len(b); i++ {
		c := b[i] - '0'
		if c <= 9 {
			mantissa = mantissa*10 + uint64(c)
		} else if b[i] == '.' && point < 0 {
			point = i
		} else {
			break
		}
	}
	digits, behind := i-start, 0
	if point >= 0 {
		digits--
		behind = i - point - 1
	}
	if digits == 0 || digits > 18 || mantissa > 1<<53 {
		return 0, at
	}
	v = float64(mantissa) / tenPowers[behind]
	if negative {
		v = -v
	}
	return v, i
}

// What to do about forms that are not read.
const (
	vctAgainZh = "请把它输出成由折线组成的面，再交"
	vctAgainEn = "have it written as polygons that are made of straight lines"
)

// cutText returns the first line of b without the blanks around it, and the rest.
func cutText(b []byte) (line, rest []byte) { return cutField(b, '\n') }

// holds tells whether at lies inside the rings of s by the even-odd rule.
func (s *shape) holds(at geo.XY) bool {
	inside, start := false, 0
	for _, end := range s.ringEnds {
		inside = inside != geo.InRing(s.points[start:end], at)
		start = end
	}
	return inside
}

// vctWindow is the piece of a file that was read last: lines that a polygon is made
// of often stand near each other.
type vctWindow struct {
	buf    []byte
	offset int64
}

// vctWindowBytes is how much is read at once at least: some ten lines.
const vctWindowBytes = 16 << 10

// read returns n bytes from offset; they are valid until the next call.
func (w *vctWindow) read(file io.ReaderAt, offset int64, n int) ([]byte, *problem.Problem) {
	if at := offset - w.offset; at >= 0 && at+int64(n) <= int64(len(w.buf)) {
		return w.buf[at : at+int64(n)], nil
	}
	size := max(n, vctWindowBytes)
	if cap(w.buf) < size {
		w.buf = make([]byte, size)
	}
	got, err := file.ReadAt(w.buf[:size], offset)
	w.buf, w.offset = w.buf[:got], offset
	if got < n {
		return nil, problem.New("SOURCE_READ", "读取时出错：%v", "cannot be read: %v", err).Because(err).
			Advise("请检查磁盘和网络", "check the disk and the network")
	}
	return w.buf[:n], nil
}
