package areas_test

import (
	"fmt"
	"testing"

	"gengtu/index/areas"
)

// Whatever a control area says, it is refused with its problem, or is of a county with six
// digits, of an area within bounds, and is read again from its parts.
func FuzzParseControl(f *testing.F) {
	for _, s := range []string{"610402=6448.92", "330902/01=35.10", "330902/=1", "610402=1e3", "610402=0x10", "610402=.5", "61040a=1", "=", "610402=1000000000.01"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := areas.ParseControl(text)
		if err != nil {
			if !hasCode(err, "PARAMETER_CONTROL") {
				t.Fatal(err)
			}
			return
		}
		if len(c.County) != 6 || c.Hundredths < 0 || c.Hundredths > 1e11 {
			t.Fatalf("%q is %+v", text, c)
		}
		if c.Hundredths == 0 { // written with more than two digits, or rounded away
			t.Fatalf("%q is no area: %+v", text, c)
		}
		where := c.County
		if c.Island != "" {
			where += "/" + c.Island
		}
		again, err := areas.ParseControl(fmt.Sprintf("%s=%d.%02d", where, c.Hundredths/100, c.Hundredths%100))
		if err != nil || again != c {
			t.Fatalf("%q is %+v, read again %+v: %v", text, c, again, err)
		}
	})
}
