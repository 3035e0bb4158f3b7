package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// askedJob is what a server tells of an analysis.
type askedJob struct {
	ID, State, Run string
	Current        bool
	Results        []struct{ Form, URL string }
	Layers         []struct {
		Name     string
		Features int
	} `json:"layers_made"`
}

// eventsOf follows an analysis to its end, over the server's own stream.
func (s *server) eventsOf(t *testing.T, path string) string {
	t.Helper()
	var out []string
	for line := range strings.SplitSeq(string(s.get(t, 200, path+"/events").Body), "\n") {
		if name, ok := strings.CutPrefix(line, "event: "); ok && (len(out) == 0 || out[len(out)-1] != name) {
			out = append(out, name)
		}
	}
	return strings.Join(out, " ")
}

// An analysis is asked over HTTP and followed; the server is killed while another runs,
// which the next one runs again; the first has the same bytes in all forms, also after
// the edition went on, and its shapes are tiles and features for its token alone.
func TestAnalysesOverHTTP(t *testing.T) {
	e := theEditions(t)
	dir := t.TempDir()
	access, kept := filepath.Join(dir, "access.json"), filepath.Join(dir, "jobs")
	token := func(name string) string {
		return strings.TrimSpace(must(t, "token", "add", "--access", access, "--tier", "secure", "--name", name))
	}
	owner, other := token("owner"), token("other")
	args := []string{"serve", "--listen", "127.0.0.1:0", "--access", access, "--jobs", kept, "--edition", e.Secure, "--edition", e.Public}
	fresh := func() *server {
		return &server{tokens: map[string]string{"secure": owner}, log: &lockedBuffer{}, access: access}
	}
	ask := func(s *server, status int, body string) askedJob {
		t.Helper()
		var j askedJob
		a := s.do(t, http.MethodPost, "/secure/analyses", []byte(body))
		if a.Status != status {
			t.Fatalf("%s: %d %s", body, a.Status, a.Body)
		}
		decode(t, a.Body, &j)
		return j
	}
	const question = `{"question":"hsf-outside-pbf","by":"township"}`
	s := fresh() // it is killed below
	s.cmd = exec.Command(binary(), args...)
	s.cmd.Env, s.cmd.Stderr = append(os.Environ(), "GENGTU_LANG=en"), s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.URL = waitForAddress(t, s.log)
	if strings.Contains(s.log.String(), "no --jobs") {
		t.Error("it says that jobs are not kept")
	}
	j := ask(s, 202, question)
	at := "/secure/analyses/" + j.ID
	if got := s.eventsOf(t, at); got != "waiting running progress done" {
		t.Error(got)
	}
	var done askedJob
	decode(t, s.get(t, 200, at).Body, &done)
	bytesOf := func(s *server) map[string][]byte {
		out := map[string][]byte{}
		for _, f := range done.Results {
			_, path, _ := strings.Cut(strings.TrimPrefix(f.URL, "http://"), "/")
			out[path] = s.get(t, 200, "/"+path).Body
		}
		return out
	}
	first := bytesOf(s)
	forms := fmt.Sprint(done.Results)
	for _, form := range []string{"json", "csv", "xlsx", "geojson", "html", "gpkg", "zip"} {
		if !strings.Contains(forms, "result."+form) {
			t.Errorf("no %s in %s", form, forms)
		}
	}
	if len(done.Layers) == 0 || done.Layers[0].Features == 0 {
		t.Fatalf("%+v", done)
	}
	feature, tile := "/secure/features/"+done.Layers[0].Name+"/1", "/secure/tiles/"+done.Layers[0].Name+"/w/0/0/0.mvt"
	look := func(s *server) {
		t.Helper()
		s.get(t, 200, feature)
		s.get(t, 200, tile)
		for _, path := range []string{at, at + "/result.json", feature, tile} {
			if a := s.do(t, http.MethodGet, path, nil, "Authorization", "Bearer "+other); a.Status != 404 {
				t.Errorf("another token: %s: %d", path, a.Status)
			}
		}
	}
	look(s)

	second := ask(s, 202, `{"question":"hsf-outside-pbf","by":"village"}`)
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = s.cmd.Wait() // says that it was killed
	s = fresh()
	s.start(t, args...)
	if got := s.eventsOf(t, "/secure/analyses/"+second.ID); !strings.HasSuffix(got, " done") || !strings.HasPrefix(got, "waiting running") {
		t.Error(got)
	}
	if again := ask(s, 200, question); again.ID != j.ID || again.Run != j.Run {
		t.Errorf("%+v", again)
	}
	look(s)
	for path, body := range first {
		if !bytes.Equal(s.get(t, 200, "/"+path).Body, body) {
			t.Errorf("%s has changed", path)
		}
	}
	// The printed answer is the one that the command prints.
	out := filepath.Join(dir, "answer.json")
	must(t, "analyze", "--edition", e.Secure, "hsf-outside-pbf", "--by", "township", "--out", out)
	printed, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if path := strings.TrimPrefix(at, "/") + "/result.json"; !bytes.Equal(printed, first[path]) {
		t.Errorf("the command prints %d bytes, the server %d", len(printed), len(first[path]))
	}
	var doc struct {
		Code string `json:"code"`
	}
	a := s.do(t, http.MethodPost, "/public/analyses", []byte(`{"question":"siting","shapes":{"type":"Point","coordinates":[108.6,34.3]}}`))
	if err := json.Unmarshal(a.Body, &doc); err != nil || a.Status != 403 && a.Status != 404 {
		t.Errorf("siting in public: %d %s", a.Status, a.Body)
	}
	if a := s.do(t, http.MethodDelete, at, nil); a.Status != 204 {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	for _, path := range []string{at, at + "/result.json", feature, tile} {
		if a := s.do(t, http.MethodGet, path, nil); a.Status != 404 {
			t.Errorf("when it is gone: %s: %d", path, a.Status)
		}
	}
}
