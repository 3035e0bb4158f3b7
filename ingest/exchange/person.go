package exchange

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/index/seal"
)

// Proof is how it is known who brought a package in or let it in.
type Proof string

// The proofs.
const (
	// Typed is a name that was typed: nothing proves it but the account.
	Typed Proof = "name as typed"
	// ByKey is a signature by a key that the trust file has for the purpose
	// [seal.Import] or [seal.Release]; the name is the trust file's.
	ByKey Proof = "key"
)

// Person is who brings a package in, or lets it in.
type Person struct {
	Name  string `json:"name"`
	Proof Proof  `json:"proof"`
	// User is the account of the operating system; receipts do not tell it.
	User string `json:"user,omitempty"`
	// Signature is over [Reception.deed], of one who proved himself.
	Signature *seal.Signature `json:"signature,omitempty"`
}

// same tells whether two persons may be one. A name that was typed is anybody's: beside
// somebody who proved himself the account has to be another, too.
func (p *Person) same(q *Person) bool {
	name := func(p *Person) string { return strings.ToLower(strings.TrimSpace(p.Name)) }
	switch {
	case name(p) == name(q):
		return true
	case p.Proof == ByKey && q.Proof == ByKey:
		return p.Signature.Key == q.Signature.Key
	case p.Proof != q.Proof:
		return p.User == q.User
	}
	return false
}

// persons finds out who brings the package in and who lets it in, as far as the trust
// file asks them to prove it. Problems RELEASE_PROOF are no fault of the package.
func (r *Reception) persons(ctx context.Context) error {
	r.importer = Person{Name: r.o.By, Proof: Typed, User: account()}
	if w := r.o.Waiting; w != nil {
		r.importer = Person{Name: w.By, Proof: Typed, User: w.User, Signature: w.Signature}
		if w.Signature != nil {
			// The note of who brought it in is a file: the signature says that it was he.
			k, err := r.signed(ctx, seal.Import, w.By, *w.Signature)
			if err != nil {
				return unproved(err)
			}
			r.importer.Name, r.importer.Proof = k.Name, ByKey
		}
	} else if err := r.prove(ctx, &r.importer, seal.Import, r.o.ByKey); err != nil {
		return err
	}
	if err := r.proved(&r.importer, seal.Import); err != nil {
		return err
	}
	if r.o.ReleasedBy == "" && r.o.ReleasedByKey == "" {
		return nil
	}
	r.releaser = &Person{Name: r.o.ReleasedBy, Proof: Typed, User: account()}
	if err := r.prove(ctx, r.releaser, seal.Release, r.o.ReleasedByKey); err != nil {
		return err
	}
	return r.proved(r.releaser, seal.Release)
}

// Persons returns who brings the package in and who lets it in, as receipts tell; nil for
// nobody.
func (r *Reception) Persons() (importer, releaser *Person) {
	return r.importer.onReceipt(), r.releaser.onReceipt()
}

// deed is what a person signs who brings the package in or lets it in: the package, and
// who brought it in.
func (r *Reception) deed(importer string) []byte {
	return fmt.Appendf(nil, "%s\n%s\n%s\n", r.Manifest.ID, r.digest(), importer)
}

// digest is the SHA-256 of the manifest.
func (r *Reception) digest() string {
	h := seal.Ed25519.NewHash()
	h.Write(r.raw)
	return fmt.Sprintf("%x", h.Sum(nil))
}

// signed looks at a person's signature.
func (r *Reception) signed(ctx context.Context, purpose seal.Purpose, importer string, s seal.Signature) (seal.Key, error) {
	return seal.Verify(ctx, r.trust, purpose, r.deed(importer), s)
}

