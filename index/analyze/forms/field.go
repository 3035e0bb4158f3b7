package forms

import (
	"math"
	"strconv"

	"gengtu/index/analyze"
	"gengtu/index/edition"
	"gengtu/index/problem"
)

// Unit is what the figures of a field are in.
type Unit string

// The units. What is neither an area nor a length has none.
const (
	None Unit = ""
	M2   Unit = "m2"
	Mu   Unit = "mu"
	Ha   Unit = "ha"
	M    Unit = "m"
)

// Field is a column of a table as files have it: one for a column, but three for an area.
type Field struct {
	// Name is unique in its table: the column's, with the unit of an area behind it.
	Name   string
	Title  edition.Title
	Kind   analyze.Kind
	Unit   Unit
	Column int // in the table, from 0
}

// Fields returns the fields of a table, in the order of its columns. A name that is empty
// or comes twice is a problem ANSWER_VALUE.
func Fields(t *analyze.Table) ([]Field, error) {
	var out []Field
	taken := map[string]bool{}
	add := func(f Field) error {
		if f.Name == "" || taken[f.Name] {
			return problem.New("ANSWER_VALUE", "表 %.40s 的列名 %.40q 为空或重复", "the name %.40[2]q of a column of table %.40[1]s is empty or comes twice", t.Name, f.Name)
		}
		taken[f.Name] = true
		out = append(out, f)
		return nil
	}
	for i, c := range t.Columns {
		f := Field{Name: c.Name, Title: c.Title, Kind: c.Kind, Column: i}
		if c.Kind == analyze.Length {
			f.Unit = M
		}
		if c.Kind != analyze.Areas {
			if err := add(f); err != nil {
				return nil, err
			}
			continue
		}
		if c.Name == "" {
			return nil, add(f)
		}
		for _, u := range []Unit{M2, Mu, Ha} {
			f.Name, f.Unit = c.Name+"_"+string(u), u
			if err := add(f); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// unitTitles are what units are called.
var unitTitles = map[Unit]edition.Title{M2: {Zh: "平方米", En: "m²"}, Mu: {Zh: "亩", En: "mu"}, Ha: {Zh: "公顷", En: "ha"}, M: {Zh: "米", En: "m"}}

// Decimals is how many digits figures of the field have behind the point; those of ratios
// and numbers have at most so many.
func (f *Field) Decimals() int {
	switch {
	case f.Unit == Mu:
		return muDecimals
	case f.Unit != None:
		return 2
	case f.Kind == analyze.Count:
		return 0
	}
	return numberDecimals
}

const (
	muDecimals     = 4
	numberDecimals = 6
)

// Text returns the cell of a row as text: exact decimal digits of a number, true and
// false, "" for nothing. A number that is not finite is a problem ANSWER_VALUE.
func (f *Field) Text(row []any) (string, error) {
	switch v := row[f.Column].(type) {
	case string:
		return v, nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case analyze.Area:
		return areaText(v, f.Unit), nil
	case bool:
		return strconv.FormatBool(v), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return "", problem.New("ANSWER_VALUE", "列 %.40s 有不是数的值", "the column %.40s has a value that is no number", f.Name)
		}
		s := strconv.FormatFloat(v, 'f', f.Decimals(), 64)
		if f.Kind != analyze.Length {
			s = trimZeros(s)
		}
		return positiveZero(s), nil
	}
	return "", nil
}

// trimZeros takes the zeros off the end of a fraction.
func trimZeros(s string) string {
	for s[len(s)-1] == '0' {
		s = s[:len(s)-1]
	}
	if s[len(s)-1] == '.' {
		s = s[:len(s)-1]
	}
	return s
}

// positiveZero takes the sign off what was rounded to nothing.
func positiveZero(s string) string {
	if s[0] != '-' {
		return s
	}
	for _, c := range s[1:] {
		if c != '0' && c != '.' {
			return s
		}
	}
	return s[1:]
}

// areaText returns an area in a unit.
func areaText(a analyze.Area, u Unit) string {
	switch u {
	case Mu:
		return fixed(inMu(a), muDecimals)
	case Ha:
		return fixed(inHa(a), 2)
	}
	return fixed(int64(a), 2)
}

// maxArea bounds areas: twice the surface of the earth.
const maxArea analyze.Area = 1e17

// inMu is an area in 0.0001 mu: 1 m² is 0.0015 mu.
func inMu(a analyze.Area) int64 { return divided(3*int64(a), 20) }

// inHa is an area in 0.01 ha.
func inHa(a analyze.Area) int64 { return divided(int64(a), 10_000) }

// divided returns n ÷ by, rounded half away from zero; by is even.
func divided(n, by int64) int64 {
	if n < 0 {
		return (n - by/2) / by
	}
	return (n + by/2) / by
}

// fixed writes an integer that counts in the last of so many decimals.
func fixed(n int64, decimals int) string {
	sign, u := "", uint64(n)
	if n < 0 {
		sign, u = "-", -u
	}
	s := strconv.FormatUint(u, 10)
	for len(s) <= decimals {
		s = "0" + s
	}
	return sign + s[:len(s)-decimals] + "." + s[len(s)-decimals:]
}

// parseFixed reads what [fixed] wrote, with zeros more or fewer behind the point; false
// for anything else, and for what has more decimals or does not fit.
func parseFixed(s string, decimals int) (int64, bool) {
	digits := make([]byte, 0, len(s)+decimals)
	point, behind := false, 0
	for i, c := range []byte(s) {
		switch {
		case c == '-' && i == 0:
			digits = append(digits, c)
		case c == '.' && !point:
			point = true
		case c < '0' || c > '9':
			return 0, false
		case behind == decimals && point:
			if c != '0' {
				return 0, false
			}
		default:
			digits = append(digits, c)
			if point {
				behind++
			}
		}
	}
	for ; behind < decimals; behind++ {
		digits = append(digits, '0')
	}
	n, err := strconv.ParseInt(string(digits), 10, 64)
	return n, err == nil
}
