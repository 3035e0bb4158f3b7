package main

import (
	"encoding/json"
	"errors"
	"os"
	"time"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/ingest/exchange"
	"gengtu/ingest/policy"
)

// receiving are the flags of verbs that take packages in.
type receiving struct {
	exchange.ReceiveOptions
	level, policy string
	quarantineGB  int
	memory        *string
	building      building
}

func (f *receiving) define(fs *flags) {
	fs.StringVar(&f.Trust, "trust", "", "信任的发送方公钥文件|the public keys of senders that are trusted")
	fs.StringVar(&f.Decrypt, "decrypt", "", "加密包的解密私钥|our private key, for packages that are encrypted")
	fs.StringVar(&f.Receipt, "key", "", "给回执签名的私钥|the private key that signs the receipt")
	fs.StringVar(&f.level, "tier", "", "本网的级别，高于它的包一律拒收；默认为版本的级别，新目录要有它，或信任文件的 tiers|the network's level, above which nothing is taken in; the edition's tier by default; a new directory needs it, or tiers in the trust file")
	fs.StringVar(&f.policy, "policy", "", "字段白名单按哪份策略，默认内置|the policy whose fields may be held; the embedded one by default")
	fs.StringVar(&f.As, "as", "", "我方名称，默认为信任文件的 we；发给别人的包拒收|who we are, by default what we in the trust file says: packages for others are refused")
	fs.StringVar(&f.By, "by", "", "录入人，默认为系统账户|who brings it in; the account by default")
	fs.StringVar(&f.ByKey, "by-key", "", "本人的私钥：证明是谁，名字取信任文件里的|one's own key, which proves who it is; the name is the trust file's")
	fs.StringVar(&f.Quarantine, "quarantine", "", "隔离目录，默认为 EDITION.quarantine|where packages go that are refused; EDITION.quarantine by default")
	fs.IntVar(&f.quarantineGB, "quarantine-gb", exchange.DefaultQuarantineBytes>>30, "隔离目录最多放多少 GiB，满了就不再收|how many GiB may be in quarantine; when it is full nothing more is taken in")
	fs.BoolVar(&f.Replace, "replace", false, "完整包可替换不是由它而来的版本|a full package may take the place of what came by another way")
	keepFlag(fs, &f.building.keep)
	workersFlag(fs, &f.building.workers)
	f.memory = memoryFlag(fs)
}

// settle fills in what the flags leave to defaults.
func (f *receiving) settle() error {
	if err := need("trust", f.Trust); err != nil {
		return err
	}
	if f.level != "" {
		t, err := edition.ParseTier(f.level)
		if err != nil {
			return usageError{problem.Of(err)}
		}
		f.Level = t
	}
	if f.quarantineGB < 1 || f.quarantineGB > 1<<20 {
		return usage("FLAGS", "--quarantine-gb 应为 1 至 %d", "--quarantine-gb is 1 to %d", 1<<20)
	}
	f.QuarantineBytes = int64(f.quarantineGB) << 30
	var err error
	if f.Policy, err = readPolicy(f.policy); err != nil {
		return err
	}
	if f.building.memory, err = byteSize(*f.memory); err != nil {
		return err
	}
	if f.By == "" {
		f.By = exchange.Account()
	}
	f.building.stages, f.Now = &stages{}, time.Now()
	return nil
}

// readPolicy reads a policy file, or the embedded policy where path is "".
func readPolicy(path string) (*policy.Policy, error) {
	if path == "" {
		return policy.Default()
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, problem.New("POLICY_FILE", "策略文件读不出来（%v）", "the policy file cannot be read (%v)", err).In(path).Because(err)
	}
	return policy.Parse(path, text)
}

func runUnpack(e *env, fs *flags) error {
	var f receiving
	f.define(fs)
	fs.StringVar(&f.Edition, "out", "", "版本目录|the edition's directory")
	fs.StringVar(&f.ReleasedBy, "released-by", "", "审核放行人；一条命令里写两个名字不算两个人，要用 --released-key，或 --hold 后 gengtu release|who releases it; two names in one command are not two persons: use --released-key, or --hold and gengtu release")
	fs.StringVar(&f.ReleasedByKey, "released-key", "", "审核人本人的私钥|the own key of who releases it")
	hold := fs.Bool("hold", false, "只检查，等另一人用 gengtu release 放行|judge it only, until another person lets it in with gengtu release")
	args, err := fs.parse(1, 1)
	if err != nil {
		return err
	}
	if err := need("out", f.Edition); err != nil {
		return err
	}
	if err := f.settle(); err != nil {
		return err
	}
	f.Package = args[0]
	ending := exchange.ByOne
	if *hold {
		ending = exchange.ByTwo
	}
	t, err := e.takePackage(&f, ending)
	e.noteUnsigned(&f, err)
	if err != nil {
		return err
	}
	return e.giveTaken(&f, t)
}

// taken says what became of a package.
type taken struct {
	Package    string `json:"package"`
	Outcome    string `json:"outcome"`
	Sender     string `json:"sender"`
	Sequence   int64  `json:"seq"`
	Kind       string `json:"kind"`
	Tier       string `json:"tier"`
	Generation string `json:"generation,omitempty"`
	Content    string `json:"content_hash,omitempty"`
	// Importer and Releaser are who brought it in and let it in, and how that is known.
	Importer *exchange.Person `json:"importer,omitempty"`
	Releaser *exchange.Person `json:"releaser,omitempty"`
	// OneAccount is [exchange.Reception.OneAccount].
	OneAccount bool `json:"one_account,omitempty"`
}

