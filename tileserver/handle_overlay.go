package tileserver

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/valyala/fasthttp"

	"gengtu/index/areas"
	"gengtu/index/problem"
	"gengtu/index/receipt"
	"gengtu/tileserver/audit"
	"gengtu/tileserver/gate"
	"gengtu/tileserver/live"
	"gengtu/tileserver/load"
)

// overlayRequest is an overlay question on its way to its answer.
type overlayRequest struct {
	*request
	ctx   context.Context //nolint:containedctx // of this one answer
	body  overlayBody
	asker areas.Asker
	form  areas.Form
	// sent is the body of the request, unpacked; nil of a GET.
	sent []byte
	// sheet makes the receipts that are asked for; nil for none.
	sheet *receipt.Sheet
	// listed bounds the pieces of all shapes of a collection.
	listed listed
	place  *load.Lease
	// over gives up what the answer holds, once.
	over func()
}

func (s *Server) handleOverlay(r *request) error {
	o := &overlayRequest{request: r}
	done, err := o.begin()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.Limits.Overlay)
	ctx, unwatch := gate.Watch(ctx, r.ctx.Conn())
	o.ctx = ctx
	var back func()
	o.asker.Question.Workers, back = s.hands.Take()
	o.place = load.NewLease(s.overlays, r.asker(), done)
	o.over = sync.OnceFunc(func() {
		back()
		unwatch()
		cancel()
		o.place.End()
	})
	streaming, err := o.answer()
	if !streaming {
		o.over()
	}
	return err
}

// begin reads what is asked and takes a place to answer it, which done gives up.
// A body that is to be unpacked is read in the place: its memory is then bounded.
func (o *overlayRequest) begin() (done func(), err error) {
	if o.packed() {
		// A body that comes slowly holds no place.
		if _, err := o.wholeBody(); err != nil {
			return nil, err
		}
		if done, err = o.server.overlays.Take(o.request.asker()); err != nil {
			return nil, err
		}
		if err := o.read(); err != nil {
			done()
			return nil, err
		}
		return done, nil
	}
	if err := o.read(); err != nil {
		return nil, err
	}
	return o.server.overlays.Take(o.request.asker())
}

// read reads what is asked, and refuses what can be refused at once.
func (o *overlayRequest) read() error {
	err := o.mayAsk(askOverlay)
	if err != nil {
		return err
	}
	if o.request.ctx.IsPost() {
		err = o.readPost()
	} else {
		err = o.readQuery()
	}
	if err != nil {
		return err
	}
	given := 0
	for _, there := range []bool{o.body.Geometry != nil, o.body.Place != "", o.body.Sequence != nil, o.body.TXT != nil} {
		if there {
			given++
		}
	}
	if given != 1 {
		return problem.New("PARAMETER_SHAPE", "要给 geometry 或 place 中的一个", "give one of geometry and place")
	}
	if _, err := areas.ParseCRS(o.body.CRS); err != nil {
		return err
	}
	l := o.server.cfg.Limits
	q := areas.Question{
		Layers: o.body.Layers, GroupBy: o.body.GroupBy, Vintage: o.body.Vintage, Combinations: true, Survey: o.body.Survey, Outline: o.body.Outline,
		MaxVertices: l.OverlayVertices, MaxListed: l.AnswerItems,
	}
	if q.Combinations, err = o.wantsCombinations(); err != nil {
		return err
	}
	if o.form, err = o.chooseForm(); err != nil {
		return err
	}
	if q.Pieces, err = o.wantsPieces(); err != nil {
		return err
	}
	if err := o.checkGrouping(); err != nil {
		return err
	}
	if o.sheet, err = o.receipts("overlay", o.sent); err != nil {
		return err
	}
	o.asker.Index, o.asker.Question, o.asker.Program, o.asker.Allow = o.ix(), q, o.server.cfg.Program, areas.Allowance(o.policy())
	o.asker.Bounds = o.bounds(q.Vintage)
	o.layer = strings.Join(q.Layers, ",")
	return nil
}

// wantsPieces tells whether single features are asked for, which the policy may
// refuse.
func (o *overlayRequest) wantsPieces() (bool, error) {
	switch o.body.Return {
	case "", "summary":
		if o.form != areas.GeoJSON {
			return false, nil
		}
	case "features":
	default:
		return false, problem.New("PARAMETER_RETURN", "return 是 %.20q，只有 summary 和 features", "return is %.20q; there are summary and features", o.body.Return)
	}
	if o.ix().Manifest.Policy.Pieces {
		return true, nil
	}
	return false, problem.New("POLICY", "本版不提供逐个要素的叠加结果", "this edition does not answer with single features").
		Advise("改用 \"return\": \"summary\"，形式不用 geojson", "use \"return\": \"summary\", in another form than geojson")
}

