// Package txt reads the surveyor's TXT of boundary points (报盘格式): the parcels of a
// file, as the file states them, and the coordinate system that they are in. It
// projects and mends nothing.
package txt

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

// Parcel is a parcel of a file.
type Parcel struct {
	// Line is where it begins in the file, from 1.
	Line int
	// Number, Name, Sheet, Use and Class are 地块编号, 地块名称, 图幅号, 用途 and 地类编码.
	Number, Name, Sheet, Use, Class string
	// Year, Slope, Note and Grade stand in files of supplement cropland only:
	// 补充耕地实施年份, 耕地坡度级别, 备注 and 耕地质量等级.
	Year, Slope, Note, Grade string
	// Stated tells that an area is stated: AreaHa in hectares, whose last digit
	// stands for StepHa.
	Stated         bool
	AreaHa, StepHa float64
	// Rings are the rings in the order of the file, easting first, and Polygons the
	// same, grouped by what lies in what. Both are nil where there is a Problem.
	Rings    [][]geo.XY
	Polygons [][][]geo.XY
	// Problem is why the parcel cannot be read, Notes what was doubtful about it.
	Problem *problem.Problem
	Notes   []*problem.Problem
}

// File is what a file holds.
type File struct {
	Parcels []Parcel
	// Supplement tells that a parcel is stated as in files of supplement cropland.
	Supplement bool

	attributes map[string]entry
	zoned      zone
}

// Limits bound what a file may hold; 0 is no bound.
type Limits struct{ Points, Parcels int }

// The errors of files beyond their limits.
var (
	ErrPoints  = errors.New("too many boundary points")
	ErrParcels = errors.New("too many parcels")
)

// LooksLike tells whether data is the beginning of a surveyor's TXT: a line in
// square brackets that is no JSON, or a note before it.
func LooksLike(data []byte) bool {
	if decoded, err := decode(data[:min(len(data), 4096)], cutShort); err == nil {
		data = decoded
	}
	return bytes.Contains(data, []byte(sectionAttributes)) || bytes.Contains(data, []byte(sectionParcels))
}

// The sections of the format.
const (
	sectionAttributes = "[属性描述]"
	sectionParcels    = "[地块坐标]"
)

// Parse reads the surveyor's TXT of boundary points, in GBK or UTF-8: a section of
// attributes that say the coordinate system, and parcels, each a line that ends in @
// followed by its points, northing before easting. The rings of a parcel are read by
// the even-odd rule, so that ring 2 and later are holes where they lie inside and
// parts where they lie beside. Rings need not be closed.
//
// What is wrong with one parcel fails no other; the error is of what concerns the
// file (problems TXT_…) or [ErrPoints] and [ErrParcels]. Problems name the line.
// Nothing of data is kept.
func Parse(data []byte, lim Limits) (*File, error) {
	text, err := decode(data, whole)
	if err != nil {
		return nil, err
	}
	r := reader{lim: lim, file: &File{attributes: map[string]entry{}, Parcels: []Parcel{}}}
	for line := range bytes.SplitSeq(text, []byte{'\n'}) {
		r.line++
		if err := r.read(strings.TrimSpace(string(line))); err != nil {
			return nil, err
		}
	}
	r.endParcel()
	if !r.begun {
		return nil, problem.New("TXT_NO_PARCELS", "没有 %s 一节", "there is no section %s", sectionParcels).
			Advise("这应是报盘格式的界址点坐标文件", "this should be a file of boundary points with that section")
	}
	if len(r.file.Parcels) == 0 {
		return nil, problem.New("TXT_NO_PARCELS", "%s 里没有地块", "the section %s has no parcel", sectionParcels)
	}
	return r.file, nil
}

// part tells whether text to decode is whole.
type part uint8

const (
	whole part = iota
	cutShort
)

