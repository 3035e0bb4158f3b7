package tileserver

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"gengtu/index/disk"
	"gengtu/tileserver/jobs"
	"gengtu/tileserver/load"
)

// stateMetrics tell what a server is in when they are asked, so that nothing on the way
// of a request has to keep them up.
type stateMetrics struct{ s *Server }

// The descriptions of stateMetrics.
var (
	descBuild     = describe("gengtu_build_info", "1, with the program's version.", "version")
	descReady     = describe("gengtu_ready", "1 where /ready answers 200, else 0.")
	descGen       = describe("gengtu_generation_info", "1, with the generation in force.", "tier", "generation")
	descCreated   = describe("gengtu_generation_created_timestamp_seconds", "When the generation in force was made.", "tier")
	descSince     = describe("gengtu_generation_enforced_timestamp_seconds", "When the generation in force was put in force.", "tier")
	descRefused   = describe("gengtu_generation_refused", "1 while CURRENT names a generation that cannot be taken, and the one before goes on.", "tier")
	descOpen      = describe("gengtu_generations_open", "Generations that are held open: in force, pinned, or still being answered from.")
	descLayers    = describe("gengtu_index_layers", "Layers of the generation in force, vintages counted apart.", "tier")
	descFeatures  = describe("gengtu_index_features", "Features of these layers.", "tier")
	descBytes     = describe("gengtu_edition_bytes", "Bytes of the files of the generation in force.", "tier")
	descCache     = describe("gengtu_cache_requests_total", "Looks for finished answers to requests for tiles; past these, for tiles of zooms that were not built, and for painted tiles; by where they were found: memory, disk, or made.", "cache", "result")
	descFailed    = describe("gengtu_cache_failures_total", "Tiles that could not be made.")
	descDropped   = describe("gengtu_cache_dropped_total", "Tiles not written to the cache's disc because that was too slow.")
	descCacheSize = describe("gengtu_cache_memory_bytes", "Bytes that caches hold in memory.", "cache")
	descRunning   = describe("gengtu_work_running", "Answers of a costly kind that are being made.", "kind")
	descWaiting   = describe("gengtu_work_waiting", "Requests that wait for one of these places.", "kind")
	descPlaces    = describe("gengtu_work_places", "How many of these are made at once.", "kind")
	descConns     = describe("gengtu_connections_open", "Connections that are open.")
	descConnsMax  = describe("gengtu_connections_limit", "How many may be open.")
	descDisk      = describe("gengtu_disk_free_bytes", "Bytes that are free on a disc that the server writes to.", "disk")
	descJobs      = describe("gengtu_analyses_kept", "Analyses that are over and kept, by how they ended.", "state")
	descCert      = describe("gengtu_certificate_expiry_timestamp_seconds", "When the TLS certificate in force expires.")
	descBase      = describe("gengtu_base_requests_total", "Questions for tiles of base maps, by what became of them: memory, fetched, stale, none or failed.", "source", "result")
	descLog       = describe("gengtu_access_log_lines_total", "Lines of the access log, by what became of them: written or lost.", "result")
)

