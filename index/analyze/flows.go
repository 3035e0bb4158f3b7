package analyze

import "gengtu/index/edition"

// FlowRules are the rules of flows.
type FlowRules struct{}

var flows = Question{Name: "flows", Title: edition.Title{Zh: "地类流向（流量矩阵）", En: "Flows between classes"}}
