package check

import (
	_ "embed"
	"errors"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/index/setting"
)

//go:embed rules.yaml
var embeddedRules []byte

// Rules are what deliveries are judged by. They are not changed after they are loaded.
type Rules struct {
	// Fails are the severities whose faults make a delivery fail; the others warn.
	Fails      []string   `yaml:"fails"`
	Tolerances Tolerances `yaml:"tolerances"`
	List       []Rule     `yaml:"rules"`
}

// Tolerances are the distances, in metres, within which places are one; rules.yaml says
// what each is for.
type Tolerances struct {
	VertexM             float64 `yaml:"vertex_m"`
	VertexBetweenZonesM float64 `yaml:"vertex_between_zones_m"`
	EdgeM               float64 `yaml:"edge_m"`
	ApartM              float64 `yaml:"apart_m"`
	GridM               float64 `yaml:"grid_m"`
}

// Group is what a rule is about.
type Group string

// The groups, as in domain.md 3.5.
const (
	Topology  Group = "topology"
	Attribute Group = "attribute"
	Unique    Group = "unique"
	Area      Group = "area"
	Structure Group = "structure"
)

// Rule is one rule of the survey, or of ours.
type Rule struct {
	// Number is the survey's, or ours where OwnNumber says so.
	Number    string `yaml:"rule" json:"rule"`
	OwnNumber bool   `yaml:"own_number" json:"own_number,omitempty"`
	// Check is which check of the program finds its faults.
	Check string `yaml:"check" json:"check"`
	Group Group  `yaml:"group" json:"group"`
	// Severity is 一类, 二类 or 三类, the first the gravest.
	Severity            string `yaml:"severity" json:"severity"`
	SeverityUnconfirmed bool   `yaml:"severity_unconfirmed" json:"severity_unconfirmed,omitempty"`
	// Layers are the layers that it applies to; "*" is all.
	Layers []string `yaml:"layers" json:"layers"`
	// Thresholds are the numbers that the check compares with, by name; the unit is the
	// name's end.
	Thresholds map[string]float64 `yaml:"thresholds" json:"thresholds,omitempty"`
	Title      edition.Title      `yaml:"title" json:"title"`
	Advice     edition.Title      `yaml:"advice" json:"advice"`
	Source     string             `yaml:"source" json:"source,omitempty"`

	index int // in Rules.List
}

// applies tells whether the rule is about a layer.
func (r *Rule) applies(layer string) bool {
	return slices.Contains(r.Layers, "*") || slices.Contains(r.Layers, layer)
}

// threshold is a number that the rule compares with; 0 where the check takes it and the rule
// does not give it. One that the check needs is there, see [checks].
func (r *Rule) threshold(name string) float64 { return r.Thresholds[name] }

// of returns the rules of a check that apply to a layer.
func (r *Rules) of(check, layer string) []*Rule {
	var out []*Rule
	for i := range r.List {
		if p := &r.List[i]; p.Check == check && p.applies(layer) {
			out = append(out, p)
		}
	}
	return out
}

// RulesText returns the embedded rules.yaml, for who wants to edit a copy.
func RulesText() []byte { return slices.Clone(embeddedRules) }

// rulesKind is what rules are as a file.
var rulesKind = setting.Kind{
	Code: "CHECK_RULES", MaxBytes: 4 << 20,
	AdviceZh: "对照 gengtu check --print-rules 的输出更正", AdviceEn: "correct it; gengtu check --print-rules prints the embedded ones",
}

