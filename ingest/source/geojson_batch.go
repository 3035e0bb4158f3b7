package source

// jsonBatch is a run of features as they stand in the file.
type jsonBatch struct {
	reader *geoJSON
	first  int64   // number of the record before the first
	data   []byte  // all features, one behind the other
	ends   []int   // of each feature in data
	places []int64 // of each feature in the file
	single bool    // data is the reader's window, and holds one feature
}

// text returns feature i and its place in the file.
func (b *jsonBatch) text(i int) ([]byte, int64) {
	start := 0
	if i > 0 {
		start = b.ends[i-1]
	}
	return b.data[start:b.ends[i]], b.places[i]
}

// takeBatch returns an empty batch.
func (r *geoJSON) takeBatch() *jsonBatch {
	b, ok := r.batches.Get().(*jsonBatch)
	if !ok || b.single {
		b = &jsonBatch{reader: r}
	}
	b.data, b.ends, b.places = b.data[:0], b.ends[:0], b.places[:0]
	return b
}

// take returns the next feature, whose place is the walker's; it is valid until
// the next call.
func (r *geoJSON) take() ([]byte, error) {
	if b := r.pending; b != nil {
		r.pending = nil
		return b, nil
	}
	return r.walker.next()
}

// fill reads features into b, which is empty, until it is full or the file ends.
func (r *geoJSON) fill(b *jsonBatch) error {
	b.first = r.record
	for len(b.ends) < r.sizes.features && len(b.data) < r.sizes.bytes {
		text, err := r.take()
		if err != nil {
			return err
		}
		b.single = len(text) > r.sizes.single
		switch {
		case b.single && len(b.ends) > 0:
			b.single, r.pending = false, text
			return nil
		case b.single:
			b.data = text
		default:
			b.data = append(b.data, text...)
		}
		b.ends, b.places = append(b.ends, len(b.data)), append(b.places, r.walker.at)
		r.record++
		if b.single {
			return nil
		}
	}
	return nil
}

// nextBatch implements [batchReader].
func (r *geoJSON) nextBatch() (rawBatch, []Feature, error) {
	b := r.takeBatch()
	err := r.fill(b)
	switch {
	case len(b.ends) == 0:
		return nil, nil, err
	case b.single:
		f := Feature{Record: r.record}
		r.parser.parse(b.data, b.places[0], &f)
		return nil, []Feature{f}, err
	}
	return b, nil, err
}

// parse implements [rawBatch].
func (b *jsonBatch) parse(s *Scratch) []Feature {
	p := s.json
	if p == nil || p.schema != b.reader.schema {
		p = newJSONParser(b.reader.schema)
		s.json = p
	}
	p.arena.reuse()
	s.features = s.features[:0]
	for i := range b.ends {
		f := Feature{Record: b.first + int64(i) + 1}
		text, at := b.text(i)
		p.parse(text, at, &f)
		s.features = append(s.features, f)
	}
	b.reader.batches.Put(b)
	return s.features
}
