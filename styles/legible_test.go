package styles_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"gengtu/styles"
)

// lab is a colour in CIE L*a*b* (CIE 15:2004, D65).
type lab [3]float64

// linear returns the linear components of an sRGB colour (IEC 61966-2-1).
func linear(c [3]float64) (out [3]float64) {
	for i, v := range c {
		if v /= 255; v <= 0.04045 {
			out[i] = v / 12.92
		} else {
			out[i] = math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	return out
}

func toLab(lin [3]float64) lab {
	f := func(t float64) float64 {
		if t > 216.0/24389 {
			return math.Cbrt(t)
		}
		return (24389.0/27*t + 16) / 116
	}
	x := f((0.4124*lin[0] + 0.3576*lin[1] + 0.1805*lin[2]) / 0.9505)
	y := f(0.2126*lin[0] + 0.7152*lin[1] + 0.0722*lin[2])
	z := f((0.0193*lin[0] + 0.1192*lin[1] + 0.9505*lin[2]) / 1.089)
	return lab{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

// The ways of seeing: normal, and the two common kinds of colour blindness as
// linear maps of linear RGB (Viénot, Brettel and Mollon 1999).
var sights = []struct {
	name string
	m    [3][3]float64
}{
	{"all colours", [3][3]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}},
	{"no red", [3][3]float64{{0.11238, 0.88762, 0}, {0.11238, 0.88762, 0}, {0.00401, -0.00401, 1}}},
	{"no green", [3][3]float64{{0.29275, 0.70725, 0}, {0.29275, 0.70725, 0}, {-0.02234, 0.02234, 1}}},
}

// combination is what a set of layers looks like: the fill, and the lines of the
// hatching over it, which equal the fill where there is none.
type combination struct {
	name        string
	fill, lines lab
}

// combinations returns the eight combinations of the three farmland layers, seen
// through m.
func combinations(zoom float64, class string, m [3][3]float64) []combination {
	s := styles.Default()
	var out []combination
	for mask := range 8 {
		fill := [3]float64{float64(s.Background.R), float64(s.Background.G), float64(s.Background.B)}
		paint := func(c [3]float64, color styles.Color, a float64) [3]float64 {
			for i, v := range [3]uint8{color.R, color.G, color.B} {
				c[i] = c[i]*(1-a) + float64(v)*a
			}
			return c
		}
		c, hatch := combination{}, styles.Layer{}
		for i, n := range []string{"cropland", "pbf", "hsf"} {
			if mask>>i&1 == 0 {
				continue
			}
			l := s.Layer(n)
			c.name += " " + n
			fill = paint(fill, fillOf(l, class), l.Fill.Opacity.At(zoom))
			if l.Hatch.Width > 0 {
				hatch = l
			}
		}
		c.fill = seen(fill, m)
		c.lines = seen(paint(fill, hatch.Hatch.Color, hatch.Hatch.Opacity.At(zoom)), m)
		out = append(out, c)
	}
	return out
}

func seen(c [3]float64, m [3][3]float64) lab {
	lin, through := linear(c), [3]float64{}
	for i, row := range m {
		through[i] = max(0, row[0]*lin[0]+row[1]*lin[1]+row[2]*lin[2])
	}
	return toLab(through)
}

func difference(a, b lab) float64 {
	return math.Sqrt((a[0]-b[0])*(a[0]-b[0]) + (a[1]-b[1])*(a[1]-b[1]) + (a[2]-b[2])*(a[2]-b[2]))
}

// Every combination of the three farmland layers must look different from every
// other, for the colour-blind too, by fill or by hatching, outlines left aside. A
// difference of 2.3 can just be seen in areas, 10 at a glance; a thin line needs
// more.
func TestCombinationsDiffer(t *testing.T) {
	const areas, lines = 10, 25
	for _, zoom := range []float64{9, 12, 15} {
		for _, class := range []string{"", "0101", "0102", "0103"} {
			for _, sight := range sights {
				all := combinations(zoom, class, sight.m)
				for i, a := range all {
					where := fmt.Sprintf("%s, zoom %v, class %q:", sight.name, zoom, class)
					hatched := strings.Contains(a.name, "hsf")
					if d := difference(a.fill, a.lines); hatched && d < lines {
						t.Errorf("%s the hatching over [%s] differs from it by %.1f only", where, a.name, d)
					}
					for _, b := range all[:i] {
						if d := difference(a.fill, b.fill); hatched == strings.Contains(b.name, "hsf") && d < areas {
							t.Errorf("%s [%s] and [%s] differ by %.1f only", where, a.name, b.name, d)
						}
					}
				}
			}
		}
	}
}

// What stands beside each other in a legend, and any two classes of cropland, must look
// different at a glance, for the colour-blind too, on the map's background. Ranks stand in
// groups of one colour each.
func TestLegendsDiffer(t *testing.T) {
	const least = 9
	s := styles.Default()
	look := func(e styles.LegendEntry, m [3][3]float64) lab {
		var c [3]uint8
		if _, err := fmt.Sscanf(e.Fill, "#%02x%02x%02x", &c[0], &c[1], &c[2]); err != nil {
			t.Fatal(err)
		}
		var out [3]float64
		for i, ground := range [3]uint8{s.Background.R, s.Background.G, s.Background.B} {
			out[i] = float64(ground)*(1-e.FillOpacity) + float64(c[i])*e.FillOpacity
		}
		return seen(out, m)
	}
	compared := 0
	for _, sheet := range append([]*styles.Sheet{s}, s.Styles...) {
		for _, name := range []string{"dltb", "cropland", "pbf", "quality", "soil"} {
			entries := sheet.Legend(styles.Shown{Name: name, Fields: []string{"DLBM", "GDPDJB", "GDDJ", "GDDB", "TRHJLB"}})[0].Entries
			for i, a := range entries {
				for k, b := range entries[:i] {
					if k != i-1 && !(strings.HasPrefix(a.Value, "01") && strings.HasPrefix(b.Value, "01")) || sheet.Layer(name).ClassField == "GDDB" && a.Fill == b.Fill {
						continue
					}
					for _, sight := range sights {
						compared++
						if d := difference(look(a, sight.m), look(b, sight.m)); d < least {
							t.Errorf("%s, %s: %s (%s) and %s (%s) differ by %.1f only", name, sight.name, b.Label.En, b.Fill, a.Label.En, a.Fill, d)
						}
					}
				}
			}
		}
	}
	if compared < 200 {
		t.Errorf("%d pairs were compared: the test would prove little", compared)
	}
}
