package main_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Ensure: a package above public that is not encrypted is made, with a warning, and is not
// made where the key file asks for encryption.
func TestPackInTheClear(t *testing.T) {
	e := theEditions(t)
	dir := t.TempDir()
	k := filepath.Join(dir, "k")
	_, errs, code := gengtu(t, "key", "new", "--out", k)
	if code != 0 || !strings.Contains(errs, "takes packages of secure, government, public") {
		t.Errorf("key new does not say what it gives: %d %s", code, errs)
	}
	for name, from := range map[string]string{"secure": e.Secure, "government": e.Government, "public": e.Public} {
		at := filepath.Join(dir, name)
		if err := os.CopyFS(at, os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
		_, errs, code := gengtu(t, "pack", "--edition", at, "--key", k, "--out", at+".gtp")
		if warned := strings.Contains(errs, "warning: ") && strings.Contains(errs, "[PACK_PLAIN]"); code != 0 || warned == (name == "public") {
			t.Errorf("%s in the clear: %d %s", name, code, errs)
		}
		if _, errs, code = gengtu(t, "pack", "--edition", at, "--key", k, "--out", at+".gtp", "--force", "--encrypt-for", k+".pub"); code != 0 || strings.Contains(errs, "PACK_PLAIN") {
			t.Errorf("%s encrypted: %d %s", name, code, errs)
		}
	}
	text, err := os.ReadFile(k)
	if err == nil {
		err = os.WriteFile(k, append([]byte("encrypt: required\n"), text...), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "x.gtp")
	if _, errs, code = gengtu(t, "--lang", "zh", "pack", "--edition", filepath.Join(dir, "secure"), "--key", k, "--out", out); code != 1 || !strings.Contains(errs, "[PACK_PLAIN]") || !strings.Contains(errs, "要求加密") {
		t.Errorf("against the key file: %d %s", code, errs)
	}
	if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it was made: %v", err)
	}
}

// Ensure: a command that was to release something and does not say what is wrong; a list is
// asked for by its name. Two names in one command are not two persons, and a receipt that is
// not signed is told of.
func TestReleaseSaysWhat(t *testing.T) {
	e := theEditions(t)
	k, dir := key(t, "std"), t.TempDir()
	from, there, file := filepath.Join(dir, "from"), filepath.Join(dir, "there"), filepath.Join(dir, "p.gtp")
	if err := os.CopyFS(from, os.DirFS(e.Public)); err != nil {
		t.Fatal(err)
	}
	must(t, "pack", "--edition", from, "--key", k, "--out", file)
	if _, errs, code := gengtu(t, "unpack", "--trust", k+".pub", "--out", there, "--by", "a", "--released-by", "b", file); code != 1 || !strings.Contains(errs, "[RELEASE_SAME]") {
		t.Errorf("two names in one command: %d %s", code, errs)
	}
	if _, errs, code := gengtu(t, "unpack", "--trust", k+".pub", "--out", there, "--hold", "--by", "a", file); code != 0 || !strings.Contains(errs, "not signed") {
		t.Errorf("unsigned: %d %s", code, errs)
	}
	if out := must(t, "release", "list", "--edition", there); !strings.Contains(out, "gtp-public-") {
		t.Error(out)
	}
	id := strings.Fields(must(t, "release", "list", "--edition", there))[0]
	if _, errs, code := gengtu(t, "release", "--edition", there, "--trust", k+".pub", "--by", "b"); code != 2 || !strings.Contains(errs, "[RELEASE_WHICH]") {
		t.Errorf("release of nothing: %d %s", code, errs)
	}
	if _, errs, code := gengtu(t, "release", "--edition", there, "--trust", k+".pub", "--by", "b", id); code != 0 || !strings.Contains(errs, "[RELEASE_TYPED]") {
		t.Errorf("two names by one account: %d %s", code, errs)
	}
}
