package profiles

import (
	"cmp"
	"slices"
	"strings"
)

// Match says how well a delivery fits a profile.
type Match struct {
	Profile *Profile
	// Score lies in [0, 1]: 1 when every field that tells layers apart fits, none that
	// the profile requires is missing, and the name is one of the profile's.
	Score float64
	// Fields counts the delivery's fields that the profile knows; Named tells that the
	// name of the file or table is one of the profile's.
	Fields int
	Named  bool
}

// Least is the score from which a delivery is taken for a layer.
const Least = 0.4

// weigh gives each name of a field its weight in guessing: 1 divided by the number of
// profiles that know it, so that what only one layer has says most.
func (s *Set) weigh() {
	s.weights = map[string]float64{}
	count := map[string]int{}
	for _, p := range s.All() {
		own := map[string]bool{}
		for i := range p.Fields {
			for _, n := range append([]string{p.Fields[i].Name}, p.Fields[i].Alias...) {
				own[strings.ToUpper(n)] = true
			}
		}
		for n := range own {
			count[n]++
		}
	}
	for n, k := range count {
		s.weights[n] = 1 / float64(k)
	}
}

// Guess weighs the profiles against the names of a delivery's fields, and of its file
// and table, of which there may be none: those that have anything in common with it,
// the best first. It is taken for a layer when the first reaches [Least].
func (s *Set) Guess(fields []string, names ...string) []Match {
	named := s.Find(names...)
	var out []Match
	for _, p := range s.All() {
		m := s.match(p, fields)
		if m.Named = slices.ContainsFunc(named, func(n Named) bool { return n.Profile == p }); m.Named {
			// The name settles half of what the fields leave open.
			m.Score += (1 - m.Score) / 2
		}
		if m.Score > 0 && (m.Named || !p.ByName) {
			out = append(out, m)
		}
	}
	slices.SortStableFunc(out, func(a, b Match) int {
		if a.Score == b.Score && a.Named != b.Named {
			if a.Named {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.Score, a.Score)
	})
	return out
}

// aliasWeight is what a field counts that comes by another name, so that of two layers
// the one that calls it so is guessed.
const aliasWeight = 0.75

// match weighs the fields of a delivery against p's: what both have, against what is
// strange to p though another profile knows it, and what p requires and is not there.
func (s *Set) match(p *Profile, fields []string) Match {
	m := Match{Profile: p}
	hit, against := 0.0, 0.0
	taken := make([]bool, len(fields))
	for n, i := range p.Match(fields) {
		f := &p.Fields[n]
		switch {
		case i >= 0:
			taken[i] = true
			m.Fields++
			w := s.weights[strings.ToUpper(strings.TrimSpace(fields[i]))]
			if !strings.EqualFold(strings.TrimSpace(fields[i]), f.Name) {
				against += w * (1 - aliasWeight)
				w *= aliasWeight
			}
			hit += w
		case f.Required, f.Sign:
			against += s.weights[strings.ToUpper(f.Name)]
		}
	}
	for i, f := range fields {
		if !taken[i] {
			against += s.weights[strings.ToUpper(strings.TrimSpace(f))]
		}
	}
	if hit > 0 && m.Fields >= 2 {
		m.Score = hit / (hit + against)
	}
	return m
}
