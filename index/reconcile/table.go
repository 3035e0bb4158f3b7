package reconcile

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"io"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"

	"gengtu/index/analyze"
	"gengtu/index/edition"
	"gengtu/index/problem"
)

// Table is figures that somebody reported, without features.
type Table struct {
	// Name is the file's, without its folder; Digest is SHA-256 of its content, in hex.
	Name, Digest string
	// About says what the file says of itself: that it is a saved answer, of which
	// generation; "" for a plain table.
	About string
	Rows  []Row
}

// Row is one reported figure.
type Row struct {
	Place string // a code
	Layer string // "" where the table does not say
	Class string // of land, "" where the table does not say
	Area  analyze.Area
	// Half is half of the last decimal that the figure was reported with, in 0.01 m².
	Half float64
	// Column names the figure where a saved answer has several.
	Column string
}

// maxTable and maxRows bound a table of figures: a county's groups and classes are some
// 10,000.
const (
	maxTable = 64 << 20
	maxRows  = 1 << 20
)

// headings are the names that columns are known by, in lower case, without blanks and
// without what stands in brackets.
var headings = map[string][]string{
	"place": {"place", "placecode", "place_code", "code", "xzqdm", "zldwdm", "行政区代码", "行政区划代码", "政区代码", "坐落单位代码", "区划代码", "地区代码", "单位代码", "代码"},
	"layer": {"layer", "图层", "层名"},
	"class": {"class", "dlbm", "地类编码", "地类代码", "地类"},
	"unit":  {"unit", "单位", "计量单位"},
	"area":  {"area", "面积", "耕地面积", "净面积", "图斑面积", "图斑地类面积", "永久基本农田面积", "高标准农田面积", "上报面积", "tbmj", "tbdlmj", "yjjbntmj", "yjjbnttbmj", "mj", "net", "patch", "ground"},
}

// recorded are the columns of the standards, whose unit is m².
var recorded = []string{"tbmj", "tbdlmj", "yjjbntmj", "yjjbnttbmj", "mj"}

// units are m² by the names of units.
var units = map[string]*big.Rat{
	"m2": big.NewRat(1, 1), "m²": big.NewRat(1, 1), "㎡": big.NewRat(1, 1), "平方米": big.NewRat(1, 1), "sqm": big.NewRat(1, 1),
	"mu": big.NewRat(2000, 3), "亩": big.NewRat(2000, 3), "万亩": big.NewRat(20000000, 3), "ha": big.NewRat(10000, 1), "公顷": big.NewRat(10000, 1),
	"km2": big.NewRat(1000000, 1), "km²": big.NewRat(1000000, 1), "平方公里": big.NewRat(1000000, 1), "平方千米": big.NewRat(1000000, 1),
}

// ParseTable reads reported figures: CSV in UTF-8 or GB18030 with a line of headings; name
// is for messages. Columns are found by their headings in Chinese or English: the code of
// the place, layer, class of land, the area with its unit in brackets, at its end
// (area_mu) or in a column of its own. A line whose place is a total (合计) is passed
// over. JSON is read as a saved answer: of an analysis, a reconciliation, a summary or an
// overlay. Problems: FIGURES_COLUMN, FIGURES_UNIT, FIGURES_NUMBER, FIGURES_PLACE,
// FIGURES_TWICE, FIGURES_SIZE and FIGURES_READ.
func ParseTable(name string, data []byte) (*Table, error) {
	if len(data) > maxTable {
		return nil, problem.New("FIGURES_SIZE", "有 %d 字节，上限 %d", "it has %d bytes, the limit is %d", len(data), maxTable).In(name)
	}
	sum := sha256.Sum256(data)
	t := &Table{Name: name, Digest: hex.EncodeToString(sum[:])}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if trimmed := bytes.TrimLeft(data, " \t\r\n"); len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[') {
		if err := t.parseSaved(trimmed); err != nil {
			return nil, inFile(err, name)
		}
		t.merge()
		return t, t.check()
	}
	if !utf8.Valid(data) {
		decoded, err := simplifiedchinese.GB18030.NewDecoder().Bytes(data)
		if err != nil {
			return nil, problem.New("FIGURES_READ", "既不是 UTF-8 也不是 GB18030", "it is neither UTF-8 nor GB18030").In(name).Because(err)
		}
		data = decoded
	}
	read := csv.NewReader(bytes.NewReader(data))
	read.FieldsPerRecord, read.TrimLeadingSpace = -1, true
	if first, _, _ := bytes.Cut(data, []byte("\n")); bytes.Count(first, []byte("\t")) > bytes.Count(first, []byte(",")) {
		read.Comma = '\t'
	}
	head, err := read.Read()
	if err != nil {
		return nil, problem.New("FIGURES_READ", "没有表头（%v）", "there is no line of headings (%v)", err).In(name).Because(err)
	}
	c, err := columnsOf(head)
	if err != nil {
		return nil, inFile(err, name)
	}
	if err := t.read(read, c); err != nil {
		return nil, inFile(err, name)
	}
	return t, t.check()
}

