package relate_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"gengtu/index/geo"
	"gengtu/index/geo/postgistest"
	"gengtu/index/overlay"
	"gengtu/index/relate"
)

// lattice is the distance of the positions of these shapes: on few places, so that they
// touch, share edges and lie in each other's holes.
const lattice = 1 << 20

// randomArea is some ground of edges between lattice places, or of whole cells.
func randomArea(r *rand.Rand) geo.MultiPolygon {
	at := func() geo.Position { return geo.Position{Lon: r.Int64N(7) * lattice, Lat: r.Int64N(7) * lattice} }
	var m geo.MultiPolygon
	if r.IntN(2) == 0 {
		for range 1 + r.IntN(4) {
			p := at()
			b := geo.Box{Min: p, Max: geo.Position{Lon: p.Lon + (1+r.Int64N(4))*lattice, Lat: p.Lat + (1+r.Int64N(4))*lattice}}
			m = append(m, b.Polygon())
		}
	} else {
		ring := geo.Ring{at()}
		for range 2 + r.IntN(4) {
			ring = append(ring, at())
		}
		m = geo.MultiPolygon{{append(ring, ring[0])}}
	}
	out, _, err := overlay.Mend(m)
	if err != nil {
		panic(err) // of our own shapes
	}
	return out
}

// wkt is a shape in units, which floating point holds exactly.
func wkt(m geo.MultiPolygon) string {
	polygons := make([]string, len(m))
	for i, p := range m {
		rings := make([]string, len(p))
		for k, r := range p {
			rings[k] = "(" + line(r) + ")"
		}
		polygons[i] = "(" + strings.Join(rings, ",") + ")"
	}
	return "MULTIPOLYGON(" + strings.Join(polygons, ",") + ")"
}

func line(ps []geo.Position) string {
	out := make([]string, len(ps))
	for i, p := range ps {
		out[i] = fmt.Sprintf("%d %d", p.Lon, p.Lat)
	}
	return strings.Join(out, ",")
}

// pair is a feature, a shape, and what PostGIS is asked about them.
type pair struct {
	feature geo.MultiPolygon
	shape   *relate.Shape
	text    string
}

func randomPair(r *rand.Rand) pair {
	p := pair{feature: randomArea(r)}
	for len(p.feature) == 0 {
		p.feature = randomArea(r)
	}
	half := func() geo.Position {
		return geo.Position{Lon: r.Int64N(21) * lattice / 2, Lat: r.Int64N(21) * lattice / 2}
	}
	switch r.IntN(6) {
	case 0:
		at := half()
		p.shape = relate.New()
		p.shape.AddPoint(at)
		p.text = "POINT(" + line([]geo.Position{at}) + ")"
	case 1:
		l := []geo.Position{half(), half(), half()}
		p.shape = relate.New()
		p.shape.AddLine(l)
		p.text = "LINESTRING(" + line(l) + ")"
	case 2:
		b := geo.EmptyBox()
		b.Extend(half())
		b.Extend(half())
		p.shape = relate.Rectangle(b)
		p.text = fmt.Sprintf("POLYGON((%s))", line(b.Polygon()[0]))
		if b.Min.Lon == b.Max.Lon || b.Min.Lat == b.Max.Lat {
			p.text = fmt.Sprintf("LINESTRING(%s)", line([]geo.Position{b.Min, b.Max}))
		}
		if b.Min == b.Max {
			p.text = "POINT(" + line([]geo.Position{b.Min}) + ")"
		}
	default:
		m := randomArea(r)
		for len(m) == 0 {
			m = randomArea(r)
		}
		// What is cut from the shape runs along its border, or a hair beside it where a
		// crossing was rounded.
		if cut, err := overlay.Intersection(p.feature, m); err == nil && len(cut) > 0 && r.IntN(2) == 0 {
			p.feature = cut
		}
		p.shape = relate.New()
		p.shape.AddPolygons(m)
		p.text = wkt(m)
	}
	return p
}

