package analyze

import (
	"fmt"

	"gengtu/index/edition"
)

// Kind is what a column holds.
type Kind string

// The kinds of column, with the Go type of their values. Any value may be nil.
const (
	Text   Kind = "text"   // string
	Code   Kind = "code"   // string: a code of place or class, never a number to a spreadsheet
	Count  Kind = "count"  // int64
	Areas  Kind = "area"   // Area; told as NAME_m2, NAME_mu and NAME_ha
	Length Kind = "length" // float64, m, 2 decimals
	Ratio  Kind = "ratio"  // float64 in [0, 1], 6 decimals
	Number Kind = "number" // float64, 6 decimals
	Truth  Kind = "bool"   // bool
)

// Area is an area in 0.01 m².
type Area int64

// Column is a column of a table.
type Column struct {
	// Name is what programs call it: lower case, without the unit of areas.
	Name  string
	Title edition.Title
	Kind  Kind
}

// Table is rows under columns. Rows come in an order that follows from their content.
type Table struct {
	Name    string
	Title   edition.Title
	Columns []Column
	Rows    [][]any
	// Single tells that a row is one feature, a piece of one or a shape of its own, and no
	// sum: a policy that lets totals alone be told withholds such rows. Tables that have
	// [Shapes] are single without saying so.
	Single bool
	// Fixed tells that its rows are told by a level of the question's own, whatever was
	// asked for.
	Fixed bool
}

// Add adds a row; values are those of the columns, in their order. It panics on a value
// whose type is not its column's: that is a mistake of the question.
func (t *Table) Add(values ...any) {
	if len(values) != len(t.Columns) {
		panic(fmt.Sprintf("analyze: %d values for %d columns of %s", len(values), len(t.Columns), t.Name))
	}
	for i, v := range values {
		ok := v == nil
		switch v.(type) {
		case string:
			ok = t.Columns[i].Kind == Text || t.Columns[i].Kind == Code
		case int64:
			ok = t.Columns[i].Kind == Count
		case Area:
			ok = t.Columns[i].Kind == Areas
		case float64:
			ok = t.Columns[i].Kind == Length || t.Columns[i].Kind == Ratio || t.Columns[i].Kind == Number
		case bool:
			ok = t.Columns[i].Kind == Truth
		}
		if !ok {
			panic(fmt.Sprintf("analyze: %T in column %s of %s", v, t.Columns[i].Name, t.Name))
		}
	}
	t.Rows = append(t.Rows, values)
}

// Column returns the place of a column, or -1.
func (t *Table) Column(name string) int {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return i
		}
	}
	return -1
}

// titled is a column of a table.
func titled(name string, kind Kind, zh, en string) Column {
	return Column{Name: name, Kind: kind, Title: edition.Title{Zh: zh, En: en}}
}

// placeColumns are the columns that a row of a place begins with.
func placeColumns() []Column {
	return []Column{titled("xzqdm", Code, "行政区代码", "place"), titled("xzqmc", Text, "行政区名称", "name of the place")}
}
