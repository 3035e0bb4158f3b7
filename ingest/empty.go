package ingest

import (
	"context"
	"slices"

	"gengtu/index/edition"
	"gengtu/index/problem"
)

// emptyCode is the code of the problem, or note, of a layer that comes without features.
const emptyCode = "LAYER_EMPTY"

// everywhere are the layers that no county is without.
var everywhere = []string{edition.Region, "dltb", "cropland"}

// empty refuses a layer, all of whose files were read, that has no feature although the
// edition that it goes into has some of it, in whatever vintage, or every county has some:
// what was exported wrong must not take the place of what is right. The user's word goes
// before ([Options].MayBeEmpty). Other empty layers are noted. Of dltb its view cropland
// is judged, too. An inspection refuses the file and goes on.
//
// Problems: LAYER_EMPTY.
func (l *layerRun) empty(ctx context.Context, inputs []Input) error {
	for _, in := range inputs {
		if slices.ContainsFunc(l.run.refused.Files, func(f RefusedFile) bool { return in.same(f.Input) }) {
			return nil // told already
		}
	}
	if c := l.rep.Cropland; l.rep.Kept > 0 && c != nil && c.Features == 0 {
		return l.emptyLayer(ctx, inputs[0], "cropland", false)
	}
	if l.rep.Kept > 0 {
		return nil
	}
	return l.emptyLayer(ctx, inputs[0], l.rep.Layer, l.rep.Read == 0)
}

// emptyLayer refuses or notes the layer of that name; bare tells that not even a record
// was read.
func (l *layerRun) emptyLayer(ctx context.Context, in Input, name string, bare bool) error {
	was := 0
	for i := range l.run.opt.Before {
		if b := &l.run.opt.Before[i]; b.Name == name {
			was = max(was, b.Features)
		}
	}
	p := problem.New(emptyCode, "图层 %s@%s 一个要素也没有", "layer %s@%s has no feature", name, l.rep.Vintage).In(in.Path)
	switch {
	case slices.Contains(l.run.opt.MayBeEmpty, name) || was == 0 && !(bare && slices.Contains(everywhere, name)):
		if bare {
			l.rep.Notes = append(l.rep.Notes, p)
		}
		return nil
	case was > 0:
		p = problem.New(emptyCode, "图层 %s@%s 一个要素也没有，版本里原有 %d 个", "layer %s@%s has no feature, the edition has %d", name, l.rep.Vintage, was).In(in.Path)
	}
	p = p.Advise("请核对导出的文件；确实没有，就加 --allow-empty %s", "check the file and how it was exported; if there are none indeed, say --allow-empty %s", name)
	return l.run.refuse(ctx, in, p)
}
