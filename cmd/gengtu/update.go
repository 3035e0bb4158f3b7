package main

import (
	"errors"
	"os"
	"path/filepath"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/patch"
	"gengtu/index/problem"
	"gengtu/ingest"
	"gengtu/tileserver/tile"
	"gengtu/tileserver/tileset"
)

func runUpdate(e *env, fs *flags) error {
	var f reading
	f.define(fs)
	f.defineDelivery(fs)
	fs.Var(&f.layers, "layer", "NAME[@VINTAGE]=PATH[#TABLE]，变更的要素，可多次|NAME[@VINTAGE]=PATH[#TABLE], changed features; may be repeated")
	dir := fs.String("edition", "", "版本目录|the edition's directory")
	deletions := fs.String("delete", "", "要删除的编号：每行一个，或有 BSM 等列的 CSV；不给 --layer 时从各图层最新时相删除|business keys to delete: one a line, or a CSV with a column such as BSM; without --layer from the latest vintage of every layer")
	var packages list
	fs.Var(&packages, "package", "年度变更更新包的目录或文件（DLTBGX、DLTBGXGC），可多次；生成新的时相|folder or files of a yearly update package (DLTBGX, DLTBGXGC), may be repeated; makes a new vintage")
	var keep int
	keepFlag(fs, &keep)
	memory := memoryFlag(fs)
	if _, err := fs.parse(0, 0); err != nil {
		return err
	}
	if err := need("edition", *dir); err != nil {
		return err
	}
	bytes, err := byteSize(*memory)
	if err != nil {
		return err
	}
	if len(packages) > 0 {
		if len(f.layers) > 0 || f.delivery != "" || *deletions != "" {
			return usage("FLAGS", "--package 不与 --layer、--delivery、--delete 同用", "--package does not go with --layer, --delivery and --delete")
		}
		return e.applyPackage(&f, packages, *dir, &extending{keepZooms: true, building: building{keep: keep, workers: f.workers, memory: bytes, stages: &stages{}}})
	}
	if len(f.layers) == 0 && f.delivery == "" && *deletions == "" {
		return need("layer", "")
	}
	inputs, err := f.inputs()
	if err == nil {
		inputs, err = e.addDelivery(&f, inputs)
	}
	if err != nil {
		return err
	}
	var keys []string
	if *deletions != "" {
		if keys, err = readDeletions(*deletions, f.encoding); err != nil {
			return err
		}
	}
	u := &updating{env: e, dir: *dir, building: building{keep: keep, workers: f.workers, memory: bytes, stages: &stages{}}}
	u.update.Deletions = filepath.Base(*deletions)
	if *deletions == "" {
		u.update.Deletions = ""
	}
	return f.besides(u.run(&f, inputs, keys))
}

// maxDeletions is more than a list of ten million keys takes, in bytes.
const maxDeletions = 512 << 20

// readDeletions reads the list of keys to delete.
func readDeletions(path, encoding string) ([]string, error) {
	unread := func(err error) error {
		return problem.New("DELETE_FILE", "删除清单读不出来（%v）", "the list to delete cannot be read (%v)", err).In(path).Because(err).
			Advise("核对 --delete 的路径", "check the path that --delete names")
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, unread(err)
	}
	if info.Size() > maxDeletions {
		return nil, problem.New("DELETE_FILE", "删除清单有 %d 字节，上限 %d", "the list to delete has %d bytes, the limit is %d", info.Size(), maxDeletions).In(path).
			Advise("核对 --delete 的路径，或用 gengtu ingest 整体重新入库", "check the path that --delete names, or take the whole layer in again with gengtu ingest")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, unread(err)
	}
	return ingest.ParseDeletions(path, data, encoding)
}

// updating makes a generation of an edition out of the one in force.
type updating struct {
	*env
	dir      string
	building building
	draft    *edition.Draft
	old      *edition.Manifest
	from     string // directory of the generation in force
	progress *progress
	revision *index.Revision
	manifest *edition.Manifest
	update   edition.Update
	work     updateWork
	// registers are those that the edition is to have, nil where they stay.
	registers []*index.Register
}

