package report

import (
	_ "embed" // of the page's template
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gengtu/ingest"
	"gengtu/ingest/check"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"group":   func(g check.Group) [2]string { return groups[g] },
	"m2":      m2,
	"count":   grouped,
	"english": check.EnglishSeverity,
	"name":    func(path string) string { return clean(filepath.Base(path)) },
	"clean":   clean,
	"px":      func(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) },
	"deref":   func(v *float64) float64 { return *v },
	"add":     func(a, b float64) float64 { return a + b },
}).Parse(pageText))

var groups = map[check.Group][2]string{
	check.Topology: {"拓扑", "topology"}, check.Attribute: {"属性", "attributes"}, check.Unique: {"唯一性", "uniqueness"},
	check.Area: {"面积", "areas"}, check.Structure: {"结构", "structure"},
}

// The limits of the page; what goes beyond them stands in the JSON, and the page says so.
const (
	pageLetters  = 240       // of a text
	pageRows     = 2_000_000 // bytes of rows of faults, about
	pageFindings = 300       // of one action
	rowMarkup    = 320       // bytes of a row without its texts
)

// HTML writes the report as one page that needs nothing beside it: no script, no file, no
// network. It is in Chinese and English side by side; one of them can be hidden. Printed
// on A4 it begins with the verdict, the rules and a place to sign.
func (r *Report) HTML(w io.Writer) error {
	v := pageView{Report: r, Verdict: verdicts[r.Verdict]}
	v.vintages()
	v.rules()
	v.findings()
	if r.pictures != nil {
		v.Map = r.pictures.view(r)
	}
	return page.Execute(w, &v)
}

// pageView is what the template shows beside the report itself.
type pageView struct {
	*Report
	Verdict  [2]string
	Vintages string
	Sections []section
	NotAsked []*Rule
	Kept     []*Rule // asked and not broken
	Mended   []findingRow
	Refused  []findingRow
	Noted    []findingRow
	More     [3]int // mended, refused and noted that are not shown
	Map      *mapView
}

// section is what the page says of one rule that is broken.
type section struct {
	*Rule
	Anchor string
	Grade  int
	Rows   []row
	// Unlisted counts the faults that the page does not list.
	Unlisted int
	Closeups []closeupView
}

// row is a fault in the table of its rule; texts are cut and cleaned.
type row struct {
	Number                        int
	Mark                          string // where it is on the map
	Layer, File, Record, Key, Two string
	Area, LonLat, Plane           string
	Zh, En                        string
}

type findingRow struct {
	File, Key, Zh, En, Before, After string
	Record                           int64
}

func (v *pageView) vintages() {
	var out []string
	seen := map[string]bool{}
	for i := range v.Layers {
		if s := v.Layers[i].Vintage; !seen[s] && s != ingest.Undated {
			seen[s] = true
			out = append(out, clean(s))
		}
	}
	v.Vintages = strings.Join(out, "、")
}

// rules sorts the rules, and fills the tables of those that are broken.
func (v *pageView) rules() {
	marks := map[int]bool{}
	if v.pictures != nil {
		for i := range v.pictures.marks {
			marks[v.pictures.marks[i].Fault] = true
		}
	}
	next := 0
	for i := range v.Rules {
		p := &v.Rules[i]
		first := next
		next += p.Listed
		switch {
		case p.Count == 0 && p.Asked:
			v.Kept = append(v.Kept, p)
			continue
		case p.Count == 0:
			v.NotAsked = append(v.NotAsked, p)
			continue
		}
		s := section{Rule: p, Anchor: "r" + strconv.Itoa(i)}
		for k := first; k < next; k++ {
			f := &v.Faults[k]
			s.Grade = v.grade(f)
			if v.pictures != nil {
				if c := v.pictures.closeups[k]; c != nil {
					s.Closeups = append(s.Closeups, c.view(f))
				}
			}
			r := v.row(p, f)
			if marks[k] {
				r.Mark = "m" + strconv.Itoa(f.Number)
			} else if v.pictures != nil && f.Lon != nil {
				r.Mark = "map"
			}
			s.Rows = append(s.Rows, r)
		}
		v.Sections = append(v.Sections, s)
	}
	share := fairShare(v.Sections)
	for i := range v.Sections {
		s := &v.Sections[i]
		bytes := 0
		n := slices.IndexFunc(s.Rows, func(r row) bool {
			bytes += r.size()
			return bytes > share
		})
		if n >= 0 {
			s.Rows = s.Rows[:n]
		}
		s.Unlisted = s.Count - len(s.Rows)
	}
}

// fairShare returns how many bytes of rows each section may have so that all have at most
// pageRows: what some do not need the others get.
func fairShare(sections []section) int {
	var sizes []int
	for i := range sections {
		size := 0
		for k := range sections[i].Rows {
			size += sections[i].Rows[k].size()
		}
		sizes = append(sizes, size)
	}
	slices.Sort(sizes)
	left := pageRows
	for i, size := range sizes {
		if share := left / (len(sizes) - i); size > share {
			return share
		}
		left -= size
	}
	return pageRows
}

// size returns about how many bytes a row has.
func (r *row) size() int {
	return rowMarkup + len(r.Layer+r.File+r.Key+r.Two+r.Area+r.LonLat+r.Plane+r.Zh+r.En)
}

