package ingest

import (
	"cmp"
	"context"
	"slices"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/problem"
)

// Given is a feature as a delivery gives it, and where.
type Given struct {
	index.Feature
	Path   string
	Record int64 // in the file, from 1
}

// ReadFor reads features for a layer whose fields are settled, judged as [Run] judges
// them and placed in the regions of base; nothing is stored. The fields of the files are
// known by the profile that the inputs name as their layer, which may be another than
// that of the layer: the new patches of a package have fields of their own. Fields that
// the layer does not have are left out and listed in the report, refused features too. They come in
// the order of their ids. Errors are ctx's and problems of the files.
func ReadFor(ctx context.Context, base *index.Base, meta *edition.Layer, inputs []Input, opt Options) ([]Given, *LayerReport, error) {
	opt.Base = base
	r := newRun("", opt)
	if err := r.loadBase(); err != nil {
		return nil, nil, err
	}
	known, err := r.opt.known()
	if err != nil {
		return nil, nil, err
	}
	p := known.Of(inputs[0].Layer)
	l := &layerRun{
		run: r, profile: p, rep: newLayerReport(Input{Layer: meta.Name, Vintage: meta.Vintage}), shared: map[uint64]bool{},
		fields: meta.Fields, fixed: true, gone: map[string]bool{}, broken: map[string]*problem.Problem{}, out: r.writer.Layer(*meta),
	}
	l.regions = r.regionsFor(meta.Vintage)
	sources, err := l.open(ctx, inputs)
	defer func() {
		for _, s := range sources {
			_ = s.reader.Close() // only read
		}
	}()
	if err != nil {
		return nil, l.rep, err
	}
	for i, s := range sources {
		if err := l.source(ctx, s, &l.rep.Sources[i]); err != nil {
			return nil, l.rep, err
		}
	}
	var out []Given
	err = l.out.Each(func(f *index.Feature) error {
		at := l.seen.of(f.ID)
		out = append(out, Given{*f, l.paths[at.source], at.record})
		return nil
	})
	slices.SortFunc(out, func(a, b Given) int { return cmp.Compare(a.ID, b.ID) })
	return out, l.rep, err
}

// Convert carries a value of a file over to a field's kind, as [Run] stores it: codes
// without blanks around them. ok is false where it cannot be carried over.
func Convert(v any, f *edition.Field) (out any, ok bool) {
	out, ok = convert(v, f.Kind)
	if f.Kind == edition.Text {
		out = code(out)
	}
	return out, ok
}
