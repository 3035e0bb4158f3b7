package exchange

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"path/filepath"
	"slices"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/wire"
)

// registers writes the registers, which are part of secure editions alone, as far as the
// base does not have them as they are.
func (p *packing) registers() error {
	if p.out.Tier != edition.Secure {
		return nil
	}
	all, err := p.now.Registers()
	if err != nil {
		return err
	}
	var before []*index.Register
	if p.then != nil {
		if before, err = p.then.Registers(); err != nil {
			return err
		}
	}
	for _, g := range all {
		if slices.ContainsFunc(before, g.Equal) {
			continue
		}
		w, err := newPartWriter(filepath.Join(p.tmp, "part"), p.Signer.Algorithm())
		if err != nil {
			return unwritten(p.Out, err)
		}
		part, err := p.closePart(w, w.register(g))
		if err != nil {
			return err
		}
		p.out.Registers = append(p.out.Registers, Register{g.Layer, len(p.out.Parts), len(g.Entries)})
		if err := p.keep(part); err != nil {
			return err
		}
	}
	return nil
}

// register writes a register: each entry as a record of the length of its key, key and
// value.
func (w *partWriter) register(g *index.Register) error {
	for _, e := range g.Entries {
		record := binary.AppendUvarint(nil, uint64(len(e.Key)))
		if err := w.put(append(append(record, e.Key...), e.Value...)); err != nil {
			return err
		}
	}
	return w.delete(nil)
}

// register reads n entries of a layer's register, in the order of their keys.
func (r *partReader) register(layer string, n int) (*index.Register, error) {
	g := &index.Register{Layer: layer}
	var buffer []byte
	for {
		record, err := r.record(buffer)
		if err != nil {
			return nil, err
		}
		if record == nil {
			break
		}
		buffer = record
		d := wire.Reader{Data: record}
		e := index.RegisterEntry{Key: bytes.Clone(d.Take(d.Uvarint())), Value: bytes.Clone(d.Data)}
		k := len(g.Entries)
		if d.Bad || len(e.Key) == 0 || k == n || k > 0 && bytes.Compare(g.Entries[k-1].Key, e.Key) >= 0 {
			return nil, r.broken(errors.New("an entry that cannot be"))
		}
		g.Entries = append(g.Entries, e)
	}
	if len(g.Entries) != n {
		return nil, r.broken(errors.New("entries are missing"))
	}
	return g, r.end()
}

// registers reads the registers of the package, and adds those of the base, nil for none,
// that it does not bring.
func (r *Reception) registers(ctx context.Context, base *index.Base) ([]*index.Register, error) {
	var out []*index.Register
	for _, g := range r.Manifest.Registers {
		p, err := newPartReader(ctx, r.path, r.Manifest.Parts[g.Part], r.part(g.Part))
		if err != nil {
			return nil, err
		}
		one, err := p.register(g.Layer, g.Entries)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	if base == nil {
		return out, nil
	}
	held, err := base.Registers()
	for _, g := range held {
		if !slices.ContainsFunc(r.Manifest.Registers, func(x Register) bool { return x.Layer == g.Layer }) {
			out = append(out, g)
		}
	}
	return out, err
}
