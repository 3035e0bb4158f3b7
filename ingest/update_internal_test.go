package ingest

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"gengtu/index/problem"
)

// Lists of keys in the forms that they come in.
func TestParseDeletions(t *testing.T) {
	for _, row := range []struct {
		name, text string
		want       []string
		code       string
	}{
		{"nothing", "", nil, ""},
		{"a key a line", "610402\n\n 610403 \r\n", []string{"610402", "610403"}, ""},
		{"a byte order mark", "\ufeff610402\n", []string{"610402"}, ""},
		{"a head", "BSM\n610402\n", []string{"610402"}, ""},
		{"a head in Chinese among others", "图斑,标识码\n1,610402\n2,610403\n3\n", []string{"610402", "610403"}, ""},
		{"a head in another case", "name,bsm\n\"a, b\",610402\n", []string{"610402"}, ""},
		{"the key of a weaker kind", "JBNTTBBH,x\n77,1\n", []string{"77"}, ""},
		{"several columns and no key", "a,b\n1,2\n", nil, "DELETE_COLUMN"},
		{"a quote that does not end", "\"a\n", []string{"a"}, ""},
	} {
		got, err := ParseDeletions("list", []byte(row.text), "")
		if row.code != "" {
			if !errors.Is(err, problem.New(row.code, "", "")) {
				t.Errorf("%s: error %v, want %s", row.name, err, row.code)
			}
			continue
		}
		if err != nil || !slices.Equal(got, row.want) {
			t.Errorf("%s: %q, %v, want %q", row.name, got, err, row.want)
		}
	}
}

// What a list gives, written one key a line, gives the same again.
func FuzzParseDeletions(f *testing.F) {
	for _, s := range []string{"610402\n610403", "BSM,a\n1,2", "标识码\n1", "\"a\nb\",c", "\ufeffBSM\r\n1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := ParseDeletions("list", []byte(text), "UTF-8")
		if err != nil {
			if problem.Of(err) == nil {
				t.Errorf("%q: no problem but %v", text, err)
			}
			return
		}
		for _, k := range keys {
			if k == "" || strings.TrimSpace(k) != k {
				t.Errorf("%q gives the key %q", text, k)
			}
			if strings.ContainsAny(k, "\",\r\n\ufeff") {
				return // such a key cannot stand on a line as it is
			}
		}
		again, err := ParseDeletions("list", []byte("BSM\n"+strings.Join(keys, "\n")), "UTF-8")
		if err != nil || !slices.Equal(again, keys) {
			t.Errorf("%q gives %q, and these %q, %v", text, keys, again, err)
		}
	})
}
