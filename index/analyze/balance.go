package analyze

import "gengtu/index/edition"

// BalanceRules are the rules of balance.
type BalanceRules struct{}

var balance = Question{Name: "balance", Title: edition.Title{Zh: "占补平衡与进出平衡", En: "Balance of cropland"}}
