// Package report judges a delivery and says so in a form that can be sent back: one
// JSON, one page that prints on A4 with a map of the faults, and shapefiles of their
// places to open beside the delivery.
//
// [Run] reads and judges by ingest and ingest/check; a [Report] is what came of it,
// and writes itself. The same delivery, rules and options give the same bytes, whatever
// the number of workers: nothing in a report is taken from the clock.
//
// The package stores no feature and changes nothing of what was delivered.
package report

import (
	"context"
	"errors"
	"slices"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/ingest"
	"gengtu/ingest/check"
)

// Format and Version name the form of the JSON. Members are added under the same
// version; a member that changes its meaning or goes raises it.
const (
	Format  = "gengtu-check-report"
	Version = 1
)

// Verdict is what the check comes to.
type Verdict string

// The verdicts. Fail: a fault of a severity that rules.yaml lists under fails, a file
// that could not be read, or a refused feature where the run is strict. Warnings: any
// other fault, a feature that was mended, refused or noted, or a note about a file.
const (
	Pass     Verdict = "pass"
	Warnings Verdict = "pass_with_warnings"
	Fail     Verdict = "fail"
)

// Options say how to judge and what to print beside the findings.
type Options struct {
	Check check.Options
	// Program is the version that the report names.
	Program string
	// Date and County are printed as they are given. Without a county the report takes
	// that of the delivery's codes; without a date it leaves a blank to write one.
	Date, County string
	// Delivery is what was found in the delivery's folder; nil when the files were named.
	Delivery *ingest.Delivery
	// Unread are why files of the delivery could not be opened, and are not among the
	// inputs: the delivery fails, and what could be opened is judged.
	Unread []*problem.Problem
	// Drawing says whether shapes are kept for the page's pictures.
	Drawing Drawing
}

// Drawing is how much a run keeps for pictures.
type Drawing uint8

// The kinds of drawing. Pictures keeps each feature's shape in a passing file, some 7
// bytes a vertex, until the report is made.
const (
	NoPictures Drawing = iota
	Pictures
)

// Report is a delivery's report. Its members are those of the JSON, whose names are
// stable. It is not changed after Run has returned it, and may be read by any number of
// goroutines. It is to be closed when it is written.
type Report struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	Program string `json:"program"`
	// Verdict is pass, pass_with_warnings or fail; Strict tells that any refused feature
	// fails; Fails are the severities that do.
	Verdict Verdict  `json:"verdict"`
	Strict  bool     `json:"strict"`
	Fails   []string `json:"failing_severities"`
	Date    string   `json:"date,omitempty"`
	County  County   `json:"county"`

	// Delivery is what was found in the delivery's folder, and what of it is not taken.
	Delivery *ingest.Delivery `json:"delivery,omitempty"`

	Summary Summary `json:"summary"`
	Layers  []Layer `json:"layers"`
	Rules   []Rule  `json:"rules"`
	// Faults are those that are listed, in the order of Rules; Summary counts all.
	Faults []Fault `json:"faults"`
	// Findings are what the reading mended, refused, or took as it is and noted.
	Findings []Finding `json:"findings"`
	// Errors are why files could not be opened, read or taken: each is a fault of the rule
	// [FileRule], too, and the other files are judged. Where it is no single file's matter
	// that the delivery could not be read, Rules is empty: they were not asked.
	Errors []*problem.Problem `json:"errors"`
	// FaultsCRS is the system of the shapefiles of fault places, as EPSG:4524.
	FaultsCRS string `json:"faults_crs"`

	pictures *pictures // nil without
	rest     rest      // of the faults
	saved    string    // where it was written, see SavedAt
}

// County is whose delivery it is.
type County struct {
	Code string `json:"code,omitempty"`
	Name string `json:"name,omitempty"`
}

// Summary adds up the report.
type Summary struct {
	Files    int `json:"files"`
	Read     int `json:"features_read"`
	Kept     int `json:"features_kept"`
	Mended   int `json:"features_mended"`
	Refused  int `json:"features_refused"`
	Faults   int `json:"faults"`
	Listed   int `json:"faults_listed"`
	Mapped   int `json:"faults_mapped"`
	Failing  int `json:"faults_failing"`
	Asked    int `json:"rules_asked"`
	Violated int `json:"rules_violated"`
	// Notes counts what is told of files, such as a system that was taken from the eastings.
	Notes int `json:"notes"`
	// Severities count the faults by severity, the gravest first.
	Severities []Severity `json:"severities"`
}

