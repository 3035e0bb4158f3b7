package analyze

import (
	"context"
	"maps"
	"slices"

	"gengtu/index/edition"
	"gengtu/index/geo"
)

// tables writes the answer.
func (w *retireWork) tables() error {
	list, err := w.listTable()
	if err != nil {
		return err
	}
	w.r.Tables = append(w.r.Tables, list, w.balanceTable())
	w.r.Shapes = append(w.r.Shapes, &Shapes{
		Name: "pbf_retire", Title: list.Title, Table: list,
		Geometry: func(ctx context.Context, row int) (geo.MultiPolygon, error) {
			return w.shape(ctx, &cutter{}, &w.list[row])
		},
	})
	w.identities()
	w.notes()
	return nil
}

func (w *retireWork) listTable() (*Table, error) {
	t := &Table{
		Name: "pbf_retire", Single: true, Title: edition.Title{Zh: "永久基本农田可退出图斑（供审查）", En: "permanent basic farmland that a rule speaks of"},
		Columns: []Column{
			titled("piece_id", Code, "地块编号", "piece"), titled("bsm", Code, "永久基本农田图斑标识码", "code of the patch"), titled("yjjbnttbbh", Code, "永久基本农田图斑编号", "number of the patch"),
			titled("xzqdm12", Code, "坐落村代码", "village"), titled("xzqmc", Text, "坐落村名称", "name of the village"), titled("dlbm", Code, "地类编码", "land class"), titled("gddj", Count, "耕地质量等级", "grade of quality, 1 the best"),
			titled("area", Areas, "椭球面积", "ellipsoidal area"), titled("patch", Areas, "图斑面积（分摊）", "share of the patch area of record"), titled("crop", Areas, "永久基本农田面积（分摊）", "share of the net area of record"),
		},
	}
	for _, r := range retireRules {
		t.Columns = append(t.Columns, titled(r.name, Truth, r.zh, r.en))
	}
	t.Columns = append(t.Columns, titled("r4_why", Text, "R4 依据", "why R4"),
		titled("share_offcrop", Ratio, "图斑现状非耕地占比", "of the patch not on cropland"), titled("share_fragile", Ratio, "图斑在生态脆弱区占比", "of the patch in fragile zones"), titled("share_arid", Ratio, "图斑在严重干旱区占比", "of the patch in arid zones"), titled("share_soil", Ratio, "图斑土壤严格管控占比", "of the patch on soil under strict control"),
		titled("comp_area", Areas, "所在连片面积（椭球）", "ellipsoidal area of its tract"), titled("n_rules", Count, "R1–R5 条数", "rules R1 to R5"), titled("n_confirmed", Count, "其中阈值已确认的条数", "of these with confirmed thresholds"),
		titled("proposal", Truth, "建议退出（未确认阈值的不定）", "proposed to retire; open without a confirmed rule"), titled("balance_group", Code, "平衡单元（县）", "county that it balances in"))
	number, err := columnOf(w.pbf, "YJJBNTTBBH", "JBNTTBBH")
	if err != nil {
		return nil, err
	}
	for i := range w.list {
		r := &w.list[i]
		no, err := number.text(int(r.feature))
		if err != nil {
			return nil, err
		}
		dlbm, err := w.class.text(int(r.feature))
		if err != nil {
			return nil, err
		}
		village := seatOf(w.pbf, int(r.feature))
		row := []any{r.id(), r.code, textCell(no), textCell(village), w.placeName(village), textCell(dlbm), gradeCell(r.grade), r.area, recordCell(r.patch), recordCell(r.net)}
		for n := range retireRules {
			if w.known[n] {
				row = append(row, r.rules>>n&1 != 0)
			} else {
				row = append(row, nil)
			}
		}
		row = append(row, textCell(r.why))
		for _, bit := range []int{3, 1, 2, 0} {
			if w.cover[bit] >= 0 {
				row = append(row, r.shares[bit])
			} else {
				row = append(row, nil)
			}
		}
		t.Add(append(row, r.tract, int64(rulesOf(r.rules)), int64(r.confirmed), r.proposal, textCell(r.county))...)
	}
	return t, nil
}

