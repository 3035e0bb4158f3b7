package source

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

// vctWriter writes a VCT file of one table (GB/T 17798-2007, version 3.0). Each ring
// is a line of its own. The lines, the polygons and the rows stand in sections of
// their own, so they wait in passing files until the head, which holds the extent
// and the widths of fields, is known.
type vctWriter struct {
	path     string
	layer    *Layer
	opt      WriteOptions
	crs      geo.CRS
	text     *encoder
	lines    *stagedFile
	polygons *stagedFile
	rows     *stagedFile
	id       int64
	code     int // the field that holds the code of features, -1 for none
	codes    []string
	columns  []vctColumn
	extent   extent
	buf      []byte
	commas   tally // values whose commas or line breaks were replaced
	unsaid   tally // characters that the encoding does not have
	emptied  tally // features without geometry
	notes    []*problem.Problem
}

// vctColumn is what the values of a field turned out to need.
type vctColumn struct {
	width, decimals int
	asText          bool
}

// vctLineCode is the code of lines that only bound polygons.
const vctLineCode = "1099000000"

// vctCodeField is the field that holds a feature's code, and vctNoCode what stands
// where a feature has none.
const (
	vctCodeField = "YSDM"
	vctNoCode    = "9999999999"
)

// createVCT begins a file at path.
func createVCT(path string, l *Layer, opt WriteOptions) (*vctWriter, error) {
	crs, err := geo.EPSG(opt.CRS.EPSG)
	if opt.CRS.EPSG == 0 && opt.CRS.WKT != "" {
		crs, err = geo.ParseWKT(opt.CRS.WKT)
	}
	if err != nil || opt.CRS.EPSG == 0 && opt.CRS.WKT == "" || !crs.Geographic() && !crs.GaussKrueger() {
		return nil, problem.New("EXPORT_CRS", "VCT 只写经纬度或高斯-克吕格投影带", "a VCT is written in longitude and latitude or in a Gauss-Krüger zone").In(path).
			Advise("改用 .gpkg 或 .fgb", "use .gpkg or .fgb")
	}
	c := charsetGBK
	if opt.Encoding != "" {
		var ok bool
		if c, ok = charsetOf(opt.Encoding); !ok {
			return nil, unknownEncoding(opt.Encoding)
		}
	}
	w := &vctWriter{path: path, layer: l, opt: opt, crs: crs, text: newEncoder(c), columns: make([]vctColumn, len(l.Fields)), extent: emptyExtent()}
	w.code = slices.IndexFunc(l.Fields, func(f Field) bool { return strings.EqualFold(f.Name, vctCodeField) })
	for _, s := range []struct {
		file **stagedFile
		name string
	}{{&w.lines, ".lines"}, {&w.polygons, ".polygons"}, {&w.rows, ".rows"}} {
		if *s.file, err = stage(path + s.name); err != nil {
			return nil, errors.Join(err, w.Abort())
		}
	}
	return w, nil
}

// Write implements [Writer].
func (w *vctWriter) Write(f *Feature) error {
	w.id++
	id := w.id
	var refs []int64
	var label geo.XY
	for _, polygon := range f.Polygons {
		for i, ring := range polygon {
			if len(ring) == 0 {
				continue
			}
			if len(refs) > 0 {
				refs = append(refs, 0)
			} else {
				label = insideRing(polygon)
			}
			w.id++
			refs = append(refs, w.id)
			if _, area := measure(ring); i == 0 && area > 0 || i > 0 && area < 0 {
				refs[len(refs)-1] = -w.id
			}
			if err := w.line(w.id, ring); err != nil {
				return err
			}
		}
	}
	w.extent = w.extent.union(extentOf(f.Polygons))
	if len(refs) == 0 {
		w.emptied.add(f.Record)
	} else if err := w.polygon(id, w.codeOf(f), label, refs); err != nil {
		return err
	}
	return w.row(id, f)
}

