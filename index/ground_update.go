package index

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	"gengtu/index/edition"
	"gengtu/index/ground"
	"gengtu/index/patch"
)

// ReviseGround makes the partition of the ground of ix at path, where either that of
// the generation before lies, as in [edition.Draft.Take], or nothing. v is what the
// features of ix
// differ in from those of that generation: where it is the shorter way, only what
// changed is made anew, in the patch, which is not seen on disk; of the partition ix
// knows only which features are alone then. Otherwise it does as [BuildGround] does, and
// built is true when it made a file.
func ReviseGround(ctx context.Context, ix *Index, path string, v *Revision, tell func(done, all int)) (built bool, err error) {
	switch _, err := os.Stat(path); {
	case errors.Is(err, os.ErrNotExist):
		return BuildGround(ctx, ix, path, tell)
	case err != nil:
		return false, err
	}
	if s := newGroundSource(ix); !s.box.Empty() && len(s.keys) <= ground.MaxLayers {
		about, err := reviseGround(ctx, &revisedGround{s, v, patch.NewSums(ix.Manifest.Blocks[edition.GroundFile])}, path, tell)
		if err == nil && about != nil {
			err = ix.resolve(about, s)
		}
		if err != nil || about != nil {
			return false, err
		}
	}
	if err := os.Remove(path); err != nil {
		return false, err
	}
	if err := os.Remove(patch.Path(path)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return false, err
	}
	return BuildGround(ctx, ix, path, tell)
}

// revisedGround is what a partition is changed by.
type revisedGround struct {
	source   *groundSource
	revision *Revision
	sums     *patch.Sums // of the file
}

// reviseGround returns what the changed partition is about, nil where it was not
// changed.
func reviseGround(ctx context.Context, by *revisedGround, path string, tell func(done, all int)) (*ground.Ground, error) {
	e, err := openDraft(path, by.sums)
	if err != nil {
		return nil, err
	}
	r := &groundRecords{file: e}
	var about *ground.Ground
	err = guard(func() (err error) {
		if err := r.begin(); err != nil {
			return err
		}
		done, err := ground.Update(ctx, by.source, &by.revision.extents, r, tell)
		if err == nil && done {
			about, err = ground.About(r)
		}
		if err == nil {
			err = r.end()
		}
		return err
	})
	if err != nil {
		err = errors.Join(err, r.giveUp())
	}
	if err = closeEdited(e, err); errors.Is(err, errFile) {
		return nil, damaged(path, err)
	} else if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return about, nil
}

// groundRecords are the records of a partition in a file. What is changed is
// written now and then, so that memory holds a bounded part of it.
type groundRecords struct {
	file    *patch.Editor
	tx      *patch.Tx
	buckets map[string]*patch.Bucket // of tx
	bytes   int
}

// bucket returns a bucket; what goes wrong with making it is the next change's error.
func (r *groundRecords) bucket(name string) (*patch.Bucket, error) {
	if b := r.buckets[name]; b != nil {
		return b, nil
	}
	b, err := r.tx.Bucket(name)
	if err == nil {
		r.buckets[name] = b
	}
	return b, err
}

func (r *groundRecords) Get(bucket string, key []byte) []byte {
	b, err := r.bucket(bucket)
	if err != nil {
		return nil
	}
	return b.Get(key)
}

func (r *groundRecords) From(bucket string, key []byte, visit func(key, value []byte) bool) {
	b, err := r.bucket(bucket)
	if err != nil {
		return
	}
	c := b.Cursor()
	for k, v := c.Seek(key); k != nil && visit(k, v); k, v = c.Next() {
	}
}

func (r *groundRecords) Put(bucket string, key, value []byte) error {
	b, err := r.bucket(bucket)
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
	b, err := r.bucket(bucket)
	if err != nil {
		return err
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
	return r.begin()
}

func (r *groundRecords) begin() (err error) {
	r.buckets = map[string]*patch.Bucket{}
	r.tx, err = r.file.Begin()
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
