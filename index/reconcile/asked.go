package reconcile

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"gengtu/index/analyze"
	"gengtu/index/edition"
	"gengtu/index/problem"
)

// Asked is the reconciliation of what is in one edition as a question as others are, so that
// it is asked, kept and served as they are: [About] with its parameters and its answer.
func Asked() *analyze.Question {
	q := About
	about := func(zh, en string) edition.Title { return edition.Title{Zh: zh, En: en} }
	q.Named, q.Ready, q.Answer = named, ready, answerAsked
	var lines, figures []analyze.Choice
	for _, l := range Lines {
		lines = append(lines, analyze.Choice{Value: string(l), Title: l.Title()})
	}
	for _, f := range Figures {
		figures = append(figures, analyze.Choice{Value: string(f), Title: figureTitles[f]})
	}
	q.Parameters = []analyze.Parameter{
		{Name: "a", Title: about("甲", "A"), About: about("甲：图层@时相[:地类]；figures:上报数的 CSV；answer[#列]：previous 的答案", "A: LAYER@VINTAGE[:CLASS]; figures:CSV of reported figures; answer[#COLUMN]: that of previous")},
		{Name: "b", Title: about("乙", "B"), About: about("乙，同上", "B, likewise")},
		{Name: "figure", Title: about("口径", "kind of figure"), Takes: analyze.Several, Choices: figures, About: about("口径 net patch area ground，两方不同用逗号分隔", "kind of figure: net, patch, area or ground; two separated by a comma"), Check: func(v string) error { _, err := figuresOf(v); return err }},
		{Name: "width", Title: about("数字化边带的宽度", "width of the digitising band"), Takes: analyze.Figure, Unit: "m", About: about("数字化边带的宽度，米", "width of the digitising band in metres"), Check: func(v string) error { _, err := widthOf(v); return err }},
		{Name: "lines", Title: about("只列这些项的要素", "list the features of these lines alone"), Takes: analyze.Several, Choices: lines, About: about("只列出这些项的要素，逗号分隔", "list the features of these lines alone, separated by commas"), Check: func(v string) error { _, err := linesOf(v); return err }},
		{Name: "shapes", Title: about("给出各项要素的图形", "with the shapes of the features"), Takes: analyze.YesNo, About: about("true：给出各项的图形", "true: with the shapes of the lines"), Check: func(v string) error {
			if _, err := strconv.ParseBool(v); err != nil {
				return problem.New("ANALYZE_PARAMETER", "shapes 是 %.20q", "shapes is %.20q", v).Advise("可用 true、false", "there are true and false")
			}
			return nil
		}},
	}
	return &q
}

// The beginnings of operands that are no layers.
const (
	figuresPrefix = "figures:"
	answerOperand = "answer"
)

// isAnswer tells whether an operand is the answer that the question goes on from, and of
// which of its columns.
func isAnswer(text string) (column string, ok bool) {
	name, column, _ := strings.Cut(text, "#")
	return column, name == answerOperand
}

// named lists the layers that a request names.
func named(req *analyze.Request) []string {
	var out []string
	for _, side := range []string{"a", "b"} {
		text := req.Parameters[side]
		if _, ok := isAnswer(text); ok || text == "" || strings.HasPrefix(text, figuresPrefix) {
			continue
		}
		name, _, _ := strings.Cut(text, ":")
		name, _, _ = strings.Cut(name, "@")
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// ready refuses operands that are not there, and figures that cannot be read.
func ready(j *analyze.Job) error {
	if j.Place != "" && !edition.IsPlace(j.Place) {
		return edition.BadPlace(j.Place)
	}
	kinds, err := figuresOf(j.Parameters["figure"])
	if err != nil {
		return err
	}
	for n, name := range []string{"a", "b"} {
		if _, ok := isAnswer(j.Parameters[name]); ok && j.Previous != nil {
			continue // it is read when the question is answered
		}
		o, err := askedOperand(j, name)
		if err != nil {
			return err
		}
		o.Figure = kinds[n]
		if err := o.check(); err != nil {
			return err
		}
	}
	return nil
}

// answerAsked answers the question of a job.
func answerAsked(ctx context.Context, j *analyze.Job) (*analyze.Result, error) {
	q := Question{By: j.By, Place: j.Place}
	kinds, err := figuresOf(j.Parameters["figure"])
	if err != nil {
		return nil, err
	}
	if q.WidthM, err = widthOf(j.Parameters["width"]); err != nil {
		return nil, err
	}
	if q.Only, err = linesOf(j.Parameters["lines"]); err != nil {
		return nil, err
	}
	q.Shapes = j.Parameters["shapes"] == "true" || j.Parameters["shapes"] == "1"
	for n, to := range []*Operand{&q.A, &q.B} {
		if *to, err = askedOperand(j, []string{"a", "b"}[n]); err != nil {
			return nil, err
		}
		to.Figure = kinds[n]
	}
	if q.A.Table != nil && q.B.Table != nil && j.Parameters["a"] == j.Parameters["b"] {
		return nil, problem.New("RECONCILE_OPERAND", "a 和 b 是同一份数", "a and b are the same figures")
	}
	return Run(ctx, q, Options{Rules: j.Rules, Workers: j.Workers, Tell: j.Tell})
}

func askedOperand(j *analyze.Job, name string) (Operand, error) {
	text := j.Parameters[name]
	if column, ok := isAnswer(text); ok {
		if j.Previous == nil {
			return Operand{}, problem.New("RECONCILE_OPERAND", "%s 是答案，却没有给出 previous", "%s is an answer, and no previous is given", name)
		}
		t, err := TableOf(j.Previous)
		if err == nil && column != "" {
			t, err = t.Choose(column)
		}
		return Operand{Name: text, Table: t}, err
	}
	if figures, ok := strings.CutPrefix(text, figuresPrefix); ok {
		t, err := ParseTable(name, []byte(figures))
		return Operand{Name: name, Table: t}, err
	}
	if text == "" {
		return Operand{}, problem.New("RECONCILE_OPERAND", "没有给出 %s", "%s is not given", name).Advise("如 cropland@2024", "such as cropland@2024")
	}
	return ParseOperand(j.Index, text)
}

// figuresOf reads one kind of figure or two; "" is each side's own.
func figuresOf(text string) (kinds [2]Figure, err error) {
	if text == "" {
		return kinds, nil
	}
	a, b, two := strings.Cut(text, ",")
	if !two {
		b = a
	}
	for n, s := range []string{a, b} {
		if s == "" {
			continue
		}
		if kinds[n], err = ParseFigure(s); err != nil {
			return kinds, err
		}
	}
	return kinds, nil
}

func widthOf(text string) (*float64, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // that of the rules
	}
	w, err := strconv.ParseFloat(text, 64)
	if err != nil || !(w >= 0 && w <= maxWidthM) {
		return nil, badWidth(text)
	}
	return &w, nil
}

func linesOf(text string) ([]Line, error) {
	if text == "" {
		return nil, nil
	}
	var out []Line
	for name := range strings.SplitSeq(text, ",") {
		l, err := ParseLine(name)
		if err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, nil
}