// codeOf returns the code of a feature.
func (w *vctWriter) codeOf(f *Feature) string {
	code := vctNoCode
	if w.code >= 0 && w.code < len(f.Values) {
		if s := valueText(f.Values[w.code]); s != "" && len(s) <= 20 && allDigits([]byte(s)) {
			code = s
		}
	}
	if !slices.Contains(w.codes, code) {
		const most = 1000 // a table has one or a few
		if len(w.codes) == most {
			return w.codes[0]
		}
		w.codes = append(w.codes, code)
	}
	return code
}

// line writes a ring, closed.
func (w *vctWriter) line(id int64, ring []geo.XY) error {
	closed := ring[0] == ring[len(ring)-1] && len(ring) > 1
	n := len(ring)
	if !closed {
		n++
	}
	b := fmt.Appendf(w.buf[:0], "%d\r\n%s\r\nUnknown\r\n%d\r\n1\r\n%d\r\n%d\r\n", id, vctLineCode, vctDirect, vctStraight, n)
	for i := range n {
		p := ring[i%len(ring)]
		if !finite(p.X) || !finite(p.Y) {
			return badValue("XY", p).In(w.path).At(id, "")
		}
		b = append(w.point(b, p), "\r\n"...)
	}
	w.buf = append(b, "0\r\n"...)
	_, err := w.lines.Write(w.buf)
	return err
}

// point writes x,y so that reading gives the same numbers again.
func (w *vctWriter) point(b []byte, p geo.XY) []byte {
	b = strconv.AppendFloat(b, p.X, 'f', -1, 64)
	return strconv.AppendFloat(append(b, ','), p.Y, 'f', -1, 64)
}

// polygon writes the numbers of a polygon's lines, 8 in a line of text.
func (w *vctWriter) polygon(id int64, code string, label geo.XY, refs []int64) error {
	b := fmt.Appendf(w.buf[:0], "%d\r\n%s\r\nUnknown\r\n%d\r\n", id, code, vctIndirect)
	b = w.point(b, label)
	b = fmt.Appendf(b, "\r\n%d\r\n%d\r\n", vctOfLines, len(refs))
	const inLine = 8
	for i, ref := range refs {
		b = strconv.AppendInt(b, ref, 10)
		if i%inLine == inLine-1 || i == len(refs)-1 {
			b = append(b, "\r\n"...)
		} else {
			b = append(b, ',')
		}
	}
	w.buf = append(b, "0\r\n"...)
	_, err := w.polygons.Write(w.buf)
	return err
}

// row writes the values of a feature.
func (w *vctWriter) row(id int64, f *Feature) error {
	b := strconv.AppendInt(w.buf[:0], id, 10)
	for i := range w.layer.Fields {
		b = append(b, ',')
		if i >= len(f.Values) {
			continue
		}
		text, err := w.value(i, f.Values[i], f.Record)
		if err != nil {
			return err
		}
		b = append(b, text...)
	}
	w.buf = append(b, "\r\n"...)
	_, err := w.rows.Write(w.buf)
	return err
}

// value returns the bytes of a value and learns what its field must hold.
func (w *vctWriter) value(i int, v any, record int64) ([]byte, error) {
	c, field := &w.columns[i], &w.layer.Fields[i]
	var s string
	switch v := v.(type) {
	case nil:
		return nil, nil
	case float64:
		if !finite(v) {
			return nil, badValue(field.Name, v).In(w.path).At(record, "")
		}
		s = strconv.FormatFloat(v, 'f', -1, 64)
		_, behind, _ := strings.Cut(s, ".")
		c.decimals = max(c.decimals, len(behind))
		c.asText = c.asText || field.Kind != Real && field.Kind != Integer
	case int64:
		s = strconv.FormatInt(v, 10)
		c.asText = c.asText || field.Kind != Integer && field.Kind != Real
	case bool:
		s = strconv.FormatBool(v)
		c.asText = true
	case string:
		s = v
		switch {
		case field.Kind == Date && isDate(v):
			s = strings.ReplaceAll(v, "-", "")
		case field.Kind != Text:
			c.asText = true
		}
		s = w.plain(s, record)
	default:
		return nil, badValue(field.Name, v).In(w.path).At(record, "")
	}
	b := w.encode(s, record)
	c.width = max(c.width, len(b))
	return b, nil
}

