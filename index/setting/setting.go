// Package setting reads the YAML files that a person may edit: profiles, policies,
// rules, tables of classes. In goes the text, out come values of the reader's own types
// and, for what makes no sense in them, problems that name the line.
//
// Reading is strict: a key that is not known, a key that stands twice, a second document
// and an empty file are refused, because a word that is misspelt must not pass for one
// that was left out. What values mean is judged by whoever asks.
package setting

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"

	"gengtu/index/problem"
)

// Kind is a kind of files: the code of the problems in them, what a person can do about
// those, and the most bytes that a file may have.
type Kind struct {
	Code               string
	AdviceZh, AdviceEn string
	MaxBytes           int
}

// File is a file that was read.
type File struct {
	kind Kind
	path string
	root func() *yaml.Node // nil of what is no YAML
	last int               // line; what is empty is said to stand behind it
}

// Read fills to, as [yaml.Unmarshal] does, from the one document in data. The path is
// for messages only; data must not be changed while lines are asked for. The error is
// a problem of the kind's code.
func (k Kind) Read(path string, data []byte, to any) (*File, error) {
	f := &File{kind: k, path: path, last: 1 + bytes.Count(data, []byte("\n")) + bytes.Count(data, []byte("\r"))}
	if len(data) > k.MaxBytes {
		return nil, f.Problem(0, "有 %d 字节，上限 %d", "it has %d bytes, the limit is %d", len(data), k.MaxBytes)
	}
	// Only a file with something wrong in it is read once more for the lines.
	f.root = sync.OnceValue(func() *yaml.Node {
		n := new(yaml.Node)
		if yaml.Unmarshal(data, n) != nil || len(n.Content) == 0 {
			return nil
		}
		return n.Content[0]
	})
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	switch err := d.Decode(to); {
	case errors.Is(err, io.EOF):
		return nil, f.Problem(0, "是空的", "it is empty")
	case err != nil:
		zh, en := f.plain(err, to)
		return nil, f.Problem(0, "%[1]s", "%[2]s", zh, en).Because(err)
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, f.Problem(0, "一个文件只写一份文档，这里有第二份（---）", "a file holds one document, here is a second document (---)")
	}
	return f, nil
}

// Problem is what is wrong at a line of f, from 1; 0 is the whole file.
func (f *File) Problem(line int, zh, en string, args ...any) *problem.Problem {
	if line > 0 {
		zh, en = fmt.Sprintf("第 %d 行：", line)+zh, fmt.Sprintf("line %d: ", line)+en
	}
	return problem.New(f.kind.Code, zh, en, args...).In(f.path).Advise("%[1]s", "%[2]s", f.kind.AdviceZh, f.kind.AdviceEn)
}

// Line returns the line, from 1, of what path leads to, as far as that is there: keys of
// mappings, and in a list the entry whose text or name it is, or its place from 0.
func (f *File) Line(path ...string) int {
	n := f.root()
	if n == nil {
		return 0
	}
	line := n.Line
	for _, step := range path {
		if n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		if line, n = follow(n, step); n == nil {
			break
		}
	}
	return min(line, f.last)
}

// follow returns what a step leads to from n and the line that it stands in: a key's line
// and what is behind it, or an entry of a list; nil and n's line when it is not there.
func follow(n *yaml.Node, step string) (line int, to *yaml.Node) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == step {
				return n.Content[i].Line, n.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		for _, entry := range n.Content {
			if entry.Value == step || named(entry, step) {
				return entry.Line, entry
			}
		}
		if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(n.Content) {
			return n.Content[i].Line, n.Content[i]
		}
	}
	return n.Line, nil
}

// named tells whether an entry of a list is a mapping with that name.
func named(n *yaml.Node, name string) bool {
	if n.Kind != yaml.MappingNode {
		return false
	}
	_, to := follow(n, "name")
	return to != nil && to.Value == name
}

// atLine is how the library begins the texts of its errors.
var atLine = regexp.MustCompile(`(?s)^line (\d+): (.*)$`)

// plain says on one line in both languages what the library found wrong on its way to
// fill to.
func (f *File) plain(err error, to any) (zh, en string) {
	var inZh, inEn []string
	say := func(line, zh, en string) {
		if line != "" {
			zh, en = "第 "+line+" 行："+zh, "line "+line+": "+en
		}
		inZh, inEn = append(inZh, zh), append(inEn, en)
	}
	var misfits *yaml.TypeError
	if n := f.root(); n != nil && errors.As(err, &misfits) {
		var s search
		s.value(n, reflect.TypeOf(to).Elem(), nil)
		for _, u := range s.found {
			say(strconv.Itoa(u.line), u.zh, u.en)
		}
	}
	if len(inZh) > 0 {
		return strings.Join(inZh, "；"), strings.Join(inEn, "; ")
	}
	line, text := "", strings.Join(strings.Fields(strings.TrimPrefix(err.Error(), "yaml: ")), " ")
	if m := atLine.FindStringSubmatch(text); m != nil {
		line, text = m[1], m[2]
	}
	say(line, "不是正确的 YAML（"+text+"）", "this is no proper YAML ("+text+")")
	return inZh[0], inEn[0]
}
