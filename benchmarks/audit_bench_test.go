package benchmarks

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gengtu/index/geo"
	"gengtu/tileserver/tile"
)

// auditPairs is how many pairs of rounds, with the audit log and without, a ratio is
// the median of.
const auditPairs = 15

// auditLoads are the sizes that tiles are sought of, as they are sent, and how many of
// them a round asks for.
var auditLoads = []struct{ bytes, requests int }{{5_000, 6000}, {46_000, 4000}, {175_000, 2000}}

// BenchmarkAuditLoad is what the audit log costs a server of tiles that are built: the
// product's binary over loopback, twice, with the log and without, asked in turn by as
// many clients as there are connections kept alive. `cpu-%` is by the processor time of
// the server's process alone, which holds while other programs run; `clock-%` is by the
// clock, clients included. Both are medians over pairs of rounds, with their quartiles
// in the log; the p99 are medians of rounds. At the level `warn` the server without the
// audit log writes nothing of a request, at `info`, the default, a line that the audit's
// takes the place of.
func BenchmarkAuditLoad(b *testing.B) {
	d := open(b, "sample")
	for _, level := range []string{"warn", "info"} {
		b.Run("log="+level, func(b *testing.B) {
			servers := [2]*served{startServer(b, d, "--log", level),
				startServer(b, d, "--log", level, "--audit", filepath.Join(b.TempDir(), "audit"))}
			tiles := tilesNear(b, d, servers[0])
			for i, load := range auditLoads {
				for _, clients := range []int{16, 64} {
					b.Run(fmt.Sprintf("bytes=%d/clients=%d", tiles[i].size, clients), func(b *testing.B) {
						for b.Loop() {
							compareRounds(b, servers, tiles[i], load.requests, clients)
						}
					})
				}
			}
		})
	}
}

// compareRounds asks both servers in turn, and reports the second beside the first.
func compareRounds(b *testing.B, servers [2]*served, t sizedTile, requests, clients int) {
	var cpu, clock []float64
	var p99, each [2][]float64
	for pair := -1; pair < auditPairs; pair++ { // one before to warm up
		var r [2]round
		for k := range servers {
			i := (k + pair + 2) % 2 // each is first in turn
			r[i] = servers[i].round(b, t, requests, clients)
		}
		if pair < 0 {
			continue
		}
		cpu = append(cpu, 100*(r[1].cpu.Seconds()/r[0].cpu.Seconds()-1))
		clock = append(clock, 100*(r[1].clock.Seconds()/r[0].clock.Seconds()-1))
		for i := range r {
			p99[i] = append(p99[i], r[i].p99.Seconds()*1000)
			each[i] = append(each[i], r[i].cpu.Seconds()*1e6/float64(requests))
		}
	}
	b.ReportMetric(percentile(cpu, .5), "cpu-%")
	b.ReportMetric(percentile(clock, .5), "clock-%")
	b.ReportMetric(percentile(each[0], .5), "off-cpu-µs")
	b.ReportMetric(percentile(each[1], .5), "on-cpu-µs")
	b.ReportMetric(percentile(p99[0], .5), "off-p99-ms")
	b.ReportMetric(percentile(p99[1], .5), "on-p99-ms")
	b.Logf("cpu %.1f … %.1f %%, clock %.1f … %.1f %% (quartiles of %d pairs)",
		percentile(cpu, .25), percentile(cpu, .75), percentile(clock, .25), percentile(clock, .75), auditPairs)
}

// served is a server in a process of its own.
type served struct {
	address string
	pid     int
}

// startServer starts the product's binary on d's edition; it ends with the benchmark.
func startServer(b *testing.B, d *dataset, flags ...string) *served {
	b.Helper()
	if err := build(); err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(work, "gengtu"), append([]string{"serve", "--open", "--listen", "127.0.0.1:0", "--edition", d.edition}, flags...)...)
	cmd.Env = append(os.Environ(), "GENGTU_LANG=en")
	out, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := errors.Join(cmd.Process.Signal(os.Interrupt), cmd.Wait()); err != nil {
			b.Error(err)
		}
	})
	for in := bufio.NewScanner(out); in.Scan(); {
		if _, address, ok := strings.Cut(in.Text(), "serving at http://"); ok {
			go func() { _, _ = io.Copy(io.Discard, out) }() // a full pipe would stop it
			return &served{strings.TrimSuffix(address, "/"), cmd.Process.Pid}
		}
	}
	b.Fatal("the server did not start")
	return nil
}

// round is what some requests took.
type round struct{ cpu, clock, p99 time.Duration }

