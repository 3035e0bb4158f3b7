package tileserver

import (
	"errors"

	"gengtu/index/problem"
	"gengtu/tileserver/basemap"
	"gengtu/tileserver/tile"
)

// baseMap is a base map as /{tier}/base lists it.
type baseMap struct {
	Name        string `json:"name"`
	Title       string `json:"title"`
	Grid        string `json:"grid"`
	MinZoom     int    `json:"minzoom"`
	MaxZoom     int    `json:"maxzoom"`
	Attribution string `json:"attribution,omitempty"`
	Tiles       string `json:"tiles"` // the address of a tile, with {z} {x} {y}
}

// baseMaps are those of the tier, none where none is passed on.
func (r *request) baseMaps() []baseMap {
	list := []baseMap{}
	if r.server.cfg.BaseMaps == nil {
		return list
	}
	for _, m := range r.server.cfg.BaseMaps.Of(r.tier) {
		title := m.Title.En
		if r.lang() == problem.Chinese {
			title = m.Title.Zh
		}
		if title == "" {
			title = m.Name
		}
		list = append(list, baseMap{m.Name, title, m.Grid, m.Zooms[0], m.Zooms[1], m.Attribution, r.address("base/" + m.Name + "/{z}/{x}/{y}")})
	}
	return list
}

// handleBase lists the base maps of the tier.
func (s *Server) handleBase(r *request) error {
	return r.sendJSON(map[string][]baseMap{"base": r.baseMaps()})
}

// handleBaseTile answers with a tile of a base map. It is of no generation of ours.
func (s *Server) handleBaseTile(r *request) error {
	if s.cfg.BaseMaps == nil {
		return basemap.ErrNoMap
	}
	r.pinned = false
	r.ctx.Response.Header.Del("Gengtu-Generation")
	ctx, cancel := s.tileContext()
	defer cancel()
	p, err := s.cfg.BaseMaps.Tile(ctx, r.tier, r.params["name"], [3]string{r.params["z"], r.params["x"], r.params["y"]})
	switch {
	case errors.Is(err, tile.ErrSyntax):
		return tileSyntax(err)
	case err != nil:
		return err
	}
	if r.fresh(etag(p.Data), plainly) {
		return nil
	}
	return r.body(p.Type, p.Data, plainly)
}
