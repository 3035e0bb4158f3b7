package oidc

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/singleflight"

	"gengtu/index/problem"
)

// When keys are fetched.
const (
	// FetchTime bounds the fetching of keys.
	FetchTime = 5 * time.Second
	// fresh is how old keys may become before they are fetched anew, beside the
	// requests: a key that the issuer has taken back is used no longer than that,
	// but by requests that come while it is fetched.
	fresh = 15 * time.Minute
	// pause is how long lies between two fetches, also of keys that a token names
	// and we do not have: who makes up names must not make us ask all the time.
	pause = 30 * time.Second
	// Kept is how long keys are used while the issuer cannot be reached.
	Kept = 24 * time.Hour
)

// What an issuer may send.
const (
	maxAnswer = 1 << 20
	maxKeys   = 100
)

// keySet holds the keys of an issuer. Safe for concurrent use.
//
// The key sets of well-known libraries ask the issuer for each signature that does
// not fit, and keep what they have for ever.
type keySet struct {
	config Config
	client *http.Client
	now    func() time.Time
	flight singleflight.Group

	mu    sync.Mutex
	keys  []jose.JSONWebKey
	of    time.Time // when keys were fetched
	tried time.Time // when they were last asked for
	err   error     // of the last time
}

func newKeySet(c Config, now func() time.Time) (*keySet, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CAFile != "" {
		data, err := os.ReadFile(c.CAFile)
		pool := x509.NewCertPool()
		if err == nil && !pool.AppendCertsFromPEM(data) {
			err = errors.New("no certificate in it")
		}
		if err != nil {
			return nil, problem.New("ACCESS_OIDC", "签发方的 CA 证书不能用（%v）", "the issuer's CA certificates cannot be used (%v)", err).
				Advise("ca_file 是 PEM 证书", "ca_file holds certificates as PEM").In(c.CAFile).Because(err)
		}
		transport.TLSClientConfig.RootCAs = pool
	}
	client := &http.Client{
		Transport: transport, Timeout: FetchTime,
		// Keys come from the address that was written down.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &keySet{config: c, client: client, now: now}, nil
}

// named returns the keys of that name, all of them for "", fetching them when
// they are not known or old. The error wraps [ErrKeys].
func (s *keySet) named(id string) ([]jose.JSONWebKey, error) {
	found, have := s.look(id)
	switch {
	case len(found) > 0 && have == old:
		// Nobody waits for what is only to be newer.
		go func() { _ = s.fetch() }() // is kept, and told when the keys are too old
		return found, nil
	case len(found) > 0:
		return found, nil
	}
	err := s.fetch()
	if found, have = s.look(id); have == none {
		return nil, fmt.Errorf("%w: %w", ErrKeys, err)
	}
	return found, nil
}

// state is what the keys of an issuer are.
type state uint8

const (
	none state = iota // there are none that may be used
	good
	old // they are to be fetched anew
)

// look returns the keys of that name, and what state all of them are in.
func (s *keySet) look(id string) ([]jose.JSONWebKey, state) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if len(s.keys) == 0 || now.Sub(s.of) > Kept {
		return nil, none
	}
	var found []jose.JSONWebKey
	for _, k := range s.keys {
		if id == "" || k.KeyID == id {
			found = append(found, k)
		}
	}
	if now.Sub(s.of) >= fresh && now.Sub(s.tried) >= pause {
		return found, old
	}
	return found, good
}

// fetch fetches the keys, unless that was tried just before, and returns the error
// of the last time. Who comes meanwhile waits for the same.
func (s *keySet) fetch() error {
	_, err, _ := s.flight.Do("", func() (any, error) {
		s.mu.Lock()
		last, tried := s.err, s.tried
		now := s.now()
		wait := !tried.IsZero() && now.Sub(tried) < pause
		if !wait {
			s.tried = now
		}
		s.mu.Unlock()
		if wait {
			return nil, last
		}
		keys, err := s.download()
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.err = err; err == nil {
			s.keys, s.of = keys, now
		}
		return nil, err
	})
	return err
}

// download gets the keys from the issuer.
func (s *keySet) download() ([]jose.JSONWebKey, error) {
	ctx, cancel := context.WithTimeout(context.Background(), FetchTime)
	defer cancel()
	address := s.config.JWKSURL
	if address == "" {
		var d struct {
			Issuer  string `json:"issuer"`
			JWKSURI string `json:"jwks_uri"`
		}
		if err := s.get(ctx, strings.TrimSuffix(s.config.Issuer, "/")+"/.well-known/openid-configuration", &d); err != nil {
			return nil, err
		}
		// OpenID Connect Discovery 1.0, 4.3.
		if d.Issuer != s.config.Issuer {
			return nil, fmt.Errorf("the description at %s is of the issuer %.120q", s.config.Issuer, d.Issuer)
		}
		if !safeURL(d.JWKSURI) {
			return nil, fmt.Errorf("the issuer's keys are said to be at no https address")
		}
		address = d.JWKSURI
	}
	bare, _, _ := strings.Cut(address, "?")
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := s.get(ctx, address, &set); err != nil {
		return nil, err
	}
	if len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("%d keys at %s, at most %d are read", len(set.Keys), bare, maxKeys)
	}
	var keys []jose.JSONWebKey
	for _, text := range set.Keys {
		var k jose.JSONWebKey
		// Keys of kinds that we do not know may stand beside others (RFC 7517, 5).
		if k.UnmarshalJSON(text) == nil && signs(&k) {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("no key for signatures at %s", bare)
	}
	return keys, nil
}

// signs tells whether k is the public half of a key for signatures.
func signs(k *jose.JSONWebKey) bool {
	if k.Use != "" && k.Use != "sig" {
		return false
	}
	switch k.Key.(type) {
	case *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey:
		return k.Valid()
	}
	return false
}

// get reads a JSON document. Errors name the address without its query, which may hold
// a key of this system's.
func (s *keySet) get(ctx context.Context, address string, v any) error {
	bare, _, _ := strings.Cut(address, "?")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", bare, withoutURL(err))
	}
	req.Header.Set("Accept", "application/json")
	res, err := s.client.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w", bare, withoutURL(err))
	}
	defer func() { _ = res.Body.Close() }() // only read
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", bare, res.Status)
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return fmt.Errorf("%s: %w", bare, err)
	}
	if len(data) > maxAnswer {
		return fmt.Errorf("%s answers with more than %d bytes", bare, maxAnswer)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%s: %w", bare, err)
	}
	return nil
}

// withoutURL is an error of the client without the address in it.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
