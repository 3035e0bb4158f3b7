package ingest

import (
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/ingest/profiles"
	"gengtu/ingest/source"
)

// layerRun reads all sources of one layer and vintage.
type layerRun struct {
	run     *run
	profile *profiles.Profile
	rep     *LayerReport
	out     *index.LayerWriter
	fields  []edition.Field
	places  placesOf
	regions []regionShape
	paths   []string // of the sources
	tables  []*attributeTable
	around  []*whereabouts // of the sources' features
	seen    register
	shared  map[uint64]bool // the ids of weak keys that several features have
	// How much of a file is read before its fields are settled.
	learning  source.Learning
	inspector LayerInspector // nil when nobody looks
	// Of an update: the fields are settled, and gone are the keys left out.
	fixed bool
	gone  map[string]bool
	// broken are, of an update too, the weak keys of records that were refused, and why.
	broken map[string]*problem.Problem
	// copies counts, of the file that is read, the records refused as copies, by the file
	// that has the first.
	copies map[int32]int
}

// where is a record of one of the layer's files.
type where struct {
	source int32
	record int64
}

// sourceRun is one opened file of a layer.
type sourceRun struct {
	in     Input
	number int32
	reader source.Reader
	reading
	columns []column
	joins   []*join // tables of attributes
	classed bool    // it has the field DLBM
}

// layer takes a layer in. Large files are read once, by a guess at their fields; where
// that turns out wrong, the layer is given up and taken in anew.
func (r *run) layer(ctx context.Context, inputs []Input) error {
	begun, files, refused := len(r.report.Layers), len(r.files), r.refused
	err := r.takeIn(ctx, inputs, source.LearnSamples)
	if !errors.Is(err, source.ErrSample) {
		return err
	}
	r.report.Layers, r.files, r.refused = r.report.Layers[:begun], r.files[:files], refused
	if err := r.writer.Drop(inputs[0].Layer, inputs[0].Vintage); err != nil {
		return err
	}
	if inputs[0].Layer == edition.Region {
		delete(r.regions, inputs[0].Vintage)
	}
	return r.takeIn(ctx, inputs, source.LearnWhole)
}

// takeIn takes a layer in, whose files are read as learning says.
func (r *run) takeIn(ctx context.Context, inputs []Input, learning source.Learning) error {
	known, err := r.opt.known()
	if err != nil {
		return err
	}
	p := known.Of(inputs[0].Layer)
	l := &layerRun{
		run: r, profile: p, rep: newLayerReport(inputs[0]), learning: learning, shared: map[uint64]bool{},
	}
	if l.rep.Layer != edition.Region {
		l.regions = r.regionsFor(l.rep.Vintage)
	}
	r.report.Layers = append(r.report.Layers, l.rep)
	sources, err := l.open(ctx, inputs)
	defer func() {
		for _, s := range sources {
			_ = s.reader.Close() // only read
		}
	}()
	if err != nil {
		return err
	}
	if len(sources) == 0 { // all were refused
		r.report.Layers = r.report.Layers[:len(r.report.Layers)-1]
		return nil
	}
	l.noteUnknown(known)
	l.declare(inputs)
	l.expect(sources)
	if err := l.inspect(sources); err != nil {
		return err
	}
	for i, s := range sources {
		if err := l.source(ctx, s, &l.rep.Sources[i]); err != nil {
			if err := r.refuseShown(ctx, s.in, err); err != nil {
				return err
			}
		}
	}
	if err := l.empty(ctx, inputs); err != nil {
		return err
	}
	l.tellAttributes()
	slices.SortFunc(l.rep.LeftOut, func(a, b ClassCount) int { return strings.Compare(a.Class, b.Class) })
	if err := l.mendLayer(sources); err != nil || r.dry {
		return err
	}
	return r.writer.Settle(ctx, l.out)
}

