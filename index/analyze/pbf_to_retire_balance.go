package analyze

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"gengtu/index"
	"gengtu/index/contiguity"
	"gengtu/index/geo"
	"gengtu/index/pieces"
)

// supply is ground that could come in: of the reserve, or a candidate of hsf-outside-pbf.
type supply struct {
	reserve bool
	at      int // feature of the reserve, or number of the candidate
	grade   int
	net     Area
	code    string
}

// balance proposes what can retire in each county, in order, as long as there is enough
// that comes in for it, the reserve first, and the mean grade gets no worse
// (domain 6.2: 优进劣出).
func (w *retireWork) balance(ctx context.Context) error {
	w.order()
	reserve, err := w.reserveSupply(ctx)
	if err != nil {
		return err
	}
	outside, err := w.outsideSupply(ctx)
	if err != nil {
		return err
	}
	for _, c := range w.counties {
		slices.SortFunc(c.supply, func(a, b supply) int {
			return cmp.Or(-compareBools(a.reserve, b.reserve), cmp.Compare(a.grade, b.grade), cmp.Compare(b.net, a.net), cmp.Compare(a.code, b.code), cmp.Compare(a.at, b.at))
		})
		c.areaNow, c.gradeNow = c.area, c.grade
	}
	bound := map[string]bool{}
	for i := range w.list {
		r := &w.list[i]
		if r.confirmed == 0 || r.rules&1 != 0 || !index.OfRecord(r.net) {
			continue
		}
		c := w.county(r.county)
		switch {
		case r.grade == 0:
			c.ungraded++ // whether the mean gets worse cannot be told
		case bound[r.county]:
			r.proposal = false
		default:
			ok, enough := c.retire(r)
			r.proposal = ok
			bound[r.county] = !enough
		}
	}
	return w.meshes(ctx, reserve, outside)
}

// retire takes a patch out of the county, if what comes in allows it; enough is false
// where there is not enough of it.
func (c *county) retire(r *retiring) (ok, enough bool) {
	drawn, area, grade := c.drawn, c.areaNow, c.gradeNow
	in, reserve := c.in, c.reserve
	for in+reserve < c.out+Area(r.net) {
		if drawn == len(c.supply) {
			return false, false
		}
		s := &c.supply[drawn]
		drawn++
		if s.reserve {
			reserve += s.net
		} else {
			in += s.net
		}
		area += float64(s.net)
		grade += float64(s.net) * float64(s.grade)
	}
	area -= float64(r.net)
	grade -= float64(r.net) * float64(r.grade)
	if grade*c.area > c.grade*area {
		return false, true
	}
	c.drawn, c.areaNow, c.gradeNow, c.in, c.reserve = drawn, area, grade, in, reserve
	c.out += Area(r.net)
	c.proposed++
	return true, true
}

// reserveSupply finds the free reserve outside PBF. It returns the reserve and PBF as
// covers, nil without a reserve.
func (w *retireWork) reserveSupply(ctx context.Context) ([]pieces.Cover, error) {
	w.r.use(w.Job, "reserve")
	l := w.Maybe("reserve")
	if l == nil {
		return nil, nil
	}
	free, err := chosen(l, "DYZT", &w.Rules.Retire.FreeReserve)
	if err != nil {
		return nil, err
	}
	if free == nil {
		w.r.note("储备区没有调用状态（DYZT），不作为补划来源", "the reserve has no states (DYZT) and is no source")
		return nil, nil
	}
	grades, err := columnOf(l, "GDDJ")
	if err != nil {
		return nil, err
	}
	code, err := columnOf(l, "BSM", "YJJBNTTBBH")
	if err != nil {
		return nil, err
	}
	at := &places{layer: l, digits: countyDigits, within: w.Place, known: map[string]string{}}
	covers := []pieces.Cover{{Layer: l, Only: both(free, at.only())}, {Layer: w.pbf}}
	_, err = w.shares(ctx, pieces.Question{Covers: covers}, func(shares []pieces.Share) error {
		f := int(shares[0].Feature)
		place, _ := at.of(f)
		grade, err := grades.grade(f)
		if err != nil {
			return err
		}
		text, err := code.text(f)
		if err != nil {
			return err
		}
		for i := range shares {
			s := &shares[i]
			if s.Mask&2 != 0 || !index.OfRecord(s.Net) || s.Net == 0 {
				continue
			}
			w.county(place).add(supply{reserve: true, at: f, grade: grade, net: Area(s.Net), code: text})
		}
		return nil
	})
	return covers, err
}

// add takes in ground that could come in.
func (c *county) add(s supply) {
	if s.reserve {
		c.reserveAll += s.net
	} else {
		c.inAll += s.net
	}
	if s.grade == 0 {
		c.unbacked++ // whether the mean gets worse cannot be told
		return
	}
	c.supply = append(c.supply, s)
}

