package analyze

import (
	"slices"
	"strings"

	"gengtu/index/edition"
)

// layerTitles are what the layers that questions name are called where an edition, whose
// manifest says it, has none of them: as the profiles call them.
var layerTitles = []Choice{
	choice("cropland", "耕地", "cropland"), choice("pbf", "永久基本农田", "permanent basic farmland"), choice("hsf", "高标准农田", "high-standard farmland"),
	choice("dltb", "地类图斑", "land survey patches"), choice("region", "行政区", "administrative regions"), choice("hsf-project", "高标准农田项目区", "high-standard farmland projects"),
	choice("redline", "生态保护红线", "ecological red line"), choice("urban", "城镇开发边界", "urban boundary"), choice("soil", "土壤环境质量类别", "class of soil pollution"),
	choice("quality", "耕地质量等级", "grade of cropland quality"), choice("approval", "用途管制审批", "approvals of use"), choice("reserve", "永久基本农田储备区", "reserve of permanent basic farmland"),
	choice("fragile", "生态脆弱区", "ecologically fragile zones"), choice("arid", "严重干旱区", "severely arid zones"), choice("supplement", "补充耕地", "supplement cropland"),
	choice("change", "变化图斑", "monitored change"), choice("contract", "承包地块", "contract parcels"), choice("estate", "不动产宗地", "registered real estate"),
	choice("forest", "林权", "forest rights"), choice("grass", "草原权属", "grassland rights"), choice("target", "耕地保护目标", "cropland protection target"),
	choice(noCondition, "不具备条件的永久基本农田", "permanent basic farmland that does not meet the conditions"), choice("alert", "以前推送的疑似图斑", "alerts that were pushed before"),
}

// LayerTitle is what a layer that a question names is called; its name where nobody says.
func LayerTitle(name string) edition.Title {
	if t, ok := titleOf(layerTitles, name); ok {
		return t
	}
	return edition.Title{Zh: name, En: name}
}

// kindsOfAlert, severitiesOfAlert and verdicts are the codes of several columns.
var (
	kindsOfAlert      = []Choice{choice("nonagri", "非农化", "built on"), choice("nongrain", "非粮化", "no grain"), choice("other", "其他", "other use"), choice("planting", "种植提示", "note on planting")}
	severitiesOfAlert = []Choice{choice("pbf", "永久基本农田", "permanent basic farmland"), choice("stable", "稳定耕地", "stable cropland"), choice("other", "其他耕地", "other cropland")}
	verdicts          = []Choice{
		choice("不得占用 deny", "不得占用", "not to be occupied"), choice("资料不全，不能判断 incomplete", "资料不全，不能判断", "cannot be judged: layers are missing"), choice("须核实 check", "须核实", "to be checked"),
		choice("附条件 conditional", "附条件", "on conditions"), choice("提示 information", "提示", "for information"), choice("不涉及 clear", "不涉及", "not concerned"), choice("未判断 not judged", "未判断", "not judged"),
	}
	conflictKinds = []Choice{choice("rights", "权属", "rights"), choice("class", "地类", "class")}
	goodness      = []Choice{choice("符合", "符合", "meets the standard"), choice("基本符合", "基本符合", "nearly meets it"), choice("需要提质改造", "需要提质改造", "to be upgraded")}
	balanced      = []Choice{
		choice("县内平衡", "县内平衡", "balanced in the county"), choice("市州内平衡", "市州内平衡", "balanced in the prefecture"), choice("省内平衡", "省内平衡", "balanced in the province"),
		choice("缺口", "缺口", "short"), choice("缺口（只问了一部分，上级未算）", "缺口（只问了一部分，上级未算）", "short (a part alone was asked about: wider places are not looked at)"),
	}
)

