// Package bulk makes a file of keys and values that bbolt reads, from keys that
// come in order.
//
// A store that takes any key at any time looks for each key's place, divides pages
// and writes some of them again and again. Where all keys are there and in order,
// each page is filled up, written once and never looked at again, from the first
// page of the file to the last: leaves as keys come, and above them a branch as soon
// as it is full.
//
// The layout is that of bbolt's version 2: two pages that say where the root is, and
// behind them pages of B+ trees, one for the names of buckets and one for each
// bucket. There is no list of free pages, because no page is free; bbolt opens such a
// file for reading and for writing, as it does its own with NoFreelistSync.
//
// The package imports nothing of ours and knows no feature and no tile.
package bulk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"os"
	"slices"
	"strings"
)

// What bbolt's version 2 is known by, its kinds of pages, and the sizes of what is
// in them.
const (
	magic   = 0xED0CDAED
	version = 2

	branchPage = 0x01
	leafPage   = 0x02
	metaPage   = 0x04
	bucketFlag = 0x01

	headerSize  = 16
	elementSize = 16

	noFreeList = math.MaxUint64
)

// What bbolt takes at most.
const (
	maxKey   = 32768
	maxValue = 1<<31 - 2
	maxCount = 0xFFFF
)

// ErrOrder says that keys do not rise, or that a bucket comes twice.
var ErrOrder = errors.New("keys are not in order")

// Writer makes a file, bucket by bucket. It is not for concurrent use. After an
// error the file is worth nothing.
type Writer struct {
	file     *os.File
	pageSize int
	out      []byte // pages to be written
	written  uint64 // pages that are in the file or in out
	levels   []*level
	buckets  []bucket
	last     []byte // the bucket's last key
	begun    bool   // last is one
}

// bucket is a bucket that is written.
type bucket struct {
	name string
	root uint64
}

// level gathers what will be in the next page of a tree: keys with values in level
// 0, keys with the numbers of the pages below above it.
type level struct {
	elements []element
	keys     []byte
	size     int // bytes of the page
	pages    int // written
}

// element is one key of a page.
type element struct {
	flags uint32
	key   int    // where it ends in keys
	value []byte // in a leaf
	page  uint64 // in a branch
}

// outSize is how much is written to the file at once.
const outSize = 1 << 20

// Create makes the file at path, which must not exist.
func Create(path string, mode os.FileMode) (*Writer, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return nil, err
	}
	w := &Writer{file: file, pageSize: os.Getpagesize()}
	w.out = make([]byte, 2*w.pageSize, outSize+2*w.pageSize) // for the meta pages, which come last
	w.written = 2
	return w, nil
}

// Bucket begins a bucket; those of one file may come in any order, each once.
func (w *Writer) Bucket(name string) error {
	if err := w.endBucket(); err != nil {
		return err
	}
	if name == "" || len(name) > maxKey || slices.ContainsFunc(w.buckets, func(b bucket) bool { return b.name == name }) {
		return fmt.Errorf("bucket %.60q: %w", name, ErrOrder)
	}
	w.buckets = append(w.buckets, bucket{name: name})
	return nil
}

// Put adds a key behind the last one of the bucket. The key is copied; the value
// must not change until the bucket has ended.
func (w *Writer) Put(key, value []byte) error {
	switch {
	case len(w.buckets) == 0:
		return fmt.Errorf("a key before the first bucket: %w", ErrOrder)
	case len(key) == 0 || len(key) > maxKey || len(value) > maxValue:
		return fmt.Errorf("a key of %d bytes with %d bytes: too many or too few", len(key), len(value))
	case w.begun && bytes.Compare(key, w.last) <= 0:
		return fmt.Errorf("key %x behind %x: %w", key, w.last, ErrOrder)
	}
	w.last, w.begun = append(w.last[:0], key...), true
	return w.add(0, key, element{value: value})
}

// add adds an element to the page of a level, which is written before it gets larger
// than a page. One element alone may be larger.
func (w *Writer) add(at int, key []byte, e element) error {
	if at == len(w.levels) {
		w.levels = append(w.levels, &level{size: headerSize})
	}
	l := w.levels[at]
	size := elementSize + len(key) + len(e.value)
	full := len(l.elements)
	if at > 0 {
		full-- // the last one waits, so that no branch leads to one page alone
	}
	if full > min(at, 1) && l.size+size > w.pageSize || full == maxCount {
		if err := w.flush(at, full); err != nil {
			return err
		}
	}
	l.keys = append(l.keys, key...)
	e.key = len(l.keys)
	l.elements = append(l.elements, e)
	l.size += size
	return nil
}

// flush writes n elements of a level as a page and adds it to the level above.
func (w *Writer) flush(at, n int) error {
	l := w.levels[at]
	first := bytes.Clone(l.keys[:l.elements[0].key])
	page, err := w.page(at, n)
	if err != nil {
		return err
	}
	return w.add(at+1, first, element{page: page})
}

