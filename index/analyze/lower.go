package analyze

import (
	"math"
	"slices"

	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/geo"
)

// lower makes an answer one that the policy lets be told, after it has been found to
// close: as an overlay and a summary are, areas are rounded and single features are left
// out. It is the one place where that is done, for all questions and all forms.
func (r *Result) lower(p *edition.Policy) {
	if !p.MayTellFeatures() {
		r.withhold()
	}
	if !p.MayGroup(areas.ClassField) {
		r.ungroup()
	}
	if p.RoundM2 > 0 {
		r.round(p.RoundM2)
	}
}

// singular are columns that name one feature, whatever a table says of itself.
var singular = []string{"id", "bsm", "key"}

// single tells whether a table's rows are single features.
func (r *Result) single(t *Table) bool {
	return t.Single || slices.ContainsFunc(r.Shapes, func(s *Shapes) bool { return s.Table == t }) ||
		slices.ContainsFunc(singular, func(name string) bool { return t.Column(name) >= 0 })
}

// withhold takes single features out: the rows of tables, and all shapes. What else a
// question tells is of the rows, too.
func (r *Result) withhold() {
	r.forgetLists()
	for _, t := range r.Tables {
		if n := len(t.Rows); n > 0 && r.single(t) {
			t.Rows = nil
			r.note("本版只给合计，不给逐个要素：表“%[1]s”的 %[2]d 行没有给出", "this edition tells totals and no single features: the %[2]d rows of the table %[3]q are left out", t.Title.Zh, n, t.Title.En)
		}
	}
	if len(r.Shapes) > 0 {
		r.note("本版不给逐个要素的图形", "this edition tells no shapes of single features")
	}
	r.Shapes, r.Extra = nil, nil
}

// classes are columns that tell the ground apart by classes of land.
var classes = []string{"class", "from", "to", "dlbm", "before", "after"}

// ungroup takes out the rows of sums by classes of land.
func (r *Result) ungroup() {
	for _, t := range r.Tables {
		by := slices.ContainsFunc(t.Columns, func(c Column) bool { return c.Kind == Code && slices.Contains(classes, c.Name) })
		if n := len(t.Rows); by && n > 0 && !r.single(t) {
			t.Rows, r.Extra = nil, nil
			r.note("本版不按地类分组：表“%[1]s”的 %[2]d 行没有给出", "this edition does not group by classes: the %[2]d rows of the table %[3]q are left out", t.Title.Zh, n, t.Title.En)
		}
	}
}

// forgetLists takes out the notes of what lists leave out: from where on a list begins is
// the asker's to choose, and so such a note would tell of features one by one.
func (r *Result) forgetLists() {
	var notes []edition.Title
	measured := map[int]sentence{}
	for i, n := range r.Notes {
		s, some := r.measured[i]
		if some && s.list {
			continue
		}
		if some {
			measured[len(notes)] = s
		}
		notes = append(notes, n)
	}
	r.Notes, r.measured = notes, measured
}

// ratioDigits are what is left of ratios where areas are rounded: of more digits and a
// large whole the part would follow to less than the step.
const ratioDigits = 1e3

// round rounds all areas to steps of m². What was computed of areas as they are, and is
// no area, would tell them: ratios have three decimals, lengths and numbers are left out.
// The two sides of an identity, which did agree, are one rounded figure.
func (r *Result) round(step float64) {
	near := func(a Area) Area { return Area(math.Round(areas.RoundedTo(step, geo.Hundredths(a).M2()) * 100)) }
	for _, t := range r.Tables {
		for _, row := range t.Rows {
			for i, v := range row {
				switch v := v.(type) {
				case Area:
					row[i] = near(v)
				case float64:
					row[i] = nil
					if t.Columns[i].Kind == Ratio {
						row[i] = math.Round(v*ratioDigits) / ratioDigits
					}
				}
			}
		}
	}
	for i := range r.Identities {
		x := &r.Identities[i]
		x.Left = near(x.Left)
		x.Right = x.Left
	}
	for i, s := range r.measured {
		r.Notes[i] = s.say(near)
	}
	r.Extra = nil
	r.note("本版面积取整到 %g m²，逐项取整，加起来可能与合计差几步；比率取三位小数，长度和其它数值不给出",
		"areas of this edition are rounded to %g m², each for itself, so that they may differ from their sums by some steps; ratios have three decimals, lengths and other numbers are left out", step)
}
