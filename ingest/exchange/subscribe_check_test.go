package exchange_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/ingest/exchange"
)

// Ensure: a subscription to what the edition does not have is refused with its line before
// anything is sent, whether it begins now or with the whole.
func TestSubscriptionsFitTheEdition(t *testing.T) {
	signer, _ := keys(t)
	dir := t.TempDir()
	plots{1: {"0101", "610402001"}}.commit(t, dir, 3)
	for text, want := range map[string]string{
		"  - {name: a, layer: cropland}\n":                                                "",
		"  - {name: a, layer: cropland, place: '610402'}\n":                               "",
		"  - {name: a, layer: cropland, place: '610402002'}\n":                            "", // a region without a feature
		"  - {name: a, question: [cropland], place: '610402001'}\n":                       "",
		"  - {name: a, layer: cropland}\n  - {name: b, layer: hsf}\n":                     "line 3: the layer \"hsf\" of b is not in this government edition",
		"  - {name: a, layer: nosuch, begin: whole}\n":                                    "line 2: the layer \"nosuch\"",
		"  - {name: a, layer: cropland, place: '999999'}\n":                               "line 2: no feature lies in the place 999999",
		"  - {name: a, question: [nosuch], place: '610402001'}\n":                         "line 2: the layer \"nosuch\"",
		"  - {name: a, question: [cropland], place: '999999'}\n":                          "line 2: the question of a cannot be asked",
		"  - {name: a, question: [cropland, nosuch], place: '610402001', begin: whole}\n": "line 2: the layer \"nosuch\"",
	} {
		subs, err := exchange.ParseSubscriptions("s.yaml", []byte("subscriptions:\n"+text), edition.Government)
		if err != nil {
			t.Fatal(err)
		}
		fresh := filepath.Join(t.TempDir(), "e")
		if err := os.CopyFS(fresh, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		out := t.TempDir()
		push := &exchange.Push{Edition: fresh, Signer: signer, Outbox: out, Now: time.Now(), Subscriptions: subs}
		_, err = push.Run(t.Context())
		switch p := problem.Of(err); {
		case want == "" && err != nil, want != "" && (p == nil || p.Code != "SUBSCRIPTIONS_FILE" || !strings.Contains(p.Found(problem.English), want)):
			t.Errorf("%s: %v", text, err)
		}
		if sent, err := os.ReadDir(out); err != nil || len(sent) != 0 {
			t.Errorf("%s: %d were sent, %v", text, len(sent), err)
		}
	}
}

// Ensure: answers in messages say which program gave them.
func TestAnswersNameTheProgram(t *testing.T) {
	signer, _ := keys(t)
	dir, out := t.TempDir(), t.TempDir()
	plots{1: {"0101", "610402001"}}.commit(t, dir, 3)
	push := &exchange.Push{Edition: dir, Signer: signer, Outbox: out, Now: time.Now(), Program: "gengtu 1.2", Subscriptions: []exchange.Subscription{
		{Name: "a", Question: []string{"cropland"}, Place: "610402001", To: "outbox", Begin: "whole"},
	}}
	if _, err := push.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(out, "*.gtc"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	if data, err := os.ReadFile(files[0]); err != nil || !strings.Contains(string(data), `"program":"gengtu 1.2"`) {
		t.Errorf("%s %v", data, err)
	}
}
