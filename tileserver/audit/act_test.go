package audit_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/problem"
	"gengtu/tileserver/audit"
)

// Servers have a chain each, acts one together; a chain that is gone is missed.
func TestServersAndActs(t *testing.T) {
	dir := newDir(t)
	who := audit.Record{Act: "serve", Who: "root", Outcome: audit.Begun}
	var logs []*audit.Log
	for k := range 3 {
		l, err := audit.OpenServer(dir, who, audit.Options{})
		if err != nil || l.Chain() != fmt.Sprintf("server-%d", k+1) {
			t.Fatalf("%v, %v", l, err)
		}
		logs = append(logs, l)
		if err := l.Append(audit.Record{Time: day0, Tier: "secure"}); err != nil {
			t.Fatal(err)
		}
	}
	failed := problem.New("SOME_CODE", "秘密", "a secret")
	err := audit.Act(dir, audit.Record{Act: "token add", Who: "li"}, audit.Options{}, func() error { return failed })
	if !errors.Is(err, failed) {
		t.Errorf("got %v", err)
	}
	for _, l := range logs {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	all, err := audit.Verify(dir, nil)
	if err != nil || len(all) != 4 || all[0].Chain != audit.ActsChain || all[0].N != 5 {
		t.Fatalf("%+v, %v", all, err)
	}
	var got []string
	err = audit.Read(dir, audit.Filter{Acts: true}, func(_ string, n int64, r audit.Record) error {
		got = append(got, fmt.Sprint(n, " ", r.Act, " ", r.Who, " ", r.Outcome, " ", r.Chain, r.Detail))
		return nil
	})
	want := []string{"1 serve root begun server-1", "2 serve root begun server-2", "3 serve root begun server-3", "4 token add li begun ", "5 token add li failed code=SOME_CODE"}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	for _, gone := range []string{"server-2", audit.ActsChain} {
		copied := newDir(t)
		if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		for _, ending := range []string{".000001.jsonl", ".head.json"} {
			if err := os.Remove(filepath.Join(copied, gone+ending)); err != nil {
				t.Fatal(err)
			}
		}
		_, err := audit.Verify(copied, nil)
		wantCode(t, err, "AUDIT_MISSING")
	}
	// Without the line that tells of it, nothing is done.
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "acts.head.json"), []byte("{}"))
	done := false
	err = audit.Act(dir, who, audit.Options{}, func() error { done = true; return nil })
	wantCode(t, err, "AUDIT_HEAD")
	if done {
		t.Error("it was done without a line")
	}
}

