package main

import (
	"net"
	"testing"

	"gengtu/index/problem"
)

// The address that is told can be opened: of all addresses of the machine it is one.
func TestOpenable(t *testing.T) {
	for given, want := range map[string]string{
		"[::]:8080": "127.0.0.1:8080", "0.0.0.0:443": "127.0.0.1:443", "127.0.0.1:1": "127.0.0.1:1", "[::1]:2": "[::1]:2", "192.0.2.7:80": "192.0.2.7:80",
	} {
		got := openable(given)
		if got[0] != want || len(got) > mostAddresses {
			t.Errorf("%s: %v, want %s first", given, got, want)
		}
		for _, a := range got {
			host, _, err := net.SplitHostPort(a)
			if ip := net.ParseIP(host); err != nil || ip == nil || ip.IsUnspecified() {
				t.Errorf("%s: %s cannot be opened", given, a)
			}
		}
	}
}

// What answers are to name the server by is an address that can be opened, or refused
// before anything begins; so are levels, rates and networks, wherever they come from.
func TestServingIsChecked(t *testing.T) {
	for base, want := range map[string]string{
		"": "", "https://map.example.org": "", "http://10.0.0.7:8080/": "", "https://gate.example.org/farm/land": "", "https://[2001:db8::1]/": "",
		"map.example.org": "PUBLIC_URL", "map.example.org:8080": "PUBLIC_URL", "//map.example.org": "PUBLIC_URL", "ftp://map.example.org": "PUBLIC_URL", "https://": "PUBLIC_URL",
		"https://:443": "PUBLIC_URL", "https://a b": "PUBLIC_URL", "https://map.example.org/?tk=x": "PUBLIC_URL", "https://map.example.org/#x": "PUBLIC_URL", "https://me:key@map.example.org": "PUBLIC_URL",
	} {
		f := serving{listen: "127.0.0.1:0", base: base}
		if got := codeOf(f.check()); got != want {
			t.Errorf("%q: %s, want %s", base, got, want)
		}
	}
	for listen, want := range map[string]string{
		":8080": "", "[::1]:0": "", "localhost:65535": "", "8080": "LISTEN_ADDRESS", "127.0.0.1": "LISTEN_ADDRESS", "127.0.0.1:99999": "LISTEN_ADDRESS", "127.0.0.1:": "LISTEN_ADDRESS", "": "LISTEN_ADDRESS", "::1:8080": "LISTEN_ADDRESS",
	} {
		f := serving{listen: listen}
		if got := codeOf(f.check()); got != want {
			t.Errorf("%q: %s, want %s", listen, got, want)
		}
	}
	for want, f := range map[string]serving{
		"LOG_LEVEL": {log: logging{level: "loud"}}, "LOG_FORMAT": {log: logging{format: "xml"}}, "RATE": {limiting: limiting{token: "0"}},
		"CONNECTIONS": {limiting: limiting{perIP: -1}}, "NETWORK": {proxies: "10.0.0.0/33"}, "TLS_PAIR": {cert: "a"},
	} {
		f.listen = "127.0.0.1:0"
		if got := codeOf(f.check()); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func codeOf(err error) string {
	if p := problem.Of(err); p != nil {
		return p.Code
	}
	return ""
}
