package exchange_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/index/seal"
	"gengtu/ingest/exchange"
)

// plots is an edition's one layer: a class and a place for each id.
type plots map[uint64][2]string

// commit makes a generation of plots, beside two regions.
func (p plots) commit(t testing.TB, dir string, keep int) {
	t.Helper()
	p.under(t, dir, keep, edition.Policy{Name: "t", Digest: "d", Pieces: true})
}

// under is commit under a policy.
func (p plots) under(t testing.TB, dir string, keep int, policy edition.Policy) {
	t.Helper()
	d, err := edition.Begin(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Abort()
	w := index.NewWriter(d.File(edition.FeaturesFile))
	add := func(l *index.LayerWriter, id uint64, box geo.Box, place string, values ...any) {
		t.Helper()
		f := index.Feature{
			ID: id, Geometry: geo.MultiPolygon{box.Polygon()}, AreaM2: geo.CellArea(box.Min.LonLat(), box.Max.LonLat()),
			Patch: index.NoArea, Net: index.NoArea, Place: place, Values: values,
		}
		if err := l.Add(&f); err != nil {
			t.Fatal(err)
		}
	}
	box := func(x, y, n int64) geo.Box {
		from := geo.Position{Lon: 108_7000000000 + x*1e7, Lat: 34_3000000000 + y*1e7}
		return geo.Box{Min: from, Max: geo.Position{Lon: from.Lon + n*1e7, Lat: from.Lat + n*1e7}}
	}
	l := w.Layer(edition.Layer{Name: "cropland", Vintage: "2024", Fields: []edition.Field{{Name: "BSM", Kind: edition.Text, Code: true}, {Name: "DLBM", Kind: edition.Text}}})
	for id, v := range p {
		add(l, id, box(int64(id)%20, int64(id)/20, 1), v[1], fmt.Sprint("B", id), v[0])
	}
	r := w.Layer(edition.Layer{Name: "region", Vintage: "2024", Fields: []edition.Field{{Name: "XZQDM", Kind: edition.Text, Code: true}, {Name: "XZQMC", Kind: edition.Text}}})
	add(r, 1, box(0, 0, 20), "610402001", "610402001", "甲")
	add(r, 2, box(20, 0, 20), "610402002", "610402002", "乙")
	m := &edition.Manifest{Tier: edition.Government, Policy: policy, MaxZoom: 14}
	if m.Layers, err = w.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := index.Seal(t.Context(), d.File(edition.FeaturesFile)); err != nil {
		t.Fatal(err)
	}
	if m.ContentHash, err = index.ContentDigest(d.File(edition.FeaturesFile)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.File(edition.TilesFile), nil, 0o600); err != nil { // nobody reads them here
		t.Fatal(err)
	}
	if err := d.Commit(m, keep); err != nil {
		t.Fatal(err)
	}
}

// copyOf is what a subscriber holds, by id.
type copyOf map[uint64][2]string

// read applies a message.
func (c copyOf) read(t testing.TB, path string, data []byte, trust seal.Trust) *exchange.Notice {
	t.Helper()
	n, err := exchange.ReadChanges(t.Context(), path, bytes.NewReader(data), trust)
	if err != nil {
		t.Fatal(err)
	}
	if n.Since == "" {
		clear(c)
	}
	s := bufio.NewScanner(bytes.NewReader(data))
	s.Buffer(nil, 1<<20)
	for i := 0; s.Scan(); i++ {
		if i < 2 {
			continue
		}
		var x struct {
			Op      string
			ID      uint64
			Feature struct{ Properties map[string]any }
		}
		if err := json.Unmarshal(s.Bytes(), &x); err != nil {
			t.Fatal(err)
		}
		if x.Op == "delete" {
			delete(c, x.ID)
			continue
		}
		c[x.ID] = [2]string{fmt.Sprint(x.Feature.Properties["DLBM"]), fmt.Sprint(x.Feature.Properties["BSM"])}
	}
	return n
}

// in are the plots of a place as a copy has them.
func (p plots) in(place string) copyOf {
	out := copyOf{}
	for id, v := range p {
		if strings.HasPrefix(v[1], place) {
			out[id] = [2]string{v[0], fmt.Sprint("B", id)}
		}
	}
	return out
}

// keys makes a signer and whoever trusts it.
func keys(t testing.TB) (seal.Signer, seal.Trust) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "k")
	pair, err := seal.NewKeys(seal.Ed25519, "us", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if err := pair.Write(path); err != nil {
		t.Fatal(err)
	}
	s, err := seal.ReadSigner(path, edition.Government)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := seal.ReadTrust(path+".pub", edition.Government)
	if err != nil {
		t.Fatal(err)
	}
	return s, trust
}

