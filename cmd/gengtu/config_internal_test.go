package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/problem"
)

// configuredBy reads a command's flags, one of each kind, from a line, variables and a
// file ("" for none), and returns each flag's value as text with where it is from.
func configuredBy(t *testing.T, line []string, env map[string]string, file string) (map[string]string, *configuration, error) {
	t.Helper()
	for k, v := range env {
		t.Setenv(k, v)
	}
	if file != "" {
		path := filepath.Join(t.TempDir(), "serve.yaml")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		line = append([]string{"--config", path}, line...)
	}
	fs := newFlags(command{name: "serve"}, &env0, line)
	var several list
	fs.Var(&several, "several", "")
	fs.String("text", "t0", "")
	fs.Bool("yes", false, "")
	fs.Int("number", 7, "")
	fs.Duration("long-time", time.Minute, "")
	fs.Func("own", "", func(s string) error {
		if s == "bad" {
			return fmt.Errorf("it is %q", s)
		}
		return nil
	})
	c, err := configure(fs)
	if err != nil {
		return nil, nil, err
	}
	out := map[string]string{}
	for _, name := range c.names() {
		out[name] = fs.Lookup(name).Value.String() + " " + c.from[name].Kind
	}
	return out, c, nil
}

var env0 = env{stdout: nowhere{}, stderr: nowhere{}, lang: problem.English}

// A flag goes before a variable, a variable before the file, the file before what the
// flag is by itself, each flag for itself and lists as a whole: all ways in which three
// flags may be given in three places.
func TestConfigPrecedence(t *testing.T) {
	type way struct{ flag, env, file, none string }
	ways := map[string]way{
		"several":   {"[f g] flag", "[e d] environment", "[y z] file", "[] "},
		"text":      {"f flag", "e environment", "y file", "t0 "},
		"long-time": {"3s flag", "2s environment", "1s file", "1m0s "},
	}
	line := map[string][]string{"several": {"--several", "f", "--several=g"}, "text": {"--text=f"}, "long-time": {"--long-time", "3s"}}
	vars := map[string]string{"several": "e, d", "text": "e", "long-time": "2s"}
	text := map[string]string{"several": "several: [y, z]\n", "text": "text: y\n", "long-time": "long-time: 1s\n"}
	names := []string{"several", "text", "long-time"}
	for mask := range 1 << 9 {
		var given []string
		env, file, want := map[string]string{}, "# nothing else\nnumber: 0x10\n", map[string]string{}
		for i, n := range names {
			env[envName(n)] = ""
			want[n] = ways[n].none
			if mask>>(3*i)&1 != 0 {
				file += text[n]
				want[n] = ways[n].file
			}
			if mask>>(3*i+1)&1 != 0 {
				env[envName(n)] = vars[n]
				want[n] = ways[n].env
			}
			if mask>>(3*i+2)&1 != 0 {
				given = append(given, line[n]...)
				want[n] = ways[n].flag
			}
		}
		want["number"], want["yes"], want["own"] = "16 file", "false ", " "
		got, _, err := configuredBy(t, given, env, file)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("%v %v %q: %s", given, env, file, d)
		}
	}
}

