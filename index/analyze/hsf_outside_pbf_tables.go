package analyze

import (
	"context"
	"maps"
	"slices"
	"strings"

	"gengtu/index/edition"
	"gengtu/index/geo"
)

// tables writes the answer.
func (w *outsideWork) tables() error {
	list, err := w.listTable()
	if err != nil {
		return err
	}
	sum := w.sumTable()
	w.r.Tables = append(w.r.Tables, list, sum)
	w.r.Shapes = append(w.r.Shapes, &Shapes{
		Name: "hsf_not_pbf", Title: list.Title, Table: list,
		Geometry: func(ctx context.Context, row int) (geo.MultiPolygon, error) {
			return w.shape(ctx, &cutter{}, &w.list[row])
		},
	})
	w.identities()
	w.notes()
	return nil
}

func (w *outsideWork) listTable() (*Table, error) {
	t := &Table{
		Name: "hsf_not_pbf", Single: true, Title: edition.Title{Zh: "可划入永久基本农田的高标准农田地块", En: "pieces of high-standard farmland outside permanent basic farmland"},
		Columns: []Column{
			titled("rank", Count, "排序", "rank"), titled("piece_id", Code, "地块编号", "piece"), titled("bsm", Code, "耕地图斑标识码", "code of the cropland patch"),
			titled("xzqdm12", Code, "坐落村代码", "village"), titled("xzqmc", Text, "坐落村名称", "name of the village"),
			titled("dlbm", Code, "地类编码", "land class"), titled("gdpdjb", Code, "耕地坡度级别", "slope grade"),
			titled("zldj", Text, "高标准农田质量等级（重叠取最差）", "state of the high-standard parcel, the worst where several lie on the piece"), titled("gddj", Count, "耕地质量等级", "grade of quality, 1 the best"),
			titled("area", Areas, "椭球面积", "ellipsoidal area"), titled("patch", Areas, "图斑面积（分摊）", "share of the patch area of record"), titled("crop", Areas, "耕地面积（扣田坎，分摊）", "share of the net area of record"),
			titled("eligible", Truth, "无限制标记", "without any flag"), titled("flags", Text, "限制标记", "flags"),
		},
	}
	for i := range flags {
		t.Columns = append(t.Columns, titled(flags[i].name, Truth, flags[i].zh, flags[i].en))
	}
	t.Columns = append(t.Columns, titled("narrow", Truth, "狭长（未定规则，仅提示）", "long and narrow (an unconfirmed rule: a hint)"),
		titled("perimeter_m", Length, "周长（米）", "perimeter, m"), titled("shared_len_m", Length, "与永久基本农田共边长度（米）", "border shared with permanent basic farmland, m"), titled("shared_ratio", Ratio, "共边长度占周长", "shared border by perimeter"),
		titled("comp_area_after", Areas, "划入后连片面积（椭球）", "ellipsoidal area of the tract after"), titled("gain", Areas, "接入的永久基本农田连片面积（椭球）", "ellipsoidal area of the tracts of permanent basic farmland that it joins"))
	class, err := columnOf(w.crop, "DLBM")
	if err != nil {
		return nil, err
	}
	for i := range w.list {
		c := &w.list[i]
		f := int(c.feature)
		dlbm, err := class.text(f)
		if err != nil {
			return nil, err
		}
		slope, err := w.fieldFlag[0].text(f)
		if err != nil {
			return nil, err
		}
		village := seatOf(w.crop, f)
		row := []any{int64(i + 1), c.id(), c.code, textCell(village), w.placeName(village), textCell(dlbm), textCell(slope), textCell(w.states[c.state]), gradeCell(c.grade),
			c.area, recordCell(c.patch), recordCell(c.net), flagged(c) == 0, textCell(c.flagNames())}
		for k := range flags {
			row = append(row, w.flagCell(c, k))
		}
		row = append(row, w.Rules.Slivers.narrow(c.areaM2, c.perimeterM), c.perimeterM, c.sharedM, ratio(c.sharedM, c.perimeterM), c.gain+c.area, c.gain)
		t.Add(row...)
	}
	return t, nil
}

// flagCell is a flag of a piece, nil where nothing tells.
func (w *outsideWork) flagCell(c *candidate, k int) any {
	if !w.known[k] {
		return nil
	}
	return c.key>>k&1 != 0
}

