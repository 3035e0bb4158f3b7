package exchange

import (
	"archive/tar"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/index/seal"
)

// An inbox and an outbox are folders that a gate device, or a person with a disc, fills
// and empties. What is being copied has a name that begins with a dot or ends in .part
// or .tmp; what has its name is whole. Nothing in a folder is believed.

// Inbox is a folder of what came.
type Inbox struct {
	Dir string
	// Settled is how long a file must have lain still to be taken for whole.
	Settled time.Duration
	// Edition is the directory that receipts go into, Trust the file of the keys that
	// others are known by, Level the network's, "" for the edition's.
	Edition, Trust string
	Level          edition.Tier
	// Quarantine is where goes what is refused, "" for [QuarantineDir], QuarantineBytes how
	// much may be there, see [QuarantineRoom].
	Quarantine      string
	QuarantineBytes int64
	Now             time.Time
}

// Waits are the files that wait in an inbox: packages in the order in which they were
// sent, receipts, the names of what is neither, and of what has not lain still yet.
type Waits struct {
	Packages, Receipts, Others, Growing []string
}

// maxInbox is how many files of an inbox are looked at in one round.
const maxInbox = 10_000

// receiptEnding is how the names of receipts end.
const receiptEnding = ".json"

// List looks at what waits. Files that are not whole yet are passed over. The error is a
// problem INBOX.
func (b *Inbox) List() (*Waits, error) {
	all, err := os.ReadDir(b.Dir)
	if err != nil {
		return nil, problem.New("INBOX", "收件目录读不出来（%v）", "the inbox cannot be read (%v)", err).In(b.Dir).Because(err).
			Advise("核对 --inbox 和权限", "look at --inbox and its permissions")
	}
	w := &Waits{}
	for _, e := range all[:min(len(all), maxInbox)] {
		name := e.Name()
		if strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".part") || strings.HasSuffix(name, ".tmp") {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, os.ErrNotExist) {
			continue // somebody has just taken it away
		}
		path := filepath.Join(b.Dir, name)
		switch {
		case err != nil || !info.Mode().IsRegular():
			w.Others = append(w.Others, name)
		case b.Settled > 0 && b.Now.Sub(info.ModTime()) < b.Settled:
			w.Growing = append(w.Growing, name)
		case strings.HasSuffix(name, Ending):
			w.Packages = append(w.Packages, path)
		case strings.HasSuffix(name, receiptEnding):
			w.Receipts = append(w.Receipts, path)
		default:
			w.Others = append(w.Others, name)
		}
	}
	sequences := map[string]int64{}
	for _, path := range w.Packages {
		sequences[path] = peekSequence(path)
	}
	slices.SortStableFunc(w.Packages, func(a, b string) int {
		return cmp.Or(cmp.Compare(sequences[a], sequences[b]), cmp.Compare(a, b))
	})
	return w, nil
}

// peekSequence is the number that a package says it has, before anything of it is
// believed: it only decides which is looked at first. 0 where it cannot be read, as of
// a package that is encrypted.
func peekSequence(path string) int64 {
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer func() { _ = f.Close() }() // only read
	t := tar.NewReader(f)
	h, err := t.Next()
	if err != nil || h.Name != manifestName || h.Size > MaxManifestBytes {
		return 0
	}
	var m struct {
		Sequence int64 `json:"seq"`
	}
	if json.NewDecoder(io.LimitReader(t, MaxManifestBytes)).Decode(&m) != nil {
		return 0
	}
	return m.Sequence
}

// Refused tells whether err says that a package, or a receipt, was refused and lies in
// quarantine; not so for faults of ours, after which it stays where it is.
func Refused(err error) bool {
	p := problem.Of(err)
	return p != nil && (strings.HasPrefix(p.Code, "PACKAGE_") || p.Code == "RECEIPT_BROKEN" || faultOfSeal[p.Code]) && !says(err, "QUARANTINE") && !says(err, "EXCHANGE_DIR")
}

// says tells whether a problem of that code is among those that err joins.
func says(err error, code string) bool {
	if p := (*problem.Problem)(nil); errors.As(err, &p) && p.Code == code {
		return true
	}
	if all, ok := err.(interface{ Unwrap() []error }); ok {
		return slices.ContainsFunc(all.Unwrap(), func(e error) bool { return says(e, code) })
	}
	return false
}

// Done takes a file that was dealt with out of the inbox.
func (b *Inbox) Done(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return problem.New("INBOX", "收件目录里的文件移不走（%v）", "a file cannot be taken out of the inbox (%v)", err).In(path).Because(err).
			Advise("它已处理：请手工移走，否则会被当作重放", "it has been dealt with: take it away by hand, or it is refused as sent twice")
	}
	return nil
}

// returnedDir is where receipts lie that came back for what was sent.
const returnedDir = "returned"

