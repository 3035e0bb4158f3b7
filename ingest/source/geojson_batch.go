package source

import (
	"errors"
	"io"
)

// jsonBatch is a run of features as they stand in the file.
type jsonBatch struct {
	reader *geoJSON
	first  int64      // number of the record before the first
	block  *jsonBlock // that the features stand in
	texts  [][]byte
	places []int64 // of each feature in the file
	size   int     // of all features, in bytes
	single bool    // it is one feature, in the window as it is
}

// takeBatch returns an empty batch.
func (r *geoJSON) takeBatch() *jsonBatch {
	b, ok := r.batches.Get().(*jsonBatch)
	if !ok {
		b = &jsonBatch{reader: r}
	}
	return b
}

// release ends the use of a batch and of its features.
func (b *jsonBatch) release() {
	if b.block != nil {
		b.block.release()
	}
	clear(b.texts)
	b.block, b.texts, b.places, b.size, b.single = nil, b.texts[:0], b.places[:0], 0, false
	b.reader.batches.Put(b)
}

// take returns the next feature, whose place is the walker's; it is valid until
// the next call.
func (r *geoJSON) take() ([]byte, error) {
	if b := r.pending; b != nil {
		r.pending = nil
		return b, nil
	}
	b, err := r.walker.next()
	if r.proof != nil && err != nil && !errors.Is(err, io.EOF) {
		err = ErrSample // A look at the whole file may find another fault before it.
	}
	return b, err
}

// fill reads features into b, which is empty, until it is full, the window leaves
// the block that they stand in, or the file ends.
func (r *geoJSON) fill(b *jsonBatch) error {
	b.first = r.record
	for len(b.texts) < r.sizes.features && (b.size < r.sizes.bytes || b.size == 0) {
		text, err := r.take()
		if err != nil {
			return err
		}
		block := r.walker.in.block
		single := len(text) > r.sizes.single
		if len(b.texts) > 0 && (single || block != b.block) {
			r.pending = text
			return nil
		}
		b.texts, b.places = append(b.texts, text), append(b.places, r.walker.at)
		b.size += len(text)
		r.record++
		if single {
			b.single = true
			return nil
		}
		if b.block == nil {
			block.users.Add(1)
			b.block = block
		}
	}
	return nil
}

// nextBatch implements [batchReader].
func (r *geoJSON) nextBatch() (rawBatch, []Feature, error) {
	if r.proof != nil && r.proof.wrong.Load() {
		return nil, nil, ErrSample
	}
	b := r.takeBatch()
	err := r.fill(b)
	switch {
	case len(b.texts) == 0:
		b.release()
		return nil, nil, err
	case b.single:
		f := Feature{Record: r.record}
		r.parser.parse(b.texts[0], b.places[0], &f)
		b.release()
		return nil, []Feature{f}, err
	}
	return b, nil, err
}

// parse implements [rawBatch].
func (b *jsonBatch) parse(s *Scratch) []Feature {
	p := s.json
	if p == nil || p.schema != b.reader.schema {
		p = newJSONParser(b.reader.schema, b.reader.proof)
		s.json = p
	}
	p.arena.reuse()
	s.features = s.features[:0]
	for i, text := range b.texts {
		f := Feature{Record: b.first + int64(i) + 1}
		p.parse(text, b.places[i], &f)
		s.features = append(s.features, f)
	}
	b.release()
	return s.features
}
