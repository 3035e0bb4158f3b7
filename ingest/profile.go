package ingest

import (
	"fmt"
	"slices"
	"strings"

	"gengtu/index/edition"
	"gengtu/ingest/profiles"
	"gengtu/ingest/source"
)

// ProfileOf returns the embedded profile of the layer with that name; see
// [profiles.Set.Of].
func ProfileOf(layer string) (*profiles.Profile, error) {
	s, err := profiles.Embedded()
	if err != nil {
		return nil, err
	}
	return s.Of(layer), nil
}

// PersonalField tells whether any embedded profile says of a field that it speaks of
// a person.
func PersonalField(name string) (bool, error) {
	s, err := profiles.Embedded()
	if err != nil {
		return false, err
	}
	return s.Personal(name), nil
}

// known returns the profiles that a run goes by.
func (opt *Options) known() (*profiles.Set, error) {
	if opt.Profiles != nil {
		return opt.Profiles, nil
	}
	return profiles.Embedded()
}

// column says where one field of a stored layer comes from.
type column struct {
	from int // among the source's values; -1 when this source has no such field
	kind edition.FieldKind
	code bool // blanks are no part of its values
}

// mapping carries a source's values over to a layer's fields.
type mapping struct {
	fields  []edition.Field
	columns []column
	unknown []string
	missing []string
}

// fit maps the fields of a source to those of p: names match without regard to
// case, standard names before aliases. Fields that p does not know are kept
// under their own name.
func fit(p *profiles.Profile, fields []source.Field) mapping {
	var m mapping
	taken := make([]bool, len(fields))
	for n, i := range p.Match(fieldNames(fields)) {
		want := &p.Fields[n]
		if i < 0 {
			if want.Required {
				m.missing = append(m.missing, want.Name)
			}
			continue
		}
		taken[i] = true
		m.fields = append(m.fields, edition.Field{
			Name: want.Name, Kind: want.Kind, Title: want.Zh, Known: true, Personal: want.Personal,
			Tile: !want.Personal, Code: slices.Contains(p.Code, want.Name),
		})
		m.columns = append(m.columns, column{i, want.Kind, p.IsCode(want.Name)})
	}
	for i, f := range fields {
		if taken[i] {
			continue
		}
		if p.Standard {
			m.unknown = append(m.unknown, f.Name)
		}
		m.fields = append(m.fields, edition.Field{Name: m.free(f.Name), Kind: kindOf(f.Kind), Tile: !p.Standard})
		m.columns = append(m.columns, column{i, kindOf(f.Kind), false})
	}
	return m
}

// fieldNames returns the names of fields.
func fieldNames(fields []source.Field) []string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = f.Name
	}
	return out
}

// find returns which of the fields has that name, -1 when none has.
func find(fields []source.Field, name string) int {
	return slices.IndexFunc(fields, func(f source.Field) bool { return strings.EqualFold(strings.TrimSpace(f.Name), name) })
}

// free returns name, with a number behind it when it is taken already, in
// whatever case: not all formats tell cases apart.
func (m *mapping) free(name string) string {
	out := name
	for i := 2; m.field(out) >= 0; i++ {
		out = fmt.Sprintf("%s_%d", name, i)
	}
	return out
}

func kindOf(k source.Kind) edition.FieldKind {
	switch k {
	case source.Integer:
		return edition.Integer
	case source.Real:
		return edition.Real
	case source.Bool:
		return edition.Bool
	case source.Date:
		return edition.Date
	}
	return edition.Text
}

// join lets a further source of the same layer add its fields: the columns of
// the result are parallel to the fields of both.
func (m *mapping) join(next mapping) {
	for i, f := range next.fields {
		if m.field(f.Name) < 0 {
			m.fields = append(m.fields, f)
			m.columns = append(m.columns, column{-1, next.columns[i].kind, next.columns[i].code})
		}
	}
}

// settled is the mapping of a layer whose fields are settled already.
func settled(p *profiles.Profile, fields []edition.Field) mapping {
	m := mapping{fields: fields}
	for _, f := range fields {
		m.columns = append(m.columns, column{-1, f.Kind, f.Known && p.IsCode(f.Name)})
	}
	return m
}

// own are the fields that an export of ours adds to a layer's own.
var own = []string{"gengtu_id", "area_m2"}

// exported returns those fields of m that an export of ours added: without the first
// of [own] they are somebody else's.
func (m *mapping) exported() []string {
	if m.field(own[0]) < 0 {
		return nil
	}
	return m.named(own)
}

// named returns the fields of m that have one of names, in whatever case.
func (m *mapping) named(names []string) []string {
	var out []string
	for _, name := range names {
		if i := m.field(name); i >= 0 {
			out = append(out, m.fields[i].Name)
		}
	}
	return out
}

// leave takes fields out.
func (m *mapping) leave(names []string) {
	gone := func(name string) bool { return slices.Contains(names, name) }
	var columns []column
	for i := range m.fields {
		if !gone(m.fields[i].Name) {
			columns = append(columns, m.columns[i])
		}
	}
	m.columns = columns
	m.fields = slices.DeleteFunc(m.fields, func(f edition.Field) bool { return gone(f.Name) })
	m.unknown = slices.DeleteFunc(m.unknown, gone)
}

// lacks lists the fields of next that m does not have.
func (m *mapping) lacks(next mapping) []string {
	var out []string
	for _, f := range next.fields {
		if m.field(f.Name) < 0 {
			out = append(out, f.Name)
		}
	}
	return out
}

// onto returns next's columns in the order of m's fields.
func (m *mapping) onto(next mapping) []column {
	out := make([]column, len(m.fields))
	for i, f := range m.fields {
		out[i] = column{-1, f.Kind, m.columns[i].code}
		if j := next.field(f.Name); j >= 0 {
			out[i].from = next.columns[j].from
		}
	}
	return out
}

func (m *mapping) field(name string) int {
	return slices.IndexFunc(m.fields, func(f edition.Field) bool { return strings.EqualFold(f.Name, name) })
}
