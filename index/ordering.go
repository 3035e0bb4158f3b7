package index

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	bolt "go.etcd.io/bbolt"

	"gengtu/index/edition"
	"gengtu/index/geo"
)

// ordering brings the features of a layer into the order of the file, adds up what
// the manifest says of them, and lists the codes that lead to them.
type ordering struct {
	layer  *LayerWriter
	views  []*LayerWriter
	fields []int // of each view
	codes  [][]byte
	sorted chan struct{} // closed when the features are in order
	listed chan struct{} // closed when the codes are
	stored chan struct{} // closed when all is written
}

func newOrdering(l *LayerWriter, views []*LayerWriter) *ordering {
	return &ordering{layer: l, views: views, sorted: make(chan struct{}), listed: make(chan struct{}), stored: make(chan struct{})}
}

// run does the work.
func (o *ordering) run() error {
	for _, v := range o.views {
		at := slices.IndexFunc(o.layer.meta.Fields, func(f edition.Field) bool { return f.Name == v.meta.View.Field })
		if at < 0 {
			return fmt.Errorf("view %s: layer %s has no field %s", v.meta.Key(), o.layer.meta.Key(), v.meta.View.Field)
		}
		o.fields = append(o.fields, at)
	}
	o.layer.entries = sorted(o.layer.entries, func(a, b packed) int {
		return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.id, b.id))
	})
	close(o.sorted)
	if err := o.gather(); err != nil {
		return err
	}
	o.codes = sorted(o.codes, bytes.Compare)
	close(o.listed)
	return nil
}

// store writes what is in order, as it comes.
func (o *ordering) store(ctx context.Context, db *bolt.DB) error {
	l := o.layer
	if err := await(ctx, o.sorted); err != nil {
		return err
	}
	key := make([]byte, 16)
	err := putEach(ctx, db, featuresBucket+l.meta.Key(), len(l.entries), func(i int) ([]byte, []byte) {
		e := &l.entries[i]
		key = e.appendKey(key[:0])
		return key, e.record
	})
	if err != nil {
		return err
	}
	if err := await(ctx, o.listed); err != nil {
		return err
	}
	l.entries, l.ids = nil, nil
	err = putEach(ctx, db, codesBucket+l.meta.Key(), len(o.codes), func(i int) ([]byte, []byte) { return o.codes[i], nil })
	if err == nil {
		o.codes = nil
		close(o.stored)
	}
	return err
}

// share is what one goroutine finds in a run of features.
type share struct {
	entries  []packed
	heads    []Head
	vertices []int32
	within   [][]bool // by view and feature
	codes    [][]byte
	slab     []byte // what is free for codes
	err      error
}

// gather adds up the figures of the layer and its views and lists the codes. Areas
// are added in the order of the file, so that the number of goroutines does not
// show.
func (o *ordering) gather() error {
	all := sums{extent: geo.EmptyBox()}
	parts := make([]sums, len(o.views))
	for i := range parts {
		parts[i].extent = geo.EmptyBox()
	}
	const run = 1 << 14
	rest := o.layer.entries
	for len(rest) > 0 {
		shares := make([]share, runtime.GOMAXPROCS(0))
		var wg sync.WaitGroup
		for i := range shares {
			n := min(run, len(rest))
			shares[i].entries, rest = rest[:n], rest[n:]
			wg.Go(func() { shares[i].read(o) })
		}
		wg.Wait()
		for i := range shares {
			s := &shares[i]
			if s.err != nil {
				return s.err
			}
			for k := range s.heads {
				all.add(&s.heads[k], int(s.vertices[k]))
				for v := range parts {
					if s.within[v][k] {
						parts[v].add(&s.heads[k], int(s.vertices[k]))
					}
				}
			}
			o.codes = append(o.codes, s.codes...)
		}
	}
	all.into(&o.layer.meta)
	for i, v := range o.views {
		v.meta.Source, v.meta.Fields = o.layer.meta.Source, o.layer.meta.Fields
		parts[i].into(&v.meta)
	}
	return nil
}

// read decodes of each record what is asked for.
func (s *share) read(o *ordering) {
	n := len(s.entries)
	s.heads, s.vertices = make([]Head, n), make([]int32, n)
	s.within = make([][]bool, len(o.views))
	for v := range s.within {
		s.within[v] = make([]bool, n)
	}
	wanted := slices.Concat(o.fields, o.layer.codes)
	slices.Sort(wanted)
	wanted = slices.Compact(wanted)
	texts := make([][]byte, len(o.layer.meta.Fields))
	for i := range s.entries {
		d := decode(s.entries[i].record)
		shape := d.shape()
		s.vertices[i] = int32(shape.vertices())
		s.heads[i] = d.head()
		d.texts(wanted, texts)
		if d.Bad || shape.end() != nil {
			s.err = errRecord
			return
		}
		for v, field := range o.fields {
			text := texts[field]
			s.within[v][i] = text != nil && strings.HasPrefix(string(text), o.views[v].meta.View.Prefix)
		}
		s.list(o.layer.codes, texts, s.entries[i].id)
	}
}

// list lists the codes of a feature, each once.
func (s *share) list(fields []int, texts [][]byte, id uint64) {
	first := len(s.codes)
	for _, f := range fields {
		code := texts[f]
		if len(code) == 0 || len(code) > maxCode {
			continue
		}
		n := len(code) + 1 + 8
		if n > len(s.slab) {
			s.slab = make([]byte, slabSize)
		}
		key := s.slab[:n:n]
		copy(key, code)
		key[len(code)] = 0
		binary.BigEndian.PutUint64(key[len(code)+1:], id)
		if slices.ContainsFunc(s.codes[first:], func(k []byte) bool { return bytes.Equal(k, key) }) {
			continue
		}
		s.slab = s.slab[n:]
		s.codes = append(s.codes, key)
	}
}

// sorted returns list in order, which may be list itself. Its halves are sorted at
// once; where all elements differ their number does not show.
func sorted[T any](list []T, compare func(a, b T) int) []T {
	const least = 1 << 12 // elements that are worth a goroutine
	n := min(runtime.GOMAXPROCS(0), len(list)/least)
	if n < 2 {
		slices.SortFunc(list, compare)
		return list
	}
	a, b := list[:len(list)/2], list[len(list)/2:]
	var wg sync.WaitGroup
	wg.Go(func() { slices.SortFunc(a, compare) })
	slices.SortFunc(b, compare)
	wg.Wait()
	out := make([]T, 0, len(list))
	for len(a) > 0 && len(b) > 0 {
		if compare(b[0], a[0]) < 0 {
			out, b = append(out, b[0]), b[1:]
		} else {
			out, a = append(out, a[0]), a[1:]
		}
	}
	return append(append(out, a...), b...)
}
