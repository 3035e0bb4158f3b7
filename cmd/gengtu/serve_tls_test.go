package main_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writeCertificate makes a certificate of 127.0.0.1 with that number and returns a pool
// that trusts it.
func writeCertificate(t *testing.T, dir string, number int64) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(number), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AddCert(made)
	return cert, key, pool
}

// Above public nothing is sent over a network as plain text by accident.
func TestServeNeedsTLSBeyondLoopback(t *testing.T) {
	e := theEditions(t)
	access := filepath.Join(t.TempDir(), "access.json")
	must(t, "token", "add", "--access", access, "--tier", "government")
	cert, key, _ := writeCertificate(t, t.TempDir(), 1)
	open := filepath.Join(t.TempDir(), "open.pem")
	data, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(open, data, 0o644); err != nil {
		t.Fatal(err)
	}
	government := []string{"serve", "--edition", e.Government, "--access", access}
	for _, c := range []struct {
		args []string
		code int
		said string
	}{
		{[]string{"--listen", "0.0.0.0:0"}, 1, "--plain-http"},
		{[]string{"--listen", ":0"}, 1, "LISTEN_PLAIN"},
		{[]string{"--listen", "0.0.0.0:0", "--tls-cert", cert}, 2, "--tls-key"},
		{[]string{"--listen", "0.0.0.0:0", "--tls-cert", cert, "--tls-key", key, "--plain-http"}, 2, "--plain-http"},
		{[]string{"--listen", "0.0.0.0:0", "--tls-cert", key, "--tls-key", key}, 1, "TLS_FILES"},
		{[]string{"--listen", "0.0.0.0:0", "--tls-cert", cert, "--tls-key", "none.pem"}, 1, "TLS_FILES"},
		{[]string{"--listen", "0.0.0.0:0", "--tls-cert", cert, "--tls-key", open}, 1, "TLS_MODE"},
		{[]string{"--trusted-proxy", "10.0.0.0/33"}, 2, "--trusted-proxy"},
	} {
		ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
		cmd := exec.CommandContext(ctx, binary(), append(append([]string{}, government...), c.args...)...)
		cmd.Env = append(os.Environ(), "GENGTU_LANG=en")
		out, _ := cmd.CombinedOutput() // the code is looked at
		cancel()
		if code := cmd.ProcessState.ExitCode(); code != c.code || !strings.Contains(string(out), c.said) {
			t.Errorf("%v: exit code %d, want %d with %q: %s", c.args, code, c.code, c.said, out)
		}
	}
}

