package tileserver

import (
	"cmp"
	"slices"

	"gengtu/index/analyze"
	"gengtu/index/edition"
	"gengtu/index/question"
	"gengtu/styles"
)

// offeredQuestion is a question as the list tells it.
type offeredQuestion struct {
	Name        string              `json:"name"`
	Title       edition.Title       `json:"title"`
	About       edition.Title       `json:"about"`
	Layers      []neededLayer       `json:"layers"`
	Parameters  []questionParameter `json:"parameters"`
	NeedsShapes bool                `json:"needs_shapes,omitempty"`
	// Between tells that it compares two states, and takes from.
	Between bool `json:"between,omitempty"`
	// Twice are layers of which one has to be there in two vintages.
	Twice      *neededTwice `json:"twice,omitempty"`
	Answerable bool         `json:"answerable"`
	// Forms are those that its answers may come in; a job lists those that there are.
	Forms []string `json:"forms"`
}

type neededTwice struct {
	Layers []string `json:"layers"`
	There  bool     `json:"there"`
}

type neededLayer struct {
	Layer string `json:"layer"`
	// Title is what the layer is called, there or not.
	Title    styles.Text `json:"title"`
	Optional bool        `json:"optional,omitempty"`
	There    bool        `json:"there"`
}

type questionParameter struct {
	Name    string        `json:"name"`
	Title   edition.Title `json:"title"`
	About   edition.Title `json:"about"`
	Default string        `json:"default,omitempty"`
	// Takes, Choices and Unit are what a form is made by.
	Takes   analyze.Takes    `json:"takes"`
	Choices []analyze.Choice `json:"choices,omitempty"`
	Unit    string           `json:"unit,omitempty"`
}

// questions are those that the tier answers.
func (r *request) questions() []*analyze.Question {
	return slices.DeleteFunc(question.All(), func(q *analyze.Question) bool {
		return !q.OpenIn(r.ix().Manifest)
	})
}

// offered tells of each question whether what it needs is within reach, and what a form
// that asks it has.
func (r *request) offered(rules *analyze.Rules) []offeredQuestion {
	out := []offeredQuestion{}
	names := r.ix().Names()
	p := r.policy()
	for _, q := range r.questions() {
		o := offeredQuestion{Name: q.Name, Title: q.Title, About: q.About, NeedsShapes: q.NeedsShapes, Between: q.Between, Answerable: true, Forms: r.server.formsOf(q), Layers: []neededLayer{}, Parameters: []questionParameter{}}
		for i, name := range slices.Concat(q.Layers, q.Optional) {
			n := neededLayer{name, titleOfLayer(name), i >= len(q.Layers), slices.Contains(names, name)}
			o.Answerable = o.Answerable && (n.There || n.Optional)
			o.Layers = append(o.Layers, n)
		}
		if q.Twice != nil {
			o.Twice = &neededTwice{q.Twice, slices.ContainsFunc(q.Twice, func(name string) bool { return len(r.ix().Vintages(name)) > 1 })}
			o.Answerable = o.Answerable && o.Twice.There
		}
		if q.Enough != nil {
			o.Answerable = o.Answerable && q.Enough(rules, func(name string) bool { return slices.Contains(names, name) })
		}
		for i := range q.Parameters {
			x := &q.Parameters[i]
			if x.Features && !p.MayTellFeatures() {
				continue // refused, see [analyze.Prepare]
			}
			o.Parameters = append(o.Parameters, questionParameter{x.Name, x.Title, x.About, x.Default, cmp.Or(x.Takes, analyze.Words), x.ChoicesBy(rules), x.Unit})
		}
		out = append(out, o)
	}
	return out
}

// titleOfLayer is what a layer that a question names is called: as on the map, or of one
// that has no look of its own as the question calls it.
func titleOfLayer(name string) styles.Text {
	if t := styles.Default().Layer(name).Title; t.Zh != name {
		return t
	}
	t := analyze.LayerTitle(name)
	return styles.Text{Zh: t.Zh, En: t.En}
}
