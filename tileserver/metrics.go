package tileserver

import (
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttpadaptor"

	"gengtu/index/edition"
	"gengtu/tileserver/access"
	"gengtu/tileserver/audit"
)

// metrics are what /metrics shows. Labels come from fixed sets: routes, tiers
// and status codes, never a path, a token or a place.
type metrics struct {
	requests      *prometheus.CounterVec
	seconds       *prometheus.HistogramVec
	bytes         *prometheus.CounterVec
	reloads       *prometheus.CounterVec
	reloadsFailed *prometheus.CounterVec
	scopes        *prometheus.CounterVec
	scopesFailed  *prometheus.CounterVec
	corrupt       prometheus.Counter
	// Of the tables that an operator writes.
	catalogues, cataloguesFailed prometheus.Counter
	work                         *workMetrics
	handler                      fasthttp.RequestHandler
	known                        meters
}

// auditMetrics are what the audit log did, and what it is behind with.
func auditMetrics(log *audit.Log) []prometheus.Collector {
	var out []prometheus.Collector
	for _, c := range []struct {
		name, help string
		of         func(audit.Stats) int64
	}{
		{"gengtu_audit_lines_total", "Lines of the audit log.", func(s audit.Stats) int64 { return s.Lines }},
		{"gengtu_audit_refused_total", "Requests refused because their line could not be written.", func(s audit.Stats) int64 { return s.Refused }},
		{"gengtu_audit_syslog_lost_total", "Lines that did not reach the syslog.", func(s audit.Stats) int64 { return s.SyslogLost }},
	} {
		out = append(out, prometheus.NewCounterFunc(prometheus.CounterOpts{Name: c.name, Help: c.help}, func() float64 { return float64(c.of(log.Stats())) }))
	}
	for _, g := range []struct {
		name, help string
		of         func(audit.Stats) int64
	}{
		{"gengtu_audit_unsynced_lines", "Lines of the audit log that are written and not on the disk yet: those of a second, unless it is slow.", func(s audit.Stats) int64 { return s.Behind }},
		{"gengtu_audit_syslog_waiting_lines", "Lines that wait for the syslog.", func(s audit.Stats) int64 { return s.SyslogWaiting }},
	} {
		out = append(out, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: g.name, Help: g.help}, func() float64 { return float64(g.of(log.Stats())) }))
	}
	return out
}

// newMetrics makes the metrics of a server; log may be nil. State is asked when they are
// read.
func newMetrics(log *audit.Log, state prometheus.Collector) *metrics {
	reg := prometheus.NewRegistry()
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gengtu_requests_total", Help: "Answers by route, tier and status."}, []string{"route", "tier", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "gengtu_request_seconds", Help: "Time from the request's head to the answer.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"route", "tier"}),
		bytes:            prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gengtu_response_bytes_total", Help: "Bytes of answers' bodies."}, []string{"route", "tier"}),
		reloads:          prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gengtu_generations_total", Help: "Generations put in force since the start."}, []string{"tier"}),
		reloadsFailed:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gengtu_generations_refused_total", Help: "Generations that could not be taken."}, []string{"tier"}),
		scopes:           prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gengtu_scopes_total", Help: "Editions made for scopes of tokens since the start."}, []string{"tier"}),
		scopesFailed:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gengtu_scopes_failed_total", Help: "Editions for scopes of tokens that could not be made."}, []string{"tier"}),
		catalogues:       prometheus.NewCounter(prometheus.CounterOpts{Name: "gengtu_catalogue_tables_total", Help: "Times that changed tables of the catalogue were put in force."}),
		cataloguesFailed: prometheus.NewCounter(prometheus.CounterOpts{Name: "gengtu_catalogue_tables_refused_total", Help: "Tables of the catalogue that could not be taken; those before stay in force."}),
		corrupt:          prometheus.NewCounter(prometheus.CounterOpts{Name: "gengtu_cache_corrupt_total", Help: "Stored tiles found damaged, dropped and made anew."}),
	}
	reg.MustRegister(m.requests, m.seconds, m.bytes, m.reloads, m.reloadsFailed, m.scopes, m.scopesFailed, m.catalogues, m.cataloguesFailed, m.corrupt)
	m.work = newWorkMetrics(reg)
	reg.MustRegister(state)
	if log != nil {
		reg.MustRegister(auditMetrics(log)...)
	}
	// The contract gives every name the product's prefix, the runtime's too.
	prometheus.WrapRegistererWithPrefix("gengtu_", reg).MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.handler = fasthttpadaptor.NewFastHTTPHandler(promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	return m
}

// account counts and logs an answer.
func (s *Server) account(r *request, status int, took time.Duration) {
	route, tier := r.route, string(r.tier)
	if route == "" {
		route = "none"
	}
	size := r.size()
	s.cfg.AccessLog.tell(r, status, took)
	m := s.metrics.of(route, tier, status)
	m.requests.Inc()
	m.seconds.Observe(took.Seconds())
	m.bytes.Add(float64(size))
	level := slog.LevelDebug
	// What the audit tells is not told twice.
	if r.tier != "" && r.tier != edition.Public && !r.audits() {
		level = slog.LevelInfo
	}
	if !s.cfg.Log.Enabled(r.ctx, level) {
		return
	}
	s.cfg.Log.Log(r.ctx, level, "answered", "id", r.id(), "method", string(r.ctx.Method()), "path", access.Mask(r.loggedURI()),
		"tier", tier, "token", r.token, "layer", r.layer, "status", status, "bytes", size, "seconds", took.Seconds())
}

// size is how long the body is that goes out; 0 of one that is still being made,
// whose bytes are counted as they go.
func (r *request) size() int {
	if r.ctx.IsHead() || r.ctx.Response.IsBodyStream() {
		return int(r.sends)
	}
	return len(r.ctx.Response.Body())
}
