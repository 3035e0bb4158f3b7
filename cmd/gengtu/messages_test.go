package main_test

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

// A message names each of its values by a place that it has: fmt tells of others in the
// text itself, %!(EXTRA …) or %!f(BADINDEX), and vet does not look where two texts share
// their values. In fmt the index stands right before the verb, %.2[1]f.
func TestMessagesTakeTheirValues(t *testing.T) {
	looked := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BasicLit:
				if n.Kind == token.STRING && misplacedIndex.MatchString(n.Value) {
					t.Errorf("%s: %s: the index stands before the verb, %%.2[1]f", files.Position(n.Pos()), n.Value)
				}
			case *ast.CallExpr:
				looked += checkTexts(t, files, n)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if looked < 1000 {
		t.Errorf("only %d texts were looked at", looked)
	}
}

var misplacedIndex = regexp.MustCompile(`%\[\d+\]\.?\d`)

// checkTexts formats both texts of problem.New and Advise with as many values as the
// call has, and returns how many it looked at.
func checkTexts(t *testing.T, files *token.FileSet, call *ast.CallExpr) int {
	t.Helper()
	s, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || call.Ellipsis.IsValid() {
		return 0
	}
	first := 0
	if on, ok := s.X.(*ast.Ident); ok && on.Name == "problem" && s.Sel.Name == "New" {
		first = 1
	} else if s.Sel.Name != "Advise" {
		return 0
	}
	if len(call.Args) < first+2 {
		return 0
	}
	values := make([]any, len(call.Args)-first-2)
	for i := range values {
		values[i] = anything{}
	}
	looked := 0
	for _, a := range call.Args[first : first+2] {
		lit, ok := a.(*ast.BasicLit)
		if !ok {
			continue
		}
		text, err := strconv.Unquote(lit.Value)
		if err != nil {
			t.Fatal(err)
		}
		looked++
		if got := fmt.Sprintf(text, values...); strings.Contains(got, "%!") {
			t.Errorf("%s: %s with %d values: %s", files.Position(lit.Pos()), lit.Value, len(values), got)
		}
	}
	return looked
}

// anything is a value of any verb.
type anything struct{}

// Format writes nothing that could be taken for a fault.
func (anything) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte("x")) }
