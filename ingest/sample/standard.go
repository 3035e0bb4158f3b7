package sample

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gengtu/index/geo"
	"gengtu/ingest/source"
)

const (
	// standardPart is the part of the cropland inside high-standard farmland.
	standardPart = 0.4
	// plotLeast and plotMost bound the ground of a plot: up to some 80 patches.
	plotLeast = 6 * hectare
	plotMost  = 48 * hectare
	// renewed is the part of the plots that a later project works on again.
	renewed = 0.1
)

// site is a face with its roads and ditches that may become a plot.
type site struct {
	ring    ring
	village int32
}

// plot is one block of high-standard farmland.
type plot struct {
	shore   []geo.XY // its border, metres from the landscape's corner
	village int32
	renewal bool // of a project that upgrades an earlier one
}

// standard takes sites where a slow noise is high until they hold the wanted part
// of the cropland, so that the plots of neighbouring villages lie together.
func (l *landscape) standard() []plot {
	rng := rand.New(rand.NewPCG(l.seed, streamStandard))
	favour := noise{seed: rng.Uint64(), size: 2600}
	scores := make([]float64, len(l.sites))
	order := make([]int, len(l.sites))
	for i, s := range l.sites {
		order[i] = i
		scores[i] = favour.at(l.villages[s.village].centre) + within(rng, 0, 0.25)
	}
	slices.SortFunc(order, func(a, b int) int {
		if scores[a] != scores[b] {
			return int(math.Copysign(1, scores[b]-scores[a]))
		}
		return a - b
	})
	left := 0.0
	for n := range l.patches {
		if l.patches[n].class.cropland() {
			left += standardPart * l.net(n)
		}
	}
	var plots []plot
	covered := map[int]bool{}
	for _, i := range order {
		if left <= 0 {
			break
		}
		s := l.sites[i]
		points := l.points(l.expand(s.ring))
		p := plot{shore: smooth(rng, points), village: s.village}
		plots = append(plots, p)
		left -= l.cover(p, covered)
		if rng.Float64() < renewed {
			// Across one of the first plot's borders.
			c := centroid(points)
			for k := range points {
				points[k] = mix(mix(points[0], points[k], 0.75), c, -0.15)
			}
			p = plot{shore: smooth(rng, points), village: s.village, renewal: true}
			plots = append(plots, p)
			left -= l.cover(p, covered)
		}
	}
	return plots
}

// cover marks the village's patches of cropland whose centre lies in p and
// returns the ground of those that were not marked before.
func (l *landscape) cover(p plot, covered map[int]bool) float64 {
	lowX, highX := span(p.shore, geo.XY{X: 1})
	lowY, highY := span(p.shore, geo.XY{Y: 1})
	ground := 0.0
	for _, n := range l.members[p.village] {
		if covered[n] || !l.patches[n].class.cropland() {
			continue
		}
		c := l.middle(n)
		if c.X > lowX && c.X < highX && c.Y > lowY && c.Y < highY && geo.InRing(p.shore, c) {
			covered[n] = true
			ground += l.net(n)
		}
	}
	return ground
}

// smooth returns a ring like the given one with rounded corners and a border that
// swings up to 25 m to either side of it, as a planner draws it.
func smooth(rng *rand.Rand, points []geo.XY) []geo.XY {
	const step = 12 // metres between the points that are averaged
	var even []geo.XY
	rest := 0.0
	for i, a := range points {
		b := points[(i+1)%len(points)]
		d := distance(a, b)
		for ; rest < d; rest += step {
			even = append(even, mix(a, b, rest/d))
		}
		rest -= d
	}
	n := len(even)
	// Half the window: 80 m, or a thirtieth of a small ring.
	half := min(80/step, n/30)
	for range 3 {
		round := make([]geo.XY, n)
		for i := range even {
			for k := -half; k <= half; k++ {
				q := even[(i+k+n)%n]
				round[i].X += q.X / float64(2*half+1)
				round[i].Y += q.Y / float64(2*half+1)
			}
		}
		even = round
	}
	swing := min(18, 0.02*float64(n*step))
	var phases [3]float64
	for i := range phases {
		phases[i] = within(rng, 0, 2*math.Pi)
	}
	const every = 3
	out := make([]geo.XY, 0, n/every+1)
	for i := 0; i < n-1; i += every {
		a, b := even[(i+n-1)%n], even[(i+1)%n]
		d := distance(a, b)
		t := 2 * math.Pi * float64(i) / float64(n)
		s := swing * (0.5*math.Sin(3*t+phases[0]) + 0.5*math.Sin(5*t+phases[1]) + 0.4*math.Sin(8*t+phases[2]))
		out = append(out, geo.XY{X: even[i].X + s*(b.Y-a.Y)/d, Y: even[i].Y - s*(b.X-a.X)/d})
	}
	return out
}

// standardFields are the least that records of high-standard farmland hold.
var standardFields = []source.Field{
	text("BSM", 18), text("XMBH", 20), text("XMMC", 100), text("XZQDM", 12), integer("JSND", 4), integer("JCND", 4),
	text("PFWH", 50), {Name: "PFRQ", Kind: source.Date}, {Name: "YSRQ", Kind: source.Date}, text("XMLX", 10),
	text("JSDW", 60), decimal("TZJE", 15, 2), text("GBDKBH", 20), text("DKLX", 10), text("ZLDJ", 20), decimal("MJ", 15, 2),
	text("STAGE", 10), text("SRC_DEPT", 2),
}

// standardValues fills values with the record of plot number n of the given area.
func (l *landscape) standardValues(values []any, n int, p plot, ground geo.Hundredths) {
	v := l.named[p.village]
	project := int(p.village) + 1
	year, kind, sort := int64(2012+p.village%9), "新建", "新增"
	if p.renewal {
		year, kind, sort = int64(2021+p.village%2), "改造提升", "提质改造"
	}
	grade := [...]string{"符合", "符合", "符合", "基本符合", "需要提质改造"}[int(5*l.dice(n, -diceQuality))]
	number := fmt.Sprintf("GBZ%s%d%04d", countyCode, year, project)
	copy(values, []any{
		bsm(layerStandard, n), number, fmt.Sprintf("%s%s%s高标准农田%s项目（示例）", countyName, v.township, v.name, kind),
		v.code, year, year + 1, fmt.Sprintf("示例农建〔%d〕%d号", year, project),
		fmt.Sprintf("%d-03-15", year), fmt.Sprintf("%d-11-20", year+1), kind,
		// 1,500 yuan a mu is the size of the state's grant.
		fmt.Sprintf("虚构建设单位%d", 1+project%7), math.Round(ground.Mu()*1500*100) / 100,
		fmt.Sprintf("%s%05d", number, n+1), sort, grade, ground.M2(),
		"验收", [...]string{"NY", "GT", "SL"}[project%3],
	})
}