// What is not safe is not begun: each way to serve a tier above public to whoever asks is
// refused, and says what would do.
func TestServeRefusesToBegin(t *testing.T) {
	e := theEditions(t)
	dir := t.TempDir()
	access := filepath.Join(dir, "access.json")
	must(t, "token", "add", "--access", access, "--tier", "secure")
	file := func(name, content string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	wide := file("wide.json", `{"tokens": []}`, 0o644)
	broken := file("broken.json", "{\"tokens\": [\n", 0o600)
	area := file("area.json", "{\"tokens\": [\n{\"name\": \"a\", \"tier\": \"secure\", \"hash\": \""+strings.Repeat("0a", 32)+"\",\n\"scope\": {\"area\": \"{}\"}}]}", 0o600)
	all := file("all.json", `{"origins": ["*"], "tokens": []}`, 0o600)
	for name, c := range map[string]struct {
		args []string
		code int
		said string
	}{
		"secure without tokens":           {[]string{"--edition", e.Secure}, 1, "ACCESS_NEEDED"},
		"government without tokens":       {[]string{"--edition", e.Government}, 1, "ACCESS_NEEDED"},
		"open beyond this machine":        {[]string{"--edition", e.Government, "--open", "--listen", "0.0.0.0:0"}, 2, "OPEN_LOOPBACK"},
		"open on IPv6":                    {[]string{"--edition", e.Government, "--open", "--listen", "[::]:0"}, 2, "OPEN_LOOPBACK"},
		"public open beyond this machine": {[]string{"--edition", e.Public, "--open", "--listen", "0.0.0.0:0"}, 2, "OPEN_LOOPBACK"},
		"open with tokens":                {[]string{"--edition", e.Government, "--open", "--access", access}, 2, "OPEN_ACCESS"},
		"plain on all addresses":          {[]string{"--edition", e.Government, "--access", access, "--listen", "0.0.0.0:0"}, 1, "LISTEN_PLAIN"},
		"plain by a name":                 {[]string{"--edition", e.Government, "--access", access, "--listen", "gis.example.org:0"}, 1, "LISTEN_PLAIN"},
		"an access file that others read": {[]string{"--edition", e.Government, "--access", wide}, 1, "ACCESS_MODE"},
		"no access file":                  {[]string{"--edition", e.Government, "--access", filepath.Join(dir, "none.json")}, 1, "ACCESS_READ"},
		"an access file that is broken":   {[]string{"--edition", e.Government, "--access", broken}, 1, "line 2"},
		"an area that is broken":          {[]string{"--edition", e.Government, "--access", area}, 1, "line 3"},
		"every page":                      {[]string{"--edition", e.Government, "--access", all}, 1, "ACCESS_ORIGIN"},
		"a tier twice":                    {[]string{"--edition", e.Public, "--edition", e.Public}, 1, "TIER_TWICE"},
		"no edition":                      {[]string{"--access", access}, 2, "--edition"},
		"proxies that are all of the net": {[]string{"--edition", e.Government, "--access", access, "--trusted-proxy", "everybody"}, 2, "--trusted-proxy"},
	} {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		cmd := exec.CommandContext(ctx, binary(), append([]string{"serve", "--lang", "en"}, c.args...)...)
		out, _ := cmd.CombinedOutput() // the code is looked at
		cancel()
		if code := cmd.ProcessState.ExitCode(); code != c.code || !strings.Contains(string(out), c.said) || strings.Contains(string(out), "serving at") {
			t.Errorf("%s: exit code %d, want %d with %q: %s", name, code, c.code, c.said, out)
		}
	}
}

// A server with a certificate answers by TLS alone and names itself so; a token that is
// revoked is so within the second, and a request of one that is bound is held to it.
func TestServeByTLS(t *testing.T) {
	e := theEditions(t)
	dir := t.TempDir()
	access := filepath.Join(dir, "access.json")
	token := strings.TrimSpace(must(t, "token", "add", "--access", access, "--tier", "secure", "--name", "one"))
	bound := strings.TrimSpace(must(t, "token", "add", "--access", access, "--tier", "secure", "--name", "two", "--layers", "pbf", "--operations", "tiles", "--zooms", "5-12", "--rate", "50", "--days", "90", "--addresses", "127.0.0.0/8"))
	away := strings.TrimSpace(must(t, "token", "add", "--access", access, "--tier", "secure", "--name", "three", "--addresses", "10.0.0.0/8"))
	cert, key, pool := writeCertificate(t, dir, 1)
	s := &server{log: &lockedBuffer{}}
	s.start(t, "serve", "--listen", "0.0.0.0:0", "--access", access, "--edition", e.Secure, "--tls-cert", cert, "--tls-key", key)
	host, ok := strings.CutPrefix(s.URL, "https://")
	if _, port, _ := strings.Cut(host, ":"); !ok || host != "127.0.0.1:"+port {
		t.Fatalf("the address is %s, which nobody can open", s.URL)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}, Timeout: 30 * time.Second}
	get := func(path, token string) (int, string) {
		t.Helper()
		r, err := client.Get("https://" + host + path + "tk=" + token)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r.Body)
		if cerr := r.Body.Close(); err != nil || cerr != nil {
			t.Fatal(err, cerr)
		}
		return r.StatusCode, string(body)
	}
	if code, body := get("/secure/tiles/pbf/w.json?", token); code != 200 || !strings.Contains(body, "https://"+host+"/secure/tiles/") {
		t.Errorf("%d %s", code, body)
	}
	for path, want := range map[string]int{
		"/secure/tiles/pbf/w.json?": 200, "/secure/tiles/cropland/w.json?": 403, "/secure/tiles/pbf/w/13/6568/3263.mvt?": 403, "/secure/features/pbf/1?": 403, "/secure/places?": 403,
	} {
		if code, body := get(path, bound); code != want {
			t.Errorf("%s by a token that is bound: %d, want %d: %s", path, code, want, body)
		}
	}
	if code, _ := get("/secure/catalog?", away); code != 403 {
		t.Errorf("from another network: %d", code)
	}
	if r, err := http.Get("http://" + host + "/health"); err == nil {
		_ = r.Body.Close()
		if r.StatusCode == http.StatusOK {
			t.Error("answers by plain HTTP")
		}
	}
	revoked := time.Now()
	must(t, "token", "revoke", "--access", access, "--name", "one")
	for {
		if code, _ := get("/secure/catalog?", token); code == 401 {
			break
		}
		if time.Since(revoked) > 10*time.Second {
			t.Fatal("the revoked token still opens the tier")
		}
		<-time.After(5 * time.Millisecond)
	}
	t.Logf("revoked after %s, the command included", time.Since(revoked).Round(time.Millisecond))
	if list := must(t, "token", "list", "--lang", "en", "--access", access); !strings.Contains(list, "revoked") || !strings.Contains(list, "layers pbf  zooms 5-12  operations tiles  a second 50  addresses 127.0.0.0/8") || strings.Contains(list, "gt_") {
		t.Errorf("token list: %s", list)
	}
}
