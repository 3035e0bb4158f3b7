package analyze

import (
	"context"

	"gengtu/index/problem"
	"gengtu/index/setting"
)

// ReconcileRules are the rules of gengtu reconcile; see index/reconcile/METHOD.md.
type ReconcileRules struct {
	// WidthM is the width in metres below which ground along a border that both sides
	// have in common is the digitising band.
	WidthM Threshold `yaml:"width_m"`
	// StepFeatures is how many features must have records on a coarser step (1 m², 0.01
	// mu …) before the step is taken for that of the records, and not for chance.
	StepFeatures Threshold `yaml:"step_features"`
	// Listed bounds the features that an answer lists for each line.
	Listed Threshold `yaml:"listed"`
}

func checkReconcile(r *Rules, f *setting.File) *problem.Problem {
	for _, c := range []struct {
		name   string
		is     Threshold
		lo, hi float64
	}{
		{"width_m", r.Reconcile.WidthM, 0, 100},
		{"step_features", r.Reconcile.StepFeatures, 2, 1e6},
		{"listed", r.Reconcile.Listed, 1, 1e7},
	} {
		if c.is == (Threshold{}) {
			continue // reconcile itself says that it is missing
		}
		if !(c.is.Value >= c.lo && c.is.Value <= c.hi) {
			return f.Problem(f.Line("reconcile", c.name), "reconcile.%[1]s 是 %[2]v，应在 %[3]v 到 %[4]v 之间", "reconcile.%[1]s is %[2]v; it lies between %[3]v and %[4]v", c.name, c.is.Value, c.lo, c.hi)
		}
	}
	return nil
}

// Add adds a question that a package above this one answers by run, with the rules, the
// policy and the name of every question. It is for the start of a program, before
// anything is asked.
func Add(q *Question, run func(ctx context.Context, j *Job) (*Result, error)) {
	q.run = run
	Questions = append(Questions, q)
}
