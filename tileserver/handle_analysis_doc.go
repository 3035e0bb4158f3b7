package tileserver

import (
	"encoding/json"
	"strings"
	"time"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/tileserver/answer"
	"gengtu/tileserver/jobs"
)

// jobDoc is a job as it is told.
type jobDoc struct {
	ID    string     `json:"id"`
	State jobs.State `json:"state"`
	jobTold
	Tier  edition.Tier `json:"tier"`
	Scope string       `json:"scope,omitempty"`
	// Current is false where the answer is of a generation that is not in force any more.
	Current bool `json:"current"`
	// Again is true where the same was asked once more before the job was over.
	Again bool       `json:"again,omitempty"`
	Asked time.Time  `json:"asked"`
	Began *time.Time `json:"began,omitempty"`
	Ended *time.Time `json:"ended,omitempty"`
	// Ahead is how many run or wait before it.
	Ahead    *int            `json:"ahead,omitempty"`
	Progress *jobs.Event     `json:"progress,omitempty"`
	Problem  *jobProblem     `json:"problem,omitempty"`
	Results  []resultAddress `json:"results,omitempty"`
	Layers   []jobLayer      `json:"layers_made,omitempty"`
	Bytes    int64           `json:"bytes,omitempty"`
	Services map[string]any  `json:"services"`
}

type jobProblem struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
	Advice string `json:"advice,omitempty"`
}

type resultAddress struct {
	Form  string        `json:"form"`
	Table string        `json:"table,omitempty"`
	Title edition.Title `json:"title,omitzero"`
	Type  string        `json:"type"`
	Bytes int64         `json:"bytes"`
	URL   string        `json:"url"`
}

type jobLayer struct {
	answer.Layer
	Services map[string]string `json:"services"`
}

// docOf is what is told of a job.
func (r *request) docOf(j *jobs.Job) *jobDoc {
	t, k := tellOf(j)
	d := &jobDoc{
		ID: j.ID, State: j.State, jobTold: t, Tier: r.tier, Scope: r.scope.Ground(), Current: t.Generation == r.state.tier.Current(),
		Again: j.Again, Asked: j.Asked, Began: given(j.Began), Ended: given(j.Over), Bytes: j.Bytes, Services: map[string]any{},
	}
	at := "analyses/" + j.ID
	d.Services["self"], d.Services["events"] = r.address(at), r.address(at+"/events")
	switch j.State {
	case jobs.Waiting:
		n := r.server.answers.queue.Ahead(j)
		d.Ahead = &n
	case jobs.Running:
		if n := len(j.Events); n > 0 && j.Events[n-1].Kind == jobs.Progress {
			d.Progress = &j.Events[n-1]
		}
	case jobs.Failed:
		d.Problem = r.failureOf(j)
	}
	for i := range k.Files {
		f := &k.Files[i]
		v := r.carried()
		v.Del("generation") // an answer is of one
		v.Del("vintage")
		if f.Table != "" {
			v.Set("table", f.Table)
		}
		url := r.path(at + "/result." + f.Form)
		if len(v) > 0 {
			url += "?" + v.Encode()
		}
		d.Results = append(d.Results, resultAddress{Form: f.Form, Table: f.Table, Title: f.Title, Type: f.Media, Bytes: f.Bytes, URL: url})
	}
	for _, l := range k.Layers {
		d.Layers = append(d.Layers, jobLayer{l, r.answerServices(l.Name)})
	}
	return d
}

// answerServices are the addresses of a layer of an answer.
func (r *request) answerServices(name string) map[string]string {
	out := r.layerServices(name)
	v := r.carried()
	v.Set("layer", name)
	out["style"], out["legend"] = r.path("style.json")+"?"+v.Encode(), r.path("legend.json")+"?"+v.Encode()
	return out
}

// failureOf is why a job failed, in the request's language.
func (r *request) failureOf(j *jobs.Job) *jobProblem {
	p := j.Problem
	if p == nil {
		return nil
	}
	if r.lang() == problem.Chinese {
		return &jobProblem{strings.ToLower(p.Code), p.Zh, p.AdviceZh}
	}
	return &jobProblem{strings.ToLower(p.Code), p.En, p.AdviceEn}
}

// given is a time that may be missing.
func given(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// sendJob answers with a job, which changes from one moment to the next.
func (r *request) sendJob(j *jobs.Job) error {
	data, err := json.Marshal(r.docOf(j))
	if err != nil {
		return err
	}
	return r.sendOnce("application/json", data)
}
