package report

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/ingest"
	"gengtu/ingest/check"
	"gengtu/ingest/profiles"
)

// The limits of a report's JSON. Texts may hold values of the delivery, of any length.
const (
	maxFindings = 10_000 // of one action and layer
	maxFiles    = 10_000 // that could not be taken
	maxText     = 2000   // characters of a text
	maxKey      = 200    // of a key
)

// otherLayer is what files are taken for that look like no known layer.
const otherLayer = "other"

// builder makes a report of what was read and found.
type builder struct {
	opt    *Options
	rec    *recorder
	strict bool
	read   *ingest.Report
	found  *check.Result // nil when reading failed
	failed *problem.Problem
	// refused are the files that could not be taken.
	refused []ingest.RefusedFile
	crs     map[[3]string]geo.CRS // by layer, vintage and file
}

func (b *builder) build() *Report {
	r := &Report{
		Format: Format, Version: Version, Program: b.opt.Program, Strict: b.strict, Fails: slices.Clone(b.opt.Check.Rules.Fails),
		Date: b.opt.Date, County: b.rec.county(), Delivery: b.opt.Delivery,
		Layers: []Layer{}, Rules: []Rule{}, Faults: []Fault{}, Findings: []Finding{}, Errors: []*problem.Problem{},
	}
	if b.opt.County != "" {
		r.County.Name = b.opt.County
	}
	r.Errors = append(r.Errors, b.opt.Unread...)
	for _, f := range b.refused {
		r.Errors = append(r.Errors, f.Problem)
	}
	if b.failed != nil {
		r.Errors = append(r.Errors, b.failed)
	}
	b.crs = map[[3]string]geo.CRS{}
	for _, l := range b.rec.layers {
		for _, f := range l.seen.Files {
			b.crs[[3]string{l.seen.Layer, l.seen.Vintage, f.Path}] = f.CRS
		}
	}
	b.layers(r)
	b.rules(r)
	b.findings(r)
	r.FaultsCRS = r.planeCRS().String()
	r.sum(b.opt.Check.Rules)
	r.Verdict = r.verdict()
	return r
}

// titles returns what the profiles call a layer.
func (b *builder) titles() func(string) edition.Title {
	set := b.opt.Check.Profiles
	if set == nil {
		var err error
		if set, err = profiles.Embedded(); err != nil {
			return func(string) edition.Title { return edition.Title{} } // checking has failed before
		}
	}
	return func(name string) edition.Title { return set.Of(name).Title }
}

func (b *builder) layers(r *Report) {
	of := b.titles()
	for _, l := range b.read.Layers {
		t := title(l.Layer, of)
		out := Layer{
			Name: l.Layer, TitleZh: t.Zh, TitleEn: t.En, Vintage: l.Vintage, Files: []File{},
			Read: l.Read, Kept: l.Kept, Mended: l.Mended, Refused: l.Refused, LeftOut: l.Read - l.Kept - l.Refused,
			AreaIn: l.AreaIn, AreaOut: l.AreaOut, AreaRefused: l.AreaRefused, AreaMending: l.AreaMending,
			PatchM2: l.PatchM2, NetM2: l.NetM2,
			MissingFields: append([]string{}, l.MissingFields...), UnknownFields: append([]string{}, l.UnknownFields...),
			Notes: append([]*problem.Problem{}, l.Notes...),
		}
		if l.Layer == otherLayer {
			out.TitleZh, out.TitleEn = "其他", "other"
			out.Notes = append(out.Notes, problem.New("LAYER_UNKNOWN", "不是已知的图层，拓扑、面积和必备字段没有规则可查", "it is no layer that is known: there are no rules for its topology, areas and required fields").
				Advise("若是已知的图层，用 --layer 指明；gengtu profile list 列出已知的图层", "if it is one, name it with --layer; gengtu profile list lists those that are known"))
		}
		if l.Cropland == nil { // of dltb what is left out is left out of its view alone
			for _, c := range l.LeftOut {
				out.AreaLeftOut += c.AreaM2
			}
		}
		for _, s := range l.Sources {
			f := File{Path: s.Path, Table: s.Table, CRSName: s.CRS, Encoding: s.Encoding, Read: s.Read}
			if crs, ok := b.crs[[3]string{l.Layer, l.Vintage, s.Path}]; ok {
				f.CRS = crs.String()
			}
			out.Files = append(out.Files, f)
		}
		if b.found != nil {
			for i := range b.found.Layers {
				if c := &b.found.Layers[i]; c.Layer == l.Layer && c.Vintage == l.Vintage {
					out.Faults = c.Faults
				}
			}
		}
		r.Layers = append(r.Layers, out)
	}
}

