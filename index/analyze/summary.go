package analyze

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"gengtu/index"
	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/ground"
	"gengtu/index/pieces"
)

var summary = Question{
	Name:  "summary",
	Title: edition.Title{Zh: "耕地和永久基本农田面积（按地区、年度，对照目标）", En: "Areas of cropland and PBF by place and year, against targets"},
	About: edition.Title{
		Zh: "版本里全部年度的耕地、永久基本农田、高标准农田面积，按图斑坐落（ZLDWDM/XZQDM）汇总。耕地面积是 TBDLMJ（不含田坎）之和，永久基本农田面积是 YJJBNTMJ 之和；" +
			"图斑面积、椭球面积各成一列，互不相加；椭球面积只计一次地面（重叠扣除）。目标先取规则文件（summary.targets），没有的取图层 target（GDBHMB）的 TBDLMJ 之和；占目标的比例不作判断。" +
			"跨越调查基础变更（如二调→三调）的增减另有标记，两边口径不同。",
		En: "Areas of cropland, PBF and HSF of all years that the edition has, by the places that records name (ZLDWDM, XZQDM). Cropland is the sum of TBDLMJ (without ridges), PBF that of YJJBNTMJ; " +
			"patch area and ellipsoidal area are columns of their own and never added up; ellipsoidal area counts ground once. Targets are those of the rules file (summary.targets), else the sum of TBDLMJ of the layer target (GDBHMB); what share of a target is reached decides nothing. " +
			"Changes across a break of the survey's basis are marked: the two sides do not count alike.",
	},
	Sources:  []edition.Title{{Zh: "领域说明 6.11（文件 004：历年耕地及永久基本农田面积数据变化趋势统计）", En: "domain 6.11 (document 004)"}},
	Layers:   []string{"cropland"},
	Optional: []string{"pbf", "hsf", "target", edition.Region},
	NoShapes: true,
	Answer:   runSummary,
}

// summaryLayers are what the summary adds up, in the order of its columns.
var summaryLayers = []string{"cropland", "pbf", "hsf"}

// standing is what a layer has in a place in a year. Areas of record are nil where there
// is no record.
type standing struct {
	features    int64
	net, patch  any
	area, gross Area // ellipsoidal: ground once, and features added up
}

// standings are by place, vintage and layer.
type standings map[[3]string]*standing

func runSummary(ctx context.Context, j *Job) (*Result, error) {
	r := &Result{}
	found, by, err := j.standings(ctx, r, summaryLayers)
	if err != nil {
		return nil, err
	}
	goals, err := j.goals(ctx, r, by)
	if err != nil {
		return nil, err
	}
	places, years := found.places(), found.years()
	r.Tables = []*Table{j.areaTable(found, goals, places, years), j.trendTable(r, found, places, years)}
	if len(years) < 2 {
		r.note("版本里只有一个年度，没有增减可比", "the edition has one year alone: there is no change to be told")
	}
	return r, nil
}

// standings adds layers up in all their vintages, and returns by which level.
func (j *Job) standings(ctx context.Context, r *Result, names []string) (standings, areas.Level, error) {
	classes, err := areas.DefaultClasses()
	if err != nil {
		return nil, "", err
	}
	policy := j.Index.Manifest.Policy
	policy.RoundM2 = 0 // answers are rounded once they are found to close
	var all []*counted
	for _, name := range names {
		vintages := j.Index.Vintages(name)
		if len(vintages) == 0 {
			r.use(j, name)
			continue
		}
		for _, v := range slices.Backward(vintages) {
			l := j.Index.Layer(name, v)
			r.Layers = append(r.Layers, LayerVersion{Layer: name, Vintage: v, Title: l.Meta.Title, Features: l.Len()})
			all = append(all, &counted{layer: l})
		}
	}
	if err := j.count(ctx, all, &policy); err != nil {
		return nil, "", err
	}
	out, by := standings{}, j.By
	for _, c := range all {
		names := map[string]string{j.Place: ""} // a place that a layer has nothing in is no mistake
		s, err := areas.Summarise(areas.SummaryQuestion{By: j.By, Place: j.Place, Names: names, Classes: classes}, []*areas.Tally{c.tally})
		if err != nil {
			return nil, "", err
		}
		by = s.By
		j.stand(r, out, c, s)
	}
	if len(out) == 0 && j.Place != "" {
		return nil, "", noSuchPlace(j.Place)
	}
	return out, by, nil
}

// counted is a layer added up: its tally, and by feature how much of its ground another
// stands for.
type counted struct {
	layer   *index.Layer
	tally   *areas.Tally
	doubled map[int]Area
}

// count adds layers up, several at once.
func (j *Job) count(ctx context.Context, all []*counted, policy *edition.Policy) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(j.workers())
	var done atomic.Int64
	for _, c := range all {
		group.Go(func() (err error) {
			if c.tally, err = areas.TallyOf(ctx, c.layer, policy, areas.OfClasses); err != nil {
				return err
			}
			c.doubled, err = j.doubled(ctx, c.layer)
			j.Tell(edition.Title{Zh: "汇总图层", En: "adding layers up"}, int(done.Add(1)), len(all))
			return err
		})
	}
	return group.Wait()
}