// Severity counts the faults of one severity.
type Severity struct {
	Name   string `json:"severity"`
	Fails  bool   `json:"fails"`
	Rules  int    `json:"rules_violated"`
	Faults int    `json:"faults"`
}

// Layer is one layer in one vintage. Areas are ellipsoidal, in m²:
// AreaIn = AreaOut + AreaRefused + AreaLeftOut + AreaMending.
type Layer struct {
	Name    string `json:"layer"`
	TitleZh string `json:"title_zh"`
	TitleEn string `json:"title_en"`
	Vintage string `json:"vintage"`
	Files   []File `json:"files"`
	Read    int    `json:"features_read"`
	Kept    int    `json:"features_kept"`
	Mended  int    `json:"features_mended"`
	Refused int    `json:"features_refused"`
	// LeftOut counts what the layer's rule does not take, such as other classes in
	// cropland.
	LeftOut       int      `json:"features_left_out"`
	AreaIn        float64  `json:"area_in_m2"`
	AreaOut       float64  `json:"area_out_m2"`
	AreaRefused   float64  `json:"area_refused_m2"`
	AreaLeftOut   float64  `json:"area_left_out_m2"`
	AreaMending   float64  `json:"area_mending_m2"`
	PatchM2       *float64 `json:"patch_m2"`
	NetM2         *float64 `json:"net_m2"`
	Faults        int      `json:"faults"`
	MissingFields []string `json:"missing_fields"`
	UnknownFields []string `json:"unknown_fields"`
	// Notes are about files: a system that was guessed, coordinates that were exchanged.
	Notes []*problem.Problem `json:"notes"`
}

// File is one file of a layer.
type File struct {
	Path     string `json:"path"`
	Table    string `json:"table,omitempty"`
	CRS      string `json:"crs"`
	CRSName  string `json:"crs_name"`
	Encoding string `json:"encoding,omitempty"`
	Read     int    `json:"features_read"`
}

// Rule is one rule and what was found against it.
type Rule struct {
	Number      string      `json:"rule"`
	TitleZh     string      `json:"title_zh"`
	TitleEn     string      `json:"title_en"`
	AdviceZh    string      `json:"advice_zh"`
	AdviceEn    string      `json:"advice_en"`
	Group       check.Group `json:"group"`
	Severity    string      `json:"severity"`
	Unconfirmed bool        `json:"severity_unconfirmed"`
	OwnNumber   bool        `json:"own_number"`
	Fails       bool        `json:"fails"`
	// Asked tells that a layer was there that the rule applies to.
	Asked  bool    `json:"asked"`
	Count  int     `json:"count"`
	AreaM2 float64 `json:"area_m2"`
	Listed int     `json:"listed"`
	// Mapped counts those that are in the shapefiles and, where they have a place, on the
	// map: with pictures all up to [MostMapped] beyond those that are listed.
	Mapped int `json:"mapped"`
}

// Fault is one fault that is listed.
type Fault struct {
	// Number is the fault's in this report, from 1: the mark on the map and the field NO
	// of the shapefiles.
	Number  int    `json:"no"`
	Rule    string `json:"rule"`
	Layer   string `json:"layer"`
	Vintage string `json:"vintage"`
	File    string `json:"file,omitempty"`
	Record  int64  `json:"record,omitempty"`
	BSM     string `json:"bsm,omitempty"`
	// OtherBSM is that of the second feature of a fault between two; "#" and its record
	// where it has none.
	OtherBSM string `json:"other_bsm,omitempty"`
	// Lon, Lat (CGCS2000, degrees) are a place in the fault; X, Y (easting, northing in
	// metres) the same in the delivery's own system CRS, where that is a plane.
	Lon    *float64 `json:"lon,omitempty"`
	Lat    *float64 `json:"lat,omitempty"`
	X      *float64 `json:"x,omitempty"`
	Y      *float64 `json:"y,omitempty"`
	CRS    string   `json:"crs,omitempty"`
	AreaM2 *float64 `json:"area_m2,omitempty"`
	// TextZh, TextEn say what was found, AdviceZh, AdviceEn what to do.
	TextZh   string `json:"text_zh"`
	TextEn   string `json:"text_en"`
	AdviceZh string `json:"advice_zh"`
	AdviceEn string `json:"advice_en"`

	rule  int          // in Rules
	found *check.Fault // nil for files that could not be taken
}

