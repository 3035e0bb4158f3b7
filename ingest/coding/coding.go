// Package coding gives the parcels of an edition's cropland their 空间码: it reads which
// parcels there are and what they share with those of the vintage before, has index/codes
// decide, and says what that changes in the edition. It writes nothing; ingest.Extend
// does.
package coding

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"

	"gengtu/index"
	"gengtu/index/codes"
	"gengtu/index/edition"
	"gengtu/index/overlay"
	"gengtu/index/problem"
)

// Options say how codes are given.
type Options struct {
	Scheme codes.Scheme
	// Field holds the codes; a layer that has no such field gets one.
	Field string
	// GroupLayers are the layers that may have polygons of 社, the first that there is is
	// taken.
	GroupLayers []string
	// LeastShare is that of [codes.Options].
	LeastShare float64
	// Vintages are to get codes, beside those that have some; nil are all.
	Vintages []string
	// Replace takes codes away that a delivery brought along and no register knows.
	Replace bool
	// Floor is that of [codes.Options].
	Floor   map[string]int
	Workers int
	// Tell is told which vintage is at work; it may be nil.
	Tell func(vintage string)
}

// Layer is the layer whose parcels have codes.
const Layer = "cropland"

// Report says what was done.
type Report struct {
	Edition    string `json:"edition,omitempty"`
	Generation string `json:"generation,omitempty"`
	// Changed tells whether there is a new generation.
	Changed bool   `json:"changed"`
	Layer   string `json:"layer"`
	Field   string `json:"field"`
	Scheme  string `json:"scheme"`
	// Confirmed tells whether somebody answers for the rules.
	Confirmed bool           `json:"confirmed"`
	Rules     string         `json:"rules"`
	Issued    int            `json:"issued"` // codes ever given
	InForce   int            `json:"in_force"`
	Vintages  []VintageCodes `json:"vintages"`
}

// VintageCodes says what became of the codes of a vintage.
type VintageCodes struct {
	codes.Count
	// Groups tells by what the 社 of parcels that were given a code is known: their number by
	// "polygon", "unit" (a code of place of 14 digits) and "none" (00).
	Groups map[string]int `json:"groups"`
	// Written are the features whose field was another before; Foreign those among them that
	// had another code, which a delivery brought along.
	Written int `json:"written"`
	Foreign int `json:"foreign"`
	// Elsewhere are the parcels that keep a code of another village than they lie in now.
	Elsewhere int `json:"elsewhere"`
}

// Plan is what codes are to become. It holds until the index that it was made from is
// closed.
type Plan struct {
	Register *codes.Register
	Report   Report

	opt     Options
	found   bool // the edition had the register
	altered bool
	states  []*state
	whose   *edition.Manifest
}

// state is a vintage.
type state struct {
	layer   *index.Layer
	parcels []codes.Parcel
	groups  []string // what the parcel's 社 is known by
	codes   map[uint64]string
}

// NewPlan finds out which codes the parcels of ix get. stored is the register that the
// edition has, nil for none. Problems: CODES_LAYER (no cropland), CODES_VINTAGE,
// CODES_SCHEME (codes were given by another scheme), CODES_FOREIGN (the field holds codes
// that were brought along), CODES_FULL. Other errors are ctx's and those of reading.
func NewPlan(ctx context.Context, ix *index.Index, stored *index.Register, opt Options) (*Plan, error) {
	p := &Plan{opt: opt, whose: ix.Manifest, Register: codes.NewRegister(opt.Scheme)}
	if stored != nil {
		r, err := Read(stored)
		if err != nil {
			return nil, err
		}
		if r.Scheme != opt.Scheme {
			return nil, problem.New("CODES_SCHEME", "已有的空间码按 %[1]s 编成，规则里是 %[2]s，两者不能混用", "the codes there are were made by %[1]s, the rules say %[2]s, and the two do not go together", r.Scheme, opt.Scheme).
				Advise("用原来的规则；换编法要另建版本", "take the rules they were made by; another scheme needs another edition")
		}
		p.Register, p.found = r, true
	}
	if err := p.read(ctx, ix); err != nil {
		return nil, err
	}
	return p, p.assign(ctx)
}

