package policy

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"gengtu/index"
	"gengtu/index/cells"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/ingest"
)

// Register is what a derivation did, for the register of publications.
type Register struct {
	From         edition.Tier `json:"from_tier"`
	To           edition.Tier `json:"to_tier"`
	Generation   string       `json:"from_generation"`
	ContentHash  string       `json:"from_content_hash"`
	Policy       string       `json:"policy"`
	PolicyDigest string       `json:"policy_digest"`
	// AsSurveyed tells that the policy lets geometry through as fine as it was surveyed.
	AsSurveyed bool            `json:"as_surveyed,omitempty"`
	Layers     []RegisterLayer `json:"layers"`
	// Withheld are the layers that the policy does not let through.
	Withheld []string `json:"withheld"`
}

// RegisterLayer is what became of one layer. Areas are gross: features added up.
type RegisterLayer struct {
	Layer   string `json:"layer"`
	Vintage string `json:"vintage"`
	Before  int    `json:"features_before"`
	After   int    `json:"features_after"`
	// Vanished counts the features that are not there any more: NoCell that own no cell
	// of the grid, and Small.Vanished that were smaller than the smallest patch shown.
	Vanished   int      `json:"features_vanished"`
	NoCell     int      `json:"features_without_cells"`
	AreaBefore float64  `json:"area_before_m2"`
	AreaAfter  float64  `json:"area_after_m2"`
	NetBefore  *float64 `json:"net_before_m2"`
	NetAfter   *float64 `json:"net_after_m2"`
	// PatchWithheld and NetWithheld are the areas of record, as far as the policy lets them
	// through, of features that vanished: no other feature's record has them.
	PatchWithheld float64  `json:"patch_withheld_m2,omitempty"`
	NetWithheld   float64  `json:"net_withheld_m2,omitempty"`
	FieldsDropped []string `json:"fields_dropped"`
	// CellM is the width in metres of the cells that shapes are made of; 0 where they
	// are as they were, and then the next four are, too.
	CellM float64 `json:"cell_m"`
	// GroundBefore is the ground that features cover, counted once where they overlap,
	// and GroundError how far that of AreaAfter may be from it: half a cell in each
	// block of 64 × 64 that is met, and what was left out as too small.
	GroundBefore float64 `json:"ground_before_m2"`
	GroundError  float64 `json:"ground_error_m2"`
	// FeatureErrorRMS and FeatureErrorMax are by how much single features became
	// larger or smaller, measured; those that have vanished are no part of it. Ground
	// that several features cover goes to one of them, and counts here for the others.
	FeatureErrorRMS float64 `json:"feature_error_rms_m2"`
	FeatureErrorMax float64 `json:"feature_error_max_m2"`
	// MinPatchM2 is the smallest patch shown, Small what became of smaller ones.
	MinPatchM2 float64   `json:"min_patch_m2"`
	Small      smallTold `json:"small_patches"`
	// Finer says what became of places that are finer than the policy tells.
	Finer finerTold `json:"finer_places"`
	// OverlapM2 and CellsM2 say, with what was left out, where the area went:
	// AreaAfter = AreaBefore − Finer.LeftOutM2 − OverlapM2 − Small.LeftOutM2 + CellsM2.
	// OverlapM2 is what features that lie over one another have in common, which is
	// counted once on the grid; CellsM2 what rounding to whole cells added, or took. Both
	// are 0 without a grid.
	OverlapM2 float64 `json:"overlap_m2"`
	CellsM2   float64 `json:"cells_m2"`
}

// withhold enters a feature that is not shown, with the areas of record that it would have
// been shown with.
func (r *RegisterLayer) withhold(f *index.Feature) {
	r.Vanished++
	for _, a := range []struct {
		area int64
		sum  *float64
	}{{f.Patch, &r.PatchWithheld}, {f.Net, &r.NetWithheld}} {
		if index.OfRecord(a.area) {
			*a.sum = math.Round(*a.sum*100+float64(a.area)) / 100
		}
	}
}

