package index

import (
	"errors"
	"io/fs"

	berrors "go.etcd.io/bbolt/errors"

	"gengtu/index/patch"
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
var errFile = patch.ErrDamaged

// guard runs f, which reads a mapped file, see [patch.Guard].
func guard(f func() error) error { return patch.Guard(f) }

// Guard runs f, which reads what an index has mapped: a fault at pages that the
// file no longer has is an error and does not end the program.
func Guard(f func() error) error { return guard(f) }

// Each calls visit with every stored bucket, key and value of the features.db
// at path, in sorted order. Key and value are valid during the call only.
func Each(path string, visit func(bucket string, key, value []byte) error) error {
	return read(path, func(f *patch.File) error {
		for _, name := range f.Buckets() {
			if err := f.Bucket(name).ForEach(func(k, v []byte) error { return visit(name, k, v) }); err != nil {
				return err
			}
		}
		return nil
	})
}

// read runs visit with the file at path open. What is damaged in it is told as such.
func read(path string, visit func(f *patch.File) error) error {
	f, err := open(path, nil)
	if err != nil {
		return err
	}
	err = guard(func() error { return visit(f) })
	if errors.Is(err, errFile) || errors.Is(err, errRecord) {
		err = damaged(path, err)
	}
	return errors.Join(err, f.Close())
}

// open opens a file of the edition with its patch. Any number of processes may have
// it open. Sums are as with [patch.Open].
func open(path string, sums *patch.Sums) (*patch.File, error) {
	f, err := patch.Open(path, sums)
	return f, unopened(path, err)
}

// openDraft opens the file of a draft with its patch for changes.
func openDraft(path string, sums *patch.Sums) (*patch.Editor, error) {
	e, err := patch.Edit(path, sums)
	return e, unopened(path, err)
}

// unopened says why a file does not open.
func unopened(path string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, berrors.ErrTimeout):
		return problem.New("FEATURES_LOCKED", "要素文件正被另一个程序写入", "another program is writing to the features file").In(path).
			Advise("等它结束再试", "try again when it is done").Because(err)
	case errors.Is(err, fs.ErrPermission):
		return problem.New("EDITION_UNREADABLE", "要素文件读不出来（%v）", "the features file cannot be read (%v)", err).In(path).Because(err)
	}
	return damaged(path, err)
}

func damaged(path string, err error) error {
	if problem.Of(err) != nil {
		return err
	}
	return problem.New("FEATURES_DAMAGED", "要素文件已损坏或缺失（%v）", "the features file is damaged or missing (%v)", err).In(path).
		Advise("请从备份恢复，或用 gengtu rollback 回到上一代", "restore it from a backup, or go back with gengtu rollback").Because(err)
}
