package tileserver_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/edition"
	"gengtu/tileserver"
	"gengtu/tileserver/access"
	"gengtu/tileserver/audit"
	"gengtu/tileserver/tile"
)

// requestIDs and dates are what two answers to one question differ in.
var (
	requestIDs = regexp.MustCompile(`^[0-9a-f]{16}$`)
	dates      = regexp.MustCompile(`Date: .* GMT`)
)

// answered is all of an answer that a client sees, in the order in which it goes out.
func (a *asker) answered(s *tileserver.Server) string {
	a.ask(s)
	id := string(a.ctx.Response.Header.Peek("X-Request-Id"))
	text := a.ctx.Response.Header.String() + "\n" + string(a.ctx.Response.Body())
	return dates.ReplaceAllString(strings.ReplaceAll(text, id, "ID"), "")
}

// laneQuestion is a request for a tile, or for what looks like one.
type laneQuestion struct {
	method, path, query, host string
	headers                   []string
}

// asker asks the question with an end of the address that means nothing: with "?" or "&"
// behind, the lane does not take it.
func (q *laneQuestion) asker(end string) *asker {
	a := newAsker(q.path+q.query+end, q.headers...)
	a.ctx.Request.Header.SetMethod(q.method)
	if q.host != "" {
		a.ctx.Request.Header.SetHost(q.host)
	}
	return a
}

// generalEnd makes an address one that goes the general way.
func (q *laneQuestion) generalEnd() string {
	if q.query == "" {
		return "?"
	}
	return "&"
}

// laneQuestions are n questions at random: tiles, and what is wrong with some.
func laneQuestions(n int, tokens []string) []laneQuestion {
	rng := rand.New(rand.NewPCG(7, 4))
	one := func(of []string) string { return of[rng.IntN(len(of))] }
	// Of what is wrong there is mostly one thing.
	rarely := func(good, bad []string) string {
		if rng.IntN(12) == 0 {
			return one(bad)
		}
		return one(good)
	}
	w, c := strings.Split(tileAt(tile.W, 12), "/"), strings.Split(tileAt(tile.C, 12), "/")
	many := strings.TrimSuffix(strings.Repeat("cropland,", 17), ",")
	tiers := []string{"secure", "secure", "public"}
	badTiers := []string{"government", "Public", "", "tiles"}
	layers := []string{"all", "all", "cropland", "pbf", "cropland,pbf", "pbf,cropland", "hsf,region,cropland"}
	badLayers := []string{"dltb", "nothing", "cropland,cropland", "all,cropland", "Cropland", "cropland,", many, "crop%6Cand", ".."}
	tiles := []string{
		"w/" + tileAt(tile.W, 12), "w/" + tileAt(tile.W, 12), "w/" + tileAt(tile.W, 14), "c/" + tileAt(tile.C, 12), "c/" + tileAt(tile.C, 13), "w/" + tileAt(tile.W, 5), "w/" + tileAt(tile.W, 18), "w/12/0/0",
	}
	badTiles := []string{"w/0/0/0", "c/0/0/0", "c/1/1/0", "c/1/1/1", "w/12/4096/0", "w/12/0/4096", "w/19/0/0", "w/20/0/0", "w/21/0/0", "w/99999999999/0/0", "x/1/0/0", "w/012/" + w[1] + "/" + w[2], "w/12/-1/0", "w/12/ /0",
		"w/12/1e1/0", "w/12//0", "c/12/" + c[1] + "/0" + c[2], "w/12/" + w[1],
	}
	endings := []string{".mvt", ".mvt", ".mvt", ".png", "@2x.png"}
	badEndings := []string{"@3x.png", "@2x.mvt", ".pbf", ".mvt.png", ".MVT", "", "/.mvt"}
	encodings := []string{"", "gzip", "gzip", "gzip, deflate, br, zstd", "gzip;q=0", "identity", "*", "*;q=0, gzip;q=0.5", "GZIP", "x-gzip", "gzip;q=2"}
	matches := []string{"", "", "*", `"0"`, `W/"0", *`, ","}
	out := make([]laneQuestion, n)
	for i := range out {
		q := laneQuestion{method: "GET", path: fmt.Sprintf("/%s/tiles/%s/%s%s", rarely(tiers, badTiers), rarely(layers, badLayers), rarely(tiles, badTiles), rarely(endings, badEndings))}
		add := func(name, value string) {
			if value != "" {
				q.headers = append(q.headers, name, value)
			}
		}
		add("Accept-Encoding", one(encodings))
		add("If-None-Match", one(matches))
		add("Origin", one([]string{"", "", origin, "https://evil.example"}))
		add("Accept-Language", one([]string{"", "zh"}))
		switch token := one(tokens); rng.IntN(8) {
		case 0: // none
		case 1, 2:
			q.query = "?tk=" + token
		case 3:
			q.query = "?tk=" + token
			add("Authorization", "Bearer "+one(tokens))
		default:
			add("Authorization", "Bearer "+token)
		}
		if rng.IntN(50) == 0 {
			q.host = one([]string{"evil/host", "Gengtu.Test:80", "[::1]:80", "[::1", "a:b", ":80", "a:", "a_b", "10.0.0.1:123456"})
		}
		if rng.IntN(20) == 0 {
			q.method = one([]string{"HEAD", "OPTIONS", "POST", "DELETE"})
		}
		out[i] = q
	}
	return out
}

