package index

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	bolt "go.etcd.io/bbolt"

	"gengtu/index/patch"
	"gengtu/index/wire"
)

// lineageBucket is how the buckets of lineages are named: this, the layer, "@", the
// earlier vintage, ">" and the later one.
const lineageBucket = "lineage/"

// Link says that ground of one feature became ground of another, as an update
// package has it.
type Link struct {
	// From and To are the features' ids in the earlier and the later vintage; 0 is
	// ground that came from, or went to, what the layer does not hold.
	From, To uint64
	// Area is the area of record in 0.01 m², or NoArea.
	Area int64
}

// Lineage is what became of the features of a layer from one vintage to the next.
// It is not changed; safe for concurrent use.
type Lineage struct {
	Layer, From, To string // the layer's name, and the vintages

	byFrom, byTo []Link // sorted
}

// Links returns all links, by From and To. They must not be changed.
func (l *Lineage) Links() []Link { return l.byFrom }

// NewLineage returns a lineage of links, which it keeps and sorts. Areas of links
// between the same two features are added up; where one has none the sum has none.
func NewLineage(layer, from, to string, links []Link) *Lineage {
	slices.SortFunc(links, compareLinks)
	kept := links[:0]
	for _, k := range links {
		if n := len(kept); n > 0 && kept[n-1].From == k.From && kept[n-1].To == k.To {
			if same := &kept[n-1]; same.Area == NoArea || k.Area == NoArea {
				same.Area = NoArea
			} else {
				same.Area += k.Area
			}
			continue
		}
		kept = append(kept, k)
	}
	l := &Lineage{Layer: layer, From: from, To: to, byFrom: kept, byTo: slices.Clone(kept)}
	slices.SortFunc(l.byTo, func(a, b Link) int { return cmp.Or(cmp.Compare(a.To, b.To), cmp.Compare(a.From, b.From)) })
	return l
}

func compareLinks(a, b Link) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) }

// Successors returns the links of the feature of the earlier vintage with that id.
func (l *Lineage) Successors(id uint64) []Link {
	return run(l.byFrom, id, func(k Link) uint64 { return k.From })
}

// Predecessors returns the links of the feature of the later vintage with that id.
func (l *Lineage) Predecessors(id uint64) []Link {
	return run(l.byTo, id, func(k Link) uint64 { return k.To })
}

// run returns the links, sorted by what key gives, whose key is id.
func run(links []Link, id uint64, key func(Link) uint64) []Link {
	at := func(k Link, id uint64) int { return cmp.Compare(key(k), id) }
	first, found := slices.BinarySearchFunc(links, id, at)
	if !found {
		return nil
	}
	end := first
	for end < len(links) && key(links[end]) == id {
		end++
	}
	return links[first:end]
}

// bucket is where the lineage lies in features.db.
func (l *Lineage) bucket() string { return lineageBucket + l.Layer + "@" + l.From + ">" + l.To }

// entries returns the lineage as keys and values in the order of the keys: both ids,
// and the area as a varint.
func (l *Lineage) entries() []entry {
	out := make([]entry, len(l.byFrom))
	for i, k := range l.byFrom {
		key := binary.BigEndian.AppendUint64(nil, k.From)
		out[i] = entry{key: binary.BigEndian.AppendUint64(key, k.To), record: binary.AppendVarint(nil, k.Area)}
	}
	return out
}

// Lineage adds a lineage to the file; one without links adds nothing. There is one at
// most for a layer and its vintages.
func (w *Writer) Lineage(l *Lineage) {
	if len(l.byFrom) > 0 {
		w.lineages = append(w.lineages, l)
	}
}

// putLineages stores the lineages.
func (w *Writer) putLineages(ctx context.Context, db *bolt.DB) error {
	for _, l := range w.lineages {
		if err := putAll(ctx, db, l.bucket(), l.entries()); err != nil {
			return err
		}
	}
	return nil
}

// Lineages returns what the file holds of the features' lineage.
func (b *Base) Lineages() ([]*Lineage, error) {
	var out []*Lineage
	err := b.read(func() (err error) {
		out, err = readLineages(b.file)
		return err
	})
	return out, err
}

func readLineages(f *patch.File) ([]*Lineage, error) {
	var out []*Lineage
	for _, name := range f.Buckets() {
		text, ok := strings.CutPrefix(name, lineageBucket)
		if !ok {
			continue
		}
		key, to, ok := strings.Cut(text, ">")
		layer, from, ok2 := strings.Cut(key, "@")
		if !ok || !ok2 {
			return nil, fmt.Errorf("%w: the bucket %q names no lineage", errFile, name)
		}
		var links []Link
		err := f.Bucket(name).ForEach(func(k, v []byte) error {
			d := wire.Reader{Data: v}
			area := d.Varint()
			if len(k) != 16 || d.Bad || len(d.Data) > 0 {
				return fmt.Errorf("%w: lineage %s, key %x", errFile, text, k)
			}
			links = append(links, Link{binary.BigEndian.Uint64(k), binary.BigEndian.Uint64(k[8:]), area})
			return nil
		})
		if err != nil {
			return nil, err
		}
		out = append(out, NewLineage(layer, from, to, links))
	}
	return out, nil
}

// Lineages returns all lineages of the edition.
func (ix *Index) Lineages() []*Lineage { return ix.lineages }

// Lineage returns what an update package said of a layer, or of the layer that it is
// a view of, from one vintage to another; nil when there is nothing.
func (ix *Index) Lineage(l *Layer, from, to string) *Lineage {
	name := l.Meta.Name
	if l.Meta.View != nil {
		name = l.Meta.View.Of
	}
	for _, g := range ix.lineages {
		if g.Layer == name && g.From == from && g.To == to {
			return g
		}
	}
	return nil
}
