package ingest

import (
	"errors"
	"fmt"
	"slices"

	"gengtu/index"
	"gengtu/index/geo"
	"gengtu/index/problem"
)

// Mender is a [LayerInspector] that changes shapes once it has seen all of a layer, such
// as those that leave slivers between them. It is asked by runs that mend.
type Mender interface {
	LayerInspector
	// Mend returns the features whose shapes are to be replaced.
	Mend() ([]Mend, error)
}

// Mend is a new shape for a feature.
type Mend struct {
	// File and Record tell which, as [Seen] did.
	File   int
	Record int64
	// Geometry is the new shape, as overlay.Mend returns shapes.
	Geometry geo.MultiPolygon
	// Found says what was wrong; it has neither file nor record.
	Found *problem.Problem
}

// mendLayer lets the layer's inspector mend what is kept, when it can and the run may.
func (l *layerRun) mendLayer(sources []*sourceRun) error {
	m, ok := l.inspector.(Mender)
	if !ok || l.run.opt.Strict {
		return nil
	}
	mends, err := m.Mend()
	if err != nil || len(mends) == 0 {
		return err
	}
	ids := make(map[where]uint64, len(mends))
	for _, d := range mends {
		ids[where{int32(d.File), d.Record}] = 0
	}
	for id, at := range l.seen.index() {
		if _, ok := ids[at]; ok {
			ids[at] = id
		}
	}
	mended := map[where]bool{}
	for _, f := range l.rep.Findings {
		if i := slices.Index(l.paths, f.File); f.Action == Mended && i >= 0 {
			mended[where{int32(i), f.Record}] = true
		}
	}
	for i := range mends {
		at := where{int32(mends[i].File), mends[i].Record}
		if id := ids[at]; id != 0 { // 0: it was refused
			if err := l.replace(id, sources[at.source], &mends[i]); err != nil {
				return fmt.Errorf("%s: record %d: %w", l.paths[at.source], at.record, err)
			}
			if !mended[at] {
				l.rep.Mended++
			}
		}
	}
	return nil
}

// errLost says that a feature that was kept is not there.
var errLost = errors.New("feature lost")

// replace gives a kept feature of s another shape, and lists both areas. Areas that were
// computed from its shape are computed anew.
func (l *layerRun) replace(id uint64, s *sourceRun, m *Mend) error {
	f, ok, err := l.out.Take(id)
	if err != nil || !ok {
		return errors.Join(errLost, err)
	}
	before := f.AreaM2
	f.Geometry, f.AreaM2 = m.Geometry, geo.Area(m.Geometry)
	j := judged{Feature: f}
	j.class = j.text(l.places.class)
	if !index.OfRecord(f.Patch) {
		j.Patch = index.NoArea
	}
	if !index.OfRecord(f.Net) {
		j.Net = index.NoArea
	}
	l.compute(s.crs, &j)
	if err := l.out.Add(&j.Feature); err != nil {
		return err
	}
	l.rep.AreaOut += f.AreaM2 - before
	l.rep.AreaMending += before - f.AreaM2
	key := ""
	for _, i := range l.places.key {
		if i < 0 || key != "" {
			continue
		}
		key, _ = f.Values[i].(string)
	}
	l.rep.add(Finding{Problem: m.Found.In(s.in.Path).At(m.Record, key), Action: Mended, AreaBefore: before, AreaAfter: f.AreaM2})
	return nil
}