// account fills in where the area went, when AreaAfter is known.
func (r *RegisterLayer) account() {
	if r.CellM > 0 {
		r.OverlapM2 = r.AreaBefore - r.Finer.LeftOutM2 - r.GroundBefore
		r.CellsM2 = r.AreaAfter - (r.AreaBefore - r.Finer.LeftOutM2 - r.OverlapM2 - r.Small.LeftOutM2)
	}
}

// Downward returns a problem, PUBLISH_UPWARD, unless an edition of tier from may
// become one of tier to.
func Downward(from, to edition.Tier) error {
	if from.Above(to) {
		return nil
	}
	p := problem.New("PUBLISH_UPWARD", "%[1]s不能派生%[2]s", "a %[3]s edition cannot become a %[4]s edition", from.Title(problem.Chinese), to.Title(problem.Chinese), from, to)
	if to == edition.Secure {
		p = problem.New("PUBLISH_UPWARD", "没有版本能派生涉密版", "no edition becomes a secure edition")
	}
	return p.Advise("只能由高版派生低版", "only a higher edition becomes a lower one")
}

// Derive writes what p lets the tier hold of the edition from by out, which has no
// layers yet and is closed then, and returns the manifest so far. Equal
// input, policy and key give equal content. Only a higher tier becomes a lower
// one (PUBLISH_UPWARD), and only one that the policy names (POLICY_TIER).
func Derive(ctx context.Context, from *index.Index, p *Policy, to edition.Tier, key []byte, out *index.Writer) (*edition.Manifest, *Register, error) {
	m := from.Manifest
	if err := Downward(m.Tier, to); err != nil {
		return nil, nil, err
	}
	t, ok := p.Tiers[to]
	if !ok {
		return nil, nil, problem.New("POLICY_TIER", "策略里没有%[1]s", "the policy says nothing of %[2]s", to.Title(problem.Chinese), to)
	}
	if t.MinZoom > m.MaxZoom {
		return nil, nil, problem.New("POLICY_ZOOMS", "策略的最低级别是 %d，上级版本最高只到 %d", "the policy's lowest zoom is %d, the higher edition ends at %d", t.MinZoom, m.MaxZoom).
			Advise("减小 min_zoom", "lower min_zoom")
	}
	d := &derivation{
		left: map[string]map[uint64]bool{},
		from: from, tier: t, to: to, key: key, out: out,
		register: &Register{From: m.Tier, To: to, Generation: m.Generation, ContentHash: m.ContentHash, Policy: p.Name, PolicyDigest: p.digest, AsSurveyed: t.GridM == 0,
			Layers: []RegisterLayer{}, Withheld: []string{}},
	}
	d.grid = newGrid(t.GridM, d.extent())
	for i := range m.Layers {
		l := &m.Layers[i]
		rule, ok := t.Layers[l.Name]
		if !ok {
			d.register.Withheld = append(d.register.Withheld, l.Key())
			continue
		}
		if err := d.layer(ctx, from.Layer(l.Name, l.Vintage), rule); err != nil {
			return nil, nil, fmt.Errorf("layer %s: %w", l.Key(), err)
		}
	}
	if err := d.lineages(); err != nil {
		return nil, nil, err
	}
	layers, err := d.out.Close(ctx)
	if err != nil {
		return nil, nil, err
	}
	d.enter(layers)
	order := func(l edition.Layer) int {
		return slices.IndexFunc(m.Layers, func(x edition.Layer) bool { return x.Key() == l.Key() })
	}
	slices.SortFunc(layers, func(a, b edition.Layer) int { return cmp.Compare(order(a), order(b)) })
	top := max(min(m.BuiltZooms[1], t.MaxZoom), t.MinZoom)
	return &edition.Manifest{
		Tier: to, Layers: layers, MaxZoom: min(t.MaxZoom, m.MaxZoom),
		BuiltZooms: [2]int{min(max(m.BuiltZooms[0], t.MinZoom), top), top}, Policy: p.reference(&t, d.grid),
	}, d.register, nil
}

