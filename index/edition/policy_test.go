package edition_test

import (
	"reflect"
	"slices"
	"testing"

	"gengtu/index/edition"
)

// unlimited are the fields of a policy that let nobody see or ask more, and why.
var unlimited = map[string]string{
	"Name":       "what it is called",
	"Digest":     "which text it was",
	"Use":        "words beside the data",
	"Approval":   "words beside the data",
	"Disclaimer": "words beside the data",
}

// unkept are those that a kept answer to a whole-layer question does not show, and why.
var unkept = map[string]string{
	"GridLon":    "follows from GridM and where the edition lies",
	"GridLat":    "follows from GridM and where the edition lies",
	"PrecisionM": "states what GridM makes so, and answers state none",
	"MinZoom":    "answers have no zooms",
}

// valuesOf are values of a field that are let through in different measure.
func valuesOf(t *testing.T, field reflect.StructField) []any {
	switch field.Type.Kind() {
	case reflect.Float64:
		return []any{0.0, 1.0, 2.0}
	case reflect.Int:
		return []any{0, 1, 2}
	case reflect.Int64:
		return []any{int64(0), int64(1), int64(2)}
	case reflect.Bool:
		return []any{false, true}
	case reflect.Slice:
		return []any{[]string(nil), []string{}, []string{"a"}, []string{"a", "b"}}
	}
	t.Fatalf("%s: no values of a %s are known to this test", field.Name, field.Type)
	return nil
}

// Ensure: each field of a policy limits what is seen and asked, or is known not to; of two
// values of one that does exactly one goes beyond the other, and what was told under that
// one is not told under the other any more.
func TestBeyondEveryField(t *testing.T) {
	of := reflect.TypeFor[edition.Policy]()
	for i := range of.NumField() {
		field := of.Field(i)
		if unlimited[field.Name] != "" {
			continue
		}
		values := valuesOf(t, field)
		for k, x := range values {
			for _, y := range values[k+1:] {
				a, b := edition.Policy{Pieces: true}, edition.Policy{Pieces: true}
				reflect.ValueOf(&a).Elem().Field(i).Set(reflect.ValueOf(x))
				reflect.ValueOf(&b).Elem().Field(i).Set(reflect.ValueOf(y))
				more, less := a.Beyond(&b), b.Beyond(&a)
				if len(more)+len(less) != 1 {
					t.Errorf("%s: %v goes beyond %v in %v, and %v beyond it in %v; want one", field.Name, x, y, more, y, less)
					continue
				}
				if key := slices.Concat(more, less)[0].Keys; !slices.Contains(key, keyOf(field)) {
					t.Errorf("%s: %v", field.Name, key)
				}
				if len(less) > 0 {
					a, b = b, a
				}
				testTold(t, field.Name, &a, &b)
			}
		}
	}
	for name := range unlimited {
		if _, ok := of.FieldByName(name); !ok {
			t.Errorf("a policy has no %s", name)
		}
	}
}

func keyOf(field reflect.StructField) string {
	key := field.Tag.Get("json")
	for i := range key {
		if key[i] == ',' {
			return key[:i]
		}
	}
	return key
}

// testTold holds what was told under a policy against one that goes less far in a field.
func testTold(t *testing.T, field string, more, less *edition.Policy) {
	name := "c" // a question and class that only the wider list has
	if lists := slices.Concat(more.Analyses, more.Groups); len(lists) > 0 {
		name = lists[len(lists)-1]
	}
	for _, p := range []*edition.Policy{more, less} {
		m := &edition.Manifest{Tier: edition.Government, Policy: *p}
		want := p == more || unkept[field] != ""
		if got := m.TellsAll(more, name, name); got != want {
			t.Errorf("%s: told under %+v, under %+v told still %t", field, *more, *p, got)
		}
	}
}

// What is asked and grouped by alone counts of lists: others may go.
func TestTellsAllOfQuestion(t *testing.T) {
	asked := edition.Policy{Pieces: true, Analyses: []string{"flows", "summary"}, Groups: []string{"DLBM", "QSXZ"}}
	now := edition.Policy{Pieces: true, Analyses: []string{"flows"}, Groups: []string{"DLBM"}}
	m := &edition.Manifest{Tier: edition.Public, Policy: now}
	if !m.TellsAll(&asked, "flows", "DLBM") || m.TellsAll(&asked, "summary", "DLBM") || m.TellsAll(&asked, "flows", "QSXZ") {
		t.Error("another question or field decides")
	}
	asked.Analyses, m.Policy.Analyses = nil, nil
	if m.TellsAll(&asked, "flows", "DLBM") {
		t.Error("public tells of a question that its policy does not name")
	}
}

// Public answers the whole-layer questions alone that its policy names, others any where
// it names none.
func TestMayAnalyze(t *testing.T) {
	for _, c := range []struct {
		tier     edition.Tier
		analyses []string
		want     bool
	}{
		{edition.Secure, nil, true},
		{edition.Government, nil, true},
		{edition.Government, []string{}, false},
		{edition.Government, []string{"flows"}, true},
		{edition.Public, nil, false},
		{edition.Public, []string{}, false},
		{edition.Public, []string{"summary"}, false},
		{edition.Public, []string{"flows"}, true},
	} {
		m := &edition.Manifest{Tier: c.tier, Policy: edition.Policy{Analyses: c.analyses}}
		if got := m.MayAnalyze("flows"); got != c.want {
			t.Errorf("%s %q: %t", c.tier, c.analyses, got)
		}
	}
}

// Single features are told where the policy lets pieces be told and more than totals.
func TestMayTellFeatures(t *testing.T) {
	for _, pieces := range []bool{false, true} {
		for _, totals := range []bool{false, true} {
			p := &edition.Policy{Pieces: pieces, TotalsOnly: totals}
			if got := p.MayTellFeatures(); got != (pieces && !totals) {
				t.Errorf("pieces %t, totals only %t: %t", pieces, totals, got)
			}
		}
	}
}
