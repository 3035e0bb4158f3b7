package exchange

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"gengtu/index"
	"gengtu/index/edition"
)

// read goes through the part of a layer: put gets each feature, judged; the ids that
// go are returned, in rising order.
func (r *Reception) read(ctx context.Context, l *Layer, put func(f *index.Feature) error) ([]uint64, Sums, error) {
	p, err := newPartReader(ctx, r.path, r.Manifest.Parts[l.Part], r.part(l.Part))
	if err != nil {
		return nil, Sums{}, err
	}
	j, err := r.judgeOf(l)
	if err != nil {
		return nil, Sums{}, err
	}
	n := 0
	var buffer []byte
	for {
		record, err := p.record(buffer)
		if err != nil {
			return nil, Sums{}, err
		}
		if record == nil {
			break
		}
		buffer = record
		if n++; n > l.Put {
			return nil, Sums{}, p.counts(l)
		}
		if r.done++; r.o.Progress != nil {
			r.o.Progress(r.done, r.all)
		}
		f, err := j.feature(record)
		if err != nil {
			return nil, Sums{}, err
		}
		if err := put(&f); err != nil {
			return nil, Sums{}, p.broken(err)
		}
	}
	if n != l.Put {
		return nil, Sums{}, p.counts(l)
	}
	gone, err := p.deletions(l)
	if err != nil {
		return nil, Sums{}, err
	}
	return gone, j.sums, p.end()
}

// deletions reads the ids that go.
func (r *partReader) deletions(l *Layer) ([]uint64, error) {
	var gone []uint64
	id := uint64(0)
	for range l.Deleted {
		step, err := r.number()
		if err != nil {
			return nil, err
		}
		if id += step; step == 0 || id > index.MaxID {
			return nil, r.broken(fmt.Errorf("ids to delete do not rise"))
		}
		gone = append(gone, id)
	}
	return gone, nil
}

// counts is the problem of a part that has another number of features than it says.
func (r *partReader) counts(l *Layer) error {
	return resend(refused(r.path, "PACKAGE_COUNT", "图层 %[1]s 的要素不是清单说的 %[2]d 个", "layer %[1]s has not the %[2]d features that the manifest says", l.Key(), l.Put))
}

// Judge reads and judges all features without keeping them: before a package waits for
// release.
func (r *Reception) Judge(ctx context.Context) error {
	for i := range r.Manifest.Layers {
		l := &r.Manifest.Layers[i]
		if l.Part < 0 {
			continue
		}
		_, sums, err := r.read(ctx, l, func(*index.Feature) error { return nil })
		if err == nil && l.Change == Whole {
			err = l.agree(r.path, sums)
		}
		if err := r.step("geometry "+l.Key(), err); err != nil {
			return err
		}
	}
	if _, err := r.lineages(ctx); err != nil {
		return err
	}
	_, err := r.registers(ctx, nil)
	return err
}

// lineages reads the lineages.
func (r *Reception) lineages(ctx context.Context) ([]*index.Lineage, error) {
	var out []*index.Lineage
	for _, g := range r.Manifest.Lineages {
		p, err := newPartReader(ctx, r.path, r.Manifest.Parts[g.Part], r.part(g.Part))
		if err != nil {
			return nil, err
		}
		links, err := p.links(g.Links)
		if err == nil {
			err = p.end()
		}
		if err != nil {
			return nil, err
		}
		out = append(out, index.NewLineage(g.Layer, g.From, g.To, links))
	}
	return out, nil
}

// Write writes the features that the edition has when the package is taken in, and
// returns the layers for its manifest. base is what is in force, which a delta starts
// from; nil for a full package. Problems are those of the package: PACKAGE_PART,
// PACKAGE_SIZE, PACKAGE_COUNT, PACKAGE_FIELD, PACKAGE_GEOMETRY, PACKAGE_AREA,
// PACKAGE_LIMIT, PACKAGE_DIGEST. Then w was abandoned.
func (r *Reception) Write(ctx context.Context, base *index.Base, w *index.Writer) ([]edition.Layer, error) {
	layers, err := r.write(ctx, base, w)
	if err != nil {
		return nil, cmp.Or(err, w.Abandon())
	}
	return layers, nil
}