// Read reads the register that an edition has.
func Read(stored *index.Register) (*codes.Register, error) {
	entries := make([]codes.Entry, len(stored.Entries))
	for i, e := range stored.Entries {
		entries[i] = codes.Entry(e)
	}
	r, err := codes.ReadRegister(entries)
	if err != nil {
		return nil, problem.New("CODES_REGISTER", "空间码的登记读不出来（%v）", "the register of 空间码 cannot be read (%v)", err).Because(err).
			Advise("用 gengtu verify 校验版本，或从备份恢复", "check the edition with gengtu verify, or restore it from a backup")
	}
	return r, nil
}

// Of returns the register of codes among those of an edition, nil for none.
func Of(all []*index.Register) *index.Register {
	for _, r := range all {
		if r.Layer == Layer {
			return r
		}
	}
	return nil
}

// read reads the parcels of all vintages that have, or get, codes.
func (p *Plan) read(ctx context.Context, ix *index.Index) error {
	vintages := ix.Vintages(Layer)
	if len(vintages) == 0 {
		return problem.New("CODES_LAYER", "此版没有图层 %s", "the edition has no layer %s", Layer).
			Advise("先用 gengtu ingest 把 dltb 或 cropland 入库", "take dltb or cropland in first with gengtu ingest")
	}
	for _, v := range p.opt.Vintages {
		if !slices.Contains(vintages, v) {
			return problem.New("CODES_VINTAGE", "图层 %[1]s 没有时相 %.40[2]q", "layer %[1]s has no vintage %.40[2]q", Layer, v).
				Advise("有 %s", "there are %s", strings.Join(vintages, " "))
		}
	}
	slices.SortFunc(vintages, edition.CompareVintages)
	for _, v := range vintages {
		if p.opt.Vintages != nil && !slices.Contains(p.opt.Vintages, v) && !slices.Contains(p.Register.Vintages, v) {
			continue
		}
		p.tell(v)
		s, err := p.readState(ctx, ix, ix.Layer(Layer, v))
		if err != nil {
			return err
		}
		p.states = append(p.states, s)
	}
	return nil
}

func (p *Plan) tell(vintage string) {
	if p.opt.Tell != nil {
		p.opt.Tell(vintage)
	}
}

// readState reads the parcels of a vintage.
func (p *Plan) readState(ctx context.Context, ix *index.Index, l *index.Layer) (*state, error) {
	n := l.Len()
	s := &state{layer: l, parcels: make([]codes.Parcel, n), groups: make([]string, n), codes: map[uint64]string{}}
	field := l.Field("BSM")
	polygons, err := p.polygons(ctx, ix, l)
	if err != nil {
		return nil, err
	}
	var row index.Attributes
	for i := range n {
		if i%4096 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err := l.Attributes(i, &row); err != nil {
			return nil, err
		}
		c := &s.parcels[i]
		c.ID, c.AreaM2 = l.Head(i).ID, row.AreaM2
		if field >= 0 && row.Values[field].Kind == index.RawText {
			c.BSM = string(row.Values[field].Text)
		}
		c.Group, s.groups[i] = p.groupOf(string(row.Place), polygons[i])
	}
	return s, nil
}

// groupOf returns the code of a parcel's 社 with that of its village before it, and by what
// it is known; "" where no village is known. polygon is the code of the polygon of a 社
// that most of the parcel lies in, "" for none.
func (p *Plan) groupOf(place, polygon string) (group, by string) {
	village, digits := p.opt.Scheme.Place, p.opt.Scheme.Place+p.opt.Scheme.Group
	switch {
	case len(polygon) == digits && (len(place) < village || place[:village] == polygon[:village]):
		return polygon, "polygon"
	case len(place) < village:
		return "", "none"
	case p.opt.Scheme.Group > 0 && len(place) == digits:
		return place, "unit"
	}
	return place[:village] + strings.Repeat("0", p.opt.Scheme.Group), "none"
}

