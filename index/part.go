package index

import (
	"slices"

	"gengtu/index/edition"
)

// Showing returns an index of the same files that knows of no other layers than
// those that keep chooses by name. Its Manifest is a copy, which the caller may
// change. It is valid as long as ix is open, and is not to be closed.
func (ix *Index) Showing(keep func(layer string) bool) *Index {
	m := *ix.Manifest
	m.Layers = slices.DeleteFunc(slices.Clone(m.Layers), func(l edition.Layer) bool { return !keep(l.Name) })
	part := &Index{
		Manifest: &m, Dir: ix.Dir, file: ix.file, layers: make(map[string]*Layer, len(m.Layers)), lineages: ix.lineages,
		ground: ix.ground, groundFile: ix.groundFile, owners: ix.owners,
	}
	for key, l := range ix.layers {
		if keep(l.Meta.Name) {
			part.layers[key] = l
		}
	}
	return part
}