// Finding is what the reading did to one feature.
type Finding struct {
	Layer    string        `json:"layer"`
	Vintage  string        `json:"vintage"`
	Action   ingest.Action `json:"action"`
	Code     string        `json:"code"`
	File     string        `json:"file,omitempty"`
	Record   int64         `json:"record,omitempty"`
	BSM      string        `json:"bsm,omitempty"`
	TextZh   string        `json:"text_zh"`
	TextEn   string        `json:"text_en"`
	AdviceZh string        `json:"advice_zh,omitempty"`
	AdviceEn string        `json:"advice_en,omitempty"`
	Before   *float64      `json:"area_before_m2,omitempty"`
	After    *float64      `json:"area_after_m2,omitempty"`
}

// Run reads inputs as [ingest.Inspect] does, judges them by the rules, stores nothing,
// and returns the report. A delivery that breaks rules, one with files that cannot be taken
// (the others are judged), and a strict run that refused something are no errors here: the
// report's verdict tells. Errors are those of ctx and of the machine.
func Run(ctx context.Context, inputs []ingest.Input, reading ingest.Options, opt Options) (*Report, error) {
	if opt.Check.Rules == nil {
		var err error
		if opt.Check.Rules, err = check.LoadRules(""); err != nil {
			return nil, err
		}
	}
	j := judging{opt: opt, reading: reading, inputs: inputs}
	for {
		r, err := j.pass(ctx)
		refused := (*ingest.RefusedFiles)(nil)
		if !errors.As(err, &refused) {
			return r, err
		}
		j.leave(refused.Files) // at least one more than before
	}
}

// judging judges inputs, in a pass more where it shows late that a file cannot be taken.
type judging struct {
	opt     Options
	reading ingest.Options
	inputs  []ingest.Input
	refused []ingest.RefusedFile
}

// leave passes over files in the passes to come. Their layers are not missed: they are
// there, and cannot be taken.
func (j *judging) leave(files []ingest.RefusedFile) {
	j.refused = append(j.refused, files...)
	for _, f := range files {
		j.reading.Without = append(slices.Clone(j.reading.Without), f.Input)
	}
	j.opt.Check.Expected = slices.DeleteFunc(slices.Clone(j.opt.Check.Expected), func(layer string) bool { return without(files, layer) })
}

// without tells whether files are of a layer.
func without(files []ingest.RefusedFile, layer string) bool {
	return slices.ContainsFunc(files, func(f ingest.RefusedFile) bool { return f.Input.Layer == layer })
}

// pass reads and judges once. Its error is a [*ingest.RefusedFiles] when it is to be done
// again without these.
func (j *judging) pass(ctx context.Context) (*Report, error) {
	rec := newRecorder(j.opt.Drawing)
	opt := j.opt.Check
	if j.opt.Drawing == Pictures {
		opt.Unlisted, opt.UnlistedMost = rec.unlisted, MostMapped
	}
	checker, err := check.New(opt)
	if err != nil {
		return nil, err
	}
	rec.next = checker
	// Both are passing files, and what they held is in the report or of no use.
	defer func() { _ = errors.Join(checker.Close(), rec.close()) }()
	reading := j.reading
	reading.Inspector = rec
	b := builder{opt: &j.opt, rec: rec, strict: reading.Strict, refused: slices.Clone(j.refused)}
	b.read, err = ingest.Inspect(ctx, j.inputs, reading)
	refused := (*ingest.RefusedFiles)(nil)
	if errors.As(err, &refused) {
		if refused.Void || slices.ContainsFunc(j.opt.Check.Expected, func(layer string) bool { return without(refused.Files, layer) }) {
			return nil, refused
		}
		b.refused, err = append(b.refused, refused.Files...), nil
	}
	rec.reading = 0
	switch {
	case err == nil || errors.Is(err, ingest.ErrStrict):
		if b.found, err = checker.Finish(ctx); err != nil {
			return nil, err
		}
	case ctx.Err() != nil || problem.Of(err) == nil:
		return nil, err
	default:
		b.failed = problem.Of(err)
	}
	r := b.build()
	if r.rest, err = rec.handOver(); err != nil {
		return nil, err
	}
	if err := r.countMapped(); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	if j.opt.Drawing == Pictures && b.found != nil {
		if r.pictures, err = draw(ctx, r, rec); err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	return r, nil
}

// title returns a layer's title: its profile's, or its name.
func title(name string, of func(string) edition.Title) edition.Title {
	t := of(name)
	if t.Zh == "" {
		t.Zh = name
	}
	if t.En == "" {
		t.En = name
	}
	return t
}
