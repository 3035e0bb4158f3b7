package analyze

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
)

// Result is the answer to a question. It does not change after [Run] has returned it.
type Result struct {
	// Run names the answer: the first 16 hex digits of SHA-256 over generation, request,
	// shapes, rules and program, so that the same question has the same name.
	Run        string
	Request    Request
	Question   *Question
	Generation string
	Program    string
	Tier       edition.Tier
	Scope      string // the part of the edition that it is of, "" for all
	Formula    string
	Rules      Version
	Layers     []LayerVersion
	Tables     []*Table
	Shapes     []*Shapes
	Identities []Identity
	Notes      []edition.Title
	// Extra is what a question tells beside tables, by name (a Sankey): it is in the JSON.
	Extra map[string]any
	// Policy is that of the edition: what pictures and pages must say.
	Policy edition.Policy

	measured map[int]sentence // the notes that tell areas or of a list, by their place in Notes
}

// sentence is a note with what stands in it.
type sentence struct {
	zh, en string
	args   []any
	list   bool // of what a list of single features leaves out
}

// LayerVersion is a layer that an answer was made from, or could not be.
type LayerVersion struct {
	Layer    string        `json:"layer"`
	Vintage  string        `json:"vintage"`
	Title    edition.Title `json:"title"`
	Features int           `json:"features"`
	Missing  bool          `json:"missing,omitempty"`
}

// Version names the rules that an answer was made by.
type Version struct {
	Version string `json:"version"`
	Digest  string `json:"digest"` // SHA-256 of the file
}

// Shapes are shapes of an answer as a layer: one for each row of a table. A row may have
// none.
type Shapes struct {
	Name  string // of the layer
	Title edition.Title
	Table *Table
	// Geometry returns the shape of a row, in CGCS2000 (EPSG:4490), valid as
	// overlay.Mend returns it, nil for none. It may be called by several goroutines, as
	// long as the edition is open.
	Geometry func(ctx context.Context, row int) (geo.MultiPolygon, error)
}

// Identity says that two figures of an answer must be the same, each added up in its own
// way.
type Identity struct {
	Name        string        `json:"name"`
	Title       edition.Title `json:"title"`
	Left, Right Area          `json:"-"`
}

// Tolerance is how far the sides of an identity may differ: 0.01 m².
const Tolerance Area = 1

// Holds tells whether the two sides agree.
func (i Identity) Holds() bool {
	d := i.Left - i.Right
	return -Tolerance <= d && d <= Tolerance
}

// use lists a layer as one that the answer was made from; for a nil layer, that it was not
// there.
func (r *Result) use(j *Job, names ...string) {
	for _, name := range names {
		if l := j.Maybe(name); l != nil {
			r.Layers = append(r.Layers, LayerVersion{Layer: name, Vintage: l.Meta.Vintage, Title: l.Meta.Title, Features: l.Len()})
			continue
		}
		r.Layers = append(r.Layers, LayerVersion{Layer: name, Missing: true})
	}
}

// note adds a sentence that whoever reads the answer must know. Areas in it are of type
// [Area], for verbs %s: so they are rounded where those of tables are.
func (r *Result) note(zh, en string, args ...any) { r.tell(sentence{zh, en, args, false}) }

// listNote is note for what a list of single features leaves out: it goes with the list.
func (r *Result) listNote(zh, en string, args ...any) { r.tell(sentence{zh, en, args, true}) }

func (r *Result) tell(s sentence) {
	if s.list || slices.ContainsFunc(s.args, func(a any) bool { _, is := a.(Area); return is }) {
		if r.measured == nil {
			r.measured = map[int]sentence{}
		}
		r.measured[len(r.Notes)] = s
	}
	r.Notes = append(r.Notes, s.say(func(a Area) Area { return a }))
}

// say tells the sentence with its areas as near makes them, in m².
func (s *sentence) say(near func(Area) Area) edition.Title {
	args := slices.Clone(s.args)
	for i, v := range args {
		if a, is := v.(Area); is {
			args[i] = strconv.FormatFloat(geo.Hundredths(near(a)).M2(), 'f', 2, 64)
		}
	}
	return edition.Title{Zh: fmt.Sprintf(s.zh, args...), En: fmt.Sprintf(s.en, args...)}
}

// identity adds an identity.
func (r *Result) identity(name, zh, en string, left, right Area) {
	r.Identities = append(r.Identities, Identity{name, edition.Title{Zh: zh, En: en}, left, right})
}

// finish names the answer, and refuses to give one that does not close.
func (j *Job) finish(r *Result) error {
	for _, i := range r.Identities {
		if !i.Holds() {
			return problem.New("ANALYZE_OPEN", "%[1]s 对不上：%[2]s：%.2[4]f 与 %.2[5]f m²", "%[1]s does not close: %[3]s: %.2[4]f and %.2[5]f m²",
				j.Question.Name, i.Title.Zh, i.Title.En, geo.Hundredths(i.Left).M2(), geo.Hundredths(i.Right).M2())
		}
	}
	for i := range r.Layers {
		if l := &r.Layers[i]; l.Missing {
			l.Title = LayerTitle(l.Layer)
		}
	}
	m := j.Index.Manifest
	r.Request, r.Question, r.Generation, r.Program, r.Tier, r.Scope = j.Request, j.Question, m.Generation, j.program, m.Tier, j.scope
	r.Formula, r.Rules, r.Policy = areas.Formula, j.Rules.Version, m.Policy
	r.lower(&r.Policy)
	var err error
	r.Run, err = j.Name()
	return err
}

// runName returns the name of the answer to a request.
func runName(req Request, generation string, rules Version, program string) (string, error) {
	h := sha256.New()
	e := json.NewEncoder(h)
	for _, v := range []any{req, generation, rules, program} {
		if err := e.Encode(v); err != nil {
			return "", err
		}
	}
	for i := range req.Shapes {
		if err := e.Encode([]any{req.Shapes[i], req.Shapes[i].CRS.String()}); err != nil {
			return "", err
		}
	}
	if req.Previous != nil {
		if err := e.Encode(req.Previous.Run); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:16], nil
}
