package analyze

import (
	"context"
	"math"

	"gengtu/index/edition"
	"gengtu/index/pieces"
)

// tell returns what tells of a stage of the work.
func (j *Job) tell(zh, en string) func(done, all int) {
	return func(done, all int) { j.Tell(edition.Title{Zh: zh, En: en}, done, all) }
}

// shares asks the engine.
func (j *Job) shares(ctx context.Context, q pieces.Question, visit func([]pieces.Share) error) (doubled float64, err error) {
	return pieces.Shares(ctx, q, pieces.Options{Workers: j.Workers, Tell: j.tell("叠加", "dividing the ground")}, visit)
}

// doubledNote says that features of a layer lie on each other.
func (r *Result) doubledNote(zh, en string, m2 float64) {
	if m2 >= 0.01 {
		r.note("参加叠加的%[1]s图斑互相重叠 %[2]s m²，重叠处各自计入", "the patches of %[3]s that were divided lie on each other by %[2]s m², which counts for each of them", zh, Area(math.Round(m2*100)), en)
	}
}