var stateDescs = []*prometheus.Desc{
	descBuild, descReady, descGen, descCreated, descSince, descRefused, descOpen, descLayers, descFeatures, descBytes, descCache, descFailed,
	descDropped, descCacheSize, descRunning, descWaiting, descPlaces, descConns, descConnsMax, descDisk, descJobs, descCert, descBase, descLog,
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// Describe is for [prometheus.Collector].
func (m stateMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range stateDescs {
		ch <- d
	}
}

// Collect is for [prometheus.Collector].
func (m stateMetrics) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	s := m.s
	gauge(descBuild, 1, s.cfg.Program)
	gauge(descReady, truth(s.unready() == nil))
	for _, t := range s.Tiers() {
		s.tiers[t].collect(gauge)
	}
	c, open := s.caches.sum()
	gauge(descOpen, float64(open))
	counter(descCache, c.memory, "tiles", "memory")
	counter(descCache, c.disk, "tiles", "disk")
	counter(descCache, c.made, "tiles", "made")
	counter(descCache, c.pictures, "pictures", "memory")
	counter(descCache, c.pictureDisk, "pictures", "disk")
	counter(descCache, c.painted, "pictures", "made")
	counter(descCache, c.answers, "answers", "memory")
	counter(descCache, c.assembled, "answers", "disk")
	counter(descCache, c.unfinished, "answers", "made")
	counter(descFailed, c.failed)
	counter(descDropped, c.dropped)
	gauge(descCacheSize, float64(c.tileBytes), "tiles")
	gauge(descCacheSize, float64(c.pictureBytes), "pictures")
	gauge(descCacheSize, float64(c.answerBytes), "answers")
	m.collectWork(gauge)
	if door := s.door.Load(); door != nil {
		gauge(descConns, float64(door.Open()))
	}
	gauge(descConnsMax, float64(s.cfg.Limits.Connections))
	m.collectDisks(gauge)
	if s.cfg.CertificateEnds != nil {
		gauge(descCert, unixSeconds(s.cfg.CertificateEnds()))
	}
	if s.cfg.BaseMaps != nil {
		gauge(descCacheSize, float64(s.cfg.BaseMaps.Bytes()), "base")
		for name, b := range s.cfg.BaseMaps.Stats() {
			for result, n := range map[string]int64{"memory": b.Memory, "fetched": b.Fetched, "stale": b.Stale, "none": b.None, "failed": b.Failed} {
				counter(descBase, n, name, result)
			}
		}
	}
	if s.cfg.AccessLog != nil {
		written, lost := s.cfg.AccessLog.counts()
		counter(descLog, written, "written")
		counter(descLog, lost, "lost")
	}
}

// collectWork tells how busy the places are that costly answers need, and who waits.
func (m stateMetrics) collectWork(gauge func(*prometheus.Desc, float64, ...string)) {
	s := m.s
	for kind, o := range map[string]load.Occupancy{"overlay": s.overlays.Occupied(), "map": s.maps.Occupied(), "tile": s.making.Occupied(), "picture": s.painting.Occupied()} {
		gauge(descRunning, float64(o.Running), kind)
		gauge(descPlaces, float64(o.Places), kind)
		gauge(descWaiting, float64(o.Waiting), kind)
	}
	if a := s.answers; a != nil {
		counts := a.queue.Counts()
		gauge(descRunning, float64(counts[jobs.Running]), "analysis")
		gauge(descPlaces, float64(s.cfg.Limits.JobsAtOnce), "analysis")
		gauge(descWaiting, float64(counts[jobs.Waiting]), "analysis")
		for _, state := range []jobs.State{jobs.Done, jobs.Failed, jobs.Cancelled} {
			gauge(descJobs, float64(counts[state]), string(state))
		}
	}
	const held = "wrong_token" // nobody waits for its places: answers are held back
	gauge(descRunning, float64(len(s.held)), held)
	gauge(descPlaces, float64(cap(s.held)), held)
}

// collectDisks tells what is free where the server writes; a disc of which the system
// does not tell it is left out.
func (m stateMetrics) collectDisks(gauge func(*prometheus.Desc, float64, ...string)) {
	dirs := map[string]string{"cache": m.s.cfg.CacheDir, "jobs": m.s.cfg.JobsDir}
	if m.s.cfg.Audit != nil {
		dirs["audit"] = m.s.cfg.Audit.Dir()
	}
	for name, dir := range dirs {
		if dir == "" {
			continue
		}
		if free, err := disk.Free(dir); err == nil { // whoever asks is told by the series that is not there
			gauge(descDisk, float64(free), name)
		}
	}
}

// collect tells of the generation in force of a tier.
func (t *tierState) collect(gauge func(*prometheus.Desc, float64, ...string)) {
	tier := string(t.tier)
	gauge(descRefused, truth(t.refused.Load()), tier)
	g, err := t.Take()
	if err != nil {
		return // the series that are not there say so
	}
	defer func() { _ = g.Release() }() // only read
	m := g.ix.Manifest
	gauge(descGen, 1, tier, g.Name())
	gauge(descSince, unixSeconds(t.Since()), tier)
	if at, err := time.Parse(time.RFC3339Nano, m.Created); err == nil {
		gauge(descCreated, unixSeconds(at), tier)
	}
	gauge(descLayers, float64(len(m.Layers)), tier)
	features := 0
	for i := range m.Layers {
		features += m.Layers[i].Features
	}
	gauge(descFeatures, float64(features), tier)
	gauge(descBytes, float64(g.bytes), tier)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func unixSeconds(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }
