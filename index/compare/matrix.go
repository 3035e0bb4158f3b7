package compare

import (
	"cmp"
	"context"
	"math"
	"slices"

	"golang.org/x/sync/errgroup"

	"gengtu/index"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/index/problem"
)

// Matrix says how much ground went from which class to which. Ground that several
// features of one state cover counts once, for the feature with the least id. The
// flows of a class add up to its row, or column, and rows and columns to what the
// states cover; areas of record are each feature's shares, and add up to the records.
type Matrix struct {
	// FromField and ToField are the fields that hold the classes, "" for none.
	FromField string `json:"from_class_field,omitempty"`
	ToField   string `json:"to_class_field,omitempty"`
	// Flows are those that have ground, by class; nil on a side is ground that the
	// state does not cover: gained, or lost.
	Flows   []Flow  `json:"flows"`
	Rows    []Total `json:"rows"`    // of the earlier state
	Columns []Total `json:"columns"` // of the later state
	// Same is the ground that kept its class, Moved what changed it.
	SameM2   float64 `json:"same_m2"`
	MovedM2  float64 `json:"moved_m2"`
	LostM2   float64 `json:"lost_m2"`
	GainedM2 float64 `json:"gained_m2"`
}

// Flow is the ground that was of class From and is of class To. Areas in m², of
// record as shares of the records of either state.
type Flow struct {
	From        *string  `json:"from"`
	To          *string  `json:"to"`
	AreaM2      float64  `json:"area_m2"`
	AreaMu      float64  `json:"area_mu"`
	FromPatchM2 *float64 `json:"from_patch_m2"`
	FromNetM2   *float64 `json:"from_net_m2"`
	ToPatchM2   *float64 `json:"to_patch_m2"`
	ToNetM2     *float64 `json:"to_net_m2"`
}

// Total is all ground of a class in one state.
type Total struct {
	Class    string   `json:"class"`
	Features int      `json:"features"`
	AreaM2   float64  `json:"area_m2"`
	AreaMu   float64  `json:"area_mu"`
	PatchM2  *float64 `json:"patch_m2"`
	NetM2    *float64 `json:"net_m2"`
}

// matrix is a Matrix in the making.
type matrix struct {
	sides [2]side
	flows []flow // (classes of from + 1) × (classes of to + 1); the last is no class
}

// side is one state.
type side struct {
	layer   *index.Layer
	field   string
	classes []string
	of      []int32 // the class of each feature
	features,
	patch, net []int64 // by class; patch and net in 0.01 m²
	hasPatch, hasNet bool
	owner            []int32 // of each feature that is divided its number, else -1
	list             []int32 // the features that are divided
}

// flow adds up one cell: ground in m², and shares of record of either side.
type flow struct {
	area       float64
	patch, net [2]float64
}

func (f *flow) add(o *flow) {
	f.area += o.area
	for s := range 2 {
		f.patch[s] += o.patch[s]
		f.net[s] += o.net[s]
	}
}

func newMatrix(from, to *index.Layer, class string) (*matrix, error) {
	m := &matrix{}
	for s, l := range []*index.Layer{from, to} {
		m.sides[s].layer, m.sides[s].field = l, cmp.Or(class, l.Meta.ClassField)
		if class == NoClass {
			m.sides[s].field = ""
		}
		if err := m.sides[s].classify(class != "" && class != NoClass); err != nil {
			return nil, err
		}
	}
	m.flows = make([]flow, (len(m.sides[0].classes)+1)*(len(m.sides[1].classes)+1))
	return m, nil
}

// classify finds the class of each feature, in the order of the classes' names.
func (s *side) classify(asked bool) error {
	n := s.layer.Len()
	s.of = make([]int32, n)
	field := s.layer.Field(s.field)
	if s.field == "" || field < 0 {
		if asked {
			return problem.New("DIFF_CLASS", "图层 %s 没有字段 %.40q", "layer %s has no field %.40q", s.layer.Meta.Key(), s.field).
				Advise("换一个两边都有的字段", "take a field that both states have")
		}
		s.field, s.classes = "", []string{""}
	} else {
		c, err := s.layer.Classes(field)
		if err != nil {
			return err
		}
		if c == nil || len(c.Values) > maxClasses {
			return problem.New("DIFF_CLASS", "字段 %.40q 的不同取值多于 %d 个，不能作地类", "field %.40q has more than %d different values and makes no classes", s.field, maxClasses).
				Advise("换一个取值较少的字段，如 DLBM", "take a field of fewer values, such as DLBM")
		}
		s.number(c)
	}
	k := len(s.classes)
	s.features, s.patch, s.net = make([]int64, k), make([]int64, k), make([]int64, k)
	for i, c := range s.of {
		r := s.layer.Record(i)
		s.features[c]++
		if index.OfRecord(r.Patch) {
			s.patch[c] += r.Patch
			s.hasPatch = true
		}
		if index.OfRecord(r.Net) {
			s.net[c] += r.Net
			s.hasNet = true
		}
	}
	return nil
}

