package policy

import "gengtu/index/edition"

// Allowed lists the fields of a layer that the rule lets through, by their place: for
// those who judge what others derived.
func (r Layer) Allowed(l *edition.Layer) ([]int, error) { return r.allowed(l) }
