package ingest

import (
	"encoding/csv"
	"strings"
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
// key of any layer, by its standard name, in either language, or an alias; head
// is false when the row names none and so is one of the list already.
func keyColumn(row []string) (column int, head bool, err error) {
	all, err := profiles()
	if err != nil {
		return 0, false, err
	}
	for i, cell := range row {
		cell = strings.TrimSpace(cell)
		for p := range all {
			for _, key := range all[p].Key {
				if strings.EqualFold(cell, key) || all[p].named(key, cell) {
					return i, true, nil
				}
			}
		}
	}
	return 0, false, nil
}

// named tells whether name is the title or an alias of the profile's field.
func (p *Profile) named(field, name string) bool {
	for i := range p.Fields {
		f := &p.Fields[i]
		if f.Name != field {
			continue
		}
		if f.Zh == name {
			return true
		}
		for _, a := range f.Alias {
			if strings.EqualFold(a, name) {
				return true
			}
		}
	}
	return false
}