// decode returns the text in UTF-8. What is no UTF-8 is GBK, read as its
// superset GB18030.
func decode(data []byte, part part) ([]byte, error) {
	switch {
	case bytes.HasPrefix(data, []byte("\uFEFF")):
		data = data[len("\uFEFF"):]
		if !utf8.Valid(data) && part == whole {
			return nil, badEncoding("UTF-8")
		}
		return data, nil
	case bytes.HasPrefix(data, []byte{0xFF, 0xFE}), bytes.HasPrefix(data, []byte{0xFE, 0xFF}):
		return nil, badEncoding("UTF-16")
	case utf8.Valid(data):
		return data, nil
	}
	out, err := simplifiedchinese.GB18030.NewDecoder().Bytes(data)
	if part == whole && (err != nil || bytes.ContainsRune(out, utf8.RuneError)) {
		return nil, badEncoding("GBK")
	}
	return out, err
}

func badEncoding(name string) error {
	return problem.New("TXT_ENCODING", "文字不是完整的 %s 编码，这里读 GBK 和 UTF-8", "the text is no whole %s; GBK and UTF-8 are read here", name).
		Advise("请另存为 UTF-8 或 ANSI(GBK)", "save it as UTF-8 or GBK")
}

// entry is an attribute and where it stood.
type entry struct {
	text string
	line int
}

// reader reads a file line by line.
type reader struct {
	lim     Limits
	file    *File
	line    int
	section string
	begun   bool // the section of parcels
	points  int
	parcel  *draft
}

// zone is what the first easting of a file says of its zone.
type zone struct {
	point geo.XY
	seen  bool
}

// read takes one line in.
func (r *reader) read(line string) error {
	switch {
	case line == "":
		return nil
	case line[0] == '[' && line[len(line)-1] == ']':
		r.endParcel()
		r.section = line
		r.begun = r.begun || line == sectionParcels
		return nil
	case r.section == sectionAttributes:
		return r.attribute(line)
	case r.section == sectionParcels && strings.HasSuffix(line, "@"):
		r.endParcel()
		return r.beginParcel(line)
	case r.section == sectionParcels:
		return r.point(line)
	case r.section == "":
		return problem.New("TXT_SYNTAX", "第 %d 行是 %.40q，应先有 %s", "line %d is %.40q; the section %s should come first", r.line, line, sectionAttributes).
			Advise("这应是报盘格式的界址点坐标文件", "this should be a surveyor's file of boundary points")
	}
	return nil // a section of another purpose
}

// attribute reads a line NAME=VALUE.
func (r *reader) attribute(line string) error {
	name, value, ok := strings.Cut(line, "=")
	if name = strings.TrimSpace(name); !ok || name == "" {
		return problem.New("TXT_SYNTAX", "第 %d 行 %.40q 不是“名称=值”", "line %d, %.40q, is not NAME=VALUE", r.line, line)
	}
	if old, twice := r.file.attributes[name]; twice && old.text != strings.TrimSpace(value) {
		return problem.New("TXT_SYNTAX", "第 %d 行又说了一次 %.20s，与第 %d 行不同", "line %d says %.20s again, otherwise than line %d", r.line, name, old.line)
	}
	const most = 1000 // the format has some ten
	if len(r.file.attributes) == most {
		return problem.New("TXT_SYNTAX", "第 %d 行：属性超过 %d 个", "line %d: there are more than %d attributes", r.line, most)
	}
	r.file.attributes[name] = entry{strings.TrimSpace(value), r.line}
	return nil
}

// draft is a parcel in the making.
type draft struct {
	Parcel
	count  int // points that are stated, -1 when they are not
	points int
	names  []string // of the rings
}

// fail keeps the first thing that is wrong with the parcel.
func (p *draft) fail(why *problem.Problem) {
	if p.Problem == nil {
		p.Problem = why
	}
}

// note tells a doubt.
func (p *draft) note(what *problem.Problem) { p.Notes = append(p.Notes, what) }

// The places of the fields in a parcel's line. The name may hold commas, so that
// those behind it are counted from the end.
const (
	fieldCount = iota
	fieldArea
	fieldNumber
	fieldName
	parcelFields = 8 // without the @
	fieldsBehind = 4 // the kind of geometry, sheet, use, class

	// Of supplement cropland year and slope stand before the kind of geometry, and
	// behind it sheet, use, note, class and grade.
	supplementFields = 12
	supplementBehind = 6
)

