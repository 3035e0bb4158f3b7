package sample

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"gengtu/index/geo"
	"gengtu/ingest/source"
)

const (
	// planeCode is the system of DLTB: CGCS2000, 3 degree zone 36, zone number
	// before the easting.
	planeCode = 4524
	// lonLatCode is the system of the other layers.
	lonLatCode = 4490
	// The landscape's middle, in planeCode.
	middleEasting  = 36_559_000
	middleNorthing = 3_801_000
)

// vintages are the years of the two deliveries.
var vintages = [...]int64{2023, 2024}

// survey fixes what all deliveries of l say alike: where it lies, names, numbers
// and areas of record.
func (l *landscape) survey(ctx context.Context) error {
	crs, err := geo.EPSG(planeCode)
	if err != nil {
		return err
	}
	l.crs = crs
	l.named = l.places()
	l.numbers = make([]int, len(l.patches))
	last := make([]int, len(l.villages))
	l.booked = make([]geo.Hundredths, len(l.patches))
	for n := range l.patches {
		if n%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		p := &l.patches[n]
		last[p.village]++
		l.numbers[n] = last[p.village]
		ground := geo.RingArea(crs.Ring(l.ground(p.shell)))
		for _, h := range p.holes {
			ground -= geo.RingArea(crs.Ring(l.ground(h)))
		}
		l.booked[n] = geo.HundredthsOf(ground)
	}
	return nil
}

// ground returns the plane coordinates of r in planeCode, open, each the number
// nearest to a multiple of 0.1 mm.
func (l *landscape) ground(r ring) []geo.XY {
	out := make([]geo.XY, len(r))
	for i, v := range r {
		s := l.spots[v]
		out[i] = l.onGrid(int64(s.x), int64(s.y))
	}
	return out
}

// onGrid returns the plane coordinates of a place in units of 0.1 mm from the
// landscape's corner.
func (l *landscape) onGrid(x, y int64) geo.XY {
	const perMetre = 10_000
	west, south := int64(middleEasting-l.centre.X), int64(middleNorthing-l.centre.Y)
	return geo.XY{X: float64(west*perMetre+x) / perMetre, Y: float64(south*perMetre+y) / perMetre}
}

// degrees returns the positions of a ring as longitudes and latitudes.
func degrees(r geo.Ring) []geo.XY {
	out := make([]geo.XY, len(r))
	for i, p := range r {
		out[i] = geo.XY{X: float64(p.Lon) / geo.Unit, Y: float64(p.Lat) / geo.Unit}
	}
	return out
}

// table is one file of a delivery.
type table struct {
	name   string // the layer's name in gengtu
	file   string
	fields []source.Field
	epsg   int
	count  int
	// fill sets Polygons and Values of a feature from record number n; false
	// leaves it out. It returns the areas of record.
	fill func(f *source.Feature, n int) (patch, net geo.Hundredths, kept bool)
	// inner is the name of the table in the file, "" as the file.
	inner string
}

// stateOf is the day that a year's survey speaks of, its last.
func stateOf(year int64) time.Time {
	return time.Date(int(year), time.December, 31, 0, 0, 0, 0, time.UTC)
}

// tables returns the files of the vintage with the given number, from 0.
func (l *landscape) tables(vintage int) []table {
	year := vintages[vintage]
	return []table{
		{"dltb", "DLTB.shp", surveyFields, planeCode, len(l.patches), func(f *source.Feature, n int) (geo.Hundredths, geo.Hundredths, bool) {
			p := &l.patches[n]
			shell := p.shell
			if wrong, ok := l.faulty[n]; ok {
				shell = wrong
			}
			polygon := [][]geo.XY{l.ground(shell)}
			for _, h := range p.holes {
				polygon = append(polygon, l.ground(h))
			}
			r := l.record(n, vintage)
			f.Polygons = [][][]geo.XY{polygon}
			l.surveyValues(f.Values, n, r, year)
			return r.patch, r.net, true
		}, ""},
		{"pbf", "YJJBNTTB.gpkg", protectedFields, lonLatCode, len(l.patches), func(f *source.Feature, n int) (geo.Hundredths, geo.Hundredths, bool) {
			r := l.record(n, vintage)
			if !l.patches[n].protected || !r.class.cropland() {
				return 0, 0, false
			}
			polygon, patch := l.protectedShape(n)
			f.Polygons = [][][]geo.XY{polygon}
			l.protectedValues(f.Values, n, r, patch, year)
			_, net := deduct(patch, r.ratio)
			return patch, net, true
		}, ""},
		{"hsf", "GBZNT.geojson", standardFields, lonLatCode, len(l.plots), func(f *source.Feature, n int) (geo.Hundredths, geo.Hundredths, bool) {
			p := l.plots[n]
			r := l.crs.Ring(l.onGround(p.shore))
			ground := geo.HundredthsOf(geo.RingArea(r))
			f.Polygons = [][][]geo.XY{{degrees(r)}}
			l.standardValues(f.Values, n, p, ground)
			return ground, 0, true
		}, ""},
		{"region", "XZQ.fgb", []source.Field{text("XZQDM", 12), text("XZQMC", 100), text("BZ", 60)}, lonLatCode, len(l.villages), l.region, ""},
	}
}

