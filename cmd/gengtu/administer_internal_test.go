package main

import "testing"

// Each command has a duty: who adds a verb decides which role it is for.
func TestEachCommandHasADuty(t *testing.T) {
	all := map[string]bool{}
	for _, c := range commands() {
		all[c.name] = true
		if duties[c.name] == 0 {
			t.Errorf("%s has no duty: say in duties whom it is for", c.name)
		}
	}
	for name := range duties {
		if !all[name] {
			t.Errorf("%s has a duty and is no command", name)
		}
	}
	for _, dump := range []string{"--dump", "-dump", "--dump=true"} {
		if dutyOf("verify", []string{"EDITION", dump}) != bySystem {
			t.Errorf("verify %s is anybody's", dump)
		}
	}
}
