package catalog_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/edition"
	"gengtu/tileserver/catalog"
)

// The table that is printed for a tier is taken as it is, says what holds without one,
// names each layer and explains each member.
func TestSampleIsTaken(t *testing.T) {
	base, err := catalog.Default()
	if err != nil {
		t.Fatal(err)
	}
	for _, tier := range edition.Tiers {
		for _, layers := range [][]string{{}, {"region", "cropland", "null", "true", "2024", "hsf-project"}} {
			text, err := catalog.Sample(tier, layers)
			if err != nil {
				t.Fatal(err)
			}
			table, err := catalog.Parse("sample", text, map[edition.Tier][]string{tier: layers})
			if err != nil {
				t.Fatalf("%s %v: %v\n%s", tier, layers, err, text)
			}
			if table.Tier != tier {
				t.Errorf("%s: is of %s", tier, table.Tier)
			}
			for _, name := range layers {
				if diff := cmp.Diff(base.Of(tier, name), table.Of(tier, name)); diff != "" {
					t.Errorf("%s %s: %s", tier, name, diff)
				}
				if !strings.Contains(string(text), "\n  \""+name+"\": {") {
					t.Errorf("%s: %s is not listed", tier, name)
				}
			}
			for _, member := range []string{
				"tier:", "namespace:", "grade:", "confirmed:", "update:", "topic:", "source:", "department:", "use:", "organisation:", "phone:", "email:", "address:", "group", "theme", "class",
			} {
				if !strings.Contains(string(text), member) {
					t.Errorf("%s: %s is not there", tier, member)
				}
			}
		}
	}
}
