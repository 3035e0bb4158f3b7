package sample

import (
	"fmt"
	"slices"

	"gengtu/index/geo"
)

// ranked lists the villages by a figure of their middle, the greatest first.
func (l *landscape) ranked(figure func(geo.XY) float64) []int {
	order := make([]int, len(l.villages))
	for v := range order {
		order[v] = v
	}
	slices.SortStableFunc(order, func(a, b int) int {
		fa, fb := figure(l.villages[a].centre), figure(l.villages[b].centre)
		switch {
		case fa > fb:
			return -1
		case fa < fb:
			return 1
		}
		return a - b
	})
	return order
}

// zoneThemes are the zones that plans and rules draw. Zones of villages are those up the
// slopes (fragile) and those with the driest fields (arid), a sixth of all each.
func (l *landscape) zoneThemes() []theme {
	part := max(len(l.villages)/6, 1)
	steep, dry := l.ranked(l.upland)[:part], l.ranked(func(p geo.XY) float64 { return -l.wet.at(p) })[:part]
	return []theme{
		{"fragile", latest(), themeFolder + "/生态脆弱区.geojson", lonLatCode, part, func(i int) (row, [][][]geo.XY) {
			c := l.joined(l.members[steep[i]])
			return l.zone(steep[i], "CR", c, row{"BSM": bsm(layerFragile, i), "CRLX": "水土流失", "CRDJ": "中度"}), c.lonLat
		}},
		{"arid", latest(), themeFolder + "/严重干旱区.geojson", lonLatCode, part, func(i int) (row, [][][]geo.XY) {
			c := l.joined(l.members[dry[i]])
			return l.zone(dry[i], "GH", c, row{"BSM": bsm(layerArid, i), "GHDJ": "干旱", "NJSL": 310.5, "GZD": 3.25}), c.lonLat
		}},
		l.redlineTheme(), l.urbanTheme(),
	}
}

// zone is the record of a zone that is the land of village v.
func (l *landscape) zone(v int, prefix string, c covered, more row) row {
	out := row{
		prefix + "QBH": fmt.Sprintf("%s%s%03d", prefix, countyCode, v+1), prefix + "QMC": l.named[v].name, "XZQDM": l.named[v].code, "XZQMC": l.named[v].name,
		"HDYJ": "示例划定方案", "HDRQ": day(vintages[0], 7, 1), "MJ": c.area.M2(), "BZ": remark,
	}
	for k, value := range more {
		out[k] = value
	}
	return out
}

// redlineTheme is the river with its banks.
func (l *landscape) redlineTheme() theme {
	along := l.merged(l.which(func(_ int, p *patch) bool { return p.class == river || p.class == shoal || p.class == otherWood }))
	return theme{"redline", latest(), themeFolder + "/STBHHX.shp", lonLatCode, len(along), func(i int) (row, [][][]geo.XY) {
		return row{
			"BSM": bsm(layerRedline, i), "YSDM": "2003010000", "XZQDM": countyCode, "XZQMC": countyName, "SHENG": "示例省", "SHI": "示例市", "XIAN": countyName,
			"HXBM": fmt.Sprintf("HX%s%03d", countyCode, i+1), "HXMC": "示例河生态保护红线", "HXLX": "水土保持", "MJ": along[i].area.M2(), "GKCS": "示例管控措施",
			"SZXJXZQDM": countyCode, "SZXJXZQMC": countyName, "SLSJ": "20220930", "BZ": remark,
		}, along[i].lonLat
	}}
}

// urbanTheme is the built-up land of the seats of townships; where there is none, of the
// first village.
func (l *landscape) urbanTheme() theme {
	in := l.which(func(_ int, p *patch) bool { return p.town && classes[p.class].settled != "" })
	if len(in) == 0 {
		in = l.which(func(_ int, p *patch) bool { return p.village == 0 && classes[p.class].settled != "" })
	}
	blocks := l.merged(in)
	return theme{"urban", latest(), themeFolder + "/CZKFBJ.gpkg", planeCode, len(blocks), func(i int) (row, [][][]geo.XY) {
		return row{
			"BSM": bsm(layerUrban, i), "YSDM": "2003020000", "XZQDM": countyCode, "XZQMC": countyName, "GHFQDM": "510", "GHFQMC": "城镇集中建设区",
			"MJ": blocks[i].area.M2(), "CZMC": "示例镇", "SLSJ": "20220930", "BZ": remark,
		}, blocks[i].plane
	}}
}
