package txt

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

// CRS finds the file's coordinate system from its attributes and the form of its
// eastings. Where the file names no zone, that of the eastings is taken, and note
// says so. The error is a problem TXT_DATUM, TXT_UNIT, TXT_PROJECTION or TXT_ZONE.
func (f *File) CRS() (crs geo.CRS, note *problem.Problem, err error) {
	if err := f.checkDatum(); err != nil {
		return geo.CRS{}, nil, err
	}
	zone, line, err := f.attributeNumber(attributeZone)
	if err != nil {
		return geo.CRS{}, nil, err
	}
	width, widthLine, err := f.attributeNumber(attributeWidth)
	switch {
	case err != nil:
		return geo.CRS{}, nil, err
	case width != 0 && width != 3 && width != 6:
		return geo.CRS{}, nil, problem.New("TXT_ZONE", "第 %d 行：%s=%d，只有 3 和 6", "line %d: %s=%d; there are 3 and 6", widthLine, attributeWidth, width)
	}
	proposed, prefixed := geo.ProposeZone(f.zoned.point)
	if zone == 0 {
		return f.withoutZone(proposed, prefixed, width)
	}
	if width == 0 {
		if width = 3; zone < 25 {
			width = 6
		}
	}
	found, ok := geo.ZoneOf(width, zone, f.zoned.point)
	if !ok {
		return geo.CRS{}, nil, problem.New("TXT_ZONE", "第 %d 行：%d 度分带没有 %d 带", "line %d: there is no zone %[3]d of %[2]d degrees", line, width, zone).
			Advise("3 度带 25–45，6 度带 13–23", "zones of 3 degrees are 25 to 45, of 6 degrees 13 to 23")
	}
	if prefixed && proposed != found {
		return geo.CRS{}, nil, problem.New("TXT_ZONE", "第 %d 行说 %d 带（%d 度），东坐标 %.3f 却是 %s", "line %d says zone %d of %d degrees, but the easting %.3f is of %s",
			line, zone, width, f.zoned.point.X, proposed.Name()).
			Advise("请改正带号，或用 crs 指明 %s", "correct the zone, or say %s in crs", proposed)
	}
	return found, nil, nil
}

// withoutZone takes the zone from the eastings.
func (f *File) withoutZone(proposed geo.CRS, prefixed bool, width int) (geo.CRS, *problem.Problem, error) {
	if w, _ := proposed.Zone(); !prefixed || width != 0 && w != width {
		return geo.CRS{}, nil, problem.New("TXT_ZONE", "没有写 %s，从东坐标 %.3f 也看不出来", "%s is missing and does not follow from the easting %.3f", attributeZone, f.zoned.point.X).
			Advise("在 [属性描述] 里补上带号，或用 crs 指明", "add it to the section of attributes, or say the system in crs")
	}
	return proposed, problem.New("TXT_ZONE_TAKEN", "没有写 %s，按东坐标取 %s", "%s is missing; by the eastings it is %s", attributeZone, proposed.Name()).
		Advise("请核对", "check this"), nil
}

// checkDatum refuses what is not CGCS2000 in metres by Gauss-Krüger.
func (f *File) checkDatum() error {
	datum, ok := f.attributes[attributeDatum]
	name := strings.ToUpper(datum.text)
	switch {
	case !ok || name == "":
		return problem.New("TXT_DATUM", "[属性描述] 没有写 %s", "the attributes do not say the coordinate system, %s", attributeDatum).
			Advise("补上“坐标系=2000国家大地坐标系”，或用 crs 指明", "add 坐标系=2000国家大地坐标系, or say it in crs")
	case !strings.Contains(name, "2000"):
		return problem.New("TXT_DATUM", "第 %d 行：坐标系是 %.40q，不是 2000国家大地坐标系", "line %d: the coordinate system is %.40q and not CGCS2000", datum.line, datum.text).
			Advise("请提交单位用 2000国家大地坐标系重新提交", "have it delivered again in CGCS2000")
	}
	if u := f.attributes[attributeUnit]; u.text != "" && u.text != "米" && !strings.EqualFold(u.text, "m") {
		return problem.New("TXT_UNIT", "第 %d 行：计量单位是 %.20q，只收米", "line %d: the unit is %.20q; metres (米) are taken", u.line, u.text)
	}
	if k := f.attributes[attributeKind]; k.text != "" && !strings.Contains(k.text, "高斯") && !strings.Contains(strings.ToLower(k.text), "gauss") {
		return problem.New("TXT_PROJECTION", "第 %d 行：投影类型是 %.20q，只收高斯克吕格", "line %d: the projection is %.20q; Gauss-Krüger (高斯克吕格) is taken", k.line, k.text)
	}
	return nil
}

// attributeNumber reads an attribute that is a whole number; 0 when it is not
// there.
func (f *File) attributeNumber(name string) (n, line int, err error) {
	v := f.attributes[name]
	if v.text == "" {
		return 0, v.line, nil
	}
	if n, err = strconv.Atoi(v.text); err != nil || n < 1 {
		return 0, v.line, problem.New("TXT_ZONE", "第 %d 行：%s=%.20q 不是正整数", "line %d: %s=%.20q is no whole number from 1", v.line, name, v.text)
	}
	return n, v.line, nil
}
