// Package compare says what has become of a layer between two states: which
// features were added, removed or changed, in which fields, and how much ground went
// from one class to another.
//
// The states are two layers of one edition or of two, such as two vintages of the
// survey. Features are the same when they have the same id, which follows from the
// business key. Ground is divided exactly: what both states cover is partitioned, and
// each part counts once, so that the rows and columns of the matrix add up to what
// each state covers.
//
// The package reads frozen layers only; it stores nothing and decides nothing about
// who may see what.
package compare

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"gengtu/index"
	"gengtu/index/edition"
)

// Kind says what became of a feature.
type Kind string

// The kinds of change.
const (
	Added     Kind = "added"     // its id is in the later state alone
	Removed   Kind = "removed"   // its id is in the earlier state alone
	Geometry  Kind = "geometry"  // other ground, the same values
	Attribute Kind = "attribute" // other values, the same ground
	Both      Kind = "both"      // other ground and other values
)

// DefaultIgnored are fields that say of which year a state is, and not what the
// land is: a difference in them alone is no change.
var DefaultIgnored = []string{"SJNF", "GXSJ"}

// Options say how to compare. The zero value compares all fields but
// [DefaultIgnored], by the layers' own classes, on all processors.
type Options struct {
	// Ignored are fields whose values are not compared; nil takes DefaultIgnored.
	Ignored []string
	// Class is the field whose values the matrix tells apart; "" takes each layer's own,
	// [NoClass] tells none apart.
	Class string
	// RoundM2 is the step that all areas of the result are rounded to, still adding up;
	// 0 is none. The list of changes is not rounded.
	RoundM2 float64
	// Workers is the number of goroutines, 0 for all processors. The result does not
	// depend on it.
	Workers int
}

// NoClass is no name of a field: all ground is of one class.
const NoClass = "-"

// Result is what two states of a layer differ in.
type Result struct {
	From State `json:"from"`
	To   State `json:"to"`
	// RoundedM2 is the step that areas are rounded to, 0 for none.
	RoundedM2 float64      `json:"rounded_to_m2,omitzero"`
	Ignored   []string     `json:"fields_ignored"`
	Counts    Counts       `json:"counts"`
	Fields    []FieldCount `json:"fields"`
	// FieldsAdded and FieldsRemoved are fields that only one of the states has;
	// their values are not compared.
	FieldsAdded   []string `json:"fields_added"`
	FieldsRemoved []string `json:"fields_removed"`
	Matrix        Matrix   `json:"matrix"`
	// Changes are by id; see [Result.List].
	Changes []Change `json:"-"`

	from, to *index.Layer
}

// State is one of the two. Areas are in m².
type State struct {
	Edition    string       `json:"edition,omitempty"` // its directory, where a command names it
	Tier       edition.Tier `json:"tier,omitempty"`
	Generation string       `json:"generation,omitempty"`
	Layer      string       `json:"layer"`
	Vintage    string       `json:"vintage"`
	Features   int          `json:"features"`
	// GroundM2 counts ground once, GrossM2 adds the features up.
	GroundM2 float64  `json:"ground_m2"`
	GrossM2  float64  `json:"gross_area_m2"`
	PatchM2  *float64 `json:"patch_m2"`
	NetM2    *float64 `json:"net_m2"`
}

// Counts count features. Of the earlier state there are Removed, Geometry,
// Attribute, Both and Unchanged, of the later one Added instead of Removed.
type Counts struct {
	Added     int `json:"added"`
	Removed   int `json:"removed"`
	Geometry  int `json:"geometry"`
	Attribute int `json:"attribute"`
	Both      int `json:"both"`
	Unchanged int `json:"unchanged"`
	// Renumbered counts those of Added that have, position by position, the geometry
	// of one of Removed: the same ground under another key.
	Renumbered int `json:"renumbered"`
}

// FieldCount says of how many features, of those in both states, a field changed.
type FieldCount struct {
	Field   string `json:"field"`
	Changed int    `json:"changed"`
}

// Change is one feature that is not what it was.
type Change struct {
	Kind Kind
	ID   uint64
	// From and To are the feature's ordinals in the states, -1 where it is not.
	From, To int
	// Fields are the numbers of the changed fields among [Result.Fields].
	Fields []int
	// Twin is of an added or removed feature the id of one on the other side with the
	// same geometry, 0 for none.
	Twin uint64
}

