package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/ingest/source"
)

// batch is how many features travel between goroutines at once.
const batch = 256

// layerRun reads all sources of one layer and vintage.
type layerRun struct {
	run     *run
	profile Profile
	rep     *LayerReport
	out     *index.LayerWriter
	fields  []edition.Field
	seen    map[uint64]int64 // id → record, to name the first of two
}

// sourceRun is one opened file of a layer.
type sourceRun struct {
	in      Input
	reader  source.Reader
	crs     geo.CRS
	columns []column
}

func (r *run) layer(ctx context.Context, inputs []Input) error {
	p, err := ProfileOf(inputs[0].Layer)
	if err != nil {
		return err
	}
	l := &layerRun{run: r, profile: p, seen: map[uint64]int64{}}
	l.rep = &LayerReport{Layer: inputs[0].Layer, Vintage: inputs[0].Vintage, Counts: map[string]int{}, croplandBox: geo.EmptyBox()}
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
	l.out = r.writer.Layer(edition.Layer{
		Name: l.rep.Layer, Title: p.Title, Vintage: l.rep.Vintage, Source: sourceNames(inputs),
		Fields: l.fields, ClassField: l.classField(),
	})
	for i, s := range sources {
		if err := l.read(ctx, s, &l.rep.Sources[i]); err != nil {
			return err
		}
		l.rep.Notes = append(l.rep.Notes, s.reader.Layer().Notes...)
	}
	l.sum()
	return nil
}

func sourceNames(inputs []Input) []string {
	var out []string
	for _, in := range inputs {
		out = append(out, filepath.Base(in.Path)+hash(in.Table))
	}
	return out
}

// open opens every source and settles the layer's fields before anything is
// stored.
func (l *layerRun) open(ctx context.Context, inputs []Input) ([]*sourceRun, error) {
	var sources []*sourceRun
	var maps []mapping
	var all mapping
	for _, in := range inputs {
		rd, err := source.Open(ctx, in.Path, source.Options{Table: in.Table, Encoding: l.run.opt.Encoding})
		if err != nil {
			return sources, err
		}
		s := &sourceRun{in: in, reader: rd}
		sources = append(sources, s)
		info := rd.Layer()
		if s.crs, err = l.run.crsOf(in, info.CRS); err != nil {
			return sources, err
		}
		m := l.profile.fit(info.Fields)
		maps = append(maps, m)
		all.join(m)
		l.rep.MissingFields = union(l.rep.MissingFields, m.missing)
		l.rep.UnknownFields = union(l.rep.UnknownFields, m.unknown)
		l.rep.Sources = append(l.rep.Sources, SourceReport{
			Path: in.Path, Table: info.Table, CRS: s.crs.Name(), Encoding: info.Encoding,
		})
	}
	for i, s := range sources {
		s.columns = all.onto(maps[i])
	}
	l.fields = all.fields
	if l.rep.Layer == "cropland" && l.field("DLBM") < 0 {
		l.rep.Notes = append(l.rep.Notes, problem.New("CROPLAND_WHOLE", "没有 DLBM 字段，整层都算作耕地",
			"there is no field DLBM: the whole layer is taken as cropland"))
	}
	return sources, nil
}

func union(a, b []string) []string {
	for _, s := range b {
		if !slices.Contains(a, s) {
			a = append(a, s)
		}
	}
	return a
}

func (l *layerRun) field(name string) int {
	if name == "" {
		return -1
	}
	return slices.IndexFunc(l.fields, func(f edition.Field) bool { return f.Name == name })
}

func (l *layerRun) classField() string {
	if l.field(l.profile.Class) < 0 {
		return ""
	}
	return l.profile.Class
}

// job is a batch on its way: read, then judged by a worker, then stored in the
// order of the file.
type job struct {
	features []source.Feature
	judged   []judged
	done     chan struct{}
}

