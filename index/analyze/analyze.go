// Package analyze answers the questions that the map is for: whole-layer questions,
// asked by name, answered as tables that close, and as shapes that can be shown.
//
// In goes an edition that is open for reading, a [Request] and the rules ([Rules], a file
// that a person edits); out comes a [Result], which holds nothing of the clock or of
// the machine: the same generation, request, rules and program give the same bytes.
// Areas are integers of 0.01 m² ([Area]); what each figure is of stands in its column's
// title. METHOD.md states the rules that all questions have in common (domain 6.0).
//
// It is one package of many files because questions share what nobody else is to know: how
// a [Job] reads an edition, cells of tables, slivers, words of codes, and each other's
// ground (approvals that of balance, pbf-to-retire that of hsf-outside-pbf). A file is
// named after its question: siting.go has the [Question] and how it is answered,
// siting_tell.go and its like a part of that, balance_rules.go and its like the thresholds
// that a person edits, of codes and of reconcile, too, whose answers are made elsewhere.
// What bears no question's name is for several. questions.go lists the questions of this
// package; those above may bring theirs ([Options.Questions]) to the same rules.
//
// The package writes no file (package forms does) and knows no request, no token and no
// server: who may ask what is for the caller to say.
package analyze

import (
	"context"
	"slices"

	"gengtu/index"
	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/index/setting"
)

// Request asks a question. Its JSON is what is posted, and what is kept with the answer.
type Request struct {
	Question string `json:"question"`
	// By is the level of places that rows are told by; "" is county.
	By areas.Level `json:"by,omitempty"`
	// Place bounds the question to features of a place, by code; "" is all.
	Place string `json:"place,omitempty"`
	// Vintage is the state that is asked about, "" the latest of each layer. From is the
	// earlier state of questions about change, "" the one before.
	Vintage string `json:"vintage,omitempty"`
	From    string `json:"from,omitempty"`
	// Parameters are the question's own, by the names in its [Question.Parameters].
	Parameters map[string]string `json:"parameters,omitempty"`
	// Shapes are what a question is about that is not in the edition: sites, proposals.
	Shapes []areas.Given `json:"-"`
	// Previous is a kept answer that this one goes on from (what was pushed before).
	Previous *Result `json:"-"`
}

// Question is one question of the package.
type Question struct {
	Name  string
	Title edition.Title
	// About says in a few sentences what is computed, from what, and what it is not; it
	// is printed with the answer.
	About edition.Title
	// Sources are the documents that ask for it.
	Sources []edition.Title
	// Layers it cannot do without; Optional are used where the edition has them, and the
	// answer says which were not there.
	Layers, Optional []string
	// Twice are layers of which one must be there in two vintages; nil where one is enough.
	Twice []string
	// Enough tells whether the layers that there tells of are enough for an answer by the
	// rules, where Layers and Twice do not say it all; nil where they do.
	Enough func(rules *Rules, there func(layer string) bool) bool
	// Between tells that it compares two states, and takes [Request.From].
	Between    bool
	Parameters []Parameter
	// NeedsShapes tells that it asks about shapes that are given.
	NeedsShapes bool
	// NoShapes tells that its answers are tables alone, in no form of shapes.
	NoShapes bool
	// NotPublic questions are never answered by a public edition, whatever its policy says.
	NotPublic bool
	// Named lists the layers that a request names in its parameters; nil is none.
	Named func(req *Request) []string
	// Ready refuses what the parameters and the edition's layers make senseless, before any
	// work; nil refuses nothing.
	Ready func(j *Job) error

	// Answer answers a job that has been checked; never nil. It is called by [Job.Run].
	Answer func(ctx context.Context, j *Job) (*Result, error)
}

// Parameter is a parameter of one question.
type Parameter struct {
	Name string
	// Title is what a form calls it; About tells what its value means.
	Title, About edition.Title
	Default      string // as text; "" where the rules or the data say
	// Takes says what a value is, for whoever makes a form; "" is [Words].
	Takes Takes
	// Choices are the values that there are, where they are few; another is refused.
	Choices []Choice
	// ByRules adds the choices that the rules name; nil adds none.
	ByRules func(*Rules) []Choice
	// Unit is what a number is in.
	Unit string
	// Features tells that its value names single features: an edition that tells totals
	// alone takes none.
	Features bool
	// Check refuses a value; nil takes any.
	Check func(value string) error
}

