package ingest

import (
	"encoding/csv"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"sync/atomic"

	"gengtu/index/problem"
	"gengtu/ingest/profiles"
	"gengtu/ingest/source"
)

// Attributes is a table of attributes that are joined to a layer's features.
type Attributes struct{ Layer, Path string }

// ParseAttributes reads LAYER=FILE.csv.
func ParseAttributes(text string) (Attributes, error) {
	layer, path, ok := strings.Cut(text, "=")
	if !ok || layer == "" || path == "" {
		return Attributes{}, problem.New("ATTRIBUTES_SYNTAX", "--attributes 写的是 %.200q", "--attributes says %.200q", text).
			Advise("写法是 图层=文件.csv", "write LAYER=FILE.csv")
	}
	return Attributes{layer, path}, nil
}

// attributeTable is a table of attributes in memory.
type attributeTable struct {
	path   string
	key    string // the field by which rows are joined
	keyAt  int
	fields []source.Field
	rows   [][]string
	lines  []int // of the file, where each row begins
	byKey  map[string]int
	used   []atomic.Bool
	double []string // keys of more than one row, in order; none of their rows is joined
}

// maxAttributes is the largest table that is joined.
const maxAttributes = 512 << 20

// severalRows marks a key that more than one row has.
const severalRows = -1

// loadAttributes reads the table at path: CSV in the encoding with that name, or
// UTF-8 or GB18030, with commas, semicolons or tabs between values. Its first line
// names the fields, among them a business key of the profile.
func loadAttributes(path, encoding string, p *profiles.Profile) (*attributeTable, error) {
	text, err := readAttributes(path, encoding)
	if err != nil {
		return nil, err
	}
	first, _, _ := strings.Cut(text, "\n")
	in := csv.NewReader(strings.NewReader(text))
	for _, separator := range "\t;" {
		if strings.ContainsRune(first, separator) && !strings.Contains(first, ",") {
			in.Comma = separator
		}
	}
	head, err := in.Read()
	if err != nil {
		return nil, badAttributes(path, err)
	}
	t := &attributeTable{path: path, byKey: map[string]int{}, keyAt: -1}
	for _, name := range head {
		t.fields = append(t.fields, source.Field{Name: strings.TrimSpace(name)})
	}
	for _, key := range p.Key {
		if i := findField(p, t.fields, key); i >= 0 {
			t.key, t.keyAt = key, i
			break
		}
	}
	if t.keyAt < 0 {
		return nil, problem.New("ATTRIBUTES_KEY", "属性表没有编号字段（%s）", "the table of attributes has no key (%s)", strings.Join(p.Key, ", ")).In(path).
			Advise("第一行须写字段名", "the first line has to name the fields")
	}
	return t, t.read(in)
}

// readAttributes returns the text of a table.
func readAttributes(path, encoding string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", problem.New("ATTRIBUTES_FILE", "属性表打不开：%v", "the table of attributes cannot be opened: %v", errors.Unwrap(err)).In(path).Because(err).
			Advise("请检查路径", "check the path")
	}
	b, err := io.ReadAll(io.LimitReader(f, maxAttributes+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return "", problem.New("ATTRIBUTES_FILE", "读取时出错：%v", "cannot be read: %v", err).In(path).Because(err).
			Advise("请检查磁盘和文件", "check the disk and the file")
	}
	if len(b) > maxAttributes {
		return "", problem.New("ATTRIBUTES_SIZE", "属性表超过 %d 字节", "the table of attributes has more than %d bytes", maxAttributes).In(path).
			Advise("请拆开，或先并入数据文件", "divide it, or join it to the data beforehand")
	}
	text, err := source.DecodeText(b, encoding)
	if err != nil {
		return "", problem.Of(err).In(path)
	}
	return strings.TrimPrefix(text, "\uFEFF"), nil
}

