package ingest_test

import (
	"errors"
	"io"
	"math"
	"testing"

	"gengtu/benchmarks/suite"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/ingest"
	"gengtu/ingest/source"
)

// patch is one survey patch of the delivery, as delivered and as stored.
type patch struct {
	record    int64
	booked    geo.Hundredths // TBMJ
	delivered [][][]geo.XY
	stored    geo.MultiPolygon
	mended    bool
}

// patches reads the survey patches of a year and what ingest makes of them.
func patches(t *testing.T, year string) (geo.CRS, []patch) {
	t.Helper()
	path := delivered(t, "delivery", year, "DLTB.shp")
	r, err := source.Open(t.Context(), path, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	crs, err := ingest.SourceCRS(path, r.Layer().CRS)
	if err != nil {
		t.Fatal(err)
	}
	booked := -1
	for i, f := range r.Layer().Fields {
		if f.Name == "TBMJ" {
			booked = i
		}
	}
	var out []patch
	for {
		var f source.Feature
		if err := r.Next(&f); errors.Is(err, io.EOF) {
			return crs, out
		} else if err != nil {
			t.Fatal(err)
		}
		m, err := crs.MultiPolygon(f.Polygons, geo.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		p := patch{record: f.Record, booked: geo.HundredthsOf(f.Values[booked].(float64)), delivered: f.Polygons}
		var findings []overlay.Finding
		if p.stored, findings, err = overlay.Mend(m); err != nil {
			t.Fatal(err)
		}
		p.mended = len(findings) > 0
		out = append(out, p)
	}
}

// ellipsoidal returns the area of the delivered rings at full precision, and the
// variance of it if every coordinate was rounded to 1e-9 degree before.
func (p *patch) ellipsoidal(crs geo.CRS) (area, variance float64) {
	const rounding = 10 // units of 1e-10 degree
	for _, rings := range p.delivered {
		for i, points := range rings {
			r := crs.Ring(points)
			a := math.Abs(geo.RingArea(r))
			if i > 0 {
				a = -a
			}
			area += a
			plane := geo.NewEqualAreaPlane(r[0])
			step := plane.To(geo.Position{Lon: r[0].Lon + rounding, Lat: r[0].Lat + rounding})
			n := len(r) - 1
			for k := range n {
				// Half the distance of the neighbours, times a rounding whose variance is
				// a twelfth of its step's square.
				before, after := plane.To(r[(k+n-1)%n]), plane.To(r[k+1])
				dx, dy := (after.X-before.X)*step.Y, (after.Y-before.Y)*step.X
				variance += (dx*dx + dy*dy) / 4 / 12
			}
		}
	}
	return area, variance
}

// tally counts how far areas lie from booked ones.
type tally struct {
	equal, within int // to the last digit; to 0.01 m²
	worst         geo.Hundredths
	squares       float64 // in units of what rounding explains
}

func (c *tally) add(booked geo.Hundredths, m2, variance float64) {
	d := geo.HundredthsOf(m2) - booked
	d = max(d, -d)
	if d == 0 {
		c.equal++
	}
	if d <= 1 {
		c.within++
	}
	c.worst = max(c.worst, d)
	const twelfth = 0.01 * 0.01 / 12 // of booking to 0.01 m²
	off := m2 - booked.M2()
	c.squares += off * off / (variance + twelfth)
}

// TBMJ of the delivery is the survey's area at full precision, of coordinates
// that were afterwards rounded to 1e-9 degree: every coordinate of the file
// lies on that grid, every area from the file and from what is stored comes
// within 0.01 m² of TBMJ, and the differences scatter as that rounding makes
// them, neither more, as under the rule with its own roundings, nor less.
func TestSurveyAreaOfDelivery(t *testing.T) {
	for _, year := range []string{"2023", "2024"} {
		crs, all := patches(t, year)
		if len(all) != 10_000 {
			t.Fatalf("%s: %d patches", year, len(all))
		}
		var full, stored, rule, storedRule tally
		mended, apart, same := 0, 0.0, 0
		for i := range all {
			p := &all[i]
			for _, rings := range p.delivered {
				for _, points := range rings {
					for _, v := range points {
						v := crs.Inverse(v)
						if off := math.Hypot(v.Lon*1e9-math.Round(v.Lon*1e9), v.Lat*1e9-math.Round(v.Lat*1e9)); off > 1e-3 {
							t.Fatalf("%s: record %d: %v is not on the grid of 1e-9 degree", year, p.record, v)
						}
					}
				}
			}
			area, variance := p.ellipsoidal(crs)
			full.add(p.booked, area, variance)
			booked, err := geo.AreaSurvey(crs, p.delivered)
			if err != nil {
				t.Fatal(err)
			}
			rule.add(p.booked, booked.M2(), variance)
			if p.mended {
				// A pond's ring that crosses its shell: booked as shell less hole,
				// stored by the even-odd rule.
				mended++
				apart = max(apart, math.Abs(geo.Area(p.stored)-p.booked.M2()))
				continue
			}
			stored.add(p.booked, geo.Area(p.stored), variance)
			again, err := geo.SurveyArea(crs, p.stored)
			if err != nil {
				t.Fatal(err)
			}
			storedRule.add(p.booked, again.M2(), variance)
			if again == booked {
				same++
			}
		}
		n := float64(len(all))
		t.Logf("%s: full precision %d equal, %d within 0.01 m², scatter %.3f; stored %d, %d; rule %d, %d, scatter %.3f; stored %d, %d; rule from stored as from file: %d; %d mended, stored up to %.2f m² from booked",
			year, full.equal, full.within, full.squares/n, stored.equal, stored.within, rule.equal, rule.within, rule.squares/n,
			storedRule.equal, storedRule.within, same, mended, apart)
		suite.Count(t, "tbmj", float64(full.within), "parcels")
		if full.within != len(all) || stored.within != len(all)-mended {
			t.Errorf("%s: more than 0.01 m² from TBMJ: %d of the file, %d stored", year, len(all)-full.within, len(all)-mended-stored.within)
		}
		// The mean of 10,000 squares scatters by 0.014.
		if math.Abs(full.squares/n-1) > 0.05 {
			t.Errorf("%s: differences scatter %.3f times as rounding to 1e-9 degree makes them", year, full.squares/n)
		}
		if mended > 10 || same != len(all)-mended {
			t.Errorf("%s: %d mended; by the rule %d from stored as from the file", year, mended, same)
		}
		if rule.squares/n < 1.5 || rule.worst > 2 || storedRule.worst > 2 {
			t.Errorf("%s: by the rule: scatter %.3f, worst %v, stored %v", year, rule.squares/n, rule.worst, storedRule.worst)
		}
	}
}

// Had the delivery stood on the survey's grid of 0.1 mm, as the standard has it,
// the booked area of every patch would come back from what is stored, to the
// last digit.
func TestSurveyAreaOfGrid(t *testing.T) {
	crs, all := patches(t, "2024")
	different := 0
	for i := range all {
		p := &all[i]
		if p.mended {
			continue
		}
		for _, rings := range p.delivered {
			for _, points := range rings {
				for k, v := range points {
					points[k] = geo.XY{X: math.Floor(v.X*1e4+0.5) / 1e4, Y: math.Floor(v.Y*1e4+0.5) / 1e4}
				}
			}
		}
		want, err := geo.AreaSurvey(crs, p.delivered)
		if err != nil {
			t.Fatal(err)
		}
		m, err := crs.MultiPolygon(p.delivered, geo.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if m, _, err = overlay.Mend(m); err != nil {
			t.Fatal(err)
		}
		zone, err := geo.SurveyZone(m)
		if err != nil {
			t.Fatal(err)
		}
		got, err := geo.SurveyArea(zone, m)
		if err != nil {
			t.Fatal(err)
		}
		if got != want {
			different++
		}
	}
	if different > 0 {
		t.Errorf("%d of %d booked areas do not come back", different, len(all))
	}
}
