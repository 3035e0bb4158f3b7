package analyze

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/pieces"
	"gengtu/index/problem"
	"gengtu/index/setting"
)

// ApprovalRules are the rules of approvals.
type ApprovalRules struct {
	// Types are the values of YWLX that let ground be built on; features without one count.
	Types Listed `yaml:"types"`
}

func checkApprovals(r *Rules, f *setting.File) *problem.Problem {
	if slices.Contains(r.Approvals.Types.Values, "") {
		return f.Problem(f.Line("approvals", "types"), "approvals.types 有空的业务类型", "approvals.types has an empty type")
	}
	return nil
}

var approvals = Question{
	Name:  "approvals",
	Title: edition.Title{Zh: "批准用地与实际占用", En: "What was approved against what is occupied"},
	About: edition.Title{
		Zh: "占用是前一时相为耕地、后一时相为建设用地（规则 balance.construction）的地面。逐个审批：填报面积、椭球面积、范围内已是建设用地的、其中占用耕地的、尚未使用的。" +
			"占用而不在任何审批范围内的，若同一建设图斑有一部分在审批范围内，计为该审批的“超出”（取范围内面积最大的审批），其余计为“无审批”。恒等式：占用＝审批范围内＋超出＋无审批。" +
			"耕地面积是 TBDLMJ 分摊，椭球面积另成一列。哪些业务类型算数在规则文件里（approvals.types）。结果是线索，不是违法认定。",
		En: "Occupied is ground that was cropland in the earlier vintage and is construction land (rule balance.construction) in the later. Of each approval: its stated area, its ellipsoidal area, what of it is construction land, what of that was cropland, and what is not used yet. " +
			"What is occupied outside of all approvals counts as beyond an approval where the same patch of construction has a part inside of one (of several, the one with most of it), else as without approval. Occupied = inside + beyond + without. " +
			"Cropland is in shares of TBDLMJ; ellipsoidal area is a column of its own. Which types of approval count stands in the rules (approvals.types). The answer points out, and finds no one guilty.",
	},
	Sources:    []edition.Title{{Zh: "领域说明 6.5、6.6（文件 000、004）", En: "domain 6.5, 6.6 (documents 000, 004)"}},
	Layers:     []string{"cropland", "approval"},
	Optional:   []string{"dltb", edition.Region},
	Twice:      []string{"dltb", "cropland"},
	Between:    true,
	Parameters: []Parameter{{Name: "types", Title: edition.Title{Zh: "算数的业务类型", En: "types of approval that count"}, Takes: Codes, About: edition.Title{Zh: "算数的业务类型 YWLX，逗号分隔；空为规则文件所定", En: "types of approval (YWLX) that count, by commas; empty is what the rules say"}}},
	NotPublic:  true,
	Answer:     runApprovals,
}

// approved is what became of the ground of one approval, in m².
type approved struct {
	occupied, built, crop, other, outside float64
	shared                                float64 // with other approvals
	inside, beyond                        [2]Area // occupied: ellipsoidal, and net of record
}

// occupied is ground that was cropland and is construction land, of one pair of patches,
// inside approvals or outside of all.
type occupied struct {
	from, to  int32
	place     string
	at        int32 // the approval that it is inside of or beyond, -1 for none
	inside    bool
	area, net Area
	recorded  bool
}

// approving is the question on its way.
type approving struct {
	*Job
	r      *Result
	states *states
	layer  *index.Layer
	chosen []bool
	known  map[string]uint64
	sets   [][]int32 // of approvals, by key
	of     map[int32]*approved
	list   []occupied
	in     map[int32]map[int32]float64 // by patch of construction and approval, m² occupied inside
	total  [2]Area
}

func runApprovals(ctx context.Context, j *Job) (*Result, error) {
	// Number 0 is of no approval: links that a package alone tells of have it, too.
	w := &approving{Job: j, r: &Result{}, known: map[string]uint64{"": 0}, sets: make([][]int32, 1), of: map[int32]*approved{}, in: map[int32]map[int32]float64{}}
	var err error
	if w.states, err = j.states(); err != nil {
		return nil, err
	}
	if !w.states.whole {
		return nil, problem.New("ANALYZE_LAYER", "approvals 要有两个时相的地类图斑（dltb）：只有耕地看不出变成了什么", "approvals needs two vintages of dltb: cropland alone does not tell what it became").
			Advise("用 gengtu ingest --add --layer dltb@年度=文件 入库", "take them in by gengtu ingest --add --layer dltb@YEAR=FILE")
	}
	w.states.use(w.r)
	w.layer = j.Maybe("approval")
	w.r.use(j, "approval")
	if err := w.choose(); err != nil {
		return nil, err
	}
	found, stored, err := w.states.links(ctx, dividing{
		covers: []pieces.Cover{{Layer: w.layer, Only: func(i int) bool { return w.chosen[i] }}}, key: w.key, bare: true, also: w.also, without: true,
	}, w.link)
	if err != nil {
		return nil, err
	}
	w.r.identity("divided", "叠加所得面积＝参加叠加的图斑面积", "what dividing found is the area of the features that were divided", areaOf(found), areaOf(stored))
	w.attribute()
	return w.r, w.tables()
}

// choose takes the approvals that count.
func (w *approving) choose() error {
	types := w.Rules.Approvals.Types.Values
	if p := w.Parameter("types"); p != "" {
		types = strings.Split(p, ",")
	}
	kind, err := columnOf(w.layer, "YWLX")
	if err != nil {
		return err
	}
	at, left := w.places(w.layer), 0
	w.chosen = make([]bool, w.layer.Len())
	for i := range w.chosen {
		t, err := kind.text(i)
		if err != nil {
			return err
		}
		w.chosen[i] = t == "" || len(types) == 0 || slices.Contains(types, t)
		if _, ok := at.of(i); ok && !w.chosen[i] {
			left++
		}
	}
	w.r.note("算数的业务类型：%[1]s；另有 %[2]d 个其他类型的审批不计", "types that count: %s; %d approvals of other types do not", strings.Join(types, " "), left)
	return nil
}

