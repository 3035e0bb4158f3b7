package exchange

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/index/seal"
	"gengtu/ingest/policy"
)

// ReceiveOptions says what to take in, where, and by what.
type ReceiveOptions struct {
	// Package is the file, Edition the directory that it goes into.
	Package, Edition string
	// Level is the network's: what is above it is refused. "" stands for the tier of the
	// edition, or, where there is none yet, of a package that is public or whose tier the
	// trust file has the sender send.
	Level edition.Tier
	// Trust is the file of the keys that senders are known by, Decrypt that of the key
	// that packages are encrypted for, or "".
	Trust, Decrypt string
	// Receipt is the file of the key that receipts are signed with, "" for none.
	Receipt string
	// As is who we are: a package for another receiver is refused. "" stands for what
	// the trust file says; where that says nothing any is taken.
	As string
	// Policy says what the tiers below secure may hold.
	Policy *policy.Policy
	// By is who brings the package in, ReleasedBy who lets it in, "" for nobody: names as
	// typed. ByKey and ReleasedByKey are the files of their own keys, by which they prove
	// it, and take the names from the trust file; "" for none.
	By, ReleasedBy       string
	ByKey, ReleasedByKey string
	// Waiting is the note of who brought it in, of a package that was held.
	Waiting *Waiting
	// Quarantine is where a package goes that is refused, "" for [QuarantineDir], and
	// QuarantineBytes how much may be there, see [QuarantineRoom].
	Quarantine      string
	QuarantineBytes int64
	// Replace lets a full package take the place of what came by another way, and of
	// packages that are missing.
	Replace bool
	Now     time.Time
	// Progress, which may be nil, is told how many of the package's features are read.
	Progress func(done, all int)
}

// Reception is a package that is being taken in. Exactly one of [Reception.Accept],
// [Reception.Hold] and [Reception.Refuse] ends it; Close frees it.
type Reception struct {
	o        ReceiveOptions
	Manifest *Manifest
	// Sender is the key that signed, as the trust file names it.
	Sender seal.Key
	// Held is the manifest of the edition's generation in force, nil where there is none.
	Held *edition.Manifest

	store    *store
	received *received
	trust    seal.Trust
	importer Person
	releaser *Person // nil for nobody
	// approvals are who proved that he approved.
	approvals []string
	path      string  // of the package, for messages
	file      content // in the clear
	size      int64
	members   []member
	raw       []byte // the manifest, as it was signed
	plain     string // the file that was decrypted, "" for none
	steps     []entry
	done      int // features read
	all       int
	closed    bool
}

// content is where a package's bytes are.
type content interface {
	io.ReaderAt
	io.Closer
}

// Receive opens a package and goes through what can be said before its features are
// read: sizes and counts, paths, signature, sequence, digests, level and fields, in
// this order. What is refused is in quarantine, logged, and has a receipt, when the
// error is returned; the edition is as it was.
//
// Problems of the package: PACKAGE_LIMIT, PACKAGE_FORM, PACKAGE_PATH, PACKAGE_MANIFEST,
// PACKAGE_FIELD, PACKAGE_FORMAT, those of [seal.Verify] and [seal.Decrypt],
// PACKAGE_RECEIVER, PACKAGE_REPLAY, PACKAGE_SEQUENCE, PACKAGE_BASE, PACKAGE_DIGEST,
// PACKAGE_LEVEL, PACKAGE_SENDER, PACKAGE_APPROVAL, PACKAGE_POLICY, PACKAGE_HELD,
// PACKAGE_PLAIN. Others, of files and
// keys of ours, PACK_TIER, RELEASE_PROOF and QUARANTINE_FULL, leave it where it is.
func Receive(ctx context.Context, o ReceiveOptions) (*Reception, error) {
	if err := QuarantineRoom(o.quarantineDir(), o.QuarantineBytes); err != nil {
		return nil, err
	}
	r := &Reception{o: o, path: o.Package}
	var err error
	if r.store, err = openStore(o.Edition); err != nil {
		return nil, err
	}
	if err := r.begin(ctx); err != nil {
		err = r.Refuse(err)
		r.Close()
		return nil, err
	}
	return r, nil
}

