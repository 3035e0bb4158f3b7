package tileserver

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"gengtu/index"
	"gengtu/index/compare"
	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/tileserver/live"
)

// What ends a page of changes before its limit does: a page holds changesBytes and one
// feature more at most, and looks at so many features of the layers. So a page costs
// the same in a county and a province; a client goes on until there is no next one.
const (
	changesBytes = 8 << 20
	changesLook  = 2_000_000
)

// change is one feature that two generations have differently.
type change struct {
	Layer   string `json:"layer"`
	Vintage string `json:"vintage"`
	// Op is what to do with a copy of the layer: put or delete.
	Op string `json:"op"`
	// Change is added, changed or removed.
	Change string `json:"change"`
	ID     uint64 `json:"id"`
	Key    string `json:"key,omitempty"`
	// Feature is the feature as it is now, where features are asked for.
	Feature json.RawMessage `json:"feature,omitempty"`
}

// changed are the sums of one layer.
type changed struct {
	Layer   string `json:"layer"`
	Vintage string `json:"vintage"`
	Added   int    `json:"added"`
	Changed int    `json:"changed"`
	Removed int    `json:"removed"`
}

// count adds a change.
func (c *changed) count(kind string) {
	switch kind {
	case kindAdded:
		c.Added++
	case kindRemoved:
		c.Removed++
	default:
		c.Changed++
	}
}

// The kinds of change.
const (
	kindAdded   = "added"
	kindChanged = "changed"
	kindRemoved = "removed"
)

// kindOf names the kind of a change.
func kindOf(c index.Change) string {
	switch {
	case c.From < 0:
		return kindAdded
	case c.To < 0:
		return kindRemoved
	}
	return kindChanged
}

// changesPage is the answer.
type changesPage struct {
	Generation string       `json:"generation"`
	Since      string       `json:"since"`
	Tier       edition.Tier `json:"tier"`
	// Listed is false where sums stand in the place of single features.
	Listed  bool      `json:"listed"`
	Layers  []changed `json:"layers,omitempty"`
	Changes []change  `json:"changes"`
	// Next is the address of the next page, null after the last one.
	Next *string `json:"next"`
}

// errSinceGone tells a client whose copy is too old how to go on.
var errSinceGone = problem.New("GENERATION_GONE", "since= 的那一代已不再保留", "the generation of since= is no longer kept").
	Advise("重新取整个图层（OGC API 的 items，或导出），以后从那次答复的 Gengtu-Generation 起取变化", "take the layers anew, whole (items of the OGC API, or an export), and then what changed since the Gengtu-Generation of that answer")

// handleChanges answers with what differs between the generation `since=`, which must
// be kept, and the one in force (or `generation=`): single features in a fixed order,
// by layer and id, in pages. `layer=` and `vintage=` choose layers, `limit=` the length
// of a page, `return=features` adds each feature as it is now, `list=false` gives sums
// by layer alone, as an edition whose policy refuses single features always does. Pages
// name both generations, so that they fit each other whatever is put in force between.
func (s *Server) handleChanges(r *request) error {
	if err := r.mayAsk(askDiff); err != nil {
		return err
	}
	q := &changesRequest{request: r}
	if err := q.parse(); err != nil {
		return err
	}
	then, err := r.state.pin(q.since)
	if errors.Is(err, live.ErrGone) {
		return errSinceGone
	}
	if err != nil {
		return err
	}
	defer func() { _ = then.Release() }() // only read
	q.then = q.of(then)
	if q.layer != "" && !slices.Contains(q.then.Names(), q.layer) {
		if _, err := q.findLayer(q.layer); err != nil {
			return err
		}
	}
	done, err := s.overlays.Take(r.asker())
	if err != nil {
		return err
	}
	defer done()
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.Limits.Overlay)
	defer cancel()
	page := &changesPage{Generation: r.gen.Name(), Since: q.since, Tier: r.tier, Listed: q.listed, Changes: []change{}}
	if q.listed {
		err = q.list(ctx, page)
	} else {
		page.Layers, err = q.rememberedSums(ctx)
	}
	if err != nil {
		return err
	}
	return r.sendJSON(page)
}

// changesRequest is such a request on its way.
type changesRequest struct {
	*request
	since    string
	then     *index.Index // as far as the token reaches
	limit    int
	listed   bool
	features bool
	// after is where the page begins: behind that feature of that layer.
	after struct {
		key string
		id  uint64
	}
}

// parse reads the query.
func (q *changesRequest) parse() error {
	if q.since = q.query("since"); q.since == "" {
		return problem.New("PARAMETER_SINCE", "缺少 since=", "since= is missing").
			Advise("since 是你手上那一代，如上次答复的 Gengtu-Generation", "since is the generation that you have, such as the Gengtu-Generation of an answer before")
	}
	q.layer = q.query("layer")
	q.limit = q.server.cfg.Limits.Features
	if text := q.query("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > q.limit {
			return problem.New("PARAMETER_LIMIT", "limit 是 %.20q，应在 1 到 %d 之间", "limit is %.20q; it is 1 to %d", text, q.limit)
		}
		q.limit = n
	}
	switch v := q.query("return"); v {
	case "", "ids":
	case "features":
		if err := q.mayTellFeatures(); err != nil {
			return err
		}
		q.features = true
	default:
		return problem.New("PARAMETER_RETURN", "return 是 %.20q，只有 ids 和 features", "return is %.20q; there are ids and features", v)
	}
	switch v := q.query("list"); v {
	case "", "true":
		if v == "true" {
			if err := q.mayTellFeatures(); err != nil {
				return err
			}
		}
		// Single features would tell areas as they are.
		q.listed = q.policy().Pieces && q.policy().RoundM2 == 0
	case "false":
	default:
		return problem.New("PARAMETER_LIST", "list 是 %.20q，只有 true 和 false", "list is %.20q; there are true and false", v)
	}
	return q.parseAfter()
}

