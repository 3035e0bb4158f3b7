package areas

import (
	"strconv"
	"strings"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

// The attributes that say the coordinate system.
const (
	attributeDatum = "坐标系"
	attributeZone  = "带号"
	attributeWidth = "几度分带"
	attributeUnit  = "计量单位"
	attributeKind  = "投影类型"
)

// Where the Gauss-Krüger zones' codes begin in the EPSG data set, with the zone
// number before the easting and without.
const (
	epsgZone3, epsgCentre3 = 4488, 4509 // + zone, 25 to 45
	epsgZone6, epsgCentre6 = 4478, 4489 // + zone, 13 to 23
)

// crs finds the file's coordinate system from its attributes and the form of its
// eastings.
func (r *txtReader) crs() (geo.CRS, error) {
	if err := r.checkDatum(); err != nil {
		return geo.CRS{}, err
	}
	zone, line, err := r.attributeNumber(attributeZone)
	if err != nil {
		return geo.CRS{}, err
	}
	width, widthLine, err := r.attributeNumber(attributeWidth)
	switch {
	case err != nil:
		return geo.CRS{}, err
	case width != 0 && width != 3 && width != 6:
		return geo.CRS{}, problem.New("TXT_ZONE", "第 %d 行：%s=%d，只有 3 和 6", "line %d: %s=%d; there are 3 and 6", widthLine, attributeWidth, width)
	}
	proposed, prefixed := geo.ProposeZone(r.zoned.point)
	if zone == 0 {
		return r.withoutZone(proposed, prefixed, width)
	}
	if width == 0 {
		if width = 3; zone < 25 {
			width = 6
		}
	}
	var code int
	switch {
	case width == 3 && zone >= 25 && zone <= 45:
		if code = epsgCentre3 + zone; prefixed {
			code = epsgZone3 + zone
		}
	case width == 6 && zone >= 13 && zone <= 23:
		if code = epsgCentre6 + zone; prefixed {
			code = epsgZone6 + zone
		}
	default:
		return geo.CRS{}, problem.New("TXT_ZONE", "第 %d 行：%d 度分带没有 %d 带", "line %d: there is no zone %[3]d of %[2]d degrees", line, width, zone).
			Advise("3 度带 25–45，6 度带 13–23", "zones of 3 degrees are 25 to 45, of 6 degrees 13 to 23")
	}
	found, err := geo.EPSG(code)
	if err != nil {
		return geo.CRS{}, err
	}
	if prefixed && proposed != found {
		return geo.CRS{}, problem.New("TXT_ZONE", "第 %d 行说 %d 带（%d 度），东坐标 %.3f 却是 %s", "line %d says zone %d of %d degrees, but the easting %.3f is of %s",
			line, zone, width, r.zoned.point.X, proposed.Name()).
			Advise("请改正带号，或用 crs 指明 %s", "correct the zone, or say %s in crs", proposed)
	}
	return found, nil
}

// withoutZone takes the zone from the eastings, and says so of each parcel.
func (r *txtReader) withoutZone(proposed geo.CRS, prefixed bool, width int) (geo.CRS, error) {
	if !prefixed || width != 0 && zoneWidth(proposed) != width {
		return geo.CRS{}, problem.New("TXT_ZONE", "没有写 %s，从东坐标 %.3f 也看不出来", "%s is missing and does not follow from the easting %.3f", attributeZone, r.zoned.point.X).
			Advise("在 [属性描述] 里补上带号，或用 crs 指明", "add it to the section of attributes, or say the system in crs")
	}
	for i := range r.shapes {
		r.shapes[i].Notes = append(r.shapes[i].Notes, problem.New("TXT_ZONE_TAKEN", "没有写 %s，按东坐标取 %s", "%s is missing; by the eastings it is %s", attributeZone, proposed.Name()).
			Advise("请核对", "check this"))
	}
	return proposed, nil
}

// zoneWidth is how wide the zones of a system are, degrees.
func zoneWidth(c geo.CRS) int {
	if c.EPSG() < epsgZone3+25 {
		return 6
	}
	return 3
}

// checkDatum refuses what is not CGCS2000 in metres by Gauss-Krüger.
func (r *txtReader) checkDatum() error {
	datum, ok := r.attributes[attributeDatum]
	name := strings.ToUpper(datum.text)
	switch {
	case !ok || name == "":
		return problem.New("TXT_DATUM", "[属性描述] 没有写 %s", "the attributes do not say the coordinate system, %s", attributeDatum).
			Advise("补上“坐标系=2000国家大地坐标系”，或用 crs 指明", "add 坐标系=2000国家大地坐标系, or say it in crs")
	case !strings.Contains(name, "2000"):
		return problem.New("TXT_DATUM", "第 %d 行：坐标系是 %.40q，不是 2000国家大地坐标系", "line %d: the coordinate system is %.40q and not CGCS2000", datum.line, datum.text).
			Advise("请提交单位用 2000国家大地坐标系重新提交", "have it delivered again in CGCS2000")
	}
	if u := r.attributes[attributeUnit]; u.text != "" && u.text != "米" && !strings.EqualFold(u.text, "m") {
		return problem.New("TXT_UNIT", "第 %d 行：计量单位是 %.20q，只收米", "line %d: the unit is %.20q; metres (米) are taken", u.line, u.text)
	}
	if k := r.attributes[attributeKind]; k.text != "" && !strings.Contains(k.text, "高斯") && !strings.Contains(strings.ToLower(k.text), "gauss") {
		return problem.New("TXT_PROJECTION", "第 %d 行：投影类型是 %.20q，只收高斯克吕格", "line %d: the projection is %.20q; Gauss-Krüger (高斯克吕格) is taken", k.line, k.text)
	}
	return nil
}

// attributeNumber reads an attribute that is a whole number; 0 when it is not
// there.
func (r *txtReader) attributeNumber(name string) (n, line int, err error) {
	v := r.attributes[name]
	if v.text == "" {
		return 0, v.line, nil
	}
	if n, err = strconv.Atoi(v.text); err != nil || n < 1 {
		return 0, v.line, problem.New("TXT_ZONE", "第 %d 行：%s=%.20q 不是正整数", "line %d: %s=%.20q is no whole number from 1", v.line, name, v.text)
	}
	return n, v.line, nil
}
