package analyze

import "gengtu/index/edition"

// ConflictRules are the rules of conflicts.
type ConflictRules struct{}

var conflicts = Question{Name: "conflicts", Title: edition.Title{Zh: "一地多证与地类冲突", En: "Overlapping rights"}}
