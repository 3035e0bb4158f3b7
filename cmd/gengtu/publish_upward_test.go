package main_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gengtu/index/edition"
)

// No edition becomes one of its own tier or of a higher one: by publish, with a manifest
// that says another tier, in the directory of another tier, or by way of a package.
func TestNeverUpward(t *testing.T) {
	e := theEditions(t)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	from := map[edition.Tier]string{edition.Secure: at("secure"), edition.Government: at("government"), edition.Public: at("public")}
	for tier, of := range map[edition.Tier]string{edition.Secure: e.Secure, edition.Government: e.Government, edition.Public: e.Public} {
		if err := os.CopyFS(from[tier], os.DirFS(of)); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(codes string, args ...string) {
		t.Helper()
		_, stderr, exit := gengtu(t, args...)
		i := strings.LastIndex(stderr, "[")
		want := 1
		if args[0] == "publish" && slices.Contains(args, string(edition.Secure)) {
			want = 2 // whatever is published
		}
		code, _, _ := strings.Cut(stderr[max(i, 0):], "]")
		if exit != want || i < 0 || !strings.Contains(codes, strings.Trim(code, "[")) {
			t.Errorf("%v: exit %d, want %s: %s", args, exit, codes, stderr)
		}
	}
	absent := func(name string) {
		t.Helper()
		if _, err := os.Stat(at(name)); err == nil {
			t.Errorf("%s is there", name)
		}
	}
	for tier, of := range from {
		for _, to := range edition.Tiers {
			if tier.Above(to) {
				continue
			}
			refused("PUBLISH_UPWARD", "publish", "--from", of, "--tier", string(to), "--out", at("up"))
			absent("up")
		}
	}
	// Into the directory of another tier, its own too.
	refused("TIER_CHANGED", "publish", "--from", from[edition.Secure], "--tier", "public", "--out", from[edition.Secure])
	refused("TIER_CHANGED", "publish", "--from", from[edition.Secure], "--tier", "public", "--out", from[edition.Government])
	refused("TIER_CHANGED", "publish", "--from", from[edition.Secure], "--tier", "government", "--out", from[edition.Public])
	// A manifest that was edited says what its generation's name does not.
	for _, c := range []struct{ of, as edition.Tier }{{edition.Public, edition.Secure}, {edition.Public, edition.Government}, {edition.Government, edition.Secure}} {
		forged := at("forged-" + string(c.of) + string(c.as))
		if err := os.CopyFS(forged, os.DirFS(from[c.of])); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(edition.Path(forged, manifestOf(t, forged).Generation), edition.ManifestFile)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		edited := strings.Replace(string(text), `"tier": "`+string(c.of)+`"`, `"tier": "`+string(c.as)+`"`, 1)
		if edited == string(text) {
			t.Fatal("the manifest names no tier")
		}
		if err := os.WriteFile(path, []byte(edited), 0o600); err != nil {
			t.Fatal(err)
		}
		refused("MANIFEST_BROKEN", "publish", "--from", forged, "--tier", "public", "--out", at("up"))
		refused("MANIFEST_BROKEN", "publish", "--from", forged, "--tier", "government", "--out", at("up"))
		refused("MANIFEST_BROKEN", "verify", forged)
		absent("up")
	}
	// A package goes to a network of its tier or a higher one, and into an edition of its own tier.
	k := key(t, "std")
	for tier, of := range from {
		file := at(string(tier) + ".gtp")
		must(t, "pack", "--edition", of, "--key", k, "--out", file)
		for _, level := range edition.Tiers {
			if tier.Above(level) {
				refused("PACKAGE_LEVEL", "unpack", "--trust", k+".pub", "--tier", string(level), "--out", at("net-"+string(level)), file)
			}
			if tier == level {
				continue
			}
			before := manifestOf(t, from[level])
			refused("PACKAGE_LEVEL PACK_TIER", "unpack", "--trust", k+".pub", "--tier", "secure", "--replace", "--out", from[level], file)
			if now := manifestOf(t, from[level]); now.Generation != before.Generation {
				t.Errorf("a package of %s is in force in %s", tier, level)
			}
		}
	}
	for tier, of := range from {
		if m := manifestOf(t, of); m.Tier != tier {
			t.Errorf("%s has become %s", tier, m.Tier)
		}
	}
}