// inFile says of a problem that it is in a file; other errors stay as they are.
func inFile(err error, name string) error {
	if p := problem.Of(err); p != nil {
		return p.In(name)
	}
	return err
}

// merge adds up the rows of one place, layer, class and column: those of features.
func (t *Table) merge() {
	at := map[[4]string]int{}
	var rows []Row
	for _, r := range t.Rows {
		k := [4]string{r.Place, r.Layer, r.Class, r.Column}
		i, ok := at[k]
		if !ok {
			at[k] = len(rows)
			rows = append(rows, r)
			continue
		}
		rows[i].Area += r.Area
		rows[i].Half += r.Half
	}
	t.Rows = rows
}

// tableColumns are where the columns stand, -1 for none.
type tableColumns struct {
	place, layer, class, unit, area int
	per                             *big.Rat // m² of the unit in the heading, nil for a column of units
}

func columnsOf(head []string) (*tableColumns, error) {
	c := &tableColumns{place: -1, layer: -1, class: -1, unit: -1, area: -1}
	at := map[string]*int{"place": &c.place, "layer": &c.layer, "class": &c.class, "unit": &c.unit, "area": &c.area}
	for i, text := range head {
		bare, unit := unitOf(text)
		for what, names := range headings {
			if *at[what] >= 0 || !slices.Contains(names, bare) {
				continue
			}
			*at[what] = i
			if what == "area" && unit != "" {
				c.per = units[unit]
			} else if what == "area" && slices.Contains(recorded, bare) {
				c.per = units["m2"]
			}
		}
	}
	for _, what := range []string{"place", "area"} {
		if *at[what] < 0 {
			return nil, problem.New("FIGURES_COLUMN", "没有%[1]s列；表头是 %.200[2]s", "there is no column of the %[3]s; the headings are %.200[2]s",
				map[string]string{"place": "行政区代码", "area": "面积"}[what], strings.Join(head, " "), what).
				Advise("列名可用 %s", "it may be called %s", strings.Join(headings[what], " "))
		}
	}
	if c.per == nil && c.unit < 0 {
		return nil, problem.New("FIGURES_UNIT", "面积列 %.40q 没有单位", "the column of areas, %.40q, has no unit", head[c.area]).
			Advise("写作 面积（亩）、面积（公顷）、面积（平方米）或 area_m2，或另设“单位”列", "write area_m2, area_mu, area_ha or 面积（亩）, or a column of units")
	}
	return c, nil
}

// unitOf takes a heading apart: its name in lower case, and the unit in brackets or at
// its end.
func unitOf(text string) (bare, unit string) {
	s := strings.ToLower(strings.Join(strings.Fields(text), ""))
	s = strings.NewReplacer("（", "(", "）", ")", "[", "(", "]", ")", "：", "", ":", "").Replace(s)
	if head, rest, ok := strings.Cut(s, "("); ok {
		if u := strings.TrimSuffix(rest, ")"); units[u] != nil {
			return head, u
		}
		return head, ""
	}
	if i := strings.LastIndexByte(s, '_'); i > 0 && units[s[i+1:]] != nil {
		return s[:i], s[i+1:]
	}
	return s, ""
}

// totals are what stands in the place of a code in a line of sums.
var totals = []string{"合计", "总计", "小计", "total", "sum"}

