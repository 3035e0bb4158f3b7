package check

import (
	"math"
	"slices"

	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// brokenChecks are the checks that stand for the rules of rings; the others are
// ring-fault.
var brokenChecks = map[overlay.Rule]string{
	overlay.RepeatedPosition: "repeated-point",
	overlay.RingTouchesSelf:  "self-touch",
	overlay.RingCrossesSelf:  "self-crossing",
}

// findAt notes a fault at a place, about an area or NaN.
func (j *judging) findAt(check string, at geo.Position, areaM2 float64, zh, en string, args ...any) {
	for _, r := range j.layer.rules[check] {
		j.note.found = append(j.note.found, found{rule: r, place: place{at: at}, zh: zh, en: en, args: args, areaM2: areaM2})
	}
}

// shapes asks the rules about a feature's shape alone.
func (j *judging) shapes() {
	for i, b := range j.f.Broken {
		if b.Rule == overlay.NothingLeft || b.Rule == overlay.RingTouchesSelf && spiked(j.f.Broken, i) {
			continue
		}
		check, ok := brokenChecks[b.Rule]
		if !ok {
			check = "ring-fault"
		}
		j.findAt(check, b.At, math.NaN(), "第 %d 部分第 %d 环，%d 处（%s）", "part %d, ring %d, %d in all (%s)", b.Polygon+1, b.Ring+1, b.Count, b.Rule)
	}
	if n := len(j.f.Delivered); n > 1 {
		j.find("multipart", "%d 个部件", "%d parts", n)
	}
	at := geo.Position{} // the feature's own
	for _, r := range j.layer.rules["sliver"] {
		if limit := r.threshold("below_m2"); j.f.AreaM2 < limit {
			j.note.found = append(j.note.found, found{rule: r, place: place{at: at}, areaM2: j.f.AreaM2,
				zh: "面积 %.2f m²，小于 %v m²", en: "its area is %.2f m², below %v m²", args: []any{j.f.AreaM2, limit}})
		}
	}
	if !j.redrawn() {
		j.border()
	}
}

// spiked tells whether the ring of finding i has a spike: then that is why it touches
// itself.
func spiked(list []overlay.Finding, i int) bool {
	return slices.ContainsFunc(list, func(b overlay.Finding) bool {
		return b.Rule == overlay.RingSpike && b.Polygon == list[i].Polygon && b.Ring == list[i].Ring
	})
}

// redrawn tells whether the shape had to be read in another way than it was drawn: its
// lengths, angles and area are then not the delivery's.
func (j *judging) redrawn() bool {
	for _, b := range j.f.Broken {
		if b.Rule != overlay.RepeatedPosition && b.Rule != overlay.RingTouchesSelf && b.Rule != overlay.RingNotClosed {
			return true
		}
	}
	return false
}

// border asks the rules about the lengths and angles of a feature's border. Distances are
// right to 0.5 %.
func (j *judging) border() {
	k := metresAt(j.note.box.Min.Lat/2 + j.note.box.Max.Lat/2)
	b := borderWalk{scale: k, shortest: math.Inf(1), sharpest: math.Inf(1)}
	for _, p := range j.f.Geometry {
		for _, r := range p {
			b.ring(r)
		}
	}
	for _, r := range j.layer.rules["short-edge"] {
		if limit := r.threshold("below_m"); b.shortest < limit {
			j.note.found = append(j.note.found, found{rule: r, place: place{at: b.shortAt}, areaM2: math.NaN(),
				zh: "最短 %.4f m，小于 %v m", en: "the shortest has %.4f m, below %v m", args: []any{b.shortest, limit}})
		}
	}
	for _, r := range j.layer.rules["sharp-angle"] {
		limit := r.threshold("below_degrees")
		if angle := b.sharpest * 180 / math.Pi; angle < limit {
			j.note.found = append(j.note.found, found{rule: r, place: place{at: b.sharpAt}, areaM2: math.NaN(),
				zh: "最小 %.2f°，小于 %v°", en: "the sharpest has %.2f°, below %v°", args: []any{angle, limit}})
		}
	}
	for _, r := range j.layer.rules["narrow"] {
		limit := r.threshold("below_m")
		if width := 2 * j.f.AreaM2 / b.long; width < limit {
			j.note.found = append(j.note.found, found{rule: r, areaM2: math.NaN(),
				zh: "平均宽度 %.3f m，小于 %v m", en: "its mean width is %.3f m, below %v m", args: []any{width, limit}})
		}
	}
}

// borderWalk measures a border: its length, its shortest edge, its sharpest angle in
// radians.
type borderWalk struct {
	scale              scale
	long               float64
	shortest, sharpest float64
	shortAt, sharpAt   geo.Position
}

// sharp is an angle, in radians, above which none is measured: 30°. No rule asks for
// more, and most corners need no more than two products.
const sharp = math.Pi / 6

func (b *borderWalk) ring(r geo.Ring) {
	n := len(r) - 1
	if n < 3 {
		return
	}
	var sharpCos = math.Cos(sharp)
	step := func(i int) (x, y, long float64) {
		x, y = b.scale.x*float64(r[i+1].Lon-r[i].Lon), b.scale.y*float64(r[i+1].Lat-r[i].Lat)
		return x, y, math.Sqrt(x*x + y*y)
	}
	px, py, plong := step(n - 1)
	for i := range n {
		x, y, long := step(i)
		b.long += long
		if long < b.shortest {
			b.shortest, b.shortAt = long, r[i]
		}
		// The angle at r[i], between the way back and the way on.
		if dot := -(px*x + py*y); dot > sharpCos*long*plong {
			if a := math.Atan2(math.Abs(px*y-py*x), dot); a < b.sharpest {
				b.sharpest, b.sharpAt = a, r[i]
			}
		}
		px, py, plong = x, y, long
	}
}

// areas asks whether areas of record are the ellipsoidal ones.
func (j *judging) areas() {
	if j.redrawn() {
		return
	}
	if a := j.layer.amounts.patch; a >= 0 {
		j.area("patch-area", a)
	}
	if a := j.layer.control[1]; a >= 0 {
		j.area("computed-area", a)
	}
}

// area compares a recorded area with the survey's of the shape. The survey's own
// computation is costly; where the exact area is near enough to the recorded one, the
// two roundings of a border's points, 1e-6 second each, cannot matter.
func (j *judging) area(check string, field int) {
	rules := j.layer.rules[check]
	if len(rules) == 0 {
		return
	}
	is, ok := number(j.f.Values[field])
	if !ok {
		return
	}
	survey, known := 0.0, false
	for _, r := range rules {
		limit := max(r.threshold("tolerance_m2"), r.threshold("relative")*j.f.AreaM2)
		const rounding = 3e-5 // metres: 1e-6 second of latitude
		if math.Abs(is-j.f.AreaM2)+rounding*j.rough()+0.005 <= limit {
			continue
		}
		if !known {
			survey, known = j.survey(), true
		}
		if d := is - survey; !(math.Abs(d) <= limit+1e-6) {
			j.note.found = append(j.note.found, found{
				rule: r, areaM2: d, zh: "%s 是 %.2f，椭球面积是 %.2f，相差 %.2f（限差 %.2f）", en: "%s is %.2f, the ellipsoidal area %.2f; they differ by %.2f (limit %.2f)",
				args: []any{j.layer.seen.Fields[field].Name, is, survey, d, limit},
			})
		}
	}
}

// rough returns twice half the way round the box of the shape, in metres: most borders are
// not much longer.
func (j *judging) rough() float64 {
	k := metresAt(j.note.box.Min.Lat)
	return 2 * (k.x*float64(j.note.box.Max.Lon-j.note.box.Min.Lon) + k.y*float64(j.note.box.Max.Lat-j.note.box.Min.Lat))
}

// survey returns the area of the shape as the survey books it: from the delivered
// coordinates where they are in a plane and nothing was mended.
func (j *judging) survey() float64 {
	crs := j.layer.seen.Files[j.f.File].CRS
	if crs.GaussKrueger() && len(j.f.Broken) == 0 {
		if a, err := geo.AreaSurvey(crs, j.f.Delivered); err == nil {
			return a.M2()
		}
	}
	if zone, err := geo.SurveyZone(j.f.Geometry); err == nil {
		if a, err := geo.SurveyArea(zone, j.f.Geometry); err == nil {
			return a.M2()
		}
	}
	return geo.HundredthsOf(j.f.AreaM2).M2() // outside the survey's zones
}
