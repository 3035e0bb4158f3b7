package ogc_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // the oracle

	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/index/problem"
	"gengtu/index/relate"
	"gengtu/tileserver/ogc"
)

// units are longitude, latitude, as filters without filter-crs.
type units struct{}

func (units) Point(p geo.XY) (geo.Position, error) {
	return geo.PositionOf(geo.LonLat{Lon: p.X, Lat: p.Y}), nil
}

func (u units) Line(l []geo.XY) ([]geo.Position, error) {
	var out []geo.Position
	for _, p := range l {
		at, _ := u.Point(p)
		out = append(out, at)
	}
	return out, nil
}

func (units) Area(p [][][]geo.XY) (geo.MultiPolygon, error) {
	m, err := geo.CRS{}.MultiPolygon(p, geo.Limits{})
	if err != nil {
		return nil, problem.New("CRS_MISMATCH", "坐标", "coordinates").Because(err)
	}
	m, _, err = overlay.MendBy(overlay.NonZero, m)
	return m, err
}

var vocabulary = ogc.Vocabulary{
	Queryables: []ogc.Queryable{{Name: "DLBM", Kind: ogc.Text}, {Name: "地类 名称", Kind: ogc.Text}, {Name: "GDDJ", Kind: ogc.Integer}, {Name: "TBMJ", Kind: ogc.Real}, {Name: "HDSJ", Kind: ogc.Date}, {Name: "live", Kind: ogc.Bool}},
	Shape:      func(g *ogc.Geometry) (*relate.Shape, error) { return g.Shape(units{}) },
}

// row is a feature with a square for its geometry.
type row struct {
	values []ogc.Value
	box    geo.Box
}

func (r *row) Value(i int) ogc.Value { return r.values[i] }

func (r *row) rings() *geo.Rings {
	var f geo.Rings
	f.Append(geo.MultiPolygon{r.box.Polygon()})
	return &f
}
func (r *row) Meets(s *relate.Shape) bool { return s.Meets(r.rings(), r.box) }
func (r *row) Holds(s *relate.Shape) bool { return s.Holds(r.rings(), r.box) }

// The values that rows and filters are made of: few, so that they are often equal.
var (
	texts = []string{"", "0101", "0102", "0201K", "a%b", "a_b", `a\b`, "水田", "O'Neil", "ABC", "abc"}
	ints  = []int64{-1 << 63, -3, 0, 1, 4, 5, 1<<53 + 1, 1<<63 - 1}
	reals = []float64{-1.5, 0, 1, 4, 4.5, 1e15, 9007199254740992, 9007199254740994, 9223372036854775808}
)

func pick[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }

