package setting

import (
	"fmt"

	"gopkg.in/yaml.v3"
)

// Word is a member of a file of [Kind.ReadWords]: a name and what stands behind it, as
// it is written there.
type Word struct {
	Name string
	Line int // of the name, from 1
	// Texts are one text, or those of a list.
	Texts []string
	// Listed tells that a list was written, of one text, too, or of none.
	Listed bool
}

// ReadWords reads a file that is one flat mapping: names, and behind each a text, a
// number, true or false, or a list of such. Which names there are, and what texts mean,
// is for the caller to judge, with [File.Problem] and the lines; words come in the order
// of the file. The error is a problem of the kind's code.
func (k Kind) ReadWords(path string, data []byte) (*File, []Word, error) {
	var document yaml.Node
	f, err := k.Read(path, data, &document)
	if err != nil {
		return nil, nil, err
	}
	if len(document.Content) != 1 || document.Content[0].Kind != yaml.MappingNode {
		return nil, nil, f.Problem(0, "应逐行写 名: 值", "it is to have lines, name: value")
	}
	n := document.Content[0]
	var s search
	s.twice(n)
	for _, u := range s.found {
		return nil, nil, f.Problem(u.line, "%[1]s", "%[2]s", u.zh, u.en)
	}
	words := make([]Word, 0, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		w, wrong := wordOf(n.Content[i], n.Content[i+1])
		if wrong != nil {
			return nil, nil, f.Problem(wrong.line, "%[1]s", "%[2]s", wrong.zh, wrong.en)
		}
		words = append(words, w)
	}
	return f, words, nil
}

// wordOf returns a member of a flat mapping.
func wordOf(key, value *yaml.Node) (Word, *unfit) {
	w := Word{Name: key.Value, Line: key.Line}
	if key.Kind != yaml.ScalarNode || key.Tag != "!!str" {
		return w, &unfit{key.Line, "名应为一个词", "a name is to be a word"}
	}
	entries := []*yaml.Node{value}
	if value.Kind == yaml.SequenceNode {
		entries, w.Listed = value.Content, true
	}
	for _, e := range entries {
		if e.Kind != yaml.ScalarNode || e.Tag == "!!null" || e.Style&yaml.TaggedStyle != 0 {
			zh, en := kindOf(e)
			switch {
			case e.Kind == yaml.AliasNode:
				zh, en = "别名（*）", "an alias (*)"
			case e.Style&yaml.TaggedStyle != 0:
				zh, en = "带标签（!）的值", "a value with a tag (!)"
			}
			return w, &unfit{
				e.Line, fmt.Sprintf("%.40s 应为文字、数、true、false 或它们的列表，这里是%s", key.Value, zh),
				fmt.Sprintf("%.40s is to be a text, a number, true, false or a list of such; here is %s", key.Value, en),
			}
		}
		w.Texts = append(w.Texts, e.Value)
	}
	return w, nil
}
