package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/ground"
	"gengtu/index/problem"
	"gengtu/tileserver/cache"
	"gengtu/tileserver/mvt"
	"gengtu/tileserver/tile"
	"gengtu/tileserver/tileset"
)

func runVerify(e *env, fs *flags) error {
	dump := fs.Bool("dump", false, "把存储的每个键和值写成文本|write every stored key and value as text")
	args, err := fs.parse(1, 1)
	if err != nil {
		return err
	}
	generation, m, err := edition.Current(args[0])
	if err != nil {
		return err
	}
	dir := edition.Path(args[0], generation)
	if *dump {
		w := bufio.NewWriter(e.stdout)
		if err := dumpEdition(w, dir, m); err != nil {
			return err
		}
		return w.Flush()
	}
	v := &verification{e: e, dir: dir, m: m}
	if err := edition.CheckFiles(args[0], m); err != nil {
		return err
	}
	if err := v.features(); err != nil {
		return err
	}
	if err := v.tiles(); err != nil {
		return err
	}
	if err := v.content(); err != nil {
		return err
	}
	sum, err := tileset.ContentHash(filepath.Join(dir, edition.FeaturesFile), filepath.Join(dir, edition.TilesFile))
	if err != nil {
		return err
	}
	if sum != m.ContentHash || edition.GenerationName(m.Tier, sum, m.Policy.Digest) != m.Generation {
		return problem.New("CONTENT_HASH", "内容散列是 %s，清单里是 %s", "the content hash is %s, the manifest says %s", sum, m.ContentHash).In(args[0])
	}
	if e.json {
		return json.NewEncoder(e.stdout).Encode(map[string]any{"ok": true, "generation": generation, "features": v.nFeatures, "tiles": v.nTiles})
	}
	e.printf(e.pick("%s 完好：%d 个要素，%d 张瓦片\n", "%s is whole: %d features, %d tiles\n"), generation, v.nFeatures, v.nTiles)
	return nil
}

// verification goes over one generation.
type verification struct {
	e                 *env
	dir               string
	m                 *edition.Manifest
	nFeatures, nTiles int
}

// features decodes every feature, measures it again, and adds up.
func (v *verification) features() error {
	ix, err := index.OpenFiles(v.dir, v.m)
	if err != nil {
		return err
	}
	defer func() { _ = ix.Close() }() // only read
	for i := range v.m.Layers {
		meta := &v.m.Layers[i]
		l := ix.Layer(meta.Name, meta.Vintage)
		total := 0.0
		for k := range l.Len() {
			if err := v.e.ctx.Err(); err != nil {
				return err
			}
			f, err := l.Feature(k)
			if err != nil {
				return problem.New("FEATURE_DAMAGED", "要素解不出来（%v）", "a feature does not decode (%v)", err).In(v.dir)
			}
			if a := geo.Area(f.Geometry); math.Abs(a-f.AreaM2) > 1e-6*max(a, 1) {
				return problem.New("AREA_DIFFERS", "要素 %d 的面积是 %.4f，存的是 %.4f", "feature %d has an area of %.4f, %.4f is stored", f.ID, a, f.AreaM2).In(v.dir)
			}
			total += f.AreaM2
			v.nFeatures++
		}
		if math.Abs(total-meta.AreaM2) > 1e-6*max(total, 1) {
			return problem.New("AREA_DIFFERS", "图层 %s 面积合计 %.2f，清单里是 %.2f", "layer %s adds up to %.2f m², the manifest says %.2f", meta.Key(), total, meta.AreaM2).In(v.dir)
		}
	}
	return v.ground(ix)
}

// ground adds up the partition of the ground over everything: what a layer
// covers, and what its features share, is what they add up to.
func (v *verification) ground(ix *index.Index) error {
	g := ix.Ground()
	if g == nil {
		return nil
	}
	all := geo.EmptyBox()
	q := ground.Question{Stop: v.e.ctx.Err}
	for _, k := range g.Keys() {
		q.Layers = append(q.Layers, g.Bit(k))
	}
	for i := range v.m.Layers {
		meta := &v.m.Layers[i]
		all = all.Union(ix.Layer(meta.Name, meta.Vintage).Extent())
	}
	q.AOI = geo.MultiPolygon{all.Polygon()}
	parts, err := g.Sum(&q)
	if err != nil {
		return problem.New("GROUND_DAMAGED", "地面划分解不出来（%v）", "the partition of the ground does not decode (%v)", err).In(v.dir).Because(err)
	}
	sums := append([]float64(nil), parts.Excess...)
	for _, p := range parts.Sorted() {
		for i := range sums {
			if p.Mask>>i&1 != 0 {
				sums[i] += p.Area
			}
		}
	}
	for i, k := range g.Keys() {
		name, vintage, _ := strings.Cut(k, "@")
		if want := ix.Layer(name, vintage).Meta.AreaM2; math.Abs(sums[i]-want) > 1e-9*max(want, 1)+1e-3 {
			return problem.New("AREA_DIFFERS", "地面划分里图层 %s 合计 %.4f，要素合计 %.4f", "in the partition of the ground layer %s has %.4f m², its features add up to %.4f", k, sums[i], want).In(v.dir)
		}
	}
	return nil
}

