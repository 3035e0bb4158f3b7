package viewer_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"gengtu/styles"
)

// What the made-up server has when it has several vintages: layers differ in theirs. The
// red line is no layer of the product, and of a quarter.
var yearsOf = map[string][]string{
	"cropland": {"2024", "2023"}, "pbf": {"2024", "2023"}, "hsf": {"2024"}, "region": {"2024", "2023"}, "redline": {"2023Q2"},
}

// vintages are those of a layer, the newest first.
func (c *contract) vintages(layer string) []string {
	if own := yearsOf[layer]; c.years && own != nil {
		return own
	}
	return []string{"2024"}
}

// vintageOf is the vintage of a layer that a request is answered in, "" for none.
func (c *contract) vintageOf(layer, asked string) string {
	own := c.vintages(layer)
	if asked == "" {
		return own[0]
	}
	if slices.Contains(own, asked) {
		return asked
	}
	return ""
}

// countOf is the number of features that the catalogue tells.
func (c *contract) countOf(layer, asked string) int {
	if c.vintageOf(layer, asked) == "2023" {
		return 8001
	}
	return 9608
}

// layersIn are the layers that there are in a vintage.
func (c *contract) layersIn(vintage string) []styles.Shown {
	all := slices.Clone(served)
	if c.years {
		all = append(all, styles.Shown{Name: "redline", MinZoom: 5, MaxZoom: 16})
	}
	for i := range c.themes {
		all = append(all, styles.Shown{Name: fmt.Sprintf("theme%02d", i+1), MinZoom: 5, MaxZoom: 16})
	}
	return slices.DeleteFunc(all, func(s styles.Shown) bool { return c.vintageOf(s.Name, vintage) == "" })
}

// named are the layers that layers= names, or those of the product.
func (c *contract) named(r *http.Request) []styles.Shown {
	all := c.layersIn(r.FormValue("vintage"))
	if names := r.FormValue("layers"); strings.HasPrefix(names, "a-") {
		return []styles.Shown{{Name: names, MinZoom: 5, MaxZoom: 16}} // of an answer
	} else if names != "" {
		return slices.DeleteFunc(all, func(s styles.Shown) bool { return !slices.Contains(strings.Split(names, ","), s.Name) })
	}
	return slices.DeleteFunc(all, func(s styles.Shown) bool {
		return !slices.ContainsFunc(served, func(o styles.Shown) bool { return o.Name == s.Name })
	})
}

// landIn is the land of a vintage: in 2023 every fifth parcel was no cropland yet. The red
// line is one square.
func (c *contract) landIn(vintage string) []shape {
	if !c.years {
		return c.land
	}
	var out []shape
	for _, s := range c.land {
		if v := c.vintageOf(s.layer, vintage); v == "" || v == "2023" && s.layer == "cropland" && s.id%5 == 0 {
			continue
		}
		out = append(out, s)
	}
	if c.vintageOf("redline", vintage) != "" {
		line := regionAt(0)
		line.layer, line.tags = "redline", nil
		out = append(out, line)
	}
	return out
}

// decodeJSON reads an answer or a request.
func decodeJSON(t *testing.T, data []byte, to any) {
	t.Helper()
	if err := json.Unmarshal(data, to); err != nil {
		t.Fatalf("%v: %s", err, data)
	}
}