// Only what is old enough goes, an act tells of it, and the rest verifies; without the
// act it does not.
func TestPrune(t *testing.T) {
	dir := newDir(t)
	l, err := audit.OpenServer(dir, audit.Record{Act: "serve"}, audit.Options{Now: func() time.Time { return day0 }})
	if err != nil {
		t.Fatal(err)
	}
	for day := range 300 {
		if err := l.Append(audit.Record{Time: day0.AddDate(0, 0, day), Tier: "secure"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := audit.Verify(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	kept := newDir(t)
	if err := os.CopyFS(kept, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return day0.AddDate(0, 0, 299) }
	auditor := audit.Record{Act: "audit prune", Who: "wang"}
	_, err = audit.Prune(dir, audit.LeastKeepDays-1, auditor, audit.Options{Now: now})
	wantCode(t, err, "AUDIT_KEEP")
	gone, err := audit.Prune(dir, audit.DefaultKeepDays, auditor, audit.Options{Now: now})
	if err != nil || len(gone) != 1 || gone[0].Chain != "server-1" || gone[0].File != 109 || gone[0].N != 109 {
		t.Fatalf("%+v, %v", gone, err)
	}
	all, err := audit.Verify(dir, before)
	if err != nil || all[1].FirstN != 110 || all[1].N != 300 || !all[1].First.Equal(now().AddDate(0, 0, -190)) {
		t.Fatalf("%+v, %v", all, err)
	}
	// The acts have a second file since, so that their first may go.
	for _, want := range []int{1, 0} {
		gone, err := audit.Prune(dir, audit.DefaultKeepDays, auditor, audit.Options{Now: now})
		if err != nil || len(gone) != want || want == 1 && gone[0].Chain != audit.ActsChain {
			t.Errorf("once more: %+v, %v", gone, err)
		}
		if _, err := audit.Verify(dir, nil); err != nil {
			t.Error(err)
		}
	}
	// One file more than the act tells is missed.
	path := func(dir string, n int) string { return filepath.Join(dir, fmt.Sprintf("server-1.%06d.jsonl", n)) }
	if err := os.Remove(path(dir, 110)); err != nil {
		t.Fatal(err)
	}
	_, err = audit.Verify(dir, nil)
	wantCode(t, err, "AUDIT_MISSING")
	// Removing that was cut off on the way is no tampering; removing without an act is.
	write(t, path(dir, 110), read(t, path(kept, 110)))
	write(t, path(dir, 109), read(t, path(kept, 109)))
	if _, err := audit.Verify(dir, nil); err != nil {
		t.Error(err)
	}
	if err := os.Remove(path(kept, 1)); err != nil {
		t.Fatal(err)
	}
	_, err = audit.Verify(kept, nil)
	wantCode(t, err, "AUDIT_MISSING")
	_, err = audit.Prune(kept, audit.DefaultKeepDays, auditor, audit.Options{Now: now})
	wantCode(t, err, "AUDIT_MISSING")
}

func TestReadFilters(t *testing.T) {
	dir := newDir(t)
	l, err := audit.Open(dir, chain, audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	records := []audit.Record{
		{Time: day0, Who: "a", Tier: "secure", Layer: "pbf,dltb", Status: 200, Request: "1", Box: []float64{108.61234567891, 34, 109, 35}, AreaM2: 12.345},
		{Time: day0.Add(time.Hour), Who: "b", Tier: "government", Layer: "pbf", Place: "610402001", Status: 403, Request: "2"},
		{Time: day0.Add(2 * time.Hour), Who: "b", Act: "token add", Request: "3"},
	}
	for _, r := range records {
		if err := l.Append(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		f    audit.Filter
		want string
	}{
		"all":     {audit.Filter{}, "123"},
		"since":   {audit.Filter{Since: day0.Add(time.Hour)}, "23"},
		"until":   {audit.Filter{Until: day0.Add(time.Hour)}, "1"},
		"who":     {audit.Filter{Who: "b"}, "23"},
		"tier":    {audit.Filter{Tier: "secure"}, "1"},
		"layer":   {audit.Filter{Layer: "dltb"}, "1"},
		"place":   {audit.Filter{Place: "610402"}, "2"},
		"status":  {audit.Filter{Status: 403}, "2"},
		"request": {audit.Filter{Request: "3"}, "3"},
		"acts":    {audit.Filter{Acts: true}, "3"},
	} {
		got := ""
		if err := audit.Read(dir, c.f, func(_ string, _ int64, r audit.Record) error { got += r.Request; return nil }); err != nil || got != c.want {
			t.Errorf("%s: got %s, %v, want %s", name, got, err, c.want)
		}
	}
	err = audit.Read(dir, audit.Filter{Request: "1"}, func(_ string, _ int64, r audit.Record) error {
		if diff := cmp.Diff([]float64{108.612346, 34, 109, 35}, r.Box); diff != "" || r.AreaM2 != 12.35 {
			t.Errorf("%s, %v", diff, r.AreaM2)
		}
		return errors.New("enough")
	})
	if err == nil || err.Error() != "enough" {
		t.Errorf("got %v", err)
	}
}

// A head that cannot be written, as on a full disk where the line found room, is told
// with what to do; of an act it is told whether it was done.
func TestTellWithoutAHead(t *testing.T) {
	dir := newDir(t)
	block := func() error { return os.Mkdir(filepath.Join(dir, "acts.head.json.new"), 0o700) }
	wanted := func(err error, part string) {
		t.Helper()
		p := problem.Of(err)
		if p == nil || p.Code != "AUDIT_WRITE" || !strings.Contains(p.Text(problem.English), part) || p.Advice(problem.Chinese) == "" {
			t.Errorf("%v, want %q", err, part)
		}
	}
	wanted(audit.Act(dir, audit.Record{Act: "token revoke", Who: "li"}, audit.Options{}, block), "it was done")
	done := false
	wanted(audit.Act(dir, audit.Record{Act: "token revoke", Who: "li"}, audit.Options{}, func() error { done = true; return nil }), "disk space")
	if done {
		t.Error("it was done without a line of its beginning")
	}
}
