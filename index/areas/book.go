package areas

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"gengtu/index/edition"
	"gengtu/index/problem"
)

// Areas in this file are in 0.01 m² where they are exact and in 0.01 ha where they
// are of the books.

// unitsPerStep is how many units of 0.01 m² are a step of 0.01 ha.
const unitsPerStep = 10_000

// inHectares rounds an exact area half up to 0.01 ha.
func inHectares(exact int64) int64 { return (exact + unitsPerStep/2) / unitsPerStep }

// hectare is 1 ha in 0.01 m².
const hectare = 100 * unitsPerStep

// HectareTable is a table of the survey's books: the areas of land classes by
// village, township and county in 0.01 ha, leveled so that each row adds up to its
// total and each column to the county's.
type HectareTable struct {
	Layer   string
	Vintage string
	// Island is the MSSM of the patches, "" for all of them.
	Island  string
	Columns []HectareColumn
	// Rows are counties, their townships and the villages of these, in the order of
	// codes; a row is followed by those that it adds up.
	Rows []HectareRow
	// Controls are the control areas that counties were leveled to; the others were to the
	// sums of their patches.
	Controls []Control
	// Features counts the patches, Computed those among them whose patch area is no
	// area of record but computed.
	Features, Computed int

	ridges  string // heading of the class that ridges are booked under, "" for none
	bounded bool   // rows may be partial
}

// HectareColumn is a class; Code is "" for the sum over its first-level class.
type HectareColumn struct {
	First, FirstName string
	Code, Name       string
	english          string // the first-level class in English
}

// HectareRow is one place. Total and Values, which are parallel to the columns,
// are in 0.01 ha.
type HectareRow struct {
	Place  string
	Name   string
	Level  Level
	Total  int64
	Values []int64
	// Partial is set where a part of the place alone was asked about.
	Partial bool
}

// hectareClass is a class's area in a record.
type hectareClass struct {
	code  string
	exact int64
}

// hectareRecord is a record of the survey's base table: what a village has of
// equal owner, slope, planting and so on.
type hectareRecord struct {
	exact   int64
	classes []hectareClass // by code
}

// hectareVillage are the records of one village.
type hectareVillage struct {
	place   string
	exact   int64
	records []hectareRecord
}

// Hectares levels a tally's areas by the survey's rule. A county's control area, or
// where the question has none its sum of patch areas, rounded to 0.01 ha, is what its
// villages are leveled to; a village's area
// so found is what its records of the base table are leveled to, and a record's
// what its classes are. At each level the difference d between what they are
// leveled to and their rounded sum is spread in steps of 0.01 ha: all get e, the
// largest f one step more, d = n·e + f. Among classes those come first whose code
// is higher, and those under 1 ha get nothing where another has 1 ha or more. Of a
// village or record nothing becomes less than 0. What is deducted from patches is
// in the class of ridges.
//
// Mainland and islands (MSSM) are leveled apart. The tables are that of all, and
// where there is more than one of these, one for each. With a place asked about
// they have its rows alone, leveled all the same with all of their county. Errors
// are problems PARAMETER_PLACE, NO_PLACE, BOOK_AREA where a patch has no area to be
// booked, BOOK_CLASSES where the classes are none, and CONTROL_AREA where a control area is far from the sum, or of no county.
//
// Source: the rule of the survey's summary tables (reference domain 2.6, 3).
func Hectares(q SummaryQuestion, t *Tally) ([]*HectareTable, error) {
	if q.Place != "" && !edition.IsPlace(q.Place) {
		return nil, edition.BadPlace(q.Place)
	}
	h := hectares{q: &q, tally: t, leveled: map[string]map[string]map[string]int64{}}
	if err := h.level(); err != nil {
		return nil, err
	}
	if err := q.unusedControl(h.controlled); err != nil {
		return nil, err
	}
	islands := slices.Sorted(maps.Keys(h.leveled))
	tables := []*HectareTable{h.table("", islands)}
	if len(tables[0].Rows) == 0 && q.Place != "" && !named(q.Names, q.Place) {
		return nil, noPlace(q.Place)
	}
	if len(islands) > 1 {
		for _, i := range islands {
			tables = append(tables, h.table(i, []string{i}))
		}
	}
	return tables, nil
}

type hectares struct {
	q     *SummaryQuestion
	tally *Tally
	// leveled are the areas by MSSM, village and class, in 0.01 ha.
	leveled map[string]map[string]map[string]int64
	// parts counts the values of MSSM in each county.
	parts map[string]int
	// controlled are the places in SummaryQuestion.Controls that were leveled to.
	controlled []int
}

// maxUnknown bounds the columns of classes that no table of classes has; a table has one
// value for each village and class.
const maxUnknown = 256

