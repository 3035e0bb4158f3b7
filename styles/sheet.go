// Package styles holds the look of each layer once: colours, line widths,
// labels, hatching and drawing order, in an embedded YAML sheet that a person
// can edit. The MapLibre style ([Sheet.MapLibre]), the legend ([Sheet.Legend]), the
// sprite ([Sheet.Sprite]) and the painter of picture tiles all read it.
//
// A sheet is checked when it is read, so that what a [Sheet] holds can be drawn
// without further checks. A sheet and everything in it is shared and is not
// changed after [Parse].
//
// The package knows nothing of features, tiles or HTTP: a caller says which
// layers there are, with which zooms and fields.
package styles

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"
)

//go:embed styles.yaml
var embedded []byte

// MaxZoom is the highest zoom that a sheet or a style may name: MapLibre's own
// limit (style specification, layers/maxzoom).
const MaxZoom = 24

// maxDashes bounds a dash pattern; patterns on maps have two to six parts.
const maxDashes = 16

// ErrSheet is wrapped by every error of [Parse].
var ErrSheet = errors.New("style sheet not valid")

// Text is a name in the two languages of the product.
type Text struct {
	Zh string `json:"zh" yaml:"zh"`
	En string `json:"en" yaml:"en"`
}

// Sheet is the look of all layers.
type Sheet struct {
	// Name and Title are those of a named style, [DefaultName] for the sheet itself.
	Name  string
	Title Text
	// Background is the colour of the map where there is nothing.
	Background Color
	// Font is the name that labels ask glyphs by.
	Font string
	// Layers stand in drawing order, the lowest first.
	Layers []Layer
	// Unknown is the look of every layer that is not in Layers.
	Unknown Layer
	// Digest is a short name of the sheet's text: two sheets of one digest look alike.
	Digest string
	// Styles are the other looks that the sheet has names for; see [Sheet.Style].
	Styles []*Sheet

	fields map[string]string // by layer, the fields of a named style's own classes
}

// Layer is the look of one layer.
type Layer struct {
	// Name is the layer's name in tiles and addresses.
	Name string
	// Title is what a person calls it.
	Title Text
	// ClassField is the attribute that chooses a class, "" when the layer has
	// one look.
	ClassField string
	// Classes are the classes of the layer, the longest code first and codes of
	// one length in order.
	Classes []Class
	// Whole says that a class takes its own code alone: codes are numbers, of
	// which 1 is not the beginning of 12.
	Whole bool
	// Late says that tiles carry ClassField only where features are parcels: merged
	// shapes are made by the field of the sheet's own classes.
	Late bool
	// Fill is the fill of features that no class takes.
	Fill Fill
	// Line is the outline of every feature.
	Line Line
	// Hatch is drawn over the fill; its Width is 0 when there is none.
	Hatch Hatch
	// Label is nil for layers without labels.
	Label *Label
}

// Class is a fill colour for the features whose class field begins with Code, or
// is Code where the layer's codes are [Layer.Whole].
type Class struct {
	Code  string
	Title Text
	Fill  Color
}

// Fill is how areas are filled.
type Fill struct {
	Color   Color
	Opacity Stops
}

// Line is how areas are outlined. Dash holds lengths of lines and gaps in line
// widths, empty for a solid line. Always says that the outline is also drawn at
// zooms where parcels are merged.
type Line struct {
	Color   Color
	Opacity Stops
	Width   Stops
	Dash    []float64
	Always  bool
}

// Label is how features are named on the map: the text is the attribute Field.
type Label struct {
	Field     string
	Color     Color
	Halo      Color
	HaloWidth float64
	Size      Stops
	MinZoom   int
	// CodeField is the attribute whose length tells a place's level, and Levels
	// the zoom from which names of each level stand; without Levels all do.
	CodeField string
	Levels    []Level
}

// Level is the zoom from which places stand whose codes have Length characters or
// more, up to the next Level.
type Level struct {
	Length int
	Zoom   float64
}

// LabelPadding is the room that a label keeps free around itself, in CSS pixels.
const LabelPadding = 4

