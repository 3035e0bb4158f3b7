package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"time"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/index/seal"
)

// keyText is what `gengtu key` says of a key as JSON.
type keyText struct {
	Name      string         `json:"name"`
	Algorithm seal.Algorithm `json:"algorithm"`
	ID        string         `json:"id"`
	// EncryptionID is that of the key beside it which packages are encrypted for.
	EncryptionID string    `json:"encryption_id,omitempty"`
	Expires      time.Time `json:"expires,omitzero"`
	// Signs and Tiers are what the file says that the key signs for and sends.
	Signs  []seal.Purpose `json:"signs,omitempty"`
	Tiers  []edition.Tier `json:"tiers,omitempty"`
	File   string         `json:"file,omitempty"`
	Public string         `json:"public,omitempty"`
}

func runKey(e *env, fs *flags) error {
	out := fs.String("out", "", "写到哪个文件（公钥写到同名 .pub）|the file to make (its public half goes to the same name with .pub)")
	suite := fs.String("suite", "std", "算法：std 为 Ed25519，sm 为 SM2（涉密版不用）|algorithms: std is Ed25519, sm is SM2 (not for the secure tier)")
	name := fs.String("name", "", "谁的密钥|whose key it is")
	days := fs.Int("days", 0, "公钥有效天数，0 为不限|days that the public half is trusted, 0 for ever")
	tierList := fs.String("tiers", "", "可发哪些版的包，如 government,public；默认全部（SM2 无涉密）|the tiers that it may send packages of, such as government,public; all by default (SM2 not secure)")
	args, err := fs.parse(1, 2)
	if err != nil {
		return err
	}
	tiers, err := parseTiers(*tierList)
	if err != nil {
		return err
	}
	switch {
	case args[0] == "new" && len(args) == 1:
		if err := need("out", *out); err != nil {
			return err
		}
		a, known := map[string]seal.Algorithm{"std": seal.Ed25519, "sm": seal.SM2}[*suite]
		if !known || *days < 0 {
			return usage("FLAGS", "--suite 应为 std 或 sm，--days 不小于 0", "--suite is std or sm, --days is not below 0")
		}
		return makeKey(e, newKey{*out, *name, a, *days, tiers})
	case args[0] == "show" && len(args) == 2:
		return showKeys(e, args[1])
	}
	return usage("ARGUMENTS", "用法：gengtu key new --out FILE 或 gengtu key show FILE", "usage: gengtu key new --out FILE, or gengtu key show FILE")
}

// parseTiers reads a list that commas divide, nil of an empty one.
func parseTiers(text string) ([]edition.Tier, error) {
	var out []edition.Tier
	for name := range strings.SplitSeq(text, ",") {
		if text == "" {
			break
		}
		t, err := edition.ParseTier(strings.TrimSpace(name))
		if err != nil {
			return nil, usageError{problem.Of(err)}
		}
		out = append(out, t)
	}
	return out, nil
}

// newKey is what is asked of a key that is to be made.
type newKey struct {
	out, name string
	algorithm seal.Algorithm
	days      int
	tiers     []edition.Tier
}

func makeKey(e *env, k newKey) error {
	out, name := k.out, k.name
	if name == "" {
		name = strings.TrimSuffix(filepath.Base(out), filepath.Ext(out))
	}
	var expires time.Time
	if k.days > 0 {
		expires = time.Now().UTC().AddDate(0, 0, k.days).Truncate(time.Second)
	}
	pair, err := seal.NewKeys(k.algorithm, name, expires, k.tiers...)
	if err != nil {
		return err
	}
	if err := pair.Write(out); err != nil {
		return err
	}
	text := keyText{Name: pair.Key.Name, Algorithm: pair.Key.Algorithm, ID: pair.Key.ID(), EncryptionID: encryptionID(out), Expires: pair.Key.Expires, Signs: pair.Key.Signs, Tiers: pair.Key.Tiers, File: out, Public: out + seal.PublicEnding}
	if e.json {
		return json.NewEncoder(e.stdout).Encode(text)
	}
	e.printKey(pair.Key, text.EncryptionID)
	e.notef(e.pick("谁信任它，就收它签的%[1]s的包%[2]s；要少些，用 --tiers\n", "whoever trusts it takes packages of %[1]s from it%[2]s; --tiers makes that fewer\n"),
		e.tierNames(pair.Key.Tiers), e.pick("，也信它签的变化、回执和答案", ", and believes its changes, receipts and answers"))
	e.notef("%s\n", e.pick("私钥在 "+out+"，只留在本机；公钥在 "+out+seal.PublicEnding+"，交给对方并另行核对上面的编号",
		"the private half is "+out+", keep it here; the public half is "+out+seal.PublicEnding+": give it away, and have the numbers above compared by another way"))
	return nil
}

// tierNames names tiers for a person.
func (e *env) tierNames(tiers []edition.Tier) string {
	var names []string
	for _, t := range tiers {
		names = append(names, e.pick(t.Title(problem.Chinese), string(t)))
	}
	return strings.Join(names, e.pick("、", ", "))
}

// showKeys lists what a trust file or a key file holds. Nothing of a private key
// is shown.
func showKeys(e *env, path string) error {
	trust, err := seal.ReadTrust(path, edition.Government)
	if err != nil {
		signer, serr := seal.ReadSigner(path, edition.Government)
		if serr != nil {
			// Of a file that is neither, what is said of private keys helps where one is in it.
			if p := problem.Of(serr); p != nil && p.Code == "SEAL_MODE" {
				return serr
			}
			return err
		}
		trust.Keys = []seal.Key{signer.Public()}
	}
	var all []keyText
	encryption := ""
	if len(trust.Keys) == 1 { // else it is not said whose it is
		encryption = encryptionID(path)
	}
	for _, k := range trust.Keys {
		all = append(all, keyText{Name: k.Name, Algorithm: k.Algorithm, ID: k.ID(), EncryptionID: encryption, Expires: k.Expires, Signs: k.Signs, Tiers: k.Tiers})
		if !e.json {
			e.printKey(k, encryption)
		}
	}
	if e.json {
		return json.NewEncoder(e.stdout).Encode(all)
	}
	return nil
}

// printKey describes a key of signatures, and names the one to encrypt for beside it.
func (e *env) printKey(k seal.Key, encryption string) {
	e.printf("%s\n", k.Text())
	if encryption != "" {
		e.printf("  %s %s\n", e.pick("加密密钥", "encryption key"), encryption)
	}
}

// encryptionID names the key of a file that packages are encrypted for, as their
// envelopes do; "" where it has none.
func encryptionID(path string) string {
	if to, err := seal.ReadRecipient(path, edition.Government); err == nil {
		return to.ID()
	}
	if from, err := seal.ReadOpener(path, edition.Government); err == nil {
		return from.ID()
	}
	return ""
}
