package setting

import (
	"encoding"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// unfit is something in a file that does not fit what is read from it.
type unfit struct {
	line   int
	zh, en string
}

// deepest bounds how deep values lie in one another; an alias may lead back to itself.
const deepest = 100

// search finds what does not fit. The library tells that something does not, but by the
// names of types in the program and with texts that end within a letter.
type search struct{ found []unfit }

func (s *search) say(n *yaml.Node, zh, en string, args ...any) {
	s.found = append(s.found, unfit{n.Line, fmt.Sprintf(zh, args...), fmt.Sprintf(en, args...)})
}

var (
	ownForm = reflect.TypeFor[yaml.Unmarshaler]()
	ownText = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// value looks at what is to become a value of type t; path are the members that lead
// there.
func (s *search) value(n *yaml.Node, t reflect.Type, path []string) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	own := reflect.PointerTo(t).Implements(ownForm) || reflect.PointerTo(t).Implements(ownText)
	switch {
	case len(path) > deepest:
	case !own && t.Kind() == reflect.Struct && n.Kind == yaml.MappingNode:
		s.members(n, t, path)
	case !own && t.Kind() == reflect.Map && n.Kind == yaml.MappingNode:
		s.twice(n)
		for i := 0; i+1 < len(n.Content); i += 2 {
			s.value(n.Content[i], t.Key(), append(slices.Clone(path), n.Content[i].Value))
			s.value(n.Content[i+1], t.Elem(), append(slices.Clone(path), n.Content[i].Value))
		}
	case !own && t.Kind() == reflect.Slice && n.Kind == yaml.SequenceNode:
		for i, entry := range n.Content {
			s.value(entry, t.Elem(), append(slices.Clone(path), fmt.Sprint(i+1)))
		}
	default:
		s.leaf(n, t, path)
	}
}

// members looks at the members of a mapping that is to become a struct.
func (s *search) members(n *yaml.Node, t reflect.Type, path []string) {
	s.twice(n)
	known := membersOf(t)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Tag == "!!merge" {
			s.value(value, t, path)
			continue
		}
		if of, there := known[key.Value]; there {
			s.value(value, of, append(slices.Clone(path), key.Value))
			continue
		}
		zh, en := Unknown(key.Value, strings.Join(path, "."), slices.Sorted(maps.Keys(known)))
		s.say(key, "%[1]s", "%[2]s", zh, en)
	}
}

// membersOf are the members of a struct by the names that a file has for them.
func membersOf(t reflect.Type) map[string]reflect.Type {
	out := map[string]reflect.Type{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, rest, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case name == "-" || !f.IsExported():
		case strings.Contains(rest, "inline"):
			maps.Copy(out, membersOf(f.Type))
		case name == "":
			out[strings.ToLower(f.Name)] = f.Type
		default:
			out[name] = f.Type
		}
	}
	return out
}

// twice looks for keys that stand twice in a mapping.
func (s *search) twice(n *yaml.Node) {
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if line, there := first[key.Value]; there {
			s.say(key, "%.40[1]s 在第 %[2]d 行已经写过", "%.40[1]s stands in line %[2]d already", key.Value, line)
			continue
		}
		first[key.Value] = key.Line
	}
}

// leaf looks at what is to become a value without members of its own.
func (s *search) leaf(n *yaml.Node, t reflect.Type, path []string) {
	err := n.Decode(reflect.New(t).Interface())
	if err == nil {
		return
	}
	// A type that reads itself says what is wrong in words of its own.
	own := []string{err.Error()}
	var several *yaml.TypeError
	if errors.As(err, &several) {
		own = several.Errors
	}
	for _, text := range own {
		if m := atLine.FindStringSubmatch(text); m != nil {
			text = m[2]
		}
		if strings.HasPrefix(text, "cannot unmarshal") {
			zh, en := wanted(t)
			foundZh, foundEn := kindOf(n)
			s.say(n, "%[1]s 应为%[2]s，这里是%[3]s", "%[1]s is to be %[4]s; here is %[5]s", whole(path), zh, foundZh, en, foundEn)
			return
		}
		s.say(n, "%[1]s：%[2]s", "%[1]s: %[2]s", whole(path), text)
	}
}

// whole is a path as a person reads it.
func whole(path []string) string {
	if len(path) == 0 {
		return "…"
	}
	return strings.Join(path, ".")
}

// wanted says in words what a value of a type is written as.
func wanted(t reflect.Type) (zh, en string) {
	switch t.Kind() {
	case reflect.Bool:
		return " true 或 false", "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "整数", "a whole number"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "不小于 0 的整数", "a whole number, 0 or more"
	case reflect.Float32, reflect.Float64:
		return "数", "a number"
	case reflect.String:
		return "文字", "a text"
	case reflect.Slice, reflect.Array:
		return "列表 [甲, 乙]", "a list, [a, b]"
	case reflect.Struct:
		names := strings.Join(slices.Sorted(maps.Keys(membersOf(t))), " ")
		if names != "" {
			return "有成员的一节（" + names + "）", "a section with the members " + names
		}
	case reflect.Map:
		return "有成员的一节（名: 值）", "a section of members (name: value)"
	}
	return "别的内容", "something else"
}

// kindOf says in words what a node is; texts are cut between letters.
func kindOf(n *yaml.Node) (zh, en string) {
	switch {
	case n.Kind == yaml.SequenceNode:
		return "列表", "a list"
	case n.Kind == yaml.MappingNode:
		return "有成员的一节", "a section with members"
	case n.Tag == "!!null":
		return "空的", "nothing"
	}
	text := fmt.Sprintf("%.40q", n.Value)
	if r := []rune(n.Value); len(r) > 40 {
		text += "…"
	}
	return " " + text, text
}
