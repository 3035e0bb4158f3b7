//go:build linux

package main_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"gengtu/benchmarks/suite"
)

// grid are the addresses of tiles side by side.
func grid(tier string, z, x0, y0 int) []string {
	var out []string
	for i := range 64 {
		out = append(out, fmt.Sprintf("/%s/tiles/all/w/%d/%d/%d.mvt", tier, z, x0+i%8, y0+i/8))
	}
	return out
}

// onDemand are addresses of tiles that are made when they are asked for.
func onDemand() []string { return grid("secure", 16, 52540, 26096) }

// chaosQuestions are answered from each of an edition's files.
func chaosQuestions() []string {
	return append(grid("public", 14, 13132, 6522), "/public/overlay?bbox=108.62,34.31,108.63,34.32", "/public/summary", "/public/catalog", "/public/places?q=村",
		"/public/map.png?bbox=108.61,34.30,108.68,34.36&width=200&height=200")
}

// answersOf asks each address; those that are not answered by 200 or 204 are left out,
// and told to other.
func (s *server) answersOf(t *testing.T, addresses []string, other func(address string, a answer)) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for _, at := range addresses {
		a := s.do(t, "GET", at, nil)
		if a.Status == 200 || a.Status == 204 {
			out[at] = bytes.ReplaceAll(a.Body, []byte(s.URL), nil) // the port is another at each start
		} else if other != nil {
			other(at, a)
		} else {
			t.Errorf("%s: %d %.300s", at, a.Status, a.Body)
		}
	}
	return out
}

func sameAnswers(t *testing.T, when string, got, want map[string][]byte) {
	t.Helper()
	for at, body := range got {
		if !bytes.Equal(body, want[at]) {
			t.Errorf("%s %s answers otherwise: %d bytes, %d", when, at, len(body), len(want[at]))
		}
	}
}

// publicCopy is a copy of the public edition that a test may damage.
func publicCopy(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "public")
	if err := os.CopyFS(dir, os.DirFS(theEditions(t).Public)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// waitFor waits until the log says something.
func (s *server) waitFor(t *testing.T, text string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !strings.Contains(s.log.String(), text); <-time.After(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the log does not say %q:\n%s", text, s.log)
		}
	}
}

// An edition that is deleted under the server is served on from the files that are open,
// the log says so once, and when it is there again nothing needs to be done.
func TestEditionDeletedUnderServer(t *testing.T) {
	dir := publicCopy(t)
	s := serve(t, dir)
	s.faulty = true
	want := s.answersOf(t, chaosQuestions(), nil)
	away := dir + ".away"
	if err := os.CopyFS(away, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	s.waitFor(t, "new generation not taken")
	<-time.After(1500 * time.Millisecond) // another look or two
	sameAnswers(t, "deleted", s.answersOf(t, chaosQuestions(), nil), want)
	if n := strings.Count(s.log.String(), "new generation not taken"); n != 1 {
		t.Errorf("it is logged %d times", n)
	}
	if err := os.Rename(away, dir); err != nil {
		t.Fatal(err)
	}
	<-time.After(1500 * time.Millisecond)
	sameAnswers(t, "back", s.answersOf(t, chaosQuestions(), nil), want)
}

// Pages that are damaged under the server lead to answers of 500 and to sums that name
// what cannot be read, never to another tile, and never to the end of the process; what
// lies elsewhere is answered as before.
func TestPagesDamagedUnderServer(t *testing.T) {
	for round := range uint64(4) {
		dir := publicCopy(t)
		want := serve(t, dir).answersOf(t, chaosQuestions(), nil)
		s := serve(t, dir) // with nothing in memory
		s.faulty = true
		files, err := filepath.Glob(filepath.Join(dir, "g*", "*.db"))
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		rng := rand.New(rand.NewPCG(11, round))
		for _, name := range files {
			damage(t, name, rng, int(round))
		}
		faults := 0
		got := s.answersOf(t, chaosQuestions(), func(at string, a answer) {
			if a.Status != 500 || !strings.Contains(string(a.Body), "server_fault") {
				t.Errorf("%s: %d %.300s", at, a.Status, a.Body)
			}
			faults++
		})
		for at, body := range got {
			if strings.Contains(at, "/overlay") && bytes.Contains(body, []byte(`"failed":[{`)) {
				delete(got, at) // it says what it could not read
				faults++
				if !bytes.Contains(body, []byte(`"FEATURES_FAILED"`)) || !strings.Contains(s.log.String(), "an overlay answer lacks features") ||
					strings.Contains(string(s.get(t, 200, "/metrics").Body), "gengtu_overlay_features_failed_total 0\n") {
					t.Errorf("an answer lacks features, and its problems, the log or the metrics do not say so: %.500s", body)
				}
			}
		}
		sameAnswers(t, "damaged", got, want)
		if faults == 0 {
			t.Error("nothing was damaged that is asked for")
		}
		if a := s.do(t, "GET", "/health", nil); a.Status != 200 {
			t.Errorf("health: %d", a.Status)
		}
	}
}

// damage overwrites parts of a file in place; in round 3 it is cut short.
func damage(t *testing.T, name string, rng *rand.Rand, round int) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if round == 3 {
		if err := f.Truncate(info.Size() / 3); err != nil {
			t.Fatal(err)
		}
		return
	}
	junk := make([]byte, 64)
	for at := int64(0); at+4096 < info.Size(); at += 4096 << (2 * round) {
		for i := range junk {
			junk[i] = byte(rng.Uint32())
		}
		if _, err := f.WriteAt(junk, at+rng.Int64N(4032)); err != nil {
			t.Fatal(err)
		}
	}
}

