package main_test

import (
	"net/url"
	"strings"
	"testing"
)

// Every address that the MapLibre style names must answer with what it is named
// for: tiles, label points, fonts and sprites.
func TestStyleAddresses(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Public, e.Government)
	for _, tier := range []string{"public", "government"} {
		query := ""
		if tok := s.tokens[tier]; tok != "" {
			query = "?tk=" + url.QueryEscape(tok)
		}
		var style struct {
			Sources map[string]struct {
				Type, Data string
				Tiles      []string
			}
			Glyphs, Sprite string
		}
		decode(t, s.get(t, 200, "/"+tier+"/style.json"+query).Body, &style)
		follow := func(address string) answer {
			t.Helper()
			path, ok := strings.CutPrefix(address, s.URL)
			if !ok {
				t.Fatalf("%s: the style names another host: %s", tier, address)
			}
			if tier == "government" && !strings.Contains(path, "tk=") {
				t.Errorf("the caller's tk is not repeated: %s", path)
			}
			return s.get(t, 200, path)
		}
		points := 0
		for _, src := range style.Sources {
			for _, tpl := range src.Tiles {
				tile := strings.NewReplacer("{z}", "12", "{x}", "3284", "{y}", "1631").Replace(tpl)
				if a := follow(tile); len(a.Body) == 0 {
					t.Errorf("%s is empty", tile)
				}
			}
			if src.Type == "geojson" {
				var fc struct {
					Features []struct {
						Properties struct{ Name string }
						Geometry   struct {
							Type        string
							Coordinates [2]float64
						}
					}
				}
				decode(t, follow(src.Data).Body, &fc)
				for _, f := range fc.Features {
					if f.Geometry.Type != "Point" || f.Properties.Name == "" && tier == "government" || f.Geometry.Coordinates[0] < 108 {
						t.Errorf("label %+v", f)
					}
				}
				points += len(fc.Features)
			}
		}
		// Public tells places to the township: the four villages lie in two.
		if want := map[string]int{"public": 2, "government": 4}[tier]; points != want {
			t.Errorf("%s: %d label points, want one for each of %d places", tier, points, want)
		}
		follow(strings.NewReplacer("{fontstack}", "Sans%20Regular", "{range}", "26368-26623").Replace(style.Glyphs))
		sprite, q, _ := strings.Cut(style.Sprite, "?")
		for _, end := range []string{".json", ".png", "@2x.png"} {
			follow(sprite + end + "?" + q)
		}
	}
}
