package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/ingest"
	"gengtu/tileserver"
)

func runUpdate(e *env, fs *flags) error {
	var f reading
	f.define(fs)
	fs.Var(&f.layers, "layer", "NAME[@VINTAGE]=PATH[#TABLE]，变更的要素，可多次|NAME[@VINTAGE]=PATH[#TABLE], changed features; may be repeated")
	dir := fs.String("edition", "", "版本目录|the edition's directory")
	deletions := fs.String("delete", "", "要删除的编号：每行一个，或有 BSM 等列的 CSV|business keys to delete: one a line, or a CSV with a column such as BSM")
	keep := fs.Int("keep", edition.DefaultKeep, "保留几代|generations kept")
	memory := memoryFlag(fs)
	if _, err := fs.parse(0, 0); err != nil {
		return err
	}
	if err := need("edition", *dir); err != nil {
		return err
	}
	if len(f.layers) == 0 && *deletions == "" {
		return need("layer", "")
	}
	bytes, err := byteSize(*memory)
	if err != nil {
		return err
	}
	inputs, err := f.inputs()
	if err != nil {
		return err
	}
	var keys []string
	if *deletions != "" {
		text, err := os.ReadFile(*deletions)
		if err != nil {
			return problem.New("DELETE_FILE", "删除清单读不出来（%v）", "the list to delete cannot be read (%v)", err).In(*deletions).Because(err)
		}
		if keys, err = ingest.ParseDeletions(*deletions, text); err != nil {
			return err
		}
	}
	return e.update(&f, *dir, inputs, keys, building{*keep, f.workers, bytes})
}

// update makes a generation of the edition at dir out of the one in force.
func (e *env) update(f *reading, dir string, inputs []ingest.Input, deletions []string, w building) error {
	if _, _, err := edition.Current(dir); err != nil {
		return err // before a draft is made where no edition is
	}
	d, err := edition.Begin(dir)
	if err != nil {
		return err
	}
	defer d.Abort()
	name, old, err := edition.Current(dir)
	if err != nil {
		return err
	}
	if old.Tier != edition.Secure {
		return problem.New("UPDATE_TIER", "%[1]s 版由高一级版本派生，不能直接更新", "a %[1]s edition is derived from a higher one and is not updated by itself", old.Tier).In(dir).
			Advise("更新 secure 版，再用 gengtu publish 重新派生", "update the secure edition, and derive this one again with gengtu publish")
	}
	from := edition.Path(dir, name)
	p := e.progress()
	defer p.end()
	opt, err := f.options(e, old.Tier, p)
	if err != nil {
		return err
	}
	u := &updating{env: e, old: old, from: from}
	u.check()
	base, err := index.OpenBase(from, old)
	if err != nil {
		return err
	}
	deltas, rep, err := ingest.Update(e.ctx, base, inputs, deletions, opt)
	rep.Edition = dir
	if err != nil {
		return errors.Join(err, base.Close(), e.giveReport(rep, f.report))
	}
	u.draft, u.progress, u.building = d, p, w
	err = u.write(e.ctx, base, deltas)
	if err = errors.Join(err, base.Close()); err != nil {
		return err
	}
	if err := d.Commit(u.manifest, w.keep); err != nil {
		return err
	}
	p.end()
	rep.Generation = u.manifest.Generation
	rep.Revised(u.revision)
	return e.giveReport(rep, f.report)
}

// updating makes the files of a generation from those of the one before.
type updating struct {
	*env
	draft    *edition.Draft
	old      *edition.Manifest
	from     string // directory of the generation before
	progress *progress
	building building
	checked  map[string]<-chan error // by file
	revision *index.Revision
	manifest *edition.Manifest
}

// check begins to compare the files of the generation before with their
// checksums, beside the other work: what is damaged must not be taken over.
func (u *updating) check() {
	u.checked = map[string]<-chan error{}
	for _, name := range []string{edition.FeaturesFile, edition.GroundFile, edition.TilesFile} {
		done := make(chan error, 1)
		u.checked[name] = done
		want, ok := u.old.Files[name]
		if !ok {
			done <- nil
			continue
		}
		go func() { done <- edition.CheckFile(u.path(name), want) }()
	}
}

// write writes the files and the manifest.
func (u *updating) write(ctx context.Context, base *index.Base, deltas []index.Delta) error {
	u.progress.tell(u.pick("要素", "features"), 0, 0)
	d := u.draft
	err := <-u.checked[edition.FeaturesFile]
	if err != nil {
		return err
	}
	if u.revision, err = base.Revise(ctx, d.File(edition.FeaturesFile), deltas); err != nil {
		return err
	}
	m := *u.old
	m.Program, m.Layers, m.Files = programVersion(), u.revision.Layers, nil
	u.manifest = &m
	ix, err := index.OpenFiles(d.File(""), &m)
	if err != nil {
		return err
	}
	ix.Figure()
	err = u.ground(ctx, ix)
	if err == nil {
		err = <-u.checked[edition.TilesFile]
	}
	if err == nil {
		var made *tileserver.Rebuilt
		made, err = tileserver.UpdateTiles(ctx, ix, u.path(edition.TilesFile), d.File(edition.TilesFile), u.revision.Changed, tileserver.BuildOptions{
			MinZoom: m.BuiltZooms[0], MaxZoom: m.BuiltZooms[1], Workers: u.building.workers, MemoryBytes: u.building.memory,
			Progress: func(done, all int) { u.progress.tell(u.pick("瓦片", "tiles"), int64(done), int64(all)) },
		})
		if made != nil {
			m.Tiles = made.Counts
		}
	}
	if err = errors.Join(err, ix.Close()); err != nil {
		return err
	}
	m.ContentHash, err = contentHash(d.File(edition.FeaturesFile), d.File(edition.TilesFile))
	return errors.Join(err, ctx.Err())
}

// path is that of a file of the generation before.
func (u *updating) path(name string) string { return filepath.Join(u.from, name) }

// ground makes the partition of the ground.
func (u *updating) ground(ctx context.Context, ix *index.Index) error {
	if err := <-u.checked[edition.GroundFile]; err != nil {
		return err
	}
	from := ""
	if _, ok := u.old.Files[edition.GroundFile]; ok {
		from = u.path(edition.GroundFile)
	}
	_, err := index.ReviseGround(ctx, ix, from, u.draft.File(edition.GroundFile), u.revision, func(done, all int) {
		u.progress.tell(u.pick("地面划分", "ground"), int64(done), int64(all))
	})
	return err
}
