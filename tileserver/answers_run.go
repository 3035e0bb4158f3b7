package tileserver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"gengtu/index/analyze"
	"gengtu/index/analyze/forms"
	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/index/question"
	"gengtu/tileserver/answer"
	"gengtu/tileserver/jobs"
	"gengtu/tileserver/load"
	"gengtu/tileserver/scoped"
)

// The problems of a job on its way.
var (
	errNoJob   = problem.New("NO_JOB", "没有这项分析", "there is no such analysis")
	errChanged = problem.New("ANALYZE_CHANGED", "提问以后程序或规则变了", "the program or the rules have changed since this was asked").
			Advise("重新提问", "ask again")
	errTierGone = problem.New("NOT_READY", "提问的那一版现在不提供", "the tier that was asked is not served now").
			Advise("重新提问", "ask again")
)

// run answers a job, and writes the answer in all forms.
func (a *answers) run(ctx context.Context, j *jobs.Job, body []byte, dir string, tell jobs.Tell) (json.RawMessage, error) {
	var q asking
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, err
	}
	r := &request{server: a.server, tier: edition.Tier(j.Tier)}
	if a.server.tiers[r.tier] == nil {
		return nil, errTierGone
	}
	if q.Scoped {
		r.scope = &q.Reach
	}
	r.state = reach{tier: a.server.tiers[r.tier], scope: r.scope, scoped: a.server.scoped}
	var err error
	if r.gen, err = pinWhenMade(ctx, &r.state, q.Generation); err != nil {
		return nil, err
	}
	defer r.release()
	r.narrow()
	if err := a.shapes(&q, j); err != nil {
		return nil, err
	}
	defer load.Long()()
	opt := r.analyzing()
	opt.Workers = a.server.cfg.Limits.JobWorkers
	opt.Tell = func(stage edition.Title, done, all int) { tell(jobs.Stage{Zh: stage.Zh, En: stage.En}, done, all) }
	job, err := analyze.Prepare(r.ix(), q.Request, opt)
	if err != nil {
		return nil, err
	}
	if name, err := job.Name(); err != nil || name != j.Key {
		return nil, errors.Join(err, errChanged)
	}
	result, err := job.Run(ctx)
	if err != nil {
		return nil, tellable(err, r.policy())
	}
	to := answer.Options{Dir: dir, Of: r.ix(), Extra: a.server.cfg.AnswerFiles, Tell: func(done, all int) { tell(stageWriting, done, all) }}
	if r.scope.Local() {
		to.Object = r.withScope
	}
	kept, err := answer.Write(ctx, result, to)
	if err != nil {
		return nil, tellable(err, r.policy())
	}
	return json.Marshal(kept)
}

// tellable is err as whoever asked may be told it: problems of our files are faults of
// ours, as in every other answer, and so are figures that do not agree, which the policy
// would not let be told as they are.
func tellable(err error, p *edition.Policy) error {
	of := problem.Of(err)
	if of == nil {
		return err
	}
	status, shown := statusOf(of)
	if shown == nil && status >= fasthttp.StatusInternalServerError || strings.HasSuffix(of.Code, "_OPEN") && (p.RoundM2 > 0 || !p.MayTellFeatures()) {
		return errors.New(err.Error()) // logged, and told as a fault
	}
	return err
}

// pinWhenMade returns a generation, acquired; of a token's scope it waits until the
// edition for that is made.
func pinWhenMade(ctx context.Context, e *reach, name string) (*generation, error) {
	for {
		g, err := e.pin(name)
		if !errors.Is(err, scoped.ErrMaking) || ctx.Err() != nil {
			return g, err
		}
		again := time.NewTimer(time.Second)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
		}
	}
}

// analyzing is how questions of the request are answered.
func (r *request) analyzing() analyze.Options {
	opt := analyze.Options{Questions: question.All(), Rules: r.server.cfg.Rules, Program: r.server.cfg.Program}
	if r.scope != nil {
		opt.Scope = r.scope.Ground()
		if len(r.scope.Layers) > 0 {
			opt.Scope += " layers:" + layersText(r.scope.Layers)
		}
		if r.gen.ix.Manifest.Policy.Pieces && !r.policy().Pieces {
			opt.Scope += " totals"
		}
	}
	return opt
}

// layersText lists the layers of a scope, the same for scopes that have the same.
func layersText(names []string) string {
	var b bytes.Buffer
	for i, n := range slices.Compact(slices.Sorted(slices.Values(names))) {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(n)
	}
	return b.String()
}

// shapes puts what was sent, and the answer that the question goes on from, into the
// request.
func (a *answers) shapes(q *asking, j *jobs.Job) error {
	var err error
	if q.Request.Shapes, err = a.server.readShapes(q.Shapes, q.CRS); err != nil || q.Previous == "" {
		return err
	}
	before, ok := a.queue.Get(q.Previous)
	if !ok || before.State != jobs.Done || before.Tier != j.Tier || before.Owner != j.Owner || before.Reach != j.Reach {
		return errNoPrevious
	}
	_, k := tellOf(&before)
	f, ok := k.File(string(forms.JSON), "")
	if !ok {
		return errNoPrevious
	}
	in, err := os.Open(a.path(before.ID, f))
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // only read
	q.Request.Previous, err = forms.Read(in)
	return err
}

// readShapes reads what was sent; nothing gives no shapes.
func (s *Server) readShapes(data []byte, crs string) ([]areas.Given, error) {
	if len(data) == 0 {
		return nil, nil
	}
	var named *geo.CRS
	if crs != "" {
		c, err := areas.ParseCRS(crs)
		if err != nil {
			return nil, err
		}
		named = &c
	}
	l := s.cfg.Limits
	return analyze.ReadShapes("", data, named, areas.Limits{Vertices: l.AOIVertices, Features: l.AOIFeatures})
}

var stageWriting = jobs.Stage{Zh: "写出答案", En: "writing the answer"}
