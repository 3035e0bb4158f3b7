package styles

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
)

// DefaultName is the name of the look that a request without a style gets: by
// class.
const DefaultName = "default"

var defaultTitle = Text{"按地类", "By class"}

// maxStyles bounds the named styles of a sheet: each is one more picture of a
// tile that may be kept.
const maxStyles = 32

// rawStyle is a named style as it is written: what it changes of layers.
type rawStyle struct {
	Name   string `yaml:"name"`
	Text   `yaml:",inline"`
	Layers map[string]rawChange `yaml:"layers"`
}

// rawChange is what a named style changes of a layer: its classes, none where
// none are given, and its fill. What it does not name stays.
type rawChange struct {
	Classes *rawClasses `yaml:"classes"`
	Fill    *struct {
		Color   Color `yaml:"color"`
		Opacity Stops `yaml:"opacity"`
	} `yaml:"fill"`
}

var styleName = regexp.MustCompile(`^[a-z][a-z0-9]{0,31}$`)

// Style returns the look of that name: the sheet itself for "" and
// [DefaultName], or one of Styles; nil when there is none.
func (s *Sheet) Style(name string) *Sheet {
	if name == "" || name == s.Name {
		return s
	}
	if i := slices.IndexFunc(s.Styles, func(o *Sheet) bool { return o.Name == name }); i >= 0 {
		return s.Styles[i]
	}
	return nil
}

// Offered returns the looks that there are for layers: s itself, and each named
// style that shows at least one of them in classes of its own whose codes the
// layer's tiles carry. A style without classes is offered where there are some to
// leave out. It is for the sheet, not for one of its Styles.
func (s *Sheet) Offered(layers ...Shown) []*Sheet {
	out := []*Sheet{s}
	for _, o := range s.Styles {
		if slices.ContainsFunc(layers, func(l Shown) bool {
			field := o.fields[l.Name]
			if len(o.fields) == 0 {
				field = s.Layer(l.Name).ClassField
			}
			return field != "" && l.has(field)
		}) {
			out = append(out, o)
		}
	}
	return out
}

// addStyles reads the named styles of r, each a copy of s with its changes.
func (s *Sheet) addStyles(r raw) error {
	if len(r.Styles) > maxStyles {
		return fmt.Errorf("%d styles, at most %d may be named", len(r.Styles), maxStyles)
	}
	for i, rs := range r.Styles {
		if !styleName.MatchString(rs.Name) || s.Style(rs.Name) != nil {
			return fmt.Errorf("style %d: name %q: it must be new and match %s", i+1, rs.Name, styleName)
		}
		if rs.Zh == "" || rs.En == "" || len(rs.Layers) == 0 {
			return fmt.Errorf("style %q: zh and en titles and layers are needed", rs.Name)
		}
		out := &Sheet{Name: rs.Name, Title: rs.Text, Background: s.Background, Font: s.Font, Layers: slices.Clone(s.Layers), Unknown: s.Unknown, fields: map[string]string{}}
		for name, change := range rs.Layers {
			k := slices.IndexFunc(out.Layers, func(l Layer) bool { return l.Name == name })
			if k < 0 {
				return fmt.Errorf("style %q: there is no layer %q", rs.Name, name)
			}
			if err := out.Layers[k].change(change, r.Schemes); err != nil {
				return fmt.Errorf("style %q: layer %q: %w", rs.Name, name, err)
			}
			if f := out.Layers[k].ClassField; f != "" {
				out.fields[name] = f
			}
		}
		s.Styles = append(s.Styles, out)
	}
	return nil
}

func (l *Layer) change(c rawChange, schemes map[string][]entry) error {
	merged := l.ClassField
	l.ClassField, l.Classes, l.Whole = "", nil, false
	if c.Fill != nil {
		if !c.Fill.Color.set {
			return errors.New("fill needs a color")
		}
		l.Fill = Fill{c.Fill.Color, c.Fill.Opacity}
		if err := l.Fill.Opacity.check("fill opacity", 1); err != nil {
			return err
		}
	}
	err := l.addClasses(c.Classes, schemes)
	l.Late = l.ClassField != "" && l.ClassField != merged
	return err
}
