// Package catalog holds what a catalogue says of layers that no measuring tells:
// their place among the ministry's data classes, grade, source, update cycle, who
// answers for them and on which conditions they are shared; and writes it as ISO
// 19115 metadata.
//
// In comes a table that an operator edits, one for each tier: a table names its tier
// and, beside the defaults, only layers that the tier has, so that the file on a
// lower network cannot betray what a higher one holds. What such a table says is not
// judged here; what nobody confirmed is marked so.
package catalog

import (
	_ "embed"
	"slices"
	"unicode/utf8"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/index/setting"
)

//go:embed catalog.yaml
var defaultText []byte

// Grade is how much harm the data would do in the wrong hands: 自然资源领域数据安全管理办法.
type Grade string

// The grades, the least first.
const (
	General   Grade = "general"   // 一般
	Important Grade = "important" // 重要
	Core      Grade = "core"      // 核心
)

var grades = []Grade{General, Important, Core}

// Higher returns the higher of two grades, of which "" is the least.
func Higher(a, b Grade) Grade {
	if slices.Index(grades, b) > slices.Index(grades, a) {
		return b
	}
	return a
}

// Frequencies are the codes of update cycles: ISO 19115:2003, B.5.18.
var Frequencies = []string{
	"continual", "daily", "weekly", "fortnightly", "monthly", "quarterly", "biannually", "annually", "asNeeded", "irregular", "notPlanned", "unknown",
}

// Topics are the codes of topics: ISO 19115:2003, B.5.27.
var Topics = []string{
	"farming", "biota", "boundaries", "climatologyMeteorologyAtmosphere", "economy", "elevation", "environment", "geoscientificInformation", "health",
	"imageryBaseMapsEarthCover", "intelligenceMilitary", "inlandWaters", "location", "oceans", "planningCadastre", "society", "structure",
	"transportation", "utilitiesCommunication",
}

// Contact is who is asked about the data.
type Contact struct {
	Organisation string `yaml:"organisation" json:"organisation,omitempty"`
	Phone        string `yaml:"phone" json:"phone,omitempty"`
	Email        string `yaml:"email" json:"email,omitempty"`
	Address      string `yaml:"address" json:"address,omitempty"`
}

// Record is what is said of a layer.
type Record struct {
	// Namespace goes before the identifiers of metadata; an operator's own tells the
	// layers of one county from those of another.
	Namespace string `yaml:"namespace" json:"namespace,omitempty"`
	// Group, Theme and Class are the three steps of the ministry's table.
	Group string `yaml:"group" json:"group,omitempty"`
	Theme string `yaml:"theme" json:"theme,omitempty"`
	Class string `yaml:"class" json:"class,omitempty"`
	// Net is the tier that the layer is catalogued at: that of the edition.
	Net   edition.Tier `yaml:"-" json:"net"`
	Grade Grade        `yaml:"grade" json:"grade"`
	// Confirmed tells whether somebody answers for class and grade.
	Confirmed bool `yaml:"confirmed" json:"confirmed"`
	// Source is where the data come from, in words.
	Source string `yaml:"source" json:"source,omitempty"`
	// Update is one of [Frequencies].
	Update string `yaml:"update" json:"update"`
	// Topic is one of [Topics].
	Topic string `yaml:"topic" json:"topic"`
	// Department is who is responsible for the data.
	Department string `yaml:"department" json:"department,omitempty"`
	// Use is on which conditions the data are shared, beside what the policy says.
	Use     string  `yaml:"use" json:"use,omitempty"`
	Contact Contact `yaml:"contact" json:"contact,omitzero"`
}

// Table is what is said of the layers of one tier. It is not changed once it is
// read, and may be used by several goroutines at once.
type Table struct {
	// Tier is whose table it is; "" is any's, of the embedded one.
	Tier     edition.Tier
	defaults Record
	// public goes before defaults in the public tier.
	public Record
	layers map[string]Record
	// watermark is of the tier, see [Table.Watermark].
	watermark bool
}

// form is a table as a file.
type form struct {
	Tier      edition.Tier      `yaml:"tier"`
	Watermark bool              `yaml:"watermark"`
	Defaults  Record            `yaml:"defaults"`
	Layers    map[string]Record `yaml:"layers"`
}

// embedded is the embedded table as a file, which speaks of all tiers.
type embedded struct {
	Defaults Record            `yaml:"defaults"`
	Public   Record            `yaml:"public"`
	Layers   map[string]Record `yaml:"layers"`
}

// maxTextRunes bounds each text of a table.
const maxTextRunes = 2000

var kind = setting.Kind{
	Code: "CATALOGUE_FILE", MaxBytes: 1 << 20,
	AdviceZh: "照 gengtu catalogue show --edition DIR 打印的表改", AdviceEn: "go by the table that gengtu catalogue show --edition DIR prints",
}

// Default returns the embedded table.
func Default() (*Table, error) {
	var f embedded
	if _, err := kind.Read("catalog.yaml", defaultText, &f); err != nil {
		return nil, err
	}
	return &Table{defaults: f.Defaults, public: f.Public, layers: f.Layers}, nil
}

