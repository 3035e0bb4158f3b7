package index_test

import (
	"testing"

	"gengtu/index/edition"
	"gengtu/index/indextest"
)

// Places of a vintage that has none are those of the latest; other layers' are not.
func TestRegions(t *testing.T) {
	layer := func(name, vintage string) indextest.Layer {
		return indextest.Layer{Meta: edition.Layer{Name: name, Vintage: vintage}}
	}
	ix := indextest.New(t, &edition.Manifest{}, layer(edition.Region, "2022"), layer(edition.Region, "2023"), layer(edition.Survey, "2024"))
	for vintage, want := range map[string]string{"2022": "2022", "2023": "2023", "2024": "2023", "": "2023"} {
		if l := ix.Regions(vintage); l == nil || l.Meta.Name != edition.Region || l.Meta.Vintage != want {
			t.Errorf("%q: got %v, want %s", vintage, l, want)
		}
	}
	if l := indextest.New(t, &edition.Manifest{}, layer(edition.Survey, "2024")).Regions("2024"); l != nil {
		t.Errorf("an edition without places has %s", l.Meta.Name)
	}
}
