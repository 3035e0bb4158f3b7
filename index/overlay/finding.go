package overlay

import (
	"cmp"
	"slices"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

// Rule is what a polygon does not keep to: a stable code.
type Rule string

// The rules that [Mend] checks. They are those of OGC 06-103r4, 6.1.11 and
// 6.1.14, taken apart; directions of rings are not among them, because formats
// differ on them.
const (
	RingNotClosed    Rule = "RING_NOT_CLOSED"     // the first position does not come again at the end
	RingTooShort     Rule = "RING_TOO_SHORT"      // fewer than three different positions; left out
	RepeatedPosition Rule = "RING_REPEATED_POINT" // a position follows itself
	RingSpike        Rule = "RING_SPIKE"          // the line turns back on itself
	RingCrossesSelf  Rule = "RING_SELF_CROSSING"  // two edges of a ring cross
	RingTouchesSelf  Rule = "RING_SELF_TOUCH"     // a ring meets itself in a place or along an edge
	RingDoubled      Rule = "RING_DOUBLED"        // a ring, or a part, comes again just as it is; taken once
	RingsCross       Rule = "RINGS_CROSS"         // rings of one polygon cross
	RingsShareEdge   Rule = "RINGS_SHARE_EDGE"    // rings of one polygon run along each other
	HoleOutsideShell Rule = "HOLE_OUTSIDE_SHELL"  // a hole does not lie in its shell
	HolesNested      Rule = "HOLES_NESTED"        // a hole lies in another hole
	InteriorSplit    Rule = "INTERIOR_SPLIT"      // holes that touch cut the polygon in two
	PartsOverlap     Rule = "PARTS_OVERLAP"       // parts share ground or run along each other
	RingInsideOut    Rule = "RING_INSIDE_OUT"     // thinner than its edges bend where areas are measured
	NothingLeft      Rule = "NOTHING_LEFT"        // no ground is left after mending
)

// ruleTexts says in words what each rule found.
var ruleTexts = map[Rule]struct{ zh, en string }{
	RingNotClosed:    {"环未闭合，已补上起点", "ring not closed; closed with its first position"},
	RingTooShort:     {"环的不同顶点少于 3 个，已去掉", "ring with fewer than 3 different positions; left out"},
	RepeatedPosition: {"连续重复顶点，已合并", "position repeated; taken once"},
	RingSpike:        {"环上有尖刺（折返线），已去掉", "ring turns back on itself; spike taken off"},
	RingCrossesSelf:  {"环自相交，已按奇偶规则修复", "ring crosses itself; mended by the even-odd rule"},
	RingTouchesSelf:  {"环自相接，已拆分", "ring touches itself; taken apart"},
	RingDoubled:      {"环或部件原样重复，只取一次", "ring or part comes again just as it is; taken once"},
	RingsCross:       {"同一面的环相交，已按奇偶规则修复", "rings of one polygon cross; mended by the even-odd rule"},
	RingsShareEdge:   {"同一面的环有重合边，已合并", "rings of one polygon run along each other; joined"},
	HoleOutsideShell: {"洞不在外环内，已按奇偶规则修复", "hole outside of its shell; mended by the even-odd rule"},
	HolesNested:      {"洞内有洞，已按奇偶规则修复", "hole inside a hole; mended by the even-odd rule"},
	InteriorSplit:    {"相接的环把面分成几块，已拆分", "rings that touch cut the polygon apart; taken apart"},
	PartsOverlap:     {"部件重叠或共边，已按奇偶规则修复", "parts overlap or share an edge; mended by the even-odd rule"},
	RingInsideOut:    {"图形过窄，在等积平面上内外颠倒，已加点修复", "polygon so thin that in the equal-area plane it is inside out; points added"},
	NothingLeft:      {"修复后没有面积", "no ground left after mending"},
}

// Finding is a rule that a ring breaks, and where for the first time.
type Finding struct {
	Rule Rule
	// Polygon and Ring are indices into what was given to [Mend].
	Polygon, Ring int
	// At is a place where the rule is broken: CGCS2000 in units of 1e-10 degree.
	At geo.Position
	// Count is how often the ring breaks the rule.
	Count int
}

// Problem returns f as a warning for a person, with f.Rule as its code.
func (f Finding) Problem() *problem.Problem {
	t := ruleTexts[f.Rule]
	at := f.At.LonLat()
	return problem.New(string(f.Rule),
		t.zh+"：第 %d 部分第 %d 环，%.9f, %.9f，共 %d 处", t.en+": part %d, ring %d, at %.9f, %.9f, %d in all",
		f.Polygon+1, f.Ring+1, at.Lon, at.Lat, f.Count)
}

// findings gathers findings, one a rule and ring.
type findings struct {
	list  []Finding
	index map[findingKey]int
}

type findingKey struct {
	rule          Rule
	polygon, ring int
}

func (f *findings) add(rule Rule, id ringID, at geo.Position) {
	if f.index == nil {
		f.index = map[findingKey]int{}
	}
	k := findingKey{rule, id.polygon, id.ring}
	i, ok := f.index[k]
	if !ok {
		f.index[k] = len(f.list)
		f.list = append(f.list, Finding{rule, id.polygon, id.ring, at, 1})
		return
	}
	v := &f.list[i]
	v.Count++
	if before(at, v.At) {
		v.At = at
	}
}

// sorted returns the findings by polygon, ring and rule.
func (f *findings) sorted() []Finding {
	slices.SortFunc(f.list, func(a, b Finding) int {
		return cmp.Or(a.Polygon-b.Polygon, a.Ring-b.Ring, cmp.Compare(a.Rule, b.Rule))
	})
	return f.list
}
