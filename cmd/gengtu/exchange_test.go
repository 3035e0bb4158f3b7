package main_test

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gengtu/index/edition"
)

// carry moves what is in one folder into another, as a gate does.
func carry(t testing.TB, from, to string) (names []string) {
	t.Helper()
	all, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if err := os.Rename(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
			t.Fatal(err)
		}
		still(t, filepath.Join(to, e.Name()))
		names = append(names, e.Name())
	}
	return names
}

// still makes a file one that has lain still for a while.
func still(t testing.TB, path string) {
	t.Helper()
	at := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

// Packages that a gate brings in any order are taken in, in the order in which they were
// sent, and receipts come back to the sender, whose list of deliveries knows of them;
// what is altered, sent twice, or signed by nobody who is trusted goes into quarantine.
func TestExchange(t *testing.T) {
	c := smallCountry(t, 300)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"out", "in", "back", "home"} {
		if err := os.Mkdir(at(name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	ours, theirs := key(t, "std"), key(t, "std")
	c.ingest(t, at("here"))
	pack := func(name string, more ...string) {
		t.Helper()
		must(t, append([]string{"pack", "--edition", at("here"), "--key", ours, "--out", filepath.Join(at("out"), name)}, more...)...)
	}
	pack("z.gtp")
	for round, name := range []string{"m.gtp", "a.gtp"} {
		must(t, c.random(t, rand.New(rand.NewPCG(uint64(round), 9)), 20).args(t, at("here"))...)
		pack(name, "--since", "last")
	}
	replayed, err := os.ReadFile(filepath.Join(at("out"), "m.gtp"))
	if err != nil {
		t.Fatal(err)
	}
	carry(t, at("out"), at("in"))
	put := func(dir, name string, data []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
		still(t, filepath.Join(dir, name))
	}
	put(at("in"), "half.gtp.part", replayed[:1000])
	put(at("in"), ".half.gtp", replayed[:1000])
	put(at("in"), "notes.txt", []byte("hello"))
	receive := []string{"exchange", "--edition", at("there"), "--inbox", at("in"), "--outbox", at("back"), "--trust", ours + ".pub", "--key", theirs}
	must(t, receive...)
	sameEdition(t, at("here"), at("there"))
	if left := carry(t, at("in"), at("in")); strings.Join(left, " ") != ".half.gtp half.gtp.part notes.txt" {
		t.Errorf("the inbox holds %v", left)
	}
	// Sent twice, altered, and not a package at all.
	altered := append([]byte{}, replayed...)
	altered[len(altered)/2] ^= 1
	put(at("in"), "again.gtp", replayed)
	put(at("in"), "altered.gtp", altered)
	put(at("in"), "text.gtp", []byte("hello"))
	put(at("in"), "receipt.json", []byte(`{"receipt":{"format":"gengtu-receipt/1","package":"gtp-x","outcome":"accepted"}}`))
	_, errs, code := gengtu(t, receive...)
	if code != 1 || !strings.Contains(errs, "[EXCHANGE_REFUSED]") || !strings.Contains(errs, "4 were refused") || !strings.Contains(errs, "[PACKAGE_REPLAY]") || !strings.Contains(errs, "[RECEIPT_BROKEN]") {
		t.Errorf("%d %s", code, errs)
	}
	if all, err := os.ReadDir(at("there.quarantine")); err != nil || len(all) != 4 {
		t.Errorf("in quarantine: %v %v", all, err)
	}
	sameEdition(t, at("here"), at("there"))
	if left := carry(t, at("in"), at("in")); len(left) != 3 {
		t.Errorf("the inbox holds %v", left)
	}
	// A fault of ours leaves a package where it is.
	put(at("in"), "again.gtp", replayed)
	if _, errs, code := gengtu(t, "exchange", "--edition", at("there"), "--inbox", at("in"), "--trust", at("none.pub")); code != 1 || !strings.Contains(errs, "[SEAL_FILE]") {
		t.Errorf("%d %s", code, errs)
	}
	if left := carry(t, at("in"), at("in")); len(left) != 4 {
		t.Errorf("the inbox holds %v", left)
	}
	// The receipts go home once, and are believed there.
	if names := carry(t, at("back"), at("home")); len(names) != 6 {
		t.Errorf("receipts: %v", names)
	}
	if err := os.Remove(filepath.Join(at("in"), "again.gtp")); err != nil {
		t.Fatal(err)
	}
	must(t, receive...)
	if names := carry(t, at("back"), at("home")); len(names) != 0 {
		t.Errorf("sent once more: %v", names)
	}
	// Two receipts say that what could not be read was refused, and of which package is
	// not known: they name none, and are of no use at home.
	gengtu(t, "exchange", "--edition", at("here"), "--inbox", at("home"), "--trust", theirs+".pub")
	returned, err := os.ReadDir(filepath.Join(at("here"), edition.ExchangeDir, "returned"))
	if err != nil || len(returned) < 4 {
		t.Errorf("returned: %v %v", returned, err)
	}
	list := at("list.yaml")
	put(dir, "list.yaml", []byte("deliveries:\n  - {item: three-zones, unit: std市局, effective: "+today(t)+"}\n  - {item: hsf, unit: 别人, effective: 2020-02-29}\n"))
	for _, where := range []string{"here", "there"} {
		var status struct {
			Deliveries []struct {
				Item, Due, State string
				Package          string `json:"package_id"`
			}
		}
		if err := json.Unmarshal([]byte(must(t, "exchange", "status", "--edition", at(where), "--list", list, "--json")), &status); err != nil {
			t.Fatal(err)
		}
		d := status.Deliveries
		if len(d) != 2 || d[0].State != "missing" || d[0].Due != "2020-03-30" || d[1].State != "on_time" || !strings.HasPrefix(d[1].Package, "gtp-") {
			t.Errorf("%s: %+v", where, d)
		}
	}
	if out := must(t, "exchange", "status", "--list", list, "--as-of", "2020-03-30", "--lang", "zh"); !strings.Contains(out, "即将到期") || !strings.Contains(out, "未到期") {
		t.Error(out)
	}
	if out := must(t, "exchange", "list"); !strings.Contains(out, "due_days: 30") {
		t.Error(out)
	}
	for _, args := range [][]string{
		{"exchange"}, {"exchange", "--edition", at("here")}, {"exchange", "--edition", at("here"), "--inbox", at("in")}, {"exchange", "fly"},
		{"exchange", "status", "--as-of", "yesterday"}, {"exchange", "status", "list.yaml"}, {"exchange", "--edition", at("here"), "--outbox", at("back"), "--watch", "--every", "1ms"},
	} {
		if _, _, code := gengtu(t, args...); code != 2 {
			t.Errorf("%v: %d", args, code)
		}
	}
}

// today is the day where the list's days are counted.
func today(t testing.TB) string {
	t.Helper()
	var s struct {
		AsOf string `json:"as_of"`
	}
	if err := json.Unmarshal([]byte(must(t, "exchange", "status", "--json")), &s); err != nil {
		t.Fatal(err)
	}
	return s.AsOf
}

// Whoever subscribes finds signed messages of what changed in the outbox, and can judge
// them; a subscriber who cannot be reached is told, and keeps his place in the queue.
func TestSubscriptions(t *testing.T) {
	c := smallCountry(t, 200)
	dir := t.TempDir()
	e, outbox, file, k := filepath.Join(dir, "e"), filepath.Join(dir, "out"), filepath.Join(dir, "s.yaml"), key(t, "std")
	if err := os.Mkdir(outbox, 0o755); err != nil {
		t.Fatal(err)
	}
	c.ingest(t, e)
	subscribe := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte("subscriptions:\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	subscribe("  - {name: first, layer: cropland, begin: whole}\n  - {name: now, layer: cropland}\n")
	run := []string{"exchange", "--edition", e, "--outbox", outbox, "--subscriptions", file, "--key", k}
	messages := func() []string {
		t.Helper()
		all, err := filepath.Glob(filepath.Join(outbox, "*.gtc"))
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	must(t, run...)
	must(t, run...)
	if all := messages(); len(all) != 1 || !strings.HasPrefix(filepath.Base(all[0]), "gtc-first-000001-") {
		t.Fatalf("%v", all)
	}
	must(t, c.random(t, rand.New(rand.NewPCG(8, 8)), 20).args(t, e)...)
	must(t, run...)
	all := messages()
	if len(all) != 3 {
		t.Fatalf("%v", all)
	}
	for _, path := range all {
		if out := must(t, "exchange", "read", "--trust", k+".pub", path); !strings.Contains(out, "genuine") {
			t.Error(out)
		}
		if _, errs, code := gengtu(t, "exchange", "read", "--trust", key(t, "std")+".pub", path); code != 1 || !strings.Contains(errs, "[SEAL_UNTRUSTED]") {
			t.Errorf("%d %s", code, errs)
		}
	}
	// Nothing is posted from a secure edition, whoever asks for it.
	subscribe("  - {name: far, layer: cropland, to: 'https://127.0.0.1:1/'}\n")
	if _, errs, code := gengtu(t, run...); code != 1 || !strings.Contains(errs, "[SUBSCRIPTIONS_FILE]") {
		t.Errorf("%d %s", code, errs)
	}
	low := filepath.Join(dir, "low")
	must(t, "publish", "--from", e, "--tier", "government", "--out", low)
	subscribe("  - {name: far, layer: cropland, begin: whole, to: 'http://127.0.0.1:1/'}\n")
	run[2] = low
	for range 2 {
		if _, errs, code := gengtu(t, run...); code != 1 || !strings.Contains(errs, "[PUSH_WAITS]") {
			t.Errorf("%d %s", code, errs)
		}
	}
	if waiting, err := filepath.Glob(filepath.Join(low, edition.ExchangeDir, "queue", "far", "*")); err != nil || len(waiting) != 1 {
		t.Errorf("%v %v", waiting, err)
	}
}
