package sample

import (
	"fmt"
	"maps"

	"gengtu/index/geo"
)

// rightThemes are the rights to land, in the first villages.
func (l *landscape) rightThemes() []theme {
	farmed := l.some(func(_ int, p *patch) bool { return p.class.cropland() })
	houses := l.some(func(_ int, p *patch) bool { return p.class == house || p.class == townHouse })
	woods := l.some(func(_ int, p *patch) bool { return p.class == wood || p.class == bush || p.class == otherWood })
	meadows := l.which(func(_ int, p *patch) bool { return p.class == grass })
	return []theme{
		{"contract", latest(), themeFolder + "/DK.shp", planeCode, len(farmed), func(i int) (row, [][][]geo.XY) { return l.contractRow(farmed[i], i), l.plane(farmed[i]) }},
		{"estate", latest(), themeFolder + "/ZDJBXX.shp", planeCode, len(houses), func(i int) (row, [][][]geo.XY) { return l.estateRow(houses[i], i), l.plane(houses[i]) }},
		{"forest", latest(), themeFolder + "/林权.shp", planeCode, len(woods), func(i int) (row, [][][]geo.XY) {
			n := woods[i]
			r := l.stand(n, layerForest)
			maps.Copy(r, row{
				"LMQS": "30", "LMSYQS": "30", "LIN_ZHONG": "111", "YOU_SHI_SZ": "220000", "QI_YUAN": "21", "LING_ZU": "2", "YU_BI_DU": 0.6, "PINGJUN_NL": int64(18),
				"PINGJUN_XJ": 12.5, "PINGJUN_SG": 8.5, "MEI_GQ_XJ": 45.5, "SHI_QUAN_D": "21", "LDGL_LX": "11", "BH_DJ": "4", "ZL_DJ": "3",
			})
			return r, l.plane(n)
		}},
		{"grass", latest(), themeFolder + "/草原.gpkg", planeCode, len(meadows), func(i int) (row, [][][]geo.XY) {
			n := meadows[i]
			r := l.stand(n, layerGrass)
			maps.Copy(r, row{"CY_FQ": "21", "CD_QY": "10", "YS_CAOZ": "示例草种", "CDGN": "10", "XC_CL": 2500.0, "CDLYFS": "10", "FM_SHCH": int64(4), "CYLB": "1", "CDGL_LX": "10"})
			return r, l.plane(n)
		}},
	}
}

// contractRow is the record of patch n as the i-th contract parcel, from 0. The code of
// who lets is the village's with the number of a group.
func (l *landscape) contractRow(n, i int) row {
	v := l.named[l.patches[n].village]
	letter := fmt.Sprintf("%s%02d", v.code, 1+int(8*l.dice(n, diceMembers)))
	parcel := fmt.Sprintf("%s%05d", letter, i+1)
	m2 := l.booked[n].M2()
	use := map[class]string{paddy: "011", irrigated: "012", dry: "013"}
	inside := "2"
	if l.patches[n].protected {
		inside = "1"
	}
	return row{
		"BSM": fmt.Sprint(i + 1), "YSDM": "211011", "DKBM": parcel, "DKMC": fmt.Sprintf("示例地块%d", i+1), "SYQXZ": "30", "DKLB": "10",
		"TDLYLX": use[l.patches[n].class], "DLDJ": fmt.Sprintf("%02d", l.quality(n, 10)), "TDYT": "1", "SFJBNT": inside,
		"SCMJ": m2, "SCMJM": geo.Hundredths(l.booked[n].Mu()*100 + 0.5).M2(), "DKDZ": "道路", "DKXZ": "沟渠", "DKNZ": "田埂", "DKBZ": "田埂", "DKBZXX": remark,
		"ZJRXM": fmt.Sprintf("虚构指界人%d", i+1), "FBFBM": letter, "CBFBM": fmt.Sprintf("%s%04d", letter, 1+i%9999), "CBFMC": fmt.Sprintf("虚构承包人%d", i+1),
		"CBJYQQDFS": "110", "HTMJ": m2,
	}
}

// estateRow is the record of patch n as the i-th registered lot, from 0: a homestead.
func (l *landscape) estateRow(n, i int) row {
	v := l.named[l.patches[n].village]
	lot := fmt.Sprintf("%s001002JC%05d", countyCode, i+1)
	return row{
		"BSM": bsm(layerEstate, i), "YSDM": "6001010000", "XZQDM": v.code, "ZDDM": lot, "BDCDYH": lot + "W00000000", "ZDTZM": "JC",
		"ZL": countyName + v.township + v.name, "ZDMJ": l.booked[n].M2(), "MJDW": "1", "YT": "农村宅基地", "QLLX": "5", "QLXZ": "203",
		"BDCQZH": fmt.Sprintf("示例（%d）%s不动产权第%07d号", vintages[1], countyName, i+1),
		"QLRMC":  fmt.Sprintf("虚构权利人%d", i+1), "ZJH": fmt.Sprintf("%s0000%08d", countyCode, i+1), "QLRDH": fmt.Sprintf("100%08d", i+1), "BZ": remark,
	}
}

// stand is what the records of woods and meadows have in common.
func (l *landscape) stand(n int, layer string) row {
	survey := l.surveyRow(n, 1)
	out := row{}
	for _, f := range []string{"TBYBH", "TBBH", "DLBM", "DLMC", "QSXZ", "QSDWDM", "QSDWMC", "ZLDWDM", "ZLDWMC", "TBMJ", "BZ"} {
		out[f] = survey[f]
	}
	v := l.named[l.patches[n].village]
	maps.Copy(out, row{
		"BSM": bsm(layer, n), "YSDM": "2001010100", "SHENG": countyCode[:2], "XIAN": countyCode, "XIANG": v.code[:9], "CUN": v.code,
		"LIN_BAN": fmt.Sprintf("%04d", 1+l.patches[n].village), "XIAO_BAN": fmt.Sprintf("%05d", l.numbers[n]%100000), "LD_QS": "30", "TDSYQS": "30",
		"XBMJ": l.booked[n].M2(), "DI_LEI": survey["DLBM"], "ZBGD": int64(70), "QLRMC": v.name + "村民委员会（虚构）", "DC_RY": "虚构调查员", "DC_RQ": "20240815",
	})
	return out
}
