package seal_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"gengtu/index/edition"
	"gengtu/index/seal"
)

var allPurposes = []seal.Purpose{seal.Package, seal.Changes, seal.Receipt, seal.Answer, seal.Approval, seal.Import, seal.Release}

// Ensure: a key signs for what its file says and for nothing else; one whose file says
// nothing is a unit's, and releases and approves nothing.
func TestPurposes(t *testing.T) {
	path := made(t, seal.Ed25519, "张三")
	signer, _ := opened(t, path)
	public, err := os.ReadFile(path + seal.PublicEnding)
	if err != nil {
		t.Fatal(err)
	}
	for line, may := range map[string][]seal.Purpose{
		"":                         allPurposes[:4],
		"signs: release":           {seal.Release},
		"signs: import release":    {seal.Import, seal.Release},
		"signs: approval, package": {seal.Approval, seal.Package},
	} {
		text := strings.Replace(string(public), "tiers:", line+"\ntiers:", 1)
		trust, err := seal.ReadTrust(written(t, "we: 县局\napprovals: 2\n"+text), edition.Government)
		if err != nil {
			t.Fatal(line, err)
		}
		if trust.Self != "县局" || trust.Approvals != 2 {
			t.Errorf("%q %d", trust.Self, trust.Approvals)
		}
		for _, p := range allPurposes {
			s, err := seal.Sign(t.Context(), signer, p, []byte("m"))
			if err != nil {
				t.Fatal(err)
			}
			code := "SEAL_PURPOSE"
			if slices.Contains(may, p) {
				code = ""
			}
			_, err = seal.Verify(t.Context(), trust, p, []byte("m"), s)
			wants(t, line+" for "+string(p), err, code)
			if n := len(trust.For(p)); (n == 1) != (code == "") {
				t.Errorf("%s: %d keys for %s", line, n, p)
			}
		}
	}
}

// Ensure: a key file says what its owner may send, SM2 never secure editions.
func TestKeysTiers(t *testing.T) {
	for _, c := range []struct {
		a     seal.Algorithm
		asked []edition.Tier
		sends []edition.Tier
		code  string
	}{
		{seal.Ed25519, nil, edition.Tiers, ""},
		{seal.SM2, nil, []edition.Tier{edition.Government, edition.Public}, ""},
		{seal.Ed25519, []edition.Tier{edition.Public}, []edition.Tier{edition.Public}, ""},
		{seal.SM2, []edition.Tier{edition.Secure}, nil, "SEAL_SUITE"},
	} {
		pair, err := seal.NewKeys(c.a, "a", time.Time{}, c.asked...)
		wants(t, string(c.a), err, c.code)
		if err != nil {
			continue
		}
		trust, err := seal.ReadTrust(written(t, string(pair.Public)), edition.Government)
		if err != nil {
			t.Fatal(err)
		}
		for _, tier := range edition.Tiers {
			if trust.Keys[0].Sends(tier) != slices.Contains(c.sends, tier) {
				t.Errorf("%s %v: %s", c.a, c.asked, tier)
			}
		}
	}
}

// Ensure: what a key file says of no key is refused: a line "signs" that stands behind the
// key, or before a name, would else leave a person's key to sign what units sign.
func TestLinesOfNoKey(t *testing.T) {
	public, err := os.ReadFile(made(t, seal.Ed25519, "张三") + seal.PublicEnding)
	if err != nil {
		t.Fatal(err)
	}
	pub, between := string(public), "use: encrypt"
	if strings.Count(pub, between) != 1 {
		t.Fatal(pub)
	}
	for what, text := range map[string]string{
		"behind the key":           pub + "signs: release\n",
		"before the name":          "signs: release\n" + pub,
		"tiers behind the key":     pub + "tiers: public\n",
		"an expiry behind the key": pub + "expires: 2027-12-31\n",
		"between two persons":      pub + "signs: release\n" + other(t),
		"between the two halves":   strings.Replace(pub, between, "signs: release\n"+between, 1),
		"a name of nobody":         "name: 李四\n" + pub,
		"approvals twice":          "approvals: 2\napprovals: 0\n" + pub,
		"approvals twice, 0 first": "approvals: 0\napprovals: 2\n" + pub,
		"we twice":                 "we: a\nwe: b\n" + pub,
		"encrypt twice":            "encrypt: required\nencrypt: required\n" + pub,
		"encrypt at will":          "encrypt: no\n" + pub,
		"tiers twice":              strings.Replace(pub, "tiers:", "tiers: public\ntiers:", 1),
		"signs twice":              strings.Replace(pub, "tiers:", "signs: package\nsigns: release\ntiers:", 1),
		"expires twice":            strings.Replace(pub, "tiers:", "expires: 2027-12-31\nexpires: 2099-12-31\ntiers:", 1),
		"use twice":                strings.Replace(pub, between, "use: sign\n"+between, 1),
	} {
		_, err := seal.ReadTrust(written(t, text), edition.Government)
		wants(t, what, err, "SEAL_FILE")
	}
	for what, text := range map[string]string{
		"in its place":              strings.Replace(pub, "tiers:", "signs: release\ntiers:", 1),
		"of the file, at its end":   pub + "we: 县局\napprovals: 0\nencrypt: required\n",
		"the same of two persons":   pub + strings.Replace(other(t), "tiers:", "signs: package\ntiers:", 1),
		"of each of unnamed blocks": "signs: release\n" + block(t, pub) + "expires: 2027-12-31\n# another\n" + block(t, other(t)),
	} {
		_, err := seal.ReadTrust(written(t, text), edition.Government)
		wants(t, what, err, "")
	}
}

