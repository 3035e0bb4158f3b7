package profiles_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/problem"
	"gengtu/ingest/profiles"
)

func embedded(t testing.TB) *profiles.Set {
	t.Helper()
	s, err := profiles.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The layers that the product knows, each with what it cannot do without: a title, names
// of files, a source for every field, and a key that is text.
func TestEmbedded(t *testing.T) {
	s := embedded(t)
	var names []string
	for _, p := range s.All() {
		names = append(names, p.Name)
		if !p.Standard || len(p.Files) == 0 || len(p.Key) == 0 {
			t.Errorf("%s: standard %v, files %v, key %v", p.Name, p.Standard, p.Files, p.Key)
		}
		for _, k := range append(slices.Clone(p.Key), p.Place...) {
			if f := p.Field(k); f.Kind != "text" {
				t.Errorf("%s: key or place %s is %s", p.Name, k, f.Kind)
			}
		}
		for _, f := range []string{p.Patch, p.Net} {
			if f != "" && p.Field(f).Kind != "real" {
				t.Errorf("%s: area %s is no number", p.Name, f)
			}
		}
		for _, f := range p.Fields {
			if f.Source == "" && p.Source == "" {
				t.Errorf("%s.%s: no source", p.Name, f.Name)
			}
		}
	}
	want := []string{
		"approval", "arid", "change", "cjdcq", "contract", "control-sheet", "control-village", "cropland", "dltb", "dltbgx", "dltbgxgc", "estate",
		"forest", "fragile", "grass", "hsf", "hsf-project", "pbf", "quality", "redline", "region", "reserve", "soil", "supplement", "target", "urban", "xzqjx",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	if p := s.Of("other"); p.Standard || p.Name != "other" {
		t.Errorf("other: %+v", p)
	}
	if p := s.Of("my_layer"); p.Standard || p.Name != "my_layer" || !p.Knows("BSM") || p.Knows("DLBM") {
		t.Errorf("a layer without a profile: %+v", p)
	}
}

// What the sources (SOURCES.md) print, typed from there and not from the profiles.
func TestFacts(t *testing.T) {
	s := embedded(t)
	for layer, required := range map[string]string{
		"dltb": "BSM YSDM TBBH DLBM DLMC QSXZ QSDWDM QSDWMC ZLDWDM ZLDWMC TBMJ TBDLMJ SJNF MSSM",
		"pbf":  "XZQDM XZQMC YJJBNTTBBH TBBH DLBM DLMC QSXZ QSDWDM QSDWMC ZLDWDM ZLDWMC YJJBNTTBMJ YJJBNTMJ SJNF BHKSSJ WDGD",
		"hsf":  "XMBH XMMC XZQDM JSND MJ", "region": "XZQDM XZQMC", "cropland": "",
	} {
		if got := strings.Join(s.Of(layer).Required(), " "); got != required {
			t.Errorf("%s requires %s, want %s", layer, got, required)
		}
	}
	for _, name := range strings.Fields("CFZR ZMC ZZRR ZRRZJHM ZRRMC LXDH JZDZ LXR ZJRXM CBFMC QLRMC") {
		if !s.Personal(name) || !s.Personal(strings.ToLower(name)) {
			t.Errorf("%s is not personal", name)
		}
	}
	for _, name := range strings.Fields("BSM DLBM XMMC XZQMC ZLDWMC TBMJ BZ DKMC JSDW") {
		if s.Personal(name) {
			t.Errorf("%s is personal", name)
		}
	}
	for domain, codes := range map[string]string{
		"DLBM_GD": "0101 0102 0103", "GDPDJB": "1 2 3 4 5", "GDLX": "PD TT", "MSSM": "00 01", "QSXZ": "10 20 30 31 32 33 34 40",
		"ZZSXDM_GD": "LS FLS LYFL XG LLJZ WG", "ZZSXDM_HF": "JKHF GCHF", "TBXHDM_GD": "HDGD HQGD LQGD MQGD SHGD SMGD",
		"CZCSXM": "201 201A 202 202A 203 203A 204 205", "XZQTZLX": "0 1 2 3 4",
		"TBLX": "20 YH DT TD DL1 DL2 DL3 TL ND SJ CK YT LD GF 01 02 03 04 1 2 3 4 SM KT SK HL GQ WL TP QT GEF ZQC JC LT LY WH TH",
		"DLBM": "00 0303 0304 0306 0402 0603 1105 1106 1108 01 0101 0102 0103 02 0201 0201K 0202 0202K 0203 0203K 0204 0204K 03 0301 0301K 0302 0302K 0305 0307 0307K " +
			"04 0401 0403 0403K 0404 05 05H1 0508 06 0601 0602 07 0701 0702 08 08H1 08H2 08H2A 0809 0810 0810A 09 10 1001 1002 1003 1004 1005 1006 1007 1008 1009 " +
			"11 1101 1102 1103 1104 1104A 1104K 1107 1107A 1109 1110 12 1201 1202 1203 1204 1205 1206 1207",
	} {
		var got []string
		for _, c := range s.Domain(domain).Codes {
			got = append(got, c.Code)
		}
		if strings.Join(got, " ") != codes {
			t.Errorf("%s: %v\nwant %s", domain, got, codes)
		}
	}
	if name, ok := s.Domain("DLBM").NameOf("0103"); !ok || name != "旱地" {
		t.Errorf("0103 is %q", name)
	}
	for _, c := range []struct {
		layer, field string
		length       int
	}{{"dltb", "BSM", 18}, {"dltb", "ZLDWDM", 19}, {"dltb", "DLBM", 5}, {"pbf", "YJJBNTTBBH", 20}, {"urban", "GHFQDM", 3}, {"forest", "LIN_BAN", 4}, {"contract", "DKBM", 19}} {
		if got := s.Of(c.layer).Field(c.field).Length; got != c.length {
			t.Errorf("%s.%s has length %d, want %d", c.layer, c.field, got, c.length)
		}
	}
}

// The conditions of the survey's rules, each with a record for which they hold or not.
func TestConditions(t *testing.T) {
	p := embedded(t).Of("dltb")
	for _, c := range []struct {
		field, record  string
		required, only bool
		list           string
	}{
		{"GDPDJB", "DLBM=0103", true, true, "GDPDJB"},
		{"GDPDJB", "DLBM=0201K", false, false, "GDPDJB"},
		{"GDPDJB", "", false, false, "GDPDJB"},
		{"GDLX", "DLBM=0103 GDPDJB=2", true, true, "GDLX"},
		{"GDLX", "DLBM=0103 GDPDJB=1", false, true, "GDLX"},
		{"CZCSXM", "DLBM=0702", true, true, "CZCSXM"},
		{"CZCSXM", "DLBM=1004", true, true, "CZCSXM"},
		{"CZCSXM", "DLBM=1006", false, true, "CZCSXM"},
		{"CZCSXM", "DLBM=0602", true, true, "204"},
		{"CZCSXM", "DLBM=09", true, true, "205"},
		{"ZZSXDM", "DLBM=0101", false, true, "ZZSXDM_GD"},
		{"ZZSXDM", "DLBM=0101 TBXHDM=HDGD", false, true, "LS FLS LYFL"},
		{"ZZSXDM", "DLBM=0301", false, true, "ZZSXDM_HF"},
		{"ZZSXDM", "", false, true, "ZZSXDM"},
		{"XZDWKD", "DLBM=1107A", false, true, ""},
		{"XZDWKD", "DLBM=0101", false, false, ""},
	} {
		value := func(field string) string {
			for _, x := range strings.Fields(c.record) {
				if name, v, _ := strings.Cut(x, "="); name == field {
					return v
				}
			}
			return ""
		}
		f := p.Field(c.field)
		if got := f.Required || len(f.RequiredWhen) > 0 && f.RequiredWhen.Hold(value); got != c.required {
			t.Errorf("%s with %q: required %v", c.field, c.record, got)
		}
		if got := f.OnlyWhen.Hold(value); got != c.only {
			t.Errorf("%s with %q: allowed %v", c.field, c.record, got)
		}
		list := ""
		if d := f.DomainIn(value); d != nil {
			if list = d.ID; strings.Contains(" 204 205 LS FLS LYFL ", " "+c.list+" ") || strings.Contains(c.list, " ") {
				var codes []string
				for _, x := range d.Codes {
					codes = append(codes, x.Code)
				}
				list = strings.Join(codes, " ")
			}
		}
		if list != c.list {
			t.Errorf("%s with %q: list %q, want %q", c.field, c.record, list, c.list)
		}
	}
}

// Land that came to the county has no side before, land that left it none after.
func TestConditionNot(t *testing.T) {
	p := embedded(t).Of("dltbgxgc")
	for kind, want := range map[string][2]bool{"0": {true, true}, "1": {false, true}, "2": {true, false}, "3": {false, true}, "4": {true, false}, "": {false, false}} {
		value := func(field string) string { return map[string]string{"XZQTZLX": kind}[field] }
		if got := [2]bool{p.Field("BGQTBBSM").RequiredWhen.Hold(value), p.Field("BGHTBBSM").RequiredWhen.Hold(value)}; got != want {
			t.Errorf("XZQTZLX %q: sides %v, want %v", kind, got, want)
		}
	}
}

// A delivery with all or just the required fields of a profile, under a standard name or
// under none, is taken for that layer; and so is one whose fields have other names.
func TestGuess(t *testing.T) {
	s := embedded(t)
	for _, p := range s.All() {
		var all, least, aliased []string
		for _, f := range p.Fields {
			all = append(all, strings.ToLower(f.Name))
			if f.Required || f.Sign || f.Name == p.Key[0] {
				least = append(least, f.Name)
			}
			if len(f.Alias) > 0 {
				aliased = append(aliased, f.Alias[0])
			} else {
				aliased = append(aliased, f.Name)
			}
		}
		first, _, _ := strings.Cut(p.Files[0], "|")
		name := "/x/" + strings.NewReplacer("*", "", "[0-9]", "7").Replace(first) + ".shp"
		cases := map[string][]profiles.Match{
			"all fields and a name": s.Guess(all, name), "required fields and a name": s.Guess(least, name),
		}
		if p.Name != "region" { // by its other names it is the layer of villages
			cases["other names of fields and a name"] = s.Guess(aliased, name)
		}
		if !p.ByName {
			cases["all fields"] = s.Guess(all)
			cases["all fields under a wrong name"] = s.Guess(all, "/x/GBZ2024.shp")
		}
		for what, got := range cases {
			if len(got) == 0 || got[0].Profile != p || got[0].Score < profiles.Least {
				t.Errorf("%s, %s: %+v", p.Name, what, got[:min(2, len(got))])
			}
		}
	}
	for _, fields := range [][]string{nil, {"id", "name", "category"}, {"BSM"}, {"XZQDM"}} {
		if got := s.Guess(fields); len(got) > 0 {
			t.Errorf("%v is taken for %s", fields, got[0].Profile.Name)
		}
	}
	// What calls the fields by these names goes before what knows them as other names.
	if got := s.Guess([]string{"ZLDWDM", "ZLDWMC", "DCMJ"}); got[0].Profile.Name != "cjdcq" || got[1].Profile.Name != "region" || got[0].Score <= got[1].Score {
		t.Errorf("survey villages: %+v", got[:2])
	}
	// Two fields alone are enough where no other layer has them.
	if got := s.Guess([]string{"YJJBNTTBBH", "YJJBNTMJ", "extra"}); len(got) == 0 || got[0].Profile.Name != "pbf" {
		t.Errorf("basic farmland: %+v", got)
	}
}

// Names as deliveries have them (reference domain 1.6, 1.7, 3.4, 3.1).
func TestFile(t *testing.T) {
	s := embedded(t)
	for name, want := range map[string]string{
		"DLTB.shp": "dltb", "dltb_2024.gpkg": "dltb", "610402DLTB.shp": "dltb", "YJJBNTBHTB.shp": "pbf", "YJJBNTTB.gpkg": "pbf", "YJJBNT.shp": "pbf", "YJJBNTCBQ.shp": "reserve",
		"GBZ2019510107GT某项目YS.shp": "hsf", "XM2019510107GT某项目YS.shp": "hsf-project", "XZQ.shp": "region", "XZQJX.shp": "xzqjx", "CJDCQ.shp": "cjdcq",
		"DLTBGX.shp": "dltbgx", "DLTBGXGC.shp": "dltbgxgc", "STBHHX.shp": "redline", "CZKFBJ.shp": "urban", "GDBHMB.shp": "target", "DK6104022023.shp": "contract",
		"DLTB地类图斑更新.shp": "dltbgx", "地类图斑更新过程2024.shp": "dltbgxgc", "DLTBZJ.shp": "", "CJDCQJX.shp": "", "XZQGX.shp": "", "行政区界线.shp": "xzqjx",
		"陕西省咸阳市渭城区地类图斑（2024年度）.shp": "dltb", "渭城区(610404)村级调查区.gpkg": "cjdcq", "永久基本农田储备区图斑.shp": "reserve", "永久基本农田图斑.shp": "pbf",
		"流出耕地图斑.shp": "", "补充耕地图斑.shp": "supplement", "耕地质量图斑.shp": "quality", "XMFW.shp": "", "DLTB更新.shp": "", "咸阳DLTB.shp": "dltb", "DLTB_渭城区.shp": "dltb", "XZQ行政区界线.shp": "xzqjx", "高标准农田项目区.shp": "hsf-project", "DK.v2.shp": "", "GHQ.shp": "",
		"2024年第三季度疑似变化图斑.shp": "change", "ZZ_NYDZYFW.shp": "approval", "LSYD_XMZDFW.shp": "approval", "地类图斑.shp": "dltb", "roads.shp": "", "": "",
	} {
		got := ""
		if p := s.File(name); p != nil {
			got = p.Name
		}
		if got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for _, c := range []struct {
		names []string
		want  string
	}{{[]string{"DLTBGX", "610402GX.gdb"}, "dltbgx"}, {[]string{"XZQ", "DLTB.gpkg"}, "region"}, {[]string{"x", "DLTB.gpkg"}, "dltb"}} {
		if p := s.File(c.names...); p == nil || p.Name != c.want {
			t.Errorf("%v: %v", c.names, p)
		}
	}
}

func TestMatch(t *testing.T) {
	p := embedded(t).Of("dltb")
	at := func(names []string, field string) int {
		return p.Match(names)[slices.IndexFunc(p.Fields, func(f profiles.Field) bool { return f.Name == field })]
	}
	for _, c := range []struct {
		names string
		field string
		want  int
	}{
		{"bsm tbmj", "TBMJ", 1},
		{"XXTBKD", "XZDWKD", 0},
		{"XXTBKD XZDWKD", "XZDWKD", 1},
		{"XZDWKD xzdwkd", "XZDWKD", 0},
		{"GDZZSXDM", "ZZSXMC", -1},
		{"", "BSM", -1},
	} {
		if got := at(strings.Fields(c.names), c.field); got != c.want {
			t.Errorf("%s in %q: %d, want %d", c.field, c.names, got, c.want)
		}
	}
	if got := at([]string{" BSM "}, "BSM"); got != 0 {
		t.Errorf("blanks around a name: %d", got)
	}
}

const house = `name: house
title: {zh: 房屋, en: houses}
geometry: polygon
source: design
key: [BSM]
fields:
  - {name: BSM, zh: 标识码, type: text}
  - {name: CS, zh: 层数, type: integer, range: {min: 1}}
`

// A folder of the user's replaces and adds profiles and code lists.
func TestLoadUser(t *testing.T) {
	before := embedded(t)
	s, err := profiles.Load(fstest.MapFS{
		"house.yaml":   {Data: []byte(house)},
		"dltb.yaml":    {Data: []byte("name: dltb\nlike: dltb\nwithout: [KJM]\ncode: [BSM]\nfields:\n  - {name: XDM, zh: 乡代码, type: text, source: 县里加的, personal: true}\n")},
		"domains.yaml": {Data: []byte("GDLX:\n  title: {zh: 耕地类型}\n  source: 县里定的\n  codes: {PD: 坡地, TT: 梯田, PT: 平地}\n")},
		"notes.txt":    {Data: []byte("no profile")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.All()) != len(before.All())+1 || !s.Of("house").Standard {
		t.Errorf("%d profiles, before %d", len(s.All()), len(before.All()))
	}
	for _, layer := range []string{"dltb", "dltbgx", "cropland", "target"} {
		p, old := s.Of(layer), before.Of(layer)
		if p.Knows("KJM") || !p.Knows("XDM") || old.Knows("XDM") {
			t.Errorf("%s: KJM %v, XDM %v, in the embedded %v", layer, p.Knows("KJM"), p.Knows("XDM"), old.Knows("XDM"))
		}
		if !p.Field("GDLX").List().Has("PT") || old.Field("GDLX").List().Has("PT") {
			t.Errorf("%s: the code list is not the user's, or is in the embedded", layer)
		}
	}
	if !s.Of("pbf").Field("GDLX").List().Has("PT") || before.Of("pbf").Field("GDLX").List().Has("PT") {
		t.Error("a set that was loaded before has the user's code list")
	}
	if p, old := s.Of("dltb"), before.Of("dltb"); p.Title != old.Title || !slices.Equal(p.Files, old.Files) || !slices.Equal(p.Required(), old.Required()) {
		t.Errorf("%+v", p)
	}
	if !s.Personal("xdm") || before.Personal("XDM") {
		t.Error("the user's personal field is none, or is one for all")
	}
}

// What is wrong in a file of the user's is told with its line.
func TestLoadRefuses(t *testing.T) {
	line := func(n int, from, to string) string {
		lines := strings.Split(house, "\n")
		lines[n-1] = strings.Replace(lines[n-1], from, to, 1)
		return strings.Join(lines, "\n")
	}
	for want, c := range map[string]struct{ file, text string }{
		"line 5":                                  {"house.yaml", line(5, "key", "keys")},
		"line 7: key names":                       {"house.yaml", strings.Replace(line(5, "key: [BSM]", "net: CS"), "net: CS", "net: CS\nkey:\n  - NIX", 1)},
		"line 1: name is":                         {"home.yaml", house},
		"line 2: title":                           {"house.yaml", line(2, ", en: houses", "")},
		"line 3: geometry":                        {"house.yaml", line(3, "polygon", "point")},
		"line 7: field BSM: there is":             {"house.yaml", line(7, "zh: 标识码, ", "")},
		"line 8: field CS: type":                  {"house.yaml", line(8, "integer", "int")},
		"line 8: field CS: no number":             {"house.yaml", line(8, "{min: 1}", "{min: 1, below: 1}")},
		"line 8: field CS: range goes":            {"house.yaml", line(8, "integer", "text")},
		"line 8: field CS: there is no domain":    {"house.yaml", line(8, "range: {min: 1}", "domain: NIX")},
		"line 8: field CS: a condition":           {"house.yaml", line(8, "range: {min: 1}", "only_when: [{field: NIX}]")},
		"line 8: field CS: one of required":       {"house.yaml", line(8, "range: {min: 1}", "required: true, required_when: [{field: BSM}]")},
		"line 7: field BSM: the name is there":    {"house.yaml", line(8, "name: CS", "name: BSM")},
		"line 3: this is no proper YAML (did not": {"house.yaml", line(4, "source: design", "source: [design")},
		"line 9: range2 is not known":             {"house.yaml", strings.Replace(house, "range: {min: 1}", "\n     range2: {min: 1}", 1)},
		"line 2: there is no profile":             {"house.yaml", "name: house\nlike: nix\n"},
		"line 2: there is no profile \"house\"":   {"house.yaml", "name: house\nlike: house\n"},
		"line 3: dltb has no field":               {"house.yaml", "name: house\nlike: dltb\nwithout: [NIX]\n"},
		"it is empty":                             {"house.yaml", ""},
		"holds one document":                      {"house.yaml", house + "---\n" + house},
		"line 4: the code":                        {"domains.yaml", "X:\n  title: {zh: 甲}\n  source: y\n  codes: {a: b, a: c}\n"},
		"line 1: the domain X needs":              {"domains.yaml", "X:\n  codes: {a: b}\n"},
		"line 4: there is no code \"b\"":          {"domains.yaml", "X:\n  title: {zh: 甲}\n  source: y\n  unconfirmed_codes: [b]\n  codes: {a: b}\n"},
		"line 1: the layer name":                  {"House.yaml", strings.Replace(house, "name: house", "name: House", 1)},
		"line 5: the pattern":                     {"house.yaml", line(5, "key", "files: [\"*\"]\nkey")},
		"line 5: the pattern \"\"":                {"house.yaml", line(5, "key", "files: [\"A||B\"]\nkey")},
		"line 5: the pattern \"A[a-z]\"":          {"house.yaml", line(5, "key", "files: [\"A[a-z]\"]\nkey")},
		"line 5: serves":                          {"house.yaml", line(5, "key", "serves: cjdcq\nkey")},
	} {
		_, err := profiles.Load(fstest.MapFS{c.file: {Data: []byte(c.text)}})
		p := problem.Of(err)
		if p == nil || p.Code != "PROFILE_FILE" || p.File != c.file || !strings.Contains(p.Found(problem.English), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := profiles.Load(fstest.MapFS{
		"a.yaml": {Data: []byte("name: a\nlike: b\n")}, "b.yaml": {Data: []byte("name: b\nlike: a\n")},
	}); problem.Of(err) == nil {
		t.Errorf("two profiles like each other: %v", err)
	}
}

// Whatever a file says, it is refused as a problem of that file or taken, and then what
// speaks of a person in the embedded profiles still does.
func FuzzLoad(f *testing.F) {
	f.Add("house.yaml", house)
	for _, name := range []string{"dltb", "pbf", "reserve", "domains"} {
		text, _ := profiles.Text(name)
		f.Add(name+".yaml", string(text))
	}
	f.Fuzz(func(t *testing.T, name, text string) {
		if !regexp.MustCompile(`^[a-z]+\.yaml$`).MatchString(name) {
			return
		}
		s, err := profiles.Load(fstest.MapFS{name: {Data: []byte(text)}})
		if err != nil {
			if p := problem.Of(err); p == nil || p.Code != "PROFILE_FILE" {
				t.Fatal(err)
			}
			return
		}
		for _, p := range s.All() {
			p.Match([]string{"BSM", "bsm"})
			for i := range p.Fields {
				p.Fields[i].DomainIn(func(string) string { return "" })
			}
		}
		s.Guess([]string{"BSM", "DLBM"}, name)
	})
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := profiles.Load(nil); err != nil {
			b.Fatal(err)
		}
	}
}
