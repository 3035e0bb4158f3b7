package geos_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	simple "github.com/peterstace/simplefeatures/geos"

	"gengtu/benchmarks/geos"
	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// atOnce is the number of pairs that an op measures in turn; figures are for one.
const atOnce = 32

// timed runs op, which does n pairs, as often as the benchmark asks for, and
// reports the clock and the processor time of one.
func timed(b *testing.B, n int, op func()) {
	b.Helper()
	used := processor(b)
	start := time.Now()
	for b.Loop() {
		op()
	}
	each := float64(b.N * n)
	b.ReportMetric(float64(time.Since(start))/each, "ns/op")
	b.ReportMetric((processor(b)-used).Seconds()*1e3/each, "cpu-ms/op")
}

func processor(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// allocations reports the allocations of Go's in one pair.
func allocations(b *testing.B, n int, op func()) {
	op()
	b.ReportMetric(testing.AllocsPerRun(3, op)/float64(n), "allocs/pair")
}

// agree fails when two areas of a pair are not the same to 1e-9 of the larger
// polygon.
func agree(b *testing.B, p *pair, got, want float64) {
	if math.Abs(got-want) > 1e-9*p.larger {
		b.Fatalf("%v m², want %v of %v", got, want, p.larger)
	}
}

// BenchmarkPair measures the shared area of a pair on one core. gengtu: loaded
// outlines; gengtu-loading: polygons as they are stored, loaded for this one
// pair; geos: Intersection and Area of geometries that are GEOS's already;
// geos-converting: the same through simplefeatures, from and to Go.
func BenchmarkPair(b *testing.B) {
	c := geos.NewContext()
	defer c.Close()
	for _, kind := range kinds {
		for _, n := range vertices {
			b.Run(fmt.Sprintf("kind=%s/vertices=%d", kind, n), func(b *testing.B) {
				pairs := madePairs(c, kind, n, atOnce)
				want := make([]float64, len(pairs))
				for i, p := range pairs {
					want[i] = overlay.SharedArea(p.a, p.b)
				}
				pairOurs(b, pairs, want)
				pairTheirs(b, pairs, want)
				for _, p := range pairs {
					p.free()
				}
			})
		}
	}
}

func pairOurs(b *testing.B, pairs []*pair, want []float64) {
	b.Run("by=gengtu", func(b *testing.B) {
		var k overlay.Kernel
		as, bs := make([]overlay.Outline, len(pairs)), make([]overlay.Outline, len(pairs))
		for i, p := range pairs {
			load(&as[i], p, p.a)
			load(&bs[i], p, p.b)
		}
		op := func() {
			for i := range as {
				agree(b, pairs[i], k.Shared(&as[i], &bs[i]), want[i])
			}
		}
		timed(b, len(pairs), op)
		allocations(b, len(pairs), op)
	})
	b.Run("by=gengtu-loading", func(b *testing.B) {
		op := func() {
			for i, p := range pairs {
				agree(b, p, overlay.SharedArea(p.a, p.b), want[i])
			}
		}
		timed(b, len(pairs), op)
		allocations(b, len(pairs), op)
	})
}

func load(o *overlay.Outline, p *pair, m geo.MultiPolygon) {
	var r geo.Rings
	r.Append(m)
	o.Load(&p.plane, &r)
}

func pairTheirs(b *testing.B, pairs []*pair, want []float64) {
	b.Run("by=geos", func(b *testing.B) {
		op := func() {
			for i, p := range pairs {
				got, err := p.ga.SharedArea(p.gb)
				if err != nil {
					b.Fatal(err)
				}
				agree(b, p, got, want[i])
			}
		}
		timed(b, len(pairs), op)
		allocations(b, len(pairs), op)
	})
	b.Run("by=geos-converting", func(b *testing.B) {
		op := func() {
			for i, p := range pairs {
				g, err := simple.Intersection(p.sa, p.sb)
				if err != nil {
					b.Fatal(err)
				}
				agree(b, p, g.Area(), want[i])
			}
		}
		timed(b, len(pairs), op)
		allocations(b, len(pairs), op)
	})
}

// BenchmarkPiece measures the intersection of a pair as geometry, from and to the
// form in which each side holds it. gengtu weighs every piece against its area;
// geos-converting is GEOS through simplefeatures.
func BenchmarkPiece(b *testing.B) {
	c := geos.NewContext()
	defer c.Close()
	for _, kind := range kinds {
		for _, n := range vertices {
			b.Run(fmt.Sprintf("kind=%s/vertices=%d", kind, n), func(b *testing.B) {
				pairs := madePairs(c, kind, n, atOnce)
				b.Run("by=gengtu", func(b *testing.B) {
					op := func() {
						for _, p := range pairs {
							if _, err := overlay.Intersection(p.a, p.b); err != nil {
								b.Fatal(err)
							}
						}
					}
					timed(b, len(pairs), op)
					allocations(b, len(pairs), op)
				})
				b.Run("by=geos", func(b *testing.B) {
					timed(b, len(pairs), func() {
						for _, p := range pairs {
							if _, err := p.ga.SharedArea(p.gb); err != nil {
								b.Fatal(err)
							}
						}
					})
				})
				b.Run("by=geos-converting", func(b *testing.B) {
					op := func() {
						for _, p := range pairs {
							if _, err := simple.Intersection(p.sa, p.sb); err != nil {
								b.Fatal(err)
							}
						}
					}
					timed(b, len(pairs), op)
					allocations(b, len(pairs), op)
				})
				for _, p := range pairs {
					p.free()
				}
			})
		}
	}
}

// BenchmarkPrepared measures one shape against 1,000 parcels of 36 vertices in
// and around it; figures are for one parcel. Ours loads each parcel from its
// rings. geos prepares the shape, cuts only what it does not cover, and has the
// parcels on its side; geos-unprepared cuts all.
func BenchmarkPrepared(b *testing.B) {
	c := geos.NewContext()
	defer c.Close()
	for _, n := range vertices[2:] {
		b.Run(fmt.Sprintf("vertices=%d", n), func(b *testing.B) {
			shape, parcels := field(c, n)
			p := overlay.Prepare(shape.a)
			want := make([]float64, len(parcels))
			for i, q := range parcels {
				want[i] = overlay.SharedArea(shape.a, q.a)
			}
			b.Run("by=gengtu", func(b *testing.B) {
				rings := make([]geo.Rings, len(parcels))
				for i, q := range parcels {
					rings[i].Append(q.a)
				}
				var w overlay.Workspace
				op := func() {
					for i := range rings {
						agree(b, parcels[i], p.Shared(&w, &rings[i]), want[i])
					}
				}
				timed(b, len(parcels), op)
				allocations(b, len(parcels), op)
			})
			cut := func(how func(q *pair) (float64, error)) func(b *testing.B) {
				return func(b *testing.B) {
					timed(b, len(parcels), func() {
						for i, q := range parcels {
							got, err := how(q)
							if err != nil {
								b.Fatal(err)
							}
							agree(b, q, got, want[i])
						}
					})
				}
			}
			b.Run("by=geos", cut(func(q *pair) (float64, error) { return shape.ga.PreparedArea(q.ga) }))
			b.Run("by=geos-unprepared", cut(func(q *pair) (float64, error) { return shape.ga.SharedArea(q.ga) }))
			shape.free()
			for _, q := range parcels {
				q.free()
			}
		})
	}
}

// field returns a prepared shape of n vertices and about 2 km across, and 1,000
// parcels, of which a third are inside.
func field(c *geos.Context, n int) (*pair, []*pair) {
	rng := rand.New(rand.NewPCG(9, uint64(n)))
	at := geo.Position{Lon: 1086e8, Lat: 344e8}
	a := parcel(rng, at, 1000, n)
	plane := geo.NewEqualAreaPlane(at)
	made := func(m geo.MultiPolygon) *pair {
		g := inPlane(&plane, m)
		return &pair{a: m, plane: plane, ga: c.New(g), gb: c.New(g), larger: geo.Area(m)}
	}
	shape := made(a)
	shape.ga.Prepare()
	parcels := make([]*pair, 1000)
	for i := range parcels {
		at := geo.Position{Lon: at.Lon + int64((rng.Float64()-0.5)*2.5e8), Lat: at.Lat + int64((rng.Float64()-0.5)*2.1e8)}
		parcels[i] = made(parcel(rng, at, 45, 36))
	}
	return shape, parcels
}
