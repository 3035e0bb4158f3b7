package setting_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"gengtu/index/problem"
	"gengtu/index/setting"
)

var kind = setting.Kind{Code: "X_FILE", AdviceZh: "照样本改", AdviceEn: "go by the sample", MaxBytes: 1000}

// form is what a file of the tests holds.
type form struct {
	Name string `yaml:"name"`
	Zoom int    `yaml:"zoom"`
	List []struct {
		Name string   `yaml:"name"`
		Of   []string `yaml:"of"`
	} `yaml:"list"`
}

const whole = `# a note
name: x
zoom: 3
list:
  - name: a
    of: [p, q]
  - name: b
    of:
      - r
      - s
  - {of: [t]}
`

// What a path leads to stands in its line, and what is not there in that of the last
// thing that is.
func TestLine(t *testing.T) {
	var to form
	f, err := kind.Read("x.yaml", []byte(whole), &to)
	if err != nil || len(to.List) != 3 || to.Zoom != 3 {
		t.Fatal(to, err)
	}
	for path, want := range map[string]int{
		"": 2, "name": 2, "zoom": 3, "list": 4, "list a": 5, "list a of": 6, "list a of q": 6, "list b": 7, "list b of": 8, "list b of s": 10, "list b of 0": 9,
		"list 2": 11, "list 2 of": 11, "list 3": 5, "nothing": 2, "list b nothing": 7, "list b of nothing": 9, "zoom deeper": 3,
	} {
		if got := f.Line(strings.Fields(path)...); got != want {
			t.Errorf("%q: line %d, want %d", path, got, want)
		}
	}
	p := f.Problem(8, "有 %d 项", "it has %d", 2)
	if p.Code != "X_FILE" || p.Text(problem.English) != "x.yaml: line 8: it has 2; go by the sample [X_FILE]" || p.Text(problem.Chinese) != "x.yaml: 第 8 行：有 2 项；照样本改 [X_FILE]" {
		t.Error(p)
	}
}

// What is no file of the form is refused, in both languages and with its line.
func TestRead(t *testing.T) {
	for text, want := range map[string]struct{ zh, en string }{
		"":                        {"是空的", "it is empty"},
		"# nothing\n":             {"是空的", "it is empty"},
		"name: x\nzom: 3\n":       {"第 2 行：不认识 zom（是否 zoom？），可写 list name zoom", "line 2: zom is not known (zoom is meant?); there are list name zoom"},
		"name: x\nname: y\n":      {"第 2 行：name 在第 1 行已经写过", "line 2: name stands in line 1 already"},
		"name: x\nzoom: ten\n":    {`第 2 行：zoom 应为整数，这里是 "ten"`, `line 2: zoom is to be a whole number; here is "ten"`},
		"zoom: [1]\nnum: 1\n":     {"第 1 行：zoom 应为整数，这里是列表；第 2 行：不认识 num", "line 1: zoom is to be a whole number; here is a list; line 2: num is not known"},
		"name: [\n":               {"第 1 行：不是正确的 YAML（did not", "line 1: this is no proper YAML (did not"},
		"name: x\n---\nname: y\n": {"第二份", "a second document"},
		"name: x\n---\n[":         {"第二份", "a second document"},
		strings.Repeat("#", 1001): {"有 1001 字节，上限 1000", "it has 1001 bytes, the limit is 1000"},
		"list: &a\n  - *a\n":      {"list.1 应为有成员的一节（name of），这里是列表", "line 1: list.1 is to be a section with the members name of; here is a list"},
		"name: x\nlist: 数据管理中心数据管理中心\n":           {`第 2 行：list 应为列表 [甲, 乙]，这里是 "数据管理中心数据管理中心"`, `here is "数据管理中心数据管理中心"`},
		"list:\n  - {name: a, off: [p]}\n":        {"第 2 行：list.1 中不认识 off（是否 of？），可写 name of", "line 2: off is not known in list.1 (of is meant?); there are name of"},
		"list: [{of: {p: q}}]\n":                  {"list.1.of 应为列表 [甲, 乙]，这里是有成员的一节", "list.1.of is to be a list, [a, b]; here is a section with members"},
		"zoom: " + strings.Repeat("长", 50) + "\n": {`这里是 "` + strings.Repeat("长", 40) + `"…`, `here is "` + strings.Repeat("长", 40) + `"…`},
		"name: " + "\x00" + "100%s\n":             {"不是正确的 YAML", "control characters"},
	} {
		_, err := kind.Read("x.yaml", []byte(text), new(form))
		p := problem.Of(err)
		if p == nil || p.Code != "X_FILE" || p.File != "x.yaml" || !strings.Contains(p.Found(problem.Chinese), want.zh) || !strings.Contains(p.Found(problem.English), want.en) {
			t.Errorf("%.40q: %v", text, err)
			if p != nil {
				t.Error(p.Text(problem.Chinese))
			}
		}
	}
}

// Whatever a file holds, it is read or refused with a problem, and every path has a line.
func FuzzRead(f *testing.F) {
	f.Add([]byte(whole), "list b of")
	f.Add([]byte("list: &a [{name: b, of: *a}]\n"), "list b of 0")
	f.Add([]byte("name: [\n"), "")
	f.Add([]byte("---"), "0")
	f.Add([]byte("'0\n\n0'"), "")
	f.Fuzz(func(t *testing.T, text []byte, path string) {
		var free map[string]any
		for _, to := range []any{new(form), &free} {
			file, err := kind.Read("x.yaml", text, to)
			if err != nil {
				if strings.Contains(err.Error(), "cannot unmarshal") && !strings.Contains(string(text), "cannot") || utf8.Valid(text) && !utf8.ValidString(err.Error()) {
					t.Fatal("a type of the program, or half a letter: ", err)
				}
				if problem.Of(err) == nil || strings.Contains(err.Error(), "%!") && !strings.Contains(string(text), "%!") {
					t.Fatal(err)
				}
				continue
			}
			if line := file.Line(strings.Fields(path)...); line < 1 || line > 1+strings.Count(string(text), "\n")+strings.Count(string(text), "\r") {
				t.Fatalf("%q: line %d", path, line)
			}
		}
	})
}
