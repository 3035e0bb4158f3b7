package analyze

import "gengtu/index/edition"

// HSFOutsideRules are the rules of hsf-outside-pbf.
type HSFOutsideRules struct{}

var hsfOutsidePBF = Question{Name: "hsf-outside-pbf", Title: edition.Title{Zh: "已建高标准农田在永久基本农田外：可划入", En: "High-standard farmland outside permanent basic farmland: candidates to bring in"}}
