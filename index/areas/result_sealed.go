package areas

import (
	"io"

	"gengtu/index/problem"
)

// Seal returns an element of an answer in JSON with its receipt. number is its
// place, from 1, and last tells whether it is the last one; number is 0 of an answer
// that stands alone. The element is not changed.
type Seal func(element []byte, number int, last bool) ([]byte, error)

// Sealed returns a writer of [JSON] or [NDJSON] whose results are sealed. A result
// of a collection is written when the one after it is known, or that there is none.
// What is aborted has no last element.
func Sealed(w io.Writer, form Form, seal Seal) ResultWriter {
	return sealed(w, form, "", seal)
}

// SealedIndented is [Sealed] of JSON for people to read.
func SealedIndented(w io.Writer, seal Seal) ResultWriter { return sealed(w, JSON, "  ", seal) }

func sealed(w io.Writer, form Form, indent string, seal Seal) ResultWriter {
	s := &sealedWriter{seal: seal}
	if form == NDJSON {
		l := &lineWriter{w: w}
		s.to, s.element = l, l.line
		return s
	}
	j := &jsonWriter{w: w, indent: indent}
	s.to, s.element = j, j.next
	return s
}

// sealedWriter holds one element back until it is known whether it is the last.
type sealedWriter struct {
	to      ResultWriter
	element func(data []byte) error
	seal    Seal
	held    []byte
	n       int
	alone   bool
}

// Write implements [ResultWriter].
func (s *sealedWriter) Write(r *Result) error {
	if r.Single && r.Answer != nil && s.n == 0 {
		if j, ok := s.to.(*jsonWriter); ok {
			s.alone, j.single = true, true
			return s.put(r.Answer.AppendJSON(nil), 0, true)
		}
	}
	if err := s.release(false); err != nil {
		return err
	}
	s.n++
	s.held = r.AppendJSON(nil)
	return nil
}

// release writes the element that is held back, if there is one.
func (s *sealedWriter) release(last bool) error {
	if s.held == nil {
		return nil
	}
	data := s.held
	s.held = nil
	return s.put(data, s.n, last)
}

func (s *sealedWriter) put(data []byte, number int, last bool) error {
	data, err := s.seal(data, number, last)
	if err != nil {
		return err
	}
	return s.element(data)
}

// Abort implements [ResultWriter].
func (s *sealedWriter) Abort(p *problem.Problem) error {
	if err := s.release(false); err != nil {
		return err
	}
	return s.to.Abort(p)
}

// Close implements [ResultWriter].
func (s *sealedWriter) Close() error {
	if err := s.release(true); err != nil {
		return err
	}
	return s.to.Close()
}
