// Package policy says what a tier may hold, and derives a lower edition from a
// higher one by it.
//
// A policy is a YAML file that a person edits. What it does not name stays
// behind: layers and fields leave secure by an allow-list. Nothing here is a
// switch of a running server; what may not be shown is not written.
package policy

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/index/setting"
	"gengtu/ingest"
)

//go:embed default.yaml
var defaultYAML []byte

// DefaultText returns the embedded policy's text, for a person to edit a copy.
func DefaultText() []byte { return bytes.Clone(defaultYAML) }

// Policy is a whole policy. It is not changed after Parse.
type Policy struct {
	Name  string                     `yaml:"name"`
	Tiers map[edition.Tier]TierRules `yaml:"tiers"`

	digest string
}

// TierRules are what one tier may hold, and what may be asked of it.
type TierRules struct {
	// GridM is the step in metres of the grid that all vertices lie on, at least 1;
	// 0 keeps the geometry as it is.
	GridM float64 `yaml:"grid_m"`
	// AsSurveyed says in so many words that geometry is kept as it is: public needs it
	// where there is no grid, and a grid leaves it no meaning.
	AsSurveyed bool `yaml:"as_surveyed"`
	// GeneraliseM is the width in metres of the cells that shapes are made of, a whole
	// multiple of GridM; 0 is GridM. What is narrower is not drawn.
	GeneraliseM float64 `yaml:"generalise_m"`
	// PrecisionM is the mean error (RMS) in metres that no position may be better
	// than; the grid has to be coarse enough for it. 0 says nothing.
	PrecisionM float64 `yaml:"precision_m"`
	// MinPatchM2 is the smallest patch that is shown, SmallPatches what becomes of
	// those that are smaller.
	MinPatchM2   float64 `yaml:"min_patch_m2"`
	SmallPatches Small   `yaml:"small_patches"`
	// MinZoom and MaxZoom are the lowest and the highest zoom that is served.
	MinZoom int `yaml:"min_zoom"`
	MaxZoom int `yaml:"max_zoom"`
	// PlaceDigits is how much of codes of place is kept, in whatever field they stand: 0,
	// 2, 4, 6, 9, 12, 14 or 19 digits, which is all.
	PlaceDigits int `yaml:"place_digits"`
	// Pieces allows overlay to answer with single features.
	Pieces bool `yaml:"pieces"`
	// Groups are the fields that answers may be grouped by.
	Groups Names `yaml:"groups"`
	// TotalsOnly allows no groups, single features or combinations in answers.
	TotalsOnly bool `yaml:"totals_only"`
	// RoundM2 is the step in m² that areas are rounded to, those of records when the
	// edition is made, all others where they are told; 0 is none.
	RoundM2 float64 `yaml:"round_m2"`
	// MaxAOIM2 and MinAOIM2 bound the shapes that overlay answers; 0 is no bound.
	MaxAOIM2 float64 `yaml:"max_aoi_m2"`
	MinAOIM2 float64 `yaml:"min_aoi_m2"`
	// Analyses are the questions that are answered: overlay, summary, diff, lineage
	// and those of gengtu analyze.
	Analyses   Names         `yaml:"analyses"`
	Use        edition.Title `yaml:"use"`
	Disclaimer edition.Title `yaml:"disclaimer"`
	Approval   string        `yaml:"approval"`
	// ApprovedBy names who may approve a publication; where it names anyone, publish
	// needs one of them. Document is the number of the document that says so.
	ApprovedBy []string         `yaml:"approved_by"`
	Document   string           `yaml:"document"`
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
	// GeneraliseM, MinPatchM2 and SmallPatches stand for the tier's where they are
	// given.
	GeneraliseM  *float64 `yaml:"generalise_m"`
	MinPatchM2   *float64 `yaml:"min_patch_m2"`
	SmallPatches Small    `yaml:"small_patches"`
	// Zooms are the lowest and the highest zoom that the layer is served at, within the
	// tier's; nil are the tier's.
	Zooms []int `yaml:"zooms"`
}

// Small is what becomes of a patch that is too small to be shown.
type Small string

// What becomes of small patches; "" is Merge where there is a grid.
const (
	// Merge gives a patch's cells to the neighbour of the same layer that it shares
	// the longest border with; one without neighbours is left out.
	Merge Small = "merge"
	// LeaveOut leaves it out.
	LeaveOut Small = "leave_out"
)

