package tileserver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/valyala/fasthttp"

	"gengtu/index"
	"gengtu/index/analyze"
	"gengtu/index/analyze/forms"
	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
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
	w := &answerWriter{ctx: ctx, a: a, r: r, result: result, dir: dir, tell: tell}
	if err := w.all(); err != nil {
		return nil, tellable(err, r.policy())
	}
	return json.Marshal(&w.kept)
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
	if shown == nil && status >= fasthttp.StatusInternalServerError || strings.HasSuffix(of.Code, "_OPEN") && (p.RoundM2 > 0 || !p.Pieces || p.TotalsOnly) {
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
	opt := analyze.Options{Rules: r.server.cfg.Rules, Program: r.server.cfg.Program}
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
	f, ok := k.file(string(forms.JSON), "")
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

// answerWriter writes an answer in all forms.
type answerWriter struct {
	ctx    context.Context //nolint:containedctx // of this one answer
	a      *answers
	r      *request
	result *analyze.Result
	dir    string
	tell   jobs.Tell
	kept   jobKept
	stored *index.Index // of the shapes, once they are written; or nil
}

var stageWriting = jobs.Stage{Zh: "写出答案", En: "writing the answer"}

func (w *answerWriter) all() (err error) {
	r := w.result
	w.kept.Identities, w.kept.Policy = len(r.Identities), r.Policy
	for _, t := range r.Tables {
		w.kept.Rows += len(t.Rows)
	}
	// Shapes are found once, for the layers; the other forms take them from there.
	defer func() {
		if w.stored != nil {
			err = errors.Join(err, w.stored.Close())
		}
	}()
	steps := []func() error{w.layers}
	step := func(form forms.Form, table string, title edition.Title) {
		steps = append(steps, func() error { return w.form(form, table, title) })
	}
	for _, form := range forms.Forms {
		switch form {
		case forms.CSV:
			for _, t := range r.Tables {
				step(form, t.Name, t.Title)
			}
		case forms.GeoJSON:
			for _, s := range r.Shapes {
				step(form, s.Name, s.Title)
			}
		default:
			step(form, "", edition.Title{})
		}
	}
	for _, f := range w.a.server.cfg.AnswerFiles {
		steps = append(steps, func() error { return w.other(f) })
	}
	for i, step := range steps {
		w.tell(stageWriting, i, len(steps))
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// form writes one of the server's own forms, of a table or a layer.
func (w *answerWriter) form(form forms.Form, table string, title edition.Title) error {
	name := fmt.Sprintf("%d.%s", len(w.kept.Files), form)
	f, err := os.OpenFile(filepath.Join(w.dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	out := &tagged{w: f, hash: xxhash.New()}
	err = w.write(out, form, table)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	w.kept.Files = append(w.kept.Files, keptFile{
		Form: string(form), Table: table, Title: title, Media: form.MediaType(), File: name, Tag: out.tag(), Bytes: out.n,
	})
	return nil
}

// write writes a form. JSON is an object, which says of what scope it is as other answers
// do.
func (w *answerWriter) write(out io.Writer, form forms.Form, table string) error {
	opt := forms.Options{Table: table}
	if form == forms.HTML {
		var err error
		if opt.Places, err = forms.Outlines(w.ctx, w.r.ix(), w.result); err != nil {
			return err
		}
	}
	if form != forms.JSON || !w.r.scope.Local() {
		return forms.Write(w.ctx, out, w.result, form, opt)
	}
	var b bytes.Buffer
	if err := forms.Write(w.ctx, &b, w.result, form, forms.Options{}); err != nil {
		return err
	}
	object, err := w.r.withScope(b.Bytes())
	if err == nil {
		_, err = out.Write(object)
	}
	return err
}

// tagged counts and hashes what is written.
type tagged struct {
	w    io.Writer
	hash *xxhash.Digest
	n    int64
}

// Write writes b.
func (t *tagged) Write(b []byte) (int, error) {
	n, err := t.w.Write(b)
	_, _ = t.hash.Write(b[:n]) // it never fails
	t.n += int64(n)
	return n, err
}

func (t *tagged) tag() string { return fmt.Sprintf("%016x", t.hash.Sum64()) }

// other writes a form that the server was given.
func (w *answerWriter) other(f AnswerFile) error {
	name := fmt.Sprintf("%d.%s", len(w.kept.Files), f.Form)
	path := filepath.Join(w.dir, name)
	if err := f.Write(w.ctx, w.result, path); err != nil {
		if p := problem.Of(err); p != nil && p.Code == "ANSWER_TABLE" {
			return nil
		}
		return err
	}
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // only read
	out := &tagged{w: io.Discard, hash: xxhash.New()}
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	w.kept.Files = append(w.kept.Files, keptFile{Form: f.Form, Media: f.MediaType, File: name, Tag: out.tag(), Bytes: out.n})
	return nil
}
