package compare

import (
	"slices"

	"gengtu/index"
)

// DefaultLayer returns the name of the layer that is compared when none is named: dltb,
// cropland, or the first other in from's order, of those that from and to both hold.
// Where from and to are one generation, so that its vintages are compared, a layer with
// several goes before those with one. "" is where they hold none in common.
func DefaultLayer(from, to *index.Index) string {
	first := ""
	within := from.Manifest.Generation == to.Manifest.Generation
	for _, name := range append([]string{"dltb", "cropland"}, from.Names()...) {
		if !slices.Contains(from.Names(), name) || !slices.Contains(to.Names(), name) {
			continue
		}
		if !within || len(from.Vintages(name)) > 1 {
			return name
		}
		if first == "" {
			first = name
		}
	}
	return first
}