func (v *pageView) row(p *Rule, f *Fault) row {
	r := row{
		Number: f.Number, Layer: clean(f.Layer + "@" + f.Vintage), File: clean(filepath.Base(f.File)), Key: clean(cut(f.BSM, 40)), Two: clean(cut(f.OtherBSM, 60)),
		Zh: detail(f.TextZh, p.TitleZh+"："), En: detail(f.TextEn, p.TitleEn+": "), LonLat: f.lonLat(), Plane: f.planeText(),
	}
	if f.File == "" {
		r.File = ""
	}
	if f.Record > 0 {
		r.Record = strconv.FormatInt(f.Record, 10)
	}
	if f.AreaM2 != nil {
		r.Area = m2(*f.AreaM2)
	}
	return r
}

// detail returns what a text says beyond its rule's title.
func detail(text, title string) string {
	return clean(cut(strings.TrimPrefix(text, title), pageLetters))
}

func (f *Fault) lonLat() string {
	if f.Lon == nil {
		return ""
	}
	return fmt.Sprintf("%.7f, %.7f", *f.Lon, *f.Lat)
}

func (f *Fault) planeText() string {
	if f.X == nil {
		return ""
	}
	return fmt.Sprintf("%.3f, %.3f", *f.X, *f.Y)
}

func (v *pageView) findings() {
	for i := range v.Findings {
		f := &v.Findings[i]
		r := findingRow{
			File: clean(filepath.Base(f.File)), Record: f.Record, Key: clean(cut(f.BSM, 40)),
			Zh: clean(cut(f.TextZh, pageLetters)), En: clean(cut(f.TextEn, pageLetters)),
		}
		if f.Before != nil {
			r.Before, r.After = m2(*f.Before), m2(*f.After)
		}
		list, more := &v.Noted, &v.More[2]
		switch f.Action {
		case ingest.Mended:
			list, more = &v.Mended, &v.More[0]
		case ingest.Refused:
			list, more = &v.Refused, &v.More[1]
		}
		if len(*list) == pageFindings {
			*more++
			continue
		}
		*list = append(*list, r)
	}
}

// clean returns a text for the page: characters that are not seen made visible.
func clean(s string) string { return visible(s) }

// m2 returns an area with two digits behind the point and its thousands apart.
func m2(v float64) string {
	s := strconv.FormatFloat(math.Abs(v), 'f', 2, 64)
	whole, behind, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return s // beyond any country
	}
	s = grouped(int(n)) + "." + behind
	if v < 0 && strings.Trim(s, "0.,") != "" {
		s = "−" + s
	}
	return s
}

// grouped returns a count with its thousands apart.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// mapView is the map as the template draws it.
type mapView struct {
	Width, Height float64
	Image         template.URL
	Labels        []label
	Dots          []dotView
	// Placed counts the faults that the dots stand for; each stands for those in a square of
	// DotM metres, "" where that is a pixel.
	Placed    int
	DotM      string
	Marks     []markView
	Ruler     ruler
	NorthWest string
	SouthEast string
}

type dotView struct {
	point
	Grade  int
	Radius float64
}

// leastDot is the least radius of a dot, in pixels.
const leastDot = 2.4

type markView struct {
	point
	Number, More, Grade int
	Title               string
}

func (p *pictures) view(r *Report) *mapView {
	v := &mapView{
		Width: p.frame.width, Height: p.frame.height, Ruler: p.frame.ruler(0.22),
		Image: template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(p.coverage)), //nolint:gosec // our own picture
	}
	for _, l := range p.labels {
		v.Labels = append(v.Labels, label{point: l.point, Text: clean(l.Text)})
	}
	for _, d := range p.dots {
		v.Dots = append(v.Dots, dotView{d.point, d.grade, max(leastDot, 0.5*p.dotPixel)})
	}
	v.Placed = p.placed
	if p.dotPixel > 1 {
		v.DotM = grouped(int(math.Ceil(p.dotPixel / p.frame.scale)))
	}
	for i := range p.marks {
		m := &p.marks[i]
		f := &r.Faults[m.Fault]
		title := fmt.Sprintf("%d  %s %s  %s", f.Number, f.Rule, r.Rules[f.rule].TitleZh, f.BSM)
		if m.More > 0 {
			title += fmt.Sprintf("  （另有 %d 处 / %d more）", m.More, m.More)
		}
		v.Marks = append(v.Marks, markView{m.point, f.Number, m.More, m.grade, clean(title)})
	}
	b := p.frame.box()
	nw, se := b.Min.LonLat(), b.Max.LonLat()
	v.NorthWest = fmt.Sprintf("%.4f°E %.4f°N", nw.Lon, se.Lat)
	v.SouthEast = fmt.Sprintf("%.4f°E %.4f°N", se.Lon, nw.Lat)
	return v
}

// closeupView is an enlarged picture as the template draws it.
type closeupView struct {
	Number                              int
	Key, Two, Area, LonLat, Plane       string
	Width, Height                       float64
	At                                  point
	Around, Other, First, Places, Fault string
	Ruler                               ruler
}

func (c *closeup) view(f *Fault) closeupView {
	v := closeupView{
		Number: f.Number, Key: clean(cut(f.BSM, 24)), Two: clean(cut(f.OtherBSM, 24)), LonLat: f.lonLat(), Plane: f.planeText(),
		Width: c.frame.width, Height: c.frame.height, At: c.frame.to(c.at), Ruler: c.frame.ruler(0.4),
		Around: string(c.paths[partAround]), Other: string(c.paths[partOther]), First: string(c.paths[partFirst]),
		Places: string(c.paths[partPlaces]), Fault: string(c.paths[partGround]),
	}
	if f.AreaM2 != nil {
		v.Area = m2(*f.AreaM2)
	}
	return v
}
