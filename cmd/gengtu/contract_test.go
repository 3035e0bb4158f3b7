package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// contractCase is something that a line of the contract lets a user ask, and what comes
// back. A command has args, an address a method and a path.
type contractCase struct {
	line string // "gengtu VERB", or the first cell of the table of addresses
	name string

	args []string
	code int // that the command ends with

	method, path, body string
	headers            []string
	on                 *server // that is asked; the one of the three tiers if nil
	status             int
	form               string // the media type of the answer, without parameters

	// fault is the stable code of the error wanted, in capitals; such a case is asked in
	// both languages.
	fault string
	// holds looks at an answer that succeeded.
	holds func(t *testing.T, a *told)
	// start takes the place of running a command that does not end by itself.
	start func(t *testing.T, args []string)
	// once says that the command cannot be given twice.
	once bool
}

// told is what a command or an address answered.
type told struct {
	stdout, stderr string // of a command
	answer                // of an address
}

// The contract holds: each line of it is asked of the built program, in both languages and
// with its errors, and no line is left out.
func TestContract(t *testing.T) {
	w := theContract(t)
	commands, addresses := w.commands(t), w.addresses(t)
	t.Run("no line is left out", func(t *testing.T) { nothingForgotten(t, commands, addresses) })
	t.Run("commands", func(t *testing.T) {
		for i := range commands {
			c := &commands[i]
			t.Run(c.line+": "+c.name, func(t *testing.T) { c.run(t) })
		}
	})
	t.Run("addresses", func(t *testing.T) {
		for i := range addresses {
			c := &addresses[i]
			t.Run(c.line+": "+c.name, func(t *testing.T) { w.ask(t, c) })
		}
	})
	t.Run("rules", func(t *testing.T) { w.rules(t, commands) })
}

// nothingForgotten holds the cases against the contract, where that lies beside the
// checkout, and the search for gaps against a contract that asks for more.
func nothingForgotten(t *testing.T, commands, addresses []contractCase) {
	const small = "\n## 1.\n```\ngengtu sample --out DIR\n%s```\n\n## 2.\n| GET `/health`, `/ready`, `/metrics` | x |\n%s\n## 3.\n"
	few := []contractCase{{line: "gengtu sample", args: []string{"sample", "--out", "x"}}, {line: "gengtu sample", args: []string{"sample"}, fault: "X"}}
	const cell = "GET `/health`, `/ready`, `/metrics`"
	asked := []contractCase{
		{line: cell, method: "GET", path: "/health"}, {line: cell, method: "GET", path: "/ready"}, {line: cell, method: "GET", path: "/metrics"}, {line: cell, fault: "X"},
	}
	if gaps := contractGaps(fmt.Sprintf(small, "", ""), few, asked); len(gaps) != 0 {
		t.Errorf("a contract that is kept: %q", gaps)
	}
	for _, more := range [][3]string{
		{"gengtu fly --high\n", "", "asks for --high"}, {"gengtu sample --by a|b\n", "", "asks for --by b"}, {"gengtu sample FILE.(a|b)\n", "", "asks for a file .b"},
		{"", "| GET `/{tier}/x?f=json\\|csv` | x |", "asks for GET /{tier}/x f=csv"}, {"", "| GET `/{tier}/x/{id}`, `…/{id}/y.{a,b}` | x |", "asks for GET /{tier}/x/{id}/y.b"},
		{"gengtu fly\n", "", "gengtu fly: no error"}, {"", "| POST `/health` | x |", "asks for POST /health"},
	} {
		if gaps := fmt.Sprint(contractGaps(fmt.Sprintf(small, more[0], more[1]), few, asked)); !strings.Contains(gaps, more[2]) {
			t.Errorf("with %q the gaps are %s", more[0]+more[1], gaps)
		}
	}
	if gaps := fmt.Sprint(contractGaps(fmt.Sprintf(small, "", ""), few, append(asked, contractCase{line: "GET `/old`", name: "old"}))); !strings.Contains(gaps, "no such line") {
		t.Errorf("a case of no line: %s", gaps)
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "DESIGN.md"))
	if os.IsNotExist(err) {
		t.Skip("the contract does not lie beside the checkout: the table stands alone")
	} else if err != nil {
		t.Fatal(err)
	}
	for _, gap := range contractGaps(string(text), commands, addresses) {
		t.Error(gap)
	}
}

var han = regexp.MustCompile(`\p{Han}`)

// languages are those of messages, with whether their words are Chinese characters.
var languages = map[string]bool{"zh": true, "en": false}

