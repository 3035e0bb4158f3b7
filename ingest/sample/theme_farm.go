package sample

import (
	"fmt"
	"maps"

	"gengtu/index/geo"
)

// monitored is the type (TBLX) by which monitoring tells what a class became.
var monitored = map[class]string{house: "20", wood: "03", pond: "KT", orchardK: "02"}

// changeTheme are the patches that monitoring found in a quarter, from 1: a quarter of
// those that changed between the vintages.
func (l *landscape) changeTheme(quarter int) theme {
	found := l.which(func(n int, p *patch) bool { return p.changed != p.class && n%4 == quarter-1 })
	period := fmt.Sprintf("%dQ%d", vintages[1], quarter)
	return theme{"change", period, fmt.Sprintf("%s/监测图斑/疑似变化图斑_%s.shp", themeFolder, period), planeCode, len(found), func(i int) (row, [][][]geo.XY) {
		n := found[i]
		p := &l.patches[n]
		before := l.surveyRow(n, 0)
		inside := "否"
		if p.protected {
			inside = "是"
		}
		return row{
			"BSM": bsm(layerChange+fmt.Sprint(quarter), i), "XZQDM": countyCode, "XMC": countyName, "JCBH": fmt.Sprintf("%s%s%05d", countyCode, period, i+1),
			"TBLX": monitored[p.changed], "QSX": day(vintages[0], 9, 15), "HSX": day(vintages[1], 3*quarter, 20),
			"DLBM": before["DLBM"], "DLMC": before["DLMC"], "ZZSXDM": before["ZZSXDM"], "ZZSXMC": before["ZZSXMC"],
			"SFYN": inside, "SFHX": "否", "MJ": l.booked[n].M2(), "BZ": remark,
		}, l.plane(n)
	}}
}

// farmThemes are the layers about cropland.
func (l *landscape) farmThemes() []theme {
	crops := l.some(later)
	out := []theme{
		{"cropland", latest(), themeFolder + "/耕地图斑.shp", planeCode, len(crops), func(i int) (row, [][][]geo.XY) {
			return l.surveyRow(crops[i], 1), l.plane(crops[i])
		}},
		{"target", latest(), themeFolder + "/GDBHMB.gpkg", planeCode, len(crops), func(i int) (row, [][][]geo.XY) {
			r := l.surveyRow(crops[i], 1)
			for _, f := range []string{"XZDWKD", "CZCSXM", "MSSM"} {
				delete(r, f)
			}
			maps.Copy(r, row{"SFWHTD": int64(0)})
			return r, l.plane(crops[i])
		}},
		{"quality", latest(), themeFolder + "/耕地质量等级.gpkg", lonLatCode, len(crops), func(i int) (row, [][][]geo.XY) { return l.qualityRow(crops[i]), l.lonLat(crops[i]) }},
		{"soil", latest(), themeFolder + "/土壤环境质量类别.shp", planeCode, len(crops), func(i int) (row, [][][]geo.XY) { return l.soilRow(crops[i]), l.plane(crops[i]) }},
		l.projectTheme(), l.reserveTheme(), l.approvalTheme(), l.supplementTheme(),
	}
	for quarter := range 4 {
		out = append(out, l.changeTheme(quarter+1))
	}
	return out
}

// where are the fields that say where patch n lies.
func (l *landscape) where(n int) row {
	v := l.named[l.patches[n].village]
	return row{"XZQDM": v.code, "XZQMC": v.name, "ZLDWDM": v.unit}
}

// with returns where patch n lies together with more.
func (l *landscape) with(n int, more row) row {
	out := l.where(n)
	maps.Copy(out, more)
	return out
}

func (l *landscape) qualityRow(n int) row {
	grade := l.quality(n, 10)
	return l.with(n, row{
		"BSM": bsm(layerQuality, n), "PJDYBH": fmt.Sprintf("PJ%08d", n+1), "ZLDWMC": l.named[l.patches[n].village].name,
		"DLBM": classes[l.patches[n].changed].code, "GDDJ": grade, "ZHZS": 1 - 0.08*float64(grade), "NYQ": "黄土高原区", "PJND": vintages[1],
		"YJZ": 26 - 2*float64(grade), "PH": 7.5, "TRZD": "壤土", "YXTCHD": 100.0, "GGNL": "满足", "PSNL": "满足", "MJ": l.booked[n].M2(), "BZ": remark,
	})
}

func (l *landscape) soilRow(n int) row {
	kind, factor := "1", any(nil)
	switch d := l.dice(n, diceSoil); {
	case d > 0.995:
		kind, factor = "3", "镉"
	case d > 0.96:
		kind, factor = "2", "镉"
	}
	return l.with(n, row{
		"BSM": bsm(layerSoil, n), "DYBH": fmt.Sprintf("HF%08d", n+1), "TRHJLB": kind, "WRW": factor, "HFND": vintages[1],
		"DLBM": classes[l.patches[n].changed].code, "MJ": l.booked[n].M2(), "BZ": remark,
	})
}