// prove has a person sign with his key, if one is given, and takes his name from the
// trust file.
func (r *Reception) prove(ctx context.Context, p *Person, purpose seal.Purpose, file string) error {
	if file == "" {
		return nil
	}
	by, err := seal.ReadSigner(file, r.claimedTier())
	if err != nil {
		return err
	}
	k, known := r.trust.Find(by.Public().ID())
	if !known {
		return problem.New("RELEASE_PROOF", "密钥 %s（%s）不在信任文件里", "the key %s (%s) is not in the trust file", by.Public().ID(), by.Public().Name).In(file).
			Advise("把此人的 .pub 放入信任文件，加一行 signs: %s", "put his .pub into the trust file with a line signs: %s", purpose)
	}
	importer := r.importer.Name
	if purpose == seal.Import {
		importer = k.Name
	}
	s, err := seal.Sign(ctx, by, purpose, r.deed(importer))
	if err != nil {
		return err
	}
	if _, err = r.signed(ctx, purpose, importer, s); err != nil {
		return unproved(err)
	}
	p.Name, p.Proof, p.Signature = k.Name, ByKey, &s
	return nil
}

// unproved is a problem of seal's as one of a person: the package is none the worse.
func unproved(err error) error {
	if p := problem.Of(err); p != nil && faultOfSeal[p.Code] {
		return problem.New("RELEASE_PROOF", "身份没有得到证明：%[1]s", "who it is was not proved: %[2]s", p.Found(problem.Chinese), p.Found(problem.English)).
			Advise("%[1]s", "%[2]s", p.Advice(problem.Chinese), p.Advice(problem.English)).Because(err)
	}
	return err
}

// proved refuses a name that was typed where the trust file lists who may.
func (r *Reception) proved(p *Person, purpose seal.Purpose) error {
	if p.Proof == ByKey || len(r.trust.For(purpose)) == 0 {
		return nil
	}
	flag := map[seal.Purpose]string{seal.Import: "--by-key", seal.Release: "--released-key"}[purpose]
	return problem.New("RELEASE_PROOF", "信任文件列出了谁可以做（signs: %[1]s），%.80[2]q 只是写上的名字", "the trust file lists who may (signs: %[1]s), and %.80[2]q is only a name as typed", purpose, p.Name).In(r.o.Trust).
		Advise("用 %[1]s FILE 给出本人的私钥（release 用 --by-key）", "give the person's own key with %[1]s FILE (of release --by-key)", flag)
}

// Waits tells whether the package, which was judged, is to wait for a second person:
// when the edition asks for two, or the trust file lists who releases, and nobody has
// released it.
func (r *Reception) Waits() bool {
	return r.releaser == nil && (r.received.TwoPersons || len(r.trust.For(seal.Release)) > 0)
}

// OneAccount tells that both names were typed under one account of the system, so that
// nothing proves that they are two persons'.
func (r *Reception) OneAccount() bool {
	p, q := &r.importer, r.releaser
	return q != nil && p.Proof == Typed && q.Proof == Typed && p.User == q.User
}

// Released refuses a release by the one who brought the package in (RELEASE_SAME).
func (r *Reception) Released() error {
	// Two names that are typed into one command are one person's.
	once := r.releaser != nil && r.o.Waiting == nil && r.importer.Proof == Typed && r.releaser.Proof == Typed
	if once || r.releaser != nil && r.importer.same(r.releaser) {
		return r.step("release", problem.New("RELEASE_SAME", "录入（%[1]s）和审核（%[2]s）不能证明是两个人", "that who brought it in (%[1]s) and who releases it (%[2]s) are two persons is not proved", r.importer.told(), r.releaser.told()).In(r.path).
			Advise("由另一个人放行：gengtu release --edition EDITION --trust FILE --by NAME；在 unpack 里当场放行要各自的密钥（--by-key、--released-key）；只有一人用密钥时，另一人要用密钥或另一个系统账户",
				"bring it in with gengtu unpack --hold, and have another person release it with gengtu release --edition EDITION --trust FILE --by NAME; unpack itself releases by two keys alone (--by-key, --released-key); where one gives a key, the other needs a key or another account"))
	}
	return r.step("release", nil)
}

