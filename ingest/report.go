package ingest

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"gengtu/index"
	"gengtu/index/geo"
	"gengtu/index/problem"
)

// Report says what became of everything that was read. For each layer
//
//	Read = Kept + Refused + LeftOut.Features
//	AreaIn = AreaOut + AreaRefused + LeftOut area + AreaMending
//
// so that nothing is lost without being listed.
type Report struct {
	Edition    string         `json:"edition,omitempty"`
	Generation string         `json:"generation,omitempty"`
	Tier       string         `json:"tier"`
	Layers     []*LayerReport `json:"layers"`
}

// LayerReport is the report of one layer in one vintage.
type LayerReport struct {
	Layer   string         `json:"layer"`
	Vintage string         `json:"vintage"`
	Sources []SourceReport `json:"sources"`
	Read    int            `json:"read"`
	Kept    int            `json:"kept"`
	// Mended counts the kept features whose geometry was changed.
	Mended  int `json:"mended"`
	Refused int `json:"refused"`

	AreaIn      float64 `json:"area_in_m2"`
	AreaOut     float64 `json:"area_out_m2"`
	AreaRefused float64 `json:"area_refused_m2"`
	// AreaMending is what mending took away: negative when it added.
	AreaMending float64  `json:"area_mending_m2"`
	PatchM2     *float64 `json:"patch_m2"`
	NetM2       *float64 `json:"net_m2"`

	// LeftOut are the features that the layer's rule does not take.
	LeftOut []ClassCount `json:"left_out,omitempty"`
	// Cropland is set for dltb: what its view cropland holds.
	Cropland *ClassCount `json:"cropland,omitempty"`

	MissingFields []string       `json:"missing_fields,omitempty"`
	UnknownFields []string       `json:"unknown_fields,omitempty"`
	Counts        map[string]int `json:"counts"`
	Findings      []Finding      `json:"findings"`
	// Dropped counts the findings beyond MaxFindings of a code, which are
	// counted but not listed.
	Dropped int                `json:"findings_not_listed,omitempty"`
	Notes   []*problem.Problem `json:"notes,omitempty"`

	croplandVertices int
	croplandBox      geo.Box
}

// SourceReport describes one file of a layer.
type SourceReport struct {
	Path     string `json:"path"`
	Table    string `json:"table,omitempty"`
	CRS      string `json:"crs"`
	Encoding string `json:"encoding,omitempty"`
	Read     int    `json:"read"`
}

// ClassCount adds up features of one class.
type ClassCount struct {
	Class    string  `json:"class"`
	Features int     `json:"features"`
	AreaM2   float64 `json:"area_m2"`
	PatchM2  float64 `json:"patch_m2"`
	NetM2    float64 `json:"net_m2"`

	patch, net int64 // in 0.01 m², so that sums are exact
}

// add counts one feature.
func (c *ClassCount) add(f *index.Feature) {
	c.Features++
	c.AreaM2 += f.AreaM2
	if f.Patch != index.NoArea {
		c.patch += f.Patch
	}
	if f.Net != index.NoArea {
		c.net += f.Net
	}
	c.PatchM2, c.NetM2 = float64(c.patch)/100, float64(c.net)/100
}

// Finding is one thing found in one feature, and what was done.
type Finding struct {
	*problem.Problem
	// Action is "mended", "refused" or "noted".
	Action Action `json:"action"`
	// AreaBefore and AreaAfter are set where mending changed the geometry.
	AreaBefore float64 `json:"area_before_m2,omitempty"`
	AreaAfter  float64 `json:"area_after_m2,omitempty"`
}

// Action is what was done about a finding.
type Action string

// The actions.
const (
	Mended  Action = "mended"
	Refused Action = "refused"
	Noted   Action = "noted"
)

// MarshalJSON writes the problem's members and the finding's own in one object.
func (f Finding) MarshalJSON() ([]byte, error) {
	p, err := f.Problem.MarshalJSON()
	if err != nil {
		return nil, err
	}
	out := fmt.Sprintf(`,"action":%q`, f.Action)
	if f.AreaBefore != 0 || f.AreaAfter != 0 {
		out += fmt.Sprintf(`,"area_before_m2":%.4f,"area_after_m2":%.4f`, f.AreaBefore, f.AreaAfter)
	}
	return append(append(p[:len(p)-1], out...), '}'), nil
}

// MaxFindings is how many findings of one code and layer are listed; the rest
// are counted. Refused and mended features are always listed.
const MaxFindings = 1000

