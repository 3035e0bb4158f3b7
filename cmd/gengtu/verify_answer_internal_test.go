package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"gengtu/index/problem"
	"gengtu/index/receipt"
)

// What a verdict says of an answer names its scope, where it has one.
func TestVerdictTellsTheScope(t *testing.T) {
	for scope, want := range map[string]bool{"610402001": true, "": false} {
		var out bytes.Buffer
		e := &env{ctx: context.Background(), stdout: &out, stderr: &out, lang: problem.English}
		if err := e.tellVerdict(receipt.Verdict{Receipt: receipt.Receipt{Scope: scope}}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(out.String(), "scope: "+scope+"\n"); got != want || !strings.Contains(out.String(), "genuine and unaltered") {
			t.Errorf("scope %q: %s", scope, out.String())
		}
	}
}