// areal is the kind of geometry that is read.
const areal = "面"

// beginParcel reads the line that begins a parcel:
// points,area,number,name,面,sheet,use,class,@.
func (r *reader) beginParcel(line string) error {
	if r.lim.Parcels > 0 && len(r.file.Parcels) == r.lim.Parcels {
		return ErrParcels
	}
	p := &draft{Parcel: Parcel{Line: r.line}, count: -1}
	r.parcel = p
	fields := strings.Split(strings.TrimSuffix(strings.TrimSuffix(line, "@"), ","), ",")
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	if len(fields) > fieldNumber {
		p.Number = fields[fieldNumber]
	}
	if len(fields) < parcelFields {
		p.fail(problem.New("TXT_PARCEL", "第 %d 行有 %d 项，应为 8 项：界址点数,面积,地块编号,地块名称,面,图幅号,用途,地类编码,@",
			"line %d has %d fields; there should be 8: points,area,number,name,面,sheet,use,class,@", r.line, len(fields)))
		return nil
	}
	kind := r.describe(fields)
	if v, ok := plainNumber(fields[fieldArea]); ok && v >= 0 {
		p.Stated, p.AreaHa, p.StepHa = true, v, lastDigit(fields[fieldArea])
	} else if fields[fieldArea] != "" {
		p.note(problem.New("TXT_AREA", "第 %d 行的面积 %.20q 不是数", "the area %[2]q in line %[1]d is no number", r.line, cut(fields[fieldArea])))
	}
	if n, err := strconv.Atoi(fields[fieldCount]); err == nil && n >= 0 {
		p.count = n
	} else {
		p.note(problem.New("TXT_POINTS", "第 %d 行的界址点数 %.20q 不是整数", "the number of points %[2]q in line %[1]d is no whole number", r.line, cut(fields[fieldCount])))
	}
	if kind != areal {
		p.fail(problem.New("TXT_KIND", "第 %d 行的图形是 %.20q，不是“面”", "the geometry in line %d is %.20q and not an area (面)", r.line, kind).
			Advise("点和线没有面积", "points and lines have no area"))
	}
	return nil
}

// describe takes over the texts of a parcel's line and returns the kind of geometry.
func (r *reader) describe(fields []string) string {
	p := r.parcel
	last := len(fields) - fieldsBehind
	if long := len(fields) - supplementBehind; len(fields) >= supplementFields && fields[long] == areal && fields[last] != areal {
		p.Name = strings.Join(fields[fieldName:long-2], ",")
		p.Year, p.Slope = fields[long-2], fields[long-1]
		p.Sheet, p.Use, p.Note, p.Class, p.Grade = fields[long+1], fields[long+2], fields[long+3], fields[long+4], fields[long+5]
		r.file.Supplement = true
		return areal
	}
	p.Name = strings.Join(fields[fieldName:last], ",")
	p.Sheet, p.Use, p.Class = fields[last+1], fields[last+2], fields[last+3]
	return fields[last]
}

// cut shortens a text for a message.
func cut(s string) string {
	const most = 20
	for i := range s {
		if i > most {
			return s[:i] + "…"
		}
	}
	return s
}

// plainNumber reads digits with a point, and a sign; no other form of number.
func plainNumber(s string) (float64, bool) {
	for _, c := range s {
		if (c < '0' || c > '9') && c != '.' && c != '-' && c != '+' {
			return 0, false
		}
	}
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil
}

// lastDigit is the unit of the last digit of a number: 0.01 of 1.25.
func lastDigit(s string) float64 {
	unit := 1.0
	if _, fraction, ok := strings.Cut(s, "."); ok {
		for range fraction {
			unit /= 10
		}
	}
	return unit
}

// pointFields are those of a point's line: name, ring, northing, easting.
const pointFields = 4

