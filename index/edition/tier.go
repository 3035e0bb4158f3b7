package edition

import "gengtu/index/problem"

// Tier is who an edition is for. The zero value is no tier.
type Tier string

// The tiers, from the one that holds most to the one that holds least.
const (
	Secure     Tier = "secure"     // 涉密版
	Government Tier = "government" // 政务版
	Public     Tier = "public"     // 公众版
)

// Tiers lists all tiers, highest first.
var Tiers = []Tier{Secure, Government, Public}

// ParseTier returns the tier of that name, or a problem with code TIER_UNKNOWN.
func ParseTier(name string) (Tier, error) {
	for _, t := range Tiers {
		if string(t) == name {
			return t, nil
		}
	}
	return "", problem.New("TIER_UNKNOWN", "没有 %q 这一版", "no tier %q", name).
		Advise("请用 secure、government 或 public", "use secure, government or public")
}

// Above tells whether t may hold more than u.
func (t Tier) Above(u Tier) bool { return t.rank() > u.rank() }

func (t Tier) rank() int {
	for i, u := range Tiers {
		if t == u {
			return len(Tiers) - i
		}
	}
	return 0
}

// Title returns the tier's name in the language of people.
func (t Tier) Title(l problem.Lang) string {
	zh := map[Tier]string{Secure: "涉密版", Government: "政务版", Public: "公众版"}
	if l == problem.Chinese {
		return zh[t]
	}
	return string(t)
}