// releaseLine is the command by which another person, NAME, lets the package in.
func (f *receiving) releaseLine(id string) string {
	line := "gengtu release --edition " + f.Edition + " --trust " + f.Trust
	for _, x := range [][2]string{{"--as", f.As}, {"--decrypt", f.Decrypt}, {"--tier", f.level}, {"--policy", f.policy}} {
		if x[1] != "" {
			line += " " + x[0] + " " + x[1]
		}
	}
	return line + " --by NAME " + id
}

// giveTaken tells what became of the package of f.
func (e *env) giveTaken(f *receiving, t *taken) error {
	if e.json {
		return json.NewEncoder(e.stdout).Encode(t)
	}
	if t.Generation == "" {
		e.printf(e.pick("%s 已检查，等另一人放行：%s\n", "%s was judged and waits for another person: %s\n"), t.Package, f.releaseLine(t.Package))
		return nil
	}
	e.printf(e.pick("%s 已生效，来自 %s 的第 %d 号包 %s\n", "%s is in force, by %s's package number %d, %s\n"), t.Generation, t.Sender, t.Sequence, t.Package)
	if r := t.Releaser; r != nil {
		e.notef(e.pick("录入 %s（%s），审核 %s（%s）\n", "brought in by %s (%s), released by %s (%s)\n"), t.Importer.Name, e.proof(t.Importer), r.Name, e.proof(r))
	}
	if t.OneAccount {
		e.warn(problem.New("RELEASE_TYPED", "两个名字都是在同一个系统账户下写的，不能证明是两个人", "both names were typed under one account of the system: nothing proves that they are two persons").
			Advise("给两人各自的账户或密钥，并在信任文件里写 signs: release", "give each an account or a key of his own, and have the trust file say signs: release"))
	}
	return nil
}

// proof says how it is known who somebody is.
func (e *env) proof(p *exchange.Person) string {
	if p.Proof == exchange.ByKey {
		return e.pick("密钥 ", "key ") + p.Signature.Key
	}
	return e.pick("写上的名字", string(exchange.Typed))
}

// takePackage takes a package in, or holds it when it is to be released by two.
func (e *env) takePackage(f *receiving, rule exchange.Release) (*taken, error) {
	p := e.progress()
	defer p.end()
	f.Progress = func(done, all int) { p.tell(e.pick("检查要素", "judging features"), int64(done), int64(all)) }
	r, err := exchange.Receive(e.ctx, f.ReceiveOptions)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	m := r.Manifest
	importer, releaser := r.Persons()
	t := &taken{OneAccount: r.OneAccount(), Importer: importer, Releaser: releaser, Package: m.ID, Outcome: "held", Sender: r.Sender.Name, Sequence: m.Sequence, Kind: string(m.Kind), Tier: string(m.Tier)}
	if rule == exchange.ByTwo || r.Waits() {
		err := r.Judge(e.ctx)
		if err == nil {
			err = r.Hold()
		}
		if err != nil {
			return nil, r.Refuse(err)
		}
		return t, nil
	}
	now, err := e.apply(r, f)
	if err != nil {
		return nil, r.Refuse(err)
	}
	t.Outcome, t.Generation, t.Content = "accepted", now.Generation, now.ContentHash
	f.building.stages.note(e)
	return t, nil
}

func runRelease(e *env, fs *flags) error {
	var f receiving
	f.define(fs)
	fs.StringVar(&f.Edition, "edition", "", "版本目录|the edition's directory")
	require := fs.String("require", "", "two：此后每个包都要第二人放行；one：不再要|two: from now on each package needs a second person; one: no more")
	args, err := fs.parse(0, 1)
	if err != nil {
		return err
	}
	if err := need("edition", f.Edition); err != nil {
		return err
	}
	named := f.Trust != "" || f.By != "" || f.ByKey != ""
	switch {
	case *require == string(exchange.ByOne) || *require == string(exchange.ByTwo):
		return exchange.RequireTwo(f.Edition, exchange.Release(*require))
	case *require != "":
		return usage("FLAGS", "--require 应为 two 或 one", "--require is two or one")
	case len(args) == 0 && named:
		return usage("RELEASE_WHICH", "没有写放行哪个包；gengtu release list --edition EDITION 列出待放行的", "which package to release is missing; gengtu release list --edition EDITION lists those that wait")
	case len(args) == 0 || args[0] == "list":
		return e.listHeld(f.Edition)
	}
	if f.ByKey == "" {
		if err := need("by", f.By); err != nil {
			return err
		}
	}
	path, waiting, err := exchange.HeldPackage(f.Edition, args[0])
	if err != nil {
		return err
	}
	f.ReleasedBy, f.ReleasedByKey = f.By, f.ByKey
	if err := f.settle(); err != nil {
		return err
	}
	f.Package, f.By, f.ByKey, f.Waiting = path, waiting.By, "", &waiting
	t, err := e.takePackage(&f, exchange.ByOne)
	e.noteUnsigned(&f, err)
	if err != nil {
		return err
	}
	return e.giveTaken(&f, t)
}

// noteUnsigned tells of a receipt that nobody signed.
func (e *env) noteUnsigned(f *receiving, err error) {
	if f.Receipt == "" && (err == nil || exchange.Refused(err)) {
		e.notef("%s", e.pick("没有给 --key：回执没有签名，只留在 EDITION/exchange/receipts，不会发给对方\n", "without --key the receipt is not signed: it stays in EDITION/exchange/receipts and is not sent\n"))
	}
}

func (e *env) listHeld(dir string) error {
	all, err := exchange.ListHeld(dir)
	if err != nil {
		return err
	}
	if e.json {
		return json.NewEncoder(e.stdout).Encode(all)
	}
	for _, h := range all {
		e.printf("%s  %s  %s  %s\n", h.ID, h.At, h.By, h.File)
	}
	return nil
}

// errChanged says that another program wrote the edition meanwhile.
var errChanged = errors.New("another generation is in force")
