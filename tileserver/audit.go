package tileserver

import (
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/tileserver/audit"
	"gengtu/tileserver/catalog"
	"gengtu/tileserver/tileset"
)

// asked is what the audit tells of a request beside its address: where, and how much.
// Shapes of one request are answered at once, so it is guarded; it is read when all
// are answered.
type asked struct {
	mu       sync.Mutex
	place    string
	box      []float64 // least and greatest longitude and latitude, degrees
	shapes   int64
	features int64
	areaM2   float64
	layers   string // of an answer whose question named none
}

// audits tells whether an answer is told to the audit log: each above public.
func (r *request) audits() bool {
	return r.server.cfg.Audit != nil && r.tier != "" && r.tier != edition.Public
}

// audit writes a line for an answer above public. When it cannot be written, the answer
// is taken back.
func (s *Server) audit(r *request, status int) error {
	if !r.audits() {
		return nil
	}
	return s.appendLine(r.record(status))
}

// appendLine writes a line, and keeps in mind when one could not be written.
func (s *Server) appendLine(rec audit.Record) error {
	err := s.cfg.Audit.Append(rec)
	if err != nil {
		s.auditHealth.failed.Store(time.Now().UnixNano())
	}
	return err
}

// record is what the audit tells of the request so far.
func (r *request) record(status int) audit.Record {
	if !r.from.IsValid() {
		r.from = r.server.caller(r)
	}
	r.asked.mu.Lock()
	defer r.asked.mu.Unlock()
	rec := audit.Record{
		Time: time.Now(), Request: r.id(), Tier: string(r.tier), Who: r.token, Address: r.callerText(),
		Outcome: r.outcome.String(), Method: methodOf(r.ctx.Method()), Path: r.loggedURI(), Route: r.route, Layer: r.layer,
		Place: r.asked.place, Box: r.asked.box, Shapes: r.asked.shapes, Features: r.asked.features, AreaM2: r.asked.areaM2,
		Status: status, Bytes: int64(r.size()),
	}
	if rec.Layer == "" {
		rec.Layer = r.asked.layers
	}
	if r.gen != nil {
		rec.Generation = r.gen.Name()
		rec.Grade = string(r.server.gradesOf(r.gen).of(rec.Layer))
	}
	return rec
}

// methodOf is a method as text, which need not be made of those that are usual.
func methodOf(method []byte) string {
	for _, usual := range [...]string{fasthttp.MethodGet, fasthttp.MethodPost, fasthttp.MethodHead, fasthttp.MethodOptions} {
		if string(method) == usual {
			return usual
		}
	}
	return string(method)
}

// grades are the grades of a generation's layers, and of [tileset.All], as the catalogue
// tells them after so many changes.
type grades struct {
	changes uint64
	layers  map[string]catalog.Grade
}

// gradesOf returns what the tier's catalogue says now of the layers of a generation.
func (s *Server) gradesOf(gen *generation) *grades {
	changes := s.cfg.Catalogue.Changes()
	if g := gen.grades.Load(); g != nil && g.changes == changes {
		return g
	}
	m := gen.ix.Manifest
	g := &grades{changes: changes, layers: map[string]catalog.Grade{}}
	of := catalog.Grade("") // of what answers are made of
	for _, name := range gen.from {
		of = catalog.Higher(of, s.cfg.Catalogue.Of(m.Tier, name).Grade)
	}
	for i := range m.Layers {
		name := m.Layers[i].Name
		if g.layers[name] = of; gen.answer == "" {
			g.layers[name] = s.cfg.Catalogue.Of(m.Tier, name).Grade
		}
	}
	g.layers[tileset.All] = g.of(strings.Join(tileset.ShownLayers(m), ","))
	gen.grades.Store(g)
	return g
}

// of returns the highest grade of some layers, a comma between: of data that are put
// together the highest holds. Names of no layer count for nothing.
func (g *grades) of(layers string) catalog.Grade {
	var highest catalog.Grade
	for layers != "" {
		var name string
		name, layers, _ = strings.Cut(layers, ",")
		highest = catalog.Higher(highest, g.layers[name])
	}
	return highest
}

// textOf is an address as text, "" of none.
func textOf(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// callerText is the address that asks.
func (r *request) callerText() string {
	if !r.lane || !r.from.IsValid() {
		return textOf(r.from)
	}
	r.scratch = r.from.AppendTo(r.scratch[:0])
	return view(r.scratch)
}

// auditSent writes a line for an answer that was sent while it was made, once it is at
// its end: rec is what was told at its beginning.
func (s *Server) auditSent(rec *audit.Record, a *asked, bytes int64) {
	if s.cfg.Audit == nil || rec == nil {
		return
	}
	a.mu.Lock()
	rec.Features, rec.AreaM2 = a.features, a.areaM2
	a.mu.Unlock()
	rec.Time, rec.Outcome, rec.Bytes = time.Now(), "sent", bytes
	if err := s.appendLine(*rec); err != nil {
		s.cfg.Log.Error("audit line not written; the answer was sent already", "id", rec.Request, "error", err)
	}
}

// askFeatures tells the audit how many features an answer has.
func (r *request) askFeatures(n int) { r.asked.features = int64(n) }

// askPlace tells the audit which place is asked about.
func (r *request) askPlace(code string) { r.asked.place = code }

// answered tells the audit what an answer measured; many may be told at once.
func (a *asked) answered(answer *areas.Answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.areaM2 += answer.AOI.AreaM2
	var names []string
	for i := range answer.Layers {
		a.features += int64(answer.Layers[i].Count)
		names = append(names, answer.Layers[i].Layer)
	}
	a.layers = strings.Join(names, ",")
}

// askShapes tells the audit how many shapes are asked about, and in which box: that of
// the corners, of shapes in metres.
func (o *overlayRequest) askShapes(shapes []areas.Given) {
	o.asked.shapes = int64(len(shapes))
	o.server.metrics.work.asked(o.tier, shapes)
	if !o.audits() {
		return
	}
	low, high, some := extremes(shapes)
	if !some {
		return
	}
	crs, err := areas.ParseCRS(o.body.CRS)
	if err != nil {
		return // read refused it before
	}
	o.asked.box = boxOf(crs, low, high)
}

// extremes returns the lowest and the highest coordinates of shapes, as they were given;
// false where they have no position.
func extremes(shapes []areas.Given) (low, high geo.XY, some bool) {
	for i := range shapes {
		for _, polygon := range shapes[i].Polygons {
			for _, ring := range polygon {
				for _, p := range ring {
					if !some {
						low, high, some = p, p, true
					}
					low = geo.XY{X: min(low.X, p.X), Y: min(low.Y, p.Y)}
					high = geo.XY{X: max(high.X, p.X), Y: max(high.Y, p.Y)}
				}
			}
		}
	}
	return low, high, some
}

// boxOf is the box in degrees of the corners of one in a coordinate system; nil of what
// lies nowhere.
func boxOf(crs geo.CRS, low, high geo.XY) []float64 {
	corners := []geo.XY{low, {X: high.X, Y: low.Y}, {X: low.X, Y: high.Y}, high}
	var out []float64
	for _, c := range corners {
		if crs.Check(c) != nil {
			return nil // is refused where it is read
		}
		p := crs.Inverse(c)
		if out == nil {
			out = []float64{p.Lon, p.Lat, p.Lon, p.Lat}
		}
		out = []float64{min(out[0], p.Lon), min(out[1], p.Lat), max(out[2], p.Lon), max(out[3], p.Lat)}
	}
	return out
}
