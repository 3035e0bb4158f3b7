package analyze

import "gengtu/index/edition"

// ContiguityRules are the rules of contiguity.
type ContiguityRules struct{}

var contiguityQuestion = Question{Name: "contiguity", Title: edition.Title{Zh: "集中连片度", En: "Contiguity"}}
