package geo

// ZonesOnGround returns the Gauss-Krueger zones by which points, in metres, easting
// first, lie in ground: all of them, or where no zone does that, one at least. It is what
// [ProposeZone] is for eastings that carry no number of a zone, where it is known what
// the points are about. Zones that have the same central meridian differ in nothing but
// their width, and are both returned; the order is that of codes.
func ZonesOnGround(points []XY, ground Box) []CRS {
	var all, some []CRS
	for code := codeGauss6; code < codeAfterGauss; code++ {
		c := gaussOf(code)
		inside := 0
		for _, p := range points {
			if !finite(p.X) || !finite(p.Y) || !c.holds(p) {
				continue
			}
			at := PositionOf(c.Inverse(p))
			if ground.Contains(Box{Min: at, Max: at}) {
				inside++
			}
		}
		switch {
		case inside == 0:
		case inside == len(points):
			all = append(all, c)
		default:
			some = append(some, c)
		}
	}
	if len(all) == 0 {
		return some
	}
	return all
}
