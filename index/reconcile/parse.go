package reconcile

import (
	"strings"

	"gengtu/index"
	"gengtu/index/problem"
)

// ParseOperand reads LAYER, LAYER@VINTAGE or LAYER@VINTAGE:CLASS: a layer of an open
// edition, in its latest vintage where none is named, and those of its features whose
// class begins with CLASS. Problems are RECONCILE_OPERAND.
func ParseOperand(ix *index.Index, text string) (Operand, error) {
	o := Operand{Name: text, Index: ix}
	name, class, _ := strings.Cut(text, ":")
	name, vintage, _ := strings.Cut(name, "@")
	o.Class = class
	if o.Layer = ix.Layer(name, vintage); o.Layer == nil {
		var have []string
		for _, n := range ix.Names() {
			for _, v := range ix.Vintages(n) {
				have = append(have, n+"@"+v)
			}
		}
		return o, problem.New("RECONCILE_OPERAND", "此版没有 %.60q", "the edition has no %.60q", text).Advise("有 %s", "there are %s", strings.Join(have, " "))
	}
	return o, nil
}
