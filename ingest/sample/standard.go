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
	// perPlot is about the number of patches in one plot of a project.
	perPlot = 60
	// renewed is the part of the plots that a later project works on again.
	renewed = 0.07
)

// plot is one block of high-standard farmland.
type plot struct {
	shore   []geo.XY // its border, metres from the landscape's corner
	project int
	village int32
	renewal bool // of a project that upgrades an earlier one
}

// cell is a square of the grid that plots are laid out by.
type cell struct{ i, j int }

// standard lays out the plots: smooth blocks on a skewed grid, taken where a slow
// noise is high until they hold the wanted part of the cropland, so that a
// project's plots lie together.
func (l *landscape) standard() []plot {
	rng := rand.New(rand.NewPCG(l.seed, streamStandard))
	grid := axesAt(l.heading + within(rng, 0.1, 0.35))
	size := math.Sqrt(perPlot * meanPatch / 0.85)
	favour := noise{seed: rng.Uint64(), size: 4.2 * size}

	type field struct {
		at    geo.XY
		patch int
	}
	fields := map[cell][]field{}
	ground := 0.0
	for n := range l.patches {
		if l.patches[n].class.cropland() {
			c := l.middle(n)
			k := cell{int(math.Floor(dot(c, grid.u) / size)), int(math.Floor(dot(c, grid.v) / size))}
			fields[k] = append(fields[k], field{c, n})
			ground += l.net(n)
		}
	}
	type candidate struct {
		cell
		score float64
	}
	var order []candidate
	for k, f := range fields {
		if len(f) >= perPlot/6 {
			order = append(order, candidate{k, favour.at(grid.along(geo.XY{}, float64(k.i)*size, float64(k.j)*size))})
		}
	}
	slices.SortFunc(order, func(a, b candidate) int {
		if a.score != b.score {
			return int(math.Copysign(1, b.score-a.score))
		}
		if a.i != b.i {
			return a.i - b.i
		}
		return a.j - b.j
	})
	var plots []plot
	covered := map[int]bool{}
	projects := map[cell]int{}
	left := ground * standardPart
	take := func(k cell, p plot) {
		for i := k.i - 1; i <= k.i+1; i++ {
			for j := k.j - 1; j <= k.j+1; j++ {
				for _, f := range fields[cell{i, j}] {
					if !covered[f.patch] && inside(p.shore, f.at) {
						covered[f.patch] = true
						left -= l.net(f.patch)
					}
				}
			}
		}
		plots = append(plots, p)
	}
	for _, c := range order {
		if left <= 0 {
			break
		}
		group := cell{c.i >> 1, c.j >> 1}
		if _, ok := projects[group]; !ok {
			projects[group] = len(projects)
		}
		centre := grid.along(geo.XY{}, (float64(c.i)+within(rng, 0.43, 0.57))*size, (float64(c.j)+within(rng, 0.43, 0.57))*size)
		village := l.patches[fields[c.cell][0].patch].village
		take(c.cell, plot{shore: drawPlot(rng, centre, grid, 0.5*size), project: projects[group], village: village})
		if rng.Float64() < renewed {
			centre = grid.along(centre, within(rng, -0.3, 0.3)*size, 0.45*size)
			projects[cell{math.MaxInt, len(plots)}] = len(projects)
			take(c.cell, plot{
				shore: drawPlot(rng, centre, grid, 0.4*size), project: len(projects) - 1, village: village, renewal: true,
			})
		}
	}
	return plots
}

// drawPlot returns a smooth uneven block around centre, counter-clockwise.
func drawPlot(rng *rand.Rand, centre geo.XY, a axes, radius float64) []geo.XY {
	const points = 72
	long, wide := radius*within(rng, 0.86, 1.04), radius*within(rng, 0.86, 1.04)
	power := within(rng, 2.6, 4.4)
	var phases [3]float64
	for i := range phases {
		phases[i] = within(rng, 0, 2*math.Pi)
	}
	out := make([]geo.XY, points)
	for i := range out {
		t := 2 * math.Pi * float64(i) / points
		sin, cos := math.Sincos(t)
		r := 1 / math.Pow(math.Pow(math.Abs(cos), power)+math.Pow(math.Abs(sin), power), 1/power)
		r *= 1 + 0.07*math.Sin(2*t+phases[0]) + 0.05*math.Sin(3*t+phases[1]) + 0.025*math.Sin(7*t+phases[2])
		out[i] = a.along(centre, long*r*cos, wide*r*sin)
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
	year, kind, sort := int64(2012+p.project%9), "新建", "新增"
	if p.renewal {
		year, kind, sort = int64(2021+p.project%2), "改造提升", "提质改造"
	}
	grade := [...]string{"符合", "符合", "符合", "基本符合", "需要提质改造"}[int(5*l.dice(n, -diceQuality))]
	number := fmt.Sprintf("GBZ%s%d%04d", countyCode, year, p.project+1)
	copy(values, []any{
		bsm(layerStandard, n), number, fmt.Sprintf("%s%s高标准农田%s项目（示例%d）", countyName, v.township, kind, p.project+1),
		v.code, year, year + 1, fmt.Sprintf("示例农建〔%d〕%d号", year, p.project+1),
		fmt.Sprintf("%d-03-15", year), fmt.Sprintf("%d-11-20", year+1), kind,
		"虚构建设单位" + fmt.Sprint(1+p.project%7), math.Round(ground.Mu()*1500*100) / 100,
		fmt.Sprintf("%s%04d", number, n+1), sort, grade, ground.M2(),
		"验收", [...]string{"NY", "GT", "SL"}[p.project%3],
	})
}