func (r *Reception) write(ctx context.Context, base *index.Base, w *index.Writer) ([]edition.Layer, error) {
	m := r.Manifest
	for i := range m.Layers {
		l := &m.Layers[i]
		if l.Change == View {
			w.View(l.Layer)
		}
	}
	for i := range m.Layers {
		l := &m.Layers[i]
		if l.Change == View {
			continue
		}
		if err := r.step("geometry "+l.Key(), r.writeLayer(ctx, l, base, w)); err != nil {
			return nil, err
		}
	}
	all, err := r.lineages(ctx)
	if err != nil {
		return nil, err
	}
	for _, g := range all {
		w.Lineage(g)
	}
	registers, err := r.registers(ctx, base)
	if err != nil {
		return nil, err
	}
	for _, g := range registers {
		w.Register(g)
	}
	layers, err := w.Close(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(layers, func(a, b edition.Layer) int { return cmp.Compare(r.at(&a), r.at(&b)) })
	return layers, nil
}

// at is where a layer stands in the manifest.
func (r *Reception) at(l *edition.Layer) int {
	return slices.IndexFunc(r.Manifest.Layers, func(x Layer) bool { return x.Key() == l.Key() })
}

// writeLayer writes a stored layer.
func (r *Reception) writeLayer(ctx context.Context, l *Layer, base *index.Base, w *index.Writer) error {
	out := w.Layer(l.Layer)
	var sums Sums
	if l.Change == Whole {
		var err error
		if _, sums, err = r.read(ctx, l, out.Add); err != nil {
			return err
		}
	} else {
		touched := map[uint64]bool{}
		if l.Change == Changed {
			gone, put, err := r.read(ctx, l, func(f *index.Feature) error {
				touched[f.ID] = true
				return out.Add(f)
			})
			if err != nil {
				return err
			}
			for _, id := range gone {
				touched[id] = true
			}
			sums = put
		}
		if base.Layer(l.Name, l.Vintage) == nil {
			return resend(refused(r.path, "PACKAGE_BASE", "起点里没有图层 %s", "the base has no layer %s", l.Key()))
		}
		err := base.Each(l.Key(), func(f *index.Feature) error {
			if touched[f.ID] {
				return ctx.Err()
			}
			sums.add(f.AreaM2, f.Patch, f.Net)
			return out.Add(f)
		})
		if err != nil {
			return err
		}
	}
	if err := l.agree(r.path, sums); err != nil {
		return err
	}
	return w.Settle(ctx, out)
}

// maxRevised is how many features are taken in as an update is, which holds them in
// memory: some 200 MB.
const maxRevised = 200_000

// Revises tells whether a delta changes features of layers that stay as they are, and
// nothing else: then it can be taken in as an update is, at the cost of what changed.
func (r *Reception) Revises() bool {
	m, old := r.Manifest, r.Held
	put := 0
	for i := range m.Layers {
		put += m.Layers[i].Put
	}
	if m.Kind != Delta || put > maxRevised || old == nil || len(m.Layers) != len(old.Layers) || len(m.Lineages) > 0 || len(m.Registers) > 0 {
		return false
	}
	if m.State.Drawing != old.Drawing || m.State.BuiltZooms != old.BuiltZooms || m.State.MaxZoom != old.MaxZoom || !same(m.State.Policy, old.Policy) {
		return false
	}
	for i := range m.Layers {
		l := &m.Layers[i]
		k := slices.IndexFunc(old.Layers, func(x edition.Layer) bool { return x.Key() == l.Key() })
		if k != i || l.Change == Whole || l.ParcelZoom != old.Layers[i].ParcelZoom || l.Change != View && !sameSchema(&l.Layer, &old.Layers[i]) {
			return false
		}
		if l.Change == View && !same(schemaOf(&l.Layer), schemaOf(&old.Layers[i])) {
			return false
		}
	}
	return true
}

// schemaOf is a layer without its figures and sources.
func schemaOf(l *edition.Layer) edition.Layer {
	return edition.Layer{Name: l.Name, Title: l.Title, Vintage: l.Vintage, View: l.View, Fields: l.Fields, ClassField: l.ClassField, ParcelZoom: l.ParcelZoom, Zooms: l.Zooms}
}

// same compares two values as manifests write them.
func same(a, b any) bool {
	x, err := json.Marshal(a)
	y, yerr := json.Marshal(b)
	return err == nil && yerr == nil && string(x) == string(y)
}

// Deltas returns what a delta changes in the base that is in force, when it does no
// more than that ([Reception.Revises]). Problems are those of [Reception.Write], but
// for sums, which [Reception.Check] compares.
func (r *Reception) Deltas(ctx context.Context, base *index.Base) ([]index.Delta, error) {
	w := index.NewWriter("")
	var out []index.Delta
	for i := range r.Manifest.Layers {
		l := &r.Manifest.Layers[i]
		if l.Change != Changed {
			continue
		}
		d := index.Delta{Layer: base.Layer(l.Name, l.Vintage), Put: w.Layer(l.Layer)}
		var err error
		d.Delete, _, err = r.read(ctx, l, d.Put.Add)
		if err := r.step("geometry "+l.Key(), err); err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

// Tell writes of layers, as they were made of the package, what no receiver can measure:
// what they were made from, and what their sums of record are short of.
func (r *Reception) Tell(layers []edition.Layer) {
	for i := range min(len(layers), len(r.Manifest.Layers)) {
		said := &r.Manifest.Layers[i]
		layers[i].Source = said.Source
		layers[i].PatchWithheldM2, layers[i].NetWithheldM2 = said.PatchWithheldM2, said.NetWithheldM2
	}
}

// Check holds what was made of the package, which is not in force yet, against what the
// manifest says: every figure of every layer, and the digests. Where this program draws
// tiles in another way than the sender's, the content hash differs by that alone, and
// the digest of the features decides. A difference is a problem PACKAGE_CONTENT.
func (r *Reception) Check(m *edition.Manifest, features string) error {
	want := r.Manifest
	bad := func(zh, en string, args ...any) error {
		return r.step("content", resend(refused(r.path, "PACKAGE_CONTENT", zh, en, args...)))
	}
	if len(m.Layers) != len(want.Layers) {
		return bad("图层有 %d 个，清单里是 %d", "there are %d layers, the manifest says %d", len(m.Layers), len(want.Layers))
	}
	for i := range m.Layers {
		if a, b := m.Layers[i], want.Layers[i].Layer; !same(a, b) {
			return bad("图层 %[1]s 的个数、面积或范围不是清单说的", "count, areas or extent of layer %[1]s are not what the manifest says", b.Key())
		}
	}
	if features != want.State.Features {
		return bad("要素的摘要是 %.16s，清单里是 %.16s", "the digest of the features is %.16s, the manifest says %.16s", features, want.State.Features)
	}
	if m.Drawing == want.State.Drawing && m.ContentHash != want.State.ContentHash {
		return bad("内容散列是 %.16s，清单里是 %.16s", "the content hash is %.16s, the manifest says %.16s", m.ContentHash, want.State.ContentHash)
	}
	return r.step("content", nil)
}
