package tileserver

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"

	"gengtu/index"
	"gengtu/index/compare"
	"gengtu/index/problem"
	"gengtu/tileserver/live"
)

// handleDiff answers with what became of a layer between two states: `layer=`, `from=`
// and `to=`, each a vintage, a generation, or VINTAGE@GENERATION; without them the last
// two vintages. `by=` is the field of the matrix, `f=` the form, `list=false` leaves the
// single changes out, as an edition whose policy refuses single features always does.
func (s *Server) handleDiff(r *request) error {
	if err := r.mayAsk(askDiff); err != nil {
		return err
	}
	d := &diffRequest{request: r}
	defer d.release()
	form, listing, err := d.form()
	if err != nil {
		return err
	}
	if err := d.states(); err != nil {
		return err
	}
	if err := d.checkClass(); err != nil {
		return err
	}
	done, err := s.overlays.Take(r.asker())
	if err != nil {
		return err
	}
	defer done()
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.Limits.Overlay)
	defer cancel()
	result, err := d.compare(ctx)
	if err != nil {
		return err
	}
	if limit := s.cfg.Limits.AnswerItems; listing == compare.Whole && form.Lists() && len(result.Changes) > limit {
		c := &result.Counts
		n := c.Added + c.Removed + c.Geometry + c.Attribute + c.Both
		return problem.New("TOO_LARGE_LIST", "有 %d 处变化，上限 %d", "there are %d changes, the limit is %d", n, limit).
			Advise("用 list=false 或 f=flows.csv 只取合计，逐条清单用 gengtu diff", "take the sums alone with list=false or f=flows.csv; gengtu diff lists them all")
	}
	var b bytes.Buffer
	if err := result.Write(ctx, &b, form, listing); err != nil {
		return err
	}
	if form != compare.JSON {
		r.ctx.Response.Header.Set("Content-Disposition", `attachment; filename="diff.`+string(form)+`"`)
	}
	return r.sendReport("diff", form.MediaType(), b.Bytes())
}

// diffRequest is a request on its way; it holds the generations of both states.
type diffRequest struct {
	*request
	layers [2]*index.Layer
	held   [2]*generation
	taken  []*generation // beside the request's own
}

func (d *diffRequest) release() {
	for _, g := range d.taken {
		_ = g.Release() // the last reader of what was only read
	}
}

// form reads the form, and whether single changes are listed.
func (d *diffRequest) form() (compare.Form, compare.Listing, error) {
	form := compare.Form(cmp.Or(d.query("f"), string(compare.JSON)))
	if !slices.Contains(compare.Forms, form) {
		return "", 0, problem.New("PARAMETER_F", "f 是 %.20q，只有 %v", "f is %.20q; there are %v", string(form), compare.Forms).
			Advise("例如 f=csv", "for example f=csv")
	}
	listing := compare.Whole
	switch v := d.query("list"); v {
	case "":
	case "true":
		if err := d.mayTellFeatures(); err != nil {
			return "", 0, err
		}
	case "false":
		listing = compare.SumsOnly
	default:
		return "", 0, problem.New("PARAMETER_LIST", "list 是 %.20q，只有 true 和 false", "list is %.20q; there are true and false", v).
			Advise("例如 list=false", "for example list=false")
	}
	// Changes of single features would tell areas as they are.
	if !d.policy().Pieces || d.policy().RoundM2 > 0 {
		listing = compare.SumsOnly
	}
	if listing == compare.SumsOnly && form.Lists() && form != compare.JSON {
		return "", 0, problem.New("POLICY", "没有逐条清单的只有 json 和 flows.csv", "without a list of single features there are json and flows.csv").
			Advise("用 f=json 或 f=flows.csv", "take f=json or f=flows.csv")
	}
	return form, listing, nil
}

