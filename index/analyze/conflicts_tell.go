package analyze

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"math/bits"
	"slices"
	"strings"

	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/pieces"
)

// parcel is a parcel of a register.
type parcel struct{ register, feature int }

func (p *conflictPair) parcels() [2]parcel { return [2]parcel{{p.a, int(p.A)}, {p.b, int(p.B)}} }

// cases gives each pair that truly overlaps the name of its case: of all pairs of its kind
// that hang together by common parcels. A case is named after that parcel of it which
// comes first by register and id, so that it keeps its name over vintages as long as the
// parcel is in it.
func (c *conflictJob) cases() []string {
	sets := map[conflictKind]*parcelSets{rightsConflict: {}, classConflict: {}}
	for i := range c.pairs {
		if c.found[i].state == trueOverlap {
			p := &c.pairs[i]
			both := p.parcels()
			sets[kindOf(c.regs[p.a], c.regs[p.b])].join(both[0], both[1], c.before)
		}
	}
	out := make([]string, len(c.pairs))
	for i := range c.pairs {
		if c.found[i].state != trueOverlap {
			continue
		}
		p := &c.pairs[i]
		kind := kindOf(c.regs[p.a], c.regs[p.b])
		first := sets[kind].first(p.parcels()[0])
		name := idOf(c.regs[first.register].layer, first.feature)
		sum := sha256.Sum256([]byte(strings.Join([]string{"gengtu conflict", string(kind), name[0], name[1]}, "\x00")))
		out[i] = string(kind) + "-" + hex.EncodeToString(sum[:])[:12]
	}
	return out
}

// before is the order in which a case is named after parcels.
func (c *conflictJob) before(x, y parcel) bool {
	id := func(p parcel) uint64 { return c.regs[p.register].layer.Head(p.feature).ID }
	return cmp.Or(x.register-y.register, cmp.Compare(id(x), id(y))) < 0
}

// parcelSets are sets of parcels that hang together; the root of each is its first.
type parcelSets struct{ up map[parcel]parcel }

func (s *parcelSets) first(p parcel) parcel {
	for {
		q, ok := s.up[p]
		if !ok {
			return p
		}
		if r, ok := s.up[q]; ok {
			s.up[p] = r
		}
		p = q
	}
}

func (s *parcelSets) join(a, b parcel, before func(x, y parcel) bool) {
	if s.up == nil {
		s.up = map[parcel]parcel{}
	}
	a, b = s.first(a), s.first(b)
	switch {
	case a == b:
	case before(a, b):
		s.up[b] = a
	default:
		s.up[a] = b
	}
}

func conflictTable() *Table {
	return &Table{Name: "conflict", Single: true, Title: edition.Title{Zh: "一地多证与地类冲突台账", En: "ledger of overlapping rights and classes"}, Columns: []Column{
		{"case_id", edition.Title{Zh: "案件编号（边界误差无）", En: "case, none for a border drawn twice"}, Code},
		{"kind", edition.Title{Zh: "类型", En: "kind"}, Code},
		{"xzqdm", edition.Title{Zh: "行政区代码", En: "place"}, Code},
		{"xzqmc", edition.Title{Zh: "行政区名称", En: "name of the place"}, Text},
		{"register_a", edition.Title{Zh: "登记甲", En: "register A"}, Code},
		{"parcel_a", edition.Title{Zh: "宗地甲", En: "parcel A"}, Code},
		{"register_b", edition.Title{Zh: "登记乙（耕地为调查耕地）", En: "register B (cropland is the survey's)"}, Code},
		{"parcel_b", edition.Title{Zh: "宗地乙", En: "parcel B"}, Code},
		{"area", edition.Title{Zh: "重叠面积（椭球）", En: "ground shared, ellipsoidal"}, Areas},
		{"noise", edition.Title{Zh: "其中窄于规则宽度的部分（椭球）", En: "of it in parts below the width of the rules, ellipsoidal"}, Areas},
		{"width", edition.Title{Zh: "最宽部分的平均宽度", En: "mean width of the widest part"}, Length},
		{"share", edition.Title{Zh: "占较小宗地", En: "share of the smaller parcel"}, Ratio},
		{"dlbm", edition.Title{Zh: "重叠处主要地类 DLBM", En: "class of most of the ground"}, Code},
		{"crop", edition.Title{Zh: "其中调查耕地（椭球）", En: "of it surveyed cropland, ellipsoidal"}, Areas},
		{"same_holder", edition.Title{Zh: "权利人相同", En: "same holder"}, Truth},
		{"state", edition.Title{Zh: "结论", En: "finding"}, Code},
		{"since", edition.Title{Zh: "发生时间（待填）", En: "since (to be filled in)"}, Text},
		{"remark", edition.Title{Zh: "备注", En: "remark"}, Text},
	}}
}

