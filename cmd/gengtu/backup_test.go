package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gengtu/index/backup"
)

// The drill: a backup is made while a server answers and a generation is put in force, and
// taken out into an empty place; a server there answers the same under the same tokens, the
// audit log's chains hold, and so does the register.
func TestBackupDrill(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "d")
	must(t, "sample", "--out", data, "--parcels", "120")
	secure, public := filepath.Join(dir, "secure"), filepath.Join(dir, "public")
	ingest := func(year string) {
		must(t, "ingest", "--out", secure, "--zooms", "5-6", "--layer", "dltb@"+year+"="+filepath.Join(data, year, "DLTB.shp"), "--layer", "region@"+year+"="+filepath.Join(data, year, "XZQ.fgb"))
	}
	ingest("2023")
	must(t, "publish", "--from", secure, "--tier", "public", "--out", public)
	// Records of exchange.
	k := key(t, "std")
	must(t, "pack", "--edition", public, "--key", k, "--out", filepath.Join(dir, "p.gtp"), "--approved-by", "甲", "--approved-by", "乙")
	s := serve(t, secure, public)
	questions := []string{"/secure/catalog", "/secure/summary?by=village", "/public/catalog", "/public/summary?by=township", "/public/places"}
	ask := func(s *server, generation map[string]string) map[string]string {
		out := map[string]string{}
		for _, q := range questions {
			tier, _, _ := strings.Cut(q[1:], "/")
			sep := "?"
			if strings.Contains(q, "?") {
				sep = "&"
			}
			a := s.do(t, "GET", q+sep+"generation="+generation[tier], nil)
			if a.Status != 200 {
				t.Fatalf("%s: %d %s", q, a.Status, a.Body)
			}
			out[q] = strings.ReplaceAll(string(a.Body), s.URL, "URL")
		}
		return out
	}
	// Requests and a new generation while the backup is made.
	var wait sync.WaitGroup
	stop := make(chan struct{})
	wait.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				s.do(t, "GET", "/secure/catalog", nil)
			}
		}
	})
	wait.Go(func() { ingest("2024") })
	file := filepath.Join(dir, "all.tar")
	must(t, "backup", "--out", file, "--edition", secure, "--edition", public, "--access", s.access, "--also", filepath.Join(data, "2023", "XZQ.fgb"))
	close(stop)
	wait.Wait()
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	must(t, "restore", "--check", file)

	place := filepath.Join(dir, "restored")
	must(t, "restore", "--out", place, file)
	generation := map[string]string{"secure": current(t, filepath.Join(place, "secure")), "public": current(t, filepath.Join(place, "public"))}
	want := ask(s, generation)
	for _, tier := range []string{"secure", "public"} {
		must(t, "verify", filepath.Join(place, tier))
	}
	must(t, "audit", "verify", filepath.Join(place, "access.json.audit"))
	must(t, "policy", "register", filepath.Join(place, "secure"))
	must(t, "exchange", "verify", "--edition", filepath.Join(place, "public"))
	again := &server{tokens: s.tokens, log: &lockedBuffer{}, access: filepath.Join(place, "access.json")}
	again.start(t, "serve", "--listen", "127.0.0.1:0", "--access", again.access, "--edition", filepath.Join(place, "secure"), "--edition", filepath.Join(place, "public"))
	for q, got := range ask(again, generation) {
		if got != want[q] {
			t.Errorf("%s:\n got %.300s\nwant %.300s", q, got, want[q])
		}
	}
	// The key is the same: what is published from there has the same ids.
	for _, name := range []string{"publisher.key", "register.jsonl"} {
		a, err := os.ReadFile(filepath.Join(secure, name))
		b, berr := os.ReadFile(filepath.Join(place, "secure", name))
		if err := errors.Join(err, berr); err != nil || !bytes.Equal(a, b) {
			t.Errorf("%s: %v", name, err)
		}
	}
	refusedBackups(t, dir, file, secure, place)
}

