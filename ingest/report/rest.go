package report

import (
	"encoding/binary"
	"math"

	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/ingest/check"
)

// MostMapped is how many faults of a rule, beyond those that are listed, go into the
// shapefiles and onto the map.
const MostMapped = 100_000

// unlisted keeps a fault that is not listed, in a passing file; it is
// [check.Options].Unlisted.
func (r *recorder) unlisted(f *check.Fault) error {
	b := binary.AppendUvarint(nil, uint64(r.reading)) //nolint:gosec // not negative
	b = appendText(appendText(appendText(b, f.Rule), f.Layer), f.Vintage)
	b = binary.AppendUvarint(b, uint64(max(f.Record, 0))) //nolint:gosec // not negative
	b = appendText(appendText(b, cut(f.Key, maxKey)), cut(f.Other, maxKey))
	b = binary.AppendVarint(binary.AppendVarint(b, f.At.Lon), f.At.Lat)
	b = appendText(b, string(binary.LittleEndian.AppendUint64(nil, math.Float64bits(f.AreaM2))))
	b = appendText(b, cut(f.Problem.Found(problem.Chinese), dbfText))
	return r.rest.put(appendShape(b, f.Shape))
}

// rest are the faults that a report does not list. The zero value has none.
type rest struct {
	file shapeFile
	void map[int]bool // layers that were read anew, by their numbers from 1
}

// rest hands the kept faults over; nothing is kept after.
func (r *recorder) handOver() (rest, error) {
	out := rest{file: r.rest, void: map[int]bool{}}
	r.rest = shapeFile{}
	for i, l := range r.layers {
		out.void[i+1] = l.void
	}
	return out, out.file.flush()
}

// eachMapped calls visit with the faults that go into the shapefiles and onto the map:
// those that are listed, then of each rule the first [MostMapped] of the others, in the
// order in which they were found. Those have no Number and their Chinese text alone. The
// ground at fault is valid during the call.
func (r *Report) eachMapped(visit func(f *Fault, ground geo.MultiPolygon) error) error {
	places := map[string]int{}
	for i := range r.Rules {
		places[r.Rules[i].Number] = i
	}
	for i := range r.Faults {
		f, ground := &r.Faults[i], geo.MultiPolygon(nil)
		if f.found != nil {
			ground = f.found.Shape
		}
		if err := visit(f, ground); err != nil {
			return err
		}
	}
	given := map[string]int{}
	var s stored
	return r.rest.file.each(func(b []byte) error {
		c := cursor{b: b}
		layer := c.number()
		f := Fault{Rule: string(c.text()), Layer: string(c.text()), Vintage: string(c.text()), Record: int64(c.number()), BSM: string(c.text()), OtherBSM: string(c.text())}
		at := geo.Position{Lon: c.difference(), Lat: c.difference()}
		area := c.text()
		f.TextZh = string(c.text())
		rule, ok := places[f.Rule]
		if c.damaged || len(area) != 8 || !ok {
			return errShapes
		}
		if err := s.shape(&c); err != nil {
			return err
		}
		if r.rest.void[layer] || given[f.Rule] >= MostMapped {
			return nil
		}
		given[f.Rule]++
		f.rule, f.AdviceZh = rule, r.Rules[rule].AdviceZh
		if m := math.Float64frombits(binary.LittleEndian.Uint64(area)); !math.IsNaN(m) {
			f.AreaM2 = &m
		}
		if at != (geo.Position{}) {
			p := at.LonLat()
			f.Lon, f.Lat = &p.Lon, &p.Lat
		}
		return visit(&f, s.polygons)
	})
}

// countMapped counts the faults that the shapefiles hold.
func (r *Report) countMapped() error {
	return r.eachMapped(func(f *Fault, _ geo.MultiPolygon) error {
		r.Rules[f.rule].Mapped++
		r.Summary.Mapped++
		return nil
	})
}

// Close gives up what the report holds on the disk. What is not written by then can no
// more be.
func (r *Report) Close() error { return r.rest.file.close() }