func conflictSumTable() *Table {
	return &Table{Name: "conflict_sum", Title: edition.Title{Zh: "按地区和登记合计", En: "sums by place and registers"}, Columns: []Column{
		{"xzqdm", edition.Title{Zh: "行政区代码", En: "place"}, Code},
		{"xzqmc", edition.Title{Zh: "行政区名称", En: "name of the place"}, Text},
		{"kind", edition.Title{Zh: "类型", En: "rights or class"}, Code},
		{"register_a", edition.Title{Zh: "登记甲", En: "register A"}, Code},
		{"register_b", edition.Title{Zh: "登记乙", En: "register B"}, Code},
		{"cases", edition.Title{Zh: "案件数（按其首行所在地）", En: "cases, where their first row is"}, Count},
		{"overlaps", edition.Title{Zh: "真实重叠对数", En: "pairs that truly overlap"}, Count},
		{"overlap", edition.Title{Zh: "真实重叠面积（按对累加，椭球）", En: "their ground, added up over pairs, ellipsoidal"}, Areas},
		{"noises", edition.Title{Zh: "边界误差对数", En: "pairs of borders drawn twice"}, Count},
		{"noise", edition.Title{Zh: "边界误差面积（按对累加，椭球）", En: "their ground, added up over pairs, ellipsoidal"}, Areas},
		{"unjudged", edition.Title{Zh: "未能判断的对数", En: "pairs not judged"}, Count},
		{"belows", edition.Title{Zh: "未达到阈值、不列出的对数", En: "pairs below the threshold, not listed"}, Count},
		{"below", edition.Title{Zh: "其面积（按对累加，椭球）", En: "their ground, added up over pairs, ellipsoidal"}, Areas},
	}}
}

// tell makes the tables of pairs and of sums, and the layer of overlaps.
func (c *conflictJob) tell(ctx context.Context, r *Result) error {
	cases := c.cases()
	list, sums := conflictTable(), conflictSumTable()
	rows, order, err := c.rows(cases)
	if err != nil {
		return err
	}
	for _, i := range order {
		list.Add(rows[i]...)
	}
	c.sum(list, sums)
	r.Tables = append(r.Tables, list, sums)
	r.Shapes = append(r.Shapes, &Shapes{Name: "conflict", Title: list.Title, Table: list, Geometry: func(ctx context.Context, row int) (geo.MultiPolygon, error) {
		if err := ctx.Err(); err != nil || c.found[order[row]].state == unjudgedOverlap {
			return nil, err
		}
		return c.shape(&c.pairs[order[row]])
	}})
	c.notes(r)
	return ctx.Err()
}

// rows returns the rows of the pairs and the order they are told in.
func (c *conflictJob) rows(cases []string) (rows [][]any, order []int, err error) {
	rows = make([][]any, len(c.pairs))
	for i := range c.pairs {
		p, o := &c.pairs[i], &c.found[i]
		a, b := c.regs[p.a], c.regs[p.b]
		codeA, err := a.codes.of(int(p.A))
		if err != nil {
			return nil, nil, err
		}
		codeB, err := b.codes.of(int(p.B))
		if err != nil {
			return nil, nil, err
		}
		place := c.placeOf(p.a, p.b, p.Pair)
		smaller := min(a.layer.Area(int(p.A)), b.layer.Area(int(p.B)))
		row := []any{nil, string(kindOf(a, b)), place, c.placeName(place), a.name, codeA, b.name, codeB,
			o.area, o.noise, o.width, min(1, p.Area/smaller), nil, nil, o.same, string(o.state), nil, o.remark(kindOf(a, b))}
		if cases[i] != "" {
			row[0] = cases[i]
		}
		if o.class != "" {
			row[12] = o.class
		}
		if o.crop >= 0 {
			row[13] = min(o.crop, o.area)
		}
		if o.state == unjudgedOverlap {
			row[9], row[10] = nil, nil
		}
		rows[i] = row
		order = append(order, i)
	}
	text := func(i, k int) string { s, _ := rows[i][k].(string); return s }
	slices.SortFunc(order, func(x, y int) int {
		for _, k := range []int{2, 1, 15, 0, 4, 6, 5, 7} { // noise comes before overlap, and is turned round
			if d := cmp.Compare(text(x, k), text(y, k)); d != 0 {
				if k == 15 {
					return -d
				}
				return d
			}
		}
		return cmp.Compare(x, y)
	})
	return rows, order, nil
}

