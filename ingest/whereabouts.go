package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/ingest/source"
)

// whereabouts are where the features of one file lie, and where their codes say that
// they do. What is wrong as a whole shows there: another zone than the true one moves
// everything by hundreds of kilometres, and every coordinate is still possible.
type whereabouts struct {
	read reading
	told bool // the user said how to read it
	in   Input
	file string
	// flag is the file as a flag names it, "" where it is the only one.
	flag string
	rep  *LayerReport // nil when nothing is reported
	// spots are by the first six digits of the features' codes, "" for those without.
	spots map[string]*spot
	// odd is the first coordinate that cannot be in the system, and the code there.
	odd     *geo.CoordinateError
	oddCode string
}

// spot is where features of one code lie.
type spot struct {
	box      area
	features int
	// astray are the features outside the province of the code.
	astray    int
	astrayBox area
}

// maxSpots is more than the counties of China are; further codes count as none.
const maxSpots = 4096

// countyDigits are the digits of a code that name a county.
const countyDigits = 6

// add notes where a feature lies that was read.
func (w *whereabouts) add(known *extents, code string, box geo.Box) {
	if box.Empty() {
		return
	}
	if code = code[:min(len(code), countyDigits)]; w.spots[code] == nil {
		if len(w.spots) >= maxSpots {
			code = ""
		}
		if w.spots[code] == nil {
			code = strings.Clone(code) // of a larger piece of the file
			w.spots[code] = &spot{box: noArea(), astrayBox: noArea()}
		}
	}
	s, at := w.spots[code], areaOf(box)
	s.features++
	s.box = s.box.join(at)
	if p := known.province(code); p != nil && !p.Extent.holds(at.middle(), known.Margin) {
		s.astray++
		s.astrayBox = s.astrayBox.join(at)
	}
}

// note notes what was judged of one feature.
func (w *whereabouts) note(known *extents, j *judged) {
	w.add(known, j.Place, j.box)
	for _, f := range j.findings {
		var c *geo.CoordinateError
		if w.odd == nil && errors.As(f.Problem, &c) {
			w.odd, w.oddCode = c, j.Place
		}
	}
}

// judgeAlone tells whether the features lie where they cannot be: most of those with a
// code outside its province, or all of them outside China, where another way to read
// the coordinates puts them right. nil: there is nothing to say.
func (w *whereabouts) judgeAlone(known *extents) *problem.Problem {
	coded, astray, all, most := 0, 0, noArea(), ""
	byProvince := map[string]*spot{}
	for _, code := range w.codes() {
		s := w.spots[code]
		all = all.join(s.box)
		p := known.province(code)
		if p == nil {
			continue
		}
		coded, astray = coded+s.features, astray+s.astray
		if byProvince[p.Code] == nil {
			byProvince[p.Code] = &spot{astrayBox: noArea()}
		}
		sum := byProvince[p.Code]
		sum.astray += s.astray
		sum.astrayBox = sum.astrayBox.join(s.astrayBox)
		if s.astray > 0 && (most == "" || sum.astray > byProvince[most].astray) {
			most = p.Code
		}
	}
	if astray*2 > coded {
		return w.outside(*known.province(most), byProvince[most].astrayBox, known.Margin)
	}
	if coded == 0 && len(w.spots) > 0 && known.China.gap(all) > known.Margin {
		return w.outside(province{Zh: "中国", En: "China", Extent: known.China}, all, known.Margin)
	}
	return nil
}

// codes lists the codes of the spots in order.
func (w *whereabouts) codes() []string {
	var out []string
	for code := range w.spots {
		out = append(out, code)
	}
	slices.Sort(out)
	return out
}

// outside is the problem of features that lie in box and should lie in p.
func (w *whereabouts) outside(p province, box area, margin float64) *problem.Problem {
	codes, codesEn := "", ""
	if p.Code != "" {
		codes, codesEn = fmt.Sprintf("政区代码是 %s%s，", p.Code, p.Zh), fmt.Sprintf("its codes of place are those of %s (%s), ", p.En, p.Code)
		p.Zh, p.En = "该省", "that province"
	} else if len(w.proposals(p.Extent, box, margin)) == 0 {
		return nil // data from abroad are data
	}
	at := box.middle()
	found := problem.New(CodeAstray, codes+"按 %[1]s 读，图形却在%[3]s之外：中心约东经 %.2[5]f°、北纬 %.2[6]f°",
		codesEn+"and by %[2]s the shapes lie outside %[4]s: around %.2[5]f°, %.2[6]f°",
		w.read.words(problem.Chinese), w.read.words(problem.English), p.Zh, p.En, at.Lon, at.Lat)
	return w.advise(found, w.proposals(p.Extent, box, margin))
}

