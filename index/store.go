package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"gengtu/index/problem"
)

// The buckets of features.db: what each layer is, by its key; and of each
// layer one of features and one of codes, named by these and the layer's key.
const (
	layersBucket   = "layers"
	featuresBucket = "features/"
	codesBucket    = "codes/"
)

// errFile says that a features.db is not whole.
var errFile = errors.New("file damaged")

// guard runs f, which reads a mapped file. A panic of the store over pages that
// are not what they should be, and a fault at pages that the file does not have,
// become an error: a damaged file must not end the program.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errFile, r)
		}
	}()
	return f()
}

// Guard runs f, which reads what an index has mapped: a fault at pages that the
// file no longer has is an error and does not end the program.
func Guard(f func() error) error { return guard(f) }

// Each calls visit with every stored bucket, key and value of the features.db
// at path, in sorted order. Key and value are valid during the call only.
func Each(path string, visit func(bucket string, key, value []byte) error) error {
	db, err := openReadOnly(path)
	if err != nil {
		return err
	}
	err = guard(func() error {
		return db.View(func(tx *bolt.Tx) error {
			return tx.ForEach(func(name []byte, b *bolt.Bucket) error {
				return b.ForEach(func(k, v []byte) error { return visit(string(name), k, v) })
			})
		})
	})
	if errors.Is(err, errFile) {
		err = damaged(path, err)
	}
	return errors.Join(err, db.Close())
}

// openReadOnly opens a features.db. Any number of processes may have it open.
func openReadOnly(path string) (*bolt.DB, error) {
	if err := checkPages(path); err != nil {
		return nil, err
	}
	var db *bolt.DB
	err := guard(func() (err error) {
		db, err = bolt.Open(path, 0o444, &bolt.Options{ReadOnly: true, Timeout: 5 * time.Second})
		return err
	})
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return nil, problem.New("FEATURES_LOCKED", "要素文件正被另一个程序写入", "another program is writing to the features file").In(path).
			Advise("等它结束再试", "try again when it is done").Because(err)
	case err != nil:
		return nil, damaged(path, err)
	}
	return db, nil
}

// checkPages holds the size that a file's newest meta page states against the
// size that it has, before it is mapped: memory behind a file's end cannot be
// read. The layout of meta pages is that of bbolt's version 2.
func checkPages(path string) error {
	f, err := os.Open(path)
	switch {
	case os.IsNotExist(err):
		return damaged(path, err)
	case err != nil:
		return problem.New("EDITION_UNREADABLE", "要素文件读不出来（%v）", "the features file cannot be read (%v)", err).In(path).Because(err)
	}
	st, err := f.Stat()
	if err != nil {
		return errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	need, err := statedSize(f, st.Size())
	if err == nil && need > st.Size() {
		err = fmt.Errorf("%w: it has %d bytes of %d", errFile, st.Size(), need)
	}
	if err != nil {
		err = damaged(path, err)
	}
	return errors.Join(err, f.Close())
}

// Where a meta page holds what: behind a page header of 16 bytes the magic
// number, version and page size of 4 bytes each, then flags, the root bucket and
// the free list, the number of pages and the number of the transaction.
const (
	metaMagic    = 0xED0CDAED
	metaPageSize = 16 + 8
	metaPages    = 16 + 40
	metaTx       = 16 + 48
	metaEnd      = 16 + 64
)

// statedSize returns the bytes that the newer of the file's two meta pages says
// the file has.
func statedSize(f io.ReaderAt, size int64) (int64, error) {
	var need, pageSize int64
	var newest uint64
	for page := range int64(2) {
		b := make([]byte, metaEnd)
		if _, err := f.ReadAt(b, page*pageSize); err != nil {
			return 0, fmt.Errorf("%w: %d bytes are no features file", errFile, size)
		}
		p := int64(binary.NativeEndian.Uint32(b[metaPageSize:]))
		if binary.NativeEndian.Uint32(b[16:]) != metaMagic || p < 512 || p > 1<<16 {
			return 0, fmt.Errorf("%w: page %d is none of a features file", errFile, page)
		}
		pageSize = p
		if tx := binary.NativeEndian.Uint64(b[metaTx:]); page == 0 || tx > newest {
			pages := binary.NativeEndian.Uint64(b[metaPages:])
			if pages > 1<<40 {
				return 0, fmt.Errorf("%w: it states %d pages", errFile, pages)
			}
			newest, need = tx, int64(pages)*pageSize
		}
	}
	return need, nil
}

func damaged(path string, err error) error {
	if problem.Of(err) != nil {
		return err
	}
	return problem.New("FEATURES_DAMAGED", "要素文件已损坏或缺失（%v）", "the features file is damaged or missing (%v)", err).In(path).
		Advise("请从备份恢复，或用 gengtu rollback 回到上一代", "restore it from a backup, or go back with gengtu rollback").Because(err)
}
