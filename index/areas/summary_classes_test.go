package areas_test

import (
	"bytes"
	"strings"
	"testing"

	"gengtu/index/areas"
	"gengtu/index/problem"
)

// The embedded table reads, and an edited copy holds what was edited; what cannot
// be is refused.
func TestParseClasses(t *testing.T) {
	if _, err := areas.DefaultClasses(); err != nil {
		t.Fatal(err)
	}
	edited := strings.Replace(string(areas.ClassesText()), `{code: "0402", zh: 沼泽草地, broad: n}`, `{code: "0402", zh: 沼泽草地, broad: w}`, 1)
	c, err := areas.ParseClasses("edited.yaml", []byte(edited))
	if err != nil || c.First[0].Second[3].Broad != "w" {
		t.Errorf("%+v, %v", c.First[0].Second[3], err)
	}
	for name, text := range map[string]string{
		"a code that stands twice":            strings.Replace(edited, `"0101"`, `"0102"`, 1),
		"a broad class that is not there":     strings.Replace(edited, "broad: w", "broad: x", 1),
		"a word that the form does not know":  strings.Replace(edited, "broad: w", "brood: w", 1),
		"ridges of no class":                  strings.Replace(edited, `ridges: "1203"`, `ridges: "1299"`, 1),
		"no YAML":                             "classes: [",
		"a broad class that stands twice":     strings.Replace(edited, "{code: j,", "{code: n,", 1),
		"a file that is larger than a table":  strings.Repeat("#", 2<<20),
		"a code without its quotation, octal": strings.Replace(edited, `{code: "0101"`, `{code: [1]`, 1),
	} {
		if _, err := areas.ParseClasses("x.yaml", []byte(text)); problem.Of(err) == nil || problem.Of(err).Code != "CLASSES_FILE" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What reads, reads again the same; nothing panics.
func FuzzParseClasses(f *testing.F) {
	f.Add(areas.ClassesText())
	f.Add([]byte("broad: [{code: n}]\nclasses: [{code: '01', classes: [{code: '0101', broad: n}]}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := areas.ParseClasses("x.yaml", data)
		again, err2 := areas.ParseClasses("x.yaml", bytes.Clone(data))
		if (err == nil) != (err2 == nil) || err == nil && len(c.First) != len(again.First) {
			t.Errorf("%v, then %v", err, err2)
		}
	})
}