// What makes no sense is told with its place, also where something else goes before it.
func TestConfigFaults(t *testing.T) {
	for name, c := range map[string]struct {
		line []string
		env  map[string]string
		file string
		said string
	}{
		"no such member":       {nil, nil, "text: a\n\ntxet: b\n", "line 3: txet is not known (text is meant?); there are long-time number own several text yes"},
		"a flag's underscore":  {nil, nil, "long_time: 1s\n", "line 1: long_time is not known (long-time is meant?)"},
		"an empty value":       {nil, nil, "several: [a, '']\n", "line 1: several: one of its values is empty"},
		"an empty entry":       {nil, map[string]string{"GENGTU_SEVERAL": "a,"}, "", "GENGTU_SEVERAL: one of its values is empty"},
		"an empty flag":        {[]string{"--several="}, nil, "", "a value is empty"},
		"a section's name":     {nil, nil, "server: a\n", "line 1: server is not known; there are long-time"},
		"a member twice":       {nil, nil, "text: a\ntext: b\n", "line 2: text stands in line 1"},
		"no truth":             {nil, nil, "\nyes: maybe\n", `line 2: yes: "maybe" is not true or false`},
		"no number":            {nil, nil, "number: many\n", `line 1: number: "many" is not a whole number`},
		"no time":              {nil, nil, "long-time: 30\n", `line 1: long-time: "30" is not a time`},
		"a list of one":        {nil, nil, "text: [a]\n", "line 1: text has one value"},
		"a section":            {nil, nil, "text:\n  a: b\n", "line 2: text is to be a text"},
		"a list in a list":     {nil, nil, "several:\n  - a\n  - [b]\n", "line 3: several is to be"},
		"nothing":              {nil, nil, "text:\n", "line 1: text is to be a text"},
		"an alias":             {nil, nil, "text: &a x\nseveral: *a\n", "line 2: several is to be"},
		"a list alone":         {nil, nil, "- text\n", "name: value"},
		"an empty file":        {nil, nil, "\n", "it is empty"},
		"no YAML":              {nil, nil, "text: \"a\n", "no proper YAML"},
		"two documents":        {nil, nil, "text: a\n---\ntext: b\n", "second document"},
		"too long":             {nil, nil, "text: " + strings.Repeat("x", maxConfigBytes), "the limit is"},
		"config in the file":   {nil, nil, "config: x.yaml\n", "line 1: config is not known"},
		"print in the file":    {nil, nil, "print-config: true\n", "line 1: print-config is not known"},
		"its own words":        {nil, nil, "own: bad\n", `line 1: own: it cannot be "bad" (it is "bad")`},
		"wrong under a flag":   {[]string{"--number=1"}, nil, "text: a\nnumber: many\n", "line 2: number"},
		"wrong under the env":  {nil, map[string]string{"GENGTU_YES": "true"}, "yes: maybe\n", "line 1: yes"},
		"a wrong variable":     {nil, map[string]string{"GENGTU_LONG_TIME": "soon"}, "", `GENGTU_LONG_TIME: "soon" is not a time`},
		"a file that is not":   {[]string{"--config", "none.yaml"}, nil, "", "none.yaml: the configuration file cannot be read"},
		"a variable's file":    {nil, map[string]string{"GENGTU_CONFIG": "gone.yaml"}, "", "gone.yaml: the configuration"},
		"a directory":          {[]string{"--config", "."}, nil, "", "cannot be read"},
		"an argument":          {[]string{"x"}, nil, "", "usage"},
		"a flag that is wrong": {[]string{"--number=x"}, nil, "", "invalid value"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := configuredBy(t, c.line, c.env, c.file)
			var u usageError
			if err == nil || problem.Of(err) == nil || !strings.Contains(problem.Of(err).Text(problem.English), c.said) {
				t.Fatalf("%v, want %q", err, c.said)
			}
			if u, _ = err.(usageError); u.p == nil { //nolint:errorlint // it is that very type
				t.Errorf("%v is no fault of the command line", err)
			}
		})
	}
}

// What --print-config prints is a file that gives the same values.
func TestPrintConfigIsAConfig(t *testing.T) {
	var printed [2]bytes.Buffer
	file := "several: ['a b', \"c#d\", 'e: f']\ntext: \"<&> \\u2028 \\\" 图\"\nyes: true\nlong-time: 90m\nnumber: -3\n"
	for i := range printed {
		_, c, err := configuredBy(t, nil, nil, file)
		if err != nil {
			t.Fatal(err)
		}
		e := env0
		e.stdout = &printed[i]
		if err := c.print(&e); err != nil {
			t.Fatal(err)
		}
		file = strings.ReplaceAll(printed[i].String(), "own: \"\"  # default\n", "")
	}
	values := func(b *bytes.Buffer) (out []string) {
		for line := range strings.Lines(b.String()) {
			value, _, _ := strings.Cut(line, "  # ")
			out = append(out, value)
		}
		return out
	}
	if d := cmp.Diff(values(&printed[0]), values(&printed[1])); d != "" {
		t.Error(d)
	}
	want := []string{`long-time: "1h30m0s"`, "number: -3", `own: ""`, `several: ["a b","c#d","e: f"]`, `text: "\u003c\u0026\u003e \u2028 \" 图"`, "yes: true"}
	if d := cmp.Diff(want, values(&printed[0])); d != "" {
		t.Error(d)
	}
}

// Variables that stand for nothing are told of, those of other commands are not.
func TestStrangeEnvironment(t *testing.T) {
	_, c, err := configuredBy(t, nil, map[string]string{"GENGTU_TXET": "x", "GENGTU_SERVICE_HOST": "x", "GENGTU_TEXT": "", "GENGTU_TOKEN": "x", "GENGTU_ACCESS": "x", "GENGTU_LANG": "en"}, "")
	if err != nil {
		t.Fatal(err)
	}
	if got := c.strangeEnvironment(); !slices.Equal(got, [][2]string{{"GENGTU_SERVICE_HOST", ""}, {"GENGTU_TXET", "GENGTU_TEXT"}}) {
		t.Errorf("%v", got)
	}
	var said bytes.Buffer
	e := env0
	e.stderr = &said
	c.tell(&e)
	if !strings.Contains(said.String(), "GENGTU_SERVICE_HOST, GENGTU_TXET (GENGTU_TEXT is meant?) stand for no flag") {
		t.Error(said.String())
	}
}
