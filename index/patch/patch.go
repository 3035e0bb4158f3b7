// Package patch keeps what a file of records differs in from what it was when it was
// written, in a small file beside it, its patch: so that a change costs what it
// changes, and the file, which may be linked into many directories, is never written
// to. Both are bbolt files with the same buckets, and a reader of a [File] sees one.
//
// In a patch each value stands behind a byte that says whether the record is there or
// is taken away. A patch holds nothing that the file says already, so that it is the
// difference of two states and not a history.
//
// The package does not know what the records mean, nor whether the two files are those
// that they should be: who lists them keeps their checksums (index/edition).
package patch

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
)

// ErrDamaged is wrapped by the errors about files that are not what was written.
var ErrDamaged = errors.New("file damaged")

// Guard runs f, which reads a mapped file. A panic of the store over pages that are
// not what they should be, and a fault at pages that the file does not have, become an
// error that wraps [ErrDamaged]: a damaged file must not end the program.
func Guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", ErrDamaged, r)
		}
	}()
	return f()
}

// Path returns where the patch of the file at path lies: features.patch beside
// features.db.
func Path(path string) string { return strings.TrimSuffix(path, ".db") + ".patch" }

// The byte before each value of a patch.
const (
	gone  = 0
	there = 1
)

// File is a file with its patch, if it has one, open for reading. Any number of
// processes may have it open, and any number of goroutines may use it until Close.
// What it returns lies in the mapped files: it is valid until Close and must not be
// written to. Reads belong under [Guard].
type File struct {
	base, patch side
	check       *check
}

// side is one of the two files.
type side struct {
	db *bolt.DB
	tx *bolt.Tx
}

// lockWait is how long a file's lock is waited for. Readers share it; only a writer
// of the same file keeps them out.
const lockWait = 5 * time.Second

// Open opens the file at path, and its patch where there is one. With the checksums of
// the file's blocks, which may be nil, what is read of it is compared with them, see
// [BlockBytes]; a difference is a panic, which [Guard] makes an error. The error of a
// file that is not there matches fs.ErrNotExist, that of one that somebody writes to
// bbolt's ErrTimeout, and of one that is cut short [ErrDamaged].
func Open(path string, sums *Sums) (*File, error) {
	f := &File{}
	err := f.base.open(path)
	if err == nil {
		f.check, err = newCheck(path, sums, f.base.db)
	}
	if err == nil {
		err = f.patch.open(Path(path))
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (s *side) open(path string) error {
	if err := checkPages(path); err != nil {
		return err
	}
	return Guard(func() (err error) {
		if s.db, err = bolt.Open(path, 0, &bolt.Options{ReadOnly: true, Timeout: lockWait, NoStatistics: true}); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		s.tx, err = s.db.Begin(false)
		return err
	})
}

func (s *side) close() error {
	var err error
	if s.tx != nil {
		err = s.tx.Rollback()
	}
	if s.db != nil {
		err = errors.Join(err, s.db.Close())
	}
	*s = side{}
	return err
}

// Close closes the files. Closing twice does nothing.
func (f *File) Close() error { return errors.Join(f.base.close(), f.patch.close()) }

// Size returns the bytes of both files.
func (f *File) Size() int64 {
	n := f.base.tx.Size()
	if f.patch.tx != nil {
		n += f.patch.tx.Size()
	}
	return n
}

// Buckets returns the names of the outermost buckets, sorted.
func (f *File) Buckets() []string { return names(f.root()) }

// root returns a cursor over the outermost buckets.
func (f *File) root() *Cursor {
	c := &Cursor{base: f.base.tx.Cursor(), check: f.check}
	if f.patch.tx != nil {
		c.patch = f.patch.tx.Cursor()
	}
	return c
}

// Bucket returns an outermost bucket; nil when there is none of that name.
func (f *File) Bucket(name string) *Bucket {
	b := &Bucket{base: f.base.tx.Bucket([]byte(name)), check: f.check}
	if f.patch.tx != nil {
		b.patch = f.patch.tx.Bucket([]byte(name))
	}
	return b.orNil()
}

// Bucket is a bucket of records, or of buckets, of a [File] or a [Tx]. Of a File it may
// be used by several goroutines. The zero value holds nothing.
type Bucket struct {
	base, patch *bolt.Bucket // either may be nil
	check       *check       // of base

	ofBase, ofPatch finders
}

// finders look keys up in a bucket: cursors that are used again, for one that is new
// takes memory several times on its way down the tree.
type finders struct{ idle sync.Pool }

// get returns the value of a key in b, nil when there is none.
func (f *finders) get(b *bolt.Bucket, key []byte) []byte {
	c, ok := f.idle.Get().(*bolt.Cursor)
	if !ok {
		c = b.Cursor()
	}
	k, v := c.Seek(key)
	f.idle.Put(c) // none that a damaged page made panic
	if !bytes.Equal(k, key) {
		return nil
	}
	return v
}

// astray tells whether the search for a key that b does not have ended beside a record
// that is out of order, or does not fit.
func (f *finders) astray(b *bolt.Bucket, key []byte, fits func(key, value []byte) bool) bool {
	c, ok := f.idle.Get().(*bolt.Cursor)
	if !ok {
		c = b.Cursor()
	}
	after, value := c.Seek(key)
	if bytes.Equal(after, key) {
		f.idle.Put(c)
		return false
	}
	bad := after != nil && (bytes.Compare(after, key) < 0 || !fits(after, value))
	before, value := c.Prev()
	if after == nil {
		before, value = c.Last()
	}
	bad = bad || before != nil && (bytes.Compare(before, key) >= 0 || !fits(before, value))
	f.idle.Put(c) // none that a damaged page made panic
	return bad
}

func (b *Bucket) orNil() *Bucket {
	if b.base == nil && b.patch == nil {
		return nil
	}
	return b
}

// Bucket returns a bucket in b; nil when there is none of that name.
func (b *Bucket) Bucket(name string) *Bucket {
	in := &Bucket{check: b.check}
	if b.base != nil {
		in.base = b.base.Bucket([]byte(name))
	}
	if b.patch != nil {
		in.patch = b.patch.Bucket([]byte(name))
	}
	return in.orNil()
}

// Buckets returns the names of the buckets in b, sorted.
func (b *Bucket) Buckets() []string { return names(b.Cursor()) }

func names(c *Cursor) []string {
	var out []string
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if v == nil {
			out = append(out, string(k))
		}
	}
	return out
}

// Get returns the value of a key, nil when there is none.
func (b *Bucket) Get(key []byte) []byte {
	if b.patch != nil {
		if v := b.ofPatch.get(b.patch, key); len(v) > 0 {
			if v[0] == gone {
				return nil
			}
			return v[1:]
		}
	}
	return b.before(key)
}

// Astray tells whether a damaged page may be why Get finds nothing under a key: a search
// that a damaged key misleads ends beside that key, so the records before and behind the
// place are out of order there, or fits says that they are not what was written.
func (b *Bucket) Astray(key []byte, fits func(key, value []byte) bool) bool {
	if b.base != nil && b.ofBase.astray(b.base, key, fits) {
		return true
	}
	return b.patch != nil && b.ofPatch.astray(b.patch, key, func(k, v []byte) bool {
		return len(v) > 0 && (v[0] == gone || fits(k, v[1:]))
	})
}

// before returns the value of a key in the file without its patch.
func (b *Bucket) before(key []byte) []byte {
	if b.base == nil {
		return nil
	}
	v := b.ofBase.get(b.base, key)
	if b.check != nil {
		b.check.touch(v)
	}
	return v
}

// Empty tells whether b holds nothing.
func (b *Bucket) Empty() bool {
	k, _ := b.Cursor().First()
	return k == nil
}

// ForEach calls visit with every key and value, in the order of the keys. Its first
// error ends it and is returned.
func (b *Bucket) ForEach(visit func(key, value []byte) error) error {
	c := b.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if err := visit(k, v); err != nil {
			return err
		}
	}
	return nil
}