// maxClasses bounds the classes of a state: more make no matrix that anyone reads.
const maxClasses = 512

// number gives the classes of features their numbers.
func (s *side) number(c *index.Classes) {
	used := make([]bool, len(c.Values))
	for i := range s.of {
		used[c.Code(i)] = true
	}
	for v, u := range used {
		if u {
			s.classes = append(s.classes, textOf(c.Values[v]))
		}
	}
	slices.Sort(s.classes)
	s.classes = slices.Compact(s.classes)
	at := make([]int32, len(c.Values))
	for v := range c.Values {
		i, _ := slices.BinarySearch(s.classes, textOf(c.Values[v]))
		at[v] = int32(i)
	}
	for i := range s.of {
		s.of[i] = at[c.Code(i)]
	}
}

// at returns the cell of two classes; a class of -1 is none.
func (m *matrix) at(from, to int32) int {
	none := [2]int32{int32(len(m.sides[0].classes)), int32(len(m.sides[1].classes))}
	if from < 0 {
		from = none[0]
	}
	if to < 0 {
		to = none[1]
	}
	return int(from)*int(none[1]+1) + int(to)
}

// fill measures the flows. A feature that is the same in both states, to the last
// bit, and shares its ground with no other of its layer is one flow by itself; the
// ground of the others is divided.
func (m *matrix) fill(ctx context.Context, p *pairing, workers int) error {
	for s := range m.sides {
		x := &m.sides[s]
		x.owner = make([]int32, x.layer.Len())
		for i := range x.owner {
			x.owner[i] = -1
		}
	}
	a, b := &m.sides[0], &m.sides[1]
	for i, k := range p.of {
		if k < 0 || !p.exact[i] || !alone(a.layer, i, b.layer, int(k)) {
			a.list = append(a.list, int32(i))
			continue
		}
		f := flow{area: a.layer.Record(i).AreaM2}
		a.share(&f, 0, int32(i), f.area)
		b.share(&f, 1, k, f.area)
		m.flows[m.at(a.of[i], b.of[k])].add(&f)
		b.owner[k] = 0 // done
	}
	for k := range b.owner {
		if b.owner[k] < 0 {
			b.list = append(b.list, int32(k))
		}
		b.owner[k] = -1
	}
	return m.divide(ctx, workers)
}

// Settled returns the feature of to that is feature i of from, by its id and to the last
// bit of its geometry, where neither shares ground with another of its layer: what
// became of its ground is known without dividing it. Editions without a partition of
// the ground have none.
func Settled(from *index.Layer, i int, to *index.Layer) (k int, ok bool) {
	if k, ok = to.ByID(from.Head(i).ID); !ok {
		return 0, false
	}
	return k, alone(from, i, to, k) && from.Twin(i, to, k)
}

// alone tells that neither of two features shares ground with another of its layer.
func alone(from *index.Layer, i int, to *index.Layer, k int) bool {
	return from.Alone(i) && to.Alone(k)
}

// share adds feature i's share of record of some of its ground.
func (s *side) share(f *flow, which int, i int32, area float64) {
	r := s.layer.Record(int(i))
	if w, ok := index.PerM2(r.Patch, r.AreaM2); ok {
		f.patch[which] += w * area
	}
	if w, ok := index.PerM2(r.Net, r.AreaM2); ok {
		f.net[which] += w * area
	}
}

