package scoped

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"gengtu/index/disk"
	"gengtu/index/edition"
)

// idle is how long an edition of a generation that is no longer in force stays after it
// was asked last.
const idle = 10 * time.Minute

// keyForm is how the directories of scopes are named: the tier, the generation and a
// digest of the scope.
var keyForm = regexp.MustCompile(`^(secure|government|public)-(g[0-9a-f]{16})-([0-9a-f]{32})$`)

// newEntry returns the entry of a key; nil when the key is none.
func newEntry[G Generation](key string) *entry[G] {
	parts := keyForm.FindStringSubmatch(key)
	if parts == nil {
		return nil
	}
	return &entry[G]{key: key, tier: edition.Tier(parts[1]), base: parts[2], digest: parts[3]}
}

// Recall finds the editions that lie in the directory from before, those of the tiers that
// are served: others may keep theirs there.
func (s *Editions[G]) Recall() {
	if s.temporary {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	lying, err := os.ReadDir(s.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.opt.Log.Error("editions for scopes cannot be listed", "error", err)
	}
	for _, d := range lying {
		e := newEntry[G](d.Name())
		if e == nil || s.opt.Of(e.tier) == nil {
			continue
		}
		if info, err := d.Info(); err == nil {
			e.used = info.ModTime()
		}
		// What cannot be measured counts nothing, and is the first to go.
		e.bytes, _ = disk.Size(filepath.Join(s.dir, e.key))
		s.entries[e.key] = e
	}
}

// folder returns the directory of an edition, making the one that it lies in.
func (s *Editions[G]) folder(key string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if s.dir == "" {
		s.dir, err = os.MkdirTemp("", "gengtu-scoped-")
	} else {
		err = os.MkdirAll(s.dir, 0o700)
	}
	return filepath.Join(s.dir, key), err
}

// evict takes off the list what is beyond the limits, those for the scope that is wanted now
// of other generations first and then those used least recently, but for the one that is
// wanted now, and returns it. What is being made stays.
func (s *Editions[G]) evict(now *entry[G]) []*entry[G] {
	var unused []*entry[G]
	count, size := 0, int64(0)
	for _, e := range s.entries {
		size += e.bytes
		if e.bytes > 0 {
			count++
		}
		if e != now && e.busy == nil {
			unused = append(unused, e)
		}
	}
	slices.SortFunc(unused, func(a, b *entry[G]) int {
		switch before := a.precedes(now); {
		case before == b.precedes(now):
			return a.used.Compare(b.used)
		case before:
			return -1
		}
		return 1
	})
	limits := &s.opt.Limits
	var gone []*entry[G]
	for _, e := range unused {
		// Those that could not be made are kept in mind for a while, and take no room.
		if over := count > limits.Editions || size > limits.Bytes; e.bytes > 0 && !over || e.bytes == 0 && time.Since(e.failed) < retry {
			continue
		}
		size -= e.bytes
		if e.bytes > 0 {
			count--
		}
		delete(s.entries, e.key)
		gone = append(gone, e)
	}
	return gone
}

// remove gives up editions that are off the list. Who reads one goes on reading.
func (s *Editions[G]) remove(gone []*entry[G]) {
	for _, e := range gone {
		if e.open {
			_ = e.gen.Release() // only read
		}
		dir, err := s.folder(e.key)
		if err == nil {
			err = os.RemoveAll(dir)
		}
		if err != nil {
			s.opt.Log.Error("an edition for a scope cannot be removed", "scope", e.key, "error", err)
		}
	}
}

// Prune removes the editions of generations that are no longer kept, and of those that
// are not in force and that nobody has asked for some time.
func (s *Editions[G]) Prune() {
	s.mu.Lock()
	var gone []*entry[G]
	for _, e := range s.entries {
		of := s.opt.Of(e.tier)
		stale := e.base != of.Current() && (!of.Kept(e.base) || time.Since(e.used) > idle)
		if stale && e.busy == nil {
			delete(s.entries, e.key)
			gone = append(gone, e)
		}
	}
	s.mu.Unlock()
	s.remove(gone)
}

// Close ends what is being made and gives up all editions. Those in the directory that was
// given stay for the next time.
func (s *Editions[G]) Close() error {
	s.mu.Lock()
	s.cancel() // find begins nothing from here on
	s.mu.Unlock()
	s.jobs.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, e := range s.entries {
		if e.open {
			errs = append(errs, e.gen.Release())
		}
	}
	clear(s.entries)
	if s.temporary && s.dir != "" {
		errs = append(errs, os.RemoveAll(s.dir))
	}
	return errors.Join(errs...)
}
