// Package geos holds the area kernel and the pieces against GEOS: the same pairs
// of polygons, in the same plane, in one run.
//
// GEOS is called in two ways. [Shape] keeps a geometry on GEOS's side, so that a
// call costs no conversion: one call into C does the whole of the work on a pair.
// The tests also use the package geos of simplefeatures, as a Go program would,
// conversion included.
//
// It needs a C compiler and GEOS 3.10 or later: apt-get install -y libgeos-dev.
package geos

/*
#cgo LDFLAGS: -lgeos_c
#include <geos_c.h>
#include <stdlib.h>

// ring returns a closed linear ring of n points x0 y0 x1 y1 …
static GEOSGeometry *ring(GEOSContextHandle_t h, const double *xy, unsigned int n) {
	GEOSCoordSequence *s = GEOSCoordSeq_copyFromBuffer_r(h, xy, n, 0, 0);
	return s ? GEOSGeom_createLinearRing_r(h, s) : NULL;
}

// polygons returns a multipolygon; rings[p] is the number of rings of polygon p,
// sizes the number of points of each ring in turn.
static GEOSGeometry *polygons(GEOSContextHandle_t h, const double *xy, const unsigned int *rings, unsigned int count, const unsigned int *sizes) {
	GEOSGeometry **parts = malloc(sizeof(GEOSGeometry *) * count);
	unsigned int r = 0;
	for (unsigned int p = 0; p < count; p++) {
		GEOSGeometry **holes = malloc(sizeof(GEOSGeometry *) * rings[p]);
		GEOSGeometry *shell = NULL;
		for (unsigned int i = 0; i < rings[p]; i++, r++) {
			GEOSGeometry *g = ring(h, xy, sizes[r]);
			xy += 2 * sizes[r];
			if (i == 0) shell = g; else holes[i - 1] = g;
		}
		parts[p] = GEOSGeom_createPolygon_r(h, shell, holes, rings[p] - 1);
		free(holes);
	}
	GEOSGeometry *all = count == 1 ? parts[0] : GEOSGeom_createCollection_r(h, GEOS_MULTIPOLYGON, parts, count);
	free(parts);
	return all;
}

// sharedArea returns the area of the intersection, -1 when there is none to be had.
static double sharedArea(GEOSContextHandle_t h, const GEOSGeometry *a, const GEOSGeometry *b) {
	GEOSGeometry *g = GEOSIntersection_r(h, a, b);
	double area = -1;
	if (g) {
		if (!GEOSArea_r(h, g, &area)) area = -1;
		GEOSGeom_destroy_r(h, g);
	}
	return area;
}

// preparedArea is sharedArea with what GEOS can settle beforehand.
static double preparedArea(GEOSContextHandle_t h, const GEOSPreparedGeometry *p, const GEOSGeometry *a, const GEOSGeometry *b) {
	double area = 0;
	if (GEOSPreparedCovers_r(h, p, b) == 1) return GEOSArea_r(h, b, &area) ? area : -1;
	if (GEOSPreparedIntersects_r(h, p, b) == 0) return 0;
	return sharedArea(h, a, b);
}
*/
import "C"

import (
	"errors"
	"runtime"
	"unsafe"
)

// XY is a place in a plane.
type XY struct{ X, Y float64 }

// Context is GEOS's own of one goroutine.
type Context struct{ h C.GEOSContextHandle_t }

// NewContext returns a context, which Close ends.
func NewContext() *Context { return &Context{C.GEOS_init_r()} }

// Close ends c. No Shape of c may be used after.
func (c *Context) Close() { C.GEOS_finish_r(c.h) }

// Version returns GEOS's version.
func Version() string { return C.GoString(C.GEOSversion()) }

// Shape is a geometry on GEOS's side.
type Shape struct {
	c *Context
	g *C.GEOSGeometry
	p *C.GEOSPreparedGeometry
}

// New returns polygons, each a shell followed by its holes, closed, as a Shape,
// which Free gives up.
func (c *Context) New(polygons [][][]XY) *Shape {
	var xy []XY
	var rings, sizes []C.uint
	for _, p := range polygons {
		rings = append(rings, C.uint(len(p)))
		for _, r := range p {
			sizes = append(sizes, C.uint(len(r)))
			xy = append(xy, r...)
		}
	}
	g := C.polygons(c.h, (*C.double)(unsafe.Pointer(&xy[0])), &rings[0], C.uint(len(rings)), &sizes[0])
	runtime.KeepAlive(xy)
	return &Shape{c: c, g: g}
}

// Prepare makes s ready for [Shape.PreparedArea].
func (s *Shape) Prepare() { s.p = C.GEOSPrepare_r(s.c.h, s.g) }

// Free gives s up.
func (s *Shape) Free() {
	if s.p != nil {
		C.GEOSPreparedGeom_destroy_r(s.c.h, s.p)
	}
	C.GEOSGeom_destroy_r(s.c.h, s.g)
}

// ErrNone is that GEOS gives no intersection of a pair.
var ErrNone = errors.New("GEOS gives no intersection")

func areaOf(v C.double) (float64, error) {
	if v < 0 {
		return 0, ErrNone
	}
	return float64(v), nil
}

// SharedArea returns the area of the intersection of s and t.
func (s *Shape) SharedArea(t *Shape) (float64, error) {
	return areaOf(C.sharedArea(s.c.h, s.g, t.g))
}

// PreparedArea is SharedArea where s is prepared: what s covers or does not meet
// is not cut.
func (s *Shape) PreparedArea(t *Shape) (float64, error) {
	return areaOf(C.preparedArea(s.c.h, s.p, s.g, t.g))
}

// Valid tells whether s follows OGC's rules.
func (s *Shape) Valid() bool { return C.GEOSisValid_r(s.c.h, s.g) == 1 }
