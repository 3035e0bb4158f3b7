package tileserver_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/valyala/fasthttp"
)

// The kinds of bare: both send tiles from memory by their paths. The one sends nothing with
// them that is not needed, and 304 to whoever has any ETag. The other sends what ours does,
// an id of the request among it, and compares the ETag: what a tile server on this library
// takes at least that checks, counts and limits nothing.
const (
	bare        = "bare"
	bareHeaders = "bare-headers"
)

// bareTile is a tile and what is sent with it.
type bareTile struct {
	body, tag []byte
	header    [][2][]byte
}

// serveBare serves the files of dir/tiles with the headers in dir/heads, as kind says. It
// calls told when it is about to.
func serveBare(kind, dir string, ln net.Listener, told func() error) error {
	tiles := map[string]*bareTile{}
	files, err := filepath.Glob(filepath.Join(dir, "tiles", "*"))
	if err != nil {
		return err
	}
	for _, file := range files {
		tile, err := readBare(dir, filepath.Base(file))
		if err != nil {
			return err
		}
		tiles["/"+strings.ReplaceAll(filepath.Base(file), "_", "/")] = tile
	}
	if err := told(); err != nil {
		return err
	}
	if kind == bare {
		return fasthttp.Serve(ln, func(ctx *fasthttp.RequestCtx) {
			if len(ctx.Request.Header.Peek("If-None-Match")) > 0 {
				ctx.SetStatusCode(fasthttp.StatusNotModified)
				return
			}
			sendBare(ctx, tiles[string(ctx.Path())])
		})
	}
	server := &fasthttp.Server{Name: "gengtu", Handler: func(ctx *fasthttp.RequestCtx) {
		tile := tiles[string(ctx.Path())]
		h := &ctx.Response.Header
		var n [8]byte
		var id [16]byte
		binary.BigEndian.PutUint64(n[:], rand.Uint64())
		hex.Encode(id[:], n[:])
		h.SetCanonical([]byte("X-Request-Id"), id[:])
		for i := range tile.header {
			h.SetCanonical(tile.header[i][0], tile.header[i][1])
		}
		if bytes.Equal(ctx.Request.Header.Peek("If-None-Match"), tile.tag) {
			ctx.SetStatusCode(fasthttp.StatusNotModified)
			return
		}
		sendBare(ctx, tile)
	}}
	return server.Serve(ln)
}

func sendBare(ctx *fasthttp.RequestCtx, tile *bareTile) {
	ctx.SetContentType("application/vnd.mapbox-vector-tile")
	ctx.Response.Header.SetContentEncoding("gzip")
	ctx.Response.SetBodyRaw(tile.body)
}

// readBare reads a tile, and of its headers those that are the same for every request.
func readBare(dir, name string) (*bareTile, error) {
	body, err := os.ReadFile(filepath.Join(dir, "tiles", name))
	if err != nil {
		return nil, err
	}
	head, err := os.ReadFile(filepath.Join(dir, "heads", name))
	if err != nil {
		return nil, err
	}
	var h fasthttp.ResponseHeader
	if err := h.Read(bufio.NewReader(bytes.NewReader(head))); err != nil {
		return nil, err
	}
	tile := &bareTile{body: body, tag: bytes.Clone(h.Peek(fasthttp.HeaderETag))}
	for k, v := range h.All() {
		switch string(k) {
		case "X-Request-Id", "Date", "Server", "Content-Length", "Content-Type", "Content-Encoding":
		default:
			tile.header = append(tile.header, [2][]byte{bytes.Clone(k), bytes.Clone(v)})
		}
	}
	return tile, nil
}
