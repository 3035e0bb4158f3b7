package compare

import (
	"cmp"
	"slices"
	"strings"

	"gengtu/index"
	"gengtu/index/problem"
)

// DefaultLayer returns the name of the layer that is compared when none is named: dltb,
// cropland, or the first other in from's order, of those that from and to both hold.
// Where from and to are one generation, so that its vintages are compared, a layer with
// several goes before those with one. Where they hold none in common it is a problem
// NO_LAYER, which says what each holds.
func DefaultLayer(from, to *index.Index) (string, error) {
	first := ""
	within := from.Manifest.Generation == to.Manifest.Generation
	for _, name := range append([]string{"dltb", "cropland"}, from.Names()...) {
		if !slices.Contains(from.Names(), name) || !slices.Contains(to.Names(), name) {
			continue
		}
		if !within || len(from.Vintages(name)) > 1 {
			return name, nil
		}
		if first == "" {
			first = name
		}
	}
	if first == "" {
		list := func(ix *index.Index) string { return cmp.Or(strings.Join(ix.Names(), " "), "—") }
		return "", problem.New("NO_LAYER", "两者没有共同的图层", "the two hold no layer in common").
			Advise("前者有：%[1]s；后者有：%[2]s", "the first holds: %[1]s; the second holds: %[2]s", list(from), list(to))
	}
	return first, nil
}
