package index

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	bolt "go.etcd.io/bbolt"

	"gengtu/index/patch"
)

// registerBucket is how the buckets of registers are named: this and the layer.
const registerBucket = "register/"

// Register is what an edition keeps of a layer over all vintages and updates beside its
// features: which codes were ever given, see package codes, which knows what the entries
// say. It is part of the content, and is not changed.
type Register struct {
	Layer   string
	Entries []RegisterEntry // in the order of keys
}

// RegisterEntry is a key and its value; neither is empty.
type RegisterEntry struct{ Key, Value []byte }

// Equal tells whether two registers are of one layer and hold the same.
func (r *Register) Equal(o *Register) bool {
	return r.Layer == o.Layer && slices.EqualFunc(r.Entries, o.Entries, func(a, b RegisterEntry) bool {
		return bytes.Equal(a.Key, b.Key) && bytes.Equal(a.Value, b.Value)
	})
}

// Register adds a register to the file; one without entries adds nothing. There is one at
// most for a layer.
func (w *Writer) Register(r *Register) {
	if len(r.Entries) > 0 {
		w.registers = append(w.registers, r)
	}
}

// putRegisters stores the registers.
func (w *Writer) putRegisters(ctx context.Context, db *bolt.DB) error {
	for _, r := range w.registers {
		for i := range r.Entries {
			if e := &r.Entries[i]; len(e.Key) == 0 || i > 0 && bytes.Compare(r.Entries[i-1].Key, e.Key) >= 0 {
				return fmt.Errorf("register %s: key %q is out of order", r.Layer, e.Key)
			}
		}
		err := putEach(ctx, db, registerBucket+r.Layer, len(r.Entries), func(i int) ([]byte, []byte) { return r.Entries[i].Key, r.Entries[i].Value })
		if err != nil {
			return err
		}
	}
	return nil
}

// Registers returns the registers that the file holds.
func (b *Base) Registers() ([]*Register, error) {
	var out []*Register
	err := b.read(func() (err error) {
		out, err = readRegisters(b.file)
		return err
	})
	return out, err
}

func readRegisters(f *patch.File) ([]*Register, error) {
	var out []*Register
	for _, name := range f.Buckets() {
		layer, ok := strings.CutPrefix(name, registerBucket)
		if !ok {
			continue
		}
		r := &Register{Layer: layer}
		err := f.Bucket(name).ForEach(func(k, v []byte) error {
			r.Entries = append(r.Entries, RegisterEntry{bytes.Clone(k), bytes.Clone(v)})
			return nil
		})
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// register takes a register in, in the place of the one of its layer among those held.
func (r *reviser) register(ctx context.Context, held []*Register, g *Register) error {
	i := slices.IndexFunc(held, func(h *Register) bool { return h.Layer == g.Layer })
	if i < 0 {
		return fmt.Errorf("register %s is not in the file", g.Layer)
	}
	bucket := registerBucket + g.Layer
	edits := changesOf(held[i].Entries, g.Entries)
	const batch = 20_000
	for n := 0; n < len(edits); n += batch {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := r.file.Update(func(tx *patch.Tx) error {
			b, err := tx.Bucket(bucket)
			for _, e := range edits[n:min(n+batch, len(edits))] {
				switch {
				case err != nil:
					return err
				case e.Value == nil:
					err = b.Delete(e.Key)
				default:
					err = b.Put(e.Key, e.Value)
				}
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	if len(edits) == 0 {
		return nil
	}
	return r.file.Update(func(tx *patch.Tx) error { return digestGroups(tx, bucket, map[string]bool{"": true}) })
}

// changesOf lists what is to be put to turn one list of entries into another; entries
// without a value go.
func changesOf(from, to []RegisterEntry) []RegisterEntry {
	var out []RegisterEntry
	for len(from) > 0 || len(to) > 0 {
		order := 1
		switch {
		case len(to) == 0:
			order = -1
		case len(from) > 0:
			order = bytes.Compare(from[0].Key, to[0].Key)
		}
		switch {
		case order < 0:
			out = append(out, RegisterEntry{Key: from[0].Key})
			from = from[1:]
		case order > 0:
			out = append(out, to[0])
			to = to[1:]
		default:
			if !bytes.Equal(from[0].Value, to[0].Value) {
				out = append(out, to[0])
			}
			from, to = from[1:], to[1:]
		}
	}
	return out
}
