// Package policy says what a tier may hold, and derives a lower edition from a
// higher one by it.
//
// A policy is a YAML file that a person edits. What it does not name stays
// behind: layers and fields leave secure by an allow-list. Nothing here is a
// switch of a running server; what may not be shown is not written.
package policy

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"gengtu/index/edition"
	"gengtu/index/setting"
	"gengtu/ingest"
)

//go:embed default.yaml
var defaultYAML []byte

// DefaultText returns the embedded policy's text, for a person to edit a copy.
func DefaultText() []byte { return bytes.Clone(defaultYAML) }

// Policy is a whole policy. It is not changed after Parse.
type Policy struct {
	Name  string                `yaml:"name"`
	Tiers map[edition.Tier]Tier `yaml:"tiers"`

	digest string
}

// Tier is what one tier may hold.
type Tier struct {
	// GridM is the step in metres of the grid that all vertices lie on, at least 1;
	// 0 keeps the geometry as it is.
	GridM float64 `yaml:"grid_m"`
	// MaxZoom is the highest zoom that is served.
	MaxZoom int `yaml:"max_zoom"`
	// PlaceDigits is how much of a feature's code of place is kept: 0, 2, 4, 6, 9,
	// 12 or 14 digits.
	PlaceDigits int `yaml:"place_digits"`
	// Pieces allows overlay to answer with single features.
	Pieces bool `yaml:"pieces"`
	// MaxAOIM2 and MinAOIM2 bound the shapes that overlay answers; 0 is no bound.
	MaxAOIM2   float64          `yaml:"max_aoi_m2"`
	MinAOIM2   float64          `yaml:"min_aoi_m2"`
	Use        edition.Title    `yaml:"use"`
	Disclaimer edition.Title    `yaml:"disclaimer"`
	Approval   string           `yaml:"approval"`
	Layers     map[string]Layer `yaml:"layers"`
}

// Layer is what a tier may hold of one layer.
type Layer struct {
	// Dissolve takes features' borders, ids and attributes away. It needs a grid.
	Dissolve bool `yaml:"dissolve"`
	// Fields are the fields that may be held; none where nothing is said.
	Fields Fields `yaml:"fields"`
	// Except are fields that `known` does not mean.
	Except []string `yaml:"except"`
}

// Fields is a list of names, or all fields that the profile knows.
type Fields struct {
	Known bool
	Names []string
}

// UnmarshalYAML reads `known` or a list of names.
func (f *Fields) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		if n.Value != "known" {
			return fmt.Errorf("line %d: fields is %q; write known or a list of names", n.Line, n.Value)
		}
		f.Known = true
		return nil
	}
	return n.Decode(&f.Names)
}

// Default returns the embedded policy.
func Default() (*Policy, error) { return Parse("default", defaultYAML) }

// kind is what a policy is as a file; the embedded one has 3,000 bytes.
var kind = setting.Kind{
	Code: "POLICY_FILE", MaxBytes: 1 << 20,
	AdviceZh: "以 gengtu policy show 的输出为样本", AdviceEn: "take what gengtu policy show prints as a sample",
}

// Parse reads a policy. The path is for messages only. What the form does not
// know is a problem with its line: a word that is misspelt must not let anything
// through. Fields that speak of a person, and fields that the layer's profile
// does not know, cannot be let through at all.
func Parse(path string, data []byte) (*Policy, error) {
	p := &Policy{}
	text, err := kind.Read(path, data, p)
	if err != nil {
		return nil, err
	}
	f, err := p.check()
	if err != nil {
		return nil, err
	}
	if f != nil {
		return nil, text.Problem(text.Line(f.path...), "%[1]s：%[2]s", "%[1]s: %[3]s", strings.Join(f.path, "."), f.zh, f.en)
	}
	sum := sha256.Sum256(data)
	p.digest = hex.EncodeToString(sum[:])
	return p, nil
}

// fault is what is wrong with an entry of a policy.
type fault struct {
	path   []string
	zh, en string
}

func faultAt(path []string, zh, en string, args ...any) *fault {
	return &fault{path, fmt.Sprintf(zh, args...), fmt.Sprintf(en, args...)}
}

// check returns the first fault of the policy, in the order of names.
func (p *Policy) check() (*fault, error) {
	if len(p.Tiers) == 0 {
		return faultAt([]string{"tiers"}, "没有写任何一版", "it names no tier"), nil
	}
	for _, name := range slices.Sorted(maps.Keys(p.Tiers)) {
		t, at := p.Tiers[name], []string{"tiers", string(name)}
		if name != edition.Government && name != edition.Public {
			return faultAt(at, "只能派生 government 和 public", "only government and public are derived"), nil
		}
		if f := t.check(at); f != nil {
			return f, nil
		}
		for _, l := range slices.Sorted(maps.Keys(t.Layers)) {
			f, err := t.Layers[l].check(l, t.GridM, append(slices.Clone(at), "layers", l))
			if f != nil || err != nil {
				return f, err
			}
		}
	}
	return nil, nil
}

// placeDigits are the lengths that a code of place may be cut to.
var placeDigits = []int{0, 2, 4, 6, 9, 12, 14}

