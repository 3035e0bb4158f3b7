package ingest

import (
	"fmt"
	"io"
	"strings"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
)

// Report says what became of everything that was read. For each layer
//
//	Read = Kept + Refused + features left out
//	AreaIn = AreaOut + AreaRefused + area left out + AreaMending
//
// so that nothing is lost without being listed. Only the layer cropland, and layers of
// lines or without shapes, leave anything out; of dltb, LeftOut is what its view cropland does not select, and
// the layer keeps it.
type Report struct {
	Edition    string         `json:"edition,omitempty"`
	Generation string         `json:"generation,omitempty"`
	Tier       string         `json:"tier"`
	Layers     []*LayerReport `json:"layers"`
	// Kept are the layers of the edition that was extended, by their keys.
	Kept []string `json:"kept,omitempty"`
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
	// PatchComputed and NetComputed are of kept features whose record has no such
	// area; they are no part of PatchM2 and NetM2.
	PatchComputed *edition.ComputedArea `json:"patch_computed,omitempty"`
	NetComputed   *edition.ComputedArea `json:"net_computed,omitempty"`

	// NoArea counts the records of lines, and of tables without shapes, that are not
	// stored because the layer is one of areas.
	NoArea int `json:"without_area,omitempty"`
	// LeftOut are the features that the rule of cropland does not take, by class.
	LeftOut []ClassCount `json:"left_out,omitempty"`
	// Cropland is set for dltb: what its view cropland holds.
	Cropland *ClassCount `json:"cropland,omitempty"`

	// Update is set in an update: what became of the features.
	Update *UpdateReport `json:"update,omitempty"`

	MissingFields []string       `json:"missing_fields,omitempty"`
	UnknownFields []string       `json:"unknown_fields,omitempty"`
	Counts        map[string]int `json:"counts"`
	Findings      []Finding      `json:"findings"`
	// Dropped counts the findings beyond MaxFindings of a code, which are
	// counted but not listed.
	Dropped int                `json:"findings_not_listed,omitempty"`
	Notes   []*problem.Problem `json:"notes,omitempty"`

	leftOut    map[string]int // by class, where it is in LeftOut
	patch, net recordSum      // of what is kept
}

func newLayerReport(in Input) *LayerReport {
	return &LayerReport{Layer: in.Layer, Vintage: in.Vintage, Sources: []SourceReport{}, Counts: map[string]int{}, Findings: []Finding{}, leftOut: map[string]int{}}
}

// sums fills in the sums of record of a stored layer.
func (r *Report) sums(stored *edition.Layer) {
	for _, l := range r.Layers {
		if l.Layer == stored.Name && l.Vintage == stored.Vintage {
			l.PatchM2, l.NetM2 = stored.PatchM2, stored.NetM2
			l.PatchComputed, l.NetComputed = stored.PatchComputed, stored.NetComputed
		}
	}
}

// SourceReport describes one file of a layer.
type SourceReport struct {
	Path     string `json:"path"`
	Table    string `json:"table,omitempty"`
	CRS      string `json:"crs"`
	Encoding string `json:"encoding,omitempty"`
	Read     int    `json:"read"`
	// SwappedXY tells that coordinates were exchanged because the user said so.
	SwappedXY bool `json:"swapped_xy,omitempty"`
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
func (c *ClassCount) add(j *judged) {
	c.Features++
	c.AreaM2 += j.AreaM2
	if index.OfRecord(j.Patch) {
		c.patch += j.Patch
	}
	if index.OfRecord(j.Net) {
		c.net += j.Net
	}
	c.PatchM2, c.NetM2 = geo.Hundredths(c.patch).M2(), geo.Hundredths(c.net).M2()
}

// Finding is one thing found in one feature, and what was done.
type Finding struct {
	*problem.Problem
	// Action is "mended", "refused" or "noted".
	Action Action `json:"action"`
	// AreaBefore and AreaAfter are set on the first finding of a feature that was
	// mended, so that their sums are those of the layer.
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
		out += fmt.Sprintf(`,"area_before_m2":%.6f,"area_after_m2":%.6f`, f.AreaBefore, f.AreaAfter)
	}
	return append(append(p[:len(p)-1], out...), '}'), nil
}

// MaxFindings is how many findings of one code and layer are listed; the rest
// are counted. Refused and mended features are always listed, but for rings that were only
// turned round: a program that does so does it in every record, and no ground changes.
const MaxFindings = 1000

func (l *LayerReport) add(f Finding) {
	l.Counts[f.Code]++
	often := f.Action == Noted || f.Action == Mended && f.Code == RingOrderCode
	if often && l.Counts[f.Code] > MaxFindings {
		l.Dropped++
		return
	}
	l.Findings = append(l.Findings, f)
}

// leaveOut counts a feature that the rule of cropland does not take, by class;
// beyond maxClasses of them by otherClasses.
func (l *LayerReport) leaveOut(j *judged) {
	i, ok := l.leftOut[j.class]
	if !ok {
		class := strings.Clone(j.class) // of a larger piece of the file
		if len(l.LeftOut) >= maxClasses {
			class = otherClasses
		}
		if i, ok = l.leftOut[class]; !ok {
			i = len(l.LeftOut)
			l.LeftOut = append(l.LeftOut, ClassCount{Class: class})
			l.leftOut[class] = i
		}
	}
	l.LeftOut[i].add(j)
}

