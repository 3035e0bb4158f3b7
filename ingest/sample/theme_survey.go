package sample

import (
	"fmt"
	"maps"

	"gengtu/index/geo"
)

// surveyRow is the DLTB record of patch n in a vintage.
func (l *landscape) surveyRow(n, vintage int) row {
	values := make([]any, len(surveyFields))
	l.surveyValues(values, n, l.record(n, vintage), vintages[vintage])
	out := row{}
	for i, v := range values {
		out[surveyFields[i].Name] = v
	}
	return out
}

// flowing are the fields of DLTB that a flow record has twice, before and after.
var flowing = []string{
	"TBBH", "DLBM", "DLMC", "QSXZ", "QSDWDM", "QSDWMC", "ZLDWDM", "ZLDWMC", "KCDLBM", "KCXS", "KCMJ", "TBDLMJ", "GDLX", "GDPDJB",
	"XZDWKD", "TBXHDM", "TBXHMC", "ZZSXDM", "ZZSXMC", "GDDB", "FRDBS", "CZCSXM", "MSSM",
}

// flow is the DLTBGXGC record of patch n: in this landscape patches change their class
// and keep their number, ground and area, and no border of the county moves.
func (l *landscape) flow(n, number int) row {
	before, after := l.surveyRow(n, 0), l.surveyRow(n, 1)
	out := row{
		"BSM": bsm(layerFlow, number), "YSDM": "2001010100", "BGQTBBSM": before["BSM"], "BGHTBBSM": after["BSM"],
		"TBBGMJ": l.booked[n].M2(), "BGXW": "1", "XZQTZLX": "0", "GXSJ": day(vintages[1], 12, 31), "BZ": remark,
	}
	for _, f := range flowing {
		out["BGQ"+f], out["BGH"+f] = before[f], after[f]
	}
	return out
}

// surveyThemes are the package of the yearly change survey: what is new, the flows, the
// villages and the control areas.
func (l *landscape) surveyThemes() []theme {
	changed := l.which(func(_ int, p *patch) bool { return p.changed != p.class })
	return []theme{
		{"dltbgx", latest(), updateFolder + "619901GX.gpkg", planeCode, len(changed), func(i int) (row, [][][]geo.XY) {
			r := l.surveyRow(changed[i], 1)
			maps.Copy(r, row{"GXSJ": day(vintages[1], 12, 31), "XZQTZLX": "0"})
			return r, l.plane(changed[i])
		}},
		{"dltbgxgc", latest(), updateFolder + "619901GXGC.gpkg", 0, len(changed), func(i int) (row, [][][]geo.XY) {
			return l.flow(changed[i], i), nil
		}},
		{"cjdcq", latest(), baseFolder + "CJDCQ.shp", planeCode, len(l.villages), func(v int) (row, [][][]geo.XY) {
			c, m2 := l.joined(l.members[v]), l.control(v).M2()
			return row{
				"BSM": bsm(layerVillage, v), "YSDM": "1000600500", "ZLDWDM": l.named[v].unit, "ZLDWMC": l.named[v].name,
				"DCMJ": m2, "JSMJ": m2, "MSSM": "00", "BZ": remark,
			}, c.plane
		}},
		{"control-village", latest(), tableFolder + "CJKZMJ.gpkg", 0, len(l.villages), func(v int) (row, [][][]geo.XY) {
			return row{
				"BSM": bsm(layerControl, v), "ZLDWDM": l.named[v].unit, "ZLDWMC": l.named[v].name, "KZMJ": l.control(v).M2(), "MSSM": "00", "BZ": remark,
			}, nil
		}},
		l.sheetTheme(),
	}
}

// control returns the control area of village v: what its patches add up to.
func (l *landscape) control(v int) geo.Hundredths {
	sum := geo.Hundredths(0)
	for _, n := range l.members[v] {
		sum += l.booked[n]
	}
	return sum
}

// sheet is one map sheet of 1:10 000, 2′30″ high and 3′45″ wide, by its column from the
// meridian of Greenwich and its row from the equator.
type sheet struct{ column, row int64 }

// A degree has so many columns and rows of sheets; a sheet of 1:1 000 000 has
// perMillion² of them (GB/T 13989).
const (
	columnsInDegree = 16
	rowsInDegree    = 24
	perMillion      = 96
)

// number returns the sheet's number, such as I48G010020.
func (s sheet) number() string {
	return fmt.Sprintf("%c%dG%03d%03d", 'A'+rune(s.row/perMillion), s.column/perMillion+31, perMillion-s.row%perMillion, s.column%perMillion+1)
}

