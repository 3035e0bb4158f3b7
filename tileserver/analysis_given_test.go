package tileserver_test

import (
	"bufio"
	"bytes"
	"context"
	"net/http"
	"os"
	"strings"
	"testing"

	"gengtu/index/analyze"
	"gengtu/index/edition"
	"gengtu/tileserver/answer"
)

// analysis is what is told of a job.
type analysis struct {
	ID, State, Run, Generation, Scope string
	Current, Again                    bool
	Ahead                             *int
	Problem                           *struct{ Code, Detail string }
	Results                           []struct {
		Form, Table, Type, URL string
		Bytes                  int64
	}
	Layers []struct {
		Name, Vintage string
		Features      int
		Services      map[string]string
	} `json:"layers_made"`
}

// outside is a question that the farm has an answer with shapes to.
const outside = `{"question":"hsf-outside-pbf","by":"village"}`

// gate holds each answer up, while it is written, until it is opened.
type gate struct {
	open    chan struct{}
	entered chan struct{}
}

func newGate() *gate { return &gate{make(chan struct{}), make(chan struct{}, 100)} }

// file is the gate as a form of answers, which no answer has.
func (g *gate) file() answer.Extra {
	return answer.Extra{Form: "held", MediaType: "text/plain", Write: func(ctx context.Context, _ *analyze.Result, path string) error {
		g.entered <- struct{}{}
		select {
		case <-g.open:
			return os.WriteFile(path, []byte("held"), 0o600)
		case <-ctx.Done():
			return ctx.Err()
		}
	}}
}

// post asks a question of a tier.
func (s *service) analyse(t testing.TB, tier edition.Tier, body string, status int, headers ...string) analysis {
	t.Helper()
	r := s.post(t, "/"+string(tier)+"/analyses", body, headers...)
	if r.StatusCode != status {
		t.Fatalf("%s: %d %s", body, r.StatusCode, r.body)
	}
	at := r.Header.Get("Location")
	a := decode[analysis](t, r)
	if !strings.Contains(at, "/analyses/"+a.ID) || r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("Location %q, %v", at, r.Header)
	}
	return a
}

// event is one of a stream.
type event struct{ id, name, data string }

// follow reads the events of a job until the stream ends.
func (s *service) follow(t testing.TB, tier edition.Tier, id string, headers ...string) []event {
	t.Helper()
	r := s.get(t, "/"+string(tier)+"/analyses/"+id+"/events", headers...)
	if r.StatusCode != http.StatusOK || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/event-stream") || !bytes.HasPrefix(r.body, []byte("retry: ")) {
		t.Fatalf("%d %v %s", r.StatusCode, r.Header, r.body)
	}
	var out []event
	var e event
	lines := bufio.NewScanner(bytes.NewReader(r.body))
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "id":
			e.id = value
		case "event":
			e.name = value
		case "data":
			e.data = value
		case "":
			if e.id != "" {
				out = append(out, e)
			}
			e = event{}
		}
	}
	return out
}

// names are those of events, each once in a row.
func names(events []event) string {
	var out []string
	for _, e := range events {
		if len(out) == 0 || out[len(out)-1] != e.name {
			out = append(out, e.name)
		}
	}
	return strings.Join(out, " ")
}

// answered asks and waits until it is answered.
func (s *service) answered(t testing.TB, tier edition.Tier, body string, headers ...string) analysis {
	t.Helper()
	a := s.analyse(t, tier, body, http.StatusAccepted, headers...)
	if events := s.follow(t, tier, a.ID, headers...); events[len(events)-1].name != "done" {
		t.Fatalf("%+v", events[len(events)-1])
	}
	return decode[analysis](t, s.get(t, "/"+string(tier)+"/analyses/"+a.ID, headers...))
}

// results are the bytes of all forms of an answer, by form and table.
func (s *service) results(t testing.TB, a analysis, headers ...string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, f := range a.Results {
		r := s.get(t, strings.TrimPrefix(f.URL, "http://gengtu.test"), headers...)
		if r.StatusCode != http.StatusOK || int64(len(r.body)) != f.Bytes || r.Header.Get("Content-Type") != f.Type || r.Header.Get("ETag") == "" || r.Header.Get("Gengtu-Generation") != a.Generation {
			t.Errorf("%s: %d, %d bytes of %d, %v", f.URL, r.StatusCode, len(r.body), f.Bytes, r.Header)
		}
		out[f.Form+" "+f.Table] = string(r.body)
	}
	return out
}