// Takes is what the value of a parameter is.
type Takes string

// What parameters take. Lists are written with commas between.
const (
	Words   Takes = "text"
	Choose  Takes = "choice"  // one of Choices
	Several Takes = "choices" // a list of Choices
	YesNo   Takes = "truth"   // true or false
	OfLayer Takes = "layer"   // the name of a layer of polygons
	AtState Takes = "vintage"
	Figure  Takes = "number"
	Figures Takes = "numbers"
	Codes   Takes = "codes"
)

// Choice is a value of a parameter, and what it is called.
type Choice struct {
	Value string        `json:"value"`
	Title edition.Title `json:"title"`
}

// choice is a [Choice].
func choice(value, zh, en string) Choice { return Choice{value, edition.Title{Zh: zh, En: en}} }

// ChoicesBy lists the values that a parameter may have under the rules; nil where they are
// not listed.
func (p *Parameter) ChoicesBy(rules *Rules) []Choice {
	if p.ByRules == nil {
		return p.Choices
	}
	return slices.Concat(p.Choices, p.ByRules(rules))
}

// checkChoice refuses a value that is none of the choices under the rules.
func (p *Parameter) checkChoice(value string, rules *Rules) error {
	choices := p.ChoicesBy(rules)
	if p.Takes != Choose || slices.ContainsFunc(choices, func(c Choice) bool { return c.Value == value }) {
		return nil
	}
	var words []string
	for _, c := range choices {
		if c.Value != "" {
			words = append(words, c.Value)
		}
	}
	zh, en := setting.Unknown(value, p.Name, words)
	return badParameter(p.Name, value, zh, en)
}

// Job is a question on its way: what its run function works with.
type Job struct {
	Request
	Question *Question
	Index    *index.Index
	Rules    *Rules
	Workers  int // 0 is one for each processor
	// Tell is told how far a named stage is; never nil. It may be called by several
	// goroutines.
	Tell func(stage edition.Title, done, all int)
	// Names are the names of places, by code.
	Names map[string]string

	program, scope string
}

// Options changes how [Run] works.
type Options struct {
	// Questions are those that there are; nil are the [Questions] of this package.
	Questions []*Question
	Rules     *Rules // nil is [DefaultRules]
	Workers   int
	Program   string // the program's version, which the answer carries
	Tell      func(stage edition.Title, done, all int)
	// Scope names the part of the edition that the index has, "" for all of it: an answer
	// of a part has a name of its own, and says of which.
	Scope string
}

// Run answers a request from an edition. Errors are problems (ANALYZE_UNKNOWN,
// ANALYZE_LAYER, ANALYZE_PARAMETER, POLICY …), ctx's, or those of reading.
func Run(ctx context.Context, ix *index.Index, req Request, opt Options) (*Result, error) {
	j, err := Prepare(ix, req, opt)
	if err != nil {
		return nil, err
	}
	return j.Run(ctx)
}

// Layer returns a layer that the question needs in the vintage asked for (or the given
// one when vintage is not ""), or a problem ANALYZE_LAYER that says what there is.
func (j *Job) Layer(name, vintage string) (*index.Layer, error) {
	if vintage == "" {
		vintage = j.Vintage
	}
	if l := j.Index.Layer(name, vintage); l != nil {
		return l, nil
	}
	return nil, noLayer(j.Index, name, vintage)
}

// Maybe is Layer for a layer that a question can do without: the vintage asked for, else
// the latest; nil where there is none.
func (j *Job) Maybe(name string) *index.Layer {
	if l := j.Index.Layer(name, j.Vintage); l != nil {
		return l
	}
	return j.Index.Layer(name, "")
}

// Parameter returns the value of a parameter, its default where none was given.
func (j *Job) Parameter(name string) string {
	if v, ok := j.Parameters[name]; ok {
		return v
	}
	for i := range j.Question.Parameters {
		if p := &j.Question.Parameters[i]; p.Name == name {
			return p.Default
		}
	}
	panic("analyze: no parameter " + name)
}

// badParameter is the problem of a parameter's value.
func badParameter(name, value, zh, en string) *problem.Problem {
	return problem.New("ANALYZE_PARAMETER", "参数 %[1]s 的值 %.60[2]q 不对：%[3]s", "the value %.60[2]q of parameter %[1]s is not right: %[4]s", name, value, zh, en)
}
