package ingest

import (
	"encoding/csv"
	"slices"
	"strings"

	"gengtu/ingest/profiles"
)

// deletionRows splits a list into its rows.
func deletionRows(text string) ([][]string, error) {
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
	r.FieldsPerRecord = -1
	r.LazyQuotes = true
	r.TrimLeadingSpace = true
	return r.ReadAll()
}

// keyColumn returns which column of a table's first row is named as a business
// key of any layer, by its standard name, in either language, or an alias, the BSM
// before any other; head is false when the row names none and so is one of the list
// already.
func keyColumn(row []string) (column int, head bool, err error) {
	known, err := profiles.Embedded()
	if err != nil {
		return 0, false, err
	}
	first := -1
	for i, cell := range row {
		for _, p := range known.All() {
			for _, key := range p.Key {
				if !named(p.Field(key), strings.TrimSpace(cell)) {
					continue
				}
				if key == "BSM" {
					return i, true, nil
				}
				if first < 0 {
					first = i
				}
			}
		}
	}
	return max(first, 0), first >= 0, nil
}

// named tells whether name is that of the field, its title or an alias.
func named(f *profiles.Field, name string) bool {
	return strings.EqualFold(f.Name, name) || f.Zh == name ||
		slices.ContainsFunc(f.Alias, func(a string) bool { return strings.EqualFold(a, name) })
}
