package seal

import (
	"slices"
	"strings"

	"gengtu/index/edition"
	"gengtu/index/problem"
)

// purposes are all purposes; a key whose file does not say what it signs is believed
// for the first of them, which units sign, and not for those that persons sign.
var purposes = []Purpose{Package, Changes, Receipt, Answer, Approval, Import, Release}

const unitPurposes = 4

// May tells whether the key's signatures are believed for a purpose. A key whose file
// has no line "signs" is a unit's: it signs packages, changes, receipts and answers.
func (k Key) May(p Purpose) bool {
	if len(k.Signs) == 0 {
		return slices.Contains(purposes[:unitPurposes], p)
	}
	return slices.Contains(k.Signs, p)
}

// Sends tells whether the key's file names a tier among those that its owner may send.
// One that names none tells nothing.
func (k Key) Sends(t edition.Tier) bool { return slices.Contains(k.Tiers, t) }

// For returns the keys whose signatures are believed for a purpose.
func (t Trust) For(p Purpose) []Key {
	var out []Key
	for _, k := range t.Keys {
		if k.May(p) {
			out = append(out, k)
		}
	}
	return out
}

// maxApprovals is how many signed approvals a trust file may ask for.
const maxApprovals = 20

// words are the words of a list that commas or spaces divide.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == '，' || r == ' ' || r == '\t' })
}

// purposesOf reads the list of a line "signs".
func purposesOf(list []string) ([]Purpose, *problem.Problem) {
	var out []Purpose
	for _, text := range list {
		if p := Purpose(text); slices.Contains(purposes, p) && !slices.Contains(out, p) {
			out = append(out, p)
			continue
		}
		return nil, wrong("signs 里的 %.40q 不认识或写了两次，可写 %s", "%.40q in signs is not known or stands there twice; there are %s", text, joined(purposes))
	}
	if len(out) == 0 {
		return nil, wrong("signs 是空的，可写 %s", "signs is empty; there are %s", joined(purposes))
	}
	return out, nil
}

// tiersOf reads the list of a line "tiers".
func tiersOf(list []string) ([]edition.Tier, *problem.Problem) {
	var out []edition.Tier
	for _, text := range list {
		t, err := edition.ParseTier(text)
		if err != nil || slices.Contains(out, t) {
			return nil, wrong("tiers 里的 %.40q 不认识或写了两次，可写 %s", "%.40q in tiers is not known or stands there twice; there are %s", text, joined(edition.Tiers))
		}
		out = append(out, t)
	}
	if len(out) == 0 {
		return nil, wrong("tiers 是空的，可写 %s", "tiers is empty; there are %s", joined(edition.Tiers))
	}
	return out, nil
}

func goodApprovals(n int) *problem.Problem {
	if n < 0 || n > maxApprovals {
		return wrong("approvals 应为 0 至 %d", "approvals is 0 to %d", maxApprovals)
	}
	return nil
}

// encryptOf reads the word behind "encrypt".
func encryptOf(value string) (bool, *problem.Problem) {
	if value != "required" {
		return false, wrong("encrypt 写的是 %.40q，只能写 required", "encrypt says %.40q; it is required, or left out", value)
	}
	return true, nil
}

// joined writes a list as it stands in a key file.
func joined[T ~string](list []T) string {
	var out []string
	for _, x := range list {
		out = append(out, string(x))
	}
	return strings.Join(out, ", ")
}
