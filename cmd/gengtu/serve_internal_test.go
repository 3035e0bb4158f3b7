package main

import (
	"net"
	"testing"
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
