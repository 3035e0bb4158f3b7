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

// With returns an index that has layers of other indexes beside ix's own, of other names,
// and lists them behind those. Its Manifest is a copy. It is valid as long as all of them
// are open, and is not to be closed.
func (ix *Index) With(layers []*Layer) *Index {
	all := ix.Showing(func(string) bool { return true })
	for _, l := range layers {
		all.Manifest.Layers = append(all.Manifest.Layers, *l.Meta)
		all.layers[l.Meta.Key()] = l
	}
	return all
}
