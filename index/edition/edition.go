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
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"gengtu/index/disk"
	"gengtu/index/problem"
)

// CurrentFile is the file in an edition's directory that names the generation in force.
const CurrentFile = "CURRENT"

const (
	lockFile    = ".lock"
	draftPrefix = ".draft-"
	// DefaultKeep is how many generations stay when nothing else is asked for.
	DefaultKeep = 2
)

// PublisherKey is the file in a higher edition's directory that keys the ids
// of the editions derived from it. It never leaves that directory.
const PublisherKey = "publisher.key"

// ExchangeDir is the directory in an edition's directory that keeps what was sent
// and taken in, see ingest/exchange. No server reads it.
const ExchangeDir = "exchange"

// Register is the file in a higher edition's directory that lists the editions derived
// from it. It never leaves that directory.
const Register = "register.jsonl"

// Issued is the file in an edition's directory that keeps which numbers of 空间码 were ever
// given, in generations that are gone, too. It never leaves that directory.
const Issued = "codes.issued"

// companions are what may lie beside the generations: our own key, register and numbers of
// codes, the records of exchange, and what a file system puts into its root.
var companions = []string{PublisherKey, Register, Issued, ExchangeDir, "lost+found"}

// generationName is what CURRENT may hold; anything else could lead out of the
// directory.
var generationName = regexp.MustCompile(`^g[0-9a-f]{16}$`)

// GenerationName returns the name of the generation with that content and
// policy: equal content under an equal policy has an equal name.
func GenerationName(tier Tier, contentHash, policyDigest string) string {
	h := sha256.Sum256([]byte(string(tier) + "\n" + contentHash + "\n" + policyDigest))
	return "g" + hex.EncodeToString(h[:8])
}

// Path returns the directory of a generation.
func Path(dir, generation string) string { return filepath.Join(dir, generation) }

// Current returns the name and manifest of the generation in force.
func Current(dir string) (string, *Manifest, error) { return Read(dir, "") }

// Read returns the name and manifest of the named generation, or of the one in
// force when generation is "".
func Read(dir, generation string) (string, *Manifest, error) {
	if generation == "" {
		name, err := current(dir)
		if err != nil {
			return "", nil, err
		}
		m, err := ReadManifest(Path(dir, name))
		if errors.Is(err, notAnEdition("")) {
			err = problem.New("CURRENT_BROKEN", "CURRENT 指向的 %s 不在", "CURRENT names %s, which is not there", name).In(dir).
				Advise("用 gengtu rollback 指定保留的一代", "name a generation that is kept with gengtu rollback").Because(err)
		}
		return name, m, err
	}
	if !generationName.MatchString(generation) {
		return "", nil, unknown(dir, generation)
	}
	m, err := ReadManifest(Path(dir, generation))
	if errors.Is(err, notAnEdition("")) {
		err = unknown(dir, generation)
	}
	return generation, m, err
}

// current returns what CURRENT names.
func current(dir string) (string, error) {
	data, err := os.ReadFile(filepath.Join(dir, CurrentFile))
	switch {
	case os.IsNotExist(err):
		return "", notAnEdition(dir).Because(err)
	case err != nil:
		return "", problem.New("EDITION_UNREADABLE", "CURRENT 读不出来（%v）", "CURRENT cannot be read (%v)", err).In(dir).Because(err)
	}
	name := strings.TrimSpace(string(data))
	if !generationName.MatchString(name) {
		return "", problem.New("CURRENT_BROKEN", "CURRENT 里写的 %.40q 不是一代的名字", "CURRENT holds %.40q, which names no generation", name).In(dir).
			Advise("用 gengtu rollback 指定保留的一代", "name a generation that is kept with gengtu rollback")
	}
	return name, nil
}

