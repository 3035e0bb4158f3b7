package sample

import (
	"fmt"
	"math"

	"gengtu/index/geo"
	"gengtu/ingest/source"
)

// remark stands in every record that has room for one.
const remark = "合成样例数据，非真实土地"

// text, decimal and integer make fields of a table.
func text(name string, width int) source.Field {
	return source.Field{Name: name, Kind: source.Text, Width: width}
}

func decimal(name string, width, decimals int) source.Field {
	return source.Field{Name: name, Kind: source.Real, Width: width, Decimals: decimals}
}

func integer(name string, width int) source.Field {
	return source.Field{Name: name, Kind: source.Integer, Width: width}
}

// surveyFields are those of DLTB (TD/T 1057-2020, table of 地类图斑).
var surveyFields = []source.Field{
	text("BSM", 18), text("YSDM", 10), text("TBYBH", 18), text("TBBH", 8), text("DLBM", 5), text("DLMC", 60),
	text("QSXZ", 2), text("QSDWDM", 19), text("QSDWMC", 60), text("ZLDWDM", 19), text("ZLDWMC", 60),
	decimal("TBMJ", 15, 2), text("KCDLBM", 5), decimal("KCXS", 6, 4), decimal("KCMJ", 15, 2), decimal("TBDLMJ", 15, 2),
	text("GDLX", 2), text("GDPDJB", 2), decimal("XZDWKD", 5, 1), text("TBXHDM", 4), text("TBXHMC", 20),
	text("ZZSXDM", 6), text("ZZSXMC", 20), integer("GDDB", 2), text("FRDBS", 1), text("CZCSXM", 4),
	integer("SJNF", 4), text("MSSM", 2), text("BZ", 60),
}

// record is what a patch is in one vintage.
type record struct {
	class    class
	patch    geo.Hundredths // TBMJ
	ratio    float64        // KCXS
	deducted geo.Hundredths // KCMJ
	net      geo.Hundredths // TBDLMJ
	grade    string         // GDPDJB
	form     string         // GDLX
	planting string         // ZZSXDM
}

// plantings are the names of planting codes (TD/T 1057-2020, table of 种植属性).
var plantings = map[string]string{
	"LS": "种植粮食作物", "FLS": "种植非粮食作物", "LYFL": "粮与非粮轮作", "XG": "休耕", "WG": "未耕种",
	"JKHF": "即可恢复", "GCHF": "工程恢复",
}

// record returns what patch n is in the vintage with the given number, from 0.
func (l *landscape) record(n, vintage int) record {
	p := &l.patches[n]
	r := record{class: p.class, patch: l.booked[n]}
	if vintage > 0 {
		r.class = p.changed
	}
	switch {
	case r.class.cropland():
		r.grade = fmt.Sprint(p.grade)
		if p.grade >= 2 {
			r.form = "PD"
			if p.terraced {
				r.form = "TT"
			}
		}
		r.ratio = ridge(p.grade, p.terraced)
		r.planting = l.planting(n)
	case r.class != p.class && r.class == orchardK:
		r.planting = "JKHF"
	case r.class != p.class && r.class != house:
		r.planting = "GCHF"
	}
	r.deducted, r.net = deduct(r.patch, r.ratio)
	return r
}

// deduct returns KCMJ and TBDLMJ of a patch area: KCMJ is TBMJ × KCXS rounded
// half up to 0.01 m², TBDLMJ the rest (TD/T 1057-2020).
func deduct(patch geo.Hundredths, ratio float64) (deducted, net geo.Hundredths) {
	// KCXS has four decimals, so that the product is exact in integers.
	deducted = (patch*geo.Hundredths(math.Round(ratio*1e4)) + 5000) / 10000
	return deducted, patch - deducted
}

// dice returns a random number in [0, 1) that belongs to patch n and to what it
// is thrown for.
func (l *landscape) dice(n int, purpose int64) float64 {
	return (noise{seed: l.seed, size: 1}.corner(int64(n), purpose) + 1) / 2
}

// What dice are thrown for.
const (
	diceMembers int64 = iota + 1
	dicePlanting
	diceQuality
	diceDigitised
	diceShiftAngle
	diceShift
	diceTurn
	diceSoil
)

// planting returns the planting code of patch n of cropland.
func (l *landscape) planting(n int) string {
	switch d := l.dice(n, dicePlanting); {
	case d < 0.76:
		return "LS"
	case d < 0.88:
		return "FLS"
	case d < 0.96:
		return "LYFL"
	case d < 0.98:
		return "XG"
	}
	return "WG"
}

// owned returns QSXZ of patch n: the state's as its class has it, else the
// village's, now and then that of one of its groups.
func (l *landscape) owned(n int, c class) string {
	if classes[c].owner == "30" && l.dice(n, diceMembers) < 0.15 {
		return "31"
	}
	return classes[c].owner
}

