package areas

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/problem"
)

// tallied is a tally of cells alone.
func tallied(cells ...tallyCell) *Tally {
	return &Tally{layer: &index.Layer{Meta: &edition.Layer{Name: BookLayer, Vintage: "2024"}}, cells: cells}
}

// hectareCell is one patch of a class on the mainland or an island, in 0.01 m².
func hectareCell(place, class, island string, booked, ridges int64) tallyCell {
	c := tallyCell{place: place, sums: tallySums{features: 1, booked: booked, ridges: ridges}}
	c.values[tallyClass], c.values[tallyIsland] = class, island
	return c
}

// Mainland and islands are leveled each to its own area, and the table of all is
// their sum; ridges (100.25 steps here, which the highest code's one more makes 101)
// are under their class, classes that no table knows come last,
// and an unlisted code stands for the class that it begins with.
func TestHectaresApart(t *testing.T) {
	classes, err := DefaultClasses()
	if err != nil {
		t.Fatal(err)
	}
	const step = unitsPerStep
	cells := []tallyCell{
		hectareCell("610402001200", "0103", "00", 1000*step+4000, 100*step+2500),
		hectareCell("610402001200", "0201K", "00", 300*step+4000, 0),
		hectareCell("610402001201", "0702", "00", 200*step+4000, 0),
		hectareCell("610402001201", "9999", "00", 50*step, 0),
		hectareCell("610402002200", "0103", "01", 10*step+4000, 0),
		hectareCell("610402002201", "0103", "01", 20*step+4000, 0),
	}
	tables, err := Hectares(SummaryQuestion{Classes: classes, Names: map[string]string{"610402": "样县"}}, tallied(cells...))
	if err != nil || len(tables) != 3 {
		t.Fatalf("%d tables, %v", len(tables), err)
	}
	// 1550.12 steps on the mainland, 30.8 on islands: 1551 and 31 by themselves, and
	// 1582 together, where the sum of all rounds to 1582.
	for i, want := range []int64{1551 + 31, 1551, 31} {
		if r := tables[i].Rows[0]; r.Place != "610402" || r.Name != "样县" || r.Level != "county" || r.Total != want {
			t.Errorf("table %d (%s): %+v, want %d", i, tables[i].Island, r, want)
		}
	}
	values := map[string]int64{}
	for i, c := range tables[0].Columns {
		values[c.columnName()] = tables[0].Rows[0].Values[i]
	}
	if values["1203 田坎"] != 101 || values["0201 果园"] < 300 || values["9999 9999"] != 50 || tables[0].Columns[len(tables[0].Columns)-1].First != "" {
		t.Errorf("columns %v", values)
	}
	many := cells
	for i := range maxUnknown {
		many = append(many, hectareCell("610402001200", fmt.Sprintf("X%03d", i), "00", step, 0))
	}
	if _, err := Hectares(SummaryQuestion{Classes: classes}, tallied(many[:len(many)-1]...)); err != nil {
		t.Errorf("%d unknown classes: %v", maxUnknown, err)
	}
	if _, err := Hectares(SummaryQuestion{Classes: classes}, tallied(many...)); problem.Of(err) == nil || problem.Of(err).Code != "BOOK_CLASSES" {
		t.Errorf("%d unknown classes: %v, want BOOK_CLASSES", maxUnknown+1, err)
	}
	cells[2].sums.unbooked = 1
	if _, err := Hectares(SummaryQuestion{Classes: classes}, tallied(cells...)); err == nil {
		t.Error("a patch without an area is booked")
	}
	inside, err := Hectares(SummaryQuestion{Classes: classes, Place: "610402002"}, tallied(cells[4:]...))
	if err != nil || len(inside[0].Rows) != 4 || inside[0].Rows[0].Total != 31 {
		t.Errorf("%v, %v", inside, err)
	}
}

// What tables say of the class of ridges is what the table of classes says, edited or
// not.
func TestRidgesNamed(t *testing.T) {
	for ridges, want := range map[string]string{`"1203"`: "1203 田坎", `"1204"`: "1204 盐碱地", `""`: ""} {
		classes, err := ParseClasses("x.yaml", bytes.Replace(ClassesText(), []byte(`ridges: "1203"`), []byte(`ridges: `+ridges), 1))
		if err != nil {
			t.Fatal(err)
		}
		q := SummaryQuestion{By: "village", Classes: classes}
		tally := tallied(hectareCell("610402001200", "0103", "00", 9*unitsPerStep, unitsPerStep))
		tables, err := Hectares(q, tally)
		if err != nil {
			t.Fatal(err)
		}
		sum, err := Summarise(q, []*Tally{tally})
		if err != nil {
			t.Fatal(err)
		}
		texts := []string{tables[0].note(About{})}
		for _, n := range sum.meanings() {
			if strings.Contains(n.Text, "图斑面积减去") {
				texts = append(texts, n.Text)
			}
		}
		for i, text := range texts {
			if named := strings.Contains(text, "1203") || strings.Contains(text, "1204"); want != "" && !strings.Contains(text, want) || named != (want != "") {
				t.Errorf("ridges %s: text %d says %q", ridges, i, text)
			}
		}
		if len(texts) != 2 {
			t.Errorf("%d texts speak of ridges", len(texts))
		}
	}
}
