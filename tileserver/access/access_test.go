package access_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gengtu/index/problem"
	"gengtu/tileserver/access"
)

var day0 = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// issue adds a token to the file at path.
func issue(t *testing.T, path string, token access.Token) string {
	t.Helper()
	token.Created = day0
	plain, err := access.Add(path, token)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

func TestCheck(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.json")
	secure := issue(t, path, access.Token{Name: "张三", Tier: "secure"})
	government := issue(t, path, access.Token{Name: "office", Tier: "government"})
	brief := issue(t, path, access.Token{Name: "brief", Tier: "secure", Expires: day0.Add(time.Hour)})
	lost := issue(t, path, access.Token{Name: "lost", Tier: "secure"})
	if err := access.Revoke(path, "lost", day0); err != nil {
		t.Fatal(err)
	}
	now := day0
	s, err := access.OpenAt(path, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, token, tier string
		after             time.Duration
		want              access.Decision
	}{
		{"its own tier", secure, "secure", 0, access.Decision{Outcome: access.Allowed, Name: "张三"}},
		{"the other's own tier", government, "government", 0, access.Decision{Outcome: access.Allowed, Name: "office"}},
		{"a higher token at a lower tier", secure, "government", 0, access.Decision{Outcome: access.WrongTier, Name: "张三"}},
		{"a lower token at a higher tier", government, "secure", 0, access.Decision{Outcome: access.WrongTier, Name: "office"}},
		{"a tier that needs none", secure, "public", 0, access.Decision{Outcome: access.WrongTier, Name: "张三"}},
		{"no tier", secure, "", 0, access.Decision{Outcome: access.WrongTier, Name: "张三"}},
		{"no token", "", "secure", 0, access.Decision{}},
		{"a token with a space", secure + " ", "secure", 0, access.Decision{Outcome: access.Unknown}},
		{"half a token", secure[:len(secure)/2], "secure", 0, access.Decision{Outcome: access.Unknown}},
		{"a token in upper case", strings.ToUpper(secure), "secure", 0, access.Decision{Outcome: access.Unknown}},
		{"a name", "office", "government", 0, access.Decision{Outcome: access.Unknown}},
		{"before it expires", brief, "secure", time.Hour - 1, access.Decision{Outcome: access.Allowed, Name: "brief"}},
		{"when it expires", brief, "secure", time.Hour, access.Decision{Outcome: access.Expired, Name: "brief"}},
		{"a revoked token", lost, "secure", 0, access.Decision{Outcome: access.Revoked, Name: "lost"}},
		{"a revoked token at another tier", lost, "government", 0, access.Decision{Outcome: access.Revoked, Name: "lost"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			now = day0.Add(c.after)
			if got := s.Check(access.Request{Token: c.token, Tier: c.tier}); got != c.want {
				t.Errorf("got %v %+v, want %v %+v", got.Outcome, got, c.want.Outcome, c.want)
			}
		})
	}
	tokens, err := access.List(path)
	if err != nil {
		t.Fatal(err)
	}
	// The hash of a token is no token.
	if got := s.Check(access.Request{Token: tokens[0].Hash, Tier: "secure"}); got.Outcome != access.Unknown {
		t.Errorf("a hash was taken as a token: %+v", got)
	}
}

// No token is in the file, and nobody but its owner may read it.
func TestFileHoldsNoToken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.json")
	plain := issue(t, path, access.Token{Tier: "secure"})
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), plain) || strings.Contains(string(data), strings.TrimPrefix(plain, "gt_")) {
		t.Errorf("the file holds the token:\n%s", data)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the file has the mode %o, want 600", info.Mode().Perm())
	}
	tokens, err := access.List(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := "secure-" + tokens[0].Hash[:8]; tokens[0].Name != want {
		t.Errorf("the name is %q, want %q", tokens[0].Name, want)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 2 {
		t.Errorf("%d files beside each other, want the file and its lock: %v", len(entries), err)
	}
}

func TestAddRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		token access.Token
		code  string
	}{
		{"no tier", access.Token{Name: "a"}, "ACCESS_TIER"},
		{"the public tier", access.Token{Name: "a", Tier: "public"}, "ACCESS_TIER"},
		{"a tier in upper case", access.Token{Name: "a", Tier: "Secure"}, "ACCESS_TIER"},
		{"a name with a line break", access.Token{Name: "a\nb", Tier: "secure"}, "ACCESS_NAME"},
		{"a name with a space", access.Token{Name: "a b", Tier: "secure"}, "ACCESS_NAME"},
		{"a name that is not UTF-8", access.Token{Name: "\xff", Tier: "secure"}, "ACCESS_NAME"},
		{"a long name", access.Token{Name: strings.Repeat("名", 65), Tier: "secure"}, "ACCESS_NAME"},
		{"a name that is taken", access.Token{Name: "first", Tier: "secure"}, "ACCESS_NAME"},
		{"an end before the beginning", access.Token{Name: "a", Tier: "secure", Created: day0, Expires: day0}, "ACCESS_TIME"},
		{"a year that cannot be written", access.Token{Name: "a", Tier: "secure", Created: day0, Expires: day0.AddDate(9000, 0, 0)}, "ACCESS_TIME"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "access.json")
			issue(t, path, access.Token{Name: "first", Tier: "secure"})
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			plain, err := access.Add(path, c.token)
			wantCode(t, err, c.code)
			if plain != "" {
				t.Error("a token was returned")
			}
			if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
				t.Errorf("the file changed to %s, %v", after, err)
			}
		})
	}
}

