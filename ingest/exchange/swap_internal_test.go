package exchange

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gengtu/index/edition"
	"gengtu/index/seal"
)

// Ensure: the file of a package that is held or in quarantine is our own copy where others
// may write to what came: they cannot alter what waits for release, or evidence.
func TestOthersFilesAreCopied(t *testing.T) {
	for what, alter := range map[string]func(path string) error{
		"of ours":            func(string) error { return nil },
		"that others write":  func(path string) error { return os.Chmod(path, 0o622) },
		"of another account": func(path string) error { return os.Chown(path, 12345, -1) },
	} {
		dir := t.TempDir()
		from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
		if err := os.WriteFile(from, []byte("a"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := alter(from); errors.Is(err, os.ErrPermission) {
			continue // only root gives files away
		} else if err != nil {
			t.Fatal(err)
		}
		if err := linkOrCopy(from, to); err != nil {
			t.Fatal(err)
		}
		var st syscall.Stat_t
		if err := syscall.Stat(to, &st); err != nil {
			t.Fatal(err)
		}
		if linked := st.Nlink > 1; linked != (what == "of ours") {
			t.Errorf("a file %s: linked is %v", what, linked)
		}
	}
}

// Ensure: what is released is the package that was held, not one that lies in its place.
func TestReleaseOfAnother(t *testing.T) {
	k := newKeys(t)
	from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
	made(t, from, edition.Government, parcels(3))
	first := packed(t, k, from, nil)
	second := packed(t, k, from, func(o *PackOptions) { o.Receiver = "another" })
	r, err := Receive(t.Context(), ReceiveOptions{Package: first, Edition: to, Trust: k.trust, Policy: defaultPolicy(t), By: "li", Now: noon})
	if err != nil {
		t.Fatal(err)
	}
	err = r.Hold()
	held, id := r.heldFile(), r.Manifest.ID
	r.Close()
	if err != nil {
		t.Fatal(err)
	}
	path, waiting, err := HeldPackage(to, id)
	if err != nil || path != held {
		t.Fatal(path, err)
	}
	if err := errors.Join(os.Remove(held), os.Link(second, held)); err != nil {
		t.Fatal(err)
	}
	_, err = receive(t, k, to, held, func(o *ReceiveOptions) { o.Waiting, o.ReleasedBy = &waiting, "zhang" })
	if code(err) != "PACKAGE_HELD" {
		t.Error(err)
	}
	if inForce(t, to) != nil {
		t.Error("it is in force")
	}
}

// Ensure: the name that a package comes with does not keep it out of quarantine, however
// long it is.
func TestLongNameIsQuarantined(t *testing.T) {
	k := newKeys(t)
	dir, to := t.TempDir(), filepath.Join(t.TempDir(), "to")
	path := filepath.Join(dir, strings.Repeat("省", 83)+"ab"+Ending) // 255 bytes, the most that a name has
	if err := os.WriteFile(path, make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := receive(t, k, to, path, nil)
	if !Refused(err) {
		t.Errorf("it stays: %v", err)
	}
	all, err := os.ReadDir(QuarantineDir(to))
	if err != nil || len(all) != 1 || !strings.HasSuffix(all[0].Name(), Ending) {
		t.Error(all, err)
	}
}

// Ensure: a directory that cannot be swept leaves no lock behind.
func TestUnsweptStoreIsUnlocked(t *testing.T) {
	dir := t.TempDir()
	stuck := filepath.Join(dir, edition.ExchangeDir, ".plain-x")
	if err := os.MkdirAll(filepath.Join(stuck, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := openStore(dir); code(err) != "EXCHANGE_DIR" {
		t.Fatal(err)
	}
	if err := os.RemoveAll(stuck); err != nil {
		t.Fatal(err)
	}
	s, err := openStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	s.close()
}

// Ensure: the name of an edition's directory is no pattern.
func TestDirectoryIsNoPattern(t *testing.T) {
	dir, out := filepath.Join(t.TempDir(), "[2024]*"), t.TempDir()
	s, err := openStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	c, err := json.Marshal(Receipt{Format: ReceiptFormat, Package: "p", Outcome: accepted, At: noon.Format("2006-01-02T15:04:05Z")})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := json.Marshal(SignedReceipt{Receipt: c})
	if err != nil {
		t.Fatal(err)
	}
	held := strings.Repeat("0", 32)
	for name, data := range map[string]string{
		"receipts/p.json": string(signed), ".plain-x": "", "held/" + held + Ending + ".json": "{}",
	} {
		path := filepath.Join(s.dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(data), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	s.close()
	sent, err := SendReceipts(dir, out)
	if err != nil || len(sent) != 1 {
		t.Error("receipts", sent, err)
	}
	if events, err := Events(dir); err != nil || len(events) != 1 {
		t.Error("events", events, err)
	}
	if _, err := os.Stat(filepath.Join(s.dir, ".plain-x")); err == nil {
		t.Error("it was not swept")
	}
}

// Ensure: of a receipt that came back those bytes are kept that were judged, whatever is
// in the file by then.
func TestReturnedReceiptIsTheJudged(t *testing.T) {
	k := newKeys(t)
	raw, err := json.Marshal(Receipt{Format: ReceiptFormat, Package: "p", Outcome: accepted})
	if err != nil {
		t.Fatal(err)
	}
	s, err := seal.Sign(t.Context(), signer(t, k.sender), seal.Receipt, raw)
	if err != nil {
		t.Fatal(err)
	}
	judged, err := json.Marshal(SignedReceipt{Receipt: raw, Signature: &s})
	if err != nil {
		t.Fatal(err)
	}
	path, to := filepath.Join(t.TempDir(), "r.json"), filepath.Join(t.TempDir(), "to")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		write(path, judged, stop)
		for reads(path) { // to its end
			<-time.After(time.Millisecond)
		}
		write(path, []byte("forged"), stop)
	}()
	b := &Inbox{Edition: to, Trust: k.trust, Now: noon}
	_, err = b.TakeReceipt(t.Context(), path)
	close(stop)
	<-done
	if err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile(filepath.Join(to, edition.ExchangeDir, returnedDir, "p-accepted.json"))
	if err != nil || string(kept) != string(judged) {
		t.Errorf("%s %v", kept, err)
	}
}

// write writes data to the next who reads a pipe, unless it is to stop before.
func write(path string, data []byte, stop <-chan struct{}) {
	for {
		f, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
		if err == nil {
			_, _ = f.Write(data)
			_ = f.Close()
			return
		}
		select {
		case <-stop:
			return
		case <-time.After(time.Millisecond):
		}
	}
}

// reads tells whether somebody reads a pipe.
func reads(path string) bool {
	f, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if err == nil {
		_ = f.Close()
	}
	return err == nil
}

// Ensure: an exchange that came to nothing leaves no directory that it made, and keeps
// what there was before and what was written.
func TestStoreLeavesNothingEmpty(t *testing.T) {
	root := t.TempDir()
	there := func(path string) bool { _, err := os.Stat(path); return err == nil }
	for name, c := range map[string]struct {
		before, wrote bool
		edition, kept bool
	}{
		"nothing": {}, "an edition there was": {before: true, edition: true}, "something written": {wrote: true, edition: true, kept: true},
	} {
		dir := filepath.Join(root, name)
		if c.before {
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		s, err := openStore(dir)
		if err == nil && c.wrote {
			err = s.write("x.json", 1)
		}
		if err != nil {
			t.Fatal(err)
		}
		s.close()
		if there(dir) != c.edition || there(filepath.Join(dir, edition.ExchangeDir)) != c.kept {
			t.Errorf("%s: edition %v, exchange %v", name, there(dir), there(filepath.Join(dir, edition.ExchangeDir)))
		}
	}
}
