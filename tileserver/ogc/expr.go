package ogc

import (
	"bytes"
	"unicode/utf8"

	"golang.org/x/text/cases"

	"gengtu/index/relate"
)

// Row is a feature that a filter looks at.
type Row interface {
	// Value returns the value of a queryable, by its place in the list that the filter
	// was read with. It is valid until the next feature.
	Value(queryable int) Value
	// Meets and Holds relate the feature to a shape, see [relate.Shape].
	Meets(s *relate.Shape) bool
	Holds(s *relate.Shape) bool
}

// truth is what a predicate is for a feature, by the logic of SQL: a null makes
// comparisons unknown. And is the least, or the greatest.
type truth int8

const (
	no truth = iota
	unknown
	yes
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// Filter chooses features. It is not changed once it is read; safe for concurrent use.
type Filter struct{ expr expr }

// Matches tells whether the filter chooses a feature.
func (f *Filter) Matches(r Row) bool { return f.expr.eval(r) == yes }

// expr is a part of a filter.
type expr interface{ eval(r Row) truth }

type constant truth

func (c constant) eval(Row) truth { return truth(c) }

type and struct{ a, b expr }

func (e and) eval(r Row) truth {
	a := e.a.eval(r)
	if a == no {
		return no
	}
	return min(a, e.b.eval(r))
}

type or struct{ a, b expr }

func (e or) eval(r Row) truth {
	a := e.a.eval(r)
	if a == yes {
		return yes
	}
	return max(a, e.b.eval(r))
}

type not struct{ of expr }

func (e not) eval(r Row) truth { return yes - e.of.eval(r) }

// operand is a value that is compared: a queryable's, or a literal.
type operand struct {
	queryable int // -1 is the literal
	literal   Value
	kind      Kind
	fold      bool // CASEI
	date      bool // as seconds since 1970
}

// folding is full case folding, so that Straße is STRASSE (21-065r2, 7.6).
var folding = cases.Fold()

func (o *operand) value(r Row) Value {
	v := o.literal
	if o.queryable >= 0 {
		v = r.Value(o.queryable).finite()
	}
	switch {
	case v.Kind != IsText:
	case o.date && o.queryable >= 0:
		return instant(v.Text)
	case o.fold:
		v.Text = folding.Bytes(v.Text)
	}
	return v
}

// comparison is a op b, op one of = <> < <= > >=.
type comparison struct {
	op   string
	a, b operand
}

func (e comparison) eval(r Row) truth {
	a, b := e.a.value(r), e.b.value(r)
	if a.Kind == Null || b.Kind == Null {
		return unknown
	}
	c := compareValues(a, b)
	switch e.op {
	case "=":
		return truthOf(c == 0)
	case "<>":
		return truthOf(c != 0)
	case "<":
		return truthOf(c < 0)
	case "<=":
		return truthOf(c <= 0)
	case ">":
		return truthOf(c > 0)
	}
	return truthOf(c >= 0)
}

// among is of IN and a list of literals.
type among struct {
	of   operand
	list []operand
}

func (e *among) eval(r Row) truth {
	if len(e.list) == 0 {
		return no
	}
	v := e.of.value(r)
	if v.Kind == Null {
		return unknown
	}
	for i := range e.list {
		if compareValues(v, e.list[i].value(r)) == 0 {
			return yes
		}
	}
	return no
}

type isNull struct{ of operand }

func (e isNull) eval(r Row) truth { return truthOf(e.of.value(r).Kind == Null) }

// like is of LIKE.
type like struct{ of, pattern operand }

func (e like) eval(r Row) truth {
	v := e.of.value(r)
	if v.Kind != IsText {
		return unknown
	}
	return truthOf(likeText(v.Text, e.pattern.value(r).Text))
}

// likeText tells whether a text is as a pattern says, in which % stands for any
// characters, _ for one, and \ before one of these three for itself. It looks back to the
// last % only, so it takes no more than the product of both lengths.
func likeText(text, pattern []byte) bool {
	t, p := 0, 0
	backT, backP := -1, -1
	for t < len(text) {
		_, n := utf8.DecodeRune(text[t:])
		switch {
		case p < len(pattern) && pattern[p] == '%':
			p++
			backT, backP = t, p
			continue
		case p < len(pattern) && pattern[p] == '_':
			t, p = t+n, p+1
			continue
		case p < len(pattern):
			if q := literalAt(pattern, p); pattern[q] == text[t] {
				t, p = t+1, q+1
				continue
			}
		}
		if backT < 0 {
			return false
		}
		_, n = utf8.DecodeRune(text[backT:])
		backT += n
		t, p = backT, backP
	}
	for p < len(pattern) && pattern[p] == '%' {
		p++
	}
	return p == len(pattern)
}

// literalAt is where the character stands that pattern has at p for itself.
func literalAt(pattern []byte, p int) int {
	if pattern[p] == '\\' && p+1 < len(pattern) && bytes.IndexByte([]byte(`%_\`), pattern[p+1]) >= 0 {
		return p + 1
	}
	return p
}

// meets, holds are of S_INTERSECTS and S_WITHIN.
type meets struct{ shape *relate.Shape }

func (e meets) eval(r Row) truth { return truthOf(r.Meets(e.shape)) }

type holds struct{ shape *relate.Shape }

func (e holds) eval(r Row) truth { return truthOf(r.Holds(e.shape)) }

// Meeting returns a filter of the features that share a place with a shape.
func Meeting(s *relate.Shape) *Filter { return &Filter{meets{s}} }

// Equal returns a filter of the features whose queryable of that place and kind has the
// value that an address writes as text; false where it is none of that kind.
func Equal(queryable int, kind Kind, text string) (*Filter, bool) {
	v := Value{Kind: IsText, Text: []byte(text)}
	ok := true
	switch {
	case kind.numeric():
		v, ok = number(text)
	case kind == Bool:
		ok = text == "true" || text == "false"
		v = Value{Kind: IsBool}
		if text == "true" {
			v.Int = 1
		}
	}
	if !ok {
		return nil, false
	}
	return &Filter{comparison{"=", operand{queryable: queryable, kind: kind}, operand{queryable: -1, literal: v, kind: kind}}}, true
}

// All returns a filter of the features that each of fs chooses; nil, which is all of
// them, when there is none.
func All(fs ...*Filter) *Filter {
	var all *Filter
	for _, f := range fs {
		switch {
		case f == nil:
		case all == nil:
			all = f
		default:
			all = &Filter{and{all.expr, f.expr}}
		}
	}
	return all
}

// Window returns a shape that every feature which the filter chooses meets; nil when
// there is none: then each feature is to be looked at.
func (f *Filter) Window() *relate.Shape { return windowOf(f.expr) }

func windowOf(e expr) *relate.Shape {
	switch e := e.(type) {
	case meets:
		return e.shape
	case holds:
		return e.shape
	case and:
		if s := windowOf(e.a); s != nil {
			return s
		}
		return windowOf(e.b)
	}
	return nil
}

// Only returns the shape that is all the filter asks to meet; nil when it asks
// for anything else.
func (f *Filter) Only() *relate.Shape {
	if m, ok := f.expr.(meets); ok {
		return m.shape
	}
	return nil
}
