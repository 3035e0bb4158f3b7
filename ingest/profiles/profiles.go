// Package profiles holds what is known of each layer that deliveries bring: its
// fields under the names that a standard gives them, the other names that they
// come by, their types, lengths, ranges and code lists, which are required, which
// speak of a person, and what each is for.
//
// All of it is data: one YAML file a profile, and domains.yaml with the code lists
// that they share, embedded and replaceable by files of the user's ([Load]). Each
// fact names its source; what no text of a standard confirms is marked so. A file
// is refused with its line when it says something that nothing here understands.
//
// The package reads no delivery and judges no value: ingest maps by it, and
// ingest/check judges by it. A [Set] and all in it are never changed after loading,
// so that any number of goroutines may read them.
package profiles

import (
	"slices"
	"strings"

	"gengtu/index/edition"
)

// Geometry is the kind of shapes that a layer has.
type Geometry string

// The kinds of shapes. A layer whose Geometry is Polygon or Table may be stored; what
// is Optional comes with polygons or as a table without any.
const (
	Polygon  Geometry = "polygon"
	Line     Geometry = "line"
	Table    Geometry = "none"
	Optional Geometry = "optional"
)

// Profile is what is known of one layer.
type Profile struct {
	// Name is the layer's name in gengtu, and the name of the file without ending.
	Name  string        `yaml:"name"`
	Title edition.Title `yaml:"title"`
	// Like names the profile whose fields and purposes this one takes over where it
	// does not say otherwise; Without lists fields that it does not take over. A file
	// of the user's that is like its own name builds on the embedded one.
	Like    string   `yaml:"like"`
	Without []string `yaml:"without"`
	// Files are the names that files and tables of the layer have, without folder and
	// ending, in any case: * stands for any text, [0-9] for a digit. An entry may hold
	// several, with | between them, which are names of the same data; those of different
	// entries add up. [Set.Find] says which of several layers a name is of.
	Files []string `yaml:"files"`
	// Serves names the layer that such a file is taken as where a whole delivery has none
	// of that layer.
	Serves string `yaml:"serves"`
	// Update tells that the layer is part of an update package: it changes another layer
	// and is not taken as one of a delivery.
	Update bool `yaml:"update"`
	// Fits are other layers that such a file may be given as without a doubt.
	Fits []string `yaml:"fits"`
	// ByName tells that the fields alone do not tell this layer from another: it is
	// guessed by the name of a file only.
	ByName bool `yaml:"by_name"`
	// Optional tells that no field that is taken over from another profile is required.
	Optional bool     `yaml:"optional"`
	Geometry Geometry `yaml:"geometry"`
	// Scheme names the classification that DLBM follows: survey3 is the working
	// classification of the third survey. "" when the layer has no classes.
	Scheme string `yaml:"dl_scheme"`
	// Cropland tells which features are cropland; no condition: the layer does not say.
	Cropland Conditions `yaml:"cropland"`
	// Key are the business keys, the best first; Patch and Net the fields with the
	// areas of record in m²; Place the codes of place, the best first; Code the fields
	// that ?code= looks up; Class the field that tells merged shapes apart.
	Key   []string `yaml:"key"`
	Patch string   `yaml:"patch"`
	Net   string   `yaml:"net"`
	Place []string `yaml:"place"`
	// Units are further fields with codes of place, such as the owner's, by which no
	// feature is placed.
	Units []string `yaml:"units"`
	Code  []string `yaml:"code"`
	Class string   `yaml:"class"`
	// Source names where the facts come from that name no source of their own, by the
	// marks of SOURCES.md; Unconfirmed says what of the profile no text of a
	// standard confirms, "" when nothing is doubted.
	Source      string  `yaml:"source"`
	Unconfirmed string  `yaml:"unconfirmed"`
	Fields      []Field `yaml:"fields"`

	// Standard tells that there is a profile for this very layer.
	Standard bool `yaml:"-"`
	// File is the file that the profile was read from, as a person may open it.
	File string `yaml:"-"`
}

// Field is one field of a profile.
type Field struct {
	// Name is the standard name, Zh what it means, Alias the other names that it
	// comes by. Names are matched without regard to case.
	Name  string            `yaml:"name"`
	Zh    string            `yaml:"zh"`
	Alias []string          `yaml:"alias"`
	Kind  edition.FieldKind `yaml:"type"`
	// Length is the greatest number of characters (of text) or digits (of numbers,
	// the point not counted) that a source declares, Decimals the digits after the
	// point; 0 where none is known. A delivery that declares less is no fault.
	Length   int `yaml:"length"`
	Decimals int `yaml:"decimals"`
	// Exact are the numbers of characters that a value may have; none: any.
	Exact []int `yaml:"exact"`
	// Required fields must be there and have a value in each record; where
	// RequiredWhen has conditions, in the records for which all of them hold.
	Required     bool       `yaml:"required"`
	RequiredWhen Conditions `yaml:"required_when"`
	// Sign fields tell the layer from others that are much like it: a file without one
	// is hardly of this layer, though nothing is missing in it.
	Sign bool `yaml:"sign"`
	// OnlyWhen are the conditions under which the field may have a value other than
	// blank or 0; none: always.
	OnlyWhen Conditions `yaml:"only_when"`
	// Domain names the code list that values are from; of Cases the first whose
	// conditions hold goes before it.
	Domain string `yaml:"domain"`
	Cases  []Case `yaml:"cases"`
	// Names is the field whose code's name this field holds, such as DLBM of DLMC.
	Names string `yaml:"names"`
	// Range is what numbers lie in; nil: any.
	Range *Range `yaml:"range"`
	// Personal fields speak of a person and never leave the secure tier.
	Personal bool `yaml:"personal"`
	// Source names where what is said of the field comes from, "" as the profile's;
	// Unconfirmed tells that no text of a standard confirms it.
	Source      string `yaml:"source"`
	Unconfirmed bool   `yaml:"unconfirmed"`

	domain *Domain
}