// laneTokens are an access file's tokens of all kinds: the last are bounded.
func laneTokens(t *testing.T, file string) []string {
	t.Helper()
	var out []string
	for i, token := range []access.Token{
		{Tier: "secure"}, {Tier: "secure", Scope: &access.Scope{Operations: []access.Operation{access.Tiles}}}, {Tier: "government"},
		{Tier: "secure", Scope: &access.Scope{Layers: []string{"cropland", "region"}}}, {Tier: "secure", Scope: &access.Scope{MinZoom: 6, MaxZoom: 12}},
		{Tier: "secure", Scope: &access.Scope{Operations: []access.Operation{access.Overlay}}},
	} {
		token.Name = fmt.Sprint("token", i)
		text, err := access.Add(file, token)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, text)
	}
	allowOrigin(t, file)
	return out
}

// Whether a tile is answered by the lane or the general way, from memory or for the first
// time, the answer is the same to the byte, its headers and their order too; and so is its
// line in the audit log.
func TestLaneEqualsGeneralWay(t *testing.T) {
	secure, _ := newEdition(t, edition.Secure)
	public, _ := newEdition(t, edition.Public)
	file, logs := filepath.Join(t.TempDir(), "access.json"), filepath.Join(t.TempDir(), "audit")
	tokens := laneTokens(t, file)
	store, err := access.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	log, err := audit.OpenServer(logs, audit.Record{Act: "serve"}, audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := tileserver.New(tileserver.Config{Editions: []string{secure, public}, Access: store, Audit: log, Limits: tileserver.Limits{AnswerMemory: 30_000}})
	if err != nil {
		t.Fatal(err)
	}
	statuses := map[int]int{}
	for _, q := range laneQuestions(6000, tokens) {
		lane, general := q.asker(""), q.asker(q.generalEnd())
		for round := range 2 {
			got, want := lane.answered(s), general.answered(s)
			if d := cmp.Diff(want, got); d != "" {
				t.Fatalf("round %d of %+v (-general +lane):\n%s", round, q, d)
			}
		}
		statuses[lane.ctx.Response.StatusCode()]++
	}
	for _, status := range []int{200, 204, 304, 400, 401, 403, 404, 405} {
		if statuses[status] < 10 {
			t.Errorf("status %d came %d times: %v", status, statuses[status], statuses)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	sameLines(t, logs)
}

// sameLines compares each line of the log with the next: those of the lane and of the
// general way take turns.
func sameLines(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "server-1*"))
	if err != nil {
		t.Fatal(err)
	}
	var lines []map[string]any
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		for scan := bufio.NewScanner(f); scan.Scan(); {
			var line map[string]any
			if json.Unmarshal(scan.Bytes(), &line) != nil || line["request"] == nil {
				continue
			}
			if id, _ := line["request"].(string); !requestIDs.MatchString(id) {
				t.Errorf("the request is called %q", id)
			}
			for _, own := range []string{"n", "time", "request", "prev"} {
				delete(line, own)
			}
			path, _ := line["path"].(string)
			line["path"] = strings.TrimRight(path, "?&")
			lines = append(lines, line)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(lines) < 5000 || len(lines)%2 != 0 {
		t.Fatalf("the log has %d lines", len(lines))
	}
	for i := 0; i < len(lines); i += 2 {
		if d := cmp.Diff(lines[i+1], lines[i]); d != "" {
			t.Fatalf("line %d (-general +lane):\n%s", i, d)
		}
	}
}
