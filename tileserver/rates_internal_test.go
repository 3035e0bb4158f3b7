package tileserver

import "testing"

// What is costly counts for more: a question to each of these addresses is worth a place,
// a fetch or a picture of any size.
func TestWeights(t *testing.T) {
	known := map[string]bool{}
	for _, r := range (&Server{}).routeTable() {
		known[r.name] = true
	}
	for _, route := range []string{"overlay", "summary", "diff", "changes", "lineage", "verify", "map", "wms", "items"} {
		if weight(route) != costlyWeight || !known[route] {
			t.Errorf("%s counts for %d; there is such a route: %v", route, weight(route), known[route])
		}
	}
	for route := range weights {
		if !known[route] {
			t.Errorf("there is no route %q", route)
		}
	}
	if weight("base") != baseWeight || weight("mvt") != 1 || weight("png") != 1 {
		t.Errorf("tiles count for %d, %d and %d", weight("base"), weight("mvt"), weight("png"))
	}
}