// declare begins the layer in the features file, and its view.
func (l *layerRun) declare(inputs []Input) {
	meta := edition.Layer{
		Name: l.rep.Layer, Title: l.profile.Title, Vintage: l.rep.Vintage, Source: sourceNames(inputs), Fields: l.fields,
	}
	if l.field(l.profile.Class) >= 0 {
		meta.ClassField = l.profile.Class
	}
	l.out = l.run.writer.Layer(meta)
	if l.rep.Layer != "dltb" || l.field(classField) < 0 {
		return
	}
	l.rep.Cropland = &ClassCount{Class: edition.CroplandClass}
	view := edition.Layer{
		Name: "cropland", Vintage: l.rep.Vintage, ClassField: meta.ClassField,
		View: &edition.View{Of: "dltb", Field: classField, Prefix: edition.CroplandClass},
	}
	if known, err := l.run.opt.known(); err == nil {
		view.Title = known.Of("cropland").Title
	}
	l.run.writer.View(view)
}

// expect makes room for what the sources may hold.
func (l *layerRun) expect(sources []*sourceRun) {
	const most = 1 << 22 // so that no file's word takes much memory
	n := int64(0)
	for _, s := range sources {
		about := s.reader.Layer()
		n = min(most, n+min(most, max(about.Count, about.About)))
	}
	if n > 0 {
		l.out.Expect(int(n))
		l.seen.list = make([]registered, 0, n)
	}
}

// open opens every source and settles the layer's fields before anything is
// stored.
func (l *layerRun) open(ctx context.Context, inputs []Input) ([]*sourceRun, error) {
	var sources []*sourceRun
	var maps []mapping
	var all mapping
	if l.fixed {
		all = settled(l.profile, l.fields)
	}
	if err := l.attributesOf(); err != nil {
		return nil, err
	}
	for _, in := range inputs {
		s, err := l.openSource(ctx, in, int32(len(sources))) //nolint:gosec // as many as inputs
		if err != nil {
			if err := l.run.refuse(ctx, in, err); err != nil {
				return sources, err
			}
			continue
		}
		sources = append(sources, s)
		l.paths = append(l.paths, in.Path)
		info := s.reader.Layer()
		fields, err := l.joinTables(s, info.Fields)
		if err != nil {
			return sources, err
		}
		m := fit(l.profile, fields)
		l.leaveOwn(in.Path, &m)
		if !info.NoSchema {
			if err := l.doubt(in, info.Fields); err != nil {
				return sources, err
			}
		}
		s.classed = m.field(classField) >= 0
		l.noteClass(s)
		maps = append(maps, m)
		if l.fixed {
			m.unknown = all.lacks(m)
			l.noteLacking(in.Path, m)
		} else {
			all.join(m)
		}
		l.rep.MissingFields = union(l.rep.MissingFields, m.missing)
		l.rep.UnknownFields = union(l.rep.UnknownFields, m.unknown)
		l.rep.Sources = append(l.rep.Sources, SourceReport{
			Path: in.Path, Table: info.Table, CRS: s.crs.Name(), Encoding: info.Encoding, SwappedXY: s.swapped,
		})
	}
	for i, s := range sources {
		s.columns = all.onto(maps[i])
	}
	l.fields = all.fields
	l.locate()
	return sources, nil
}

// shapesOf returns what shapes the files of a profile have.
func shapesOf(p *profiles.Profile) source.Shapes {
	if p.Geometry == profiles.Line {
		return source.Lines
	}
	return source.Polygons
}

// openSource opens a file of the layer, as the source of that number, and settles how its
// coordinates are read.
func (l *layerRun) openSource(ctx context.Context, in Input, number int32) (*sourceRun, error) {
	rd, err := source.Open(ctx, in.Path, source.Options{
		Table: in.Table, Encoding: l.run.opt.Encoding, Learning: l.learning, Workers: l.run.opt.Workers, Shapes: shapesOf(l.profile),
	})
	if err != nil {
		return nil, err
	}
	s := &sourceRun{in: in, number: number, reader: rd}
	info := rd.Layer()
	where := info.CRS
	switch g := l.profile.Geometry; {
	case info.NoGeometry && g != profiles.Optional && g != profiles.Table:
		err = problem.New("SOURCE_TABLE", "%s 是没有图形的表", "%s is a table without geometry", info.Table).In(in.Path).
			Advise("属性表用 --attributes 连到图层", "join a table to a layer with --attributes")
	case info.NoGeometry:
		where = source.CRSInfo{EPSG: 4490} // nothing is projected
	}
	if err == nil {
		err = l.locateSource(ctx, s, where)
	}
	if err != nil {
		return nil, errors.Join(err, rd.Close())
	}
	return s, nil
}

