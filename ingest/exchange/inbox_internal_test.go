package exchange

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/edition"
)

// Ensure: what is still being written, has a passing name, or is no plain file stays in an
// inbox; what has lain still comes in the order of its numbers.
func TestInboxList(t *testing.T) {
	k := newKeys(t)
	from, dir := filepath.Join(t.TempDir(), "from"), t.TempDir()
	made(t, from, edition.Government, parcels(3))
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"z.gtp", "a.gtp", "growing.gtp", "half.gtp.part", "half.gtp.tmp", ".half.gtp"} {
		data, err := os.ReadFile(packed(t, k, from, nil))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at(name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range []error{
		os.WriteFile(at("r.json"), []byte("{}"), 0o600), os.WriteFile(at("notes.txt"), nil, 0o600), os.Mkdir(at("dir.gtp"), 0o700),
		os.Symlink(at("a.gtp"), at("link.gtp")), os.Symlink("/etc/passwd", at("out.json")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	for _, name := range []string{"z.gtp", "a.gtp", "r.json", "notes.txt"} {
		if err := os.Chtimes(at(name), now, now.Add(-time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	b := &Inbox{Dir: dir, Settled: 2 * time.Second, Now: now}
	got, err := b.List()
	want := &Waits{Packages: []string{at("z.gtp"), at("a.gtp")}, Receipts: []string{at("r.json")}, Others: []string{"dir.gtp", "link.gtp", "notes.txt", "out.json"}, Growing: []string{"growing.gtp"}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	b.Now = now.Add(time.Minute)
	if got, err = b.List(); err != nil || len(got.Growing) > 0 || len(got.Packages) != 3 {
		t.Error(got, err)
	}
}

// Ensure: a quarantine that is full stops everything, and nothing is logged again and
// again; a package that waits stays where it is, and so while another program is at work.
func TestQuarantineFull(t *testing.T) {
	k := newKeys(t)
	from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
	made(t, from, edition.Government, parcels(3))
	path := packed(t, k, from, nil)
	dir := QuarantineDir(to)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	fill := func(name string, bytes int) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, bytes), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fill("a", 1000)
	refused := func(what string, change func(o *ReceiveOptions)) {
		t.Helper()
		if _, err := receive(t, k, to, path, change); code(err) != "QUARANTINE_FULL" || Refused(err) {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := os.Stat(filepath.Join(to, edition.ExchangeDir, logFile)); err == nil {
			t.Errorf("%s: it is logged", what)
		}
		b := &Inbox{Edition: to, Trust: k.trust, Now: noon, QuarantineBytes: 1}
		if _, err := b.TakeReceipt(t.Context(), path); code(err) != "QUARANTINE_FULL" {
			t.Errorf("%s: %v", what, err)
		}
	}
	refused("bytes", func(o *ReceiveOptions) { o.QuarantineBytes = 1000 })
	for i := range MaxQuarantined - 1 {
		fill("f"+strings.Repeat("x", i%200)+string(rune('a'+i/200)), 0)
	}
	refused("files", nil)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	busy, err := openStore(to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := receive(t, k, to, path, nil); code(err) != "EXCHANGE_BUSY" || Refused(err) {
		t.Error(err)
	}
	busy.close()
	if _, err := receive(t, k, to, path, func(o *ReceiveOptions) { o.QuarantineBytes = 1001 }); err != nil {
		t.Error(err)
	}
}