// CodeAstray is the code of the problem of a file whose features lie where they cannot
// be.
const CodeAstray = "PLACE_ASTRAY"

// words says how coordinates are read.
func (r reading) words(lang problem.Lang) string {
	out := r.crs.String()
	switch {
	case r.swapped && lang == problem.Chinese:
		out += "（两个坐标互换）"
	case r.swapped:
		out += " with its coordinates exchanged"
	}
	return out
}

// proposals are the other ways to read what lies in box so that it lies in want.
func (w *whereabouts) proposals(want, box area, margin float64) []reading {
	return propose(&w.read, w.read.corners(box), want, margin)
}

// advise adds what to do: which readings fit.
func (w *whereabouts) advise(p *problem.Problem, fits []reading) *problem.Problem {
	keep := w.read.flags(w.flag)
	p = p.In(w.file)
	switch {
	case len(fits) == 0:
		return p.Advise("没有别的投影带能对上：请核对坐标系、带号和代码", "no other zone fits, either: check the coordinate system, the zone and the codes").Because(errNoFit)
	case len(fits) > maxProposals:
		return p.Advise("请核实投影带后用 --crs 指明；若本来就对，用 %[1]s 重新读入", "find out the zone and name it with --crs; if it is right as it is, read it again with %[1]s", keep)
	}
	zh, en := names(fits, w.flag)
	return p.Advise("看来应是 %[1]s（%[3]s）：核实后用 %[5]s 重新读入；若本来就对，用 %[7]s 读入",
		"it looks like %[2]s (%[4]s): check, and read it again with %[6]s; if it is right as it is, with %[7]s",
		listed(fits, problem.Chinese), listed(fits, problem.English), fits[0].crs.Name(), fits[0].crs.Name(), zh, en, keep)
}

// errNoFit marks a doubt that no other reading settles: it is told, and the data are
// taken.
var errNoFit = errors.New("no other reading fits")

// listed lists readings for a person.
func listed(all []reading, lang problem.Lang) string {
	out, or := "", " or "
	if lang == problem.Chinese {
		or = " 或 "
	}
	for i, r := range all {
		if i > 0 {
			out += or
		}
		out += r.words(lang)
	}
	return out
}

// better returns p, about a coordinate that cannot be in its system, with advice from
// where the code of its feature is, where that says more.
func (w *whereabouts) better(known *extents, p *problem.Problem) *problem.Problem {
	if w.odd == nil {
		return p
	}
	want, now := known.China, w.read
	if at := known.province(w.oddCode); at != nil {
		want = at.Extent
	}
	delivered := w.odd.Found
	if now.swapped {
		delivered = geo.XY{X: delivered.Y, Y: delivered.X}
	}
	fits := propose(&now, []geo.XY{delivered}, want, known.Margin)
	if len(fits) == 0 || len(fits) > maxProposals {
		return p
	}
	zh, en := names(fits, w.flag)
	return p.Advise("看来应是 %[1]s（%[2]s）：核实后用 %[3]s 重新读入", "it looks like %[4]s (%[2]s): check, and read it again with %[5]s",
		listed(fits, problem.Chinese), fits[0].crs.Name(), zh, listed(fits, problem.English), en)
}

// apart is a pair of files that put one county in two places.
type apart struct {
	one, other *whereabouts
	code       string
}

// compare finds the files that lie apart from others of the same county, and of those
// the one that another reading brings to the others: the one that disagrees with most.
// Layers without codes are held against all places. nil: they agree.
func compare(known *extents, files []*whereabouts) (*whereabouts, *problem.Problem) {
	against := map[*whereabouts]int{}
	var pairs []apart
	for i, a := range files {
		for _, b := range files[i+1:] {
			if code, ok := disagree(known, a, b); ok {
				pairs = append(pairs, apart{a, b, code}, apart{b, a, code})
				against[a]++
				against[b]++
			}
		}
	}
	var worst *problem.Problem
	var astray *whereabouts
	most := 0
	for _, p := range pairs {
		if p.one.told {
			continue
		}
		want := p.other.spotOf(p.code).box
		fits := p.one.proposals(want, p.one.spotOf(p.code).box, known.Apart)
		weight := 2 * against[p.one]
		if p.one.rep == nil || p.one.rep.Layer != edition.Region {
			weight++ // of two that disagree the map of places is more likely right
		}
		if len(fits) > 0 && weight > most {
			most, astray, worst = weight, p.one, p.told(fits)
		}
	}
	return astray, worst
}

