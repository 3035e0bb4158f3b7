package index

import (
	"bytes"
	"context"
	"errors"
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
	err := guard(func() (err error) {
		out, err = readRegisters(b.file)
		return err
	})
	if errors.Is(err, errFile) {
		err = damaged(b.path, err)
	}
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
