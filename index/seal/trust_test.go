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