func (t *Table) read(from *csv.Reader, c *tableColumns) error {
	// Decimals are those of the longest: a spreadsheet drops zeros.
	type value struct {
		rat      *big.Rat
		decimals int
		per      *big.Rat
	}
	var values []value
	most := 0
	for n := int64(2); ; n++ {
		rec, err := from.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return problem.New("FIGURES_READ", "读不下去（%v）", "it cannot be read on (%v)", err).Because(err)
		}
		get := func(i int) string {
			if i < 0 || i >= len(rec) {
				return ""
			}
			return strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(rec[i]), "'"))
		}
		place := get(c.place)
		if place == "" && get(c.area) == "" || slices.Contains(totals, strings.ToLower(place)) {
			continue
		}
		if !edition.IsPlace(place) {
			return problem.New("FIGURES_PLACE", "行政区代码 %.30q 不合规", "the place code %.30q is not valid", place).Advise(edition.PlaceDigitsZh, edition.PlaceDigitsEn).At(n, "")
		}
		per := c.per
		if per == nil {
			if per = units[strings.ToLower(get(c.unit))]; per == nil {
				return problem.New("FIGURES_UNIT", "不认识单位 %.20q", "the unit %.20q is not known", get(c.unit)).Advise("可用 平方米、亩、公顷、m2、mu、ha", "there are m2, mu, ha, 平方米, 亩, 公顷").At(n, place)
			}
		}
		v, decimals, err := number10(get(c.area))
		if err != nil {
			return problem.Of(err).At(n, place)
		}
		if len(t.Rows) >= maxRows {
			return problem.New("FIGURES_SIZE", "超过 %d 行", "it has more than %d rows", maxRows)
		}
		most = max(most, decimals)
		values = append(values, value{v, decimals, per})
		t.Rows = append(t.Rows, Row{Place: place, Layer: get(c.layer), Class: get(c.class)})
	}
	for i, v := range values {
		t.Rows[i].Area = hundredthsOfRat(new(big.Rat).Mul(v.rat, v.per))
		step, _ := v.per.Float64()
		for range most {
			step /= 10
		}
		t.Rows[i].Half = max(step*100/2, 0.5)
	}
	return nil
}

// number10 reads a decimal number, with commas between thousands.
func number10(s string) (*big.Rat, int, error) {
	plain := strings.ReplaceAll(s, ",", "")
	bad := problem.New("FIGURES_NUMBER", "%.40q 不是面积", "%.40q is no area", s).Advise("写成十进制数，如 1234.5678", "write a decimal number such as 1234.5678")
	if plain == "" || len(plain) > 40 || strings.Trim(plain, "0123456789.") != "" || strings.Count(plain, ".") > 1 || plain == "." {
		return nil, 0, bad
	}
	v, ok := new(big.Rat).SetString(strings.TrimSuffix(plain, "."))
	if !ok || v.Cmp(big.NewRat(1e15, 1)) > 0 {
		return nil, 0, bad
	}
	_, fraction, _ := strings.Cut(plain, ".")
	return v, len(fraction), nil
}

// hundredthsOfRat rounds m² to 0.01 m², half up.
func hundredthsOfRat(m2 *big.Rat) analyze.Area {
	v := new(big.Rat).Mul(m2, big.NewRat(100, 1))
	v.Add(v, big.NewRat(1, 2))
	return analyze.Area(new(big.Int).Div(v.Num(), v.Denom()).Int64())
}

// check refuses a table without figures, and one that tells a figure twice.
func (t *Table) check() error {
	if len(t.Rows) == 0 {
		return problem.New("FIGURES_READ", "一个数也没有", "there is not one figure").In(t.Name)
	}
	seen := map[[4]string]bool{}
	for i := range t.Rows {
		x := &t.Rows[i]
		k := [4]string{x.Place, x.Layer, x.Class, x.Column}
		if seen[k] {
			return problem.New("FIGURES_TWICE", "%s %s %s 有两个数", "there are two figures of %s %s %s", x.Place, x.Layer, x.Class).In(t.Name).
				Advise("每个政区、图层、地类只留一行", "leave one line for each place, layer and class")
		}
		seen[k] = true
	}
	return nil
}