// level levels every county, mainland and islands apart.
func (h *hectares) level() error {
	type county struct{ code, island string }
	counties := map[county]map[string]map[string]*hectareRecord{} // by village and record
	unknown := map[string]bool{}
	for i := range h.tally.cells {
		c := &h.tally.cells[i]
		if code := c.values[tallyClass]; !unknown[code] {
			if _, ok := h.q.Classes.find(code); !ok {
				unknown[code] = true
			}
		}
		if len(unknown) > maxUnknown {
			return problem.New("BOOK_CLASSES", "图层 %s 有 %d 个以上地类编码不在地类表里，不能成表", "layer %s has more than %d codes of classes that are not in the table of classes: no table has so many columns", h.tally.layer.Meta.Key(), maxUnknown).
				Advise("核对地类字段，或用 --classes 给出地类表", "look at the field of classes, or give their table with --classes")
		}
		if c.sums.unbooked > 0 {
			return problem.New("BOOK_AREA", "图层 %[1]s 在 %[3]s 有 %[2]d 个图斑没有图斑面积", "layer %[1]s has %[2]d patches without a patch area in %[3]s", h.tally.layer.Meta.Key(), c.sums.unbooked, orDash(c.place)).
				Advise("由成果重新入库，缺的面积按调查规则算出", "ingest the delivery anew: areas that it lacks are then computed by the survey's rule")
		}
		k := county{c.place[:min(len(c.place), 6)], c.values[tallyIsland]}
		village := c.place[:min(len(c.place), 12)]
		if counties[k] == nil {
			counties[k] = map[string]map[string]*hectareRecord{}
		}
		if counties[k][village] == nil {
			counties[k][village] = map[string]*hectareRecord{}
		}
		key := strings.Join(append([]string{c.place}, c.values[tallyClass+1:]...), "\x00")
		r := counties[k][village][key]
		if r == nil {
			r = &hectareRecord{}
			counties[k][village][key] = r
		}
		r.add(h.q.Classes, c)
	}
	h.parts = map[string]int{}
	for k := range counties {
		h.parts[k.code]++
	}
	for k, villages := range counties {
		if h.leveled[k.island] == nil {
			h.leveled[k.island] = map[string]map[string]int64{}
		}
		var all []hectareVillage
		for _, place := range slices.Sorted(maps.Keys(villages)) {
			v := hectareVillage{place: place}
			for _, key := range slices.Sorted(maps.Keys(villages[place])) {
				r := villages[place][key]
				v.exact += r.exact
				v.records = append(v.records, *r)
			}
			all = append(all, v)
		}
		control, err := h.control(k.code, k.island, all)
		if err != nil {
			return err
		}
		levelCounty(control, all, h.leveled[k.island])
	}
	return nil
}

// add takes in a cell: its patches less ridges under their class, and the ridges.
func (r *hectareRecord) add(classes *Classes, c *tallyCell) {
	code := c.values[tallyClass]
	if at, ok := classes.find(code); ok {
		code = at.second.Code
	}
	r.exact += c.sums.booked
	ridges := c.sums.ridges
	if classes.Ridges == "" {
		ridges = 0
	}
	r.put(code, c.sums.booked-ridges)
	r.put(classes.Ridges, ridges)
}

// put adds to a class.
func (r *hectareRecord) put(code string, exact int64) {
	if exact == 0 {
		return
	}
	i, ok := slices.BinarySearchFunc(r.classes, code, func(c hectareClass, code string) int { return cmp.Compare(c.code, code) })
	if !ok {
		r.classes = slices.Insert(r.classes, i, hectareClass{code: code})
	}
	r.classes[i].exact += exact
}

// levelCounty levels the villages of a county, in the order of their codes, to control,
// its area in 0.01 ha, their records to them, and classes to records; it adds what classes
// get to leveled, by village.
func levelCounty(control int64, villages []hectareVillage, leveled map[string]map[string]int64) {
	exact := make([]int64, len(villages))
	for i := range villages {
		exact[i] = villages[i].exact
	}
	for i, village := range level(control, exact, largestFirst(exact)) {
		v := &villages[i]
		out := map[string]int64{}
		leveled[v.place] = out
		records := make([]int64, len(v.records))
		for k := range v.records {
			records[k] = v.records[k].exact
		}
		for k, record := range level(village, records, largestFirst(records)) {
			classes := v.records[k].classes
			areas := make([]int64, len(classes))
			for n := range classes {
				areas[n] = classes[n].exact
			}
			for n, area := range level(record, areas, highestFirst(areas)) {
				out[classes[n].code] += area
			}
		}
	}
}

// largestFirst returns the places of the areas above 0, the largest first, of equal
// ones the first.
func largestFirst(exact []int64) []int {
	var out []int
	for i, a := range exact {
		if a > 0 {
			out = append(out, i)
		}
	}
	slices.SortStableFunc(out, func(a, b int) int { return cmp.Compare(exact[b], exact[a]) })
	return out
}

// highestFirst returns the places of the areas, which are in the order of their
// classes' codes, that take part in the leveling of a record, the last first: those
// of 1 ha or more, or where there is none all above 0.
func highestFirst(exact []int64) []int {
	least := int64(1)
	if slices.ContainsFunc(exact, func(a int64) bool { return a >= hectare }) {
		least = hectare
	}
	var out []int
	for i := len(exact) - 1; i >= 0; i-- {
		if exact[i] >= least {
			out = append(out, i)
		}
	}
	return out
}

// level rounds exact areas to 0.01 ha and makes them add up to control: those that
// order lists take the difference, in that order.
func level(control int64, exact []int64, order []int) []int64 {
	out := make([]int64, len(exact))
	units := control
	for i, a := range exact {
		out[i] = inHectares(a)
		units -= out[i]
	}
	if len(order) == 0 || units == 0 {
		return out
	}
	step := int64(1)
	if units < 0 {
		step, units = -1, -units
	}
	n := int64(len(order))
	short := int64(0) // steps that an area is too small to give up
	for k, i := range order {
		steps := units / n
		if int64(k) < units%n {
			steps++
		}
		out[i] += step * steps
		if out[i] < 0 {
			short -= out[i]
			out[i] = 0
		}
	}
	takeFrom(out, order, short)
	return out
}

// takeFrom takes a number of steps from areas, one from each in turn that has any,
// those of order first and then the others.
func takeFrom(areas []int64, order []int, steps int64) {
	for _, list := range [][]int{order, largestFirst(areas)} {
		for took := true; took && steps > 0; {
			took = false
			for _, i := range list {
				if steps > 0 && areas[i] > 0 {
					areas[i]--
					steps--
					took = true
				}
			}
		}
	}
}
