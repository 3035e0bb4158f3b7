package spill

import "bytes"

// Sorter takes byte strings in any order and gives them back in rising order. Not
// for concurrent use.
type Sorter struct {
	memory int64
	list   [][]byte
	slab   []byte // what is free
	held   int64
	runs   Runs
}

// headBytes is what a string takes in a list.
const headBytes = 24

// slabBytes is how much memory for strings is taken at once.
const slabBytes = 64 << 10

// NewSorter returns a Sorter that holds up to memoryBytes, and more in a file
// without a name in dir. With 0 it holds everything. It is to be closed.
func NewSorter(dir string, memoryBytes int64) *Sorter {
	return &Sorter{memory: memoryBytes, runs: Runs{Dir: dir}}
}

// Add takes the string that parts are together. They are not kept.
func (s *Sorter) Add(parts ...[]byte) error {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	if n > len(s.slab) {
		s.slab = make([]byte, max(n, slabBytes))
	}
	text := s.slab[:0:n]
	s.slab = s.slab[n:]
	for _, p := range parts {
		text = append(text, p...)
	}
	s.list = append(s.list, text)
	s.held += int64(n) + headBytes
	if s.memory > 0 && s.held > s.memory {
		return s.spill()
	}
	return nil
}

// spill writes what is held as a run.
func (s *Sorter) spill() error {
	if err := s.runs.Begin(); err != nil {
		return err
	}
	for _, text := range Sorted(s.list, bytes.Compare) {
		if _, err := s.runs.Put(text); err != nil {
			return err
		}
	}
	clear(s.list)
	s.list, s.held, s.slab = s.list[:0], 0, nil
	return nil
}

// Each calls visit with every string in rising order. text is valid during the
// call only. Nothing may be added afterwards. The first error ends it.
func (s *Sorter) Each(visit func(text []byte) error) error {
	if s.runs.Len() == 0 {
		s.list = Sorted(s.list, bytes.Compare)
		for _, text := range s.list {
			if err := visit(text); err != nil {
				return err
			}
		}
		return nil
	}
	if err := s.spill(); err != nil {
		return err
	}
	s.list = nil
	return s.runs.Merge(s.memory, func(_ int64, text []byte) error { return visit(text) })
}

// Close gives up what is held.
func (s *Sorter) Close() error {
	s.list, s.slab = nil, nil
	return s.runs.Close()
}
