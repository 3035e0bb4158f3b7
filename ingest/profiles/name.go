package profiles

import (
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Named is a profile that a file or table has a name of.
type Named struct {
	Profile *Profile
	// Entry is the place in Profile.Files of the entry that has the name, Pattern that of
	// its patterns which fits: two names of one entry are names of the same data.
	Entry   int
	Pattern string

	length int // of what the pattern says, in characters
	exact  bool
}

// Find returns the profiles that have one of names, by the patterns of [Profile].Files:
// none, one, or several where it cannot be said which. Folder, ending and case do not
// count, and what stands around a name is passed over: digits, brackets, separators, 年
// and 度, and the names of places.
//
// Of names the first that anything fits decides, so that a table's name goes before the
// file's. Of the patterns that fit the longest decides, of equally long ones one that
// fits exactly: DLTBGX is no DLTB, 地类图斑更新过程 no 地类图斑更新.
func (s *Set) Find(names ...string) []Named {
	for _, name := range names {
		forms := nameForms(name)
		var out []Named
		for _, p := range s.All() {
			n := p.named(forms)
			if n.Profile == nil {
				continue
			}
			if len(out) == 0 || n.better(out[0]) {
				out = []Named{n}
			} else if !out[0].better(n) {
				out = append(out, n)
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

// File returns the profile that files and tables of these names are of, nil when there
// is none or more than one, as [Set.Find] says.
func (s *Set) File(names ...string) *Profile {
	if found := s.Find(names...); len(found) == 1 {
		return found[0].Profile
	}
	return nil
}

// better tells whether n says more of a name than o.
func (n Named) better(o Named) bool {
	return n.length > o.length || n.length == o.length && n.exact && !o.exact
}

// named returns which pattern of p's says most of a name in its forms; without a Profile
// when none fits.
func (p *Profile) named(forms []string) Named {
	var best Named
	for i, entry := range p.Files {
		for pattern := range strings.SplitSeq(entry, "|") {
			n := Named{p, i, pattern, patternLength(pattern), !strings.Contains(pattern, "*")}
			fits := func(form string) bool {
				ok, err := path.Match(strings.ToUpper(pattern), form)
				return err == nil && ok
			}
			if (best.Profile == nil || n.better(best)) && slices.ContainsFunc(forms, fits) {
				best = n
			}
		}
	}
	return best
}

// digit stands for one digit in a pattern.
const digit = "[0-9]"

// patternLength is how many characters of a name a pattern says; a digit is one.
func patternLength(pattern string) int {
	said := strings.NewReplacer("*", "", digit, "0").Replace(pattern)
	return utf8.RuneCountInString(said)
}

// validPattern tells whether a pattern is of the form that profiles may have.
func validPattern(pattern string) bool {
	return patternLength(pattern) > 0 && strings.TrimSpace(pattern) == pattern &&
		!strings.ContainsAny(strings.ReplaceAll(pattern, digit, ""), `?[]\/`)
}

// placeEndings end the name of a place.
const placeEndings = "省市州盟县区旗乡镇村"

// nameForms are the forms of a name that patterns are held against, in capitals: the
// whole, without folder and ending; what is left without digits, brackets, separators, 年
// and 度 around it; without Chinese words before that and a place behind it (other words
// there say more than where: DLTB更新 is no DLTB); and what follows a place.
func nameForms(name string) []string {
	whole := strings.ToUpper(strings.TrimSpace(baseName(name)))
	around := func(r rune) bool {
		return unicode.IsDigit(r) || unicode.IsSpace(r) || strings.ContainsRune("_-.()（）[]【】年度", r)
	}
	bare := strings.TrimFunc(whole, around)
	han := func(r rune) bool { return around(r) || unicode.Is(unicode.Han, r) }
	inner := strings.TrimLeftFunc(bare, han)
	if last, _ := utf8.DecodeLastRuneInString(inner); strings.ContainsRune(placeEndings, last) {
		inner = strings.TrimRightFunc(inner, han)
	}
	forms := []string{whole, bare, inner}
	for i, r := range bare {
		if strings.ContainsRune(placeEndings, r) {
			forms = append(forms, strings.TrimFunc(bare[i+utf8.RuneLen(r):], around))
		}
	}
	return slices.DeleteFunc(forms, func(f string) bool { return f == "" })
}

// baseName is a name without folder and ending. What follows a point is an ending when
// it is one word of ASCII letters and digits.
func baseName(name string) string {
	b := path.Base(filepath.ToSlash(name))
	ending := path.Ext(b)
	plain := func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	if len(ending) < 2 || strings.ContainsFunc(ending[1:], plain) {
		return b
	}
	return strings.TrimSuffix(b, ending)
}
