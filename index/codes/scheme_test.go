package codes_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"gengtu/index/codes"
)

// design is the scheme that the embedded rules have.
var design = codes.Scheme{Place: 12, Group: 2, Number: 6}

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

// Check characters that are published: the GRid standard's example, ISO 7064 MOD 37,36, and
// ISANs (ISO 15706), which are checked by it twice.
func TestCheckPublished(t *testing.T) {
	for body, want := range map[string]byte{
		"A12425GABC1234002":        'M', // GRid A1-2425G-ABC1234002-M
		"0000000189470000":         '8', // ISAN 0000-0001-8947-0000-8-0000-0000-D
		"000000018947000000000000": 'D',
		"188166C734206541":         'Y', // ISAN 1881-66C7-3420-6541-Y
	} {
		if got, ok := codes.Check(body); !ok || got != want {
			t.Errorf("%s: %c, %v; want %c", body, got, ok, want)
		}
	}
	for _, body := range []string{"12a", "12-3", "１２", " 1"} {
		if c, ok := codes.Check(body); ok {
			t.Errorf("%q is checked by %c", body, c)
		}
	}
}

// random returns a sound code.
func random(rng *rand.Rand) string {
	var group strings.Builder
	for range design.Place + design.Group {
		group.WriteByte(alphabet[rng.IntN(10)])
	}
	code, ok := design.Compose(group.String(), 1+rng.IntN(design.Most()))
	if !ok {
		panic("no code")
	}
	return code
}

// Every wrong character is found, wherever it stands and whatever stands there instead.
func TestEverySubstitutionIsFound(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 1))
	for range 2000 {
		code := random(rng)
		if p := design.Verify(code); p != nil {
			t.Fatalf("%s: %v", code, p)
		}
		for i := range code {
			for _, c := range alphabet {
				wrong := code[:i] + string(c) + code[i+1:]
				if wrong != code && design.Verify(wrong) == nil {
					t.Fatalf("%s passes for %s", wrong, code)
				}
			}
		}
	}
}

// Of neighbours that changed places one pair of values is not found in each of the 36
// states that the check may be in, two values that follow on each other, which is what
// [codes.Check] says; all others are.
func TestTranspositions(t *testing.T) {
	// A body that leads to each state: of one character, or of two.
	states := map[string]bool{}
	for _, a := range alphabet {
		states[string(a)] = true
	}
	missed := 0
	for body := range states {
		in := 0
		for i := range alphabet {
			for j := i + 1; j < len(alphabet); j++ {
				x, _ := codes.Check(body + alphabet[i:i+1] + alphabet[j:j+1])
				y, _ := codes.Check(body + alphabet[j:j+1] + alphabet[i:i+1])
				if x != y {
					continue
				}
				in++
				if j != i+1 && (i != 0 || j != 35) {
					t.Errorf("after %s: %c and %c changed places unseen", body, alphabet[i], alphabet[j])
				}
			}
		}
		if in != 1 {
			t.Errorf("after %s: %d pairs are not found, want 1", body, in)
		}
		missed += in
	}
	if missed != 36 {
		t.Errorf("%d pairs are not found in 36 states", missed)
	}
	// Of exchanges of digits in codes one in 180, as 9 of the 36 pairs are of digits.
	rng := rand.New(rand.NewPCG(8, 2))
	all, unseen := 0, 0
	for range 20_000 {
		code := random(rng)
		for i := 1; i < len(code); i++ {
			if code[i] == code[i-1] || i == len(code)-1 && code[i] > '9' {
				continue
			}
			all++
			if design.Verify(code[:i-1]+code[i:i+1]+code[i-1:i]+code[i+1:]) == nil {
				unseen++
			}
		}
	}
	if share := float64(unseen) / float64(all); share < 0.0045 || share > 0.0075 {
		t.Errorf("%d of %d exchanges are not seen: %.4f", unseen, all, share)
	}
}

// A code is made up as the scheme says, and what is none is told by what is wrong.
func TestSchemes(t *testing.T) {
	code, ok := design.Compose("61040200100203", 42)
	if !ok || len(code) != 21 || code[:20] != "61040200100203000042" {
		t.Fatalf("%q, %v", code, ok)
	}
	if g, n, ok := design.Split(code); !ok || g != "61040200100203" || n != 42 {
		t.Errorf("%s is split into %s, %d, %v", code, g, n, ok)
	}
	other := byte('0')
	if code[20] == '0' {
		other = '1'
	}
	for wrong, want := range map[string]string{
		"":                               "CODE_FORM",
		code[:20]:                        "CODE_FORM",
		code + "0":                       "CODE_FORM",
		"6104020010020300004X" + "0":     "CODE_FORM",
		code[:20] + "é"[:1]:              "CODE_FORM",
		strings.ToLower(code[:20]) + "x": "CODE_FORM",
		code[:20] + string(other):        "CODE_CHECK",
	} {
		if p := design.Verify(wrong); p == nil || p.Code != want {
			t.Errorf("%q: %v, want %s", wrong, p, want)
		}
	}
	for _, bad := range []struct {
		group  string
		number int
	}{{"6104020010020", 1}, {"6104020010020x", 1}, {"61040200100203", 0}, {"61040200100203", 1_000_000}} {
		if c, ok := design.Compose(bad.group, bad.number); ok {
			t.Errorf("%v makes %s", bad, c)
		}
	}
	for text, want := range map[string]bool{
		design.String(): true, "9-4-9-iso7064-37-36": true, "12-0-1-iso7064-37-36": true,
		"": false, "12-2-6": false, "12-2-6-mod11": false, "11-2-6-iso7064-37-36": false, "12-5-6-iso7064-37-36": false, "12-2-10-iso7064-37-36": false, "012-2-6-iso7064-37-36": false,
	} {
		if s, ok := codes.ParseScheme(text); ok != want || ok && s.String() != text {
			t.Errorf("%q: %v, %v", text, s, ok)
		}
	}
}