// keeping starts a server of the secure edition that writes nothing but its cache.
func keeping(t *testing.T, cache string) *server {
	t.Helper()
	s := &server{log: &lockedBuffer{}, cmd: exec.Command(binary(), "serve", "--listen", "127.0.0.1:0", "--edition", theEditions(t).Secure, "--cache", cache, "--open", "--lang", "en")}
	s.cmd.Stderr = s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.URL = waitForAddress(t, s.log)
	return s
}

// A server that is killed while it writes its tiles down answers as before when it is
// started again on the same files.
func TestKilledWhileTilesAreKept(t *testing.T) {
	e := theEditions(t)
	cache := filepath.Join(t.TempDir(), "cache")
	want := serve(t, e.Secure).answersOf(t, onDemand(), nil)
	for round := range 3 {
		s := keeping(t, cache)
		sameAnswers(t, "after a kill", s.answersOf(t, onDemand()[:16*(round+1)], nil), want)
		<-time.After(time.Duration(990+20*round) * time.Millisecond) // they are written after a second
		if err := s.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = s.cmd.Wait() // says that it was killed
		suite.Count(t, "killed-server", 1, "kills")
	}
	s := serveWith(t, []string{"--cache", cache}, e.Secure)
	sameAnswers(t, "at last", s.answersOf(t, onDemand(), nil), want)
}

// While the disc of the cache is full tiles are made and answered as ever, the log says so
// once, and when there is room again they are kept again.
func TestCacheOnAFullDisk(t *testing.T) {
	e := theEditions(t)
	want := serve(t, e.Secure).answersOf(t, onDemand(), nil)
	cache := filepath.Join(t.TempDir(), "cache")
	s := keeping(t, cache)
	s.faulty = true
	t.Cleanup(func() { s.stop(t) })
	limit := func(bytes uint64) {
		l := syscall.Rlimit{Cur: bytes, Max: ^uint64(0)}
		if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(s.cmd.Process.Pid), syscall.RLIMIT_FSIZE, uintptr(unsafe.Pointer(&l)), 0, 0, 0); errno != 0 {
			t.Skipf("the limit cannot be set: %v", errno)
		}
	}
	size := func() int64 {
		files, err := filepath.Glob(filepath.Join(cache, "*.cache.db"))
		files = slices.DeleteFunc(files, func(f string) bool { return strings.HasSuffix(f, "-pictures.cache.db") })
		if err != nil || len(files) != 1 {
			t.Fatal(files, err)
		}
		info, err := os.Stat(files[0])
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	before := size()
	limit(4096)
	sameAnswers(t, "on a full disc", s.answersOf(t, onDemand(), nil), want)
	s.waitFor(t, "not kept on disc")
	if size() > before {
		t.Error("the limit shows nothing")
	}
	limit(^uint64(0))
	<-time.After(6 * time.Second)
	s.answersOf(t, grid("secure", 17, 105080, 52192), nil)
	<-time.After(2 * time.Second)
	if size() <= before {
		t.Error("nothing is kept once there is room")
	}
	if n := strings.Count(s.log.String(), "not kept on disc"); n != 1 {
		t.Errorf("it is logged %d times:\n%s", n, s.log)
	}
}
