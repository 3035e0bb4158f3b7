package tileserver

import (
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// meters are what answers of a kind are counted by: looked up by labels once, for each
// looking up hashes all of them. Labels come from fixed sets, so it does not grow. Safe
// for concurrent use.
type meters struct {
	mu     sync.RWMutex
	byKind map[answerKind]*meter
}

// answerKind is the labels of an answer.
type answerKind struct {
	route, tier string
	status      int
}

// meter counts answers of a kind.
type meter struct {
	requests, bytes prometheus.Counter
	seconds         prometheus.Observer
}

// of returns the meter of a kind of answers.
func (m *metrics) of(route, tier string, status int) *meter {
	kind := answerKind{route, tier, status}
	m.known.mu.RLock()
	found := m.known.byKind[kind]
	m.known.mu.RUnlock()
	if found != nil {
		return found
	}
	made := &meter{
		requests: m.requests.WithLabelValues(route, tier, strconv.Itoa(status)),
		bytes:    m.bytes.WithLabelValues(route, tier), seconds: m.seconds.WithLabelValues(route, tier),
	}
	m.known.mu.Lock()
	defer m.known.mu.Unlock()
	if m.known.byKind == nil {
		m.known.byKind = map[answerKind]*meter{}
	}
	m.known.byKind[kind] = made
	return made
}
