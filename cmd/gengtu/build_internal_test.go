package main

import (
	"testing"
	"time"
)

func TestByteSize(t *testing.T) {
	for text, want := range map[string]int64{
		"1M": 1 << 20, "1048576": 1 << 20, "512M": 512 << 20, "2G": 2 << 30, "3000K": 3000 << 10, "1T": 1 << 40,
		"1": 0, "1048575": 0, "3K": 0, // less than serves
		"": 0, "0": 0, "0G": 0, "-1G": 0, "G": 0, "1.5G": 0, "2GB": 0, "2g": 0, "9999999T": 0, "4611686018427387904K": 0, "M2": 0, "1M2": 0,
	} {
		got, err := byteSize(text)
		if got != want || (err == nil) != (want > 0) {
			t.Errorf("%q: got %d, %v, want %d", text, got, err, want)
		}
	}
}

func TestRemaining(t *testing.T) {
	for _, c := range []struct {
		name        string
		spent       time.Duration
		done, total int64
		want        time.Duration
		ok          bool
	}{
		{"a quarter done", 10 * time.Second, 25, 100, 30 * time.Second, true},
		{"all done", 10 * time.Second, 100, 100, 0, true},
		{"nothing done", 10 * time.Second, 0, 100, 0, false},
		{"hardly begun", time.Millisecond, 1, 100, 0, false},
		{"more than all", 10 * time.Second, 101, 100, 0, false},
	} {
		if got, ok := remaining(c.spent, c.done, c.total); got != c.want || ok != c.ok {
			t.Errorf("%s: got %v, %v", c.name, got, ok)
		}
	}
}
