package catalog

import (
	"fmt"
	"slices"
	"strings"

	"gengtu/index/edition"
)

// sampleHead explains a table to who fills it in.
const sampleHead = `# 数据目录表：每版一份。填好后用 gengtu serve --catalogue 文件 给出，改动自动生效；
#   gengtu catalogue check --edition DIR 文件 说明还缺什么。各项的意义见 tileserver/catalog/CATALOGUE.md。
# Table of the catalogue, one for each tier. Fill it in and give it to gengtu serve
#   --catalogue FILE, which follows it; gengtu catalogue check --edition DIR FILE says what is missing.
# 空的项沿用内置表；layers 中各图层可写 defaults 的任何一项，先于 defaults。
# What is left empty stays as built in; a layer may have each member of defaults, which goes before those.

# 哪一版的表 | whose table it is: secure, government, public
tier: %s
%sdefaults:
  # 元数据标识的前缀，如 cn.619901 | begins the identifiers of metadata, such as cn.619901
  namespace: %s
  # 数据分级 | grade: general 一般, important 重要, core 核心
  grade: %s
  # 分类分级是否有人确认 | whether somebody answers for class and grade: true, false
  confirmed: %t
  # 更新周期 | cycle of updates: %s
  update: %s
  # 主题（ISO 19115）| topic: %s
  topic: %s
  # 数据来源，文字 | where the data come from, in words
  source: %s
  # 责任部门 | who is responsible for the data
  department: %s
  # 共享使用条件，文字 | on which conditions the data are shared, in words
  use: %s
  # 联系方式 | who is asked: organisation 单位, phone 电话（加引号 | in quotes）, email, address 地址
  contact: {organisation: %s, phone: %s, email: %s, address: %s}
`

// Sample returns a table of a tier as a file that [Parse] takes and that changes nothing
// yet: each member with what holds for it, explained in Chinese and English, and each of
// the layers, which the edition has to have. Without layers it names none.
func Sample(tier edition.Tier, layers []string) ([]byte, error) {
	t, err := Default()
	if err != nil {
		return nil, err
	}
	r := t.general(tier)
	var b strings.Builder
	fmt.Fprintf(&b, sampleHead, tier, watermarkOf(tier), quoted(r.Namespace), r.Grade, r.Confirmed, strings.Join(Frequencies, " "), r.Update, strings.Join(Topics, " "), r.Topic,
		quoted(r.Source), quoted(r.Department), quoted(r.Use), quoted(r.Contact.Organisation), quoted(r.Contact.Phone), quoted(r.Contact.Email), quoted(r.Contact.Address))
	b.WriteString("# 各图层在自然资源数据目录表 1 中的类别等 | each layer's place in the ministry's table, and what else is its own:\n" +
		"#   group 大类, theme 主题, class 类别\n")
	if len(layers) == 0 {
		b.WriteString("# layers:\n#   图层名 NAME: {group: 现状, theme: 耕地资源, class: 耕地资源, department: 自然资源, confirmed: true}\n")
		return []byte(b.String()), nil
	}
	b.WriteString("layers:\n")
	for _, name := range slices.Sorted(slices.Values(layers)) {
		own, known := t.layers[name]
		fmt.Fprintf(&b, "  %s: {group: %s, theme: %s, class: %s, department: %s", quoted(name), quoted(own.Group), quoted(own.Theme), quoted(own.Class), quoted(own.Department))
		if known && own.Topic != "" {
			fmt.Fprintf(&b, ", topic: %s", own.Topic)
		}
		fmt.Fprintf(&b, ", confirmed: %t}\n", own.Confirmed)
	}
	return []byte(b.String()), nil
}

// watermarkOf is what a table says of the watermark: of government alone it decides.
func watermarkOf(tier edition.Tier) string {
	if tier != edition.Government {
		return ""
	}
	return "# 网页是否以水印显示使用者和时间 | whether pages show who looks, and when, as a watermark: true, false\nwatermark: false\n"
}

// quoted is a text as a file has it, in quotes so that no name is taken for a number.
func quoted(s string) string { return fmt.Sprintf("%q", s) }
