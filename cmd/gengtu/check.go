package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/ingest"
	"gengtu/ingest/check"
	"gengtu/ingest/source"
)

// addChecked adds each table of a file as the layer that it looks like, or as
// layer when that is given.
func (e *env) addChecked(f *reading, path, layer string) error {
	tables, err := source.Tables(path)
	if err != nil {
		return err
	}
	for _, t := range tables {
		name, suffix := layer, ""
		if len(tables) > 1 {
			suffix = "#" + t
		} else {
			t = ""
		}
		if name == "" {
			d, err := ingest.Describe(e.ctx, path, source.Options{Table: t, Encoding: f.encoding})
			if err != nil {
				return err
			}
			name = d.Layer
		}
		f.layers = append(f.layers, name+"="+path+suffix)
	}
	return nil
}

func runCheck(e *env, fs *flags) error {
	var f reading
	f.define(fs)
	layer := fs.String("layer", "", "当作哪个图层；不给则按字段猜|the layer to take it as; guessed by its fields otherwise")
	rulesFile := fs.String("rules", "", "规则文件，代替内置的|rules in the place of the embedded ones")
	printRules := fs.Bool("print-rules", false, "打印内置规则|print the embedded rules")
	listed := fs.Int("listed", check.DefaultListed, "每条规则最多列出几处|faults listed for each rule")
	paths, err := fs.parse(0, -1)
	if err != nil {
		return err
	}
	if *printRules {
		_, err := e.stdout.Write(check.RulesText())
		return err
	}
	if len(paths) == 0 {
		return usage("CHECK_PATH", "没有给出要检查的文件", "no file to check is given")
	}
	rules, err := check.LoadRules(*rulesFile)
	if err != nil {
		return err
	}
	for _, path := range paths {
		if err := e.addChecked(&f, path, *layer); err != nil {
			return err
		}
	}
	inputs, err := f.inputs()
	if err != nil {
		return err
	}
	p := e.progress()
	defer p.end()
	opt, err := f.options(e, edition.Secure, p)
	if err != nil {
		return err
	}
	report, err := reportFile(f.report)
	if err != nil {
		return err
	}
	res, rep, err := check.Run(e.ctx, inputs, opt, check.Options{Rules: rules, Listed: *listed})
	p.end()
	if rep == nil {
		return err
	}
	return errors.Join(err, e.giveChecked(checked{Report: rep, Check: res}, report))
}

// reportFile returns the file that a report is written to: path itself, or report.json in
// the folder that it names, which is made.
func reportFile(path string) (string, error) {
	st, err := os.Stat(path)
	if path == "" || !(err == nil && st.IsDir() || filepath.Ext(path) == "") {
		return path, nil
	}
	return filepath.Join(path, "report.json"), os.MkdirAll(path, 0o755)
}

// checked is what a check tells: what the reading found, then what the rules say.
type checked struct {
	*ingest.Report
	Check *check.Result `json:"check"`
}

// Write prints both.
func (c checked) Write(w io.Writer, lang problem.Lang) error {
	if err := c.Report.Write(w, lang); err != nil || c.Check == nil {
		return err
	}
	return c.Check.Write(w, lang)
}

// giveChecked prints the report of a check, and writes it to a file when one is asked for.
func (e *env) giveChecked(c checked, path string) error {
	read := 0
	for _, l := range c.Layers {
		read += l.Read
	}
	if read == 0 && c.Check == nil {
		return nil // nothing was opened; the error says why
	}
	return e.writeReport(c, path)
}