// reserveTheme is the cropland that is no basic farmland yet and may become it: on the
// gentler slopes.
func (l *landscape) reserveTheme() theme {
	fit := l.some(func(n int, p *patch) bool { return later(n, p) && !p.protected && p.grade <= 3 })
	return theme{"reserve", latest(), themeFolder + "/YJJBNTCBQ.gpkg", planeCode, len(fit), func(i int) (row, [][][]geo.XY) {
		n := fit[i]
		values := make([]any, len(protectedFields))
		l.protectedValues(values, n, l.record(n, 1), l.booked[n], vintages[1])
		r := row{}
		for k, v := range values {
			r[protectedFields[k].Name] = v
		}
		delete(r, "BHKSSJ")
		maps.Copy(r, row{"BSM": bsm(layerReserve, n), "CBLX": "新增储备", "RKRQ": day(vintages[1], 6, 30), "DYZT": "未调用"})
		return r, l.plane(n)
	}}
}

// projectTheme are the project areas of high-standard farmland: the land of each village
// that has plots.
func (l *landscape) projectTheme() theme {
	var with []int
	for _, p := range l.plots {
		if v := int(p.village); len(with) == 0 || with[len(with)-1] != v {
			with = append(with, v)
		}
	}
	with = distinct(with)
	return theme{"hsf-project", latest(), standardFolder + "XM2024619901NY示例项目YS.shp", planeCode, len(with), func(i int) (row, [][][]geo.XY) {
		v := with[i]
		c := l.joined(l.members[v])
		built := 2012 + int64(v%9)
		return row{
			"BSM": bsm(layerProject, v), "XMBH": fmt.Sprintf("GBZ%s%d%04d", countyCode, built, v+1),
			"XMMC":  fmt.Sprintf("%s%s%s高标准农田新建项目（示例）", countyName, l.named[v].township, l.named[v].name),
			"XZQDM": l.named[v].code, "JSND": built, "JCND": built + 1, "PFWH": fmt.Sprintf("示例农建〔%d〕%d号", built, v+1),
			"PFRQ": day(built, 3, 15), "YSRQ": day(built+1, 11, 20), "XMLX": "新建", "JSDW": fmt.Sprintf("虚构建设单位%d", 1+v%7),
			"JSMJ": c.area.M2(), "MJ": c.area.M2(), "STAGE": "验收", "SRC_DEPT": "NY", "LXR": fmt.Sprintf("虚构联系人%d", v+1), "LXDH": fmt.Sprintf("100%08d", v+1), "BZ": remark,
		}, c.plane
	}}
}

// distinct returns numbers in order, each once.
func distinct(list []int) []int {
	seen := map[int]bool{}
	var out []int
	for _, n := range list {
		if !seen[n] {
			seen[n] = true
			out = append(out, n)
		}
	}
	return out
}

// approvalTheme are the conversions that the new houses were approved by.
func (l *landscape) approvalTheme() theme {
	built := l.which(func(_ int, p *patch) bool { return p.changed == house && p.class != house })
	return theme{"approval", latest(), themeFolder + "/ZZ_NYDZYFW.shp", planeCode, len(built), func(i int) (row, [][][]geo.XY) {
		n := built[i]
		v := l.named[l.patches[n].village]
		return row{
			"BSM": bsm(layerApproval, i), "YSDM": "6001010000", "YWLX": "ZZ_NYDZYFW", "XMDM": fmt.Sprintf("%d-%s-%06d", vintages[1], countyCode, i+1),
			"XMMC": v.name + "村民住宅用地（示例）", "DZJGH": fmt.Sprintf("%s%d%08d", countyCode, vintages[1], i+1), "AJBH": fmt.Sprintf("AJ%08d", i+1),
			"XZQDM": v.code, "XZQMC": v.name, "DKBH": fmt.Sprintf("DK%05d", i+1), "DKMC": fmt.Sprintf("示例地块%d", i+1), "DKMJ": l.booked[n].M2(),
			"PZWH": fmt.Sprintf("示例政地〔%d〕%d号", vintages[1], i+1), "PZRQ": day(vintages[1], 2, 28), "BZ": remark,
		}, l.plane(n)
	}}
}

// supplementTheme is cropland said to have been made anew.
func (l *landscape) supplementTheme() theme {
	made := l.which(func(n int, p *patch) bool { return later(n, p) && !p.protected && n%11 == 0 })
	return theme{"supplement", latest(), themeFolder + "/补充耕地.gpkg", lonLatCode, len(made), func(i int) (row, [][][]geo.XY) {
		n := made[i]
		m2 := l.booked[n].M2()
		return l.with(n, row{
			"BSM": bsm(layerSupplement, i), "XMBH": fmt.Sprintf("BC%s%04d", countyCode, 1+i/20), "XMMC": fmt.Sprintf("示例土地整治项目%d", 1+i/20),
			"DKBH": fmt.Sprintf("BC%05d", i+1), "DKMC": fmt.Sprintf("示例地块%d", i+1), "MJ": m2, "MJ_HA": m2 / hectare, "SSND": vintages[1],
			"DLBM": classes[l.patches[n].changed].code, "GDPDJB": fmt.Sprint(l.patches[n].grade), "GDZLDJ": l.quality(n, 10), "DKYT": "耕地", "TXSX": "面",
			"JZDS": int64(len(l.patches[n].shell)), "BZ": remark,
		}), l.lonLat(n)
	}}
}