// refusedBackups asks for what cannot be done; nothing may be left behind.
func refusedBackups(t *testing.T, dir, file, secure, place string) {
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	cut, flipped := filepath.Join(dir, "cut.tar"), filepath.Join(dir, "flipped.tar")
	middle := bytes.Clone(whole)
	middle[len(middle)/2] ^= 1
	if err := errors.Join(os.WriteFile(cut, whole[:len(whole)/2], 0o600), os.WriteFile(flipped, middle, 0o600)); err != nil {
		t.Fatal(err)
	}
	damaged := filepath.Join(dir, "damaged")
	if err := os.CopyFS(damaged, os.DirFS(secure)); err != nil {
		t.Fatal(err)
	}
	features := filepath.Join(damaged, current(t, damaged), "features.db")
	text, err := os.ReadFile(features)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	if err := os.WriteFile(features, text, 0o600); err != nil {
		t.Fatal(err)
	}
	// An archive that does not say where its edition was is looked at all the same.
	unnamed := filepath.Join(dir, "unnamed.tar")
	var out bytes.Buffer
	w := backup.NewWriter(&out, "test", time.Now())
	_, err = w.Put(t.Context(), backup.Entry{Name: "secure/CURRENT", Bytes: 2, Mode: 0o640}, strings.NewReader("x\n"))
	_, cerr := w.Close()
	if err := errors.Join(err, cerr, os.WriteFile(unnamed, out.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	huge := filepath.Join(dir, "huge.tar") // takes no room itself
	if err := errors.Join(os.WriteFile(huge, nil, 0o600), os.Truncate(huge, 15<<40)); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(secure, link); err != nil {
		t.Fatal(err)
	}
	before := names(t, dir) + names(t, secure)
	for name, c := range map[string]struct {
		args []string
		code string
		exit int
	}{
		"half of a backup":       {[]string{"restore", "--out", filepath.Join(dir, "new"), cut}, "BACKUP_BROKEN", 1},
		"another bit":            {[]string{"restore", "--out", filepath.Join(dir, "new"), flipped}, "BACKUP_BROKEN", 1},
		"another bit, checked":   {[]string{"restore", "--check", flipped}, "BACKUP_BROKEN", 1},
		"an edition of nowhere":  {[]string{"restore", "--out", filepath.Join(dir, "new"), unnamed}, "CURRENT_BROKEN", 1},
		"no backup":              {[]string{"restore", "--out", filepath.Join(dir, "new"), features}, "BACKUP_BROKEN", 1},
		"a place that is taken":  {[]string{"restore", "--out", place, file}, "OUT_NOT_EMPTY", 1},
		"a file that is not":     {[]string{"restore", "--out", filepath.Join(dir, "new"), file + "x"}, "FILE_UNREADABLE", 1},
		"more than the disc has": {[]string{"restore", "--out", filepath.Join(dir, "new"), huge}, "OUT_ROOM", 1},
		"no place":               {[]string{"restore", file}, "FLAG_MISSING", 2},
		"a damaged edition":      {[]string{"backup", "--out", filepath.Join(dir, "new.tar"), "--edition", damaged}, "CHECKSUM", 1},
		"over another one":       {[]string{"backup", "--out", file, "--edition", secure}, "BACKUP_EXISTS", 1},
		"an edition twice":       {[]string{"backup", "--out", filepath.Join(dir, "new.tar"), "--edition", secure, "--edition", secure}, "TIER_TWICE", 1},
		"no edition":             {[]string{"backup", "--out", filepath.Join(dir, "new.tar"), "--edition", filepath.Join(dir, "none")}, "EDITION_MISSING", 1},
		"nothing":                {[]string{"backup", "--out", filepath.Join(dir, "new.tar")}, "FLAG_MISSING", 2},
		"into the edition":       {[]string{"backup", "--out", filepath.Join(secure, "CURRENT"), "--edition", secure}, "OUT_INSIDE", 1},
		"onto what it takes":     {[]string{"backup", "--out", cut, "--edition", secure, "--also", cut}, "OUT_INSIDE", 1},
		"into it by a link":      {[]string{"backup", "--out", filepath.Join(link, "x.tar"), "--edition", secure}, "OUT_INSIDE", 1},
		"an access file missing": {[]string{"backup", "--out", filepath.Join(dir, "new.tar"), "--access", filepath.Join(dir, "none.json")}, "ACCESS_READ", 1},
	} {
		_, errs, exit := gengtu(t, append(c.args, "--json")...)
		var said struct{ Error struct{ Code string } }
		for line := range strings.Lines(errs) {
			_ = json.Unmarshal([]byte(line), &said) // progress is no JSON
		}
		if exit != c.exit || said.Error.Code != c.code {
			t.Errorf("%s: exit code %d, %s\n%s", name, exit, said.Error.Code, errs)
		}
	}
	// A disc that takes no more: what was begun is gone, and the place is told, not its passing name.
	into := filepath.Join(dir, "new")
	limited := exec.Command("sh", "-c", `ulimit -f 8 && exec "$@"`, "sh", binary(), "restore", "--lang", "en", "--out", into, file)
	if out, err := limited.CombinedOutput(); err == nil || !strings.Contains(string(out), into+": the file cannot be written (file too large)") || !strings.Contains(string(out), "OUT_UNWRITABLE") {
		t.Errorf("a disc that takes no more: %v %s", err, out)
	}
	if after := names(t, dir) + names(t, secure); after != before {
		t.Errorf("left behind: %s, before %s", after, before)
	}
}

// names lists what is in a directory.
func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return strings.Join(out, " ")
}

// current is the generation in force.
func current(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "CURRENT"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}