// Case is a code list that holds under conditions.
type Case struct {
	When Conditions `yaml:"when"`
	// Domain names the list, or In is the list itself.
	Domain string   `yaml:"domain"`
	In     []string `yaml:"in"`

	domain *Domain
}

// Condition is about the text of one field of a record: it holds when the text is
// one of In, or begins with one of Prefix, and is none of Not. Without In and Prefix
// any text but a blank one will do.
type Condition struct {
	Field  string   `yaml:"field"`
	In     []string `yaml:"in"`
	Prefix []string `yaml:"prefix"`
	Not    []string `yaml:"not"`
}

// Conditions hold when each of them does.
type Conditions []Condition

// Hold tells whether all conditions hold of a record, of which value returns the
// text of a field by its standard name, "" for a blank or missing one.
func (c Conditions) Hold(value func(field string) string) bool {
	return !slices.ContainsFunc(c, func(c Condition) bool { return !c.holds(value(c.Field)) })
}

func (c *Condition) holds(text string) bool {
	if slices.Contains(c.Not, text) {
		return false
	}
	if len(c.In) == 0 && len(c.Prefix) == 0 {
		return text != ""
	}
	return slices.Contains(c.In, text) || slices.ContainsFunc(c.Prefix, func(p string) bool { return strings.HasPrefix(text, p) })
}

// Range is an interval of numbers; a bound that is nil does not bind.
type Range struct {
	// Min and Max belong to the interval, Above and Below do not.
	Min   *float64 `yaml:"min"`
	Max   *float64 `yaml:"max"`
	Above *float64 `yaml:"above"`
	Below *float64 `yaml:"below"`
}

// Holds tells whether v lies in the range. NaN lies in none.
func (r *Range) Holds(v float64) bool {
	return (r.Min == nil || v >= *r.Min) && (r.Max == nil || v <= *r.Max) &&
		(r.Above == nil || v > *r.Above) && (r.Below == nil || v < *r.Below) && v == v //nolint:gocritic // NaN is not itself
}

// Domain is a code list.
type Domain struct {
	// ID is the name that fields call it by.
	ID    string
	Title edition.Title
	Codes []Code
	// Open tells that the list is known not to be complete: a code that is not in it
	// is a doubt, no fault.
	Open        bool
	Source      string
	Unconfirmed string
}

// Code is one code of a domain.
type Code struct {
	Code string
	// Name is what the standard calls it; "" when only the code is known.
	Name string
	// Unconfirmed tells that the code or its name is not confirmed.
	Unconfirmed bool
}

// Has tells whether code is one of the domain's.
func (d *Domain) Has(code string) bool {
	return slices.ContainsFunc(d.Codes, func(c Code) bool { return c.Code == code })
}

// NameOf returns the name of a code; ok is false when the domain does not have the
// code or does not name it.
func (d *Domain) NameOf(code string) (name string, ok bool) {
	i := slices.IndexFunc(d.Codes, func(c Code) bool { return c.Code == code })
	if i < 0 {
		return "", false
	}
	return d.Codes[i].Name, d.Codes[i].Name != ""
}

// DomainIn returns the code list that the field's value must be from in a record, of
// which value returns the text of a field by its standard name: nil when there is none.
func (f *Field) DomainIn(value func(field string) string) *Domain {
	for i := range f.Cases {
		if f.Cases[i].When.Hold(value) {
			return f.Cases[i].domain
		}
	}
	return f.domain
}

// List returns the code list of the field whatever the record, nil when there is none.
func (f *Field) List() *Domain { return f.domain }

// Field returns the field of that standard name, nil when the profile has none.
func (p *Profile) Field(name string) *Field {
	i := slices.IndexFunc(p.Fields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		return nil
	}
	return &p.Fields[i]
}

// Knows tells whether the profile has a field of that standard name.
func (p *Profile) Knows(field string) bool { return p.Field(field) != nil }

// IsCode tells whether the field is one that things are looked up or told apart by.
func (p *Profile) IsCode(field string) bool {
	return field == p.Class || slices.Contains(p.Key, field) || slices.Contains(p.Code, field) || slices.Contains(p.Place, field)
}

// Required lists the fields that must be there, by their standard names.
func (p *Profile) Required() []string {
	var out []string
	for i := range p.Fields {
		if p.Fields[i].Required {
			out = append(out, p.Fields[i].Name)
		}
	}
	return out
}

// Match finds the profile's fields among the names that a delivery has: the result is
// parallel to p.Fields, each the place in names, or -1. A standard name goes before
// an alias, and each of names is taken once, without regard to case or blanks around it.
func (p *Profile) Match(names []string) []int {
	out := make([]int, len(p.Fields))
	taken := make([]bool, len(names))
	find := func(name string) int {
		i := slices.IndexFunc(names, func(s string) bool { return strings.EqualFold(strings.TrimSpace(s), name) })
		for i >= 0 && taken[i] {
			j := slices.IndexFunc(names[i+1:], func(s string) bool { return strings.EqualFold(strings.TrimSpace(s), name) })
			if j < 0 {
				return -1
			}
			i += 1 + j
		}
		return i
	}
	take := func(n, i int) {
		if out[n] = i; i >= 0 {
			taken[i] = true
		}
	}
	for n := range p.Fields {
		take(n, find(p.Fields[n].Name))
	}
	for n := range p.Fields {
		for _, a := range p.Fields[n].Alias {
			if out[n] < 0 {
				take(n, find(a))
			}
		}
	}
	return out
}
