package ingest

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/problem"
)

// Extend writes the features file at path, which must not exist, with all layers of
// base and what add puts into the writer beside them, and returns the layers for the
// manifest. Of opt, Base is not used. Errors are ctx's, add's, and those of reading
// and writing; then there is no file at path.
func Extend(ctx context.Context, base *index.Base, path string, opt Options, add func(w *index.Writer) error) ([]edition.Layer, error) {
	opt.Base = base
	r := newRun(path, opt)
	layers, err := r.extend(ctx, add)
	if err != nil {
		return nil, errors.Join(err, r.writer.Abandon())
	}
	arrange(layers)
	return layers, nil
}

func (r *run) extend(ctx context.Context, add func(w *index.Writer) error) ([]edition.Layer, error) {
	if err := r.loadBase(); err != nil {
		return nil, err
	}
	if err := add(r.writer); err != nil {
		return nil, err
	}
	if err := r.keepBase(ctx); err != nil {
		return nil, err
	}
	return r.close(ctx)
}

// close writes the registers, and the file.
func (r *run) close(ctx context.Context) ([]edition.Layer, error) {
	for _, g := range r.opt.Registers {
		r.writer.Register(g)
	}
	return r.writer.Close(ctx)
}

// newRun returns a run that writes the features file at path.
func newRun(path string, opt Options) *run {
	r := &run{opt: opt, report: &Report{Tier: string(opt.Tier), Layers: []*LayerReport{}}, writer: index.NewWriter(path)}
	r.writer.Limit(cmp.Or(max(opt.MemoryBytes, 0), DefaultMemoryBytes) / garbage)
	return r
}

// arrange puts layers into the manifest's order.
func arrange(layers []edition.Layer) {
	slices.SortFunc(layers, func(a, b edition.Layer) int {
		return cmp.Or(cmp.Compare(rank(a.Name), rank(b.Name)), cmp.Compare(a.Name, b.Name), edition.CompareVintages(a.Vintage, b.Vintage))
	})
}

// newOnly refuses layers that the edition to be extended has already.
func (r *run) newOnly(groups [][]Input) error {
	for _, g := range groups {
		in := g[0]
		if r.opt.Base.Layer(in.Layer, in.Vintage) != nil {
			return problem.New("VINTAGE_EXISTS", "版本里已有图层 %s 的时相 %s", "the edition has layer %s of vintage %s already", in.Layer, in.Vintage).In(in.Path).
				Advise("改动用 gengtu update；整体替换用不带 --add 的 gengtu ingest，把各图层一起给出", "change it with gengtu update, or give all layers anew to gengtu ingest without --add")
		}
		if in.Layer == "dltb" && r.opt.Base.Layer("cropland", in.Vintage) != nil {
			return problem.New("CROPLAND_TWICE", "版本里已有 cropland 的时相 %s，dltb 会再带出一个", "the edition has cropland of vintage %s, and dltb would bring another", in.Vintage).In(in.Path).
				Advise("dltb 已经带出 cropland，只能有其中一个", "dltb brings cropland with it: there can be one of the two")
		}
	}
	return nil
}

// loadBase takes the places of the edition to be extended in.
func (r *run) loadBase() error {
	if err := r.loadRegionsOf(r.opt.Base); err != nil {
		return err
	}
	r.placed = maps.Clone(r.regions)
	return nil
}

// keepBase copies all layers of the edition to be extended. Features that no
// attribute places are placed anew where the regions for their vintage are others now:
// the edition is to be the one that an ingest of all makes.
func (r *run) keepBase(ctx context.Context) error {
	base := r.opt.Base
	for i := range base.Manifest.Layers {
		m := base.Manifest.Layers[i]
		m.ParcelZoom = 0 // chosen anew, by all vintages
		alter := r.opt.alter(&m)
		r.report.Kept = append(r.report.Kept, m.Key())
		if m.View != nil {
			continue
		}
		p, err := ProfileOf(m.Name)
		if err != nil {
			return err
		}
		l := &layerRun{run: r, profile: p, fields: m.Fields, out: r.writer.Layer(m)}
		for _, v := range base.Manifest.Layers {
			if v.View != nil && v.View.Of == m.Name && v.Vintage == m.Vintage {
				v.ParcelZoom = 0
				r.writer.View(v)
			}
		}
		anew := m.Name != edition.Region && regionVintage(r.placed, m.Vintage) != regionVintage(r.regions, m.Vintage)
		err = base.Each(m.Key(), func(f *index.Feature) error {
			if anew && !l.placeNamed(f.Values) {
				f.Place = placeIn(r.regionsFor(m.Vintage), f.Geometry)
			}
			alter(f)
			return errors.Join(l.out.Add(f), ctx.Err())
		})
		if err == nil {
			err = r.writer.Settle(ctx, l.out)
		}
		if err != nil {
			return err
		}
	}
	lineages, err := base.Lineages()
	for _, g := range lineages {
		r.writer.Lineage(g)
	}
	if err == nil && r.opt.Registers == nil {
		r.opt.Registers, err = base.Registers()
	}
	return err
}

// alter returns what changes the features of a layer that is kept, whose fields it changes
// in m.
func (opt *Options) alter(m *edition.Layer) func(f *index.Feature) {
	if opt.Alter != nil && m.View == nil {
		if change := opt.Alter(m); change != nil {
			return change
		}
	}
	return func(*index.Feature) {}
}