// polygons returns by parcel of l the code of the polygon of a 社 that most of it lies in.
// A polygon of another village than the parcel's own counts only where that is not known:
// what is not on both sides of a village's border is drawn inaccurately there.
func (p *Plan) polygons(ctx context.Context, ix *index.Index, l *index.Layer) (map[int]string, error) {
	out := map[int]string{}
	if p.opt.Scheme.Group == 0 {
		return out, nil
	}
	most := map[int]map[string]float64{}
	for _, name := range p.opt.GroupLayers {
		g := ix.Layer(name, l.Meta.Vintage)
		if g == nil {
			g = ix.Layer(name, "")
		}
		if g == nil || !hasGroups(g, p.opt.Scheme) {
			continue
		}
		err := overlay.Join(ctx, l, g, p.opt.Workers, func(pairs []overlay.Pair) error {
			for _, x := range pairs {
				code := g.Head(int(x.B)).Place
				if len(code) != p.opt.Scheme.Place+p.opt.Scheme.Group || !p.mayLie(l.Head(int(x.A)).Place, code) {
					continue
				}
				if most[int(x.A)] == nil {
					most[int(x.A)] = map[string]float64{}
				}
				most[int(x.A)][code] += x.Area
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		break
	}
	for i, shared := range most {
		best := ""
		for code, a := range shared {
			if best == "" || a > shared[best] || a == shared[best] && code < best {
				best = code
			}
		}
		out[i] = best
	}
	return out, nil
}

// mayLie tells whether a feature of a place may lie in a 社.
func (p *Plan) mayLie(place, group string) bool {
	n := p.opt.Scheme.Place
	return len(place) < n || place[:n] == group[:n]
}

// hasGroups tells whether a layer has polygons of 社.
func hasGroups(l *index.Layer, s codes.Scheme) bool {
	for i := range l.Len() {
		if len(l.Head(i).Place) == s.Place+s.Group {
			return true
		}
	}
	return false
}

// links returns what the parcels of two vintages share.
func links(ctx context.Context, from, to *index.Layer, workers int) ([]codes.Link, error) {
	var out []codes.Link
	err := overlay.Join(ctx, from, to, workers, func(pairs []overlay.Pair) error {
		for _, x := range pairs {
			if x.Area < overlay.MinShared {
				continue
			}
			a, b := int(x.A), int(x.B)
			same := from.Box(a) == to.Box(b) && from.Twin(a, to, b)
			out = append(out, codes.Link{From: a, To: b, AreaM2: x.Area, Same: same})
		}
		return nil
	})
	return out, err
}

// assign has the codes decided.
func (p *Plan) assign(ctx context.Context) error {
	states := make([]codes.State, len(p.states))
	for k, s := range p.states {
		states[k] = codes.State{Vintage: s.layer.Meta.Vintage, Parcels: s.parcels}
		if k == 0 {
			continue
		}
		p.tell(states[k].Vintage)
		var err error
		if states[k].Links, err = links(ctx, p.states[k-1].layer, s.layer, p.opt.Workers); err != nil {
			return err
		}
	}
	before := len(p.Register.Vintages)
	a, err := codes.Assign(p.Register, states, codes.Options{LeastShare: p.opt.LeastShare, Floor: p.opt.Floor})
	if err != nil {
		return err
	}
	p.altered = len(a.Events) > 0 || len(p.Register.Vintages) > before || !p.found
	p.Report = Report{Layer: Layer, Field: p.opt.Field, Scheme: p.opt.Scheme.String(), Issued: p.Register.Len(), Vintages: []VintageCodes{}}
	for k, s := range p.states {
		for i, code := range a.Codes[k] {
			if code != "" {
				s.codes[s.parcels[i].ID] = code
			}
		}
		v := VintageCodes{Count: a.Counts[k], Groups: map[string]int{}}
		for _, i := range a.Given[k] {
			v.Groups[s.groups[i]]++
		}
		if err := p.compare(s, a.Codes[k], &v); err != nil {
			return err
		}
		p.Report.Vintages = append(p.Report.Vintages, v)
	}
	if n := len(p.states); n > 0 {
		p.Report.InForce = len(p.states[n-1].codes)
	}
	p.Report.Changed = p.altered
	return nil
}

// compare counts what of the features of a vintage is to be written.
func (p *Plan) compare(s *state, want []string, v *VintageCodes) error {
	meta := s.layer.Meta
	field := slices.IndexFunc(meta.Fields, func(f edition.Field) bool { return f.Name == p.opt.Field })
	given := field >= 0 && meta.Fields[field].Scheme == ""
	if field < 0 || given {
		p.altered = true
	}
	var row index.Attributes
	for i, code := range want {
		if err := s.layer.Attributes(i, &row); err != nil {
			return err
		}
		old := ""
		if field >= 0 && row.Values[field].Kind == index.RawText {
			old = string(row.Values[field].Text)
		}
		village := min(p.opt.Scheme.Place, len(row.Place))
		if code != "" && !bytes.HasPrefix([]byte(code), row.Place[:village]) {
			v.Elsewhere++
		}
		if old == code {
			continue
		}
		v.Written++
		if old != "" {
			v.Foreign++
		}
	}
	p.altered = p.altered || v.Written > 0
	if given && v.Foreign > 0 && !p.opt.Replace && !p.found {
		return problem.New("CODES_FOREIGN", "图层 %[1]s 的字段 %[2]s 已有 %[3]d 个不同的编码，是交来的数据带的", "field %[2]s of layer %[1]s holds %[3]d other codes, which came with the delivery", meta.Key(), p.opt.Field, v.Foreign).
			Advise("确认不用它们后加 --replace；或在规则的 codes.field 里换一个字段名", "add --replace when they are not to be kept; or name another field in codes.field of the rules")
	}
	return nil
}

// Changed tells whether the edition is to become another one.
func (p *Plan) Changed() bool { return p.altered }

// Alter is what [ingest.Options] want: the fields and values of the layers with codes.
func (p *Plan) Alter(m *edition.Layer) func(f *index.Feature) {
	s := p.stateOf(m)
	if s == nil {
		return nil
	}
	field := slices.IndexFunc(m.Fields, func(f edition.Field) bool { return f.Name == p.opt.Field })
	m.Fields = slices.Clone(m.Fields)
	if field < 0 {
		field = len(m.Fields)
		m.Fields = append(m.Fields, edition.Field{Name: p.opt.Field, Title: "空间码", Known: true, Tile: true})
	}
	f := &m.Fields[field]
	f.Kind, f.Code, f.Scheme = edition.Text, true, p.opt.Scheme.String()
	return func(f *index.Feature) {
		if field == len(f.Values) {
			f.Values = append(f.Values, nil)
		}
		f.Values[field] = nil
		if code := s.codes[f.ID]; code != "" {
			f.Values[field] = code
		}
	}
}

// stateOf returns the vintage whose codes stand in a stored layer, nil for none.
func (p *Plan) stateOf(m *edition.Layer) *state {
	for _, s := range p.states {
		own := s.layer.Meta
		name := own.Name
		if own.View != nil {
			name = own.View.Of
		}
		if m.Name == name && m.Vintage == own.Vintage {
			return s
		}
	}
	return nil
}

// Registers returns the registers that the edition is to have: of all those that it has,
// that of the codes anew.
func (p *Plan) Registers(all []*index.Register) []*index.Register {
	out := slices.DeleteFunc(slices.Clone(all), func(r *index.Register) bool { return r.Layer == Layer })
	stored := &index.Register{Layer: Layer}
	for _, e := range p.Register.Entries() {
		stored.Entries = append(stored.Entries, index.RegisterEntry(e))
	}
	out = append(out, stored)
	slices.SortFunc(out, func(a, b *index.Register) int { return cmp.Compare(a.Layer, b.Layer) })
	return out
}

// maxRevised is how many features are written as an update is, which holds them in memory:
// some 200 MB.
const maxRevised = 200_000

// Revises tells whether the codes can be written as an update is, at the cost of what they
// change: the edition has a register, and every layer with codes the field.
func (p *Plan) Revises() bool {
	written := 0
	for k, s := range p.states {
		written += p.Report.Vintages[k].Written
		if !slices.ContainsFunc(s.layer.Meta.Fields, func(f edition.Field) bool { return f.Name == p.opt.Field && f.Scheme == p.opt.Scheme.String() }) {
			return false
		}
	}
	return p.found && written <= maxRevised
}

// Deltas returns what of the features changes, when the codes can be written so.
func (p *Plan) Deltas(ctx context.Context, base *index.Base) ([]index.Delta, error) {
	w := index.NewWriter("")
	var out []index.Delta
	for i := range base.Manifest.Layers {
		m := &base.Manifest.Layers[i]
		changed := *m
		alter := p.Alter(&changed)
		if m.View != nil || alter == nil {
			continue
		}
		field := slices.IndexFunc(m.Fields, func(f edition.Field) bool { return f.Name == p.opt.Field })
		d := index.Delta{Layer: m, Put: w.Layer(*m)}
		n := 0
		err := base.Each(m.Key(), func(f *index.Feature) error {
			old := f.Values[field]
			if alter(f); f.Values[field] == old {
				return ctx.Err()
			}
			n++
			return d.Put.Add(f)
		})
		if err != nil {
			return nil, err
		}
		if n > 0 {
			out = append(out, d)
		}
	}
	return out, nil
}
