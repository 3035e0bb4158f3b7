package index

import (
	"slices"
	"strings"

	"gengtu/index/edition"
	"gengtu/index/problem"
)

// FindLayer returns the layer of that name in that vintage, in its latest for "". One that
// there is not is a problem with code NO_LAYER or NO_VINTAGE, which says what there is.
func (ix *Index) FindLayer(name, vintage string) (*Layer, error) {
	if l := ix.Layer(name, vintage); l != nil {
		return l, nil
	}
	if !slices.Contains(ix.Names(), name) {
		return nil, problem.New("NO_LAYER", "没有图层 %.40q", "there is no layer %.40q", name).At(0, name).
			Advise("有：%s", "there are: %s", strings.Join(ix.Names(), " "))
	}
	return nil, ix.NoVintage(name, vintage)
}

// NoVintage is the problem that a layer, or for "" the whole edition, does not have a
// vintage; it says which there are.
func (ix *Index) NoVintage(layer, vintage string) error {
	var there []string
	for _, n := range ix.Names() {
		if layer == "" || n == layer {
			there = append(there, ix.Vintages(n)...)
		}
	}
	slices.SortFunc(there, func(a, b string) int { return edition.CompareVintages(b, a) })
	there = slices.Compact(there)
	p := problem.New("NO_VINTAGE", "图层 %.40s 没有 %.40q 这个时相", "layer %.40s has no vintage %.40q", layer, vintage)
	if layer == "" {
		p = problem.New("NO_VINTAGE", "没有 %.40q 这个时相", "there is no vintage %.40q", vintage)
	}
	return p.Advise("有：%s", "there are: %s", strings.Join(there, " "))
}
