package exchange

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/index/seal"
)

// ReceiptFormat is the form of receipts.
const ReceiptFormat = "gengtu-receipt/1"

// Receipt says what became of a package.
type Receipt struct {
	Format   string `json:"format"`
	Package  string `json:"package"`
	Sequence int64  `json:"seq"`
	Sender   Party  `json:"sender"`
	Receiver string `json:"receiver"`
	// Outcome is accepted, held or refused; Code and Text say why it was refused.
	Outcome string `json:"outcome"`
	Code    string `json:"code,omitempty"`
	Text    string `json:"text,omitempty"`
	// Generation and ContentHash are what is in force by it.
	Generation  string `json:"generation,omitempty"`
	ContentHash string `json:"content_hash,omitempty"`
	At          string `json:"at"`
	By          string `json:"by"`
	ReleasedBy  string `json:"released_by,omitempty"`
	// Importer and Releaser say how By and ReleasedBy are known, Approvals who proved
	// that he approved the package before it was sent.
	Importer  *Person  `json:"importer,omitempty"`
	Releaser  *Person  `json:"releaser,omitempty"`
	Approvals []string `json:"approvals,omitempty"`
	// Layers are the names of the layers that the package carries.
	Layers []string `json:"layers,omitempty"`
	// Manifest is the SHA-256 of the package's manifest, "" where none was believed.
	Manifest string `json:"manifest,omitempty"`
	// Quarantine is the name of the file there, of one that was refused, and File the SHA-256
	// of that file: whoever sent it knows it by that even where its manifest was not believed.
	Quarantine string `json:"quarantine,omitempty"`
	File       string `json:"file_sha256,omitempty"`
}

// SignedReceipt is a receipt as it lies in a file. The signature, for the purpose
// [seal.Receipt], is over the bytes of Receipt as they stand.
type SignedReceipt struct {
	Receipt   json.RawMessage `json:"receipt"`
	Signature *seal.Signature `json:"signature,omitempty"`
}

// maxReceiptBytes is how long the file of a receipt may be.
const maxReceiptBytes = 64 << 10

// ParseReceipt reads the file of a receipt. With trust it must be signed by one of its
// keys, whose name is returned; without, any is read and nobody stands for it. The path
// is for messages. Problems: RECEIPT_BROKEN, and those of [seal.Verify].
func ParseReceipt(ctx context.Context, path string, data []byte, trust *seal.Trust) (c Receipt, by string, err error) {
	broken := func(err error) (Receipt, string, error) {
		return Receipt{}, "", problem.New("RECEIPT_BROKEN", "回执读不懂（%v）", "the receipt cannot be read (%v)", err).In(path).Because(err)
	}
	if len(data) > maxReceiptBytes {
		return broken(fmt.Errorf("%d bytes, the limit is %d", len(data), maxReceiptBytes))
	}
	var s SignedReceipt
	if err := json.Unmarshal(data, &s); err != nil {
		return broken(err)
	}
	if trust != nil {
		if s.Signature == nil {
			return broken(errors.New("it is not signed"))
		}
		k, err := seal.Verify(ctx, *trust, seal.Receipt, s.Receipt, *s.Signature)
		if err != nil {
			return Receipt{}, "", inPackage(err, path)
		}
		by = k.Name
	}
	if err := json.Unmarshal(s.Receipt, &c); err != nil {
		return broken(err)
	}
	if c.Format != ReceiptFormat {
		return broken(fmt.Errorf("its format is %.40q", c.Format))
	}
	return c, by, nil
}

// receipt begins the receipt of the package.
func (r *Reception) receipt(outcome string) Receipt {
	by, released := r.who()
	c := Receipt{Format: ReceiptFormat, Outcome: outcome, At: r.o.Now.UTC().Format(time.RFC3339), By: by, ReleasedBy: released, Approvals: r.approvals}
	c.Importer, c.Releaser = r.importer.onReceipt(), r.releaser.onReceipt()
	if m := r.Manifest; m != nil {
		c.Package, c.Sequence, c.Sender, c.Receiver, c.Manifest = m.ID, m.Sequence, m.Sender, m.Receiver, r.digest()
		c.Sender.Name, c.Layers = r.Sender.Name, m.layerNames()
	}
	return c
}

