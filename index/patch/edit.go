package patch

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	bolt "go.etcd.io/bbolt"
)

// Editor changes a file by its patch. Nobody else may have the patch open. Not for
// concurrent use.
type Editor struct {
	base  side
	check *check
	db    *bolt.DB // the patch
	path  string   // of the patch
}

// allocBytes is by how much a patch grows at a time.
const allocBytes = 256 << 10

// Edit opens the file at path for changes; its patch is made if there is none. What
// sums are, and which errors there are, [Open] says. The patch is not seen on disk.
func Edit(path string, sums *Sums) (*Editor, error) {
	e := &Editor{path: Path(path)}
	err := e.base.open(path)
	if err == nil {
		e.check, err = newCheck(path, sums, e.base.db)
	}
	if err == nil {
		err = e.open()
	}
	if err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e, nil
}

func (e *Editor) open() error {
	if _, err := os.Stat(e.path); err == nil {
		if err := checkPages(e.path); err != nil {
			return err
		}
	}
	return Guard(func() (err error) {
		e.db, err = openChanged(e.path)
		return err
	})
}

// openChanged opens a file to change it. The list of its free pages is stored, so that
// the next change need not look for them.
func openChanged(path string) (*bolt.DB, error) {
	db, err := bolt.Open(path, 0o644, &bolt.Options{NoSync: true, NoGrowSync: true, FreelistType: bolt.FreelistMapType, Timeout: lockWait})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	db.AllocSize = allocBytes
	return db, nil
}

func (e *Editor) close() error {
	err := e.base.close()
	if e.db != nil {
		err, e.db = errors.Join(err, e.db.Close()), nil
	}
	return err
}

// Abort closes the files. The patch is worth nothing.
func (e *Editor) Abort() error { return e.close() }

// Close closes the files. A patch that says nothing is taken away, and one that has
// become half empty is written anew.
func (e *Editor) Close() error {
	empty, err := e.empty()
	if err = errors.Join(err, e.close()); err != nil {
		return err
	}
	if empty {
		return os.Remove(e.path)
	}
	return compact(e.path)
}

// empty tells whether the patch holds no record.
func (e *Editor) empty() (bool, error) {
	empty := true
	err := Guard(func() error {
		return e.db.View(func(tx *bolt.Tx) error {
			return tx.ForEach(func(_ []byte, b *bolt.Bucket) error {
				empty = empty && bare(b)
				return nil
			})
		})
	})
	return empty, err
}

func bare(b *bolt.Bucket) bool {
	c := b.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if v != nil || !bare(b.Bucket(k)) {
			return false
		}
	}
	return true
}

// Update runs f in a transaction, which is kept unless f returns an error. It does not
// use bbolt's Update, which after a fault reads the file once more to undo what it did,
// and keeps the file locked when that faults, too.
func (e *Editor) Update(f func(tx *Tx) error) (err error) {
	tx, err := e.Begin()
	if err != nil {
		return err
	}
	ended := false
	defer func() {
		if !ended {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	if err := f(tx); err != nil {
		return err
	}
	err = tx.Commit()
	ended = true
	return err
}

// Begin begins a transaction, which is to be ended before another one begins.
func (e *Editor) Begin() (*Tx, error) {
	tx, err := e.db.Begin(true)
	if err != nil {
		return nil, err
	}
	return &Tx{editor: e, tx: tx}, nil
}

// Tx is a transaction of an [Editor]. What its buckets return is valid until the next
// change.
type Tx struct {
	editor *Editor
	tx     *bolt.Tx
}

// Commit keeps the changes.
func (tx *Tx) Commit() error { return tx.tx.Commit() }

// Rollback drops them.
func (tx *Tx) Rollback() error { return tx.tx.Rollback() }

// Bucket returns the bucket of that path, from the outermost one in, for reading and
// writing. One that is not there is made.
func (tx *Tx) Bucket(path ...string) (*Bucket, error) {
	b := &Bucket{base: tx.editor.base.tx.Bucket([]byte(path[0])), check: tx.editor.check}
	var err error
	b.patch, err = tx.tx.CreateBucketIfNotExists([]byte(path[0]))
	for _, name := range path[1:] {
		if err != nil {
			break
		}
		if b.base != nil {
			b.base = b.base.Bucket([]byte(name))
		}
		b.patch, err = b.patch.CreateBucketIfNotExists([]byte(name))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", tx.editor.path, err)
	}
	return b, nil
}

// Buckets returns the names of the buckets in the bucket name, sorted.
func (tx *Tx) Buckets(name string) ([]string, error) {
	b, err := tx.Bucket(name)
	if err != nil {
		return nil, err
	}
	return b.Buckets(), nil
}

// Put stores a record in a bucket of a [Tx]. Key and value are not kept.
func (b *Bucket) Put(key, value []byte) error {
	if v := b.before(key); v != nil && bytes.Equal(v, value) {
		return b.patch.Delete(key) // the file says it
	}
	return b.patch.Put(key, append([]byte{there}, value...))
}

// Delete takes a record of a bucket of a [Tx] away, if it is there. The key is not kept.
func (b *Bucket) Delete(key []byte) error {
	if b.before(key) == nil {
		return b.patch.Delete(key)
	}
	return b.patch.Put(key, []byte{gone})
}