// divide partitions the ground of the features in the lists and adds its parts up.
func (m *matrix) divide(ctx context.Context, workers int) error {
	g := &ground{m: m, box: geo.EmptyBox()}
	for s := range m.sides {
		x := &m.sides[s]
		for n, i := range x.list {
			x.owner[i] = int32(g.owners + n)
			g.box = g.box.Union(x.layer.Box(int(i)))
		}
		g.first[s] = g.owners
		g.owners += len(x.list)
	}
	if g.owners == 0 {
		return nil
	}
	frame := overlay.NewFrame(g.box)
	blocks, err := frame.Blocks(ctx, g)
	if err != nil {
		return err
	}
	// A worker takes every so-and-so-many-th block; what each block has is added up in
	// the order of blocks, so that workers do not show.
	parts := make([]map[int]*flow, len(blocks))
	group, ctx := errgroup.WithContext(ctx)
	for w := range workers {
		group.Go(func() error {
			d := divider{ground: g, partitioner: overlay.NewPartitioner(frame, g)}
			for i := w; i < len(blocks); i += workers {
				var err error
				if parts[i], err = d.block(ctx, &blocks[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, cells := range parts {
		for at, f := range cells {
			m.flows[at].add(f) // each cell stands once in a block
		}
	}
	return nil
}

// divider divides blocks of ground.
type divider struct {
	*ground
	partitioner *overlay.Partitioner
}

// block returns the flows in a block by their cells.
func (d *divider) block(ctx context.Context, b *overlay.Block) (map[int]*flow, error) {
	out := map[int]*flow{}
	err := d.partitioner.Cells(ctx, b, func(_ uint64, _ int, c *overlay.Cell) error {
		for i := range c.Faces {
			d.face(out, &c.Faces[i])
		}
		return nil
	})
	return out, err
}

// face adds the ground of a face, and the shares of record of all features on it.
func (d *divider) face(out map[int]*flow, face *overlay.Face) {
	if len(face.Owners) == 0 || face.Area == 0 {
		return
	}
	split, _ := slices.BinarySearch(face.Owners, int32(d.first[1]))
	sets := [2][]int32{face.Owners[:split], face.Owners[split:]}
	var class [2]int32
	for s := range sets {
		class[s] = d.holder(s, sets[s])
	}
	get := func(from, to int32) *flow {
		at := d.m.at(from, to)
		if out[at] == nil {
			out[at] = &flow{}
		}
		return out[at]
	}
	get(class[0], class[1]).area += face.Area
	for s, set := range sets {
		x := &d.m.sides[s]
		for _, o := range set {
			i := x.list[int(o)-d.first[s]]
			from, to := class[0], class[1]
			if s == 0 {
				from = x.of[i]
			} else {
				to = x.of[i]
			}
			x.share(get(from, to), s, i, face.Area)
		}
	}
}

// holder returns the class that ground under several features counts for: that of
// the least id, whatever the order in the file; -1 for no feature.
func (d *divider) holder(s int, set []int32) int32 {
	x := &d.m.sides[s]
	best, id := int32(-1), uint64(math.MaxUint64)
	for _, o := range set {
		i := x.list[int(o)-d.first[s]]
		if len(set) == 1 {
			return x.of[i]
		}
		if h := x.layer.Head(int(i)); h.ID < id {
			best, id = x.of[i], h.ID
		}
	}
	return best
}

// ground gives the features in the lists of both sides to a partition; those of the
// earlier state come first.
type ground struct {
	m      *matrix
	box    geo.Box
	owners int
	first  [2]int
}

// Owners implements [overlay.Ground].
func (g *ground) Owners() int { return g.owners }

// of returns the state that an owner is of, and its ordinal there.
func (g *ground) of(owner int32) (*side, int) {
	s := 0
	if int(owner) >= g.first[1] {
		s = 1
	}
	x := &g.m.sides[s]
	return x, int(x.list[int(owner)-g.first[s]])
}

// Extent implements [overlay.Ground]. A vertex takes some 6 bytes of a record.
func (g *ground) Extent(owner int32) overlay.Extent {
	x, i := g.of(owner)
	return overlay.Extent{Box: x.layer.Box(i), Vertices: x.layer.Size(i) / 6}
}

// Search implements [overlay.Ground].
func (g *ground) Search(b geo.Box, visit func(owner int32) bool) {
	more := true
	for s := range g.m.sides {
		x := &g.m.sides[s]
		x.layer.Search(b, func(i int) bool {
			if o := x.owner[i]; o >= 0 {
				more = visit(o)
			}
			return more
		})
		if !more {
			return
		}
	}
}

// Rings implements [overlay.Ground].
func (g *ground) Rings(owner int32, r *geo.Rings) error {
	x, i := g.of(owner)
	return x.layer.Rings(i, r)
}
