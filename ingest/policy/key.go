package policy

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"

	"gengtu/index/edition"
	"gengtu/index/problem"
)

// keyBytes is the length of a publisher's key: that of the hash it keys.
const keyBytes = 32

// PublisherKey reads the key that keeps lower editions' ids apart from the
// higher one's, from the higher edition's directory, and makes it the first
// time. It never goes into a lower edition.
func PublisherKey(dir string) ([]byte, error) {
	path := filepath.Join(dir, edition.PublisherKey)
	key, err := readKey(path)
	if !errors.Is(err, os.ErrNotExist) {
		return key, err
	}
	// A publish at the same moment may make another one: whichever is in place
	// first is the key of both.
	if err := makeKey(dir, path); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, problem.New("KEY_UNWRITABLE", "标识密钥写不进版本目录（%v）", "the key of ids cannot be written into the edition's directory (%v)", err).In(path).Because(err).
			Advise("核对目录的权限和磁盘空间", "check the directory's mode and the space on the disk")
	}
	return readKey(path)
}

func readKey(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil || len(key) != keyBytes {
		return nil, problem.New("KEY_BROKEN", "标识密钥文件损坏", "the key of ids is damaged").In(path).
			Advise("请从备份恢复；换新密钥会使低版要素标识全部改变", "restore it from a backup; a new one changes all ids of lower editions")
	}
	return key, nil
}

// makeKey puts a new key in place whole, unless there is one.
func makeKey(dir, path string) error {
	key := make([]byte, keyBytes)
	if _, err := rand.Read(key); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "."+edition.PublisherKey+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // the link stays
	_, err = f.WriteString(hex.EncodeToString(key) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), path)
}
