package benchmarks

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// line is one line of a graph: its name and its points, x from small to large.
type line struct {
	name   string
	points [][2]float64
}

// panel is a graph of milliseconds over something, both on scales of powers of
// ten.
type panel struct {
	title string
	lines []line
}

const (
	panelWidth, panelHeight = 380, 300
	marginLeft, marginTop   = 52, 34
	plotWidth, plotHeight   = 300, 210
)

var colours = []string{"#0a6e3c", "#b5460f", "#3b5ba5", "#8a8a8a", "#7a3b8f"}

// graph draws how processor time grows with the area of the shape, with what its
// border crosses, and with the layer.
func (m measured) graph() string {
	byArea := panel{title: "ms, by area of the shape in km²"}
	byArea.add("gengtu", m.series("Growth/data=landscape/", "gengtu", areaOf))
	for _, by := range []string{"postgis", "postgis-plain", "postgis-combinations"} {
		byArea.add(by, m.series("Ask/data=landscape/", by, areaOf))
	}
	byBorder := panel{title: "ms, by parcels on the shape's border"}
	byBorder.add("gengtu", m.series("Growth/data=landscape/", "gengtu", func(key string) float64 {
		return m.of(key, "gengtu", "parcels-on-border")
	}))
	byLayer := panel{title: "ms, by parcels in the layer, 12 km²"}
	byLayer.add("gengtu", m.series("Growth/", "gengtu", func(key string) float64 {
		if !strings.HasSuffix(key, "/aoi=12km2") {
			return math.NaN()
		}
		return m.of(key, "gengtu", "parcels-in-layer")
	}))
	var b strings.Builder
	panels := []panel{byArea, byBorder, byLayer}
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n", panelWidth*len(panels), panelHeight)
	for i, p := range panels {
		p.draw(&b, i*panelWidth)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// areaOf returns the area in a key such as Ask/data=landscape/aoi=12km2.
func areaOf(key string) float64 {
	var v float64
	_, name, _ := strings.Cut(key, "/aoi=")
	if _, err := fmt.Sscanf(name, "%fkm2", &v); err != nil || strings.Contains(name, "/") {
		return math.NaN()
	}
	return v
}

// series returns the processor time of a program over what at says of each key
// that begins with prefix; NaN leaves a key out.
func (m measured) series(prefix, by string, at func(key string) float64) [][2]float64 {
	var out [][2]float64
	for key := range m {
		if !strings.HasPrefix(key, prefix) {
			continue
		}
		x, y := at(key), m.of(key, by, "cpu-ms/op")
		if !math.IsNaN(x) && !math.IsNaN(y) && x > 0 && y > 0 {
			out = append(out, [2]float64{x, y})
		}
	}
	slices.SortFunc(out, func(a, b [2]float64) int { return slices.Compare(a[:], b[:]) })
	return out
}

// add adds a line, unless it has no points.
func (p *panel) add(name string, points [][2]float64) {
	if len(points) > 0 {
		p.lines = append(p.lines, line{name, points})
	}
}

// draw writes p with its left side at left.
func (p *panel) draw(b *strings.Builder, left int) {
	fmt.Fprintf(b, "<g transform=\"translate(%d %d)\">\n<text y=\"-12\" font-weight=\"bold\">%s</text>\n", left+marginLeft, marginTop, p.title)
	low, high := [2]float64{math.Inf(1), math.Inf(1)}, [2]float64{math.Inf(-1), math.Inf(-1)}
	for _, l := range p.lines {
		for _, v := range l.points {
			for k := range v {
				low[k], high[k] = min(low[k], math.Floor(math.Log10(v[k]))), max(high[k], math.Ceil(math.Log10(v[k])))
			}
		}
	}
	if len(p.lines) == 0 {
		b.WriteString("<text y=\"40\">not measured</text>\n</g>\n")
		return
	}
	for k := range high {
		high[k] = max(high[k], low[k]+1)
	}
	place := func(v [2]float64) (x, y float64) {
		return (math.Log10(v[0]) - low[0]) / (high[0] - low[0]) * plotWidth, plotHeight - (math.Log10(v[1])-low[1])/(high[1]-low[1])*plotHeight
	}
	for e := low[0]; e <= high[0]; e++ {
		x, _ := place([2]float64{math.Pow(10, e), 1})
		fmt.Fprintf(b, "<path d=\"M%.1f 0V%d\" stroke=\"#ddd\"/><text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", x, plotHeight, x, plotHeight+16, power(e))
	}
	for e := low[1]; e <= high[1]; e++ {
		_, y := place([2]float64{1, math.Pow(10, e)})
		fmt.Fprintf(b, "<path d=\"M0 %.1fH%d\" stroke=\"#ddd\"/><text x=\"-6\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", y, plotWidth, y+4, power(e))
	}
	for i, l := range p.lines {
		colour := colours[i%len(colours)]
		fmt.Fprintf(b, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"", colour)
		for _, v := range l.points {
			x, y := place(v)
			fmt.Fprintf(b, "%.1f,%.1f ", x, y)
		}
		b.WriteString("\"/>\n")
		for _, v := range l.points {
			x, y := place(v)
			fmt.Fprintf(b, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n", x, y, colour)
		}
		fmt.Fprintf(b, "<text x=\"8\" y=\"%d\" fill=\"%s\">%s</text>\n", 14+14*i, colour, l.name)
	}
	b.WriteString("</g>\n")
}

// power writes a power of ten.
func power(e float64) string { return strconv.FormatFloat(math.Pow(10, e), 'f', -1, 64) }
