package analyze

import "gengtu/index/edition"

// ApprovalRules are the rules of approvals.
type ApprovalRules struct{}

var approvals = Question{Name: "approvals", Title: edition.Title{Zh: "批准面积与实际占用", En: "Approved area against what is occupied"}}