// Shapes that touch, cross and cover each other are told as PostGIS tells them.
func TestAsPostGIS(t *testing.T) {
	const pairs = 5000
	r := rand.New(rand.NewPCG(7, 1))
	all := make([]pair, pairs)
	var sql strings.Builder
	sql.WriteString("SELECT string_agg(ST_Intersects(f, s)::int::text || ST_Within(f, s)::int::text, '' ORDER BY n) FROM (VALUES ")
	for i := range all {
		all[i] = randomPair(r)
		if i > 0 {
			sql.WriteByte(',')
		}
		fmt.Fprintf(&sql, "(%d,ST_GeomFromText('%s'),ST_GeomFromText('%s'))", i, wkt(all[i].feature), all[i].text)
	}
	sql.WriteString(") v(n, f, s)")
	answer := postgistest.Start(t).Ask(t, sql.String())[0][0]
	if len(answer) != 2*pairs {
		t.Fatalf("%d answers: %.100s", len(answer), answer)
	}
	counts := map[string]int{}
	for i, p := range all {
		var f geo.Rings
		f.Append(p.feature)
		got := fmt.Sprintf("%d%d", number(p.shape.Meets(&f, f.Box())), number(p.shape.Holds(&f, f.Box())))
		want := answer[2*i : 2*i+2]
		counts[want]++
		if got != want {
			t.Errorf("%s and %s: meets and holds are %s, want %s", wkt(p.feature), p.text, got, want)
		}
		if p.shape.Covers(f.Box()) && want != "11" {
			t.Errorf("%s covers %s", p.text, wkt(p.feature))
		}
	}
	if counts["00"] < pairs/20 || counts["10"] < pairs/20 || counts["11"] < pairs/20 {
		t.Errorf("the shapes are one-sided: %v", counts)
	}
}

// Two shapes share a place when PostGIS says so.
func TestShapesAsPostGIS(t *testing.T) {
	const pairs = 3000
	r := rand.New(rand.NewPCG(7, 3))
	all := make([][2]pair, pairs)
	var sql strings.Builder
	sql.WriteString("SELECT string_agg(ST_Intersects(a, b)::int::text, '' ORDER BY n) FROM (VALUES ")
	for i := range all {
		all[i] = [2]pair{randomPair(r), randomPair(r)}
		if i > 0 {
			sql.WriteByte(',')
		}
		fmt.Fprintf(&sql, "(%d,ST_GeomFromText('%s'),ST_GeomFromText('%s'))", i, all[i][0].text, all[i][1].text)
	}
	sql.WriteString(") v(n, a, b)")
	answer := postgistest.Start(t).Ask(t, sql.String())[0][0]
	for i, p := range all {
		if got := fmt.Sprint(number(p[0].shape.MeetsShape(p[1].shape))); got != answer[i:i+1] {
			t.Errorf("%s and %s: got %s, want %s", p[0].text, p[1].text, got, answer[i:i+1])
		}
	}
	if n := strings.Count(answer, "1"); n < pairs/10 || n > pairs*9/10 {
		t.Errorf("%d of %d pairs meet", n, pairs)
	}
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

// A feature that fills the hole of a shape to its edge is not within it.
func TestHole(t *testing.T) {
	box := func(a, b int64) geo.Box {
		return geo.Box{Min: geo.Position{Lon: a, Lat: a}, Max: geo.Position{Lon: b, Lat: b}}
	}
	m, _, err := overlay.Mend(geo.MultiPolygon{append(box(0, 90).Polygon(), box(30, 60).Polygon()...)})
	if err != nil {
		t.Fatal(err)
	}
	s := relate.New()
	s.AddPolygons(m)
	var f geo.Rings
	f.Append(geo.MultiPolygon{box(30, 60).Polygon()})
	if !s.Meets(&f, f.Box()) || s.Holds(&f, f.Box()) {
		t.Errorf("meets %t, holds %t; want true, false", s.Meets(&f, f.Box()), s.Holds(&f, f.Box()))
	}
}

// A border of the shape that goes through a feature from corner to corner, and crosses no
// edge, is found wherever between its ends the feature is.
func TestCornerToCorner(t *testing.T) {
	at := func(lon, lat int64) geo.Position { return geo.Position{Lon: lon, Lat: lat} }
	s := relate.New()
	s.AddPolygons(geo.MultiPolygon{{{at(0, 0), at(60, 0), at(60, 60), at(0, 0)}}})
	for _, side := range []int64{2, 10, 20} {
		var f geo.Rings
		f.Append(geo.MultiPolygon{geo.Box{Min: at(1, 1), Max: at(1+side, 1+side)}.Polygon()})
		if s.Holds(&f, f.Box()) {
			t.Errorf("a square of %d that its border divides is held", side)
		}
	}
}
