package main

import (
	"io"

	"gengtu/index/problem"
	"gengtu/ingest"
	"gengtu/ingest/change"
)

// outcome is a member of the report of each run that takes data in.
type outcome struct {
	// Stored tells whether there is a generation of it: a run that failed stores nothing,
	// whatever it had kept until then.
	Stored bool `json:"stored"`
}

// outcomeOf is that of a run which made the generation of that name, "" for none.
func outcomeOf(generation string) outcome { return outcome{Stored: generation != ""} }

// frame prints a report for a person, that of a run which stored nothing with that word
// before and behind what it would have kept.
func (o outcome) frame(w io.Writer, lang problem.Lang, of report) error {
	if o.Stored {
		return of.Write(w, lang)
	}
	before, behind := "! nothing was stored, the edition is as it was: what follows is what the run had read until it failed\n", "! nothing was stored of all this: the run failed\n"
	if lang == problem.Chinese {
		before, behind = "! 什么也没有入库，版本照旧：以下是失败前读到的\n", "! 以上都没有入库：这次没有成功\n"
	}
	if _, err := io.WriteString(w, before); err != nil {
		return err
	}
	if err := of.Write(w, lang); err != nil {
		return err
	}
	_, err := io.WriteString(w, behind)
	return err
}

// timedReport is a report with what the work spent its time on. Times are no part of
// what must be the same from run to run, which the report itself is.
type timedReport struct {
	*ingest.Report
	outcome
	Delivery *ingest.Delivery `json:"delivery,omitempty"`
	Stages   []stage          `json:"stages,omitempty"`
}

// newTimedReport returns the report of a run that is over: with a generation, it is stored.
func newTimedReport(rep *ingest.Report, found *ingest.Delivery, took []stage) timedReport {
	return timedReport{Report: rep, outcome: outcomeOf(rep.Generation), Delivery: found, Stages: took}
}

// Write prints the report for a person.
func (t timedReport) Write(w io.Writer, lang problem.Lang) error {
	return t.frame(w, lang, t.Report)
}

// packageReport is what a run that applies an update package tells.
type packageReport struct {
	*change.Report
	outcome
}

// Write prints the report for a person.
func (r packageReport) Write(w io.Writer, lang problem.Lang) error {
	return r.frame(w, lang, r.Report)
}
