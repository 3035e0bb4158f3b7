package analyze

import "gengtu/index/edition"

// RetireRules are the rules of pbf-to-retire.
type RetireRules struct{}

var pbfToRetire = Question{Name: "pbf-to-retire", Title: edition.Title{Zh: "拟退出的永久基本农田", En: "Permanent basic farmland to retire"}}
