package main

import (
	"errors"
	"strconv"
	"strings"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/tileserver"
	"gengtu/tileserver/cache"
	"gengtu/tileserver/tile"
)

// zoomRange reads "5-14".
func zoomRange(text string) (lo, hi int, err error) {
	a, b, ok := strings.Cut(text, "-")
	lo, err1 := strconv.Atoi(a)
	hi, err2 := strconv.Atoi(b)
	if !ok {
		hi, err2 = lo, nil
	}
	if err1 != nil || err2 != nil || lo < 0 || hi < lo || hi > tileserver.MaxZoom {
		return 0, 0, usage("ZOOMS", "--zooms 写的是 %q，应如 5-14，最高 %d", "--zooms says %q; write 5-14, at most %d", text, tileserver.MaxZoom)
	}
	return lo, hi, nil
}

// complete builds the tiles of a draft whose features are written, hashes its
// content and puts it in force.
func (e *env) complete(d *edition.Draft, m *edition.Manifest, keep int) error {
	m.Program = programVersion()
	ix, err := index.OpenFiles(d.File(""), m)
	if err != nil {
		return err
	}
	p := e.progress()
	_, err = index.BuildGround(e.ctx, ix, d.File(edition.GroundFile), func(done, all int) {
		p.tell(e.pick("地面划分", "ground"), int64(done), int64(all))
	})
	if err != nil {
		return errors.Join(err, ix.Close())
	}
	m.Tiles, err = tileserver.BuildTiles(e.ctx, ix, d.File(edition.TilesFile), m.BuiltZooms[0], m.BuiltZooms[1], func(layer, grid string) {
		p.tell(e.pick("瓦片 ", "tiles ")+layer+" "+grid, 0, 0)
	})
	p.end()
	if cerr := ix.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	if m.ContentHash, err = contentHash(d.File(edition.FeaturesFile), d.File(edition.TilesFile)); err != nil {
		return err
	}
	if err := e.ctx.Err(); err != nil {
		return err
	}
	return d.Commit(m, keep)
}

// contentHash hashes the sorted keys and values of features and tiles.
func contentHash(features, tiles string) (string, error) {
	h := index.NewContentHasher()
	err := index.Each(features, func(bucket string, k, v []byte) error {
		h.Add(bucket, k, v)
		return nil
	})
	if err != nil {
		return "", err
	}
	err = eachTile(tiles, func(t storedTile) error {
		h.Add("tiles/"+t.layer, []byte(t.tile.String()), t.part.Deflated)
		return nil
	})
	return h.Sum(), err
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
