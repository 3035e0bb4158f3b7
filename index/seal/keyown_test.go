package seal_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/edition"
	"gengtu/index/seal"
)

// A key's own file says of it what the file that it was read from said.
func TestFile(t *testing.T) {
	path := made(t, seal.Ed25519, "示例县") + seal.PublicEnding
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, head := range map[string]string{"as made": "", "of some purposes": "signs: answer, receipt\nexpires: 2099-01-02T03:04:05Z\n"} {
		path := filepath.Join(t.TempDir(), "key.pub")
		read := func(text []byte) seal.Key {
			t.Helper()
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
			trust, err := seal.ReadTrust(path, edition.Secure)
			if err != nil || len(trust.Keys) != 1 {
				t.Fatalf("%s: %v of %s", name, err, text)
			}
			return trust.Keys[0]
		}
		first := read(bytes.Replace(text, []byte("tiers:"), []byte(head+"tiers:"), 1))
		if head != "" && (len(first.Signs) != 2 || first.Expires.IsZero()) {
			t.Errorf("%s: %v %v", name, first.Signs, first.Expires)
		}
		again := read(first.File())
		for what, pair := range map[string][2]any{
			"name": {first.Name, again.Name}, "ID": {first.ID(), again.ID()}, "expiry": {first.Expires, again.Expires},
			"purposes": {first.Signs, again.Signs}, "tiers": {first.Tiers, again.Tiers},
		} {
			if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
				t.Errorf("%s: %s: %s", name, what, diff)
			}
		}
	}
}
