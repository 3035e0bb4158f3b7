package tileserver

import (
	"strings"

	"gengtu/index/problem"
)

// latestVintage stands for the latest vintage where a protocol wants a value.
const latestVintage = "default"

// takeVintage takes the vintage from where OGC's protocols have it to where all of the
// server looks for it, `vintage=`: an element of the path, or in KVP, whose names count in
// any case, VINTAGE in WMTS (07-057r7 8.2.1) and DIM_VINTAGE in WMS (06-042 C.3.2).
func (r *request) takeVintage(rt *route) error {
	if rt == nil || rt.faults == nil && r.params["vintage"] == "" {
		return nil
	}
	asked := r.params["vintage"]
	if asked == latestVintage {
		asked = ""
	}
	var found []string
	args := r.ctx.QueryArgs()
	for k, v := range args.All() {
		name := string(k)
		if !strings.EqualFold(name, "vintage") && !strings.EqualFold(name, "dim_vintage") {
			continue
		}
		found = append(found, name)
		if len(v) == 0 || string(v) == latestVintage {
			continue
		}
		if asked != "" && asked != string(v) {
			return problem.New("PARAMETER_VINTAGE", "请求给了两个时相：%.40q 与 %.40q", "the request gives two vintages, %.40q and %.40q", asked, v).
				Advise("只给一个", "give one")
		}
		asked = string(v)
	}
	for _, name := range found {
		args.Del(name)
	}
	if asked != "" {
		args.Set("vintage", asked)
		r.dated = true
	}
	return nil
}
