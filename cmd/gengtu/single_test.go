package main_test

import (
	"slices"
	"strings"
	"testing"

	"gengtu/index"
	"gengtu/index/analyze"
	"gengtu/index/areas"
	"gengtu/index/problem"
	"gengtu/index/question"
)

// ofFeatures are columns that name one feature, or a piece of one.
var ofFeatures = []string{"id", "bsm", "key", "piece_id", "comp_id", "case_id", "alert_id", "plot", "approval", "parcel_a", "parcel_b", "from_bsm", "to_bsm", "a_id", "b_id", "a_code", "b_code", "yjjbnttbbh"}

// A table whose rows are single features says so itself, for each question: a policy that
// lets totals alone be told goes by that.
func TestSingleTables(t *testing.T) {
	ix, err := index.Open(themed(t), "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ix.Close() }()
	single := map[string]bool{}
	for _, q := range question.All() {
		req := analyze.Request{Question: q.Name}
		switch {
		case q.NeedsShapes:
			if req.Shapes, err = analyze.ReadShapes("", []byte(`{"type":"Polygon","coordinates":[[[108.62,34.32],[108.64,34.32],[108.64,34.34],[108.62,34.34],[108.62,34.32]]]}`), nil, areas.Limits{}); err != nil {
				t.Fatal(err)
			}
		case q.Name == "reconcile":
			req.Parameters = map[string]string{"a": "cropland@2023", "b": "cropland@2024"}
		}
		r, err := analyze.Run(t.Context(), ix, req, analyze.Options{Questions: question.All()})
		if err != nil {
			t.Errorf("%s: %v", q.Name, err)
			continue
		}
		for _, table := range r.Tables {
			for _, c := range table.Columns {
				if !table.Single && (slices.Contains(ofFeatures, c.Name) || strings.HasSuffix(c.Name, "_id") || strings.HasSuffix(c.Name, "bsm")) {
					t.Errorf("%s: the table %s has a column %s, and does not say that its rows are single features", q.Name, table.Name, c.Name)
				}
			}
			single[q.Name] = single[q.Name] || table.Single
		}
	}
	for _, name := range []string{"hsf-outside-pbf", "pbf-to-retire", "pbf-not-hsf", "contiguity", "balance", "approvals", "nonagri", "conflicts", "reconcile"} {
		if !single[name] {
			t.Errorf("%s: no table of single features was looked at", name)
		}
	}
	totals := ix.Showing(func(string) bool { return true })
	totals.Manifest.Policy.TotalsOnly = true
	_, err = analyze.Run(t.Context(), totals, analyze.Request{Question: "contiguity", Parameters: map[string]string{"remove": "x"}}, analyze.Options{Questions: question.All()})
	if p := problem.Of(err); p == nil || p.Code != "POLICY" {
		t.Errorf("a feature is named where totals alone are told: %v", err)
	}
}
