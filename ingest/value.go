package ingest

import (
	"math"
	"strconv"
	"strings"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
)

// convert carries a value over to a field's kind. What cannot be carried over
// stays as it is, and ok is false: a wrong value is kept and reported, not lost.
// A number that is none stays as its text.
func convert(v any, kind edition.FieldKind) (out any, ok bool) {
	if f, is := v.(float64); is && (math.IsNaN(f) || math.IsInf(f, 0)) {
		return strconv.FormatFloat(f, 'g', -1, 64), false
	}
	if v == nil {
		return nil, true
	}
	switch kind {
	case edition.Text, edition.Date:
		if _, ok := v.(string); ok {
			return v, true // as it is, not made anew
		}
		return toText(v)
	case edition.Integer:
		return toInteger(v)
	case edition.Real:
		if _, ok := v.(float64); ok {
			return v, true
		}
		return toReal(v)
	case edition.Bool:
		_, ok := v.(bool)
		return v, ok
	}
	return v, false
}

// exact is the number up to which a float64 holds every integer. A code beyond
// it that came as a float64 has lost digits.
const exact = 1 << 53

func toText(v any) (any, bool) {
	switch v := v.(type) {
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		if math.Abs(v) >= exact {
			return strconv.FormatFloat(v, 'g', -1, 64), false
		}
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return v, false
}

func toInteger(v any) (any, bool) {
	switch x := v.(type) {
	case int64:
		return x, true
	case float64:
		if x == math.Trunc(x) && math.Abs(x) < exact {
			return int64(x), true
		}
	case string:
		if strings.TrimSpace(x) == "" {
			return nil, true
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(x), 10, 64); err == nil {
			return n, true
		}
	}
	return v, false
}

func toReal(v any) (any, bool) {
	switch x := v.(type) {
	case int64:
		return float64(x), true
	case string:
		if strings.TrimSpace(x) == "" {
			return nil, true
		}
		if f, err := strconv.ParseFloat(strings.TrimSpace(x), 64); err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) {
			return f, true
		}
	}
	return v, false
}

// maxRecordArea is what no area of record exceeds, in m²: 100,000 km². Sums over
// 900,000 features that all claim it still fit 64 bits.
const maxRecordArea = 1e11

// recordArea returns an area of record in 0.01 m², rounded half up.
// It is index.NoArea, and ok is false, when v is no number from 0 to maxRecordArea.
func recordArea(v any) (area int64, ok bool) {
	f, ok := v.(float64)
	if !ok || math.IsNaN(f) || f < 0 || f > maxRecordArea {
		return index.NoArea, false
	}
	return int64(geo.HundredthsOf(f)), true
}

// The digits of codes of villages and of groups of villagers.
const (
	villageDigits = 12
	groupDigits   = 14
)

// placeOf returns the place that a code of place names: its first 12 digits,
// or all of one that [edition.IsPlace]; "" when it is none. The 19
// digits of ZLDWDM are county 6, township 3, village 3, group 4 and 3 to spare.
func placeOf(s string) string {
	if !edition.IsPlace(s) {
		if len(s) <= groupDigits || strings.Trim(s, "0123456789") != "" {
			return ""
		}
		return s[:villageDigits]
	}
	return s
}
