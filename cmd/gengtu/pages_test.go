package main_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// operating are the pages that say how the program is operated, in the order in which a
// stranger goes through them: each works on what those before it left.
var operating = []string{"INSTALL.md", "LOAD.md", "PUBLISH.md", "EXCHANGE.md", "BACKUP.md", "ROLLBACK.md", "WATCH.md", "DEPLOY.md"}

// fences are the languages of blocks. What stands in sh is run as it is; in root and container with
// stand-ins for the programs that change the machine; in make each target is asked for.
var fences = map[string]bool{"sh": true, "root": true, "container": true, "make": true}

// block is a fenced block of a page: its language, its text and the line of its fence.
type block struct {
	language, text string
	line           int
}

// blocks returns the blocks of a page. A block without a language that a test knows is an
// error, and so are a fence that does not end and text that is set in by four spaces
// behind an empty line, which is a block, too: nothing on a page is left unrun.
func blocks(page string) ([]block, error) {
	var found []block
	var open *block
	empty := true
	for i, line := range strings.Split(page, "\n") {
		fence, isFence := strings.CutPrefix(line, "```")
		switch {
		case isFence && open != nil:
			found, open = append(found, *open), nil
		case isFence && !fences[fence]:
			return nil, fmt.Errorf("line %d: a block in %q is run by nothing", i+1, fence)
		case isFence:
			open = &block{language: fence, line: i + 1}
		case open != nil:
			open.text += line + "\n"
		case empty && strings.HasPrefix(line, "    "):
			return nil, fmt.Errorf("line %d: a block without a fence is run by nothing", i+1)
		}
		empty = line == ""
	}
	if open != nil {
		return nil, fmt.Errorf("line %d: the block does not end", open.line)
	}
	return found, nil
}

func TestBlocks(t *testing.T) {
	for page, fault := range map[string]string{
		"a\n```sh\ntrue\n```\n":             "",
		"a\n```\ntrue\n```\n":               "run by nothing",
		"a\n```bash\ntrue\n```\n":           "run by nothing",
		"a\n```sh\ntrue\n":                  "does not end",
		"a\n\n    gengtu version\n":         "without a fence",
		"a\n    goes on, set in a little\n": "",
	} {
		if _, err := blocks(page); (err == nil) != (fault == "") || err != nil && !strings.Contains(err.Error(), fault) {
			t.Errorf("%q: %v, not %q", page, err, fault)
		}
	}
}

// standIns are shell programs in place of those that change the machine. Each fails where
// the real one would for want of what it is given.
var standIns = map[string]string{
	"install": `files=0
while [ $# -gt 1 ]; do case $1 in -m) shift;; -*) exit 2;; *) [ -f "$1" ] || { echo "no $1" >&2; exit 1; }; files=$((files+1));; esac; shift; done
case $1 in /*) ;; *) exit 2;; esac; [ $files = 1 ]`,
	"useradd": `for last; do :; done; [ "$last" = gengtu ]`,
	"systemctl": `case "$*" in daemon-reload|"reload nginx") ;;
"enable --now gengtu"|"status gengtu"|"restart gengtu"|"reload gengtu") [ -f gengtu.service ] ;; *) exit 2;; esac`,
	"runuser": `[ "$1 $2 $3" = "-u gengtu --" ] || exit 2; shift 3; exec "$@"`,
	"nginx":   `[ "$*" = -t ]`,
	// The arguments behind the image are the program's.
	"docker": `case $1 in
build) shift; while [ $# -gt 0 ]; do case $1 in -f) [ -f "$ROOT/$2" ] || exit 1; shift;; --build-arg|-t) shift;; .) exit 0;; *) exit 2;; esac; shift; done; exit 2;;
run) while [ $# -gt 0 ] && [ "$1" != gengtu ]; do shift; done; [ $# -gt 1 ] || exit 2; shift; exec gengtu "$@" --print-config;;
*) exit 2;; esac`,
}

// stranger is who goes through the pages: a directory to work in, and where programs are.
type stranger struct{ dir, bin, changes, port string }

