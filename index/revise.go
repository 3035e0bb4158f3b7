package index

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/index/patch"
)

// Base is the features file of a generation, as an update starts from it: it
// finds features by their ids without reading them all. Safe for concurrent
// use until Close.
type Base struct {
	Manifest *edition.Manifest
	path     string
	file     *patch.File
	sums     *patch.Sums
}

// OpenBase opens the features.db in gdir with the layers that m lists. What is read
// of the file is compared with the checksums of its blocks in m; those of its patch are
// up to who copies it, see [edition.Draft.Take].
func OpenBase(gdir string, m *edition.Manifest) (*Base, error) {
	path := filepath.Join(gdir, edition.FeaturesFile)
	sums := patch.NewSums(m.Blocks[edition.FeaturesFile])
	f, err := open(path, sums)
	if err != nil {
		return nil, err
	}
	return &Base{Manifest: m, path: path, file: f, sums: sums}, nil
}

// OpenRevised opens the features that [Base.Revise] made in the draft at gdir, with the
// layers that m lists, as [OpenFiles] does. What it reads of the file is compared with
// the checksums of its blocks, as far as b has not done that; and of features beyond reach
// of what v changed no tree is made unless many searches go there, for an update
// searches where something has changed: the tree would take longer than the reading.
func (b *Base) OpenRevised(gdir string, m *edition.Manifest, v *Revision) (*Index, error) {
	near := geo.EmptyBox()
	for _, boxes := range v.Changed {
		for _, x := range boxes {
			near = near.Union(x)
		}
	}
	if !near.Empty() {
		near.Min = geo.Position{Lon: near.Min.Lon - reach, Lat: near.Min.Lat - reach}
		near.Max = geo.Position{Lon: near.Max.Lon + reach, Lat: near.Max.Lat + reach}
	}
	return openFiles(gdir, m, opening{b.sums, near})
}

// reach is how far about a change most of what is searched lies: a tile of zoom 13.
const reach = 400_000_000 // 0.04 degree

// Close closes the file.
func (b *Base) Close() error { return b.file.Close() }

// Layer returns the manifest's entry of a layer in one vintage; nil when there
// is none.
func (b *Base) Layer(name, vintage string) *edition.Layer {
	for i := range b.Manifest.Layers {
		if l := &b.Manifest.Layers[i]; l.Name == name && l.Vintage == vintage {
			return l
		}
	}
	return nil
}

// view reads the bucket of a stored layer's features.
func (b *Base) view(layerKey string, read func(features *patch.Bucket) error) error {
	return b.read(func() error {
		f := b.file.Bucket(featuresBucket + layerKey)
		if f == nil {
			return fmt.Errorf("%w: layer %s is not in it", errFile, layerKey)
		}
		return read(f)
	})
}

// read runs f, which reads the mapped file. Damage that f finds is told as that of the file.
func (b *Base) read(f func() error) error {
	err := guard(f)
	if errors.Is(err, errFile) || errors.Is(err, errRecord) {
		err = damaged(b.path, err)
	}
	return err
}

// Find returns those of ids that features of a stored layer have.
func (b *Base) Find(layerKey string, ids map[uint64]bool) (map[uint64]bool, error) {
	found := map[uint64]bool{}
	at, err := b.locate(layerKey, ids)
	for id := range at {
		found[id] = true
	}
	return found, err
}

// Texts returns the values of a field, by its place, of those of the features with these
// ids that a stored layer has and that have a text there.
func (b *Base) Texts(layerKey string, field int, ids map[uint64]bool) (map[uint64]string, error) {
	out := map[uint64]string{}
	at, err := b.locate(layerKey, ids)
	for id, r := range at {
		d := decode(r.record)
		d.shape()
		d.skipHead()
		if s, ok := d.textAt(field); ok {
			out[id] = s
		}
		if d.Bad {
			return nil, damaged(b.path, errRecord)
		}
	}
	return out, err
}

// keyed is the key and record of a feature.
type keyed struct{ key, record []byte }

// locate returns the keys and records of the features with these ids.
func (b *Base) locate(layerKey string, ids map[uint64]bool) (map[uint64]keyed, error) {
	at := map[uint64]keyed{}
	if len(ids) == 0 {
		return at, nil
	}
	err := b.view(layerKey, func(f *patch.Bucket) error {
		return f.ForEach(func(k, v []byte) error {
			if len(k) != featureKeySize {
				return fmt.Errorf("key %x: %w", k, errRecord)
			}
			if id := binary.BigEndian.Uint64(k[8:]); ids[id] {
				at[id] = keyed{bytes.Clone(k), bytes.Clone(v)}
			}
			return nil
		})
	})
	return at, err
}

// featureKeySize is the length of a feature's key: place on the curve, and id.
const featureKeySize = 8 + 8

