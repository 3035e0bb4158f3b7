package setting_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"gengtu/index/problem"
	"gengtu/index/setting"
)

// Words come as they are written, in the order of the file and with their lines.
func TestReadWords(t *testing.T) {
	_, got, err := kind.ReadWords("x.yaml", []byte("# a note\nb: 0x10\na:\n  - yes\n  - \"no\"\n\nc: []\nd: >-\n  two\n  lines\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []setting.Word{
		{Name: "b", Line: 2, Texts: []string{"0x10"}},
		{Name: "a", Line: 3, Texts: []string{"yes", "no"}, Listed: true},
		{Name: "c", Line: 7, Listed: true},
		{Name: "d", Line: 8, Texts: []string{"two lines"}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// Whatever the file holds: it is refused by a problem, or the words are its members as
// the library reads them, no more and no fewer.
func FuzzReadWords(f *testing.F) {
	for _, s := range []string{whole, "a: b\n", "a: [b, c]\n", "a: &x 1\nb: *x\n", "<<: {a: 1}\n", "? [a]\n: b\n", "a: !!binary aGk=\n", "a: ~\n", "--- \n...\n", "{a: 1, a: 2}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		_, words, err := kind.ReadWords("x.yaml", data)
		if err != nil {
			if p := problem.Of(err); p == nil || p.Code != "X_FILE" {
				t.Fatalf("%v is no problem of the file", err)
			}
			return
		}
		var members map[string]any
		if err := yaml.Unmarshal(data, &members); err != nil {
			t.Skip() // names that are no texts to the library, such as 1 or true
		}
		if len(words) != len(members) {
			t.Fatalf("%d words, %d members", len(words), len(members))
		}
		for _, w := range words {
			v, there := members[w.Name]
			several, listed := v.([]any)
			if !there || listed != w.Listed || listed && len(several) != len(w.Texts) || !listed && len(w.Texts) != 1 {
				t.Fatalf("%+v, want %v", w, v)
			}
			if text, ok := v.(string); ok && text != w.Texts[0] {
				t.Fatalf("%+v, want %q", w, text)
			}
		}
	})
}
