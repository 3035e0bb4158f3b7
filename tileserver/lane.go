package tileserver

import (
	"bytes"
	"strings"
	"sync"
	"unsafe"

	"github.com/valyala/fasthttp"

	"gengtu/tileserver/raster"
	"gengtu/tileserver/tile"
)

// Most requests are for tiles at addresses of one form. Those are read from the bytes of
// the request as they are, without the table of routes, and answered from finished
// answers, or from the file of tiles, without memory being taken. What stands between,
// the rules of tiers, tokens, audit and metrics, is the same code for all requests; and
// what is not of that very form, or not at hand, goes the general way, whose answers are
// what the finished ones are made of.

// tileAsk is a tile's address. Its texts are views of the request's bytes.
type tileAsk struct {
	picture bool
	tier    string
	layers  string
	tile    tile.Tile
	side    int // of a picture, pixels
}

// requests are those that were answered without anything that outlives them.
var requests = sync.Pool{New: func() any { return new(request) }}

// view returns b as text without a copy: valid as long as b is, and not changed.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// readTile reads the address of a request into r.ask, and tells whether it is a tile's
// as this server's own documents write it: nothing percent-encoded, a tile of the grid,
// no query but a token, and a Host that is one: of others the library reads no path.
func (r *request) readTile() bool {
	if !r.ctx.IsGet() || !isPlainHost(r.ctx.Request.Header.Host()) {
		return false
	}
	path, query, more := bytes.Cut(r.ctx.RequestURI(), []byte("?"))
	if more && !isTokenQuery(query) {
		return false
	}
	return r.ask.read(path)
}

// isPlainHost tells whether a Host is a name or an address of four numbers, perhaps with
// a port: one that can be taken apart in one way alone.
func isPlainHost(host []byte) bool {
	name, port, more := bytes.Cut(host, []byte(":"))
	const maxPort = len("65535")
	if len(host) > maxHostBytes || more && (len(port) == 0 || len(port) > maxPort) {
		return false
	}
	for _, c := range name {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '-' {
			return false
		}
	}
	for _, c := range port {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(name) > 0
}

// isTokenQuery tells whether a query is a token alone, nothing encoded.
func isTokenQuery(query []byte) bool {
	token, ok := bytes.CutPrefix(query, []byte("tk="))
	if !ok || len(token) == 0 {
		return false
	}
	for _, c := range token {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return true
}

// read reads /{tier}/tiles/{layers}/{grid}/{z}/{x}/{y}.mvt, .png or @2x.png.
func (a *tileAsk) read(path []byte) bool {
	if len(path) == 0 || path[0] != '/' {
		return false
	}
	tier, rest := element(path[1:])
	word, rest := element(rest)
	layers, rest := element(rest)
	grid, rest := element(rest)
	z, rest := element(rest)
	x, y := element(rest)
	if string(word) != "tiles" || !isPlainName(tier) || !isPlainName(layers) {
		return false
	}
	switch number, ending, _ := bytes.Cut(y, []byte(".")); {
	case string(ending) == "mvt":
		y, a.picture = number, false
	case string(ending) == "png":
		a.picture, a.side = true, raster.TileSize
		var twice bool
		if y, twice = bytes.CutSuffix(number, []byte("@2x")); twice {
			a.side = raster.TileSize2x
		}
	default:
		return false
	}
	g, err := tile.ParseGrid(view(grid))
	if err != nil {
		return false
	}
	a.tier, a.layers = view(tier), view(layers)
	a.tile, err = tile.Parse(g, view(z), view(x), view(y))
	return err == nil
}

// element cuts the first element off a path.
func element(path []byte) (first, rest []byte) {
	first, rest, _ = bytes.Cut(path, []byte("/"))
	return first, rest
}

// isPlainName tells whether an element is a tier's, a layer's or a list's of layers, and
// nothing that could be read in another way.
func isPlainName(e []byte) bool {
	for _, c := range e {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' && c != ',' {
			return false
		}
	}
	return len(e) > 0
}

// settle makes r one for a route's handler, which may keep it longer than the request's
// bytes.
func (r *request) settle(rt *route) {
	if !r.lane {
		return
	}
	r.lane = false
	r.called, r.proof.Token = strings.Clone(r.called), strings.Clone(r.proof.Token)
	r.proof.Origin, r.proof.Referer = strings.Clone(r.proof.Origin), strings.Clone(r.proof.Referer)
	r.params, _ = match(rt.pattern, string(r.ctx.Path())) // as readTile has it
}

// said is what stands in the request's bytes: a view of a request in the lane, which
// nothing of outlives its answer.
func (r *request) said(b []byte) string {
	if r.lane {
		return view(b)
	}
	return string(b)
}

// key is under what the answer to r would be kept; false where its token reaches
// not all of the generation.
func (r *request) finishedKey() (finishedKey, bool) {
	if s := r.scope; s != nil && (len(s.Layers) > 0 || s.MinZoom > 0 || s.MaxZoom > 0) {
		return finishedKey{}, false
	}
	k := finishedKey{layers: r.ask.layers, tile: r.ask.tile, side: r.ask.side}
	if !r.ask.picture {
		k.side, k.gzip = 0, acceptsGzip(view(r.header(nameAcceptEncoding)))
	}
	return k, true
}

// answerTile answers with a finished tile, or makes the route's handler do it and keeps
// what it answered.
func (r *request) answerTile(rt *route) error {
	key, ok := r.finishedKey()
	if ok {
		f, ok := r.gen.finished.kept.Get(key)
		if !ok {
			f = r.gen.assemble(key)
		}
		if f != nil {
			r.sendFinished(f)
			return nil
		}
	}
	r.settle(rt)
	if err := rt.handle(r); err != nil || !ok {
		return err
	}
	key.layers = r.params["layers"]
	r.keep(key)
	return nil
}

// sendFinished answers with f.
func (r *request) sendFinished(f *finished) {
	h := &r.ctx.Response.Header
	r.layer = f.key.layers
	if f.key.side == 0 {
		r.vary(fasthttp.HeaderAcceptEncoding)
	}
	h.SetCanonical(nameETag, f.tag)
	r.set(nameCacheControl, r.cacheControl())
	if match := r.header(nameIfNoneMatch); len(match) > 0 && holds(view(match), view(f.tag)) {
		r.ctx.SetStatusCode(fasthttp.StatusNotModified)
		return
	}
	if len(f.body) == 0 {
		r.ctx.SetStatusCode(fasthttp.StatusNoContent)
		return
	}
	if f.key.side > 0 {
		r.ctx.SetContentType(pngType)
	} else {
		r.ctx.SetContentType(mvtType)
	}
	if f.key.gzip {
		h.SetContentEncoding("gzip")
	}
	r.ctx.Response.SetBodyRaw(f.body)
}
