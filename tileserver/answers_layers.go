package tileserver

import (
	"slices"
	"strings"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/tileserver/answer"
	"gengtu/tileserver/jobs"
	"gengtu/tileserver/tileset"
)

// The shapes of an answer are an edition of their own, below the job's directory, opened
// as a generation of its own: a request that names one of its layers is answered from it
// alone, so that no cache, list or tile of one answer can be taken for another's.

// openAnswer is the layers of one job, open.
type openAnswer struct {
	job string
	gen *generation
}

// maxOpenAnswers bounds the answers whose layers are open.
const maxOpenAnswers = 16

// generationOf returns the layers of a job as a generation, acquired.
func (a *answers) generationOf(j *jobs.Job) (*generation, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if i := slices.IndexFunc(a.open, func(o *openAnswer) bool { return o.job == j.ID }); i >= 0 && a.open[i].gen.Acquire() {
		o := a.open[i]
		a.open = append(slices.Delete(a.open, i, i+1), o)
		return o.gen, nil
	}
	t, _ := tellOf(j)
	dir := a.queue.Dir(j.ID)
	at := answer.LayersOf(dir)
	name, m, err := edition.Current(at)
	if err != nil {
		return nil, err
	}
	if string(m.Tier) != j.Tier {
		return nil, problem.New("TIER_CHANGED", "答案的图层与版别不符", "the layers of an answer are not of the tier").In(at)
	}
	named := *m
	named.Generation = t.Generation
	g, err := a.server.openFiles(edition.Path(at, name), &named, stock{cache: "tiles", dir: dir, share: smallShare})
	if err != nil {
		return nil, err
	}
	g.answer, g.from = j.ID, t.Layers
	g.Acquire()
	a.open = append(a.open, &openAnswer{j.ID, g})
	if len(a.open) > maxOpenAnswers {
		_ = a.open[0].gen.Release() // only read
		a.open = slices.Delete(a.open, 0, 1)
	}
	return g, nil
}

// gone gives up the layers of a job whose files are removed.
func (a *answers) gone(j *jobs.Job) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if i := slices.IndexFunc(a.open, func(o *openAnswer) bool { return o.job == j.ID }); i >= 0 {
		_ = a.open[i].gen.Release() // only read
		a.open = slices.Delete(a.open, i, i+1)
	}
}

// ofRun finds the request's job that is done, has that run and layers.
func (r *request) ofRun(run string) (*jobs.Job, error) {
	reach, err := r.reachName()
	if err != nil {
		return nil, err
	}
	for _, j := range r.server.answers.queue.List(func(j *jobs.Job) bool { return j.Key == run && j.State == jobs.Done && r.mine(j, reach) }) {
		if t, k := tellOf(&j); len(k.Layers) > 0 {
			return &j, r.stillTold(&j, &t, &k)
		}
	}
	return nil, nil //nolint:nilnil // there is none
}

// takeAnswer takes the generation of the answer whose layers the request names, if it
// names any that are its to see; nil where it does not. A layer of an answer is asked for
// alone, or with others of the same answer.
func (r *request) takeAnswer() (*generation, error) {
	run, more := r.namedRun()
	if run == "" || r.server.answers == nil {
		return nil, nil //nolint:nilnil // there is none
	}
	j, err := r.ofRun(run)
	if j == nil || err != nil {
		return nil, err
	}
	if more {
		return nil, problem.New("PARAMETER_LAYERS", "答案的图层不能和别的图层一起要", "a layer of an answer is asked for without others").
			Advise("分开取，在客户端叠放", "ask for them apart, and lay them over each other in the client")
	}
	t, _ := tellOf(j)
	if name := r.query("generation"); name != "" && name != t.Generation {
		return nil, problem.New("GENERATION_GONE", "这一答案是 %[1]s 这一代的，不是 %.40[2]q", "this answer is of generation %[1]s, not of %.40[2]q", t.Generation, name).
			Advise("去掉 generation=", "leave generation= out")
	}
	r.pinned = r.query("generation") != ""
	return r.server.answers.generationOf(j)
}

// namedRun is the run of the answer whose layers the path, or a value of the query, names;
// more tells whether it names others beside.
func (r *request) namedRun() (run string, more bool) {
	if r.lane && !strings.Contains(r.ask.layers, tileset.AnswerPrefix) {
		return "", false // as almost all requests
	}
	texts := []string{r.ask.layers}
	if !r.lane {
		texts = []string{string(r.ctx.Path())}
		if r.hasQuery() {
			for k, v := range r.ctx.QueryArgs().All() {
				if !strings.EqualFold(string(k), "tk") {
					texts = append(texts, string(v))
				}
			}
		}
	}
	for _, text := range texts {
		if !strings.Contains(text, tileset.AnswerPrefix) {
			continue
		}
		for list := range strings.SplitSeq(text, "/") {
			names := strings.Split(list, ",")
			for _, name := range names {
				of := answer.RunOf(name)
				if of == "" {
					more = more || run != "" && len(names) > 1
					continue
				}
				more = more || run != "" && run != of
				run = of
			}
			if run != "" && len(names) > 1 {
				more = more || slices.ContainsFunc(names, func(n string) bool { return !strings.HasPrefix(n, tileset.AnswerPrefix+run) })
			}
		}
	}
	return run, more
}

// listed are routes that tell which layers there are: those of the request's answers
// stand among them.
var listing = []string{"catalog", "wmts", "wms", "ogc"}

// showAnswers adds the layers of the request's answers to those that it sees, where it
// asks which there are.
func (r *request) showAnswers(rt *route) error {
	if rt == nil || r.server.answers == nil || r.gen.answer != "" || r.pinned || !slices.Contains(listing, rt.name) {
		return nil
	}
	if r.tier == edition.Public {
		return nil // nobody is told apart from others there
	}
	reach, err := r.reachName()
	if err != nil {
		return err
	}
	var add []*index.Layer
	for _, j := range r.server.answers.queue.List(func(j *jobs.Job) bool { return j.State == jobs.Done && r.mine(j, reach) }) {
		if t, k := tellOf(&j); len(k.Layers) == 0 || len(r.beside) >= maxListedAnswers || r.stillTold(&j, &t, &k) != nil {
			continue
		}
		g, err := r.server.answers.generationOf(&j)
		if err != nil {
			r.server.cfg.Log.Error("the layers of an answer cannot be opened", "job", j.ID, "error", err)
			continue
		}
		r.beside = append(r.beside, g)
		for i := range g.ix.Manifest.Layers {
			m := &g.ix.Manifest.Layers[i]
			add = append(add, g.ix.Layer(m.Name, m.Vintage))
		}
	}
	if len(add) > 0 {
		r.seen = r.seen.With(add)
	}
	return nil
}

// maxListedAnswers bounds the answers whose layers stand in lists, those that were asked
// last; others are served all the same.
const maxListedAnswers = 8

// errNoPrevious is of a question that goes on from an answer that is not there.
var errNoPrevious = problem.New("PARAMETER_PREVIOUS", "previous 不是您做完的一项分析", "previous is no analysis of yours that is done")