type derivation struct {
	from     *index.Index
	tier     TierRules
	to       edition.Tier
	key      []byte
	grid     grid
	out      *index.Writer
	register *Register
	// left are features that were left out, as too small or as finer places, by layer
	// key and id.
	left map[string]map[uint64]bool
}

// gridOf is the grid of a layer's cells: every so-and-so-many-th line of the tier's.
func (d *derivation) gridOf(r Layer) grid {
	if d.grid == (grid{}) {
		return grid{}
	}
	n := int64(math.Round(d.tier.cellM(r) / d.tier.GridM))
	return grid{lon: n * d.grid.lon, lat: n * d.grid.lat}
}

// cover gives the cells of the layer's grid to its features, and settles what is small;
// cells are what features own, or those that they go to.
func (d *derivation) cover(ctx context.Context, l *index.Layer, by owners, rule Layer) (map[int32][]cells.Cell, error) {
	g, reg := d.gridOf(rule), d.entry()
	owned, told, err := generalise(ctx, l, by, g)
	if err != nil {
		return nil, err
	}
	if rule.Dissolve {
		reg.NoCell = l.Len() - len(owned)
		reg.Vanished = reg.NoCell
		owned = by.gather(owned)
	} else {
		owned = by.gather(owned)
		reg.NoCell = by.standing(l.Len()) - len(owned)
	}
	least, what := d.tier.small(rule)
	if reg.Small, err = settleSmall(g, owned, smallRule{least, what}); err != nil {
		return nil, err
	}
	reg.CellM, reg.MinPatchM2 = d.tier.cellM(rule), least
	reg.GroundBefore, reg.GroundError = reg.AreaBefore-reg.Finer.LeftOutM2-told.overlap, told.bound+reg.Small.LeftOutM2
	return owned, nil
}

// entry is the register's of the layer that is being derived.
func (d *derivation) entry() *RegisterLayer { return &d.register.Layers[len(d.register.Layers)-1] }

func (d *derivation) extent() geo.Box {
	b := geo.EmptyBox()
	for i := range d.from.Manifest.Layers {
		l := &d.from.Manifest.Layers[i]
		b = b.Union(d.from.Layer(l.Name, l.Vintage).Extent())
	}
	return b
}

// enter fills in what the register says of the layers that were written.
func (d *derivation) enter(layers []edition.Layer) {
	for i := range d.register.Layers {
		r := &d.register.Layers[i]
		for k := range layers {
			if l := &layers[k]; l.Name == r.Layer && l.Vintage == r.Vintage {
				l.PatchWithheldM2, l.NetWithheldM2 = r.PatchWithheld, r.NetWithheld
				r.After, r.AreaAfter, r.NetAfter = l.Features, l.AreaM2, l.NetM2
				r.account()
			}
		}
	}
}

// layer derives one layer.
func (d *derivation) layer(ctx context.Context, l *index.Layer, rule Layer) error {
	meta := l.Meta
	keep, err := rule.allowed(meta)
	if err != nil {
		return err
	}
	out := edition.Layer{Name: meta.Name, Title: meta.Title, Vintage: meta.Vintage}
	if z := rule.Zooms; z != nil {
		out.Zooms = &[2]int{z[0], z[1]}
	}
	for _, i := range keep {
		out.Fields = append(out.Fields, meta.Fields[i])
		if meta.Fields[i].Name == meta.ClassField {
			out.ClassField = meta.ClassField
		}
	}
	reg := RegisterLayer{Layer: meta.Name, Vintage: meta.Vintage, Before: l.Len(), AreaBefore: meta.AreaM2, NetBefore: meta.NetM2, FieldsDropped: dropped(meta.Fields, out.Fields)}
	view, err := d.staysView(meta, keep, rule)
	if err != nil {
		return err
	}
	d.register.Layers = append(d.register.Layers, reg)
	switch {
	case view:
		out.View = meta.View
		d.out.View(out)
		d.leaveOfView(l, rule)
		return nil
	case rule.Dissolve:
		return d.dissolve(ctx, l, rule, d.out.Layer(out))
	}
	return d.copy(ctx, l, copying{keep, rule}, d.out.Layer(out))
}

