package edition

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gengtu/index/disk"
	"gengtu/index/problem"
)

// Draft is a generation in the making. Exactly one of Commit and Abort ends it;
// Abort after Commit does nothing. Not for concurrent use.
type Draft struct {
	dir, tmp string
	made     []string    // directories that Begin made, the innermost first
	mode     fs.FileMode // of a directory just made, by the umask
	unlock   func()
	finished map[string]<-chan sealed // by file
}

// Begin starts a generation in the edition at dir, which is made when it is not
// there. It refuses a second writer (EDITION_BUSY) and a directory that holds
// something else (NOT_AN_EDITION), and removes what an earlier one left behind.
func Begin(dir string) (*Draft, error) {
	made, err := makeDir(dir)
	if err != nil {
		return nil, err
	}
	d := &Draft{dir: dir, made: made, finished: map[string]<-chan sealed{}}
	// Looked at first, so that nothing is left in a directory of someone else's.
	if _, err := d.survey(); err != nil {
		d.unmake()
		return nil, err
	}
	if d.unlock, err = lock(dir); err != nil {
		d.unmake()
		return nil, err
	}
	if err := d.begin(); err != nil {
		d.unmake()
		d.unlock()
		return nil, err
	}
	return d, nil
}

// makeDir makes dir and what leads to it, and lists what it made, the innermost
// first.
func makeDir(dir string) ([]string, error) {
	var missing []string
	for at := filepath.Clean(dir); ; at = filepath.Dir(at) {
		st, err := os.Stat(at)
		switch {
		case err == nil && !st.IsDir():
			return nil, problem.New("EDITION_UNWRITABLE", "这是文件，不是目录", "this is a file, not a directory").In(at)
		case err != nil && !os.IsNotExist(err):
			return nil, unwritable(dir, err)
		case err == nil:
			if err := os.MkdirAll(dir, openDir); err != nil {
				return nil, unwritable(dir, err)
			}
			return missing, nil
		}
		missing = append(missing, at)
	}
}

// unmake removes the directories that Begin made, as far as they are empty.
func (d *Draft) unmake() {
	if len(d.made) > 0 {
		_ = os.Remove(filepath.Join(d.dir, lockFile)) // may not be there
	}
	for _, m := range d.made {
		if os.Remove(m) != nil {
			return // it is not empty: someone else uses it
		}
	}
	d.made = nil
}

// survey refuses a directory that is no edition, and lists old drafts.
func (d *Draft) survey() (stale []string, err error) {
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return nil, unwritable(d.dir, err)
	}
	for _, e := range entries {
		name := e.Name()
		switch {
		case strings.HasPrefix(name, draftPrefix):
			stale = append(stale, filepath.Join(d.dir, name))
		case name == CurrentFile || strings.HasPrefix(name, ".") || generationName.MatchString(name) || slices.Contains(companions, name):
		default:
			return nil, problem.New("NOT_AN_EDITION", "目录里有别的东西（%s），不是版本目录", "the directory holds something else (%s) and is no edition", name).In(d.dir).
				Advise("请换一个空目录", "take an empty directory")
		}
	}
	return stale, nil
}

func (d *Draft) begin() error {
	stale, err := d.survey()
	if err != nil {
		return err
	}
	for _, s := range stale {
		if err := os.RemoveAll(s); err != nil {
			return unwritable(d.dir, err)
		}
	}
	if d.tmp, err = os.MkdirTemp(d.dir, draftPrefix); err != nil {
		return unwritable(d.dir, err)
	}
	// What the umask makes of a directory is seen by making one.
	probe := d.File(".mode")
	if err := os.Mkdir(probe, openDir); err != nil {
		return unwritable(d.dir, err)
	}
	st, err := os.Stat(probe)
	if err = errors.Join(err, os.Remove(probe)); err != nil {
		return unwritable(d.dir, err)
	}
	d.mode = st.Mode() & (fs.ModePerm | fs.ModeSetgid)
	return nil
}

// File returns the path of a file of the draft; with "" its directory.
func (d *Draft) File(name string) string { return filepath.Join(d.tmp, name) }

// Abort removes the draft, and the directories that Begin made. It does nothing
// after Commit.
func (d *Draft) Abort() {
	if d.tmp == "" {
		return
	}
	d.rest()
	// What cannot be removed now is removed by the next Begin.
	_ = os.RemoveAll(d.tmp)
	d.tmp = ""
	d.unmake()
	d.unlock()
}

