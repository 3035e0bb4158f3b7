package profiles

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"gengtu/index/setting"
)

// extentsFile is the file of the provinces' extents.
const extentsFile = "extents.yaml"

// Extents says roughly where each province is, by which data are told that lie where they
// cannot be. It is data: see extents.yaml. Distances are in degrees.
type Extents struct {
	// Margin is added to each side of every extent; Apart is how far from each other two
	// layers of one county must lie to be in doubt.
	Margin float64
	Apart  float64
	China  Extent
	// Provinces are in the order of their codes.
	Provinces []Province
}

// Province is where the places of a two-digit code are.
type Province struct {
	Code   string `yaml:"code"`
	Zh     string `yaml:"zh"`
	En     string `yaml:"en"`
	Extent Extent `yaml:"extent"`
}

// Extent is a rectangle in degrees of CGCS2000: west, south, east, north.
type Extent [4]float64

// valid tells whether it is a rectangle on the Earth.
func (e Extent) valid() bool {
	return e[0] >= -180 && e[0] < e[2] && e[2] <= 180 && e[1] >= -90 && e[1] < e[3] && e[3] <= 90
}

// Extents returns where the provinces are.
func (s *Set) Extents() *Extents { return s.extents }

// extentsText is a file of extents: what it does not say stays as it was.
type extentsText struct {
	Margin    *float64  `yaml:"margin"`
	Apart     *float64  `yaml:"apart"`
	China     *Extent   `yaml:"china"`
	Provinces yaml.Node `yaml:"provinces"`
}

// mostDegrees bounds margin and apart: with more nothing would be told any more.
const mostDegrees = 30

// readExtents puts what a file of extents says in the place of what s has, or beside it:
// provinces by their codes.
func (s *Set) readExtents(name string, data []byte) error {
	text := extentsText{}
	f, err := kind.Read(name, data, &text)
	if err != nil {
		return err
	}
	out := Extents{}
	if s.extents != nil {
		out = *s.extents
		out.Provinces = slices.Clone(out.Provinces)
	}
	for _, d := range []struct {
		key      string
		from, to *float64
	}{{"margin", text.Margin, &out.Margin}, {"apart", text.Apart, &out.Apart}} {
		if d.from == nil {
			continue
		}
		if !(*d.from >= 0 && *d.from <= mostDegrees) {
			return f.Problem(f.Line(d.key), "%[1]s 应在 0 到 %[2]d 度之间", "%[1]s lies between 0 and %[2]d degrees", d.key, mostDegrees)
		}
		*d.to = *d.from
	}
	if text.China != nil {
		if !text.China.valid() {
			return f.Problem(f.Line("china"), "范围应写成 [西, 南, 东, 北]，单位度", "an extent is written [west, south, east, north], in degrees")
		}
		out.China = *text.China
	}
	if err := out.readProvinces(f, &text.Provinces); err != nil {
		return err
	}
	slices.SortFunc(out.Provinces, func(a, b Province) int { return strings.Compare(a.Code, b.Code) })
	s.extents = &out
	return nil
}

// readProvinces puts the provinces of a file in the place of those of the same code, or
// beside them.
func (e *Extents) readProvinces(f *setting.File, list *yaml.Node) error {
	if list.Kind == 0 {
		return nil
	}
	if list.Kind != yaml.SequenceNode {
		return f.Problem(list.Line, "provinces 是一个列表", "provinces is a list")
	}
	seen := map[string]bool{}
	for _, n := range list.Content {
		p := Province{}
		if err := decodeNode(f, n, &p); err != nil {
			return err
		}
		code, err := strconv.Atoi(p.Code)
		switch {
		case err != nil || len(p.Code) != 2 || code < 10:
			return f.Problem(n.Line, "省代码 %.20q 应为两位数字", "the province's code %.20q has two digits", p.Code)
		case seen[p.Code]:
			return f.Problem(n.Line, "省代码 %s 重复", "the province %s is there twice", p.Code)
		case p.Zh == "" || p.En == "":
			return f.Problem(n.Line, "省 %s 要有 zh 和 en", "the province %s needs zh and en", p.Code)
		case !p.Extent.valid() || math.IsNaN(p.Extent[0]+p.Extent[1]+p.Extent[2]+p.Extent[3]):
			return f.Problem(n.Line, "省 %s 的范围应写成 [西, 南, 东, 北]，单位度", "the extent of the province %s is written [west, south, east, north], in degrees", p.Code)
		}
		seen[p.Code] = true
		if i := slices.IndexFunc(e.Provinces, func(o Province) bool { return o.Code == p.Code }); i >= 0 {
			e.Provinces[i] = p
		} else {
			e.Provinces = append(e.Provinces, p)
		}
	}
	return nil
}

// decodeNode reads a mapping strictly: a key that is not known is refused.
func decodeNode(f *setting.File, n *yaml.Node, to *Province) error {
	for i := 0; n.Kind == yaml.MappingNode && i < len(n.Content); i += 2 {
		if k := n.Content[i]; !slices.Contains([]string{"code", "zh", "en", "extent"}, k.Value) {
			return f.Problem(k.Line, "不认得 %.40q", "%.40q is not known", k.Value)
		}
	}
	if err := n.Decode(to); err != nil {
		return f.Problem(n.Line, "不合规（%[1]v）", "it is not valid (%[1]v)", err).Because(err)
	}
	return nil
}

// UnmarshalYAML reads four numbers, and names the line where they are none.
func (e *Extent) UnmarshalYAML(n *yaml.Node) error {
	var sides []float64
	if err := n.Decode(&sides); err != nil || len(sides) != len(e) {
		return fmt.Errorf("line %d: an extent is [west, south, east, north]", n.Line)
	}
	copy(e[:], sides)
	return nil
}
