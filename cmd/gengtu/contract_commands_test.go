package main_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // reads GeoPackage and MBTiles

	"gengtu/tileserver/archive/archivetest"
)

// commands are the cases of each line of commands, in an order in which what one makes is
// there for the next.
func (w *contract) commands(t *testing.T) []contractCase {
	t.Helper()
	return slices.Concat(w.making(), w.deriving(t), w.serving(), w.asking(t), w.handing(t), w.entering())
}

// making are the cases of deliveries and of what they become.
func (w *contract) making() []contractCase {
	data := filepath.Join("..", "..", "..", "shared", "data", "delivery", "2024")
	hsf, region := filepath.Join(data, "GBZNT.geojson"), filepath.Join(data, "XZQ.fgb")
	sample, first, second := w.at("sample"), w.at("first"), w.at("second")
	crossed := filepath.Join(sample, "2024", "DLTB.shp")
	return []contractCase{
		{line: "gengtu demo", name: "the address of the viewer and a token for each tier", args: []string{"demo", "--listen", "127.0.0.1:0", "--data", w.at("demo"), "--parcels", "150"}, start: w.demo},
		{line: "gengtu demo", name: "no patches", args: []string{"demo", "--parcels", "0"}, code: 2, fault: "PARCELS"},
		{line: "gengtu sample", name: "two vintages, labelled synthetic", args: []string{"sample", "--out", sample, "--parcels", "300", "--seed", "1"}, holds: w.sampled},
		{line: "gengtu sample", name: "the same again", args: []string{"sample", "--out", w.at("again"), "--parcels", "300", "--seed", "1"}, holds: w.sampledAgain},
		{line: "gengtu sample", name: "nowhere", args: []string{"sample"}, code: 2, fault: "FLAG_MISSING"},

		{line: "gengtu ingest", name: "projects and places, strictly", holds: w.ingested, args: []string{
			"ingest", "--out", first, "--layer", "hsf@2024=" + hsf, "--layer", "region=" + region + "#XZQ", "--vintage", "2024", "--tier", "secure", "--zooms", "5-8", "--report", w.at("report.json"), "--strict"}},
		{line: "gengtu ingest", name: "flags behind and before, a system and an encoding given, rings mended", holds: holdsText(`"kept": 300`, `"mended": 6`), args: []string{
			"ingest", "--layer", "dltb=" + crossed, "--json", "--crs", "EPSG:4524", "--encoding", "GBK", "--vintage", "2024", "--zooms", "5-6", "--out", second}},
		{line: "gengtu ingest", name: "a name given twice adds up", holds: w.addsUp, args: []string{
			"ingest", "--out", w.at("twice"), "--vintage", "2024", "--zooms", "5-5", "--layer", "hsf=" + hsf, "--layer", "hsf=" + filepath.Join(sample, "2024", "GBZNT.geojson")}},
		{line: "gengtu ingest", name: "the four layers of a sample", args: []string{
			"ingest", "--out", w.at("four"), "--vintage", "2024", "--zooms", "5-6", "--layer", "dltb=" + crossed, "--layer", "hsf=" + filepath.Join(sample, "2024", "GBZNT.geojson"),
			"--layer", "pbf=" + filepath.Join(sample, "2024", "YJJBNTTB.gpkg"), "--layer", "region=" + filepath.Join(sample, "2024", "XZQ.fgb")}},
		{line: "gengtu ingest", name: "a layer without a path", args: []string{"ingest", "--out", w.at("none"), "--layer", "hsf"}, code: 2, fault: "LAYER_SYNTAX"},
		{line: "gengtu ingest", name: "a file that is not there", args: []string{"ingest", "--out", w.at("none"), "--layer", "hsf=nosuch.shp"}, code: 1, fault: "SOURCE_MISSING"},
		{line: "gengtu ingest", name: "a lower tier", args: []string{"ingest", "--out", w.at("none"), "--tier", "public", "--layer", "hsf=" + hsf}, code: 2, fault: "INGEST_TIER"},
		{line: "gengtu ingest", name: "rings that cross themselves, strictly", args: []string{"ingest", "--out", w.at("strict"), "--strict", "--vintage", "2024", "--layer", "dltb=" + crossed}, code: 1, fault: "STRICT_REFUSED"},
		{line: "gengtu ingest", name: "a flag that is none", args: []string{"ingest", "--fly"}, code: 2, fault: "FLAGS"},

		{line: "gengtu check", name: "places that are in order", args: []string{"check", region, "--report", w.at("judged")}, holds: w.judged},
		{line: "gengtu check", name: "rings that cross themselves", args: []string{"check", crossed, "--report", w.at("faulty")}, code: 1, fault: "CHECK_FAILED"},
		{line: "gengtu check", name: "nothing", args: []string{"check", "--report", w.at("none")}, code: 2, fault: "FLAG_MISSING"},
	}
}

