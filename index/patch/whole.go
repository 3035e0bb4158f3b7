package patch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	bolt "go.etcd.io/bbolt"
)

// A patch is copied, hashed and brought to disk by each update, a file that is made
// whole again is written once in a while: with patches of up to 1/n of the file and
// updates of some p bytes that is file/2n a time on average against n·p, which are
// equal about where n is √(file/2p): 12 for a village of 1 GB of parcels and 40 for one of a
// province. Less than leastBytes costs nothing to copy.
const (
	patchPart  = 16
	leastBytes = 512 << 10
)

// Outgrown tells whether the file at path has a patch that is so large, a sixteenth of
// it or more, and more than 512 KiB, that the two are to be written as one file by
// [Whole].
func Outgrown(path string) (bool, error) {
	p, err := os.Stat(Path(path))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	f, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	return p.Size() > max(leastBytes, f.Size()/patchPart), nil
}

// Whole writes what the file at path and its patch hold to a new file at to, in the
// order of keys, its pages full. It reads all of the file: sums are as with [Open].
// The new file is not seen on disk; after an error, which is ctx's when it ends, it is
// worth nothing.
func Whole(ctx context.Context, path string, sums *Sums, to string) error {
	f, err := Open(path, sums)
	if err != nil {
		return err
	}
	c := &copier{ctx: ctx}
	err = Guard(func() error {
		c.db, err = bolt.Open(to, 0o644, &bolt.Options{
			NoSync: true, NoGrowSync: true, NoFreelistSync: true, FreelistType: bolt.FreelistMapType, PageSize: f.base.db.Info().PageSize,
		})
		if err != nil {
			return err
		}
		for _, name := range f.Buckets() {
			if err := c.bucket(f.Bucket(name), name); err != nil {
				return err
			}
		}
		return c.commit()
	})
	if c.tx != nil {
		err = errors.Join(err, c.tx.Rollback())
	}
	if c.db != nil {
		err = errors.Join(err, c.db.Close())
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("%s: %w", to, err)
	}
	return nil
}

// batchBytes is what a transaction writes, which bounds its memory.
const batchBytes = 32 << 20

// copier writes records that come in the order of their keys.
type copier struct {
	ctx   context.Context //nolint:containedctx // lives as long as the call that made it
	db    *bolt.DB
	tx    *bolt.Tx
	bytes int
}

// bucket writes a bucket, and those in it, to that path.
func (c *copier) bucket(from *Bucket, path ...string) error {
	to, err := c.enter(path)
	if err != nil {
		return err
	}
	var inner []string
	cursor := from.Cursor()
	for k, v := cursor.First(); k != nil; k, v = cursor.Next() {
		if v == nil {
			inner = append(inner, string(k))
			continue
		}
		if c.bytes > batchBytes {
			if err := c.commit(); err != nil {
				return err
			}
			if to, err = c.enter(path); err != nil {
				return err
			}
		}
		if err := to.Put(k, v); err != nil {
			return err
		}
		c.bytes += len(k) + len(v)
	}
	for _, name := range inner {
		if err := c.bucket(from.Bucket(name), append(path[:len(path):len(path)], name)...); err != nil {
			return err
		}
	}
	return nil
}

// enter goes on in the bucket of that path. Each bucket has transactions of its own: of
// several, bbolt places the pages in no order.
func (c *copier) enter(path []string) (*bolt.Bucket, error) {
	err := c.commit()
	if err == nil {
		c.tx, err = c.db.Begin(true)
	}
	if err != nil {
		return nil, err
	}
	b, err := c.tx.CreateBucketIfNotExists([]byte(path[0]))
	for _, name := range path[1:] {
		if err == nil {
			b, err = b.CreateBucketIfNotExists([]byte(name))
		}
	}
	if err != nil {
		return nil, err
	}
	b.FillPercent = 1 // keys only ever come at the end
	return b, nil
}

func (c *copier) commit() error {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	tx := c.tx
	c.tx, c.bytes = nil, 0
	if tx == nil {
		return nil
	}
	return tx.Commit()
}