// settled returns CZCSXM of patch n.
func (l *landscape) settled(n int, c class) string {
	code := classes[c].settled
	if code == "203" && l.patches[n].town {
		return "202"
	}
	return code
}

// quality returns the grade of the land, from 1, best, to at most most.
func (l *landscape) quality(n, most int) int64 {
	p := &l.patches[n]
	c := l.middle(n)
	bad := 0.25 + 0.3*l.upland(c) + 0.25*(l.wet.at(c)+1)/2 + 0.1*l.dice(n, diceQuality) + 0.04*float64(p.grade)
	return int64(1 + min(bad, 0.999)*float64(most))
}

// blank turns a text that is not there into a null.
func blank(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// surveyValues fills values with the DLTB record of patch n; year is SJNF.
func (l *landscape) surveyValues(values []any, n int, r record, year int64) {
	p := &l.patches[n]
	v := l.named[p.village]
	kc, width, grade := any(nil), any(nil), any(nil)
	if r.ratio > 0 {
		kc = "1203"
	}
	if p.width > 0 && (r.class == road || r.class == street || r.class == track || r.class == river || r.class == ditch) {
		width = math.Round(p.width*10) / 10
	}
	if r.class.cropland() {
		grade = l.quality(n, 15)
	}
	number := fmt.Sprint(l.numbers[n])
	copy(values, []any{
		bsm(layerDLTB, n), "2001010100", v.code + fmt.Sprintf("%06d", l.numbers[n]), number,
		classes[r.class].code, classes[r.class].name,
		l.owned(n, r.class), v.unit, v.name, v.unit, v.name,
		r.patch.M2(), kc, r.ratio, r.deducted.M2(), r.net.M2(),
		blank(r.form), blank(r.grade), width, nil, nil,
		blank(r.planting), blank(plantings[r.planting]), grade, nil, blank(l.settled(n, r.class)),
		year, "00", remark,
	})
}

// protectedFields are those of the permanent basic farmland (永久基本农田数据库标准
// 2021, table YJJBNTBHTB), with the personal ones that lower tiers lose.
var protectedFields = []source.Field{
	text("BSM", 18), text("YSDM", 10), text("XZQDM", 12), text("XZQMC", 100), text("YJJBNTTBBH", 20), text("TBBH", 8),
	text("DLBM", 5), text("DLMC", 60), text("QSXZ", 2), text("QSDWDM", 19), text("QSDWMC", 255), text("ZLDWDM", 19),
	text("ZLDWMC", 255), decimal("YJJBNTTBMJ", 15, 2), text("KCDLBM", 5), decimal("KCXS", 6, 4), decimal("KCMJ", 15, 2),
	decimal("YJJBNTMJ", 15, 2), text("GDLX", 2), text("GDPDJB", 2), text("ZZSXDM", 6), text("ZZSXMC", 20),
	integer("GDDB", 2), integer("GDDJ", 2), integer("SJNF", 4), text("ZRRZJHM", 18), text("ZRRMC", 20),
	text("LXDH", 20), text("JZDZ", 50), {Name: "BHKSSJ", Kind: source.Date}, text("WDGD", 10), text("BZ", 50),
}

// protectedValues fills values with the record of patch n as basic farmland,
// with the area patch of its own digitising. Its person is made up: no citizen's
// number has the year of birth 0000, no telephone number begins with 100.
func (l *landscape) protectedValues(values []any, n int, r record, patch geo.Hundredths, year int64) {
	v := l.named[l.patches[n].village]
	kc := any(nil)
	if r.ratio > 0 {
		kc = "1203"
	}
	deducted, net := deduct(patch, r.ratio)
	stable := "是"
	if l.patches[n].grade >= 4 {
		stable = "否"
	}
	group := 1 + int(8*l.dice(n, diceMembers))
	copy(values, []any{
		bsm(layerProtected, n), "2005010100", v.code, v.name, fmt.Sprintf("%s%06d", v.code, l.numbers[n]), fmt.Sprint(l.numbers[n]),
		classes[r.class].code, classes[r.class].name, l.owned(n, r.class), v.unit, v.name, v.unit,
		v.name, patch.M2(), kc, r.ratio, deducted.M2(),
		net.M2(), blank(r.form), blank(r.grade), blank(r.planting), blank(plantings[r.planting]),
		l.quality(n, 15), l.quality(n, 10), year, fmt.Sprintf("%s0000%08d", countyCode, n+1), fmt.Sprintf("虚构承包人%d", n+1),
		fmt.Sprintf("100%08d", n+1), fmt.Sprintf("%s%s%s%d组", countyName, v.township, v.name, group), "2022-10-01", stable, remark,
	})
}
