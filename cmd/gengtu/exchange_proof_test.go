package main_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gengtu/index/edition"
)

// trust writes a trust file of a head and public keys, each with a line instead of its
// tiers where one is given.
func trust(t testing.TB, head string, keys ...[2]string) string {
	t.Helper()
	text := head
	for _, k := range keys {
		data, err := os.ReadFile(k[0] + ".pub")
		if err != nil {
			t.Fatal(err)
		}
		public := string(data)
		if k[1] != "" {
			public = strings.Replace(public, "tiers: secure, government, public", k[1], 1)
		}
		text += public
	}
	path := filepath.Join(t.TempDir(), "trust")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// person makes the key of somebody.
func person(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "k")
	must(t, "key", "new", "--out", path, "--name", name)
	return path
}

// Ensure: by the commands alone two persons with keys of their own let a package in that
// two others approved, the receipt names them, and the log of it is verified; a file that
// is there is not packed over, and an edition's level is told for a new directory.
func TestProofs(t *testing.T) {
	e := theEditions(t)
	dir := t.TempDir()
	from, there, file := filepath.Join(dir, "from"), filepath.Join(dir, "there"), filepath.Join(dir, "p.gtp")
	if err := os.CopyFS(from, os.DirFS(e.Secure)); err != nil {
		t.Fatal(err)
	}
	sender, li, zhang, a, b := key(t, "std"), person(t, "li"), person(t, "zhang"), person(t, "甲"), person(t, "乙")
	pack := []string{"pack", "--json", "--edition", from, "--key", sender, "--out", file, "--approve-key", a, "--approve-key", b, "--document", "号1"}
	var m struct{ ID string }
	if err := json.Unmarshal([]byte(must(t, pack...)), &m); err != nil {
		t.Fatal(err)
	}
	fails := func(code string, args ...string) {
		t.Helper()
		if _, errs, exit := gengtu(t, args...); exit != 1 || !strings.Contains(errs, "["+code+"]") && !strings.Contains(errs, `"code":"`+code+`"`) {
			t.Errorf("%v: %d %s", args, exit, errs)
		}
	}
	fails("PACK_EXISTS", pack...)
	fails("PACK_TIER", "unpack", "--trust", trust(t, "", [2]string{sender, "# no tiers"}), "--out", there, file)
	fails("PACKAGE_SENDER", "unpack", "--tier", "secure", "--trust", trust(t, "", [2]string{sender, "tiers: public"}), "--out", there, file)
	keys := trust(t, "we: 县局\napprovals: 2\n", [2]string{sender}, [2]string{li, "signs: import"}, [2]string{zhang, "signs: release"}, [2]string{a, "signs: approval"}, [2]string{b, "signs: approval"})
	if out := must(t, "key", "show", keys); !strings.Contains(out, "signs: release") || !strings.Contains(out, "tiers: secure") {
		t.Error(out)
	}
	fails("RELEASE_PROOF", "unpack", "--trust", keys, "--out", there, "--by", "li", file)
	if out := must(t, "unpack", "--trust", keys, "--out", there, "--by-key", li, file); !strings.Contains(out, "waits") {
		t.Error(out)
	}
	fails("RELEASE_PROOF", "release", "--trust", keys, "--edition", there, "--by", "zhang", m.ID)
	fails("RELEASE_PROOF", "release", "--trust", keys, "--edition", there, "--by-key", li, m.ID)
	var done struct {
		Outcome            string
		Importer, Releaser struct{ Name, Proof string }
	}
	if err := json.Unmarshal([]byte(must(t, "release", "--json", "--trust", keys, "--edition", there, "--by-key", zhang, m.ID)), &done); err != nil {
		t.Fatal(err)
	}
	if done.Outcome != "accepted" || done.Importer.Name != "li" || done.Releaser.Name != "zhang" || done.Importer.Proof != "key" || done.Releaser.Proof != "key" {
		t.Errorf("%+v", done)
	}
	sameEdition(t, from, there)
	receipt, err := os.ReadFile(filepath.Join(there, edition.ExchangeDir, "receipts", m.ID+".json"))
	if err != nil || !strings.Contains(string(receipt), `"approvals":["甲","乙"]`) {
		t.Errorf("%s %v", receipt, err)
	}
	var sum struct {
		Lines int
		Hash  string
	}
	if err := json.Unmarshal([]byte(must(t, "exchange", "verify", "--json", "--edition", there)), &sum); err != nil || sum.Lines < 10 {
		t.Fatal(sum, err)
	}
	must(t, "exchange", "verify", "--edition", there, "--kept", sum.Hash)
	log := filepath.Join(there, edition.ExchangeDir, "log.jsonl")
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(log, []byte(strings.Replace(string(text), "refused", "done", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	fails("EXCHANGE_LOG", "exchange", "verify", "--edition", there)
	must(t, append(pack, "--force")...)
	for _, args := range [][]string{{"exchange", "verify"}, {"key", "new", "--out", file + "k", "--tiers", "x"}, {"unpack", "--trust", keys, "--out", there, "--quarantine-gb", "0", file}} {
		if _, _, exit := gengtu(t, args...); exit != 2 {
			t.Errorf("%v: %d", args, exit)
		}
	}
}

// Ensure: what a secure network does with packages runs no line of the library of SM2, SM3
// and SM4: of a binary that counts what it runs, only its tables are made at the start.
func TestSecureRunsNoSM(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the program")
	}
	e := theEditions(t)
	dir := t.TempDir()
	binary := filepath.Join(dir, "gengtu")
	if out, err := exec.Command("go", "build", "-cover", "-covermode=set", "-coverpkg=github.com/emmansun/gmsm/...,gengtu/cmd/gengtu", "-o", binary, "gengtu/cmd/gengtu").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	from := filepath.Join(dir, "from")
	if err := os.CopyFS(from, os.DirFS(e.Secure)); err != nil {
		t.Fatal(err)
	}
	inbox, outbox, subscriptions := filepath.Join(dir, "in"), filepath.Join(dir, "out"), filepath.Join(dir, "s.yaml")
	for _, err := range []error{
		os.Mkdir(inbox, 0o700), os.Mkdir(outbox, 0o700), os.Mkdir(filepath.Join(dir, "secure"), 0o700), os.Mkdir(filepath.Join(dir, "sm"), 0o700),
		os.WriteFile(subscriptions, []byte("subscriptions: [{name: a, layer: pbf, begin: whole}]\n"), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	run := func(counts string, args ...string) {
		t.Helper()
		c := exec.Command(binary, args...)
		c.Env = append(os.Environ(), "GOCOVERDIR="+filepath.Join(dir, counts))
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	k := filepath.Join(dir, "k")
	run("secure", "key", "new", "--out", k)
	run("secure", "pack", "--edition", from, "--key", k, "--encrypt-for", k+".pub", "--approve-key", k, "--out", filepath.Join(inbox, "a.gtp"))
	at := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(inbox, "a.gtp"), at, at); err != nil {
		t.Fatal(err)
	}
	there := filepath.Join(dir, "there")
	run("secure", "exchange", "--edition", there, "--tier", "secure", "--inbox", inbox, "--outbox", outbox, "--trust", k+".pub", "--decrypt", k, "--key", k, "--subscriptions", subscriptions)
	run("secure", "exchange", "verify", "--edition", there)
	run("secure", "verify", there)
	if n := smLines(t, dir, "secure"); n > 0 {
		t.Errorf("%d statements of gmsm were run", n)
	}
	// The counting finds them where they are run.
	run("sm", "key", "new", "--suite", "sm", "--out", k+"sm")
	if n := smLines(t, dir, "sm"); n == 0 {
		t.Error("SM2 made a key, and nothing was counted")
	}
}

// smLines counts the statements of gmsm that were run, but for what every program runs
// that has it: what its packages make when the program begins.
func smLines(t *testing.T, dir, counts string) int {
	t.Helper()
	lines := func(counts string) map[string]bool {
		out := filepath.Join(dir, counts+".txt")
		if text, err := exec.Command("go", "tool", "covdata", "textfmt", "-i="+filepath.Join(dir, counts), "-o="+out).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		data, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		ran := map[string]bool{}
		for _, l := range strings.Split(string(data), "\n") {
			if strings.HasPrefix(l, "github.com/emmansun/gmsm/") && strings.HasSuffix(l, " 1") {
				ran[l] = true
			}
		}
		return ran
	}
	start := filepath.Join(dir, "start")
	if err := os.MkdirAll(start, 0o700); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(filepath.Join(dir, "gengtu"), "version")
	c.Env = append(os.Environ(), "GOCOVERDIR="+start)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	begun, n := lines("start"), 0
	for l := range lines(counts) {
		if !begun[l] {
			t.Logf("%s: %s", counts, l)
			n++
		}
	}
	return n
}