// page writes the first n elements of a level as a page, and returns its number.
func (w *Writer) page(at, n int) (uint64, error) {
	l := w.levels[at]
	kind := uint16(leafPage)
	if at > 0 {
		kind = branchPage
	}
	elements := l.elements[:n]
	size := headerSize + l.sizeOf(elements)
	pages := (size + w.pageSize - 1) / w.pageSize
	number := w.written
	end := len(w.out) + pages*w.pageSize
	out := slices.Grow(w.out, pages*w.pageSize)
	out = binary.NativeEndian.AppendUint64(out, number)
	out = binary.NativeEndian.AppendUint16(out, kind)
	out = binary.NativeEndian.AppendUint16(out, uint16(n))
	out = binary.NativeEndian.AppendUint32(out, uint32(pages-1))
	// An element says where its key stands: so many bytes behind its own beginning.
	place, start := elementSize*n, 0
	for i := range elements {
		e := &elements[i]
		length := e.key - start
		if at == 0 {
			out = binary.NativeEndian.AppendUint32(out, e.flags)
		}
		out = binary.NativeEndian.AppendUint32(out, uint32(place))
		out = binary.NativeEndian.AppendUint32(out, uint32(length))
		if at == 0 {
			out = binary.NativeEndian.AppendUint32(out, uint32(len(e.value)))
		} else {
			out = binary.NativeEndian.AppendUint64(out, e.page)
		}
		place += length + len(e.value) - elementSize
		start = e.key
	}
	start = 0
	for i := range elements {
		e := &elements[i]
		out = append(append(out, l.keys[start:e.key]...), e.value...)
		start = e.key
	}
	clear(out[len(out):end])
	w.out = out[:end]
	w.written += uint64(pages)
	l.remove(n)
	if len(w.out) < outSize {
		return number, nil
	}
	return number, w.drain()
}

// sizeOf returns the bytes that the first elements of a level take in a page.
func (l *level) sizeOf(elements []element) int {
	size := 0
	for i := range elements {
		size += elementSize + len(elements[i].value)
	}
	if len(elements) > 0 {
		size += elements[len(elements)-1].key
	}
	return size
}

// remove takes the first n elements away.
func (l *level) remove(n int) {
	if n == 0 {
		return
	}
	l.size -= l.sizeOf(l.elements[:n])
	start := l.elements[n-1].key
	l.keys = append(l.keys[:0], l.keys[start:]...)
	left := copy(l.elements, l.elements[n:])
	clear(l.elements[left:])
	l.elements = l.elements[:left]
	for i := range l.elements {
		l.elements[i].key -= start
	}
	l.pages++
}

// drain writes to the file what is gathered.
func (w *Writer) drain() error {
	_, err := w.file.Write(w.out)
	w.out = w.out[:0]
	return err
}

// endTree writes what is left of a tree, from the leaves up, and returns the number
// of its root.
func (w *Writer) endTree() (uint64, error) {
	if len(w.levels) == 0 {
		w.levels = []*level{{size: headerSize}} // a tree without a key is an empty leaf
	}
	for at := 0; ; at++ {
		if at == len(w.levels)-1 && w.levels[at].pages == 0 {
			root, err := w.page(at, len(w.levels[at].elements))
			w.levels = w.levels[:0]
			return root, err
		}
		if err := w.flush(at, len(w.levels[at].elements)); err != nil {
			return 0, err
		}
	}
}

// endBucket writes what is left of the bucket.
func (w *Writer) endBucket() error {
	if len(w.buckets) == 0 {
		return nil
	}
	root, err := w.endTree()
	w.buckets[len(w.buckets)-1].root = root
	w.begun = false
	return err
}

// Close ends the file, and makes sure that it is on the disk.
func (w *Writer) Close() error {
	err := w.finish()
	if err == nil {
		err = w.file.Sync()
	}
	return errors.Join(err, w.file.Close())
}

// Abort gives the file up. What is there of it stays.
func (w *Writer) Abort() error { return w.file.Close() }

// finish writes the tree of buckets, and then the pages that say where it is.
func (w *Writer) finish() error {
	if err := w.endBucket(); err != nil {
		return err
	}
	slices.SortFunc(w.buckets, func(a, b bucket) int { return strings.Compare(a.name, b.name) })
	for _, b := range w.buckets {
		// A bucket is the number of its root and a counter.
		value := make([]byte, 16)
		binary.NativeEndian.PutUint64(value, b.root)
		if err := w.add(0, []byte(b.name), element{flags: bucketFlag, value: value}); err != nil {
			return err
		}
	}
	root, err := w.endTree()
	if err == nil {
		err = w.drain()
	}
	for number := range uint64(2) {
		if err == nil {
			_, err = w.file.WriteAt(w.meta(number, root), int64(number)*int64(w.pageSize))
		}
	}
	return err
}

// meta returns meta page number 0 or 1, as of transaction number 0 or 1. Both say
// the same, so that it does not matter which of them a later change writes over.
func (w *Writer) meta(number, root uint64) []byte {
	b := make([]byte, 0, w.pageSize)
	b = binary.NativeEndian.AppendUint64(b, number)
	b = binary.NativeEndian.AppendUint16(b, metaPage)
	b = b[:headerSize]
	for _, v := range []uint32{magic, version, uint32(w.pageSize), 0} {
		b = binary.NativeEndian.AppendUint32(b, v)
	}
	for _, v := range []uint64{root, 0, noFreeList, w.written, number} {
		b = binary.NativeEndian.AppendUint64(b, v)
	}
	sum := fnv.New64a()
	sum.Write(b[headerSize:])
	b = binary.NativeEndian.AppendUint64(b, sum.Sum64())
	return b[:w.pageSize]
}