// writeReceipt signs a receipt, if there is a key, and puts it among the receipts.
func (r *Reception) writeReceipt(c Receipt) error {
	raw, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("receipt: %w", err)
	}
	out := SignedReceipt{Receipt: raw}
	if r.o.Receipt != "" {
		// What is done has no other end than the caller's: a receipt is written even then.
		ctx := context.Background()
		signer, err := seal.ReadSigner(r.o.Receipt, r.networkTier())
		if err != nil {
			return err
		}
		s, err := seal.Sign(ctx, signer, seal.Receipt, raw)
		if err != nil {
			return err
		}
		out.Signature = &s
	}
	data, err := json.Marshal(out)
	if err != nil {
		return fmt.Errorf("receipt: %w", err)
	}
	name := c.Package
	if c.Outcome != accepted || name == "" {
		name = fmt.Sprintf("%s-%s", r.o.Now.UTC().Format("20060102T150405.000000000"), c.Outcome)
	}
	dir := filepath.Join(r.store.dir, receiptsDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return r.store.unwritable(err)
	}
	if err := writeWhole(filepath.Join(dir, name+".json"), append(data, '\n')); err != nil {
		return r.store.unwritable(err)
	}
	return nil
}

// The outcomes of receipts.
const (
	accepted = "accepted"
	heldBack = "held"
	rejected = "refused"
)

// note logs the steps so far, and the end.
func (r *Reception) note(end entry) error {
	all := append(r.steps, end)
	by, released := r.who()
	if released != "" {
		by += ", " + released
	}
	for i := range all {
		all[i].At, all[i].File, all[i].By = r.o.Now.UTC().Format(time.RFC3339), cutText(filepath.Base(r.path)), cutText(by)
		all[i].Text = cutText(all[i].Text)
		if r.Manifest != nil {
			all[i].Package = r.Manifest.ID
		}
	}
	r.steps = nil
	return r.store.log(all...)
}

// who names those who bring the package in and let it in, as far as that is known yet.
func (r *Reception) who() (by, released string) {
	by, released = r.o.By, r.o.ReleasedBy
	if r.o.Waiting != nil {
		by = r.o.Waiting.By
	}
	if r.importer.Name != "" {
		by = r.importer.Name
	}
	if r.releaser != nil {
		released = r.releaser.Name
	}
	return by, released
}

// Refuse ends the reception for err, which it returns. A fault of the package puts it
// into quarantine with a receipt; for a fault of ours it stays where it is.
func (r *Reception) Refuse(err error) error {
	p := problem.Of(err)
	if p == nil || !(strings.HasPrefix(p.Code, "PACKAGE_") || faultOfSeal[p.Code]) {
		if r.store.fresh && p != nil && ofCommand[p.Code] {
			r.store.discard() // a log of a slip of the pen would look like an edition
			return err
		}
		e := entry{Step: "end", Outcome: "failed", Text: err.Error()}
		if p != nil {
			e.Code = p.Code
		}
		return errors.Join(err, r.note(e))
	}
	c := r.receipt(rejected)
	c.Code, c.Text = p.Code, p.Found(problem.English)
	var qerr error
	if c.Quarantine, c.File, qerr = r.quarantine(); qerr == nil && r.o.Waiting != nil && notHeldAgain[p.Code] {
		qerr = r.release()
	}
	return errors.Join(err, qerr, r.writeReceipt(c), r.note(entry{Step: "end", Outcome: "refused", Code: p.Code, Text: c.Text}))
}

// ofCommand are the problems of how the command was written: no package, no key or no
// level. Of one for a directory that is not there yet nothing stays.
var ofCommand = map[string]bool{"PACK_READ": true, "PACK_KEY": true, "PACK_TIER": true}

// notHeldAgain are the problems with which a package that was held waits no more: it lies
// in quarantine, and an intact one can be brought in. Others may be gone when it is
// released again, as of one that comes before its turn.
var notHeldAgain = map[string]bool{"PACKAGE_HELD": true, "PACKAGE_REPLAY": true}

// release takes the package that waits, or waited, out of those that are held.
func (r *Reception) release() error {
	id := ""
	switch {
	case r.o.Waiting != nil:
		id = r.o.Waiting.ID
	case r.Manifest != nil:
		id = r.Manifest.ID
	}
	path := heldFile(r.o.Edition, id)
	for _, name := range []string{path, path + ".json"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return r.store.unwritable(err)
		}
	}
	return nil
}

// faultOfSeal are the problems of package seal that are the package's fault.
var faultOfSeal = map[string]bool{
	"SEAL_UNTRUSTED": true, "SEAL_BROKEN": true, "SEAL_EXPIRED": true, "SEAL_ENVELOPE": true, "SEAL_LENGTH": true, "SEAL_PURPOSE": true,
}

