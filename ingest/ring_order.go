package ingest

import (
	"slices"

	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/index/problem"
	"gengtu/ingest/source"
)

// RingOrderCode is the code of findings about the direction of rings.
const RingOrderCode = "RING_ORDER"

// ringOrder lists rings that run against the direction that their format asks for. They
// are read by what lies in what, so no ground changes by turning them round: it is a mend
// all the same, which a strict run refuses where the format requires the direction, and
// notes where the format has its readers take both ([source.ShellsCounterClockwise]).
//
// Of rings that cross, or that had to be taken apart, no direction can be told; nor of
// those of a file whose axes were exchanged, which turns each round.
func (l *layerRun) ringOrder(s *sourceRun, polygons [][][]geo.XY, j *judged) {
	order := s.reader.Layer().RingOrder
	if order == source.AnyOrder || s.swapped || slices.ContainsFunc(j.broken, redrawn) {
		return
	}
	first, wrong := geo.XY{}, 0
	for _, p := range polygons {
		for i, r := range p {
			a := doubleArea(r)
			clockwise := (i == 0) == (order == source.ShellsClockwise)
			if a == 0 || (a < 0) == clockwise {
				continue
			}
			if wrong++; wrong == 1 {
				first = r[0]
			}
		}
	}
	if wrong == 0 {
		return
	}
	at := s.crs.Inverse(first)
	p := problem.New(RingOrderCode, "环方向与格式的规定相反（外环应%[1]s），%[3]d 个环已调转，面积不变；第一处在 %.9[4]f, %.9[5]f",
		"rings run against the direction that the format asks for (shells %[2]s): %[3]d turned round, no area changes; the first at %.9[4]f, %.9[5]f",
		directionZh[order], directionEn[order], wrong, at.Lon, at.Lat)
	act := Mended
	switch {
	case !l.run.opt.Strict:
		j.mended = true
	case order == source.ShellsClockwise:
		act = Refused
		p = p.Advise("请用能写出标准环方向的软件重新导出，或不加 --strict", "export it again with a program that writes rings as the format has them, or leave out --strict")
	default:
		act = Noted
	}
	j.find(act, p)
	if act == Mended && len(j.broken) == 0 {
		last := &j.findings[len(j.findings)-1]
		last.AreaBefore, last.AreaAfter = j.areaIn, j.AreaM2
	}
}

// The directions in words.
var (
	directionZh = map[source.RingOrder]string{source.ShellsClockwise: "为顺时针", source.ShellsCounterClockwise: "为逆时针"}
	directionEn = map[source.RingOrder]string{source.ShellsClockwise: "clockwise", source.ShellsCounterClockwise: "counter-clockwise"}
)

// redrawn tells whether what was found leaves no ring as it was drawn.
func redrawn(f overlay.Finding) bool {
	return f.Rule != overlay.RepeatedPosition && f.Rule != overlay.RingNotClosed
}

// doubleArea returns twice the signed area of a ring in the plane, positive
// counter-clockwise, closed or not.
func doubleArea(r []geo.XY) float64 {
	sum := 0.0
	for i := 1; i+1 < len(r); i++ {
		sum += (r[i].X-r[0].X)*(r[i+1].Y-r[0].Y) - (r[i+1].X-r[0].X)*(r[i].Y-r[0].Y)
	}
	return sum
}
