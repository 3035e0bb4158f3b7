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
	"errors"
	"fmt"
	"io"

	"gopkg.in/yaml.v3"

	"gengtu/index/edition"
	"gengtu/index/problem"
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
	// GridM is the step in metres of the grid that all vertices lie on; 0 keeps
	// the geometry as it is.
	GridM float64 `yaml:"grid_m"`
	// MaxZoom is the highest zoom that is served.
	MaxZoom int `yaml:"max_zoom"`
	// PlaceDigits is how much of a feature's code of place is kept.
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
	// Fields are the fields that may be held.
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

// Parse reads a policy. The path is for messages only. What the form does not
// know is an error, with its line: a word that is misspelt must not let
// anything through.
func Parse(path string, data []byte) (*Policy, error) {
	p := &Policy{}
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	err := d.Decode(p)
	if err == nil {
		err = p.check()
	}
	if errors.Is(err, io.EOF) {
		err = errors.New("it is empty")
	}
	if err != nil {
		return nil, problem.New("POLICY_FILE", "策略文件不对（%v）", "the policy file is not right (%v)", err).In(path).
			Advise("以 gengtu policy show 的输出为样本", "take what gengtu policy show prints as a sample")
	}
	sum := sha256.Sum256(data)
	p.digest = hex.EncodeToString(sum[:])
	return p, nil
}

func (p *Policy) check() error {
	if len(p.Tiers) == 0 {
		return errors.New("it names no tier")
	}
	for name, t := range p.Tiers {
		if name != edition.Government && name != edition.Public {
			return fmt.Errorf("tier %q: only government and public are derived", name)
		}
		switch {
		case t.GridM < 0 || t.GridM > 10_000:
			return fmt.Errorf("tier %s: grid_m is %v, it lies in [0, 10000]", name, t.GridM)
		case t.MaxZoom < 1 || t.MaxZoom > 18:
			return fmt.Errorf("tier %s: max_zoom is %d, it lies in [1, 18]", name, t.MaxZoom)
		case t.PlaceDigits < 0 || t.PlaceDigits > 14:
			return fmt.Errorf("tier %s: place_digits is %d, it lies in [0, 14]", name, t.PlaceDigits)
		case t.MaxAOIM2 < 0 || t.MinAOIM2 < 0:
			return fmt.Errorf("tier %s: an area is negative", name)
		}
		for l, x := range t.Layers {
			if x.Dissolve && t.GridM == 0 {
				return fmt.Errorf("tier %s, layer %s: dissolve needs grid_m", name, l)
			}
			if x.Dissolve && (x.Fields.Known || len(x.Fields.Names) > 0) {
				return fmt.Errorf("tier %s, layer %s: dissolved features have no fields", name, l)
			}
		}
	}
	return nil
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
