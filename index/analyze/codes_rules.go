package analyze

import (
	"strings"

	"gengtu/index/codes"
	"gengtu/index/problem"
	"gengtu/index/setting"
)

// CodeRules are the rules of gengtu codes: how a 空间码 is made up, where it stands, and
// which parcels keep one over the years. None is confirmed by a published rule; who gives
// codes by them answers for them, and the command says so.
type CodeRules struct {
	// Place, Group and Number are how many digits the village, the 社 and the number have.
	Place  Threshold `yaml:"place"`
	Group  Threshold `yaml:"group"`
	Number Threshold `yaml:"number"`
	// Field holds the code among a feature's values.
	Field string `yaml:"field"`
	// Layers are those whose features of 14-digit codes of place are polygons of 社; the
	// first that the edition has is taken.
	Layers []string `yaml:"group_layers"`
	// LeastShare is how much of the smaller of two parcels they must share, from 0 to 1,
	// for one to come from the other.
	LeastShare Threshold `yaml:"least_share"`
}

// Scheme returns how codes are made up.
func (r *CodeRules) Scheme() codes.Scheme {
	return codes.Scheme{Place: int(r.Place.Value), Group: int(r.Group.Value), Number: int(r.Number.Value)}
}

// Confirmed tells whether somebody answers for all of the rules.
func (r *CodeRules) Confirmed() bool {
	return r.Place.Confirmed && r.Group.Confirmed && r.Number.Confirmed && r.LeastShare.Confirmed
}

// checkCodes refuses code rules that no code can be made by.
func checkCodes(r *Rules, f *setting.File) *problem.Problem {
	c := &r.Codes
	at := func(key string) int { return f.Line("codes", key) }
	for _, n := range []struct {
		name  string
		value float64
	}{{"place", c.Place.Value}, {"group", c.Group.Value}, {"number", c.Number.Value}} {
		if n.value != float64(int(n.value)) {
			return f.Problem(at(n.name), "codes.%[1]s 的位数要是整数", "codes.%[1]s: digits are a whole number", n.name)
		}
	}
	switch {
	case !c.Scheme().Sound():
		return f.Problem(at("place"), "codes：村级代码取 6、9 或 12 位，社 0 到 4 位，顺序号 1 到 9 位", "codes: place has 6, 9 or 12 digits, group 0 to 4, number 1 to 9")
	case c.Field == "" || strings.Trim(c.Field, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "":
		return f.Problem(at("field"), "codes.field 要是大写字母的字段名，如 KJM", "codes.field is the name of a field in capital letters, such as KJM")
	case !(c.LeastShare.Value > 0 && c.LeastShare.Value <= 1):
		return f.Problem(at("least_share"), "codes.least_share 取大于 0、至多 1 的数", "codes.least_share is above 0 and at most 1")
	}
	return nil
}
