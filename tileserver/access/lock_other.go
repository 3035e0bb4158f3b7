//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package access

import "os"

// TryLock always succeeds: the system has no flock, as the package says.
func TryLock(*os.File) (bool, error) { return true, nil }

// SyncDir does nothing: directories cannot be synced here.
func SyncDir(string) error { return nil }
