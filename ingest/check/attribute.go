package check

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/ingest"
	"gengtu/ingest/profiles"
)

// column is a field that the layer's profile knows, and where its value stands among a
// feature's; −1 when the delivery has no such field.
type column struct {
	field *profiles.Field
	at    int
}

// judging is one feature before the rules about it alone. It belongs to one goroutine.
type judging struct {
	layer *layerCheck
	f     *ingest.Seen
	note  *note
}

// find notes a fault of each of the check's rules.
func (j *judging) find(check, zh, en string, args ...any) {
	for _, r := range j.layer.rules[check] {
		j.note.found = append(j.note.found, found{rule: r, zh: zh, en: en, args: args, areaM2: math.NaN()})
	}
}

// text returns the text of a field by its standard name, as conditions ask for it.
func (j *judging) text(field string) string {
	i, ok := j.layer.index[field]
	if !ok {
		return ""
	}
	return textOf(j.f.Values[i])
}

func numberText(v any) string {
	switch v := v.(type) {
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

func recordName(record int64) string { return "#" + strconv.FormatInt(record, 10) }

// number returns a value as a number; ok is false when it is none.
func number(v any) (n float64, ok bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// attributes asks the profile's fields: whether there is a value where one must be, and
// whether it is one that may be.
func (j *judging) attributes() {
	for i := range j.layer.columns {
		c := &j.layer.columns[i]
		if c.at < 0 {
			if len(c.field.RequiredWhen) > 0 && c.field.RequiredWhen.Hold(j.text) {
				j.layer.lacking[i].Add(1)
			}
			continue
		}
		v := j.f.Values[c.at]
		s := textOf(v)
		if s == "" {
			if c.field.Required || len(c.field.RequiredWhen) > 0 && c.field.RequiredWhen.Hold(j.text) {
				j.find("required", "%s", "%s", c.field.Name)
			}
			continue
		}
		j.value(c.field, v, s)
	}
	if i := j.layer.bsm; i >= 0 {
		j.digits(textOf(j.f.Values[i]))
	}
}

// digits asks for the digits of the identifier BSM: the number that the rule gives.
func (j *judging) digits(bsm string) {
	for _, r := range j.layer.rules["key-digits"] {
		want := int(r.threshold("digits"))
		switch f := j.layer.profile.Field("BSM"); {
		case bsm == "" || f == nil || f.Length != want: // another layer's own, or told as empty
		case len(bsm) > want: // told as too long
		case len(bsm) == want && strings.Trim(bsm, "0123456789") == "":
		default:
			j.find("key-digits", "%.60q 有 %d 位，应为 %d 位数字", "%.60q has %d characters, not %d digits", bsm, utf8.RuneCountInString(bsm), want)
			return
		}
	}
}

// value asks about one value that is there; s is its text.
func (j *judging) value(f *profiles.Field, v any, s string) {
	switch v.(type) {
	case string:
		if f.Kind == edition.Integer || f.Kind == edition.Real || f.Kind == edition.Bool {
			j.find("type", "%s 的值 %.60q 不是 %s", "%s holds %.60q, which is no %s", f.Name, s, f.Kind)
			return
		}
		n := utf8.RuneCountInString(s)
		if f.Length > 0 && n > f.Length {
			j.find("length", "%s 的值 %.60q 有 %d 个字符，最多 %d", "%s holds %.60q of %d characters, of which it may have %d", f.Name, s, n, f.Length)
		}
		if !exactly(f.Exact, n) {
			j.find("exact-length", "%s 的值 %.60q 有 %d 位，应为 %v", "%s holds %.60q of %d characters, not %v", f.Name, s, n, f.Exact)
		}
	case float64:
		if f.Kind == edition.Integer {
			j.find("type", "%s 的值 %v 不是整数", "%s holds %v, which is no whole number", f.Name, v)
			return
		}
	}
	if d := f.DomainIn(j.text); d != nil && !d.Open && !d.Has(s) {
		j.find("domain", "%s 的值 %.60q 不在代码表 %s 内", "%s holds %.60q, which is not in the list %s", f.Name, s, d.ID)
	}
	if f.Range != nil {
		if n, ok := number(v); ok && !f.Range.Holds(n) {
			j.find("range", "%s 的值 %v", "%s holds %v", f.Name, v)
		}
	}
	if f.Names != "" {
		j.name(f, s)
	}
	if n, ok := number(v); len(f.OnlyWhen) > 0 && !(ok && n == 0) && s != "0" && !f.OnlyWhen.Hold(j.text) {
		j.find("only-when", "%s 的值 %.60s", "%s holds %.60s", f.Name, s)
	}
}

func exactly(lengths []int, n int) bool {
	for _, l := range lengths {
		if l == n {
			return true
		}
	}
	return len(lengths) == 0
}

// name asks whether a field that names the code of another names that one.
func (j *judging) name(f *profiles.Field, s string) {
	of := j.layer.profile.Field(f.Names)
	if of == nil {
		return
	}
	code := j.text(f.Names)
	if d := of.DomainIn(j.text); d != nil && code != "" {
		if want, ok := d.NameOf(code); ok && want != s {
			if j.misread(f, s, want) {
				return
			}
			j.find("name-of-code", "%s 是 %.60s，%s %s 的名称是 %s", "%s is %.60s, the name of %s %s is %s", f.Name, s, f.Names, code, want)
		}
	}
}

// areaFields are where patch area, ratio, deducted area and net area stand, −1 where the
// delivery has none.
type areaFields struct{ patch, ratio, deducted, net int }

// equations asks KCMJ = TBMJ × KCXS and TBDLMJ = TBMJ − KCMJ, both to 0.01 m² (domain.md
// 1.1), the second with KCXS where the delivery has no KCMJ. Where a product lies on a
// half, either way of rounding is right.
func (j *judging) equations() {
	a := &j.layer.amounts
	if a.patch < 0 {
		return
	}
	patch, ok := number(j.f.Values[a.patch])
	if !ok {
		return
	}
	amount := func(i int) float64 {
		if i < 0 {
			return 0
		}
		n, _ := number(j.f.Values[i])
		return n
	}
	deducted, slack := amount(a.deducted), 0.0
	switch deducts := patch * amount(a.ratio); {
	case a.ratio >= 0 && a.deducted >= 0:
		j.equation("deducted-area", "KCMJ", deducted, deducts, 0)
	case a.ratio >= 0:
		deducted, slack = deducts, 0.005 // nobody knows how it was rounded
	case a.deducted < 0:
		return // what is deducted is not told
	}
	if a.net >= 0 && a.net != a.patch && j.f.Values[a.net] != nil {
		j.equation("net-area", j.layer.seen.Fields[a.net].Name, amount(a.net), patch-deducted, slack)
	}
}

// equation reports a value that is not what it should be, beyond the rule's tolerance and
// slack.
func (j *judging) equation(check, field string, is, should, slack float64) {
	const float = 1e-6 // what float64 loses of areas
	for _, r := range j.layer.rules[check] {
		if d := is - should; !(math.Abs(d) <= r.threshold("tolerance_m2")+slack+float) {
			j.note.found = append(j.note.found, found{
				rule: r, areaM2: d, zh: "%s 是 %.2f，应为 %.2f", en: "%s is %.2f, it should be %.2f",
				args: []any{field, is, geo.HundredthsOf(should).M2()},
			})
		}
	}
}

// unreadable reports what the reading refused for other reasons than its key.
func (j *judging) unreadable() {
	if len(j.f.Geometry) > 0 {
		return
	}
	for _, f := range j.f.Findings {
		if f.Action == ingest.Refused {
			j.find("unreadable", "%[1]s", "%[2]s", f.Found("zh"), f.Found("en"))
			return
		}
	}
}
