package areas

import (
	"maps"
	"slices"
	"strings"
)

// table puts the leveled areas of some of the MSSM together.
func (h *hectares) table(island string, islands []string) *HectareTable {
	meta := h.tally.layer.Meta
	t := &HectareTable{Layer: meta.Name, Vintage: meta.Vintage, Island: island, ridges: h.q.Classes.ridges(), bounded: h.q.Whole != nil}
	for _, c := range h.q.Controls {
		if island == "" || c.Island == "" || c.Island == island {
			t.Controls = append(t.Controls, c)
		}
	}
	sums := map[string]map[string]int64{} // by place of every level, and class
	for _, i := range islands {
		for village, classes := range h.leveled[i] {
			if !strings.HasPrefix(village, h.q.Place) {
				continue
			}
			for _, place := range above(village) {
				if sums[place] == nil {
					sums[place] = map[string]int64{}
				}
				for code, a := range classes {
					sums[place][code] += a
				}
			}
		}
	}
	for i := range h.tally.cells {
		c := &h.tally.cells[i]
		if slices.Contains(islands, c.values[tallyIsland]) && strings.HasPrefix(c.place, h.q.Place) {
			t.Features += c.sums.features
			t.Computed += c.sums.patch.computedCount
		}
	}
	t.Columns = h.columns(sums)
	for _, place := range slices.Sorted(maps.Keys(sums)) {
		t.Rows = append(t.Rows, h.row(place, sums[place], t.Columns))
	}
	return t
}

// above lists the places of the table that a village adds to: its county, its
// township and itself, as far as its code goes.
func above(village string) []string {
	var out []string
	for _, l := range []Level{"county", "township", "village"} {
		code := village[:min(len(village), l.Digits())]
		if len(out) == 0 || out[len(out)-1] != code {
			out = append(out, code)
		}
	}
	return out
}

// columns lists the classes that have any area, each first-level class with its
// sum first where it has more than the class of its own code; what the table of
// classes does not know comes last.
func (h *hectares) columns(sums map[string]map[string]int64) []HectareColumn {
	has := map[string]bool{}
	for _, classes := range sums {
		for code, a := range classes {
			has[code] = has[code] || a != 0
		}
	}
	var out []HectareColumn
	for _, f := range h.q.Classes.First {
		var second []HectareColumn
		for _, s := range f.Second {
			if has[s.Code] {
				second = append(second, HectareColumn{f.Code, f.Zh, s.Code, s.Zh, f.En})
			}
		}
		if len(second) > 0 && (len(second) > 1 || second[0].Code != f.Code) {
			out = append(out, HectareColumn{f.Code, f.Zh, "", "小计", f.En})
		}
		out = append(out, second...)
	}
	known := func(code string) bool { _, ok := h.q.Classes.of[code]; return ok }
	for _, code := range slices.Sorted(maps.Keys(has)) {
		if has[code] && !known(code) {
			out = append(out, HectareColumn{"", "未列地类", orDash(code), code, ""})
		}
	}
	return out
}

// row is one row of the table.
func (h *hectares) row(place string, classes map[string]int64, columns []HectareColumn) HectareRow {
	r := HectareRow{Place: place, Name: h.q.Names[place], Level: levelOf(place), Partial: h.q.partial(place), Values: make([]int64, len(columns))}
	sum := map[string]int64{} // by first-level class
	for code, a := range classes {
		r.Total += a
		if at, ok := h.q.Classes.of[code]; ok {
			sum[h.q.Classes.First[at.first].Code] += a
		}
	}
	for i, c := range columns {
		switch {
		case c.Code == "":
			r.Values[i] = sum[c.First]
		case c.First == "":
			r.Values[i] = classes[c.Name] // as it stands, which may be ""
		default:
			r.Values[i] = classes[c.Code]
		}
	}
	return r
}

// levelOf returns the finest level whose codes are no longer than the place's.
func levelOf(place string) Level {
	out := Level("")
	for _, l := range Levels {
		if l.Digits() <= len(place) {
			out = l
		}
	}
	return out
}
