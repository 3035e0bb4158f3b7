package areas

import (
	"bytes"
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"gengtu/index/setting"
)

//go:embed classes.yaml
var classesYAML []byte

// ClassesText returns the embedded table of land classes, for a person to edit a
// copy.
func ClassesText() []byte { return bytes.Clone(classesYAML) }

// Classes says how land classes add up to first-level and to broad classes. It is
// not changed after [ParseClasses].
type Classes struct {
	// Ridges is the class that what is deducted from patches is booked under.
	Ridges string `yaml:"ridges"`
	// Broad are the broad classes, Owners the groups of QSXZ.
	Broad  []ClassGroup `yaml:"broad"`
	Owners []OwnerGroup `yaml:"owners"`
	// First are the first-level classes in the order of the tables.
	First []FirstClass `yaml:"classes"`

	of map[string]classOf // by second-level code
}

// ClassGroup is a class of classes.
type ClassGroup struct {
	Code string `yaml:"code"`
	Zh   string `yaml:"zh"`
	En   string `yaml:"en"`
}

// OwnerGroup is a group of owners: those whose QSXZ begins with one of Begins.
type OwnerGroup struct {
	ClassGroup `yaml:",inline"`
	Begins     []string `yaml:"begins"`
}

// FirstClass is a first-level class with its second-level classes.
type FirstClass struct {
	ClassGroup `yaml:",inline"`
	Second     []SecondClass `yaml:"classes"`
}

// SecondClass is a class that patches have; Broad is the code of its broad class.
type SecondClass struct {
	Code  string `yaml:"code"`
	Zh    string `yaml:"zh"`
	Broad string `yaml:"broad"`
}

// classOf is where a second-level class belongs; broad is -1 for none.
type classOf struct {
	second       *SecondClass
	first, broad int
}

// DefaultClasses returns the embedded table.
var DefaultClasses = sync.OnceValues(func() (*Classes, error) { return ParseClasses("classes.yaml", classesYAML) })

// classesKind is what a table of classes is as a file; the embedded one has 5,000 bytes.
var classesKind = setting.Kind{
	Code: "CLASSES_FILE", MaxBytes: 1 << 20,
	AdviceZh: "以 gengtu info --table classes 的输出为样本", AdviceEn: "take what gengtu info --table classes prints as a sample",
}

// ParseClasses reads a table of land classes. The path is for messages only; what
// the form does not know, a code that stands twice and a broad class that is not
// there are problems with the code CLASSES_FILE.
func ParseClasses(path string, data []byte) (*Classes, error) {
	c := &Classes{of: map[string]classOf{}}
	text, err := classesKind.Read(path, data, c)
	if err != nil {
		return nil, err
	}
	broad := map[string]int{"": -1}
	for i, b := range c.Broad {
		if _, ok := broad[b.Code]; ok {
			return nil, text.Problem(text.Line("broad", strconv.Itoa(i)), "大类代码 %.20q 空缺或重复", "the code %.20q of a broad class is empty or stands twice", b.Code)
		}
		broad[b.Code] = i
	}
	for i := range c.First {
		for k := range c.First[i].Second {
			s := &c.First[i].Second[k]
			line := func() int { return text.Line("classes", strconv.Itoa(i), "classes", strconv.Itoa(k)) }
			b, ok := broad[s.Broad]
			switch _, twice := c.of[s.Code]; {
			case s.Code == "" || twice:
				return nil, text.Problem(line(), "地类代码 %.20q 空缺或重复", "the class code %.20q is empty or stands twice", s.Code)
			case !ok:
				return nil, text.Problem(line(), "地类 %.20s 的大类 %.20q 不在表里", "class %.20s is of the broad class %.20q, which is not in the table", s.Code, s.Broad)
			}
			c.of[s.Code] = classOf{s, i, b}
		}
	}
	if _, ok := c.of[c.Ridges]; c.Ridges != "" && !ok {
		return nil, text.Problem(text.Line("ridges"), "田坎地类 %.20q 不在表里", "the class of ridges, %.20q, is not in the table", c.Ridges)
	}
	return c, nil
}

// find returns where a code belongs: its own class, or the longest one that it
// begins with; false when there is none.
func (c *Classes) find(code string) (classOf, bool) {
	for n := len(code); n > 0; n-- {
		if at, ok := c.of[code[:n]]; ok {
			return at, true
		}
	}
	return classOf{}, false
}

// name is what a class is called; a code that begins with a class's and ends in K
// is land that can be turned back to cropland (可调整), any other is the class.
func (c *Classes) name(code string) string {
	at, ok := c.find(code)
	switch {
	case !ok:
		return ""
	case at.second.Code != code && strings.HasSuffix(code, "K"):
		return "可调整" + at.second.Zh
	}
	return at.second.Zh
}

// Name is what a class is called in Chinese, "" for one that is not in the table.
func (c *Classes) Name(code string) string { return c.name(code) }

// ridges is the class of ridges as a heading has it, "" for none.
func (c *Classes) ridges() string {
	at, ok := c.of[c.Ridges]
	if !ok {
		return ""
	}
	return heading(c.Ridges, at.second.Zh)
}

// owner returns the group of a QSXZ, -1 for none.
func (c *Classes) owner(qsxz string) int {
	for i, o := range c.Owners {
		for _, b := range o.Begins {
			if b != "" && strings.HasPrefix(qsxz, b) {
				return i
			}
		}
	}
	return -1
}

// heading is a class as the head of a column has it.
func heading(code, zh string) string { return fmt.Sprintf("%s %s", code, zh) }