// plainText replaces what ends a value: commas become full-width ones and line
// breaks blanks, as the survey's programs do it.
var plainText = strings.NewReplacer(",", "，", "\r\n", " ", "\n", " ", "\r", " ")

// plain returns s as it can stand in a row.
func (w *vctWriter) plain(s string, record int64) string {
	if strings.ContainsAny(s, ",\r\n") {
		w.commas.add(record)
		return plainText.Replace(s)
	}
	return s
}

// encode returns s in the file's encoding, with ? for what it does not have.
func (w *vctWriter) encode(s string, record int64) []byte {
	if b, ok := w.text.encode(s); ok {
		return b
	}
	w.unsaid.add(record)
	var out []byte
	for _, r := range s {
		b, ok := w.text.encode(string(r))
		if !ok {
			b = []byte{'?'}
		}
		out = append(out, b...)
	}
	return out
}

// Close implements [Writer].
func (w *vctWriter) Close() error {
	out, err := stage(w.path)
	if err != nil {
		return err
	}
	if err := w.put(out); err != nil {
		return errors.Join(err, out.abort())
	}
	if err := out.commit(); err != nil {
		return err
	}
	note := func(n tally, p *problem.Problem) {
		if n.count > 0 {
			w.notes = append(w.notes, p.At(n.first, ""))
		}
	}
	note(w.commas, problem.New("EXPORT_COMMA", "%d 个值里的逗号和换行改成了全角逗号和空格", "in %d values commas became full-width ones and line breaks blanks", w.commas.count))
	note(w.unsaid, problem.New("EXPORT_ENCODING", "%d 个值里有 %s 没有的字，写成了问号", "%d values have characters that %s does not have; they became question marks", w.unsaid.count, w.text.name))
	note(w.emptied, problem.New("EXPORT_EMPTY", "%d 个要素没有图形，只写了属性", "%d features have no geometry; their attributes alone are written", w.emptied.count))
	return w.Abort()
}

// put writes the file from its parts.
func (w *vctWriter) put(out *stagedFile) error {
	if _, err := out.Write(w.encode(w.head(), 0)); err != nil {
		return err
	}
	sections := []struct {
		name  string
		begin string
		part  *stagedFile
		end   string
	}{
		{"Point", "", nil, ""}, {"Line", "", w.lines, ""}, {"Polygon", "", w.polygons, ""}, {"Annotation", "", nil, ""},
		{"Attribute", w.table() + "\r\n", w.rows, "TableEnd\r\n"},
	}
	for _, s := range sections {
		if _, err := out.Write(w.encode(s.name+"Begin\r\n"+s.begin, 0)); err != nil {
			return err
		}
		if s.part != nil {
			if err := s.part.copyTo(out); err != nil {
				return err
			}
		}
		if _, err := out.Write([]byte(s.end + s.name + "End\r\n")); err != nil {
			return err
		}
	}
	return nil
}

// copyTo writes what s holds to out.
func (s *stagedFile) copyTo(out io.Writer) error {
	if err := s.out.Flush(); err != nil {
		return s.failed(err)
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return s.failed(err)
	}
	_, err := bufio.NewReaderSize(s.file, 256<<10).WriteTo(out)
	return err
}

// table is the table's name as it stands in the file.
func (w *vctWriter) table() string { return plainText.Replace(w.layer.Table) }