func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// escaped is a text in quotes as CQL2 writes it, where SQL knows no escapes.
func escaped(s string) string { return strings.ReplaceAll(s, `\`, `\\`) }

// randomRow returns a row and it as SQL.
func randomRow(r *rand.Rand) (row, string) {
	var out row
	var as []string
	for _, q := range vocabulary.Queryables {
		v, text := ogc.Value{}, "NULL"
		if r.IntN(5) > 0 {
			switch q.Kind {
			case ogc.Integer:
				v = ogc.Value{Kind: ogc.IsInt, Int: pick(r, ints)}
				text = fmt.Sprint(v.Int)
				if v.Int == -1<<63 {
					text = "(-9223372036854775807-1)"
				}
			case ogc.Real:
				v = ogc.Value{Kind: ogc.IsReal, Real: pick(r, reals)}
				text = fmt.Sprintf("%.1f", v.Real)
			case ogc.Bool:
				v = ogc.Value{Kind: ogc.IsBool, Int: r.Int64N(2)}
				text = fmt.Sprint(v.Int)
			default:
				v = ogc.Value{Kind: ogc.IsText, Text: []byte(pick(r, texts))}
				text = quoted(string(v.Text))
			}
		}
		out.values, as = append(out.values, v), append(as, text)
	}
	return out, "(" + strings.Join(as, ",") + ")"
}

// condition is one comparison: in CQL2 and in SQL.
func condition(r *rand.Rand) (cql, asSQL string) {
	i := r.IntN(len(vocabulary.Queryables))
	q := vocabulary.Queryables[i]
	name, column := q.Name, fmt.Sprintf("c%d", i)
	if strings.Contains(name, " ") {
		name = `"` + name + `"`
	}
	literal := func() string {
		switch q.Kind {
		case ogc.Bool:
			return pick(r, []string{"TRUE", "false"})
		case ogc.Integer, ogc.Real:
			if r.IntN(2) == 0 {
				return fmt.Sprintf("%.1f", pick(r, reals))
			}
			return fmt.Sprint(pick(r, ints[1:]))
		default:
			return quoted(pick(r, texts))
		}
	}
	not := pick(r, []string{"", "NOT "})
	text := q.Kind == ogc.Text || q.Kind == ogc.Date
	switch k := r.IntN(7); {
	case k == 6 && q.Kind == ogc.Integer:
		low, high := literal(), literal()
		return low + " " + not + "IN (TBMJ, " + high + ", GDDJ)", low + " " + not + "IN (c3, " + high + ", c2)"
	case k == 0:
		tail := " IS " + not + "NULL"
		return name + tail, column + tail
	case k == 1:
		tail := " " + not + "IN (" + literal() + "," + literal() + ")"
		return name + escaped(tail), column + tail
	case k == 2:
		tail := " " + not + "BETWEEN " + literal() + " AND " + literal()
		return name + escaped(tail), column + tail
	case k == 3 && text:
		pattern := pick(r, []string{"%", "", "01%", "_1__", "%K", `a\%b`, `a\_b`, `a\\b`, "水_", "%1%0%", "a%"})
		return name + " " + not + "LIKE " + quoted(pattern), column + " " + not + "LIKE " + quoted(pattern) + ` ESCAPE '\'`
	case k == 4 && text:
		return "CASEI(" + name + ") = CASEI('abC')", "lower(" + column + ") = 'abc'"
	}
	tail := " " + pick(r, []string{"=", "<>", "<", "<=", ">", ">="}) + " " + literal()
	return name + escaped(tail), column + tail
}

// randomFilter joins conditions.
func randomFilter(r *rand.Rand, depth int) (cql, asSQL string) {
	if depth == 0 || r.IntN(4) == 0 {
		return condition(r)
	}
	a, b := randomFilter(r, depth-1)
	if r.IntN(4) == 0 {
		return "not (" + a + ")", "NOT (" + b + ")"
	}
	c, d := randomFilter(r, depth-1)
	op := pick(r, []string{" AND ", " OR "})
	if r.IntN(2) == 0 {
		return a + op + c, b + op + d // both bind AND before OR
	}
	return "(" + a + ")" + strings.ToLower(op) + "(" + c + ")", "(" + b + ")" + op + "(" + d + ")"
}

