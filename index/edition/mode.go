package edition

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Above public nobody but the owner and the group may read what an edition holds, however
// open the umask is. Public's files are as the umask lets new files be.
const (
	openDir   fs.FileMode = 0o755
	openFiles fs.FileMode = 0o644
	others    fs.FileMode = 0o007
)

// dirMode is what the directories of a tier's edition may be open to, of mode, which is
// that of a directory just made.
func (t Tier) dirMode(mode fs.FileMode) fs.FileMode {
	if t != Public {
		mode &^= others
	}
	return mode
}

// open gives the draft and its files the modes that they are to have in force. Until then
// nobody but the owner can enter the draft. A file that an older generation has, too, is
// the same file there.
func (d *Draft) open(t Tier) error {
	mode := t.dirMode(d.mode)
	entries, err := os.ReadDir(d.tmp)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := narrow(filepath.Join(d.tmp, e.Name()), mode&openFiles); err != nil {
			return err
		}
	}
	return os.Chmod(d.tmp, mode)
}

// narrow takes from a file what is beyond the bits of mode.
func narrow(path string, mode fs.FileMode) error {
	st, err := os.Lstat(path)
	if err != nil || !st.Mode().IsRegular() || st.Mode().Perm()&^mode == 0 {
		return err
	}
	return os.Chmod(path, st.Mode().Perm()&mode)
}

// closeDir closes the directory of an edition that has had no generation yet to others,
// where the tier wants it. One that already has is as its owner made it.
func closeDir(dir string, t Tier) error {
	st, err := os.Stat(dir)
	if err != nil {
		return err
	}
	mode := st.Mode() & (fs.ModePerm | fs.ModeSetgid | fs.ModeSticky)
	if t.dirMode(mode) == mode {
		return nil
	}
	err = os.Chmod(dir, t.dirMode(mode))
	if errors.Is(err, fs.ErrPermission) {
		return nil // another's directory, such as a mount point: each generation is closed by itself
	}
	return err
}

// modeOf is the mode of CURRENT, which is as open as the generation that it names.
func modeOf(gdir string) (fs.FileMode, error) {
	st, err := os.Stat(gdir)
	if err != nil {
		return 0, err
	}
	return st.Mode().Perm() & openFiles, nil
}