// leaveOwn takes out of m what is ours: what an export added, and in an update what
// an answer of the server has besides and the layer has not.
func (l *layerRun) leaveOwn(path string, m *mapping) {
	names := m.exported()
	if l.fixed {
		stored := mapping{fields: l.fields}
		names = slices.DeleteFunc(m.named(append([]string{"id"}, own...)), func(name string) bool { return stored.field(name) >= 0 })
	}
	if len(names) == 0 {
		return
	}
	m.leave(names)
	l.rep.Notes = append(l.rep.Notes, problem.New("OWN_FIELDS", "字段 %s 由本程序导出或查询时附加，不作图层字段", "the fields %s are what this program adds to what it gives out; they are left out", strings.Join(names, " ")).In(path).
		Advise("标识和面积由图形和编号重新得出；若确是自有数据，请改名", "ids and areas are found anew; if they hold something of your own, rename them"))
}

// noteClass says so when a file does not tell what is cropland.
func (l *layerRun) noteClass(s *sourceRun) {
	switch {
	case s.classed:
	case l.rep.Layer == "cropland":
		l.rep.Notes = append(l.rep.Notes, problem.New("CROPLAND_WHOLE", "没有 DLBM 字段，整个文件都算作耕地",
			"there is no field DLBM: the whole file is taken as cropland").In(s.in.Path))
	case l.rep.Layer == "dltb":
		l.rep.Notes = append(l.rep.Notes, problem.New("CROPLAND_UNTOLD", "没有 DLBM 字段，其中哪些是耕地无从得知，cropland 不含它的图斑",
			"there is no field DLBM: what of it is cropland is not told, and cropland has nothing of it").In(s.in.Path).
			Advise("补上 DLBM，或把它作为 cropland 交来", "add DLBM, or give it as cropland"))
	}
}

func union(a, b []string) []string {
	for _, s := range b {
		if !slices.Contains(a, s) {
			a = append(a, s)
		}
	}
	return a
}

// placesOf are where the fields are that have a meaning, -1 where there is none.
type placesOf struct {
	key, place        []int // in the order in which they count
	class, patch, net int
	ratio, deducted   int // KCXS and KCMJ
}

// locate finds the fields that have a meaning.
func (l *layerRun) locate() {
	of := func(names []string) []int {
		out := make([]int, len(names))
		for i, name := range names {
			out[i] = l.field(name)
		}
		return out
	}
	p := l.profile
	l.places = placesOf{of(p.Key), of(p.Place), l.field(classField), l.field(p.Patch), l.field(p.Net), l.field(ratioField), l.field(deductedField)}
}

func (l *layerRun) field(name string) int {
	if name == "" {
		return -1
	}
	return slices.IndexFunc(l.fields, func(f edition.Field) bool { return f.Name == name })
}

// source takes one file in. A file none of whose records can be taken is a
// problem: something is wrong with it as a whole.
func (l *layerRun) source(ctx context.Context, s *sourceRun, rep *SourceReport) error {
	refused, found := l.rep.Refused, len(l.rep.Findings)
	l.copies = map[int32]int{}
	if err := l.read(ctx, s, rep); err != nil {
		return err
	}
	w := l.around[s.number]
	if err := l.judgePlace(w); err != nil {
		return err
	}
	for _, n := range s.reader.Layer().Notes {
		l.rep.Notes = append(l.rep.Notes, n.In(s.in.Path))
	}
	if refused = l.rep.Refused - refused; refused == 0 || refused < rep.Read {
		return nil
	}
	i := slices.IndexFunc(l.rep.Findings[found:], func(f Finding) bool { return f.Action == Refused })
	first := l.rep.Findings[found+i].Problem
	if c := (*geo.CoordinateError)(nil); errors.As(first, &c) {
		first = w.better(l.run.known, first)
	}
	return problem.New("NOTHING_KEPT", "%[1]d 条记录没有一条能收；第 %[2]d 条记录：%[3]s", "none of its %[1]d records can be taken; record %[2]d: %[4]s",
		rep.Read, first.Record, first.Found(problem.Chinese), first.Found(problem.English)).
		Advise("%[1]s", "%[2]s", first.Advice(problem.Chinese), first.Advice(problem.English)).In(s.in.Path).Because(l.copyOf(rep.Read, first))
}

