package benchmarks

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"gengtu/tileserver/tile"
)

// tileservVariable names pg_tileserv, which is never built here.
const tileservVariable = "BENCH_PG_TILESERV"

// demandTiles is the number of tiles of a zoom that one pass asks for, the first unmeasured.
const demandTiles = 101

// demandTime bounds a pass; one that takes longer ends early, and the metric
// tiles says how many it had.
const demandTime = 60 * time.Second

// BenchmarkDemand measures tiles of three layers that are not in any cache, each
// asked for once in a pass: the mean as ns/op and cpu-ms/op, the middle, the 99th
// of 100 and the worst. The tiles lie where all layers are. by=gengtu answers
// through the server; by=pg_tileserv makes them with PostGIS's ST_AsMVT from
// tables in Web Mercator with an index, fields and ids as ours. Both are asked for
// gzip, and both for all layers at once; we make layers side by side, it makes them one
// after the other, which the clock shows and the processor time does not. It leaves out
// what a layer has beyond 10,000 features in a tile, its default, and has parcels at
// zoom 12, where ours has cells.
func BenchmarkDemand(b *testing.B) {
	b.Run("data=landscape", func(b *testing.B) {
		d := open(b, "landscape")
		for _, zoom := range []uint8{12, 13, 14, 15, 16} {
			tiles := d.full(b, zoom)
			b.Run(fmt.Sprintf("zoom=%d", zoom), func(b *testing.B) {
				b.Run("by=gengtu", func(b *testing.B) {
					demand(b, processor, tiles, func() func(tile.Tile) int {
						c := serve(b, d)
						return func(t tile.Tile) int {
							return len(c.do(b, request("GET", "/secure/tiles/"+strings.Join(d.asked, ",")+"/"+t.String()+".mvt", nil), 200))
						}
					})
				})
				b.Run("by=pg_tileserv", func(b *testing.B) {
					s := tileserv(b, d)
					demand(b, func(b *testing.B) time.Duration { return s.processor(b) }, tiles, func() func(tile.Tile) int { return func(t tile.Tile) int { return s.get(b, t) } })
				})
			})
		}
	})
}

// full returns tiles of grid w and a zoom in which every layer has features, in
// random order, the same at each call.
func (d *dataset) full(tb testing.TB, zoom uint8) []tile.Tile {
	tb.Helper()
	r := rand.New(rand.NewPCG(7, uint64(zoom)))
	x0, y0, x1, y1 := tile.W.Range(d.ix.Layer("cropland", "").Extent(), zoom)
	seen := map[tile.Tile]bool{}
	var out []tile.Tile
	for range 100 * demandTiles {
		t := tile.Tile{Grid: tile.W, Z: zoom, X: x0 + uint32(r.IntN(int(x1-x0+1))), Y: y0 + uint32(r.IntN(int(y1-y0+1)))}
		if seen[t] {
			continue
		}
		seen[t] = true
		all := true
		for _, l := range d.asked {
			found := false
			d.ix.Layer(l, "").Search(t.Box(), func(int) bool { found = true; return false })
			all = all && found
		}
		if all {
			if out = append(out, t); len(out) == demandTiles {
				break
			}
		}
	}
	if len(out) < 2 {
		tb.Fatalf("%d tiles of zoom %d have all layers", len(out), zoom)
	}
	return out
}

// demand times each tile by itself. Each pass has a server of its own, begin's: one that
// keeps tiles would answer the second from there.
func demand(b *testing.B, used func(*testing.B) time.Duration, tiles []tile.Tile, begin func() func(tile.Tile) int) {
	b.Helper()
	var clock, cpu []float64
	size := 0
	for b.Loop() {
		get := begin()
		get(tiles[0]) // what a first question alone costs is not what is measured
		began := time.Now()
		for _, t := range tiles[1:] {
			spent, start := used(b), time.Now()
			n := get(t)
			clock = append(clock, time.Since(start).Seconds()*1e3)
			cpu = append(cpu, (used(b)-spent).Seconds()*1e3)
			if n < 100 {
				b.Fatalf("%s has %d bytes", t, n)
			}
			if size += n; time.Since(began) > demandTime {
				break
			}
		}
	}
	b.ReportMetric(mean(clock)*1e6, "ns/op")
	b.ReportMetric(mean(cpu), "cpu-ms/op")
	b.ReportMetric(float64(len(clock))/float64(b.N), "tiles")
	b.ReportMetric(float64(size)/float64(len(clock)), "bytes")
	for _, p := range []struct {
		name string
		at   float64
	}{{"p50", 0.5}, {"p99", 0.99}, {"worst", 1}} {
		b.ReportMetric(percentile(clock, p.at), p.name+"-ms")
		b.ReportMetric(percentile(cpu, p.at), p.name+"-cpu-ms")
	}
}

