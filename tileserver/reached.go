package tileserver

import (
	"bytes"
	"context"
	"encoding/json"

	"gengtu/index/areas"
	"gengtu/index/extract"
	"gengtu/index/geo"
	"gengtu/tileserver/access"
	"gengtu/tileserver/scoped"
)

// What a token reaches of a place or an area is answered as if there were nothing else.
// So that no figure passes for one of more than it is of, every answer says which part
// it was taken from: here, in a header, and in a receipt.

// scopeHeader names, in every answer to a token that is bound to places or an area, what
// it is bound to.
const scopeHeader = "Gengtu-Scope"

// tellScope sets the header.
func (r *request) tellScope() {
	if text := r.scope.Ground(); text != "" {
		r.ctx.Response.Header.Set(scopeHeader, text)
	}
}

// withScope adds the member scope to an object of JSON that answers such a token.
func (r *request) withScope(object []byte) ([]byte, error) {
	if !r.scope.Local() || !bytes.HasPrefix(object, []byte("{\"")) {
		return object, nil
	}
	text, err := json.Marshal(r.scope.Ground())
	if err != nil {
		return nil, err
	}
	out := append([]byte(`{"scope":`), text...)
	return append(append(out, ','), object[1:]...), nil
}

// about is what is said of answers in forms for people.
func (r *request) about() areas.About {
	a := areas.AboutOf(r.ix().Manifest, r.server.cfg.Program)
	a.Scope = r.scope.Ground()
	return a
}

// reachesPlace refuses a place that is in none of those that the token grants; one that
// they lie in, too: its figures would be those of a part.
func (r *request) reachesPlace(code string) error {
	err := r.grantsPlace(code)
	if err != nil {
		r.outcome = access.WrongScope
	}
	return err
}

// ground is where the token's scope, which is bounded, lies: as the tier's edition has
// it, of which its own has a part.
func (r *request) ground(ctx context.Context, vintage string) (*extract.Ground, error) {
	return remember(&r.gen.memo, "ground "+vintage, func() (*extract.Ground, error) {
		all, err := r.state.tier.Pin(r.gen.Name())
		if err != nil {
			return nil, err
		}
		defer func() { _ = all.Release() }() // only read
		part, err := scoped.Part(r.scope)
		if err != nil {
			return nil, err
		}
		return extract.GroundOf(ctx, all.ix, part, vintage)
	})
}

// bounds is the part of the edition that the token reaches, of a vintage. It may be asked
// as long as the generation is held, the request's end notwithstanding.
func (r *request) bounds(vintage string) areas.Bounds {
	held := &request{gen: r.gen, state: r.state, scope: r.scope}
	return areas.Bounds{Scope: r.scope.Ground(), Holds: func(ctx context.Context, shape geo.MultiPolygon) (bool, error) {
		g, err := held.ground(ctx, vintage)
		if err != nil {
			return false, err
		}
		return g.Holds(shape), nil
	}}
}

// whole tells of places whether the token reaches all of one; nil where it reaches all
// of the tier.
func (r *request) whole(ctx context.Context, vintage string) (func(code string) bool, error) {
	if !r.scope.Local() {
		return nil, nil
	}
	g, err := r.ground(ctx, vintage)
	if err != nil {
		return nil, err
	}
	return g.Place, nil
}
