package receipt_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/index/receipt"
	"gengtu/index/seal"
)

// keys makes a sealer of an algorithm and a judge that trusts it alone.
func keys(t testing.TB, a seal.Algorithm) (*receipt.Sealer, receipt.Judge) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	pair, err := seal.NewKeys(a, "the county", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if err := pair.Write(path); err != nil {
		t.Fatal(err)
	}
	signer, err := seal.ReadSigner(path, edition.Public)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 2, 28, 23, 59, 59, 5, time.FixedZone("", 8*3600))
	return &receipt.Sealer{Signer: signer, Program: "gengtu test", Now: func() time.Time { return at }},
		receipt.Judge{Trust: seal.Trust{Keys: []seal.Key{signer.Public()}}}
}

var (
	source   = receipt.Source{Tier: edition.Government, Generation: "0123456789abcdef"}
	question = receipt.Question{About: "overlay", Parameters: map[string]string{"layers": "cropland"}}
)

func begin(t testing.TB, s *receipt.Sealer) *receipt.Sheet {
	t.Helper()
	sheet, err := s.Begin(source, question, strings.NewReader("the shape"))
	if err != nil {
		t.Fatal(err)
	}
	return sheet
}

func seals(t testing.TB, s *receipt.Sheet, object string, part *receipt.Part) []byte {
	t.Helper()
	out, err := s.Object(context.Background(), []byte(object), part)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func code(err error) string {
	if p := problem.Of(err); p != nil {
		return p.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func judged(j receipt.Judge, answer []byte) string {
	_, err := j.JSON(context.Background(), bytes.NewReader(answer))
	return code(err)
}

// answer is one as overlay gives it.
const answer = `{"generation":"0123456789abcdef","tier":"government","aoi":{"area_m2":12.50,"area_mu":0.01875,"mended":false,"problems":[]},` +
	`"layers":[{"layer":"cropland","vintage":"2024","features":3,"area_m2":1200.0,"net_m2":null,"groups":[{"DLBM":"0101","name":"水\"田\u0007\u00e9","area_m2":1e-4}],` +
	`"pieces":[{"id":9007199254740993,"geometry":{"type":"Polygon","coordinates":[[[108.1234567891,34.5],[108.2,34.5],[108.2,34.6],[108.1234567891,34.5]]]}}]}],"failed":[]}`

// An answer is genuine as it came, laid out anew, with its members in another
// order and numbers written otherwise.
func TestGenuine(t *testing.T) {
	for _, a := range []seal.Algorithm{seal.Ed25519, seal.SM2} {
		s, j := keys(t, a)
		out := seals(t, begin(t, s), answer, nil)
		v, err := j.JSON(context.Background(), bytes.NewReader(out))
		if err != nil {
			t.Fatal(err)
		}
		if v.Signer.Name != s.Signer.Public().Name || v.Parts != 1 || !v.Receipt.Time.Equal(time.Date(2026, 2, 28, 15, 59, 59, 0, time.UTC)) {
			t.Errorf("%s: %+v", a, v)
		}
		if diff := cmp.Diff(question.Parameters, v.Receipt.Question.Parameters); diff != "" {
			t.Error(diff)
		}
		if err := v.Body(strings.NewReader("the shape")); err != nil {
			t.Error(err)
		}
		if err := v.Body(strings.NewReader("the shape.")); code(err) != "RECEIPT_SHAPE" {
			t.Errorf("another shape: %v", err)
		}
		var laid bytes.Buffer
		if err := json.Indent(&laid, out, "", "\t"); err != nil {
			t.Fatal(err)
		}
		for name, same := range map[string][]byte{
			"indented":       laid.Bytes(),
			"other numbers":  []byte(strings.NewReplacer("12.50", "125E-1", "1200.0", "12e+2", "1e-4", "0.00010").Replace(string(out))),
			"escaped":        bytes.ReplaceAll(out, []byte("水"), []byte(`\u6c34`)),
			"first the last": reordered(t, out),
		} {
			if got := judged(j, same); got != "" {
				t.Errorf("%s %s: %s", a, name, got)
			}
		}
	}
}

// reordered puts the first member of an object behind the others.
func reordered(t *testing.T, object []byte) []byte {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(object))
	var all []string
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%q:%s", name, v))
	}
	return []byte("{" + strings.Join(append(all[1:], all[0]), ",") + "}")
}

// Whatever figure is changed, by one in any digit, and whatever character, in the
// answer or in its receipt, is found.
func TestEachFigure(t *testing.T) {
	s, j := keys(t, seal.Ed25519)
	out := seals(t, begin(t, s), answer, nil)
	n := 0
	for i, b := range out {
		other := byte('x')
		switch {
		case b >= '0' && b <= '9':
			other = '0' + (b-'0'+1)%10
			n++
		case strings.IndexByte(" \t\r\n", b) >= 0:
			continue
		case b == 'x':
			other = 'y'
		}
		altered := bytes.Clone(out)
		altered[i] = other
		if got := judged(j, altered); got == "" && !sameValue(out, altered) {
			t.Fatalf("byte %d, %q as %q in …%s…, is not found", i, b, other, out[max(0, i-20):min(len(out), i+20)])
		}
	}
	if n < 100 {
		t.Errorf("%d digits were changed", n)
	}
	numbers := regexp.MustCompile(`:-?[0-9][0-9.eE+-]*`)
	for _, at := range numbers.FindAllIndex(out, -1) {
		for _, other := range []string{"null", "-1", "1e99", `"1"`, "9007199254740992"} {
			altered := string(out[:at[0]+1]) + other + string(out[at[1]:])
			if got := judged(j, []byte(altered)); got == "" {
				t.Errorf("%s as %s is not found", out[at[0]:at[1]], other)
			}
		}
	}
}

// sameValue tells, by another reading than ours, whether two texts say the same:
// base64 has bits that mean nothing.
func sameValue(a, b []byte) bool {
	var x, y struct {
		Receipt receipt.Receipt `json:"receipt"`
	}
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && cmp.Equal(x, y) && bytes.Equal(before(a), before(b))
}

func before(text []byte) []byte { b, _, _ := bytes.Cut(text, []byte(`"signature"`)); return b }

// What is put in, left out or doubled is found, and what nobody trusts is said to be
// that.
func TestAltered(t *testing.T) {
	s, j := keys(t, seal.Ed25519)
	other, _ := keys(t, seal.Ed25519)
	out := string(seals(t, begin(t, s), answer, nil))
	replace := func(a, b string) string {
		if !strings.Contains(out, a) {
			t.Fatalf("%s is not there", a)
		}
		return strings.Replace(out, a, b, 1)
	}
	for name, c := range map[string]struct{ text, want string }{
		"a member more":           {replace(`{"generation"`, `{"note":1,"generation"`), "RECEIPT_ALTERED"},
		"a member less":           {replace(`"failed":[],`, ``), "RECEIPT_ALTERED"},
		"a member twice":          {replace(`"area_m2":12.50`, `"area_m2":99,"area_m2":12.50`), "JSON_SYNTAX"},
		"a receipt twice":         {replace(`"receipt":`, `"receipt":{},"receipt":`), "JSON_SYNTAX"},
		"a member of the receipt": {replace(`"format":`, `"Digest":"","format":`), "SEAL_BROKEN"},
		"an element less":         {replace(`[108.2,34.6],`, ``), "RECEIPT_ALTERED"},
		"null for 0":              {replace(`"net_m2":null`, `"net_m2":0`), "RECEIPT_ALTERED"},
		"something behind":        {out + "1", "JSON_SYNTAX"},
		"an answer behind":        {out + out, "RECEIPT_PARTS"},
		"cut":                     {out[:len(out)-1], "JSON_SYNTAX"},
		"half a surrogate":        {replace(`"0101"`, `"\ud8000101"`), "JSON_SYNTAX"},
		"no UTF-8":                {replace(`"0101"`, "\"0101\xff\""), "JSON_SYNTAX"},
		"no receipt":              {answer, "RECEIPT_MISSING"},
		"nothing":                 {" \n", "JSON_SYNTAX"},
		"an array of nothing":     {"[]", "RECEIPT_MISSING"},
		"alone in an array":       {"[" + out + "]", "RECEIPT_PARTS"},
		"another's":               {string(seals(t, begin(t, other), answer, nil)), "SEAL_UNTRUSTED"},
		"another format":          {replace("gengtu-receipt/1", "gengtu-receipt/2"), "RECEIPT_FORMAT"},
	} {
		if got := judged(j, []byte(c.text)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// Of a collection each part stands in its place, all of one answer.
func TestParts(t *testing.T) {
	s, j := keys(t, seal.Ed25519)
	sheet := begin(t, s)
	var all []string
	for i := range 3 {
		all = append(all, string(seals(t, sheet, fmt.Sprintf(`{"id":%d}`, i), &receipt.Part{Number: i + 1, Last: i == 2})))
	}
	strange, err := s.Begin(source, receipt.Question{About: "overlay"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	alien := string(seals(t, strange, `{"id":1}`, &receipt.Part{Number: 2}))
	for name, c := range map[string]struct {
		parts []string
		want  string
	}{
		"whole":     {all, ""},
		"no last":   {all[:2], "RECEIPT_PARTS"},
		"no first":  {all[1:], "RECEIPT_PARTS"},
		"a gap":     {[]string{all[0], all[2]}, "RECEIPT_PARTS"},
		"exchanged": {[]string{all[1], all[0], all[2]}, "RECEIPT_PARTS"},
		"doubled":   {[]string{all[0], all[0], all[1], all[2]}, "RECEIPT_PARTS"},
		"more":      {append(append([]string(nil), all...), all[2]), "RECEIPT_PARTS"},
		"another's": {[]string{all[0], alien, all[2]}, "RECEIPT_PARTS"},
		"unsigned":  {[]string{all[0], `{"id":1}`, all[2]}, "RECEIPT_MISSING"},
		"altered":   {[]string{all[0], strings.Replace(all[1], `"id":1`, `"id":7`, 1), all[2]}, "RECEIPT_ALTERED"},
	} {
		for form, text := range map[string]string{"array": "[" + strings.Join(c.parts, ",") + "]", "lines": strings.Join(c.parts, "\n") + "\n"} {
			if got := judged(j, []byte(text)); got != c.want {
				t.Errorf("%s as %s: %q, want %q", name, form, got, c.want)
			}
		}
	}
}

// A file's receipt holds for its bytes, and for no object of JSON.
func TestFile(t *testing.T) {
	s, j := keys(t, seal.SM2)
	text, err := begin(t, s).File(context.Background(), strings.NewReader("row,area\n1,2\n"))
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if v, err := j.File(ctx, strings.NewReader("row,area\n1,2\n"), text); err != nil || v.Receipt.Hash != "sm3" {
		t.Errorf("%+v, %v", v, err)
	}
	for _, other := range []string{"", "row,area\n1,3\n", "row,area\n1,2\n\n"} {
		if _, err := j.File(ctx, strings.NewReader(other), text); code(err) != "RECEIPT_ALTERED" {
			t.Errorf("%q: %v", other, err)
		}
	}
	if got := judged(j, []byte(`{"a":1,"receipt":`+string(text)+`}`)); got != "RECEIPT_FORMAT" {
		t.Errorf("in an object: %s", got)
	}
}

// The secure tier's receipts are not signed in software by SM2, and nobody else's
// are made so.
func TestSecure(t *testing.T) {
	s, j := keys(t, seal.SM2)
	sheet, err := s.Begin(receipt.Source{Tier: edition.Secure, Generation: "g"}, question, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := judged(j, seals(t, sheet, "{}", nil)); got != "RECEIPT_FORMAT" {
		t.Error(got)
	}
}

// An object that has a receipt is not given another.
func TestTwice(t *testing.T) {
	s, _ := keys(t, seal.Ed25519)
	if _, err := begin(t, s).Object(context.Background(), []byte(`{"receipt":1}`), nil); code(err) != "RECEIPT_MEMBER" {
		t.Error(err)
	}
}

// bigPower is of texts with powers of ten that take the oracle long.
var bigPower = regexp.MustCompile(`[0-9.][eE][+-]?0*[1-9][0-9]{3}`)

// FuzzCanonical holds the canonical form against another reading: it reads as the
// text does, with exact numbers, and is its own canonical form.
func FuzzCanonical(f *testing.F) {
	for _, t := range []string{answer, `[1.50,-0,1e5,0.0e9,12300,"\ud83d\ude00\\u1"]`, `{"b":{"y":1},"a":[null,true]}`, `"\ud800"`, `1e99999999`, `{"a":1,"a":2}`, `[0e00000,-0.0E-9999,1e00005]`, `10e100000`, `0.1e-100000`} {
		f.Add(t)
	}
	f.Fuzz(func(t *testing.T, text string) {
		form, err := receipt.Canonical(nil, []byte(text), "")
		if err != nil {
			if code(err) != "JSON_SYNTAX" {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if again, err := receipt.Canonical(nil, form, ""); err != nil || !bytes.Equal(form, again) {
			t.Fatalf("%q: %s, again %s, %v", text, form, again, err)
		}
		if bigPower.MatchString(text) {
			return
		}
		if diff := cmp.Diff(exact(t, []byte(text)), exact(t, form)); diff != "" {
			t.Fatalf("%q: %s\n%s", text, form, diff)
		}
	})
}

// exact reads JSON with numbers as fractions.
func exact(t *testing.T, text []byte) any {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return fractions(v)
}

func fractions(v any) any {
	switch v := v.(type) {
	case json.Number:
		r, ok := new(big.Rat).SetString(string(v))
		if !ok {
			return string(v)
		}
		return r.RatString()
	case []any:
		for i := range v {
			v[i] = fractions(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = fractions(v[k])
		}
	}
	return v
}

// FuzzJudge: whatever is put behind or before, nothing that was not signed is
// genuine, and nothing breaks the judge.
func FuzzJudge(f *testing.F) {
	s, j := keys(f, seal.Ed25519)
	out := seals(f, begin(f, s), answer, nil)
	f.Add([]byte(`{"receipt":{"format":"gengtu-receipt/1"}}`))
	f.Add([]byte(`[{"receipt":null}]`))
	f.Add([]byte("{}\n{}"))
	f.Add(out[:len(out)/2])
	f.Fuzz(func(t *testing.T, text []byte) {
		if judged(j, text) == "" {
			t.Fatalf("%q is taken for genuine", text)
		}
	})
}

// FORMAT.md names every member of a receipt.
func TestFormatNamed(t *testing.T) {
	text, err := os.ReadFile("FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	s, _ := keys(t, seal.Ed25519)
	var out struct {
		Receipt map[string]any `json:"receipt"`
	}
	if err := json.Unmarshal(seals(t, begin(t, s), "{}", &receipt.Part{Number: 1}), &out); err != nil {
		t.Fatal(err)
	}
	for name := range out.Receipt {
		if !bytes.Contains(text, []byte("`"+name+"`")) {
			t.Errorf("%s is not in FORMAT.md", name)
		}
	}
}