// also chooses patches that lie on approvals or have another class.
func (w *approving) also(from, to int) (bool, error) {
	on := false
	w.layer.Search(w.states.of[0].layer.Box(from), func(i int) bool {
		on = w.chosen[i]
		return !on
	})
	if on {
		return true, nil
	}
	return w.states.reclassed(from, to)
}

// key numbers the approvals on a piece.
func (w *approving) key(p *pieces.Piece) uint64 {
	var set []int32
	var text []byte
	p.Each(2, func(i int) {
		set = append(set, int32(i))
		text = binary.AppendUvarint(text, uint64(i))
	})
	byID(w.layer, set)
	k, ok := w.known[string(text)]
	if !ok {
		k = uint64(len(w.sets))
		w.known[string(text)] = k
		w.sets = append(w.sets, set)
	}
	return k
}

// link books a link.
func (w *approving) link(l *link) error {
	if !l.counted[0] || !l.counted[1] {
		return nil
	}
	class := [2]string{}
	for side, i := range []int32{l.from, l.to} {
		if i >= 0 {
			var err error
			if class[side], err = w.states.of[side].class.text(int(i)); err != nil {
				return err
			}
		}
	}
	built := l.to >= 0 && w.Rules.Balance.kindOf(class[1]) == occupation
	taken := built && cropland(class[0])
	set := w.sets[l.key]
	for _, i := range set {
		a := w.of[i]
		if a == nil {
			a = &approved{}
			w.of[i] = a
		}
		if len(set) > 1 {
			a.shared += l.areaM2
		}
		switch {
		case l.to < 0:
			a.outside += l.areaM2
		case taken:
			a.occupied += l.areaM2
		case built:
			a.built += l.areaM2
		case cropland(class[1]):
			a.crop += l.areaM2
		default:
			a.other += l.areaM2
		}
	}
	if !taken {
		return nil
	}
	return w.take(l, set)
}

// take lists ground that is occupied.
func (w *approving) take(l *link, set []int32) error {
	place, ok := w.states.of[1].places.of(int(l.to))
	if !ok {
		return nil
	}
	rec := l.record[0]
	o := occupied{from: l.from, to: l.to, place: place, at: -1, inside: len(set) > 0, area: Area(l.area[0]), net: Area(rec.main), recorded: rec.there}
	if o.inside {
		o.at = set[0] // of several on the same ground the one of least id stands for it
		if w.in[l.to] == nil {
			w.in[l.to] = map[int32]float64{}
		}
		w.in[l.to][o.at] += l.areaM2
	}
	w.list = append(w.list, o)
	w.total[0], w.total[1] = w.total[0]+o.area, w.total[1]+o.net
	return nil
}

// attribute finds of what is occupied outside of approvals which one it goes beyond.
func (w *approving) attribute() {
	for n := range w.list {
		o := &w.list[n]
		if !o.inside {
			o.at = w.mostOf(w.in[o.to])
		}
		if o.at < 0 {
			continue
		}
		a := w.of[o.at]
		if o.inside {
			a.inside[0], a.inside[1] = a.inside[0]+o.area, a.inside[1]+o.net
		} else {
			a.beyond[0], a.beyond[1] = a.beyond[0]+o.area, a.beyond[1]+o.net
		}
	}
}

// mostOf returns the approval that a patch has most ground inside of, of equals that of
// the least id; -1 where it is no more than noise.
func (w *approving) mostOf(inside map[int32]float64) int32 {
	order := slices.Collect(maps.Keys(inside))
	byID(w.layer, order)
	best, most := int32(-1), w.Rules.Slivers.AreaM2.Value
	for _, i := range order {
		if v := inside[i]; v > most {
			best, most = i, v
		}
	}
	return best
}

// shape returns the ground of an occupied row.
func (w *approving) shape(ctx context.Context, o *occupied) (geo.MultiPolygon, error) {
	from, to := o.from, w.states.of[1].layer
	in := []pieces.Cover{{Layer: w.states.of[0].layer, Only: func(i int) bool { return i == int(from) }}}
	out := []pieces.Cover{{Layer: w.layer, Only: func(i int) bool { return w.chosen[i] }}}
	return (&cutter{}).cut(ctx, to, int(o.to), in, out)
}

// headOf is what names an approval: its BSM, number, project, type and date.
var headOf = []struct {
	name, zh, en string
	kind         Kind
	fields       []string
}{
	{"approval", "审批地块", "approval", Code, []string{"BSM", "DKBH"}}, {"number", "批准文号或案卷号", "number", Code, []string{"PZWH", "AJBH", "DZJGH"}},
	{"project", "项目", "project", Text, []string{"XMMC"}}, {"type", "业务类型", "type", Code, []string{"YWLX"}}, {"date", "批准日期", "date", Text, []string{"PZRQ"}},
}

// measured is what the dividing found of all approvals, and what their areas are.
func (w *approving) measured() (found, stored float64) {
	for i := range int32(w.layer.Len()) {
		if a := w.of[i]; a != nil {
			found += a.occupied + a.built + a.crop + a.other + a.outside
		}
		if w.chosen[i] {
			stored += w.layer.Area(int(i))
		}
	}
	return found, stored
}

// bsmOf is the code of a patch for messages and tables.
func (w *approving) bsmOf(c *column, i int32) (any, error) {
	v, err := codeOf(c, i)
	if err != nil {
		return nil, fmt.Errorf("approvals: %w", err)
	}
	return v, nil
}
