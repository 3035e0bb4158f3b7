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
// and what each is for. The zero value knows nothing, and fits every layer.
type Profile struct {
	Name     string         `yaml:"name"`
	Title    edition.Title  `yaml:"title"`
	Key      []string       `yaml:"key"`
	Patch    string         `yaml:"patch"`
	Net      string         `yaml:"net"`
	Place    string         `yaml:"place"`
	Code     []string       `yaml:"code"`
	Class    string         `yaml:"class"`
	Required []string       `yaml:"required"`
	Personal []string       `yaml:"personal"`
	Fields   []ProfileField `yaml:"fields"`
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

// ProfileOf returns the profile of the layer with that name; a profile that
// knows no field when there is none.
func ProfileOf(layer string) (Profile, error) {
	all, err := profiles()
	if err != nil {
		return Profile{}, err
	}
	for _, p := range all {
		if p.Name == layer {
			return p, nil
		}
	}
	return Profile{Name: layer, Title: edition.Title{Zh: layer, En: layer}}, nil
}

// column says where one field of a stored layer comes from.
type column struct {
	from int // among the source's values; -1 when this source has no such field
	kind edition.FieldKind
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
		m.add(edition.Field{
			Name: want.Name, Kind: want.Kind, Title: want.Zh, Known: true, Personal: personal,
			Tile: !personal, Code: slices.Contains(p.Code, want.Name),
		}, i)
	}
	for i, f := range fields {
		if taken[i] {
			continue
		}
		m.unknown = append(m.unknown, f.Name)
		m.add(edition.Field{
			Name: m.free(f.Name), Kind: kindOf(f.Kind), Tile: len(p.Fields) == 0,
		}, i)
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

func (m *mapping) add(f edition.Field, from int) {
	m.fields = append(m.fields, f)
	m.columns = append(m.columns, column{from, f.Kind})
}

// free returns name, with a number behind it when it is taken already.
func (m *mapping) free(name string) string {
	taken := func(n string) bool {
		return slices.ContainsFunc(m.fields, func(f edition.Field) bool { return f.Name == n })
	}
	out := name
	for i := 2; taken(out); i++ {
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
			m.columns = append(m.columns, column{-1, next.columns[i].kind})
		}
	}
}

// onto returns next's columns in the order of m's fields.
func (m *mapping) onto(next mapping) []column {
	out := make([]column, len(m.fields))
	for i, f := range m.fields {
		out[i] = column{-1, f.Kind}
		if j := next.field(f.Name); j >= 0 {
			out[i].from = next.columns[j].from
		}
	}
	return out
}

func (m *mapping) field(name string) int {
	return slices.IndexFunc(m.fields, func(f edition.Field) bool { return f.Name == name })
}