// Layers compares two states of a layer. Both indexes must stay open while the
// result is used. Errors are ctx's, those of reading, and problems: DIFF_CLASS where
// a layer has not the class field, or too many values in it.
func Layers(ctx context.Context, from, to *index.Layer, opt Options) (*Result, error) {
	if opt.Workers <= 0 {
		opt.Workers = runtime.GOMAXPROCS(0)
	}
	if opt.Ignored == nil {
		opt.Ignored = DefaultIgnored
	}
	r := &Result{From: stateOf(from), To: stateOf(to), Ignored: opt.Ignored, from: from, to: to}
	p := r.pairing(opt.Ignored)
	if err := p.match(ctx, opt.Workers); err != nil {
		return nil, err
	}
	r.count(p)
	if err := r.findTwins(ctx); err != nil {
		return nil, err
	}
	m, err := newMatrix(from, to, opt.Class)
	if err != nil {
		return nil, err
	}
	if err := m.fill(ctx, p, opt.Workers); err != nil {
		return nil, err
	}
	r.Matrix = m.result()
	for _, t := range r.Matrix.Rows {
		r.From.GroundM2 += t.AreaM2
	}
	for _, t := range r.Matrix.Columns {
		r.To.GroundM2 += t.AreaM2
	}
	r.coarsen(opt.RoundM2)
	return r, nil
}

func stateOf(l *index.Layer) State {
	m := l.Meta
	return State{Layer: m.Name, Vintage: m.Vintage, Features: m.Features, GrossM2: m.AreaM2, PatchM2: m.PatchM2, NetM2: m.NetM2}
}

// pairing matches the features of two states by their ids.
type pairing struct {
	from, to *index.Layer
	common   []pair // of fields
	// of holds for each feature of from its ordinal in to, or -1; back the reverse.
	of, back []int32
	same     []bool // of from: its geometry is that of its match
	exact    []bool // of from: to the last bit
	fields   [][]int
}

// pair is a field that both states have, by its places.
type pair struct {
	name     string
	from, to int
}

// pairing lists the fields that are compared.
func (r *Result) pairing(ignored []string) *pairing {
	p := &pairing{from: r.from, to: r.to}
	r.FieldsAdded, r.FieldsRemoved = []string{}, []string{}
	for i, f := range r.from.Meta.Fields {
		k := r.to.Field(f.Name)
		switch {
		case k < 0:
			r.FieldsRemoved = append(r.FieldsRemoved, f.Name)
		case !slices.Contains(ignored, f.Name):
			p.common = append(p.common, pair{f.Name, i, k})
		}
	}
	for _, f := range r.to.Meta.Fields {
		if r.from.Field(f.Name) < 0 {
			r.FieldsAdded = append(r.FieldsAdded, f.Name)
		}
	}
	for _, c := range p.common {
		r.Fields = append(r.Fields, FieldCount{Field: c.name})
	}
	return p
}

// matchBatch is how many features a worker compares at a go.
const matchBatch = 4096

