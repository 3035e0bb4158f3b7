package benchmarks

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/ingest"
	"gengtu/ingest/check"
)

// judgeAll reads inputs and judges them by all rules; nothing is stored.
func judgeAll(ctx context.Context, inputs []ingest.Input) (res *check.Result, err error) {
	c, err := check.New(check.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if _, err := ingest.Inspect(ctx, inputs, ingest.Options{Tier: edition.Secure, Inspector: c}); err != nil {
		return nil, err
	}
	return c.Finish(ctx)
}

// BenchmarkCheck measures how a delivery's patches, and its villages, are judged by all
// rules, from the files on. PostGIS has the features already, indexed, and is asked two of
// the rules alone: which features overlap by 0.01 m², and which gaps are between them.
func BenchmarkCheck(b *testing.B) {
	for _, name := range []string{"sample", "zones", "landscape"} {
		b.Run("data="+name, func(b *testing.B) {
			d := open(b, name)
			var inputs []ingest.Input
			for _, f := range d.files {
				if f.layer == d.files[0].layer || f.layer == "region" {
					inputs = append(inputs, ingest.Input{Layer: f.layer, Vintage: d.vintage, Path: f.path})
				}
			}
			b.Run("by=gengtu", func(b *testing.B) {
				timed(b, processor, func() {
					res, err := judgeAll(b.Context(), inputs)
					if err != nil {
						b.Fatal(err)
					}
					for _, l := range res.Layers {
						if l.Layer == inputs[0].Layer {
							b.ReportMetric(float64(l.Features), "parcels")
						}
					}
				})
			})
			if name == "zones" {
				return // its rivals are those of sample
			}
			b.Run("by=postgis", func(b *testing.B) {
				p := postgis(b, d)
				table := d.name + "_cropland"
				timed(b, p.processor, func() {
					said := p.ask(b, strings.ReplaceAll(`SELECT (SELECT count(*) FROM LAYER a JOIN LAYER b ON a.l && b.l AND a.ctid < b.ctid
						WHERE NOT ST_Touches(a.l, b.l) AND ST_Area(ST_Intersection(a.g, b.g)) > 0.01),
						(SELECT count(*) FROM (SELECT (ST_Dump(ST_Union(l))).geom g FROM LAYER) u, LATERAL ST_DumpRings(u.g) r WHERE r.path[1] > 0)`, "LAYER", table))
					var overlaps, gaps int
					if _, err := fmt.Sscan(said, &overlaps, &gaps); err != nil {
						b.Fatalf("%q: %v", said, err)
					}
				})
			})
		})
	}
}
