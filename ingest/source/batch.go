package source

// What a batch holds at most: the hand-over from goroutine to goroutine is lost in
// the work on 256 records, and records with many points do not hold the others up.
const (
	batchRecords = 256
	batchPoints  = 100_000
	batchBytes   = 256 << 10
)

// Batch is a run of records that follow each other in a file, taken off the file
// and not yet parsed as far as its format allows. It is used once.
type Batch struct {
	path     string
	features []Feature
	raw      rawBatch // nil: features are parsed
}

// rawBatch is a batch that can be parsed beside others of its file.
type rawBatch interface {
	parse(s *Scratch) []Feature
}

// batchReader is a reader of a format whose records are parsed apart from reading.
type batchReader interface {
	// nextBatch returns the next records, or their features; an error ends the
	// reading, after what is returned with it.
	nextBatch() (rawBatch, []Feature, error)
}

// Scratch is memory that one goroutine parses one batch after the other in. The
// zero value is ready for use.
type Scratch struct {
	features []Feature
	json     *jsonParser
	vct      *vctParser
}

// NextBatch takes the next records off the file: several hundred, or fewer large
// ones. The batch is nil when there are none left. An error, which is io.EOF at
// the end and otherwise as from [Reader].Next, ends the reading, after the records
// that are returned with it. Next may be called in turn with it, by the same
// goroutine.
func NextBatch(r Reader) (*Batch, error) {
	b := &Batch{}
	s, ok := r.(*stream)
	if ok {
		b.path = s.Layer().Path
		if by, ok := s.Reader.(batchReader); ok {
			return s.nextBatch(b, by)
		}
	}
	points := 0
	for len(b.features) < batchRecords && points < batchPoints {
		var f Feature
		if err := r.Next(&f); err != nil {
			return b.orNil(), err
		}
		b.features = append(b.features, f)
		for _, p := range f.Polygons {
			for _, ring := range p {
				points += len(ring)
			}
		}
	}
	return b, nil
}

// nextBatch is [NextBatch] by the format's own way.
func (s *stream) nextBatch(b *Batch, by batchReader) (*Batch, error) {
	if s.end != nil {
		return nil, s.end
	}
	err := s.ctx.Err()
	if err == nil {
		b.raw, b.features, err = by.nextBatch()
	}
	if err == nil {
		return b, nil
	}
	if s.ctx.Err() != nil {
		err = s.ctx.Err()
	}
	s.end = inFile(err, b.path)
	return b.orNil(), s.end
}

// orNil returns b, or nil when it holds nothing.
func (b *Batch) orNil() *Batch {
	if b.raw == nil && len(b.features) == 0 {
		return nil
	}
	return b
}

// Features returns the records of b, in the order of the file, as [Reader].Next
// would. Batches may be parsed by several goroutines at once, each with its own
// scratch. The features, and the slices in them, are valid until the scratch is
// used again; values stay.
func (b *Batch) Features(s *Scratch) []Feature {
	if b.raw != nil {
		b.features, b.raw = b.raw.parse(s), nil
	}
	for i := range b.features {
		b.features[i].settle(b.path)
	}
	return b.features
}

// settle gives the problem of a record its place.
func (f *Feature) settle(path string) {
	if f.Problem != nil {
		f.Polygons = nil
		f.Problem = f.Problem.In(path).At(f.Record, f.Problem.Key)
	}
}