// tileServer is a pg_tileserv beside the database of rivals.
type tileServer struct {
	db     *database
	pid    int
	prefix string
	client http.Client
}

// tileservSQL makes a table as pg_tileserv publishes one: a single geometry in Web
// Mercator, an integer id, an index.
const tileservSQL = `CREATE TABLE IF NOT EXISTS LAYER_served AS SELECT row_number() OVER () AS gid, m::geometry(Geometry,3857) AS geom TAGS FROM LAYER;
ALTER TABLE LAYER_served ADD PRIMARY KEY (gid); CREATE INDEX ON LAYER_served USING gist(geom); ANALYZE LAYER_served; SELECT count(*) FROM LAYER_served`

// tileserv starts the server on a free port with the layers of d in its database;
// it ends with the benchmark.
func tileserv(b *testing.B, d *dataset) *tileServer {
	b.Helper()
	program := named(b, tileservVariable)
	s := &tileServer{db: postgis(b, d)}
	var tables []string
	for _, l := range d.asked {
		table := d.name + "_" + l
		tables = append(tables, "public."+table+"_served")
		if s.db.ask(b, "SELECT to_regclass('"+table+"_served') IS NULL") == "f" {
			continue
		}
		tags := ""
		for _, f := range tileFields(d, l) {
			tags += ", " + strings.ToLower(f)
		}
		s.db.ask(b, strings.NewReplacer("LAYER", table, "TAGS", tags).Replace(tileservSQL))
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	port := ln.Addr().(*net.TCPAddr).Port
	if err := ln.Close(); err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Dir = b.TempDir()
	cmd.Env = append(os.Environ(), "DATABASE_URL=postgresql://gengtu@/postgres?host="+s.db.dir, "TS_HTTPHOST=127.0.0.1", fmt.Sprintf("TS_HTTPPORT=%d", port))
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Kill() // it has nothing to keep
		_ = cmd.Wait()
	})
	s.pid, s.prefix = cmd.Process.Pid, fmt.Sprintf("http://127.0.0.1:%d/%s/", port, strings.Join(tables, ","))
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for range 200 {
		<-tick.C
		resp, err := s.client.Get(fmt.Sprintf("http://127.0.0.1:%d/health", port))
		if err == nil {
			if err := resp.Body.Close(); err != nil {
				b.Fatal(err)
			}
			return s
		}
	}
	b.Fatalf("pg_tileserv does not answer:\n%s", said.String())
	return nil
}

// get asks for a tile of all layers and returns its size, not compressed.
func (s *tileServer) get(b *testing.B, t tile.Tile) int {
	resp, err := s.client.Get(s.prefix + fmt.Sprintf("%d/%d/%d.pbf", t.Z, t.X, t.Y))
	if err != nil {
		b.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		b.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		b.Fatalf("%s: %d %.300s", t, resp.StatusCode, body)
	}
	return len(body)
}

// processor returns the time that the server and all sessions of its database have
// used.
func (s *tileServer) processor(b *testing.B) time.Duration {
	sum := schedstat(b, strconv.Itoa(s.pid))
	tasks, err := filepath.Glob("/proc/" + s.db.server + "/task/*/children")
	if err != nil {
		b.Fatal(err)
	}
	for _, path := range tasks {
		children, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		for _, pid := range strings.Fields(string(children)) {
			sum += schedstat(b, pid)
		}
	}
	return sum
}

// schedstat returns the time that all threads of a process have used; none when it
// has ended.
func schedstat(b *testing.B, pid string) time.Duration {
	threads, err := filepath.Glob("/proc/" + pid + "/task/*/schedstat")
	if err != nil {
		b.Fatal(err)
	}
	sum := int64(0)
	for _, path := range threads {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended between the two
		}
		n, err := strconv.ParseInt(strings.Fields(string(text))[0], 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		sum += n
	}
	return time.Duration(sum)
}