func newStranger(t *testing.T) stranger {
	t.Helper()
	s := stranger{dir: t.TempDir(), bin: t.TempDir(), changes: t.TempDir(), port: freePort(t)}
	if err := os.Symlink(binary(), filepath.Join(s.bin, "gengtu")); err != nil {
		t.Fatal(err)
	}
	for name, text := range standIns {
		if err := os.WriteFile(filepath.Join(s.changes, name), []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	must(t, "sample", "--out", filepath.Join(s.dir, "delivery"), "--parcels", "300")
	return s
}

// release puts what a release's folder holds into the directory that is worked in.
func (s stranger) release(t *testing.T) {
	t.Helper()
	data, err := os.ReadFile(binary())
	if err != nil {
		t.Fatal(err)
	}
	name := "gengtu-v1-linux-amd64"
	sums := fmt.Sprintf("%x  %s\n%x  gengtu-v1-linux-arm64\n", sha256.Sum256(data), name, sha256.Sum256(nil))
	err = errors.Join(os.WriteFile(filepath.Join(s.dir, name), data, 0o600), os.WriteFile(filepath.Join(s.dir, "SHA256SUMS"), []byte(sums), 0o600))
	for _, file := range []string{"gengtu.service", "nginx.conf"} {
		text, readErr := os.ReadFile(filepath.Join("deploy", file))
		err = errors.Join(err, readErr, os.WriteFile(filepath.Join(s.dir, file), text, 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// script is a shell program that runs blocks in order, stops at the first command that
// fails, and writes the line of each block that has been run to the third file.
func (s stranger) script(page []block) string {
	text := "set -euo pipefail\n"
	for _, b := range page {
		switch b.language {
		case "sh":
			text += b.text
		case "make":
			for line := range strings.Lines(b.text) {
				command, _, _ := strings.Cut(line, "#")
				text += strings.Replace(command, "make ", `make -n -C "$ROOT" `, 1) + "\n"
			}
		default:
			text += "(\nPATH=" + s.changes + ":$PATH\n" + b.text + ")\n"
		}
		text += fmt.Sprintf("echo %d >&3\n", b.line)
	}
	// Nobody else may listen at the address that the pages name.
	return strings.ReplaceAll(text, "127.0.0.1:8080", "127.0.0.1:"+s.port)
}

// run runs blocks and returns an error where a command failed or a block was not reached.
func (s stranger) run(t *testing.T, page []block) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	ran, err := os.Create(filepath.Join(s.bin, "ran"))
	if err != nil {
		return err
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return errors.Join(err, ran.Close())
	}
	cmd := exec.CommandContext(ctx, "bash", "-c", s.script(page))
	cmd.Dir, cmd.ExtraFiles = s.dir, []*os.File{ran}
	cmd.Env = append(os.Environ(), "PATH="+s.bin+":"+os.Getenv("PATH"), "GENGTU_LANG=en", "ROOT="+root)
	// What a page leaves running in the background ends with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = 10 * time.Second
	err = cmd.Start()
	if err == nil {
		err = cmd.Wait()
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // mostly there is nothing left
	}
	if err = errors.Join(err, ran.Close()); err != nil {
		return fmt.Errorf("%w\n%s", err, out.Bytes()[max(0, out.Len()-3000):])
	}
	reached, err := os.ReadFile(ran.Name())
	if err == nil && bytes.Count(reached, []byte("\n")) != len(page) {
		err = fmt.Errorf("of %d blocks these were run: %q", len(page), reached)
	}
	return err
}

// pageOf returns a page's blocks, after it has been held against its length: lines, and
// characters of a line outside of blocks and tables.
func pageOf(t *testing.T, path string, lines, width int) []block {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(data, []byte("\n")); n > lines {
		t.Errorf("%s has %d lines, not at most %d", path, n, lines)
	}
	for i, line := range strings.Split(string(data), "\n") {
		if n := len([]rune(line)); n > width && !strings.HasPrefix(line, "|") {
			t.Errorf("%s:%d has %d characters", path, i+1, n)
		}
	}
	found, err := blocks(string(data))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return found
}

// Whoever follows the pages of operating from the first to the last, on the sample, meets
// no command that fails, and no command on them is left out.
func TestOperatingPages(t *testing.T) {
	s := newStranger(t)
	s.release(t)
	for _, name := range operating {
		page := pageOf(t, filepath.Join("deploy", name), 70, 160)
		if len(page) == 0 {
			t.Fatalf("%s has no commands", name)
		}
		if err := s.run(t, page); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	// A page that is not among them is not run.
	all, err := filepath.Glob("deploy/*.md")
	if err != nil || len(all) != len(operating)+1 {
		t.Fatalf("%v, %v: %d are run, and CONFIG.md has none", all, err, len(operating))
	}
}

// A page is red where a command fails, where a block is passed over, and where a server
// that it leaves running is all that it is about.
func TestPagesFail(t *testing.T) {
	s := newStranger(t)
	for name, page := range map[string][]block{
		"a command that fails":                 {{language: "sh", text: "gengtu info nowhere\n"}},
		"a command that fails before others":   {{language: "sh", text: "false | true\ntrue\n"}},
		"a flag that is not there":             {{language: "sh", text: "gengtu version --nothing\n"}},
		"a block behind an end":                {{language: "sh", text: "exit 0\n"}, {language: "sh", line: 3, text: "true\n"}},
		"a target that is not there":           {{language: "make", text: "make nothing\n"}},
		"a file to install that is not there":  {{language: "root", text: "install -m 755 nothing /usr/local/bin/gengtu\n"}},
		"a unit that is not there":             {{language: "root", text: "systemctl enable --now gengtu\n"}},
		"a container's flag that is not there": {{language: "container", text: "docker run gengtu serve --nothing\n"}},
	} {
		if err := s.run(t, page); err == nil {
			t.Errorf("%s is passed over", name)
		}
	}
	if err := s.run(t, []block{{language: "sh", text: "gengtu version\n"}, {language: "container", text: "docker run -d gengtu serve --edition /data/public\n"}}); err != nil {
		t.Error(err)
	}
}

// The unit is one that systemd takes, and its line starts the program.
func TestServiceUnit(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("deploy", "gengtu.service"))
	if err != nil {
		t.Fatal(err)
	}
	unit := strings.ReplaceAll(string(data), "/usr/local/bin/gengtu", binary())
	path := filepath.Join(t.TempDir(), "gengtu.service")
	if err := os.WriteFile(path, []byte(unit), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("systemd-analyze", "verify", path).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v; make deps\n%s", err, out)
	}
	line := regexp.MustCompile(`(?s)\nExecStart=\S+ (.*?[^\\])\n`).FindStringSubmatch(unit)
	if line == nil {
		t.Fatal("the unit starts nothing")
	}
	must(t, append(strings.Fields(strings.ReplaceAll(line[1], "\\\n", " ")), "--print-config")...)
}

// The README's commands, and those of the document of commands, which goes on from it, are
// run as they stand; each command of the program is in the README's table.
func TestReadmeCommands(t *testing.T) {
	s := newStranger(t)
	readme := filepath.Join("..", "..", "README.md")
	for _, paper := range []struct {
		path         string
		lines, width int
	}{{readme, 199, 140}, {"COMMANDS.md", 199, 200}} {
		page := pageOf(t, paper.path, paper.lines, paper.width)
		if len(page) < 2 {
			t.Fatalf("%s has %d blocks", paper.path, len(page))
		}
		if err := s.run(t, page); err != nil {
			t.Fatalf("%s: %v", paper.path, err)
		}
	}
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	commands := regexp.MustCompile(`(?m)^  ([a-z-]+) `).FindAllStringSubmatch(must(t, "help"), -1)
	if len(commands) < 20 {
		t.Fatalf("help lists %d commands", len(commands))
	}
	for _, command := range commands {
		if name := command[1]; name != "version" && name != "help" && !regexp.MustCompile("(?m)^\\|.*`"+name+"[` ]").Match(text) {
			t.Errorf("the README does not have %s", name)
		}
	}
}

// unmeasured returns the lines of the README's table of speed that results do not have: each
// line has what was aimed at, what is by the clock and what is by processor time, and a row of
// results has all three, in this order. There is no table where fewer than two lines are.
func unmeasured(readme, results string) ([]string, error) {
	_, speed, _ := strings.Cut(readme, "\n## 快慢 Speed\n")
	speed, _, _ = strings.Cut(speed, "\n## ")
	lines := regexp.MustCompile(`(?m)^\|[^|]*\| ([≤≥][^|]+) \| ([^|]+) \| ([^|]+) \|$`).FindAllStringSubmatch(speed, -1)
	if len(lines) < 2 || len(lines)+2 != len(regexp.MustCompile(`(?m)^\|`).FindAllString(speed, -1)) {
		return nil, fmt.Errorf("%d lines of the table of speed say what is aimed at, by the clock and by processor time", len(lines))
	}
	var missing []string
	for _, l := range lines {
		row := `(?m)^\|[^|]*\| ` + regexp.QuoteMeta(l[1]) + ` \| ` + regexp.QuoteMeta(l[2]) + ` \|[^|]*\| ` + regexp.QuoteMeta(l[3]) + ` \|`
		if !regexp.MustCompile(row).MatchString(results) {
			missing = append(missing, l[0])
		}
	}
	return missing, nil
}

// Links of the papers lead to files that are there, and the figures of the README's table of
// speed are those of RESULTS.md.
func TestPapersLinks(t *testing.T) {
	papers, err := filepath.Glob("deploy/*.md")
	if err != nil {
		t.Fatal(err)
	}
	papers = append(papers, "COMMANDS.md", "../../README.md", "../../ARCHITECTURE.md", "../../CONTRIBUTING.md", "../../tileserver/ADDRESSES.md")
	link := regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
	for _, paper := range papers {
		data, err := os.ReadFile(paper)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllSubmatch(data, -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(paper), string(m[1]))); err != nil {
				t.Errorf("%s: %v", paper, err)
			}
		}
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	results, err := os.ReadFile("../../benchmarks/RESULTS.md")
	if err != nil {
		t.Fatal(err)
	}
	missing, err := unmeasured(string(readme), string(results))
	if err != nil || len(missing) > 0 {
		t.Errorf("RESULTS.md does not have %q: %v", missing, err)
	}
	line := regexp.MustCompile(`(?m)^\|[^|]*\| ([≤≥][^|]+) \| ([^|]+) \| ([^|]+) \|$`).FindStringSubmatch(string(readme))
	for cell := 1; line != nil && cell <= 3; cell++ {
		for _, wrong := range []string{strings.Replace(line[0], "| "+line[cell]+" |", "| "+line[cell]+"0 |", 1), strings.Replace(line[0], " "+line[cell]+" |", "", 1)} {
			if missing, err := unmeasured(strings.Replace(string(readme), line[0], wrong, 1), string(results)); err == nil && len(missing) == 0 {
				t.Errorf("%q is passed over", wrong)
			}
		}
	}
}