// check returns the tier's first fault. Comparisons are such that NaN fails.
func (t *Tier) check(at []string) *fault {
	in := func(field string) []string { return append(slices.Clone(at), field) }
	area := func(v float64) bool { return v >= 0 && v <= 1e15 }
	switch {
	case !(t.GridM == 0 || t.GridM >= 1 && t.GridM <= 10_000):
		return faultAt(in("grid_m"), "网格是 %v，应为 0 或 1 到 10000 米", "the grid is %v; it is 0 or lies in [1, 10000] m", t.GridM)
	case t.MaxZoom < 1 || t.MaxZoom > 18:
		return faultAt(in("max_zoom"), "最高级别是 %d，应在 1 到 18 之间", "the zoom is %d; it lies in [1, 18]", t.MaxZoom)
	case !slices.Contains(placeDigits, t.PlaceDigits):
		return faultAt(in("place_digits"), "位数是 %d，应为 %v 之一", "the number of digits is %d; it is one of %v", t.PlaceDigits, placeDigits)
	case !area(t.MaxAOIM2):
		return faultAt(in("max_aoi_m2"), "面积 %v 不合理", "the area %v makes no sense", t.MaxAOIM2)
	case !area(t.MinAOIM2) || t.MaxAOIM2 > 0 && t.MinAOIM2 > t.MaxAOIM2:
		return faultAt(in("min_aoi_m2"), "面积 %v 不合理", "the area %v makes no sense", t.MinAOIM2)
	}
	return nil
}

// check returns the first fault of the rule for a layer.
func (r Layer) check(layer string, gridM float64, at []string) (*fault, error) {
	in := func(path ...string) []string { return append(slices.Clone(at), path...) }
	switch {
	case !edition.ValidLayer(layer):
		return faultAt(at, "图层名不合规", "the layer's name is not allowed"), nil
	case r.Dissolve && gridM == 0:
		return faultAt(in("dissolve"), "融合需要 grid_m", "dissolve needs grid_m"), nil
	case r.Dissolve && (r.Fields.Known || len(r.Fields.Names) > 0):
		return faultAt(in("fields"), "融合后的要素没有字段", "dissolved features have no fields"), nil
	case len(r.Except) > 0 && !r.Fields.Known:
		return faultAt(in("except"), "except 只能与 fields: known 同用", "except goes with fields: known alone"), nil
	}
	p, err := ingest.ProfileOf(layer)
	if err != nil {
		return nil, err
	}
	for _, n := range r.Fields.Names {
		personal, err := ingest.PersonalField(n)
		switch {
		case err != nil:
			return nil, err
		case personal:
			return faultAt(in("fields", n), "%.40s 是个人信息，不能离开涉密版", "%.40s speaks of a person and never leaves secure", n), nil
		case p.Standard && !p.Knows(n):
			return faultAt(in("fields", n), "图层 %s 没有标准字段 %.40s；标准之外的字段不能离开涉密版", "layer %s has no standard field %.40s, and others never leave secure", layer, n), nil
		}
	}
	for _, n := range r.Except {
		if !p.Knows(n) {
			return faultAt(in("except", n), "图层 %s 没有标准字段 %.40s", "layer %s has no standard field %.40s", layer, n), nil
		}
	}
	return nil, nil
}

// allowed lists the fields of a layer that the rule lets through, by their place.
// A field that speaks of a person never passes, and one that is no standard field
// passes by its name alone, in layers for which there is no standard.
func (r Layer) allowed(l *edition.Layer) ([]int, error) {
	p, err := ingest.ProfileOf(l.Name)
	if err != nil {
		return nil, err
	}
	var out []int
	for i, f := range l.Fields {
		personal, err := ingest.PersonalField(f.Name)
		if err != nil {
			return nil, err
		}
		known := f.Known && p.Knows(f.Name)
		named := slices.Contains(r.Fields.Names, f.Name) && (known || !p.Standard)
		if (named || r.Fields.Known && known) && !slices.Contains(r.Except, f.Name) && !personal && !f.Personal {
			out = append(out, i)
		}
	}
	return out, nil
}

// lets tells whether the rule lets a standard field through, one that speaks of no
// person.
func (r Layer) lets(field string) bool {
	return field != "" && (r.Fields.Known || slices.Contains(r.Fields.Names, field)) && !slices.Contains(r.Except, field)
}

// Everything is the policy of a secure edition, which holds all that was
// delivered.
func Everything() edition.Policy {
	return edition.Policy{
		Name: "secure", Digest: "", Pieces: true,
		Use:        edition.Title{Zh: "涉密资料，按保密规定使用", En: "secret; to be used by the rules on secrets"},
		Disclaimer: edition.Title{Zh: "涉密版", En: "secure edition"},
	}
}

// reference is what a manifest carries of the policy.
func (p *Policy) reference(t Tier, g grid) edition.Policy {
	return edition.Policy{
		Name: p.Name, Digest: p.digest, GridM: t.GridM, GridLon: g.lon, GridLat: g.lat,
		MaxAOIM2: t.MaxAOIM2, MinAOIM2: t.MinAOIM2, Pieces: t.Pieces, Use: t.Use, Approval: t.Approval, Disclaimer: t.Disclaimer,
	}
}
