package tileserver

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"gengtu/index"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/tileserver/cache"
	"gengtu/tileserver/mvt"
	"gengtu/tileserver/pyramid"
	"gengtu/tileserver/raster"
	"gengtu/tileserver/tile"
)

// maxLayers bounds how many layers one tile may be asked for.
const maxLayers = 16

// tileTime bounds the making of one tile.
const tileTime = 30 * time.Second

// layersOf reads {layers}: a name, a comma list, or all.
func (r *request) layersOf(text string) ([]*index.Layer, error) {
	names := strings.Split(text, ",")
	if text == "all" {
		names = shownLayers(r.ix().Manifest)
	}
	if len(names) > maxLayers {
		return nil, problem.New("PARAMETER_LAYERS", "一次最多 %d 个图层", "at most %d layers at once", maxLayers)
	}
	var out []*index.Layer
	for _, n := range names {
		l, err := r.findLayer(n)
		if err != nil {
			// `all` takes what there is of a vintage.
			if text == "all" {
				continue
			}
			return nil, err
		}
		if slices.Contains(out, l) {
			return nil, problem.New("PARAMETER_LAYERS", "图层 %q 写了两次", "layer %q is named twice", n)
		}
		out = append(out, l)
	}
	r.layer = text
	return out, nil
}

func (r *request) grid() (tile.Grid, error) {
	g, err := tile.ParseGrid(r.params["grid"])
	if err != nil {
		return 0, problem.New("GRID_UNKNOWN", "没有网格 %q，只有 w 和 c", "no grid %q; there are w and c", r.params["grid"])
	}
	return g, nil
}

// tileOf reads the tile's address. A zoom that is not served is 404, a tile
// outside its matrix 400.
func (r *request) tileOf(z, x, y string) (tile.Tile, error) {
	g, err := r.grid()
	if err != nil {
		return tile.Tile{}, err
	}
	return r.checkTile(tile.Parse(g, z, x, y))
}

func (r *request) checkTile(t tile.Tile, err error) (tile.Tile, error) {
	top := r.ix().Manifest.MaxZoom
	switch {
	case errors.Is(err, tile.ErrSyntax):
		return t, problem.New("PARAMETER_TILE", "瓦片地址里不是数字（%v）", "%v", err)
	case errors.Is(err, tile.ErrZoom) || err == nil && int(t.Z) > top:
		return t, problem.New("NO_ZOOM", "没有这一级，最高 %d 级", "this zoom is not served; the highest is %d", top)
	}
	return t, err
}

// parts returns the tiles of the layers, the empty ones left out.
func (r *request) parts(layers []*index.Layer, t tile.Tile) ([]cache.Part, error) {
	ctx, cancel := context.WithTimeout(context.Background(), tileTime)
	defer cancel()
	var out []cache.Part
	for _, l := range layers {
		p, err := r.gen.part(ctx, l, t)
		if err != nil {
			return nil, err
		}
		if p.RawLen > 0 {
			out = append(out, p)
		}
	}
	return out, nil
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

func (r *request) sendMVT(layers []*index.Layer, t tile.Tile) error {
	parts, err := r.parts(layers, t)
	if err != nil {
		return err
	}
	r.ctx.Response.Header.Add("Vary", "Accept-Encoding")
	if r.fresh(partsTag(parts)) {
		return nil
	}
	if len(parts) == 0 {
		r.ctx.SetStatusCode(fasthttp.StatusNoContent)
		return nil
	}
	r.ctx.SetContentType("application/vnd.mapbox-vector-tile")
	if r.gzips() {
		r.ctx.Response.Header.Set("Content-Encoding", "gzip")
		r.ctx.SetBody(cache.AppendGzip(nil, parts))
		return nil
	}
	body, err := rawTile(parts)
	if err != nil {
		return err
	}
	r.ctx.SetBody(body)
	return nil
}

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
	return r.sendPNG(layers, t, size)
}

