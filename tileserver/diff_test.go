package tileserver_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/tileserver"
)

type diffDoc struct {
	From, To struct {
		Vintage, Generation string
		Features            int
		GroundM2            float64 `json:"ground_m2"`
	}
	Counts struct{ Added, Removed, Geometry, Attribute, Both, Unchanged int }
	Matrix struct {
		Flows []struct {
			From, To *string
			AreaM2   float64 `json:"area_m2"`
		}
		GainedM2 float64 `json:"gained_m2"`
		LostM2   float64 `json:"lost_m2"`
		MovedM2  float64 `json:"moved_m2"`
	}
	Changes []struct {
		Change string
		ID     uint64
		Key    string
	}
}

// The difference of two vintages is what the farm's are made of, in every form; of two
// generations too; and a tier whose policy refuses single features has the sums alone.
func TestDiff(t *testing.T) {
	s := serve(t, nil, edition.Secure, edition.Public)
	head := s.bearer(edition.Secure)
	row := lotArea(0, lots-1, lots, lots)
	check := func(address string, listed bool, head ...string) diffDoc {
		t.Helper()
		r := s.get(t, address, head...)
		if r.StatusCode != http.StatusOK || r.Header.Get("ETag") == "" {
			t.Fatalf("%s: %d %s", address, r.StatusCode, r.body)
		}
		d := decode[diffDoc](t, r)
		if c := d.Counts; c.Added != lots || c.Unchanged != lots*(lots-1) || c.Removed+c.Geometry+c.Attribute+c.Both != 0 {
			t.Errorf("%s: counts %+v", address, c)
		}
		if m := d.Matrix; math.Abs(m.GainedM2-row) > 0.01 || m.LostM2 != 0 || m.MovedM2 != 0 {
			t.Errorf("%s: gained %.4f, lost %.4f, moved %.4f; want %.4f, 0, 0", address, m.GainedM2, m.LostM2, m.MovedM2, row)
		}
		if math.Abs(d.To.GroundM2-lotArea(0, 0, lots, lots)) > 0.01 {
			t.Errorf("%s: ground %.4f", address, d.To.GroundM2)
		}
		if (len(d.Changes) == lots) != listed || !listed && len(d.Changes) > 0 {
			t.Errorf("%s: %d changes are listed", address, len(d.Changes))
		}
		return d
	}
	check("/secure/diff", true, head...)
	check("/secure/diff?layer=cropland&from=2023&to=2024", true, head...)
	check("/secure/diff?layer=cropland&from=2023&list=false", false, head...)
	g := s.generations[edition.Secure]
	d := check("/secure/diff?layer=cropland&from=2023@"+g+"&to="+g, true, head...)
	if d.From.Generation != g || d.To.Vintage != "2024" || len(d.Changes) > 0 && !strings.HasPrefix(d.Changes[0].Key, "6104022100") {
		t.Errorf("%+v", d)
	}
	d = check("/public/diff?layer=cropland", false)
	for _, f := range d.Matrix.Flows {
		if f.From != nil && *f.From != "" || f.To != nil && *f.To != "" {
			t.Errorf("the public difference names classes: %+v", f)
		}
	}
	rows, err := csv.NewReader(bytes.NewReader(s.get(t, "/secure/diff?f=csv", head...).body)).ReadAll()
	if err != nil || len(rows) != lots+1 {
		t.Errorf("csv: %v, %d rows", err, len(rows))
	}
	for _, f := range []string{"flows.csv", "xlsx", "geojson"} {
		if r := s.get(t, "/secure/diff?f="+f, head...); r.StatusCode != http.StatusOK || !strings.Contains(r.Header.Get("Content-Disposition"), "diff."+f) {
			t.Errorf("%s: %d", f, r.StatusCode)
		}
	}
	for _, c := range []struct {
		address string
		status  int
		code    string
	}{
		{"/secure/diff?f=pdf", 400, "parameter_f"},
		{"/secure/diff?list=maybe", 400, "parameter_list"},
		{"/secure/diff?layer=roads&from=2023&to=2024", 404, "no_layer"},
		{"/secure/diff?layer=roads", 404, "no_layer"},
		{"/secure/diff?layer=pbf", 400, "parameter_from"},
		{"/secure/diff?layer=cropland&from=1999", 404, "no_vintage"},
		{"/secure/diff?layer=cropland&from=g0000000000000000", 410, "generation_gone"},
		{"/secure/diff?layer=cropland&by=NOSUCH", 400, "diff_class"},
		{"/secure/diff?list=false&f=csv", 403, "policy"},
		{"/public/diff?f=csv", 403, "policy"},
		{"/public/diff?f=geojson", 403, "policy"},
		{"/public/diff?f=xlsx", 403, "policy"},
	} {
		h := head
		if strings.HasPrefix(c.address, "/public") {
			h = nil
		}
		wantProblem(t, c.address, s.get(t, c.address, h...), c.status, c.code)
	}
	if r := s.get(t, "/secure/diff"); r.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a token: %d", r.StatusCode)
	}
	free := s.HoldPlaces()
	wantProblem(t, "busy", s.get(t, "/secure/diff", head...), 429, "too_many")
	free()
}