// wantsCombinations tells whether combinations of layers are asked for: where the policy
// has totals alone they are left out, and refused to who names them.
func (o *overlayRequest) wantsCombinations() (bool, error) {
	asked := o.body.Combinations
	if !o.policy().TotalsOnly {
		return asked == nil || *asked, nil
	}
	if asked != nil && *asked {
		return false, problem.New("POLICY", "本版只给合计，不给图层的组合", "this edition answers with totals alone, without combinations of layers").
			Advise("用 \"combinations\": false", "use \"combinations\": false")
	}
	return false, nil
}

// checkGrouping refuses to group by fields that the policy does not allow.
func (o *overlayRequest) checkGrouping() error {
	for name, fields := range o.body.GroupBy {
		l := o.ix().Layer(name, o.body.Vintage)
		if l == nil {
			continue // is told of by the answer
		}
		for _, f := range fields {
			if i := l.Field(f); i >= 0 {
				if err := o.mayGroup(f, l.Meta.Fields[i].Code); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// answer answers, and tells whether the answer is still being sent; then over is
// called at its end.
func (o *overlayRequest) answer() (streaming bool, err error) {
	if o.body.Place != "" {
		return false, o.answerPlace()
	}
	shapes, many, err := o.shapes()
	switch {
	case err != nil:
		return false, err
	case !many:
		o.askShapes(shapes)
		a, err := o.asker.Answer(o.ctx, &shapes[0])
		if err != nil {
			return false, err
		}
		o.answered(a)
		return false, o.sendSingle(&areas.Result{ID: shapes[0].ID, Properties: shapes[0].Properties, Answer: a, Single: true})
	}
	return o.answerMany(shapes)
}

// answerPlace answers for a place. The policy's bounds on shapes do not hold
// for it: they keep single parcels and bulk questions apart from the public, and
// places and their sums are published anyway.
func (o *overlayRequest) answerPlace() error {
	q := o.asker.Question
	o.askPlace(o.body.Place)
	if err := o.reachesPlace(o.body.Place); err != nil {
		return err
	}
	if err := o.grantsOutlines(); err != nil {
		return err
	}
	var err error
	if q.Shape, err = areas.Place(o.ctx, o.ix(), o.body.Place, q.Vintage); err != nil {
		return err
	}
	a, err := areas.Ask(o.ctx, o.ix(), q)
	if err != nil {
		return err
	}
	whole, err := o.whole(o.ctx, q.Vintage)
	if err != nil {
		return err
	}
	a.Program, a.Scope = o.asker.Program, o.asker.Bounds.Scope
	if whole != nil && !whole(o.body.Place) {
		a.AOI.Problems = append(a.AOI.Problems, areas.BeyondScope())
	}
	o.answered(a)
	return o.sendSingle(&areas.Result{Answer: a, Single: true})
}

// sendSingle answers with one result.
func (o *overlayRequest) sendSingle(r *areas.Result) error {
	var b bytes.Buffer
	w := o.writer(&b)
	if err := w.Write(r); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return o.send(b.Bytes())
}

// headers sets what the form is sent with.
func (o *overlayRequest) headers() {
	h := &o.request.ctx.Response.Header
	switch o.form {
	case areas.CSV, areas.XLSX, areas.GeoJSON:
		h.Set("Content-Disposition", `attachment; filename="overlay.`+string(o.form)+`"`)
	case areas.HTML:
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	}
}

func (o *overlayRequest) send(body []byte) error {
	o.headers()
	if o.sheet != nil {
		return o.sendSealed(o.form.MediaType(), body)
	}
	if o.request.ctx.IsPost() {
		return o.sendOnce(o.form.MediaType(), body)
	}
	return o.request.send(o.form.MediaType(), body)
}

// heldBytes is how much of an answer about many shapes is held back: what is not
// longer goes out whole, with the right status whatever happens on the way.
// Lines of JSON go out as they are made.
const heldBytes = 1 << 20

// answerMany answers for a collection, several shapes at once.
func (o *overlayRequest) answerMany(shapes []areas.Given) (streaming bool, err error) {
	workers := o.asker.Question.Workers
	o.askShapes(shapes)
	o.asker.Question.Workers, o.asker.Lanes = 1, workers // the shapes are shared out instead
	count := len(shapes)
	o.listed.limit = o.server.cfg.Limits.AnswerItems
	results := areas.Start(o.ctx, workers, areas.Each(shapes), o.resultOf())
	var held bytes.Buffer
	out := &spill{w: &held}
	w := areas.ResultWriter(&boundedWriter{o.writer(out), &o.listed})
	if o.form != areas.NDJSON {
		for held.Len() < heldBytes {
			r, err := results.Next()
			if err == nil {
				err = w.Write(&r)
			}
			if err == nil {
				continue
			}
			results.Close()
			if !errors.Is(err, io.EOF) {
				return false, err
			}
			if err := w.Close(); err != nil {
				return false, err
			}
			return false, o.send(held.Bytes())
		}
	}
	if o.sheet != nil && !o.sealsParts() {
		results.Close()
		return false, problem.New("TOO_LARGE_RECEIPT", "这种形式的答案超过 %d 字节，带不了回执", "the answer in this form is over %d bytes and can carry no receipt", heldBytes).
			Advise("改用 f=json 或 f=ndjson，每个范围各有回执", "take f=json or f=ndjson, where each shape has its receipt")
	}
	return true, o.stream(&overlayStream{results: results, out: out, w: w, held: &held, count: count})
}

// resultOf answers for one shape of a collection: what is wrong with it fails no
// other, and faults of ours are logged.
func (o *overlayRequest) resultOf() func(context.Context, *areas.Given) (areas.Result, error) {
	s, id, told, holds := o.server, o.id(), &o.asked, o.holds()
	return func(ctx context.Context, g *areas.Given) (areas.Result, error) {
		r := areas.Result{ID: g.ID, Properties: g.Properties}
		if !holds() {
			return r, errEnded
		}
		if o.listed.over.Load() {
			r.Problem = o.listed.problem()
			return r, nil
		}
		a, err := o.asker.Answer(ctx, g)
		switch {
		case err == nil:
			told.answered(a)
			s.tellFailed(id, a)
			r.Answer = a
			return r, nil
		case ctx.Err() != nil:
			return r, ctx.Err() // time is over for all of them
		}
		if _, r.Problem = statusOf(err); r.Problem == nil {
			s.cfg.Log.Error("a shape of a collection failed", "id", id, "shape", string(g.ID), "error", err)
			r.Problem = errFault
		}
		return r, nil
	}
}

// errFault is what is told of a fault of ours inside of an answer.
var errFault = problem.New("SERVER_FAULT", "服务器出错", "server fault")

// overlayStream is an answer that goes out while it is being made.
type overlayStream struct {
	results *areas.Results
	out     *spill
	w       areas.ResultWriter
	held    *bytes.Buffer
	count   int
}

// stream sends what is held and what is still to come. The generation stays open
// until the end.
func (o *overlayRequest) stream(st *overlayStream) error {
	if !o.gen.Acquire() {
		st.results.Close()
		o.over()
		return live.ErrClosed
	}
	o.headers()
	o.request.ctx.Response.Header.Set("Cache-Control", "no-store")
	o.vary("Accept-Encoding")
	o.request.ctx.SetContentType(o.form.MediaType())
	zip := o.gzips()
	if zip {
		o.request.ctx.Response.Header.Set("Content-Encoding", "gzip")
	}
	// The request is not looked at any more once the handler has returned.
	gen, id, s, ctx, told, place := o.gen, o.id(), o.server, o.ctx, &o.asked, o.place
	var rec *audit.Record
	if o.audits() {
		begun := o.record(fasthttp.StatusOK)
		rec = &begun
	}
	audited := make(chan struct{})
	o.audited = audited
	sent := s.metrics.bytes.WithLabelValues(o.route, string(o.tier))
	o.request.ctx.SetBodyStreamWriter(func(conn *bufio.Writer) {
		defer func() { _ = gen.Release() }() // the last reader of what was only read
		defer o.over()
		defer st.results.Close()
		select {
		case <-audited:
		case <-ctx.Done(): // the answer says so
		}
		err := st.send(&leasedWriter{conn, place}, zip)
		sent.Add(float64(st.out.n))
		s.auditSent(rec, told, st.out.n)
		switch {
		case err == nil:
		case errors.Is(err, errEnded):
			s.cfg.Log.Info("overlay answer cut off: its token was revoked or has expired", "id", id)
		case ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded), errors.Is(err, errGoneClient):
			s.cfg.Log.Debug("overlay: the client went away", "id", id, "shapes", st.count)
		default:
			s.cfg.Log.Error("overlay answer cut off", "id", id, "error", err)
		}
	})
	return nil
}

// errGoneClient is why nothing more can be sent.
var errGoneClient = errors.New("the client does not take the answer")

// send writes the answer to the connection; what keeps the rest from it is told
// at its end. A panic is a fault of ours.
func (st *overlayStream) send(conn *leasedWriter, zip bool) (err error) {
	to := io.Writer(conn)
	flush := conn.Flush
	closing := flush
	if zip {
		z := packer(conn)
		defer packers.Put(z)
		to = z
		flush = func() error { return errors.Join(z.Flush(), conn.Flush()) }
		closing = func() error { return errors.Join(z.Close(), conn.Flush()) }
	}
	reach := func(f func() error) func() error {
		return func() error { return unsent(f()) }
	}
	if _, err := to.Write(st.held.Bytes()); err != nil {
		return unsent(err)
	}
	st.held.Reset()
	st.out.w = to
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
		if err != nil && !errors.Is(err, errGoneClient) {
			why := errFault
			if _, p := statusOf(err); p != nil {
				why = p
			}
			_ = st.w.Abort(why) // err is what counts
		}
		if cerr := reach(closing)(); err == nil {
			err = cerr
		}
	}()
	return st.results.WriteAll(st.w, reach(flush))
}