// LoadRules returns the rules of the file at path, or the embedded ones for "". What is
// wrong in a file is a problem of the code CHECK_RULES that names the line.
func LoadRules(path string) (*Rules, error) {
	if path == "" {
		return ParseRules(embeddedRules)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, problem.New("CHECK_RULES", "规则文件打不开（%v）", "the rules cannot be opened (%v)", err).In(path).Because(err)
	}
	text, err := io.ReadAll(io.LimitReader(f, int64(rulesKind.MaxBytes)+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, problem.New("CHECK_RULES", "规则文件读不出来（%v）", "the rules cannot be read (%v)", err).In(path).Because(err)
	}
	return readRules(path, text)
}

// ParseRules reads rules from text. Problems are those of [LoadRules].
func ParseRules(text []byte) (*Rules, error) { return readRules("", text) }

// readRules reads rules from the text of the file at path.
func readRules(path string, text []byte) (*Rules, error) {
	var r Rules
	file, err := rulesKind.Read(path, text, &r)
	if err != nil {
		return nil, err
	}
	v := validator{text: file, rules: &r, numbers: map[string]int{}}
	if err := v.tolerances(); err != nil {
		return nil, err
	}
	if err := v.fails(); err != nil {
		return nil, err
	}
	for i := range r.List {
		r.List[i].index = i
		if err := v.rule(i); err != nil {
			return nil, err
		}
	}
	if len(r.List) == 0 {
		return nil, file.Problem(file.Line("rules"), "没有一条规则", "there is no rule")
	}
	return &r, nil
}

// validator holds rules against what the program knows.
type validator struct {
	text    *setting.File
	rules   *Rules
	numbers map[string]int // the place in the list, by number
}

// line returns the line of rule i.
func (v *validator) line(i int) int { return v.text.Line("rules", strconv.Itoa(i)) }

func (v *validator) tolerances() error {
	t := v.rules.Tolerances
	const most = 1 // a metre: beyond it faults would be taken for noise
	for _, x := range [...]float64{t.VertexM, t.VertexBetweenZonesM, t.EdgeM, t.ApartM, t.GridM} {
		if !(x >= 0 && x <= most) {
			return v.text.Problem(v.text.Line("tolerances"), "tolerances 中的 %v 不在 [0, %d] 米内", "%v in tolerances is not in [0, %d] metres", x, most)
		}
	}
	return nil
}

// fails wants to be told, an empty list too: a rules file that says nothing of it would
// let everything pass.
func (v *validator) fails() error {
	if v.rules.Fails == nil {
		return v.text.Problem(v.text.Line("fails"), "没有写 fails：哪些严重程度算不合格", "fails is missing: the severities that make a delivery fail")
	}
	for _, s := range v.rules.Fails {
		if !slices.Contains(severities, s) {
			return v.text.Problem(v.text.Line("fails"), "fails 中的 %q 不是一类、二类或三类", "%q in fails is none of 一类, 二类, 三类", s)
		}
	}
	return nil
}

// Failing tells whether a fault of the severity makes a delivery fail.
func (r *Rules) Failing(severity string) bool { return slices.Contains(r.Fails, severity) }

// severities, the gravest first.
var severities = []string{"一类", "二类", "三类"}

// EnglishSeverity is what English texts call a severity: "class 1" for 一类. Rules and JSON
// have the severity itself in every language. What is no severity stays as it is.
func EnglishSeverity(severity string) string {
	i := slices.Index(severities, severity)
	if i < 0 {
		return severity
	}
	return "class " + strconv.Itoa(i+1)
}

// Severities returns all severities, the gravest first.
func Severities() []string { return slices.Clone(severities) }

func (v *validator) rule(i int) error {
	r := &v.rules.List[i]
	wrong := func(zh, en string, args ...any) error { return v.text.Problem(v.line(i), zh, en, args...) }
	before, twice := v.numbers[r.Number]
	switch {
	case r.Number == "" || strings.ContainsAny(r.Number, " \t\n") || len(r.Number) > 20:
		return wrong("规则编号 %q 不能用", "the number %q cannot be used", r.Number)
	case twice:
		return wrong("规则编号 %s 在第 %d 行已有", "the number %s stands in line %d already", r.Number, v.line(before))
	case !slices.Contains([]Group{Topology, Attribute, Unique, Area, Structure}, r.Group):
		return wrong("规则 %s 的 group %q 不认识", "the group %[2]q of rule %[1]s is not known", r.Number, r.Group)
	case !slices.Contains(severities, r.Severity):
		return wrong("规则 %s 的 severity %q 不是一类、二类或三类", "the severity %[2]q of rule %[1]s is none of 一类, 二类, 三类", r.Number, r.Severity)
	case len(r.Layers) == 0:
		return wrong("规则 %s 没有写 layers", "rule %s names no layers", r.Number)
	case r.Title.Zh == "" || r.Title.En == "":
		return wrong("规则 %s 缺少中文或英文 title", "rule %s lacks a title in Chinese or English", r.Number)
	}
	v.numbers[r.Number] = i
	known, ok := checks[r.Check]
	if !ok {
		return wrong("规则 %s 的 check %q 不认识", "the check %[2]q of rule %[1]s is not known", r.Number, r.Check)
	}
	for _, name := range known.needs {
		if _, ok := r.Thresholds[name]; !ok {
			return wrong("规则 %s 没有写 %s 要的阈值 %s", "rule %s lacks the threshold %[3]s, which %[2]s needs", r.Number, r.Check, name)
		}
	}
	for name, x := range r.Thresholds {
		if !slices.Contains(known.needs, name) && !slices.Contains(known.takes, name) {
			return wrong("规则 %s 的阈值 %s 对 %s 没有意义", "the threshold %[2]s of rule %[1]s means nothing to %[3]s", r.Number, name, r.Check)
		}
		if !(x >= 0 && x < 1e15) {
			return wrong("规则 %s 的阈值 %s 是 %v", "the threshold %[2]s of rule %[1]s is %[3]v", r.Number, name, x)
		}
	}
	return nil
}

// compared are the thresholds of a check: those without which it could tell nothing, and
// those that change it where they are given.
type compared struct{ needs, takes []string }

// checks are the checks of the program, and the thresholds of each.
var checks = func() map[string]compared {
	out := map[string]compared{}
	for _, of := range []struct {
		compared
		checks []string
	}{
		{compared{}, []string{
			"layer-present", "layer-empty", "field-present", "unknown-field", "crs", "unreadable",
			"domain", "range", "required", "name-of-code", "only-when", "length", "exact-length", "type", "encoding",
			"unique", "unique-in-place", "duplicate",
			"multipart", "repeated-point", "self-touch", "self-crossing", "ring-fault",
		}},
		{compared{needs: []string{"tolerance_m2"}}, []string{"deducted-area", "net-area"}},
		{compared{needs: []string{"digits"}}, []string{"key-digits"}},
		{compared{needs: []string{"min_m2"}, takes: []string{"below_m2"}}, []string{
			"overlap", "gap", "rounded-border", "outside-region", "region-uncovered",
			"outside-village", "village-uncovered", "outside-parent", "parent-uncovered",
		}},
		{compared{needs: []string{"min_m", "near_m"}}, []string{"line-off-border", "border-without-line", "duplicate-line"}},
		{compared{needs: []string{"near_m"}}, []string{"dangling-line"}},
		{compared{needs: []string{"below_m2"}}, []string{"sliver"}},
		{compared{needs: []string{"below_m"}}, []string{"short-edge", "narrow"}},
		{compared{needs: []string{"below_degrees"}}, []string{"sharp-angle"}},
		{compared{needs: []string{"tolerance_m2"}, takes: []string{"relative"}}, []string{"patch-area", "computed-area"}},
		{compared{needs: []string{"tolerance_m2"}, takes: []string{"per_patch_m2"}}, []string{"village-sum", "region-sum", "places-sum"}},
	} {
		for _, name := range of.checks {
			out[name] = of.compared
		}
	}
	return out
}()
