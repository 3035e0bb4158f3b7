package source

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"gengtu/index/problem"
)

// vctHead is what stands in a VCT file before its geometry: the head, the codes of
// features and the structure of tables (GB/T 17798-2007, 5.2, 5.4 and 5.5).
type vctHead struct {
	keys      map[string]string // of the head, in lower case
	separator byte
	codes     map[string]vctCode
	tables    []*vctTable
	text      charset
	swapped   bool // points are written northing first
	notes     []*problem.Problem

	sniffed []byte // text of the sections, by which the encoding is found
}

// vctCode is a kind of feature: what geometry it has and the table of its attributes.
type vctCode struct {
	polygon, line bool
	table         string
}

// vctTable is a table of attributes.
type vctTable struct {
	name   string
	key    string // the name without regard to case
	fields []Field
	// plain tells that the table belongs to no geometry, by its own word
	// (NONEGEOMETRY), and polygons that one of its codes is of polygons.
	plain, polygons bool
	// other tells that a code of it is of points, lines or annotations, and lines that one
	// is of lines.
	other, lines bool
}

// Bounds of what the head of a VCT may state; a county's has some fifty tables.
const (
	vctMostKeys   = 1000
	vctMostCodes  = 100_000
	vctMostTables = 10_000
	vctMostFields = 4096
)

// vctMarks are the values of the head's first key that are known; others are noted.
var vctMarks = []string{"LANDUSE-VCT", "CNSDTF-VCT", "LANDUSE.VCT", "CADASTRE.VCT", "LANDUSE-DAT"}

// readVCTHead reads the sections up to the structure of the tables and leaves t
// behind them. The names in them are decoded from the encoding with that name, or
// from the one that the text of the sections is in.
func readVCTHead(t *vctText, encoding string) (*vctHead, error) {
	h := &vctHead{keys: map[string]string{}, separator: ',', codes: map[string]vctCode{}}
	read := map[string]func(*vctText) error{"head": h.readKeys, "featurecode": h.readCodes, "tablestructure": h.readTables}
	for done := false; !done; {
		b, err := t.next()
		if errors.Is(err, io.EOF) {
			return nil, t.truncated("TableStructure")
		}
		if err != nil {
			return nil, err
		}
		section := vctSection(b)
		switch {
		case len(b) == 0:
		case read[section] != nil:
			err = read[section](t)
			done = section == "tablestructure"
		case section != "":
			err = t.skip(section)
		default:
			err = t.syntax("第 %d 行是 %q，不是任何一节的开始", "line %d, %q, begins no section", t.line, short(b))
		}
		if err != nil {
			return nil, err
		}
	}
	return h, h.settle(encoding)
}

// sniff keeps a line for finding the encoding.
func (h *vctHead) sniff(b []byte) {
	const enough = 1 << 20
	if len(h.sniffed) < enough && !isASCII(b) {
		h.sniffed = append(append(h.sniffed, b...), '\n')
	}
}

// readKeys reads the lines NAME:VALUE of the head.
func (h *vctHead) readKeys(t *vctText) error {
	for {
		b, err := t.need("Head")
		if err != nil {
			return err
		}
		if vctEnds(b, "Head") {
			return h.checkKeys()
		}
		h.sniff(b)
		key, value, ok := bytes.Cut(b, []byte{':'})
		if !ok {
			continue // a note of the writing program
		}
		if len(h.keys) == vctMostKeys {
			return t.syntax("第 %d 行：文件头超过 %d 项", "line %d: the head has more than %d entries", t.line, vctMostKeys)
		}
		h.keys[strings.ToLower(string(bytes.TrimSpace(key)))] = string(bytes.TrimSpace(value))
	}
}