// Three subscribers, one of the whole layer by the outbox, one of a place by the outbox
// and one by a line that often fails, hold what the edition holds after any number of
// changes, runs and failures; each message counts once, and comes in its turn.
func TestPush(t *testing.T) {
	dir, outbox := filepath.Join(t.TempDir(), "e"), t.TempDir()
	signer, trust := keys(t)
	rng := rand.New(rand.NewPCG(4, 4))
	p := plots{}
	for id := range uint64(60) {
		p[id+1] = [2]string{"0101", fmt.Sprintf("61040200%d", 1+id%2)}
	}
	p.commit(t, dir, 3)
	subs, err := exchange.ParseSubscriptions("s.yaml", []byte(`
subscriptions:
  - {name: all, layer: cropland, begin: whole}
  - {name: place, layer: cropland, place: "610402002", begin: whole}
  - {name: far, layer: cropland, to: "https://example.org/x", begin: whole}
  - {name: sums, question: [cropland], place: "610402001", begin: whole}
`), edition.Government)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	far, seen := copyOf{}, map[string]bool{}
	var reached func() bool
	push := &exchange.Push{Edition: dir, Subscriptions: subs, Signer: signer, Outbox: outbox, Post: func(_ context.Context, _ *exchange.Subscription, id, path string) error {
		ok := reached()
		if ok || rng.IntN(2) == 0 { // lost on the way there, or the answer on the way back
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if !seen[id] {
				far.read(t, path, data, trust)
			}
			seen[id] = true
		}
		if !ok {
			return errors.New("no line")
		}
		return nil
	}}
	copies, next, answers := map[string]copyOf{"all": {}, "place": {}}, map[string]int64{}, 0
	run := func() {
		t.Helper()
		push.Now = now
		if _, err := push.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		files, err := filepath.Glob(filepath.Join(outbox, "*"))
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(files)
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			name := strings.Split(filepath.Base(f), "-")[1]
			if c := copies[name]; c != nil {
				n := c.read(t, f, data, trust)
				if next[name]++; n.Sequence != next[name] {
					t.Errorf("%s: number %d, want %d", name, n.Sequence, next[name])
				}
			} else {
				answers++
			}
			if err := os.Remove(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	for round := range 12 {
		for range rng.IntN(6) {
			id := 1 + rng.Uint64N(80)
			switch rng.IntN(3) {
			case 0:
				delete(p, id)
			case 1:
				p[id] = [2]string{fmt.Sprintf("01%02d", rng.IntN(4)), "610402001"}
			default:
				p[id] = [2]string{"0101", "610402002"}
			}
		}
		p.commit(t, dir, 3)
		now = now.Add(2 * time.Hour)
		if round > 5 && round < 9 {
			continue // until what was sent last is not kept any more
		}
		reached = func() bool { return round%5 == 4 || round == 11 }
		run()
		for name, place := range map[string]string{"all": "", "place": "610402002"} {
			if diff := cmp.Diff(p.in(place), copies[name]); diff != "" {
				t.Fatalf("round %d, %s: %s", round, name, diff)
			}
		}
		if reached() {
			if diff := cmp.Diff(p.in(""), far); diff != "" {
				t.Fatalf("round %d, far: %s", round, diff)
			}
		}
	}
	if answers < 3 {
		t.Errorf("%d answers", answers)
	}
	run()
	if len(copies["all"]) != len(p) || next["all"] > 13 {
		t.Errorf("%d messages", next["all"])
	}
}

// A message of which any byte was altered is refused.
func TestChangesAltered(t *testing.T) {
	dir, outbox := filepath.Join(t.TempDir(), "e"), t.TempDir()
	signer, trust := keys(t)
	plots{1: {"0101", "610402001"}}.commit(t, dir, 2)
	push := &exchange.Push{Edition: dir, Signer: signer, Outbox: outbox, Now: time.Now(), Subscriptions: []exchange.Subscription{{Name: "a", Layer: "cropland", To: "outbox", Begin: "whole"}}}
	if _, err := push.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(outbox, "*"+exchange.ChangesEnding))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if n, err := exchange.ReadChanges(t.Context(), "m", bytes.NewReader(data), trust); err != nil || n.Lines != 1 || n.Since != "" {
		t.Fatal(n, err)
	}
	first := bytes.IndexByte(data, '\n')
	second := first + 1 + bytes.IndexByte(data[first+1:], '\n')
	for i := range data {
		bad := slices.Clone(data)
		bad[i] ^= 1
		_, err := exchange.ReadChanges(t.Context(), "m", bytes.NewReader(bad), trust)
		// What stands in the line of the signature beside the signature says nothing.
		if err == nil && (i <= first || i > second) {
			t.Fatalf("byte %d of %d was altered", i, len(data))
		}
	}
	for _, bad := range [][]byte{nil, data[:first], data[:second], data[:len(data)-1], append(slices.Clone(data), '\n')} {
		if _, err := exchange.ReadChanges(t.Context(), "m", bytes.NewReader(bad), trust); problem.Of(err) == nil {
			t.Errorf("%d bytes of %d: %v", len(bad), len(data), err)
		}
	}
}

// Subscriptions that make no sense, or would carry what is secret over a line, are
// refused with their line.
func TestSubscriptionsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"- {name: A, layer: x}":                        "line 2: the name",
		"- {name: a, layer: x}\n- {name: a, layer: x}": "line 3: the name",
		"- {name: a}": "line 2: a has either",
		"- {name: a, layer: x, question: [y], place: '61'}":           "line 2: a has either",
		"- {name: a, layer: x, place: '613'}":                         "line 2: the place",
		"- {name: a, question: [x]}":                                  "line 2: the place",
		"- {name: a, layer: x, begin: soon}":                          "line 2: begin",
		"- {name: a, layer: x, to: 'http://example.org/'}":            "line 2: the address",
		"- {name: a, layer: x, to: 'https://u:p@example.org/'}":       "line 2: the address",
		"- {name: a, layer: x, to: 'file:///etc/passwd'}":             "line 2: the address",
		"- {name: a, layer: x, to: 'http://127.0.0.1.example.org/x'}": "line 2: the address",
		"- {name: a, layer: x, secret: y}":                            "line 2: secret is not known",
	} {
		_, err := exchange.ParseSubscriptions("s.yaml", []byte("subscriptions:\n"+text), edition.Public)
		if p := problem.Of(err); p == nil || p.Code != "SUBSCRIPTIONS_FILE" || !strings.Contains(p.Found(problem.English), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	text := []byte("subscriptions: [{name: a, layer: x, to: 'https://example.org/'}]")
	if _, err := exchange.ParseSubscriptions("s.yaml", text, edition.Secure); err == nil {
		t.Error("posted from a secure edition")
	}
	if _, err := exchange.ParseSubscriptions("s.yaml", text, edition.Government); err != nil {
		t.Error(err)
	}
}

// What the policy of an edition does not let be asked is not sent either.
func TestPushPolicy(t *testing.T) {
	signer, _ := keys(t)
	layer := exchange.Subscription{Name: "a", Layer: "cropland", To: "outbox", Begin: "whole"}
	question := exchange.Subscription{Name: "a", Question: []string{"cropland"}, Place: "610402001", To: "outbox", Begin: "whole"}
	for _, c := range []struct {
		name    string
		policy  edition.Policy
		sub     exchange.Subscription
		refused bool
	}{
		{"all", edition.Policy{Pieces: true}, layer, false},
		{"no single features", edition.Policy{}, layer, true},
		{"rounded", edition.Policy{Pieces: true, RoundM2: 100}, layer, true},
		{"a question", edition.Policy{}, question, false},
		{"no overlay", edition.Policy{Analyses: []string{"summary"}}, question, true},
		{"too large", edition.Policy{MaxAOIM2: 1}, question, true},
		{"too small", edition.Policy{MinAOIM2: 1e15}, question, true},
	} {
		dir, outbox := filepath.Join(t.TempDir(), "e"), t.TempDir()
		plots{1: {"0101", "610402001"}}.under(t, dir, 2, c.policy)
		push := &exchange.Push{Edition: dir, Signer: signer, Outbox: outbox, Now: time.Now(), Subscriptions: []exchange.Subscription{c.sub}}
		got, err := push.Run(t.Context())
		if err != nil {
			t.Fatal(c.name, err)
		}
		if p := got[0].Problem; (p != nil) != c.refused || p != nil && p.Code != "POLICY" {
			t.Errorf("%s: %v", c.name, p)
		}
		if all, err := os.ReadDir(outbox); err != nil || (len(all) == 0) != c.refused {
			t.Errorf("%s: %v %v", c.name, all, err)
		}
	}
}

// Whatever a file of subscriptions holds, it is refused or names no address in the clear.
func FuzzSubscriptions(f *testing.F) {
	f.Add([]byte("subscriptions:\n  - {name: a, layer: cropland, place: '61', to: 'https://example.org/'}"))
	f.Add([]byte("subscriptions: [{name: s, question: [pbf], place: '610402001', begin: whole}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		subs, err := exchange.ParseSubscriptions("s", text, edition.Government)
		if err != nil {
			if problem.Of(err) == nil {
				t.Fatal(err)
			}
			return
		}
		for _, s := range subs {
			if s.Name == "" || strings.ContainsAny(s.Name, "/.\\") || s.Posts() && !strings.HasPrefix(strings.ToLower(s.To), "http") {
				t.Fatalf("%+v", s)
			}
		}
	})
}

// Whatever a message holds, it is read to its end or refused; what is believed is signed,
// line for line, and nothing is held that the lines before did not announce.
func FuzzReadChanges(f *testing.F) {
	signer, trust := keys(f)
	sealed := func(n exchange.Notice, body string) []byte {
		key := signer.Public()
		n.Format, n.Sender = exchange.ChangesFormat, exchange.Party{Name: key.Name, Key: key.ID()}
		n.Bytes, n.Digest = int64(len(body)), fmt.Sprintf("%x", sha256.Sum256([]byte(body)))
		head, err := json.Marshal(n)
		if err != nil {
			f.Fatal(err)
		}
		s, err := seal.Sign(f.Context(), signer, seal.Changes, head)
		if err != nil {
			f.Fatal(err)
		}
		second, err := json.Marshal(s)
		if err != nil {
			f.Fatal(err)
		}
		return fmt.Appendf(nil, "%s\n%s\n%s", head, second, body)
	}
	good := sealed(exchange.Notice{ID: "gtc-a-000001-0", Subscription: "a", Sequence: 1, Lines: 1}, "{\"op\":\"delete\"}\n")
	f.Add(good)
	f.Add(sealed(exchange.Notice{ID: "gtc-a-000002-0", Subscription: "a", Sequence: 2}, ""))
	f.Add([]byte("{}\n{}\n"))
	f.Add([]byte("{\"bytes\": 9223372036854775807}\n{\"key\": \"x\"}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := exchange.ReadChanges(t.Context(), "m", bytes.NewReader(data), trust)
		if err != nil {
			if problem.Of(err) == nil {
				t.Fatal(err)
			}
			return
		}
		lines := bytes.SplitN(data, []byte("\n"), 3)
		var s seal.Signature
		if err := json.Unmarshal(lines[1], &s); err != nil {
			t.Fatal(err)
		}
		if _, err := seal.Verify(t.Context(), trust, seal.Changes, lines[0], s); err != nil {
			t.Fatal(err)
		}
		if int64(len(lines[2])) != n.Bytes || fmt.Sprintf("%x", sha256.Sum256(lines[2])) != n.Digest {
			t.Fatalf("%+v", n)
		}
	})
}
