package source

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"gengtu/index/problem"
)

// Of a large file that may be sampled the fields are learned from its beginning
// and from pieces of it. Most files have the same members in each feature, and a
// member that is null for long, or a number that has decimals at last, is met in
// one piece of many. While the features are read everything is noted that the
// whole file would have taught; [Confirm] compares.

// jsonPieces is how many pieces of a file are looked at behind its beginning: a
// member that stands in every hundredth feature is in one of them.
const jsonPieces = 64

// jsonProof gathers what a file with a guessed schema turns out to hold.
type jsonProof struct {
	first []byte      // the crs member of the first feature, if it has one
	wrong atomic.Bool // the guess is refuted already
	mu    sync.Mutex
	parts []*jsonSeen
}

// jsonSeen is what one parser met.
type jsonSeen struct {
	proof *jsonProof
	guess *jsonSchema
	kinds []jsonKinds // by field
	first []jsonPlace // by field
	order int64
	ids   jsonKinds
}

// jsonPlace is where a field was met first: the record, 0 for none, and a number
// that rises with what one parser meets.
type jsonPlace struct{ record, order int64 }

// watch returns what a further parser notes in; nil for a schema that is sure.
func (p *jsonProof) watch(s *jsonSchema) *jsonSeen {
	if p == nil {
		return nil
	}
	seen := &jsonSeen{proof: p, guess: s, kinds: make([]jsonKinds, len(s.names)), first: make([]jsonPlace, len(s.names))}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.parts = append(p.parts, seen)
	return seen
}

// surprise notes that the guess is wrong.
func (s *jsonSeen) surprise() {
	if s != nil {
		s.proof.wrong.Store(true)
	}
}

// met notes a value of kinds k of a field.
func (s *jsonSeen) met(field int, k jsonKinds, record int64) {
	if s == nil {
		return
	}
	if s.first[field].record == 0 {
		s.order++
		s.first[field] = jsonPlace{record, s.order}
	}
	if k&^s.kinds[field] == 0 {
		return
	}
	s.kinds[field] |= k
	if guess := s.guess.kinds[field]; (guess | k).kind() != guess.kind() {
		s.surprise()
	}
}

// metID notes a feature's own id.
func (s *jsonSeen) metID(k jsonKinds) {
	if s != nil {
		s.ids |= k
	}
}

// fault notes what a feature teaches that could not be read to its end.
func (s *jsonSeen) fault(b []byte, f *Feature) {
	if s == nil || f.Problem == nil {
		return
	}
	learned := newJSONSchema()
	learned.records = f.Record
	if p := (&jsonScanner{schema: learned}).feature(b, 0); p != nil {
		s.surprise()
		return
	}
	s.metID(learned.idKinds)
	for _, sp := range learned.spelling {
		i, ok := s.guess.index[string(sp.name)]
		if !ok {
			s.surprise()
			return
		}
		s.met(s.guess.spelling[i].field, learned.kinds[sp.field], f.Record)
	}
}

// confirm implements [confirmer].
func (r *geoJSON) confirm() error {
	if r.proof == nil {
		return nil
	}
	if r.proof.wrong.Load() || !r.proof.holds(r.schema) || !sameCRS(r.walker.crsOr(r.proof.first), r.schema.crs) {
		return ErrSample
	}
	r.layer.Count = r.record
	return nil
}

// sameCRS tells whether two crs members, nil for none, are the same.
func sameCRS(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

// holds tells whether the whole file, which has been read, would have taught s.
func (p *jsonProof) holds(s *jsonSchema) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	first := make([]jsonPlace, len(s.names))
	kinds := make([]jsonKinds, len(s.names))
	var ids jsonKinds
	for _, part := range p.parts {
		ids |= part.ids
		for i, at := range part.first {
			kinds[i] |= part.kinds[i]
			if at.record != 0 && (first[i].record == 0 || at.record < first[i].record) {
				first[i] = at
			}
		}
	}
	named := len(s.names)
	if s.ids >= 0 {
		named--
		kinds[s.ids] = ids
	}
	if (ids != 0) != (s.idKinds != 0) {
		return false
	}
	for i := range s.names {
		if kinds[i].kind() != s.kinds[i].kind() || i < named && first[i].record == 0 {
			return false
		}
	}
	return slices.IsSortedFunc(first[:named], func(a, b jsonPlace) int {
		return cmp.Or(cmp.Compare(a.record, b.record), cmp.Compare(a.order, b.order))
	})
}

// sample guesses what the file holds; nil when a look at the whole file must tell.
func (r *geoJSON) sample(ctx context.Context) (*jsonSchema, error) {
	s := newJSONSchema()
	scan := &jsonScanner{schema: s}
	if err := r.learnFirst(scan); err != nil {
		return nil, ctx.Err()
	}
	proof := &jsonProof{first: s.crs}
	for r.walker.at < int64(r.sizes.head) {
		b, err := r.walker.next()
		if err != nil || scan.feature(b, r.walker.at) != nil {
			return nil, ctx.Err()
		}
		s.records++
	}
	bytesRead := r.walker.in.offset()
	s.crs = r.walker.crsOr(s.crs)
	buf := make([]byte, r.sizes.piece)
	for i := range int64(jsonPieces) {
		n, err := r.file.ReadAt(buf, bytesRead+i*(r.size-bytesRead)/jsonPieces)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if !scan.piece(buf[:n]) {
			return nil, ctx.Err()
		}
	}
	s.identify()
	r.proof = proof
	r.layer.About = int64(float64(s.records) / float64(bytesRead) * float64(r.size))
	s.records = -1
	return s, ctx.Err()
}

// piece learns the features that stand on whole lines of a piece of the file; false
// when one of them says that the file is not in order.
func (s *jsonScanner) piece(b []byte) bool {
	_, b, _ = bytes.Cut(b, []byte("\n"))
	for {
		line, rest, whole := bytes.Cut(b, []byte("\n"))
		if !whole {
			return true
		}
		b = rest
		line = bytes.Trim(line, " \t\r\x1e,")
		if !balanced(line) || !utf8.Valid(line) || !isFeature(line) {
			continue
		}
		if s.feature(line, 0) != nil {
			return false
		}
	}
}

// isFeature tells whether the object b says that it is a Feature.
func isFeature(b []byte) bool {
	found := false
	c := &jsonCursor{b: b}
	p := c.object(func(name []byte) *problem.Problem {
		v, p := c.skip()
		found = found || string(name) == "type" && string(v) == `"Feature"`
		return p
	})
	return p == nil && found
}
