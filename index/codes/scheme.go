// Package codes gives parcels of cropland their 空间码: a code that stays with a parcel
// over the years, is never given to another one, and says itself whether it was copied
// well. In go the parcels of each vintage and which of them share ground; out come their
// codes and a [Register] of all codes that were ever given.
//
// A code is that of the village (12 digits), of the 社 in it (2), a number (6) and a
// character that checks them, 21 characters in all: document 004 asks for a code for each
// parcel, no published rule says how it is made, and this is the design of reference
// domain 6.10. Lengths are those of a [Scheme].
//
// The package knows neither files nor geometry.
package codes

import (
	"fmt"
	"strconv"
	"strings"

	"gengtu/index/problem"
)

// Scheme says how codes are made up.
type Scheme struct {
	// Place, Group and Number are the digits of the village's code, of the 社 in it, and
	// of the number in that. Behind them stands one check character.
	Place, Group, Number int
}

// checked is how the check character is told in the text of a scheme.
const checked = "iso7064-37-36"

// String returns the scheme as [ParseScheme] reads it: "12-2-6-iso7064-37-36".
func (s Scheme) String() string {
	return fmt.Sprintf("%d-%d-%d-%s", s.Place, s.Group, s.Number, checked)
}

// ParseScheme reads what [Scheme.String] writes; false for anything else.
func ParseScheme(text string) (Scheme, bool) {
	parts := strings.SplitN(text, "-", 4)
	if len(parts) != 4 || parts[3] != checked {
		return Scheme{}, false
	}
	var n [3]int
	for i := range n {
		v, err := strconv.Atoi(parts[i])
		if err != nil || strconv.Itoa(v) != parts[i] {
			return Scheme{}, false
		}
		n[i] = v
	}
	s := Scheme{n[0], n[1], n[2]}
	return s, s.Sound()
}

// Sound tells whether there can be such codes: a village's code has 6, 9 or 12 digits, a
// 社 0 to 4, a number 1 to 9.
func (s Scheme) Sound() bool {
	return (s.Place == 6 || s.Place == 9 || s.Place == 12) && s.Group >= 0 && s.Group <= 4 && s.Number >= 1 && s.Number <= 9
}

// Length is how many characters a code has.
func (s Scheme) Length() int { return s.Place + s.Group + s.Number + 1 }

// Most is the greatest number in a 社.
func (s Scheme) Most() int {
	n := 1
	for range s.Number {
		n *= 10
	}
	return n - 1
}

// Compose returns the code with a number in a 社, whose code has Place + Group digits;
// false when that is not so, or the number is not in [1, Most].
func (s Scheme) Compose(group string, number int) (string, bool) {
	if len(group) != s.Place+s.Group || !digits(group) || number < 1 || number > s.Most() {
		return "", false
	}
	body := fmt.Sprintf("%s%0*d", group, s.Number, number)
	c, ok := Check(body)
	return body + string(c), ok
}

// Split returns the 社 of a code, with the village's digits before its own, and the number
// in it; false for what [Scheme.Verify] refuses.
func (s Scheme) Split(code string) (group string, number int, ok bool) {
	if s.Verify(code) != nil {
		return "", 0, false
	}
	at := s.Place + s.Group
	number, err := strconv.Atoi(code[at : len(code)-1])
	return code[:at], number, err == nil
}

// Verify returns what is wrong with a code: CODE_FORM when it has not the form of one,
// CODE_CHECK when its check character says that it was copied badly; nil when it is
// sound, whether it was ever given or not.
func (s Scheme) Verify(code string) *problem.Problem {
	n := s.Length()
	switch {
	case len(code) != n:
		return form("空间码有 %[1]d 位，给出的 %.40[2]q 有 %[3]d 位", "a 空间码 has %[1]d characters, %.40[2]q has %[3]d", n, code, len(code))
	case !digits(code[:n-1]):
		return form("空间码的前 %[1]d 位是数字，给出的是 %.40[2]q", "the first %[1]d characters of a 空间码 are digits; this is %.40[2]q", n-1, code)
	case strings.IndexByte(alphabet, code[n-1]) < 0:
		return form("空间码的末位是数字或大写字母，给出的是 %.40[1]q", "the last character of a 空间码 is a digit or a capital letter; this is %.40[1]q", code)
	}
	if c, _ := Check(code[:n-1]); c != code[n-1] {
		return problem.New("CODE_CHECK", "空间码 %.40[1]q 的校验位不对，可能抄错了", "the check character of 空间码 %.40[1]q is wrong: it may have been copied badly", code).
			Advise("逐位核对；校验位按 ISO 7064 MOD 37,36", "compare it character by character; it is checked by ISO 7064 MOD 37,36")
	}
	return nil
}

func form(zh, en string, args ...any) *problem.Problem {
	return problem.New("CODE_FORM", zh, en, args...).Advise("请核对是否抄全", "check that it is whole")
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// alphabet are the characters that are checked, in the order of their values.
const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

// Check returns the check character that stands behind body, by ISO 7064 MOD 37,36; false
// when body holds anything but digits and capital letters.
//
// It finds every single wrong character. Of two neighbours that changed places it finds
// all but one pair of values in each of its 36 states: of two digits one exchange in 180
// stays unseen (9 of 36 × 45), and they follow on each other in value.
func Check(body string) (byte, bool) {
	p := 36
	for i := range len(body) {
		v := strings.IndexByte(alphabet, body[i])
		if v < 0 {
			return 0, false
		}
		if p = (p + v) % 36; p == 0 {
			p = 36
		}
		p = p * 2 % 37
	}
	return alphabet[(37-p)%36], true
}
