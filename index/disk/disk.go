// Package disk does with files what each system does in its own way: locks that go with
// the program that has them, syncing, replacing a file that others read, and passing
// files that nobody has to clean up.
//
// It knows paths and open files, and nothing of what is in them. What it promises holds
// on every system that the program is built for; where a system cannot keep a promise,
// the function says what is left of it.
package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// How long a file in use is waited for. What is replaced are files of a few kilobytes: a
// reader is gone within milliseconds, and who still has one open after readerGone is no
// reader. What is removed is a generation that a server has open: it looks each second
// which one is in force, and lets go of others when it has sent its answers.
const (
	readerGone = 2 * time.Second
	serverGone = 5 * time.Second
	pause      = 5 * time.Millisecond
)

// Replace renames the file from to the file to, whose place it takes in one step if it is
// there. Both lie in the same directory. Where the system lets no file be replaced while
// another program has it open, it waits for up to two seconds until none has.
func Replace(from, to string) error {
	return whileInUse(readerGone, func() error { return os.Rename(from, to) })
}

// RemoveAll removes path and what it holds. Where the system lets nothing be removed while
// another program has it open, it waits for up to five seconds until none has; files that
// are still open then stay, and an error says so.
func RemoveAll(path string) error {
	return whileInUse(serverGone, func() error { return os.RemoveAll(path) })
}

// whileInUse does something again and again, for as long as patience allows, while it
// fails because a program has a file open.
func whileInUse(patience time.Duration, do func() error) error {
	err := do()
	if err == nil || !inUse(err) {
		return err
	}
	until := time.Now().Add(patience)
	again := time.NewTicker(pause)
	defer again.Stop()
	for inUse(err) && time.Now().Before(until) {
		<-again.C
		err = do()
	}
	return err
}

// Perm returns the permission bits of a file that info describes, as the system checks
// them. Windows keeps permissions in lists that these bits do not show: there it is what
// the owner may do, and whoever runs the program sees to the list of the directory.
func Perm(info fs.FileInfo) fs.FileMode { return perm(info) }

// Lock takes the exclusive lock of f, and waits until nobody else has it. The lock goes
// with the file's last descriptor, so a program that dies leaves none behind. f stays
// readable and writable for all.
func Lock(f *os.File) error { return lock(f) }

// TryLock takes the exclusive lock of f if nobody has it, and tells whether it did; else
// it is as [Lock].
func TryLock(f *os.File) (bool, error) { return tryLock(f) }

// SyncDir makes a rename inside dir outlast a loss of power. Windows writes the changes
// of directories to its journal and syncs none by itself.
func SyncDir(dir string) error { return syncDir(dir) }

// SyncFile sees on disk what was written to the file at path.
func SyncFile(path string) error {
	f, err := os.OpenFile(path, syncFlag, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Link gives the file from a second name, to, as [os.Link]. On Windows it does not, and says
// [errors.ErrUnsupported]: there a file that a server has open by one of its names can be
// neither removed nor moved by another, so that the second name would be good for nothing
// that is still to change.
func Link(from, to string) error { return link(from, to) }

// Passing makes a file for the time that it is open: closed, also by the end of the
// program however that ends, it is gone. It lies in dir, the system's directory of
// passing files when that is "", and pattern names it as in [os.CreateTemp]. Only the
// owner can read it, where the system keeps permissions with files.
func Passing(dir, pattern string) (*os.File, error) { return passing(dir, pattern) }

// Free returns how many bytes this program can still write where dir is, which may be fewer
// than are free: systems keep some for their administrator, and some give a user a share.
// Errors are those of the system.
func Free(dir string) (int64, error) { return free(dir) }

// Size adds up the bytes of the files below dir. Errors are those of reading it.
func Size(dir string) (int64, error) {
	size := int64(0)
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size, err
}