// begin goes through the steps.
func (r *Reception) begin(ctx context.Context) error {
	var err error
	if r.received, err = r.store.received(); err != nil {
		return err
	}
	if err := r.current(); err != nil {
		return err
	}
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"size", r.open}, {"path", r.form}, {"signature", r.signature}, {"sequence", r.sequence},
		{"digest", r.digests}, {"level", r.level}, {"fields", r.fields},
	} {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.step(step.name, step.do(ctx)); err != nil {
			return r.aboveAll(step.name, err)
		}
	}
	return nil
}

// step notes what a step came to.
func (r *Reception) step(name string, err error) error {
	e := entry{Step: name, Outcome: "done"}
	if p := problem.Of(err); p != nil {
		e.Outcome, e.Code, e.Text = "refused", p.Code, p.Found(problem.English)
	} else if err != nil {
		e.Outcome, e.Text = "failed", err.Error()
	}
	r.steps = append(r.steps, e)
	return err
}

// current reads what is in force.
func (r *Reception) current() error {
	_, m, err := edition.Current(r.o.Edition)
	var p *problem.Problem
	if errors.As(err, &p) && p.Code == "EDITION_MISSING" {
		return nil
	}
	r.Held = m
	return err
}

// open opens the package, decrypts it if it is encrypted, and looks at its size.
func (r *Reception) open(ctx context.Context) error {
	f, err := os.Open(r.path)
	if err != nil {
		return problem.New("PACK_READ", "包读不出来（%v）", "the package cannot be read (%v)", err).In(r.path).Because(err)
	}
	r.file = f
	if err := r.heldWhole(); err != nil {
		return err
	}
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() {
		return problem.New("PACK_READ", "不是普通文件", "this is no plain file").In(r.path)
	}
	begin := make([]byte, 16)
	n, err := f.ReadAt(begin, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if seal.Encrypted(begin[:n]) {
		if r.size, err = r.decrypt(ctx, f); err != nil {
			return err
		}
	} else {
		r.size = st.Size()
	}
	if r.size < 2*blockBytes {
		return resend(refused(r.path, "PACKAGE_FORM", "只有 %d 字节，不是包", "it has %d bytes and is no package", r.size))
	}
	return nil
}

// heldWhole refuses a file that waited and is not, byte for byte, the one that was held.
// A note of an earlier version has no digest: then its signature tells.
func (r *Reception) heldWhole() error {
	w := r.o.Waiting
	if w == nil || w.Digest == "" {
		return nil
	}
	digest, err := fileDigest(r.path)
	if err == nil && digest != w.Digest {
		err = r.notHeld("SHA-256 " + digest)
	}
	return err
}

// notHeld is the problem of a file that waited and holds something else.
func (r *Reception) notHeld(holds string) error {
	return refused(r.path, "PACKAGE_HELD", "放行的是 %[1]s，文件里是 %[2]s：待放行的文件损坏了，或被换过", "%[1]s is released, the file holds %[2]s: what waited is damaged or was replaced", r.o.Waiting.ID, holds).
		Advise("它已移入隔离目录，不再待放行：查明谁动了 exchange/held 里的文件，用 gengtu unpack 再录入完好的包", "it went from those that wait into quarantine: find out who altered the file in exchange/held, and bring the intact package in again with gengtu unpack")
}

// decrypt puts what was encrypted into a file of our own, in the clear, which goes when
// the reception is closed, and returns its size.
func (r *Reception) decrypt(ctx context.Context, from *os.File) (int64, error) {
	if r.o.Decrypt == "" {
		return 0, problem.New("PACK_KEY", "包是加密的，没有给解密密钥", "the package is encrypted and no key was given").In(r.path).
			Advise("用 --decrypt FILE 给出我们的密钥", "give our key with --decrypt FILE")
	}
	// Before the content is known, the tier is that of the network, if it was named.
	by, err := seal.ReadOpener(r.o.Decrypt, r.networkTier())
	if err != nil {
		return 0, err
	}
	plain, err := seal.Decrypt(ctx, from, by)
	if err != nil {
		return 0, inPackage(err, r.path)
	}
	to, err := os.CreateTemp(r.store.dir, plainFiles) // mode 0600
	if err != nil {
		return 0, r.store.unwritable(err)
	}
	r.plain = to.Name()
	n, err := io.Copy(to, plain)
	if err != nil {
		return 0, errors.Join(inPackage(err, r.path), to.Close())
	}
	r.file = to
	return n, from.Close()
}

// inPackage is a problem of seal's as one found in the package.
func inPackage(err error, path string) error {
	if p := problem.Of(err); p != nil {
		return p.In(path)
	}
	return err
}

// networkTier is the level of the network as far as it is known without the package.
func (r *Reception) networkTier() edition.Tier {
	switch {
	case r.o.Level != "":
		return r.o.Level
	case r.Held != nil:
		return r.Held.Tier
	}
	return edition.Government
}

// claimedTier is the level of the network, or secure where the manifest, which is not
// believed yet, says that it is for that: then nothing is verified with SM2 in software.
func (r *Reception) claimedTier() edition.Tier {
	var m struct {
		Tier edition.Tier `json:"tier"`
	}
	if json.Unmarshal(r.raw, &m) == nil && m.Tier == edition.Secure && r.o.Level == "" && r.Held == nil {
		return edition.Secure
	}
	return r.networkTier()
}

// form looks at the headers of the package's files.
func (r *Reception) form(context.Context) error {
	var err error
	r.members, err = scan(r.path, r.file, r.size)
	return err
}

// small reads the whole of a file of the package that is to be short.
func (r *Reception) small(i int, name string, most int64) ([]byte, error) {
	if i >= len(r.members) || r.members[i].name != name {
		return nil, form(r.path, 0, "第 %d 个文件不是 %s", "file number %d is not %s", i+1, name)
	}
	m := r.members[i]
	if m.size > most {
		return nil, resend(refused(r.path, "PACKAGE_LIMIT", "%s 有 %d 字节，上限 %d", "%s has %d bytes, the limit is %d", name, m.size, most))
	}
	data := make([]byte, m.size)
	_, err := r.file.ReadAt(data, m.at)
	if errors.Is(err, io.EOF) && m.size == 0 {
		err = nil
	}
	return data, err
}

// signature finds out who signed the manifest, and only then reads it.
func (r *Reception) signature(ctx context.Context) error {
	var err error
	if r.raw, err = r.small(0, manifestName, MaxManifestBytes); err != nil {
		return err
	}
	text, err := r.small(1, signatureName, MaxSignatureBytes)
	if err != nil {
		return err
	}
	var s seal.Signature
	if err := json.Unmarshal(text, &s); err != nil {
		return resend(refused(r.path, "PACKAGE_FORM", "签名文件读不懂", "the file of the signature cannot be read"))
	}
	if again, err := encodeSignature(s); err != nil || string(again) != string(text) {
		return errors.Join(err, resend(refused(r.path, "PACKAGE_FORM", "签名文件不是规定的写法", "the file of the signature is not of the one form")))
	}
	if r.trust, err = seal.ReadTrust(r.o.Trust, r.claimedTier()); err != nil {
		return err
	}
	r.trust.Now = func() time.Time { return r.o.Now }
	if r.Sender, err = seal.Verify(ctx, r.trust, seal.Package, r.raw, s); err != nil {
		return inPackage(err, r.path)
	}
	m, err := parseManifest(r.path, r.raw)
	if err != nil {
		return err
	}
	if m.Sender.Key != s.Key {
		return resend(refused(r.path, "PACKAGE_MANIFEST", "清单写的发送方密钥 %s 不是签名的 %s", "the manifest names the sender's key %s, %s signed", m.Sender.Key, s.Key))
	}
	r.Manifest = m
	if w := r.o.Waiting; w != nil && w.ID != m.ID {
		return r.notHeld(m.ID)
	}
	for i := range m.Layers {
		r.all += m.Layers[i].Put
	}
	if err := r.listed(); err != nil {
		return err
	}
	if r.trust.Encrypted && r.plain == "" && m.Tier != edition.Public {
		return refused(r.path, "PACKAGE_PLAIN", "信任文件要求加密（encrypt: required），包是明文", "the trust file asks for encryption (encrypt: required), the package is in the clear").
			Advise("包已隔离：它的内容一路都读得出来，报告保密人员；请对方用 gengtu pack --encrypt-for 重新打包", "it is in quarantine: whoever had it could read it, tell the security officer; have it packed again with gengtu pack --encrypt-for")
	}
	if err := r.approve(ctx); err != nil {
		return err
	}
	return r.persons(ctx)
}

// listed sees that the package's files are those that the manifest lists, as long as it
// says.
func (r *Reception) listed() error {
	parts := r.Manifest.Parts
	if len(r.members) != len(parts)+2 {
		return resend(refused(r.path, "PACKAGE_FORM", "包里有 %d 个文件，清单列出 %d 个", "the package has %d files, the manifest lists %d", len(r.members)-2, len(parts)))
	}
	for i, p := range parts {
		m := r.members[i+2]
		switch {
		case m.name != p.Name:
			return resend(refused(r.path, "PACKAGE_FORM", "文件 %.100q 不在清单应在的位置", "the file %.100q stands where the manifest has another", m.name))
		case m.size != p.Bytes:
			return resend(refused(r.path, "PACKAGE_SIZE", "%[1]s 有 %[2]d 字节，清单里是 %[3]d", "%[1]s has %[2]d bytes, the manifest says %[3]d", p.Name, m.size, p.Bytes))
		}
	}
	return nil
}

// part returns the bytes of part i.
func (r *Reception) part(i int) io.Reader {
	m := r.members[i+2]
	return io.NewSectionReader(r.file, m.at, m.size)
}

// digests compares the parts with their digests, before any is unpacked.
func (r *Reception) digests(ctx context.Context) error {
	for i, p := range r.Manifest.Parts {
		if strings.HasPrefix(p.Digest, "sm3:") && (r.networkTier() == edition.Secure || r.Manifest.Tier == edition.Secure) {
			return resend(refused(r.path, "PACKAGE_DIGEST", "涉密版不收 SM3 软件摘要的包", "the secure tier takes no package with SM3 digests in software"))
		}
		h := hashOf(p.Digest)
		from := r.part(i)
		for {
			if err := ctx.Err(); err != nil {
				return err
			}
			if _, err := io.CopyN(h, from, 1<<20); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return err
			}
		}
		if _, sum, _ := strings.Cut(p.Digest, ":"); fmt.Sprintf("%x", h.Sum(nil)) != sum {
			return digestDiffers(r.path, p.Name)
		}
	}
	return nil
}

