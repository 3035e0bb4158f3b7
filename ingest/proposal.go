package ingest

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"gengtu/index/geo"
)

// reading is how the coordinates of a file are read: in which system, and whether
// their two numbers are exchanged first.
type reading struct {
	crs     geo.CRS
	swapped bool
}

// place returns where a coordinate as delivered lies, in degrees; ok is false when
// the system does not take it.
func (r reading) place(p geo.XY) (at geo.LonLat, ok bool) {
	if r.swapped {
		p = geo.XY{X: p.Y, Y: p.X}
	}
	if r.crs.Check(p) != nil {
		return geo.LonLat{}, false
	}
	return r.crs.Inverse(p), true
}

// delivered undoes place.
func (r reading) delivered(at geo.LonLat) geo.XY {
	p := r.crs.Forward(at)
	if r.swapped {
		p = geo.XY{X: p.Y, Y: p.X}
	}
	return p
}

// beyondZone is how far beyond its zone, in degrees, the data of a county may go that
// lies on the border of two and is delivered in one.
const beyondZone = 1.5

// near tells whether p lies in the zone, or as near to it as delivered data may.
func (r reading) near(p geo.LonLat) bool {
	width, _ := r.crs.Zone()
	return width == 0 || math.Abs(p.Lon-r.crs.CentralMeridian()) <= float64(width)/2+beyondZone
}

// systems are the readings that coordinates may be meant by, as geo lists them: zones
// of 3 degrees before those of 6 that project alike.
func systems() []reading {
	codes := []int{4490, 3857}
	for code := 4513; code <= 4554; code++ {
		codes = append(codes, code)
	}
	for code := 4491; code <= 4512; code++ {
		codes = append(codes, code)
	}
	var out []reading
	for _, code := range codes {
		c, err := geo.EPSG(code)
		if err != nil {
			continue // not one of these codes
		}
		same := func(o reading) bool {
			return c.GaussKrueger() && o.crs.CentralMeridian() == c.CentralMeridian() && o.crs.FalseEasting() == c.FalseEasting()
		}
		if !slices.ContainsFunc(out, same) {
			out = append(out, reading{c, false}, reading{c, true})
		}
	}
	return out
}

// maxProposals is how many readings a message names: more are no help.
const maxProposals = 3

// propose returns the readings, other than now, by which coordinates as delivered lie
// in want, degrees, or not farther than margin from it: corners are those of a box
// around them, and all of them must be possible, the middle in want. The likeliest
// comes first: the whole box in want, then nearer to its middle.
func propose(now *reading, corners []geo.XY, want area, margin float64) []reading {
	type candidate struct {
		reading
		outside int
		far     float64
	}
	var found []candidate
	for _, r := range systems() {
		if now != nil && alike(*now, r) {
			continue
		}
		box, ok := r.box(corners)
		if !ok || !want.holds(box.middle(), margin) || !r.near(box.middle()) {
			continue
		}
		c := candidate{reading: r, far: math.Hypot(box.middle().Lon-want.middle().Lon, box.middle().Lat-want.middle().Lat)}
		if !want.contains(box, margin) {
			c.outside = 1
		}
		found = append(found, c)
	}
	slices.SortStableFunc(found, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.outside, b.outside), cmp.Compare(a.far, b.far))
	})
	var out []reading
	for _, c := range found {
		if c.outside == found[0].outside {
			out = append(out, c.reading)
		}
	}
	return out
}

// alike tells whether two readings put every coordinate in the same place.
func alike(a, b reading) bool {
	return a.swapped == b.swapped && (a.crs == b.crs || a.crs.GaussKrueger() && b.crs.GaussKrueger() &&
		a.crs.CentralMeridian() == b.crs.CentralMeridian() && a.crs.FalseEasting() == b.crs.FalseEasting())
}

// box returns the box around corners as delivered; ok is false when one of them is not
// possible.
func (r reading) box(corners []geo.XY) (out area, ok bool) {
	out = noArea()
	for _, p := range corners {
		at, ok := r.place(p)
		if !ok {
			return out, false
		}
		out = out.join(area{at.Lon, at.Lat, at.Lon, at.Lat})
	}
	return out, len(corners) > 0
}

// corners returns the corners of a box, in degrees, as they were delivered.
func (r reading) corners(a area) []geo.XY {
	return []geo.XY{
		r.delivered(geo.LonLat{Lon: a[0], Lat: a[1]}), r.delivered(geo.LonLat{Lon: a[2], Lat: a[1]}),
		r.delivered(geo.LonLat{Lon: a[2], Lat: a[3]}), r.delivered(geo.LonLat{Lon: a[0], Lat: a[3]}),
	}
}

// flags returns the flags by which a file is read so; file is "" where it is the only
// one.
func (r reading) flags(file string) string {
	out := "--crs " + r.crs.String()
	if file != "" {
		out = fmt.Sprintf("--crs %q", file+"="+r.crs.String())
	}
	if r.swapped {
		if file == "" {
			file = AllFiles
		}
		out += fmt.Sprintf(" --swap-xy %q", file)
	}
	return strings.ReplaceAll(out, fmt.Sprintf("%q", AllFiles), AllFiles)
}

// names lists readings for a person: the systems, and how to have a file read so.
func names(all []reading, file string) (zh, en string) {
	var flags []string
	for _, r := range all {
		flags = append(flags, r.flags(file))
	}
	return strings.Join(flags, " 或 "), strings.Join(flags, " or ")
}
