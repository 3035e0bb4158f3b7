package ingest

import (
	"context"
	"errors"
	"io"

	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/ingest/profiles"
	"gengtu/ingest/source"
)

// locate adds the coordinate system, and what the first records tell against it.
func (d *Description) locate(ctx context.Context, rd source.Reader, opt source.Options, known *profiles.Set) error {
	crs, err := SourceCRS(d.Path, rd.Layer().CRS)
	if q := problem.Of(err); q != nil && q.Code == codeMissing {
		opt.Learning = source.LearnSamples
		crs, d.Doubt, err = systemOf(ctx, d.Path, opt, false)
	}
	if d.Problem = problem.Of(err); err != nil {
		if d.Problem == nil {
			return err
		}
		return nil
	}
	d.CRS = crs.Name()
	w := &whereabouts{read: reading{crs: crs}, file: d.Path + hash(opt.Table), spots: map[string]*spot{}}
	return d.look(ctx, rd, w, known)
}

// look looks at the first records: where they lie, and whether they can be taken.
func (d *Description) look(ctx context.Context, rd source.Reader, w *whereabouts, known *profiles.Set) error {
	extents, p := extentsOf(known), known.Of(d.Layer)
	at := p.Match(fieldNames(rd.Layer().Fields))
	good, bad := 0, (*problem.Problem)(nil)
	for range headRecords {
		var f source.Feature
		if err := rd.Next(&f); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			if d.Problem = problem.Of(err); d.Problem == nil || ctx.Err() != nil {
				return err
			}
			return nil
		}
		m, wrong := w.read.crs.MultiPolygon(f.Polygons, geo.Limits{})
		code := placeOfValues(p, at, f.Values)
		switch {
		case f.Problem != nil && f.Problem.Code == source.NotPolygon && p.Geometry == profiles.Line:
			good++ // as it should be
		case f.Problem != nil && bad == nil:
			bad = f.Problem
		case wrong != nil && bad == nil:
			bad = geometryProblem(wrong).In(d.Path).At(f.Record, "")
			if errors.As(wrong, &w.odd) {
				w.oddCode = code
				bad = w.better(extents, bad)
			}
		case f.Problem == nil && wrong == nil:
			good++
			w.add(extents, code, m.Box())
		}
	}
	if good == 0 {
		d.Problem = bad
	} else if q := w.judgeAlone(extents); q != nil {
		d.Doubt = q
	}
	return nil
}

// placeOfValues returns the code of place among a record's values, "" for none; at is
// where the fields of p are.
func placeOfValues(p *profiles.Profile, at []int, values []any) string {
	for _, name := range p.Place {
		for n := range p.Fields {
			if p.Fields[n].Name != name || at[n] < 0 || at[n] >= len(values) {
				continue
			}
			v, _ := convert(values[at[n]], edition.Text)
			if s, ok := code(v).(string); ok && placeOf(s) != "" {
				return placeOf(s)
			}
		}
	}
	return ""
}
