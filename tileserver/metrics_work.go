package tileserver

import (
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"gengtu/index/areas"
	"gengtu/index/edition"
)

// workMetrics count what costs more than the look for a tile, and what goes wrong.
type workMetrics struct {
	problems         *prometheus.CounterVec
	shapes, vertices map[edition.Tier]prometheus.Counter
	failed           prometheus.Counter

	mu    sync.Mutex
	codes map[string]prometheus.Counter // of problems, by code in lower case
}

// newWorkMetrics makes the counters in reg.
func newWorkMetrics(reg prometheus.Registerer) *workMetrics {
	w := &workMetrics{
		problems: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gengtu_problems_total", Help: "Requests that were answered with an error, by its code."}, []string{"code"}),
		codes:    map[string]prometheus.Counter{}, shapes: map[edition.Tier]prometheus.Counter{}, vertices: map[edition.Tier]prometheus.Counter{},
	}
	shapes := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gengtu_overlay_shapes_total", Help: "Shapes that overlays were asked about."}, []string{"tier"})
	vertices := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gengtu_overlay_vertices_total", Help: "Vertices of these shapes."}, []string{"tier"})
	for _, t := range edition.Tiers {
		w.shapes[t], w.vertices[t] = shapes.WithLabelValues(string(t)), vertices.WithLabelValues(string(t))
	}
	w.failed = prometheus.NewCounter(prometheus.CounterOpts{Name: "gengtu_overlay_features_failed_total", Help: "Features that answers of overlays list as failed: mostly such as cannot be read."})
	reg.MustRegister(w.problems, shapes, vertices, w.failed)
	return w
}

// maxProblemCodes bounds the codes that are counted apart. They are constants of the
// program, fewer than that; what would be more is counted as "other".
const maxProblemCodes = 300

// problem counts an error that a request is answered with.
func (w *workMetrics) problem(err error) {
	code := "server_fault"
	if _, p := statusOf(err); p != nil {
		code = strings.ToLower(p.Code)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.codes[code]
	if c == nil {
		if len(w.codes) >= maxProblemCodes {
			code = "other"
		}
		c = w.problems.WithLabelValues(code)
		w.codes[code] = c
	}
	c.Inc()
}

// asked counts the shapes of an overlay request.
func (w *workMetrics) asked(tier edition.Tier, shapes []areas.Given) {
	n := 0
	for i := range shapes {
		for _, polygon := range shapes[i].Polygons {
			for _, ring := range polygon {
				n += len(ring)
			}
		}
	}
	w.shapes[tier].Add(float64(len(shapes)))
	w.vertices[tier].Add(float64(n))
}

// answered tells the audit, and where there is cause the operator, of an answer.
func (o *overlayRequest) answered(a *areas.Answer) {
	o.asked.answered(a)
	o.server.tellFailed(o.id(), a)
}

// tellFailed tells the operator of an answer that lacks features: its status is 200.
func (s *Server) tellFailed(id string, a *areas.Answer) {
	if len(a.Failed) == 0 {
		return
	}
	s.metrics.work.failed.Add(float64(len(a.Failed)))
	f := &a.Failed[0]
	s.cfg.Log.Error("an overlay answer lacks features", "id", id, "features", len(a.Failed), "layer", f.Layer, "first", f.ID, "reason", f.Reason)
}