// Filters choose the rows that SQLite chooses, nulls and all.
func TestAsSQLite(t *testing.T) {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }() // in memory
	db.SetMaxOpenConns(1)
	exec := func(text string) {
		if _, err := db.Exec(text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	exec("PRAGMA case_sensitive_like = ON")
	exec("CREATE TABLE t (c0 TEXT, c1 TEXT, c2 INTEGER, c3 REAL, c4 TEXT, c5 INTEGER)")
	r := rand.New(rand.NewPCG(7, 2))
	rows := make([]row, 300)
	for i := range rows {
		var values string
		rows[i], values = randomRow(r)
		exec("INSERT INTO t VALUES " + values)
	}
	chosen := 0
	for range 2000 {
		text, asSQL := randomFilter(r, 3)
		f, err := ogc.ParseFilter(text, vocabulary)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		var got []int
		for i := range rows {
			if f.Matches(&rows[i]) {
				got = append(got, i+1)
			}
		}
		want := chosenBy(t, db, asSQL)
		chosen += len(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s chooses %d rows, SQLite %d by %s", text, len(got), len(want), asSQL)
		}
	}
	if chosen < 10_000 {
		t.Errorf("filters choose %d rows only", chosen)
	}
}

func chosenBy(t *testing.T, db *sql.DB, where string) (out []int) {
	t.Helper()
	found, err := db.Query("SELECT rowid FROM t WHERE " + where + " ORDER BY rowid")
	if err != nil {
		t.Fatalf("%s: %v", where, err)
	}
	defer func() { _ = found.Close() }() // only read
	for found.Next() {
		var id int
		if err := found.Scan(&id); err != nil {
			t.Fatal(err)
		}
		out = append(out, id)
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// Spatial functions relate squares to literals of each type.
func TestSpatial(t *testing.T) {
	at := func(lon, lat float64) geo.Position { return geo.PositionOf(geo.LonLat{Lon: lon, Lat: lat}) }
	square := row{box: geo.Box{Min: at(1, 1), Max: at(2, 2)}}
	for _, c := range []struct {
		text string
		want bool
	}{
		{"S_INTERSECTS(geometry, POINT(1.5 1.5))", true},
		{"s_intersects(geometry, point(2 2))", true},
		{"S_INTERSECTS(POINT Z (2.1 2 5), geometry)", false},
		{"S_INTERSECTS(geometry, MULTIPOINT((0 0),(1 1)))", true},
		{"S_INTERSECTS(geometry, MULTIPOINT(0 0, 1 1))", true},
		{"S_INTERSECTS(geometry, LINESTRING(0 0, 3 3))", true},
		{"S_INTERSECTS(geometry, LINESTRING(0 3, 3 3))", false},
		{"S_INTERSECTS(geometry, MULTILINESTRING((0 3, 3 3),(0 0,1 2)))", true},
		{"S_INTERSECTS(geometry, POLYGON((2 1,3 1,3 2,2 1)))", true},
		{"S_INTERSECTS(geometry, POLYGON((0 0,3 0,3 3,0 3,0 0),(0.5 0.5,2.5 0.5,2.5 2.5,0.5 2.5,0.5 0.5)))", false},
		{"S_DISJOINT(geometry, POLYGON((0 0,3 0,3 3,0 3,0 0),(0.5 0.5,2.5 0.5,2.5 2.5,0.5 2.5,0.5 0.5)))", true},
		{"S_INTERSECTS(geometry, MULTIPOLYGON(((8 8,9 8,9 9,8 8)),((0 0,1 0,1 1,0 0))))", true},
		{"S_INTERSECTS(geometry, GEOMETRYCOLLECTION(POINT(0 0), LINESTRING(0 0, 0 1)))", false},
		{"S_INTERSECTS(geometry, GEOMETRYCOLLECTION(POINT(0 0), GEOMETRYCOLLECTION(POINT(1 2))))", true},
		{"S_INTERSECTS(geometry, BBOX(2, 2, 3, 3))", true},
		{"S_INTERSECTS(geometry, BBOX(2.1, 2, 0, 3, 3, 9))", false},
		{"S_WITHIN(geometry, BBOX(1, 1, 2, 2))", true},
		{"S_WITHIN(geometry, BBOX(1.1, 1, 2, 2))", false},
		{"S_CONTAINS(BBOX(0, 0, 2, 2), geometry)", true},
		{"S_WITHIN(geometry, POLYGON((0 0,4 0,0 4,0 0)))", true},
		{"S_WITHIN(geometry, POLYGON((0 0,3.9 0,0 3.9,0 0)))", false},
		{"NOT S_WITHIN(geometry, POINT(1 1)) AND geometry IS NOT NULL", true},
		{`"geometry" IS NOT NULL`, true},
		{"S_INTERSECTS(geometry, geometry) AND S_WITHIN(geometry, geometry)", true},
		{"S_DISJOINT(geometry, geometry)", false},
		{"S_INTERSECTS(POINT(1 1), LINESTRING(0 0, 2 2))", true},
		{"S_DISJOINT(POINT(1 1), LINESTRING(0 0, 2 2))", false},
		{"S_INTERSECTS(geometry, POLYGON((2 1 5,3 1 5,3 2 6,2 1 5)))", true},
		{"S_INTERSECTS(geometry, POLYGON Z ((2.1 1 5,3 1 5,3 2 6,2.1 1 5)))", false},
		{"S_INTERSECTS(geometry,\u3000POINT(1.5\u00a01.5 -20))", true},
		{"geometry IS NULL", false},
		{"TRUE", true},
		{"FALSE OR NOT TRUE", false},
	} {
		f, err := ogc.ParseFilter(c.text, vocabulary)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got := f.Matches(&square); got != c.want {
			t.Errorf("%s is %t, want %t", c.text, got, c.want)
		}
		if w := f.Window(); w != nil && c.want && !w.Near(square.box) {
			t.Errorf("%s: its window passes over what it chooses", c.text)
		}
	}
}

// Texts are written with the escapes of the standard, and compared without case as
// Unicode folds it.
func TestTexts(t *testing.T) {
	for _, c := range []struct {
		text, value string
		want        bool
	}{
		{`DLBM = 'O''Neil'`, "O'Neil", true},
		{`DLBM = 'O\'Neil'`, "O'Neil", true},
		{`DLBM = 'a\tb\n\a\b\v\f\r'`, "a\tb\n\a\b\v\f\r", true},
		{`DLBM = 'a\\tb'`, `a\tb`, true},
		{`DLBM = 'a\\'`, `a\`, true},
		{`DLBM = 'a\d'`, `a\d`, true},
		{`DLBM LIKE 'a\\%'`, `a\b`, true},
		{`DLBM LIKE 'a\%'`, `a%`, true},
		{`DLBM LIKE 'a\%'`, `a\b`, false},
		{`DLBM LIKE 'O\'%'`, "O'Neil", true},
		{`CASEI(DLBM) IN (CASEI('Οδος'), CASEI('Straße'))`, "ΟΔΟΣ", true},
		{`CASEI(DLBM) IN (CASEI('Οδος'), CASEI('Straße'))`, "STRASSE", true},
		{`CASEI(DLBM) LIKE CASEI('%calcutta%')`, "In CalCutta", true},
		{`DLBM IN ('x', DLBM)`, "y", true},
		{`'y' IN (DLBM)`, "y", true},
		{`'y' NOT IN ('x', DLBM)`, "z", true},
	} {
		f, err := ogc.ParseFilter(c.text, vocabulary)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
		} else if got := f.Matches(&row{values: []ogc.Value{{Kind: ogc.IsText, Text: []byte(c.value)}, {}, {}, {}, {}, {}}}); got != c.want {
			t.Errorf("%s of %s is %t, want %t", c.text, c.value, got, c.want)
		}
	}
}

// Dates are compared as dates with DATE and TIMESTAMP, and as texts with texts.
func TestDates(t *testing.T) {
	at := func(text string) *row {
		return &row{values: []ogc.Value{{}, {}, {}, {}, {Kind: ogc.IsText, Text: []byte(text)}, {}}}
	}
	for _, c := range []struct {
		text, value string
		want        bool
	}{
		{"HDSJ = DATE('2024-07-01')", "20240701", true},
		{"HDSJ > DATE('2024-06-30')", "2024/7/1", true},
		{"HDSJ < TIMESTAMP('2024-07-01T00:00:01Z')", "2024-07-01", true},
		{"HDSJ BETWEEN DATE('2024-01-01') AND DATE('2024-12-31')", "2024年7月1日", true},
		{"HDSJ IN (DATE('2024-01-01'), DATE('2024-07-01'))", "20240701", true},
		{"HDSJ < DATE('2024-06-30') OR HDSJ >= DATE('2024-06-30')", "soon", false},
		{"HDSJ = '20240701'", "20240701", true},
		{"HDSJ = '2024-07-01'", "20240701", false},
	} {
		f, err := ogc.ParseFilter(c.text, vocabulary)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
		} else if got := f.Matches(at(c.value)); got != c.want {
			t.Errorf("%s of %s is %t, want %t", c.text, c.value, got, c.want)
		}
	}
}

// What is no filter is refused as the request's fault.
func TestRefused(t *testing.T) {
	for _, text := range []string{
		"", "(", "DLBM", "DLBM =", "DLBM = 5", "GDDJ = '5'", "live = 1", "nothing = 1", "DLBM = '0101", "DLBM LIKE 5", "GDDJ LIKE '5'", "DLBM LIKE GDDJ", "DLBM = 'a' DLBM", "DLBM IN ()",
		"DLBM IN (TBMJ)", "HDSJ IN (DATE('2024-01-01'), '20240101')", "TBMJ BETWEEN 1", "DATE('2024-13-01') = HDSJ", "CASEI(GDDJ) = 'a'", "S_INTERSECTS(geometry)", `DLBM = 'a\'`, `DLBM = 'a\`,
		"S_WITHIN(POINT(1 1), POINT(1 1))", "S_INTERSECTS(geometry, POINT(1 1 1 1))", "S_WITHIN(POINT(1 1), geometry)", "S_CONTAINS(geometry, POINT(1 1))", "S_TOUCHES(geometry, POINT(1 1))", "S_INTERSECTS(geometry, POINT(1))", "S_INTERSECTS(geometry, POINT(1 1, 2 2))",
		"S_INTERSECTS(geometry, POINT(1e300 1))", "S_INTERSECTS(geometry, CIRCLE(1 1))", "S_INTERSECTS(geometry, BBOX(1,2,3))", "S_INTERSECTS(geometry, POLYGON((1 1, 2 200, 3 3, 1 1)))", "geometry = 5", "TBMJ = 0x10", "TBMJ = 1e999",
		"DLBM = 'a' AND ;", "\xff", strings.Repeat("(", 40) + "TRUE" + strings.Repeat(")", 40), strings.Repeat("NOT ", 40) + "TRUE", "TRUE" + strings.Repeat(" AND TRUE", 600), "DLBM = '" + strings.Repeat("x", ogc.MaxFilterBytes) + "'",
		"S_INTERSECTS(geometry, " + strings.Repeat("GEOMETRYCOLLECTION(", 40) + "POINT(1 1)" + strings.Repeat(")", 41),
	} {
		_, err := ogc.ParseFilter(text, vocabulary)
		if p := problem.Of(err); p == nil || p.Code != "PARAMETER_FILTER" && p.Code != "CRS_MISMATCH" {
			t.Errorf("%.60q: %v", text, err)
		}
	}
}

// No text makes the parser or a filter fail otherwise than by a problem.
func FuzzParseFilter(f *testing.F) {
	for _, text := range []string{"DLBM = '0101' AND NOT TBMJ BETWEEN -1 AND 2e3", `"地类 名称" LIKE '水%' OR live = TRUE`, "S_WITHIN(geometry, POLYGON((0 0,3 0,3 3,0 0)))", "HDSJ > DATE('2024-01-01')", "GDDJ IN (1, +2)"} {
		f.Add(text)
	}
	at := func(lon, lat float64) geo.Position { return geo.PositionOf(geo.LonLat{Lon: lon, Lat: lat}) }
	one, _ := randomRow(rand.New(rand.NewPCG(7, 3)))
	one.box = geo.Box{Min: at(1, 1), Max: at(2, 2)}
	f.Fuzz(func(t *testing.T, text string) {
		filter, err := ogc.ParseFilter(text, vocabulary)
		if err != nil {
			if problem.Of(err) == nil {
				t.Errorf("%q: %v is no problem", text, err)
			}
			return
		}
		matches := filter.Matches(&one)
		if w := filter.Window(); matches && w != nil && !w.Near(one.box) {
			t.Errorf("%q: the window passes over a feature that is chosen", text)
		}
		negated, err := ogc.ParseFilter("NOT ("+text+")", vocabulary)
		if err == nil && matches && negated.Matches(&one) {
			t.Errorf("%q is true and false", text)
		}
	})
}
