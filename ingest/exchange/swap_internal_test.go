package exchange

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gengtu/index/edition"
	"gengtu/index/seal"
)

// Ensure: what is held and what is in quarantine are files of their own: what becomes of
// the medium's file alters neither what waits nor evidence.
func TestFilesAreCopied(t *testing.T) {
	k := newKeys(t)
	from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
	made(t, from, edition.Government, parcels(3))
	path := packed(t, k, from, nil)
	held := holds(t, k, to, path)
	_, err := receive(t, k, to, path, func(o *ReceiveOptions) { o.As = "another"; o.Trust = k.stranger + seal.PublicEnding })
	if !Refused(err) {
		t.Fatal(err)
	}
	all, err := filepath.Glob(filepath.Join(QuarantineDir(to), "*"))
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	want, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, []byte("altered"), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, copied := range append(all, held) {
		if got, err := os.ReadFile(copied); err != nil || string(got) != string(want) {
			t.Errorf("%s was altered with the medium: %d bytes, %v", copied, len(got), err)
		}
	}
}

// holds brings a package in that is to wait, and returns where it waits.
func holds(t *testing.T, k keys, to, path string) string {
	t.Helper()
	r, err := Receive(t.Context(), ReceiveOptions{Package: path, Edition: to, Trust: k.trust, Policy: defaultPolicy(t), By: "li", Now: noon})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := errors.Join(r.Judge(t.Context()), r.Hold()); err != nil {
		t.Fatal(err)
	}
	return heldFile(to, r.Manifest.ID)
}

// Ensure: a package that was damaged while it waited waits no more when release finds it,
// and the intact one, brought in again, is released; and brought in before that, it takes
// the damaged one's place.
func TestDamagedHeldGivesWay(t *testing.T) {
	for _, found := range []bool{true, false} {
		k := newKeys(t)
		from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
		made(t, from, edition.Government, parcels(3))
		path := packed(t, k, from, nil)
		held := holds(t, k, to, path)
		id := strings.TrimSuffix(filepath.Base(held), Ending)
		release := func() error {
			at, waiting, err := HeldPackage(to, id)
			if err != nil {
				return err
			}
			_, err = receive(t, k, to, at, func(o *ReceiveOptions) { o.Waiting, o.ReleasedBy = &waiting, "zhang" })
			return err
		}
		data, err := os.ReadFile(held)
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)/2] ^= 1
		if err := os.WriteFile(held, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if found {
			if err := release(); code(err) != "PACKAGE_HELD" {
				t.Fatal(err)
			}
			if all, err := ListHeld(to); err != nil || len(all) != 0 {
				t.Errorf("it waits still: %v %v", all, err)
			}
		}
		holds(t, k, to, path)
		if err := release(); err != nil {
			t.Errorf("found %v: the intact one is not released: %v", found, err)
		}
		if all, err := ListHeld(to); err != nil || len(all) != 0 {
			t.Errorf("it waits still: %v %v", all, err)
		}
	}
}

// Ensure: a note that names another package than its file is not believed.
func TestNoteOfAnother(t *testing.T) {
	k := newKeys(t)
	from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
	made(t, from, edition.Government, parcels(3))
	held := holds(t, k, to, packed(t, k, from, nil))
	if err := os.WriteFile(held+".json", []byte(`{"id":"../../../x"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := HeldPackage(to, strings.TrimSuffix(filepath.Base(held), Ending)); code(err) != "EXCHANGE_STATE" {
		t.Error(err)
	}
}

// Ensure: what is released is the package that was held, not one that lies in its place.
func TestReleaseOfAnother(t *testing.T) {
	k := newKeys(t)
	from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
	made(t, from, edition.Government, parcels(3))
	first := packed(t, k, from, nil)
	second := packed(t, k, from, func(o *PackOptions) { o.Receiver = "another" })
	held := holds(t, k, to, first)
	id := strings.TrimSuffix(filepath.Base(held), Ending)
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
	signed, err := json.Marshal(SignedReceipt{Receipt: c, Signature: &seal.Signature{Algorithm: seal.Ed25519}})
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
	sent, _, err := SendReceipts(dir, out)
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
	if err := exec.Command("mkfifo", "-m", "600", path).Run(); err != nil {
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
