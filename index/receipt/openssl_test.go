package receipt_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gengtu/index/receipt"
	"gengtu/index/seal"
)

// recipe is the block of shell that FORMAT.md gives, of an algorithm.
func recipe(t *testing.T, a seal.Algorithm) string {
	t.Helper()
	text, err := os.ReadFile("FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(text), "```sh\n")
	block, _, ended := strings.Cut(block, "```")
	if !ended {
		t.Fatal("FORMAT.md has no block of shell")
	}
	if a == seal.SM2 {
		block = strings.NewReplacer("-rawin", "-rawin -digest sm3 -pkeyopt distid:1234567812345678", "-sha256", "-sm3").Replace(block)
	}
	return block
}

// Whoever has the key's file, the answer, its receipt and OpenSSL finds by the lines of
// FORMAT.md alone whether it is genuine, and is told so in words: no text that was asked
// about stands for the digest.
func TestByOpenSSL(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Fatal("OpenSSL is needed: apt-get install -y openssl")
	}
	content, forged := "地类,面积\n0101,12.50\n", "地类,面积\n0101,99.50\n"
	for _, a := range []seal.Algorithm{seal.Ed25519, seal.SM2} {
		s, _ := keys(t, a)
		h := a.NewHash()
		_, _ = h.Write([]byte(forged)) // a hash takes everything
		like := fmt.Sprintf(`"digest":"%x"`, h.Sum(nil))
		head := `{"content":"bytes",` + like + `,"format":"gengtu-receipt/1",`
		file := func(asked receipt.Question) string {
			src := source
			src.Scope = like
			sheet, err := s.Begin(src, asked, strings.NewReader("shape"))
			if err != nil {
				t.Fatal(err)
			}
			text, err := sheet.File(t.Context(), strings.NewReader(content))
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
		text := file(receipt.Question{About: "summary", Parameters: map[string]string{"a": "\u2028<&\x7f\x01\\", "z": `"signature":{"value":"x"},`, "place": "示例县"}})
		named := file(receipt.Question{About: like, Parameters: map[string]string{
			"digest": fmt.Sprintf("%x", h.Sum(nil)), "place": head, like: "\n" + head, "content": "bytes", "format": "gengtu-receipt/1",
		}})
		for name, c := range map[string]struct {
			answer, receipt string
			genuine         bool
		}{
			"genuine":              {content, text + "\n", true},
			"genuine, named":       {content, named, true},
			"a parameter's digest": {forged, named, false},
			"another figure":       {strings.Replace(content, "12.50", "12.51", 1), text, false},
			"another place":        {content, strings.Replace(text, "示例县", "示例省", 1), false},
			"another hash":         {content, strings.Replace(text, `"digest":"`, `"digest":"0`, 1), false},
			"the forged hash":      {forged, regexp.MustCompile(`"digest":"[0-9a-f]+"`).ReplaceAllString(text, like), false},
			"put before":           {forged, head + text[1:], false},
			"cut":                  {content[:len(content)-1], text, false},
			"a member before":      {content, strings.Replace(text, `"about":`, `"Body":"","about":`, 1), false},
			"no receipt":           {content, "", false},
			"an empty file":        {"", text, false},
		} {
			dir := t.TempDir()
			for file, data := range map[string]string{"ANSWER": c.answer, "ANSWER.receipt.json": c.receipt, "KEY": string(s.Signer.Public().File())} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(data), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.CommandContext(t.Context(), "sh", "-c", recipe(t, a))
			cmd.Dir = dir
			out, err := cmd.Output()
			word := strings.HasPrefix(string(out), "genuine")
			if (err == nil) != c.genuine || word != c.genuine || !word && !strings.HasPrefix(string(out), "NOT genuine") {
				t.Errorf("%s, %s: %v %s", a, name, err, out)
			}
		}
	}
}

// byPython writes the canonical forms of lines of JSON from what FORMAT.md says of
// them, with another reader and exact decimals.
const byPython = `
import json, sys
from decimal import Decimal
def number(t):
    sign, digits, power = Decimal(t).as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    short = text.rstrip("0")
    if not short: return "0"
    power += len(text) - len(short)
    return ("-" if sign else "") + short + ("e%d" % power if power else "")
class N(str): pass
def form(v):
    if isinstance(v, N): return number(v)
    if isinstance(v, dict): return "{" + ",".join(form(k) + ":" + form(v[k]) for k in sorted(v, key=lambda k: k.encode())) + "}"
    if isinstance(v, list): return "[" + ",".join(map(form, v)) + "]"
    return json.dumps(v, ensure_ascii=False)
for line in sys.stdin.buffer:
    sys.stdout.buffer.write((form(json.loads(line.decode(), parse_int=N, parse_float=N)) + "\n").encode())
`

// Another program in another language makes the same canonical forms.
func TestCanonicalByPython(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var lines, want bytes.Buffer
	for range 2000 {
		line := value(r, 4)
		form, err := receipt.Canonical(nil, []byte(line), "")
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		lines.WriteString(line + "\n")
		want.Write(append(form, '\n'))
	}
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", byPython)
	cmd.Stdin = &lines
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v", err)
	}
	got, wanted := strings.Split(string(out), "\n"), strings.Split(want.String(), "\n")
	for i := range wanted {
		if i >= len(got) || got[i] != wanted[i] {
			t.Fatalf("line %d: %s", i, wanted[i])
		}
	}
}

// value is some JSON.
func value(r *rand.Rand, depth int) string {
	switch n := r.IntN(8); {
	case depth > 0 && n < 2:
		var all []string
		for i := range r.IntN(5) {
			all = append(all, fmt.Sprintf("%s : %s", text(r, fmt.Sprint(i)), value(r, depth-1)))
		}
		return "{ " + strings.Join(all, " , ") + "}"
	case depth > 0 && n < 4:
		var all []string
		for range r.IntN(5) {
			all = append(all, value(r, depth-1))
		}
		return "[" + strings.Join(all, ", ") + " ]"
	case n < 5:
		return text(r, "")
	case n < 6:
		return []string{"true", "false", "null", "-0", "0.0e7"}[r.IntN(5)]
	default:
		digits := fmt.Sprintf("%d.%0*d", r.IntN(2000)-1000, 1+r.IntN(12), r.IntN(1000)*10)
		if r.IntN(2) == 0 {
			digits += fmt.Sprintf("e%+d", r.IntN(60)-30)
		}
		return digits
	}
}

// text is a string of JSON that ends as it is told.
func text(r *rand.Rand, ending string) string {
	letters := []rune("aZ0\"\\/\b\f\n\r\t\x00\x1f\x7f耕𠀀\u2028\ufffd<&")
	var s []rune
	for range r.IntN(6) {
		s = append(s, letters[r.IntN(len(letters))])
	}
	out, err := json.Marshal(string(s) + ending)
	if err != nil {
		panic(err)
	}
	return string(out)
}
