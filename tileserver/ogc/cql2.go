package ogc

import (
	"slices"
	"strings"
	"unicode/utf8"

	"gengtu/index/problem"
	"gengtu/index/relate"
)

// Bounds of a filter. What one asks of a feature grows with its predicates.
const (
	MaxFilterBytes = 8 << 10
	MaxFilterDepth = 32
	MaxFilterParts = 512
)

// Queryable is a property that filters may name.
type Queryable struct {
	Name, Title string
	Kind        Kind
}

// Vocabulary is what the words of a filter mean.
type Vocabulary struct {
	Queryables []Queryable
	// Shape brings a literal into the coordinates of features.
	Shape func(g *Geometry) (*relate.Shape, error)
}

// GeometryName is what filters call the features' geometry.
const GeometryName = "geometry"

// ParseFilter reads a filter in CQL2 Text (OGC 21-065r2): comparisons, AND, OR, NOT,
// LIKE, BETWEEN, IN, IS NULL, CASEI, DATE, TIMESTAMP, and S_INTERSECTS, S_DISJOINT and
// S_WITHIN of the geometry and a literal. Errors are problems PARAMETER_FILTER and those
// of v.Shape. It reads [MaxFilterBytes] at most, some levels deep.
func ParseFilter(text string, v Vocabulary) (*Filter, error) {
	switch {
	case len(text) > MaxFilterBytes:
		return nil, problem.New("PARAMETER_FILTER", "filter 有 %d 字节，上限 %d", "the filter has %d bytes, the limit is %d", len(text), MaxFilterBytes)
	case !utf8.ValidString(text):
		return nil, problem.New("PARAMETER_FILTER", "filter 不是 UTF-8", "the filter is no UTF-8")
	}
	p := &parser{lexer: lexer{text: text}, Vocabulary: v}
	if err := p.advance(); err != nil {
		return nil, err
	}
	e, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.now.kind != tokenEnd {
		return nil, p.unexpected("AND, OR")
	}
	return &Filter{e}, nil
}

// parser reads a filter from front to back.
type parser struct {
	lexer
	Vocabulary
	now   token
	depth int
	parts int
	// pattern is set while a pattern of LIKE is read, which has escapes of its own.
	pattern bool
}

func (p *parser) advance() (err error) {
	p.now, err = p.next()
	return err
}

// take steps over a keyword or sign; false when something else stands there.
func (p *parser) take(word string) (bool, error) {
	if !p.now.is(word) {
		return false, nil
	}
	return true, p.advance()
}

// need steps over a keyword or sign that must be there.
func (p *parser) need(word string) error {
	ok, err := p.take(word)
	if err == nil && !ok {
		err = p.unexpected(word)
	}
	return err
}

func (p *parser) unexpected(want string) error {
	if p.now.kind == tokenEnd {
		return wrong(p.now.at, "缺少 %[2]s", "%[2]s is missing", want)
	}
	return wrong(p.now.at, "是 %.40[2]q，应为 %[3]s", "%.40[2]q stands in the place of %[3]s", p.now.text, want)
}

// deeper bounds how deep a filter goes and how much it holds.
func (p *parser) deeper() error {
	p.depth++
	p.parts++
	if p.depth > MaxFilterDepth || p.parts > MaxFilterParts {
		return wrong(p.now.at, "条件超过 %[2]d 层或 %[3]d 个", "the filter is more than %[2]d deep or has more than %[3]d conditions", MaxFilterDepth, MaxFilterParts)
	}
	return nil
}

func (p *parser) or() (expr, error) {
	return p.chain("OR", p.and, func(a, b expr) expr { return or{a, b} })
}

func (p *parser) and() (expr, error) {
	return p.chain("AND", p.not, func(a, b expr) expr { return and{a, b} })
}

// chain reads parts with a word between them.
func (p *parser) chain(word string, part func() (expr, error), join func(a, b expr) expr) (expr, error) {
	all, err := part()
	for err == nil {
		var more bool
		if more, err = p.take(word); err != nil || !more {
			return all, err
		}
		var next expr
		if next, err = part(); err == nil {
			all = join(all, next)
		}
	}
	return nil, err
}

