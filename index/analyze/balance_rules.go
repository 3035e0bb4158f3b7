package analyze

import (
	"strings"

	"gengtu/index/problem"
	"gengtu/index/setting"
)

// BalanceRules are the rules of balance; approvals takes its classes of construction from
// here, too. Classes are named by how their codes begin; the longest beginning wins.
type BalanceRules struct {
	Construction Listed `yaml:"construction"`
	Agricultural Listed `yaml:"agricultural"`
	// Recovery are values of ZZSXDM of ground that is to be cropland again.
	Recovery Listed `yaml:"recovery"`
	// TransitionUntil is the last vintage of a transition period, "" for none.
	TransitionUntil Until `yaml:"transition_until"`
}

// Until is a vintage that somebody must have fixed.
type Until struct {
	Value     string `yaml:"value"`
	Source    string `yaml:"source"`
	Confirmed bool   `yaml:"confirmed"`
}

// checkBalance refuses lists without classes, and a beginning that is in both.
func checkBalance(r *Rules, f *setting.File) *problem.Problem {
	seen := map[string]bool{}
	for _, list := range []struct {
		key    string
		values []string
	}{{"construction", r.Balance.Construction.Values}, {"agricultural", r.Balance.Agricultural.Values}} {
		if len(list.values) == 0 {
			return f.Problem(f.Line("balance", list.key), "balance.%s 没有地类", "balance.%s has no classes", list.key)
		}
		for _, v := range list.values {
			if v == "" || cropland(v) || seen[v] {
				return f.Problem(f.Line("balance", list.key), "balance.%[1]s 的地类 %.20[2]q 空缺、是耕地或重复", "the class %.20[2]q of balance.%[1]s is empty, cropland, or stands twice", list.key, v)
			}
			seen[v] = true
		}
	}
	return nil
}

// kindOf returns what kind of balance ground between cropland and a class is in.
func (b *BalanceRules) kindOf(class string) string {
	best, kind := 0, neither
	for _, list := range []struct {
		kind   string
		values []string
	}{{occupation, b.Construction.Values}, {conversion, b.Agricultural.Values}} {
		for _, v := range list.values {
			if len(v) > best && strings.HasPrefix(class, v) {
				best, kind = len(v), list.kind
			}
		}
	}
	return kind
}
