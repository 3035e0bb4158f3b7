package change

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/index/problem"
	"gengtu/ingest"
	"gengtu/ingest/profiles"
	"gengtu/ingest/source"
)

// direction is where the ground of a flow was and is.
type direction int

// The directions, by XZQTZLX (reference domain 1.10): 0 inside; 1 from another county,
// 3 added along the border of the state or the shore; 2 to another county, 4 taken away.
const (
	inside direction = iota
	comesIn
	goesOut
)

var directions = map[string]direction{"": inside, "0": inside, "1": comesIn, "3": comesIn, "2": goesOut, "4": goesOut}

// flow is one record of DLTBGXGC.
type flow struct {
	path     string
	record   int64
	from, to string // BSM before and after
	kind     direction
	area     int64 // TBBGMJ in 0.01 m²
	before   []told
	after    []told
	shape    geo.MultiPolygon // empty where the record has none
}

// told is a value that a flow repeats of a patch.
type told struct {
	field int // of the layer
	value any
}

// flowColumns say where the values of a flow stand in a file.
type flowColumns struct {
	from, to, area, kind int
	before, after        []flowColumn
}

type flowColumn struct{ at, field int }

// The standard names of DLTBGXGC begin with these before the name of a field of the
// patch: what it was and what it is.
const beforePrefix, afterPrefix = "BGQ", "BGH"

// flowNames are the fields of a file by their standard names, as the profiles know them:
// those of DLTBGXGC by its own profile, others that have a prefix by that of the patches,
// whose aliases are no fewer in a flow. What neither knows keeps its name.
func flowNames(known *profiles.Set, fields []source.Field) []string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = strings.ToUpper(strings.TrimSpace(f.Name))
	}
	rename := func(p *profiles.Profile, prefix string, names []string) {
		for n, i := range p.Match(names) {
			if i >= 0 {
				out[i] = prefix + p.Fields[n].Name
			}
		}
	}
	rename(known.Of(flowsProfile), "", slices.Clone(out))
	for _, prefix := range []string{beforePrefix, afterPrefix} {
		rest := make([]string, len(out))
		for i, name := range out {
			if bare, ok := strings.CutPrefix(name, prefix); ok && !known.Of(flowsProfile).Knows(name) {
				rest[i] = bare
			}
		}
		rename(known.Of(patchesProfile), prefix, rest)
	}
	return out
}

// columnsOf finds the columns by the standard names of a file's fields.
func columnsOf(in ingest.Input, names []string, m *edition.Layer) (*flowColumns, error) {
	c := &flowColumns{from: -1, to: -1, area: -1, kind: -1}
	key := fieldOf(m, "BSM")
	for i, name := range names {
		switch name {
		case "TBBGMJ":
			c.area = i
			continue
		case "XZQTZLX":
			c.kind = i
			continue
		}
		of := func(rest string) int {
			if rest == "TBBSM" {
				return key
			}
			return fieldOf(m, rest)
		}
		if rest, ok := strings.CutPrefix(name, beforePrefix); ok {
			switch k := of(rest); {
			case k == key:
				c.from = i
			case k >= 0:
				c.before = append(c.before, flowColumn{i, k})
			}
		}
		if rest, ok := strings.CutPrefix(name, afterPrefix); ok {
			switch k := of(rest); {
			case k == key:
				c.to = i
			case k >= 0:
				c.after = append(c.after, flowColumn{i, k})
			}
		}
	}
	for _, want := range []struct {
		at   int
		name string
	}{{c.from, "BGQTBBSM"}, {c.to, "BGHTBBSM"}, {c.area, "TBBGMJ"}} {
		if want.at < 0 {
			return nil, problem.New("PACKAGE_FIELDS", "DLTBGXGC 没有字段 %s", "DLTBGXGC has no field %s", want.name).In(in.Path).
				Advise("请提交完整的更新过程图层", "have the whole layer of the flows delivered")
		}
	}
	return c, nil
}

// readFlows reads the records of DLTBGXGC.
func (a *applying) readFlows(inputs []ingest.Input) error {
	for _, in := range inputs {
		if err := a.readFlowFile(in); err != nil {
			return err
		}
	}
	a.report.Flows = len(a.flows)
	return nil
}