// Each calls visit with every feature of a stored layer, in the order of the
// file. A feature is visit's own. Its first error ends it and is returned.
func (b *Base) Each(layerKey string, visit func(f *Feature) error) error {
	return b.view(layerKey, func(bucket *patch.Bucket) error {
		return bucket.ForEach(func(k, v []byte) error {
			f, err := decodeRecord(v)
			if err != nil {
				return fmt.Errorf("key %x: %w", k, err)
			}
			return visit(&f)
		})
	})
}

// Delta says what becomes of a stored layer: the features of Put are added, or
// replace those with their ids, and the features with the ids of Delete go.
type Delta struct {
	Layer  *edition.Layer
	Put    *LayerWriter
	Delete []uint64
}

// Fates counts what became of the features of a [Delta].
type Fates struct {
	Added    int `json:"added"`
	Replaced int `json:"replaced"`
	Deleted  int `json:"deleted"`
	// Unchanged are the features put that are stored already as they are.
	Unchanged int `json:"unchanged"`
}

// Revision is what a new features file differs in from the one before.
type Revision struct {
	// Layers are the manifest's, in its order; of their figures only the numbers
	// of features and vertices are new, see [Index.Figure].
	Layers []edition.Layer
	// Changed holds by the key of each layer and view the boxes of the features
	// that changed in it, of what they were and of what they are.
	Changed map[string][]geo.Box
	// Fates are by the key of the stored layer.
	Fates map[string]Fates

	extents overlay.Change // of stored features
}

// Revise takes deltas, which are of different layers, into the patch of the features
// file at path, which is b's in a draft, see [edition.Draft.Take]. What the two hold then
// is, key by key and value by value, what a [Writer] makes of the same features. The
// patch is not seen on disk: see [edition.Draft.Finish]. After an error, which is ctx's
// when it ends, it is worth nothing. Of registers, which may be nil, those of layers that
// have one already are taken in, too.
func (b *Base) Revise(ctx context.Context, path string, deltas []Delta, registers []*Register) (*Revision, error) {
	held, err := b.Registers()
	if err != nil {
		return nil, err
	}
	e, err := openDraft(path, b.sums)
	if err != nil {
		return nil, err
	}
	r := &reviser{base: b, file: e, out: &Revision{
		Layers: slices.Clone(b.Manifest.Layers), Changed: map[string][]geo.Box{}, Fates: map[string]Fates{},
	}}
	err = guard(func() error {
		for i := range deltas {
			if err := r.layer(ctx, &deltas[i]); err != nil {
				return err
			}
		}
		for _, g := range registers {
			if err := r.register(ctx, held, g); err != nil {
				return err
			}
		}
		return nil
	})
	if err = closeEdited(e, err); err != nil {
		if errors.Is(err, errFile) {
			return nil, damaged(path, err)
		}
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r.out, nil
}

// closeEdited closes a file whose changes met err.
func closeEdited(e *patch.Editor, err error) error {
	if err != nil {
		return errors.Join(err, e.Abort())
	}
	return e.Close()
}

// reviser takes deltas into a file.
type reviser struct {
	base *Base
	file *patch.Editor
	out  *Revision
}

// edit is what becomes of one feature: old is nil for an added one, the key of
// put for a deleted one.
type edit struct {
	old keyed
	put entry
}

// layer takes one delta in.
func (r *reviser) layer(ctx context.Context, d *Delta) error {
	edits, err := r.edits(d)
	if err != nil {
		return err
	}
	views := r.viewsOf(d.Layer)
	for i := range edits {
		for _, v := range views {
			if err := r.count(v, &edits[i]); err != nil {
				return err
			}
		}
	}
	const batch = 20_000
	for len(edits) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(batch, len(edits))
		if err := r.file.Update(func(tx *patch.Tx) error { return apply(tx, d.Layer, edits[:n]) }); err != nil {
			return err
		}
		edits = edits[n:]
	}
	return nil
}

// edits finds out what the delta changes, in the order of the features' keys,
// and counts it.
func (r *reviser) edits(d *Delta) ([]edit, error) {
	ids := map[uint64]bool{}
	for _, id := range d.Delete {
		ids[id] = true
	}
	for id := range d.Put.ids {
		ids[id] = true
	}
	at, err := r.base.locate(d.Layer.Key(), ids)
	if err != nil {
		return nil, err
	}
	var fates Fates
	var edits []edit
	for id, i := range d.Put.ids {
		old, was := at[id]
		delete(at, id)
		put := &d.Put.entries[i]
		e := edit{old, entry{key: put.appendKey(nil), record: put.record}}
		switch {
		case !was:
			fates.Added++
		case bytes.Equal(old.record, e.put.record):
			fates.Unchanged++
			continue
		default:
			fates.Replaced++
		}
		edits = append(edits, e)
	}
	for _, old := range at {
		fates.Deleted++
		edits = append(edits, edit{old: old})
	}
	r.out.Fates[d.Layer.Key()] = fates
	slices.SortFunc(edits, func(a, b edit) int { return bytes.Compare(a.key(), b.key()) })
	return edits, nil
}

