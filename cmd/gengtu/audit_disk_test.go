//go:build linux

package main_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// startAudited runs a server whose log is in dir; it may log faults.
func startAudited(t *testing.T, dir string) *server {
	t.Helper()
	cmd := exec.Command(binary(), "serve", "--edition", theEditions(t).Secure, "--open", "--audit", dir, "--listen", "127.0.0.1:0")
	log := &lockedBuffer{}
	cmd.Stderr = log
	cmd.Env = append(os.Environ(), "GENGTU_LANG=en")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // where the test did not come to its end
	return &server{cmd: cmd, log: log, URL: waitForAddress(t, log), faulty: true}
}

// askMany asks n times at once, and returns the ids of the answers that were given, and
// how many were refused, each with AUDIT_ code.
func (s *server) askMany(t *testing.T, n int, code string) (given []string, refused int) {
	t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			a := s.do(t, "GET", "/secure/places", nil)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case a.Status == 200:
				given = append(given, a.Header.Get("X-Request-Id"))
			case a.Status == 503 && strings.Contains(string(a.Body), code) && !strings.Contains(string(a.Body), "610402"):
				refused++
			default:
				t.Errorf("status %d %s", a.Status, a.Body)
			}
		})
	}
	all.Wait()
	return given, refused
}

// wantLines checks that the log in dir is whole and has a line for each of the answers.
func wantLines(t *testing.T, dir string, given []string, refused int) {
	t.Helper()
	var sums []struct {
		Chain   string
		N, Lost int64
	}
	decode(t, []byte(must(t, "audit", "verify", dir, "--json")), &sums)
	if len(sums) != 2 || sums[1].N != int64(len(given)) || sums[1].Lost != int64(refused) {
		t.Errorf("%+v, want %d lines and %d lost", sums, len(given), refused)
	}
	there := map[string]bool{}
	for line := range strings.Lines(must(t, "audit", "show", dir, "--tier", "secure", "--json")) {
		var r struct{ Request string }
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		there[r.Request] = true
	}
	for _, id := range given {
		if !there[id] {
			t.Errorf("answer %s is not in the log", id)
		}
	}
}

// A disk that is full refuses answers, and has a line for each that was given; once
// there is room service goes on without a restart. (The system's limit of files' sizes
// stands for the disk's end.)
func TestAuditOnAFullDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	s := startAudited(t, dir)
	limit := func(bytes uint64) {
		t.Helper()
		l := syscall.Rlimit{Cur: bytes, Max: ^uint64(0)}
		if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(s.cmd.Process.Pid), syscall.RLIMIT_FSIZE, uintptr(unsafe.Pointer(&l)), 0, 0, 0); errno != 0 {
			t.Skipf("the limit cannot be set: %v", errno)
		}
	}
	given, refused := s.askMany(t, 40, "audit_write")
	if refused != 0 {
		t.Errorf("%d refused at first", refused)
	}
	info, err := os.Stat(filepath.Join(dir, "server-1.000001.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	limit(uint64(info.Size()) + 1000)
	more, refused := s.askMany(t, 40, "audit_write")
	if refused == 0 || len(more) == 0 {
		t.Errorf("%d given and %d refused on a disk with room for two or three", len(more), refused)
	}
	if a := s.do(t, "GET", "/ready", nil); a.Status != 503 || !strings.Contains(string(a.Body), "audit_write") || !strings.Contains(string(a.Body), "secure") {
		t.Errorf("ready: %d %s", a.Status, a.Body)
	}
	limit(^uint64(0))
	last, again := s.askMany(t, 40, "audit_write")
	if again != 0 {
		t.Errorf("%d refused once there is room", again)
	}
	s.stop(t)
	wantLines(t, dir, append(append(given, more...), last...), refused)
	if !strings.Contains(s.log.String(), "AUDIT_WRITE") {
		t.Errorf("the server does not say why:\n%s", s.log)
	}
}

// Tokens that cannot be issued or revoked, as on a full disk, are told of with a code and
// with what to do, and what was in force stays.
func TestTokensOnAFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.json")
	long := "https://" + strings.Repeat("a", 60) + ".example.org"
	for _, name := range []string{"wang", "zhao", "qian", "sun"} {
		must(t, "token", "add", "--access", path, "--tier", "secure", "--name", name, "--origins", long+",https://x"+long[8:])
	}
	before, err := os.ReadFile(path)
	if err != nil || len(before) <= 1024 {
		t.Fatalf("%d bytes of tokens, %v", len(before), err)
	}
	for _, args := range []string{"token revoke wang", "token add --tier secure --name li"} {
		// A kilobyte is room for lines of the acts, and not for the file of tokens.
		for blocks, code := range map[string]string{"0": "AUDIT_WRITE", "1": "ACCESS_WRITE"} {
			if err := os.RemoveAll(path + ".audit"); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), "bash", "-c", "ulimit -f "+blocks+"; exec "+binary()+" "+args+" --access "+path)
			cmd.Env = append(os.Environ(), "GENGTU_LANG=en")
			out, err := cmd.CombinedOutput()
			if text := string(out); err == nil || !strings.Contains(text, "["+code+"]") || !strings.Contains(text, "see to disk space") || strings.Contains(text, "[FAILED]") || strings.Contains(text, "gt_") {
				t.Errorf("%s, %s blocks: %v\n%s", args, blocks, err, text)
			}
			if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
				t.Errorf("%s: the file of tokens was changed, %v", args, err)
			}
		}
	}
}

// A log that is taken away refuses answers within seconds, and goes on when it is put
// back.
func TestAuditThatIsTakenAway(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	s := startAudited(t, dir)
	given, _ := s.askMany(t, 10, "")
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	refused := 0
	for deadline := time.Now().Add(10 * time.Second); refused == 0; {
		<-time.After(20 * time.Millisecond)
		more, n := s.askMany(t, 1, "audit_write")
		given, refused = append(given, more...), n
		if time.Now().After(deadline) {
			t.Fatal("a log that is not there is written to for ever")
		}
	}
	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		<-time.After(20 * time.Millisecond)
		more, n := s.askMany(t, 1, "audit_write")
		given, refused = append(given, more...), refused+n
		if n == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a log that is back is not written to")
		}
	}
	s.stop(t)
	wantLines(t, dir, given, refused)
}
