package analyze

import "gengtu/index/edition"

// SummaryRules are the rules of summary.
type SummaryRules struct{}

var summary = Question{Name: "summary", Title: edition.Title{Zh: "耕地和永久基本农田面积（按地区、年度，对照目标）", En: "Areas of cropland and PBF by place and year, against targets"}}
