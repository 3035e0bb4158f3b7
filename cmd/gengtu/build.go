package main

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/tileserver/cache"
	"gengtu/tileserver/tile"
	"gengtu/tileserver/tileset"
)

// zoomRange reads "5-14".
func zoomRange(text string) (lo, hi int, err error) {
	a, b, ok := strings.Cut(text, "-")
	lo, err1 := strconv.Atoi(a)
	hi, err2 := strconv.Atoi(b)
	if !ok {
		hi, err2 = lo, nil
	}
	if err1 != nil || err2 != nil || lo < 0 || hi < lo || hi > tileset.MaxZoom {
		return 0, 0, usage("ZOOMS", "--zooms 写的是 %q，应如 5-14，最高 %d", "--zooms says %q; write 5-14, at most %d", text, tileset.MaxZoom)
	}
	return lo, hi, nil
}

// building says with what tiles are built, and how many generations stay. The
// stages of the work are added to stages.
type building struct {
	keep, workers int
	memory        int64
	stages        *stages
	// before is called when all is made and hashed, and nothing in force yet; an error
	// keeps it so. nil does nothing.
	before func(m *edition.Manifest) error
}

// keepFlag defines --keep.
func keepFlag(fs *flags, keep *int) {
	*keep = edition.DefaultKeep
	fs.Var((*generations)(keep), "keep", "保留几代|generations kept")
}

// generations is a number of generations: the one in force is always kept.
type generations int

func (g *generations) String() string { return strconv.Itoa(int(*g)) }

func (g *generations) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return errors.New("one generation at least is kept")
	}
	*g = generations(n)
	return nil
}

// memoryFlag defines --memory.
func memoryFlag(fs *flags) *string {
	return fs.String("memory", "2G", "入库和建瓦片时要素占用的内存上限，超出的放磁盘，如 512M、2G|memory that features take while they are taken in and tiles are built, such as 512M or 2G; the disk takes the rest")
}

// leastMemory is the least that --memory may say: with less, what is sorted on the disk
// is in so many pieces that to put them together takes more.
const leastMemory = 1 << 20

// byteSize reads "512M" or "2G": a whole number of bytes, K, M, G or T, of at least
// [leastMemory].
func byteSize(text string) (int64, error) {
	number, shift := text, 0
	if i := strings.IndexAny(text, "KMGT"); i >= 0 && i == len(text)-1 {
		number, shift = text[:i], 10*(strings.IndexByte("KMGT", text[i])+1)
	}
	n, err := strconv.ParseUint(number, 10, 62)
	if err != nil || n > math.MaxInt64>>shift || n<<shift < leastMemory {
		return 0, usage("MEMORY", "--memory 写的是 %q，应如 512M、2G，至少 1M", "--memory says %q; write 512M or 2G, 1M at least", text)
	}
	return int64(n << shift), nil
}

// complete builds the ground and the tiles of a draft whose features are written,
// hashes its content and puts it in force. What is written is brought to disk while
// the next is made.
func (e *env) complete(d *edition.Draft, m *edition.Manifest, w building) error {
	m.Program = programVersion()
	if err := index.Seal(e.ctx, d.File(edition.FeaturesFile)); err != nil {
		return err
	}
	d.Finish(edition.FeaturesFile)
	ix, err := index.OpenFiles(d.File(""), m)
	if err != nil {
		return err
	}
	if err := errors.Join(e.build(d, ix, w), ix.Close()); err != nil {
		return err
	}
	w.stages.begin(stageWrite)
	if m.ContentHash, err = tileset.ContentHash(d.File(edition.FeaturesFile), d.File(edition.TilesFile)); err != nil {
		return err
	}
	if err := e.ctx.Err(); err != nil {
		return err
	}
	if w.before != nil {
		if err := w.before(m); err != nil {
			return err
		}
	}
	err = d.Commit(m, w.keep)
	w.stages.end()
	return err
}

// build makes the ground and the tiles of ix, which has the features of a draft.
func (e *env) build(d *edition.Draft, ix *index.Index, w building) error {
	p := e.progress()
	defer p.end()
	w.stages.begin(stageGround)
	made, err := index.BuildGround(e.ctx, ix, d.File(edition.GroundFile), func(done, all int) {
		p.tell(e.pick("地面划分", "ground"), int64(done), int64(all))
	})
	if err != nil {
		return err
	}
	if made {
		d.Finish(edition.GroundFile)
	}
	w.stages.begin(stageTiles)
	m := ix.Manifest
	built, err := tileset.Build(e.ctx, ix, d.File(edition.TilesFile), tileset.BuildOptions{
		MinZoom: m.BuiltZooms[0], MaxZoom: m.BuiltZooms[1], Workers: w.workers, MemoryBytes: w.memory,
		Progress: func(done, all int) { p.tell(e.pick("瓦片", "tiles"), int64(done), int64(all)) },
	})
	if err != nil {
		return err
	}
	p.end()
	m.Tiles, m.Drawing = built.Counts, tileset.Drawing
	for _, t := range built.Large {
		e.notef(e.pick("瓦片 %s 压缩后有 %d 字节，多于 %d\n", "tile %s has %d bytes of gzip, more than %d\n"), t.Tile, t.Bytes, tileset.LargeTileBytes)
	}
	return nil
}

// storedTile is one entry of tiles.db.
type storedTile struct {
	layer string
	tile  tile.Tile
	part  cache.Part
}

func eachTile(path string, visit func(storedTile) error) error {
	r, err := cache.Open(path)
	if err != nil {
		return err
	}
	err = r.Each(func(layer string, t tile.Tile, p cache.Part) error { return visit(storedTile{layer, t, p}) })
	if cerr := r.Close(); err == nil {
		err = cerr
	}
	return err
}

func eachCells(path string, visit func(layer string, t tile.Tile, data []byte) error) error {
	r, err := cache.Open(path)
	if err != nil {
		return err
	}
	err = r.EachCells(visit)
	if cerr := r.Close(); err == nil {
		err = cerr
	}
	return err
}
