package problem_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// misplaced is a number of a value before the precision, which fmt tells as BADINDEX.
var misplaced = regexp.MustCompile(`%\[[0-9]+\][-+# .0-9]+[a-zA-Z]`)

// Each text takes the values that it is given: fmt tells of others in the text itself,
// %!(EXTRA …) or %!f(BADINDEX), and vet does not look where two texts share their values.
// Where Chinese and English say different ones, verbs have numbers.
func TestWordsSayWhatTheyAreGiven(t *testing.T) {
	calls := 0
	err := filepath.WalkDir(filepath.Join("..", ".."), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == "node_modules" {
			return filepath.SkipDir
		}
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && misplaced.MatchString(l.Value) {
				t.Errorf("%s: %s: the number of a value stands behind width and precision", files.Position(l.Pos()), l.Value)
			}
			call, ok := n.(*ast.CallExpr)
			if !ok || call.Ellipsis.IsValid() {
				return true
			}
			looked, faults := texts(call)
			calls += looked
			for _, f := range faults {
				t.Errorf("%s: %s", files.Position(call.Pos()), f)
			}
			return true
		})
		return nil
	})
	if err != nil || calls < 1000 {
		t.Fatal(calls, err)
	}
}

// texts formats a call's two texts, Chinese and English beside each other, with as many
// values as follow them; it returns how many texts that were and what fmt says of those
// that do not fit.
func texts(call *ast.CallExpr) (looked int, faults []string) {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return 0, nil
	}
	// Where the Chinese text stands, and the values that follow the English one.
	at, ok := map[string]int{"New": 1, "Advise": 0, "Problem": 1}[selector.Sel.Name]
	if !ok || len(call.Args) < at+2 {
		return 0, nil
	}
	var both []string
	for _, a := range call.Args[at : at+2] {
		l, ok := a.(*ast.BasicLit)
		if !ok || l.Kind != token.STRING {
			return 0, nil
		}
		s, err := strconv.Unquote(l.Value)
		if err != nil {
			return 0, nil
		}
		both = append(both, s)
	}
	values := make([]any, len(call.Args)-at-2)
	for i := range values {
		values[i] = anything{}
	}
	for _, s := range both {
		if got := fmt.Sprintf(s, values...); strings.Contains(got, "%!") {
			faults = append(faults, fmt.Sprintf("%q with %d values: %s", s, len(values), got))
		}
	}
	return 2, faults
}

// anything is a value of any verb.
type anything struct{}

// Format writes nothing that could be taken for a fault.
func (anything) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte("x")) }
