package patch

import (
	"errors"
	"fmt"
	"os"

	bolt "go.etcd.io/bbolt"
)

// freeMost bounds the pages that hold nothing in a file that was changed again and
// again: with one in freeMost free, or more, [compact] writes it anew.
const freeMost = 4

// compact writes the bbolt file at path anew, without its free pages, where these
// are a quarter of it or more: changes leave pages free, which later ones use again,
// but a large change that is followed by small ones would leave a large file for
// ever. So a file is never larger than its content and a third of that, and what one
// change takes. Nobody else may have the file open. After an error the
// file is worth nothing.
func compact(path string) error {
	db, err := openChanged(path)
	if err != nil {
		return err
	}
	free, all, err := pages(db)
	if err != nil || free*freeMost < all {
		return errors.Join(err, db.Close())
	}
	to := path + ".compact"
	out, err := openChanged(to)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	err = bolt.Compact(out, db, batchBytes)
	if err = errors.Join(err, out.Close(), db.Close()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.Rename(to, path)
}

// pages counts the pages of a file, and those that are free.
func pages(db *bolt.DB) (free, all int, err error) {
	tx, err := db.Begin(true)
	if err != nil {
		return 0, 0, err
	}
	all = int(tx.Size()) / db.Info().PageSize
	if err := tx.Rollback(); err != nil {
		return 0, 0, err
	}
	// What is free is counted when a transaction ends.
	return db.Stats().FreePageN, all, nil
}