func (p *parser) not() (expr, error) {
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	negated, err := p.take("NOT")
	if err != nil {
		return nil, err
	}
	if negated {
		e, err := p.not()
		return not{e}, err
	}
	if open, err := p.take("("); err != nil {
		return nil, err
	} else if open {
		e, err := p.or()
		if err != nil {
			return nil, err
		}
		return e, p.need(")")
	}
	return p.predicate()
}

// predicate reads one condition.
func (p *parser) predicate() (expr, error) {
	if p.now.kind == tokenWord {
		if spatial, ok := spatials[strings.ToUpper(p.now.text)]; ok {
			return p.spatial(spatial)
		}
	}
	truth := p.now.is("TRUE") || p.now.is("FALSE")
	if p.isGeometryName() && p.queryable(p.now.text) < 0 {
		if err := p.advance(); err != nil {
			return nil, err
		}
		return p.after(nil)
	}
	a, err := p.operand()
	if err != nil {
		return nil, err
	}
	if truth && (p.now.kind == tokenEnd || p.now.is(")") || p.now.is("AND") || p.now.is("OR")) {
		return constant(truthOf(a.literal.Int == 1)), nil
	}
	return p.after(&a)
}

// after reads what stands after the first operand; nil is the geometry.
func (p *parser) after(a *operand) (expr, error) {
	for _, op := range []string{"=", "<>", "<=", ">=", "<", ">"} {
		if a == nil {
			break
		}
		if ok, err := p.take(op); err != nil {
			return nil, err
		} else if ok {
			b, err := p.operand()
			if err == nil {
				err = p.agree(a, &b) // which says how each is looked at
			}
			return comparison{op, *a, b}, err
		}
	}
	if ok, err := p.take("IS"); err != nil {
		return nil, err
	} else if ok {
		return p.null(a)
	}
	if a == nil {
		return nil, p.unexpected("IS NULL")
	}
	negated, err := p.take("NOT")
	if err != nil {
		return nil, err
	}
	var e expr
	switch {
	case p.now.is("LIKE"):
		e, err = p.like(a)
	case p.now.is("BETWEEN"):
		e, err = p.between(a)
	case p.now.is("IN"):
		e, err = p.in(a)
	default:
		err = p.unexpected("= <> < <= > >= LIKE BETWEEN IN IS")
	}
	if negated {
		e = not{e}
	}
	return e, err
}

func (p *parser) null(a *operand) (expr, error) {
	negated, err := p.take("NOT")
	if err != nil {
		return nil, err
	}
	var e expr = constant(no) // every feature has a geometry
	if a != nil {
		e = isNull{*a}
	}
	if negated {
		e = not{e}
	}
	return e, p.need("NULL")
}

func (p *parser) like(a *operand) (expr, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	at := p.now.at
	p.pattern = true
	b, err := p.operand()
	p.pattern = false
	if err != nil {
		return nil, err
	}
	if b.queryable >= 0 || b.literal.Kind != IsText || a.kind != Text && a.kind != Date || b.date {
		return nil, wrong(at, "LIKE 的两边应是文本，右边用单引号", "LIKE compares a text with a pattern in single quotes")
	}
	return like{*a, b}, nil
}

func (p *parser) between(a *operand) (expr, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	// a is looked at in each comparison as the other side wants it.
	low, high := *a, *a
	from, err := p.operand()
	if err == nil {
		err = p.agree(&low, &from)
	}
	if err == nil {
		err = p.need("AND")
	}
	if err != nil {
		return nil, err
	}
	to, err := p.operand()
	if err == nil {
		err = p.agree(&high, &to)
	}
	return and{comparison{">=", low, from}, comparison{"<=", high, to}}, err
}

func (p *parser) in(a *operand) (expr, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	if err := p.need("("); err != nil {
		return nil, err
	}
	var literals among
	var all expr = &literals
	for {
		at := p.now.at
		b, err := p.operand()
		if err != nil {
			return nil, err
		}
		of := *a
		if err := p.agree(&of, &b); err != nil {
			return nil, err
		}
		switch {
		case b.queryable >= 0:
			all = or{all, comparison{"=", of, b}}
		case len(literals.list) > 0 && of.date != literals.of.date:
			return nil, wrong(at, "IN 的列表里应是同一种字面值", "the list of IN holds literals of one kind")
		default:
			literals.of = of
			literals.list = append(literals.list, b)
		}
		if more, err := p.take(","); err != nil {
			return nil, err
		} else if !more {
			return all, p.need(")")
		}
	}
}

