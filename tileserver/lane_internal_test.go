package tileserver

import (
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"gengtu/tileserver/raster"
	"gengtu/tileserver/tile"
)

// What the lane reads of an address is what the library and the route's pattern make of
// it; what it does not read, they may.
func FuzzReadTile(f *testing.F) {
	for _, s := range []string{
		"/secure/tiles/all/w/12/3284/1632.mvt", "/public/tiles/cropland,pbf/c/5/26/4@2x.png?tk=gt_a-b.c", "/public/tiles/all/w/0/0/0.png?", "/a//tiles/all/w/0/0/0.mvt",
		"/public/tiles/../w/0/0/0.mvt", "/public/tiles/all/w/0/0/0.mvt#x", "/public/tiles/%61ll/w/0/0/0.mvt", "/public/tiles/all/w/0/0/0.mvt?tk=a&tk=b", "/public/tiles/all/w/0/0/0@2x.mvt",
	} {
		f.Add(s, "gengtu.test:8080")
	}
	f.Fuzz(func(t *testing.T, address, host string) {
		var ctx fasthttp.RequestCtx
		ctx.Request.Header.SetRequestURI(address)
		ctx.Request.Header.SetHost(host)
		r := &request{ctx: &ctx}
		if !r.readTile() {
			return
		}
		if checkHost(ctx.Host()) != nil {
			t.Fatalf("the Host %q is taken", host)
		}
		ending, side := ".mvt", 0
		if r.ask.picture {
			ending, side = ".png", raster.TileSize
		}
		p, ok := match("/{tier}/tiles/{layers}/{grid}/{z}/{x}/{y}"+ending, string(ctx.Path()))
		if !ok {
			t.Fatalf("%q is no tile's for the route", ctx.Path())
		}
		y := p["y"]
		if r.ask.picture && strings.HasSuffix(y, "@2x") {
			y, side = strings.TrimSuffix(y, "@2x"), raster.TileSize2x
		}
		g, err := tile.ParseGrid(p["grid"])
		if err != nil {
			t.Fatal(err)
		}
		want, err := tile.Parse(g, p["z"], p["x"], y)
		if err != nil || want != r.ask.tile || p["tier"] != r.ask.tier || p["layers"] != r.ask.layers || r.ask.picture && side != r.ask.side {
			t.Fatalf("%v, %v: %+v is read, the route has %v", err, want, r.ask, p)
		}
		for name, value := range ctx.QueryArgs().All() {
			if string(name) != "tk" || len(value) == 0 {
				t.Fatalf("a parameter %q=%q", name, value)
			}
		}
		if ctx.QueryArgs().Len() > 1 {
			t.Fatal("two parameters")
		}
	})
}