func (l *LayerReport) add(f Finding) {
	l.Counts[f.Code]++
	if f.Action == Noted && l.Counts[f.Code] > MaxFindings {
		l.Dropped++
		return
	}
	l.Findings = append(l.Findings, f)
}

// leaveOut counts a feature that the layer's rule does not take.
func (l *LayerReport) leaveOut(class string, f *index.Feature) {
	i := slices.IndexFunc(l.LeftOut, func(x ClassCount) bool { return x.Class == class })
	if i < 0 {
		l.LeftOut = append(l.LeftOut, ClassCount{Class: class})
		i = len(l.LeftOut) - 1
	}
	l.LeftOut[i].add(f)
}

// Write prints the report for a person.
func (r *Report) Write(w io.Writer, lang problem.Lang) error {
	var b strings.Builder
	zh := lang == problem.Chinese
	pick := func(c, e string) string {
		if zh {
			return c
		}
		return e
	}
	for _, l := range r.Layers {
		fmt.Fprintf(&b, "%s@%s\n", l.Layer, l.Vintage)
		for _, s := range l.Sources {
			fmt.Fprintf(&b, "  %s %s%s  %s  %s  %s %d\n", pick("来源", "source"), s.Path, hash(s.Table), s.CRS, s.Encoding, pick("读入", "read"), s.Read)
		}
		fmt.Fprintf(&b, pick("  读入 %d，保留 %d（其中修复 %d），拒收 %d\n", "  read %d, kept %d (of these mended %d), refused %d\n"), l.Read, l.Kept, l.Mended, l.Refused)
		fmt.Fprintf(&b, pick("  椭球面积 m²：入 %.2f = 存 %.2f + 拒收 %.2f + 不属本图层 %.2f + 修复差 %.2f\n",
			"  ellipsoidal area m²: in %.2f = out %.2f + refused %.2f + left out %.2f + mending %.2f\n"),
			l.AreaIn, l.AreaOut, l.AreaRefused, l.leftOutArea(), l.AreaMending)
		if l.PatchM2 != nil {
			fmt.Fprintf(&b, "  %s %.2f m²\n", pick("图斑面积合计", "patch area of record"), *l.PatchM2)
		}
		if l.NetM2 != nil {
			fmt.Fprintf(&b, "  %s %.2f m²\n", pick("净面积合计", "net area of record"), *l.NetM2)
		}
		if c := l.Cropland; c != nil {
			fmt.Fprintf(&b, pick("  其中耕地（DLBM 01…）%d 个，图斑面积 %.2f m²，净面积 %.2f m²\n", "  of these cropland (DLBM 01…): %d, patch %.2f m², net %.2f m²\n"), c.Features, c.PatchM2, c.NetM2)
		}
		for _, c := range l.LeftOut {
			fmt.Fprintf(&b, pick("  不是耕地：DLBM %s %d 个，图斑面积 %.2f m²\n", "  not cropland: DLBM %s %d, patch %.2f m²\n"), c.Class, c.Features, c.PatchM2)
		}
		if len(l.MissingFields) > 0 {
			fmt.Fprintf(&b, "  %s %s\n", pick("缺少字段", "missing fields"), strings.Join(l.MissingFields, " "))
		}
		if len(l.UnknownFields) > 0 {
			fmt.Fprintf(&b, "  %s %s\n", pick("标准之外的字段（只留在涉密版）", "fields outside the standard (kept in secure only)"), strings.Join(l.UnknownFields, " "))
		}
		for _, n := range l.Notes {
			fmt.Fprintf(&b, "  ! %s\n", n.Text(lang))
		}
		for _, f := range l.Findings {
			act := map[Action]string{Mended: pick("已修复", "mended"), Refused: pick("拒收", "refused"), Noted: pick("记录", "noted")}[f.Action]
			fmt.Fprintf(&b, "  - %s: %s\n", act, f.Text(lang))
		}
		if l.Dropped > 0 {
			fmt.Fprintf(&b, pick("  另有 %d 条记录未逐条列出\n", "  %d more notes are counted and not listed\n"), l.Dropped)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (l *LayerReport) leftOutArea() float64 {
	sum := 0.0
	if l.Cropland != nil {
		return 0 // dltb keeps them; only its view leaves them out
	}
	for _, c := range l.LeftOut {
		sum += c.AreaM2
	}
	return sum
}

func hash(table string) string {
	if table == "" {
		return ""
	}
	return "#" + table
}
