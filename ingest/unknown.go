package ingest

import (
	"gengtu/index/problem"
	"gengtu/index/setting"
	"gengtu/ingest/profiles"
)

// ownLayer is the name of a layer that is said to be of no standard.
const ownLayer = "other"

// noteUnknown says so when no profile knows the layer: a slip of the pen makes one that no
// question finds. The layer stays, for there are layers of one's own.
func (l *layerRun) noteUnknown(known *profiles.Set) {
	if l.profile.Standard || l.profile.Name == ownLayer {
		return
	}
	var names []string
	for _, p := range known.All() {
		names = append(names, p.Name)
	}
	p := problem.New("LAYER_UNKNOWN", "没有图层 %s 的模式，按自有图层存", "no profile knows the layer %s; it is stored as one of your own", l.rep.Layer)
	if near := setting.Nearest(l.rep.Layer, names); near != "" {
		p = p.Advise("是不是 %s？gengtu profile list 列出认得的图层", "did you mean %s? gengtu profile list lists the layers that are known", near)
	} else {
		p = p.Advise("gengtu profile list 列出认得的图层", "gengtu profile list lists the layers that are known")
	}
	l.rep.Notes = append(l.rep.Notes, p)
}
