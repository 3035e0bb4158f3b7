package tileserver

import (
	"cmp"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"gengtu/index/analyze"
	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/tileserver/access"
	"gengtu/tileserver/answer"
	"gengtu/tileserver/jobs"
	"gengtu/tileserver/scoped"
)

// Long questions are jobs: what is asked goes into a queue, and the answer is written as
// files, once, so that whoever asks again gets the same bytes, also when the edition has
// gone on. Above public a job is its token's alone, as long as that reaches what it
// reached; in public it is of whoever knows its id, which nobody can guess. The queue knows
// neither tokens nor questions: what is here joins the two.

// answers are the long questions of a server. Safe for concurrent use.
type answers struct {
	server  *Server
	queue   *jobs.Queue
	streams atomic.Int32 // of events

	mu   sync.Mutex
	open []*openAnswer // whose layers are open, the one used least recently first
}

// newAnswers opens the queue.
func newAnswers(s *Server) (*answers, error) {
	a := &answers{server: s}
	l := &s.cfg.Limits
	var err error
	a.queue, err = jobs.Open(jobs.Options{
		Dir: s.cfg.JobsDir, Run: a.run, AtOnce: l.JobsAtOnce, Waiting: l.JobsWaiting, PerOwner: l.JobsOfOne,
		Kept: l.JobsKept, KeptBytes: l.JobsBytes, KeptFor: l.JobsFor, Time: l.Job, Log: s.cfg.Log, Gone: a.gone,
	})
	return a, err
}

// close ends what runs, which is run again at the next start, and gives up open layers.
func (a *answers) close() error {
	if a == nil {
		return nil
	}
	err := a.queue.Close()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, o := range a.open {
		_ = o.gen.Release() // only read
	}
	a.open = nil
	return err
}

// asking is what a job is run by.
type asking struct {
	Request    analyze.Request `json:"request"`
	Generation string          `json:"generation"`
	Reach      access.Scope    `json:"scope"`
	Scoped     bool            `json:"scoped"` // Reach bounds it
	// Shapes are files as they were sent, in CRS, "" for what they say.
	Shapes   []byte `json:"shapes,omitempty"`
	CRS      string `json:"crs,omitempty"`
	Previous string `json:"previous,omitempty"` // a job
}

// jobTold is what is told of a job from its beginning.
type jobTold struct {
	Run        string          `json:"run"`
	Question   string          `json:"question"`
	Title      edition.Title   `json:"title"`
	Request    analyze.Request `json:"request"`
	Generation string          `json:"generation"`
	Rules      analyze.Version `json:"rules"`
	Program    string          `json:"program"`
	Layers     []string        `json:"layers"` // that it asks about
}

// tellOf reads what is told of a job. It was written by this program: what cannot be read
// of it is as if it were not there.
func tellOf(j *jobs.Job) (t jobTold, k answer.Kept) {
	if json.Unmarshal(j.About, &t) != nil {
		t = jobTold{}
	}
	if len(j.Answer) == 0 || json.Unmarshal(j.Answer, &k) != nil {
		k = answer.Kept{}
	}
	return t, k
}

// owner is whose the jobs of the request are: "" of those whom no token tells apart.
func (r *request) owner() string { return r.token }

// reachName names what of the tier the request reaches, as far as answers depend on it;
// "" for all of it.
func (r *request) reachName() (string, error) {
	if r.scope == nil {
		return "", nil
	}
	digest, err := scoped.Digest(r.scope)
	if err != nil {
		return "", err
	}
	if len(r.scope.Layers) == 0 && !r.scope.Local() {
		digest = ""
	}
	if !r.allows(access.Features) {
		digest += "-totals"
	}
	return digest, nil
}

// mine tells whether a job is the request's to see.
func (r *request) mine(j *jobs.Job, reach string) bool {
	return j.Tier == string(r.tier) && j.Owner == r.owner() && j.Reach == reach
}

// job returns the job of that id, if it is the request's to see. Of others, and of none,
// the same is said.
func (r *request) job(id string) (jobs.Job, error) {
	reach, err := r.reachName()
	if err != nil {
		return jobs.Job{}, err
	}
	j, ok := r.server.answers.queue.Get(id)
	if !ok || !r.mine(&j, reach) {
		return jobs.Job{}, errNoJob
	}
	t, k := tellOf(&j)
	if err := r.stillTold(&j, &t, &k); err != nil {
		return jobs.Job{}, err
	}
	r.layer = strings.Join(t.Layers, ",")
	r.askPlace(t.Request.Place)
	r.set(nameGeneration, t.Generation)
	return j, nil
}

// stillTold refuses an answer that tells more than the policy in force lets be told: files
// outlast the generation that they were made of.
func (r *request) stillTold(j *jobs.Job, t *jobTold, k *answer.Kept) error {
	if j.State != jobs.Done {
		return nil
	}
	now, err := r.state.tier.Take()
	if err != nil {
		return err
	}
	defer func() { _ = now.Release() }() // only read
	m := now.ix.Manifest
	if m.TellsAll(&k.Policy, t.Question, areas.ClassField) {
		return nil
	}
	return problem.New("POLICY", "做完这项分析以后策略收紧了，不再给出", "the policy has become stricter since this analysis was made: it is not told any more").
		Advise("重新提问", "ask again")
}

// layersOfQuestion are the layers of the edition that a question asks about, as far as
// they are there.
func (r *request) layersOfQuestion(q *analyze.Question, req *analyze.Request) []string {
	names := slices.Concat(q.Layers, q.Optional)
	if q.Named != nil {
		for _, name := range q.Named(req) {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return slices.DeleteFunc(names, func(name string) bool { return !slices.Contains(r.ix().Names(), name) })
}

// path is where a file of a job lies.
func (a *answers) path(id string, f *answer.File) string {
	return filepath.Join(a.queue.Dir(id), f.File)
}

// from is the name by which those are counted whom no token tells apart.
func (r *request) fromName() string {
	if !r.from.IsValid() {
		r.from = r.server.caller(r)
	}
	return cmp.Or(r.token, network(r.from).String())
}
