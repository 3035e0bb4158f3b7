package tileserver

import (
	"slices"
	"strings"

	"gengtu/index/problem"
	"gengtu/index/setting"
)

// parameterNames are the names of query parameters of this server's own addresses, to
// the letter.
var parameterNames = []string{
	"after", "bbox", "by", "code", "combinations", "crs", "f", "from", "generation", "group_by", "height", "kind", "layer", "layers", "limit", "list",
	"outline", "parent", "place", "point", "q", "question", "receipt", "return", "since", "style", "survey", "table", "tk", "to", "unless", "vintage", "width",
}

// leastMisspelt is how long a name is that others are taken for slips of: with fewer
// letters anything is near.
const leastMisspelt = 4

// ownParameters are the routes whose parameters are [parameterNames]. Others' protocols
// have names, and rules of what is not known, of their own.
var ownParameters = []string{"overlay", "summary", "diff", "changes", "feature", "lineage", "places", "map", "mvt", "png", "tilejson", "style", "legend", "catalog", "analyses", "analysis", "events", "result", "reconcile", "me"}

// misspelt refuses a parameter that is almost one that this server knows: who asks for
// vintge=2023 is not to be answered with another year. Parameters that are like none, as
// programs add them against caches, are let be.
func (r *request) misspelt(rt *route) error {
	if !r.hasQuery() || !slices.Contains(ownParameters, rt.name) || strings.HasPrefix(rt.pattern, "/{tier}/ogc/") {
		return nil
	}
	long := slices.DeleteFunc(slices.Clone(parameterNames), func(n string) bool { return len(n) < leastMisspelt })
	for k := range r.ctx.QueryArgs().All() {
		name := string(k)
		if slices.Contains(parameterNames, name) {
			continue
		}
		if near := setting.Nearest(name, long); near != "" {
			return problem.New("PARAMETER_UNKNOWN", "没有参数 %.40q", "there is no parameter %.40q", name).
				Advise("是否 %[1]s？参数名区分大小写", "%[1]s is meant? Names of parameters count to the letter", near)
		}
	}
	return nil
}