// agree refuses to compare what is of different kinds, and has a date compared as one
// where the other side is.
func (p *parser) agree(a, b *operand) error {
	switch {
	case a.date && b.kind == Date && b.queryable >= 0:
		b.date = true
	case b.date && a.kind == Date && a.queryable >= 0:
		a.date = true
	}
	kind := func(o *operand) Kind {
		switch {
		case o.date:
			return Date
		case o.kind == Date:
			return Text
		case o.kind.numeric():
			return Real
		}
		return o.kind
	}
	if kind(a) == kind(b) {
		return nil
	}
	return wrong(p.now.at, "%[2]s 不能与 %[3]s 相比", "a %[2]s cannot be compared with a %[3]s", kind(a), kind(b))
}

// queryable is the place of a name among the queryables, -1 when it is none.
func (p *parser) queryable(name string) int {
	return slices.IndexFunc(p.Queryables, func(q Queryable) bool { return q.Name == name })
}

// operand reads a literal, or the name of a queryable.
func (p *parser) operand() (operand, error) {
	t := p.now
	if p.parts++; p.parts > MaxFilterParts {
		return operand{}, wrong(t.at, "条件超过 %[2]d 个", "the filter has more than %[2]d conditions", MaxFilterParts)
	}
	o := operand{queryable: -1}
	switch {
	case t.kind == tokenText:
		text := t.text
		if !p.pattern {
			text = strings.ReplaceAll(text, `\\`, `\`)
		}
		o.kind, o.literal = Text, Value{Kind: IsText, Text: []byte(text)}
		return o, p.advance()
	case t.kind == tokenNumber, t.is("-"), t.is("+"):
		return p.number()
	case t.is("TRUE"), t.is("FALSE"):
		o.kind, o.literal.Kind = Bool, IsBool
		if t.is("TRUE") {
			o.literal.Int = 1
		}
		return o, p.advance()
	case t.is("CASEI"), t.is("DATE"), t.is("TIMESTAMP"):
		return p.function()
	case t.kind == tokenWord, t.kind == tokenName:
		i := p.queryable(t.text)
		if i < 0 {
			return o, wrong(t.at, "没有可查询的字段 %.40[2]q", "there is no queryable %.40[2]q", t.text)
		}
		o.queryable, o.kind = i, p.Queryables[i].Kind
		return o, p.advance()
	}
	return o, p.unexpected("a name or a value")
}

func (p *parser) number() (operand, error) {
	sign := ""
	if p.now.kind == tokenSign {
		sign = strings.TrimPrefix(p.now.text, "+")
		if err := p.advance(); err != nil {
			return operand{}, err
		}
	}
	v, ok := number(sign + p.now.text)
	if p.now.kind != tokenNumber || !ok {
		return operand{}, p.unexpected("a number")
	}
	return operand{queryable: -1, kind: Real, literal: v}, p.advance()
}

// function reads CASEI(…), DATE('…') and TIMESTAMP('…').
func (p *parser) function() (operand, error) {
	name, at := p.now, p.now.at
	if err := p.advance(); err != nil {
		return operand{}, err
	}
	if err := p.need("("); err != nil {
		return operand{}, err
	}
	if err := p.deeper(); err != nil {
		return operand{}, err
	}
	defer func() { p.depth-- }()
	o, err := p.operand()
	if err != nil {
		return o, err
	}
	if name.is("CASEI") {
		if o.kind != Text && o.kind != Date || o.date {
			return o, wrong(at, "CASEI 只用于文本", "CASEI is of texts")
		}
		o.fold = true
		return o, p.need(")")
	}
	o.literal = instant(o.literal.Text)
	if o.queryable >= 0 || o.literal.Kind == Null {
		return o, wrong(at, "应写成 DATE('2024-12-31') 或 TIMESTAMP('2024-12-31T00:00:00Z')", "write DATE('2024-12-31') or TIMESTAMP('2024-12-31T00:00:00Z')")
	}
	o.kind, o.date = Date, true
	return o, p.need(")")
}