func (r *Reception) level(context.Context) error {
	level, err := r.networkLevel()
	if err != nil {
		return err
	}
	if err := r.Manifest.level(r.path, level); err != nil {
		return err
	}
	if level == edition.Secure && r.plain != "" {
		// It was opened before the level was known: a key that may not be used there
		// has not let it in.
		if _, err := seal.ReadOpener(r.o.Decrypt, edition.Secure); err != nil {
			return err
		}
	}
	return r.sends()
}

func (r *Reception) fields(context.Context) error {
	if err := r.Manifest.stands(r.path); err != nil {
		return err
	}
	if err := r.Manifest.within(r.path, r.o.Policy); err != nil {
		return err
	}
	return r.Manifest.schema(r.path, r.o.Policy, r.Held)
}

// Close frees what the reception holds.
func (r *Reception) Close() {
	if r.closed {
		return
	}
	r.closed = true
	if r.file != nil {
		_ = r.file.Close() // only read
	}
	if r.plain != "" {
		_ = os.Remove(r.plain) // its name was made for us; the next run removes it otherwise
	}
	r.store.close()
}

// heldFile is where a package waits for release in an edition.
func heldFile(dir, id string) string {
	return filepath.Join(dir, edition.ExchangeDir, heldDir, id+Ending)
}

// Ending is how the names of packages end.
const Ending = ".gtp"
