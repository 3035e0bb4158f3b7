package analyze

import "gengtu/index/edition"

// ProgressRules are the rules of pbf-not-hsf.
type ProgressRules struct{}

var pbfNotHSF = Question{Name: "pbf-not-hsf", Title: edition.Title{Zh: "永久基本农田建成高标准农田进度", En: "Permanent basic farmland not yet high-standard: progress"}}