// told says who a person is and how that is known.
func (p *Person) told() string {
	if p.Proof == ByKey {
		return fmt.Sprintf("%s, %s %s", p.Name, p.Proof, p.Signature.Key)
	}
	return fmt.Sprintf("%s, %s, %s", p.Name, p.Proof, p.User)
}

// onReceipt is the person as receipts tell of him, nil of nobody.
func (p *Person) onReceipt() *Person {
	if p == nil || p.Name == "" && p.Signature == nil {
		return nil
	}
	q := *p
	q.User = ""
	return &q
}

// networkLevel is the level that packages are held against. Where no edition is there
// yet and none was named, a public package needs none, and another a sender whom the
// trust file has for its tier.
func (r *Reception) networkLevel() (edition.Tier, error) {
	t := r.Manifest.Tier
	switch {
	case r.o.Level != "":
		return r.o.Level, nil
	case r.Held != nil:
		return r.Held.Tier, nil
	case t == edition.Public || r.Sender.Sends(t):
		return t, nil
	}
	return "", problem.New("PACK_TIER", "这里还没有版本，又没有写明本网的级别；包是%[1]s", "there is no edition here yet, and the network's level was not told; the package is %[2]s", t.Title(problem.Chinese), t).In(r.path).
		Advise("用 --tier 写明本网的级别，或在信任文件里给发送方加一行 tiers: %s", "tell the network's level with --tier, or add a line tiers: %s to the sender in the trust file", t)
}

// sends refuses a tier that the trust file does not have its sender send.
func (r *Reception) sends() error {
	if t := r.Manifest.Tier; len(r.Sender.Tiers) > 0 && !r.Sender.Sends(t) {
		return refused(r.path, "PACKAGE_SENDER", "信任文件只许 %[1]s 发 %[3]v 的包，这是%[2]s", "the trust file has %[1]s send %[3]v, and this is %[4]s", r.Sender.Name, t.Title(problem.Chinese), r.Sender.Tiers, t).
			Advise("包已隔离：与发送方核对；若确可发送，改信任文件里的 tiers", "it is in quarantine: ask the sender; if he may send it, change tiers in the trust file")
	}
	return nil
}

// as is who we are: as we were told, or as the trust file says.
func (r *Reception) as() string { return cmp.Or(r.o.As, r.trust.Self) }

// approve holds the signed approvals of the package against the trust file: each must be
// as it was signed, and as many as the file asks for must be by persons who may. What is
// only a name as typed is no proof, and does not count.
func (r *Reception) approve(ctx context.Context) error {
	m := r.Manifest
	message, err := m.approved()
	if err != nil {
		return err
	}
	by := map[string]bool{}
	for _, a := range m.Approvals {
		if a.Signature == nil {
			continue
		}
		k, err := seal.Verify(ctx, r.trust, seal.Approval, message, *a.Signature)
		var p *problem.Problem
		switch {
		case err == nil:
			by[k.ID()] = true
			r.approvals = append(r.approvals, k.Name)
		case errors.As(err, &p) && (p.Code == "SEAL_UNTRUSTED" || p.Code == "SEAL_PURPOSE" || p.Code == "SEAL_EXPIRED"):
			// of somebody whom we do not know as an approver: it does not count
		default:
			return inPackage(err, r.path)
		}
	}
	if len(by) < r.trust.Approvals {
		return refused(r.path, "PACKAGE_APPROVAL", "信任文件要求 %[1]d 人签名批准，包里有 %[2]d 人的", "the trust file asks for %[1]d signed approvals, the package has %[2]d", r.trust.Approvals, len(by)).
			Advise("请对方用 gengtu pack --approve-key 重新打包，批准人的公钥在信任文件里要有 signs: approval", "have it packed again with gengtu pack --approve-key, and the approvers' public keys in the trust file with signs: approval")
	}
	return nil
}