// point reads a line of a boundary point.
func (r *reader) point(line string) error {
	p := r.parcel
	if p == nil {
		return problem.New("TXT_SYNTAX", "第 %d 行 %.40q 之前没有以 @ 结尾的地块行", "before line %d, %.40q, there is no parcel's line ending in @", r.line, line)
	}
	if r.points++; r.lim.Points > 0 && r.points > r.lim.Points {
		return ErrPoints
	}
	p.points++
	fields := strings.Split(strings.TrimSuffix(line, ","), ",")
	if len(fields) != pointFields {
		p.fail(problem.New("TXT_POINT", "第 %d 行 %.60q 有 %d 项，应为：点号,圈号,北坐标,东坐标", "line %d, %.60q, has %d fields; there should be: point,ring,northing,easting", r.line, line, len(fields)))
		return nil
	}
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	north, okN := plainNumber(fields[2])
	east, okE := plainNumber(fields[3])
	if !okN || !okE {
		p.fail(problem.New("TXT_POINT", "第 %d 行 %.60q 的坐标不是数", "a coordinate in line %d, %.60q, is no number", r.line, line))
		return nil
	}
	at := geo.XY{X: east, Y: north}
	if !r.file.zoned.seen {
		r.file.zoned = zone{at, true}
	}
	return r.add(at, fields[1])
}

// ringNumber tells whether a text is a whole number from 1.
func ringNumber(text string) bool {
	n, err := strconv.Atoi(text)
	return err == nil && n > 0
}

// add puts a point on the ring of that name.
func (r *reader) add(at geo.XY, ring string) error {
	p := r.parcel
	if !ringNumber(ring) {
		p.fail(problem.New("TXT_POINT", "第 %d 行的圈号 %.20q 不是正整数", "the ring %[2]q in line %[1]d is no number from 1", r.line, cut(ring)))
		return nil
	}
	if k := len(p.names); k == 0 || p.names[k-1] != ring {
		for _, n := range p.names {
			if n == ring {
				p.fail(problem.New("TXT_RING", "第 %d 行又回到圈 %s，一圈的点要连着写", "line %d returns to ring %s; the points of a ring stand together", r.line, ring))
				return nil
			}
		}
		const most = 1000 // rings of one parcel, each of which is compared with all
		if k == most {
			p.fail(problem.New("TXT_RING", "第 %d 行：一个地块多于 %d 圈", "line %d: a parcel has more than %d rings", r.line, most))
			return nil
		}
		p.names, p.Rings = append(p.names, ring), append(p.Rings, nil)
	}
	k := len(p.Rings) - 1
	p.Rings[k] = append(p.Rings[k], at)
	return nil
}

// endParcel keeps the parcel that was being read, if any.
func (r *reader) endParcel() {
	p := r.parcel
	if p == nil {
		return
	}
	r.parcel = nil
	closing := 0
	for i, ring := range p.Rings {
		n := len(ring)
		if n > 1 && ring[0] == ring[n-1] {
			n--
			closing++
		}
		if n < 3 {
			p.fail(problem.New("TXT_RING", "第 %d 行的地块，圈 %s 只有 %d 个界址点", "of the parcel in line %d, ring %s has only %d points", p.Line, p.names[i], n))
		}
	}
	switch {
	case p.points == 0:
		p.fail(problem.New("TXT_PARCEL", "第 %d 行的地块没有界址点", "the parcel in line %d has no points", p.Line))
	case p.count >= 0 && p.count != p.points && p.count != p.points-closing:
		p.note(problem.New("TXT_POINTS", "第 %d 行写 %d 个界址点，实有 %d 个（另有 %d 个闭合点）",
			"line %d states %d points, there are %d (and %d that close rings)", p.Line, p.count, p.points-closing, closing).
			Advise("请核对有没有漏点", "check whether points are missing"))
	}
	r.keep(p)
}

// keep keeps the parcel.
func (r *reader) keep(p *draft) {
	if p.Problem != nil {
		p.Rings = nil
	} else {
		p.Polygons = nested(p.Rings)
	}
	r.file.Parcels = append(r.file.Parcels, p.Parcel)
}
