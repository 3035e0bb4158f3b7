package audit_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gengtu/tileserver/audit"
)

// A copy takes heads before lines and acts last; other files are none of the log's.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{
		"acts.000001.jsonl", "acts.head.json", "server-1.000002.jsonl", "server-1.000001.jsonl", "server-1.head.json", "server-1.lock", "acts.head.json.new", "notes.txt",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"server-1.head.json", "acts.head.json", "server-1.000001.jsonl", "server-1.000002.jsonl", "acts.000001.jsonl"}
	got, err := audit.Files(dir)
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Fatal(err, d)
	}
	// A chain without a head is waited for.
	head := filepath.Join(dir, "server-1.head.json")
	if err := os.Remove(head); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(200*time.Millisecond, func() { _ = os.WriteFile(head, nil, 0o600) })
	defer timer.Stop()
	got, err = audit.Files(dir)
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Fatal(err, d)
	}
	if _, err := audit.Files(filepath.Join(dir, "none")); err == nil {
		t.Error("no directory, and no error")
	}
}
