package tileserver_test

import (
	"net"
	"path/filepath"
	"testing"

	"github.com/valyala/fasthttp"

	"gengtu/index/edition"
	"gengtu/tileserver"
	"gengtu/tileserver/access"
	"gengtu/tileserver/audit"
	"gengtu/tileserver/tile"
)

// laneServer is a server of the secure tier with tokens and an audit log, as it runs,
// and the Authorization header of a token.
func laneServer(t testing.TB, change func(*tileserver.Config)) (s *tileserver.Server, bearer string) {
	t.Helper()
	dir, _ := newEdition(t, edition.Secure)
	file := filepath.Join(t.TempDir(), "access.json")
	token, err := access.Add(file, access.Token{Name: "bench", Tier: "secure"})
	if err != nil {
		t.Fatal(err)
	}
	store, err := access.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	log, err := audit.OpenServer(filepath.Join(t.TempDir(), "audit"), audit.Record{Act: "serve"}, audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cfg := tileserver.Config{Editions: []string{dir}, Access: store, Audit: log}
	if change != nil {
		change(&cfg)
	}
	if s, err = tileserver.New(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, "Bearer " + token
}

// asker asks a server in process, again and again with the same memory.
type asker struct{ ctx fasthttp.RequestCtx }

func newAsker(address string, headers ...string) *asker {
	var req fasthttp.Request
	req.Header.SetRequestURI(address)
	req.Header.SetHost("gengtu.test")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	a := &asker{}
	a.ctx.Init(&req, &net.TCPAddr{IP: net.IPv4(10, 1, 2, 3), Port: 4711}, nil)
	return a
}

func (a *asker) ask(s *tileserver.Server) int {
	a.ctx.Response.Reset()
	s.Handle(&a.ctx)
	return a.ctx.Response.StatusCode()
}

// A tile in memory is answered without memory being taken, one in the file of tiles with
// three pieces of it at most; tokens, audit and metrics included.
func TestTileAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector takes memory of its own, and empties pools")
	}
	for _, row := range []struct {
		name, address string
		headers       []string
		memory        int64 // for finished tiles
		status        int
		most          float64
	}{
		{"tile in memory", "all/w/" + tileAt(tile.W, 12) + ".mvt", []string{"Accept-Encoding", "gzip, deflate, br"}, 0, 200, 0},
		{"plain tile in memory", "all/w/" + tileAt(tile.W, 12) + ".mvt", nil, 0, 200, 0},
		{"empty tile", "all/w/12/0/0.mvt", []string{"Accept-Encoding", "gzip"}, 0, 204, 0},
		{"not modified", "all/w/" + tileAt(tile.W, 12) + ".mvt", []string{"Accept-Encoding", "gzip", "If-None-Match", "*"}, 0, 304, 0},
		{"picture in memory", "all/w/" + tileAt(tile.W, 12) + ".png", nil, 0, 200, 0},
		{"picture of twice the density", "cropland/c/" + tileAt(tile.C, 12) + "@2x.png", nil, 0, 200, 0},
		{"tile in the file", "all/w/" + tileAt(tile.W, 12) + ".mvt", []string{"Accept-Encoding", "gzip"}, 1, 200, 3},
	} {
		t.Run(row.name, func(t *testing.T) {
			s, bearer := laneServer(t, func(c *tileserver.Config) { c.Limits.AnswerMemory = row.memory })
			// One that is not modified is known by one that was sent.
			newAsker("/secure/tiles/"+row.address, append([]string{"Authorization", bearer}, row.headers[:min(2, len(row.headers))]...)...).ask(s)
			a := newAsker("/secure/tiles/"+row.address, append([]string{"Authorization", bearer}, row.headers...)...)
			if status := a.ask(s); status != row.status {
				t.Fatalf("%d %s", status, a.ctx.Response.Body())
			}
			got := testing.AllocsPerRun(200, func() {
				if status := a.ask(s); status != row.status {
					t.Fatalf("%d %s", status, a.ctx.Response.Body())
				}
			})
			if got > row.most {
				t.Errorf("%v allocations, want %v at most", got, row.most)
			}
		})
	}
}

// BenchmarkLane is a tile's answer with everything that belongs to it but the socket: with
// a token and its audit line, and of an open server.
func BenchmarkLane(b *testing.B) {
	b.Run("from=memory/open", func(b *testing.B) {
		dir, _ := newEdition(b, edition.Public)
		s, err := tileserver.New(tileserver.Config{Editions: []string{dir}})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() {
			if err := s.Close(); err != nil {
				b.Error(err)
			}
		})
		b.ReportAllocs()
		a := newAsker("/public/tiles/all/w/"+tileAt(tile.W, 12)+".mvt", "Accept-Encoding", "gzip")
		a.ask(s)
		for b.Loop() {
			if status := a.ask(s); status != 200 {
				b.Fatalf("%d %s", status, a.ctx.Response.Body())
			}
		}
	})
	for _, kind := range []struct {
		name   string
		memory int64
	}{{"memory", 0}, {"file", 1}} {
		b.Run("from="+kind.name, func(b *testing.B) {
			s, bearer := laneServer(b, func(c *tileserver.Config) { c.Limits.AnswerMemory = kind.memory })
			b.ReportAllocs()
			a := newAsker("/secure/tiles/all/w/"+tileAt(tile.W, 12)+".mvt", "Authorization", bearer, "Accept-Encoding", "gzip")
			a.ask(s)
			for b.Loop() {
				if status := a.ask(s); status != 200 {
					b.Fatalf("%d %s", status, a.ctx.Response.Body())
				}
			}
		})
	}
}