// key returns the key that e is sorted by.
func (e *edit) key() []byte {
	if e.put.key != nil {
		return e.put.key
	}
	return e.old.key
}

// viewsOf returns the entries of a stored layer and its views in the new
// manifest.
func (r *reviser) viewsOf(of *edition.Layer) []*edition.Layer {
	var out []*edition.Layer
	for i := range r.out.Layers {
		l := &r.out.Layers[i]
		if l.Key() == of.Key() || l.View != nil && l.View.Of == of.Name && l.Vintage == of.Vintage {
			out = append(out, l)
		}
	}
	return out
}

// count counts an edit into a layer or view, as far as it holds the feature.
func (r *reviser) count(l *edition.Layer, e *edit) error {
	for _, side := range []struct {
		record []byte
		sign   int
	}{{e.old.record, -1}, {e.put.record, 1}} {
		if side.record == nil {
			continue
		}
		f, err := decodeRecord(side.record)
		if err != nil {
			return err
		}
		if !holds(l, &f) {
			continue
		}
		if l.View == nil {
			r.reaches(side.sign, overlay.Extent{Box: f.Box, Vertices: recordVertices(side.record)})
		}
		l.Features += side.sign
		l.Vertices += side.sign * f.Geometry.Vertices()
		r.out.Changed[l.Key()] = append(r.out.Changed[l.Key()], f.Box)
	}
	return nil
}

// reaches notes where a feature was, or is.
func (r *reviser) reaches(sign int, x overlay.Extent) {
	if c := &r.out.extents; sign < 0 {
		c.Gone = append(c.Gone, x)
	} else {
		c.Come = append(c.Come, x)
	}
}

// holds tells whether a layer, or view of it, holds f.
func holds(l *edition.Layer, f *Feature) bool {
	if l.View == nil {
		return true
	}
	i := slices.IndexFunc(l.Fields, func(x edition.Field) bool { return x.Name == l.View.Field })
	if i < 0 || i >= len(f.Values) {
		return false
	}
	s, ok := f.Values[i].(string)
	return ok && strings.HasPrefix(s, l.View.Prefix)
}

// apply stores edits of a layer, its codes and its digests.
func apply(tx *patch.Tx, l *edition.Layer, edits []edit) error {
	features, err := tx.Bucket(featuresBucket + l.Key())
	if err != nil {
		return err
	}
	codes, err := tx.Bucket(codesBucket + l.Key())
	if err != nil {
		return err
	}
	groups := map[string]bool{}
	for i := range edits {
		e := &edits[i]
		if e.old.key != nil {
			groups[string(e.old.key[:groupPrefix])] = true
			if err := forget(features, codes, l, &e.old); err != nil {
				return err
			}
		}
	}
	// Nothing is forgotten any more: a code may go from one feature to another.
	for i := range edits {
		e := &edits[i].put
		if e.key == nil {
			continue
		}
		groups[string(e.key[:groupPrefix])] = true
		if err := features.Put(e.key, e.record); err != nil {
			return err
		}
		f, err := decodeRecord(e.record)
		if err != nil {
			return err
		}
		for _, c := range codesOf(l, &f) {
			if err := codes.Put(codeKey(c, f.ID), nil); err != nil {
				return err
			}
		}
	}
	return digestGroups(tx, featuresBucket+l.Key(), groups)
}

// forget takes a feature and its codes away.
func forget(features, codes *patch.Bucket, l *edition.Layer, old *keyed) error {
	f, err := decodeRecord(old.record)
	if err != nil {
		return err
	}
	for _, c := range codesOf(l, &f) {
		if err := codes.Delete(codeKey(c, f.ID)); err != nil {
			return err
		}
	}
	return features.Delete(old.key)
}

// codeKey returns the key by which a code leads to the feature with that id.
func codeKey(code string, id uint64) []byte {
	return binary.BigEndian.AppendUint64(append([]byte(code), 0), id)
}

// codesOf returns the codes that lead to f, each once.
func codesOf(l *edition.Layer, f *Feature) []string {
	var out []string
	for i := range l.Fields {
		if !l.Fields[i].Code || i >= len(f.Values) {
			continue
		}
		if s, ok := f.Values[i].(string); ok && s != "" && len(s) <= maxCode && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// Figure fills the areas and extents of the manifest's layers in from the
// features, as a [Writer] finds them: the same sums in the same order. The
// manifest must not be in use.
func (ix *Index) Figure() {
	for i := range ix.Manifest.Layers {
		meta := &ix.Manifest.Layers[i]
		l := ix.layers[meta.Key()]
		s := sums{features: meta.Features, vertices: meta.Vertices, extent: l.extent}
		for k := range l.Len() {
			s.addAreas(l.Record(k))
		}
		s.into(meta)
	}
}

// addAreas adds the areas of a feature up.
func (s *sums) addAreas(r Record) {
	s.areaM2 += r.AreaM2
	s.patch.add(r.Patch)
	s.net.add(r.Net)
}