// onGround returns plane coordinates of places in metres from the landscape's
// corner, on the grid.
func (l *landscape) onGround(points []geo.XY) []geo.XY {
	out := make([]geo.XY, len(points))
	for i, p := range points {
		out[i] = l.onGrid(int64(math.Round(p.X/unit)), int64(math.Round(p.Y/unit)))
	}
	return out
}

// region fills f with village number n.
func (l *landscape) region(f *source.Feature, n int) (patch, net geo.Hundredths, kept bool) {
	f.Polygons = nil
	ground := 0.0
	for _, rings := range l.dissolve(l.members[n]) {
		var polygon [][]geo.XY
		for _, r := range rings {
			g := l.crs.Ring(l.ground(r))
			ground += geo.RingArea(g)
			polygon = append(polygon, degrees(g))
		}
		f.Polygons = append(f.Polygons, polygon)
	}
	v := l.named[n]
	copy(f.Values, []any{v.code, v.name, remark})
	return geo.HundredthsOf(ground), 0, true
}

// digitised is the part of the basic farmland that was drawn anew from older
// pictures, 1 to 3 m off.
const digitised = 0.4

// protectedShape returns the polygon of patch n as basic farmland, in lonLatCode,
// and its area.
func (l *landscape) protectedShape(n int) ([][]geo.XY, geo.Hundredths) {
	p := &l.patches[n]
	move := func(points []geo.XY) []geo.XY { return points }
	if l.dice(n, diceDigitised) < digitised {
		sin, cos := math.Sincos(2 * math.Pi * l.dice(n, diceShiftAngle))
		d := 1 + 1.9*l.dice(n, diceShift)
		// A turn by up to 1/2000 moves the ends of a field by centimetres more.
		turn := (l.dice(n, diceTurn) - 0.5) / 1000
		c := l.middle(n)
		move = func(points []geo.XY) []geo.XY {
			for i, q := range points {
				points[i] = geo.XY{X: q.X + d*cos - turn*(q.Y-c.Y), Y: q.Y + d*sin + turn*(q.X-c.X)}
			}
			return points
		}
	}
	ground := 0.0
	var polygon [][]geo.XY
	for i, r := range append([]ring{p.shell}, p.holes...) {
		g := l.crs.Ring(l.onGround(move(l.points(r))))
		a := geo.RingArea(g)
		if i > 0 {
			a = -a
			slices.Reverse(g)
		}
		ground += a
		polygon = append(polygon, degrees(g))
	}
	return polygon, geo.HundredthsOf(ground)
}

// writeTable writes t to path and calls done with every few records.
func writeTable(ctx context.Context, path string, t table, opt source.WriteOptions, done func(int)) (Layer, error) {
	out := Layer{Name: t.name, File: t.file}
	w, err := source.Create(path, &source.Layer{Table: t.inner, Fields: t.fields, CRS: source.CRSInfo{EPSG: t.epsg}, NoGeometry: t.epsg == 0}, opt)
	if err != nil {
		return out, err
	}
	f := source.Feature{Values: make([]any, len(t.fields))}
	for n := range t.count {
		if n%1024 == 0 {
			if ctx.Err() != nil {
				return out, errors.Join(ctx.Err(), w.Abort())
			}
			done(min(1024, t.count-n))
		}
		patch, net, kept := t.fill(&f, n)
		if !kept {
			continue
		}
		f.Record++
		if err := w.Write(&f); err != nil {
			return out, errors.Join(err, w.Abort())
		}
		out.Features++
		out.Patch += patch
		out.Net += net
	}
	if err := w.Close(); err != nil {
		return out, errors.Join(err, w.Abort())
	}
	return out, nil
}

// writeVintage writes the delivery of a vintage into a folder of dir.
func (l *landscape) writeVintage(ctx context.Context, dir string, vintage int, done func(int)) (Delivery, error) {
	d := Delivery{Vintage: strconv.FormatInt(vintages[vintage], 10)}
	dir = filepath.Join(dir, d.Vintage)
	if err := os.Mkdir(dir, 0o777); err != nil {
		return d, err
	}
	for _, t := range l.tables(vintage) {
		opt := source.WriteOptions{Modified: stateOf(vintages[vintage])}
		layer, err := writeTable(ctx, filepath.Join(dir, t.file), t, opt, done)
		if err != nil {
			return d, fmt.Errorf("%s: %w", t.file, err)
		}
		d.Layers = append(d.Layers, layer)
	}
	return d, nil
}