// checkKeys judges the mark, the version and the separator.
func (h *vctHead) checkKeys() error {
	known := false
	for _, m := range vctMarks {
		known = known || strings.EqualFold(h.keys["datamark"], m)
	}
	if !known {
		h.notes = append(h.notes, problem.New("VCT_MARK", "文件头的 DataMark 是 %.40q，不在已知之列，照 VCT 3.0 读", "its head says DataMark %.40q, none of those known; read as VCT 3.0", h.keys["datamark"]).
			Advise("请核对读出的图层", "check what is read"))
	}
	if v := h.keys["version"]; !strings.HasPrefix(v, "3") {
		return problem.New("VCT_VERSION", "VCT 版本是 %.20q，只能读 3.0", "its version is %.20q; 3.0 is read", v).
			Advise("请用原软件输出 VCT 3.0，或 shapefile、GeoPackage", "have it written as VCT 3.0, a shapefile or a GeoPackage")
	}
	switch s := h.keys["separator"]; len(s) {
	case 0:
	case 1:
		h.separator = s[0]
	default:
		return problem.New("VCT_SEPARATOR", "文件头的分隔符是 %.20q，只收一个字符", "its head says the separator %.20q; one character is read", s).
			Advise("请用逗号重新输出 VCT", "have it written again with commas")
	}
	return nil
}

// split cuts a line at the separator; the parts are without blanks around them.
func (h *vctHead) split(line []byte) [][]byte {
	parts := bytes.Split(line, []byte{h.separator})
	for i := range parts {
		parts[i] = bytes.TrimSpace(parts[i])
	}
	return parts
}

// readCodes reads the lines code,name,geometry,table.
func (h *vctHead) readCodes(t *vctText) error {
	for {
		b, err := t.need("FeatureCode")
		if err != nil || vctEnds(b, "FeatureCode") {
			return err
		}
		if len(b) == 0 {
			continue
		}
		h.sniff(b)
		parts := h.split(b)
		if len(parts) < 4 {
			return t.syntax("第 %d 行 %q 不是“编码,名称,几何类型,表名”", "line %d, %q, is not code,name,geometry,table", t.line, short(b))
		}
		if len(h.codes) == vctMostCodes {
			return t.syntax("第 %d 行：要素编码超过 %d 个", "line %d: there are more than %d codes of features", t.line, vctMostCodes)
		}
		h.codes[string(parts[0])] = vctCode{
			polygon: bytes.EqualFold(parts[2], []byte("polygon")), line: bytes.EqualFold(parts[2], []byte("line")), table: string(parts[3]),
		}
	}
}

// readTables reads the structure of each table: name and number of fields, the
// fields, a line 0.
func (h *vctHead) readTables(t *vctText) error {
	const section = "TableStructure"
	for {
		b, err := t.need(section)
		if err != nil || vctEnds(b, section) {
			return err
		}
		if len(b) == 0 || string(b) == "0" {
			continue
		}
		h.sniff(b)
		parts := h.split(b)
		if len(parts) < 2 {
			return t.syntax("第 %d 行 %q 不是“表名,字段数”", "line %d, %q, is not table,number of fields", t.line, short(b))
		}
		n, ok := parseInteger(parts[1])
		if !ok || n < 0 || n > vctMostFields || len(h.tables) == vctMostTables {
			return t.syntax("第 %d 行 %q 的字段数不成立", "line %d, %q, states no number of fields that can be", t.line, short(b))
		}
		table := &vctTable{name: string(parts[0]), plain: len(parts) > 2 && bytes.EqualFold(parts[2], []byte("nonegeometry"))}
		for range n {
			if err := h.readField(t, table); err != nil {
				return err
			}
		}
		h.tables = append(h.tables, table)
	}
}

// readField reads a line name,type[,width[,decimals]].
func (h *vctHead) readField(t *vctText, table *vctTable) error {
	b, err := t.need("TableStructure")
	if err != nil {
		return err
	}
	h.sniff(b)
	parts := h.split(b)
	if len(parts) < 2 || len(parts[0]) == 0 {
		return t.syntax("第 %d 行 %q 不是“字段名,类型”", "line %d, %q, is not field,type", t.line, short(b))
	}
	f := Field{Name: string(parts[0])}
	width, decimals := int64(0), int64(0)
	if len(parts) > 2 {
		width, _ = parseInteger(parts[2]) // a width that is none is not needed
	}
	if len(parts) > 3 {
		decimals, _ = parseInteger(parts[3])
	}
	const widest = 1 << 20
	f.Width, f.Decimals = int(min(max(width, 0), widest)), int(min(max(decimals, 0), 30))
	var known bool
	if f.Kind, known = vctKind(strings.ToLower(string(parts[1]))); !known {
		h.notes = append(h.notes, problem.New("VCT_TYPE", "第 %d 行：不认识字段类型 %q，按文字读", "line %d: the field type %q is not known; read as text", t.line, short(parts[1])).
			Advise("请核对该字段", "check this field"))
	}
	table.fields = append(table.fields, f)
	return nil
}

