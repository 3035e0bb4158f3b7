package main

import (
	"os"
	"slices"
	"strings"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/ingest"
)

// replaced is the generation that was in force at dir before a new one.
type replaced struct {
	dir, name string
	manifest  *edition.Manifest
}

// replacedAt returns the generation in force at dir, nil where there is none or it cannot
// be read: that is replaced whatever was in it.
func replacedAt(dir string) *replaced {
	name, m, err := edition.Current(dir)
	if err != nil {
		return nil
	}
	return &replaced{dir, name, m}
}

// layers returns the layers of r, none of nil.
func (r *replaced) layers() []edition.Layer {
	if r == nil {
		return nil
	}
	return r.manifest.Layers
}

// tellUndated warns of layers without a year beside layers that have one (VINTAGE_MISSING):
// no map or question of a year has them.
func (e *env) tellUndated(rep *ingest.Report) {
	var undated []string
	for _, l := range rep.Layers {
		if l.Vintage == ingest.Undated {
			undated = append(undated, l.Layer)
		}
	}
	if n := len(undated); n > 0 && n < len(rep.Layers) {
		e.warn(problem.New("VINTAGE_MISSING", "%s 没有年份，其他图层有", "%s have no year, other layers have one", strings.Join(undated, " ")).
			Advise("用 --vintage 说明是哪一年，重新入库", "say with --vintage which year it is, and take them in again"))
	}
}

// tellLost warns of the layers and vintages of before that m, which is in force now, has
// not (LAYERS_GONE) or has without features (LAYERS_EMPTIED), and says whether one can go
// back to before. advice says, in Chinese and English, what keeps them.
func (e *env) tellLost(before *replaced, m *edition.Manifest, advice [2]string) {
	var gone, emptied []string
	for i := range before.layers() {
		old := &before.manifest.Layers[i]
		k := slices.IndexFunc(m.Layers, func(l edition.Layer) bool { return l.Name == old.Name && l.Vintage == old.Vintage })
		switch {
		case k < 0:
			gone = append(gone, old.Name+"@"+old.Vintage)
		case m.Layers[k].Features == 0 && old.Features > 0:
			emptied = append(emptied, old.Name+"@"+old.Vintage)
		}
	}
	if len(gone)+len(emptied) == 0 {
		return
	}
	zh, en := "上一代 "+before.name+" 不再保留", "the former generation "+before.name+" is not kept"
	if _, err := os.Stat(edition.Path(before.dir, before.name)); err == nil {
		zh, en = "上一代还在：gengtu rollback "+before.dir+" "+before.name, "the former generation is kept: gengtu rollback "+before.dir+" "+before.name
	}
	for _, w := range []struct {
		code, zh, en string
		layers       []string
	}{
		{"LAYERS_GONE", "上一代有而这一代没有", "no longer in this generation", gone},
		{"LAYERS_EMPTIED", "上一代有要素，这一代一个也没有", "had features, and none in this generation", emptied},
	} {
		if len(w.layers) > 0 {
			e.warn(problem.New(w.code, "%[1]s：%[3]s", "%[2]s: %[3]s", w.zh, w.en, strings.Join(w.layers, " ")).
				Advise("%[1]s；%[3]s", "%[2]s; %[4]s", advice[0], advice[1], zh, en))
		}
	}
}
