package styles_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"gengtu/ingest/profiles"
	"gengtu/styles"
)

// look is what tells a layer from others on a map: its fills over bare ground, one for each
// class, and its outline as they are seen, and by what it differs without any colour.
type look struct {
	fills []lab
	line  lab
	signs string
	field string // of its classes
}

func lookOf(l styles.Layer, m [3][3]float64) look {
	const zoom = styles.LegendZoom
	ground := styles.Default().Background
	over := func(c styles.Color, a float64) lab {
		var out [3]float64
		for i, v := range [3][2]uint8{{c.R, ground.R}, {c.G, ground.G}, {c.B, ground.B}} {
			out[i] = float64(v[0])*a + float64(v[1])*(1-a)
		}
		return seen(out, m)
	}
	out := look{line: over(l.Line.Color, l.Line.Opacity.At(zoom)), signs: fmt.Sprint("dash ", l.Line.Dash), field: l.ClassField}
	if l.Hatch.Width > 0 {
		out.signs += fmt.Sprintf(", %s lines every %d", l.Hatch.Lines, l.Hatch.Spacing)
	}
	if l.Fill.Opacity.At(zoom) == 0 {
		out.signs += ", no fill"
	}
	for _, c := range l.Classes {
		out.fills = append(out.fills, over(c.Fill, l.Fill.Opacity.At(zoom)))
	}
	out.fills = append(out.fills, over(l.Fill.Color, l.Fill.Opacity.At(zoom)))
	return out
}

// alike tells whether a feature of one may be taken for one of the other. Classes by two
// fields are told apart by their legends.
func (p look) alike(q look) bool {
	const areas, lines = 10, 20
	if p.signs != q.signs || difference(p.line, q.line) >= lines || p.field != q.field && p.field != "" && q.field != "" {
		return false
	}
	return slices.ContainsFunc(p.fills, func(a lab) bool {
		return slices.ContainsFunc(q.fills, func(b lab) bool { return difference(a, b) < areas })
	})
}

// Each theme that an edition may hold has a look of its own, none that of layers nobody
// knows: any two differ in their signs (hatching, broken outlines) or, to all eyes, in the
// colour of their fills or their outline.
func TestThemesDiffer(t *testing.T) {
	sheet := styles.Default()
	known, err := profiles.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	var themes []styles.Layer
	for _, p := range known.All() {
		name := p.Name
		i := slices.IndexFunc(sheet.Layers, func(l styles.Layer) bool { return l.Name == name })
		if none := name == "xzqjx" || name == "dltbgxgc"; none != (i < 0) { // boundary lines, and records without ground
			t.Errorf("%s has a look of its own: %t", name, i >= 0)
		} else if i >= 0 {
			themes = append(themes, sheet.Layers[i])
		}
	}
	if len(themes) != len(sheet.Layers) {
		t.Errorf("the sheet has %d layers, %d of them known", len(sheet.Layers), len(themes))
	}
	for _, sight := range sights {
		for i, a := range themes {
			for _, b := range append(themes[:i:i], sheet.Unknown) {
				if p, q := lookOf(a, sight.m), lookOf(b, sight.m); p.alike(q) {
					t.Errorf("%s: %s and %q look alike: outlines differ by %.1f, both have %s", sight.name, a.Name, b.Name, difference(p.line, q.line), p.signs)
				}
			}
		}
	}
}

// Lines cover as much of a pattern as their width says, however they run, and each way is
// another picture.
func TestHatchLines(t *testing.T) {
	const width, spacing = 1.2, 16
	slanted := width * math.Sqrt2 / spacing
	shares := map[styles.Lines]float64{
		styles.LinesRising: slanted, styles.LinesFalling: slanted, styles.LinesCrossed: 1 - (1-slanted)*(1-slanted), styles.LinesLevel: width / spacing, styles.LinesUpright: width / spacing,
	}
	for _, ratio := range []int{1, 2} {
		cover := map[styles.Lines][]uint8{}
		side := spacing * ratio
		for lines, want := range shares {
			c := styles.Hatch{Width: width, Spacing: spacing, Lines: lines}.Coverage(ratio)
			cover[lines] = c
			sum := 0.0
			for _, v := range c {
				sum += float64(v) / 255
			}
			if got := sum / float64(len(c)); math.Abs(got-want) > 0.005 {
				t.Errorf("%s, %d: %.4f are covered, want %.4f", lines, ratio, got, want)
			}
		}
		for i := range side * side {
			x, y := i%side, i/side
			if cover[styles.LinesFalling][i] != cover[styles.LinesRising][y*side+side-1-x] {
				t.Fatalf("falling is not rising from the other side at %d, %d", x, y)
			}
			if cover[styles.LinesUpright][i] != cover[styles.LinesLevel][x*side+y] {
				t.Fatalf("upright is not level turned at %d, %d", x, y)
			}
		}
	}
}
