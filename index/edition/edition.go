// Package edition keeps the directory that one tier's server needs: its
// generations, which of them is in force, and the manifests that describe them.
//
// A generation is made in a draft directory and moved into place whole; the
// file CURRENT then names it, by one rename. What is in force is never written
// to. Package edition knows files and manifests; what is inside features.db and
// tiles.db is known to index and tileserver/cache.
package edition

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"gengtu/index/problem"
)

const (
	currentFile = "CURRENT"
	lockFile    = ".lock"
	draftPrefix = ".draft-"
	// DefaultKeep is how many generations stay when nothing else is asked for.
	DefaultKeep = 2
)

// generationName is what CURRENT may hold; anything else could lead out of the
// directory.
var generationName = regexp.MustCompile(`^g[0-9a-f]{16}$`)

// GenerationName returns the name of the generation with that content and
// policy: equal content under an equal policy has an equal name.
func GenerationName(tier Tier, contentHash, policyDigest string) string {
	h := sha256.Sum256([]byte(string(tier) + "\n" + contentHash + "\n" + policyDigest))
	return "g" + hex.EncodeToString(h[:8])
}

// Current returns the name and manifest of the generation in force.
func Current(dir string) (string, *Manifest, error) {
	data, err := os.ReadFile(filepath.Join(dir, currentFile))
	if err != nil {
		if os.IsNotExist(err) {
			return "", nil, notAnEdition(dir).Because(err)
		}
		return "", nil, problem.New("EDITION_UNREADABLE", "CURRENT 读不出来", "CURRENT cannot be read").In(dir).Because(err)
	}
	name := strings.TrimSpace(string(data))
	if !generationName.MatchString(name) {
		return "", nil, problem.New("CURRENT_BROKEN", "CURRENT 里写的 %.40q 不是一代的名字", "CURRENT holds %.40q, which names no generation", name).In(dir).
			Advise("用 gengtu rollback 指定一代", "name a generation with gengtu rollback")
	}
	m, err := ReadManifest(filepath.Join(dir, name))
	if err != nil {
		return "", nil, err
	}
	return name, m, nil
}

// Path returns the directory of a generation.
func Path(dir, generation string) string { return filepath.Join(dir, generation) }

// History returns the manifests of the generations kept, newest first.
func History(dir string) ([]*Manifest, error) {
	if _, _, err := Current(dir); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	var all []*Manifest
	for _, e := range entries {
		if !generationName.MatchString(e.Name()) {
			continue
		}
		m, err := ReadManifest(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b *Manifest) int {
		if c := strings.Compare(b.Created, a.Created); c != 0 {
			return c
		}
		return strings.Compare(a.Generation, b.Generation)
	})
	return all, nil
}

// Rollback puts a kept generation in force and returns its name. With
// generation "" it takes the newest one that is older than the one in force.
func Rollback(dir, generation string) (string, error) {
	unlock, err := lock(dir)
	if err != nil {
		return "", err
	}
	defer unlock()
	cur, _, err := Current(dir)
	if err != nil && generation == "" {
		return "", err
	}
	kept, err := keptGenerations(dir)
	if err != nil {
		return "", err
	}
	if generation == "" {
		i := slices.IndexFunc(kept, func(m *Manifest) bool { return m.Generation == cur })
		if i < 0 || i+1 >= len(kept) {
			return "", problem.New("ROLLBACK_NONE", "在 %s 之前没有保留下来的代", "no generation older than %s is kept", cur).In(dir)
		}
		generation = kept[i+1].Generation
	}
	if !slices.ContainsFunc(kept, func(m *Manifest) bool { return m.Generation == generation }) {
		return "", problem.New("GENERATION_UNKNOWN", "没有保留 %q 这一代", "generation %q is not kept", generation).In(dir).
			Advise("gengtu history 列出保留的各代", "gengtu history lists those kept")
	}
	return generation, setCurrent(dir, generation)
}

func keptGenerations(dir string) ([]*Manifest, error) {
	if _, err := os.Stat(filepath.Join(dir, currentFile)); err != nil {
		return nil, notAnEdition(dir).Because(err)
	}
	return History(dir)
}

// Draft is a generation in the making. Exactly one of Commit and Abort ends it.
// Not for concurrent use.
type Draft struct {
	dir, tmp string
	made     bool // the edition's directory did not exist before
	unlock   func()
}

// Begin starts a generation in the edition at dir, which is made when it is not
// there. It refuses a second writer, and removes what an earlier one left
// behind.
func Begin(dir string) (*Draft, error) {
	made := false
	if st, err := os.Stat(dir); os.IsNotExist(err) {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, problem.New("EDITION_UNWRITABLE", "建不了目录", "the directory cannot be made").In(dir).Because(err)
		}
		made = true
	} else if err == nil && !st.IsDir() {
		return nil, problem.New("EDITION_UNWRITABLE", "这是文件，不是目录", "this is a file, not a directory").In(dir)
	}
	unlock, err := lock(dir)
	if err != nil {
		return nil, err
	}
	d := &Draft{dir: dir, made: made, unlock: unlock}
	if err := d.begin(); err != nil {
		unlock()
		return nil, err
	}
	return d, nil
}

