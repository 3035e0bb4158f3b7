package tileserver_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/edition"
	"gengtu/tileserver"
	"gengtu/tileserver/access"
)

// whoAmI is what /me answers.
type whoAmI struct {
	Tier                        edition.Tier
	How                         string
	Name, Issuer, Address, Area *string
	Operations, Layers, Places  []string
	Origins, Addresses          []string
	Expires                     *time.Time
	Now                         time.Time
	Rate                        *float64
	Burst                       *int
	MinZoom                     *int `json:"min_zoom"`
	MaxZoom                     *int `json:"max_zoom"`
	Watermark                   bool
	Logout                      string
}

func all(ops []access.Operation) (out []string) {
	for _, o := range ops {
		out = append(out, string(o))
	}
	return out
}

// Whoever asks is told who they are and what binds them, each token its own, and nothing
// of the token, of its hash or of other tokens; nobody on the way keeps it.
func TestMe(t *testing.T) {
	s := serve(t, nil, edition.Secure, edition.Public)
	ends := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	bound := access.Token{
		Name: "西镇", Expires: ends, Scope: &access.Scope{Layers: []string{"pbf", "region"}, Places: []string{village}, MaxZoom: 15, Operations: []access.Operation{access.Tiles, access.Overlay}},
		Bounds: access.Bounds{Rate: 50, Burst: 70, Origins: []string{"https://map.example.org"}},
	}
	tokens := map[string]string{"whole": s.tokens[edition.Secure], "bound": s.token(t, bound)}
	str := func(v string) *string { return &v }
	num := func(v int) *int { return &v }
	rate := 50.0
	for name, want := range map[string]whoAmI{
		"whole": {Tier: "secure", How: "token", Name: str("secure"), Operations: all(access.Operations), Watermark: true},
		"bound": {
			Tier: "secure", How: "token", Name: str("西镇"), Operations: []string{"tiles", "overlay"}, Layers: []string{"pbf", "region"}, Places: []string{village}, Origins: []string{"https://map.example.org"},
			Expires: &ends, Rate: &rate, Burst: num(70), MaxZoom: num(15), Watermark: true,
		},
	} {
		r := s.get(t, "/secure/me", "Authorization", "Bearer "+tokens[name], "Origin", "https://map.example.org")
		if r.StatusCode != http.StatusOK || r.Header.Get("Cache-Control") != "no-store" || r.Header.Get("ETag") != "" || !strings.Contains(r.Header.Get("Vary"), "Authorization") {
			t.Fatalf("%s: %d %v %s", name, r.StatusCode, r.Header, r.body)
		}
		got := decode[whoAmI](t, r)
		if time.Since(got.Now).Abs() > time.Minute {
			t.Errorf("%s: time %v", name, got.Now)
		}
		got.Now = time.Time{}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		secrets := []string{tokens["whole"], tokens["bound"], tokens["whole"][3:20], tokens["bound"][3:20]}
		f, err := access.Load(s.accessFile)
		if err != nil {
			t.Fatal(err)
		}
		for _, token := range f.Tokens {
			secrets = append(secrets, token.Hash, token.Hash[:16])
			if token.Name != *want.Name {
				secrets = append(secrets, `"`+token.Name+`"`)
			}
		}
		text := strings.NewReplacer(`"tier":"secure"`, "", `"tier_title":"secure"`, "").Replace(string(r.body))
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%s: the answer has %q: %s", name, secret, text)
			}
		}
	}
}

// In public nobody is asked who they are, whatever token they show; without one there is
// no answer above it, and a token of another tier is refused.
func TestMeOfNobody(t *testing.T) {
	s := serve(t, nil, edition.Secure, edition.Public)
	r := s.get(t, "/public/me", "Authorization", "Bearer "+s.tokens[edition.Secure])
	got := decode[whoAmI](t, r)
	if got.How != "open" || got.Name != nil || got.Expires != nil || got.Watermark || !slices.Equal(got.Operations, all(access.Operations)) || strings.Contains(string(r.body), "secure") {
		t.Errorf("public: %s", r.body)
	}
	wantProblem(t, "no token", s.get(t, "/secure/me"), http.StatusUnauthorized, "token_missing")
	wantProblem(t, "another tier's", s.get(t, "/secure/me", "Authorization", "Bearer "+s.tokens[edition.Government]), http.StatusForbidden, "token_refused")
	wantProblem(t, "a slip", s.get(t, "/public/me?vintag=2024"), http.StatusBadRequest, "parameter_unknown")
	open := serve(t, func(c *tileserver.Config) { c.Access = nil }, edition.Secure)
	if got := decode[whoAmI](t, open.get(t, "/secure/me")); got.How != "open" || !got.Watermark {
		t.Errorf("a trial: %+v", got)
	}
}

// The catalogue says where to ask who one is, when and by which policy the generation was
// made, and whether pages show a watermark.
func TestCatalogueOfTheEdition(t *testing.T) {
	s := serve(t, nil, edition.Secure, edition.Public)
	for tier, watermark := range map[edition.Tier]bool{edition.Secure: true, edition.Public: false} {
		r := s.get(t, "/"+string(tier)+"/catalog", s.bearer(tier)...)
		var doc struct {
			Created   time.Time
			Watermark bool
			Services  map[string]string
			Policy    map[string]string
		}
		if err := json.Unmarshal(r.body, &doc); err != nil {
			t.Fatal(err)
		}
		if doc.Watermark != watermark || doc.Created.IsZero() || !strings.HasSuffix(doc.Services["me"], "/"+string(tier)+"/me") {
			t.Errorf("%s: %+v", tier, doc)
		}
	}
}
