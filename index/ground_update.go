package index

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	bolt "go.etcd.io/bbolt"

	"gengtu/index/ground"
)

// ReviseGround makes the partition of the ground of ix at path, where either a copy
// of that of the generation before lies or nothing. v is what the features of ix
// differ in from those of that generation: where it is the shorter way, only what
// changed is made anew; the file is not seen on disk then, see
// [edition.Draft.Finish], and of the partition ix knows only which features are
// alone. Otherwise it does as [BuildGround] does.
func ReviseGround(ctx context.Context, ix *Index, path string, v *Revision, tell func(done, all int)) (made bool, err error) {
	switch _, err := os.Stat(path); {
	case errors.Is(err, os.ErrNotExist):
		return BuildGround(ctx, ix, path, tell)
	case err != nil:
		return false, err
	}
	if s := newGroundSource(ix); !s.box.Empty() && len(s.keys) <= ground.MaxLayers {
		about, err := reviseGround(ctx, s, path, v, tell)
		done := about != nil
		if err == nil && done {
			if err = Compact(path); err == nil {
				err = ix.resolve(about, s)
			}
		}
		if err != nil || done {
			return done, err
		}
	}
	if err := os.Remove(path); err != nil {
		return false, err
	}
	return BuildGround(ctx, ix, path, tell)
}

// reviseGround returns what the changed partition is about, nil where it was not
// changed.
func reviseGround(ctx context.Context, s *groundSource, path string, v *Revision, tell func(done, all int)) (*ground.Ground, error) {
	db, err := openCopy(path)
	if err != nil {
		return nil, err
	}
	r := &groundRecords{db: db}
	var about *ground.Ground
	err = guard(func() (err error) {
		if r.tx, err = db.Begin(true); err != nil {
			return err
		}
		done, err := ground.Update(ctx, s, &v.extents, r, tell)
		if err == nil && done {
			about, err = ground.About(r)
		}
		if err == nil {
			err = r.end()
		}
		return err
	})
	if errors.Is(err, errFile) {
		err = damaged(path, err)
	}
	if err != nil {
		err = errors.Join(err, r.giveUp())
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return about, nil
}

// groundRecords are the records of a partition in a file. What is changed is
// written now and then, so that memory holds a bounded part of it.
type groundRecords struct {
	db    *bolt.DB
	tx    *bolt.Tx
	bytes int
}

func (r *groundRecords) Get(bucket string, key []byte) []byte {
	b := r.tx.Bucket([]byte(bucket))
	if b == nil {
		return nil
	}
	return b.Get(key)
}

func (r *groundRecords) From(bucket string, key []byte, visit func(key, value []byte) bool) {
	b := r.tx.Bucket([]byte(bucket))
	if b == nil {
		return
	}
	c := b.Cursor()
	for k, v := c.Seek(key); k != nil && visit(k, v); k, v = c.Next() {
	}
}

func (r *groundRecords) Put(bucket string, key, value []byte) error {
	b, err := r.tx.CreateBucketIfNotExists([]byte(bucket))
	if err != nil {
		return err
	}
	if err := b.Put(key, value); err != nil {
		return err
	}
	r.bytes += len(key) + len(value)
	return r.rest()
}

func (r *groundRecords) Delete(bucket string, key []byte) error {
	b := r.tx.Bucket([]byte(bucket))
	if b == nil {
		return nil
	}
	return b.Delete(bytes.Clone(key))
}

// rest writes a transaction that has become large and begins another.
func (r *groundRecords) rest() error {
	if r.bytes < batchBytes {
		return nil
	}
	if err := r.end(); err != nil {
		return err
	}
	var err error
	r.tx, err = r.db.Begin(true)
	return err
}

// end writes what is left. After a fault in it the transaction is still to be given up.
func (r *groundRecords) end() error {
	err := r.tx.Commit()
	r.tx, r.bytes = nil, 0
	return err
}

// giveUp ends a transaction that is under way without writing it.
func (r *groundRecords) giveUp() error {
	if r.tx == nil {
		return nil
	}
	return r.tx.Rollback()
}
