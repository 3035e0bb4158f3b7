package tileserver_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/tileserver"
	"gengtu/tileserver/access"
)

// Where the keys of an issuer cannot be fetched the log says from where and why; the
// answer does not, and neither has what is secret of the address.
func TestMissingKeysAreLogged(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	path := filepath.Join(t.TempDir(), "access.json")
	text := fmt.Sprintf(`{"tokens": [], "oidc": [{"issuer": "https://id.example.org", "audience": "gengtu", "jwks_url": "%s/keys?secret=geheim", "grants": [{"claim": "a", "value": "b", "tier": "secure"}]}]}`, gone.URL)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	store, err := access.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	s := serve(t, func(c *tileserver.Config) {
		c.Access, c.Log = store, slog.New(slog.NewTextHandler(&log, nil))
	}, edition.Secure)
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	token := part(`{"alg":"ES256","kid":"1"}`) + "." + part(`{"iss":"https://id.example.org","aud":"gengtu","sub":"u","exp":9999999999}`) + "." + part(strings.Repeat("x", 64))
	r := s.get(t, "/secure/catalog", "Authorization", "Bearer "+token)
	wantProblem(t, "no keys", r, 503, "not_ready")
	if said := log.String(); !strings.Contains(said, gone.URL+"/keys: ") || !strings.Contains(said, "refused") || strings.Contains(said, "geheim") || strings.Contains(said, token) {
		t.Error(said)
	}
	if strings.Contains(string(r.body), gone.URL) {
		t.Errorf("%s", r.body)
	}
}
