package main_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gengtu/benchmarks/suite"
)

// as runs the binary with the environment changed.
func as(t testing.TB, environment []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.Command(binary(), args...)
	cmd.Env = append(append(os.Environ(), "GENGTU_LANG=en"), environment...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// With tokens the log is on, beside the access file; what was answered before the
// program was killed is in it, another server goes on beside it, and a line that is
// changed, an end that is cut off and a file that is gone are found.
func TestAuditOverTheCommand(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Secure, e.Public)
	dir := ""
	for line := range strings.Lines(s.log.String()) {
		if rest, ok := strings.CutPrefix(line, "audit log "); ok {
			dir, _, _ = strings.Cut(rest, " (")
		}
	}
	if dir == "" {
		t.Fatalf("the start does not say where the log is:\n%s", s.log)
	}
	for range 20 {
		if a := s.do(t, "GET", "/secure/overlay?place=610402&layers=pbf", nil, "Authorization", "Bearer "+s.tokens["secure"]); a.Status != 200 {
			t.Fatalf("status %d", a.Status)
		}
	}
	s.do(t, "GET", "/secure/catalog?tk=wrong-token-gt_AAAAAAAAAAAAAAAAAAAAAAAA", nil)
	waitForHead(t, dir)
	// A copy of the files as a sudden end would leave them.
	copied := filepath.Join(t.TempDir(), "audit")
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	kept := must(t, "audit", "verify", copied, "--json")
	var sums []struct {
		Chain string
		N     int64
	}
	decode(t, []byte(kept), &sums)
	if len(sums) != 2 || sums[1].Chain != "server-1" || sums[1].N != 21 {
		t.Errorf("got %s", kept)
	}
	var r struct {
		Who, Outcome, Layer, Place, Generation, Address string
		Features                                        int
		Area                                            float64 `json:"area_m2"`
	}
	if err := json.Unmarshal([]byte(must(t, "audit", "show", copied, "--place", "6104", "--last", "1", "--json")), &r); err != nil ||
		r.Who != "secure" || r.Layer != "pbf" || r.Place != "610402" || r.Address != "127.0.0.1" || r.Features == 0 || r.Area == 0 || r.Generation == "" {
		t.Errorf("%+v, %v", r, err)
	}
	if shown := must(t, "audit", "show", copied); strings.Contains(shown, "AAAAAAAA") || strings.Contains(shown, s.tokens["secure"]) || strings.Count(shown, "\n") < 25 {
		t.Errorf("got %s", shown)
	}
	keptFile := filepath.Join(t.TempDir(), "kept.json")
	if err := os.WriteFile(keptFile, []byte(kept), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(copied, "server-1.000001.jsonl")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head := filepath.Join(copied, "server-1.head.json")
	lines := bytes.SplitAfter(whole, []byte("\n"))
	// A head as somebody writes it who cuts an end off.
	short := fmt.Appendf(nil, `{"n":1,"hash":"%x","time":"2026-01-01T00:00:00Z"}`, sha256.Sum256(bytes.TrimSuffix(lines[0], []byte("\n"))))
	if err := os.WriteFile(head, short, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"edited":  bytes.Replace(whole, []byte(`"status":200`), []byte(`"status":403`), 1),
		"cut":     bytes.Join(lines[:10], nil),
		"ordered": bytes.Join([][]byte{lines[1], lines[0]}, nil),
		"empty":   {},
		"whole":   whole,
	} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		out, errs, code := gengtu(t, "audit", "verify", copied, "--kept", keptFile)
		if (code == 0) != (name == "whole") || code == 1 && (!strings.Contains(errs, "[AUDIT_") || strings.Contains(out, "whole")) {
			t.Errorf("%s: exit code %d\n%s%s", name, code, out, errs)
		}
	}
	if err := errors.Join(os.Remove(path), os.Remove(head)); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := gengtu(t, "audit", "verify", copied); code != 1 || !strings.Contains(errs, "AUDIT_MISSING") {
		t.Errorf("gone: exit code %d\n%s", code, errs)
	}
	must(t, "audit", "verify", dir) // of a server that runs
}

// waitForHead waits for the first head file of a server's chain, which comes within a
// second; a chain without one is not whole.
func waitForHead(t *testing.T, dir string) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		if _, err := os.Stat(filepath.Join(dir, "server-1.head.json")); err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("no head file was written")
		}
		<-time.After(10 * time.Millisecond)
	}
}

