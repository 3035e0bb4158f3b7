package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/index/receipt"
	"gengtu/index/seal"
)

// A receipt has the digest of each file that the figures depend on: of classes and of
// rules; and a report of a file that is not there can be sealed, too.
func TestReceiptsTellFiles(t *testing.T) {
	dir := t.TempDir()
	pair, err := seal.NewKeys(seal.Ed25519, "the county", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	key, edited := filepath.Join(dir, "key.pem"), filepath.Join(dir, "edited.yaml")
	if err := pair.Write(key); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(edited, []byte("an edited table"), 0o600); err != nil {
		t.Fatal(err)
	}
	signer, err := seal.ReadSigner(key, edition.Secure)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("an edited table"))
	books := newBooksFlags(newFlags(command{name: "info"}, nil, nil))
	*books.classes = edited
	gone := judging{files: []string{filepath.Join(dir, "gone.shp")}, unread: []*problem.Problem{nil}, rules: edited, layer: "pbf"}
	for name, a := range map[string]answered{"classes": books.answered(&edition.Manifest{Tier: edition.Secure}), "rules": gone.answered()} {
		sheet, err := a.begin(&receipt.Sealer{Signer: signer})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		text, err := sheet.File(t.Context(), strings.NewReader("an answer"))
		if err != nil {
			t.Fatal(err)
		}
		var r receipt.Receipt
		if err := json.Unmarshal(text, &r); err != nil || r.Question.Parameters[name] != "sha256:"+hex.EncodeToString(sum[:]) {
			t.Errorf("%s: %v %s", name, err, text)
		}
		if name == "rules" && (r.Question.Parameters["layer"] != "pbf" || r.Question.Body != "") {
			t.Errorf("%s", text)
		}
	}
	a := gone.answered()
	a.files["rules"] = filepath.Join(dir, "gone.yaml")
	if _, err := a.begin(&receipt.Sealer{Signer: signer}); problem.Of(err) == nil {
		t.Errorf("rules that are gone: %v", err)
	}
}
