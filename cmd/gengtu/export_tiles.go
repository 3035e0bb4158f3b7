package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/tileserver/archive"
	"gengtu/tileserver/tile"
	"gengtu/tileserver/tileset"
)

// archiveFormats are the endings of archives of tiles.
var archiveFormats = []string{".pmtiles", ".mbtiles"}

// exportJob is what an export was asked for.
type exportJob struct {
	dir, layer, vintage, out string
	grid, zooms              string // of archives only
}

// exportTiles writes the tiles of layers to an archive.
func (e *env) exportTiles(job *exportJob, ending string) (err error) {
	opt, err := job.tileSetOptions()
	if err != nil {
		return err
	}
	_, m, err := edition.Current(job.dir)
	if err != nil {
		return err
	}
	closeOutputs(m.Tier)
	p := e.progress()
	defer p.end()
	opt.Making = func(layer string, tiles int) {
		p.tell(e.pick("生成瓦片 ", "making tiles ")+layer, int64(tiles), 0)
	}
	set, err := tileset.Open(e.ctx, job.dir, opt)
	if err != nil {
		return withDisc(job.out, err)
	}
	defer func() { err = errors.Join(err, set.Close()) }()
	info := set.Info(programVersion())
	return withDisc(job.out, writeFile(job.out, func(w io.Writer) error {
		file, ok := w.(*os.File)
		if !ok {
			return errors.New("an archive needs a file")
		}
		a, err := newArchive(file, ending, info)
		if err != nil {
			return err
		}
		done, all := int64(0), int64(set.Len())
		err = set.Each(e.ctx, func(t tile.Tile, data []byte) error {
			done++
			p.tell(e.pick("写瓦片", "writing tiles"), done, all)
			return a.Put(t, data)
		})
		if err != nil {
			return errors.Join(err, a.Abort())
		}
		if err := a.Close(); err != nil {
			return err
		}
		return file.Sync()
	}))
}

// tileSetOptions judges what was asked for.
func (j *exportJob) tileSetOptions() (tileset.Options, error) {
	opt := tileset.Options{Layers: strings.Split(j.layer, ","), Vintage: j.vintage, WorkDir: filepath.Dir(j.out)}
	switch j.grid {
	case "", tile.W.String():
	case tile.C.String():
		return opt, usage("GRID_UNKNOWN", "PMTiles 和 MBTiles 只有 Web 墨卡托瓦片（w），放不下网格 c", "PMTiles and MBTiles have Web Mercator tiles (w) only; grid c has no place in them")
	default:
		return opt, usage("GRID_UNKNOWN", "没有网格 %.20q", "no grid %.20q", j.grid)
	}
	if j.zooms != "" {
		lo, hi, err := zoomRange(j.zooms)
		if err != nil {
			return opt, err
		}
		opt.Zooms = &[2]int{lo, hi}
	}
	if isStream(j.out) {
		return opt, problem.New("OUT_UNWRITABLE", "瓦片包要写进文件，这里不是", "an archive of tiles is written to a file, which this is not").In(j.out)
	}
	return opt, nil
}

func newArchive(file *os.File, ending string, info archive.Info) (archive.Writer, error) {
	if ending == ".mbtiles" {
		return archive.NewMBTiles(file.Name(), info)
	}
	return archive.NewPMTiles(file, info)
}

// withDisc advises where the disc of the file at path is full, which the system and SQLite (code
// SQLITE_FULL) tell each in its way.
func withDisc(path string, err error) error {
	const sqliteFull = 13
	var coded interface{ Code() int }
	if !errors.Is(err, syscall.ENOSPC) && (!errors.As(err, &coded) || coded.Code() != sqliteFull) {
		return err
	}
	p := problem.Of(err)
	if p == nil {
		p = problem.New("OUT_UNWRITABLE", "磁盘已满", "the disc is full").Because(err).In(path)
	}
	return p.Advise("请腾出空间，或写到别的磁盘", "make room, or write to another disc")
}