func unknown(dir, generation string) *problem.Problem {
	return problem.New("GENERATION_UNKNOWN", "没有保留 %.40q 这一代", "generation %.40q is not kept", generation).In(dir).
		Advise("gengtu history 列出保留的各代", "gengtu history lists those kept")
}

// History returns the manifests of the generations kept, newest first. One whose
// manifest cannot be read comes last, with nothing but its name.
func History(dir string) ([]*Manifest, error) {
	if _, err := current(dir); err != nil {
		return nil, err
	}
	return kept(dir)
}

// kept is History without a look at CURRENT, so that a broken one can be mended.
func kept(dir string) ([]*Manifest, error) {
	entries, err := os.ReadDir(dir)
	switch {
	case os.IsNotExist(err):
		return nil, notAnEdition(dir).Because(err)
	case err != nil:
		return nil, problem.New("EDITION_UNREADABLE", "目录读不出来（%v）", "the directory cannot be read (%v)", err).In(dir).Because(err)
	}
	var all []*Manifest
	for _, e := range entries {
		if !generationName.MatchString(e.Name()) {
			continue
		}
		m, err := ReadManifest(Path(dir, e.Name()))
		if err != nil {
			m = &Manifest{Generation: e.Name()}
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
// generation "" it takes the newest one that is older than the one in force. A
// named one is put in force even where CURRENT is missing or broken.
func Rollback(dir, generation string) (string, error) {
	all, err := kept(dir)
	if err != nil {
		return "", err
	}
	if len(all) == 0 {
		return "", notAnEdition(dir)
	}
	unlock, err := lock(dir)
	if err != nil {
		return "", err
	}
	defer unlock()
	if generation == "" {
		if generation, err = older(dir); err != nil {
			return "", err
		}
	}
	if _, _, err := Read(dir, generation); err != nil {
		return "", err
	}
	return generation, setCurrent(dir, generation)
}

// older returns the newest generation that is older than the one in force.
func older(dir string) (string, error) {
	cur, err := current(dir)
	if err != nil {
		return "", err
	}
	all, err := kept(dir)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(all, func(m *Manifest) bool { return m.Generation == cur })
	if i < 0 || i+1 >= len(all) {
		return "", problem.New("ROLLBACK_NONE", "在 %s 之前没有保留下来的代", "no generation older than %s is kept", cur).In(dir)
	}
	return all[i+1].Generation, nil
}

// setCurrent puts a generation in force by one rename.
func setCurrent(dir, generation string) error {
	tmp := filepath.Join(dir, "."+CurrentFile)
	mode, err := modeOf(Path(dir, generation))
	if err == nil {
		err = writeSynced(tmp, []byte(generation+"\n"), mode)
	}
	if err == nil {
		err = disk.Replace(tmp, filepath.Join(dir, CurrentFile))
	}
	if err != nil {
		_ = os.Remove(tmp) // it names nothing yet
		return unwritable(dir, err)
	}
	return wrap(dir, disk.SyncDir(dir))
}

func unwritable(dir string, err error) error {
	return problem.New("EDITION_UNWRITABLE", "目录写不进去（%v）", "the directory cannot be written to (%v)", err).In(dir).Because(err)
}

// CompareVintages orders vintages by time: as text, because years come first in
// them, and [Undated] before all others.
func CompareVintages(a, b string) int {
	if (a == Undated) != (b == Undated) {
		if a == Undated {
			return -1
		}
		return 1
	}
	return strings.Compare(a, b)
}

// Undated is the vintage of a layer for which neither the command nor the
// delivery names one.
const Undated = "undated"

func notAnEdition(dir string) *problem.Problem {
	return problem.New("EDITION_MISSING", "这里没有版本目录", "there is no edition here").In(dir).
		Advise("请核对路径，或先用 gengtu ingest 建立", "check the path, or make one with gengtu ingest")
}

func wrap(path string, err error) error {
	if err == nil || problem.Of(err) != nil {
		return err
	}
	return fmt.Errorf("%s: %w", path, err)
}