func (r *request) sendPNG(layers []*index.Layer, t tile.Tile, size int) error {
	parts, err := r.parts(layers, t)
	if err != nil {
		return err
	}
	if r.fresh(fmt.Sprintf("%s-%d", partsTag(parts), size)) {
		return nil
	}
	raw, err := rawTile(parts)
	if err != nil {
		return err
	}
	var content []mvt.Layer
	if len(raw) > 0 {
		if content, err = mvt.Decode(raw); err != nil {
			return fmt.Errorf("stored tile: %w", err)
		}
	}
	png, err := raster.Paint(content, raster.Params{Size: size, Zoom: int(t.Z), ParcelZoom: pyramid.DefaultParcelZoom})
	if err != nil {
		return err
	}
	r.ctx.SetContentType("image/png")
	r.ctx.SetBody(png)
	return nil
}

// tileJSON is TileJSON 3.0.0, with the grid's coordinate system beside it.
type tileJSON struct {
	TileJSON     string        `json:"tilejson"`
	Name         string        `json:"name"`
	Tiles        []string      `json:"tiles"`
	VectorLayers []vectorLayer `json:"vector_layers"`
	Scheme       string        `json:"scheme"`
	MinZoom      int           `json:"minzoom"`
	MaxZoom      int           `json:"maxzoom"`
	Bounds       []float64     `json:"bounds,omitempty"`
	Center       []float64     `json:"center,omitempty"`
	Attribution  string        `json:"attribution,omitempty"`
	Version      string        `json:"version"`
	Format       string        `json:"format"`
	CRS          string        `json:"crs"`
	Generation   string        `json:"generation"`
}

type vectorLayer struct {
	ID          string            `json:"id"`
	Description string            `json:"description"`
	MinZoom     int               `json:"minzoom"`
	MaxZoom     int               `json:"maxzoom"`
	Fields      map[string]string `json:"fields"`
}

func (s *Server) handleTileJSON(r *request) error {
	layers, err := r.layersOf(r.params["layers"])
	if err != nil {
		return err
	}
	g, err := r.grid()
	if err != nil {
		return err
	}
	m := r.ix().Manifest
	doc := tileJSON{
		TileJSON: "3.0.0", Name: "gengtu " + string(r.tier) + " " + r.params["layers"], Scheme: "xyz",
		MinZoom: int(g.MinZoom()), MaxZoom: m.MaxZoom, Version: "1.0.0", Format: "pbf", CRS: g.CRS(), Generation: r.gen.name,
		Attribution: r.attribution(), VectorLayers: []vectorLayer{},
		Tiles: []string{fmt.Sprintf("%s/%s/tiles/%s/%s/{z}/{x}/{y}.mvt%s", r.base(), r.tier, r.params["layers"], g, r.carry())},
	}
	box := geo.EmptyBox()
	for _, l := range layers {
		box = box.Union(l.Extent())
		v := vectorLayer{ID: l.Meta.Name, Description: r.title(l), MinZoom: doc.MinZoom, MaxZoom: doc.MaxZoom, Fields: map[string]string{}}
		for _, f := range l.Meta.Fields {
			if f.Tile {
				v.Fields[f.Name] = tileJSONType(string(f.Kind))
			}
		}
		doc.VectorLayers = append(doc.VectorLayers, v)
	}
	if !box.Empty() {
		lo, hi := box.Min.LonLat(), box.Max.LonLat()
		doc.Bounds = []float64{lo.Lon, lo.Lat, hi.Lon, hi.Lat}
		doc.Center = []float64{(lo.Lon + hi.Lon) / 2, (lo.Lat + hi.Lat) / 2, float64(min(13, m.MaxZoom))}
	}
	data, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	return r.send("application/json", data)
}

func tileJSONType(kind string) string {
	switch kind {
	case "integer", "real":
		return "Number"
	case "bool":
		return "Boolean"
	}
	return "String"
}