// values are the codes of columns of this package's own, by table and column, and fixed
// texts that are Chinese alone.
var values = map[string][]Choice{
	"hsf_not_pbf.flags": flagValues(), "hsf_not_pbf.zldj": goodness, "hsf_upgrade.zldj": goodness,
	"pbf_retire.r4_why":    {choice("owner", "权属与坐落不同村", "owned by another village"), choice("frdbs", "飞入地", "marked as flown in"), choice("enclave", "被他村包围", "surrounded by another village")},
	occupation + ".status": balanced, conversion + ".status": balanced,
	"items.kind":         {choice(occupation, "占补平衡", "occupation and supplement"), choice(conversion, "进出平衡", "outflow and inflow"), choice(neither, "其他", "in neither balance")},
	"items.direction":    {choice("流出", "流出", "left"), choice("流入", "流入", "came")},
	"errors.error":       {choice("地块在恢复属性的地面上，进出平衡也可计", "地块在恢复属性的地面上，进出平衡也可计", "the plot is on land to recover, which outflow and inflow may count, too"), choice("同一地面有几个补充耕地地块", "同一地面有几个补充耕地地块", "several plots of supplement on the same ground")},
	"alert.kind":         kindsOfAlert,
	"alert_sum.kind":     kindsOfAlert,
	"alert.severity":     severitiesOfAlert,
	"alert_sum.severity": severitiesOfAlert,
	"alert.state":        {choice("new", "新增", "new"), choice("known", "已推送", "pushed before"), choice("approved", "已批准", "approved")},
	"alert.remark":       {choice("前期已不是耕地 no cropland before, either", "前期已不是耕地", "no cropland before, either"), choice("图形求交失败，须人工核对 no shape could be made: to be looked at", "图形求交失败，须人工核对", "no shape could be made: to be looked at")},
	"siting.layer":       layerTitles,
	"siting.by": {choice("total", "合计", "total"), choice("outside", "图斑之外", "outside of patches"), choice(byBroad, "三大类", "broad class"), choice("DLBM", "地类", "class"), choice("QSXZ", "权属性质", "ownership"), choice("GDPDJB", "坡度级别", "slope grade"), choice("GDDJ", "质量等级", "grade of quality"), choice("TRHJLB", "土壤环境质量类别", "class of soil pollution"), choice("CRDJ", "脆弱程度", "degree of fragility"), choice("GHDJ", "干旱程度", "degree of drought"),
		choice("HXLX", "红线类型", "kind of red line"), choice("LDGL_LX", "林地管理类型", "management of forest land"), choice("CDGL_LX", "草原管理类型", "management of grassland"),
		choice("DKLB", "地块类别", "kind of parcel"), choice("QLLX", "权利类型", "kind of right"), choice("YWLX", "业务类型", "kind of approval"), choice("GHFQMC", "规划分区名称", "zone of the plan"),
	},
	"siting.verdict":            verdicts,
	"siting_sum.verdict":        verdicts,
	"siting_sum.not_judged":     layerTitles,
	"siting_corrections.level":  {choice(levelError, "须补正", "to be corrected"), choice(levelWarning, "须核对", "to be looked at"), choice(levelInfo, "提示", "for information")},
	"conflict.kind":             conflictKinds,
	"conflict_sum.kind":         conflictKinds,
	"conflict.state":            {choice("overlap", "真实重叠", "truly overlap"), choice("noise", "边界误差", "a border drawn twice"), choice("unjudged", "未判断", "not judged")},
	"conflict.register_a":       layerTitles,
	"conflict.register_b":       layerTitles,
	"conflict_sum.register_a":   layerTitles,
	"conflict_sum.register_b":   layerTitles,
	"conflict_ground.registers": layerTitles,
}

// flagValues are the flags of hsf-outside-pbf.
func flagValues() []Choice {
	out := make([]Choice, 0, len(flags))
	for i := range flags {
		out = append(out, choice(flags[i].name, flags[i].zh, flags[i].en))
	}
	return out
}

// Values lists what the codes of a column of a table are called; nil of a column whose
// values are figures, names or codes of the data. Files keep the codes; pages show these.
func Values(table, column string) []Choice { return values[table+"."+column] }

// Told is what a value of a column is called: one code, or several with spaces, plus signs or
// enumeration commas between. It is the value itself where it is no code of the column.
func Told(table, column, value string) edition.Title {
	words := Values(table, column)
	if t, ok := titleOf(words, value); ok || len(words) == 0 {
		if ok {
			return t
		}
		return edition.Title{Zh: value, En: value}
	}
	parts := strings.FieldsFunc(value, func(r rune) bool { return r == ' ' || r == '+' || r == '、' })
	var zh, en []string
	for _, p := range parts {
		t, ok := titleOf(words, p)
		if !ok {
			return edition.Title{Zh: value, En: value}
		}
		zh, en = append(zh, t.Zh), append(en, t.En)
	}
	return edition.Title{Zh: strings.Join(zh, "、"), En: strings.Join(en, ", ")}
}

func titleOf(words []Choice, value string) (edition.Title, bool) {
	i := slices.IndexFunc(words, func(c Choice) bool { return c.Value == value })
	if i < 0 {
		return edition.Title{}, false
	}
	return words[i].Title, true
}
