package analyze

import (
	"cmp"
	"context"
	"math"
	"slices"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/index/problem"
)

// theme is a layer that sites are held against.
type theme struct {
	rule  SitingLayer
	layer *index.Layer // nil where the edition does not have it
	title edition.Title
	// groups are what its features are added up by: fields, and broad classes.
	groups []string
	fields map[string]*column
	codes  *featureCodes
}

// siteGroups are the fields that ground is grouped by, where a layer has them.
var siteGroups = []string{"DLBM", "QSXZ", "GDPDJB", "GDDJ"}

// addTheme adds a layer to those that sites are held against.
func (s *sitingJob) addTheme(rule SitingLayer) error {
	t := &theme{rule: rule, layer: s.Maybe(rule.Layer), fields: map[string]*column{}, title: edition.Title{Zh: rule.Layer, En: rule.Layer}}
	s.themes = append(s.themes, t)
	if t.layer == nil {
		return nil
	}
	t.title = t.layer.Meta.Title
	names := siteGroups
	if class := t.layer.Meta.ClassField; class != "" && !slices.Contains(names, class) {
		names = append(slices.Clone(names), class)
	}
	for _, name := range names {
		at := t.layer.Field(name)
		if at < 0 || t.layer.Meta.Fields[at].Personal {
			continue
		}
		col, err := columnOf(t.layer, name)
		if err != nil {
			return err
		}
		t.fields[name] = col
		t.groups = append(t.groups, name)
		if name == "DLBM" {
			t.fields[byBroad] = col
			t.groups = append(t.groups, byBroad)
		}
	}
	var err error
	t.codes, err = newFeatureCodes(t.layer)
	return err
}

// value returns what a feature counts under in a group.
func (t *theme) value(names *classNames, by string, feature int) (string, error) {
	v, err := t.fields[by].text(feature)
	if by == byBroad {
		v = names.of(v).Broad
	}
	return v, err
}

// themeFound is what an alternative has of a theme.
type themeFound struct {
	theme *theme
	parts []sitePart
	// sum is that of the parts, ground counts once what several features cover, doubled
	// is how much the sum has too much.
	sum, ground, doubled Area
	// rest is what of the alternative lies on none of them; of the base alone.
	rest Area
	// crop is the cropland of record on its ground, nil where no record says.
	crop    any
	verdict verdict
}

// sitePart is what an alternative has of one feature.
type sitePart struct {
	feature    int
	m2         float64
	area       Area
	patch, net int64 // shares of record, or index.NoArea
}

// measure finds what an alternative has of all themes.
func (s *sitingJob) measure(ctx context.Context, a *alternative) error {
	a.found = make([]*themeFound, len(s.themes))
	for i, t := range s.themes {
		a.found[i] = &themeFound{theme: t}
	}
	a.base = a.found[0]
	if a.shape != nil {
		for first := 1; first == 1 || first < len(s.themes); first += sitingChunk {
			if err := s.measureSome(ctx, a, first, min(first+sitingChunk, len(s.themes))); err != nil {
				return err
			}
		}
		if err := s.outside(a); err != nil {
			return err
		}
	}
	s.judge(a)
	return nil
}

// The layers of a measurement: the base without and with cropland, and the themes.
const (
	baseOther = iota
	baseCrop
	firstTheme
)

// measureSome measures the base and the themes [first, end).
func (s *sitingJob) measureSome(ctx context.Context, a *alternative, first, end int) error {
	type origin struct{ theme, feature int }
	var items []overlay.Item
	var origins []origin
	add := func(theme, number int) error {
		t := s.themes[theme]
		if t.layer == nil {
			return nil
		}
		var near []int
		t.layer.Search(a.shape.Box(), func(i int) bool {
			near = append(near, i)
			return true
		})
		slices.Sort(near)
		for _, i := range near {
			f, err := t.layer.Feature(i)
			if err != nil {
				return err
			}
			item := overlay.Item{Layer: number, Group: overlay.NoGroup, Weight: math.NaN(), Geometry: f.Geometry}
			if theme == 0 {
				if class, err := t.fields["DLBM"].text(i); err != nil {
					return err
				} else if cropland(class) {
					item.Layer = baseCrop
				}
				if w, ok := index.PerM2(f.Net, f.AreaM2); ok && index.OfRecord(f.Net) {
					item.Weight = w
				}
			}
			items = append(items, item)
			origins = append(origins, origin{theme, i})
		}
		return ctx.Err()
	}
	if err := add(0, baseOther); err != nil {
		return err
	}
	for t := first; t < end; t++ {
		if err := add(t, firstTheme+t-first); err != nil {
			return err
		}
	}
	res, err := overlay.Measure(ctx, a.shape, items, overlay.Options{Workers: s.Workers, MaxVertices: maxSiteVertices})
	if err != nil {
		if p := problem.Of(err); p != nil {
			return p.Advise("方案 %[1]s 太大：请分成几块来问", "the alternative %[1]s is too large: ask about it in parts", a.name)
		}
		return err
	}
	for i, m2 := range res.Items {
		o := origins[i]
		if m2 > 0 && (o.theme > 0 || first == 1) {
			a.found[o.theme].parts = append(a.found[o.theme].parts, sitePart{feature: o.feature, m2: m2})
		}
	}
	if first == 1 {
		a.base.settle(res, 1<<baseOther|1<<baseCrop)
	}
	for t := first; t < end; t++ {
		a.found[t].settle(res, 1<<(firstTheme+t-first))
	}
	return nil
}

