package exchange

import (
	"bytes"
	"encoding/json"
	"testing"

	"gengtu/index/seal"
)

// Whatever the file of a receipt holds, it is refused with its problem, or is a receipt
// that is the same when it is written and read again; where keys are asked for and none
// is trusted, nothing is believed.
func FuzzParseReceipt(f *testing.F) {
	const plain = `{"format":"` + ReceiptFormat + `","package":"a","sequence":3,"outcome":"accepted","at":"2024-01-01T00:00:00Z","by":"x"}`
	for _, s := range []string{
		`{"receipt":` + plain + `}`, `{"receipt":` + plain + `,"signature":{"key":"00","algorithm":"ed25519","value":"AAAA"}}`,
		`{"receipt":null}`, `{"receipt":7,"signature":null}`, `{}`, `[`, ``,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, by, err := ParseReceipt(t.Context(), "r", data, &seal.Trust{}); err == nil {
			t.Fatalf("a receipt of %q is believed where nobody is trusted", by)
		} else if code(err) == err.Error() {
			t.Fatal(err)
		}
		c, by, err := ParseReceipt(t.Context(), "r", data, nil)
		if err != nil {
			if code(err) != "RECEIPT_BROKEN" {
				t.Fatal(err)
			}
			return
		}
		if c.Format != ReceiptFormat || by != "" {
			t.Fatalf("a receipt of format %q, signed by %q", c.Format, by)
		}
		raw, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		file, err := json.Marshal(SignedReceipt{Receipt: raw})
		if err != nil {
			t.Fatal(err)
		}
		if len(file) > maxReceiptBytes {
			return // escapes made it longer
		}
		again, _, err := ParseReceipt(t.Context(), "r", file, nil)
		if err != nil {
			t.Fatal(err)
		}
		if rawAgain, err := json.Marshal(again); err != nil || !bytes.Equal(raw, rawAgain) {
			t.Fatalf("%s is read again as %s: %v", raw, rawAgain, err)
		}
	})
}

// A line of the log is what would be written of its entry, to the byte, and nothing else:
// nothing can be put into it, nor behind it, that the hash of the next does not see.
func FuzzParseEntry(f *testing.F) {
	whole, err := json.Marshal(entry{At: "2024-01-01T00:00:00Z", Step: stepSent, Package: "a", Stream: "x", Sequence: 3, Outcome: "done", By: "b", User: "u", Previous: "00"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append(whole, '\n'))
	for _, s := range []string{"{}\n", `{"at":"","step":"","outcome":"","user":"","prev":""}` + "\n", `{"at":1}`, "", "null\n", `{"at":"","at":"x"}` + "\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		e, good := parseEntry(line)
		if !good {
			return
		}
		if bytes.IndexByte(line, '\n') != len(line)-1 {
			t.Fatalf("%q is one line", line)
		}
		text, err := json.Marshal(e)
		if err != nil || !bytes.Equal(append(text, '\n'), line) {
			t.Fatalf("%q would be written %q: %v", line, text, err)
		}
		if _, good := parseEntry(append(append(bytes.Clone(line[:len(line)-1]), ' '), '\n')); good {
			t.Fatalf("%q is also one with a space behind it", line)
		}
	})
}
