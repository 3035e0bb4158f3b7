//go:build !linux && !darwin

package tileserver

// freeBytes returns how many bytes are free on the disc of a directory; false where that
// is not known, as here.
func freeBytes(string) (int64, bool) { return 0, false }
