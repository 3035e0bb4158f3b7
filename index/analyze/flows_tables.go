package analyze

import (
	"cmp"
	"maps"
	"slices"

	"gengtu/index/edition"
)

// classColumns are those of a flow's classes.
func classColumns() []Column {
	return []Column{
		titled("from", Code, "变更前地类", "class before"), titled("from_name", Text, "变更前地类名称", "name of the class before"),
		titled("to", Code, "变更后地类", "class after"), titled("to_name", Text, "变更后地类名称", "name of the class after"),
	}
}

// tables adds the tables of the answer.
func (w *flowing) tables(r *Result) {
	r.Tables = append(r.Tables, w.flowTable(), w.accountTable(w.books.ground, "account", "椭球面积收支", "accounts of ellipsoidal area", "椭球面积", "ellipsoidal"),
		w.accountTable(w.books.record, "account_record", "记录面积收支（田坎计入1203）", "accounts of the area of record, ridges under 1203", "记录面积", "of record"))
	if t := w.transferTable(); len(t.Rows) > 0 {
		r.Tables = append(r.Tables, t)
	}
	if w.cube != nil {
		t := w.cubeTable()
		r.Tables = append(r.Tables, t)
		moved, told := Area(0), Area(0)
		for k, v := range w.books.ground.flows {
			if k[1] != k[2] {
				moved += v
			}
		}
		for _, c := range w.cube {
			told += c.area
		}
		r.identity("cube", "flow_cube 的椭球面积＝地类变化的流向合计", "the ellipsoidal area of flow_cube is that of all flows between classes", told, moved)
	}
}

// flowTable is the matrix, as rows.
func (w *flowing) flowTable() *Table {
	t := &Table{Name: "flow", Title: edition.Title{Zh: "地类流向", En: "flows between classes"}, Columns: slices.Concat(placeColumns(), classColumns(), []Column{
		titled("area", Areas, "椭球面积", "ellipsoidal area"),
		titled("patch", Areas, "变更前图斑面积分摊", "share of the earlier patch area of record"),
		titled("booked", Areas, "变更前地类面积分摊（田坎计入1203）", "share of the earlier area of record by class, ridges under 1203"),
		titled("links", Count, "图斑对数", "pairs of patches"),
		titled("noise_links", Count, "可疑碎屑数", "likely noise"), titled("noise", Areas, "其中可疑碎屑椭球面积", "ellipsoidal area of likely noise"),
	})}
	all := maps.Clone(w.books.ground.flows)
	maps.Copy(all, w.books.record.flows)
	for _, k := range keysOf(all) {
		var area, patch, booked any
		if v, ok := w.books.ground.flows[k]; ok {
			area = v
		}
		if v, ok := w.books.record.flows[k]; ok {
			booked = v
		}
		m := w.more[k]
		if m == nil {
			m = &flowMore{}
		}
		if m.recorded {
			patch = m.patch
		}
		t.Add(k[0], w.placeName(k[0]), k[1], w.className(k[1]), k[2], w.className(k[2]), area, patch, booked, m.links, m.noise, m.small)
	}
	return t
}

// accountTable tells the accounts of a ledger.
func (w *flowing) accountTable(g *ledger, name, zh, en, of, ofEn string) *Table {
	t := &Table{Name: name, Title: edition.Title{Zh: zh, En: en}, Columns: append(placeColumns(), titled("class", Code, "地类", "class"), titled("class_name", Text, "地类名称", "name of the class"))}
	for _, c := range []struct{ name, zh, en string }{
		{"opening", "期初", "opening"}, {"inflow", "流入", "inflow"}, {"outflow", "流出", "outflow"},
		{"transfer_in", "调入", "transferred in"}, {"transfer_out", "调出", "transferred out"},
		{"double", "重叠增减", "counted twice, later less earlier"}, {"adjusted", "同地调整", "the same ground recorded otherwise"}, {"closing", "期末", "closing"},
	} {
		t.Columns = append(t.Columns, titled(c.name, Areas, c.zh+of, c.en+", "+ofEn))
	}
	for _, k := range keysOf(g.accounts) {
		a := g.accounts[k]
		if k[1] != notCropland && *a != (account{}) {
			t.Add(k[0], w.placeName(k[0]), k[1], w.className(k[1]), a.opening, a.in, a.out, a.transferIn, a.transferOut, a.double, a.adjusted, a.closing)
		}
	}
	return t
}

// transferTable tells what ground went from place to place.
func (w *flowing) transferTable() *Table {
	t := &Table{Name: "transfer", Title: edition.Title{Zh: "行政区间调入调出", En: "transfers between places"}, Columns: []Column{
		titled("from_xzqdm", Code, "调出行政区", "from the place"), titled("from_xzqmc", Text, "调出行政区名称", "its name"),
		titled("to_xzqdm", Code, "调入行政区", "to the place"), titled("to_xzqmc", Text, "调入行政区名称", "its name"),
		titled("class", Code, "变更前地类", "class before"), titled("class_name", Text, "地类名称", "name of the class"),
		titled("area", Areas, "椭球面积", "ellipsoidal area"), titled("booked", Areas, "地类面积（记录，田坎计入1203）", "area of record, ridges under 1203"),
	}}
	all := maps.Clone(w.books.ground.transfers)
	maps.Copy(all, w.books.record.transfers)
	place := func(code string) (any, any) {
		if code == elsewhere {
			return nil, "数据范围外"
		}
		return code, w.placeName(code)
	}
	for _, k := range keysOf(all) {
		var area, booked any
		if v, ok := w.books.ground.transfers[k]; ok {
			area = v
		}
		if v, ok := w.books.record.transfers[k]; ok {
			booked = v
		}
		from, fromName := place(k[0])
		to, toName := place(k[1])
		t.Add(from, fromName, to, toName, k[2], w.className(k[2]), area, booked)
	}
	return t
}

// cubeTable tells flows between classes by what lay on their ground.
func (w *flowing) cubeTable() *Table {
	t := &Table{Name: "flow_cube", Title: edition.Title{Zh: "流向分解（永久基本农田、高标准农田、坡度）", En: "flows by PBF, HSF and slope"}, Columns: slices.Concat(placeColumns(), classColumns(), []Column{
		titled("pbf", Truth, "在永久基本农田内", "in PBF"), titled("hsf", Truth, "在高标准农田内", "in HSF"), titled("slope", Code, "坡度级别", "slope grade"),
		titled("area", Areas, "椭球面积", "ellipsoidal area"), titled("patch", Areas, "图斑面积分摊", "share of the patch area of record"), titled("net", Areas, "地类面积分摊（不含田坎）", "share of the net area of record"),
	})}
	keys := slices.SortedFunc(maps.Keys(w.cube), func(a, b cubeKey) int {
		return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to), cmp.Compare(a.covers, b.covers), cmp.Compare(a.slope, b.slope))
	})
	for _, k := range keys {
		c := w.cube[k]
		var slope, patch, net any
		if k.slope != "" {
			slope = k.slope
		}
		if c.recorded[0] {
			patch = c.patch
		}
		if c.recorded[1] {
			net = c.net
		}
		t.Add(k.place, w.placeName(k.place), k.from, w.className(k.from), k.to, w.className(k.to), k.covers&cubePBF != 0, k.covers&cubeHSF != 0, slope, c.area, patch, net)
	}
	return t
}
