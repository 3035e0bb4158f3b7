package tileserver

import (
	"encoding/json"
	"strconv"
	"strings"

	"gengtu/index/analyze"
	"gengtu/index/areas"
	"gengtu/index/problem"
	"gengtu/index/reconcile"
)

// reconcileBody is what is posted: two operands, each the name of a layer, LAYER@VINTAGE
// or LAYER@VINTAGE:CLASS, or an object with figures or an answer.
type reconcileBody struct {
	A      json.RawMessage `json:"a"`
	B      json.RawMessage `json:"b"`
	By     areas.Level     `json:"by"`
	Place  string          `json:"place"`
	Figure string          `json:"figure"`
	Width  *float64        `json:"width"`
	Lines  string          `json:"lines"`
	Shapes bool            `json:"shapes"`
}

const reconcileMembers = "a, b, by, place, figure, width, lines, shapes"

// operandBody is an operand that is no layer of the edition.
type operandBody struct {
	// Figures is a table of reported figures, as CSV.
	Figures string `json:"figures"`
	// Answer is the id of an analysis that is done, Column one of its columns of areas.
	Answer string `json:"answer"`
	Column string `json:"column"`
}

const operandMembers = "figures, answer, column"

// handleReconcile puts a reconciliation into the queue: a question of its own shape, and
// otherwise one as those of [Server.handleAsk].
func (s *Server) handleReconcile(r *request) error {
	data, err := r.plainBody()
	if err != nil {
		return err
	}
	if err := checkUTF8(data); err != nil {
		return err
	}
	var b reconcileBody
	if err := strictJSON(data, &b, reconcileMembers); err != nil {
		return err
	}
	q := &asking{Generation: r.gen.Name()}
	if r.scope != nil {
		q.Reach, q.Scoped = *r.scope, true
	}
	p := map[string]string{}
	q.Request = analyze.Request{Question: reconcile.About.Name, By: b.By, Place: b.Place, Parameters: p}
	for name, sent := range map[string]json.RawMessage{"a": b.A, "b": b.B} {
		if p[name], err = operandOf(q, name, sent); err != nil {
			return err
		}
	}
	for name, v := range map[string]string{"figure": b.Figure, "lines": b.Lines} {
		if v != "" {
			p[name] = v
		}
	}
	if b.Width != nil {
		p["width"] = strconv.FormatFloat(*b.Width, 'g', -1, 64)
	}
	if b.Shapes {
		p["shapes"] = "true"
	}
	return s.ask(r, q)
}

// operandOf reads an operand as the question has it.
func operandOf(q *asking, name string, sent json.RawMessage) (string, error) {
	var layer string
	if len(sent) > 0 && sent[0] == '"' {
		if err := json.Unmarshal(sent, &layer); err != nil {
			return "", problem.New("JSON_SYNTAX", "%[1]s 不是文字（%[2]v）", "%[1]s is no text (%[2]v)", name, err)
		}
		if _, _, taken := strings.Cut(layer, ":"); taken && !strings.Contains(layer, "@") {
			return "", problem.New("JSON_MEMBER", "%[1]s 是 %.40[2]q", "%[1]s is %.40[2]q", name, layer).Advise("图层写作 图层@时相 或 图层@时相:地类", "a layer is written LAYER@VINTAGE or LAYER@VINTAGE:CLASS")
		}
		return layer, nil
	}
	if len(sent) == 0 || string(sent) == "null" {
		return "", problem.New("JSON_MEMBER", "没有 %[1]s", "there is no %[1]s", name).Advise(`如 "cropland@2024"、{"figures": "CSV"}、{"answer": "编号"}`, `such as "cropland@2024", {"figures": "CSV"} or {"answer": "ID"}`)
	}
	var o operandBody
	if err := strictJSON(sent, &o, operandMembers); err != nil {
		return "", err
	}
	switch {
	case o.Answer != "" && o.Figures == "" && q.Previous != "":
		return "", problem.New("JSON_MEMBER", "a 和 b 只能有一个是答案", "only one of a and b can be an answer").Advise("另一个用 figures 发来", "send the other as figures")
	case o.Answer != "" && o.Figures == "":
		q.Previous = o.Answer
		if o.Column != "" {
			return "answer#" + o.Column, nil
		}
		return "answer", nil
	case o.Figures != "" && o.Answer == "" && o.Column == "":
		return "figures:" + o.Figures, nil
	}
	return "", problem.New("JSON_MEMBER", "%[1]s 要有 figures 或 answer 之一", "%[1]s has either figures or an answer", name)
}