// small returns what is the smallest patch shown of a layer, and what becomes of
// smaller ones.
func (t *TierRules) small(r Layer) (float64, Small) {
	least, rule := t.MinPatchM2, cmp.Or(r.SmallPatches, t.SmallPatches, Merge)
	if r.MinPatchM2 != nil {
		least = *r.MinPatchM2
	}
	return least, rule
}

// cellM returns the width in metres of the cells that a layer's shapes are made of;
// 0 where they are as delivered.
func (t *TierRules) cellM(r Layer) float64 {
	if r.GeneraliseM != nil && *r.GeneraliseM > 0 {
		return *r.GeneraliseM
	}
	return cmp.Or(t.GeneraliseM, t.GridM)
}

// Names is a list of names, or any name. The zero value is any.
type Names struct {
	Listed bool
	Names  []string
}

// UnmarshalYAML reads `any`, `none` or a list of names.
func (n *Names) UnmarshalYAML(y *yaml.Node) error {
	n.Listed = true
	if y.Kind != yaml.ScalarNode {
		return y.Decode(&n.Names)
	}
	switch y.Value {
	case "any":
		n.Listed = false
	case "none":
	default:
		return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: %q is neither any, none nor a list of names", y.Line, y.Value)}}
	}
	return nil
}

// list is what a manifest carries: nil is any name.
func (n Names) list() []string {
	if !n.Listed {
		return nil
	}
	return append([]string{}, n.Names...)
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
// does not know, cannot be let through at all. The error is the first of what
// [Judge] finds.
func Parse(path string, data []byte) (*Policy, error) {
	p, found, err := Judge(path, data)
	if err == nil && len(found) > 0 {
		err = found[0]
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// Judge reads a policy as [Parse] does and lists all that is wrong with it, in the
// order of tiers and layers; the policy is good for nothing then. The error is of a
// text that cannot be read at all, or of this program's profiles.
func Judge(path string, data []byte) (*Policy, []*problem.Problem, error) {
	p := &Policy{}
	text, err := kind.Read(path, data, p)
	if err != nil {
		return nil, nil, err
	}
	faults, err := p.faults()
	if err != nil {
		return nil, nil, err
	}
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		return nil, nil, text.Problem(0, "%[1]v", "%[1]v", err).Because(err) // it has just been read
	}
	faults = append(append(faults, empties(&root)...), unsaid(p, &root)...)
	var found []*problem.Problem
	for _, f := range faults {
		found = append(found, text.Problem(text.Line(f.path...), "%[1]s：%[2]s", "%[1]s: %[3]s", strings.Join(f.path, "."), f.zh, f.en))
	}
	sum := sha256.Sum256(data)
	p.digest = hex.EncodeToString(sum[:])
	return p, found, nil
}

// Digest is the SHA-256 of the policy's text, in hex.
func (p *Policy) Digest() string { return p.digest }

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

// longestDegreeM is more than a degree of a meridian or parallel has anywhere, in metres
// (111,694 of a meridian at the pole): a step of so many degrees has no more metres.
const longestDegreeM = 111_700

// Limits is what the manifest of an edition of the tier has to say at the least, wherever
// it lies: its steps in degrees are the smallest that have the policy's metres anywhere.
func (p *Policy) Limits(tier edition.Tier) edition.Policy {
	t := p.Tiers[tier]
	least := int64(t.GridM / longestDegreeM * geo.Unit)
	return p.reference(&t, grid{least, least})
}

// reference is what a manifest carries of the policy.
func (p *Policy) reference(t *TierRules, g grid) edition.Policy {
	out := t.reference()
	out.Name, out.Digest, out.GridLon, out.GridLat = p.Name, p.digest, g.lon, g.lat
	return out
}

// reference is what a manifest carries of a tier's rules, but for the steps of its grid in
// degrees.
func (t *TierRules) reference() edition.Policy {
	return edition.Policy{
		GridM: t.GridM, PrecisionM: t.PrecisionM, MinZoom: t.MinZoom,
		MaxAOIM2: t.MaxAOIM2, MinAOIM2: t.MinAOIM2, Pieces: t.Pieces, Groups: t.Groups.list(), TotalsOnly: t.TotalsOnly,
		RoundM2: t.RoundM2, Analyses: t.Analyses.list(), Use: t.Use, Approval: t.Approval, Disclaimer: t.Disclaimer,
	}
}
