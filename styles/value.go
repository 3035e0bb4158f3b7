package styles

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"gopkg.in/yaml.v3"
)

// Color is an opaque colour in sRGB. Its text form is "#rrggbb".
type Color struct {
	R, G, B uint8

	set bool
}

// String returns the colour as "#rrggbb".
func (c Color) String() string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

// MarshalText returns the colour as "#rrggbb".
func (c Color) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads "#rrggbb".
func (c *Color) UnmarshalText(text []byte) error {
	if len(text) == 7 && text[0] == '#' {
		if v, err := strconv.ParseUint(string(text[1:]), 16, 32); err == nil {
			*c = Color{uint8(v >> 16), uint8(v >> 8), uint8(v), true}
			return nil
		}
	}
	return fmt.Errorf("colour %q is not of the form #rrggbb", text)
}

// Stop is a value at a zoom.
type Stop struct {
	Zoom, Value float64
}

// Stops is a number that depends on the zoom: linear between stops, constant
// outside them. A valid one has at least one stop, and zooms that ascend.
type Stops []Stop

// At returns the value at zoom; 0 when there are no stops.
func (s Stops) At(zoom float64) float64 {
	if len(s) == 0 {
		return 0
	}
	i := slices.IndexFunc(s, func(t Stop) bool { return t.Zoom > zoom })
	switch i {
	case 0:
		return s[0].Value
	case -1:
		return s[len(s)-1].Value
	}
	a, b := s[i-1], s[i]
	return a.Value + (b.Value-a.Value)*(zoom-a.Zoom)/(b.Zoom-a.Zoom)
}

// UnmarshalYAML reads a number, or a mapping from zoom to number.
func (s *Stops) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		var v float64
		if err := n.Decode(&v); err != nil {
			return err
		}
		*s = Stops{{0, v}}
		return nil
	}
	var m map[float64]float64
	if err := n.Decode(&m); err != nil {
		return err
	}
	*s = nil
	for z, v := range m {
		if math.IsNaN(z) {
			return errors.New("a zoom is not a number")
		}
		*s = append(*s, Stop{z, v})
	}
	slices.SortFunc(*s, func(a, b Stop) int {
		if a.Zoom < b.Zoom {
			return -1
		}
		return 1
	})
	return nil
}

// check checks that there are stops, with zooms in [0, MaxZoom] and values in
// [0, limit].
func (s Stops) check(what string, limit float64) error {
	if len(s) == 0 {
		return fmt.Errorf("%s is missing", what)
	}
	for _, t := range s {
		if err := errors.Join(within(what, t.Value, limit), within(what+" zoom", t.Zoom, MaxZoom)); err != nil {
			return err
		}
	}
	return nil
}

// expression returns s as a MapLibre value: a number, or an interpolation over
// the zoom that equals [Stops.At].
func (s Stops) expression() any {
	if len(s) == 1 {
		return s[0].Value
	}
	e := []any{"interpolate", []any{"linear"}, []any{"zoom"}}
	for _, t := range s {
		e = append(e, t.Zoom, t.Value)
	}
	return e
}
