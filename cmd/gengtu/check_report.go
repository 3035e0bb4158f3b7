package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/index/receipt"
	"gengtu/ingest"
	"gengtu/ingest/check"
	checkreport "gengtu/ingest/report"
)

// judging are the flags of check that say what is judged by and what is printed.
type judging struct {
	date, county string
	check        check.Options
	delivery     *ingest.Delivery
	unread       []*problem.Problem // why files could not be opened
	read         func()             // called when all is read and judged
	seal         sealing
	files        []string // that were named, as receipts have them
	layer, rules string   // that were named, "" for none
}

func (j *judging) define(fs *flags) {
	fs.StringVar(&j.date, "date", "", "报告上的日期，原样写上|the date on the report, as given")
	j.seal = newSealing(fs)
	fs.StringVar(&j.county, "county", "", "报告上的县名，代替数据里的|the county's name on the report, in the place of the delivery's")
}

// These are what a report's folder gets beside the shapefiles.
const (
	reportJSON = "report.json"
	reportHTML = "report.html"
)

// judge reads and judges deliveries, gives the report, and returns an error when the
// verdict is fail. path is where the report goes: a folder, a .json or .txt file, or "".
func (e *env) judge(inputs []ingest.Input, reading ingest.Options, j judging, path string) error {
	// What a delivery holds is judged as the secure tier's.
	sealer, err := j.seal.fileSealer(edition.Secure, path)
	if err != nil {
		return err
	}
	opt := checkreport.Options{Check: j.check, Program: programVersion(), Date: j.date, County: j.county, Delivery: j.delivery, Unread: j.unread}
	folder := path != "" && isFolder(path)
	if folder {
		opt.Drawing = checkreport.Pictures
	}
	r, err := checkreport.Run(e.ctx, inputs, reading, opt)
	j.read()
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // a passing file
	closeOutputs(edition.Secure)
	files := []string{path}
	switch {
	case folder:
		files = []string{filepath.Join(path, reportHTML), filepath.Join(path, reportJSON)}
		err = writeReportFolder(r, path)
	case path != "":
		err = writeFile(path, func(w io.Writer) error { return e.printReport(r, w, strings.EqualFold(filepath.Ext(path), ".json")) })
	}
	if err != nil {
		return err
	}
	if err := e.sealFiles(sealer, j.answered(), files...); err != nil {
		return err
	}
	r.SavedAt(path)
	if err := e.printReport(r, e.stdout, e.json); err != nil {
		return err
	}
	return failing(r)
}

// answered is what was asked, as receipts have it: with the digest of a delivery that is
// one file, of a shapefile that of its .shp; none of one that could not be read.
func (j *judging) answered() answered {
	a := answered{
		source: receipt.Source{Tier: edition.Secure}, about: "check",
		parameters: map[string]string{"files": strings.Join(bases(j.files), " "), "layer": j.layer, "date": j.date, "county": j.county},
		files:      map[string]string{"rules": j.rules},
	}
	if len(j.files) == 1 && len(j.unread) == 0 {
		a.shapes = j.files[0]
	}
	return a
}

// bases are the names of files without the folders that they lie in.
func bases(paths []string) []string {
	var out []string
	for _, p := range paths {
		out = append(out, filepath.Base(p))
	}
	return out
}

// isFolder tells whether a report goes to path as a folder: it is one, or has no ending.
func isFolder(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir() || err != nil && filepath.Ext(path) == ""
}

func writeReportFolder(r *checkreport.Report, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return unwritable(dir, err)
	}
	if err := r.Shapefiles(dir); err != nil {
		return err
	}
	if err := writeFile(filepath.Join(dir, reportHTML), r.HTML); err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, reportJSON), r.JSON) // last: who waits for it finds all
}

func (e *env) printReport(r *checkreport.Report, w io.Writer, asJSON bool) error {
	if asJSON {
		return r.JSON(w)
	}
	return r.Write(w, e.lang)
}

// failing returns why a delivery fails, nil when it passes.
func failing(r *checkreport.Report) error {
	if r.Verdict != checkreport.Fail {
		return nil
	}
	if len(r.Errors) > 0 {
		return r.Errors[0]
	}
	s := &r.Summary
	english := make([]string, 0, len(r.Fails))
	for _, severity := range r.Fails {
		english = append(english, check.EnglishSeverity(severity))
	}
	return problem.New("CHECK_FAILED", "不合格：%[1]d 处问题属于%[2]s，拒收 %[3]d 个要素", "it fails: %[1]d faults of %[4]s, %[3]d features refused", s.Failing, strings.Join(r.Fails, "、"), s.Refused, strings.Join(english, ", ")).
		Advise("报告里逐条列出；更正后重新提交", "the report lists them; have them corrected and delivered again")
}
