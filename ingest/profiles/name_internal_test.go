package profiles

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// A layer is taken by the pattern that says most of a name, whichever profile comes
// first; what fits two alike is of both.
func TestFind(t *testing.T) {
	profile := func(name, files string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("name: " + name + "\nlike: urban\ntitle: {zh: x, en: x}\nfiles: " + files + "\n")}
	}
	s, err := Load(fstest.MapFS{
		"a.yaml": profile("a", `["QQ*", "*QQ|Q7Q"]`), "b.yaml": profile("b", `["QQW*|QQ"]`), "c.yaml": profile("c", `["QQW|*QQE*"]`), "d.yaml": profile("d", `["*QQE*", "QR[0-9][0-9]*"]`),
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"qq": "b", "QQX": "a", "XQQ": "a", "QQW": "c", "QQWX.shp": "b", "XQQEX": "c d", "1QQW1": "c", "Q7Q": "a", "QR12x": "d", "QR1": "", "甲县QQW_2024年度": "c", "/QQ/x": "",
	} {
		var got []string
		for _, n := range s.Find(name) {
			got = append(got, n.Profile.Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s is of %v, want %q", name, got, want)
		}
	}
	if n := s.Find("XQQ"); len(n) != 1 || n[0].Entry != 1 || n[0].Pattern != "*QQ" {
		t.Errorf("%+v", n)
	}
}

// The forms of a name hold no folder, ending or blank text, whatever the name.
func FuzzNameForms(f *testing.F) {
	f.Add("/x/陕西省渭城区(610404)_DLTB 2024年度.shp")
	f.Add("省市县.")
	f.Add("..")
	f.Fuzz(func(t *testing.T, name string) {
		forms := nameForms(name)
		if slices.Contains(forms, "") || slices.ContainsFunc(forms, func(s string) bool { return strings.ContainsRune(s, '/') && s != "/" }) {
			t.Errorf("%q", forms)
		}
	})
}

func TestNameForms(t *testing.T) {
	want := []string{"(610404)渭城区_DLTB2024年", "渭城区_DLTB", "DLTB", "DLTB"}
	if d := cmp.Diff(want, nameForms("x/(610404)渭城区_dltb2024年.shp")); d != "" {
		t.Error(d)
	}
}