// wantCode demands a problem of a code, with a text in both languages.
func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	p := problem.Of(err)
	if p == nil || p.Code != code {
		t.Fatalf("got %v, want %s", err, code)
	}
	for _, l := range []problem.Lang{problem.Chinese, problem.English} {
		if s := p.Text(l); strings.Contains(s, "%!") || p.Found(l) == "" {
			t.Errorf("bad text: %s", s)
		}
	}
}

func TestRevoke(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.json")
	issue(t, path, access.Token{Name: "a", Tier: "secure"})
	for i := range 2 {
		if err := access.Revoke(path, "a", day0.AddDate(0, 0, i)); err != nil {
			t.Fatal(err)
		}
	}
	tokens, err := access.List(path)
	if err != nil {
		t.Fatal(err)
	}
	if !tokens[0].Revoked.Equal(day0) {
		t.Errorf("revoked at %v, want the first time, %v", tokens[0].Revoked, day0)
	}
	wantCode(t, access.Revoke(path, "b", day0), "ACCESS_UNKNOWN")
}

func TestLoadRefuses(t *testing.T) {
	hash := strings.Repeat("0a", 32)
	token := func(name, tier, hash string) string {
		return fmt.Sprintf(`{"name":%q,"tier":%q,"hash":%q,"created":"2026-01-01T00:00:00Z"}`, name, tier, hash)
	}
	for _, c := range []struct {
		name, content, code string
	}{
		{"not JSON", "tokens: []", "ACCESS_SYNTAX"},
		{"cut off", `{"tokens":[` + token("a", "secure", hash), "ACCESS_SYNTAX"},
		{"two objects", `{"tokens":[]}{"tokens":[]}`, "ACCESS_SYNTAX"},
		{"an unknown field", `{"tokens":[],"open":true}`, "ACCESS_SYNTAX"},
		{"a token in plain", `{"tokens":[{"name":"a","tier":"secure","token":"gt_x"}]}`, "ACCESS_SYNTAX"},
		{"a time that is none", `{"tokens":[{"name":"a","tier":"secure","hash":"` + hash + `","created":"yesterday"}]}`, "ACCESS_SYNTAX"},
		{"a short hash", `{"tokens":[` + token("a", "secure", hash[2:]) + `]}`, "ACCESS_HASH"},
		{"a hash in upper case", `{"tokens":[` + token("a", "secure", strings.ToUpper(hash)) + `]}`, "ACCESS_HASH"},
		{"a hash that is no number", `{"tokens":[` + token("a", "secure", "xx"+hash[2:]) + `]}`, "ACCESS_HASH"},
		{"one hash twice", `{"tokens":[` + token("a", "secure", hash) + "," + token("b", "government", hash) + `]}`, "ACCESS_HASH"},
		{"one name twice", `{"tokens":[` + token("a", "secure", hash) + "," + token("a", "secure", strings.Repeat("0b", 32)) + `]}`, "ACCESS_NAME"},
		{"the origin of all", `{"origins":["*"],"tokens":[]}`, "ACCESS_ORIGIN"},
		{"an origin with a path", `{"origins":["https://a.example/"],"tokens":[]}`, "ACCESS_ORIGIN"},
		{"an origin in upper case", `{"origins":["https://A.example"],"tokens":[]}`, "ACCESS_ORIGIN"},
		{"an origin with a user", `{"origins":["https://u@a.example"],"tokens":[]}`, "ACCESS_ORIGIN"},
		{"an origin with the usual port", `{"origins":["https://a.example:443"],"tokens":[]}`, "ACCESS_ORIGIN"},
		{"an origin with the usual port", `{"origins":["http://a.example:80"],"tokens":[]}`, "ACCESS_ORIGIN"},
		{"an origin with no port", `{"origins":["http://a.example:"],"tokens":[]}`, "ACCESS_ORIGIN"},
		{"an origin that is not ASCII", `{"origins":["https://地图.example"],"tokens":[]}`, "ACCESS_ORIGIN"},
		{"the null origin", `{"origins":["null"],"tokens":[]}`, "ACCESS_ORIGIN"},
		{"too many tokens", `{"tokens":[` + strings.Repeat(token("a", "secure", hash)+",", access.MaxTokens) + token("a", "secure", hash) + `]}`, "ACCESS_TOO_LARGE"},
		{"too many bytes", strings.Repeat(" ", access.MaxFileBytes) + `{"tokens":[]}`, "ACCESS_TOO_LARGE"},
		{"too deep", strings.Repeat("[", 100_000), "ACCESS_SYNTAX"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "access.json")
			if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := access.Load(path)
			wantCode(t, err, c.code)
			if problem.Of(err).File != path {
				t.Errorf("the problem names the file %q", problem.Of(err).File)
			}
			if len(err.Error()) > 1000 {
				t.Errorf("the message has %d bytes", len(err.Error()))
			}
		})
	}
}

func TestLoadRefusesFilesOfOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.json")
	if _, err := access.Load(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of a missing file: %v, want one that wraps fs.ErrNotExist", err)
	}
	issue(t, path, access.Token{Tier: "secure"})
	for mode, allowed := range map[os.FileMode]bool{0o600: true, 0o400: true, 0o640: true, 0o644: false, 0o660: false, 0o602: false} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := access.Load(path)
		if allowed && err != nil {
			t.Errorf("mode %o: %v", mode, err)
		}
		if !allowed {
			wantCode(t, err, "ACCESS_MODE")
		}
	}
}

func TestOrigins(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.json")
	content := `{"origins":["https://map.example.org","http://10.0.0.1:8080","http://[::1]:81"],"tokens":[]}`
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	issue(t, path, access.Token{Tier: "secure"})
	s, err := access.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for origin, want := range map[string]bool{
		"https://map.example.org": true, "https://MAP.example.org": false, "https://map.example.org/": false, "http://10.0.0.1:8080": true, "http://[::1]:81": true,
		"http://map.example.org": false, "https://map.example.org.evil.example": false,
		"https://map.example.org:443": false, "": false, "null": false,
	} {
		if got := s.AllowsOrigin(origin); got != want {
			t.Errorf("%q: %v, want %v", origin, got, want)
		}
	}
}

