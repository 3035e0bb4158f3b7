package main_test

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/edition"
)

// key makes a key file and returns its path.
func key(t testing.TB, suite string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), suite+".pem")
	must(t, "key", "new", "--out", path, "--suite", suite, "--name", suite+"市局")
	return path
}

// sameEdition fails unless two editions hold the same, each feature, tile and cell, under
// the same name and description.
func sameEdition(t testing.TB, a, b string) {
	t.Helper()
	x, m := stored(t, a)
	y, n := stored(t, b)
	if diff := cmp.Diff(x, y); diff != "" {
		t.Fatalf("%s and %s differ: %.2000s", a, b, diff)
	}
	if m.Generation != n.Generation || m.ContentHash != n.ContentHash {
		t.Errorf("%s %s, %s %s", m.Generation, m.ContentHash, n.Generation, n.ContentHash)
	}
	if diff := cmp.Diff([]any{m.Layers, m.Policy, m.BuiltZooms, m.MaxZoom, m.Tier, m.Tiles}, []any{n.Layers, n.Policy, n.BuiltZooms, n.MaxZoom, n.Tier, n.Tiles}); diff != "" {
		t.Error(diff)
	}
}

// An edition of each tier comes out of its packages as it went in: full ones and
// deltas, after updates and with a vintage more, encrypted and with each suite.
func TestPackages(t *testing.T) {
	c := smallCountry(t, 300)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	c.ingest(t, at("secure"))
	std, sm := key(t, "std"), key(t, "sm")
	send := func(name, k string, more ...string) {
		t.Helper()
		file := filepath.Join(t.TempDir(), "p.gtp")
		must(t, append([]string{"pack", "--edition", at(name), "--key", k, "--out", file, "--approved-by", "甲", "--approved-by", "乙"}, more...)...)
		must(t, "unpack", "--trust", k+".pub", "--decrypt", k, "--out", at(name+"-there"), file)
		sameEdition(t, at(name), at(name+"-there"))
		must(t, "verify", at(name+"-there"))
	}
	publish := func() {
		for _, tier := range []string{"government", "public"} {
			must(t, "publish", "--from", at("secure"), "--tier", tier, "--out", at(tier))
		}
	}
	publish()
	send("secure", std)
	send("government", sm, "--encrypt-for", sm+".pub")
	send("public", std, "--encrypt-for", std+".pub")
	for round := range 2 {
		ch := c.random(t, rand.New(rand.NewPCG(uint64(round), 5)), 30)
		must(t, ch.args(t, at("secure"))...)
		publish()
		send("secure", std, "--since", "last")
		send("government", sm, "--since", "last", "--encrypt-for", sm+".pub")
		send("public", std, "--since", "last")
	}
	must(t, "ingest", "--out", at("secure"), "--add", "--layer", "hsf@2023="+write(t, "hsf", c.layers["hsf"]))
	publish()
	send("secure", std, "--since", "last")
	send("government", sm, "--since", "last")
	if n := strings.Count(must(t, "history", at("secure-there")), "\n"); n != edition.DefaultKeep {
		t.Errorf("%d generations are kept", n)
	}
	// A secure edition is neither signed nor trusted with SM2 in software.
	for _, args := range [][]string{
		{"pack", "--edition", at("secure"), "--key", sm, "--out", at("x.gtp")},
		{"pack", "--edition", at("secure"), "--key", std, "--encrypt-for", sm + ".pub", "--out", at("x.gtp")},
		{"unpack", "--trust", sm + ".pub", "--out", at("secure"), at("x.gtp")},
	} {
		if args[0] == "unpack" {
			must(t, "pack", "--edition", at("government"), "--key", sm, "--out", at("x.gtp"))
		}
		if _, errs, code := gengtu(t, args...); code != 1 || !strings.Contains(errs, "SEAL_SUITE") {
			t.Errorf("%v: %d %s", args, code, errs)
		}
	}
}

// A package waits for another person than the one who brought it in; one that is
// refused is in quarantine beside the edition, which is as it was.
func TestUnpackRefuses(t *testing.T) {
	e := theEditions(t)
	k, other := key(t, "std"), key(t, "std")
	dir := t.TempDir()
	there, file := filepath.Join(dir, "there"), filepath.Join(dir, "p.gtp")
	from := filepath.Join(dir, "from")
	if err := os.CopyFS(from, os.DirFS(e.Public)); err != nil {
		t.Fatal(err)
	}
	var m struct{ ID string }
	if err := json.Unmarshal([]byte(must(t, "pack", "--json", "--edition", from, "--key", k, "--out", file)), &m); err != nil {
		t.Fatal(err)
	}
	refuses := func(code string, args ...string) {
		t.Helper()
		_, errs, exit := gengtu(t, args...)
		if exit != 1 || !strings.Contains(errs, "["+code+"]") {
			t.Errorf("%v: %d %s", args, exit, errs)
		}
		if _, _, err := edition.Current(there); err == nil {
			t.Error("it is in force")
		}
	}
	refuses("SEAL_UNTRUSTED", "unpack", "--trust", other+".pub", "--out", there, file)
	if all, err := os.ReadDir(there + ".quarantine"); err != nil || len(all) != 1 {
		t.Errorf("in quarantine: %v %v", all, err)
	}
	refuses("RELEASE_SAME", "unpack", "--trust", k+".pub", "--out", there, "--by", "a", "--released-by", "a", file)
	if out := must(t, "unpack", "--trust", k+".pub", "--out", there, "--hold", "--by", "a", file); !strings.Contains(out, m.ID) {
		t.Error(out)
	}
	if out := must(t, "release", "--edition", there); !strings.Contains(out, m.ID) {
		t.Error(out)
	}
	refuses("RELEASE_SAME", "release", "--edition", there, "--trust", k+".pub", "--by", "a", m.ID)
	refuses("RELEASE_UNKNOWN", "release", "--edition", there, "--trust", k+".pub", "--by", "b", "gtp-none")
	must(t, "release", "--edition", there, "--trust", k+".pub", "--by", "b", m.ID)
	sameEdition(t, from, there)
	for _, args := range [][]string{
		{"pack"}, {"pack", "--edition", from, "--key", k}, {"unpack", file}, {"unpack", "--out", there, file}, {"unpack", "--trust", k, "--out", there},
		{"unpack", "--trust", k, "--out", there, "--tier", "x", file}, {"key"}, {"key", "new"}, {"key", "new", "--out", "x", "--suite", "rsa"}, {"release"},
		{"pack", "--edition", from, "--key", k, "--out", file, "--grade", "x"}, {"pack", "--edition", from, "--key", k, "--out", file, "--created", "x"},
	} {
		if _, _, code := gengtu(t, args...); code != 2 {
			t.Errorf("%v: %d", args, code)
		}
	}
}