// run gives a command: one that succeeds in each language where it can be given twice, one
// that fails in each, with the same code in other words, and as JSON.
func (c *contractCase) run(t *testing.T) {
	switch {
	case c.start != nil:
		c.start(t, c.args)
		return
	case c.fault == "" && c.once:
		c.succeeds(t, "en")
		return
	case c.fault == "":
		c.succeeds(t, "zh")
		c.succeeds(t, "en")
		return
	}
	for lang, chinese := range languages {
		stdout, stderr, code := gengtu(t, append(c.args, "--lang", lang)...)
		line := ""
		for l := range strings.Lines(stderr) {
			if strings.HasPrefix(l, "gengtu: ") {
				line = l
			}
		}
		if code != c.code || !strings.HasSuffix(line, "["+c.fault+"]\n") || han.MatchString(line) != chinese {
			t.Errorf("--lang %s: exit code %d, want %d and [%s]\n%s", lang, code, c.code, c.fault, stderr)
		}
		if hint := map[bool]string{true: "用法见：", false: "Try: "}[chinese]; strings.Contains(stderr, hint) != (c.code == 2) {
			t.Errorf("--lang %s: a hint to the help goes with exit code 2:\n%s", lang, stderr)
		}
		if c.code == 2 && stdout != "" {
			t.Errorf("--lang %s: a wrong line prints results: %.200s", lang, stdout)
		}
	}
	_, stderr, code := gengtu(t, append(c.args, "--json")...)
	var said struct{ Error struct{ Code string } }
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &said); err != nil || code != c.code || said.Error.Code != c.fault {
		t.Errorf("--json: exit code %d, %v\n%s", code, err, stderr)
	}
}

// succeeds gives a command that must end with 0, and looks at what it said.
func (c *contractCase) succeeds(t *testing.T, lang string) {
	t.Helper()
	stdout, stderr, code := gengtu(t, append(c.args, "--lang", lang)...)
	if code != 0 {
		t.Fatalf("--lang %s: exit code %d\n%s", lang, code, stderr)
	}
	if c.holds != nil {
		c.holds(t, &told{stdout: stdout, stderr: stderr})
	}
}

// started runs a command that does not end by itself, whose words go to the server's log, and
// looks at it; when the test ends it is stopped as Ctrl-C does, and must end with 0.
func started(t *testing.T, args []string, s *server, look func(t *testing.T)) {
	t.Helper()
	s.cmd = exec.Command(binary(), args...)
	s.cmd.Env = append(os.Environ(), "GENGTU_LANG=en")
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
		if err := s.cmd.Wait(); err != nil {
			t.Errorf("Ctrl-C ends it with %v\n%s", err, s.log)
		}
	})
	look(t)
}

// ask sends a case's request, in both languages where an error is wanted, and looks at the
// answer and the headers that every answer of its kind has.
func (w *contract) ask(t *testing.T, c *contractCase) {
	s := w.three
	if c.on != nil {
		s = c.on
	}
	if c.fault == "" {
		a := s.do(t, c.method, c.path, []byte(c.body), append([]string{"Accept-Encoding", "identity"}, c.headers...)...)
		if a.Status != c.status || mediaType(&a) != c.form {
			t.Fatalf("%s %s: %d %q, want %d %q\n%.500s", c.method, c.path, a.Status, a.Header.Get("Content-Type"), c.status, c.form, a.Body)
		}
		if c.holds != nil {
			c.holds(t, &told{answer: a})
		}
		return
	}
	texts := map[string]string{}
	for lang, chinese := range languages {
		a := s.do(t, c.method, c.path, []byte(c.body), append([]string{"Accept-Language", lang}, c.headers...)...)
		code, text := faultOf(t, &a)
		if a.Status != c.status || code != c.fault || han.MatchString(text) != chinese {
			t.Errorf("%s %s in %s: %d %q, want %d %q\n%.500s", c.method, c.path, lang, a.Status, code, c.status, c.fault, a.Body)
		}
		if vary := strings.Join(a.Header.Values("Vary"), ","); !strings.Contains(vary, "Accept-Language") || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s %s: an error may be kept for others: Vary %q, Cache-Control %q", c.method, c.path, vary, a.Header.Get("Cache-Control"))
		}
		texts[lang] = text
	}
	if texts["zh"] == texts["en"] {
		t.Errorf("%s %s: both languages say %q", c.method, c.path, texts["en"])
	}
}

// mediaType is an answer's, without parameters.
func mediaType(a *answer) string {
	out, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";")
	return out
}

var reported = regexp.MustCompile(`<ows:ExceptionText>(.*) \[([A-Z_]+)\]</ows:ExceptionText>`)

// faultOf reads the code, in capitals, and the words of an error: of a problem (RFC 9457),
// or of WMTS's report.
func faultOf(t *testing.T, a *answer) (code, text string) {
	t.Helper()
	switch mediaType(a) {
	case "application/problem+json":
		var p struct {
			Type, Title, Code, Detail string
			Status                    int
		}
		decode(t, a.Body, &p)
		if p.Status != a.Status || p.Type != "/problems/"+strings.ReplaceAll(p.Code, "_", "-") || p.Title == "" || p.Detail == "" {
			t.Errorf("the problem is not whole: %s", a.Body)
		}
		return strings.ToUpper(p.Code), p.Detail
	case "text/xml":
		if m := reported.FindSubmatch(a.Body); m != nil && bytes.Contains(a.Body, []byte("<ows:ExceptionReport ")) {
			return string(m[2]), string(m[1])
		}
	}
	t.Errorf("no error is told: %d %q %.300s", a.Status, a.Header.Get("Content-Type"), a.Body)
	return "", ""
}
