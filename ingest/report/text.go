package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"gengtu/index/problem"
	"gengtu/ingest"
	"gengtu/ingest/check"
)

// JSON writes the report as JSON. Texts are the delivery's own, escaped as JSON does.
func (r *Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// verdicts are what the verdicts are called.
var verdicts = map[Verdict][2]string{
	Pass: {"合格", "PASS"}, Warnings: {"合格（有提示）", "PASS WITH WARNINGS"}, Fail: {"不合格", "FAIL"},
}

// Write prints a summary for a person: the verdict, the layers, the rules that are
// broken, and the first faults of each.
func (r *Report) Write(w io.Writer, lang problem.Lang) error {
	p := summary{lang: lang, at: r.saved}
	k := 1
	if lang == problem.Chinese {
		k = 0
	}
	s := &r.Summary
	p.line("检查结论：%s", "verdict: %s", verdicts[r.Verdict][k])
	p.line("共 %d 个文件，读入 %d 个要素；%d 条规则被违反，%d 处问题；%d 条说明", "%d files, %d features read; %d rules broken, %d faults; %d notes", s.Files, s.Read, s.Violated, s.Faults, s.Notes)
	for _, e := range r.Errors {
		p.line("! %s", "! %s", visible(e.Text(lang)))
	}
	if r.Delivery != nil {
		for _, a := range r.Delivery.Aside {
			p.line("未检查：%s%s：%s", "not checked: %s%s: %s", visible(a.Path), visible(hash(a.Table)), visible(a.Problem.Text(lang)))
		}
	}
	for i := range r.Layers {
		p.layer(&r.Layers[i])
	}
	p.findings(r.Findings)
	next := 0
	for i := range r.Rules {
		rule := &r.Rules[i]
		first := next
		next += rule.Listed
		if rule.Count > 0 {
			p.rule(rule, r.Faults[first:next])
		}
	}
	_, err := io.WriteString(w, p.String())
	return err
}

// SavedAt says to which folder or file the whole report was written, "" for none: the printed
// summary names it as where the rest stands.
func (r *Report) SavedAt(path string) { r.saved = path }

// printedFaults is how many faults of a rule the summary prints.
const printedFaults = 10

// summary prints in one language.
type summary struct {
	strings.Builder
	lang problem.Lang
	at   string // where the whole report is, "" nowhere
}

func (p *summary) pick(zh, en string) string {
	if p.lang == problem.Chinese {
		return zh
	}
	return en
}

func (p *summary) line(zh, en string, args ...any) {
	fmt.Fprintf(&p.Builder, p.pick(zh, en)+"\n", args...)
}

func (p *summary) layer(l *Layer) {
	p.line("%s@%s %s：读入 %d，保留 %d（其中修复 %d），拒收 %d，不属本图层 %d；问题 %d 处", "%s@%s %s: read %d, kept %d (of these mended %d), refused %d, left out %d; faults %d",
		l.Name, l.Vintage, p.pick(l.TitleZh, l.TitleEn), l.Read, l.Kept, l.Mended, l.Refused, l.LeftOut, l.Faults)
	for _, f := range l.Files {
		p.line("  %s%s  %s  %s  %d", "  %s%s  %s  %s  %d", f.Path, hash(f.Table), f.system(), f.Encoding, f.Read)
	}
	p.line("  椭球面积 m²：入 %.2f = 出 %.2f + 拒收 %.2f + 不属本图层 %.2f + 修复差 %.2f", "  ellipsoidal area m²: in %.2f = out %.2f + refused %.2f + left out %.2f + mending %.2f",
		l.AreaIn, l.AreaOut, l.AreaRefused, l.AreaLeftOut, l.AreaMending)
	for _, n := range l.Notes {
		p.line("  ! %s", "  ! %s", visible(n.Text(p.lang)))
	}
}

// system is the coordinate system of the file by number and name, as far as they are known.
func (f *File) system() string {
	if f.CRS == "" || f.CRSName == "" || f.CRS == f.CRSName {
		return cmp.Or(f.CRS, f.CRSName)
	}
	return f.CRS + " (" + f.CRSName + ")"
}

// findings prints the first features that the reading mended, refused or noted.
func (p *summary) findings(list []Finding) {
	acts := map[ingest.Action][2]string{ingest.Mended: {"将修复", "to be mended"}, ingest.Refused: {"拒收", "refused"}, ingest.Noted: {"记录", "noted"}}
	for _, action := range []ingest.Action{ingest.Refused, ingest.Mended, ingest.Noted} {
		n := 0
		for i := range list {
			f := &list[i]
			if f.Action != action {
				continue
			}
			if n++; n <= printedFaults {
				p.found(p.pick(acts[action][0], acts[action][1])+" "+f.Code, &Fault{File: f.File, Record: f.Record, BSM: f.BSM, TextZh: f.TextZh, TextEn: f.TextEn})
			}
		}
		if n > printedFaults {
			p.more("条", n-printedFaults)
		}
	}
}

// more says that there are n more than are printed, and where they stand or how to get them.
func (p *summary) more(unit string, n int) {
	if p.at != "" {
		p.line("    另有 %[1]d %[2]s，见 %[3]s", "    %[1]d more, in %[3]s", n, unit, visible(p.at))
		return
	}
	p.line("    另有 %[1]d %[2]s；--report DIR 写出网页、JSON 和 shapefile", "    %[1]d more; --report DIR writes a page, the JSON and shapefiles", n, unit)
}

// found prints one line about a feature.
func (p *summary) found(what string, f *Fault) {
	at := ""
	if f.Record > 0 {
		at = fmt.Sprintf(p.pick("第 %d 条记录 ", "record %d "), f.Record)
	}
	if f.BSM != "" {
		at += "(" + f.BSM + ") "
	}
	if what != "" {
		what += ": "
	}
	p.WriteString("  - " + visible(what+f.File+": "+at+p.pick(f.TextZh, f.TextEn)) + "\n")
}

func (p *summary) rule(rule *Rule, faults []Fault) {
	p.line("规则 %s [%s] %s：%d 处", "rule %s [%s] %s: %d", rule.Number, p.pick(rule.Severity, check.EnglishSeverity(rule.Severity)), p.pick(rule.TitleZh, rule.TitleEn), rule.Count)
	for i := range faults[:min(len(faults), printedFaults)] {
		p.found("", &faults[i])
	}
	if more := rule.Count - min(len(faults), printedFaults); more > 0 {
		p.more("处", more)
	}
	p.line("    %s", "    %s", p.pick(rule.AdviceZh, rule.AdviceEn))
}

// hash returns a table's name as it stands behind a path.
func hash(table string) string {
	if table == "" {
		return ""
	}
	return "#" + table
}