// told is the problem of p.one, which does not lie where p.other has its county.
func (p apart) told(fits []reading) *problem.Problem {
	a, b := p.one.spotOf(p.code).box.middle(), p.other.spotOf(p.code).box.middle()
	what, whatEn := "图形", "it"
	if p.code != "" {
		what, whatEn = p.code+" 的图形", "what has the code "+p.code
	}
	found := problem.New(CodeAstray, "%[1]s按 %[3]s 读在东经 %.2[5]f°、北纬 %.2[6]f° 一带，%[9]s 里却在东经 %.2[7]f°、北纬 %.2[8]f° 一带",
		"by %[4]s %[2]s lies around %.2[5]f°, %.2[6]f°, and in %[9]s around %.2[7]f°, %.2[8]f°",
		what, whatEn, p.one.read.words(problem.Chinese), p.one.read.words(problem.English), a.Lon, a.Lat, b.Lon, b.Lat, p.other.file)
	return p.one.advise(found, fits)
}

// spotOf returns the spot of a code; of "" everything.
func (w *whereabouts) spotOf(code string) *spot {
	if code != "" {
		return w.spots[code]
	}
	all := &spot{box: noArea()}
	for _, s := range w.spots {
		all.box, all.features = all.box.join(s.box), all.features+s.features
	}
	return all
}

// uncoded tells whether less than half of the features have a code.
func (w *whereabouts) uncoded() bool {
	s := w.spots[""]
	return s != nil && 2*s.features > w.spotOf("").features
}

// disagree tells whether two files put something in two places, and the county; the
// code is "" when a layer without codes lies off all places.
func disagree(known *extents, a, b *whereabouts) (code string, ok bool) {
	common, off, best := 0, 0, 0
	for _, c := range a.codes() {
		s, t := a.spots[c], b.spots[c]
		if len(c) < countyDigits || t == nil {
			continue
		}
		n := min(s.features, t.features)
		common += n
		if s.box.gap(t.box) <= known.Apart {
			continue
		}
		if off += n; n > best {
			best, code = n, c
		}
	}
	if common > 0 { // a few features with wrong codes are no other zone
		return code, 2*off > common
	}
	places := func(w *whereabouts) bool { return w.rep != nil && w.rep.Layer == edition.Region && len(w.spots) > 0 }
	if a.uncoded() && places(b) || b.uncoded() && places(a) {
		return "", a.spotOf("").box.gap(b.spotOf("").box) > known.Apart
	}
	return "", false
}

// locateSource settles how a file's coordinates are read.
func (l *layerRun) locateSource(ctx context.Context, s *sourceRun, info source.CRSInfo) error {
	if l.run.known == nil {
		known, err := l.run.opt.knownExtents()
		if err != nil {
			return err
		}
		l.run.known = known
	}
	how, told, note, err := l.run.howToRead(ctx, s.in, info)
	if err != nil {
		return err
	}
	s.reading = how
	if note != nil {
		l.rep.Notes = append(l.rep.Notes, note)
	}
	if how.swapped {
		l.rep.Notes = append(l.rep.Notes, problem.New("SWAPPED_XY", "按 --swap-xy 把每个点的两个坐标互换后读入", "the two coordinates of each point were exchanged, as --swap-xy says").In(s.in.Path).
			Advise("请让提交单位更正成果", "have the delivery corrected"))
	}
	w := &whereabouts{read: how, told: told, in: s.in, file: s.in.Path + hash(s.in.Table), rep: l.rep, spots: map[string]*spot{}}
	if l.run.inputs > 1 {
		w.flag = w.file
	}
	l.around = append(l.around, w)
	l.run.files = append(l.run.files, w)
	return nil
}

// judgePlace refuses a file that lies where it cannot be and lies right when it is read
// in another way; where the user said how it is to be read, or no other way fits, it
// notes that.
func (l *layerRun) judgePlace(w *whereabouts) error {
	p := w.judgeAlone(l.run.known)
	if p == nil {
		return nil
	}
	if !w.told && !errors.Is(p, errNoFit) {
		return p
	}
	l.rep.Notes = append(l.rep.Notes, p)
	return nil
}

// placesAt returns where the places of an edition are, which changes of it are held
// against.
func placesAt(known *extents, regions map[string][]regionShape) *whereabouts {
	w := &whereabouts{told: true, rep: &LayerReport{Layer: edition.Region}, file: "region", spots: map[string]*spot{}}
	for _, g := range regions[regionVintage(regions, "")] {
		w.add(known, g.code, g.box)
	}
	return w
}