// A list of changes has a limit, sums have none.
func TestDiffListLimit(t *testing.T) {
	s := serve(t, func(c *tileserver.Config) { c.Limits.AnswerItems = lots - 2 }, edition.Secure)
	head := s.bearer(edition.Secure)
	for _, f := range []string{"json", "csv", "geojson", "xlsx"} {
		r := s.get(t, "/secure/diff?f="+f, head...)
		wantProblem(t, f, r, 413, "too_large_list")
		if want := fmt.Sprintf("there are %d changes, the limit is %d", lots, lots-2); !strings.Contains(string(r.body), want) {
			t.Errorf("%s: %s; want %s", f, r.body, want)
		}
	}
	for _, q := range []string{"list=false", "f=flows.csv"} {
		if r := s.get(t, "/secure/diff?"+q, head...); r.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", q, r.StatusCode, r.body)
		}
	}
}

// A feature says what it came from and what became of it, by the ground that is
// shared; a tier whose policy refuses single features says nothing.
func TestLineageByGround(t *testing.T) {
	// One place is enough for a question.
	s := serve(t, func(c *tileserver.Config) { c.Limits.OverlayAtOnce = 1 }, edition.Secure, edition.Public)
	head := s.bearer(edition.Secure)
	type side struct {
		Layer, Vintage, Key, Class, Source string
		ID                                 *uint64
		AreaM2                             *float64 `json:"area_m2"`
		RecordM2                           *float64 `json:"record_m2"`
	}
	type doc struct {
		ID                       uint64
		Vintage                  string
		Before                   *string `json:"vintage_before"`
		After                    *string `json:"vintage_after"`
		Predecessors, Successors []side
	}
	get := func(address string) doc {
		t.Helper()
		r := s.get(t, address, head...)
		if r.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %s", address, r.StatusCode, r.body)
		}
		return decode[doc](t, r)
	}
	d := get("/secure/features/cropland/1001/lineage")
	if d.Before == nil || *d.Before != "2023" || d.After != nil || len(d.Predecessors) != 1 || len(d.Successors) != 0 {
		t.Fatalf("%+v", d)
	}
	p := d.Predecessors[0]
	if *p.ID != 1001 || p.Vintage != "2023" || p.Source != "geometry" || p.Key != bsm(1, 0) || math.Abs(*p.AreaM2-lotArea(1, 0, 2, 1)) > 0.001 || p.RecordM2 != nil || p.Class != "0102" {
		t.Errorf("%+v", p)
	}
	if d := get("/secure/features/cropland/1001/lineage?vintage=2023"); len(d.Successors) != 1 || *d.Successors[0].ID != 1001 || d.Before != nil {
		t.Errorf("%+v", d)
	}
	if d := get("/secure/features/cropland/1060/lineage"); len(d.Predecessors) != 0 {
		t.Errorf("a lot that is new has predecessors %+v", d.Predecessors)
	}
	wantProblem(t, "public", s.get(t, "/public/features/cropland/1001/lineage"), 403, "policy")
	for tier, told := range map[string]bool{"secure": true, "public": false} { // where it is refused the catalogue does not offer it
		r := s.get(t, "/"+tier+"/catalog", head...)
		if offered := strings.Contains(string(r.body), "{id}/lineage"); r.StatusCode != http.StatusOK || offered != told {
			t.Errorf("%s: %d, lineage is offered: %v", tier, r.StatusCode, offered)
		}
	}
	wantProblem(t, "no feature", s.get(t, "/secure/features/cropland/999/lineage", head...), 404, "no_feature")
	free := s.HoldPlaces()
	wantProblem(t, "busy", s.get(t, "/secure/features/cropland/1001/lineage", head...), 429, "too_many")
	free()
}
