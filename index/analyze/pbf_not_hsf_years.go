package analyze

import (
	"strconv"
	"strings"
)

// firstYear is the earliest year that a parcel can be of.
const firstYear = 1949

// openYears finds the year of building of every parcel, 0 for none: by its own record,
// else by that of the project whose number it has. No year is guessed.
func (w *progressWork) openYears() error {
	hsf := w.hsf.Layer
	field := w.yearField()
	own, err := columnOf(hsf, field)
	if err != nil {
		return err
	}
	number, err := columnOf(hsf, "XMBH")
	if err != nil {
		return err
	}
	projects, err := w.projectYears(field)
	if err != nil {
		return err
	}
	w.state = yearOf(hsf.Meta.Vintage)
	w.years = make([]int, hsf.Len())
	var lent, none, late int
	for i := range w.years {
		if !w.hsf.Only(i) {
			continue
		}
		y, err := yearIn(own, i)
		if err != nil {
			return err
		}
		if y == 0 {
			n, err := number.text(i)
			if err != nil {
				return err
			}
			if y = projects[n]; y != 0 {
				lent++
			}
		}
		switch {
		case y == 0:
			none++
		case w.state != 0 && y > w.state:
			late++
			y = 0
		}
		w.years[i] = y
		if y != 0 && (w.first == 0 || y < w.first) {
			w.first = y
		}
	}
	w.yearNotes(field, lent, none, late)
	if w.state == 0 {
		for _, y := range w.years {
			w.state = max(w.state, y)
		}
	}
	if w.first == 0 {
		w.first = w.state
	}
	return nil
}

// yearField returns the field that years are read from.
func (w *progressWork) yearField() string {
	if field := w.Parameter("year"); field != "" {
		return field
	}
	if l := w.hsf.Layer; l.Field("JSND") < 0 && l.Field("JCND") >= 0 {
		w.r.note("高标准农田没有建设年度（JSND），按建成年度（JCND）计", "high-standard farmland has no years of building (JSND): those of completion (JCND) are taken")
		return "JCND"
	}
	return "JSND"
}

func (w *progressWork) yearNotes(field string, lent, none, late int) {
	if lent > 0 {
		w.r.note("%d 个高标准农田图斑没有 %s，取其项目（XMBH）的年度", "%d parcels of high-standard farmland have no %s and take that of their project (XMBH)", lent, field)
	}
	if none > 0 {
		w.r.note("%d 个高标准农田图斑没有年度（%s），不推定年份：其范围单列为“年度不明”，各年都计为已建", "%d parcels of high-standard farmland have no year (%s): none is guessed, their ground is told by itself and counts as built in every year", none, field)
	}
	if late > 0 {
		w.r.note("%d 个高标准农田图斑的年度晚于 %d，按年度不明计", "%d parcels of high-standard farmland are of a year after %d, and count as without one", late, w.state)
	}
}

// yearIn returns the year that a field has of a feature; 0 where it is none from 1949 on.
func yearIn(c *column, i int) (int, error) {
	v, ok, err := c.number(i)
	if err != nil || !ok || v != float64(int(v)) || v < firstYear || v > 2100 {
		return 0, err
	}
	return int(v), nil
}

// yearOf returns the year that a vintage begins with; 0 for none.
func yearOf(vintage string) int {
	y, err := strconv.Atoi(vintage[:min(4, len(vintage))])
	if err != nil || y < firstYear || y > 2100 {
		return 0
	}
	return y
}

// projectYears returns the years of projects by their numbers, of those that have one
// year only.
func (w *progressWork) projectYears(field string) (map[string]int, error) {
	out := map[string]int{}
	w.r.use(w.Job, "hsf-project")
	l := w.Maybe("hsf-project")
	if l == nil {
		return out, nil
	}
	year, err := columnOf(l, field)
	if err != nil {
		return nil, err
	}
	number, err := columnOf(l, "XMBH")
	if err != nil {
		return nil, err
	}
	for i := range l.Len() {
		n, err := number.text(i)
		if err != nil {
			return nil, err
		}
		y, err := yearIn(year, i)
		if err != nil {
			return nil, err
		}
		if n = strings.TrimSpace(n); n == "" || y == 0 {
			continue
		}
		if had, ok := out[n]; ok && had != y {
			y = 0
		}
		out[n] = y
	}
	return out, nil
}

// built returns what of a place is built by the end of a year, without the undated.
func (s *progressSum) built(year int) Area {
	sum := Area(0)
	for y, a := range s.years {
		if y <= year {
			sum += a
		}
	}
	return sum
}

// gap returns what is still to be built.
func (s *progressSum) gap(year int) Area { return s.pbf - s.ineligible - s.undated - s.built(year) }

// trend is the least-squares slope of what is built over n years that end with year, as
// a fraction: Σ(k−k̄)·B / Σ(k−k̄)², both twice over so that they are whole.
func (s *progressSum) trend(year, n int) (over, under int64) {
	for k := range n {
		d := int64(2*k - (n - 1)) // twice the distance from the middle
		over += 2 * d * int64(s.built(year-(n-1)+k))
		under += d * d
	}
	return over, under
}

// rounded is a fraction with a positive denominator, to the nearest, halves away from 0.
func rounded(over, under int64) int64 {
	if over < 0 {
		return -rounded(-over, under)
	}
	return (2*over + under) / (2 * under)
}