// match finds each feature's partner and what of it is another.
func (p *pairing) match(ctx context.Context, workers int) error {
	n := p.from.Len()
	p.of, p.back = make([]int32, n), make([]int32, p.to.Len())
	p.same, p.exact, p.fields = make([]bool, n), make([]bool, n), make([][]int, n)
	for i := range p.back {
		p.back[i] = -1
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for first := 0; first < n; first += matchBatch {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			var a, b index.Raw
			for i := first; i < min(first+matchBatch, n); i++ {
				if err := p.one(i, &a, &b); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// one compares feature i of from with its partner. No two features have the same
// partner, so that workers write to different places.
func (p *pairing) one(i int, a, b *index.Raw) error {
	p.of[i] = -1
	if err := p.from.Read(i, a); err != nil {
		return err
	}
	k, ok := p.to.ByID(a.ID)
	if !ok {
		return nil
	}
	if err := p.to.Read(k, b); err != nil {
		return err
	}
	p.of[i], p.back[k] = int32(k), int32(i)
	p.exact[i] = p.from.Twin(i, p.to, k)
	p.same[i] = p.exact[i] || sameRings(&a.Rings, &b.Rings)
	for n, c := range p.common {
		if !sameValue(&a.Values[c.from], &b.Values[c.to]) {
			p.fields[i] = append(p.fields[i], n)
		}
	}
	return nil
}

// count lists what changed and counts it.
func (r *Result) count(p *pairing) {
	note := func(k Kind, id uint64, from, to int, fields []int) {
		r.Changes = append(r.Changes, Change{Kind: k, ID: id, From: from, To: to, Fields: fields})
	}
	for i, k := range p.of {
		for _, f := range p.fields[i] {
			r.Fields[f].Changed++
		}
		switch {
		case k < 0:
			r.Counts.Removed++
			note(Removed, r.from.Head(i).ID, i, -1, nil)
		case p.same[i] && len(p.fields[i]) == 0:
			r.Counts.Unchanged++
		case p.same[i]:
			r.Counts.Attribute++
			note(Attribute, r.from.Head(i).ID, i, int(k), p.fields[i])
		case len(p.fields[i]) == 0:
			r.Counts.Geometry++
			note(Geometry, r.from.Head(i).ID, i, int(k), nil)
		default:
			r.Counts.Both++
			note(Both, r.from.Head(i).ID, i, int(k), p.fields[i])
		}
	}
	for k, i := range p.back {
		if i < 0 {
			r.Counts.Added++
			note(Added, r.to.Head(k).ID, -1, k, nil)
		}
	}
	slices.SortFunc(r.Changes, func(a, b Change) int { return cmp.Compare(a.ID, b.ID) })
}

// findTwins finds added features that have the geometry of a removed one.
func (r *Result) findTwins(ctx context.Context) error {
	gone := map[[32]byte][]int{} // changes, by what their geometry is
	for n, c := range r.Changes {
		if c.Kind != Removed {
			continue
		}
		f, err := r.from.Feature(c.From)
		if err = cmp.Or(err, ctx.Err()); err != nil {
			return err
		}
		k := GeometryIdentity(f.Geometry)
		gone[k] = append(gone[k], n)
	}
	if len(gone) == 0 {
		return nil
	}
	for n := range r.Changes {
		c := &r.Changes[n]
		if c.Kind != Added {
			continue
		}
		f, err := r.to.Feature(c.To)
		if err = cmp.Or(err, ctx.Err()); err != nil {
			return err
		}
		k := GeometryIdentity(f.Geometry)
		if list := gone[k]; len(list) > 0 {
			old := &r.Changes[list[0]]
			gone[k] = list[1:]
			c.Twin, old.Twin = old.ID, c.ID
			r.Counts.Renumbered++
		}
	}
	return nil
}

// Item is a change with all that is told of it.
type Item struct {
	Change Kind   `json:"change"`
	ID     uint64 `json:"id"`
	// Key is the first of the layer's codes that the feature has, "" for none.
	Key       string       `json:"key,omitempty"`
	FromClass *string      `json:"from_class,omitempty"`
	ToClass   *string      `json:"to_class,omitempty"`
	FromM2    *float64     `json:"from_area_m2,omitempty"`
	ToM2      *float64     `json:"to_area_m2,omitempty"`
	Fields    []FieldValue `json:"fields,omitempty"`
	// SameGround is the id, on the other side, of the feature with the same geometry.
	SameGround uint64 `json:"same_ground,omitempty"`
	// FromContent and ToContent name what the feature was and is, see [Identity].
	FromContent string `json:"from_content,omitempty"`
	ToContent   string `json:"to_content,omitempty"`
	// Feature is the feature as it is, or was where it was removed.
	Feature index.Feature `json:"-"`
}

// FieldValue is a field that changed.
type FieldValue struct {
	Field string `json:"field"`
	From  any    `json:"from"`
	To    any    `json:"to"`
}

// List calls visit with each change, by id; its first error, or one of reading, ends
// it. An item is visit's own.
func (r *Result) List(ctx context.Context, visit func(*Item) error) error {
	names := make([]string, len(r.Fields))
	for i, f := range r.Fields {
		names[i] = f.Field
	}
	for n := range r.Changes {
		if err := ctx.Err(); err != nil {
			return err
		}
		item, err := r.item(&r.Changes[n], names)
		if err == nil {
			err = visit(item)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// item tells what is to be told of a change.
func (r *Result) item(c *Change, names []string) (*Item, error) {
	item := &Item{Change: c.Kind, ID: c.ID, SameGround: c.Twin}
	var was, is index.Feature
	var err error
	if c.From >= 0 {
		if was, err = r.from.Feature(c.From); err != nil {
			return nil, err
		}
		item.FromClass, item.FromM2, item.FromContent = classOf(r.from, &was), &was.AreaM2, r.content(r.from, &was)
		item.Key, item.Feature = Key(r.from.Meta, &was), was
	}
	if c.To >= 0 {
		if is, err = r.to.Feature(c.To); err != nil {
			return nil, err
		}
		item.ToClass, item.ToM2, item.ToContent = classOf(r.to, &is), &is.AreaM2, r.content(r.to, &is)
		item.Key, item.Feature = Key(r.to.Meta, &is), is
	}
	for _, f := range c.Fields {
		a, b := r.from.Field(names[f]), r.to.Field(names[f])
		item.Fields = append(item.Fields, FieldValue{names[f], plain(was.Values[a]), plain(is.Values[b])})
	}
	return item, nil
}

// content is the first half of a feature's identity, in hex: enough to tell states
// of one feature apart.
func (r *Result) content(l *index.Layer, f *index.Feature) string {
	id := Identity(l.Meta, f, r.Ignored)
	return hex.EncodeToString(id[:16])
}

// classOf returns a feature's class; nil where the layer has none.
func classOf(l *index.Layer, f *index.Feature) *string {
	i := l.Field(l.Meta.ClassField)
	if l.Meta.ClassField == "" || i < 0 {
		return nil
	}
	s := textOf(f.Values[i])
	return &s
}

// Key returns the first code that f has, "" where the layer carries none.
func Key(m *edition.Layer, f *index.Feature) string {
	for i := range m.Fields {
		if s, ok := f.Values[i].(string); ok && m.Fields[i].Code && s != "" {
			return s
		}
	}
	return ""
}

// textOf returns a class as text; "" where there is none.
func textOf(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}