// settle gives the parts their figures, and finds the ground that any layer of the mask
// covers. The base's parts and what lies outside of them are rounded together, so that
// they add up.
func (f *themeFound) settle(res *overlay.Result, mask uint16) {
	ground, crop, outside := 0.0, 0.0, 0.0
	onCrop, unknown := 0.0, 0.0
	for _, c := range res.Combinations {
		if c.Mask&mask == 0 {
			if mask&(1<<baseOther) != 0 {
				outside += c.Area
			}
			continue
		}
		ground += c.Area
		if c.Mask&(1<<baseCrop) != 0 {
			crop += c.Weighted[baseCrop]
			onCrop, unknown = onCrop+c.Area, unknown+c.Unweighted[baseCrop]
		}
	}
	weights, gross := make([]float64, 0, len(f.parts)+1), 0.0
	for i := range f.parts {
		weights = append(weights, f.parts[i].m2)
		gross += f.parts[i].m2
	}
	weights = append(weights, outside)
	for i, v := range geo.LargestRemainder(geo.HundredthsOf(gross+outside), weights) {
		if i < len(f.parts) {
			f.parts[i].record(f.theme.layer, Area(v))
			f.sum += Area(v)
		} else {
			f.rest = Area(v)
		}
	}
	f.ground, f.doubled = areaOf(ground), areaOf(max(0, gross-ground))
	if unknown == 0 || unknown < onCrop {
		f.crop = areaOf(crop)
	}
}

// record gives a part its area and its shares of record.
func (p *sitePart) record(l *index.Layer, area Area) {
	r := l.Record(p.feature)
	p.area = area
	share := func(whole int64) int64 {
		if !index.OfRecord(whole) {
			return index.NoArea
		}
		weights := []float64{p.m2, max(0, r.AreaM2-p.m2)}
		if weights[0] <= 0 {
			return 0
		}
		return int64(geo.LargestRemainder(geo.Hundredths(whole), weights)[0])
	}
	p.patch, p.net = share(r.Patch), share(r.Net)
}

// outside finds what of an alternative lies on no feature of the base, of each plot too
// where there is any, and the cropland of record that it takes.
func (s *sitingJob) outside(a *alternative) error {
	a.outside = a.base.rest
	for _, p := range a.base.parts {
		class, err := s.themes[0].fields["DLBM"].text(p.feature)
		if err != nil {
			return err
		}
		if !cropland(class) {
			continue
		}
		if p.net == index.NoArea {
			a.noCrop++
			continue
		}
		a.crop += Area(p.net)
	}
	if a.outside > s.Rules.Slivers.least() {
		c := s.correct(a, a.plots[0], levelWarning, problem.New("SITE_OUTSIDE", "方案有地面落在本版 %s 图斑之外，未判断（面积见 outside）", "a part of the alternative lies outside of all patches of %s and is not judged (see outside)", s.themes[0].rule.Layer).
			Advise("核对坐标；跨县的部分应由所在县另行分析", "check the coordinates; what lies in another county is to be asked there"))
		c.plot = nil
	}
	return nil
}

// gradeLayers are the layers that have the grade of cropland, GDDJ, by preference.
var gradeLayers = []string{"quality", "pbf"}

// grades finds the mean grade (1 is best) of what each alternative has of the layer of
// grades, by ground: of one layer for all alternatives, the first of which each has
// something, else the first of which any has. It returns that layer, "" for none.
func (s *sitingJob) grades() (string, error) {
	chosen, most := "", 0
	for _, name := range gradeLayers {
		graded := 0
		for _, a := range s.alts {
			if _, weight, err := a.graded(name); err != nil {
				return "", err
			} else if weight > 0 {
				graded++
			}
		}
		if graded > most {
			chosen, most = name, graded
		}
	}
	for _, a := range s.alts {
		mean, weight, err := a.graded(chosen)
		if err != nil {
			return "", err
		}
		if weight > 0 {
			a.grade, a.gradedM2 = math.Round(mean*1e6)/1e6, areaOf(weight)
		}
	}
	return chosen, nil
}

// graded returns the mean grade by a layer, and the ground in m² that it is of.
func (a *alternative) graded(layer string) (mean, weight float64, err error) {
	for _, f := range a.found {
		col := f.theme.fields["GDDJ"]
		if f.theme.rule.Layer != layer || col == nil {
			continue
		}
		for _, p := range f.parts {
			v, ok, err := col.number(p.feature)
			if err != nil {
				return 0, 0, err
			}
			if ok && v > 0 {
				mean, weight = mean+v*p.m2, weight+p.m2
			}
		}
	}
	if weight > 0 {
		mean /= weight
	}
	return mean, weight, nil
}

// groups returns the values of a group with their parts, in the order of values.
func (f *themeFound) groups(names *classNames, by string) (values []string, parts map[string][]sitePart, err error) {
	parts = map[string][]sitePart{}
	for _, p := range f.parts {
		v, err := f.theme.value(names, by, p.feature)
		if err != nil {
			return nil, nil, err
		}
		if parts[v] == nil {
			values = append(values, v)
		}
		parts[v] = append(parts[v], p)
	}
	slices.Sort(values)
	return values, parts, nil
}

// largest returns the codes of the largest parts, and how many there are.
func (f *themeFound) largest() ([]string, error) {
	const listed = 10
	parts := slices.Clone(f.parts)
	slices.SortStableFunc(parts, func(a, b sitePart) int { return cmp.Compare(b.area, a.area) })
	var out []string
	for _, p := range parts[:min(listed, len(parts))] {
		code, err := f.theme.codes.of(p.feature)
		if err != nil {
			return nil, err
		}
		out = append(out, code)
	}
	return out, nil
}
