package ingest

import (
	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// drawn finds what is wrong with rings as a file has them and is put right by bringing
// them to CGCS2000: points that follow themselves, rings whose last point is not their
// first. polygons are in the system c.
func drawn(c geo.CRS, polygons [][][]geo.XY) []overlay.Finding {
	var out []overlay.Finding
	for i, p := range polygons {
		for k, r := range p {
			repeated, first := 0, 0
			for v := 1; v < len(r); v++ {
				if r[v] != r[v-1] {
					continue
				}
				if repeated++; repeated == 1 {
					first = v
				}
			}
			if repeated > 0 {
				out = append(out, overlay.Finding{
					Rule: overlay.RepeatedPosition, Polygon: i, Ring: k, At: geo.PositionOf(c.Inverse(r[first])), Count: repeated,
				})
			}
			if len(r) > 1 && r[0] != r[len(r)-1] {
				out = append(out, overlay.Finding{Rule: overlay.RingNotClosed, Polygon: i, Ring: k, At: geo.PositionOf(c.Inverse(r[0])), Count: 1})
			}
		}
	}
	return out
}
