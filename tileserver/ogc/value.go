package ogc

import (
	"bytes"
	"cmp"
	"math"
	"strconv"
	"strings"
	"time"
)

// Kind is the type of a queryable's values, as JSON Schema names it.
type Kind string

// The kinds. Values of a Date are text as delivered.
const (
	Text    Kind = "string"
	Integer Kind = "integer"
	Real    Kind = "number"
	Bool    Kind = "boolean"
	Date    Kind = "date"
)

// numeric tells whether values of a kind are numbers.
func (k Kind) numeric() bool { return k == Integer || k == Real }

// ValueKind tells which of a [Value]'s fields holds it.
type ValueKind uint8

// The kinds of value. A truth is in Int, 0 or 1.
const (
	Null ValueKind = iota
	IsText
	IsInt
	IsReal
	IsBool
)

// Value is one value of a feature or of a filter. Text is only read.
type Value struct {
	Kind ValueKind
	Text []byte
	Int  int64
	Real float64
}

// finite is v, with NaN and the infinities as null: answers have no word for them.
func (v Value) finite() Value {
	if v.Kind == IsReal && (math.IsNaN(v.Real) || math.IsInf(v.Real, 0)) {
		return Value{}
	}
	return v
}

// compareValues orders two values that are not null and of comparable kinds: texts by
// their bytes, numbers exactly, false before true.
func compareValues(a, b Value) int {
	switch {
	case a.Kind == IsText:
		return bytes.Compare(a.Text, b.Text)
	case a.Kind == IsReal && b.Kind == IsReal:
		return cmp.Compare(a.Real, b.Real)
	case a.Kind == IsReal:
		return -compareIntReal(b.Int, a.Real)
	case b.Kind == IsReal:
		return compareIntReal(a.Int, b.Real)
	}
	return cmp.Compare(a.Int, b.Int)
}

// Order compares two values of one queryable, of which nulls come last.
func Order(a, b Value, falling bool) int {
	a, b = a.finite(), b.finite()
	switch {
	case a.Kind == Null && b.Kind == Null:
		return 0
	case a.Kind == Null:
		return 1
	case b.Kind == Null:
		return -1
	case falling:
		return compareValues(b, a)
	}
	return compareValues(a, b)
}

// compareIntReal compares without rounding i, which a float64 may not hold.
func compareIntReal(i int64, f float64) int {
	switch {
	case f >= 1<<63:
		return -1
	case f < -1<<63:
		return 1
	}
	whole := math.Trunc(f)
	if c := cmp.Compare(i, int64(whole)); c != 0 {
		return c
	}
	return cmp.Compare(whole, f)
}

// number reads a number as filters and addresses write it.
func number(text string) (Value, bool) {
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return Value{Kind: IsInt, Int: i}, true
	}
	// ParseFloat knows more forms than JSON: hexadecimal, underscores, words.
	if strings.ContainsAny(text, "xX_nN") || strings.ContainsAny(text, "iI") {
		return Value{}, false
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(f, 0) {
		return Value{}, false
	}
	return Value{Kind: IsReal, Real: f}, true
}

// dateForms are the forms in which deliveries write dates, and RFC 3339.
var dateForms = []string{time.DateOnly, "20060102", "2006/1/2", "2006-1-2", "2006.1.2", "2006年1月2日", time.RFC3339Nano, "2006-01-02T15:04:05", time.DateTime}

// instant reads a date, which begins at 0 h UTC, or a time, as seconds since 1970; null
// when it is neither.
func instant(text []byte) Value {
	if len(text) > 40 {
		return Value{}
	}
	for _, form := range dateForms {
		if t, err := time.Parse(form, string(text)); err == nil {
			return Value{Kind: IsInt, Int: t.Unix()}
		}
	}
	return Value{}
}