// vctKind returns the kind of values of a field type in lower case.
func vctKind(typ string) (Kind, bool) {
	switch {
	case strings.HasPrefix(typ, "int"):
		return Integer, true
	case typ == "float", typ == "double", typ == "real", typ == "numeric":
		return Real, true
	case typ == "date":
		return Date, true
	case strings.HasPrefix(typ, "char"), strings.HasPrefix(typ, "var"), typ == "text", typ == "time":
		return Text, true
	}
	return Text, false
}

// settle finds the encoding and decodes all names with it, and joins codes and tables.
func (h *vctHead) settle(encoding string) error {
	switch {
	case encoding != "":
		var ok bool
		if h.text, ok = charsetOf(encoding); !ok {
			return unknownEncoding(encoding)
		}
	case len(h.sniffed) > 0 && utf8.Valid(h.sniffed):
		h.text = charsetUTF8
	default:
		h.text = charsetGB18030
	}
	h.sniffed = nil
	d := newDecoder(h.text)
	decoded := func(s string) string {
		out, _ := d.decode([]byte(s)) // what has no meaning stands as U+FFFD
		return out
	}
	byName := map[string]*vctTable{}
	for _, t := range h.tables {
		t.name = decoded(t.name)
		for i := range t.fields {
			t.fields[i].Name = decoded(t.fields[i].Name)
		}
		t.key = tableKey(t.name)
		byName[t.key] = t
	}
	for code, c := range h.codes {
		c.table = tableKey(decoded(c.table))
		h.codes[code] = c
		if t := byName[c.table]; t != nil {
			t.polygons = t.polygons || c.polygon
			t.other = t.other || !c.polygon
			t.lines = t.lines || c.line
		}
	}
	for key, value := range h.keys {
		h.keys[key] = decoded(value)
	}
	h.swapped = strings.HasPrefix(strings.ToUpper(h.keys["xaxisdirection"]), "N")
	return nil
}

// chooseLines returns the table of lines with that name.
func (h *vctHead) chooseLines(name string) (*vctTable, error) {
	var names []string
	for _, t := range h.tables {
		if !t.lines || t.polygons {
			continue
		}
		if t.key == tableKey(name) {
			return t, nil
		}
		names = append(names, t.name)
	}
	return nil, noTable(name, names)
}

// choose returns the table with that name, or the only one with polygons.
func (h *vctHead) choose(name, path string) (*vctTable, error) {
	var polygons []string
	var only *vctTable
	for _, t := range h.tables {
		if name != "" && t.key == tableKey(name) {
			if t.other && !t.polygons {
				return nil, notPolygon("point or line")
			}
			return t, nil
		}
		if t.polygons {
			polygons, only = append(polygons, t.name), t
		}
	}
	switch {
	case name != "":
		return nil, noTable(name, polygons)
	case len(polygons) == 0:
		return nil, problem.New("VCT_NO_LAYER", "没有面图层", "it has no layer of polygons").
			Advise("请交含面图层的 VCT", "give a VCT that has one")
	case len(polygons) > 1:
		return nil, problem.New("VCT_MANY_LAYERS", "有 %d 个面图层：%s", "it has %d layers of polygons: %s", len(polygons), strings.Join(polygons, ", ")).
			Advise("用 %[1]s#%[2]s 选一个", "choose one, as %[1]s#%[2]s", filepath.Base(path), polygons[0])
	}
	return only, nil
}
