package analyze

import (
	"slices"

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
	given := []bound{
		{"width_m", r.Reconcile.WidthM, 0, 100, false},
		{"step_features", r.Reconcile.StepFeatures, 2, 1e6, false},
		{"listed", r.Reconcile.Listed, 1, 1e7, false},
	}
	// One that is missing is told by reconcile itself.
	given = slices.DeleteFunc(given, func(b bound) bool { return b.is == (Threshold{}) })
	return bounded(f, "reconcile", given...)
}
