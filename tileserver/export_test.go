package tileserver

import (
	"gengtu/index"
	"gengtu/tileserver/access"
	"gengtu/tileserver/load"
)

// LineZoom is lineZoom.
func LineZoom(l *index.Layer) int { return lineZoom(l) }

// HoldPlaces takes all places for overlay answers and maps, and returns what
// gives them back.
func (s *Server) HoldPlaces() (free func()) {
	var leave []func()
	for _, p := range []*load.Places{s.overlays, s.maps} {
		for i := range p.Occupied().Places {
			l, err := p.Take(i)
			for err != nil { // others are still at work
				l, err = p.Take(i)
			}
			leave = append(leave, l)
		}
	}
	return func() {
		for _, l := range leave {
			l()
		}
	}
}

// HoldLogins takes all places of those who wait for an issuer, and returns what gives them
// back.
func (s *Server) HoldLogins() (free func()) {
	for range maxLogins {
		s.logins <- struct{}{}
	}
	return func() {
		for range maxLogins {
			<-s.logins
		}
	}
}

// Logins counts those who wait for an issuer.
func (s *Server) Logins() int { return len(s.logins) }

// Held counts the answers that are held back.
func (s *Server) Held() int { return len(s.held) }

// AddRoute adds an address whose handler is f, for faults that no other has.
func (s *Server) AddRoute(pattern string, f func() error) {
	s.routes = append([]route{{name: "test", methods: []string{"GET"}, pattern: pattern, handle: func(*request) error { return f() }}}, s.routes...)
}

// OpenGenerations counts the generations that are held open, in all tiers.
func (s *Server) OpenGenerations() int {
	n := 0
	for _, t := range s.tiers {
		n += t.Open()
	}
	return n
}

// PictureBytes is how much painted tiles the generation in force keeps, and how
// many.
func (s *Server) PictureBytes() (bytes int64, count int) {
	for _, t := range s.tiers {
		g, err := t.Take()
		if err != nil {
			continue
		}
		kept := g.pictures.Stats()
		bytes, count = bytes+kept.Bytes, count+kept.Count
		_ = g.Release()
	}
	return bytes, count
}

// Patterns lists the patterns of all addresses.
func Patterns(s *Server) []string {
	var out []string
	for _, r := range s.routes {
		out = append(out, r.pattern)
	}
	return out
}

// AddPanic adds a route below a tier whose handler panics.
func AddPanic(s *Server) {
	s.routes = append([]route{{name: "panic", methods: []string{"GET"}, pattern: "/{tier}/panic", handle: func(*request) error { panic("on purpose") }}}, s.routes...)
}

// Asked is an address of a tier as the table has it.
type Asked struct {
	Pattern string
	Methods []string
	// Operation is what a token must reach; "" for looking.
	Operation access.Operation
}

// TierRoutes lists the addresses of tiers.
func TierRoutes(s *Server) []Asked {
	var out []Asked
	for _, r := range s.routes {
		if r.open {
			continue
		}
		a := Asked{r.pattern, r.methods, r.op}
		if r.op == looking {
			a.Operation = ""
		}
		out = append(out, a)
	}
	return out
}
