package setting_test

import (
	"strings"
	"testing"

	"gengtu/index/setting"
)

// A slip finds the word that was meant, whatever else is there; another word finds none.
func TestNearest(t *testing.T) {
	known := []string{"access", "access-log", "audit", "cache", "catalogue", "listen", "log", "log-format", "open", "public-url", "seal", "tls-cert", "tls-key"}
	for word, want := range map[string]string{
		"acces": "access", "acess-log": "access-log", "public_url": "public-url", "PUBLIC-URL": "public-url", "pubic-url": "public-url", "lisetn": "listen", "lgo": "log",
		"catalog": "catalogue", "tls-crt": "tls-cert", "tlskey": "tls-key", "sael": "seal", "chache": "cache", "audits": "audit",
		"": "", "x": "", "password": "", "workers": "", "accessaccess": "", "端口": "", strings.Repeat("a", 100): "",
	} {
		if got := setting.Nearest(word, known); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
	if got := setting.Nearest("a", nil); got != "" {
		t.Errorf("of none: %q", got)
	}
}

// One slip in a word is found, two are another word.
func TestOneSlip(t *testing.T) {
	known := []string{"format", "extent", "bounds"}
	for word, want := range map[string]string{
		"format": "format", "FORMAT": "format", "fromat": "format", "formatt": "format", "bound": "bounds", "extend": "extent",
		"form": "", "round": "", "event": "", "": "", "formatformat": "", strings.Repeat("bounds", 1000): "",
	} {
		if got := setting.OneSlip(word, known); got != want {
			t.Errorf("%.20q: %q, want %q", word, got, want)
		}
	}
}