func (w *outsideWork) sumTable() *Table {
	t := &Table{
		Name: "hsf_not_pbf_sum", Title: edition.Title{Zh: "按行政区汇总", En: "sums by place"},
		Columns: []Column{
			titled("xzqdm", Code, "行政区代码", "place"), titled("xzqmc", Text, "行政区名称", "name"),
			titled("n", Count, "地块数", "pieces"), titled("n_eligible", Count, "无限制标记的地块数", "pieces without a flag"),
			titled("hsf_crop", Areas, "高标准农田内耕地面积", "net cropland in high-standard farmland"), titled("pbf_crop", Areas, "其中永久基本农田内", "of that in permanent basic farmland"), titled("crop", Areas, "其中永久基本农田外", "of that outside"),
			titled("eligible_crop", Areas, "永久基本农田外、无限制标记", "outside, without a flag"),
		},
	}
	for i := range flags {
		t.Columns = append(t.Columns, titled(flags[i].name+"_crop", Areas, "永久基本农田外、"+flags[i].zh, "outside, "+flags[i].en))
	}
	t.Columns = append(t.Columns, titled("area", Areas, "永久基本农田外椭球面积", "ellipsoidal area outside"),
		titled("n_sliver", Count, "碎屑块数（不列入清单）", "slivers, which are not listed"), titled("sliver", Areas, "碎屑椭球面积", "ellipsoidal area of slivers"), titled("sliver_crop", Areas, "碎屑耕地面积", "net area of slivers"),
		titled("n_unrecorded", Count, "无记载面积的图斑数", "patches without an area of record"))
	for _, place := range slices.Sorted(maps.Keys(w.sums)) {
		s := w.sums[place]
		if s.hsf == 0 && s.area == 0 && s.unrecorded == 0 {
			continue
		}
		row := []any{textCell(place), w.placeName(place), s.listed, s.eligible, s.hsf, s.inside, s.crop, s.eligibleCrop}
		for i := range flags {
			if w.known[i] {
				row = append(row, s.flagged[i])
			} else {
				row = append(row, nil)
			}
		}
		t.Add(append(row, s.area, s.slivers, s.sliverArea, s.sliverCrop, s.unrecorded)...)
	}
	return t
}

// identities holds the list against the sums: cropland in high-standard farmland, found
// as the patches' areas less what is outside, is that in PBF and the rows and slivers.
func (w *outsideWork) identities() {
	var whole, inside, rows, area, areas Area
	for _, s := range w.sums {
		whole += s.hsf
		inside += s.inside
		rows += s.sliverCrop
		areas += s.sliverArea
		area += s.area
	}
	for i := range w.list {
		rows += Area(max(w.list[i].net, 0))
		areas += w.list[i].area
	}
	w.r.identity("crop", "高标准农田内耕地 = 永久基本农田外（清单与碎屑）+ 永久基本农田内", "cropland in high-standard farmland = outside permanent basic farmland (rows and slivers) + inside", whole, rows+inside)
	w.r.identity("area", "汇总的椭球面积 = 清单 + 碎屑", "ellipsoidal area of the sums = rows + slivers", area, areas)
}

// notes tells what the figures leave open.
func (w *outsideWork) notes() {
	var slivers, unrecorded int64
	var area, crop Area
	for _, s := range w.sums {
		slivers += s.slivers
		area += s.sliverArea
		crop += s.sliverCrop
		unrecorded += s.unrecorded
	}
	if slivers > 0 {
		w.r.listNote("小于 %g m² 的碎屑 %d 块不列入清单，合计椭球面积 %s m²、耕地面积 %s m²，仍计入汇总", "%[2]d slivers below %[1]g m² are not listed: %[3]s m² on the ellipsoid, %[4]s m² net; the sums have them",
			w.Rules.Slivers.AreaM2.Value, slivers, area, crop)
	}
	if unrecorded > 0 {
		w.r.note("%d 个耕地图斑没有记载面积，其耕地面积不在合计内（椭球面积在）", "%d patches of cropland have no area of record: no sum of net areas has them (those of ellipsoidal areas do)", unrecorded)
	}
	for i := range flags {
		if w.known[i] {
			continue
		}
		if flags[i].layer != "" {
			w.r.note("没有图层 %[1]s：未判断“%[2]s”", "no layer %[1]s: %[3]q is not judged", flags[i].layer, flags[i].zh, flags[i].en)
		} else {
			w.r.note("耕地图层没有字段 %[1]s：未判断“%[2]s”", "cropland has no field %[1]s: %[3]q is not judged", flags[i].fields[0], flags[i].zh, flags[i].en)
		}
	}
	if !w.grades.there() {
		w.r.note("没有耕地质量等级（耕地的 GDDJ 或 quality 图层），排序不看等级", "there is no grade of quality (GDDJ of cropland, or a layer quality): the order does not look at grades")
	}
	for _, x := range []struct {
		list *Listed
		flag int
	}{{&w.Rules.HSFOutside.StrictSoil, 2}, {&w.Rules.HSFOutside.SteepSlopes, 4}, {&w.Rules.HSFOutside.StableValues, 5}} {
		if f := &flags[x.flag]; w.known[x.flag] && !x.list.Confirmed {
			w.r.note("“%[1]s”所依据的取值 %[2]s 未经确认（%[3]s）", "the values %[2]s that %[4]q goes by are not confirmed (%[3]s)", f.zh, strings.Join(x.list.Values, "、"), x.list.Source, f.en)
		}
	}
	if g := &w.Rules.HSFOutside.GapM; !g.Confirmed {
		w.r.note("连片间距 %g 米未经确认（%s），连片面积与排序仅供参考", "the gap of %g m for tracts is not confirmed (%s): tracts and ranks are for orientation", g.Value, g.Source)
	}
}