// Hold keeps the package, which was judged, until a second person releases it.
func (r *Reception) Hold() error {
	path := heldFile(r.o.Edition, r.Manifest.ID)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return r.store.unwritable(err)
	}
	// One that waits already gives way: what was judged just now is whole.
	digest, err := copyFile(r.path, path)
	if err != nil {
		return r.store.unwritable(err)
	}
	h := Waiting{Digest: digest, ID: r.Manifest.ID, File: filepath.Base(r.path), By: r.importer.Name, User: r.importer.User, Signature: r.importer.Signature, At: r.o.Now.UTC().Format(time.RFC3339)}
	data, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("held: %w", err)
	}
	if err := writeWhole(path+".json", append(data, '\n')); err != nil {
		return r.store.unwritable(err)
	}
	return errors.Join(r.writeReceipt(r.receipt(heldBack)), r.note(entry{Step: "release", Outcome: "held"}))
}

// Waiting is a package that waits for release.
type Waiting struct {
	ID   string `json:"id"`
	File string `json:"file"` // as it was called when it was brought in
	By   string `json:"by"`
	User string `json:"user"`
	At   string `json:"at"`
	// Digest is the SHA-256 of the file that waits.
	Digest string `json:"digest,omitempty"`
	// Signature is that of who brought it in, where he proved himself.
	Signature *seal.Signature `json:"signature,omitempty"`
}

// Intend notes what is about to be put in force, so that the sequence is right even if
// the program is stopped at that moment.
func (r *Reception) Intend(generation string) error {
	r.received.Pending = &pending{stream(r.Sender.Name, r.Manifest.Receiver), Received{r.Manifest.Sequence, r.Manifest.ID, generation, r.o.Now.UTC().Format(time.RFC3339)}}
	return r.store.write(receivedFile, r.received)
}

// Accept ends the reception of a package that is in force.
func (r *Reception) Accept(m *edition.Manifest) error {
	p := r.received.Pending
	// The log first: the record of what is pending stands for the sequence until then.
	if err := r.note(entry{Step: stepApply, Outcome: "done", Stream: p.Stream, Sequence: p.Sequence}); err != nil {
		return err
	}
	r.received.Streams[p.Stream], r.received.Pending = p.Received, nil
	if err := r.store.write(receivedFile, r.received); err != nil {
		return err
	}
	c := r.receipt(accepted)
	c.Generation, c.ContentHash = m.Generation, m.ContentHash
	return errors.Join(r.writeReceipt(c), r.release())
}

// HeldPackage returns the file of a package that waits for release in an edition, and
// who brought it in. One that is not there is a problem RELEASE_UNKNOWN.
func HeldPackage(dir, id string) (string, Waiting, error) {
	var h Waiting
	if !idForm.MatchString(id) {
		return "", h, noHeld(dir, id)
	}
	path := heldFile(dir, id)
	data, err := os.ReadFile(path + ".json")
	if errors.Is(err, os.ErrNotExist) {
		return "", h, noHeld(dir, id)
	}
	if err == nil {
		err = json.Unmarshal(data, &h)
	}
	if err == nil && h.ID != id {
		err = fmt.Errorf("it is of %.80q", h.ID)
	}
	if err != nil {
		return "", h, problem.New("EXCHANGE_STATE", "待放行记录读不懂（%v）", "the note of who brought it in cannot be read (%v)", err).In(path + ".json").Because(err)
	}
	return path, h, nil
}

func noHeld(dir, id string) error {
	return problem.New("RELEASE_UNKNOWN", "没有待放行的包 %.80q", "no package %.80q waits for release", id).In(dir).
		Advise("gengtu release list --edition EDITION 列出待放行的包", "gengtu release list --edition EDITION lists those that wait")
}

// ListHeld returns the packages that wait for release in an edition, the oldest first.
func ListHeld(dir string) ([]Waiting, error) {
	files, err := matching(filepath.Join(dir, edition.ExchangeDir, heldDir), "*"+Ending+".json")
	if err != nil {
		return nil, err
	}
	out := []Waiting{}
	for _, f := range files {
		_, h, err := HeldPackage(dir, strings.TrimSuffix(filepath.Base(f), Ending+".json"))
		if err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	return out, nil
}

// RequireTwo makes an edition ask for a second person's release of each package, or no
// more.
func RequireTwo(dir string, rule Release) error {
	s, err := openStore(dir)
	if err != nil {
		return err
	}
	defer s.close()
	r, err := s.received()
	if err != nil {
		return err
	}
	r.TwoPersons = rule == ByTwo
	if err := s.write(receivedFile, r); err != nil {
		return err
	}
	return s.log(entry{At: time.Now().UTC().Format(time.RFC3339), Step: "rule", Outcome: "done", Text: "release by " + string(rule)})
}

// Release is how many persons let a package in.
type Release string

// The rules of release.
const (
	ByOne Release = "one"
	ByTwo Release = "two"
)
