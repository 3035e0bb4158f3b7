package ingest

import (
	"errors"
	"slices"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/problem"
)

// carryCodes gives the features that replace others the codes of those, in the field of
// codes that the product itself gives: they are the register's, not the delivery's. put are
// the features' ids.
func (u *update) carryCodes(l *layerRun, meta *edition.Layer, put map[uint64]bool) error {
	field := slices.IndexFunc(meta.Fields, func(f edition.Field) bool { return f.Scheme != "" })
	if field < 0 || len(put) == 0 {
		return nil
	}
	codes, err := u.base.Texts(meta.Key(), field, put)
	if err != nil {
		return err
	}
	var wrong []uint64
	err = l.out.Each(func(f *index.Feature) error {
		if given, _ := f.Values[field].(string); given != codes[f.ID] {
			wrong = append(wrong, f.ID)
		}
		return nil
	})
	given := 0
	for _, id := range wrong {
		f, ok, terr := l.out.Take(id)
		if terr != nil || !ok {
			return errors.Join(err, terr)
		}
		if f.Values[field] != nil {
			given++
		}
		f.Values[field] = nil
		if c := codes[id]; c != "" {
			f.Values[field] = c
		}
		if err = errors.Join(err, l.out.Add(&f)); err != nil {
			return err
		}
	}
	if given > 0 {
		l.rep.Notes = append(l.rep.Notes, problem.New("UPDATE_CODES", "%[1]d 个要素带来的 %[2]s 与登记的不同，不取", "the %[2]s of %[1]d features is not the one on the register, and was not taken", given, meta.Fields[field].Name).
			Advise("空间码由 gengtu codes 给出", "gengtu codes gives these codes"))
	}
	return err
}