// Parse reads an edited table, which goes before the embedded one. layers are those
// that the editions of the tiers have. The path is for messages only.
//
// Problems are CATALOGUE_TIER of a tier without an edition, and else of the code
// CATALOGUE_FILE, with the line: a tier that is none, a layer that the edition does
// not have, a grade, a topic, an update cycle or a text that will not do.
func Parse(path string, data []byte, layers map[edition.Tier][]string) (*Table, error) {
	base, err := Default()
	if err != nil {
		return nil, err
	}
	var f form
	file, err := kind.Read(path, data, &f)
	if err != nil {
		return nil, err
	}
	if _, err := edition.ParseTier(string(f.Tier)); err != nil {
		return nil, file.Problem(file.Line("tier"), "要写明 tier：secure、government 或 public", "tier is to be one of secure, government and public")
	}
	if layers[f.Tier] == nil {
		return nil, problem.New("CATALOGUE_TIER", "没有给出%[1]s的版本目录", "there is no edition of the tier %[2]s", f.Tier.Title(problem.Chinese), string(f.Tier)).In(path).
			Advise("每版给一个表，版本目录也要给出", "give a table for each tier whose edition is given")
	}
	if f.Watermark && f.Tier == edition.Public {
		return nil, file.Problem(file.Line("watermark"), "公众版不显示水印：看的人没有名字", "the public edition has no watermark: who looks has no name")
	}
	t := &Table{Tier: f.Tier, watermark: f.Watermark, defaults: merge(base.general(f.Tier), f.Defaults), layers: map[string]Record{}}
	if err := check(file, f.Defaults, "defaults"); err != nil {
		return nil, err
	}
	for name, r := range f.Layers {
		if !slices.Contains(layers[f.Tier], name) {
			return nil, file.Problem(file.Line("layers", name), "%[1]s没有图层 %.40[3]q", "the %[2]s edition has no layer %.40[3]q", f.Tier.Title(problem.Chinese), string(f.Tier), name)
		}
		if err := check(file, r, "layers", name); err != nil {
			return nil, err
		}
	}
	for name, r := range base.layers {
		t.layers[name] = merge(r, Record{})
	}
	for name, r := range f.Layers {
		t.layers[name] = merge(t.layers[name], r)
	}
	return t, nil
}

// check refuses what a record cannot say.
func check(file *setting.File, r Record, at ...string) error {
	line := func(key string) int { return file.Line(append(slices.Clone(at), key)...) }
	if r.Grade != "" && !slices.Contains(grades, r.Grade) {
		return file.Problem(line("grade"), "grade 是 %.40q，只有 general、important、core", "grade is %.40q; there are general, important and core", string(r.Grade))
	}
	if r.Update != "" && !slices.Contains(Frequencies, r.Update) {
		return file.Problem(line("update"), "update 是 %.40[1]q，可用 %[2]v", "update is %.40[1]q; there are %[2]v", r.Update, Frequencies)
	}
	if r.Topic != "" && !slices.Contains(Topics, r.Topic) {
		return file.Problem(line("topic"), "topic 是 %.40[1]q，可用 %[2]v", "topic is %.40[1]q; there are %[2]v", r.Topic, Topics)
	}
	for key, text := range map[string]string{
		"namespace": r.Namespace, "group": r.Group, "theme": r.Theme, "class": r.Class, "source": r.Source, "department": r.Department, "use": r.Use,
		"contact": r.Contact.Organisation + r.Contact.Phone + r.Contact.Email + r.Contact.Address,
	} {
		if !utf8.ValidString(text) || utf8.RuneCountInString(text) > maxTextRunes {
			return file.Problem(line(key), "%[1]s 超过 %[2]d 字", "%[1]s is longer than %[2]d characters", key, maxTextRunes)
		}
	}
	return nil
}

// merge returns r with what over says put before. Who changes an entry confirms it
// anew.
func merge(r, over Record) Record {
	for _, p := range []struct {
		to   *string
		from string
	}{
		{&r.Namespace, over.Namespace}, {&r.Group, over.Group}, {&r.Theme, over.Theme}, {&r.Class, over.Class}, {&r.Source, over.Source}, {&r.Update, over.Update}, {&r.Topic, over.Topic},
		{&r.Department, over.Department}, {&r.Use, over.Use},
	} {
		if p.from != "" {
			*p.to = p.from
		}
	}
	if over.Grade != "" {
		r.Grade = over.Grade
	}
	if over.Contact != (Contact{}) {
		r.Contact = over.Contact
	}
	r.Confirmed = over.Confirmed
	return r
}

// Watermark tells whether pages of a tier show who looks, and when, over all that they
// show: always of secure, never of public, of government where its table says so.
func (t *Table) Watermark(tier edition.Tier) bool {
	return tier == edition.Secure || tier == edition.Government && t.watermark
}

// general is what holds for each layer of a tier of which nothing else is said.
func (t *Table) general(tier edition.Tier) Record {
	if tier == edition.Public {
		return merge(t.defaults, t.public)
	}
	return t.defaults
}

// Of returns what is said of a layer of a tier.
func (t *Table) Of(tier edition.Tier, layer string) Record {
	r := merge(t.general(tier), t.layers[layer])
	r.Confirmed = t.defaults.Confirmed || t.layers[layer].Confirmed
	r.Net = tier
	return r
}