// box returns the sheet's sides in units of geo.Unit.
func (s sheet) box() (west, south, east, north int64) {
	lon := func(c int64) int64 { return (c*int64(geo.Unit) + columnsInDegree/2) / columnsInDegree }
	lat := func(r int64) int64 { return (r*int64(geo.Unit) + rowsInDegree/2) / rowsInDegree }
	return lon(s.column), lat(s.row), lon(s.column + 1), lat(s.row + 1)
}

// ring returns the sheet's border, closed.
func (s sheet) ring() geo.Ring {
	w, so, e, n := s.box()
	return geo.Ring{{Lon: w, Lat: so}, {Lon: e, Lat: so}, {Lon: e, Lat: n}, {Lon: w, Lat: n}, {Lon: w, Lat: so}}
}

// area returns the theoretical area of the sheet (图幅理论面积) in square metres, without the
// rounding of its corners.
func (s sheet) area() float64 {
	corner := func(c, r int64) geo.LonLat {
		return geo.LonLat{Lon: float64(c) / columnsInDegree, Lat: float64(r) / rowsInDegree}
	}
	return geo.CellArea(corner(s.column, s.row), corner(s.column+1, s.row+1))
}

// sheetPart is a sheet and what of the landscape lies on it.
type sheetPart struct {
	sheet
	part geo.Hundredths
}

// sheets returns the sheets that the landscape lies on. Their parts add up to the areas
// of all patches: what rounding leaves goes to the largest.
func (l *landscape) sheets() []sheetPart {
	border := l.crs.Ring(l.ground(l.border))
	low, high := border[0], border[0]
	for _, p := range border {
		low.Lon, low.Lat = min(low.Lon, p.Lon), min(low.Lat, p.Lat)
		high.Lon, high.Lat = max(high.Lon, p.Lon), max(high.Lat, p.Lat)
	}
	var out []sheetPart
	left := geo.Hundredths(0)
	for v := range l.villages {
		left += l.control(v)
	}
	largest := 0
	for r := low.Lat * rowsInDegree / int64(geo.Unit); r <= high.Lat*rowsInDegree/int64(geo.Unit); r++ {
		for c := low.Lon * columnsInDegree / int64(geo.Unit); c <= high.Lon*columnsInDegree/int64(geo.Unit); c++ {
			s := sheet{c, r}
			part := geo.HundredthsOf(geo.RingArea(s.clip(border)))
			if part <= 0 {
				continue
			}
			left -= part
			if out = append(out, sheetPart{s, part}); part > out[largest].part {
				largest = len(out) - 1
			}
		}
	}
	out[largest].part += left
	return out
}

// clip returns what of r lies in the sheet (Sutherland and Hodgman, "Reentrant polygon
// clipping", 1974). Parts that it cuts apart stay joined along the sheet's border, which
// adds nothing to the area.
func (s sheet) clip(r geo.Ring) geo.Ring {
	west, south, east, north := s.box()
	lon := func(p geo.Position) int64 { return p.Lon }
	lat := func(p geo.Position) int64 { return p.Lat }
	for _, side := range []struct {
		at   func(geo.Position) int64
		line int64
		sign int64 // 1: what is above the line stays
	}{{lon, west, 1}, {lon, east, -1}, {lat, south, 1}, {lat, north, -1}} {
		var out geo.Ring
		for i, a := range r {
			b := r[(i+1)%len(r)]
			da, db := side.sign*(side.at(a)-side.line), side.sign*(side.at(b)-side.line)
			if da >= 0 {
				out = append(out, a)
			}
			if da < 0 && db > 0 || da > 0 && db < 0 {
				t := float64(da) / float64(da-db)
				out = append(out, geo.Position{Lon: a.Lon + int64(t*float64(b.Lon-a.Lon)), Lat: a.Lat + int64(t*float64(b.Lat-a.Lat))})
			}
		}
		r = out
	}
	return r
}

// sheetTheme are the control areas of sheets.
func (l *landscape) sheetTheme() theme {
	parts := l.sheets()
	return theme{"control-sheet", latest(), tableFolder + "TFKZMJ.gpkg", lonLatCode, len(parts), func(i int) (row, [][][]geo.XY) {
		s := parts[i]
		return row{
			"BSM": bsm(layerSheet, i), "TFH": s.number(), "TFLLMJ": geo.HundredthsOf(s.area()).M2(), "KZMJ": s.part.M2(),
			"XZQDM": countyCode, "XZQMC": countyName, "MSSM": "00", "BZ": remark,
		}, [][][]geo.XY{{degrees(s.ring())}}
	}}
}