func badAttributes(path string, err error) error {
	return problem.New("ATTRIBUTES_CSV", "属性表读不出来（%v）", "the table of attributes cannot be read (%v)", err).In(path).
		Advise("各行列数要一样，引号要成对", "rows need as many values as the first, and quotation marks come in pairs").Because(err)
}

// read reads the rows.
func (t *attributeTable) read(in *csv.Reader) error {
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return badAttributes(t.path, err)
		}
		line, _ := in.FieldPos(0)
		key := plainKey(row[t.keyAt])
		switch before, twice := t.byKey[key]; {
		case !twice:
			t.byKey[key] = len(t.rows)
		case before != severalRows:
			t.byKey[key] = severalRows
			t.double = append(t.double, key)
		}
		t.rows, t.lines = append(t.rows, row), append(t.lines, line)
	}
	t.used = make([]atomic.Bool, len(t.rows))
	return nil
}

// plainKey returns a key without what spreadsheets put around it.
func plainKey(s string) string { return strings.Trim(s, " \t'") }

// findField returns where a field of the profile is, by its name or an alias; -1 when
// it is missing.
func findField(p *profiles.Profile, fields []source.Field, name string) int {
	i := slices.IndexFunc(p.Fields, func(f profiles.Field) bool { return f.Name == name })
	if i < 0 {
		return find(fields, name)
	}
	return p.Match(fieldNames(fields))[i]
}

// join says how the rows of a table are put to the records of one file.
type join struct {
	*attributeTable
	key   int   // of the file's fields
	onto  []int // for each field of the table its place among the values, -1 for the key
	width int   // of the values with those of the table
}

// joinOnto adds the fields of the table to those of a file.
func (t *attributeTable) joinOnto(in Input, p *profiles.Profile, fields []source.Field) (*join, []source.Field, error) {
	j := &join{attributeTable: t, key: findField(p, fields, t.key)}
	if j.key < 0 {
		return nil, nil, problem.New("ATTRIBUTES_KEY", "数据没有字段 %s，属性表 %s 连不上", "the data have no field %s to join the attributes of %s by", t.key, t.path).In(in.Path).
			Advise("补上该字段，或换能对上的属性表", "add the field, or give a table that fits")
	}
	out := slices.Clone(fields)
	for i, f := range t.fields {
		at := -1
		if i != t.keyAt {
			if at = find(out, f.Name); at < 0 {
				at = len(out)
				out = append(out, f)
			}
		}
		j.onto = append(j.onto, at)
	}
	j.width = len(out)
	return j, out, nil
}

// extend returns the values of a record with those of its row. What the record has
// itself stays; where the row differs, or is missing, told says so. Several
// goroutines may extend records at once.
func (j *join) extend(values []any) (out []any, told *problem.Problem) {
	out = make([]any, j.width)
	copy(out, values)
	if j.key >= len(values) {
		return out, nil
	}
	text, _ := toText(values[j.key])
	if s, ok := values[j.key].(string); ok {
		text = s
	}
	key, _ := text.(string)
	key = plainKey(key)
	at, ok := j.byKey[key]
	switch {
	case !ok || key == "": // a row without a key, as one of totals, is nobody's
		return out, problem.New("ATTRIBUTES_NONE", "属性表 %s 里没有 %s=%.40q", "the attributes of %s have no %s=%.40q", j.path, j.attributeTable.key, key).
			Advise("补上这一行，或核对编号", "add the row, or check the key")
	case at == severalRows:
		return out, nil // the key is listed
	}
	j.used[at].Store(true)
	for i, to := range j.onto {
		v := strings.TrimSpace(j.rows[at][i])
		if to < 0 || v == "" {
			continue
		}
		if out[to] == nil {
			out[to] = v
		} else if own, _ := toText(out[to]); told == nil && !sameValue(out[to], own, v) {
			told = problem.New("ATTRIBUTES_DIFFER", "字段 %s 数据里是 %s，属性表第 %d 行是 %.60q；保留数据里的", "field %s is %s in the data and, in line %d of the attributes, %.60q; that of the data stays",
				j.fields[i].Name, problem.Shown(out[to]), j.lines[at], v).
				Advise("请核对以哪个为准", "find out which is right")
		}
	}
	return out, told
}

