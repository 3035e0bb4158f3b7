package tileserver_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gengtu/index/edition"
	"gengtu/index/receipt"
	"gengtu/index/seal"
	"gengtu/tileserver"
	"gengtu/tileserver/audit"
)

// newSigner makes a key and its file, and reads it.
func newSigner(t testing.TB, name string) seal.Signer {
	t.Helper()
	pair, err := seal.NewKeys(seal.Ed25519, name, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key.pem")
	if err := pair.Write(path); err != nil {
		t.Fatal(err)
	}
	signer, err := seal.ReadSigner(path, edition.Secure)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// verdictDoc is an answer of /verify.
type verdictDoc struct {
	Genuine bool
	Signer  string
	Code    string
	Parts   int
	InForce bool `json:"in_force"`
	Receipt receipt.Receipt
}

// An answer that is taken back for want of an audit line takes its receipt with it.
func TestReceiptIsTakenBack(t *testing.T) {
	signer := newSigner(t, "the county")
	log, err := audit.OpenServer(filepath.Join(t.TempDir(), "audit"), audit.Record{Act: "serve"}, audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, func(c *tileserver.Config) {
		c.Audit, c.Seal = log, &receipt.Sealer{Signer: signer, Program: c.Program}
	}, edition.Government)
	const address = "/government/summary?receipt=1&f=csv"
	head := s.bearer(edition.Government)
	if r := s.get(t, address, head...); r.StatusCode != http.StatusOK || r.Header.Get("Gengtu-Receipt") == "" {
		t.Fatal(r.StatusCode, r.Header)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	r := s.get(t, address, head...)
	wantProblem(t, "without the audit", r, http.StatusServiceUnavailable, "audit_write")
	if got := r.Header.Get("Gengtu-Receipt"); got != "" {
		t.Errorf("the receipt is told: %s", got)
	}
}

// Answers in every form carry a receipt when it is asked for, which the server and
// anybody with its key take for genuine, and which holds no token.
func TestReceipts(t *testing.T) {
	signer := newSigner(t, "the county")
	s := serve(t, func(c *tileserver.Config) { c.Seal = &receipt.Sealer{Signer: signer, Program: c.Program} }, edition.Government, edition.Public)
	judge := receipt.Judge{Trust: seal.Trust{Keys: []seal.Key{signer.Public()}}}
	head := s.bearer(edition.Government)
	shape := `{"geometry":` + lotPolygon(1, 1, 5, 5) + `}`
	pair := `{"type":"FeatureCollection","features":[{"type":"Feature","id":1,"properties":null,"geometry":` + lotPolygon(1, 1, 3, 3) +
		`},{"type":"Feature","id":2,"properties":null,"geometry":` + lotPolygon(500, 500, 501, 501) + `},{"type":"Feature","id":3,"properties":null,"geometry":null}]}`
	for _, c := range []struct {
		address, body string
		parts         int
	}{
		{"overlay?receipt=1", shape, 1},
		{"overlay?receipt=true&f=ndjson", pair, 3},
		{"overlay?receipt=1", pair, 3},
		{"overlay?receipt=1&f=csv", pair, 1},
		{"overlay?receipt=1&f=xlsx", shape, 1},
		{"overlay?receipt=1&f=html", shape, 1},
		{"overlay?receipt=1&f=geojson", shape, 1},
		{"overlay?receipt=1&bbox=108.70,34.30,108.71,34.31&tk=" + s.tokens[edition.Government], "", 1},
		{"summary?receipt=1&by=village", "", 1},
		{"summary?receipt=1&f=csv", "", 1},
	} {
		var r reply
		if c.body == "" {
			r = s.get(t, "/government/"+c.address, head...)
		} else {
			r = s.post(t, "/government/"+c.address, c.body, head...)
		}
		if r.StatusCode != http.StatusOK || r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %s %.200s", c.address, r.StatusCode, r.Header.Get("Cache-Control"), r.body)
			continue
		}
		beside := append([]string{"Gengtu-Receipt", r.Header.Get("Gengtu-Receipt")}, head...)
		v := decode[verdictDoc](t, s.post(t, "/government/verify", string(r.body), beside...))
		if !v.Genuine || v.Signer != "the county" || v.Parts != c.parts || !v.InForce || v.Receipt.Generation != s.generations[edition.Government] {
			t.Errorf("%s: %+v of %.300s", c.address, v, r.body)
		}
		text, err := json.Marshal(v.Receipt)
		if err != nil || bytes.Contains(text, []byte(s.tokens[edition.Government])) {
			t.Errorf("%s: the receipt tells the token: %s, %v", c.address, text, err)
		}
		if c.body != "" {
			if err := (receipt.Verdict{Receipt: v.Receipt, Signer: signer.Public()}).Body(strings.NewReader(c.body)); err != nil {
				t.Errorf("%s: %v", c.address, err)
			}
		}
		altered := bytes.Clone(r.body)
		altered[len(altered)/2] ^= 1
		if v := decode[verdictDoc](t, s.post(t, "/government/verify", string(altered), beside...)); v.Genuine || v.Code == "" {
			t.Errorf("%s: altered, %+v", c.address, v)
		}
		if r.Header.Get("Gengtu-Receipt") != "" {
			continue
		}
		if _, err := judge.JSON(t.Context(), bytes.NewReader(r.body)); err != nil {
			t.Errorf("%s: %v", c.address, err)
		}
		// What another tier gave is not judged here.
		if v := decode[verdictDoc](t, s.post(t, "/public/verify", string(r.body))); v.Genuine || v.Code != "receipt_tier" {
			t.Errorf("%s in public: %+v", c.address, v)
		}
	}
	if r := s.post(t, "/government/verify", shape); r.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a token: %d", r.StatusCode)
	}
	if v := decode[verdictDoc](t, s.post(t, "/public/verify", shape)); v.Genuine || v.Code != "receipt_missing" {
		t.Errorf("without a receipt: %+v", v)
	}
	wantProblem(t, "no base64", s.post(t, "/public/verify", shape, "Gengtu-Receipt", "*"), http.StatusBadRequest, "parameter_receipt")
}

// The public half of the key is given to those who may ask for areas, as a file that a
// judge reads, and nothing of the private one.
func TestKeys(t *testing.T) {
	signer := newSigner(t, "示例县")
	s := serve(t, func(c *tileserver.Config) { c.Seal = &receipt.Sealer{Signer: signer} }, edition.Government, edition.Public)
	r := s.get(t, "/public/keys?generation="+s.generations[edition.Public])
	path := filepath.Join(t.TempDir(), "key.pub")
	if err := os.WriteFile(path, r.body, 0o600); err != nil {
		t.Fatal(err)
	}
	trust, err := seal.ReadTrust(path, edition.Secure)
	if err != nil || len(trust.Keys) != 1 || trust.Keys[0].ID() != signer.Public().ID() || trust.Keys[0].Name != "示例县" {
		t.Errorf("%d %s: %+v, %v", r.StatusCode, r.body, trust.Keys, err)
	}
	if bytes.Contains(r.body, []byte("PRIVATE")) || strings.Contains(r.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("%v %s", r.Header, r.body)
	}
	catalogue := decode[struct {
		Services map[string]string
		Receipts struct{ Key string }
	}](t, s.get(t, "/public/catalog"))
	if catalogue.Receipts.Key != signer.Public().ID() || !strings.HasSuffix(catalogue.Services["keys"], "/public/keys") {
		t.Errorf("%+v", catalogue)
	}
	if r := s.get(t, "/government/keys"); r.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a token: %d", r.StatusCode)
	}
	wantProblem(t, "no key", serve(t, nil, edition.Public).get(t, "/public/keys"), http.StatusNotFound, "receipt_off")
}

