package main_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// freePort returns a port of 127.0.0.1 that nobody listens on now.
func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// siteConfig is deploy/nginx.conf with the lines of the site replaced, and no others.
func siteConfig(t *testing.T, replacements map[string]string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("deploy", "nginx.conf"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(data), "\n")
	used := map[string]bool{}
	for i, line := range lines {
		if !strings.Contains(line, "# [site]") {
			continue
		}
		for from, to := range replacements {
			if strings.Contains(line, from) {
				used[from] = true
				line = strings.ReplaceAll(line, from, to)
			}
		}
		lines[i] = line
	}
	if len(used) != len(replacements) {
		t.Fatalf("only %v stand in lines of the site", used)
	}
	return strings.Join(lines, "\n")
}

// startNginx runs nginx by the project's example in front of a server at that address, and
// returns its port and the directory of its logs.
func startNginx(t *testing.T, upstream string) (port, logs string) {
	t.Helper()
	nginx, err := exec.LookPath("/usr/sbin/nginx")
	if err != nil {
		t.Fatalf("%v; make deps", err)
	}
	dir := t.TempDir()
	cert, key, _ := writeCertificate(t, dir, 1)
	port = freePort(t)
	account := "user root;"
	if os.Geteuid() != 0 {
		account = ""
	}
	config := siteConfig(t, map[string]string{
		"user www-data;": account, "/run/nginx.pid": filepath.Join(dir, "pid"), "/var/log/nginx/": dir + "/", "/var/cache/nginx/gengtu": filepath.Join(dir, "cache"),
		"127.0.0.1:8080": upstream, "listen 443": "listen 127.0.0.1:" + port, "/etc/gengtu/cert.pem": cert, "/etc/gengtu/key.pem": key,
	})
	// Where it keeps bodies for a while is the system's; the tests have no right there.
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		config = strings.Replace(config, "http {\n", fmt.Sprintf("http {\n    %s_temp_path %s;\n", kind, filepath.Join(dir, kind)), 1)
	}
	path := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(nginx, "-t", "-c", path, "-e", filepath.Join(dir, "start.log")).CombinedOutput(); err != nil || bytes.Contains(out, []byte("[warn]")) {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(nginx, "-c", path, "-e", filepath.Join(dir, "start.log"), "-g", "daemon off;")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // is asked how it ended
		if err := cmd.Wait(); err != nil {
			t.Errorf("nginx ended with %v", err)
		}
	})
	deadline := time.Now().Add(20 * time.Second)
	for {
		c, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			_ = c.Close()
			return port, dir
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// behind are the members of an answer that a proxy must leave as they are.
type behind struct {
	Status int
	Header map[string]string
	Body   string
}

// look asks a client without decoding anything.
func look(t *testing.T, c *http.Client, method, address string, headers ...string) (got behind, proto, strict string) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	r, err := c.Do(req)
	if err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	body, err := io.ReadAll(r.Body)
	if cerr := r.Body.Close(); err != nil || cerr != nil {
		t.Fatal(err, cerr)
	}
	out := behind{Status: r.StatusCode, Header: map[string]string{}, Body: string(body)}
	for _, k := range []string{"ETag", "Content-Type", "Content-Encoding", "Cache-Control", "Vary", "Gengtu-Generation", "Gengtu-Scope", "Access-Control-Allow-Origin", "WWW-Authenticate", "Retry-After", "X-Content-Type-Options"} {
		out.Header[k] = strings.Join(r.Header.Values(k), ", ")
	}
	if r.StatusCode >= 400 {
		out.Body = "" // names the request
	}
	return out, r.Proto, r.Header.Get("Strict-Transport-Security")
}

