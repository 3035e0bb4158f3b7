package main_test

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// secret is a value of the delivery that a tier may not show.
type secret struct{ field, value string }

// hunt looks for secrets in bytes, in all spellings that they could have there.
type hunt struct {
	begins   [1 << (beginBits - 3)]byte // bits by the first bytes of a spelling
	lengths  map[uint64][]int           // of the spellings that begin so
	spelling map[string]secret
	// also are the other fields' secrets of a spelling, as of a name that stands in two tables.
	also map[string][]secret
}

// spellings returns how a value could stand in a file or an answer: as text in
// UTF-8 and GBK; a number as text, as a double in both byte orders, and in whole
// hundredths.
func spellings(v string) [][]byte {
	out := [][]byte{[]byte(v)}
	if gbk, err := simplifiedchinese.GBK.NewEncoder().Bytes([]byte(v)); err == nil && string(gbk) != v {
		out = append(out, gbk)
	}
	// Codes and telephones have more digits than areas in m².
	if x, err := strconv.ParseFloat(v, 64); err == nil && len(v) <= 10 && x != 0 {
		bits := math.Float64bits(x)
		var double []byte
		for i := range 8 {
			double = append(double, byte(bits>>(8*i)))
		}
		reversed := slices.Clone(double)
		slices.Reverse(reversed)
		// A round number is a double of few bytes and many zeros, which are found in
		// any table of numbers.
		if bits<<32 != 0 {
			out = append(out, double, reversed)
		}
		out = append(out, []byte(strconv.FormatInt(int64(math.Round(x*100)), 10)),
			[]byte(strconv.FormatFloat(x, 'f', 2, 64)), []byte(strconv.FormatFloat(x, 'f', -1, 64)))
	}
	return out
}

// newHunt hunts for the values of hidden that are not among those of shown: an
// area that a public field shows may be another field's too.
func newHunt(hidden, shown map[string][]string) *hunt {
	h := &hunt{lengths: map[uint64][]int{}, spelling: map[string]secret{}, also: map[string][]secret{}}
	open := map[string]bool{}
	for _, values := range shown {
		for _, v := range values {
			for _, s := range spellings(v) {
				open[string(s)] = true
			}
		}
	}
	for field, values := range hidden {
		for _, v := range values {
			for _, s := range spellings(v) {
				if !open[string(s)] {
					h.hide(secret{field, v}, s)
				}
			}
		}
	}
	return h
}

// hide hunts for a spelling of a secret, too.
func (h *hunt) hide(what secret, s []byte) {
	// Shorter ones are found in anything, and so are a few digits.
	if len(s) < beginBytes || len(s) < 8 && strings.Trim(string(s), "0123456789") == "" {
		return
	}
	if first, ok := h.spelling[string(s)]; !ok {
		h.spelling[string(s)] = what
	} else if first != what && !slices.Contains(h.also[string(s)], what) {
		h.also[string(s)] = append(h.also[string(s)], what)
	}
	k := prefix(s)
	h.begins[place(k)>>3] |= 1 << (place(k) & 7)
	if !slices.Contains(h.lengths[k], len(s)) {
		h.lengths[k] = append(h.lengths[k], len(s))
	}
}

// Of a spelling so many bytes are looked at first, in a table of so many bits (as a power
// of two): a million spellings leave one byte of fifty to be looked at closely.
const (
	beginBytes = 6
	beginBits  = 26
)

// prefix are the first bytes of a spelling, and place where their bit is.
func prefix(b []byte) uint64 {
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 | uint64(b[4])<<32 | uint64(b[5])<<40
}

func place(prefix uint64) uint64 { return prefix * 0x9e3779b97f4a7c15 >> (64 - beginBits) }

// find adds the secrets in data to found. A number counts where it stands alone.
func (h *hunt) find(data []byte, found map[secret]bool) {
	for i := 0; i+beginBytes <= len(data); i++ {
		if digit(data[i]) && i > 0 && goesOn(data[i-1]) {
			continue
		}
		k := prefix(data[i:])
		if at := place(k); h.begins[at>>3]&(1<<(at&7)) == 0 {
			continue
		}
		for _, n := range h.lengths[k] {
			if i+n > len(data) || digit(data[i+n-1]) && i+n < len(data) && goesOn(data[i+n]) {
				continue
			}
			s, ok := h.spelling[string(data[i:i+n])]
			if !ok {
				continue
			}
			found[s] = true
			for _, other := range h.also[string(data[i:i+n])] {
				found[other] = true
			}
		}
	}
}

func digit(b byte) bool { return b >= '0' && b <= '9' }

// goesOn tells whether b makes a longer number, or a hash, of the digits beside it.
func goesOn(b byte) bool { return digit(b) || b == '.' || b|0x20 >= 'a' && b|0x20 <= 'f' }

// What a hunt finds and what it leaves: a number counts where it stands alone, at the
// ends of what is searched too, and a value of two fields is both.
func TestHunt(t *testing.T) {
	h := newHunt(map[string][]string{"a": {"12345678", "甲乙丙丁"}, "b": {"甲乙丙丁"}}, nil)
	for data, want := range map[string]int{
		"12345678": 1, "x 12345678": 1, "(12345678)": 1, "n12345678": 1, "": 0, "1234567": 0, "甲乙丙": 0, "甲乙丙丁": 2, "12345678甲乙丙丁": 3,
		"012345678": 0, "123456780": 0, "1.12345678": 0, "12345678.5": 0, "a12345678": 0, "12345678f": 0, "912345678 12345678": 1,
	} {
		found := map[secret]bool{}
		if h.find([]byte(data), found); len(found) != want {
			t.Errorf("in %q %d are found, want %d: %v", data, len(found), want, found)
		}
	}
	found := map[secret]bool{}
	look := newThief(nil, "", h, found).look
	if got := [3]int{look([]byte("nothing")), look([]byte("甲乙丙丁")), look([]byte("甲乙丙丁"))}; got != [3]int{0, 2, 0} || len(found) != 2 {
		t.Errorf("a thief counts %v and keeps %v", got, found)
	}
}