func (q *changesRequest) parseAfter() error {
	text := q.query("after")
	if text == "" {
		return nil
	}
	key, id, _ := strings.Cut(text, ":")
	n, err := strconv.ParseUint(id, 10, 64)
	if err != nil || n > index.MaxID {
		return problem.New("PARAMETER_AFTER", "after 是 %.60q，应取自上一页的 next", "after is %.60q; it comes from the next of the page before", text)
	}
	q.after.key, q.after.id = key, n
	return nil
}

// changedPair is one layer in both generations, nil where it is not there.
type changedPair struct {
	key      string
	from, to *index.Layer
}

// meta is the layer's description, as it is now or was last.
func (p *changedPair) meta() *edition.Layer {
	if p.to != nil {
		return p.to.Meta
	}
	return p.from.Meta
}

// pairs lists the layers that are asked for, by their keys.
func (q *changesRequest) pairs() []changedPair {
	all := map[string]changedPair{}
	for _, side := range []struct {
		ix *index.Index
		to func(p *changedPair, l *index.Layer)
	}{
		{q.then, func(p *changedPair, l *index.Layer) { p.from = l }},
		{q.ix(), func(p *changedPair, l *index.Layer) { p.to = l }},
	} {
		for i := range side.ix.Manifest.Layers {
			m := &side.ix.Manifest.Layers[i]
			if v := q.query("vintage"); q.layer != "" && m.Name != q.layer || v != "" && m.Vintage != v {
				continue
			}
			p := all[m.Key()]
			p.key = m.Key()
			side.to(&p, side.ix.Layer(m.Name, m.Vintage))
			all[p.key] = p
		}
	}
	out := make([]changedPair, 0, len(all))
	for _, p := range all {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b changedPair) int { return strings.Compare(a.key, b.key) })
	return out
}

// list fills a page.
func (q *changesRequest) list(ctx context.Context, page *changesPage) error {
	size, looked := 0, 0
	for _, p := range q.pairs() {
		after := uint64(0)
		if p.key < q.after.key {
			continue
		} else if p.key == q.after.key {
			after = q.after.id
		}
		for c := index.NewChanges(p.from, p.to, after); c.Step(); looked++ {
			at, differs, err := c.At()
			if err != nil {
				return err
			}
			if differs {
				x, err := q.change(&p, at)
				if err != nil {
					return err
				}
				page.Changes = append(page.Changes, *x)
				size += len(x.Feature)
			}
			full := len(page.Changes) == q.limit || size >= changesBytes
			if full || looked >= changesLook || over(ctx) {
				next := q.next(p.key, at.ID)
				page.Next = &next
				return nil
			}
		}
	}
	return nil
}

// over tells whether the time of an answer is over: a page then ends where it is.
func over(ctx context.Context) bool { return ctx.Err() != nil }

// change describes a change.
func (q *changesRequest) change(p *changedPair, at index.Change) (*change, error) {
	m := p.meta()
	x := &change{Layer: m.Name, Vintage: m.Vintage, Op: "put", Change: kindOf(at), ID: at.ID}
	l, i := p.to, at.To
	if i < 0 {
		x.Op, l, i = "delete", p.from, at.From
	}
	f, err := l.Feature(i)
	if err != nil {
		return nil, err
	}
	x.Key = compare.Key(l.Meta, &f)
	if q.features && x.Op == "put" {
		x.Feature, err = appendFeature(nil, l, &f, q.policy().RoundM2)
	}
	return x, err
}

// next is the address of the page that goes on behind a feature.
func (q *changesRequest) next(key string, id uint64) string {
	v := q.carried()
	v.Set("generation", q.gen.Name())
	v.Set("since", q.since)
	v.Set("limit", strconv.Itoa(q.limit))
	v.Set("after", key+":"+strconv.FormatUint(id, 10))
	for k, text := range map[string]string{"layer": q.layer, "return": q.query("return")} {
		if text != "" {
			v.Set(k, text)
		}
	}
	return q.path("changes") + "?" + v.Encode()
}

// rememberedSums is sums, kept with the generation by the layers that they are of: two
// tokens may reach different ones.
func (q *changesRequest) rememberedSums(ctx context.Context) ([]changed, error) {
	key := []string{"changes", q.since}
	for _, p := range q.pairs() {
		key = append(key, p.key)
	}
	return remember(&q.gen.memo, strings.Join(key, " "), func() ([]changed, error) { return q.sums(ctx) })
}

// sums counts the changes of each layer that has some.
func (q *changesRequest) sums(ctx context.Context) ([]changed, error) {
	out := []changed{}
	looked := 0
	for _, p := range q.pairs() {
		m := p.meta()
		sum := changed{Layer: m.Name, Vintage: m.Vintage}
		for c := index.NewChanges(p.from, p.to, 0); c.Step(); looked++ {
			if looked%4096 == 0 && ctx.Err() != nil {
				return nil, ctx.Err()
			}
			at, differs, err := c.At()
			if err != nil {
				return nil, err
			}
			if differs {
				sum.count(kindOf(at))
			}
		}
		if sum.Added+sum.Changed+sum.Removed > 0 {
			out = append(out, sum)
		}
	}
	return out, nil
}