// states finds the two states.
func (d *diffRequest) states() error {
	name := d.query("layer")
	texts := [2]string{d.query("from"), d.query("to")}
	var vintages [2]string
	for i, text := range texts {
		var err error
		if vintages[i], err = d.hold(i, text, name); err != nil {
			return err
		}
	}
	if name == "" {
		var err error
		if name, err = compare.DefaultLayer(d.of(d.held[0]), d.of(d.held[1])); err != nil {
			return err
		}
	}
	d.layer = name
	all := d.ix().Vintages(name)
	for i, text := range texts {
		if at := 1 - i; text == "" && at < len(all) { // the latest is first
			vintages[i] = all[at]
		} else if text == "" && len(all) > 0 {
			return problem.New("PARAMETER_FROM", "图层 %.40s 只有一个时相，要给 from 和 to", "layer %.40s has not two vintages: give from and to", name).
				Advise("from 和 to 是时相或代，如 from=2023", "from and to are vintages or generations, such as from=2023")
		}
		l, err := d.of(d.held[i]).FindLayer(name, vintages[i])
		if err != nil {
			return err
		}
		d.layers[i] = l
	}
	return nil
}

// hold takes the generation of state number i, which text asks for, and returns the
// vintage in it, "" for the latest. A vintage of the layer, or of any where none is named,
// goes before a generation of the same name.
func (d *diffRequest) hold(i int, text, layer string) (vintage string, err error) {
	vintage, generation, _ := strings.Cut(text, "@")
	has := func(name string) bool { return slices.Contains(d.ix().Vintages(name), vintage) }
	if live.IsName(vintage) && generation == "" && !has(layer) && (layer != "" || !slices.ContainsFunc(d.ix().Names(), has)) {
		vintage, generation = "", vintage
	}
	d.held[i] = d.gen
	if generation == "" {
		return vintage, nil
	}
	g, err := d.state.pin(generation)
	if err != nil {
		return "", err
	}
	d.held[i], d.taken = g, append(d.taken, g)
	return vintage, nil
}

// checkClass refuses to tell ground apart by a field that the policy does not allow.
func (d *diffRequest) checkClass() error {
	by := d.query("by")
	for _, l := range d.layers {
		if i := l.Field(by); by != "" && i >= 0 {
			if err := d.mayGroup(by, l.Meta.Fields[i].Code); err != nil {
				return err
			}
		}
	}
	return nil
}

// class is the field that ground is told apart by: the one asked for, or the layers' own
// where the policy allows it.
func (d *diffRequest) class() string {
	if by := d.query("by"); by != "" {
		return by
	}
	for _, l := range d.layers {
		if f := l.Meta.ClassField; f != "" && !d.policy().MayGroup(f) {
			return compare.NoClass
		}
	}
	return ""
}

// compare compares the states. What is of one generation alone is kept with it.
func (d *diffRequest) compare(ctx context.Context) (*compare.Result, error) {
	by := d.class()
	find := func() (*compare.Result, error) {
		workers, back := d.server.hands.Take()
		defer back()
		res, err := compare.Layers(ctx, d.layers[0], d.layers[1], compare.Options{Class: by, Workers: workers, RoundM2: d.policy().RoundM2})
		if err != nil {
			return nil, err
		}
		res.From.Tier, res.To.Tier = d.tier, d.tier
		res.From.Generation, res.To.Generation = d.held[0].Name(), d.held[1].Name()
		listed := d.server.cfg.Limits.AnswerItems + 1 // one more says that there are too many
		if !d.ix().Manifest.Policy.Pieces {
			listed = 0
		}
		dropUnlisted(res, listed)
		return res, nil
	}
	if d.held[0] != d.gen || d.held[1] != d.gen {
		return find()
	}
	return remember(&d.gen.memo, strings.Join([]string{"diff", d.layers[0].Meta.Key(), d.layers[1].Meta.Key(), by}, " "), find)
}

// dropUnlisted drops the changes of r beyond so many: no answer lists them, and r is kept.
func dropUnlisted(r *compare.Result, listed int) {
	if len(r.Changes) > listed {
		r.Changes = slices.Clone(r.Changes[:listed])
	}
}
