package analyze

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"gengtu/index/edition"
	"gengtu/index/geo"
)

// tables writes the answer.
func (w *progressWork) tables() error {
	list, err := w.listTable()
	if err != nil {
		return err
	}
	upgrade, err := w.upgradeTable()
	if err != nil {
		return err
	}
	w.r.Tables = append(w.r.Tables, w.progressTable(), list, upgrade)
	w.r.Shapes = append(w.r.Shapes, &Shapes{
		Name: "pbf_not_hsf", Title: list.Title, Table: list,
		Geometry: func(ctx context.Context, row int) (geo.MultiPolygon, error) {
			return w.shape(ctx, &cutter{}, &w.list[row])
		},
	})
	w.identities()
	w.notes()
	return nil
}

func (w *progressWork) progressTable() *Table {
	target := strconv.Itoa(int(w.Rules.Progress.TargetYear.Value))
	trend := strconv.Itoa(int(w.Rules.Progress.TrendYears.Value))
	t := &Table{
		Name: "pbf_hsf_progress", Title: edition.Title{Zh: "永久基本农田建成高标准农田进度", En: "progress by place and year"},
		Columns: []Column{
			titled("xzqdm", Code, "行政区代码", "place"), titled("xzqmc", Text, "行政区名称", "name"), titled("year", Count, "年度", "year"),
			titled("pbf", Areas, "永久基本农田面积", "net area of permanent basic farmland"), titled("ineligible", Areas, "其中不具备条件且未建", "of that without the conditions, and not built"),
			titled("built", Areas, "到该年已建", "built by the end of the year"), titled("undated", Areas, "已建、年度不明", "built in a year that is not known"),
			titled("gap", Areas, "未建", "still to be built"), titled("share", Ratio, "已建占应建（含年度不明）", "built, with the undated, of what is to be"),
			titled("need_per_year", Areas, "到 "+target+" 年每年需建", "to be built each year to "+target), titled("trend_per_year", Areas, "近 "+trend+" 年每年已建（最小二乘）", "built each year by the trend of "+trend+" years"), titled("on_track", Truth, "趋势不低于需建", "the trend suffices"),
			titled("n_unrecorded", Count, "无记载面积的图斑数", "patches without an area of record"),
		},
	}
	years := []int{w.state}
	if w.state != 0 {
		years = years[:0]
		for y := w.first; y <= w.state; y++ {
			years = append(years, y)
		}
	}
	for _, place := range slices.Sorted(maps.Keys(w.sums)) {
		for _, y := range years {
			t.Add(w.progressRow(place, y)...)
		}
	}
	return t
}

func (w *progressWork) progressRow(place string, year int) []any {
	s := w.sums[place]
	gap, due := s.gap(year), s.pbf-s.ineligible
	row := []any{textCell(place), w.placeName(place), nil, s.pbf, s.ineligible, s.built(year), s.undated, gap, ratio(float64(due-gap), float64(due)), nil, nil, nil, s.unrecorded}
	if year == 0 {
		return row
	}
	row[2] = int64(year)
	over, under := s.trend(year, int(w.Rules.Progress.TrendYears.Value))
	row[10] = Area(rounded(over, under))
	left := int64(w.Rules.Progress.TargetYear.Value) - int64(year)
	if left > 0 {
		row[9] = Area(rounded(int64(gap), left))
		row[11] = float64(over)*float64(left) >= float64(gap)*float64(under)
	} else {
		row[11] = gap <= 0
	}
	return row
}