// remark says in words what an overlap is.
func (o *overlap) remark(kind conflictKind) string {
	switch {
	case o.state == unjudgedOverlap:
		return "图形求交失败，须人工核对 no shape could be made: to be looked at"
	case o.state == noiseOverlap:
		return "边界误差，非权属重叠 a border drawn twice"
	case kind == classConflict:
		return "调查为耕地，又在林、草管理范围内 cropland by the survey, managed as forest or grassland"
	case o.noise > 0:
		return "一地多证；另有窄边 rights overlap; narrow parts beside"
	}
	return "一地多证 rights overlap"
}

// sum adds the rows of a list up by place and registers.
func (c *conflictJob) sum(list, sums *Table) {
	type key struct{ place, kind, a, b string }
	type figures struct {
		cases, overlaps, noises, unjudged, belows int64
		overlap, noise, below                     Area
	}
	by, seen := map[key]*figures{}, map[string]bool{}
	at := func(k key) *figures {
		if by[k] == nil {
			by[k] = &figures{}
		}
		return by[k]
	}
	for _, s := range c.sums {
		a, b := c.regs[s.a], c.regs[s.b]
		for place, v := range s.below {
			f := at(key{place, string(kindOf(a, b)), a.name, b.name})
			f.belows, f.below = v.n, areaOf(v.ground)
		}
	}
	for _, row := range list.Rows {
		f := at(key{row[2].(string), row[1].(string), row[4].(string), row[6].(string)})
		area := row[8].(Area)
		switch overlapState(row[15].(string)) {
		case trueOverlap:
			if id := row[0].(string); !seen[id] {
				seen[id] = true
				f.cases++
			}
			f.overlaps++
			f.overlap += area
		case noiseOverlap:
			f.noises++
			f.noise += area
		default:
			f.unjudged++
		}
	}
	keys := slices.SortedFunc(maps.Keys(by), func(x, y key) int {
		return cmp.Or(cmp.Compare(x.place, y.place), cmp.Compare(x.kind, y.kind), cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b))
	})
	for _, k := range keys {
		f := by[k]
		sums.Add(k.place, c.placeName(k.place), k.kind, k.a, k.b, f.cases, f.overlaps, f.overlap, f.noises, f.noise, f.unjudged, f.belows, f.below)
	}
}

// notes tells what is in no row.
func (c *conflictJob) notes(r *Result) {
	for i := range c.found {
		if o := &c.found[i]; o.state == unjudgedOverlap {
			r.note("有重叠画不出来，须人工核对（第一处：%[1]v）", "shapes of some overlaps could not be made and are to be looked at (the first: %[1]v)", o.why)
			break
		}
	}
	if t := c.rules.NoiseWidthM; !t.Confirmed {
		r.note("边界误差的宽度界线 %[1]g m 未经确认（%[2]s）：标出的边界误差须核对", "the width of %[1]g m below which an overlap is noise is not confirmed (%[2]s): what is marked as noise is to be checked", t.Value, t.Source)
	}
}

func (c *conflictJob) pairsOfRegisters() [][2]int {
	var keys [][2]int
	for k := range c.sums {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(x, y [2]int) int { return cmp.Or(x[0]-y[0], x[1]-y[1]) })
	return keys
}

