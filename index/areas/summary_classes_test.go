package areas_test

import (
	"bytes"
	"fmt"
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
	line := func(of string) string {
		return fmt.Sprintf("line %d:", 1+strings.Count(edited[:strings.Index(edited, of)], "\n"))
	}
	for name, c := range map[string]struct{ text, says string }{
		"a code that stands twice":            {strings.Replace(edited, `"0101"`, `"0102"`, 1), line(`"0102"`)},
		"a broad class that is not there":     {strings.Replace(edited, "broad: w", "broad: x", 1), line("broad: w")},
		"a word that the form does not know":  {strings.Replace(edited, "broad: w", "brood: w", 1), line("broad: w")},
		"ridges of no class":                  {strings.Replace(edited, `ridges: "1203"`, `ridges: "1299"`, 1), line("ridges:")},
		"no YAML":                             {"classes: [", "line 1:"},
		"an empty file":                       {"", "empty"},
		"a second table":                      {edited + "---\n" + edited, "second document"},
		"a broad class that stands twice":     {strings.Replace(edited, "{code: j,", "{code: n,", 1), line("{code: j,")},
		"a file that is larger than a table":  {strings.Repeat("#", 2<<20), "limit"},
		"a code without its quotation, octal": {strings.Replace(edited, `{code: "0101"`, `{code: [1]`, 1), line(`{code: "0101"`)},
	} {
		_, err := areas.ParseClasses("x.yaml", []byte(c.text))
		if p := problem.Of(err); p == nil || p.Code != "CLASSES_FILE" || !strings.Contains(p.Found(problem.English), c.says) {
			t.Errorf("%s: %v, want %s", name, err, c.says)
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
