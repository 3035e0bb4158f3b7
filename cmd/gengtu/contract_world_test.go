package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// contract is what the cases ask: servers and editions, and what the deliveries themselves
// say of what must come back.
type contract struct {
	e     *editions
	dir   string // for files of the cases
	three *server
	// one serves a single edition without tokens, of two years of projects and two
	// generations; before was in force once, and gone is no longer kept.
	one                   *server
	years                 string
	gone, before, current string

	projects [2][]project // of the deliveries of 2023 and 2024
}

// publicURL is the address that the server of three tiers is told that users know, and
// origin what its access file lets pages of ask.
const publicURL, origin = "https://map.example.org/farm", "https://desk.example.org"

// What the data's own description says of the delivery of 2024.
const (
	croplandFeatures, pbfFeatures, hsfFeatures, villages = 9608, 8487, 115, 4
	croplandPatch, croplandNet                           = 61904860.22, 58810147.44
)

// project is a feature of a delivery's file of projects.
type project struct {
	Type       string         `json:"type"`
	Properties map[string]any `json:"properties"`
	Geometry   struct {
		Type        string          `json:"type"`
		Coordinates json.RawMessage `json:"coordinates"`
	} `json:"geometry"`
}

// bsm is the project's key.
func (p *project) bsm() string { return p.Properties["BSM"].(string) }

// projectsOf reads the projects of a year's delivery.
func projectsOf(t *testing.T, year string) []project {
	t.Helper()
	data, err := os.ReadFile(delivery(t, "delivery", year, "GBZNT.geojson"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Features []project }
	decode(t, data, &file)
	return file.Features
}

// fileOf writes projects as a GeoJSON file.
func (w *contract) fileOf(t *testing.T, name string, projects ...project) string {
	t.Helper()
	data, err := json.Marshal(map[string]any{"type": "FeatureCollection", "features": projects})
	if err != nil {
		t.Fatal(err)
	}
	return w.file(t, name, string(data))
}

// file writes a file of the cases.
func (w *contract) file(t *testing.T, name, text string) string {
	t.Helper()
	path := w.at(name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// at is a path for a file of the cases.
func (w *contract) at(name string) string { return filepath.Join(w.dir, name) }

// theContract makes the editions and starts the servers.
func theContract(t *testing.T) *contract {
	t.Helper()
	w := &contract{e: theEditions(t), dir: t.TempDir()}
	w.projects = [2][]project{projectsOf(t, "2023"), projectsOf(t, "2024")}
	w.years = w.at("years")
	of := func(year string) []string {
		return []string{"--layer", "hsf@" + year + "=" + delivery(t, "delivery", year, "GBZNT.geojson"), "--layer", "region@" + year + "=" + delivery(t, "delivery", year, "XZQ.fgb")}
	}
	ingest := func(layers ...string) string {
		must(t, append([]string{"ingest", "--out", w.years, "--zooms", "5-6"}, layers...)...)
		return generationOf(t, w.years)
	}
	w.gone = ingest(of("2023")...)
	w.before = ingest(append(of("2023"), of("2024")...)...)
	must(t, "update", "--edition", w.years, "--delete", w.file(t, "one.txt", w.projects[1][0].bsm()+"\n"))
	w.current = generationOf(t, w.years)
	w.one = &server{tokens: map[string]string{}, log: &lockedBuffer{}}
	w.one.start(t, w.openly()...)
	w.three = &server{tokens: map[string]string{}, log: &lockedBuffer{}, access: w.at("access.json")}
	for _, tier := range []string{"secure", "government"} {
		w.three.tokens[tier] = strings.TrimSpace(must(t, "token", "add", "--access", w.three.access, "--tier", tier, "--name", tier))
	}
	w.three.tokens["slow"] = strings.TrimSpace(must(t, "token", "add", "--access", w.three.access, "--tier", "secure", "--name", "slow", "--rate", "0.01", "--burst", "1"))
	data, err := os.ReadFile(w.three.access)
	if err != nil {
		t.Fatal(err)
	}
	var access map[string]any
	decode(t, data, &access)
	access["origins"] = []string{origin}
	if data, err = json.Marshal(access); err != nil {
		t.Fatal(err)
	}
	w.file(t, "access.json", string(data))
	w.three.start(t, w.tiers()...)
	return w
}

// openly is the line of the server of one edition.
func (w *contract) openly() []string {
	return []string{"serve", "--edition", w.years, "--listen", "127.0.0.1:0", "--open"}
}

// tiers is the line of the server of three tiers.
func (w *contract) tiers() []string {
	return []string{
		"serve", "--edition", w.e.Secure, "--edition", w.e.Government, "--edition", w.e.Public, "--listen", "127.0.0.1:0",
		"--access", w.at("access.json"), "--cache", w.at("cache"), "--public-url", publicURL,
	}
}
