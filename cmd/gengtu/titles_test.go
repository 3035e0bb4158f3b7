package main_test

import (
	"strings"
	"testing"

	"gengtu/index/analyze"
	"gengtu/ingest/profiles"
	"gengtu/styles"
)

// A layer has one title: the profile's, which goes to the manifest of an edition that has
// the layer. Questions that miss it and looks, which begin with a capital, call it the same.
func TestLayerTitles(t *testing.T) {
	known, err := profiles.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	words, looks := 0, 0
	for _, p := range known.All() {
		if w := analyze.LayerTitle(p.Name); w.Zh != p.Name || w.En != p.Name {
			words++
			if w != p.Title {
				t.Errorf("%s is %q, and %q where a question misses it", p.Name, p.Title, w)
			}
		}
		if look := styles.Default().Layer(p.Name).Title; look.Zh != p.Name {
			looks++
			if look.Zh != p.Title.Zh || !strings.EqualFold(look.En, p.Title.En) {
				t.Errorf("%s is %q, and %q on the map", p.Name, p.Title, look)
			}
		}
	}
	if words < 20 || looks < 5 {
		t.Errorf("questions have words for %d layers, the map has looks for %d", words, looks)
	}
}