// outsideSupply finds the candidates of hsf-outside-pbf without a flag and outside the
// reserve; nil where a layer for it is missing.
func (w *retireWork) outsideSupply(ctx context.Context) (*outsideWork, error) {
	if w.Maybe("cropland") == nil || w.Maybe("hsf") == nil {
		w.r.note("没有耕地或高标准农田图层：没有可划入的来源", "there is no cropland or no high-standard farmland: nothing of it can come in")
		return nil, nil
	}
	o, err := w.outside(ctx, true)
	if err != nil {
		return nil, err
	}
	for _, l := range o.r.Layers {
		if !slices.ContainsFunc(w.r.Layers, func(x LayerVersion) bool { return x.Layer == l.Layer }) {
			w.r.Layers = append(w.r.Layers, l)
		}
	}
	for i := range o.list {
		c := &o.list[i]
		if c.key&(keyFlags|keyReserve) != 0 || !index.OfRecord(c.net) || c.net == 0 {
			continue
		}
		place := o.crop.Head(int(c.feature)).Place
		w.county(place[:min(len(place), countyDigits)]).add(supply{at: i, grade: c.grade, net: Area(c.net), code: c.id()})
	}
	for i := range flags {
		if !o.known[i] {
			w.r.note("可划入来源未判断“%[1]s”", "what could come in is not judged by %[2]q", flags[i].zh, flags[i].en)
		}
	}
	return o, nil
}

// meshes finds the mean tract that a unit of basic farmland is in (effective mesh,
// domain 6.4), before and, where anything is proposed, after.
func (w *retireWork) meshes(ctx context.Context, reserve []pieces.Cover, outside *outsideWork) error {
	proposed := false
	for _, c := range w.counties {
		proposed = proposed || c.proposed > 0
		c.meshNow, c.weightNow = c.mesh, c.weight
	}
	if !proposed {
		return nil
	}
	gone, extra, counties, err := w.after(ctx, reserve, outside)
	if err != nil {
		return err
	}
	ground := contiguity.New([]pieces.Cover{{Layer: w.pbf, Only: func(i int) bool { return !gone[i] }}}, extra, nil)
	components, err := ground.Components(ctx, []float64{w.Rules.Retire.GapM.Value}, contiguity.Options{Workers: w.Workers, Tell: w.tell("连片分析", "finding tracts")})
	if err != nil {
		return err
	}
	area := func(m int32) int64 {
		if o := ground.Owner(m); o.Cover == 0 {
			return int64(geo.HundredthsOf(w.pbf.Area(int(o.Feature))))
		}
		return int64(geo.HundredthsOf(geo.Area(extra[m-ground.Extra(0)])))
	}
	sums := components.Sums(0, area)
	for _, c := range w.counties {
		c.meshNow, c.weightNow = 0, 0
	}
	for m := range int32(ground.Members()) {
		var code string
		ok := true
		if o := ground.Owner(m); o.Cover == 0 {
			code, ok = w.places.of(int(o.Feature))
		} else {
			code = counties[m-ground.Extra(0)]
		}
		if ok {
			c := w.county(code)
			c.meshNow += float64(area(m)) * float64(sums[components.Of(0, m)])
			c.weightNow += float64(area(m))
		}
	}
	return nil
}

// after returns the patches of which a part is proposed to retire, and the shapes that
// are there instead: what stays of them, and what comes in, with their counties.
func (w *retireWork) after(ctx context.Context, reserve []pieces.Cover, outside *outsideWork) (gone []bool, extra []geo.MultiPolygon, counties []string, err error) {
	cut := &cutter{}
	add := func(g geo.MultiPolygon, county string, failed error) {
		if err == nil {
			err = failed
		}
		if err == nil && len(g) > 0 {
			extra, counties = append(extra, g), append(counties, county)
		}
	}
	gone = make([]bool, w.pbf.Len())
	type half struct {
		feature int32
		soil    bool
	}
	leaves := map[half]bool{}
	for i := range w.list {
		if r := &w.list[i]; r.proposal == true {
			gone[r.feature] = true
			leaves[half{r.feature, r.soil}] = true
		}
	}
	for i := range w.list {
		r := &w.list[i]
		if r.proposal != true || !r.split || leaves[half{r.feature, !r.soil}] {
			continue
		}
		stays := retiring{feature: r.feature, split: true, soil: !r.soil}
		g, failed := w.shape(ctx, cut, &stays)
		add(g, r.county, failed)
	}
	for _, code := range slices.Sorted(maps.Keys(w.counties)) {
		c := w.counties[code]
		for _, s := range c.supply[:c.drawn] {
			if s.reserve {
				g, failed := cut.cut(ctx, reserve[0].Layer, s.at, nil, reserve[1:])
				add(g, code, failed)
			} else {
				g, failed := outside.shape(ctx, cut, &outside.list[s.at])
				add(g, code, failed)
			}
		}
	}
	return gone, extra, counties, err
}