// ShownAt tells whether the label of a place stands at zoom whose code has length
// characters.
func (l *Label) ShownAt(length int, zoom float64) bool {
	shown := len(l.Levels) == 0
	for _, v := range l.Levels {
		if v.Length <= length {
			shown = zoom >= v.Zoom
		}
	}
	return shown
}

// Default returns the embedded sheet. It is shared and must not be changed.
func Default() *Sheet { return defaultSheet() }

// defaultSheet reads the embedded sheet once. A sheet that is not valid cannot
// be shipped: the tests of this package read it.
var defaultSheet = sync.OnceValue(func() *Sheet {
	s, err := Parse(embedded)
	if err != nil {
		panic(err)
	}
	return s
})

// Layer returns the look of the layer name. A layer that the sheet does not know
// has the look of Unknown with name as its name and title.
func (s *Sheet) Layer(name string) Layer {
	for _, l := range s.Layers {
		if l.Name == name {
			return l
		}
	}
	l := s.Unknown
	l.Name, l.Title = name, Text{name, name}
	return l
}

// Order returns the place of the layer name in the drawing order, the lowest
// first. Layers that the sheet does not know share a place above dltb and below
// all others.
func (s *Sheet) Order(name string) int {
	for i, l := range s.Layers {
		if l.Name == name {
			return 2 * i
		}
	}
	return 2*slices.IndexFunc(s.Layers, func(l Layer) bool { return l.Name == "dltb" }) + 1
}

// ClassOf returns the index in Classes of the longest code that code begins
// with, or of code itself where codes are Whole; -1 when there is none.
func (l Layer) ClassOf(code string) int {
	if l.Whole {
		return slices.IndexFunc(l.Classes, func(c Class) bool { return code == c.Code })
	}
	return slices.IndexFunc(l.Classes, func(c Class) bool { return strings.HasPrefix(code, c.Code) })
}

// raw is the sheet as it is written.
type raw struct {
	Background Color              `yaml:"background"`
	Font       string             `yaml:"font"`
	Schemes    map[string][]entry `yaml:"schemes"`
	Layers     []rawLayer         `yaml:"layers"`
	Unknown    rawLayer           `yaml:"unknown"`
	Styles     []rawStyle         `yaml:"styles"`
}

type entry struct {
	Code string `yaml:"code"`
	Text `yaml:",inline"`
	Fill Color `yaml:"fill"`
}

type rawLayer struct {
	Name    string `yaml:"name"`
	Text    `yaml:",inline"`
	Classes *rawClasses `yaml:"classes"`
	Fill    struct {
		Color   Color `yaml:"color"`
		Opacity Stops `yaml:"opacity"`
	} `yaml:"fill"`
	Hatch *struct {
		Color   Color   `yaml:"color"`
		Opacity *Stops  `yaml:"opacity"`
		Width   float64 `yaml:"width"`
		Spacing int     `yaml:"spacing"`
		Lines   Lines   `yaml:"lines"`
	} `yaml:"hatch"`
	Line struct {
		Color   Color     `yaml:"color"`
		Opacity *Stops    `yaml:"opacity"`
		Width   Stops     `yaml:"width"`
		Dash    []float64 `yaml:"dash"`
		Always  bool      `yaml:"always"`
	} `yaml:"line"`
	Label *struct {
		Field     string          `yaml:"field"`
		Color     Color           `yaml:"color"`
		Halo      Color           `yaml:"halo"`
		HaloWidth float64         `yaml:"halo_width"`
		Size      Stops           `yaml:"size"`
		MinZoom   int             `yaml:"min_zoom"`
		Code      string          `yaml:"code"`
		Levels    map[int]float64 `yaml:"levels"`
	} `yaml:"label"`
}

type rawClasses struct {
	Field  string `yaml:"field"`
	Scheme string `yaml:"scheme"`
	Within string `yaml:"within"`
	Whole  bool   `yaml:"whole"`
}

