package ingest_test

import (
	"testing"

	"gengtu/index/problem"
	"gengtu/ingest"
)

// Whatever --crs says, it is refused with its problem, or names a system, for all files or
// for one, and is read again from the two.
func FuzzParseSystem(f *testing.F) {
	for _, s := range []string{"EPSG:4524", "甲.shp=EPSG:4490", "a=b.shp=4524", "=EPSG:4524", "CGCS2000", "a=", "", "EPSG:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ingest.ParseSystem(text)
		if err != nil {
			if p := problem.Of(err); p == nil || p.Code != "CRS_REFUSED" {
				t.Fatal(err)
			}
			return
		}
		words := s.CRS.String()
		if s.Path != "" {
			words = s.Path + "=" + words
		}
		if again, err := ingest.ParseSystem(words); err != nil || again != s {
			t.Fatalf("%q is %+v, %q is %+v: %v", text, s, words, again, err)
		}
	})
}
