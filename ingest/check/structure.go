package check

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gengtu/index/geo"
)

// structure asks the rules about layers: which are there, what fields they have, what
// system they are in.
func (c *Checker) structure(context.Context) error {
	for _, l := range c.layers {
		if l.features == 0 {
			if err := c.layerFault(l, "layer-empty", 0, l.seen.Layer); err != nil {
				return err
			}
		}
		if err := c.encodingFaults(l); err != nil {
			return err
		}
		for _, name := range l.profile.Required() {
			if l.field(name) >= 0 {
				continue
			}
			if err := c.layerFault(l, "field-present", 0, name); err != nil {
				return err
			}
		}
		for i := range l.columns {
			n := l.lacking[i].Load()
			if n == 0 {
				continue
			}
			if err := c.layerFault(l, "field-present", 0, fmt.Sprintf("%s (× %d)", l.columns[i].field.Name, n)); err != nil {
				return err
			}
		}
		for _, f := range l.seen.Fields {
			if l.profile.Standard && !l.profile.Knows(f.Name) {
				if err := c.layerFault(l, "unknown-field", 0, f.Name); err != nil {
					return err
				}
			}
		}
		for i, f := range l.seen.Files {
			if !surveySystem(f.CRS) {
				if err := c.layerFault(l, "crs", i, f.CRS.Name()); err != nil {
					return err
				}
			}
		}
	}
	return c.present()
}

// surveySystem tells whether the survey is delivered in the system: CGCS2000, 3° zones or
// longitude and latitude.
func surveySystem(c geo.CRS) bool {
	const first, last = 4513, 4554 // 3° zones, with and without their number before the easting
	return c.Geographic() || c.EPSG() >= first && c.EPSG() <= last
}

// present asks for the layers that must be there.
func (c *Checker) present() error {
	for i := range c.rules.List {
		r := &c.rules.List[i]
		if r.Check != "layer-present" || len(c.layers) == 0 {
			continue
		}
		for _, name := range r.Layers {
			there := slices.ContainsFunc(c.layers, func(l *layerCheck) bool { return l.seen.Layer == name })
			if there || !slices.Contains(c.opt.Expected, name) {
				continue
			}
			if err := c.book.report(&found{place: place{layer: c.layers[0], file: -1}, rule: r, zh: "%s", en: "%s", args: []any{name}, areaM2: math.NaN()}); err != nil {
				return err
			}
		}
	}
	return nil
}

// layerFault reports a fault of a layer, in one of its files.
func (c *Checker) layerFault(l *layerCheck, check string, file int, what string) error {
	for _, r := range l.rules[check] {
		if err := c.book.report(&found{place: place{layer: l, file: file}, rule: r, zh: "%s", en: "%s", args: []any{what}, areaM2: math.NaN()}); err != nil {
			return err
		}
	}
	return nil
}