// head returns the sections before the geometry.
func (w *vctWriter) head() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	line("HeadBegin\r\nDataMark:LANDUSE-VCT\r\nVersion:3.0")
	w.system(line)
	e := w.extent
	if e.empty() {
		e = extent{}
	}
	line("ExtentMin:%s,%s", formatReal(e.minX), formatReal(e.minY))
	line("ExtentMax:%s,%s", formatReal(e.maxX), formatReal(e.maxY))
	line("MapScale:5000\r\nOffset:0,0\r\nDate:%s\r\nSeparator:,\r\nHeadEnd\r\n", w.opt.Modified.UTC().Format("20060102"))
	line("FeatureCodeBegin")
	codes := w.codes
	if len(codes) == 0 {
		codes = []string{vctNoCode}
	}
	for _, c := range slices.Sorted(slices.Values(codes)) {
		line("%s,%s,Polygon,%s", c, w.table(), w.table())
	}
	line("FeatureCodeEnd\r\n\r\nTableStructureBegin\r\n%s,%d", w.table(), len(w.layer.Fields))
	for i, f := range w.layer.Fields {
		line("%s,%s", plainText.Replace(f.Name), w.columns[i].form(&f))
	}
	line("0\r\nTableStructureEnd\r\n")
	return b.String()
}

// system writes what the head says of the coordinate system.
func (w *vctWriter) system(line func(string, ...any)) {
	kind, unit := "P", "M"
	if w.crs.Geographic() {
		kind, unit = "G", "D"
	}
	line("CoordinateSystemType:%s\r\nDim:2\r\nXAxisDirection:E\r\nYAxisDirection:N\r\nXYUnit:%s\r\nZUnit:M", kind, unit)
	line("Spheroid:CGCS2000,6378137.0,298.257222101\r\nPrimeMeridian:Greenwich")
	if !w.crs.Geographic() {
		width, zone := w.crs.Zone()
		line("Projection:高斯-克吕格投影")
		line("Parameters:%s,1,%s,0,%d,%d", formatReal(w.crs.CentralMeridian()), formatReal(w.crs.FalseEasting()), width, zone)
	}
	line("VerticalDatum:1985国家高程基准\r\nTemporalReferenceSystem:北京时间")
}

// form is the type of a field in the structure of the table.
func (c *vctColumn) form(f *Field) string {
	switch {
	case c.asText || f.Kind == Text || f.Kind == Bool:
		return fmt.Sprintf("Char,%d", max(c.width, f.Width, 1))
	case f.Kind == Date:
		return "Date"
	case f.Kind == Integer && c.decimals == 0:
		return fmt.Sprintf("Int,%d", max(c.width, f.Width, 1))
	}
	decimals := max(c.decimals, min(f.Decimals, 15))
	return fmt.Sprintf("Float,%d,%d", max(c.width, f.Width, decimals+2), decimals)
}

// Abort implements [Writer].
func (w *vctWriter) Abort() error {
	return errors.Join(w.lines.abort(), w.polygons.abort(), w.rows.abort())
}

// Notes implements [Writer].
func (w *vctWriter) Notes() []*problem.Problem { return w.notes }

// insideRing returns a point inside a polygon: the middle of the longest piece of a
// level line, about half way up the shell, that lies inside.
func insideRing(polygon [][]geo.XY) geo.XY {
	e := extentOf([][][]geo.XY{polygon[:1]})
	best, length := polygon[0][0], 0.0
	for _, part := range []float64{0.5, 0.37, 0.63, 0.11, 0.89} {
		y := e.minY + part*(e.maxY-e.minY)
		var cuts []float64
		for _, ring := range polygon {
			for i, a := range ring {
				b := ring[(i+1)%len(ring)]
				if (a.Y > y) != (b.Y > y) {
					cuts = append(cuts, a.X+(b.X-a.X)*(y-a.Y)/(b.Y-a.Y))
				}
			}
		}
		slices.Sort(cuts)
		for i := 0; i+1 < len(cuts); i += 2 {
			if d := cuts[i+1] - cuts[i]; d > length && !math.IsInf(d, 0) {
				best, length = geo.XY{X: cuts[i] + d/2, Y: y}, d
			}
		}
		if length > 0 {
			break
		}
	}
	return best
}
