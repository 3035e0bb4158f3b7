package audit

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gengtu/index/problem"
)

// Whatever the file of a chain's end holds, it is refused with its problem, or says a line
// and a hash that are the same when they are written and read again.
func FuzzReadHead(f *testing.F) {
	const hash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	for _, s := range []string{`{"n":3,"hash":"` + hash + `","time":"2024-01-01T00:00:00Z"}`, `{"n":0,"hash":"` + hash + `"}`, `{"n":1,"hash":"ABCDEF"}`, `null`, `{`, ``} {
		f.Add([]byte(s))
	}
	dir := f.TempDir()
	path := filepath.Join(dir, headName("a"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		h, err := readHead(dir, "a")
		if err != nil {
			if p := problem.Of(err); p == nil || p.Code != "AUDIT_HEAD" {
				t.Fatal(err)
			}
			return
		}
		if h == nil || h.N < 1 || parseHash(h.Hash) == nil {
			t.Fatalf("%+v", h)
		}
		if err := writeHead(dir, "a", position{n: h.N, hash: *parseHash(h.Hash)}, time.Unix(0, 0)); err != nil {
			t.Fatal(err)
		}
		again, err := readHead(dir, "a")
		if err != nil || again.N != h.N || again.Hash != h.Hash || !again.Time.Equal(time.Unix(0, 0)) {
			t.Fatalf("%+v is read again as %+v: %v", h, again, err)
		}
		text, err := os.ReadFile(path)
		if err != nil || !json.Valid(text) {
			t.Fatalf("%q %v", text, err)
		}
	})
}
