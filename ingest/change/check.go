package change

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
)

func sorted[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }

// checkRecords holds the keys and attributes of each flow against the patches.
func (a *applying) checkRecords() error {
	for i := range a.flows {
		f := &a.flows[i]
		if f.kind != comesIn {
			s := a.old[f.from]
			if s == nil {
				a.fault(f.problem("PACKAGE_FROM_UNKNOWN", "变更前图斑 %.40q 不在 %s", "the patch before, %.40q, is not in %s", f.from, a.from.Key()))
			} else {
				s.flows, s.told = append(s.flows, i), s.told+f.area
				a.compare(f, beforePrefix, f.before, &s.feature)
			}
		}
		if f.kind != goesOut {
			s := a.now[f.to]
			if s == nil {
				a.fault(f.problem("PACKAGE_TO_UNKNOWN", "变更后图斑 %.40q 不在 DLTBGX", "the patch after, %.40q, is not in DLTBGX", f.to))
			} else {
				s.flows, s.told = append(s.flows, i), s.told+f.area
				a.compare(f, afterPrefix, f.after, &s.feature)
			}
		}
	}
	for _, bsm := range sorted(a.now) {
		if s := a.now[bsm]; len(s.flows) == 0 {
			a.fault(problem.New("PACKAGE_PATCH_UNTOLD", "DLTBGXGC 没有说 DLTBGX 的这个图斑由什么而来", "DLTBGXGC does not say what this patch of DLTBGX came from").In(s.path).At(s.record, bsm))
		}
	}
	return a.ctx.Err()
}

// problem makes a problem of a flow.
func (f *flow) problem(code, zh, en string, args ...any) *problem.Problem {
	key := f.from
	if f.kind == comesIn {
		key = f.to
	}
	return problem.New(code, zh, en, args...).In(f.path).At(f.record, key)
}

// compare holds what a flow tells of a patch against the patch.
func (a *applying) compare(f *flow, prefix string, values []told, patch *index.Feature) {
	for _, t := range values {
		field := &a.to.Fields[t.field]
		if has := patch.Values[t.field]; !agree(field, t.value, has) {
			a.fault(f.problem("PACKAGE_DIFFERS", "%s%s 是 %s，图斑的 %s 是 %s", "%s%s is %s, the patch has %s %s",
				prefix, field.Name, shown(t.value), field.Name, shown(has)))
		}
	}
}

func shown(v any) string {
	if v == nil {
		return `""`
	}
	return problem.Shown(v)
}

// agree tells whether two values of a field say the same. No value, a blank one and a
// number of 0 are the same: formats without nulls write one for the other. Areas agree
// to 0.01 m², other numbers to what their decimals show.
func agree(f *edition.Field, a, b any) bool {
	if empty(a) || empty(b) {
		return empty(a) && empty(b)
	}
	x, ok := number(a)
	y, ok2 := number(b)
	if ok && ok2 {
		if strings.HasSuffix(f.Name, "MJ") {
			return math.Round(x*100) == math.Round(y*100)
		}
		return math.Abs(x-y) <= 1e-6*max(1, math.Abs(y))
	}
	return strings.TrimSpace(fmt.Sprint(a)) == strings.TrimSpace(fmt.Sprint(b))
}

func empty(v any) bool {
	s, text := v.(string)
	n, is := number(v)
	return v == nil || text && strings.TrimSpace(s) == "" || is && n == 0
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// recordsOf lists the records of the flows of a patch, the first ten.
func (a *applying) recordsOf(s *state) string {
	const most = 10
	var b strings.Builder
	for n, i := range s.flows {
		if n == most {
			b.WriteString(" …")
			break
		}
		if n > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(strconv.FormatInt(a.flows[i].record, 10))
	}
	return b.String()
}

// checkAreas holds the areas of record of the flows against those of the patches:
// each patch is accounted for to 0.01 m², and so is the whole.
func (a *applying) checkAreas() error {
	var removed, inserted, in, out int64
	account := func(s *state, where *flow, bsm, zh, en string) int64 {
		if !index.OfRecord(s.feature.Patch) {
			a.fault(where.problem("PACKAGE_AREA_MISSING", "图斑 %s 没有 TBMJ", "patch %s has no TBMJ", bsm))
			return 0
		}
		if s.told != s.feature.Patch {
			a.fault(where.problem("PACKAGE_AREA_"+en, "图斑 %[1]s %[4]s的 TBMJ 是 %.2[2]f，DLTBGXGC 第 %[5]s 条合计 %.2[3]f", "patch %[1]s has TBMJ %.2[2]f, its flows in DLTBGXGC, records %[5]s, add up to %.2[3]f",
				bsm, geo.Hundredths(s.feature.Patch).M2(), geo.Hundredths(s.told).M2(), zh, a.recordsOf(s)))
		}
		return s.feature.Patch
	}
	for _, bsm := range sorted(a.old) {
		if s := a.old[bsm]; len(s.flows) > 0 {
			removed += account(s, &a.flows[s.flows[0]], bsm, "变更前", "FROM")
		}
	}
	for _, bsm := range sorted(a.now) {
		if s := a.now[bsm]; len(s.flows) > 0 {
			inserted += account(s, &a.flows[s.flows[0]], bsm, "变更后", "TO")
		}
	}
	for i := range a.flows {
		switch f := &a.flows[i]; f.kind {
		case comesIn:
			in += f.area
		case goesOut:
			out += f.area
		}
	}
	r := a.report
	r.Removed, r.Inserted = len(a.old), len(a.now)
	r.RemovedM2, r.InsertedM2, r.InM2, r.OutM2 = geo.Hundredths(removed).M2(), geo.Hundredths(inserted).M2(), geo.Hundredths(in).M2(), geo.Hundredths(out).M2()
	if r.FaultsFound == 0 && removed-out+in != inserted {
		a.fault(problem.New("PACKAGE_SUM", "删除 %.2f − 调出 %.2f + 调入 %.2f ≠ 新增 %.2f m²", "removed %.2f − out %.2f + in %.2f is not inserted %.2f m²", r.RemovedM2, r.OutM2, r.InM2, r.InsertedM2).In(r.Sources[len(r.Sources)-1]))
	}
	return a.ctx.Err()
}
