package ingest

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/ingest/profiles"
	"gengtu/ingest/source"
)

// Inspector looks at what a run reads, whatever becomes of it: kept, mended,
// refused.
type Inspector interface {
	// Layer begins a layer whose files are opened and whose fields are settled. It
	// comes again for the same layer and vintage when a file turned out not to be what
	// its samples let expect: what was seen of it before is then void. l is not changed
	// afterwards.
	Layer(l *LayerSeen) (LayerInspector, error)
}

// LayerInspector looks at the features of one layer.
type LayerInspector interface {
	// Look judges one feature by itself. Several goroutines call it at once, in any
	// order. What it finds it may leave in f.Note.
	Look(f *Seen)
	// Take gets each feature in the order of the files and their records, from one
	// goroutine, after Look. f.Delivered is gone by then. The texts in f.Values belong to
	// a larger piece of the file: who keeps one clones it. An error ends the run.
	Take(f *Seen) error
}

// LayerSeen is a layer that is being read.
type LayerSeen struct {
	Layer, Vintage string
	// Fields are the layer's fields under their standard names, and those of no
	// standard. MissingFields are the standard ones that must be there and are not.
	Fields        []edition.Field
	MissingFields []string
	Files         []FileSeen
}

// FileSeen is one file of a layer.
type FileSeen struct {
	Path, Table string
	CRS         geo.CRS
	// Encoding is what its texts were read in, as the source names it.
	Encoding string
}

// Misread tells that a text of the file is what want looks like when it is read in the
// file's encoding and is in another, which it returns; see [source.Misread].
func (f *FileSeen) Misread(got, want string) (encoding string, ok bool) {
	return source.Misread(got, f.Encoding, want)
}

// Seen is one feature as it was read.
type Seen struct {
	// File is its place in LayerSeen.Files, Record its number there, from 1, and Key its
	// business key, "" when it has none.
	File   int
	Record int64
	Key    string
	// Values are parallel to LayerSeen.Fields.
	Values []any
	// Delivered are the rings as they stand in the file, in its coordinate system.
	Delivered [][][]geo.XY
	// Lines are the parts of a line, of a layer of lines, in the file's system; like
	// Delivered they are gone when Take gets the feature.
	Lines [][]geo.XY
	// Geometry is what they are after mending (CGCS2000 longitude, latitude), AreaM2 its
	// ellipsoidal area, and Broken the rules of rings that they break. Nil when nothing
	// is left, or when Refused says more.
	Geometry geo.MultiPolygon
	AreaM2   float64
	Broken   []overlay.Finding
	// Findings are what the run lists of the feature; Refused tells that it is not kept.
	Findings []Finding
	Refused  bool
	// LeftOut tells that the layer's rule does not take it: it has no Geometry.
	LeftOut bool
	// Note is the inspector's own.
	Note any
}

// Inspect reads the inputs as [Run] does, and stores nothing. The report is what that
// of Run would be. Files that cannot be taken as a whole do not keep the others from being
// read: the error is a [*RefusedFiles] then, which names them all.
func Inspect(ctx context.Context, inputs []Input, opt Options) (*Report, error) {
	dir, err := os.MkdirTemp("", "gengtu-inspect-")
	if err != nil {
		return &Report{Tier: string(opt.Tier), Layers: []*LayerReport{}}, err
	}
	r := &run{opt: opt, report: &Report{Tier: string(opt.Tier), Layers: []*LayerReport{}}, dry: true}
	r.writer = index.NewWriter(filepath.Join(dir, edition.FeaturesFile))
	r.writer.Limit(inspectBytes)
	_, err = r.take(ctx, inputs)
	for _, l := range r.report.Layers {
		l.PatchM2, l.NetM2 = l.patch.m2(), l.net.m2()
	}
	return r.report, errors.Join(err, r.writer.Abandon(), os.RemoveAll(dir))
}

// inspectBytes bounds the encoded features that a run holds which stores nothing: it
// needs their keys, and the shapes of those whose weak key comes again.
const inspectBytes = 64 << 20

// recordSum adds up areas of record, in 0.01 m²; seen tells that there was one.
type recordSum struct {
	sum  int64
	seen bool
}

func (s *recordSum) add(a int64) {
	if a != index.NoArea {
		s.sum, s.seen = s.sum+a, true
	}
}

// m2 returns the sum in m², nil when nothing was added.
func (s *recordSum) m2() *float64 {
	if !s.seen {
		return nil
	}
	v := geo.Hundredths(s.sum).M2()
	return &v
}

// look shows a judged feature to the inspector.
func (w *judge) look(delivered [][][]geo.XY, j *judged) {
	j.seen = &Seen{
		File: int(j.source), Record: j.record, Key: j.key, Values: j.Values, Delivered: delivered, Geometry: j.Geometry, AreaM2: j.AreaM2,
		Broken: j.broken, Findings: j.findings, Refused: j.refused, LeftOut: j.leftOut,
	}
	if w.profile.Geometry == profiles.Line && len(delivered) > 0 {
		if w.source.swapped {
			exchange(delivered)
		}
		j.seen.Delivered, j.seen.Lines = nil, delivered[0]
	}
	w.inspector.Look(j.seen)
	j.seen.Delivered, j.seen.Lines = nil, nil
}

// show hands a feature on to the inspector, in the order of the files.
func (l *layerRun) show(j *judged) error {
	if j.seen == nil {
		return nil
	}
	j.seen.Findings, j.seen.Refused = j.findings, j.refused
	return l.inspector.Take(j.seen)
}

// inspect begins the layer for the inspector.
func (l *layerRun) inspect(sources []*sourceRun) error {
	if l.run.opt.Inspector == nil {
		return nil
	}
	seen := &LayerSeen{Layer: l.rep.Layer, Vintage: l.rep.Vintage, Fields: l.fields, MissingFields: l.rep.MissingFields}
	for i, s := range sources {
		seen.Files = append(seen.Files, FileSeen{s.in.Path, l.rep.Sources[i].Table, s.crs, l.rep.Sources[i].Encoding})
	}
	var err error
	l.inspector, err = l.run.opt.Inspector.Layer(seen)
	return err
}
