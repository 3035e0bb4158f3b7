package analyze

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gengtu/index"
	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/index/setting"
)

// Questions lists the questions of this package in the order in which they are told; the
// list is the caller's. Package question lists all that the program answers.
func Questions() []*Question {
	return []*Question{
		&hsfOutsidePBF, &pbfToRetire, &pbfNotHSF, &contiguityQuestion, &balance, &approvals, &nonagri, &siting, &conflicts, &flows, &summary,
	}
}

// Find returns the question of that name in a list, or a problem ANALYZE_UNKNOWN that names
// the nearest one.
func Find(questions []*Question, name string) (*Question, error) {
	var names []string
	for _, q := range questions {
		if q.Name == name {
			return q, nil
		}
		names = append(names, q.Name)
	}
	zh, en := setting.Unknown(name, "", names)
	return nil, problem.New("ANALYZE_UNKNOWN", "%[1]s", "%[2]s", zh, en).
		Advise("gengtu analyze --list 列出全部专题，服务上 GET analyses", "gengtu analyze --list lists the questions, GET analyses on a server")
}

// noLayer is the problem of a layer, or a vintage of it, that the edition does not have.
func noLayer(ix *index.Index, name, vintage string) error {
	has := ix.Vintages(name)
	if len(has) == 0 {
		return problem.New("ANALYZE_LAYER", "此版没有图层 %s", "the edition has no layer %s", name).
			Advise("有 %[1]s；用 gengtu ingest --add --layer %[2]s=文件 入库", "there are %[1]s; take it in by gengtu ingest --add --layer %[2]s=FILE", strings.Join(ix.Names(), " "), name)
	}
	return problem.New("ANALYZE_LAYER", "图层 %s 没有时相 %.40q", "layer %s has no vintage %.40q", name, vintage).
		Advise("有 %s", "there are %s", strings.Join(has, " "))
}

// OpenIn tells whether the question may be asked of an edition.
func (q *Question) OpenIn(m *edition.Manifest) bool {
	return m.MayAnalyze(q.Name) && (m.Tier != edition.Public || !q.NotPublic)
}

// check refuses a request that makes no sense, before any work.
func (j *Job) check() error {
	p := &j.Index.Manifest.Policy
	if !j.Question.OpenIn(j.Index.Manifest) {
		return problem.New("POLICY", "本版的策略不允许分析 %s", "the policy of this edition does not answer %s", j.Question.Name).
			Advise("策略的 analyses 一项列出可问的", "analyses of the policy lists what it answers")
	}
	if j.By == "" {
		j.By = "county"
	}
	if _, err := areas.ParseLevel(string(j.By)); err != nil {
		return err
	}
	if err := j.Question.CheckParameters(j.Parameters, j.Rules); err != nil {
		return err
	}
	for i := range j.Question.Parameters {
		if x := &j.Question.Parameters[i]; x.Features && j.Parameters[x.Name] != "" && !p.MayTellFeatures() {
			return problem.New("POLICY", "本版只给合计，不能按编码指定要素（参数 %[1]s）", "this edition tells totals alone: parameter %[1]s, which names single features, is not taken", x.Name).
				Advise("去掉参数 %[1]s 再问", "ask without parameter %[1]s", x.Name)
		}
	}
	if err := CheckPlace(j.Place, j.Index); err != nil {
		return err
	}
	if j.Question.NeedsShapes && len(j.Shapes) == 0 {
		return problem.New("ANALYZE_SHAPES", "%s 要给出图形", "%s asks about shapes, and none is given", j.Question.Name).
			Advise("命令行：gengtu analyze … %[1]s 文件.geojson|.txt；HTTP：请求体的 shapes", "command: gengtu analyze … %[1]s FILE.geojson|.txt; HTTP: shapes of the body", j.Question.Name)
	}
	for _, name := range j.Question.Layers {
		if _, err := j.Layer(name, ""); err != nil {
			return err
		}
	}
	if j.Question.Ready != nil {
		return j.Question.Ready(j)
	}
	return nil
}

// CheckParameters refuses, in the order of their names, parameters that the question does
// not have and values that it does not take under the rules, whatever the edition is: a
// problem ANALYZE_PARAMETER. What takes an edition to tell (a layer, a vintage, the codes of
// features) is left to [Prepare] and [Job.Run].
func (q *Question) CheckParameters(given map[string]string, rules *Rules) error {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		i := slices.IndexFunc(q.Parameters, func(p Parameter) bool { return p.Name == name })
		if i < 0 {
			var names []string
			for k := range q.Parameters {
				names = append(names, q.Parameters[k].Name)
			}
			zh, en := setting.Unknown(name, q.Name, names)
			return problem.New("ANALYZE_PARAMETER", "%[1]s", "%[2]s", zh, en)
		}
		p := &q.Parameters[i]
		if err := p.checkChoice(given[name], rules); err != nil {
			return err
		}
		if p.Check != nil {
			if err := p.Check(given[name]); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return nil
}

// CheckPlace refuses a place that no code can name (PARAMETER_PLACE), or that nothing of
// the editions lies in (NO_PLACE): an empty answer would read as if there were none of what
// is asked about. The code "" is no place, and right.
func CheckPlace(code string, editions ...*index.Index) error {
	if code == "" {
		return nil
	}
	if !edition.IsPlace(code) {
		return edition.BadPlace(code)
	}
	for _, ix := range editions {
		for _, name := range ix.Names() {
			for _, vintage := range ix.Vintages(name) {
				if hasPlace(ix.Layer(name, vintage), code) {
					return nil
				}
			}
		}
	}
	return noSuchPlace(code)
}

// hasPlace tells whether a feature of the layer lies in the place.
func hasPlace(l *index.Layer, code string) bool {
	for i := range l.Len() {
		if strings.HasPrefix(l.Head(i).Place, code) {
			return true
		}
	}
	return false
}
