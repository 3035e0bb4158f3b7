package profiles_test

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"gengtu/index/problem"
	"gengtu/ingest/profiles"
)

// extentsFrom loads profiles with a user's file of extents.
func extentsFrom(text string) (*profiles.Set, error) {
	return profiles.Load(fstest.MapFS{"extents.yaml": {Data: []byte(text)}})
}

// A user's extents stand in the place of those of the same province; the others stay, and
// so do the embedded ones.
func TestOwnExtents(t *testing.T) {
	before := *embedded(t).Extents()
	s, err := extentsFrom("margin: 0.5\nprovinces:\n  - {code: \"61\", zh: 陕西, en: Shaanxi, extent: [100, 30, 112, 40]}\n  - {code: \"99\", zh: 某省, en: Some, extent: [80, 20, 81, 21]}\n")
	if err != nil {
		t.Fatal(err)
	}
	is := s.Extents()
	if is.Margin != 0.5 || is.Apart != before.Apart || is.China != before.China || len(is.Provinces) != len(before.Provinces)+1 {
		t.Errorf("%+v", is)
	}
	for i, p := range is.Provinces[:len(is.Provinces)-1] {
		want := before.Provinces[i]
		if p.Code == "61" {
			want.Extent = profiles.Extent{100, 30, 112, 40}
		}
		if p != want {
			t.Errorf("%+v, want %+v", p, want)
		}
	}
	if now := *embedded(t).Extents(); now.Margin != before.Margin || len(now.Provinces) != len(before.Provinces) {
		t.Error("the embedded extents changed")
	}
}

// What is wrong in a user's extents is told with its line.
func TestWrongExtents(t *testing.T) {
	province := func(text string) string {
		return "provinces:\n  - {code: \"61\", zh: 陕西, en: Shaanxi, extent: [100, 30, 112, 40]}\n  - " + text + "\n"
	}
	for text, line := range map[string]string{
		"margin: 0.1\napart: -1\n":   "line 2",
		"margin: .nan\n":             "line 1",
		"\nchina: [10, 20, 5, 30]\n": "line 2",
		"china: [1, 2, 3]\n":         "line 1",
		"margins: 1\n":               "line 1",
		"provinces: {}\n":            "line 1",
		province(`{code: "6", zh: 甲, en: A, extent: [1, 2, 3, 4]}`):     "line 3",
		province(`{code: "+6", zh: 甲, en: A, extent: [1, 2, 3, 4]}`):    "line 3",
		province(`{code: "61", zh: 甲, en: A, extent: [1, 2, 3, 4]}`):    "line 3",
		province(`{code: "62", zh: 甲, extent: [1, 2, 3, 4]}`):           "line 3",
		province(`{code: "62", zh: 甲, en: A, extent: [3, 2, 1, 4]}`):    "line 3",
		province(`{code: "62", zh: 甲, en: A, extent: [1, .nan, 3, 4]}`): "line 3",
		province(`{code: "62", zh: 甲, en: A, extent: [1, 2, 3, 91]}`):   "line 3",
		province(`{code: "62", zh: 甲, en: A, box: [1, 2, 3, 4]}`):       "line 3",
		province(`{code: "62", zh: 甲, en: A, extent: west}`):            "line 3",
		province(`west`): "line 3",
	} {
		_, err := extentsFrom(text)
		if p := problem.Of(err); p == nil || p.Code != "PROFILE_FILE" || p.File != "extents.yaml" || !strings.Contains(p.Text(problem.English), line) {
			t.Errorf("%q: %v, want %s", text, err, line)
		}
	}
}

// Whatever a file of extents holds is taken, or told; what is taken is extents.
func FuzzExtents(f *testing.F) {
	text, err := os.ReadFile("extents.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	f.Add("margin: 1\nprovinces: [{code: \"61\", zh: a, en: b, extent: [1, 2, 3, 4]}]")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := extentsFrom(text)
		if err != nil {
			if problem.Of(err) == nil {
				t.Fatal(err)
			}
			return
		}
		seen := map[string]bool{}
		for _, p := range s.Extents().Provinces {
			if e := p.Extent; seen[p.Code] || len(p.Code) != 2 || !(e[0] < e[2] && e[1] < e[3]) {
				t.Errorf("%+v", p)
			}
			seen[p.Code] = true
		}
	})
}
