package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/problem"
	"gengtu/ingest"
)

// Each stage has the time from its beginning to the next one's or the end, and
// nothing is counted before the first or after the last.
func TestStages(t *testing.T) {
	var s stages
	s.end()
	begun := time.Now()
	for _, name := range []string{stageRead, stageIndex, stageWrite} {
		s.begin(name)
		for at := time.Now(); time.Since(at) < 20*time.Millisecond; { // at work, not asleep
		}
	}
	s.end()
	all := time.Since(begun).Seconds()
	s.end()
	var names []string
	sum := 0.0
	for _, st := range s.list {
		names = append(names, st.Name)
		if sum += st.Seconds; st.Seconds < 0.02 {
			t.Errorf("%s took %v s, want 0.02 at least", st.Name, st.Seconds)
		}
	}
	if diff := cmp.Diff([]string{"read", "index", "write"}, names); diff != "" {
		t.Error(diff)
	}
	if sum > all+0.0015 || sum < all-0.005 {
		t.Errorf("the stages took %v s together, the work %v", sum, all)
	}
}

// Stages are noted line by line, and stand in the report beside what it says without
// them.
func TestStagesAreTold(t *testing.T) {
	s := stages{list: []stage{{stageGround, 4.75, 8.5}, {stageTiles, 12, 20}}}
	var stderr bytes.Buffer
	s.note(&env{stderr: &stderr, lang: problem.English})
	if got, want := stderr.String(), "ground: 4.8 s, processor 8.5 s\ntiles: 12.0 s, processor 20.0 s\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	rep := &ingest.Report{Tier: "secure", Generation: "g1", Layers: []*ingest.LayerReport{}}
	bare, err := json.Marshal(rep)
	if err != nil {
		t.Fatal(err)
	}
	timed, err := json.Marshal(newTimedReport(rep, nil, s.list))
	if err != nil {
		t.Fatal(err)
	}
	want := strings.TrimSuffix(string(bare), "}") +
		`,"stored":true,"stages":[{"stage":"ground","seconds":4.75,"processor_seconds":8.5},{"stage":"tiles","seconds":12,"processor_seconds":20}]}`
	if diff := cmp.Diff(want, string(timed)); diff != "" {
		t.Error(diff)
	}
}
