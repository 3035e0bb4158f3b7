package disk

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// syncFlag is how a file is opened that is to be synced: FlushFileBuffers wants the right
// to write.
const syncFlag = os.O_RDWR

func perm(info fs.FileInfo) fs.FileMode { return info.Mode().Perm() & 0o700 }

// lockAt is the byte that a lock is taken of. Locks keep others from reading and writing
// here, so it is one where no file has anything.
const lockAt = 1<<32 - 1

func lock(f *os.File) error { return lockFile(f, 0) }

func tryLock(f *os.File) (bool, error) {
	err := lockFile(f, windows.LOCKFILE_FAIL_IMMEDIATELY)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return false, nil
	}
	return err == nil, err
}

func lockFile(f *os.File, flags uint32) error {
	at := windows.Overlapped{Offset: lockAt, OffsetHigh: lockAt >> 1}
	return windows.LockFileEx(windows.Handle(f.Fd()), flags|windows.LOCKFILE_EXCLUSIVE_LOCK, 0, 1, 0, &at)
}

func syncDir(string) error { return nil }

func link(_, _ string) error { return errors.ErrUnsupported }

// passing opens the file that CreateTemp made anew, so that the system removes it with
// its last handle.
func passing(dir, pattern string) (*os.File, error) {
	made, err := os.CreateTemp(dir, pattern)
	if err != nil {
		return nil, err
	}
	if err := made.Close(); err != nil {
		return nil, errors.Join(err, os.Remove(made.Name()))
	}
	path, err := windows.UTF16PtrFromString(made.Name())
	if err != nil {
		return nil, errors.Join(err, os.Remove(made.Name()))
	}
	h, err := windows.CreateFile(path, windows.GENERIC_READ|windows.GENERIC_WRITE, windows.FILE_SHARE_DELETE, nil,
		windows.OPEN_EXISTING, windows.FILE_ATTRIBUTE_TEMPORARY|windows.FILE_FLAG_DELETE_ON_CLOSE, 0)
	if err != nil {
		return nil, errors.Join(&fs.PathError{Op: "open", Path: made.Name(), Err: err}, os.Remove(made.Name()))
	}
	return os.NewFile(uintptr(h), made.Name()), nil
}

// inUse tells whether err says that a program has the file, or one in the directory, open.
// Windows also says so, as access denied, of a file in a directory that may not be written
// to.
func inUse(err error) bool {
	return errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_ACCESS_DENIED) ||
		errors.Is(err, windows.ERROR_USER_MAPPED_FILE) || errors.Is(err, windows.ERROR_DIR_NOT_EMPTY)
}

func free(dir string) (int64, error) {
	path, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, err
	}
	var bytes uint64
	if err := windows.GetDiskFreeSpaceEx(path, &bytes, nil, nil); err != nil {
		return 0, &fs.PathError{Op: "free", Path: dir, Err: err}
	}
	return int64(bytes), nil
}
