package tileserver

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gengtu/index"
	"gengtu/index/analyze"
	"gengtu/index/analyze/forms"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/tileserver/jobs"
	"gengtu/tileserver/tileset"
)

// The shapes of an answer are an edition of their own, below the job's directory, opened
// as a generation of its own: a request that names one of its layers is answered from it
// alone, so that no cache, list or tile of one answer can be taken for another's.

// answerLayerName is how layers of answers are named: a-RUN-NAME. It is legal as a
// layer's name, hence in every protocol.
var answerLayerName = regexp.MustCompile(`a-([0-9a-f]{16})-[a-z0-9_-]+`)

// layerNameBytes bounds a layer's name, see [edition.ValidLayer].
const layerNameBytes = 64

// layersFolder is the edition of an answer's shapes, below the job's directory; beside it
// lie tiles made on demand.
const layersFolder = "layers"

// layersMemory is what the shapes of an answer take in memory until they are written.
const layersMemory = 256 << 20

// notPlain are the characters that a layer's name must not have.
var notPlain = regexp.MustCompile(`[^a-z0-9_-]+`)

// layerNameOf is the name of the layer of shapes of an answer.
func layerNameOf(run, shapes string) string {
	name := tileset.AnswerPrefix + run + "-" + strings.Trim(notPlain.ReplaceAllString(strings.ToLower(shapes), "_"), "_")
	return name[:min(len(name), layerNameBytes)]
}

// layers writes the edition of the answer's shapes, if it has any.
func (w *answerWriter) layers() error {
	if len(w.result.Shapes) == 0 {
		return nil
	}
	d, err := edition.Begin(filepath.Join(w.dir, layersFolder))
	if err != nil {
		return err
	}
	defer d.Abort()
	out := index.NewWriter(d.File(edition.FeaturesFile))
	out.Limit(layersMemory)
	some := 0
	for _, s := range w.result.Shapes {
		n, err := w.layer(out, s)
		if err != nil {
			return errors.Join(err, out.Abandon())
		}
		some += n
	}
	if some == 0 {
		return out.Abandon()
	}
	layers, err := out.Close(w.ctx)
	if err != nil {
		return err
	}
	m := w.r.ix().Manifest
	return w.commit(d, &edition.Manifest{
		Tier: m.Tier, Program: m.Program, Layers: layers, Policy: m.Policy, Drawing: tileset.Drawing, BuiltZooms: m.BuiltZooms, MaxZoom: m.MaxZoom,
	})
}

// commit builds the tiles and puts the edition in force.
func (w *answerWriter) commit(d *edition.Draft, m *edition.Manifest) error {
	if err := index.Seal(w.ctx, d.File(edition.FeaturesFile)); err != nil {
		return err
	}
	d.Finish(edition.FeaturesFile)
	ix, err := index.OpenFiles(d.File(""), m)
	if err != nil {
		return err
	}
	if err := errors.Join(tileset.BuildOneZoom(w.ctx, d, ix), ix.Close()); err != nil {
		return err
	}
	if m.ContentHash, err = tileset.ContentHash(d.File(edition.FeaturesFile), d.File(edition.TilesFile)); err != nil {
		return err
	}
	if err := d.Commit(m, 1); err != nil {
		return err
	}
	if err := w.recall(m); err != nil {
		return err
	}
	for i := range m.Layers {
		l := &m.Layers[i]
		w.kept.Layers = append(w.kept.Layers, keptLayer{Name: l.Name, Title: l.Title, Vintage: l.Vintage, Features: l.Features})
	}
	return nil
}

// recall lets the shapes of the answer be read where they are stored.
func (w *answerWriter) recall(m *edition.Manifest) error {
	at := filepath.Join(w.dir, layersFolder)
	name, m, err := edition.Read(at, m.Generation)
	if err != nil {
		return err
	}
	if w.stored, err = index.OpenFiles(edition.Path(at, name), m); err != nil {
		return err
	}
	for _, s := range w.result.Shapes {
		l := w.stored.Layer(layerNameOf(w.result.Run, s.Name), "")
		s.Geometry = func(_ context.Context, row int) (geo.MultiPolygon, error) {
			i, ok := l.ByID(uint64(row + 1))
			if !ok {
				return nil, nil // it has none
			}
			f, err := l.Feature(i)
			return f.Geometry, err
		}
	}
	return nil
}

// layer writes the shapes of a table as a layer, with the table's columns as fields.
func (w *answerWriter) layer(out *index.Writer, s *analyze.Shapes) (features int, err error) {
	fields, err := forms.Fields(s.Table)
	if err != nil {
		return 0, err
	}
	meta := edition.Layer{Name: layerNameOf(w.result.Run, s.Name), Title: s.Title, Vintage: w.vintage()}
	for i := range fields {
		f := &fields[i]
		meta.Fields = append(meta.Fields, edition.Field{Name: f.Name, Kind: kindOfField(f), Title: f.Title.Zh, Known: true, Tile: true})
	}
	l := out.Layer(meta)
	for i, row := range s.Table.Rows {
		if err := w.ctx.Err(); err != nil {
			return features, err
		}
		g, err := s.Geometry(w.ctx, i)
		if err != nil {
			return features, err
		}
		if len(g) == 0 {
			continue
		}
		f := index.Feature{ID: uint64(i + 1), Geometry: g, AreaM2: geo.Area(g), Patch: index.NoArea, Net: index.NoArea, Values: make([]any, len(fields))}
		for k := range fields {
			if f.Values[k], err = valueOf(&fields[k], row); err != nil {
				return features, err
			}
		}
		if err := l.Add(&f); err != nil {
			return features, err
		}
		features++
	}
	return features, nil
}

// vintage is that of the layers of the answer: what was asked about, or the latest that
// it was made from.
func (w *answerWriter) vintage() string {
	latest := w.result.Request.Vintage
	if latest != "" {
		return latest
	}
	for _, l := range w.result.Layers {
		if !l.Missing && (latest == "" || edition.CompareVintages(l.Vintage, latest) > 0) {
			latest = l.Vintage
		}
	}
	return cmp.Or(latest, "0")
}

// kindOfField is what a layer holds of a field of a table.
func kindOfField(f *forms.Field) edition.FieldKind {
	switch f.Kind {
	case analyze.Count:
		return edition.Integer
	case analyze.Areas, analyze.Length, analyze.Ratio, analyze.Number:
		return edition.Real
	case analyze.Truth:
		return edition.Bool
	}
	return edition.Text
}

// valueOf is the value of a field as a layer holds it: figures are those of the files.
func valueOf(f *forms.Field, row []any) (any, error) {
	switch v := row[f.Column].(type) {
	case nil, string, int64, bool:
		return v, nil
	}
	text, err := f.Text(row)
	if err != nil {
		return nil, err
	}
	return strconv.ParseFloat(text, 64)
}

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
	at := filepath.Join(dir, layersFolder)
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
				m := answerLayerName.FindStringSubmatch(name)
				if m == nil || !strings.HasPrefix(name, m[0]) {
					more = more || run != "" && len(names) > 1
					continue
				}
				more = more || run != "" && run != m[1]
				run = m[1]
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
