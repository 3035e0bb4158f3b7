package ingest

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"

	"gengtu/index/edition"
	"gengtu/ingest/source"
)

//go:embed profiles.yaml
var profilesYAML []byte

// Profile is what is known of a layer: its fields under their standard names
// and what each is for.
type Profile struct {
	Name     string         `yaml:"name"`
	Title    edition.Title  `yaml:"title"`
	Key      []string       `yaml:"key"`
	Patch    string         `yaml:"patch"`
	Net      string         `yaml:"net"`
	Place    []string       `yaml:"place"`
	Code     []string       `yaml:"code"`
	Class    string         `yaml:"class"`
	Required []string       `yaml:"required"`
	Personal []string       `yaml:"personal"`
	Fields   []ProfileField `yaml:"fields"`
	// Standard tells that there is a profile for this very layer.
	Standard bool `yaml:"-"`
}

// ProfileField is a field that a profile knows.
type ProfileField struct {
	Name  string            `yaml:"name"`
	Zh    string            `yaml:"zh"`
	Kind  edition.FieldKind `yaml:"type"`
	Alias []string          `yaml:"alias"`
}

var profiles = sync.OnceValues(func() ([]Profile, error) {
	var out []Profile
	d := yaml.NewDecoder(strings.NewReader(string(profilesYAML)))
	d.KnownFields(true)
	if err := d.Decode(&out); err != nil {
		return nil, fmt.Errorf("profiles.yaml: %w", err)
	}
	return out, nil
})

// ProfileOf returns the profile of the layer with that name. For a layer that
// has none it returns one that knows what every layer may have, a BSM and a code
// of place, and whose Standard is false.
func ProfileOf(layer string) (Profile, error) {
	all, err := profiles()
	if err != nil {
		return Profile{}, err
	}
	i := slices.IndexFunc(all, func(p Profile) bool { return p.Name == layer && p.Name != anyLayer })
	if i >= 0 {
		p := all[i]
		p.Standard = true
		return p, nil
	}
	i = slices.IndexFunc(all, func(p Profile) bool { return p.Name == anyLayer })
	if i < 0 {
		return Profile{}, fmt.Errorf("profiles.yaml: no profile %q", anyLayer)
	}
	p := all[i]
	p.Name, p.Title = layer, edition.Title{Zh: layer, En: layer}
	return p, nil
}

// anyLayer is the profile of layers that have none.
const anyLayer = "*"

// Knows tells whether the profile has a field of that name.
func (p *Profile) Knows(field string) bool {
	return slices.ContainsFunc(p.Fields, func(f ProfileField) bool { return f.Name == field })
}

// PersonalField tells whether any profile says of a field that it speaks of a
// person.
func PersonalField(name string) (bool, error) {
	all, err := profiles()
	return slices.ContainsFunc(all, func(p Profile) bool {
		return slices.ContainsFunc(p.Personal, func(s string) bool { return strings.EqualFold(s, name) })
	}), err
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
func (p *Profile) fit(fields []source.Field) mapping {
	var m mapping
	taken := make([]bool, len(fields))
	for _, want := range p.Fields {
		i := find(fields, taken, want.Name)
		for _, a := range want.Alias {
			if i < 0 {
				i = find(fields, taken, a)
			}
		}
		if i < 0 {
			if slices.Contains(p.Required, want.Name) {
				m.missing = append(m.missing, want.Name)
			}
			continue
		}
		taken[i] = true
		personal := slices.Contains(p.Personal, want.Name)
		m.fields = append(m.fields, edition.Field{
			Name: want.Name, Kind: want.Kind, Title: want.Zh, Known: true, Personal: personal,
			Tile: !personal, Code: slices.Contains(p.Code, want.Name),
		})
		m.columns = append(m.columns, column{i, want.Kind, p.isCode(want.Name)})
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

func find(fields []source.Field, taken []bool, name string) int {
	for i, f := range fields {
		if !taken[i] && strings.EqualFold(strings.TrimSpace(f.Name), name) {
			return i
		}
	}
	return -1
}

// isCode tells whether the field is one that things are looked up or told apart
// by.
func (p *Profile) isCode(field string) bool {
	return field == p.Class || slices.Contains(p.Key, field) || slices.Contains(p.Code, field) || slices.Contains(p.Place, field)
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
func (p *Profile) settled(fields []edition.Field) mapping {
	m := mapping{fields: fields}
	for _, f := range fields {
		m.columns = append(m.columns, column{-1, f.Kind, f.Known && p.isCode(f.Name)})
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
