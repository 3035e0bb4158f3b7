package main

import (
	"testing"

	"gengtu/index/problem"
	"gengtu/tileserver/load"
)

func TestParseRate(t *testing.T) {
	for text, want := range map[string]load.Rate{
		"": {}, "5": {PerSecond: 5}, "0.5/1": {PerSecond: 0.5, Burst: 1}, "200/1000": {PerSecond: 200, Burst: 1000}, "1e6": {PerSecond: 1e6},
	} {
		if got, err := parseRate("rate-address", text); err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"0", "-1", "x", "5/", "5/0", "5/-1", "5/x", "/5", "NaN", "Inf", "1e7", "5/9999999", " 5"} {
		if got, err := parseRate("rate-address", text); err == nil || problem.Of(err).Code != "RATE" {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, l := range []limiting{{connections: -1}, {perIP: maxRate + 1}} {
		if _, err := l.limits(); err == nil || problem.Of(err).Code != "CONNECTIONS" {
			t.Errorf("%+v: %v", l, err)
		}
	}
}
