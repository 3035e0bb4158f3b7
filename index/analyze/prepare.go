package analyze

import (
	"context"
	"fmt"
	"slices"

	"gengtu/index"
	"gengtu/index/areas"
	"gengtu/index/edition"
)

// Prepare reads a request without answering it: the job that [Job.Run] answers, by an
// index that stays open meanwhile. Errors are those of [Run] that the request alone, the
// policy and the list of layers give.
func Prepare(ix *index.Index, req Request, opt Options) (*Job, error) {
	all := opt.Questions
	if all == nil {
		all = Questions()
	}
	q, err := Find(all, req.Question)
	if err != nil {
		return nil, err
	}
	j := &Job{Request: req, Question: q, Index: ix, Rules: opt.Rules, Workers: opt.Workers, Tell: opt.Tell, program: opt.Program, scope: opt.Scope}
	if j.Rules == nil {
		if j.Rules, err = DefaultRules(); err != nil {
			return nil, err
		}
	}
	if j.Tell == nil {
		j.Tell = func(edition.Title, int, int) {}
	}
	return j, j.check()
}

// Name is the [Result.Run] of the answer, which is known before it is found.
func (j *Job) Name() (string, error) {
	return runName(j.Request, j.Index.Manifest.Generation, j.Rules.Version, j.program+j.scope)
}

// Run answers. A job is run once.
func (j *Job) Run(ctx context.Context) (*Result, error) {
	var err error
	if j.Names, err = areas.PlaceNames(j.Index, ""); err != nil {
		return nil, err
	}
	r, err := j.Question.Answer(ctx, j)
	if err != nil {
		return nil, err
	}
	if j.Question.NoShapes && len(r.Shapes) > 0 {
		return nil, fmt.Errorf("%s has a layer of shapes and says that it has none", j.Question.Name)
	}
	r.noteLevel(j.By)
	if err := j.finish(r); err != nil {
		return nil, err
	}
	return r, nil
}

// noteLevel notes that rows are of wider places than were asked for, as
// [areas.Summary] does (LEVEL_COARSER): the edition tells none that are finer.
func (r *Result) noteLevel(by areas.Level) {
	longest := 0
	for _, t := range r.Tables {
		k := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == "xzqdm" })
		if k < 0 || t.Single || t.Fixed {
			continue
		}
		for _, row := range t.Rows {
			if place, ok := row[k].(string); ok {
				longest = max(longest, len(place))
			}
		}
	}
	if longest > 0 && longest < by.Digits() {
		r.note("按 %[1]s 问，各行的政区代码至多 %[2]d 位：更细的政区没有交来，或这一版的策略不下发（place_digits）",
			"asked by %[1]s, rows have codes of place of %[2]d digits at most: finer places were not delivered, or the policy of this edition does not tell them (place_digits)", by, longest)
	}
}