// ground divides the ground among the registers: how much lies under which of them, and
// that it agrees with the features' own areas and with the pairs, which were found
// without dividing anything.
func (c *conflictJob) ground(ctx context.Context, r *Result) error {
	covers := make([]pieces.Cover, len(c.regs))
	for i, g := range c.regs {
		covers[i] = pieces.Cover{Layer: g.layer, Only: c.places(g.layer).only()}
		if g.cropland {
			covers[i].Only = c.nearManaged(covers[i])
		}
	}
	once, twice := make([]float64, 1<<len(c.regs)), make([]float64, 1<<len(c.regs))
	gross, pairs := 0.0, 0.0
	counts, keys := make([]int, len(c.regs)), c.pairsOfRegisters()
	opt := pieces.Options{Workers: c.Workers, Tell: func(done, all int) { c.Tell(edition.Title{Zh: "划分地面", En: "dividing the ground"}, done, all) }}
	err := pieces.Divide(ctx, covers, opt, func(ps []pieces.Piece) error {
		for i := range ps {
			p := &ps[i]
			clear(counts)
			for _, o := range p.Owners {
				counts[o.Cover]++
			}
			m := p.Mask()
			once[m] += p.Area
			twice[m] += float64(len(p.Owners)-bits.OnesCount64(m)) * p.Area
			for _, k := range keys {
				pairs += float64(counts[k[0]]*counts[k[1]]) * p.Area
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i := range c.regs {
		for f := range c.regs[i].layer.Len() {
			if only := covers[i].Only; only == nil || only(f) {
				gross += c.regs[i].layer.Area(f)
			}
		}
	}
	c.tellGround(r, once, twice, gross)
	joined := 0.0
	for _, k := range keys {
		joined += c.sums[k].all
	}
	r.identity("pairs", "两两求交的面积之和 = 各登记层叠压的地面按对数累加", "the areas of all pairs = the ground under them, each piece as often as it has pairs",
		areaOf(joined), areaOf(pairs))
	return nil
}

// nearManaged chooses the cropland whose box meets that of a parcel it can be in
// conflict with.
func (c *conflictJob) nearManaged(cover pieces.Cover) func(i int) bool {
	near := make([]bool, cover.Layer.Len())
	for _, g := range c.regs {
		if !g.managed {
			continue
		}
		for f := range g.layer.Len() {
			cover.Layer.Search(g.layer.Box(f), func(i int) bool {
				near[i] = near[i] || cover.Only == nil || cover.Only(i)
				return true
			})
		}
	}
	return func(i int) bool { return near[i] }
}

// tellGround makes the table of the ground under each set of registers.
func (c *conflictJob) tellGround(r *Result, once, twice []float64, gross float64) {
	t := &Table{Name: "conflict_ground", Title: edition.Title{Zh: "各登记叠压的地面", En: "ground under each set of registers"}, Columns: []Column{
		{"registers", edition.Title{Zh: "登记（耕地只计管理范围附近的调查耕地）", En: "registers (cropland: the survey's near managed ground alone)"}, Code},
		{"layers", edition.Title{Zh: "登记数", En: "number of registers"}, Count},
		{"area", edition.Title{Zh: "地面面积，只计一次（椭球）", En: "ground, counted once, ellipsoidal"}, Areas},
		{"gross", edition.Title{Zh: "按登记和宗地累加（椭球）", En: "added up over registers and parcels, ellipsoidal"}, Areas},
		{"inside", edition.Title{Zh: "其中同一登记内部重叠多计（椭球）", En: "of it counted too often inside one register, ellipsoidal"}, Areas},
	}}
	total, weights := 0.0, make([]float64, 0, len(once))
	for m := 1; m < len(once); m++ {
		if once[m] == 0 && twice[m] == 0 {
			continue
		}
		var names []string
		for i, g := range c.regs {
			if m&(1<<i) != 0 {
				names = append(names, g.name)
			}
		}
		k := len(names)
		weights = append(weights, float64(k)*once[m]+twice[m])
		total += weights[len(weights)-1]
		t.Add(strings.Join(names, "+"), int64(k), areaOf(once[m]), nil, areaOf(twice[m]))
	}
	sum := Area(0)
	for i, g := range geo.LargestRemainder(geo.HundredthsOf(total), weights) {
		t.Rows[i][3] = Area(g)
		sum += Area(g)
	}
	slices.SortFunc(t.Rows, func(x, y []any) int {
		return cmp.Or(cmp.Compare(x[1].(int64), y[1].(int64)), cmp.Compare(x[0].(string), y[0].(string)))
	})
	r.Tables = append(r.Tables, t)
	r.identity("ground", "各宗地面积之和 = Σ 登记数 × 地面 + 同一登记内部的重叠", "the areas of all parcels = Σ registers × ground + what overlaps inside a register",
		areaOf(gross), sum)
}
