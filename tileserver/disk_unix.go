//go:build linux || darwin

package tileserver

import "syscall"

// freeBytes returns how many bytes are free, to who is not root, on the disc of a
// directory; false where that is not known.
func freeBytes(dir string) (int64, bool) {
	var st syscall.Statfs_t
	if syscall.Statfs(dir, &st) != nil {
		return 0, false
	}
	return int64(st.Bavail) * int64(st.Bsize), true //nolint:unconvert // the types differ between systems
}
