package forms

import (
	"encoding/json"
	"fmt"
	"html/template"
	"strconv"
	"strings"

	"gengtu/index/analyze"
)

// sankeyView is a diagram of what went from where to where, without what stayed.
type sankeyView struct {
	Height         float64
	Bars           []sankeyBar
	Bands          []sankeyBand
	Unit           string
	Stayed, Parted string // in the unit
}

type sankeyBar struct {
	X, Y, High  float64
	Label, Side string // start or end: where the label stands
	At          float64
	Class       string
}

type sankeyBand struct {
	Path  template.HTMLAttr
	Wide  float64
	Class string
	Title string
}

// The measures of the diagram, in pixels.
const (
	sankeyWidth = 1000
	sankeyBars  = 420 // all bars of a side together
	sankeyGap   = 16  // between bars, which leaves room for their labels
	sankeyLeft  = 230
	sankeyBarW  = 14
)

// sankeyData is the extra of that name: nodes of two sides, and links between them. A
// node's name is its class, @ and its state.
type sankeyData struct {
	Unit  string `json:"unit"`
	Nodes []struct {
		Name  string `json:"name"`
		Title string `json:"title"`
		Side  string `json:"side"`
		Depth int    `json:"depth"`
	} `json:"nodes"`
	Links []struct {
		Source string  `json:"source"`
		Target string  `json:"target"`
		Value  float64 `json:"value"`
	} `json:"links"`
}

// stays tells whether a link leads from a class to itself.
func (d *sankeyData) stays(link int) bool {
	from, _, _ := strings.Cut(d.Links[link].Source, "@")
	to, _, _ := strings.Cut(d.Links[link].Target, "@")
	return from == to
}

// sums returns what moved by node, and in all, and what stayed.
func (d *sankeyData) sums() (byNode map[string]float64, moved, stayed float64) {
	byNode = map[string]float64{}
	for i, l := range d.Links {
		if d.stays(i) {
			stayed += l.Value
			continue
		}
		moved += l.Value
		byNode[l.Source] += l.Value
		byNode[l.Target] += l.Value
	}
	return byNode, moved, stayed
}

// drawSankey draws the extra sankey of an answer; nil where it has none, or nothing moved.
func drawSankey(r *analyze.Result) (*sankeyView, error) {
	extra, ok := r.Extra["sankey"]
	if !ok {
		return nil, nil
	}
	text, err := jsonOf(extra)
	if err != nil {
		return nil, err
	}
	var d sankeyData
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, nil //nolint:nilerr // another question may call something else so
	}
	sums, moved, stayed := d.sums()
	if moved <= 0 {
		return nil, nil
	}
	amount := func(v float64) string { return grouped(strconv.FormatFloat(v, 'f', 2, 64)) }
	v := &sankeyView{Unit: d.Unit, Stayed: amount(stayed), Parted: amount(moved)}
	scale := sankeyBars / moved
	next, x := [2]float64{sankeyGap, sankeyGap}, [2]float64{sankeyLeft, sankeyWidth - sankeyLeft - sankeyBarW}
	top, colour := map[string]float64{}, map[string]string{}
	for i, n := range d.Nodes {
		if sums[n.Name] <= 0 || n.Depth != 0 && n.Depth != 1 {
			continue
		}
		colour[n.Name] = "k" + strconv.Itoa(i%colours)
		b := sankeyBar{X: x[n.Depth], Y: next[n.Depth], High: max(sums[n.Name]*scale, 1), Class: colour[n.Name], Side: "end", At: x[0] - 8}
		if n.Depth == 1 {
			b.Side, b.At = "start", x[1]+sankeyBarW+8
		}
		b.Label = visible(n.Title+" "+n.Side) + "  " + amount(sums[n.Name])
		top[n.Name] = b.Y
		next[n.Depth] += b.High + sankeyGap
		v.Bars = append(v.Bars, b)
	}
	v.Height = max(next[0], next[1])
	for i, l := range d.Links {
		from, known := top[l.Source]
		to, alsoKnown := top[l.Target]
		if d.stays(i) || !known || !alsoKnown {
			continue
		}
		wide := l.Value * scale
		top[l.Source], top[l.Target] = from+wide, to+wide
		a, b, mid := x[0]+sankeyBarW, x[1], (x[0]+sankeyBarW+x[1])/2
		v.Bands = append(v.Bands, sankeyBand{
			Path: template.HTMLAttr(fmt.Sprintf("M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f", a, from+wide/2, mid, from+wide/2, mid, to+wide/2, b, to+wide/2)), //nolint:gosec // digits and the letters of paths alone
			Wide: max(wide, 0.5), Class: colour[l.Source], Title: visible(l.Source+" → "+l.Target) + "  " + amount(l.Value),
		})
	}
	return v, nil
}