// deriving are the cases of editions that are made of editions, and of their generations.
func (w *contract) deriving(t *testing.T) []contractCase {
	changed := w.projects[1][1]
	changed.Properties = map[string]any{"BSM": changed.bsm(), "XMBH": changed.Properties["XMBH"], "XMMC": "改名的项目", "JCND": changed.Properties["JCND"]}
	changes, gone := w.fileOf(t, "changes.geojson", changed), w.file(t, "gone.txt", w.projects[1][0].bsm()+"\n")
	first := w.at("first")
	return []contractCase{
		{line: "gengtu publish", name: "the embedded policy", args: []string{"policy", "show"}, holds: w.policyShown},
		{line: "gengtu publish", name: "a government edition", args: []string{"publish", "--from", first, "--tier", "government", "--out", w.at("government")}, holds: w.published("government", hsfFeatures)},
		{line: "gengtu publish", name: "a public edition by a policy", args: []string{"publish", "--from", first, "--tier", "public", "--policy", w.at("policy.yaml"), "--out", w.at("public")}, holds: w.published("public", hsfFeatures)},
		{line: "gengtu publish", name: "upward", args: []string{"publish", "--from", first, "--tier", "secure", "--out", w.at("none")}, code: 2, fault: "PUBLISH_UPWARD"},
		{line: "gengtu publish", name: "a policy that is not there", args: []string{"publish", "--from", first, "--tier", "public", "--policy", w.at("nosuch.yaml"), "--out", w.at("none")}, code: 1, fault: "POLICY_FILE"},
		{line: "gengtu publish", name: "a tier that is none", args: []string{"publish", "--from", first, "--tier", "royal", "--out", w.at("none")}, code: 2, fault: "TIER_UNKNOWN"},

		{line: "gengtu update", name: "one project renamed, one gone", once: true, args: []string{"update", "--edition", first, "--layer", "hsf=" + changes, "--delete", gone}, holds: w.updated},
		{line: "gengtu update", name: "no edition", args: []string{"update", "--edition", w.at("none"), "--layer", "hsf=" + changes}, code: 1, fault: "EDITION_MISSING"},
		{line: "gengtu update", name: "a list of deleted keys that is not there", args: []string{"update", "--edition", first, "--delete", w.at("nosuch.txt")}, code: 1, fault: "DELETE_FILE"},

		{line: "gengtu history", name: "both generations, the newest first", args: []string{"history", first}, holds: w.twoKept},
		{line: "gengtu history", name: "no edition", args: []string{"history", w.at("none")}, code: 1, fault: "EDITION_MISSING"},
		{line: "gengtu rollback", name: "a generation that is not kept", args: []string{"rollback", first, "g0000000000000000"}, code: 1, fault: "GENERATION_UNKNOWN"},
		{line: "gengtu rollback", name: "the generation before", once: true, args: []string{"rollback", first}, holds: func(t *testing.T, _ *told) { w.counts(t, first, hsfFeatures) }},
		{line: "gengtu rollback", name: "none before", args: []string{"rollback", first}, code: 1, fault: "ROLLBACK_NONE"},
	}
}