func (w *progressWork) listTable() (*Table, error) {
	t := &Table{
		Name: "pbf_not_hsf", Single: true, Title: edition.Title{Zh: "未建成高标准农田的永久基本农田", En: "permanent basic farmland that is not high-standard"},
		Columns: []Column{
			titled("rank", Count, "排序", "rank"), titled("piece_id", Code, "地块编号", "piece"), titled("bsm", Code, "永久基本农田图斑标识码", "code of the patch"), titled("yjjbnttbbh", Code, "永久基本农田图斑编号", "number of the patch"),
			titled("xzqdm12", Code, "坐落村代码", "village"), titled("xzqmc", Text, "坐落村名称", "name of the village"),
			titled("dlbm", Code, "地类编码", "land class"), titled("gddj", Count, "耕地质量等级", "grade of quality, 1 the best"), titled("eligible", Truth, "具备条件", "meets the conditions"),
			titled("area", Areas, "未建部分椭球面积", "ellipsoidal area not built"), titled("patch", Areas, "未建部分图斑面积（分摊）", "share of the patch area of record"), titled("crop", Areas, "未建部分永久基本农田面积（分摊）", "share of the net area of record"),
			titled("share", Ratio, "未建占图斑（椭球面积）", "not built of the patch, by ellipsoidal area"), titled("comp_area", Areas, "所在永久基本农田连片面积（椭球）", "ellipsoidal area of its tract of permanent basic farmland"),
		},
	}
	number, err := columnOf(w.pbf, "YJJBNTTBBH", "JBNTTBBH")
	if err != nil {
		return nil, err
	}
	class, err := columnOf(w.pbf, "DLBM")
	if err != nil {
		return nil, err
	}
	for i := range w.list {
		u := &w.list[i]
		f := int(u.feature)
		no, err := number.text(f)
		if err != nil {
			return nil, err
		}
		dlbm, err := class.text(f)
		if err != nil {
			return nil, err
		}
		village := seatOf(w.pbf, f)
		eligible := any(nil)
		if w.noMeans >= 0 {
			eligible = !u.noMeans
		}
		t.Add(int64(i+1), u.id(), u.code, textCell(no), textCell(village), w.placeName(village), textCell(dlbm), gradeCell(u.grade), eligible,
			u.area, recordCell(u.patch), recordCell(u.net), ratio(float64(u.area), 100*w.pbf.Area(f)), u.tract)
	}
	return t, nil
}

// id is the patch's code, with a number where the patch has several parts.
func (u *unbuilt) id() string {
	if u.part == 0 {
		return u.code
	}
	return u.code + "-" + strconv.Itoa(u.part)
}

// identities holds the net area of basic farmland, from the records, against what is
// built, undated, listed and left out of the list.
func (w *progressWork) identities() {
	var whole, parts, unbuilt, rows Area
	for _, s := range w.sums {
		whole += s.pbf
		parts += s.built(w.state) + s.undated
		unbuilt += s.unbuilt + s.ineligible
		rows += s.sliver
	}
	rows += w.rowsNet
	w.r.identity("pbf", "永久基本农田 = 已建 + 年度不明 + 未建清单 + 碎屑", "permanent basic farmland = built + undated + rows not built + slivers", whole, parts+rows)
	w.r.identity("unbuilt", "汇总的未建 = 清单 + 碎屑", "not built by the sums = rows + slivers", unbuilt, rows)
}

// notes tells what the figures leave open.
func (w *progressWork) notes() {
	var slivers, unrecorded int64
	var sliver, area Area
	for _, s := range w.sums {
		slivers += s.slivers
		unrecorded += s.unrecorded
		sliver += s.sliver
		area += s.sliverArea
	}
	if slivers > 0 {
		w.r.listNote("小于 %[1]g m² 的碎屑 %[2]d 块不列入清单，合计椭球面积 %[3]s m²、永久基本农田面积 %[4]s m²，仍计入汇总", "%[2]d slivers below %[1]g m² are not listed: %[3]s m² on the ellipsoid, %[4]s m² net; the sums have them",
			w.Rules.Slivers.AreaM2.Value, slivers, area, sliver)
	}
	if unrecorded > 0 {
		w.r.note("%d 个永久基本农田图斑没有记载面积，不在面积合计内", "%d patches of permanent basic farmland have no area of record: no sum has them", unrecorded)
	}
	if w.noMeans < 0 {
		w.r.note("没有图层 %s：未区分是否具备条件，全部按应建计", "no layer %s: all counts as meeting the conditions", noCondition)
	}
	if !w.grades.there() {
		w.r.note("永久基本农田没有质量等级（GDDJ），排序不看等级", "permanent basic farmland has no grades of quality (GDDJ): the order does not look at them")
	}
	p := &w.Rules.Progress
	for _, x := range []struct {
		t      *Threshold
		zh, en string
	}{{&p.TrendYears, "趋势年数", "years of the trend"}, {&p.GapM, "连片间距（米）", "gap of tracts in metres"}, {&p.UpgradeAge, "提质改造的建成年数", "age from which parcels are upgraded"}} {
		if !x.t.Confirmed {
			w.r.note("%[1]s %[3]g 未经确认（%[4]s），相应各列仅供参考", "%[2]s, %[3]g, is not confirmed (%[4]s): what follows from it is for orientation", x.zh, x.en, x.t.Value, x.t.Source)
		}
	}
}
