package exchange

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"gengtu/index/edition"
)

// Frozen calls visit with the files of the records of exchange of the edition at dir, as
// slashed paths from there, while nobody sends or receives for it. It does nothing where
// there are none. Problems: EXCHANGE_DIR, EXCHANGE_BUSY.
func Frozen(dir string, visit func(files []string) error) error {
	if _, err := os.Stat(filepath.Join(dir, edition.ExchangeDir)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	s, err := openStore(dir)
	if err != nil {
		return err
	}
	var files []string
	err = fs.WalkDir(os.DirFS(s.dir), ".", func(name string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() && name != storeLock && !strings.HasPrefix(e.Name(), ".") {
			files = append(files, path.Join(edition.ExchangeDir, name))
		}
		return err
	})
	if err != nil {
		err = s.unwritable(err)
	} else {
		err = visit(files)
	}
	s.close()
	return err
}