// round asks for a tile a number of times, divided among clients.
func (s *served) round(b *testing.B, t sizedTile, requests, clients int) round {
	b.Helper()
	took := make([][]time.Duration, clients)
	errs := make([]error, clients)
	conns := make([]net.Conn, clients)
	for i := range conns {
		var err error
		if conns[i], err = new(net.Dialer).DialContext(b.Context(), "tcp", s.address); err != nil {
			b.Fatal(err)
		}
	}
	cpu, began := s.cpu(b), time.Now()
	var all sync.WaitGroup
	for i, conn := range conns {
		all.Go(func() { took[i], errs[i] = askAgain(conn, t, requests/clients) })
	}
	all.Wait()
	r := round{cpu: s.cpu(b) - cpu, clock: time.Since(began)}
	for _, conn := range conns {
		errs = append(errs, conn.Close())
	}
	if err := errors.Join(errs...); err != nil {
		b.Fatal(err)
	}
	each := slices.Sorted(slices.Values(slices.Concat(took...)))
	r.p99 = each[len(each)*99/100]
	return r
}

// askAgain asks for a tile n times on one connection, and returns how long each took.
func askAgain(conn net.Conn, t sizedTile, n int) ([]time.Duration, error) {
	in, ask := make([]byte, 512<<10), request("GET", t.path, nil)
	took := make([]time.Duration, n)
	for i := range took {
		began := time.Now()
		if _, err := conn.Write(ask); err != nil {
			return nil, err
		}
		if size, err := readAnswer(conn, in); err != nil || size != t.size {
			return nil, fmt.Errorf("%s: %d bytes, want %d: %w", t.path, size, t.size, err)
		}
		took[i] = time.Since(began)
	}
	return took, nil
}

// readAnswer reads an answer of a length that its head tells, and returns the length of
// its body. As little is done as can be: the clients are on the server's processor.
func readAnswer(conn net.Conn, in []byte) (int, error) {
	const name = "\r\nContent-Length: "
	for got := 0; ; {
		n, err := conn.Read(in[got:])
		if err != nil {
			return 0, err
		}
		got += n
		end := bytes.Index(in[:min(got, 2000)], []byte("\r\n\r\n"))
		if end < 0 {
			continue
		}
		if !bytes.HasPrefix(in, []byte("HTTP/1.1 200 ")) {
			return 0, fmt.Errorf("answered %.100q", in[:got])
		}
		at := bytes.Index(in[:end], []byte(name))
		if at < 0 {
			return 0, nil
		}
		digits, _, _ := bytes.Cut(in[at+len(name):end+2], []byte("\r"))
		length, err := strconv.Atoi(string(digits))
		if err != nil {
			return 0, err
		}
		if got < end+4+length {
			if _, err = io.ReadFull(conn, in[got:end+4+length]); err != nil {
				return 0, err
			}
		}
		return length, nil
	}
}

// sizedTile is a tile's address and how many bytes it is sent as.
type sizedTile struct {
	path string
	size int
}

// tilesNear returns, of each of [auditLoads], the tile of d whose size comes nearest.
func tilesNear(b *testing.B, d *dataset, s *served) []sizedTile {
	b.Helper()
	conn, err := new(net.Dialer).DialContext(b.Context(), "tcp", s.address)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	extent := d.ix.Layer("cropland", "").Extent()
	var all []sizedTile
	in := make([]byte, 4<<20)
	for _, layers := range []string{"cropland", "all"} {
		for z := uint8(13); z <= 14; z++ {
			low := tile.W.At(geo.Position{Lon: extent.Min.Lon, Lat: extent.Max.Lat}, z)
			high := tile.W.At(geo.Position{Lon: extent.Max.Lon, Lat: extent.Min.Lat}, z)
			for x := low.X; x <= high.X; x++ {
				for y := low.Y; y <= high.Y; y++ {
					t := sizedTile{path: fmt.Sprintf("/secure/tiles/%s/w/%d/%d/%d.mvt", layers, z, x, y)}
					if _, err := conn.Write(request("GET", t.path, nil)); err != nil {
						b.Fatal(err)
					}
					if t.size, err = readAnswer(conn, in); err != nil {
						continue // an empty one
					}
					all = append(all, t)
				}
			}
		}
	}
	var out []sizedTile
	for _, load := range auditLoads {
		out = append(out, slices.MinFunc(all, func(p, q sizedTile) int {
			return cmp.Compare(max(p.size-load.bytes, load.bytes-p.size), max(q.size-load.bytes, load.bytes-q.size))
		}))
	}
	return out
}
