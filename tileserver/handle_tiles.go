package tileserver

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/valyala/fasthttp"
	"golang.org/x/sync/errgroup"

	"gengtu/index"
	"gengtu/index/problem"
	"gengtu/styles"
	"gengtu/tileserver/access"
	"gengtu/tileserver/cache"
	"gengtu/tileserver/mvt"
	"gengtu/tileserver/raster"
	"gengtu/tileserver/tile"
	"gengtu/tileserver/tileset"
)

// maxLayers bounds how many layers one tile may be asked for.
const maxLayers = 16

// layersOf reads {layers}: a name, a comma list, or all.
func (r *request) layersOf(text string) ([]*index.Layer, error) {
	names := strings.Split(text, ",")
	if text == tileset.All {
		names = tileset.ShownLayers(r.ix().Manifest)
	}
	if len(names) > maxLayers {
		return nil, problem.New("PARAMETER_LAYERS", "一次最多 %d 个图层", "at most %d layers at once", maxLayers)
	}
	var out []*index.Layer
	for _, n := range names {
		l, err := r.findLayer(n)
		if err != nil {
			// `all` takes what there is of a vintage: a layer that lacks it is left out, for
			// another year's ground under this year's name would be a lie.
			if text == tileset.All {
				continue
			}
			return nil, err
		}
		if slices.Contains(out, l) {
			return nil, problem.New("PARAMETER_LAYERS", "图层 %.40q 写了两次", "layer %.40q is named twice", n)
		}
		out = append(out, l)
	}
	if v := r.query("vintage"); v != "" && len(out) == 0 {
		return nil, r.ix().NoVintage("", v) // of `all`: any other name has returned
	}
	r.layer = text
	return out, nil
}

func (r *request) grid() (tile.Grid, error) {
	g, err := tile.ParseGrid(r.params["grid"])
	if err != nil {
		return 0, problem.New("GRID_UNKNOWN", "没有网格 %.20q，只有 w 和 c", "no grid %.20q; there are w and c", r.params["grid"])
	}
	return g, nil
}

// tileSyntax is what is said of an address that has no numbers.
func tileSyntax(err error) error {
	return problem.New("PARAMETER_TILE", "瓦片地址里不是数字（%v）", "%v", err).
		Advise("级、列、行都写成不带符号的整数，例如 5/26/12", "write zoom, column and row as whole numbers without a sign, such as 5/26/12")
}

// tileOf reads the tile's address. A zoom that is not served is 404, a tile
// outside its matrix 400.
func (r *request) tileOf(z, x, y string) (tile.Tile, error) {
	g, err := r.grid()
	if err != nil {
		return tile.Tile{}, err
	}
	return r.tileIn(g, z, x, y)
}

// tileIn is tileOf in a grid.
func (r *request) tileIn(g tile.Grid, z, x, y string) (tile.Tile, error) {
	t, err := tile.Parse(g, z, x, y)
	lowest, highest := r.minZoom(g), r.ix().Manifest.MaxZoom
	switch {
	case errors.Is(err, tile.ErrSyntax):
		return t, tileSyntax(err)
	case err == nil && r.grantsZoom(int(t.Z)) != nil:
		r.outcome = access.WrongScope
		return t, r.grantsZoom(int(t.Z))
	case errors.Is(err, tile.ErrZoom) || err == nil && (int(t.Z) > highest || int(t.Z) < lowest):
		return t, problem.New("NO_ZOOM", "网格 %[1]s 没有第 %.20[2]s 级，有 %[3]d 到 %[4]d 级", "grid %[1]s has no zoom %.20[2]s here: its zooms are %[3]d to %[4]d", g, z, lowest, highest).
			Advise("请求 %d 到 %d 级；更高的级由客户端放大", "ask for zooms %d to %d, and let the client enlarge for higher ones", lowest, highest)
	}
	return t, err
}

// parts returns the tiles of the layers, the empty ones left out; those that are
// to be made are made at the same time. They are valid
// while the generation is held.
func (r *request) parts(ctx context.Context, layers []*index.Layer, t tile.Tile) ([]cache.Part, error) {
	layers = servedAt(layers, t)
	all := make([]cache.Part, len(layers))
	var group errgroup.Group
	for i, l := range layers {
		if p, ok, err := r.gen.tiles.Built(l.Meta.Key(), t); ok || err != nil {
			if err != nil {
				return nil, err
			}
			all[i] = p
			continue
		}
		group.Go(func() (err error) {
			all[i], err = r.gen.tiles.Make(ctx, l, t)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, cache.Part.Empty), nil
}

// tileContext bounds the making of a tile or a map.
func (s *Server) tileContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), s.cfg.Limits.Tile)
}

// partsTag names the content of a tile by the checksums of its parts.
func partsTag(parts []cache.Part) string {
	var b []byte
	for _, p := range parts {
		b = binary.BigEndian.AppendUint32(b, p.CRC)
		b = binary.BigEndian.AppendUint32(b, p.RawLen)
	}
	return etag(b)
}