// TakeReceipt keeps a receipt that came back, when a trusted key has signed it, and takes
// it out of the inbox. One that is refused goes into quarantine (see [Refused]).
func (b *Inbox) TakeReceipt(ctx context.Context, path string) (*Receipt, error) {
	o := ReceiveOptions{Edition: b.Edition, Quarantine: b.Quarantine, Now: b.Now}
	if err := QuarantineRoom(o.quarantineDir(), b.QuarantineBytes); err != nil {
		return nil, err
	}
	s, err := openStore(b.Edition)
	if err != nil {
		return nil, err
	}
	defer s.close()
	level := b.Level
	if _, m, err := edition.Current(b.Edition); err == nil && level == "" {
		level = m.Tier
	}
	trust, err := seal.ReadTrust(b.Trust, cmp.Or(level, edition.Government))
	if err != nil {
		return nil, err
	}
	trust.Now = func() time.Time { return b.Now }
	c, raw, err := b.receipt(ctx, path, &trust)
	line := entry{At: b.Now.UTC().Format(time.RFC3339), Step: "returned", File: filepath.Base(path), Outcome: "done"}
	if err != nil {
		p := problem.Of(err)
		if !Refused(err) {
			return nil, err
		}
		line.Outcome, line.Code, line.Text = "refused", p.Code, p.Found(problem.English)
		r := &Reception{o: o, path: path}
		if _, _, qerr := r.quarantine(); qerr != nil {
			return nil, errors.Join(err, qerr, s.log(line))
		}
		return nil, errors.Join(err, s.log(line), b.Done(path))
	}
	line.Package = c.Package
	dir := filepath.Join(s.dir, returnedDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, s.unwritable(err)
	}
	if err := writeWhole(filepath.Join(dir, cmp.Or(c.Package, c.File)+"-"+c.Outcome+receiptEnding), raw); err != nil {
		return nil, s.unwritable(err)
	}
	return c, errors.Join(s.log(line), b.Done(path))
}

// receipt reads a receipt in the inbox, and returns the bytes that were judged: the file
// may be another one by then.
func (b *Inbox) receipt(ctx context.Context, path string, trust *seal.Trust) (*Receipt, []byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxReceiptBytes+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, nil, err
	}
	c, _, err := ParseReceipt(ctx, path, data, trust)
	if err != nil {
		return nil, nil, err
	}
	// Of a package whose manifest was not believed only its file is known.
	known := idForm.MatchString(c.Package) || c.Package == "" && c.Outcome == rejected && fileForm.MatchString(c.File)
	if !known || c.Outcome != accepted && c.Outcome != heldBack && c.Outcome != rejected {
		return nil, nil, problem.New("RECEIPT_BROKEN", "回执没有写哪个包、结果如何", "the receipt does not say of which package it is, or what became of it").In(path)
	}
	return &c, data, nil
}

// fileForm is how the digest of a file is written.
var fileForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

// sentMark ends the name of a mark beside a receipt that has been put into an outbox.
const sentMark = ".sent"

// SendReceipts puts the receipts of an edition that are signed and have not been sent yet
// into the outbox, and returns their names there and those of the ones that are not signed,
// which stay: nobody would believe them. It can be stopped at any moment: what was put
// there without being marked is put there once more, under the same name.
func SendReceipts(dir, outbox string) (sent, unsigned []string, err error) {
	s, err := openStore(dir)
	if err != nil {
		return nil, nil, err
	}
	defer s.close()
	all, err := matching(filepath.Join(s.dir, receiptsDir), "*"+receiptEnding)
	if err != nil {
		return nil, nil, s.unwritable(err)
	}
	sent = []string{}
	for _, path := range all {
		if _, err := os.Stat(path + sentMark); err == nil {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return sent, unsigned, s.unwritable(err)
		}
		var c SignedReceipt
		if err := json.Unmarshal(data, &c); err != nil {
			return sent, unsigned, s.unwritable(fmt.Errorf("%s: %w", path, err))
		}
		if c.Signature == nil {
			unsigned = append(unsigned, filepath.Base(path))
			continue
		}
		name := "receipt-" + filepath.Base(path)
		if err := writeWhole(filepath.Join(outbox, name), data); err != nil {
			return sent, unsigned, unsent(outbox, err)
		}
		if err := writeWhole(path+sentMark, nil); err != nil {
			return sent, unsigned, s.unwritable(err)
		}
		sent = append(sent, name)
	}
	return sent, unsigned, nil
}

func unsent(dir string, err error) error {
	return problem.New("OUTBOX", "发件目录写不了（%v）", "the outbox cannot be written to (%v)", err).In(dir).Because(err).
		Advise("核对 --outbox、权限和磁盘空间", "look at --outbox, its permissions and the room on the disk")
}

// Events lists the packages that an edition took in, and those of its own that others
// say they did, for [Sharing.Track]. The error is a problem EXCHANGE_STATE.
func Events(dir string) ([]Event, error) {
	out := []Event{}
	for _, sub := range []string{receiptsDir, returnedDir} {
		all, err := matching(filepath.Join(dir, edition.ExchangeDir, sub), "*"+receiptEnding)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
		for _, path := range all {
			e, err := eventOf(path)
			if err != nil {
				return nil, problem.New("EXCHANGE_STATE", "回执读不懂（%v）", "a receipt cannot be read (%v)", err).In(path).Because(err)
			}
			if e != nil {
				out = append(out, *e)
			}
		}
	}
	return out, nil
}

// eventOf reads what a receipt among ours says; nil when nothing was taken in.
func eventOf(path string) (*Event, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	// It was judged when it was kept, and is as safe as the other records of exchange.
	c, _, err := ParseReceipt(context.Background(), path, data, nil)
	if err != nil || c.Outcome != accepted {
		return nil, err
	}
	at, err := time.Parse(time.RFC3339, c.At)
	return &Event{Unit: c.Sender.Name, Layers: c.Layers, At: at, Package: c.Package}, err
}

// layerNames are the names of the layers that the package is about, each once.
func (m *Manifest) layerNames() []string {
	var out []string
	for i := range m.Layers {
		if l := &m.Layers[i]; l.Change != Same {
			out = append(out, l.Name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
