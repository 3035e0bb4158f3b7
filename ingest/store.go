package ingest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/problem"
)

// store keeps, leaves out or refuses one judged feature, and counts it.
func (l *layerRun) store(j *judged) error {
	rep := l.rep
	rep.Read++
	rep.AreaIn += j.areaIn
	l.around[j.source].note(l.run.known, j)
	if !j.refused && !j.leftOut && !j.noArea {
		if err := l.keep(j); err != nil {
			return err
		}
	}
	for _, f := range j.findings {
		if f.Action != Mended || !j.refused {
			rep.add(f)
		}
	}
	switch {
	case j.refused:
		rep.Refused++
		rep.AreaRefused += j.areaIn
		l.noteBroken(j)
		return nil
	case j.noArea:
		rep.NoArea++
		return nil
	case j.leftOut:
		rep.leaveOut(j)
		if l.gone != nil && j.key != "" {
			l.gone[strings.Clone(j.key)] = true
		}
		return nil
	}
	rep.Kept++
	rep.AreaOut += j.AreaM2
	rep.patch.add(j.Patch)
	rep.net.add(j.Net)
	if j.mended {
		rep.Mended++
		rep.AreaMending += j.areaIn - j.AreaM2
	}
	if rep.Cropland != nil {
		if edition.IsCropland(j.class) {
			rep.Cropland.add(j)
		} else {
			rep.leaveOut(j)
		}
	}
	if rep.Layer == edition.Region && j.Place != "" {
		l.run.addRegion(rep.Vintage, regionShape{strings.Clone(j.Place), j.Geometry, j.Geometry.Box()})
	}
	return nil
}

// noteBroken keeps, of an update, that a part of what shares a weak key was refused:
// the other parts must not take its place. A copy of another part is no part.
func (l *layerRun) noteBroken(j *judged) {
	if l.broken == nil || !weakKey(j.keyField) || l.broken[j.key] != nil {
		return
	}
	for _, f := range j.findings {
		if f.Action == Refused && f.Code != "DUPLICATE" {
			l.broken[strings.Clone(j.key)] = f.Problem
			return
		}
	}
}

func (r *run) addRegion(vintage string, g regionShape) {
	if r.regions == nil {
		r.regions = map[string][]regionShape{}
	}
	r.regions[vintage] = append(r.regions[vintage], g)
}

// keep stores a feature. One whose id is taken is refused when its business key
// is a BSM, or when it is a copy. Where a weaker key is shared, as by the parts
// of one region, the geometry joins the key, of the first of them too: which of
// them comes first means nothing.
func (l *layerRun) keep(j *judged) error {
	weak := j.keyField != "" && j.keyField != "BSM"
	if weak && l.shared[j.ID] {
		return l.keepShared(j)
	}
	err := l.out.AddEncoded(j.stored)
	switch {
	case err == nil:
		l.seen.put(j.ID, where{j.source, j.record})
		return nil
	case !errors.Is(err, index.ErrDuplicate):
		return fmt.Errorf("%s: record %d: %w", l.paths[j.source], j.record, err)
	case !weak:
		l.refuseCopy(j, l.seen.of(j.ID))
		return nil
	}
	first, ok, err := l.out.Take(j.ID)
	if err != nil || !ok {
		return fmt.Errorf("%s: record %d: the first of its key is lost: %w", l.paths[j.source], j.record, errors.Join(err, index.ErrDuplicate))
	}
	at := l.seen.of(j.ID)
	l.seen.forget(j.ID)
	l.shared[j.ID] = true
	first.ID = sharedID(l.rep.Layer, j.key, first.Geometry)
	if err := l.out.Add(&first); err != nil {
		return fmt.Errorf("%s: record %d: %w", l.paths[at.source], at.record, err)
	}
	l.seen.put(first.ID, at)
	return l.keepShared(j)
}

// keepShared stores a feature whose weak key another has.
func (l *layerRun) keepShared(j *judged) error {
	j.ID = sharedID(l.rep.Layer, j.key, j.Geometry)
	err := l.out.Add(&j.Feature)
	switch {
	case errors.Is(err, index.ErrDuplicate):
		l.refuseCopy(j, l.seen.of(j.ID))
		return nil
	case err != nil:
		return fmt.Errorf("%s: record %d: %w", l.paths[j.source], j.record, err)
	}
	l.seen.put(j.ID, where{j.source, j.record})
	j.find(Noted, l.at(j, problem.New("KEY_SHARED", "%s 不止一条记录有，标识改由编号和图形得出", "%s stands in more than one record; the id is made from it and the geometry", j.keyField)))
	return nil
}

// refuseCopy refuses a feature whose id another has.
func (l *layerRun) refuseCopy(j *judged, first where) {
	l.copies[first.source]++
	if j.key == "" {
		j.find(Refused, l.at(j, problem.New("DUPLICATE", "图形和属性与 %s 第 %d 条记录完全相同", "geometry and attributes are those of %s, record %d", l.paths[first.source], first.record).
			Advise("重复的要素只收一次", "a feature is taken once")))
		return
	}
	j.find(Refused, l.at(j, problem.New("DUPLICATE", "%[1]s 与 %[2]s 第 %[3]d 条记录重复", "its %[1]s is that of %[2]s, record %[3]d", j.keyField, l.paths[first.source], first.record).
		Advise("同一图层里标识码必须唯一，请更正后重新提交", "a key may stand only once in a layer: correct it and deliver again")))
}

// CopyError is the cause of a file's problem where none of its records could be taken
// because each stands, by its key or whole, in files that were read before it.
type CopyError struct {
	// Of are those files, each once, as the user named them, in order.
	Of []string
	// First is what is wrong with the first record.
	First *problem.Problem
}

// Error implements error.
func (c *CopyError) Error() string { return c.First.Error() }

// Unwrap returns what is wrong with the first record.
func (c *CopyError) Unwrap() error { return c.First }

// copyOf returns what is wrong with the first record of a file of which none was taken, of
// read records: a [*CopyError] where all of them stand in other files.
func (l *layerRun) copyOf(read int, first *problem.Problem) error {
	all := 0
	c := &CopyError{First: first}
	for source, n := range l.copies {
		all += n
		c.Of = append(c.Of, l.paths[source])
	}
	if all < read {
		return first
	}
	slices.Sort(c.Of)
	c.Of = slices.Compact(c.Of) // tables of one file
	return c
}

func (l *layerRun) at(j *judged, p *problem.Problem) *problem.Problem {
	return p.In(l.paths[j.source]).At(j.record, strings.Clone(j.key))
}
