package policy

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"gengtu/index"
	"gengtu/index/cells"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/ingest"
)

// Register is what a derivation did, for the register of publications.
type Register struct {
	From         edition.Tier    `json:"from_tier"`
	To           edition.Tier    `json:"to_tier"`
	Generation   string          `json:"from_generation"`
	ContentHash  string          `json:"from_content_hash"`
	Policy       string          `json:"policy"`
	PolicyDigest string          `json:"policy_digest"`
	Layers       []RegisterLayer `json:"layers"`
	// Withheld are the layers that the policy does not let through.
	Withheld []string `json:"withheld"`
}

// RegisterLayer is what became of one layer.
type RegisterLayer struct {
	Layer   string `json:"layer"`
	Vintage string `json:"vintage"`
	Before  int    `json:"features_before"`
	After   int    `json:"features_after"`
	// Vanished counts the features that own no cell of the grid.
	Vanished      int      `json:"features_vanished"`
	AreaBefore    float64  `json:"area_before_m2"`
	AreaAfter     float64  `json:"area_after_m2"`
	FieldsDropped []string `json:"fields_dropped"`
}

// PublisherKey reads the key that keeps lower editions' ids apart from the
// higher one's, from the higher edition's directory, and makes it the first
// time. It never goes into a lower edition.
func PublisherKey(dir string) ([]byte, error) {
	path := filepath.Join(dir, edition.PublisherKey)
	for range 2 {
		text, err := os.ReadFile(path)
		if err == nil {
			key, err := hex.DecodeString(string(bytes.TrimSpace(text)))
			if err != nil || len(key) != 32 {
				return nil, problem.New("KEY_BROKEN", "标识密钥文件损坏", "the key of ids is damaged").In(path).
					Advise("请从备份恢复；换新密钥会使低版要素标识全部改变", "restore it from a backup; a new one changes all ids of lower editions")
			}
			return key, nil
		}
		if !os.IsNotExist(err) {
			return nil, err
		}
		key := make([]byte, 32)
		if _, err := rand.Read(key); err != nil {
			return nil, err
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if os.IsExist(err) {
			continue // another publish made it just now
		}
		if err != nil {
			return nil, err
		}
		_, err = f.WriteString(hex.EncodeToString(key) + "\n")
		if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%s: cannot be made", path)
}

// Derive writes what p lets the tier hold of the edition from into a features
// file at path, which must not exist, and returns the manifest so far. Equal
// input, policy and key give equal content.
func Derive(ctx context.Context, from *index.Index, p *Policy, to edition.Tier, key []byte, path string) (*edition.Manifest, *Register, error) {
	m := from.Manifest
	if !m.Tier.Above(to) {
		return nil, nil, problem.New("PUBLISH_UPWARD", "%s 版不能派生 %s 版", "a %s edition cannot become a %s edition", m.Tier, to).
			Advise("只能由高版派生低版", "only a higher edition becomes a lower one")
	}
	t, ok := p.Tiers[to]
	if !ok {
		return nil, nil, problem.New("POLICY_TIER", "策略里没有 %s 版", "the policy says nothing of %s", to)
	}
	d := &derivation{
		ctx: ctx, from: from, policy: p, tier: t, to: to, key: key, out: index.NewWriter(path),
		register: &Register{From: m.Tier, To: to, Generation: m.Generation, ContentHash: m.ContentHash, Policy: p.Name, PolicyDigest: p.digest, Withheld: []string{}},
	}
	d.grid = newGrid(t.GridM, d.extent())
	var views []edition.Layer
	for i := range m.Layers {
		l := &m.Layers[i]
		rule, ok := t.Layers[l.Name]
		if !ok {
			d.register.Withheld = append(d.register.Withheld, l.Key())
			continue
		}
		view, err := d.layer(from.Layer(l.Name, l.Vintage), rule)
		if err != nil {
			return nil, nil, fmt.Errorf("layer %s: %w", l.Key(), err)
		}
		if view != nil {
			views = append(views, *view)
		}
	}
	layers, err := d.out.Close()
	if err != nil {
		return nil, nil, err
	}
	layers = append(layers, views...)
	order := func(l edition.Layer) int {
		return slices.IndexFunc(m.Layers, func(x edition.Layer) bool { return x.Key() == l.Key() })
	}
	slices.SortFunc(layers, func(a, b edition.Layer) int { return cmp.Compare(order(a), order(b)) })
	return &edition.Manifest{
		Tier: to, Layers: layers, MaxZoom: min(t.MaxZoom, m.MaxZoom),
		BuiltZooms: [2]int{m.BuiltZooms[0], min(m.BuiltZooms[1], t.MaxZoom)}, Policy: p.reference(t, d.grid),
	}, d.register, nil
}

type derivation struct {
	ctx      context.Context
	from     *index.Index
	policy   *Policy
	tier     Tier
	to       edition.Tier
	key      []byte
	grid     grid
	out      *index.Writer
	register *Register
}

func (d *derivation) extent() geo.Box {
	b := geo.EmptyBox()
	for i := range d.from.Manifest.Layers {
		l := &d.from.Manifest.Layers[i]
		b = b.Union(d.from.Layer(l.Name, l.Vintage).Extent())
	}
	return b
}

// layer derives one layer. A view whose source is let through whole stays a
// view, and is returned.
func (d *derivation) layer(l *index.Layer, rule Layer) (*edition.Layer, error) {
	meta := l.Meta
	if v := meta.View; v != nil && d.grid == (grid{}) {
		if of, ok := d.tier.Layers[v.Of]; ok && of.allows(v.Field) {
			out := *meta
			out.Source, out.Fields = nil, nil
			for _, i := range d.allowed(l, of) {
				out.Fields = append(out.Fields, meta.Fields[i])
			}
			d.strip(&out, l)
			d.register.Layers = append(d.register.Layers, RegisterLayer{
				Layer: out.Name, Vintage: out.Vintage, Before: l.Len(), After: l.Len(), AreaBefore: meta.AreaM2, AreaAfter: meta.AreaM2, FieldsDropped: dropped(meta.Fields, out.Fields),
			})
			return &out, nil
		}
	}
	keep := d.allowed(l, rule)
	out := edition.Layer{Name: meta.Name, Title: meta.Title, Vintage: meta.Vintage}
	for _, i := range keep {
		out.Fields = append(out.Fields, meta.Fields[i])
		if meta.Fields[i].Name == meta.ClassField {
			out.ClassField = meta.ClassField
		}
	}
	reg := RegisterLayer{Layer: meta.Name, Vintage: meta.Vintage, Before: l.Len(), AreaBefore: meta.AreaM2}
	reg.FieldsDropped = dropped(meta.Fields, out.Fields)
	w := d.out.Layer(out)
	var err error
	switch {
	case rule.Dissolve:
		err = d.dissolve(l, w, &reg)
	default:
		err = d.copy(l, keep, w, &reg)
	}
	d.register.Layers = append(d.register.Layers, reg)
	return nil, err
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

func (r Layer) allows(field string) bool {
	return (r.Fields.Known || slices.Contains(r.Fields.Names, field)) && !slices.Contains(r.Except, field)
}

// allowed lists the fields of l that the rule lets through, by their place.
func (d *derivation) allowed(l *index.Layer, rule Layer) []int {
	var out []int
	for i, f := range l.Meta.Fields {
		named := slices.Contains(rule.Fields.Names, f.Name)
		if (named || rule.Fields.Known && f.Known && !f.Personal) && !slices.Contains(rule.Except, f.Name) {
			out = append(out, i)
		}
	}
	return out
}

// records tells which areas of record the allowed fields carry.
func records(l *index.Layer, fields []edition.Field) (patch, net bool, err error) {
	p, err := ingest.ProfileOf(l.Meta.Name)
	has := func(name string) bool {
		return name != "" && slices.ContainsFunc(fields, func(f edition.Field) bool { return f.Name == name })
	}
	return has(p.Patch), has(p.Net), err
}

// strip takes from a view's figures what its fields no longer carry.
func (d *derivation) strip(m *edition.Layer, l *index.Layer) {
	patch, net, err := records(l, m.Fields)
	if err != nil || !patch {
		m.PatchM2 = nil
	}
	if err != nil || !net {
		m.NetM2 = nil
	}
	if !slices.ContainsFunc(m.Fields, func(f edition.Field) bool { return f.Name == m.ClassField }) {
		m.ClassField = ""
	}
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

func (d *derivation) hash(data []byte) uint64 {
	h := hmac.New(sha256.New, d.key)
	h.Write([]byte(d.to))
	h.Write([]byte{0})
	h.Write(data)
	return max(binary.BigEndian.Uint64(h.Sum(nil))>>11, 1)
}

// copy writes each feature with the fields that are let through, its geometry
// on the grid when there is one.
func (d *derivation) copy(l *index.Layer, keep []int, w *index.LayerWriter, reg *RegisterLayer) error {
	var owned map[int32][]cells.Cell
	var err error
	if d.grid != (grid{}) {
		if owned, err = generalise(d.ctx, l, d.grid); err != nil {
			return err
		}
	}
	var fields []edition.Field
	for _, i := range keep {
		fields = append(fields, l.Meta.Fields[i])
	}
	patch, net, err := records(l, fields)
	if err != nil {
		return err
	}
	for i := range l.Len() {
		if err := d.ctx.Err(); err != nil {
			return err
		}
		f, err := l.Feature(i)
		if err != nil {
			return err
		}
		if owned != nil {
			f.Geometry = d.grid.shape(owned[int32(i)])
			f.AreaM2 = geo.Area(f.Geometry)
		}
		if len(f.Geometry) == 0 {
			reg.Vanished++
			continue
		}
		values := make([]any, 0, len(keep))
		for _, k := range keep {
			values = append(values, f.Values[k])
		}
		f.Values, f.ID = values, d.id(l.Meta, f.ID)
		f.Place = f.Place[:min(len(f.Place), d.tier.PlaceDigits)]
		if !patch {
			f.Patch = index.NoArea
		}
		if !net {
			f.Net = index.NoArea
		}
		if err := w.Add(&f); err != nil {
			return err
		}
		reg.After++
		reg.AreaAfter += f.AreaM2
	}
	return nil
}

// dissolve writes the ground that the layer covers, without borders, ids or
// attributes: one feature for each part that hangs together inside a block.
func (d *derivation) dissolve(l *index.Layer, w *index.LayerWriter, reg *RegisterLayer) error {
	owned, err := generalise(d.ctx, l, d.grid)
	if err != nil {
		return err
	}
	reg.Vanished = l.Len() - len(owned)
	type key struct{ y, x int32 }
	blocks := map[key][]cells.Cell{}
	for _, set := range owned {
		for _, c := range set {
			k := key{c.Y >> 8, c.X >> 8} // 256 cells a side bound a feature's size
			blocks[k] = append(blocks[k], c)
		}
	}
	keys := slices.SortedFunc(maps.Keys(blocks), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.y, b.y), cmp.Compare(a.x, b.x))
	})
	for _, k := range keys {
		for _, p := range d.grid.shape(blocks[k]) {
			f := index.Feature{Geometry: geo.MultiPolygon{p}, Patch: index.NoArea, Net: index.NoArea}
			f.AreaM2 = geo.Area(f.Geometry)
			f.ID = d.hash(geo.AppendGeoJSON([]byte(l.Meta.Key()), f.Geometry))
			if err := w.Add(&f); err != nil {
				return err
			}
			reg.After++
			reg.AreaAfter += f.AreaM2
		}
	}
	return nil
}
