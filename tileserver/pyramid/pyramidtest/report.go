package pyramidtest

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"gengtu/index/geo"
)

// Ratio returns drawn through true area.
func (z *Zoom) Ratio() float64 { return z.DrawnM2 / z.TrueM2 }

// WorstClass returns the class whose drawn area is furthest from the true one, as
// a share of it, among those of more than a hundred units.
func (z *Zoom) WorstClass() (class string, ratio float64) {
	ratio = 1
	for _, k := range slices.Sorted(maps.Keys(z.Classes)) {
		v := z.Classes[k]
		if r := v[1] / v[0]; v[0] > 100*z.UnitM2 && math.Abs(r-1) > math.Abs(ratio-1) {
			class, ratio = k, r
		}
	}
	return class, ratio
}

// Limits are the largest differences that pass.
type Limits struct {
	// Layer, Class and Tile bound |drawn ÷ true - 1|; the first two pass within
	// Units square units too.
	Layer, Class, Tile, Units float64
	// Overlap, Gap and Torn are in square units of all tiles of the zoom.
	Overlap, Gap, Torn float64
	// Largest and Packed bound bytes, 0 for any.
	Largest int
	Packed  int64
}

// Asked are the limits that the map is held to.
func Asked() Limits {
	return Limits{Layer: 0.002, Class: 0.01, Tile: 0.01, Units: 1, Largest: 500_000}
}

// Faults lists what of z is beyond limits, with the figures of the whole layer
// that merged shapes have to add up to.
func (z *Zoom) Faults(l Limits, g *Ground) []string {
	var out []string
	fault := func(format string, args ...any) {
		out = append(out, fmt.Sprintf("z%d: ", z.Z)+fmt.Sprintf(format, args...))
	}
	if off := math.Abs(z.DrawnM2 - z.TrueM2); off > l.Layer*z.TrueM2 && off > l.Units*z.UnitM2 || z.DrawnM2 == 0 && z.TrueM2 > 0 {
		fault("drawn %.0f m² of %.0f (ratio %.5f), one unit is %.4g", z.DrawnM2, z.TrueM2, z.Ratio(), z.UnitM2)
	}
	for _, k := range slices.Sorted(maps.Keys(z.Classes)) {
		v := z.Classes[k]
		if off := math.Abs(v[1] - v[0]); off > l.Class*v[0] && off > l.Units*z.UnitM2 {
			fault("class %q drawn %.0f m² of %.0f (ratio %.5f, %+.1f units)", k, v[1], v[0], v[1]/v[0], (v[1]-v[0])/z.UnitM2)
		}
	}
	if math.Abs(z.WorstRatio-1) > l.Tile {
		fault("%s drawn %.5f of its ground, and %d tiles like it", z.WorstTile, z.WorstRatio, z.OffTiles)
	}
	if z.Overlap > l.Overlap {
		fault("features overlap by %.4g units² in %d tiles (%s)", z.Overlap, z.OverlapTiles, z.OverlapAt)
	}
	if z.Gap > l.Gap {
		fault("gaps of %.4g units² in %d tiles (%s)", z.Gap, z.GapTiles, z.GapAt)
	}
	if z.Parcels > 0 && z.Stray > l.Gap {
		fault("%.4g units² are drawn where nothing is, in %d tiles", z.Stray, z.StrayTiles)
	}
	if z.Torn > l.Torn {
		fault("margins differ from the neighbours by %.4g units² in %d of %d pairs of tiles (%s)", z.Torn, z.TornPairs, z.Pairs, z.TornAt)
	}
	if z.Invalid > 0 {
		fault("%d tiles are not valid: %s", z.Invalid, z.Fault)
	}
	if z.OffParcels > 0 || z.Missing > 0 {
		fault("%d parcels are further from their area than a unit along their border (id %d: %.2f), %d are missing", z.OffParcels, z.WorstID, z.WorstParcel, z.Missing)
	}
	if l.Largest > 0 && z.Largest > l.Largest || l.Packed > 0 && z.Packed > l.Packed {
		fault("%d bytes, the largest tile %d", z.Packed, z.Largest)
	}
	return append(out, z.figureFaults(g)...)
}

// figureFaults compares the sums of merged shapes, where there is nothing else.
func (z *Zoom) figureFaults(g *Ground) []string {
	if z.Parcels > 0 {
		return nil
	}
	var area, net int64
	for _, f := range g.features {
		area += f.AreaM2
		net += f.NetM2
	}
	var out []string
	if z.Count != int64(len(g.features)) {
		out = append(out, fmt.Sprintf("z%d: count %d of %d", z.Z, z.Count, len(g.features)))
	}
	// Half a hundredth for each shape.
	slack := 0.005*float64(z.Merged) + 1e-9*float64(area)
	if got := math.Abs(z.AreaM2 - geo.Hundredths(area).M2()); got > slack {
		out = append(out, fmt.Sprintf("z%d: area_m2 %.2f of %.2f", z.Z, z.AreaM2, geo.Hundredths(area).M2()))
	}
	if got := math.Abs(z.NetM2 - geo.Hundredths(net).M2()); got > slack {
		out = append(out, fmt.Sprintf("z%d: net_m2 %.2f of %.2f", z.Z, z.NetM2, geo.Hundredths(net).M2()))
	}
	return out
}

// Header is the line above those of [Zoom.String].
const Header = "z   tiles     bytes  largest |    drawn    union  class           tile≥5%  |  overlap(tiles)       gap(tiles)     stray | margin  torn(pairs)         | parcels  off miss  worst | invalid"

// String is z on one line.
func (z *Zoom) String() string {
	class, ratio := z.WorstClass()
	return fmt.Sprintf("%-2d %6d %9d %8d | %8.5f %8.5f  %-6s %8.5f %8.5f | %9.4g(%d) %9.4g(%d) %8.3g | %3d %9.4g(%d/%d) | %6d %5d %4d %6.2f | %d",
		z.Z, z.Tiles, z.Packed, z.Largest, z.Ratio(), z.UnionM2/z.TrueM2, cmp.Or(class, "-"), ratio, z.WorstRatio,
		z.Overlap, z.OverlapTiles, z.Gap, z.GapTiles, z.Stray, z.Margin, z.Torn, z.TornPairs, z.Pairs,
		z.Parcels, z.OffParcels, z.Missing, z.WorstParcel, z.Invalid)
}
