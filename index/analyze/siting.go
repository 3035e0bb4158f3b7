package analyze

import "gengtu/index/edition"

// SitingRules are the rules of siting.
type SitingRules struct{}

var siting = Question{Name: "siting", Title: edition.Title{Zh: "项目选址合规分析", En: "Siting of projects"}}