// staysView tells whether a view may stay one: its source comes along as it is,
// with the very fields that the view may have, and with the field that selects.
// Any other view becomes a layer of its own.
func (d *derivation) staysView(meta *edition.Layer, keep []int, rule Layer) (bool, error) {
	v := meta.View
	if v == nil || d.grid != (grid{}) || rule.Dissolve {
		return false, nil
	}
	of, ok := d.tier.Layers[v.Of]
	if !ok || of.Dissolve {
		return false, nil
	}
	mine, _ := d.tier.small(rule)
	if least, _ := d.tier.small(of); least != mine {
		return false, nil
	}
	source := *meta
	source.Name = v.Of // a view has the fields of its source
	theirs, err := of.allowed(&source)
	selects := slices.ContainsFunc(keep, func(i int) bool { return meta.Fields[i].Name == v.Field })
	return selects && slices.Equal(keep, theirs), err
}

// dropped names the fields of before that after does not have.
func dropped(before, after []edition.Field) []string {
	out := []string{}
	for _, f := range before {
		if !slices.ContainsFunc(after, func(g edition.Field) bool { return g.Name == f.Name }) {
			out = append(out, f.Name)
		}
	}
	return out
}

// carried are a feature's own figures that the kept fields of a layer carry: a
// figure must not come through where the field that it was read from does not.
type carried struct {
	patch, net bool
	// An area that was computed comes through where the field that it stands in for
	// would, whether the delivery has that field or not.
	patchComputed, netComputed bool
	places                     []int // the kept fields that a place may have been read from
}

func carriedBy(l *index.Layer, keep []int, rule Layer) (carried, error) {
	p, err := ingest.ProfileOf(l.Meta.Name)
	c := carried{patchComputed: rule.lets(p.Patch), netComputed: rule.lets(p.Net)}
	for _, i := range keep {
		name := l.Meta.Fields[i].Name
		c.patch = c.patch || name == p.Patch
		c.net = c.net || name == p.Net
		if slices.Contains(p.Place, name) {
			c.places = append(c.places, i)
		}
	}
	return c, err
}

// cut takes from f what its kept values do not tell. A place that they tell stays
// whole; one that was read from another field, or found by where f lies, is cut
// to digits.
func (c *carried) cut(f *index.Feature, digits int) {
	told := slices.ContainsFunc(c.places, func(i int) bool {
		s, _ := f.Values[i].(string)
		return strings.HasPrefix(s, f.Place)
	})
	if !told {
		f.Place = f.Place[:min(len(f.Place), digits)]
	}
	if !passes(f.Patch, c.patch, c.patchComputed) {
		f.Patch = index.NoArea
	}
	if !passes(f.Net, c.net, c.netComputed) {
		f.Net = index.NoArea
	}
}

// passes tells whether an area may be kept, by whether those of record and those
// computed may.
func passes(area int64, record, computed bool) bool {
	if index.OfRecord(area) {
		return record
	}
	return computed
}

// id returns a feature's id in the lower edition. A view's features have the
// ids of its source.
func (d *derivation) id(meta *edition.Layer, id uint64) uint64 {
	layer := meta.Name
	if meta.View != nil {
		layer = meta.View.Of
	}
	return d.hash(binary.BigEndian.AppendUint64([]byte(layer+"\x00"), id))
}

// hash returns the first 53 bits of HMAC-SHA-256 over tier and data; never 0.
func (d *derivation) hash(data []byte) uint64 {
	h := hmac.New(sha256.New, d.key)
	h.Write([]byte(d.to))
	h.Write([]byte{0})
	h.Write(data)
	return max(binary.BigEndian.Uint64(h.Sum(nil))>>11, 1)
}

