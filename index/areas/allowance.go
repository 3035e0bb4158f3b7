package areas

import (
	"context"

	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
)

// Allowance is what keeps to a policy's bounds on shapes that are asked about: it refuses
// one in CGCS2000 (EPSG:4490) by a problem POLICY; nil where there are none. Safe for
// concurrent use; its other errors are ctx's and those of [Size].
func Allowance(p *edition.Policy) func(context.Context, geo.MultiPolygon) error {
	most, least := p.MaxAOIM2, p.MinAOIM2
	if most == 0 && least == 0 {
		return nil
	}
	return func(ctx context.Context, m geo.MultiPolygon) error {
		// No shape is larger than its box, which costs nothing to measure.
		if b := m.Box(); least == 0 && !b.Empty() && geo.CellArea(b.Min.LonLat(), b.Max.LonLat()) <= most {
			return nil
		}
		a, err := Size(ctx, m)
		if err != nil {
			return err
		}
		if most > 0 && a > most {
			return problem.New("POLICY", "范围 %.4g km²，本版最多答 %.4g km²", "the shape has %.4g km², this edition answers up to %.4g km²", a/1e6, most/1e6).
				Advise("缩小范围", "ask about a smaller shape")
		}
		if a < least {
			return problem.New("POLICY", "范围 %.1f m²，本版最少答 %v m²", "the shape has %.1f m², this edition answers from %v m²", a, least).
				Advise("扩大范围", "ask about a larger shape")
		}
		return nil
	}
}