func (w *retireWork) balanceTable() *Table {
	t := &Table{
		Name: "pbf_balance", Title: edition.Title{Zh: "退出与划入平衡（县）", En: "what retires and what comes in, by county"},
		Fixed: true,
		Columns: []Column{
			titled("xzqdm", Code, "行政区代码", "county"), titled("xzqmc", Text, "行政区名称", "name"),
			titled("n_flagged", Count, "有标记的地块数", "pieces with a flag"), titled("flagged", Areas, "有标记的面积", "net area with a flag"), titled("n_proposed", Count, "建议退出的地块数", "pieces proposed to retire"),
			titled("out", Areas, "建议退出", "net area proposed to retire"), titled("in", Areas, "配套划入（高标准农田）", "drawn from high-standard farmland outside"), titled("reserve", Areas, "配套划入（储备区）", "drawn from the reserve"), titled("net", Areas, "净增", "net gain"),
			titled("in_available", Areas, "可划入（无限制标记）", "high-standard farmland outside without a flag"), titled("reserve_available", Areas, "储备区可用", "free reserve"),
			titled("mean_grade_before", Number, "平均质量等级（前）", "mean grade before"), titled("mean_grade_after", Number, "平均质量等级（后）", "mean grade after"),
			titled("contiguity_before", Areas, "有效连片规模（前，椭球）", "effective mesh before, on the ellipsoid"), titled("contiguity_after", Areas, "有效连片规模（后，椭球）", "effective mesh after, on the ellipsoid"),
		},
	}
	for _, code := range slices.Sorted(maps.Keys(w.counties)) {
		c := w.counties[code]
		t.Add(textCell(code), w.placeName(code), c.listed, c.flagged, c.proposed, c.out, c.in, c.reserve, c.in+c.reserve-c.out, c.inAll, c.reserveAll,
			meanCell(c.grade, c.area), meanCell(c.gradeNow, c.areaNow), meshCell(c.mesh, c.weight), meshCell(c.meshNow, c.weightNow))
	}
	return t
}

// meanCell is a mean, nil of nothing.
func meanCell(sum, weight float64) any {
	if weight == 0 {
		return nil
	}
	return sum / weight
}

// meshCell is a mean area, nil of nothing. Both sums are of 0.01 m².
func meshCell(sum, weight float64) any {
	if weight == 0 {
		return nil
	}
	return Area(sum/weight + 0.5)
}

// identities holds the records of basic farmland against the rows and what no rule flags.
func (w *retireWork) identities() {
	var whole, rows, flagged Area
	for i := range w.pbf.Len() {
		if _, ok := w.places.of(i); ok {
			net, _ := netOf(w.pbf.Record(i))
			whole += net
		}
	}
	for i := range w.list {
		rows += Area(max(w.list[i].net, 0))
	}
	w.r.identity("pbf", "永久基本农田 = 有标记的清单 + 无标记", "permanent basic farmland = rows with a flag + the rest", whole, rows+w.free)
	for _, c := range w.counties {
		flagged += c.flagged
	}
	w.r.identity("flagged", "各县有标记面积 = 清单", "flagged areas of counties = rows", flagged, rows)
}

// notes tells what the law is, and what the figures leave open.
func (w *retireWork) notes() {
	w.r.note("本表只供审查：永久基本农田一经划定不得擅自调整，退出与补划须按法定程序报批", "this table is for officers to judge: the boundaries of permanent basic farmland change by the statutory procedure only")
	p := &w.Rules.Retire
	soil := &w.Rules.HSFOutside.StrictSoil
	for _, x := range []struct {
		ok             bool
		name, zh, from string
	}{
		{p.FragileShare.Confirmed, "fragile_share", "R1", p.FragileShare.Source}, {p.AridShare.Confirmed, "arid_share", "R2", p.AridShare.Source},
		{soil.Confirmed, "strict_soil", "R3", soil.Source},
		{p.OwnerDigits.Confirmed, "owner_digits", "R4", p.OwnerDigits.Source}, {p.Flown.Confirmed, "flown", "R4", p.Flown.Source}, {p.EnclaveM2.Confirmed, "enclave_m2", "R4", p.EnclaveM2.Source},
		{p.FragmentM2.Confirmed, "fragment_m2", "R5", p.FragmentM2.Source}, {p.GapM.Confirmed, "gap_m", "R4 R5", p.GapM.Source},
	} {
		if !x.ok {
			w.r.note("规则 %[1]s 的 %[2]s 未经确认（%[3]s）：只作标记，不产生退出建议", "%[2]s of %[1]s is not confirmed (%[3]s): it flags and proposes nothing", x.zh, x.name, x.from)
		}
	}
	if !p.OffCropland.Confirmed {
		w.r.note("R0 的 off_cropland（%[1]g）未经确认（%[2]s）：低于该占比的非耕地只见于占比列", "off_cropland of R0, %[1]g, is not confirmed (%[2]s): a lesser share off cropland stands in the column of shares alone", p.OffCropland.Value, p.OffCropland.Source)
	}
	for n := range retireRules {
		if !w.known[n] {
			w.r.note("缺少图层或字段：未判断“%[1]s”", "a layer or field is missing: %[2]q is not judged", retireRules[n].zh, retireRules[n].en)
		}
	}
	var ungraded, unbacked int64
	for _, c := range w.counties {
		ungraded += c.ungraded
		unbacked += c.unbacked
	}
	if ungraded > 0 {
		w.r.note("%d 个地块没有质量等级，无法判断优进劣出，不给建议", "%d pieces have no grade of quality: whether the mean gets worse cannot be told, and nothing is proposed", ungraded)
	}
	if unbacked > 0 {
		w.r.note("%d 个可划入或储备地块没有质量等级，不用于平衡", "%d pieces that could come in have no grade of quality, and balance nothing", unbacked)
	}
}