// serving are the cases of the server's own line; what it answers are those of addresses.
func (w *contract) serving() []contractCase {
	up := func(s *server) func(*testing.T, []string) {
		return func(t *testing.T, _ []string) { s.get(t, 200, "/ready") }
	}
	return []contractCase{
		{line: "gengtu serve", name: "three tiers", args: w.tiers(), start: up(w.three)},
		{line: "gengtu serve", name: "one edition without tokens", args: w.openly(), start: up(w.one)},
		{line: "gengtu serve", name: "secure without tokens", args: []string{"serve", "--edition", w.e.Secure, "--listen", "127.0.0.1:0"}, code: 1, fault: "ACCESS_NEEDED"},
		{line: "gengtu serve", name: "government without tokens", args: []string{"serve", "--edition", w.e.Government, "--listen", "127.0.0.1:0"}, code: 1, fault: "ACCESS_NEEDED"},
		{line: "gengtu serve", name: "without tokens beyond loopback", args: []string{"serve", "--edition", w.e.Secure, "--listen", "0.0.0.0:0", "--open"}, code: 2, fault: "OPEN_LOOPBACK"},
		{line: "gengtu serve", name: "two editions of a tier", args: []string{"serve", "--edition", w.e.Secure, "--edition", w.years, "--listen", "127.0.0.1:0", "--open"}, code: 1, fault: "TIER_TWICE"},
		{line: "gengtu serve", name: "no edition", args: []string{"serve", "--open"}, code: 2, fault: "FLAG_MISSING"},
	}
}

// demo starts the demo and asks each tier with the token that it prints.
func (w *contract) demo(t *testing.T, args []string) {
	s := &server{tokens: map[string]string{}, log: &lockedBuffer{}}
	link := regexp.MustCompile(`(?m)^\s+(secure|government|public)\s+(http://[^/]+)/\?tier=\S+$`)
	token := regexp.MustCompile(`(?m)^\s+token (secure|government)\s+(gt_\S+)$`)
	started(t, args, s, func(t *testing.T) {
		for deadline := time.Now().Add(3 * time.Minute); !strings.Contains(s.log.String(), "Ctrl-C"); <-time.After(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("the demo did not come up:\n%s", s.log)
			}
		}
		links := link.FindAllStringSubmatch(s.log.String(), -1)
		for _, m := range token.FindAllStringSubmatch(s.log.String(), -1) {
			s.tokens[m[1]] = m[2]
		}
		if len(links) != 3 || len(s.tokens) != 2 || !strings.Contains(s.log.String(), "synthetic") {
			t.Fatalf("the demo says\n%s", s.log)
		}
		for _, m := range links {
			s.URL = m[2]
			var catalog struct{ Tier string }
			decode(t, s.get(t, 200, "/"+m[1]+"/me").Body, &catalog)
			if catalog.Tier != m[1] {
				t.Errorf("at the address of %s there is %q", m[1], catalog.Tier)
			}
		}
	})
}

// sampled counts the records of what the sample wrote, by the length of their index.
func (w *contract) sampled(t *testing.T, a *told) {
	for _, year := range []string{"2023", "2024"} {
		info, err := os.Stat(filepath.Join(w.at("sample"), year, "DLTB.shx"))
		if err != nil {
			t.Fatal(err)
		}
		if n := (info.Size() - 100) / 8; n != 300 {
			t.Errorf("%s has %d patches", year, n)
		}
	}
	if !strings.Contains(a.stdout, "synthetic") && !strings.Contains(a.stdout, "合成") {
		t.Errorf("it does not say that they are synthetic: %s", a.stdout)
	}
}

// sampledAgain fails unless the second sample has the bytes of the first.
func (w *contract) sampledAgain(t *testing.T, _ *told) {
	if !bytes.Equal(bytesOf(t, w.at("sample")), bytesOf(t, w.at("again"))) {
		t.Error("the same seed gives another sample")
	}
}