// job is a batch on its way: read, then parsed and judged by a worker, then stored
// in the order of the file.
type job struct {
	batch  *source.Batch
	judged []judged
	done   chan struct{}
}

// read takes one source's features in. Workers judge batches at once; storing
// follows the order of the file, so that the result does not depend on them. No
// goroutine is left when it returns.
func (l *layerRun) read(ctx context.Context, s *sourceRun, rep *SourceReport) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	workers := l.run.opt.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	work := make(chan *job)
	order := make(chan *job, 2*workers)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(order)
		defer close(work)
		return feed(gctx, s.reader, order, work)
	})
	for range workers {
		g.Go(func() error {
			w := &judge{layerRun: l, source: s, encoder: l.out.Encoder()}
			for j := range work {
				j.judged = w.batch(j.batch)
				j.batch = nil
				close(j.done)
			}
			return nil
		})
	}
	stored := l.drain(gctx, s, order, rep)
	if stored != nil {
		cancel()
	}
	fed := g.Wait()
	if fed != nil && !errors.Is(fed, context.Canceled) {
		return fed // what stopped the others
	}
	if err := errors.Join(stored, fed); err != nil {
		return err
	}
	return source.Confirm(s.reader)
}

// drain stores batches in the order in which they were read.
func (l *layerRun) drain(ctx context.Context, s *sourceRun, order <-chan *job, rep *SourceReport) error {
	total := s.reader.Layer().Count
	guess := s.reader.Layer().About
	for j := range order {
		select {
		case <-j.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		for i := range j.judged {
			if err := l.store(&j.judged[i]); err != nil {
				return err
			}
			if err := l.show(&j.judged[i]); err != nil {
				return err
			}
		}
		rep.Read += len(j.judged)
		if p := l.run.opt.Progress; p != nil {
			done := int64(rep.Read)
			if guess > 0 {
				total = max(guess, done)
			}
			p(Progress{Layer: l.rep.Layer, Done: done, Total: total})
		}
	}
	return nil
}

// feed reads batches until the file ends. Each goes to those who store before
// those who judge, so that the former get them in order.
func feed(ctx context.Context, rd source.Reader, order, work chan<- *job) error {
	for {
		batch, end := source.NextBatch(rd)
		if batch != nil {
			j := &job{batch: batch, done: make(chan struct{})}
			for _, ch := range []chan<- *job{order, work} {
				select {
				case ch <- j:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}
		if errors.Is(end, io.EOF) {
			return nil
		}
		if end != nil {
			return end
		}
	}
}

// doubt notes a file whose fields are those of another layer.
func (l *layerRun) doubt(in Input, fields []source.Field) error {
	known, err := l.run.opt.known()
	if err != nil {
		return err
	}
	found := known.Guess(fieldNames(fields))
	if len(found) == 0 || !l.profile.Standard {
		return nil
	}
	best, own := found[0], 0.0
	for _, m := range found {
		if m.Profile == l.profile || slices.Contains(m.Profile.Fits, l.profile.Name) {
			own = max(own, m.Score)
		}
	}
	// A doubt is worth a line when another layer fits well and this one not half as well.
	if best.Score < profiles.Least || own*2 >= best.Score {
		return nil
	}
	l.rep.Notes = append(l.rep.Notes, problem.New("LOOKS_LIKE", "字段像是图层 %s，却给作了 %s", "its fields are those of layer %s, it was given as %s", best.Profile.Name, l.rep.Layer).
		Advise("请核对 --layer", "check --layer").In(in.Path))
	return nil
}
