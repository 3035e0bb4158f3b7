package check_test

import (
	"context"
	"math"
	"path/filepath"
	"testing"

	"gengtu/benchmarks/suite"
	"gengtu/index/geo"
	"gengtu/ingest"
	"gengtu/ingest/check"
	"gengtu/ingest/source"
)

// Slivers up to a width are closed, each mend is listed with both areas, and what is wider
// stays; the mended features, written out again, have no other fault.
func TestMendSlivers(t *testing.T) {
	l := newLandscape(t)
	l.decoys()
	l.index()
	narrow, wide := map[string]float64{}, map[string]float64{}
	for i, n := range l.rng.Perm(len(l.patches)) {
		area, depth := 0.02*l.logUniform(1, 5), 0.005*l.logUniform(1, 5) // up to 2.5 cm
		want := narrow
		if i%3 == 0 {
			area, depth, want = 0.3*l.logUniform(1, 5), 0.2*l.logUniform(1, 5), wide
		}
		k, ok := l.findBump(n, area, depth, i%2 == 0)
		if !ok || l.used[n] || l.used[k.neighbour] {
			continue
		}
		for _, m := range append(l.around(n), l.around(k.neighbour)...) {
			l.used[m] = true
		}
		l.dent(&k)
		want[pairKey(l.key(n), l.key(k.neighbour))] = k.area
	}
	inputs := l.write()
	rules, err := check.LoadRules("")
	if err != nil {
		t.Fatal(err)
	}
	c, err := check.New(check.Options{Rules: check.Slivers(rules), MendM: 0.03})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	path := filepath.Join(t.TempDir(), "features.db")
	mender := &recorder{c, map[int64]geo.MultiPolygon{}}
	_, rep, err := ingest.Run(context.Background(), inputs, path, ingest.Options{Tier: "secure", Inspector: mender})
	if err != nil {
		t.Fatal(err)
	}
	r := rep.Layers[0]
	if r.Counts["SLIVER_MENDED"] < len(narrow) || len(r.Findings) != r.Counts["SLIVER_MENDED"] || r.Mended != len(r.Findings) {
		t.Errorf("%d mended, %d listed, %d counted of %d slivers", r.Mended, len(r.Findings), r.Counts["SLIVER_MENDED"], len(narrow))
	}
	sum := 0.0
	for _, f := range r.Findings {
		sum += f.AreaBefore - f.AreaAfter
	}
	if math.Abs(sum-r.AreaMending) > 1e-6 || math.Abs(r.AreaIn-r.AreaOut-r.AreaMending) > 1e-3 {
		t.Errorf("areas: in %.4f, out %.4f, mending %.4f, listed %.4f", r.AreaIn, r.AreaOut, r.AreaMending, sum)
	}
	got := judge(t, l.rewrite(mender.mends), check.Options{})
	hold(t, "slivers that are wider", wide, append(append(got["G4101"], got["G4102"]...), got["G4103"]...), pairOf)
	suite.Count(t, "mending/slivers=closed", float64(len(narrow)), "faults")
	suite.Count(t, "mending/slivers=kept", float64(len(wide)), "faults")
}

// recorder is an inspector that remembers what is mended.
type recorder struct {
	*check.Checker
	mends map[int64]geo.MultiPolygon // by record
}

type layerRecorder struct {
	ingest.Mender
	r *recorder
}

func (r *recorder) Layer(seen *ingest.LayerSeen) (ingest.LayerInspector, error) {
	l, err := r.Checker.Layer(seen)
	return layerRecorder{l.(ingest.Mender), r}, err
}

func (l layerRecorder) Mend() ([]ingest.Mend, error) {
	list, err := l.Mender.Mend()
	for _, m := range list {
		l.r.mends[m.Record] = m.Geometry
	}
	return list, err
}

// rewrite writes the patches, some with other shapes, as longitudes and latitudes.
func (l *landscape) rewrite(mends map[int64]geo.MultiPolygon) []ingest.Input {
	path := filepath.Join(l.t.TempDir(), "DLTB.fgb")
	w, err := source.Create(path, &source.Layer{Fields: l.fields, CRS: source.CRSInfo{EPSG: 4490}}, source.WriteOptions{})
	if err != nil {
		l.t.Fatal(err)
	}
	for i, p := range l.patches {
		m, ok := mends[int64(i+1)]
		if !ok {
			m = l.shape(p)
		}
		var polygons [][][]geo.XY
		for _, poly := range m {
			var rings [][]geo.XY
			for _, r := range poly {
				ring := make([]geo.XY, len(r))
				for k, v := range r {
					at := v.LonLat()
					ring[k] = geo.XY{X: at.Lon, Y: at.Lat}
				}
				rings = append(rings, ring)
			}
			polygons = append(polygons, rings)
		}
		if err := w.Write(&source.Feature{Record: int64(i + 1), Polygons: polygons, Values: p.values}); err != nil {
			l.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		l.t.Fatal(err)
	}
	return []ingest.Input{{Layer: "dltb", Vintage: "2024", Path: path}}
}