// Cursor returns a cursor over b, which one goroutine may use.
func (b *Bucket) Cursor() *Cursor {
	c := &Cursor{check: b.check}
	if b.base != nil {
		c.base = b.base.Cursor()
	}
	if b.patch != nil {
		c.patch = b.patch.Cursor()
	}
	return c
}

// Cursor goes over keys in their order. Where a bucket lies in a bucket the value is
// nil; that of a record never is.
type Cursor struct {
	base, patch *bolt.Cursor // either may be nil
	check       *check
	b, p        entry // where they are
	patched     bool  // what was returned last is p
}

// entry is a key and its value. Without a key there is none.
type entry struct{ key, value []byte }

// First goes to the first key; nil when there is none.
func (c *Cursor) First() (key, value []byte) {
	if c.base != nil {
		c.b.key, c.b.value = c.base.First()
	}
	if c.patch != nil {
		c.p.key, c.p.value = c.patch.First()
	}
	return c.pick()
}

// Seek goes to the first key that is not less than key; nil when there is none.
func (c *Cursor) Seek(key []byte) (k, value []byte) {
	if c.base != nil {
		c.b.key, c.b.value = c.base.Seek(key)
	}
	if c.patch != nil {
		c.p.key, c.p.value = c.patch.Seek(key)
	}
	return c.pick()
}

// Next goes to the next key; nil when there is none.
func (c *Cursor) Next() (key, value []byte) {
	if c.patched {
		c.p.key, c.p.value = c.patch.Next()
	} else if c.base != nil {
		c.b.key, c.b.value = c.base.Next()
	}
	return c.pick()
}

// pick returns the lesser of the two keys. A record of the patch stands for that of
// the file under its key.
func (c *Cursor) pick() (key, value []byte) {
	for {
		order := 1 // of the patch's key to the file's
		switch {
		case c.p.key != nil && c.b.key != nil:
			order = bytes.Compare(c.p.key, c.b.key)
		case c.p.key != nil:
			order = -1
		}
		switch {
		case order > 0:
			c.patched = false
			if c.check != nil {
				c.check.touch(c.b.key)
				c.check.touch(c.b.value)
			}
			return c.b.key, c.b.value
		case order == 0:
			c.b.key, c.b.value = c.base.Next()
		case c.p.value == nil: // a bucket
			c.patched = true
			return c.p.key, nil
		case len(c.p.value) > 0 && c.p.value[0] == there:
			c.patched = true
			return c.p.key, c.p.value[1:]
		default:
			c.p.key, c.p.value = c.patch.Next()
		}
	}
}