// A server without a key says so, and one that trusts a key judges by it.
func TestReceiptsOfOthers(t *testing.T) {
	s := serve(t, nil, edition.Public)
	wantProblem(t, "receipt", s.get(t, "/public/summary?receipt=1"), http.StatusBadRequest, "parameter_receipt")
	wantProblem(t, "verify", s.post(t, "/public/verify", "{}"), http.StatusNotFound, "receipt_off")

	signer := newSigner(t, "another")
	s = serve(t, func(c *tileserver.Config) {
		c.Seal = &receipt.Sealer{Signer: newSigner(t, "own")}
		c.Trust = seal.Trust{Keys: []seal.Key{signer.Public()}}
	}, edition.Public)
	other := receipt.Sealer{Signer: signer}
	for name, sealer := range map[string]*receipt.Sealer{"another": &other, "stranger": {Signer: newSigner(t, "stranger")}} {
		sheet, err := sealer.Begin(receipt.Source{Tier: edition.Public, Generation: "before"}, receipt.Question{About: "overlay"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		object, err := sheet.Object(t.Context(), []byte(`{"area_m2":1}`), nil)
		if err != nil {
			t.Fatal(err)
		}
		v := decode[verdictDoc](t, s.post(t, "/public/verify", string(object)))
		if name == "another" && (!v.Genuine || v.Signer != "another" || v.InForce) || name != "another" && v.Code != "seal_untrusted" {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// Whether an answer's generation is in force does not depend on which one the judge is
// asked at.
func TestReceiptInForce(t *testing.T) {
	s := serve(t, func(c *tileserver.Config) { c.Seal = &receipt.Sealer{Signer: newSigner(t, "the county")} }, edition.Public)
	before := s.generations[edition.Public]
	answer := string(s.get(t, "/public/summary?receipt=1").body)
	now := s.variant(t, edition.Public, "two", 4)
	s.Reload()
	for _, address := range []string{"verify", "verify?generation=" + before, "verify?generation=" + now} {
		v := decode[verdictDoc](t, s.post(t, "/public/"+address, answer))
		if !v.Genuine || v.Receipt.Generation != before || v.InForce {
			t.Errorf("%s: %+v", address, v)
		}
	}
	answer = string(s.get(t, "/public/summary?receipt=1").body)
	if v := decode[verdictDoc](t, s.post(t, "/public/verify?generation="+before, answer)); !v.Genuine || v.Receipt.Generation != now || !v.InForce {
		t.Errorf("the answer of the one in force: %+v", v)
	}
}

// An answer that is sent while it is made carries a receipt for each shape; in a
// form that cannot, it is refused before anything is sent.
func TestReceiptsStreamed(t *testing.T) {
	signer := newSigner(t, "the county")
	s := serve(t, func(c *tileserver.Config) { c.Seal = &receipt.Sealer{Signer: signer} }, edition.Public)
	var b strings.Builder
	const n = 400 // with 3 kB each they are more than an answer holds back
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`{"type":"Feature","properties":{"note":"` + strings.Repeat("x", 3000) + `"},"geometry":` + lotPolygon(i%5, i%7, i%5+1, i%7+1) + `}`)
	}
	body := `{"type":"FeatureCollection","features":[` + b.String() + `]}`
	r := s.post(t, "/public/overlay?receipt=1&combinations=false", body)
	v, err := receipt.Judge{Trust: seal.Trust{Keys: []seal.Key{signer.Public()}}}.JSON(t.Context(), bytes.NewReader(r.body))
	if err != nil || v.Parts != n {
		t.Errorf("%d parts of %d bytes: %v", v.Parts, len(r.body), err)
	}
	wantProblem(t, "csv", s.post(t, "/public/overlay?receipt=1&f=csv", body), http.StatusRequestEntityTooLarge, "too_large_receipt")
}