// Behind nginx, as the example sets it up, everything is answered as by the server
// itself, by HTTP/2, from the cache or not; tiers stay apart, and tokens out of the logs.
func TestBehindNginx(t *testing.T) {
	e := theEditions(t)
	accessFile := filepath.Join(t.TempDir(), "access.json")
	token := strings.TrimSpace(must(t, "token", "add", "--access", accessFile, "--tier", "government", "--name", "one"))
	away := strings.TrimSpace(must(t, "token", "add", "--access", accessFile, "--tier", "government", "--name", "two", "--addresses", "10.0.0.0/8"))
	requests := filepath.Join(t.TempDir(), "requests.log")
	s := &server{log: &lockedBuffer{}}
	s.start(t, "serve", "--listen", "127.0.0.1:0", "--access", accessFile, "--edition", e.Government, "--edition", e.Public,
		"--trusted-proxy", "127.0.0.1/32", "--public-url", "https://map.example.org", "--access-log", requests)
	port, logs := startNginx(t, strings.TrimPrefix(s.URL, "http://"))
	var d net.Dialer
	front := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		ForceAttemptHTTP2: true, DisableCompression: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // it is the example's name
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return d.DialContext(ctx, "tcp", "127.0.0.1:"+port)
		},
	}}
	direct := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableCompression: true}}
	both := func(method, path string, headers ...string) behind {
		t.Helper()
		want, _, _ := look(t, direct, method, s.URL+path, headers...)
		for _, turn := range []string{"first", "second"} {
			got, proto, strict := look(t, front, method, "https://map.example.org"+path, headers...)
			if want.Status == http.StatusNotModified && got.Status == http.StatusNoContent {
				got.Status = want.Status // nginx says 204 again of what it keeps, which has no body either
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s %s %v, asked for the %s time: %s", method, path, headers, turn, diff)
			}
			if proto != "HTTP/2.0" || strict == "" {
				t.Errorf("%s: %s %q", path, proto, strict)
			}
		}
		return want
	}
	paths := []string{
		"catalog", "tiles/cropland/w.json", "tiles/all/w/11/1642/816.mvt", "tiles/cropland/c/12/3284/624.mvt", "tiles/cropland/w/13/6568/3263.mvt", "tiles/cropland/w/11/1642/816.png",
		"tiles/cropland/w/11/0/0.mvt", "style.json", "wmts/1.0.0/WMTSCapabilities.xml", "wmts?SERVICE=WMTS&REQUEST=GetCapabilities", "tiles/cropland/w/11/1642/99999.mvt", "nothing",
		"overlay?point=108.7,34.3", "tiles//cropland/w.json", "tiles/cropland%2Cpbf/w/11/1642/816.mvt", "places?q=%E6%B8%AD", "catalog?generation=nonsense",
	}
	answered := map[int]int{}
	for _, path := range paths {
		for _, tier := range []string{"/public/", "/government/"} {
			for _, coding := range []string{"gzip", "identity", "br, gzip;q=0"} {
				for _, language := range []string{"zh", "en"} {
					headers := []string{"Accept-Encoding", coding, "Accept-Language", language, "Authorization", "Bearer " + token}
					a := both(http.MethodGet, tier+path, headers...)
					answered[a.Status]++
					if tag := a.Header["ETag"]; tag != "" {
						if strings.HasPrefix(tag, "W/") {
							t.Errorf("%s%s: a weak ETag %s", tier, path, tag)
						}
						if b := both(http.MethodGet, tier+path, append(headers, "If-None-Match", tag)...); b.Status != http.StatusNotModified {
							t.Errorf("%s%s: %d for %s", tier, path, b.Status, tag)
						}
					}
				}
			}
		}
		both(http.MethodHead, "/government/"+path, "Authorization", "Bearer "+token)
		if a := both(http.MethodGet, "/government/"+path); a.Status != http.StatusUnauthorized {
			t.Errorf("/government/%s without a token, after one with: %d", path, a.Status)
		}
		both(http.MethodGet, "/secure/"+path, "Authorization", "Bearer "+token)
	}
	t.Logf("answers by status: %v", answered)
	if answered[200] < 60 || answered[404] == 0 || answered[400] == 0 {
		t.Errorf("the answers are %v", answered)
	}
	// Nobody's own X-Forwarded-For counts, by the same address with a token in the query.
	for _, forged := range []string{"10.0.0.9", "10.0.0.9, 10.0.0.8"} {
		if a, _, _ := look(t, front, http.MethodGet, "https://map.example.org/government/catalog?tk="+away, "X-Forwarded-For", forged); a.Status != http.StatusForbidden {
			t.Errorf("a token of another network with %s: %d", forged, a.Status)
		}
	}
	if a, _, _ := look(t, front, http.MethodGet, "https://map.example.org/metrics"); a.Status != http.StatusNotFound {
		t.Errorf("/metrics: %d", a.Status)
	}
	if r, err := front.Get("https://other.example.org/public/catalog"); err == nil {
		_ = r.Body.Close()
		t.Errorf("another name: %d", r.StatusCode)
	}
	wantLogs(t, logs, requests, []string{token, away})
}

// wantLogs checks that the logs have lines, the cache was used, and no token is there.
func wantLogs(t *testing.T, logs, requests string, tokens []string) {
	t.Helper()
	front, err := os.ReadFile(filepath.Join(logs, "gengtu.log"))
	if err != nil {
		t.Fatal(err)
	}
	own, err := os.ReadFile(requests)
	if err != nil {
		t.Fatal(err)
	}
	errs, err := os.ReadFile(filepath.Join(logs, "gengtu-error.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range tokens {
		if bytes.Contains(front, []byte(token)) || bytes.Contains(own, []byte(token)) || bytes.Contains(errs, []byte(token)) {
			t.Error("a token is in a log")
		}
	}
	for _, line := range strings.Split(string(front), "\n") {
		if strings.Contains(line, "/government/") && !strings.Contains(line, " - \"") {
			t.Errorf("looked for in the cache: %s", line)
		}
	}
	if !strings.Contains(string(front), " HIT ") || !strings.Contains(string(front), "HTTP/2.0") || !strings.Contains(string(own), `"path":"/government/catalog?tk=***"`) {
		t.Errorf("%.2000s\n%.2000s", front, own)
	}
}
