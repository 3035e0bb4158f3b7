package tileserver_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"gengtu/index/analyze"
	"gengtu/index/analyze/forms"
	"gengtu/index/edition"
	"gengtu/tileserver/access"
)

// reconciled is what is told of a job.
type reconciled struct {
	ID, State string
	Problem   *struct{ Code, Detail string }
	Results   []struct{ Form, Table, URL string }
}

// reconciles posts two operands, follows the job to its end and reads the answer.
func (s *service) reconciles(t testing.TB, body string, headers ...string) (reconciled, *analyze.Result) {
	t.Helper()
	r := s.post(t, "/secure/reconcile", body, headers...)
	if r.StatusCode != http.StatusAccepted && r.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s", body, r.StatusCode, r.body)
	}
	job := decode[reconciled](t, r)
	s.get(t, "/secure/analyses/"+job.ID+"/events", headers...) // ends with the job
	job = decode[reconciled](t, s.get(t, "/secure/analyses/"+job.ID, headers...))
	if job.State != "done" {
		t.Fatalf("%s: %+v", body, job)
	}
	answer := s.get(t, "/secure/analyses/"+job.ID+"/result.json", headers...)
	a, err := forms.Read(bytes.NewReader(answer.body))
	if err != nil {
		t.Fatalf("%v: %s", err, answer.body)
	}
	return job, a
}

// ends returns the first and the last figure of a bridge.
func ends(a *analyze.Result) (first, last analyze.Area) {
	rows, k := a.Tables[0].Rows, a.Tables[0].Column("area")
	return rows[0][k].(analyze.Area), rows[len(rows)-1][k].(analyze.Area)
}

// Two layers, a table in the body and an answer that is kept are reconciled as jobs, with
// figures that add up; what is not there is refused before it waits.
func TestReconcile(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	head := s.bearer(edition.Secure)
	job, a := s.reconciles(t, `{"a":"cropland@2023","b":"cropland@2024","by":"village"}`, head...)
	first, last := ends(a)
	if first == last || a.Question.Name != "reconcile" || len(a.Tables) != 4 || len(a.Identities) == 0 {
		t.Errorf("%v to %v, tables %d", first, last, len(a.Tables))
	}
	if again, _ := s.reconciles(t, `{"by":"village","b":"cropland@2024","a":"cropland@2023"}`, head...); again.ID != job.ID {
		t.Errorf("the same question is another job: %s and %s", job.ID, again.ID)
	}
	for _, operand := range []string{
		fmt.Sprintf(`{"figures":"place,area_m2\n610402,%.2f\n"}`, float64(last)/100),
		fmt.Sprintf(`{"answer":%q,"column":"bridge_by_place.b"}`, job.ID),
	} {
		_, b := s.reconciles(t, `{"a":"cropland@2024","b":`+operand+`,"by":"county"}`, head...)
		x, y := ends(b)
		if x != last || y != last || len(b.Notes) != 1 {
			t.Errorf("%s: %v and %v, want %v; notes %v", operand, x, y, last, b.Notes)
		}
	}
	for body, want := range map[string]struct {
		status int
		code   string
	}{
		`{"a":"cropland@2023"}`:                        {400, "json_member"},
		`{"a":"cropland@2023","b":"cropland@1999"}`:    {400, "reconcile_operand"},
		`{"a":"cropland@2023","b":{"figures":"x"}}`:    {400, "figures_column"},
		`{"a":"cropland@2023","b":{"answer":"x"}}`:     {400, "parameter_previous"},
		`{"a":"cropland","b":"pbf","figure":"gross"}`:  {400, "reconcile_figure"},
		`{"a":"cropland","b":"pbf","width":-1}`:        {400, "reconcile_width"},
		`{"a":"cropland","b":"pbf","lines":"nothing"}`: {400, "reconcile_line"},
		`{"a":"cropland","b":"pbf","by":"street"}`:     {400, "parameter_by"},
		`{"a":"cropland","b":"pbf","from":"2023"}`:     {400, "json_member"},
		`{"a":"cropland","b":"pbf"`:                    {400, "json_syntax"},
	} {
		wantProblem(t, body, s.post(t, "/secure/reconcile", body, head...), want.status, want.code)
	}
}

// Public answers do not reconcile, and a token that does not reach a layer is not told that
// there is one.
func TestReconcileReach(t *testing.T) {
	s := serve(t, nil, edition.Secure, edition.Public)
	if r := s.post(t, "/public/reconcile", `{"a":"cropland@2023","b":"cropland@2024"}`); r.StatusCode != http.StatusForbidden {
		t.Errorf("public: %d %s", r.StatusCode, r.body)
	}
	token := s.token(t, access.Token{Name: "pbf", Scope: &access.Scope{Layers: []string{"pbf"}}})
	r := s.post(t, "/secure/reconcile", `{"a":"pbf@2024","b":"cropland@2024"}`, "Authorization", "Bearer "+token)
	if r.StatusCode != http.StatusBadRequest || strings.Contains(string(r.body), "cropland@2023") {
		t.Errorf("of a layer out of reach: %d %s", r.StatusCode, r.body)
	}
}