func (b *builder) rules(r *Report) {
	if b.found == nil {
		return
	}
	b.fileRule(r)
	for i := range b.found.Rules {
		p := &b.found.Rules[i]
		r.Rules = append(r.Rules, Rule{
			Number: p.Number, TitleZh: p.Title.Zh, TitleEn: p.Title.En, AdviceZh: p.Advice.Zh, AdviceEn: p.Advice.En,
			Group: p.Group, Severity: p.Severity, Unconfirmed: p.SeverityUnconfirmed, OwnNumber: p.OwnNumber,
			Fails: b.opt.Check.Rules.Failing(p.Severity), Asked: p.Asked, Count: p.Count, AreaM2: p.AreaM2, Listed: len(p.Faults),
		})
		for k := range p.Faults {
			f := b.fault(&p.Faults[k])
			f.Number, f.rule, f.found = len(r.Faults)+1, len(r.Rules)-1, &p.Faults[k]
			r.Faults = append(r.Faults, f)
		}
	}
}

// FileRule is the number of the rule that files break which could not be taken. It stands
// before the others where there are such files; it is none of the rules that may be edited:
// what was not read was not judged, whatever the rules are.
const FileRule = "FILE"

// fileRule lists the files that could not be taken as faults.
func (b *builder) fileRule(r *Report) {
	files := make([]ingest.RefusedFile, 0, len(b.opt.Unread)+len(b.refused))
	for _, p := range b.opt.Unread {
		files = append(files, ingest.RefusedFile{Problem: p})
	}
	if files = append(files, b.refused...); len(files) == 0 {
		return
	}
	listed := min(len(files), maxFiles)
	r.Rules = append(r.Rules, Rule{
		Number: FileRule, TitleZh: "文件不能收，没有检查", TitleEn: "a file cannot be taken and was not judged",
		AdviceZh: "更正后重新提交。缺了它，与其他图层相比的规则（覆盖、汇总）可能因此报问题", AdviceEn: "correct it and deliver again; without it rules that hold layers against each other (cover, sums) may find faults that come of that alone",
		Group: check.Structure, Severity: check.Severities()[0], OwnNumber: true, Fails: true, Asked: true, Count: len(files), Listed: listed,
	})
	for _, f := range files[:listed] {
		p := f.Problem
		r.Faults = append(r.Faults, Fault{
			Number: len(r.Faults) + 1, Rule: FileRule, Layer: f.Input.Layer, Vintage: f.Input.Vintage, File: p.File + hash(f.Input.Table), Record: p.Record, BSM: cut(p.Key, maxKey),
			TextZh: cut(p.Found(problem.Chinese), maxText), TextEn: cut(p.Found(problem.English), maxText),
			AdviceZh: cut(p.Advice(problem.Chinese), maxText), AdviceEn: cut(p.Advice(problem.English), maxText),
		})
	}
}

// fault writes a fault for the report, its place in the system of its file too.
func (b *builder) fault(f *check.Fault) Fault {
	out := Fault{
		Rule: f.Rule, Layer: f.Layer, Vintage: f.Vintage, File: f.File, Record: f.Record,
		BSM: cut(f.Key, maxKey), OtherBSM: cut(f.Other, maxKey),
		TextZh: cut(f.Problem.Found(problem.Chinese), maxText), TextEn: cut(f.Problem.Found(problem.English), maxText),
		AdviceZh: cut(f.Problem.Advice(problem.Chinese), maxText), AdviceEn: cut(f.Problem.Advice(problem.English), maxText),
	}
	if !math.IsNaN(f.AreaM2) {
		a := f.AreaM2
		out.AreaM2 = &a
	}
	if f.At == (geo.Position{}) {
		return out
	}
	at := f.At.LonLat()
	out.Lon, out.Lat = &at.Lon, &at.Lat
	if crs, ok := b.crs[[3]string{f.Layer, f.Vintage, f.File}]; ok && crs.GaussKrueger() {
		p := crs.Forward(at)
		p.X, p.Y = math.Round(p.X*1e4)/1e4, math.Round(p.Y*1e4)/1e4 // the survey's grid of 0.1 mm
		out.X, out.Y, out.CRS = &p.X, &p.Y, crs.String()
	}
	return out
}

