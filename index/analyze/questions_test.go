package analyze_test

import (
	"strings"
	"testing"

	"gengtu/index/analyze"
	"gengtu/index/analyze/analyzetest"
	"gengtu/index/problem"
)

// A place that nothing lies in is refused before any work, whatever the question: its
// answer would be empty, and read as if there were none of what is asked about.
func TestPlacesAreKnown(t *testing.T) {
	ix := analyzetest.New(1, 24, 16, 60).Index(t)
	known := ix.Layer("cropland", "").Head(0).Place
	for place, want := range map[string]string{"abc": "PARAMETER_PLACE", "999": "PARAMETER_PLACE", "999999": "NO_PLACE", known[:6]: "", known: "", "": ""} {
		for _, question := range []string{"flows", "hsf-outside-pbf", "contiguity", "summary"} {
			_, err := analyze.Prepare(ix, analyze.Request{Question: question, Place: place}, analyze.Options{})
			p := problem.Of(err)
			if want == "" && err != nil || want != "" && (p == nil || p.Code != want) {
				t.Errorf("%s of place %q: %v, not %q", question, place, err, want)
			}
		}
	}
}

// Both languages of what is said of a question or parameter that is not known.
func TestUnknownNames(t *testing.T) {
	ix := analyzetest.New(1, 24, 16, 60).Index(t)
	for _, req := range []analyze.Request{
		{Question: "flow"}, {Question: "flows", Parameters: map[string]string{"cub": "true"}}, {Question: "flows", Parameters: map[string]string{"cube": "maybe"}},
	} {
		_, err := analyze.Prepare(ix, req, analyze.Options{})
		p := problem.Of(err)
		if p == nil {
			t.Fatalf("%v is taken: %v", req, err)
		}
		for _, l := range []problem.Lang{problem.Chinese, problem.English} {
			if s := p.Text(l); strings.Contains(s, "%!") || !strings.Contains(s, "flow") && !strings.Contains(s, "cube") {
				t.Errorf("%v in %v: %s", req, l, s)
			}
		}
	}
}