// sameValue tells whether a text says the same as a value.
func sameValue(own, ownText any, text string) bool {
	if s, ok := own.(string); ok {
		return strings.TrimSpace(s) == text
	}
	if ownText == text {
		return true
	}
	a, okA := toReal(own)
	b, okB := toReal(text)
	return okA && okB && a == b
}

// attributesOf loads the tables that are joined to the layer.
func (l *layerRun) attributesOf() error {
	l.tables = nil
	for _, a := range l.run.opt.Attributes {
		if a.Layer != l.rep.Layer {
			continue
		}
		t, err := loadAttributes(a.Path, l.run.opt.Encoding, l.profile)
		if err != nil {
			return err
		}
		l.tables = append(l.tables, t)
	}
	return nil
}

// joinTables adds the fields of the layer's tables to those of a file.
func (l *layerRun) joinTables(s *sourceRun, fields []source.Field) ([]source.Field, error) {
	for _, t := range l.tables {
		j, more, err := t.joinOnto(s.in, l.profile, fields)
		if err != nil {
			return nil, err
		}
		s.joins, fields = append(s.joins, j), more
	}
	return fields, nil
}

// tellAttributes lists the keys of tables that met no record, and those of several
// rows.
func (l *layerRun) tellAttributes() {
	for _, t := range l.tables {
		unused := 0
		note := func(p *problem.Problem) {
			l.rep.Notes = append(l.rep.Notes, p.In(t.path))
		}
		for i, key := range t.double {
			if i == MaxFindings {
				note(problem.New("ATTRIBUTES_DOUBLE", "重复的编号另有 %d 个，不再列出", "%d more keys stand in several rows, which are not listed", len(t.double)-i))
				break
			}
			note(problem.New("ATTRIBUTES_DOUBLE", "编号不止一行，都没有连", "its key stands in several rows; none of them is joined").At(0, key).
				Advise("每个编号留一行", "leave one row for each key"))
		}
		for i := range t.rows {
			key := plainKey(t.rows[i][t.keyAt])
			if t.used[i].Load() || t.byKey[key] == severalRows {
				continue
			}
			if unused++; unused <= MaxFindings {
				note(t.unmatched(i, key))
			}
		}
		if unused > MaxFindings {
			note(problem.New("ATTRIBUTES_UNMATCHED", "连不上的行另有 %d 行，不再列出", "%d more rows meet no record, which are not listed", unused-MaxFindings))
		}
	}
}

// unmatched is the problem of a row that met no record.
func (t *attributeTable) unmatched(row int, key string) *problem.Problem {
	p := problem.New("ATTRIBUTES_UNMATCHED", "第 %d 行在数据里没有对应的记录", "line %d meets no record of the data", t.lines[row]).At(0, key).
		Advise("请核对编号", "check the key")
	if strings.ContainsAny(key, "eE") && strings.ContainsAny(key, "+.") {
		return p.Advise("编号被电子表格改成了科学计数法：把该列设为文本再导出", "a spreadsheet has rounded the key: make the column text and save it again")
	}
	return p
}

// checkAttributes refuses attributes of a layer that is not read.
func (r *run) checkAttributes(groups [][]Input) error {
	for _, a := range r.opt.Attributes {
		if !slices.ContainsFunc(groups, func(g []Input) bool {
			return slices.ContainsFunc(g, func(in Input) bool { return in.Layer == a.Layer })
		}) {
			return problem.New("ATTRIBUTES_LAYER", "--attributes 说的图层 %s 没有读入", "--attributes names layer %s, which is not read", a.Layer).
				Advise("核对图层名", "check the name of the layer").In(a.Path)
		}
	}
	return nil
}