// copying is what comes along of a layer: the fields with these places, by a rule.
type copying struct {
	keep []int
	rule Layer
}

// copy writes each feature with the fields that are let through, its geometry
// on the grid when there is one.
func (d *derivation) copy(ctx context.Context, l *index.Layer, what copying, w *index.LayerWriter) error {
	reg, keep := d.entry(), what.keep
	shows, err := carriedBy(l, keep, what.rule)
	if err != nil {
		return err
	}
	told, err := roundingOf(l.Meta, keep, d.tier.RoundM2)
	if err != nil {
		return err
	}
	codes, err := placeCodesOf(l.Meta, keep)
	if err != nil {
		return err
	}
	places, err := d.coarser(l, reg)
	if err != nil {
		return err
	}
	var owned map[int32][]cells.Cell
	if d.grid != (grid{}) {
		if owned, err = d.cover(ctx, l, places.owners, what.rule); err != nil {
			return err
		}
	}
	least, _ := d.tier.small(what.rule)
	reg.MinPatchM2 = least
	g, sum := d.gridOf(what.rule), 0.0
	for i := range l.Len() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !places.stands(i) {
			continue
		}
		f, err := places.feature(ctx, i)
		if err != nil {
			return err
		}
		if owned != nil {
			before := f.AreaM2
			f.Geometry = g.shape(owned[int32(i)])
			f.AreaM2 = geo.Area(f.Geometry)
			if off := math.Abs(f.AreaM2 - before); len(f.Geometry) > 0 {
				sum, reg.FeatureErrorMax = sum+off*off, max(reg.FeatureErrorMax, off)
			}
		} else if f.AreaM2 < least {
			d.leave(l, l.Head(i), reg)
			f.Geometry = nil
		}
		told.apply(&f)
		codes.cut(&f, d.tier.PlaceDigits)
		shows.cut(&f, d.tier.PlaceDigits)
		if len(f.Geometry) == 0 {
			reg.withhold(&f)
			continue
		}
		values := make([]any, 0, len(keep))
		for _, k := range keep {
			values = append(values, f.Values[k])
		}
		f.Values, f.ID = values, places.id(i, &f)
		if err := w.Add(&f); err != nil {
			return fmt.Errorf("feature %d: %w", l.Head(i).ID, err)
		}
	}
	if kept := l.Len() - reg.Vanished - reg.Finer.LeftOut - reg.Finer.Merged + reg.Finer.Into; owned != nil && kept > 0 {
		reg.FeatureErrorRMS = math.Sqrt(sum / float64(kept))
	}
	return nil
}

// leave leaves a feature out that is smaller than the smallest patch shown.
func (d *derivation) leave(l *index.Layer, f index.Head, reg *RegisterLayer) {
	d.forget(l, f.ID)
	reg.Small.LeftOut, reg.Small.LeftOutM2, reg.Small.Vanished = reg.Small.LeftOut+1, reg.Small.LeftOutM2+f.AreaM2, reg.Small.Vanished+1
}

// leaveOfView enters of a view that stays one what its source leaves out.
func (d *derivation) leaveOfView(l *index.Layer, rule Layer) {
	reg := &d.register.Layers[len(d.register.Layers)-1]
	reg.MinPatchM2, _ = d.tier.small(rule)
	for i := 0; i < l.Len() && reg.MinPatchM2 > 0; i++ {
		if f := l.Head(i); f.AreaM2 < reg.MinPatchM2 {
			d.leave(l, f, reg)
			reg.Vanished++
		}
	}
}

// forget notes that a feature is none of the lower edition.
func (d *derivation) forget(l *index.Layer, id uint64) {
	k := l.Meta.Key()
	if d.left[k] == nil {
		d.left[k] = map[uint64]bool{}
	}
	d.left[k][id] = true
}