// maxClasses is more than any classification has; a field with more values is none.
const (
	maxClasses   = 500
	otherClasses = "…"
)

// printer prints a report in one language.
type printer struct {
	strings.Builder
	lang problem.Lang
}

// line prints one line from the text of its language; both take the same args.
func (p *printer) line(zh, en string, args ...any) {
	if p.lang == problem.Chinese {
		en = zh
	}
	p.WriteString(fmt.Sprintf(en, args...) + "\n")
}

// Write prints the report for a person.
func (r *Report) Write(w io.Writer, lang problem.Lang) error {
	p := &printer{lang: lang}
	for _, l := range r.Layers {
		p.layer(l)
	}
	_, err := io.WriteString(w, p.String())
	return err
}

func (p *printer) layer(l *LayerReport) {
	p.line("%s@%s", "%s@%s", l.Layer, l.Vintage)
	for _, s := range l.Sources {
		p.line("  来源 %s%s  %s  %s  读入 %d", "  source %s%s  %s  %s  read %d", s.Path, hash(s.Table), s.CRS, s.Encoding, s.Read)
	}
	p.line("  读入 %d，保留 %d（其中修复 %d），拒收 %d，不属本图层 %d", "  read %d, kept %d (of these mended %d), refused %d, left out %d",
		l.Read, l.Kept, l.Mended, l.Refused, l.Read-l.Kept-l.Refused)
	p.line("  椭球面积 m²：入 %.2f = 存 %.2f + 拒收 %.2f + 不属本图层 %.2f + 修复差 %.2f",
		"  ellipsoidal area m²: in %.2f = out %.2f + refused %.2f + left out %.2f + mending %.2f",
		l.AreaIn, l.AreaOut, l.AreaRefused, l.leftOutArea(), l.AreaMending)
	if u := l.Update; u != nil {
		p.line("  更新：新增 %d，替换 %d，删除 %d，未变 %d", "  update: added %d, replaced %d, deleted %d, unchanged %d", u.Added, u.Replaced, u.Deleted, u.Unchanged)
		if u.Placed > 0 {
			p.line("  其中 %d 个因政区变化改属他地", "  of these %d lie in another place because regions changed", u.Placed)
		}
		if len(u.NotFound) > 0 {
			p.line("  ! 删除清单里不存在的编号 %s", "  ! keys to delete that are not there: %s", strings.Join(u.NotFound, " "))
		}
	}
	if l.PatchM2 != nil {
		p.line("  图斑面积合计 %.2f m²", "  patch area of record %.2f m²", *l.PatchM2)
	}
	if l.NetM2 != nil {
		p.line("  净面积合计 %.2f m²", "  net area of record %.2f m²", *l.NetM2)
	}
	if c := l.PatchComputed; c != nil {
		p.line("  %d 个图斑没有图斑面积，按调查规则算得 %.2f m²，另记，不在上面的合计里", "  %d features have no patch area; computed by the survey's rule %.2f m², kept apart from the sum above", c.Features, c.M2)
	}
	if c := l.NetComputed; c != nil {
		p.line("  %d 个图斑没有净面积，按调查规则算得 %.2f m²，另记，不在上面的合计里", "  %d features have no net area; computed by the survey's rule %.2f m², kept apart from the sum above", c.Features, c.M2)
	}
	if c := l.Cropland; c != nil {
		p.line("  其中耕地（DLBM 01…）%d 个，图斑面积 %.2f m²，净面积 %.2f m²", "  of these cropland (DLBM 01…): %d, patch %.2f m², net %.2f m²", c.Features, c.PatchM2, c.NetM2)
	}
	for _, c := range l.LeftOut {
		p.line("  不是耕地：DLBM %q %d 个，图斑面积 %.2f m²", "  not cropland: DLBM %q %d, patch %.2f m²", c.Class, c.Features, c.PatchM2)
	}
	if l.NoArea > 0 {
		p.line("  %d 条是线或没有图形，本程序只存面，不入库", "  %d are lines or have no shape: areas alone are stored", l.NoArea)
	}
	if len(l.MissingFields) > 0 {
		p.line("  缺少字段 %s", "  missing fields %s", strings.Join(l.MissingFields, " "))
	}
	if len(l.UnknownFields) > 0 {
		p.line("  标准之外的字段（只留在涉密版）%s", "  fields outside the standard (kept in secure only) %s", strings.Join(l.UnknownFields, " "))
	}
	for _, n := range l.Notes {
		p.line("  ! %s", "  ! %s", n.Text(p.lang))
	}
	acts := map[Action][2]string{Mended: {"已修复", "mended"}, Refused: {"拒收", "refused"}, Noted: {"记录", "noted"}}
	for _, f := range l.Findings {
		p.line("  - "+acts[f.Action][0]+": %s", "  - "+acts[f.Action][1]+": %s", f.Text(p.lang))
	}
	if l.Dropped > 0 {
		p.line("  另有 %d 条记录未逐条列出", "  %d more notes are counted and not listed", l.Dropped)
	}
}

// leftOutArea is the area that the layer does not keep by its rule.
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
