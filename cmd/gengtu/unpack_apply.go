package main

import (
	"path/filepath"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/ingest/exchange"
	"gengtu/tileserver/tileset"
)

// apply makes a generation of the edition by a package that was received, and puts it
// in force in one step, when it is what the package says.
func (e *env) apply(r *exchange.Reception, f *receiving) (*edition.Manifest, error) {
	if err := r.Released(); err != nil {
		return nil, err
	}
	if s := r.Manifest.State; s.BuiltZooms[1] > tileset.MaxZoom || s.MaxZoom > tileset.MaxZoom {
		return nil, problem.New("PACKAGE_MANIFEST", "级别 %d 高于 %d", "zoom %d is above %d", max(s.MaxZoom, s.BuiltZooms[1]), tileset.MaxZoom).In(f.Package)
	}
	d, err := edition.Begin(f.Edition)
	if err != nil {
		return nil, err
	}
	defer d.Abort()
	if err := unchanged(f.Edition, r.Held); err != nil {
		return nil, err
	}
	w := f.building
	if r.Held != nil && r.Held.Policy.Digest != r.Manifest.State.Policy.Digest {
		w.keep = 1 // what another policy let through must not stay behind
	}
	w.before = func(m *edition.Manifest) error {
		digest, err := index.ContentDigest(d.File(edition.FeaturesFile))
		if err != nil {
			return err
		}
		r.Tell(m.Layers)
		if err := r.Check(m, digest); err != nil {
			return err
		}
		return r.Intend(edition.GenerationName(m.Tier, m.ContentHash, m.Policy.Digest))
	}
	var m *edition.Manifest
	if r.Revises() && r.Held.Drawing == tileset.Drawing {
		m, err = e.revise(r, f, d, w)
	} else {
		m, err = e.rebuild(r, f, d, w)
	}
	if err != nil {
		return nil, err
	}
	return m, r.Accept(m)
}

// unchanged sees that what is in force is still what the package was judged by.
func unchanged(dir string, held *edition.Manifest) error {
	name, _, err := edition.Current(dir)
	if held == nil {
		if p := problem.Of(err); p != nil && p.Code == "EDITION_MISSING" {
			return nil
		}
	} else if err == nil && name == held.Generation {
		return nil
	}
	return problem.New("EDITION_BUSY", "版本刚被别的程序改动", "another program has just changed the edition").In(dir).
		Advise("再试一次", "try again").Because(errChanged)
}

// rebuild writes all features anew and builds everything.
func (e *env) rebuild(r *exchange.Reception, f *receiving, d *edition.Draft, w building) (*edition.Manifest, error) {
	w.stages.begin(stageRead)
	features := index.NewWriter(d.File(edition.FeaturesFile))
	features.Limit(w.memory / 2) // the collector begins when what is in use has doubled
	var base *index.Base
	if r.Manifest.Kind == exchange.Delta {
		var err error
		if base, err = index.OpenBase(edition.Path(f.Edition, r.Held.Generation), r.Held); err != nil {
			return nil, err
		}
		defer func() { _ = base.Close() }() // only read
	}
	layers, err := r.Write(e.ctx, base, features)
	if err != nil {
		return nil, err
	}
	s := r.Manifest.State
	m := &edition.Manifest{Tier: r.Manifest.Tier, Layers: layers, BuiltZooms: s.BuiltZooms, MaxZoom: s.MaxZoom, Policy: s.Policy}
	return m, e.complete(d, m, w)
}

// revise takes the changes of a delta in as an update does.
func (e *env) revise(r *exchange.Reception, f *receiving, d *edition.Draft, w building) (*edition.Manifest, error) {
	u := &updating{env: e, dir: f.Edition, building: w, draft: d, old: r.Held, from: edition.Path(f.Edition, r.Held.Generation), progress: e.progress()}
	defer u.progress.end()
	u.work.begin()
	if err := u.take(); err != nil {
		return nil, err
	}
	base, err := index.OpenBase(u.from, u.old)
	if err != nil {
		return nil, err
	}
	defer func() { _ = base.Close() }() // only read
	deltas, err := r.Deltas(e.ctx, base)
	if err != nil {
		return nil, err
	}
	u.update = edition.Update{Generation: r.Held.Generation, Source: map[string][]string{"package": {filepath.Base(r.Manifest.ID)}}}
	if err := u.write(base, deltas); err != nil {
		return nil, err
	}
	m := u.manifest
	if m.Tier != edition.Secure {
		m.Updates = nil
	}
	if err := w.before(m); err != nil {
		return nil, err
	}
	return m, d.Commit(m, w.keep)
}
