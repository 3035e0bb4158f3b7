package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What a policy says that nothing known answers to is told with its line, against an
// edition also by what that has; a section of public without a word on geometry is refused
// by check and by publish, and one that says it is cautioned against by all who tell of it.
func TestPolicyDoubts(t *testing.T) {
	secure := small(t)
	file := filepath.Join(t.TempDir(), "p.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("name: x\ntiers:\n  public:\n    max_zoom: 14\n    GEOMETRY\n    layers:\n      hfs: {}\n      hsf: {fields: [XMMC]}\n      soil: {}\n")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	write(strings.Replace(string(text), "    GEOMETRY\n", "", 1))
	out := filepath.Join(t.TempDir(), "public")
	for _, args := range [][]string{{"policy", "check", file}, {"publish", "--from", secure, "--tier", "public", "--policy", file, "--out", out}} {
		if stdout, stderr, exit := gengtu(t, args...); exit != 1 || !strings.Contains(stdout+stderr, "3") || !strings.Contains(stdout+stderr, "POLICY_FILE") || !strings.Contains(stdout+stderr, "as_surveyed") {
			t.Errorf("%v: exit %d, %s %s", args, exit, stdout, stderr)
		}
	}
	if _, err := os.Stat(filepath.Join(out, "CURRENT")); err == nil {
		t.Error("there is a public edition")
	}

	write(strings.Replace(string(text), "GEOMETRY", "as_surveyed: true", 1))
	_, stderr, exit := gengtu(t, "--lang", "en", "policy", "check", file)
	if exit != 0 || !strings.Contains(stderr, "line 7: ") || !strings.Contains(stderr, `no standard layer is called "hfs"`) || !strings.Contains(stderr, "nothing is said of government") || !strings.Contains(stderr, "as fine as they were surveyed") || strings.Contains(stderr, `"soil"`) {
		t.Errorf("exit %d: %s", exit, stderr)
	}
	_, stderr, exit = gengtu(t, "--lang", "en", "policy", "check", "--edition", secure, file)
	if exit != 0 || !strings.Contains(stderr, `line 7: tiers.public.layers.hfs: the edition has no layer "hfs"; it has`) || !strings.Contains(stderr, `line 9: tiers.public.layers.soil: the edition has no layer "soil"`) || strings.Contains(stderr, `"hsf"`) {
		t.Errorf("exit %d: %s", exit, stderr)
	}
	var doc struct {
		Doubts   []json.RawMessage
		Cautions map[string][]string
	}
	decode(t, []byte(must(t, "--json", "policy", "check", file)), &doc)
	if len(doc.Doubts) != 2 || len(doc.Cautions["public"]) == 0 {
		t.Errorf("as JSON: %+v", doc)
	}
	stdout, stderr, exit := gengtu(t, "--lang", "en", "publish", "--from", secure, "--tier", "public", "--policy", file, "--out", out)
	if exit != 0 || !strings.Contains(stdout, "as fine as they were surveyed") || !strings.Contains(stderr, "as fine as they were surveyed") {
		t.Errorf("publish: exit %d, %s, %s", exit, stdout, stderr)
	}
	if said := must(t, "--lang", "en", "policy", "diff", "default", file); !strings.Contains(said, "gains  shapes as fine as they were surveyed") {
		t.Errorf("diff: %s", said)
	}
	if line, err := os.ReadFile(filepath.Join(secure, "register.jsonl")); err != nil || !strings.Contains(string(line), `"as_surveyed":true`) {
		t.Errorf("the register: %v %s", err, line)
	}
	if _, _, exit := gengtu(t, "policy", "show", "--edition", secure); exit != 2 {
		t.Errorf("show takes an edition: %d", exit)
	}
	var shown struct{ Name, Digest, Text string }
	decode(t, []byte(must(t, "--json", "policy", "show")), &shown)
	if shown.Name != "default" || len(shown.Digest) != 64 || shown.Text != must(t, "policy", "show") {
		t.Errorf("show as JSON: %.200s", shown.Text)
	}
}

// A register that is gone though the publisher's key shows that something was published is
// told of, by who reads it and by the next publication; where nothing was published there
// is none to miss.
func TestRegisterIsMissed(t *testing.T) {
	secure := small(t)
	if out := must(t, "--lang", "en", "policy", "register", secure); !strings.Contains(out, "0 publications") {
		t.Error(out)
	}
	publishJSON(t, "--from", secure, "--tier", "public", "--out", filepath.Join(t.TempDir(), "a"))
	must(t, "policy", "register", secure)
	register := filepath.Join(secure, "register.jsonl")
	for name, lose := range map[string]func() error{
		"gone": func() error { return os.Remove(register) }, "emptied": func() error { return os.WriteFile(register, nil, 0o600) },
	} {
		if err := lose(); err != nil {
			t.Fatal(err)
		}
		stdout, stderr, exit := gengtu(t, "policy", "register", secure)
		if exit != 1 || !strings.Contains(stderr, "REGISTER_MISSING") || stdout != "" {
			t.Errorf("%s: exit %d, %s %s", name, exit, stdout, stderr)
		}
		_, stderr, exit = gengtu(t, "--lang", "en", "publish", "--from", secure, "--tier", "public", "--out", filepath.Join(t.TempDir(), "b"))
		if exit != 0 || !strings.Contains(stderr, "the register has no line") {
			t.Errorf("%s: publish: exit %d, %s", name, exit, stderr)
		}
		must(t, "policy", "register", secure)
	}
}

// By a policy that tells townships no way out of the edition tells a village's code: the
// dump, an export, sums, and the bytes of its files.
func TestNoFinerPlaceLeaves(t *testing.T) {
	secure := small(t)
	dir := t.TempDir()
	file, out := filepath.Join(dir, "p.yaml"), filepath.Join(dir, "government")
	text := "name: x\ntiers: {government: {grid_m: 0, max_zoom: 14, pieces: true, place_digits: 9, layers: {pbf: {fields: [ZLDWDM, QSDWDM, ZLDWMC, DLBM]}, region: {fields: known}}}}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "publish", "--from", secure, "--tier", "government", "--policy", file, "--out", out)
	ways := func(edition string) map[string]string {
		export := filepath.Join(t.TempDir(), "pbf.geojson")
		must(t, "export", "--edition", edition, "--layer", "pbf", "--out", export)
		data, err := os.ReadFile(export)
		if err != nil {
			t.Fatal(err)
		}
		return map[string]string{"dump": must(t, "verify", edition, "--dump"), "export": string(data), "files": string(bytesOf(t, edition))}
	}
	higher := ways(secure)
	village := regexp.MustCompile(`"ZLDWDM": ?"(\d{9}(\d{3}))\d{7}"`)
	codes := map[string]bool{}
	for _, m := range village.FindAllStringSubmatch(higher["export"], -1) {
		if m[2] != "000" {
			codes[m[1]] = true
		}
	}
	if len(codes) < 2 {
		t.Fatalf("the higher edition tells %d villages", len(codes))
	}
	for way, text := range ways(out) {
		for code := range codes {
			if strings.Contains(text, code) {
				t.Errorf("%s tells village %s", way, code)
			}
			if way != "files" && !strings.Contains(text, code[:9]) {
				t.Errorf("%s does not tell of township %s", way, code[:9])
			}
		}
	}
}