// run makes the generation and puts it in force.
func (u *updating) run(f *reading, inputs []ingest.Input, deletions []string) error {
	if _, _, err := edition.Current(u.dir); err != nil {
		return err // before a draft is made where no edition is
	}
	d, err := edition.Begin(u.dir)
	if err != nil {
		return err
	}
	defer d.Abort()
	name, old, err := edition.Current(u.dir)
	if err != nil {
		return err
	}
	if old.Tier != edition.Secure {
		return problem.New("UPDATE_TIER", "%[1]s由高一级版本派生，不能直接更新", "a %[2]s edition is derived from a higher one and is not updated by itself", old.Tier.Title(problem.Chinese), old.Tier).In(u.dir).
			Advise("更新涉密版，再用 gengtu publish 重新派生", "update the secure edition, and derive this one again with gengtu publish")
	}
	u.draft, u.old, u.from, u.progress = d, old, edition.Path(u.dir, name), u.env.progress()
	defer u.progress.end()
	opt, err := f.options(u.env, old.Tier, u.progress)
	if err != nil {
		return err
	}
	if old.Drawing != tileset.Drawing {
		return problem.New("UPDATE_DRAWING", "版本的瓦片由绘制方法 %d 绘成，本程序是 %d，两者不能混在一起", "the edition's tiles are drawn in way %d, this program draws in way %d, and the two do not go together", old.Drawing, tileset.Drawing).In(u.dir).
			Advise("用 gengtu ingest 重新入库，或用原来的程序更新", "ingest it again with gengtu ingest, or update with the program that built it")
	}
	u.work.begin()
	go tile.W.Fix(geo.Position{}) // its table takes a while, and is needed when the features are open
	if err := u.take(); err != nil {
		return err
	}
	base, err := index.OpenBase(u.from, old)
	if err != nil {
		return err
	}
	deltas, rep, err := ingest.Update(u.ctx, base, inputs, deletions, opt)
	rep.Edition = u.dir
	if err != nil {
		return errors.Join(err, base.Close(), u.giveReport(newTimedReport(rep, f.found, nil), f.report))
	}
	u.work.done(&u.work.Seconds.Reading)
	u.update.Generation, u.update.Source = name, rep.Files()
	err = u.write(base, deltas)
	if err = errors.Join(err, base.Close()); err != nil {
		return err
	}
	if err := d.Commit(u.manifest, u.building.keep); err != nil {
		return err
	}
	u.work.done(&u.work.Seconds.Swap)
	u.progress.end()
	rep.Generation = u.manifest.Generation
	rep.Revised(u.revision)
	return u.writeReport(&updateReport{newTimedReport(rep, f.found, nil), &u.work}, f.report)
}

// take gives the draft the files of the generation in force, which are linked where the
// file system does it.
func (u *updating) take() error {
	for _, name := range []string{edition.FeaturesFile, edition.GroundFile, edition.TilesFile} {
		linked, err := u.draft.Take(u.ctx, u.from, u.old, name)
		if err != nil {
			return err
		}
		if !linked {
			u.work.Copied = append(u.work.Copied, name)
		}
	}
	return nil
}

// settle writes a file whose patch has become large, and the patch, as one file.
func (u *updating) settle(name string) error {
	path := u.draft.File(name)
	outgrown, err := patch.Outgrown(path)
	if err != nil || !outgrown {
		return err
	}
	to := path + ".whole"
	if err := patch.Whole(u.ctx, path, patch.NewSums(u.old.Blocks[name]), to); err != nil {
		return err
	}
	if err := os.Remove(patch.Path(path)); err != nil {
		return err
	}
	if err := os.Rename(to, path); err != nil {
		return err
	}
	u.draft.Finish(name)
	u.work.Whole = append(u.work.Whole, name)
	return nil
}

// write writes the files and the manifest.
func (u *updating) write(base *index.Base, deltas []index.Delta) error {
	u.progress.tell(u.pick("要素", "features"), 0, 0)
	d := u.draft
	var err error
	if u.revision, err = base.Revise(u.ctx, d.File(edition.FeaturesFile), deltas, u.registers); err != nil {
		return err
	}
	// By the sums of blocks, which stay, what is read of files that are linked is compared.
	m := *u.old
	m.Program, m.Layers, m.Files = programVersion(), u.revision.Layers, nil
	m.Note(u.update)
	u.manifest = &m
	ix, err := base.OpenRevised(d.File(""), &m, u.revision)
	if err != nil {
		return err
	}
	ix.Figure()
	err = u.settle(edition.FeaturesFile)
	u.work.done(&u.work.Seconds.Features)
	if err == nil {
		err = u.ground(ix)
	}
	u.work.done(&u.work.Seconds.Ground)
	if err == nil {
		err = u.tiles(ix)
	}
	if err = errors.Join(err, ix.Close()); err != nil {
		return err
	}
	u.work.done(&u.work.Seconds.Tiles)
	m.ContentHash, err = tileset.ContentHash(d.File(edition.FeaturesFile), d.File(edition.TilesFile))
	u.work.done(&u.work.Seconds.Digests)
	return errors.Join(err, u.ctx.Err())
}

// ground makes the partition of the ground.
func (u *updating) ground(ix *index.Index) error {
	built, err := index.ReviseGround(u.ctx, ix, u.draft.File(edition.GroundFile), u.revision, func(done, all int) {
		u.progress.tell(u.pick("地面划分", "ground"), int64(done), int64(all))
	})
	if err != nil {
		return err
	}
	if built {
		u.draft.Finish(edition.GroundFile)
		return nil
	}
	return u.settle(edition.GroundFile)
}

// tiles makes the tiles.
func (u *updating) tiles(ix *index.Index) error {
	m, to := u.manifest, u.draft.File(edition.TilesFile)
	made, err := tileset.Update(u.ctx, ix, filepath.Join(u.from, edition.TilesFile), to, u.revision.Changed, tileset.BuildOptions{
		MinZoom: m.BuiltZooms[0], MaxZoom: m.BuiltZooms[1], Workers: u.building.workers, MemoryBytes: u.building.memory,
		Progress: func(done, all int) { u.progress.tell(u.pick("瓦片", "tiles"), int64(done), int64(all)) },
	})
	if err == nil {
		err = u.settle(edition.TilesFile)
	}
	if err != nil {
		return err
	}
	m.Tiles = made.Counts
	u.work.took(made.Work)
	return nil
}
