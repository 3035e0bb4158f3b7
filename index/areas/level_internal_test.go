package areas

import (
	"strings"
	"testing"
)

// Each layer that is told by wider places than were asked for is named, also beside one
// that is told as asked.
func TestLevelOfEachLayer(t *testing.T) {
	row := func(layer, place string) SummaryRow { return SummaryRow{Layer: layer, Vintage: "2024", Place: place} }
	for name, c := range map[string]struct {
		rows []SummaryRow
		told Level
		of   []string
	}{
		"as asked":      {[]SummaryRow{row("cropland", "610402001201")}, "", nil},
		"one of two":    {[]SummaryRow{row("cropland", "610402001201"), row("hsf", "610402")}, "", []string{"hsf@2024 told by county"}},
		"both":          {[]SummaryRow{row("cropland", "610402001"), row("hsf", "610402")}, "township", []string{"cropland@2024 told by township", "hsf@2024 told by county"}},
		"of no place":   {[]SummaryRow{row("hsf", "")}, "", nil},
		"some of none":  {[]SummaryRow{row("hsf", ""), row("hsf", "610402001201")}, "", nil},
		"one, shortest": {[]SummaryRow{row("hsf", "61"), row("hsf", "6104")}, "prefecture", []string{"hsf@2024 told by prefecture"}},
	} {
		s := &Summary{By: "village", Rows: c.rows}
		s.remark(nil)
		if s.ToldBy != c.told || len(s.Problems) != len(c.of) {
			t.Errorf("%s: told by %q, %d problems, want %q, %d", name, s.ToldBy, len(s.Problems), c.told, len(c.of))
			continue
		}
		for i, want := range c.of {
			if p := s.Problems[i]; p.Code != "LEVEL_COARSER" || !strings.Contains(p.Error(), want) {
				t.Errorf("%s: %s %v, want %s", name, p.Code, p, want)
			}
		}
	}
}
