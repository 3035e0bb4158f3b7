package policy

import (
	"maps"
	"slices"
	"strings"

	"gengtu/index/analyze"
	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/index/question"
	"gengtu/ingest"
)

// questions are what an edition answers by name: addresses and the questions of package
// analyze that the program has. What a policy allows besides opens nothing: the server
// does not know it.
func questions() []string {
	out := []string{"overlay", "summary", "diff", "lineage"}
	for _, q := range question.All() {
		if !slices.Contains(out, q.Name) {
			out = append(out, q.Name)
		}
	}
	return out
}

// neverPublic tells whether no policy opens a question to public.
func neverPublic(name string) bool {
	return slices.ContainsFunc(question.All(), func(q *analyze.Question) bool { return q.Name == name && q.NotPublic })
}

// Doubts are what a sound policy says that nothing known answers to, which is a slip more
// often than it is meant: a layer that has no profile, or that the edition does not have,
// a question that is none, a tier that nothing is said of. None of them lets anything
// through. They come in the order of tiers; layers are the names of an edition's, nil where
// the policy is held against none. The path is for messages only.
func Doubts(path string, data []byte, layers []string) ([]*problem.Problem, error) {
	p := &Policy{}
	text, err := kind.Read(path, data, p)
	if err != nil {
		return nil, err
	}
	var found []*problem.Problem
	add := func(at []string, zh, en string, args ...any) {
		found = append(found, text.Problem(text.Line(at...), strings.Join(at, ".")+"："+zh, strings.Join(at, ".")+": "+en, args...))
	}
	for _, tier := range edition.Tiers[1:] {
		t, ok := p.Tiers[tier]
		if !ok {
			add([]string{"tiers"}, "没有写 %[1]s，这一版不能发布", "nothing is said of %[1]s, which cannot be published by it", tier)
			continue
		}
		for _, q := range t.Analyses.Names {
			at := []string{"tiers", string(tier), "analyses", q}
			if tier == edition.Public && neverPublic(q) {
				add(at, "公众版从不回答 %[1]q，写了也不会放行", "public never answers %[1]q, so nothing is let through by it", q)
			} else if all := questions(); !slices.Contains(all, q) {
				add(at, "没有叫 %[1]q 的查询，什么也不会放行；有 %[2]s", "no question is called %[1]q, so nothing is let through by it; there are %[2]s", q, strings.Join(all, " "))
			}
		}
		for _, name := range slices.Sorted(maps.Keys(t.Layers)) {
			at := []string{"tiers", string(tier), "layers", name}
			profile, err := ingest.ProfileOf(name)
			switch {
			case err != nil:
				return nil, err
			case layers != nil && !slices.Contains(layers, name):
				add(at, "版本里没有图层 %[1]q；有 %[2]s", "the edition has no layer %[1]q; it has %[2]s", name, strings.Join(layers, " "))
			case layers == nil && !profile.Standard:
				add(at, "没有叫 %[1]q 的标准图层；是自定图层就用 --edition 对照版本", "no standard layer is called %[1]q; if it is one of your own hold the policy against its edition (--edition)", name)
			}
		}
	}
	return found, nil
}
