package reconcile

import (
	"fmt"
	"strings"

	"gengtu/index"
	"gengtu/index/analyze"
	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
)

// Figure is what kind of area a figure adds up. The kinds are never mixed in one.
type Figure string

// The kinds of figure.
const (
	Net    Figure = "net"    // net areas of record (TBDLMJ, YJJBNTMJ): without ridges
	Patch  Figure = "patch"  // areas of record of patches (TBMJ, YJJBNTTBMJ)
	Area   Figure = "area"   // ellipsoidal areas of features, added up
	Ground Figure = "ground" // ellipsoidal area, ground that features share counted once
)

// Figures are the kinds of figure.
var Figures = []Figure{Net, Patch, Area, Ground}

var figureTitles = map[Figure]edition.Title{
	Net:    {Zh: "库中净面积（不含田坎）", En: "net area of record, without ridges"},
	Patch:  {Zh: "库中图斑面积", En: "patch area of record"},
	Area:   {Zh: "椭球面积，逐个相加", En: "ellipsoidal area, features added up"},
	Ground: {Zh: "椭球面积，重叠只计一次", En: "ellipsoidal area, ground counted once"},
}

// ParseFigure returns the kind of that name, or a problem RECONCILE_FIGURE.
func ParseFigure(name string) (Figure, error) {
	if _, ok := figureTitles[Figure(name)]; ok {
		return Figure(name), nil
	}
	return "", problem.New("RECONCILE_FIGURE", "面积口径是 %.40q", "the kind of figure is %.40q", name).
		Advise("可用 net（净面积）、patch（图斑面积）、area（椭球面积）、ground（椭球面积，重叠计一次）", "there are net, patch, area and ground")
}

// Operand is one side of the question: a layer of an open edition, or reported figures.
type Operand struct {
	// Name is what the operand was called by whoever asks.
	Name  string
	Index *index.Index
	Layer *index.Layer
	// Class chooses the features whose class begins with it; "" is all.
	Class string
	// Figure is what is added up; "" is net where the layer has net areas of record,
	// else patch where it has those, else area.
	Figure Figure
	// Table is set instead of Layer for reported figures.
	Table *Table
}

// check refuses an operand that cannot be asked about, and settles its figure.
func (o *Operand) check() error {
	if o.Table != nil {
		return nil
	}
	m := o.Layer.Meta
	p := &o.Index.Manifest.Policy
	if !About.OpenIn(o.Index.Manifest) || p.RoundM2 > 0 || !p.MayTellFeatures() || o.Class != "" && !p.MayGroup(areas.ClassField) {
		return problem.New("POLICY", "本版的策略不允许对账：差额会说出策略所隐去的", "the policy of this edition does not reconcile: differences would tell what it withholds").
			Advise("在上一级版本中对账", "reconcile in the edition above")
	}
	if o.Figure == "" {
		switch {
		case m.NetM2 != nil:
			o.Figure = Net
		case m.PatchM2 != nil:
			o.Figure = Patch
		default:
			o.Figure = Area
		}
	}
	if _, err := ParseFigure(string(o.Figure)); err != nil {
		return err
	}
	if o.Figure == Net && m.NetM2 == nil || o.Figure == Patch && m.PatchM2 == nil {
		return problem.New("RECONCILE_FIGURE", "%[1]s 没有%[2]s", "%[1]s has no %[3]s", m.Key(), figureTitles[o.Figure].Zh, figureTitles[o.Figure].En).
			Advise("换一个口径：area 或 ground", "take another kind of figure: area or ground")
	}
	if o.Class != "" && (m.ClassField == "" || o.Layer.Field(m.ClassField) < 0) {
		return problem.New("RECONCILE_OPERAND", "%s 没有地类字段，不能按 %.20q 取", "%s has no field of classes to choose %.20q by", m.Key(), o.Class)
	}
	return nil
}

// side is an operand with what is looked up of its features.
type side struct {
	*Operand
	classes []string // by class number
	of      []uint16 // class number of each feature; nil where there are no classes
	places  []int32  // of each feature, in run.codes
	// survey tells the class of any ground in this state; nil where the edition has none.
	survey *side
	region *index.Layer
	// halfPatch and halfNet are half of the steps that the records lie on, in 0.01 m².
	halfPatch, halfNet float64
	missing            int // features without the figure
}

// surveyNames are the layers that tell classes of ground, the first that is there.
var surveyNames = []string{edition.Survey, edition.Cropland}

