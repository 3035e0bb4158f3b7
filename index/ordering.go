package index

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	bolt "go.etcd.io/bbolt"

	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/spill"
)

// ordering brings the features of a layer into the order of the file, adds up what
// the manifest says of them, and lists the codes that lead to them.
type ordering struct {
	layer  *LayerWriter
	views  []*LayerWriter
	fields []int // of each view
	codes  *spill.Sorter
	sums   sums
	parts  []sums        // of the views
	ready  chan []packed // features in order and added up
	listed chan struct{} // closed when the codes are known
	stored chan struct{} // closed when all is written
}

// batchFeatures is how many features are put in order, added up and written at a
// time; batchesAtOnce bounds how many batches are on their way.
const (
	batchFeatures = 1 << 13
	batchesAtOnce = 8
)

func newOrdering(l *LayerWriter, views []*LayerWriter) *ordering {
	w := l.writer
	o := &ordering{
		layer: l, views: views, codes: spill.NewSorter(filepath.Dir(w.path), w.share()),
		sums: sums{extent: geo.EmptyBox()}, parts: make([]sums, len(views)),
		ready: make(chan []packed, 1), listed: make(chan struct{}), stored: make(chan struct{}),
	}
	for i := range o.parts {
		o.parts[i].extent = geo.EmptyBox()
	}
	return o
}

// run does the work.
func (o *ordering) run(ctx context.Context) error {
	for _, v := range o.views {
		at := slices.IndexFunc(o.layer.meta.Fields, func(f edition.Field) bool { return f.Name == v.meta.View.Field })
		if at < 0 {
			return fmt.Errorf("view %s: layer %s has no field %s", v.meta.Key(), o.layer.meta.Key(), v.meta.View.Field)
		}
		o.fields = append(o.fields, at)
	}
	most := min(runtime.GOMAXPROCS(0), batchesAtOnce)
	var some [][]packed
	err := o.layer.ordered(func(batch []packed) error {
		if some = append(some, batch); len(some) < most {
			return nil
		}
		err := o.gather(ctx, some)
		some = some[:0]
		return err
	})
	if err == nil {
		err = o.gather(ctx, some)
	}
	if err != nil {
		return err
	}
	close(o.ready)
	o.sums.into(&o.layer.meta)
	for i, v := range o.views {
		v.meta.Source, v.meta.Fields = o.layer.meta.Source, o.layer.meta.Fields
		o.parts[i].into(&v.meta)
	}
	close(o.listed)
	return nil
}

// store writes what is in order, as it comes.
func (o *ordering) store(ctx context.Context, db *bolt.DB) error {
	l := o.layer
	bucket := featuresBucket + l.meta.Key()
	// A layer of no features has its bucket all the same.
	if err := putAll(ctx, db, bucket, nil); err != nil {
		return err
	}
	key := make([]byte, 16)
	for open := true; open; {
		select {
		case batch, ok := <-o.ready:
			if open = ok; !ok {
				break
			}
			err := putEach(ctx, db, bucket, len(batch), func(i int) ([]byte, []byte) {
				key = batch[i].appendKey(key[:0])
				return key, batch[i].record
			})
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := await(ctx, o.listed); err != nil {
		return err
	}
	err := o.storeCodes(ctx, db)
	if err == nil {
		l.writer.settling.Add(-l.held)
		close(o.stored)
	}
	return err
}

// storeCodes writes the codes, when all are known.
func (o *ordering) storeCodes(ctx context.Context, db *bolt.DB) error {
	l := o.layer
	l.entries, l.ids = nil, nil
	if err := l.spilled.runs.Close(); err != nil {
		return err
	}
	w := &batchWriter{ctx: ctx, db: db}
	bucket := codesBucket + l.meta.Key()
	if err := putAll(ctx, db, bucket, nil); err != nil {
		return err
	}
	err := o.codes.Each(func(code []byte) error { return w.put(bucket, bytes.Clone(code), nil) })
	if err == nil {
		err = w.flush()
	}
	return errors.Join(err, o.close())
}

// close gives up what is kept on the disk.
func (o *ordering) close() error { return errors.Join(o.codes.Close(), o.layer.spilled.runs.Close()) }

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

// gather adds up the figures of batches of features, which are in the order of the
// file, lists their codes and hands them on. Areas are added in that order, so that
// the number of goroutines does not show.
func (o *ordering) gather(ctx context.Context, batches [][]packed) error {
	shares := make([]share, len(batches))
	var wg sync.WaitGroup
	for i := range shares {
		shares[i].entries = batches[i]
		wg.Go(func() { shares[i].read(o) })
	}
	wg.Wait()
	for i := range shares {
		s := &shares[i]
		if s.err != nil {
			return s.err
		}
		for k := range s.heads {
			o.sums.add(&s.heads[k], int(s.vertices[k]))
			for v := range o.parts {
				if s.within[v][k] {
					o.parts[v].add(&s.heads[k], int(s.vertices[k]))
				}
			}
		}
		for _, code := range s.codes {
			if err := o.codes.Add(code); err != nil {
				return err
			}
		}
		select {
		case o.ready <- s.entries:
		case <-ctx.Done():
			return ctx.Err()
		}
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