// A change of the file is seen; one that breaks it changes nothing.
func TestRefresh(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.json")
	first := issue(t, path, access.Token{Name: "first", Tier: "secure"})
	s, err := access.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if changed, err := s.Refresh(); changed || err != nil {
		t.Errorf("nothing changed: %v, %v", changed, err)
	}
	second := issue(t, path, access.Token{Name: "second", Tier: "secure"})
	if s.Check(access.Request{Token: second, Tier: "secure"}).Outcome != access.Unknown {
		t.Error("the new token is known before the file is read again")
	}
	if changed, err := s.Refresh(); !changed || err != nil {
		t.Errorf("a token was added: %v, %v", changed, err)
	}
	if s.Check(access.Request{Token: second, Tier: "secure"}).Outcome != access.Allowed {
		t.Error("the new token is not known")
	}
	if err := access.Revoke(path, "first", day0); err != nil {
		t.Fatal(err)
	}
	if changed, err := s.Refresh(); !changed || err != nil {
		t.Errorf("a token was revoked: %v, %v", changed, err)
	}
	if got := s.Check(access.Request{Token: first, Tier: "secure"}).Outcome; got != access.Revoked {
		t.Errorf("the revoked token is %v", got)
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if changed, err := s.Refresh(); changed || problem.Of(err) == nil {
		t.Errorf("a broken file: %v, %v", changed, err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if changed, err := s.Refresh(); changed || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v, %v", changed, err)
	}
	if s.Check(access.Request{Token: second, Tier: "secure"}).Outcome != access.Allowed || s.Check(access.Request{Token: first, Tier: "secure"}).Outcome != access.Revoked {
		t.Error("the tokens read last are not in force")
	}
}

// A file put in the place of another is seen though size and time are the same.
func TestRefreshSeesAnotherFile(t *testing.T) {
	dir := t.TempDir()
	path, other := filepath.Join(dir, "access.json"), filepath.Join(dir, "other.json")
	old := issue(t, path, access.Token{Name: "a", Tier: "secure"})
	issue(t, other, access.Token{Name: "b", Tier: "secure"})
	for _, p := range []string{path, other} {
		if err := os.Chtimes(p, day0, day0); err != nil {
			t.Fatal(err)
		}
	}
	s, err := access.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	if changed, err := s.Refresh(); !changed || err != nil {
		t.Errorf("got %v, %v", changed, err)
	}
	if got := s.Check(access.Request{Token: old, Tier: "secure"}).Outcome; got != access.Unknown {
		t.Errorf("the token of the file that is gone is %v", got)
	}
}

// Writers at once lose nothing, and readers always see a whole file.
func TestConcurrentWritersAndReaders(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.json")
	first := issue(t, path, access.Token{Name: "first", Tier: "secure"})
	s, err := access.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	const writers, each = 4, 8
	var done atomic.Bool
	var writing, reading sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			for i := range each {
				name := fmt.Sprintf("w%d-%d", w, i)
				if _, err := access.Add(path, access.Token{Name: name, Tier: "government", Created: day0}); err != nil {
					t.Error(err)
				}
				if i%2 == 0 {
					if err := access.Revoke(path, name, day0); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	for range 2 {
		reading.Go(func() {
			for !done.Load() {
				if _, err := s.Refresh(); err != nil {
					t.Error(err)
					return
				}
				if got := s.Check(access.Request{Token: first, Tier: "secure"}); got.Outcome != access.Allowed {
					t.Errorf("got %v", got.Outcome)
					return
				}
			}
		})
	}
	writing.Wait()
	done.Store(true)
	reading.Wait()
	tokens, err := access.List(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := 1 + writers*each; len(tokens) != want {
		t.Errorf("%d tokens, want %d", len(tokens), want)
	}
}

// What is accepted is within the limits and reads the same when it is written
// by another program.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"", "{}", `{"tokens":[]}`, `{"origins":["https://a.example"],"tokens":null}`, `{"tokens":[{}]}`, "[[[[",
		`{"tokens":[{"name":"a","tier":"secure","hash":"` + strings.Repeat("0a", 32) + `","created":"2026-01-01T00:00:00Z"}]}`,
		`{"tokens":[{"name":"a","tier":"secure","hash":"` + strings.Repeat("0a", 32) + `","expires":"2026-01-01T00:00:00+08:00"}]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := access.Parse(data)
		if err != nil {
			if problem.Of(err) == nil {
				t.Fatalf("%v is no problem", err)
			}
			return
		}
		names := map[string]bool{}
		for _, token := range file.Tokens {
			if names[token.Name] || token.Tier != "secure" && token.Tier != "government" || len(token.Hash) != 64 {
				t.Fatalf("accepted %+v", token)
			}
			names[token.Name] = true
		}
	})
}
