package tileserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"slices"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"gengtu/index/analyze"
	"gengtu/index/analyze/forms"
	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/index/question"
	"gengtu/tileserver/access"
	"gengtu/tileserver/answer"
	"gengtu/tileserver/jobs"
)

// analysisBody is what is posted: a question, by the names of [analyze.Request], with
// shapes as GeoJSON and the id of an analysis that it goes on from.
type analysisBody struct {
	analyze.Request
	Shapes   json.RawMessage `json:"shapes"`
	CRS      string          `json:"crs"`
	Previous string          `json:"previous"`
}

// analysisMembers are the members of the body, for those who write another.
const analysisMembers = "question, by, place, vintage, from, parameters, shapes, crs, previous"

// handleAsk puts a question into the queue, and answers with its job: 202 while that
// waits or runs, with again where it did so before, 200 with the one that is done when the
// same was asked before.
func (s *Server) handleAsk(r *request) error {
	q, err := r.readAnalysis()
	if err != nil {
		return err
	}
	return s.ask(r, q)
}

// ask puts what was read into the queue.
func (s *Server) ask(r *request, q *asking) error {
	reach, err := r.reachName()
	if err != nil {
		return err
	}
	job, err := r.prepare(q, reach)
	if err != nil {
		return err
	}
	a, err := r.askOf(q, job)
	if err != nil {
		return err
	}
	a.Reach = reach
	j, err := s.answers.queue.Ask(*a)
	if err != nil {
		return err
	}
	r.ctx.Response.Header.Set("Location", r.address("analyses/"+j.ID))
	if !j.State.Ended() {
		r.ctx.SetStatusCode(fasthttp.StatusAccepted)
	}
	return r.sendJob(&j)
}

// readAnalysis reads a body: JSON, or the surveyor's TXT with the question in the address.
func (r *request) readAnalysis() (*asking, error) {
	data, err := r.plainBody()
	if err != nil {
		return nil, err
	}
	q := &asking{Generation: r.gen.Name()}
	if r.scope != nil {
		q.Reach, q.Scoped = *r.scope, true
	}
	kind, _, err := mime.ParseMediaType(string(r.ctx.Request.Header.ContentType()))
	if err != nil {
		kind = ""
	}
	if kind == "text/plain" && areas.LooksLikeTXT(data) {
		q.Request = analyze.Request{
			Question: r.query("question"), By: areas.Level(r.query("by")), Place: r.query("place"), Vintage: r.query("vintage"), From: r.query("from"),
		}
		q.Shapes, q.CRS = bytes.Clone(data), r.query("crs")
		return q, nil
	}
	if err := checkUTF8(data); err != nil {
		return nil, err
	}
	var b analysisBody
	if err := strictJSON(data, &b, analysisMembers); err != nil {
		return nil, err
	}
	q.Request, q.CRS, q.Previous = b.Request, b.CRS, b.Previous
	if string(b.Shapes) != "null" {
		q.Shapes = b.Shapes
	}
	if v := r.query("vintage"); v != "" {
		if q.Request.Vintage != "" && q.Request.Vintage != v {
			return nil, problem.New("PARAMETER_TWICE", "%[1]s 在请求体和地址里不一样", "%[1]s differs between the body and the address", "vintage").
				Advise("只写一处", "give it in one of them")
		}
		q.Request.Vintage = v
	}
	return q, nil
}

// strictJSON reads an object whose members are those listed.
func strictJSON(data []byte, into any, members string) error {
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\uFEFF"))))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			return problem.New("JSON_SYNTAX", "请求体在 JSON 后面还有内容", "there is something behind the JSON of the body")
		}
		return nil
	}
	var t *json.UnmarshalTypeError
	name, unknown := strings.CutPrefix(err.Error(), "json: unknown field ")
	switch {
	case errors.Is(err, io.EOF):
		return problem.New("JSON_SYNTAX", "请求体是空的", "the body is empty")
	case errors.As(err, &t):
		return problem.New("JSON_MEMBER", "%.40q 处不能是 %s", "at %.40q there must be no %s", t.Field, t.Value)
	case unknown:
		return problem.New("JSON_MEMBER", "不认识成员 %.40s", "unknown member %.40s", name).
			Advise("可用 %[1]s", "there are %[1]s", members)
	}
	return problem.New("JSON_SYNTAX", "请求体不是 JSON（%v）", "the body is no JSON (%v)", err)
}

// prepare reads the question against the edition: what cannot be answered is refused
// before it waits.
func (r *request) prepare(q *asking, reach string) (*analyze.Job, error) {
	found, err := question.Find(q.Request.Question)
	if err != nil {
		return nil, err
	}
	for name, v := range map[string]string{"place": q.Request.Place, "vintage": q.Request.Vintage, "from": q.Request.From} {
		if len(v) > maxTold {
			return nil, problem.New("JSON_MEMBER", "%[1]s 有 %[2]d 字节，上限 %[3]d", "%[1]s has %[2]d bytes, the limit is %[3]d", name, len(v), maxTold)
		}
	}
	r.layer = strings.Join(r.layersOfQuestion(found, &q.Request), ",")
	for _, name := range found.Layers {
		if err := r.grantsLayer(name); err != nil {
			r.outcome = access.WrongScope
			return nil, err
		}
	}
	if p := q.Request.Place; p != "" {
		r.askPlace(p)
		if err := r.reachesPlace(p); err != nil {
			return nil, err
		}
	}
	req := q.Request
	if req.Shapes, err = r.server.readShapes(q.Shapes, q.CRS); err != nil {
		return nil, err
	}
	r.asked.shapes = int64(len(req.Shapes))
	if q.Previous != "" {
		before, ok := r.server.answers.queue.Get(q.Previous)
		if !ok || !r.mine(&before, reach) || before.State != jobs.Done {
			return nil, errNoPrevious
		}
		req.Previous = &analyze.Result{Run: before.Key}
	}
	return analyze.Prepare(r.ix(), req, r.analyzing())
}