// Parse reads a sheet and checks it: every colour, range, name and reference.
// Its errors wrap [ErrSheet] and name the layer and the key. data is not kept.
func Parse(data []byte) (*Sheet, error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	var r raw
	if err := dec.Decode(&r); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%w: it is empty", ErrSheet)
		}
		return nil, fmt.Errorf("%w: %w", ErrSheet, err)
	}
	sum := sha256.Sum256(data)
	s := &Sheet{Digest: hex.EncodeToString(sum[:8]), Name: DefaultName, Title: defaultTitle, Background: r.Background, Font: r.Font}
	if r.Font == "" || strings.ContainsAny(r.Font, ",/{}?#") {
		return nil, fmt.Errorf("%w: font %q: a name without , / { } ? # is needed", ErrSheet, r.Font)
	}
	if !r.Background.set {
		return nil, fmt.Errorf("%w: background is missing", ErrSheet)
	}
	seen := map[string]bool{}
	for i, rl := range r.Layers {
		l, err := rl.layer(r.Schemes)
		if err != nil {
			return nil, fmt.Errorf("%w: layer %d (%q): %w", ErrSheet, i+1, rl.Name, err)
		}
		if !layerName.MatchString(l.Name) || seen[l.Name] {
			return nil, fmt.Errorf("%w: layer %d: name %q: it must be new and match %s",
				ErrSheet, i+1, l.Name, layerName)
		}
		if l.Title.Zh == "" || l.Title.En == "" {
			return nil, fmt.Errorf("%w: layer %q: zh and en titles are needed", ErrSheet, l.Name)
		}
		seen[l.Name] = true
		s.Layers = append(s.Layers, l)
	}
	var err error
	if s.Unknown, err = r.Unknown.layer(r.Schemes); err != nil {
		return nil, fmt.Errorf("%w: unknown: %w", ErrSheet, err)
	}
	if err := s.addStyles(r); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSheet, err)
	}
	return s, nil
}

var layerName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)

// layer checks r and resolves its classes.
func (r rawLayer) layer(schemes map[string][]entry) (Layer, error) {
	l := Layer{Name: r.Name, Title: r.Text}
	if !r.Fill.Color.set || !r.Line.Color.set {
		return l, errors.New("fill and line need a color")
	}
	l.Fill = Fill{r.Fill.Color, r.Fill.Opacity}
	l.Line = Line{r.Line.Color, orOpaque(r.Line.Opacity), r.Line.Width, r.Line.Dash, r.Line.Always}
	err := errors.Join(
		l.Fill.Opacity.check("fill opacity", 1),
		l.Line.Width.check("line width", 64),
		l.Line.Opacity.check("line opacity", 1),
	)
	if len(l.Line.Dash)%2 != 0 || len(l.Line.Dash) > maxDashes {
		err = errors.Join(err, fmt.Errorf("dash has %d lengths, an even number up to %d is needed", len(l.Line.Dash), maxDashes))
	}
	for _, d := range l.Line.Dash {
		// A dash of nothing would be drawn without end.
		if !(d >= 0.1 && d <= 100) {
			err = errors.Join(err, fmt.Errorf("dash length %v is not in [0.1, 100]", d))
		}
	}
	return l, errors.Join(err, l.addHatch(r), l.addLabel(r), l.addClasses(r.Classes, schemes))
}

func (l *Layer) addHatch(r rawLayer) error {
	if r.Hatch == nil {
		return nil
	}
	l.Hatch = Hatch{r.Hatch.Color, orOpaque(r.Hatch.Opacity), r.Hatch.Width, r.Hatch.Spacing, cmp.Or(r.Hatch.Lines, LinesRising)}
	if ways := []Lines{LinesRising, LinesFalling, LinesCrossed, LinesLevel, LinesUpright}; !slices.Contains(ways, l.Hatch.Lines) {
		return fmt.Errorf("hatch lines %q are none of %q", l.Hatch.Lines, ways)
	}
	if l.Hatch.Spacing == 0 {
		l.Hatch.Spacing = 8
	}
	if !slices.Contains([]int{4, 8, 16, 32}, l.Hatch.Spacing) {
		return fmt.Errorf("hatch spacing %d is none of 4, 8, 16, 32", l.Hatch.Spacing)
	}
	if !r.Hatch.Color.set || !(l.Hatch.Width > 0) {
		return errors.New("hatch needs a color and a width above 0")
	}
	return errors.Join(l.Hatch.Opacity.check("hatch opacity", 1),
		within("hatch width", l.Hatch.Width, float64(l.Hatch.Spacing)/2))
}