// stand takes the totals of a layer by place, less the ground that its features share, and
// holds them against the features.
func (j *Job) stand(r *Result, to standings, c *counted, s *areas.Summary) {
	l, double := c.layer, c.doubled
	p := &places{layer: l, digits: s.By.Digits(), within: j.Place, known: map[string]string{}}
	less, net, area, listed, once, lacking := map[string]Area{}, Area(0), Area(0), Area(0), Area(0), 0
	for i := range l.Len() {
		at, ok := p.of(i)
		if !ok {
			continue
		}
		rec := l.Record(i)
		if n, ok := netOf(rec); ok {
			net += n
		} else {
			lacking++
		}
		area += areaOf(rec.AreaM2) - double[i]
		less[at] += double[i]
	}
	for _, g := range s.Groups {
		if g.By != areas.ByTotal {
			continue
		}
		x := &standing{features: int64(g.Features), gross: Area(g.Area), area: Area(g.Area) - less[g.Place]}
		if g.NetM2 != nil {
			v := areaOf(*g.NetM2)
			x.net, listed = v, listed+v
		}
		if g.PatchM2 != nil {
			x.patch = areaOf(*g.PatchM2)
		}
		once += x.area
		to[[3]string{g.Place, l.Meta.Vintage, l.Meta.Name}] = x
	}
	if lacking > 0 && l.Meta.Name != "hsf" { // which has no net area
		r.note("%[1]s 有 %[2]d 个图斑没有地类面积，不在面积里", "%[2]d patches of %[1]s have no net area of record and count for none", l.Meta.Key(), lacking)
	}
	r.identity("net-"+l.Meta.Key(), l.Meta.Key()+"：各地区面积之和＝各要素记录之和", l.Meta.Key()+": the areas of places add up to the records of features", listed, net)
	r.identity("area-"+l.Meta.Key(), l.Meta.Key()+"：各地区椭球面积（只计一次）之和＝各要素之和减重叠", l.Meta.Key()+": ellipsoidal areas of places add up to those of features less what they share", once, area)
}

// doubled returns for features how much of their ground another feature of the layer, of a
// lesser id, stands for.
func (j *Job) doubled(ctx context.Context, l *index.Layer) (map[int]Area, error) {
	m2 := map[int]float64{}
	if g := j.Index.Ground(); g != nil && g.Bit(l.Meta.Key()) != 0 {
		return j.doubledInGround(ctx, g, l)
	}
	only := func(i int) bool { return !l.Alone(i) }
	err := pieces.Divide(ctx, []pieces.Cover{{Layer: l, Only: only}}, pieces.Options{Workers: j.Workers}, func(ps []pieces.Piece) error {
		for n := range ps {
			p := &ps[n]
			if len(p.Owners) < 2 {
				continue
			}
			holder, least := -1, uint64(math.MaxUint64)
			p.Each(0, func(i int) {
				if id := l.Head(i).ID; id < least {
					holder, least = i, id
				}
			})
			p.Each(0, func(i int) {
				if i != holder {
					m2[i] += p.Area
				}
			})
		}
		return nil
	})
	return areasOf(m2), err
}

// doubledInGround is doubled by the partition of the ground, which has looked already.
func (j *Job) doubledInGround(ctx context.Context, g *ground.Ground, l *index.Layer) (map[int]Area, error) {
	bit := g.Bit(l.Meta.Key())
	if !g.Overlaps(bit) {
		return nil, nil
	}
	m2 := map[int]float64{}
	var on []int
	var sorted []uint64 // names of one layer are in the order of ids
	_, err := g.Excess(&ground.Question{
		AOI: geo.MultiPolygon{l.Extent().Polygon()}, Layers: []uint64{bit}, Within: bit, Stop: ctx.Err,
		Overlapping: func(names []uint64, area float64) {
			on = on[:0]
			sorted = append(sorted[:0], names...)
			slices.Sort(sorted)
			for _, name := range sorted {
				if i, ok := j.Index.Named(l, name); ok {
					on = append(on, i)
				}
			}
			for k := 1; k < len(on); k++ {
				m2[on[k]] += area
			}
		},
	})
	return areasOf(m2), err
}

func areasOf(m2 map[int]float64) map[int]Area {
	out := make(map[int]Area, len(m2))
	for i, v := range m2 {
		out[i] = areaOf(v)
	}
	return out
}

// places and years list those that there is something of.
func (s standings) places() []string { return s.part(0, cmp.Compare[string]) }

func (s standings) years() []string { return s.part(1, edition.CompareVintages) }

func (s standings) part(n int, compare func(a, b string) int) []string {
	set := map[string]bool{}
	for k := range s {
		set[k[n]] = true
	}
	return slices.SortedFunc(maps.Keys(set), compare)
}

// netArea returns the net area of record; false where there is none.
func (s *standing) netArea() (Area, bool) {
	if s == nil {
		return 0, false
	}
	v, ok := s.net.(Area)
	return v, ok
}

