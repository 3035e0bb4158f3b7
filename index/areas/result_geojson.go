package areas

import (
	"io"
	"strconv"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

// pieceWriter writes every piece as a GeoJSON feature, with the number of its
// shape from 1 and the shape's own id; failed, a member of the collection, lists
// the shapes without an answer and the features without a piece.
type pieceWriter struct {
	w      io.Writer
	about  About
	n      int
	began  bool
	buf    []byte
	comma  bool
	failed []byte
}

// Write implements [ResultWriter].
func (g *pieceWriter) Write(r *Result) error {
	g.begin()
	g.n++
	if r.Problem != nil {
		g.fail(r)
		g.failed = appendProblem(&r.Problem, append(g.failed, `,"problem":`...))
		g.failed = append(g.failed, '}')
		return g.flush()
	}
	for i := range r.Answer.Layers {
		l := &r.Answer.Layers[i]
		for k := range l.Pieces {
			g.piece(r, l, &l.Pieces[k])
			if len(g.buf) > 1<<16 {
				if err := g.flush(); err != nil {
					return err
				}
			}
		}
	}
	for i := range r.Answer.Failed {
		f := &r.Answer.Failed[i]
		g.fail(r)
		g.failed = appendText(append(g.failed, `,"layer":`...), f.Layer)
		g.failed = strconv.AppendUint(append(g.failed, `,"id":`...), f.ID, 10)
		g.failed = appendText(append(g.failed, `,"reason":`...), f.Reason)
		g.failed = append(appendText(append(g.failed, `,"reason_zh":`...), f.ReasonZh), '}')
	}
	return g.flush()
}

// fail begins an entry of the list of what failed.
func (g *pieceWriter) fail(r *Result) {
	if len(g.failed) > 0 {
		g.failed = append(g.failed, ',')
	}
	g.failed = strconv.AppendInt(append(g.failed, `{"shape":`...), int64(g.n), 10)
	g.failed = appendRaw(append(g.failed, `,"shape_id":`...), r.ID)
}

func (g *pieceWriter) piece(r *Result, l *Layer, p *Piece) {
	if g.comma {
		g.buf = append(g.buf, ',')
	}
	g.comma = true
	g.buf = strconv.AppendInt(append(g.buf, `{"type":"Feature","properties":{"shape":`...), int64(g.n), 10)
	g.buf = appendRaw(append(g.buf, `,"shape_id":`...), r.ID)
	g.buf = appendText(append(g.buf, `,"layer":`...), l.Layer)
	g.buf = strconv.AppendUint(append(g.buf, `,"id":`...), p.ID, 10)
	if p.Code != "" {
		g.buf = appendText(append(g.buf, `,"code":`...), p.Code)
	}
	g.buf = appendNumber(append(g.buf, `,"area_m2":`...), p.AreaM2)
	g.buf = appendNumber(append(g.buf, `,"area_mu":`...), p.area().mu)
	g.buf = appendOptional(append(g.buf, `,"patch_m2":`...), p.PatchM2)
	g.buf = appendOptional(append(g.buf, `,"net_m2":`...), p.NetM2)
	if p.SurveyM2 != nil {
		g.buf = appendNumber(append(g.buf, `,"survey_m2":`...), *p.SurveyM2)
	}
	g.buf = geo.AppendGeoJSON(append(g.buf, `},"geometry":`...), p.Shape)
	g.buf = append(g.buf, '}')
}

func (g *pieceWriter) begin() {
	if g.began {
		return
	}
	g.began = true
	g.buf = appendText(append(g.buf, `{"type":"FeatureCollection","generation":`...), g.about.Generation)
	if g.about.Scope != "" {
		g.buf = appendText(append(g.buf, `,"scope":`...), g.about.Scope)
	}
	g.buf = appendText(append(g.buf, `,"program":`...), g.about.Program)
	g.buf = appendText(append(g.buf, `,"tier":`...), string(g.about.Tier))
	g.buf = appendText(append(g.buf, `,"formula":`...), Formula)
	g.buf = append(g.buf, `,"features":[`...)
}

func (g *pieceWriter) flush() error {
	_, err := g.w.Write(g.buf)
	g.buf = g.buf[:0]
	return err
}

// Abort implements [ResultWriter]: the collection has a member "aborted".
func (g *pieceWriter) Abort(p *problem.Problem) error {
	g.begin()
	g.end()
	g.buf = append(appendProblem(&p, append(g.buf, `,"aborted":`...)), '}')
	return g.flush()
}

// Close implements [ResultWriter].
func (g *pieceWriter) Close() error {
	g.begin()
	g.end()
	g.buf = append(g.buf, '}')
	return g.flush()
}

// end ends the features and lists what failed.
func (g *pieceWriter) end() {
	g.buf = append(append(append(g.buf, `],"failed":[`...), g.failed...), ']')
}