// Ensure: a member that stands twice in a file of devices, in whatever case, is refused with
// its line, and so is what would be passed over without a word.
func TestMembersOfDevices(t *testing.T) {
	const key = `"name": "a", "algorithm": "device", "key": "1", "socket": "/s"`
	for text, code := range map[string]string{
		`{"keys": [{` + key + `}], "we": "b", "encrypt": "required"}`:            "",
		`{"keys": [{` + key + `}, {` + strings.Replace(key, "1", "2", 1) + `}]}`: "",
		`{` + key + `, "tiers": ["public"]}`:                                     "",
		`{` + key + `, "tiers": ["public"], "tiers": ["secure"]}`:                "SEAL_FILE",
		`{"keys": [{` + key + `, "tiers": ["public"], "Tiers": ["secure"]}]}`:    "SEAL_FILE",
		`{` + key + `, "ſigns": ["package"], "signs": ["release"]}`:              "SEAL_FILE",
		`{"keys": [{` + key + `}], "approvals": 2, "approvals": 0}`:              "SEAL_FILE",
		`{"keys": [{` + key + `}], "tiers": ["public"]}`:                         "SEAL_FILE",
		`{"keys": [{` + key + `}], "encrypt": "no"}`:                             "SEAL_FILE",
		`{` + key + `} {}`: "SEAL_FILE",
		`{` + key:          "SEAL_FILE",
	} {
		_, err := seal.ReadTrust(written(t, text), edition.Government)
		wants(t, text, err, code)
	}
	_, err := seal.ReadTrust(written(t, "{"+key+",\n\"tiers\": [\"public\"],\n\"tiers\": [\"secure\"]}"), edition.Government)
	if err == nil || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("the line is not told: %v", err)
	}
}

// block is the first block of PEM of a text.
func block(t *testing.T, text string) string {
	t.Helper()
	const end = "-----END PUBLIC KEY-----\n"
	from, to := strings.Index(text, "-----BEGIN"), strings.Index(text, end)
	if from < 0 || to < from {
		t.Fatal(text)
	}
	return text[from : to+len(end)]
}

// other is the public half of another key.
func other(t *testing.T) string {
	t.Helper()
	public, err := os.ReadFile(made(t, seal.Ed25519, "李四") + seal.PublicEnding)
	if err != nil {
		t.Fatal(err)
	}
	return string(public)
}

// Ensure: what is said of a private key that is damaged has nothing of the key in it.
func TestDamagedKeyIsNotTold(t *testing.T) {
	path := made(t, seal.Ed25519, "a")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, body, found := strings.Cut(string(data), "-----BEGIN PRIVATE KEY-----\n")
	if !found {
		t.Fatal("no key")
	}
	_, err = seal.ReadSigner(written(t, body), edition.Government)
	wants(t, "damaged", err, "SEAL_FILE")
	const ofAllKeys = 16 // bytes of PKCS#8 before the seed (RFC 8410 clause 7)
	if seed := body[ofAllKeys*4/3+1:][:8]; strings.Contains(err.Error(), seed) {
		t.Errorf("the seed is told: %v", err)
	}
}
