package main

import "testing"

// The command that a person is told to type has what the package needed here.
func TestReleaseLine(t *testing.T) {
	var f receiving
	f.Edition, f.Trust = "there", "a.pub"
	if got, want := f.releaseLine("gtp-1"), "gengtu release --edition there --trust a.pub --by NAME gtp-1"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	f.As, f.Decrypt = "us", "b.pem"
	f.level, f.policy = "public", "p.yaml"
	if got, want := f.releaseLine("gtp-1"), "gengtu release --edition there --trust a.pub --as us --decrypt b.pem --tier public --policy p.yaml --by NAME gtp-1"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