// areaTable is dash_area.
func (j *Job) areaTable(found standings, goals map[[2]string]goal, places, years []string) *Table {
	t := &Table{Name: "dash_area", Title: edition.Title{Zh: "耕地及永久基本农田面积", En: "areas of cropland and PBF"}, Columns: append(placeColumns(), titled("year", Text, "年度", "year"))}
	for _, l := range []struct{ name, zh, en, net, patch string }{
		{"crop", "耕地", "cropland", "面积（TBDLMJ）", "图斑面积（TBMJ）"}, {"pbf", "永久基本农田", "PBF", "面积（YJJBNTMJ）", "图斑面积（YJJBNTTBMJ）"},
	} {
		t.Columns = append(t.Columns, titled(l.name+"_features", Count, l.zh+"图斑数", "patches of "+l.en),
			titled(l.name, Areas, l.zh+l.net, "net area of record of "+l.en), titled(l.name+"_patch", Areas, l.zh+l.patch, "patch area of record of "+l.en),
			titled(l.name+"_area", Areas, l.zh+"椭球面积（只计一次）", "ellipsoidal area of "+l.en+", ground once"))
	}
	t.Columns = append(t.Columns, titled("hsf_area", Areas, "高标准农田椭球面积（只计一次）", "ellipsoidal area of HSF, ground once"), titled("hsf_gross", Areas, "高标准农田椭球面积（逐块相加）", "ellipsoidal area of HSF, added up"))
	for _, l := range []struct{ name, zh, en string }{{"crop", "耕地", "cropland"}, {"pbf", "永久基本农田", "PBF"}} {
		t.Columns = append(t.Columns, titled(l.name+"_target", Areas, l.zh+"目标", "target of "+l.en), titled(l.name+"_of_target", Ratio, l.zh+"占目标", l.en+" of its target"), titled(l.name+"_target_source", Text, l.zh+"目标来源", "source of the target of "+l.en))
	}
	for _, place := range places {
		for _, year := range years {
			at := func(layer string) *standing { return found[[3]string{place, year, layer}] }
			if at("cropland") == nil && at("pbf") == nil && at("hsf") == nil {
				continue
			}
			row := []any{place, j.placeName(place), year}
			for _, layer := range []string{"cropland", "pbf"} {
				if s := at(layer); s != nil {
					row = append(row, s.features, s.net, s.patch, s.area)
				} else {
					row = append(row, nil, nil, nil, nil)
				}
			}
			if s := at("hsf"); s != nil {
				row = append(row, s.area, s.gross)
			} else {
				row = append(row, nil, nil)
			}
			for _, layer := range []string{"cropland", "pbf"} {
				row = append(row, goals[[2]string{place, layer}].cells(at(layer))...)
			}
			t.Add(row...)
		}
	}
	return t
}

// trendTable is dash_trend: what each year has more, or less, than the one before that
// there is.
func (j *Job) trendTable(r *Result, found standings, places, years []string) *Table {
	t := &Table{Name: "dash_trend", Title: edition.Title{Zh: "历年变化趋势", En: "from year to year"}, Columns: append(placeColumns(),
		titled("year", Text, "年度", "year"), titled("before", Text, "上一年度", "year before"),
		titled("crop", Areas, "耕地面积（TBDLMJ）", "net area of record of cropland"), titled("crop_delta", Areas, "耕地增减", "change of cropland"),
		titled("pbf", Areas, "永久基本农田面积（YJJBNTMJ）", "net area of record of PBF"), titled("pbf_delta", Areas, "永久基本农田增减", "change of PBF"),
		titled("hsf_area", Areas, "高标准农田椭球面积（只计一次）", "ellipsoidal area of HSF, ground once"), titled("hsf_delta", Areas, "高标准农田增减", "change of HSF"),
		titled("break", Text, "调查基础变更", "break of the survey's basis"))}
	broken := false
	for _, place := range places {
		for n, year := range years {
			row := []any{place, j.placeName(place), year, nil}
			before := ""
			if n > 0 {
				before = years[n-1]
				row[3] = before
			}
			some := false
			for _, layer := range summaryLayers {
				now, was := found[[3]string{place, year, layer}], found[[3]string{place, before, layer}]
				some = some || now != nil || was != nil
				row = append(row, change(now, was, layer == "hsf")...)
			}
			if !some {
				continue
			}
			b := j.Rules.Summary.between(before, year)
			broken = broken || b != nil
			t.Add(append(row, b)...)
		}
	}
	if broken {
		r.note("跨越调查基础变更的增减不是实地变化，见 break 一列", "changes across a break of the survey's basis are none of the ground: see the column break")
	}
	return t
}

// change returns what there is, and how much more than there was: of record, or ground.
func change(now, was *standing, ground bool) []any {
	value := func(s *standing) (Area, bool) {
		if ground && s != nil {
			return s.area, true
		}
		return s.netArea()
	}
	v, ok := value(now)
	if !ok || ground && now == nil {
		return []any{nil, nil}
	}
	if b, ok := value(was); ok && (!ground || was != nil) {
		return []any{v, v - b}
	}
	return []any{v, nil}
}
