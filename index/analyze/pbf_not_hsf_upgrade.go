package analyze

import (
	"slices"
	"strings"

	"gengtu/index/edition"
)

// upgradeTable lists parcels to be upgraded: by their state, and by an age that flags only
// as long as it is not confirmed.
func (w *progressWork) upgradeTable() (*Table, error) {
	t := &Table{
		Name: "hsf_upgrade", Single: true, Title: edition.Title{Zh: "高标准农田提质改造清单", En: "high-standard farmland to be upgraded"},
		Columns: []Column{
			titled("bsm", Code, "高标准农田图斑标识码", "code of the parcel"), titled("xmmc", Text, "项目名称", "project"), titled("xzqdm", Code, "行政区代码", "place"), titled("xzqmc", Text, "行政区名称", "name"),
			titled("year", Count, "年度", "year"), titled("age", Count, "年数", "age in years"), titled("zldj", Text, "质量等级", "state"),
			titled("by_state", Truth, "质量等级需要提质改造", "to be upgraded by its state"), titled("by_age", Truth, "年数超过规则", "older than the rule"), titled("upgrade", Truth, "列入提质改造（规则未确认的不定）", "to be upgraded; open where the rule is not confirmed"),
			titled("area", Areas, "椭球面积", "ellipsoidal area"), titled("patch", Areas, "图斑面积", "patch area of record"),
		},
	}
	hsf := w.hsf.Layer
	var cs [3]*column
	for i, fields := range [][]string{{"BSM", "GBDKBH"}, {"XMMC"}, {"ZLDJ"}} {
		var err error
		if cs[i], err = columnOf(hsf, fields...); err != nil {
			return nil, err
		}
	}
	for i := range hsf.Len() {
		if !w.hsf.Only(i) || !strings.HasPrefix(hsf.Head(i).Place, w.Place) {
			continue
		}
		var texts [3]string
		for k, c := range cs {
			var err error
			if texts[k], err = c.text(i); err != nil {
				return nil, err
			}
		}
		if row := w.upgradeRow(i, texts); row != nil {
			t.Add(row...)
		}
	}
	slices.SortStableFunc(t.Rows, func(a, b []any) int {
		for _, k := range []string{"xzqdm", "bsm"} {
			x, _ := a[t.Column(k)].(string)
			y, _ := b[t.Column(k)].(string)
			if x != y {
				return strings.Compare(x, y)
			}
		}
		return 0
	})
	return t, nil
}

// upgradeRow is the row of a parcel with its code, project and state; nil for one that
// nothing speaks of.
func (w *progressWork) upgradeRow(i int, texts [3]string) []any {
	p := &w.Rules.Progress
	byState, byAge := p.UpgradeStates.has(texts[2]), any(nil)
	year, age := any(nil), any(nil)
	if y := w.years[i]; y != 0 {
		year, age = int64(y), int64(w.state-y)
		byAge = float64(w.state-y) > p.UpgradeAge.Value
	}
	if !byState && byAge != true {
		return nil
	}
	upgrade := any(nil)
	if byState && p.UpgradeStates.Confirmed || byAge == true && p.UpgradeAge.Confirmed {
		upgrade = true
	}
	r, place := w.hsf.Layer.Record(i), w.hsf.Layer.Head(i).Place
	return []any{textCell(texts[0]), textCell(texts[1]), textCell(place), w.placeName(place), year, age, textCell(texts[2]), byState, byAge, upgrade,
		areaOf(r.AreaM2), recordCell(r.Patch)}
}