func (s *Server) handleMVT(r *request) error {
	layers, err := r.layersOf(r.params["layers"])
	if err != nil {
		return err
	}
	t, err := r.tileOf(r.params["z"], r.params["x"], r.params["y"])
	if err != nil {
		return err
	}
	return r.sendMVT(layers, t)
}

// servedAt are those of the layers that are served at a tile's zoom.
func servedAt(layers []*index.Layer, t tile.Tile) []*index.Layer {
	return slices.DeleteFunc(slices.Clone(layers), func(l *index.Layer) bool { return !l.Meta.ServedAt(int(t.Z)) })
}

// someServed refuses a tile at whose zoom none of the layers is served.
func someServed(layers []*index.Layer, t tile.Tile) error {
	if len(layers) == 0 || len(servedAt(layers, t)) > 0 {
		return nil
	}
	return problem.New("NO_ZOOM", "所问图层没有第 %d 级", "the layers asked for have no zoom %d", t.Z).
		Advise("目录的 minzoom、maxzoom 写明各图层的级别", "minzoom and maxzoom of the catalogue say which zooms each layer has")
}

func (r *request) sendMVT(layers []*index.Layer, t tile.Tile) error {
	if err := someServed(layers, t); err != nil {
		return err
	}
	ctx, cancel := r.server.tileContext()
	defer cancel()
	parts, err := r.parts(ctx, layers, t)
	if err != nil {
		return err
	}
	r.vary(fasthttp.HeaderAcceptEncoding)
	c := plainly
	if len(parts) > 0 && r.gzips() {
		c = gzipped
	}
	if r.fresh(partsTag(parts), c) {
		return nil
	}
	if len(parts) == 0 {
		r.ctx.SetStatusCode(fasthttp.StatusNoContent)
		return nil
	}
	r.ctx.SetContentType(mvtType)
	if c == gzipped {
		r.ctx.Response.Header.Set("Content-Encoding", "gzip")
		r.ctx.Response.SetBodyRaw(cache.AppendGzip(make([]byte, 0, cache.GzipLen(parts)), parts))
		return nil
	}
	body, err := rawTile(parts)
	if err != nil {
		return err
	}
	r.ctx.Response.SetBodyRaw(body)
	return nil
}

// rawTile joins the tiles of layers to one.
func rawTile(parts []cache.Part) ([]byte, error) {
	var body []byte
	for _, p := range parts {
		raw, err := p.Raw()
		if err != nil {
			return nil, fmt.Errorf("stored tile: %w", err)
		}
		body = append(body, raw...)
	}
	return body, nil
}

func (s *Server) handlePNG(r *request) error {
	layers, err := r.layersOf(r.params["layers"])
	if err != nil {
		return err
	}
	y, twice := strings.CutSuffix(r.params["y"], "@2x")
	t, err := r.tileOf(r.params["z"], r.params["x"], y)
	if err != nil {
		return err
	}
	size := raster.TileSize
	if twice {
		size = raster.TileSize2x
	}
	return r.sendPNG(layers, t, size, r.query("style"))
}

// sendPNG sends the picture of a tile, with side pixels, in the look that style
// names, "" for the default one.
func (r *request) sendPNG(layers []*index.Layer, t tile.Tile, side int, style string) error {
	if err := someServed(layers, t); err != nil {
		return err
	}
	look, err := r.sheetOf(style, layers)
	if err != nil {
		return err
	}
	key := pictureKey{layers: keysOf(layers), style: look.Name, tile: t, side: side, parcels: int(t.Z) >= tileset.ParcelsFrom(r.ix().Manifest)}
	p, ok := r.gen.pictures.Get(key)
	if !ok {
		if p, err = r.painted(layers, key, look); err != nil {
			return err
		}
		r.gen.pictures.Put(key, p)
	}
	if r.fresh(p.tag, plainly) {
		return nil
	}
	return r.body(pngType, p.png, plainly)
}

func keysOf(layers []*index.Layer) string {
	keys := make([]string, len(layers))
	for i, l := range layers {
		keys[i] = l.Meta.Key()
	}
	return strings.Join(keys, ",")
}

// paint paints a tile, as a PNG.
func (r *request) paint(layers []*index.Layer, key pictureKey, look *styles.Sheet) ([]byte, error) {
	ctx, cancel := r.server.tileContext()
	defer cancel()
	parts, err := r.parts(ctx, layers, key.tile)
	if err != nil {
		return nil, err
	}
	leave, err := r.server.painting.Enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	content, err := decodeTile(parts)
	if err != nil {
		return nil, err
	}
	labels, err := r.tileLabels(layers, key.tile, key.side, look)
	if err != nil {
		return nil, err
	}
	return raster.Paint(content, raster.Params{Labels: labels, Size: key.side, Zoom: int(key.tile.Z), ParcelZoom: tileset.ParcelsFrom(r.ix().Manifest), LineZooms: lineZooms(layers), Sheet: look})
}

// decodeTile returns the layers of a tile.
func decodeTile(parts []cache.Part) ([]mvt.Layer, error) {
	raw, err := rawTile(parts)
	if err != nil || len(raw) == 0 {
		return nil, err
	}
	content, err := mvt.Decode(raw)
	if err != nil {
		return nil, fmt.Errorf("stored tile: %w", err)
	}
	return content, nil
}