// ingested looks at the edition's directory and at the report.
func (w *contract) ingested(t *testing.T, a *told) {
	w.counts(t, w.at("first"), hsfFeatures)
	generation := generationOf(t, w.at("first"))
	data, err := os.ReadFile(filepath.Join(w.at("first"), generation, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	decode(t, data, &m)
	for _, key := range []string{"product", "format", "tier", "generation", "created", "layers", "tiles", "content_hash", "files"} {
		if m[key] == nil {
			t.Errorf("the manifest has no %s", key)
		}
	}
	for _, file := range []string{"features.db", "tiles.db"} {
		if _, err := os.Stat(filepath.Join(w.at("first"), generation, file)); err != nil {
			t.Error(err)
		}
	}
	report, err := os.ReadFile(w.at("report.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r struct {
		Layers []struct {
			Layer               string
			Read, Kept, Refused int
		}
	}
	decode(t, report, &r)
	for _, l := range r.Layers {
		if want := map[string]int{"hsf": hsfFeatures, "region": villages}[l.Layer]; l.Read != want || l.Kept != want || l.Refused != 0 {
			t.Errorf("the report says %+v, the delivery has %d", l, want)
		}
	}
	if len(r.Layers) != 2 || !strings.Contains(a.stdout, fmt.Sprint(hsfFeatures)) {
		t.Errorf("%d layers are reported: %s", len(r.Layers), a.stdout)
	}
}

// counts fails unless an edition has so many projects.
func (w *contract) counts(t *testing.T, dir string, want int) {
	t.Helper()
	var m struct {
		Layers []struct {
			Name     string
			Features int
		}
	}
	decode(t, []byte(must(t, "info", dir, "--json")), &m)
	for _, l := range m.Layers {
		if l.Name == "hsf" && l.Features == want {
			return
		}
	}
	t.Errorf("%s has %+v, want %d projects", filepath.Base(dir), m.Layers, want)
}

// addsUp counts the projects of two files.
func (w *contract) addsUp(t *testing.T, _ *told) {
	data, err := os.ReadFile(filepath.Join(w.at("sample"), "2024", "GBZNT.geojson"))
	if err != nil {
		t.Fatal(err)
	}
	w.counts(t, w.at("twice"), hsfFeatures+bytes.Count(data, []byte(`"BSM"`)))
}

// judged looks at the report of a check, and that what was strictly refused is not stored.
func (w *contract) judged(t *testing.T, _ *told) {
	data, err := os.ReadFile(filepath.Join(w.at("judged"), "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(data, []byte(`"pass"`)) {
		t.Errorf("%.300s", data)
	}
	if _, err := os.Stat(filepath.Join(w.at("strict"), "CURRENT")); !os.IsNotExist(err) {
		t.Errorf("an edition stands where the strict run was refused: %v", err)
	}
}

// policyShown keeps the policy for the case that publishes by it.
func (w *contract) policyShown(t *testing.T, a *told) {
	if !strings.Contains(a.stdout, "tiers:") {
		t.Errorf("%.200s", a.stdout)
	}
	w.file(t, "policy.yaml", a.stdout)
}

// published looks at what a lower edition holds: its tier, its projects, and no source's name.
func (w *contract) published(tier string, projects int) func(*testing.T, *told) {
	return func(t *testing.T, _ *told) {
		w.counts(t, w.at(tier), projects)
		out := must(t, "info", w.at(tier), "--json")
		if !strings.Contains(out, `"tier": "`+tier+`"`) || strings.Contains(out, "GBZNT") {
			t.Errorf("%.600s", out)
		}
	}
}

// updated looks for the renamed project and the one that is gone.
func (w *contract) updated(t *testing.T, _ *told) {
	w.counts(t, w.at("first"), hsfFeatures-1)
	dump := must(t, "verify", w.at("first"), "--dump")
	if !strings.Contains(dump, "改名的项目") || strings.Contains(dump, w.projects[1][0].bsm()) {
		t.Error("the update did not change what it should")
	}
}

// twoKept reads the list of generations.
func (w *contract) twoKept(t *testing.T, a *told) {
	lines := strings.Split(strings.TrimSpace(a.stdout), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[0], "* "+generationOf(t, w.at("first"))) || strings.Fields(lines[1])[1] > strings.Fields(lines[0])[2] {
		t.Errorf("history: %q", lines)
	}
}

// holdsText wants some text in what a command printed.
func holdsText(want ...string) func(*testing.T, *told) {
	return func(t *testing.T, a *told) {
		t.Helper()
		for _, text := range want {
			if !strings.Contains(a.stdout, text) {
				t.Errorf("%q is not in %.600s", text, a.stdout)
			}
		}
	}
}

// rowsIn counts the rows of a table of an SQLite file.
func rowsIn(t *testing.T, file, table string) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }() // only read
	if err := db.QueryRow("SELECT count(*) FROM " + table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// tilesIn counts the tiles of a PMTiles archive.
func tilesIn(t *testing.T, data []byte) (n int) {
	t.Helper()
	a, err := archivetest.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Each(1<<20, func(_, _, _ int, _ []byte) error { n++; return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

// featuresIn counts the features of a GeoJSON document.
func featuresIn(t *testing.T, data []byte) int {
	t.Helper()
	var c struct{ Features []json.RawMessage }
	decode(t, data, &c)
	return len(c.Features)
}
