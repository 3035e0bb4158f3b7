package analyze

import (
	"testing"

	"gengtu/index/areas"
)

// A question by villages that an edition answers by townships says so; one that is
// answered as asked, or whose rows are single features, does not.
func TestNoteLevel(t *testing.T) {
	for name, c := range map[string]struct {
		by     areas.Level
		table  Table
		places []any
		notes  int
	}{
		"as asked":            {"township", Table{}, []any{"610402001", "610402"}, 0},
		"one as fine":         {"village", Table{}, []any{"610402001", "610402001201"}, 0},
		"finer":               {"county", Table{}, []any{"610402001"}, 0},
		"wider":               {"village", Table{}, []any{"610402001", "610402002"}, 1},
		"wider, some of none": {"village", Table{}, []any{nil, "", "610402"}, 1},
		"of none":             {"village", Table{}, []any{nil, ""}, 0},
		"features":            {"village", Table{Single: true}, []any{"610402"}, 0},
		"by county always":    {"village", Table{Fixed: true}, []any{"610402"}, 0},
	} {
		table := &c.table
		table.Name, table.Columns = "t", []Column{{Name: "xzqdm", Kind: Code}}
		for _, p := range c.places {
			table.Add(p)
		}
		r := &Result{Tables: []*Table{table}}
		r.noteLevel(c.by)
		if len(r.Notes) != c.notes {
			t.Errorf("%s: %d notes, want %d: %v", name, len(r.Notes), c.notes, r.Notes)
		}
	}
}