// askOf is what the queue is asked.
func (r *request) askOf(q *asking, job *analyze.Job) (*jobs.Ask, error) {
	name, err := job.Name()
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	about, err := json.Marshal(&jobTold{
		Run: name, Question: job.Question.Name, Title: job.Question.Title, Request: shortened(&job.Request), Generation: r.gen.Name(),
		Rules: job.Rules.Version, Program: r.server.cfg.Program, Layers: r.layersOfQuestion(job.Question, &job.Request),
	})
	return &jobs.Ask{Tier: string(r.tier), Owner: r.owner(), From: r.fromName(), Key: name, Body: body, About: about}, err
}

// maxTold is how many bytes of a parameter are told of a job: a table of figures is one.
const maxTold = 200

// shortened is a request without the length of its parameters: what is told of jobs is
// held for each of them, and sent with each list.
func shortened(req *analyze.Request) analyze.Request {
	out := *req
	out.Parameters = maps.Clone(req.Parameters)
	for name, v := range out.Parameters {
		if len(v) > maxTold {
			out.Parameters[name] = fmt.Sprintf("%s… (%d bytes)", strings.ToValidUTF8(v[:maxTold], ""), len(v))
		}
	}
	return out
}

// handleAnalysis answers with a job.
func (s *Server) handleAnalysis(r *request) error {
	j, err := r.job(r.params["id"])
	if err != nil {
		return err
	}
	return r.sendJob(&j)
}

// handleCancel cancels a job that waits or runs, and removes one that is over. Whoever
// has the role of the system's administration may do so to anybody's; in public one that
// others have asked for, too, stays. With unless=wanted the request says only that its sender
// waits no more: 204 as well, and the job stays when it is over or was asked for again.
func (s *Server) handleCancel(r *request) error {
	id := r.params["id"]
	end := s.answers.queue.Cancel
	switch v := r.query("unless"); v {
	case "":
	case "wanted":
		end = s.answers.queue.Leave
	default:
		return problem.New("PARAMETER_UNLESS", "unless 是 %.20q，只有 wanted", "unless is %.20q; there is wanted", v)
	}
	j, err := r.job(id)
	if err != nil && r.administers() {
		if other, ok := s.answers.queue.Get(id); ok && other.Tier == string(r.tier) {
			j, err = other, nil
		}
	}
	if err != nil {
		return err
	}
	if r.owner() == "" && s.cfg.Access != nil && (j.Shared || j.From != r.fromName()) {
		return problem.New(codeRefused, "别人也问了这项分析，不能取消", "others have asked for this analysis, too: it cannot be cancelled").
			Advise("不取消也无妨：不会有别的后果", "leave it: nothing follows from that")
	}
	end(id) // what it tells is the same to the sender: the job is no concern of theirs any more
	r.ctx.Response.Header.Set("Cache-Control", "no-store")
	r.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

// administers tells whether the token's holder has the role of the system's
// administration; where no roles are given, nobody has it here.
func (r *request) administers() bool {
	a := r.server.cfg.Access
	return a != nil && r.token != "" && a.Role(r.token) == access.System
}

// otherJob is what an administrator is told of a job of somebody else: enough to cancel
// it, nothing of what is asked.
type otherJob struct {
	ID    string     `json:"id"`
	Who   string     `json:"who"`
	State jobs.State `json:"state"`
	Asked time.Time  `json:"asked"`
	Bytes int64      `json:"bytes,omitempty"`
}

// handleAnalyses lists the questions and the request's jobs.
func (s *Server) handleAnalyses(r *request) error {
	reach, err := r.reachName()
	if err != nil {
		return err
	}
	rules, err := s.rules()
	if err != nil {
		return err
	}
	mine, others := []*jobDoc{}, []otherJob{}
	// Without a token nobody is told apart: there a job is found by its id alone.
	if r.tier != edition.Public {
		for _, j := range s.answers.queue.List(func(j *jobs.Job) bool { return r.mine(j, reach) }) {
			mine = append(mine, r.docOf(&j))
		}
	}
	doc := map[string]any{"questions": r.offered(rules), "jobs": mine, "rules": rules.Version, "generation": r.gen.Name(), "tier": r.tier, "forms": s.answerForms()}
	if r.administers() {
		for _, j := range s.answers.queue.List(func(j *jobs.Job) bool { return j.Tier == string(r.tier) && !r.mine(j, reach) }) {
			others = append(others, otherJob{j.ID, j.Owner, j.State, j.Asked, j.Bytes})
		}
		doc["others"] = others
	}
	data, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	if data, err = r.withScope(data); err != nil {
		return err
	}
	return r.sendOnce("application/json", data)
}

// rules are the rules in force.
func (s *Server) rules() (*analyze.Rules, error) {
	if s.cfg.Rules != nil {
		return s.cfg.Rules, nil
	}
	return analyze.DefaultRules()
}

// answerForms lists the forms that answers come in.
func (s *Server) answerForms() []string {
	var out []string
	for _, f := range forms.Forms {
		out = append(out, string(f))
	}
	for _, f := range s.cfg.AnswerFiles {
		out = append(out, f.Form)
	}
	return out
}

// formsOf are the forms that answers to a question may come in.
func (s *Server) formsOf(q *analyze.Question) []string {
	return slices.DeleteFunc(s.answerForms(), func(form string) bool {
		shapes := form == string(forms.GeoJSON) || slices.ContainsFunc(s.cfg.AnswerFiles, func(f answer.Extra) bool { return f.Form == form && f.ShapesAlone })
		return q.NoShapes && shapes
	})
}
