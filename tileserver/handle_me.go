package tileserver

import (
	"encoding/json"
	"time"

	"gengtu/index/edition"
	"gengtu/tileserver/access"
)

// openly is how somebody asks who need not say who they are.
const openly access.Way = "open"

// me is who asks, as /{tier}/me tells them. What is null is not known or not bound.
type me struct {
	Tier  edition.Tier `json:"tier"`
	Title string       `json:"tier_title"`
	// How is [access.ByToken], [access.ByIssuer] or [openly].
	How     access.Way `json:"how"`
	Name    *string    `json:"name"`
	Issuer  *string    `json:"issuer"`
	Address *string    `json:"address"`
	// Operations are what may be asked, all of those that there are where nothing bounds it.
	Operations []access.Operation `json:"operations"`
	Layers     []string           `json:"layers"`
	Places     []string           `json:"places"`
	Area       *string            `json:"area"` // a name of it, as in Gengtu-Scope
	MinZoom    *int               `json:"min_zoom"`
	MaxZoom    *int               `json:"max_zoom"`
	Expires    *time.Time         `json:"expires"`
	// Now is the server's clock, so that a page whose clock is wrong knows when that is.
	Now       time.Time `json:"now"`
	Rate      *float64  `json:"rate"` // requests a second
	Burst     *int      `json:"burst"`
	Origins   []string  `json:"origins"`
	Addresses []string  `json:"addresses"`
	Watermark bool      `json:"watermark"`
	// Login is where a token can be had, Logout where the session at the issuer ends.
	Login  []offer `json:"login,omitempty"`
	Logout *string `json:"logout"`
}

// handleMe answers with who asks. Nobody keeps it.
func (s *Server) handleMe(r *request) error {
	if !r.from.IsValid() {
		r.from = s.caller(r)
	}
	m := me{
		Tier: r.tier, Title: r.tier.Title(r.lang()), How: openly, Address: nonZero(textOf(r.from)), Operations: access.Operations, Now: time.Now().UTC().Truncate(time.Second),
		Watermark: s.cfg.Catalogue.Watermark(r.tier), Login: r.logins(),
	}
	if r.proof.Token != "" {
		p, ok := s.cfg.Access.Who(r.proof)
		if !ok {
			return errEnded // since it was asked for
		}
		m.tell(&p)
		m.Logout = nonZero(s.cfg.Access.Logout(p.Issuer, r.pageAddress()))
	}
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if data, err = r.withScope(data); err != nil {
		return err
	}
	return r.sendOnce("application/json", data)
}

// tell says who p is, and what binds them.
func (m *me) tell(p *access.Person) {
	m.How, m.Name, m.Issuer = p.Way, nonZero(p.Name), nonZero(p.Issuer)
	if !p.Expires.IsZero() {
		at := p.Expires.UTC()
		m.Expires = &at
	}
	if p.Rate > 0 {
		burst := p.Most()
		m.Rate, m.Burst = &p.Rate, &burst
	}
	m.Origins = p.Origins
	for _, n := range p.Addresses {
		m.Addresses = append(m.Addresses, n.String())
	}
	if p.Scope == nil {
		return
	}
	m.Layers, m.Places = p.Scope.Layers, p.Scope.Places
	if len(p.Scope.Operations) > 0 {
		m.Operations = p.Scope.Operations
	}
	if p.Scope.Area != "" {
		m.Area = nonZero(p.Scope.Ground())
	}
	m.MinZoom, m.MaxZoom = nonZero(p.Scope.MinZoom), nonZero(p.Scope.MaxZoom)
}

// nonZero is v, nil for its zero value.
func nonZero[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
