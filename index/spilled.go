package index

import (
	"cmp"
	"encoding/binary"
	"fmt"

	"gengtu/index/spill"
)

// spilled are the features of a layer that did not fit into memory, each run of
// them in the order of the features file.
type spilled struct {
	runs  spill.Runs
	taken map[int64]bool // places of features that are none any more
}

// keySize is the length of a feature's key, which stands before its record.
const keySize = 16

// packedBytes is what a packed feature takes besides its record.
const packedBytes = 40

// bytes is the memory that e takes.
func (e *packed) bytes() int64 { return packedBytes + int64(len(e.record)) }

// inFile compares features by their places in the file.
func inFile(a, b packed) int {
	return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.id, b.id))
}

// share is what codes, and what is read of runs, may each take of the memory for
// features; 0 without a limit.
func (w *Writer) share() int64 { return (w.memory + 3) / 4 }

// hold counts what e takes, and makes room when that is too much: half of the memory
// is for layers that are settled.
func (l *LayerWriter) hold(e *packed) error {
	w := l.writer
	l.held += e.bytes()
	w.held += e.bytes()
	if w.memory <= 0 || w.held <= w.memory/2 {
		return nil
	}
	for _, l := range w.layers {
		if l.settled || l.meta.View != nil {
			continue
		}
		if err := l.spill(); err != nil {
			return err
		}
	}
	return nil
}

// release counts that the layer's entries take so much less.
func (l *LayerWriter) release(bytes int64) {
	l.held -= bytes
	l.writer.held -= bytes
}

// spill writes the features in memory as a run.
func (l *LayerWriter) spill() error {
	if len(l.entries) == 0 {
		return nil
	}
	if err := l.spilled.runs.Begin(); err != nil {
		return fmt.Errorf("features that do not fit into memory: %w", err)
	}
	var key []byte
	for _, e := range spill.Sorted(l.entries, inFile) {
		key = e.appendKey(key[:0])
		at, err := l.spilled.runs.Put(key, e.record)
		if err != nil {
			return fmt.Errorf("features that do not fit into memory: %w", err)
		}
		l.ids[e.id] = ^at
	}
	clear(l.entries)
	l.entries = l.entries[:0]
	if l.settled {
		l.writer.settling.Add(-l.held)
		l.held = 0
	} else {
		l.release(l.held)
	}
	return nil
}

// take removes the feature at a place and returns it.
func (s *spilled) take(at int64) (Feature, error) {
	text, err := s.runs.At(at)
	if err != nil {
		return Feature{}, err
	}
	f, err := decodeRecord(text[keySize:])
	if err != nil {
		return Feature{}, err
	}
	if s.taken == nil {
		s.taken = map[int64]bool{}
	}
	s.taken[at] = true
	return f, nil
}

// each calls visit with every feature in the order of the file. What it is given is
// valid during the call only.
func (s *spilled) each(memoryBytes int64, visit func(e *packed) error) error {
	return s.runs.Merge(memoryBytes, func(at int64, text []byte) error {
		if s.taken[at] {
			return nil
		}
		return visit(&packed{binary.BigEndian.Uint64(text), binary.BigEndian.Uint64(text[8:]), text[keySize:]})
	})
}

// spilledBatchBytes bounds a batch of features that were read again.
const spilledBatchBytes = 4 << 20

// ordered calls take with all features of the layer in the order of the file, in
// batches of at most [batchFeatures]. They are take's own.
func (l *LayerWriter) ordered(take func(batch []packed) error) error {
	if l.spilled.runs.Len() == 0 {
		l.entries = spill.Sorted(l.entries, inFile)
		for rest := l.entries; len(rest) > 0; {
			n := min(batchFeatures, len(rest))
			if err := take(rest[:n:n]); err != nil {
				return err
			}
			rest = rest[n:]
		}
		return nil
	}
	if err := l.spill(); err != nil {
		return err
	}
	l.entries, l.ids = nil, nil
	var batch []packed
	var slab []byte
	held := int64(0)
	err := l.spilled.each(l.writer.share(), func(e *packed) error {
		n := len(e.record)
		if n > len(slab) {
			slab = make([]byte, max(n, slabSize))
		}
		record := slab[:n:n]
		slab = slab[copy(record, e.record):]
		batch = append(batch, packed{e.order, e.id, record})
		if held += e.bytes(); len(batch) < batchFeatures && held < spilledBatchBytes {
			return nil
		}
		full := batch
		batch, held = make([]packed, 0, len(full)), 0
		return take(full)
	})
	if err != nil || len(batch) == 0 {
		return err
	}
	return take(batch)
}
