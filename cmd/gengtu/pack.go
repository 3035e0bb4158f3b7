package main

import (
	"encoding/json"
	"time"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/index/seal"
	"gengtu/ingest/exchange"
)

func runPack(e *env, fs *flags) error {
	var o exchange.PackOptions
	fs.StringVar(&o.Edition, "edition", "", "版本目录|the edition's directory")
	key := fs.String("key", "", "签名私钥（gengtu key new 生成），或密码设备的 JSON|the private key that signs (gengtu key new makes one), or the JSON of a device")
	fs.StringVar(&o.Out, "out", "", "包文件 FILE.gtp|the package, FILE.gtp")
	fs.StringVar(&o.Since, "since", "", "增量：从哪一代起；last 为上次发给对方的一代|a delta: the generation to start from; last is the one that the receiver was sent last")
	encrypt := fs.String("encrypt-for", "", "对方的公钥文件（.pub），给出则加密|the receiver's public key (.pub), to encrypt for")
	fs.StringVar(&o.Receiver, "receiver", "", "接收方名称，各有各的序号|whom it is for; each receiver has a sequence of its own")
	grade := fs.String("grade", "", "数据分级 general、important 或 core；公众版默认 general，其余 important|the data's grade: general, important or core; general by default for public, else important")
	fs.StringVar(&o.Mark, "mj", "", "密级，如 秘密、内部、公开；政务版和公众版默认 非密|the secret mark (密级); 非密 by default for government and public")
	var approvers list
	fs.Var(&approvers, "approved-by", "批准人，可多次；只是写上的名字|who approved it, may be repeated: a name as typed")
	var approverKeys list
	fs.Var(&approverKeys, "approve-key", "批准人本人的私钥，可多次：对清单签名|the own key of who approves, may be repeated: he signs the manifest's digest")
	force := fs.Bool("force", false, "替换已有的 --out|replace a file that is at --out")
	document := fs.String("document", "", "批准文号|the document of the approval")
	created := fs.String("created", "", "打包时间，RFC 3339，默认现在|the time to note, RFC 3339; now by default")
	if _, err := fs.parse(0, 0); err != nil {
		return err
	}
	for _, f := range []struct{ name, value string }{{"edition", o.Edition}, {"key", *key}, {"out", o.Out}} {
		if err := need(f.name, f.value); err != nil {
			return err
		}
	}
	_, m, err := edition.Current(o.Edition)
	if err != nil {
		return err
	}
	o.Created = time.Now()
	if *created != "" {
		if o.Created, err = time.Parse(time.RFC3339, *created); err != nil {
			return usage("FLAGS", "--created 写的是 %q，应如 2026-01-02T15:04:05Z", "--created says %q; write 2026-01-02T15:04:05Z", *created)
		}
	}
	if err := defaultMarks(&o, *grade, m.Tier); err != nil {
		return err
	}
	plain, err := packKeys(&o, packFiles{*key, *encrypt, approverKeys}, m.Tier)
	if err != nil {
		return err
	}
	if *force {
		o.Existing = exchange.Replace
	}
	o.Document = *document
	for _, by := range approvers {
		o.Approvals = append(o.Approvals, exchange.Approval{By: by, At: o.Created.UTC().Format(time.RFC3339), Document: *document})
	}
	o.Program = programVersion()
	p := e.progress()
	o.Progress = func(done, all int) { p.tell(e.pick("打包要素", "packing features"), int64(done), int64(all)) }
	sent, err := exchange.Pack(e.ctx, o)
	p.end()
	if err != nil {
		return err
	}
	if plain != nil {
		e.warn(plain.In(o.Out))
	}
	return e.givePacked(o.Out, sent)
}

// inTheClear is the warning of a package above public that is not encrypted, nil where
// there is nothing to say; the error where the sender's key file asks for encryption.
func inTheClear(f packFiles, tier edition.Tier) (*problem.Problem, error) {
	if f.encrypt != "" || tier == edition.Public {
		return nil, nil
	}
	required, err := seal.EncryptionRequired(f.key, tier)
	if err != nil {
		return nil, err
	}
	p := problem.New("PACK_PLAIN", "%[1]s的包没有加密：谁拿到介质，谁就读得出全部内容（包括权利人姓名等）", "the package of the %[2]s edition is not encrypted: whoever gets hold of the medium reads all of it, names of persons too", tier.Title(problem.Chinese), tier).
		Advise("加 --encrypt-for 对方的 .pub；要禁止明文打包，在密钥文件里加一行 encrypt: required", "give --encrypt-for with the receiver's .pub; a line encrypt: required in the key file forbids packages in the clear")
	if required {
		return nil, problem.New("PACK_PLAIN", "密钥文件要求加密（encrypt: required），没有给 --encrypt-for", "the key file asks for encryption (encrypt: required), and --encrypt-for is missing").In(f.key).
			Advise("加 --encrypt-for 对方的 .pub", "give --encrypt-for with the receiver's .pub")
	}
	return p, nil
}

// packFiles are the files of keys that pack is given; encrypt is "" for none.
type packFiles struct {
	key, encrypt string
	approvers    []string
}

// packKeys reads the keys that pack needs, for an edition of the tier, and returns the
// warning of [inTheClear].
func packKeys(o *exchange.PackOptions, f packFiles, tier edition.Tier) (plain *problem.Problem, err error) {
	if o.Signer, err = seal.ReadSigner(f.key, tier); err != nil {
		return nil, err
	}
	if f.encrypt != "" {
		if o.Recipient, err = seal.ReadRecipient(f.encrypt, tier); err != nil {
			return nil, err
		}
	}
	for _, file := range f.approvers {
		by, err := seal.ReadSigner(file, tier)
		if err != nil {
			return nil, err
		}
		o.Approvers = append(o.Approvers, by)
	}
	return inTheClear(f, tier)
}

// defaultMarks fills in grade and secret mark where none was given.
func defaultMarks(o *exchange.PackOptions, grade string, tier edition.Tier) error {
	switch o.Grade = exchange.Grade(grade); {
	case grade == "" && tier == edition.Public:
		o.Grade = exchange.General
	case grade == "":
		o.Grade = exchange.Important
	case o.Grade != exchange.General && o.Grade != exchange.Important && o.Grade != exchange.Core:
		return usage("FLAGS", "--grade 写的是 %q，应为 general、important 或 core", "--grade says %q; it is general, important or core", grade)
	}
	if o.Mark == "" && tier != edition.Secure {
		o.Mark = exchange.OpenMark
	}
	return nil
}

func (e *env) givePacked(path string, m *exchange.Manifest) error {
	if e.json {
		enc := json.NewEncoder(e.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(m)
	}
	e.printf("%s  %s %d %s %s\n", m.ID, e.pick("第", "number"), m.Sequence, m.Kind, m.State.Generation)
	var bytes int64
	for _, p := range m.Parts {
		bytes += p.Bytes
	}
	for i := range m.Layers {
		l := &m.Layers[i]
		e.printf(e.pick("  %s  %s  要素 %d（包里 %d，删除 %d）\n", "  %s  %s  features %d (%d in the package, %d that go)\n"), l.Key(), l.Change, l.Features, l.Put, l.Deleted)
	}
	e.notef(e.pick("%s：%d 字节的内容，签名人 %s\n", "%s: %d bytes of content, signed by %s\n"), path, bytes, m.Sender.Name)
	return nil
}
