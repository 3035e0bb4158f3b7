package main

import (
	"errors"
	"path/filepath"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/ingest"
	"gengtu/ingest/change"
	"gengtu/tileserver/tileset"
)

// extending makes a generation out of the one in force and more layers.
type extending struct {
	// zooms are built, or those of the edition when keepZooms is set.
	keepZooms bool
	zooms     [2]int
	building  building
	update    edition.Update // what the manifest notes
}

// extend makes the generation: write puts the features of the base, and what is added,
// into a file and returns its layers.
func (e *env) extend(dir string, x *extending, write func(base *index.Base, path string) ([]edition.Layer, error)) (*edition.Manifest, error) {
	if _, _, err := edition.Current(dir); err != nil {
		return nil, err // before a draft is made where no edition is
	}
	d, err := edition.Begin(dir)
	if err != nil {
		return nil, err
	}
	defer d.Abort()
	name, old, err := edition.Current(dir)
	if err != nil {
		return nil, err
	}
	if old.Tier != edition.Secure {
		return nil, problem.New("UPDATE_TIER", "%[1]s由高一级版本派生，不能直接更新", "a %[2]s edition is derived from a higher one and is not updated by itself", old.Tier.Title(problem.Chinese), old.Tier).In(dir).
			Advise("更新涉密版，再用 gengtu publish 重新派生", "update the secure edition, and derive this one again with gengtu publish")
	}
	from := edition.Path(dir, name)
	// What is damaged must not be taken over.
	if err := edition.CheckFile(filepath.Join(from, edition.FeaturesFile), old.Files[edition.FeaturesFile]); err != nil {
		return nil, err
	}
	base, err := index.OpenBase(from, old)
	if err != nil {
		return nil, err
	}
	layers, err := write(base, d.File(edition.FeaturesFile))
	if err = errors.Join(err, base.Close()); err != nil {
		return nil, err
	}
	m := &edition.Manifest{Tier: old.Tier, Layers: layers, BuiltZooms: x.zooms, MaxZoom: tileset.MaxZoom, Policy: old.Policy, Updates: old.Updates}
	if x.keepZooms {
		m.BuiltZooms = old.BuiltZooms
	}
	x.update.Generation = name
	m.Note(x.update)
	return m, e.complete(d, m, x.building)
}

// ingestMore takes deliveries into an edition beside what it has.
func (e *env) ingestMore(f *reading, inputs []ingest.Input, out string, x *extending) error {
	p := e.progress()
	defer p.end()
	in, err := e.intake(f, x.building, p)
	if err != nil {
		return err
	}
	defer in.close()
	var rep *ingest.Report
	m, err := e.extend(out, x, func(base *index.Base, path string) (layers []edition.Layer, err error) {
		in.opt.Base, in.opt.Before = base, base.Manifest.Layers
		layers, rep, err = ingest.Run(e.ctx, inputs, path, in.opt)
		rep.Edition, x.update.Source = out, rep.Files()
		p.end()
		return layers, err
	})
	if err != nil {
		if rep != nil {
			err = errors.Join(err, e.giveReport(newTimedReport(rep, f.found, nil), f.report))
		}
		return err
	}
	rep.Generation = m.Generation
	x.building.stages.note(e)
	e.tellUndated(rep)
	return e.giveReport(newTimedReport(rep, f.found, x.building.stages.list), f.report)
}

// applyPackage makes a new vintage of an edition's dltb by an update package.
func (e *env) applyPackage(f *reading, paths []string, dir string, x *extending) error {
	p := e.progress()
	defer p.end()
	opt, err := f.options(e, edition.Secure, p)
	if err != nil {
		return err
	}
	opt.MemoryBytes = x.building.memory
	files, err := change.Find(opt.Profiles, paths)
	if err != nil {
		return err
	}
	x.building.stages.begin(stageRead)
	var rep *change.Report
	m, err := e.extend(dir, x, func(base *index.Base, path string) ([]edition.Layer, error) {
		var applied *change.Applied
		var err error
		applied, rep, err = change.Apply(e.ctx, base, files, change.Options{Options: opt, Vintage: f.vintage})
		p.end()
		rep.Edition = dir
		if err != nil {
			return nil, err
		}
		x.update.Source = map[string][]string{rep.Layer + "@" + rep.Vintage: baseNames(rep.Sources)}
		x.building.stages.begin(stageIndex)
		return ingest.Extend(e.ctx, base, path, opt, applied.Add(e.ctx))
	})
	if err != nil {
		if rep != nil && rep.Flows > 0 {
			err = errors.Join(err, e.writeReport(packageReport{rep, outcomeOf(rep.Generation)}, f.report))
		}
		return err
	}
	rep.Generation = m.Generation
	x.building.stages.note(e)
	return e.writeReport(packageReport{rep, outcomeOf(rep.Generation)}, f.report)
}

func baseNames(paths []string) []string {
	out := make([]string, len(paths))
	for i, p := range paths {
		out[i] = filepath.Base(p)
	}
	return out
}
