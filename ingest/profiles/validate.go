package profiles

import (
	"slices"
	"strings"

	"gengtu/index/edition"
	"gengtu/index/problem"
)

// kinds are the types of fields.
var kinds = []edition.FieldKind{edition.Text, edition.Integer, edition.Real, edition.Bool, edition.Date}

// check looks for what makes no sense in a resolved profile, and gives its fields
// their code lists.
func (f *file) check(s *Set) error {
	p := &f.profile
	p.Standard = p.Name != otherLayer
	fault := func(at []string, zh, en string, args ...any) error {
		return f.text.Problem(f.text.Line(at...), zh, en, args...)
	}
	switch {
	case p.Title.Zh == "" || p.Title.En == "":
		return fault([]string{"title"}, "title 要有 zh 和 en", "title needs zh and en")
	case !slices.Contains([]Geometry{Polygon, Line, Table, Optional}, p.Geometry):
		return fault([]string{"geometry"}, "geometry 是 %.40q，应为 polygon、line、none 或 optional", "geometry is %.40q; it is polygon, line, none or optional", p.Geometry)
	case p.Source == "":
		return fault([]string{"source"}, "没有写来源 source", "there is no source")
	case len(p.Fields) == 0:
		return fault([]string{"fields"}, "没有字段", "it has no fields")
	}
	if p.Serves != "" && (p.Serves == p.Name || !slices.ContainsFunc(s.list, func(o *Profile) bool { return o.Name == p.Serves && o.Serves == "" })) {
		return fault([]string{"serves"}, "serves 说的 %.80q 不是另一个图层，或它自己又代替别的", "serves says %.80q, which is no other layer or serves for one itself", p.Serves)
	}
	for _, x := range p.Files {
		for pattern := range strings.SplitSeq(x, "|") {
			if !validPattern(pattern) {
				return fault([]string{"files", x}, "文件名样式 %.80q 不合规", "the pattern %.80q of file names is not allowed", pattern)
			}
		}
	}
	for _, x := range []struct {
		at    string
		names []string
	}{
		{"key", p.Key}, {"place", p.Place}, {"units", p.Units}, {"code", p.Code}, {"patch", nonEmpty(p.Patch)}, {"net", nonEmpty(p.Net)}, {"class", nonEmpty(p.Class)},
	} {
		for _, name := range x.names {
			if !p.Knows(name) {
				return fault([]string{x.at, name}, "%s 说的字段 %.80q 不在 fields 里", "%s names the field %.80q, which is not among the fields", x.at, name)
			}
		}
	}
	if q := p.checkConditions(p.Cropland); q != "" {
		return fault([]string{"cropland"}, "cropland 说的字段 %.80q 不在 fields 里", "cropland names the field %.80q, which is not among the fields", q)
	}
	seen := map[string]string{}
	for i := range p.Fields {
		if q := p.checkField(&p.Fields[i], s, seen); q != nil {
			return f.text.Problem(f.text.Line("fields", p.Fields[i].Name), "字段 %[1]s：%[2]s", "field %[1]s: %[3]s", p.Fields[i].Name, q.Found(problem.Chinese), q.Found(problem.English))
		}
	}
	return nil
}

func nonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// checkConditions returns a field that conditions speak of and p does not have.
func (p *Profile) checkConditions(c Conditions) string {
	for _, x := range c {
		if !p.Knows(x.Field) {
			return x.Field
		}
	}
	return ""
}

// checkField returns what is wrong with a field, nil when nothing is. seen holds the
// names of the fields before it.
func (p *Profile) checkField(f *Field, s *Set, seen map[string]string) *problem.Problem {
	wrong := func(zh, en string, args ...any) *problem.Problem { return problem.New("PROFILE_FILE", zh, en, args...) }
	for _, name := range append([]string{f.Name}, f.Alias...) {
		key := strings.ToUpper(name)
		if name == "" || strings.TrimSpace(name) != name {
			return wrong("名称 %.40q 不合规", "the name %.40q is not allowed", name)
		}
		if _, twice := seen[key]; twice && name == f.Name {
			return wrong("字段名重复", "the name is there twice")
		}
		seen[key] = f.Name
	}
	switch {
	case f.Zh == "":
		return wrong("没有写中文含义 zh", "there is no zh, its meaning in Chinese")
	case !slices.Contains(kinds, f.Kind):
		return wrong("type 是 %.40q，应为 %v 之一", "type is %.40q; it is one of %v", f.Kind, kinds)
	case f.Length < 0 || f.Decimals < 0 || f.Length > 1<<20 || f.Decimals > 15:
		return wrong("length 或 decimals 不合理", "length or decimals make no sense")
	case f.Range != nil && f.Kind != edition.Integer && f.Kind != edition.Real:
		return wrong("range 只用于数值字段", "range goes with numbers alone")
	case f.Range != nil && f.Range.empty():
		return wrong("range 里没有任何数", "no number lies in the range")
	case f.Required && len(f.RequiredWhen) > 0:
		return wrong("required 与 required_when 只能写一个", "one of required and required_when is enough")
	case f.Names != "" && (p.Field(f.Names) == nil || p.Field(f.Names).Domain == ""):
		return wrong("names 说的字段 %.80q 没有代码表", "names speaks of the field %.80q, which has no domain", f.Names)
	}
	for _, c := range []Conditions{f.RequiredWhen, f.OnlyWhen} {
		if q := p.checkConditions(c); q != "" {
			return wrong("条件说的字段 %.80q 不在 fields 里", "a condition names the field %.80q, which is not among the fields", q)
		}
	}
	return p.bind(f, s, wrong)
}

// bind gives a field its code lists.
func (p *Profile) bind(f *Field, s *Set, wrong func(zh, en string, args ...any) *problem.Problem) *problem.Problem {
	if f.Domain != "" {
		if f.domain = s.domains[f.Domain]; f.domain == nil {
			return wrong("没有代码表 %.80q", "there is no domain %.80q", f.Domain)
		}
	}
	f.Cases = slices.Clone(f.Cases) // a profile like this one has lists of its own
	for i := range f.Cases {
		c := &f.Cases[i]
		if q := p.checkConditions(c.When); q != "" {
			return wrong("条件说的字段 %.80q 不在 fields 里", "a condition names the field %.80q, which is not among the fields", q)
		}
		switch {
		case (c.Domain == "") == (len(c.In) == 0):
			return wrong("cases 的每一项写 domain 或 in，二选一", "each of cases has either domain or in")
		case c.Domain != "":
			if c.domain = s.domains[c.Domain]; c.domain == nil {
				return wrong("没有代码表 %.80q", "there is no domain %.80q", c.Domain)
			}
		default:
			c.domain = &Domain{ID: f.Domain}
			for _, code := range c.In {
				name := ""
				if f.domain != nil {
					name, _ = f.domain.NameOf(code)
				}
				c.domain.Codes = append(c.domain.Codes, Code{Code: code, Name: name})
			}
		}
	}
	return nil
}

// empty tells whether no number lies in the range.
func (r *Range) empty() bool {
	for _, low := range []*float64{r.Min, r.Above} {
		for _, high := range []*float64{r.Max, r.Below} {
			if low != nil && high != nil && (*low > *high || *low == *high && (low != r.Min || high != r.Max)) {
				return true
			}
		}
	}
	return false
}