// load looks up what is needed of both sides.
func (r *run) load() error {
	for n, o := range []*Operand{&r.A, &r.B} {
		s, err := newSide(o)
		if err != nil {
			return err
		}
		v := o.Layer.Meta.Vintage
		// Of another vintage they would tell of borders that moved before or after: no cause.
		s.region = o.Index.Layer(edition.Region, v)
		for _, name := range surveyNames {
			l := o.Index.Layer(name, v)
			if l == nil || l.Meta.ClassField == "" && name != edition.Cropland {
				continue
			}
			if s.survey, err = newSide(&Operand{Index: o.Index, Layer: l}); err != nil {
				return err
			}
			break
		}
		least := int(r.rules.StepFeatures.Value)
		s.halfPatch = halfStep(o.Layer, s.takes, func(x index.Record) int64 { return x.Patch }, least)
		s.halfNet = halfStep(o.Layer, s.takes, func(x index.Record) int64 { return x.Net }, least)
		r.sides[n] = s
	}
	return nil
}

func newSide(o *Operand) (*side, error) {
	s := &side{Operand: o}
	l := o.Layer
	f := l.Field(l.Meta.ClassField)
	if l.Meta.ClassField == "" || f < 0 {
		return s, nil
	}
	c, err := l.Classes(f)
	if err != nil || c == nil || len(c.Values) > 1<<16-1 {
		return s, err
	}
	for _, v := range c.Values {
		text := ""
		if v != nil {
			text = fmt.Sprint(v)
		}
		s.classes = append(s.classes, text)
	}
	s.of = make([]uint16, l.Len())
	for i := range s.of {
		s.of[i] = uint16(c.Code(i))
	}
	return s, nil
}

// class returns the class of feature i, "" for none.
func (s *side) class(i int) string {
	if s.of == nil {
		return ""
	}
	return s.classes[s.of[i]]
}

// takes tells whether feature i is one of the operand's.
func (s *side) takes(i int) bool {
	return s.Class == "" || strings.HasPrefix(s.class(i), s.Class)
}

// wanted is what classes of the operand's features begin with, "" where any do: cropland
// and what is designated on cropland have 01.
func (s *side) wanted() string {
	switch {
	case s.Class != "":
		return s.Class
	case s.Layer.Meta.View != nil:
		return s.Layer.Meta.View.Prefix
	case s.Layer.Meta.Name == edition.Cropland, s.Layer.Meta.Name == edition.PermanentCropland, s.Layer.Meta.Name == edition.HighStandard:
		return edition.CroplandClass
	}
	return ""
}

// value is the figure of a whole feature in 0.01 m², and whether its record has it.
func (s *side) value(i int) (int64, bool) {
	x := s.Layer.Record(i)
	switch s.Figure {
	case Net:
		return x.Net, index.OfRecord(x.Net)
	case Patch:
		return x.Patch, index.OfRecord(x.Patch)
	}
	return hundredths(x.AreaM2), true
}

// total adds the figure up feature by feature, without any ground.
func (s *side) total() (sum analyze.Area, features, missing int) {
	for i := range s.Layer.Len() {
		if !s.takes(i) {
			continue
		}
		features++
		v, ok := s.value(i)
		if !ok {
			missing++
			continue
		}
		sum += analyze.Area(v)
	}
	return sum, features, missing
}

// density is what a feature's figure is of for each m² of its ground: patch less the
// ridges, which are a coefficient of patch.
type density struct {
	patch  float64
	ridges float64 // coefficient, 0 to 1
	ok     bool    // the record has the figure
	// half is what rounding of the record may come to, in 0.01 m² a feature.
	half float64
	area float64 // of the feature, m²
}

func (s *side) density(i int) density {
	x := s.Layer.Record(i)
	d := density{patch: 1, ok: true, half: 0.5, area: x.AreaM2}
	if x.AreaM2 <= 0 {
		return d
	}
	perM2 := func(v int64) float64 { return geo.Hundredths(v).M2() / x.AreaM2 }
	switch s.Figure {
	case Net:
		patch, known := x.Patch, index.OfRecord(x.Patch)
		if c, ok := index.ComputedOf(x.Patch); ok {
			patch, known = c, true
		}
		d.ok, d.half = index.OfRecord(x.Net), s.halfNet
		switch {
		case d.ok && known && patch > 0:
			d.patch, d.ridges, d.half = perM2(patch), 1-float64(x.Net)/float64(patch), s.halfNet+s.halfPatch
		case d.ok:
			d.patch = perM2(x.Net)
		}
	case Patch:
		d.ok, d.half = index.OfRecord(x.Patch), s.halfPatch
		if d.ok {
			d.patch = perM2(x.Patch)
		}
	}
	return d
}
