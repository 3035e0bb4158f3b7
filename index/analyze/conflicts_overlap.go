package analyze

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"maps"
	"math"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// overlapState is what an overlap was found to be.
type overlapState string

const (
	trueOverlap  overlapState = "overlap"
	noiseOverlap overlapState = "noise"
	// unjudged overlaps have ground, but no shape could be made of it.
	unjudgedOverlap overlapState = "unjudged"
)

// overlap is what two parcels share.
type overlap struct {
	state overlapState
	// width is the mean width, m, of its widest part; noise the area of the parts that
	// are narrower than the rules say.
	width       float64
	area, noise Area
	// class is that of most of the ground, crop how much of it is cropland; -1 where
	// nobody says.
	class string
	crop  Area
	// same tells whether both parcels have one holder; nil where that is not known.
	same any
	why  error // of an unjudged one
}

// columns reads what tells a register's parcels and holders.
func (g *register) columns(h HolderFields) error {
	var err error
	if g.codes, err = newFeatureCodes(g.layer); err != nil {
		return err
	}
	if g.holderID, err = columnOf(g.layer, h.ID...); err != nil {
		return err
	}
	g.holderName, err = columnOf(g.layer, h.Name...)
	return err
}

// look looks at each pair: shape, width, ground and holders.
func (c *conflictJob) look(ctx context.Context) error {
	c.found = make([]overlap, len(c.pairs))
	group, ctx := errgroup.WithContext(ctx)
	var next, done atomic.Int64
	dltb := c.Maybe("dltb")
	for range c.workers() {
		class, err := columnOf(dltb, "DLBM")
		if err != nil {
			return err
		}
		group.Go(func() error {
			for i := int(next.Add(1)) - 1; i < len(c.pairs); i = int(next.Add(1)) - 1 {
				if err := ctx.Err(); err != nil {
					return err
				}
				o, err := c.overlap(&c.pairs[i], class)
				if err != nil {
					return err
				}
				c.found[i] = o
				c.Tell(edition.Title{Zh: "量测重叠", En: "measuring overlaps"}, int(done.Add(1)), len(c.pairs))
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return c.holders()
}

// overlap looks at one pair.
func (c *conflictJob) overlap(p *conflictPair, class *column) (overlap, error) {
	o := overlap{area: areaOf(p.Area), crop: -1}
	shape, err := c.shape(p)
	if o.why = err; err != nil || len(shape) == 0 {
		o.state = unjudgedOverlap // told with its reason; it fails no other
		return o, nil             //nolint:nilerr // kept in why
	}
	var wide, narrow float64
	for _, part := range shape {
		m := geo.MultiPolygon{part}
		area := geo.Area(m)
		width := meanWidth(area, perimeter(m))
		o.width = max(o.width, width)
		if width < c.rules.NoiseWidthM.Value {
			narrow += area
		} else {
			wide += area
		}
	}
	o.noise = Area(geo.LargestRemainder(geo.Hundredths(o.area), []float64{wide, narrow})[1])
	if o.state = trueOverlap; wide == 0 {
		o.state = noiseOverlap
	}
	if class.layer != nil {
		o.class, o.crop, err = groundOf(shape, class)
	}
	return o, err
}

// shape returns what the parcels of a pair share.
func (c *conflictJob) shape(p *conflictPair) (geo.MultiPolygon, error) {
	a, err := c.regs[p.a].layer.Feature(int(p.A))
	if err != nil {
		return nil, err
	}
	b, err := c.regs[p.b].layer.Feature(int(p.B))
	if err != nil {
		return nil, err
	}
	return overlay.Intersection(a.Geometry, b.Geometry)
}

// groundOf returns the class that the survey has for most of a shape, of equal ones the
// lowest, and how much of it is cropland, at most all.
func groundOf(shape geo.MultiPolygon, class *column) (string, Area, error) {
	prepared := overlay.Prepare(shape)
	var w overlay.Workspace
	var rings geo.Rings
	by := map[string]float64{}
	crop := 0.0
	var near []int
	class.layer.Search(prepared.Box(), func(i int) bool {
		near = append(near, i)
		return true
	})
	for _, i := range near {
		rings.Reset()
		if err := class.layer.Rings(i, &rings); err != nil {
			return "", -1, err
		}
		shared := prepared.Shared(&w, &rings)
		if shared < overlay.MinShared {
			continue
		}
		code, err := class.text(i)
		if err != nil {
			return "", -1, err
		}
		by[code] += shared
		if cropland(code) {
			crop += shared
		}
	}
	best, most := "", 0.0
	for _, code := range slices.Sorted(maps.Keys(by)) {
		if by[code] > most+0.01 { // m², below which areas are equal
			best, most = code, by[code]
		}
	}
	return best, areaOf(math.Min(crop, prepared.Area())), nil
}

// holders compares who holds the parcels of each pair, by hashes under a key that is
// forgotten: numbers where both registers have them, else names.
func (c *conflictJob) holders() error {
	key := make([]byte, sha256.Size)
	if _, err := rand.Read(key); err != nil {
		return err
	}
	hash := func(col *column, i int) ([]byte, error) {
		t, err := col.text(i)
		t = strings.ToUpper(strings.Join(strings.Fields(t), ""))
		if err != nil || t == "" {
			return nil, err
		}
		m := hmac.New(sha256.New, key)
		m.Write([]byte(t))
		return m.Sum(nil), nil
	}
	for n := range c.pairs {
		p := &c.pairs[n]
		a, b := c.regs[p.a], c.regs[p.b]
		for _, cols := range [][2]*column{{a.holderID, b.holderID}, {a.holderName, b.holderName}} {
			x, err := hash(cols[0], int(p.A))
			if err != nil {
				return err
			}
			y, err := hash(cols[1], int(p.B))
			if err != nil {
				return err
			}
			if x != nil && y != nil {
				c.found[n].same = hmac.Equal(x, y)
				break
			}
		}
	}
	return nil
}