// A killed server leaves every line of what it answered, and the next one goes on.
func TestAuditOutlastsAKill(t *testing.T) {
	e := theEditions(t)
	dir := filepath.Join(t.TempDir(), "audit")
	for range 2 {
		cmd := exec.Command(binary(), "serve", "--edition", e.Secure, "--open", "--audit", dir, "--listen", "127.0.0.1:0")
		log := &lockedBuffer{}
		cmd.Stderr = log
		cmd.Env = append(os.Environ(), "GENGTU_LANG=en")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		s := &server{cmd: cmd, log: log, URL: waitForAddress(t, log)}
		for range 50 {
			if a := s.do(t, "GET", "/secure/places", nil); a.Status != 200 {
				t.Errorf("status %d", a.Status)
			}
		}
		waitForHead(t, dir)
		if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		suite.Count(t, "killed-server", 1, "kills")
	}
	var sums []struct{ N int64 }
	decode(t, []byte(must(t, "audit", "verify", dir, "--json")), &sums)
	if len(sums) != 2 || sums[1].N != 100 {
		t.Errorf("%+v, want 100 lines", sums)
	}
}

// Who has a role may do what it is for, and nothing else; what was refused is told.
func TestRolesOverTheCommand(t *testing.T) {
	u, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	e := theEditions(t)
	write := func(roles string) string {
		path := filepath.Join(t.TempDir(), "access.json")
		if err := os.WriteFile(path, []byte(`{"roles": {`+roles+`}, "tokens": []}`), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	add := func(path string, environment ...string) (string, string, int) {
		return as(t, environment, "token", "add", "--access", path, "--tier", "secure", "--name", "wang")
	}
	verify := func(path string, environment ...string) int {
		_, _, code := as(t, environment, "audit", "verify", "--access", path)
		return code
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0") // so that serve ends when it has asked who may
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	serveOnce := func(path string) string {
		_, errs, _ := as(t, nil, "serve", "--access", path, "--edition", e.Secure, "--listen", taken.Addr().String())
		return errs
	}
	publish := func(path string) string {
		_, errs, _ := as(t, []string{"GENGTU_ACCESS=" + path}, "publish", "--from", e.Secure, "--tier", "nothing", "--out", filepath.Join(t.TempDir(), "x"))
		return errs
	}
	for role, may := range map[string]struct{ token, audit, system bool }{
		"security": {token: true}, "audit": {audit: true}, "system": {system: true}, "": {true, true, true},
	} {
		path := write("")
		if role != "" {
			path = write(`"` + role + `": ["` + u.Username + `"]`)
		}
		if _, errs, code := add(path); (code == 0) != may.token || code != 0 && !strings.Contains(errs, "[ROLE]") {
			t.Errorf("%q: token add ends with %d\n%s", role, code, errs)
		}
		if got := !strings.Contains(serveOnce(path), "[ROLE]"); got != may.system {
			t.Errorf("%q: serve %v, want %v", role, got, may.system)
		}
		if got := !strings.Contains(publish(path), "[ROLE]"); got != may.system {
			t.Errorf("%q: publish %v, want %v", role, got, may.system)
		}
		if code := verify(path); (code == 0) != may.audit {
			t.Errorf("%q: audit verify ends with %d", role, code)
		}
		acts := actLines(t, path+".audit")
		for act, done := range map[string]bool{"token add": may.token, "publish": may.system, "serve": may.system} {
			if !strings.Contains(acts, act) || done == strings.Contains(acts, "refused "+act) && role != "" {
				t.Errorf("%q: acts do not tell %s (%v):\n%s", role, act, done, acts)
			}
		}
		if out := must(t, "access", "check", path); (role == "") != strings.Contains(out, "ACCESS_NO_ROLES") {
			t.Errorf("%q: %s", role, out)
		}
	}
	// The holder of a token, by the token alone.
	path := write(`"security": ["` + u.Username + `"], "audit": ["token:wang"]`)
	token, _, code := add(path)
	if code != 0 {
		t.Fatal("no token")
	}
	for environment, want := range map[string]int{"GENGTU_TOKEN=" + strings.TrimSpace(token): 0, "GENGTU_TOKEN=wrong": 1, "GENGTU_TOKEN=": 1} {
		if code := verify(path, environment); code != want {
			t.Errorf("%.20s: exit code %d, want %d", environment, code, want)
		}
	}
	if _, errs, code := add(write(`"security": ["li"], "audit": ["li"]`)); code != 1 || !strings.Contains(errs, "line 1: ") || !strings.Contains(errs, "ACCESS_ROLE") {
		t.Errorf("two roles: exit code %d\n%s", code, errs)
	}
}

// actLines are the outcomes and names of the acts in a log, read past the program, which
// shows a log to auditors alone.
func actLines(t *testing.T, dir string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "acts.000001.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for line := range bytes.Lines(data) {
		var r struct{ Act, Outcome string }
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&out, r.Outcome, r.Act)
	}
	return out.String()
}

// A log is shown and pruned by who has the role, however it is named: beside its access
// file, away from it, and whatever access file is named instead.
func TestAuditAsksForTheRole(t *testing.T) {
	u, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file, free := filepath.Join(dir, "access.json"), filepath.Join(dir, "free.json")
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(file, `{"roles": {"security": ["`+u.Username+`"], "audit": ["li"]}, "tokens": []}`)
	write(free, `{"tokens": []}`)
	must(t, "token", "add", "--access", file, "--tier", "secure", "--name", "wang")
	log, away := file+".audit", filepath.Join(dir, "away")
	if err := os.CopyFS(away, os.DirFS(log)); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(log, link); err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"show", "prune"} {
		for name, c := range map[string]struct {
			args []string
			want string
		}{
			"its directory": {[]string{log}, "[ROLE]"}, "with a slash": {[]string{log + "/"}, "[ROLE]"}, "by a link": {[]string{link}, "[ROLE]"},
			"with another's file": {[]string{log, "--access", free}, "[ROLE]"}, "a copy": {[]string{away}, "[AUDIT_ROLES]"}, "a copy, with the file": {[]string{away, "--access", file}, "[ROLE]"},
		} {
			out, errs, code := as(t, []string{"GENGTU_ACCESS="}, append([]string{"audit", verb}, c.args...)...)
			if code != 1 || out != "" || !strings.Contains(errs, c.want) || !strings.Contains(errs, "audit") {
				t.Errorf("%s, %s: exit code %d, want %s\n%s%s", verb, name, code, c.want, out, errs)
			}
		}
	}
	must(t, "audit", "verify", away) // evidence may be looked over
	write(file, `{"roles": {"audit": ["`+u.Username+`"]}, "tokens": []}`)
	if out := must(t, "audit", "show", log); !strings.Contains(out, "token add") {
		t.Error(out)
	}
	if out := must(t, "audit", "verify", log); !strings.Contains(out, "give --kept") {
		t.Error(out)
	}
	head := filepath.Join(away, "acts.head.json")
	if err := os.Remove(head); err != nil {
		t.Fatal(err)
	}
	if out, errs, code := gengtu(t, "audit", "verify", away); code != 1 || !strings.Contains(errs, "[AUDIT_HEAD_MISSING]") || strings.Contains(out, "whole") {
		t.Errorf("without a head: exit code %d\n%s%s", code, out, errs)
	}
}