// findings lists what was mended, refused or noted.
func (b *builder) findings(r *Report) {
	for _, l := range b.read.Layers {
		listed := map[ingest.Action]int{}
		for i := range l.Findings {
			f := &l.Findings[i]
			if listed[f.Action]++; listed[f.Action] > maxFindings {
				continue
			}
			out := Finding{
				Layer: l.Layer, Vintage: l.Vintage, Action: f.Action, Code: f.Code, File: f.File, Record: f.Record, BSM: cut(f.Key, maxKey),
				TextZh: cut(f.Found(problem.Chinese), maxText), TextEn: cut(f.Found(problem.English), maxText),
				AdviceZh: cut(f.Problem.Advice(problem.Chinese), maxText), AdviceEn: cut(f.Problem.Advice(problem.English), maxText),
			}
			if f.AreaBefore != 0 || f.AreaAfter != 0 {
				before, after := f.AreaBefore, f.AreaAfter
				out.Before, out.After = &before, &after
			}
			r.Findings = append(r.Findings, out)
		}
	}
}

// sum fills in the summary.
func (r *Report) sum(rules *check.Rules) {
	s := &r.Summary
	for i := range r.Layers {
		l := &r.Layers[i]
		s.Files += len(l.Files)
		s.Read, s.Kept = s.Read+l.Read, s.Kept+l.Kept
		s.Mended, s.Refused = s.Mended+l.Mended, s.Refused+l.Refused
		s.Notes += len(l.Notes)
	}
	s.Severities = []Severity{}
	for _, name := range check.Severities() {
		s.Severities = append(s.Severities, Severity{Name: name, Fails: rules.Failing(name)})
	}
	for i := range r.Rules {
		p := &r.Rules[i]
		s.Faults, s.Listed = s.Faults+p.Count, s.Listed+p.Listed
		if p.Asked {
			s.Asked++
		}
		if p.Count == 0 {
			continue
		}
		s.Violated++
		if p.Fails {
			s.Failing += p.Count
		}
		k := slices.IndexFunc(s.Severities, func(x Severity) bool { return x.Name == p.Severity })
		s.Severities[k].Rules++
		s.Severities[k].Faults += p.Count
	}
}

func (r *Report) verdict() Verdict {
	s := &r.Summary
	switch {
	case len(r.Errors) > 0 || s.Failing > 0 || r.Strict && s.Refused > 0:
		return Fail
	case s.Faults > 0 || len(r.Findings) > 0:
		return Warnings
	}
	for i := range r.Layers {
		if len(r.Layers[i].Notes) > 0 {
			return Warnings
		}
	}
	return Pass
}

// planeCRS returns the system that fault places are given in: of the systems of the
// delivery's files the one that most features are in, a plane before degrees.
func (r *Report) planeCRS() geo.CRS {
	counts := map[geo.CRS]int{}
	var order []geo.CRS
	for i := range r.Layers {
		for _, f := range r.Layers[i].Files {
			crs, err := geo.ParseCRSName(f.CRS)
			if err != nil {
				continue
			}
			if counts[crs] == 0 {
				order = append(order, crs)
			}
			counts[crs] += f.Read + 1
		}
	}
	best, found := geo.CRS{}, false
	for _, crs := range order {
		better := crs.GaussKrueger() && !best.GaussKrueger() || crs.GaussKrueger() == best.GaussKrueger() && counts[crs] > counts[best]
		if !found || better {
			best, found = crs, true
		}
	}
	if !found {
		best, _ = geo.EPSG(4490) // one of ours
	}
	return best
}

// cut returns at most n characters of s.
func cut(s string, n int) string {
	if len(s) <= n || utf8.RuneCountInString(s) <= n {
		return s
	}
	i := 0
	for range n - 1 {
		_, size := utf8.DecodeRuneInString(s[i:])
		i += size
	}
	return strings.ToValidUTF8(s[:i], "�") + "…"
}

// named returns a test for a field of that name.
func named(name string) func(edition.Field) bool {
	return func(f edition.Field) bool { return f.Name == name }
}
