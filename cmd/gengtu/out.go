package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"gengtu/index/disk"
	"gengtu/index/problem"
)

// newFileMode is the mode, less the umask, of a file that was not there before.
const newFileMode = 0o644

// writeFile writes a file whole or not at all: beside it first, then in its
// place, with the mode that it had. A symbolic link stays, and what it leads to is
// written. What is there and is no regular file (a pipe, a device) is written to
// as it is.
func writeFile(path string, write func(io.Writer) error) error {
	return writeFileMode(path, fs.ModePerm, write)
}

// writeFileMode is [writeFile] of a file that is to have no bits of its mode beyond most.
func writeFileMode(path string, most fs.FileMode, write func(io.Writer) error) error {
	if isStream(path) {
		return writeStream(path, write)
	}
	target, mode, err := target(path)
	if err != nil {
		return err
	}
	mode &= most
	tmp, err := os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+"-*")
	if err != nil {
		return unwritable(path, err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // gone already when all went well
	err = write(tmp)
	if err == nil {
		err = tmp.Chmod(mode)
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = disk.Replace(tmp.Name(), target)
	}
	return ofFile(err, path, tmp.Name())
}

// target returns the file that writing to path replaces, and the mode that it is to
// have: that of the file there.
func target(path string) (string, fs.FileMode, error) {
	to, err := linkTarget(path)
	if err != nil {
		return "", 0, unwritable(path, err)
	}
	if old, err := os.Stat(to); err == nil {
		return to, old.Mode().Perm(), nil
	}
	return to, newFileMode &^ fs.FileMode(umask()), nil
}

// isStream tells whether path is there and cannot be replaced by a file: it is no
// regular one, nor a folder.
func isStream(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.Mode().IsRegular() && !info.IsDir()
}

// writeStream writes to a pipe or a device.
func writeStream(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return unwritable(path, err)
	}
	err = write(f)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return ofFile(err, path, path)
}

// maxLinks is how many links a path may lead through, as in Linux
// (path_resolution(7)).
const maxLinks = 40

// errLinks is why a path that leads in a circle is not written.
var errLinks = errors.New("too many symbolic links")

// linkTarget follows symbolic links to the file that is to be written, which need
// not be there.
func linkTarget(path string) (string, error) {
	for range maxLinks {
		to, err := os.Readlink(path)
		if err != nil {
			return path, nil //nolint:nilerr // no link, or nothing there
		}
		if !filepath.IsAbs(to) {
			// The folder may be a link itself, from which .. leads elsewhere.
			dir, err := filepath.EvalSymlinks(filepath.Dir(path))
			if err != nil {
				return "", err
			}
			to = dir + string(filepath.Separator) + to
		}
		path = to
	}
	return "", errLinks
}

// ofFile tells of an error of the file that is written by the name that it was
// asked for; other errors stay as they are.
func ofFile(err error, path, written string) error {
	var perr *fs.PathError
	var lerr *os.LinkError
	switch {
	case errors.As(err, &lerr):
		return unwritable(path, lerr.Err)
	case errors.As(err, &perr) && perr.Path == written:
		return unwritable(path, perr.Err)
	}
	return err
}

func unwritable(path string, err error) error {
	return problem.New("OUT_UNWRITABLE", "写不了文件（%v）", "the file cannot be written (%v)", err).Because(err).In(path)
}
