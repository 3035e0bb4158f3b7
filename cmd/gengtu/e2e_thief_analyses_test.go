package main_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"gengtu/index/question"
)

// stealAnalyses asks every question of the tier, twice, and hunts in what is told of it: the
// job, its events, every form of its answer, and the layers that its shapes are.
func (h *thief) stealAnalyses(t *testing.T) {
	t.Helper()
	answered := 0
	for _, q := range question.All() {
		for _, by := range []string{"county", "group"} {
			if h.stealJob(t, "/{tier}/analyses", fmt.Sprintf(`{"question":%q,"by":%q}`, q.Name, by)) {
				answered++
			}
		}
	}
	h.stealJob(t, "/{tier}/reconcile", `{"a":"cropland","b":"pbf","by":"village"}`)
	if answered == 0 {
		t.Errorf("%s: no question was answered", h.tier)
	}
}

// stealJob asks for a job, follows it and takes all that it made; false when it made none.
func (h *thief) stealJob(t *testing.T, pattern, body string) bool {
	t.Helper()
	at := "/" + h.tier + strings.TrimPrefix(pattern, "/{tier}")
	a := h.ask(t, pattern, "POST", at, []byte(body))
	if a.Status != 202 && a.Status != 200 {
		return false
	}
	var j askedJob
	decode(t, a.Body, &j)
	job := "/" + h.tier + "/analyses/" + j.ID
	h.ask(t, "/{tier}/analyses/{id}/events", "GET", job+"/events", nil)
	told := h.ask(t, "/{tier}/analyses/{id}", "GET", job, nil)
	decode(t, told.Body, &j)
	if j.State != "done" {
		return false
	}
	h.ask(t, pattern, "POST", at, []byte(body)) // the same question is the same job
	for _, r := range j.Results {
		u, err := url.Parse(r.URL)
		if err != nil {
			t.Fatal(err)
		}
		got := h.ask(t, "/{tier}/analyses/{id}/{file}", "GET", u.RequestURI(), nil)
		if r.Form == "zip" {
			h.look(unpackedSheet(t, got.Body))
		}
		if r.Form == "json" && !json.Valid(got.Body) {
			t.Errorf("%s of %s is no JSON: %d", u, body, got.Status)
		}
	}
	for _, l := range j.Layers {
		h.ask(t, "/{tier}/ogc/collections/{layer}/items", "GET", "/"+h.tier+"/ogc/collections/"+l.Name+"/items?limit=1000", nil)
	}
	return true
}