func (d *Draft) begin() error {
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return fmt.Errorf("%s: %w", d.dir, err)
	}
	for _, e := range entries {
		name := e.Name()
		switch {
		case strings.HasPrefix(name, draftPrefix):
			if err := os.RemoveAll(filepath.Join(d.dir, name)); err != nil {
				return fmt.Errorf("%s: %w", d.dir, err)
			}
		case name == currentFile || name == lockFile || strings.HasPrefix(name, ".") || generationName.MatchString(name) ||
			slices.Contains(companions, name):
		default:
			return problem.New("NOT_AN_EDITION", "目录里有别的东西（%s），不是版本目录", "the directory holds something else (%s) and is no edition", name).In(d.dir).
				Advise("请换一个空目录", "take an empty directory")
		}
	}
	d.tmp, err = os.MkdirTemp(d.dir, draftPrefix)
	if err != nil {
		return problem.New("EDITION_UNWRITABLE", "目录写不进去", "the directory cannot be written to").In(d.dir).Because(err)
	}
	return os.Chmod(d.tmp, 0o755)
}

// PublisherKey is the file in a higher edition's directory that keys the ids
// of the editions derived from it. It never leaves that directory.
const PublisherKey = "publisher.key"

// companions are the files that may lie beside the generations.
var companions = []string{PublisherKey}

// File returns the path of a file of the draft.
func (d *Draft) File(name string) string { return filepath.Join(d.tmp, name) }

// Abort removes the draft, and the edition's directory when Begin made it. It
// does nothing after Commit.
func (d *Draft) Abort() {
	if d.tmp == "" {
		return
	}
	// What cannot be removed now is removed by the next Begin.
	_ = os.RemoveAll(d.tmp)
	if d.made {
		_ = os.Remove(filepath.Join(d.dir, lockFile))
		_ = os.Remove(d.dir) // fails when it is not empty, as it should
	}
	d.tmp = ""
	d.unlock()
}

// Commit fills in the manifest's generation, date and checksums, moves the
// draft into place, puts it in force and removes the oldest generations beyond
// keep. When the edition holds this very generation already, that one is put
// in force.
func (d *Draft) Commit(m *Manifest, keep int) error {
	m.Product, m.Format = Product, Format
	m.Generation = GenerationName(m.Tier, m.ContentHash, m.Policy.Digest)
	m.Created = time.Now().UTC().Format("2006-01-02T15:04:05.000000000Z")
	m.Files = map[string]string{}
	for _, name := range []string{FeaturesFile, TilesFile} {
		sum, err := hashFile(d.File(name))
		if err != nil {
			return err
		}
		m.Files[name] = sum
	}
	if err := m.write(d.tmp); err != nil {
		return err
	}
	if err := syncDir(d.tmp); err != nil {
		return err
	}
	final := Path(d.dir, m.Generation)
	if _, err := os.Stat(final); err == nil {
		if err := os.RemoveAll(d.tmp); err != nil {
			return err
		}
	} else if err := os.Rename(d.tmp, final); err != nil {
		return fmt.Errorf("%s: %w", final, err)
	}
	if err := setCurrent(d.dir, m.Generation); err != nil {
		return err
	}
	d.tmp = ""
	defer d.unlock()
	return prune(d.dir, m.Generation, max(keep, 1))
}

func prune(dir, current string, keep int) error {
	all, err := History(dir)
	if err != nil {
		return err
	}
	left := keep - 1
	var errs []error
	for _, m := range all {
		if m.Generation == current {
			continue
		}
		if left > 0 {
			left--
			continue
		}
		errs = append(errs, os.RemoveAll(Path(dir, m.Generation)))
	}
	return errors.Join(errs...)
}

func setCurrent(dir, generation string) error {
	tmp := filepath.Join(dir, ".CURRENT")
	if err := writeSynced(tmp, []byte(generation+"\n"), 0o644); err != nil {
		return err
	}
	if err := os.Rename(tmp, filepath.Join(dir, currentFile)); err != nil {
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// lock takes the writer's lock of an edition; the kernel frees it when the
// process ends, however it ends.
func lock(dir string) (func(), error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		if os.IsNotExist(err) {
			return nil, notAnEdition(dir).Because(err)
		}
		return nil, problem.New("EDITION_UNWRITABLE", "目录写不进去", "the directory cannot be written to").In(dir).Because(err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close() // nothing was written
		return nil, problem.New("EDITION_BUSY", "另一个 gengtu 正在写这个版本", "another gengtu is writing this edition").In(dir).
			Advise("等它结束再试", "try again when it is done").Because(err)
	}
	return func() { _ = f.Close() }, nil // closing frees the lock; nothing was written
}

// CheckFiles compares the checksums of a generation's files with its manifest.
func CheckFiles(dir string, m *Manifest) error {
	for _, name := range []string{FeaturesFile, TilesFile} {
		sum, err := hashFile(filepath.Join(Path(dir, m.Generation), name))
		if err != nil {
			return err
		}
		if sum != m.Files[name] {
			return problem.New("CHECKSUM", "%s 的校验和是 %s，清单里是 %s", "%s has the checksum %s, the manifest says %s", name, sum, m.Files[name]).In(dir).
				Advise("文件已损坏：请从备份恢复，或用 gengtu rollback 回到上一代", "the file is damaged: restore it from a backup, or go back with gengtu rollback")
		}
	}
	return nil
}

func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		if os.IsNotExist(err) {
			return "", problem.New("EDITION_INCOMPLETE", "缺少文件", "the file is missing").In(path).Because(err)
		}
		return "", err
	}
	h := sha256.New()
	_, err = io.Copy(h, f)
	if err = errors.Join(err, f.Close()); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
