// Package spill brings byte strings into order that take more memory than there
// is for them: what is sorted goes to a file in runs, and runs are merged.
//
// The file is of the system's alone: it has no name, so that it is gone with the
// process, however that ends. What comes out depends neither on the memory nor on the
// number of processors.
//
// The package does not look into the strings beyond their order.
package spill

import (
	"bufio"
	"bytes"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"sync"

	"gengtu/index/disk"
)

// Runs are byte strings in a file, in runs that are sorted each by itself. The zero
// value with a directory has none and no file. Not for concurrent use.
type Runs struct {
	// Dir is the directory that the file is made in.
	Dir string

	f       *os.File
	first   []int64 // where each run begins
	end     int64   // of what is in the file
	pending []byte  // behind it
}

// errRun says that a run is not what was written.
var errRun = errors.New("passing file of sorted runs damaged")

// writeBytes is how much is written to the file at a time.
const writeBytes = 1 << 20

// Len returns the number of runs.
func (r *Runs) Len() int { return len(r.first) }

// Begin begins a run.
func (r *Runs) Begin() error {
	if r.f == nil {
		f, err := disk.Passing(r.Dir, ".sorting-*")
		if err != nil {
			return err
		}
		r.f = f
	}
	r.first = append(r.first, r.end+int64(len(r.pending)))
	return nil
}

// Put adds the string that parts are together to the run that was begun last, which
// it must not come before the end of. It returns where the string lies. parts
// are not kept.
func (r *Runs) Put(parts ...[]byte) (place int64, err error) {
	place = r.end + int64(len(r.pending))
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	r.pending = binary.AppendUvarint(r.pending, uint64(n))
	for _, p := range parts {
		r.pending = append(r.pending, p...)
	}
	if len(r.pending) >= writeBytes {
		err = r.flush()
	}
	return place, err
}

func (r *Runs) flush() error {
	n, err := r.f.WriteAt(r.pending, r.end)
	r.end += int64(n)
	r.pending = r.pending[:copy(r.pending, r.pending[n:])]
	return err
}

// At returns the string at a place that Put returned. It is the caller's.
func (r *Runs) At(place int64) ([]byte, error) {
	if err := r.flush(); err != nil {
		return nil, err
	}
	c := cursor{in: bufio.NewReaderSize(io.NewSectionReader(r.f, place, r.end-place), leastBuffer), at: place, end: r.end}
	err := c.next()
	return c.text, err
}

// What is read of a run at a time. Below leastBuffer a disk does nothing but seek.
const (
	leastBuffer = 4 << 10
	mostBuffer  = 256 << 10
)

// Merge calls visit with every string in rising order, and where it lies. text is
// valid during the call only. Some memoryBytes are taken for reading, but 4 KiB for
// each run at least. The first error of visit ends it.
func (r *Runs) Merge(memoryBytes int64, visit func(place int64, text []byte) error) error {
	if len(r.first) == 0 {
		return nil
	}
	if err := r.flush(); err != nil {
		return err
	}
	buffer := int(max(leastBuffer, min(mostBuffer, memoryBytes/int64(len(r.first)))))
	var open cursors
	for i, first := range r.first {
		end := r.end
		if i+1 < len(r.first) {
			end = r.first[i+1]
		}
		c := &cursor{in: bufio.NewReaderSize(io.NewSectionReader(r.f, first, end-first), buffer), at: first, end: end}
		switch err := c.next(); {
		case err == nil:
			open = append(open, c)
		case !errors.Is(err, io.EOF):
			return err
		}
	}
	heap.Init(&open)
	for len(open) > 0 {
		c := open[0]
		if err := visit(c.place, c.text); err != nil {
			return err
		}
		switch err := c.next(); {
		case err == nil:
			heap.Fix(&open, 0)
		case errors.Is(err, io.EOF):
			heap.Pop(&open)
		default:
			return err
		}
	}
	return nil
}

// Close gives the file back to the system. Without runs it does nothing.
func (r *Runs) Close() error {
	f := r.f
	*r = Runs{Dir: r.Dir}
	if f == nil {
		return nil
	}
	return f.Close()
}

// cursor reads a run.
type cursor struct {
	in      *bufio.Reader
	at, end int64
	place   int64 // of text
	text    []byte
}

// next goes to the next string; io.EOF behind the last one.
func (c *cursor) next() error {
	if c.at == c.end {
		return io.EOF
	}
	head, err := c.in.Peek(int(min(binary.MaxVarintLen64, c.end-c.at)))
	if err != nil {
		return fmt.Errorf("%w: %w", errRun, err)
	}
	n, k := binary.Uvarint(head)
	if k <= 0 || n > uint64(c.end-c.at-int64(k)) { //nolint:gosec // the end lies behind
		return errRun
	}
	c.place, c.at = c.at, c.at+int64(k)+int64(n) //nolint:gosec // held against the end
	c.text = slices.Grow(c.text[:0], int(n))[:n] //nolint:gosec // the same
	if _, err := c.in.Discard(k); err != nil {
		return err
	}
	if _, err := io.ReadFull(c.in, c.text); err != nil {
		return fmt.Errorf("%w: %w", errRun, err)
	}
	return nil
}

// cursors are a heap by what they stand at.
type cursors []*cursor

func (h cursors) Len() int           { return len(h) }
func (h cursors) Less(i, j int) bool { return bytes.Compare(h[i].text, h[j].text) < 0 }
func (h cursors) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *cursors) Push(x any)        { *h = append(*h, x.(*cursor)) }
func (h *cursors) Pop() any {
	last := len(*h) - 1
	c := (*h)[last]
	*h = (*h)[:last]
	return c
}

// Sorted returns list in order, which may be list itself. Its halves are sorted at
// once; where all elements differ their number does not show.
func Sorted[T any](list []T, compare func(a, b T) int) []T {
	const least = 1 << 12 // elements that are worth a goroutine
	n := min(runtime.GOMAXPROCS(0), len(list)/least)
	if n < 2 {
		slices.SortFunc(list, compare)
		return list
	}
	a, b := list[:len(list)/2], list[len(list)/2:]
	var wg sync.WaitGroup
	wg.Go(func() { slices.SortFunc(a, compare) })
	slices.SortFunc(b, compare)
	wg.Wait()
	out := make([]T, 0, len(list))
	for len(a) > 0 && len(b) > 0 {
		if compare(b[0], a[0]) < 0 {
			out, b = append(out, b[0]), b[1:]
		} else {
			out, a = append(out, a[0]), a[1:]
		}
	}
	return append(append(out, a...), b...)
}