// content compares the digests that the content hash is taken over with what
// they are of.
func (v *verification) content() error {
	if err := index.CheckContent(v.e.ctx, filepath.Join(v.dir, edition.FeaturesFile), v.m); err != nil {
		return err
	}
	r, err := cache.Open(filepath.Join(v.dir, edition.TilesFile))
	if err != nil {
		return err
	}
	return errors.Join(r.CheckContent(), r.Close())
}

// tiles decodes and judges every tile and counts them.
func (v *verification) tiles() error {
	counts := map[string]map[string]int{"c": {}, "w": {}}
	err := eachTile(filepath.Join(v.dir, edition.TilesFile), func(t storedTile) error {
		raw, err := t.part.Raw()
		if err == nil {
			err = mvt.Validate(raw)
		}
		if err != nil {
			return problem.New("TILE_DAMAGED", "瓦片 %s %s 不合格（%v）", "tile %s %s is not valid (%v)", t.layer, t.tile, err).In(v.dir)
		}
		counts[t.tile.Grid.String()][strconv.Itoa(int(t.tile.Z))]++
		v.nTiles++
		return v.e.ctx.Err()
	})
	if err != nil {
		return err
	}
	// Reading them tests their checksums.
	err = eachCells(filepath.Join(v.dir, edition.TilesFile), func(string, tile.Tile, []byte) error { return v.e.ctx.Err() })
	if err != nil {
		return err
	}
	for g, zooms := range v.m.Tiles {
		for z, n := range zooms {
			if counts[g][z] != n {
				return problem.New("TILES_MISSING", "网格 %s 第 %s 级有 %d 张瓦片，清单里是 %d", "grid %s zoom %s has %d tiles, the manifest says %d", g, z, counts[g][z], n).In(v.dir)
			}
		}
	}
	return nil
}

// dumpEdition writes all that an edition holds as text: the manifest, the
// partition of the ground, each feature and code, and each tile.
func dumpEdition(w io.Writer, dir string, m *edition.Manifest) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(map[string]any{"manifest": m}); err != nil {
		return err
	}
	if _, ok := m.Files[edition.GroundFile]; ok {
		err := index.Each(filepath.Join(dir, edition.GroundFile), func(bucket string, k, v []byte) error {
			_, err := fmt.Fprintf(w, "{\"bucket\":\"ground/%s\",\"key\":\"%x\",\"value\":%q}\n", bucket, k, v)
			return err
		})
		if err != nil {
			return err
		}
	}
	err := index.Each(filepath.Join(dir, edition.FeaturesFile), func(bucket string, k, v []byte) error {
		f, err := index.DecodeRecord(v)
		if len(v) == 0 || err != nil {
			_, err := fmt.Fprintf(w, "{\"bucket\":%q,\"key\":%q,\"value\":%q}\n", bucket, k, v)
			return err
		}
		return enc.Encode(map[string]any{
			"bucket": bucket, "key": fmt.Sprintf("%x", k), "id": f.ID, "area_m2": f.AreaM2, "patch": recordOf(f.Patch), "net": recordOf(f.Net),
			"patch_computed": computedOf(f.Patch), "net_computed": computedOf(f.Net),
			"place": f.Place, "values": f.Values, "geometry": json.RawMessage(geo.AppendGeoJSON(nil, f.Geometry)),
		})
	})
	if err != nil {
		return err
	}
	err = eachCells(filepath.Join(dir, edition.TilesFile), func(layer string, t tile.Tile, data []byte) error {
		return enc.Encode(map[string]any{"cells": t.String(), "layer": layer, "value": fmt.Sprintf("%q", data)})
	})
	if err != nil {
		return err
	}
	return eachTile(filepath.Join(dir, edition.TilesFile), func(t storedTile) error {
		raw, err := t.part.Raw()
		if err != nil {
			return err
		}
		layers, err := mvt.Decode(raw)
		if err != nil {
			return err
		}
		return enc.Encode(map[string]any{"tile": t.tile.String(), "layer": t.layer, "content": layers})
	})
}

// recordOf is an area of record in 0.01 m², or nil when there is none.
func recordOf(v int64) any {
	if !index.OfRecord(v) {
		return nil
	}
	return v
}

// computedOf is an area that stands in for one of record, in 0.01 m², or nil.
func computedOf(v int64) any {
	if c, ok := index.ComputedOf(v); ok {
		return c
	}
	return nil
}