// Commit fills in the manifest's generation, date and checksums, moves the
// draft into place, puts it in force and removes the oldest generations beyond
// keep; that which was in force before is the last to go. When the edition holds this
// very generation already, undamaged, that one is put in force.
//
// After an error the generation before stays in force and the draft is still to
// be aborted, but for a problem with code PRUNE: then the new generation is in
// force and older ones could not be removed. An edition of another tier is
// refused with TIER_CHANGED. Above public only the owner and the group can read what is
// put in force.
func (d *Draft) Commit(m *Manifest, keep int) error {
	all, err := kept(d.dir)
	if err != nil {
		return err
	}
	for _, old := range all {
		if old.Tier != "" && old.Tier != m.Tier {
			return problem.New("TIER_CHANGED", "目录里已是%[1]s，不能放入%[2]s", "the directory holds a %[3]s edition and takes no %[4]s one", old.Tier.Title(problem.Chinese), m.Tier.Title(problem.Chinese), old.Tier, m.Tier).In(d.dir).
				Advise("每一版用自己的目录", "give each tier a directory of its own")
		}
	}
	m.Product = Product
	m.Generation = GenerationName(m.Tier, m.ContentHash, m.Policy.Digest)
	m.Created = stamp(all)
	if err := d.seal(m); err != nil {
		return wrap(d.dir, err)
	}
	if err := d.open(m.Tier); err != nil {
		return unwritable(d.dir, err)
	}
	if len(all) == 0 {
		if err := closeDir(d.dir, m.Tier); err != nil {
			return unwritable(d.dir, err)
		}
	}
	before, err := current(d.dir)
	if err != nil {
		before = "" // a first one, or a CURRENT that is broken: no generation is preferred
	}
	placed, err := d.place(m)
	if err != nil {
		return wrap(d.dir, err)
	}
	if err := setCurrent(d.dir, m.Generation); err != nil {
		if now, cerr := current(d.dir); placed && (cerr != nil || now != m.Generation) {
			err = errors.Join(err, os.RemoveAll(Path(d.dir, m.Generation)))
		}
		return err
	}
	d.tmp = ""
	defer d.unlock()
	if err := prune(d.dir, before, m.Generation, max(keep, 1)); err != nil {
		return problem.New("PRUNE", "新的一代 %s 已生效，但旧的各代删不掉（%v）", "generation %s is in force, but older ones cannot be removed (%v)", m.Generation, err).In(d.dir).
			Advise("请手工删除旧的各代", "remove them by hand").Because(err)
	}
	return nil
}

// stamp returns the present time, or one that is later than all kept generations
// where the clock has gone back: history goes by it.
func stamp(all []*Manifest) string {
	const layout = "2006-01-02T15:04:05.000000000Z"
	now := time.Now().UTC()
	for _, m := range all {
		if t, err := time.Parse(layout, m.Created); err == nil && !now.After(t) {
			now = t.Add(1)
		}
	}
	return now.Format(layout)
}

// place moves the draft to where its generation belongs, and tells whether it
// did: one that is there already and undamaged stays.
func (d *Draft) place(m *Manifest) (bool, error) {
	final := Path(d.dir, m.Generation)
	if _, err := os.Lstat(final); err == nil {
		old, err := ReadManifest(final)
		if err == nil {
			// What the draft has as the same file cannot be the better one there.
			err = old.checkBut(final, d.same(final, old, m))
		}
		if err == nil {
			m.Created = old.Created
			return false, os.RemoveAll(d.tmp)
		}
		// Damaged: out of the way first, so that there is no moment at which half
		// of each stands there.
		aside, err := os.MkdirTemp(d.dir, draftPrefix)
		if err != nil {
			return false, err
		}
		if err := os.Rename(final, filepath.Join(aside, m.Generation)); err != nil {
			return false, err
		}
		defer func() { _ = os.RemoveAll(aside) }() // else by the next Begin
	}
	if err := disk.Replace(d.tmp, final); err != nil {
		return false, err
	}
	return true, disk.SyncDir(d.dir)
}

// prune removes the oldest generations beyond keep, never the current one, and last
// the one that was in force before: after a rollback it is not the newest of them.
func prune(dir, before, current string, keep int) error {
	all, err := kept(dir)
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(all, func(m *Manifest) bool { return m.Generation == before }); i > 0 {
		last := all[i]
		all = slices.Insert(slices.Delete(all, i, i+1), 0, last)
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
		errs = append(errs, discard(Path(dir, m.Generation)))
	}
	return errors.Join(append(errs, disk.SyncDir(dir))...)
}

// discard removes a generation. Its manifest goes first: a server lets go of a generation
// that has none, and where the system removes no file that is open, that is waited for.
func discard(gdir string) error {
	if err := disk.RemoveAll(filepath.Join(gdir, ManifestFile)); err != nil {
		return err
	}
	return disk.RemoveAll(gdir)
}

// lock takes the writer's lock of an edition; the kernel frees it when the
// process ends, however it ends.
func lock(dir string) (func(), error) {
	path := filepath.Join(dir, lockFile)
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o640)
		if err != nil {
			return nil, unwritable(dir, err)
		}
		got, err := disk.TryLock(f)
		if err != nil {
			return nil, unwritable(dir, errors.Join(err, f.Close()))
		}
		if !got {
			_ = f.Close() // nothing was written
			return nil, problem.New("EDITION_BUSY", "另一个 gengtu 正在写这个版本", "another gengtu is writing this edition").In(dir).
				Advise("等它结束再试", "try again when it is done")
		}
		// An abort may have removed the file between opening and locking: a lock on
		// a file that is no longer there keeps nobody out.
		a, err := f.Stat()
		if b, berr := os.Stat(path); err == nil && berr == nil && os.SameFile(a, b) {
			return func() { _ = f.Close() }, nil // closing frees the lock; nothing was written
		}
		_ = f.Close()
		if _, err := os.Stat(dir); err != nil {
			return nil, unwritable(dir, err)
		}
	}
}
