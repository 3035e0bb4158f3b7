package problem_test

import (
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

// verb is a verb of fmt, or a per cent sign.
var verb = regexp.MustCompile(`%[-+# 0-9.]*[a-zA-Z%]`)

// numbered is a verb with the number of its value.
var numbered = regexp.MustCompile(`%[-+# 0-9.]*\[`)

// misplaced is a number of a value before the precision, which fmt tells as BADINDEX.
var misplaced = regexp.MustCompile(`%\[[0-9]+\][-+# .0-9]+[a-zA-Z]`)

// A text that says fewer values than it is given, by verbs without numbers, ends in
// %!(EXTRA …): where Chinese and English say different ones, verbs have numbers.
func TestWordsSayWhatTheyAreGiven(t *testing.T) {
	calls := 0
	err := filepath.WalkDir(filepath.Join("..", ".."), func(path string, d fs.DirEntry, err error) error {
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
			calls++
			for _, text := range extra(call) {
				t.Errorf("%s: %q leaves values over", files.Position(call.Pos()), text)
			}
			return true
		})
		return nil
	})
	if err != nil || calls < 1000 {
		t.Fatal(calls, err)
	}
}

// extra returns those of a call's two texts, Chinese and English beside each other, that
// say fewer values than follow them.
func extra(call *ast.CallExpr) []string {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || selector.Sel.Name != "New" && selector.Sel.Name != "Advise" && selector.Sel.Name != "Problem" {
		return nil
	}
	var texts []string
	first := 0
	for i, a := range call.Args {
		if l, ok := a.(*ast.BasicLit); ok && l.Kind == token.STRING {
			if s, err := strconv.Unquote(l.Value); err == nil {
				texts, first = append(texts, s), i+1
				continue
			}
		}
		if len(texts) > 1 {
			break
		}
		texts = nil
	}
	if len(texts) < 2 {
		return nil
	}
	var out []string
	for _, s := range texts[len(texts)-2:] {
		said := 0
		for _, v := range verb.FindAllString(s, -1) {
			if !strings.HasSuffix(v, "%") {
				said++
			}
		}
		if !numbered.MatchString(s) && said < len(call.Args)-first {
			out = append(out, s)
		}
	}
	return out
}
