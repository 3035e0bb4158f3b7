package main_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/ingest/policy"
)

// small ingests two small layers of the delivery and returns the edition's directory.
func small(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "secure")
	must(t, "ingest", "--out", dir, "--layer", "hsf@2024="+delivery(t, "delivery", "2024", "GBZNT.geojson"), "--layer", "region@2024="+delivery(t, "delivery", "2024", "XZQ.fgb"),
		"--layer", "pbf@2024="+delivery(t, "delivery", "2024", "YJJBNTTB.gpkg"), "--zooms", "10-12")
	return dir
}

// registered is a line of the register as publish prints it.
type registered struct {
	Generation   string
	Event        string
	Program      string
	KeyID        string `json:"key_id"`
	By           string
	Approver     string
	Document     string
	Made         string `json:"to_generation"`
	MadeHash     string `json:"to_content_hash"`
	FromHash     string `json:"from_content_hash"`
	PolicyDigest string `json:"policy_digest"`
	Layers       []struct {
		Layer  string
		Before float64 `json:"ground_before_m2"`
		After  float64 `json:"area_after_m2"`
		Error  float64 `json:"ground_error_m2"`
	}
	Prev string
	Hash string `json:"register_hash"`
}

func publishJSON(t *testing.T, args ...string) registered {
	t.Helper()
	var r registered
	out := must(t, append([]string{"--json", "publish"}, args...)...)
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// The same input, policy and key of ids give the same content, whatever the number of
// workers and whether it is done once or again; another policy or key gives another.
func TestPublishAgain(t *testing.T) {
	secure := small(t)
	dir := t.TempDir()
	out := func(name string) string { return filepath.Join(dir, name) }
	first := publishJSON(t, "--from", secure, "--tier", "public", "--out", out("a"), "--workers", "1")
	for _, workers := range []string{"2", "5"} {
		again := publishJSON(t, "--from", secure, "--tier", "public", "--out", out("b"+workers), "--workers", workers, "--memory", "3M")
		if again.MadeHash != first.MadeHash || again.Made != first.Made || again.KeyID != first.KeyID {
			t.Errorf("with %s workers the content is %s, was %s", workers, again.MadeHash, first.MadeHash)
		}
	}
	// Nor does it depend on where the command runs, how paths are written, and the umask.
	for umask, c := range map[int]struct{ dir, from string }{0: {secure, "."}, 0o077: {dir, relative(t, dir, secure)}} {
		name := fmt.Sprintf("umask%03o", umask)
		cmd := exec.Command("sh", "-c", fmt.Sprintf(`umask %03o; exec "$0" "$@"`, umask), binary(), "--json", "publish", "--from", c.from, "--tier", "public", "--out", out(name), "--workers", "3")
		cmd.Dir = c.dir
		printed, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		var again registered
		if err := json.Unmarshal(printed, &again); err != nil || again.MadeHash != first.MadeHash || again.Made != first.Made {
			t.Errorf("in %s with umask %03o the content is %s, was %s (%v)", c.dir, umask, again.MadeHash, first.MadeHash, err)
		}
		// The content hash holds the tiles; their file's pages follow the order in which they
		// were ready.
		if a, b := manifestOf(t, out("a")).Files[edition.FeaturesFile], manifestOf(t, out(name)).Files[edition.FeaturesFile]; a != b {
			t.Errorf("with umask %03o the features are another file", umask)
		}
	}
	m := manifestOf(t, out("a"))
	if m.ContentHash != first.MadeHash || m.Generation != first.Made || m.Policy.Digest != first.PolicyDigest || manifestOf(t, secure).ContentHash != first.FromHash {
		t.Errorf("the register says %+v", first)
	}
	coarse := filepath.Join(dir, "coarse.yaml")
	if err := os.WriteFile(coarse, []byte(strings.Replace(string(policy.DefaultText()), "grid_m: 25", "grid_m: 50", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if other := publishJSON(t, "--from", secure, "--tier", "public", "--out", out("c"), "--policy", coarse); other.MadeHash == first.MadeHash || other.PolicyDigest == first.PolicyDigest {
		t.Error("another policy gives the same")
	}
	if err := os.WriteFile(filepath.Join(secure, edition.PublisherKey), []byte(strings.Repeat("ab", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if other := publishJSON(t, "--from", secure, "--tier", "public", "--out", out("d")); other.MadeHash == first.MadeHash || other.KeyID == first.KeyID {
		t.Error("another key gives the same")
	}
}

func relative(t *testing.T, from, to string) string {
	t.Helper()
	rel, err := filepath.Rel(from, to)
	if err != nil {
		t.Fatal(err)
	}
	return rel
}

func manifestOf(t *testing.T, dir string) *edition.Manifest {
	t.Helper()
	_, m, err := edition.Current(dir)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Each publication is a line of the register, by whom the policy wants; what is refused
// leaves none, and a register that was tampered with keeps everything from being published.
func TestPublishRegister(t *testing.T) {
	secure := small(t)
	dir := t.TempDir()
	strict := filepath.Join(dir, "strict.yaml")
	text := strings.NewReplacer("approved_by: []", "approved_by: [张三]", `document: ""`, "document: 陕自然资〔2026〕1号").Replace(string(policy.DefaultText()))
	if err := os.WriteFile(strict, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	government, public := filepath.Join(dir, "government"), filepath.Join(dir, "public")
	refused := func(code string, args ...string) {
		t.Helper()
		if _, stderr, exit := gengtu(t, append([]string{"publish"}, args...)...); exit != 1 || !strings.Contains(stderr, "["+code+"]") {
			t.Errorf("%v: exit %d, %s", args, exit, stderr)
		}
	}
	refused("POLICY_APPROVER", "--from", secure, "--tier", "government", "--out", government, "--policy", strict)
	refused("POLICY_APPROVER", "--from", secure, "--tier", "government", "--out", government, "--policy", strict, "--approver", "李四")
	if _, err := os.Stat(government); err == nil {
		t.Error("what was refused has left a directory")
	}
	one := publishJSON(t, "--from", secure, "--tier", "government", "--out", government, "--policy", strict, "--approver", "张三")
	two := publishJSON(t, "--from", secure, "--tier", "public", "--out", public, "--policy", strict, "--approver", "张三")
	if one.Prev != "" || two.Prev != one.Hash || one.Approver != "张三" || one.Document != "陕自然资〔2026〕1号" || one.Event != "published" || one.Program == "" {
		t.Errorf("%+v\n%+v", one, two)
	}
	for _, l := range two.Layers {
		if d := l.After - l.Before; d > l.Error || -d > l.Error || l.Error == 0 {
			t.Errorf("%s: %.2f m² of ground became %.2f, stated error %.2f", l.Layer, l.Before, l.After, l.Error)
		}
	}
	// Never upward, nor to the same.
	for _, from := range []string{government, public} {
		refused("PUBLISH_UPWARD", "--from", from, "--tier", "government", "--out", filepath.Join(dir, "up"))
	}
	entries, hash, err := policy.ReadRegister(secure)
	if err != nil || len(entries) != 2 || hash != two.Hash {
		t.Fatalf("%d entries, %s, %v", len(entries), hash, err)
	}
	if out := must(t, "policy", "register", secure); !strings.Contains(out, two.Hash) || !strings.Contains(out, one.Made) || !strings.Contains(out, "张三") {
		t.Error(out)
	}
	if out := must(t, "policy", "register", secure, "--kept", one.Hash); !strings.Contains(out, one.PolicyDigest[:12]+"  "+entries[0].By) || entries[0].By == "" {
		t.Errorf("by %q: %s", entries[0].By, out)
	}
	for _, lower := range []string{government, public} {
		if _, err := os.Stat(filepath.Join(lower, edition.Register)); err == nil {
			t.Errorf("%s has a register of the edition above", lower)
		}
	}
	path := filepath.Join(secure, edition.Register)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// A line cut off the end leaves a sound register, which is not the one that was.
	first, _, _ := strings.Cut(string(data), "\n")
	if err := os.WriteFile(path, []byte(first+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "policy", "register", secure, "--kept", one.Hash)
	if _, stderr, exit := gengtu(t, "policy", "register", secure, "--kept", two.Hash); exit != 1 || !strings.Contains(stderr, "REGISTER_CUT") {
		t.Errorf("cut: exit %d, %s", exit, stderr)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(data), "张三", "李四", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	refused("REGISTER_BROKEN", "--from", secure, "--tier", "public", "--out", filepath.Join(dir, "more"))
	if _, stderr, exit := gengtu(t, "policy", "register", secure); exit != 1 || !strings.Contains(stderr, "REGISTER_BROKEN") {
		t.Errorf("exit %d, %s", exit, stderr)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	// What cannot be entered is not put in force.
	before := manifestOf(t, public).Generation
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, _, exit := gengtu(t, "publish", "--from", secure, "--tier", "public", "--out", public); exit != 1 || manifestOf(t, public).Generation != before {
		t.Errorf("exit %d, generation %s, was %s", exit, manifestOf(t, public).Generation, before)
	}
}

// policy check and diff speak to people and to programs, and their exit codes say what
// they found.
func TestPolicyCommands(t *testing.T) {
	bad, other := filepath.Join(t.TempDir(), "bad.yaml"), filepath.Join(t.TempDir(), "other.yaml")
	text := string(policy.DefaultText())
	for path, edited := range map[string]string{bad: strings.NewReplacer("grid_m: 25", "grid_m: 9", "LXR, LXDH", "LXR, LXDJ").Replace(text), other: strings.Replace(text, "max_zoom: 14", "max_zoom: 12", 1)} {
		if err := os.WriteFile(path, []byte(edited), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out := must(t, "policy", "show"); out != text {
		t.Error("policy show shows something else")
	}
	if out := must(t, "policy", "check", "default"); !strings.Contains(out, "layer pbf: fields YJJBNTTBBH YJJBNTMJ") {
		t.Error(out)
	}
	stdout, stderr, exit := gengtu(t, "policy", "check", bad)
	if exit != 1 || !strings.Contains(stdout, "tiers.public.precision_m") || !strings.Contains(stdout, "except.LXDJ") || strings.Count(stdout, ": line ") != 2 || !strings.Contains(stderr, "POLICY_FILE") {
		t.Errorf("exit %d\n%s%s", exit, stdout, stderr)
	}
	var judged struct {
		Problems []struct{ Code, Zh, En string }
	}
	stdout, _, exit = gengtu(t, "--json", "policy", "check", bad)
	if err := json.Unmarshal([]byte(stdout), &judged); err != nil || exit != 1 || len(judged.Problems) != 2 || !strings.Contains(judged.Problems[0].Zh, "第 ") {
		t.Errorf("exit %d, %v, %s", exit, err, stdout)
	}
	if out := must(t, "policy", "diff", "default", other); !strings.Contains(out, "public\n  loses  highest zoom 12") {
		t.Error(out)
	}
	var told struct{ Tiers []policy.TierChange }
	if err := json.Unmarshal([]byte(must(t, "--json", "policy", "diff", other, "default")), &told); err != nil || len(told.Tiers) != 1 || len(told.Tiers[0].Gains) != 1 {
		t.Errorf("%v %+v", err, told)
	}
	for _, c := range []struct {
		args []string
		exit int
	}{
		{[]string{"policy", "diff", "default", bad}, 1}, {[]string{"policy", "check", bad + "x"}, 1}, {[]string{"policy", "check"}, 2},
		{[]string{"policy", "diff", "default"}, 2}, {[]string{"policy", "fly"}, 2}, {[]string{"policy", "check", bad, "--kept", "00"}, 2}, {[]string{"policy", "register", t.TempDir()}, 1},
	} {
		if _, stderr, exit := gengtu(t, c.args...); exit != c.exit || stderr == "" {
			t.Errorf("%v: exit %d, %s", c.args, exit, stderr)
		}
	}
}

// Where an access file is given, or named by the environment, publish asks for the role and
// is an act that the audit log tells of; without one the register alone tells who it was.
func TestPublishIsAnAct(t *testing.T) {
	secure := small(t)
	dir := t.TempDir()
	me := publishJSON(t, "--from", secure, "--tier", "public", "--out", filepath.Join(dir, "p0")).By
	write := func(name, system string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(`{"roles": {"system": ["`+system+`"], "security": ["s"], "audit": ["a"]}}`), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	mine, theirs := write("mine.json", me), write("theirs.json", "somebody-else")
	acts := func(file string) string {
		t.Helper()
		var out strings.Builder
		files, err := filepath.Glob(filepath.Join(file+".audit", "*.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			out.Write(data)
		}
		return out.String()
	}
	if _, err := os.Stat(mine + ".audit"); err == nil || me == "" {
		t.Fatalf("by %q, there is a log", me)
	}
	for i, c := range []struct {
		env, flag string
		exit      int
		told      string
	}{
		{"", mine, 0, `"outcome":"done"`}, {mine, "", 0, `"outcome":"done"`}, {mine, mine, 0, `"outcome":"done"`},
		{"", theirs, 1, `"outcome":"refused"`}, {theirs, "", 1, `"outcome":"refused"`}, {theirs, mine, 1, `"outcome":"refused"`}, {mine, theirs, 1, `"outcome":"refused"`},
	} {
		out := filepath.Join(dir, "p"+string(rune('1'+i)))
		args := []string{"publish", "--from", secure, "--tier", "public", "--out", out}
		if c.flag != "" {
			args = append(args, "--access", c.flag)
		}
		t.Setenv("GENGTU_ACCESS", c.env)
		file := mine
		if c.exit != 0 {
			file = theirs
		}
		before := strings.Count(acts(file), c.told)
		_, stderr, exit := gengtu(t, args...)
		if exit != c.exit || strings.Count(acts(file), c.told) != before+1 || !strings.Contains(acts(file), `"act":"publish"`) {
			t.Errorf("%+v: exit %d, %s\n%s", c, exit, stderr, acts(file))
		}
		if _, err := os.Stat(out); (err == nil) != (c.exit == 0) {
			t.Errorf("%+v: the edition: %v", c, err)
		}
	}
}
