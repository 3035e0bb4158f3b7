package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// bareGo is a call of the go command that does not ask which one was chosen.
var bareGo = regexp.MustCompile(`(^|[\s(|&;])go (build|env|list|run|test|tool|version|vet)\b`)

// unchosen returns the lines of a script, or the recipes of a makefile, that call a go
// command other than the one that GO names: in a script by its name alone, in a recipe also
// by a script that is not told GO. Comments and what is only printed are no calls.
func unchosen(text string, recipes bool) []string {
	var found []string
	for line := range strings.Lines(text) {
		command := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(command, "#"), regexp.MustCompile(`^(\{ )?echo "[^$]*"`).MatchString(command), recipes && !strings.HasPrefix(line, "\t"):
		case regexp.MustCompile(`"[^"]*\bgo test has told`).MatchString(command): // words of an error
		case bareGo.MatchString(command), recipes && strings.Contains(command, ".sh") && !strings.Contains(command, "GO=$(GO) "):
			found = append(found, command)
		}
	}
	return found
}

// Who makes something with GO=… makes all of it with that go command: every recipe hands it
// on, and no script calls another one.
func TestGoIsChosen(t *testing.T) {
	root := filepath.Join("..", "..")
	scripts, err := filepath.Glob(filepath.Join(root, "benchmarks", "*.sh"))
	more, moreErr := filepath.Glob(filepath.Join("deploy", "*.sh"))
	if err != nil || moreErr != nil || len(scripts) < 5 || len(more) < 2 {
		t.Fatal(scripts, more, err, moreErr)
	}
	for _, path := range append(append(scripts, more...), filepath.Join(root, "Makefile")) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range unchosen(string(text), filepath.Base(path) == "Makefile") {
			t.Errorf("%s: %s", path, line)
		}
	}
	for text, recipes := range map[string]bool{"go test .": false, "x=$(go env GOVERSION)": false, "a && go build": false, "\tbenchmarks/run.sh": true, "\tgo vet ./...": true} {
		if len(unchosen(text, recipes)) != 1 {
			t.Errorf("%q is passed over", text)
		}
	}
	cmd := exec.Command(filepath.Join(root, "benchmarks", "where.sh"))
	cmd.Env = append(os.Environ(), "GO="+filepath.Join(t.TempDir(), "nothing"))
	if out, err := cmd.Output(); err == nil {
		t.Errorf("a go command that is not there: %s", out)
	}
}
