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

// figureRoutes answer with figures: who misses one of their parameters reads them as others.
var figureRoutes = []string{"overlay", "summary", "diff", "changes"}

// elsewhere are names that parameters have on other servers, and what they are called here,
// "" where there is nothing to choose. Addresses of figures refuse them in any case of their
// letters, and one slip in those that have [leastElsewhere] letters.
var elsewhere = []struct{ name, here string }{
	{"unit", ""}, {"units", ""}, {"precision", ""}, {"srs", "crs"}, {"srid", "crs"}, {"epsg", "crs"}, {"format", "f"}, {"year", "vintage"},
	{"groupby", "group_by"}, {"extent", "bbox"}, {"bounds", "bbox"}, {"xzqdm", "place"},
}

// leastElsewhere is how long a name of other servers is that others are taken for slips of:
// what programs add against caches is short, too.
const leastElsewhere = 6

// calledOtherwise refuses, of addresses of figures, a name that is called otherwise here; nil
// for others.
func calledOtherwise(route, name string) error {
	here, known := map[[2]string]string{{"overlay", "by"}: "group_by", {"summary", "group_by"}: "by"}[[2]string{route, name}]
	if !known && (!slices.Contains(figureRoutes, route) || slices.Contains(parameterNames, name)) {
		return nil
	}
	var long []string
	for _, e := range elsewhere {
		if len(e.name) >= leastElsewhere {
			long = append(long, e.name)
		}
	}
	near := setting.OneSlip(name, long)
	for _, e := range elsewhere {
		if !known && (strings.EqualFold(e.name, name) || e.name == near) {
			here, known = e.here, true
		}
	}
	p := problem.New("PARAMETER_UNKNOWN", "这个地址没有参数 %.40q", "this address has no parameter %.40q", name)
	switch {
	case !known:
		return nil
	case here == "":
		return p.Advise("去掉它：平方米、亩、公顷在答案里并列，位数不能选", "leave it out: m², mu and ha stand beside each other in the answer, and decimals are not chosen")
	}
	return p.Advise("用 %[1]s", "it is %[1]s", here)
}

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
		if err := calledOtherwise(rt.name, name); err != nil {
			return err
		}
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
