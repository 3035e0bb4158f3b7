package analyze

import "gengtu/index/edition"

// NonagriRules are the rules of nonagri.
type NonagriRules struct{}

var nonagri = Question{Name: "nonagri", Title: edition.Title{Zh: "耕地“非农化”“非粮化”", En: "Cropland turned to other use"}}
