package source

import (
	"path/filepath"
	"testing"

	"gengtu/index/problem"
)

// Each format that is known has code that reads it; one that has none is refused, and not
// read as another.
func TestEachFormatIsRead(t *testing.T) {
	absent := filepath.Join(t.TempDir(), "absent")
	code := func(err error) string {
		if p := problem.Of(err); p != nil {
			return p.Code
		}
		return ""
	}
	for form := formatShapefile; int(form) <= len(formatNames); form++ {
		known := int(form) < len(formatNames)
		r, err := openAs(t.Context(), form, absent, Options{})
		if err == nil {
			t.Errorf("format %d: a file that is not there was opened as %T", form, r)
		}
		if got := code(err) != "SOURCE_READER"; got != known {
			t.Errorf("format %d is known: %t; read: %t (%v)", form, known, got, err)
		}
		if _, err := tablesOf(form, absent); code(err) != "SOURCE_READER" != known {
			t.Errorf("format %d is known: %t; listed: %v", form, known, err)
		}
	}
}
