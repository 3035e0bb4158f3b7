package tileserver

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"gengtu/index"
	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/problem"
)

// handleSummary answers with the areas of each layer by place and class, or with
// `table=hectare` with the survey's table in hectares. The policy's bounds on shapes
// do not hold for it, as they do not for an overlay by place: sums by place are
// published anyway, of what the edition holds and by codes of place no longer than
// it holds.
func (s *Server) handleSummary(r *request) error {
	if err := r.mayAsk(askSummary); err != nil {
		return err
	}
	form := areas.Form(cmp.Or(r.query("f"), "json"))
	if !slices.Contains(areas.SummaryForms, form) {
		return problem.New("PARAMETER_F", "f 是 %.20q，只有 json、csv 和 xlsx", "f is %.20q; there are json, csv and xlsx", string(form))
	}
	table := r.query("table")
	if table != "" && table != "hectare" {
		return problem.New("PARAMETER_TABLE", "table 是 %.20q，只有 hectare", "table is %.20q; there is hectare", table)
	}
	kind, err := areas.ParseKind(r.query("kind"))
	if err != nil {
		return err
	}
	names := layerNames(r.query("layers"))
	if table != "" {
		if len(names) == 0 {
			names = []string{areas.BookLayer}
		}
		if len(names) > 1 {
			return problem.New("PARAMETER_LAYERS", "公顷表只写一个图层", "the hectare table is of one layer")
		}
	}
	detail := areas.OfClasses
	if table != "" {
		detail = areas.OfRecords
	}
	if table != "" && !r.policy().MayGroup(areas.ClassField) {
		return r.mayGroup(areas.ClassField, false)
	}
	r.layer = strings.Join(names, ",")
	r.askPlace(r.query("place"))
	if place := r.query("place"); place != "" {
		if err := r.reachesPlace(place); err != nil {
			return err
		}
	}
	done, err := s.overlays.Take(r.asker())
	if err != nil {
		return err
	}
	defer done()
	tallies, err := s.tallies(r, names, detail)
	if err != nil {
		return err
	}
	q, err := s.summaryQuestion(r)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	name := "summary"
	about := r.about()
	if table != "" {
		name = table
		err = writeHectares(&b, q, tallies[0], form, about)
	} else {
		err = r.writeSummary(&b, q, tallies, summaryForm{form, kind, about})
	}
	if err != nil {
		return err
	}
	if form != areas.JSON {
		r.ctx.Response.Header.Set("Content-Disposition", `attachment; filename="`+name+`.`+string(form)+`"`)
	}
	return r.sendReport("summary", form.MediaType(), b.Bytes())
}

// layerNames takes a list apart.
func layerNames(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}

// summaryQuestion is what the query asks of the tallies.
func (s *Server) summaryQuestion(r *request) (areas.SummaryQuestion, error) {
	q := areas.SummaryQuestion{Place: r.query("place"), Classes: s.cfg.Classes}
	var err error
	if q.By, err = areas.ParseLevel(cmp.Or(r.query("by"), "township")); err != nil {
		return q, err
	}
	if q.Classes == nil {
		if q.Classes, err = areas.DefaultClasses(); err != nil {
			return q, err
		}
	}
	vintage := r.query("vintage")
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.Limits.Overlay)
	defer cancel()
	if q.Whole, err = r.whole(ctx, vintage); err != nil {
		return q, err
	}
	if !slices.Contains(r.ix().Names(), edition.Region) {
		return q, nil
	}
	q.Names, err = remember(&r.gen.memo, "names "+vintage, func() (map[string]string, error) { return areas.PlaceNames(r.ix(), vintage) })
	return q, err
}

// tallies adds up the layers that are asked about: once a generation, then it is
// known.
func (s *Server) tallies(r *request, names []string, detail areas.Detail) ([]*areas.Tally, error) {
	layers, err := areas.SummaryLayers(r.ix(), names, r.query("vintage"))
	if err != nil {
		return nil, err
	}
	var out []*areas.Tally
	for _, l := range layers {
		t, err := remember(&r.gen.memo, fmt.Sprintf("tally %d %s", detail, l.Meta.Key()), func() (*areas.Tally, error) { return s.tally(r, l, detail) })
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

func (s *Server) tally(r *request, l *index.Layer, detail areas.Detail) (*areas.Tally, error) {
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.Limits.Overlay)
	defer cancel()
	return areas.TallyOf(ctx, l, &r.ix().Manifest.Policy, detail)
}

func writeHectares(b *bytes.Buffer, q areas.SummaryQuestion, t *areas.Tally, form areas.Form, about areas.About) error {
	tables, err := areas.Hectares(q, t)
	if err != nil {
		return err
	}
	return areas.WriteHectares(b, tables, form, about)
}

// summaryForm is how a summary is written.
type summaryForm struct {
	form  areas.Form
	kind  areas.GroupKind
	about areas.About
}

func (r *request) writeSummary(b *bytes.Buffer, q areas.SummaryQuestion, tallies []*areas.Tally, f summaryForm) error {
	sum, err := areas.Summarise(q, tallies)
	if err != nil {
		return err
	}
	sum.Generation, sum.Program, sum.Tier = r.gen.Name(), r.server.cfg.Program, r.tier
	if f.form == areas.CSV && f.kind != "" {
		return areas.WriteGroups(b, sum, f.kind)
	}
	return areas.WriteSummary(b, sum, f.form, f.about)
}
