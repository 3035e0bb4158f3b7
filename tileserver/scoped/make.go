package scoped

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"gengtu/index"
	"gengtu/index/disk"
	"gengtu/index/edition"
	"gengtu/index/extract"
	"gengtu/index/problem"
	"gengtu/tileserver/access"
	"gengtu/tileserver/live"
	"gengtu/tileserver/tileset"
)

// editionFolder is the edition in a scope's directory; beside it lie tiles made on demand.
const editionFolder = "edition"

// writeMemory is what the features of a scope take in memory until they are written.
const writeMemory = 256 << 20

// make makes or opens the edition e when there is a place for it.
func (s *Editions[G]) make(e *entry[G], base G, scope *access.Scope) {
	var g G
	var size int64
	err := s.ctx.Err()
	select {
	case s.place <- struct{}{}:
		defer func() { <-s.place }()
		if err == nil {
			g, size, err = s.open(e.key, base, scope)
		}
	case <-s.ctx.Done():
		err = s.ctx.Err()
	}
	s.mu.Lock()
	e.gen, e.open, e.bytes, e.err, e.failed = g, err == nil, size, nil, time.Now()
	switch {
	case isEmpty(err):
		e.err = ErrEmpty
	case err != nil:
		e.err = live.ErrClosed
	}
	gone := s.evict(e)
	s.mu.Unlock()
	s.remove(gone)
	// Before anybody is answered.
	switch log := s.opt.Log; {
	case isEmpty(err):
		log.Warn("nothing lies in the scope of a token", "scope", e.key)
	case err != nil && s.ctx.Err() == nil:
		log.Error("no edition for a scope", "scope", e.key, "error", err)
		s.opt.Failed(e.tier)
	}
	s.mu.Lock()
	close(e.busy)
	e.busy = nil
	s.mu.Unlock()
}

// isEmpty tells whether err says that a scope has nothing of an edition.
func isEmpty(err error) bool {
	p := problem.Of(err)
	return p != nil && p.Code == "SCOPE_EMPTY"
}

// open opens the edition of that key, which it makes unless it lies there already.
func (s *Editions[G]) open(key string, base G, scope *access.Scope) (g G, size int64, err error) {
	dir, err := s.folder(key)
	if err != nil {
		return g, 0, err
	}
	at := filepath.Join(dir, editionFolder)
	name, m, err := edition.Current(at)
	if err == nil {
		g, err = s.openAt(dir, base, edition.Path(at, name), m)
	}
	if err != nil { // it is not there, or damaged
		if err = os.RemoveAll(dir); err == nil {
			g, err = s.fresh(dir, base, scope)
		}
	}
	if err != nil {
		return g, 0, errors.Join(err, os.RemoveAll(dir))
	}
	size, err = disk.Size(dir)
	if most := s.opt.Limits.Bytes; err == nil && size > most {
		err = problem.New("SCOPE_TOO_LARGE", "范围版本有 %d 字节，上限 %d", "the edition for the scope has %d bytes, the limit is %d", size, most).In(dir).
			Advise("缩小令牌的范围，或提高上限", "give the token a smaller scope, or raise the limit")
	}
	if err != nil {
		return g, 0, errors.Join(err, g.Release(), os.RemoveAll(dir))
	}
	return g, size, nil
}

// fresh makes the edition in dir and opens it.
func (s *Editions[G]) fresh(dir string, base G, scope *access.Scope) (none G, err error) {
	start := time.Now()
	ctx, cancel := context.WithTimeout(s.ctx, s.opt.Limits.Make)
	defer cancel()
	at := filepath.Join(dir, editionFolder)
	report, err := write(ctx, base.Index(), scope, at)
	if err != nil {
		return none, err
	}
	name, m, err := edition.Current(at)
	if err != nil {
		return none, err
	}
	s.opt.Made(m.Tier)
	log, key := s.opt.Log, filepath.Base(dir)
	log.Info("edition made for a scope", "scope", key, "features", report.Features(), "seconds", time.Since(start).Seconds())
	for _, l := range report.Layers {
		if len(l.Failed) > 0 {
			log.Warn("features across the border of a scope cannot be cut and are left out", "scope", key, "layer", l.Layer, "ids", l.Failed)
		}
	}
	return s.openAt(dir, base, edition.Path(at, name), m)
}

// openAt opens the generation in gdir, below dir. It answers under the name of the generation that
// it is made of, as which it is asked for and written down.
func (s *Editions[G]) openAt(dir string, base G, gdir string, m *edition.Manifest) (none G, err error) {
	of := base.Index().Manifest
	if m.Tier != of.Tier || m.Policy.Digest != of.Policy.Digest {
		return none, problem.New("TIER_CHANGED", "范围版本与版别不符", "the edition for a scope is not one of the tier").In(gdir)
	}
	named := *m
	named.Generation, named.Created = base.Name(), of.Created
	keep := ""
	if !s.temporary {
		keep = dir
	}
	return s.opt.Open(gdir, &named, keep)
}

// write makes the edition of what of base lies in scope, in the directory dir,
// and says what was left out of it that lies in the scope.
func write(ctx context.Context, base *index.Index, scope *access.Scope, dir string) (*extract.Report, error) {
	part, err := Part(scope)
	if err != nil {
		return nil, err
	}
	d, err := edition.Begin(dir)
	if err != nil {
		return nil, err
	}
	defer d.Abort()
	features := index.NewWriter(d.File(edition.FeaturesFile))
	features.Limit(writeMemory)
	m, report, err := extract.Write(ctx, base, part, features)
	if err != nil {
		return nil, errors.Join(err, features.Abandon())
	}
	m.Program = base.Manifest.Program
	if err := index.Seal(ctx, d.File(edition.FeaturesFile)); err != nil {
		return nil, err
	}
	d.Finish(edition.FeaturesFile)
	ix, err := index.OpenFiles(d.File(""), m)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(build(ctx, d, ix), ix.Close()); err != nil {
		return nil, err
	}
	if m.ContentHash, err = tileset.ContentHash(d.File(edition.FeaturesFile), d.File(edition.TilesFile)); err != nil {
		return nil, err
	}
	return report, d.Commit(m, 1)
}

// build builds the ground and the tiles of an edition for a scope.
func build(ctx context.Context, d *edition.Draft, ix *index.Index) error {
	made, err := index.BuildGround(ctx, ix, d.File(edition.GroundFile), func(_, _ int) {})
	if err != nil {
		return err
	}
	if made {
		d.Finish(edition.GroundFile)
	}
	return tileset.BuildOneZoom(ctx, d, ix)
}
