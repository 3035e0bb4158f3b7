// Package oidctest is an OpenID Connect issuer for tests: it describes itself, lets a
// user in without asking, gives codes with PKCE and exchanges each once. What it signs is
// put together with the standard library alone, after RFC 7515 and 7518, so that a fault
// of the library that verifies is not made twice.
package oidctest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"
)

// Issuer is an issuer on a server of its own. Its fields are set before it is asked, or
// with [Issuer.Set].
type Issuer struct {
	*httptest.Server
	// Client and Secret are the one client that it knows; "" is none.
	Client, Secret string
	// User is what its tokens say beside iss, aud, nonce, iat and exp, before which it goes.
	User map[string]any
	// Life is how long its tokens last.
	Life time.Duration
	// Deny is the error by which it refuses users, "" for none.
	Deny string
	// Redirect is the address that it has on its list; "" takes any.
	Redirect string
	// Lax does not look whether a code belongs to the verifier, nor whether it was used:
	// what a client has to find by itself.
	Lax bool
	// Down answers nothing but 503.
	Down bool
	// Sign makes tokens, where it is not [Issuer.Token].
	Sign func(claims map[string]any) string

	mu    sync.Mutex
	key   *ecdsa.PrivateKey
	codes map[string]grant
	asked []string
}

// grant is a code that was given.
type grant struct {
	redirect, challenge, nonce string
	used                       bool
}

// New starts an issuer that ends with the test, for the client gengtu.
func New(t testing.TB) *Issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i := &Issuer{Client: "gengtu", Life: time.Hour, key: key, codes: map[string]grant{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.describe)
	mux.HandleFunc("GET /keys", i.keys)
	mux.HandleFunc("GET /authorize", i.authorize)
	mux.HandleFunc("POST /token", i.exchange)
	mux.HandleFunc("GET /logout", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Query().Get("post_logout_redirect_uri"), http.StatusFound)
	})
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		i.asked = append(i.asked, r.Method+" "+r.URL.Path)
		down := i.Down
		i.mu.Unlock()
		if down {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(i.Close)
	return i
}

// Set changes the issuer while it may be asked.
func (i *Issuer) Set(change func(*Issuer)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change(i)
}

// Asked are the methods and paths of all requests so far.
func (i *Issuer) Asked() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]string(nil), i.asked...)
}

func (i *Issuer) describe(w http.ResponseWriter, _ *http.Request) {
	send(w, map[string]any{
		"issuer": i.URL, "jwks_uri": i.URL + "/keys", "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token",
		"authorization_response_iss_parameter_supported": true,
	})
}

func (i *Issuer) keys(w http.ResponseWriter, _ *http.Request) {
	point, err := i.key.PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	send(w, map[string]any{"keys": []any{map[string]any{"kty": "EC", "crv": "P-256", "kid": "1", "use": "sig", "x": b64(point[1:33]), "y": b64(point[33:])}}})
}

// authorize lets the user in, or refuses, and sends the browser back.
func (i *Issuer) authorize(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	q := r.URL.Query()
	back, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || q.Get("client_id") != i.Client || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || i.Redirect != "" && q.Get("redirect_uri") != i.Redirect {
		http.Error(w, "invalid_request", http.StatusBadRequest)
		return
	}
	answer := url.Values{"state": {q.Get("state")}, "iss": {i.URL}}
	if i.Deny != "" {
		answer.Set("error", i.Deny)
	} else {
		code := random()
		i.codes[code] = grant{redirect: q.Get("redirect_uri"), challenge: q.Get("code_challenge"), nonce: q.Get("nonce")}
		answer.Set("code", code)
	}
	back.RawQuery = answer.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

// exchange gives a token for a code, once, to who began.
func (i *Issuer) exchange(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	id, secret, basic := r.BasicAuth()
	if basic { // RFC 6749, 2.3.1
		id, _ = url.QueryUnescape(id) // what cannot be read is not equal to what is known
		secret, _ = url.QueryUnescape(secret)
	} else {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	code := r.PostFormValue("code")
	g, known := i.codes[code]
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	fits := known && (i.Lax || !g.used && b64(sum[:]) == g.challenge) && g.redirect == r.PostFormValue("redirect_uri") && r.PostFormValue("grant_type") == "authorization_code"
	switch {
	case id != i.Client || secret != i.Secret:
		w.WriteHeader(http.StatusUnauthorized)
		send(w, map[string]string{"error": "invalid_client"})
		return
	case !fits:
		w.WriteHeader(http.StatusBadRequest)
		send(w, map[string]string{"error": "invalid_grant"})
		return
	}
	g.used = true
	i.codes[code] = g
	now := time.Now()
	claims := map[string]any{"iss": i.URL, "aud": i.Client, "sub": "u1", "nonce": g.nonce, "iat": now.Unix(), "exp": now.Add(i.Life).Unix()}
	maps.Copy(claims, i.User)
	sign := i.Sign
	if sign == nil {
		sign = i.Token
	}
	send(w, map[string]any{"token_type": "Bearer", "access_token": random(), "expires_in": int(i.Life.Seconds()), "id_token": sign(claims)})
}

// Token signs claims by ES256.
func (i *Issuer) Token(claims map[string]any) string {
	text := b64(marshal(map[string]any{"alg": "ES256", "kid": "1", "typ": "JWT"})) + "." + b64(marshal(claims))
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, i.key, sum[:])
	if err != nil {
		panic(err)
	}
	out := make([]byte, 64)
	r.FillBytes(out[:32])
	s.FillBytes(out[32:])
	return text + "." + b64(out)
}

func random() string {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(err)
	}
	return hex.EncodeToString(b[:])
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func marshal(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}

func send(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(marshal(v)) // the client of a test that has gone is told nothing
}
