package setting

import (
	"strings"
)

// Nearest returns the one of known that word is most likely a slip of, "" where none is
// near: one third of its letters may be other ones, too many or too few, two that changed
// places count as one. Capitals and _ for - are no difference. Of several as near it is the
// first.
func Nearest(word string, known []string) string {
	const longest = 64 // bytes; what is longer is no slip
	if len(word) > longest {
		return ""
	}
	best, least := "", 0
	for _, k := range known {
		d := slips(plainWord(word), plainWord(k))
		if d <= max(len(k), 3)/3 && (best == "" || d < least) {
			best, least = k, d
		}
	}
	return best
}

// OneSlip returns the first of known that word is, or is but one slip off, counted as by
// [Nearest]; "" where there is none. It is for words that may well be right as they are.
func OneSlip(word string, known []string) string {
	for _, k := range known {
		if len(word) <= 2*len(k) && slips(plainWord(word), plainWord(k)) <= 1 {
			return k
		}
	}
	return ""
}

func plainWord(s string) []rune { return []rune(strings.ReplaceAll(strings.ToLower(s), "_", "-")) }

// slips counts the letters that are other, too many or missing, and the neighbours that
// changed places, between two words (optimal string alignment).
func slips(a, b []rune) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range a {
		row[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// meant is what follows what is said of a name that is not known, in both languages; ""
// where nothing is near.
func meant(word string, known []string) (zh, en string) {
	if near := Nearest(word, known); near != "" {
		return "（是否 " + near + "？）", " (" + near + " is meant?)"
	}
	return "", ""
}

// Unknown says that a name in a file is not known, with the one that is likely meant and
// all that there are. Where names the section that it stands in, "" for none.
func Unknown(word, where string, known []string) (zh, en string) {
	short := []rune(word)
	short = short[:min(len(short), 40)]
	inZh, inEn := "", ""
	if where != "" {
		inZh, inEn = where+" 中", " in "+where
	}
	nearZh, nearEn := meant(word, known)
	all := strings.Join(known, " ")
	return inZh + "不认识 " + string(short) + nearZh + "，可写 " + all, string(short) + " is not known" + inEn + nearEn + "; there are " + all
}
