package overlay

import (
	"math/rand/v2"
	"testing"

	"gengtu/index/geo"
)

// A box that an upright border runs through lies across it, also where the
// border's ends and the level borders that it joins lie far above and below the
// box.
func TestPreparedSideUpright(t *testing.T) {
	at := func(x0, y0, x1, y1 int64) geo.Box {
		return geo.Box{Min: geo.Position{Lon: 1e12 + x0*1e6, Lat: 3e11 + y0*1e6}, Max: geo.Position{Lon: 1e12 + x1*1e6, Lat: 3e11 + y1*1e6}}
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		n := func() int64 { return int64(rng.IntN(12)) }
		var aoi geo.MultiPolygon
		for range 1 + rng.IntN(3) {
			x, y := n(), n()
			aoi = append(aoi, at(x, y, x+1+n(), y+1+n()).Polygon())
		}
		aoi, _, err := Mend(aoi)
		if err != nil || len(aoi) == 0 {
			continue
		}
		p := Prepare(aoi)
		x, y := n(), n()
		box := at(x, y, x+1+n(), y+1+n())
		shared, area := SharedArea(aoi, geo.MultiPolygon{box.Polygon()}), geo.Area(geo.MultiPolygon{box.Polygon()})
		switch side := p.Side(box); {
		case side == Inside && shared < area*(1-1e-9):
			t.Fatalf("%v: Inside, but shares %v of %v m² with %v", box, shared, area, aoi)
		case side == Outside && shared > area*1e-9:
			t.Fatalf("%v: Outside, but shares %v of %v m² with %v", box, shared, area, aoi)
		}
	}
}
