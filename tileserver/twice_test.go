package tileserver_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/tileserver/access"
)

// lines sends a request with header lines as they are given, some of them twice.
func (s *service) lines(t testing.TB, address string, lines ...string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://gengtu.test"+address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		name, value, _ := strings.Cut(l, ": ")
		req.Header[name] = append(req.Header[name], value)
	}
	answer, err := s.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close() // only read
	if err != nil {
		t.Fatal(err)
	}
	return reply{answer, body}
}

// A request that says twice who asks is refused: no header of two counts, and no token
// of two that differ.
func TestWhoAsksTwice(t *testing.T) {
	s := serve(t, nil, edition.Secure, edition.Public)
	partner := s.token(t, access.Token{Name: "partner", Bounds: access.Bounds{Origins: []string{"https://partner.example"}}})
	other := s.tokens[edition.Secure]
	bearer := func(token string) string { return "Authorization: Bearer " + token }
	const good, evil = "Origin: https://partner.example", "Origin: https://evil.example"
	for name, c := range map[string]struct {
		address string
		lines   []string
		code    string
	}{
		"one of each":               {"/secure/catalog", []string{bearer(partner), good}, ""},
		"the same token again":      {"/secure/catalog?tk=" + partner, []string{bearer(partner), good}, ""},
		"two origins":               {"/secure/catalog", []string{bearer(partner), good, evil}, "parameter_header"},
		"two origins, the evil one": {"/secure/catalog", []string{bearer(partner), evil, good}, "parameter_header"},
		"the same origin twice":     {"/secure/catalog", []string{bearer(partner), good, "oRIGIN: https://partner.example"}, "parameter_header"},
		"two tokens":                {"/secure/catalog", []string{bearer(partner), bearer(other), good}, "parameter_header"},
		"no token in the first":     {"/secure/catalog", []string{"Authorization: Basic eDp5", bearer(other)}, "parameter_header"},
		"another token beside":      {"/secure/catalog?tk=" + other, []string{bearer(partner), good}, "parameter_token"},
		"a wrong token beside":      {"/secure/catalog?tk=x", []string{bearer(other)}, "parameter_token"},
		"two in the address":        {"/secure/catalog?tk=" + partner + "&tk=" + other, []string{good}, "parameter_token"},
		"two origins in public":     {"/public/catalog", []string{good, evil}, "parameter_header"},
		"a gate's token in public":  {"/public/catalog?tk=x", []string{bearer("y")}, ""},
	} {
		r := s.lines(t, c.address, c.lines...)
		if c.code == "" {
			if r.StatusCode != http.StatusOK {
				t.Errorf("%s: %d %s", name, r.StatusCode, r.body)
			}
			continue
		}
		wantProblem(t, name, r, http.StatusBadRequest, c.code)
		if strings.HasPrefix(c.address, "/secure") && c.code == "parameter_header" && r.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: pages of %s may read it", name, r.Header.Get("Access-Control-Allow-Origin"))
		}
	}
}