func (a *applying) readFlowFile(in ingest.Input) error {
	rd, err := source.OpenTable(a.ctx, in.Path, source.Options{Table: in.Table, Encoding: a.opt.Encoding})
	if err != nil {
		return err
	}
	defer func() { _ = rd.Close() }() // only read
	c, err := columnsOf(in, flowNames(a.known, rd.Layer().Fields), a.to)
	if err != nil {
		return err
	}
	crs := a.opt.CRS
	var f source.Feature
	for {
		err := rd.Next(&f)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if len(f.Polygons) > 0 && crs == nil {
			found, err := ingest.SourceCRS(in.Path, rd.Layer().CRS)
			if err != nil {
				return err
			}
			crs = &found
		}
		w, p := a.flowOf(c, &f, crs)
		if p != nil {
			a.fault(p.In(in.Path).At(f.Record, w.from))
			continue
		}
		w.path, w.record = in.Path, f.Record
		a.flows = append(a.flows, w)
	}
}

// flowOf reads one record.
func (a *applying) flowOf(c *flowColumns, f *source.Feature, crs *geo.CRS) (flow, *problem.Problem) {
	var w flow
	if f.Problem != nil {
		return w, f.Problem
	}
	text := func(i int) string {
		if i < 0 || f.Values[i] == nil {
			return ""
		}
		return strings.TrimSpace(fmt.Sprint(f.Values[i]))
	}
	w.from, w.to = text(c.from), text(c.to)
	var known bool
	if w.kind, known = directions[text(c.kind)]; !known {
		return w, problem.New("PACKAGE_KIND", "XZQTZLX 是 %.20q，应为 0 到 4", "XZQTZLX is %.20q, it is 0 to 4", text(c.kind))
	}
	area, ok := ingest.Convert(f.Values[c.area], &edition.Field{Kind: edition.Real})
	m2, is := area.(float64)
	if !ok || !is || !(m2 >= 0 && m2 <= 1e11) {
		return w, problem.New("PACKAGE_AREA", "TBBGMJ 是 %s，不能作面积", "TBBGMJ is %s, which is no area", shown(f.Values[c.area]))
	}
	w.area = int64(geo.HundredthsOf(m2))
	for _, side := range []struct {
		columns []flowColumn
		to      *[]told
	}{{c.before, &w.before}, {c.after, &w.after}} {
		for _, k := range side.columns {
			v, _ := ingest.Convert(f.Values[k.at], &a.to.Fields[k.field])
			*side.to = append(*side.to, told{k.field, v})
		}
	}
	if len(f.Polygons) > 0 {
		raw, err := crs.MultiPolygon(f.Polygons, geo.Limits{})
		if err == nil {
			w.shape, _, err = overlay.Mend(raw)
		}
		if err != nil {
			return w, problem.New("PACKAGE_SHAPE", "图形读不出来（%v）", "its geometry cannot be read (%v)", err).Because(err)
		}
	}
	return w, nil
}

// gather finds the stored patches that the flows name.
func (a *applying) gather() error {
	a.old = map[string]*state{}
	ids := map[uint64]string{}
	for i := range a.flows {
		if f := &a.flows[i]; f.kind != comesIn && f.from != "" {
			ids[ingest.KeyID(layer, f.from)] = f.from
		}
	}
	err := a.base.Each(a.from.Key(), func(f *index.Feature) error {
		if bsm, ok := ids[f.ID]; ok {
			a.old[bsm] = &state{feature: *f, group: -1}
		}
		return a.ctx.Err()
	})
	if err != nil {
		return err
	}
	return a.checkTaken()
}

// checkTaken finds new patches whose key a stored patch has that stays.
func (a *applying) checkTaken() error {
	ids := map[uint64]bool{}
	for _, s := range a.now {
		ids[s.feature.ID] = true
	}
	found, err := a.base.Find(a.from.Key(), ids)
	if err != nil {
		return err
	}
	for _, bsm := range sorted(a.now) {
		if s := a.now[bsm]; found[s.feature.ID] && a.old[bsm] == nil {
			a.fault(problem.New("PACKAGE_PATCH_TAKEN", "DLTBGX 的 BSM 版本里已有，而 DLTBGXGC 没有说它被替换", "the edition has this BSM of DLTBGX already, and DLTBGXGC does not say that it is replaced").In(s.path).At(s.record, bsm))
		}
	}
	return nil
}
