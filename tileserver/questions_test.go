package tileserver_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"gengtu/index/analyze"
	"gengtu/index/edition"
	"gengtu/tileserver"
	"gengtu/tileserver/answer"
)

// offered is the list of questions as a page reads it.
type offered struct {
	Questions []struct {
		Name       string
		Answerable bool
		Forms      []string
		Between    bool
		Twice      *struct {
			Layers []string
			There  bool
		}
		Parameters []struct {
			Name, Default, Takes, Unit string
			Choices                    []analyze.Choice
			Title                      edition.Title
		}
	}
}

// Forms of shapes alone are listed of the questions whose answers may have shapes.
func TestQuestionsForms(t *testing.T) {
	s := serve(t, func(c *tileserver.Config) {
		c.AnswerFiles = []answer.Extra{{Form: "zip", ShapesAlone: true}, {Form: "gpkg"}}
	}, edition.Secure)
	want := map[string]string{"flows": "json csv xlsx html gpkg", "contiguity": "json csv xlsx geojson html zip gpkg"}
	for _, q := range decode[offered](t, s.get(t, "/secure/analyses", s.bearer(edition.Secure)...)).Questions {
		if forms := want[q.Name]; forms != "" && strings.Join(q.Forms, " ") != forms {
			t.Errorf("%s comes in %v, want %s", q.Name, q.Forms, forms)
		}
		delete(want, q.Name)
	}
	if len(want) > 0 {
		t.Errorf("not asked: %v", want)
	}
}

// A form can be made of the list: every parameter says what it takes, and of those with
// choices each is taken, its default among them, and another value is refused.
func TestQuestionsMakeForms(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	head := s.bearer(edition.Secure)
	kinds := []string{"text", "choice", "choices", "truth", "layer", "vintage", "number", "numbers", "codes"}
	list := decode[offered](t, s.get(t, "/secure/analyses", head...)).Questions
	chosen := 0
	for _, q := range list {
		refused := func(name, value string) bool {
			r := s.post(t, "/secure/analyses", `{"question":"`+q.Name+`","parameters":{"`+name+`":"`+value+`"}}`, head...)
			return r.StatusCode == http.StatusBadRequest && decode[struct{ Code string }](t, r).Code == "analyze_parameter"
		}
		for _, p := range q.Parameters {
			if !slices.Contains(kinds, p.Takes) || p.Title.Zh == "" || p.Title.En == "" {
				t.Errorf("%s %s takes %q, title %v", q.Name, p.Name, p.Takes, p.Title)
			}
			if len(p.Choices) == 0 {
				continue
			}
			if p.Takes == "choice" && !slices.ContainsFunc(p.Choices, func(c analyze.Choice) bool { return c.Value == p.Default }) {
				t.Errorf("%s %s: the default %q is none of its choices", q.Name, p.Name, p.Default)
			}
			for _, c := range p.Choices {
				chosen++
				if c.Title.Zh == "" || c.Title.En == "" || refused(p.Name, c.Value) {
					t.Errorf("%s %s=%s: without a title, or refused", q.Name, p.Name, c.Value)
				}
			}
			if p.Takes == "choice" && p.Name != "project" && !refused(p.Name, "nothing such") {
				t.Errorf("%s takes any %s", q.Name, p.Name)
			}
		}
	}
	if chosen < 20 {
		t.Errorf("%d choices", chosen)
	}
}

// What compares two states says so, and is not offered as answerable where the survey is
// there in one.
func TestQuestionsOfTwoStates(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	told := func() (answerable, between map[string]bool) {
		answerable, between = map[string]bool{}, map[string]bool{}
		for _, q := range decode[offered](t, s.get(t, "/secure/analyses", s.bearer(edition.Secure)...)).Questions {
			answerable[q.Name], between[q.Name] = q.Answerable, q.Between
			if q.Twice != nil && q.Twice.There != q.Answerable && q.Name == "flows" {
				t.Errorf("%s: answerable %v, twice %+v", q.Name, q.Answerable, q.Twice)
			}
		}
		return answerable, between
	}
	if answerable, between := told(); !answerable["flows"] || !between["flows"] || between["summary"] {
		t.Errorf("of two vintages: answerable %v, between %v", answerable, between)
	}
	f := newFarm(edition.Secure)
	f.layers = slices.DeleteFunc(f.layers, func(l farmLayer) bool { return l.meta.Vintage == "2023" })
	f.variant = "of one vintage"
	f.commit(t, s.dirs[edition.Secure], 10)
	s.Reload()
	if answerable, _ := told(); answerable["flows"] || !answerable["summary"] {
		t.Errorf("of one vintage: answerable %v", answerable)
	}
}

// A question that answers from whichever of its layers are there is not offered as answerable
// where they are too few, as its start would be refused.
func TestQuestionsOfTooFewLayers(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	head := s.bearer(edition.Secure)
	for _, q := range decode[offered](t, s.get(t, "/secure/analyses", head...)).Questions {
		if q.Name == "conflicts" && q.Answerable {
			t.Error("conflicts are offered without any register")
		}
	}
}