func (l *Layer) addLabel(r rawLayer) error {
	if r.Label == nil {
		return nil
	}
	l.Label = &Label{
		Field: r.Label.Field, Color: r.Label.Color, Halo: r.Label.Halo, HaloWidth: r.Label.HaloWidth,
		Size: r.Label.Size, MinZoom: r.Label.MinZoom, CodeField: r.Label.Code,
	}
	if err := l.Label.addLevels(r.Label.Levels); err != nil {
		return err
	}
	if l.Label.Field == "" || !r.Label.Color.set || !r.Label.Halo.set {
		return errors.New("label needs field, color and halo")
	}
	return errors.Join(l.Label.Size.check("label size", 128),
		within("label halo_width", l.Label.HaloWidth, 16), within("label min_zoom", float64(l.Label.MinZoom), MaxZoom))
}

// maxLevels bounds the levels of places; codes have six (2, 4, 6, 9, 12 and 14
// characters).
const maxLevels = 16

func (l *Label) addLevels(levels map[int]float64) error {
	if len(levels) > 0 && l.CodeField == "" || len(levels) > maxLevels {
		return fmt.Errorf("label levels need a code, and there may be %d", maxLevels)
	}
	for _, length := range slices.Sorted(maps.Keys(levels)) {
		v := Level{length, levels[length]}
		if err := within("label level's zoom", v.Zoom, MaxZoom); err != nil {
			return err
		}
		if n := len(l.Levels); length < 1 || n > 0 && v.Zoom <= l.Levels[n-1].Zoom {
			return fmt.Errorf("label level %d: lengths begin at 1, and longer codes at higher zooms", length)
		}
		l.Levels = append(l.Levels, v)
	}
	return nil
}

func (l *Layer) addClasses(r *rawClasses, schemes map[string][]entry) error {
	if r == nil {
		return nil
	}
	scheme, ok := schemes[r.Scheme]
	if !ok || r.Field == "" {
		return fmt.Errorf("classes need a field and a known scheme, not %q", r.Scheme)
	}
	l.ClassField, l.Whole = r.Field, r.Whole
	for _, e := range scheme {
		if e.Code == "" || e.Zh == "" || e.En == "" || !e.Fill.set {
			return fmt.Errorf("scheme %q: class %q needs code, zh, en and fill", r.Scheme, e.Code)
		}
		if strings.HasPrefix(e.Code, r.Within) {
			l.Classes = append(l.Classes, Class{e.Code, e.Text, e.Fill})
		}
	}
	slices.SortStableFunc(l.Classes, func(a, b Class) int {
		if len(a.Code) != len(b.Code) {
			return len(b.Code) - len(a.Code)
		}
		return strings.Compare(a.Code, b.Code)
	})
	for i := 1; i < len(l.Classes); i++ {
		if l.Classes[i].Code == l.Classes[i-1].Code {
			return fmt.Errorf("scheme %q: class %q twice", r.Scheme, l.Classes[i].Code)
		}
	}
	if len(l.Classes) == 0 {
		return fmt.Errorf("scheme %q has no class within %q", r.Scheme, r.Within)
	}
	return nil
}

// orOpaque returns opacity 1 where none is given.
func orOpaque(s *Stops) Stops {
	if s == nil {
		return Stops{{0, 1}}
	}
	return *s
}

// within checks that v lies in [0, limit].
func within(what string, v, limit float64) error {
	if v >= 0 && v <= limit {
		return nil
	}
	return fmt.Errorf("%s %v is not in [0, %v]", what, v, limit)
}