// read takes one source's features in. Workers judge batches at once; storing
// follows the order of the file, so that the result does not depend on them.
func (l *layerRun) read(ctx context.Context, s *sourceRun, rep *SourceReport) error {
	ctx, cancel := context.WithCancelCause(ctx)
	total := s.reader.Layer().Count
	workers := l.run.opt.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	work := make(chan *job)
	order := make(chan *job, 2*workers)
	var wg sync.WaitGroup
	// The reader is closed by the caller, so nothing may use it after return.
	defer wg.Wait()
	defer cancel(nil)
	for range workers {
		wg.Go(func() {
			for j := range work {
				l.judge(s, j)
				close(j.done)
			}
		})
	}
	wg.Go(func() {
		defer close(order)
		defer close(work)
		cancel(l.feed(ctx, s, work, order))
	})
	for j := range order {
		select {
		case <-j.done:
		case <-ctx.Done():
			if err := context.Cause(ctx); !errors.Is(err, io.EOF) {
				return err
			}
			<-j.done
		}
		for i := range j.judged {
			if err := l.store(&j.judged[i]); err != nil {
				return err
			}
		}
		rep.Read += len(j.judged)
		if p := l.run.opt.Progress; p != nil {
			p(Progress{Layer: l.rep.Layer, Done: int64(rep.Read), Total: total})
		}
	}
	if err := context.Cause(ctx); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// feed reads batches until the file ends, which it returns as io.EOF.
func (l *layerRun) feed(ctx context.Context, s *sourceRun, work, order chan<- *job) error {
	for {
		j := &job{done: make(chan struct{})}
		var end error
		for len(j.features) < batch && end == nil {
			var f source.Feature
			if end = s.reader.Next(&f); end == nil {
				j.features = append(j.features, f)
			}
		}
		if len(j.features) > 0 {
			for _, ch := range []chan<- *job{order, work} {
				select {
				case ch <- j:
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			}
		}
		if end != nil {
			return end
		}
	}
}

// store keeps or refuses one judged feature.
func (l *layerRun) store(j *judged) error {
	rep := l.rep
	rep.Read++
	rep.AreaIn += j.areaIn
	for _, f := range j.findings {
		if f.Action != Mended || !j.refused {
			rep.add(f)
		}
	}
	if j.refused {
		rep.Refused++
		rep.AreaRefused += j.areaIn
		return nil
	}
	class := ""
	if i := l.field("DLBM"); i >= 0 {
		class, _ = j.Values[i].(string)
	}
	inRule := strings.HasPrefix(class, CroplandPrefix)
	if rep.Layer == "cropland" && l.field("DLBM") >= 0 && !inRule {
		rep.leaveOut(class, &j.Feature)
		rep.AreaMending += j.areaIn - j.AreaM2
		return nil
	}
	if err := l.keep(j); err != nil {
		return err
	}
	if j.refused {
		rep.Refused++
		rep.AreaRefused += j.areaIn
		return nil
	}
	rep.Kept++
	rep.AreaOut += j.AreaM2
	rep.AreaMending += j.areaIn - j.AreaM2
	if j.mended {
		rep.Mended++
	}
	if rep.Layer == "dltb" && l.field("DLBM") >= 0 {
		l.countView(j, class, inRule)
	}
	if rep.Layer == "region" && j.Place != "" {
		l.run.regions = append(l.run.regions, regionShape{j.Place, j.Geometry, j.Geometry.Box()})
	}
	return nil
}

// countView adds a feature of dltb to its view cropland, or to what the view
// leaves out.
func (l *layerRun) countView(j *judged, class string, in bool) {
	rep := l.rep
	if !in {
		rep.leaveOut(class, &j.Feature)
		return
	}
	if rep.Cropland == nil {
		rep.Cropland = &ClassCount{Class: CroplandPrefix}
	}
	rep.Cropland.add(&j.Feature)
	rep.croplandVertices += j.Geometry.Vertices()
	rep.croplandBox = rep.croplandBox.Union(j.Geometry.Box())
}

// keep stores a feature. One whose id is taken is refused when its business key
// is a BSM, or when it is a copy; where a weaker key is shared, as by the parts
// of one region, the geometry joins the key.
func (l *layerRun) keep(j *judged) error {
	err := l.out.Add(&j.Feature)
	if errors.Is(err, index.ErrDuplicate) && j.keyField != "" && j.keyField != "BSM" {
		j.ID = contentID(l.rep.Layer, &j.Feature)
		l.rep.add(Finding{Action: Noted, Problem: problem.New("KEY_SHARED", "%s 与第 %d 条记录相同", "%s is the same as that of record %d", j.keyField, l.seen[j.keyID]).
			At(j.record, j.key).In(j.file)})
		err = l.out.Add(&j.Feature)
	}
	switch {
	case errors.Is(err, index.ErrDuplicate):
		j.refused = true
		l.rep.add(Finding{Action: Refused, Problem: problem.New("DUPLICATE", "标识与第 %d 条记录重复", "its key is that of record %d", l.seen[j.ID]).
			Advise("同一图层里标识码必须唯一，请更正后重新提交", "a key may stand only once in a layer: correct it and deliver again").At(j.record, j.key).In(j.file)})
		return nil
	case err != nil:
		return fmt.Errorf("%s: record %d: %w", j.file, j.record, err)
	}
	l.seen[j.ID] = j.record
	return nil
}

// sum fills in the sums of record.
func (l *layerRun) sum() {
	rep := l.rep
	rep.PatchM2, rep.NetM2 = l.out.Sums()
	slices.SortFunc(rep.LeftOut, func(a, b ClassCount) int { return strings.Compare(a.Class, b.Class) })
}
