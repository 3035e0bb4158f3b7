package cache

import (
	"errors"
	"os"
)

// spool is a file of records in the order of their coming. It is not safe for
// concurrent use.
type spool struct {
	f       *os.File
	end     int64  // of what is in the file
	pending []byte // behind it
}

// place is where a record lies in the spool.
type place struct {
	at int64
	n  int32
}

// spoolBytes is how much is written to the file at a time.
const spoolBytes = 1 << 20

func createSpool(path string) (*spool, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	return &spool{f: f}, nil
}

// add appends data, which are not kept.
func (s *spool) add(data []byte) (place, error) {
	p := place{s.end + int64(len(s.pending)), int32(len(data))}
	s.pending = append(s.pending, data...)
	if len(s.pending) < spoolBytes {
		return p, nil
	}
	if _, err := s.f.WriteAt(s.pending, s.end); err != nil {
		return place{}, err
	}
	s.end += int64(len(s.pending))
	s.pending = s.pending[:0]
	return p, nil
}

// read returns what lies at p. The bytes are the caller's.
func (s *spool) read(p place) ([]byte, error) {
	data := make([]byte, p.n)
	if p.at >= s.end {
		copy(data, s.pending[p.at-s.end:])
		return data, nil
	}
	_, err := s.f.ReadAt(data, p.at)
	return data, err
}

// remove closes and removes the file.
func (s *spool) remove() error {
	return errors.Join(s.f.Close(), os.Remove(s.f.Name()))
}
