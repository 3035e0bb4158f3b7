package check

import (
	"math"
	"slices"
	"strings"
	"sync/atomic"

	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/ingest"
	"gengtu/ingest/profiles"
)

// layerCheck judges the features of one layer and vintage while they are read, and keeps
// what the rules about several features need.
type layerCheck struct {
	check   *Checker
	seen    *ingest.LayerSeen
	profile *profiles.Profile
	index   map[string]int // the layer's fields by name
	columns []column
	lacking []atomic.Int64 // features that need a field of columns which is not there
	rules   layerRules
	book    book // of what is found while reading: it is void if the layer is read anew

	features int
	areaM2   float64
	box      geo.Box
	faults   int

	grounds []*ground
	lines   *ground             // features of a layer of lines: each the parts of one
	seenIDs map[[2]uint64]where // by identifier, number in its place, or shape
	sums    map[sumKey]*recordSum
	places  []placeRecord
	bsm     int // the field BSM, -1 when there is none
	numbers [2]int
	control [3]int // of places: DCMJ, JSMJ, MSSM
	coded   int    // the field that codes the place, -1 when there is none
	amounts areaFields
	// encodings are of the files, nil when nothing is wrong with any.
	encodings []misread
}

// where is a record of one of the layer's files.
type where struct {
	file   int32
	record int64
}

// layerRules are the rules that apply to the layer, by check.
type layerRules map[string][]*Rule

// note is what Look leaves for Take.
type note struct {
	found   []found
	packed  *packed
	line    *packed // of a layer of lines
	level   int
	shape   [2]uint64 // hash of the shape, zero when it does not matter
	box     geo.Box
	knots   []geo.Position // where the feature's rings cross
	misread misread
}

func newLayerCheck(c *Checker, seen *ingest.LayerSeen) *layerCheck {
	l := &layerCheck{
		check: c, seen: seen, profile: c.set.Of(seen.Layer), index: map[string]int{}, rules: layerRules{}, box: geo.EmptyBox(),
		book: newBook(c.rules, &c.opt), seenIDs: map[[2]uint64]where{}, sums: map[sumKey]*recordSum{},
	}
	l.lines = &ground{layer: l, vault: &c.vault}
	for i, f := range seen.Fields {
		l.index[f.Name] = i
	}
	for check := range checks {
		if list := c.rules.of(check, seen.Layer); len(list) > 0 {
			l.rules[check] = list
		}
	}
	for i := range l.profile.Fields {
		f := &l.profile.Fields[i]
		l.columns = append(l.columns, column{f, l.field(f.Name)})
	}
	l.lacking = make([]atomic.Int64, len(l.columns))
	l.bsm = l.field("BSM")
	l.numbers = [2]int{l.field("ZLDWDM"), l.field("TBBH")}
	l.control = [3]int{l.field("DCMJ"), l.field("JSMJ"), l.field("MSSM")}
	l.coded = -1
	for _, name := range l.profile.Place {
		if l.coded = l.field(name); l.coded >= 0 {
			break
		}
	}
	l.amounts = areaFields{l.field(l.profile.Patch), l.field("KCXS"), l.field("KCMJ"), l.field(l.profile.Net)}
	return l
}

// field returns the place of a field among the layer's, or −1.
func (l *layerCheck) field(name string) int {
	if i, ok := l.index[name]; ok && name != "" {
		return i
	}
	return -1
}

// ofPlaces tells whether the layer's features are places, such as regions.
func (l *layerCheck) ofPlaces() bool { return slices.Contains(placeLayers, l.seen.Layer) }

// placeLayers are the layers of places: XZQ and CJDCQ.
var placeLayers = []string{edition.Region, "cjdcq"}

// grounded tells whether the layer's shapes are held against others.
func (l *layerCheck) grounded() bool {
	if l.ofPlaces() {
		return true
	}
	for _, check := range [...]string{"overlap", "gap", "outside-region", "region-uncovered", "outside-village", "village-uncovered"} {
		if len(l.rules[check]) > 0 {
			return true
		}
	}
	return false
}

// Look implements [ingest.LayerInspector].
func (l *layerCheck) Look(f *ingest.Seen) {
	if f.LeftOut {
		return // the layer is not about it
	}
	n := &note{box: geo.EmptyBox()}
	f.Note = n
	j := judging{layer: l, f: f, note: n}
	j.unreadable()
	j.attributes()
	j.equations()
	if len(f.Lines) > 0 {
		j.line()
	}
	if len(f.Geometry) == 0 {
		return
	}
	n.box = f.Geometry.Box()
	j.shapes()
	j.knots()
	j.areas()
	if len(l.rules["duplicate"]) > 0 {
		n.shape = hashShape(f.Geometry)
	}
	if l.grounded() {
		p := part{file: f.File, record: f.Record, key: f.Key, shape: f.Geometry}
		p.code = l.code(f)
		if l.ofPlaces() {
			n.level = len(p.code)
		}
		n.packed = pack(&p)
	}
}

// code returns the code of place of a feature as far as a village, "" for none.
func (l *layerCheck) code(f *ingest.Seen) string {
	if l.coded < 0 {
		return ""
	}
	s, _ := f.Values[l.coded].(string)
	return placeCode(s)
}

// placeCode returns a code of place of 2, 4, 6, 9 or 12 digits; of longer ones, such as
// the 19 of ZLDWDM, the 12 of the village (domain.md 1.9). "" for what is none.
func placeCode(s string) string {
	s = strings.TrimSpace(s)
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return ""
		}
	}
	if len(s) > 12 {
		s = s[:12]
	}
	if !slices.Contains(levels, len(s)) {
		return ""
	}
	return s
}

// levels are the digits of codes of places down to villages, which are the finest that
// layers of places have: a group's code counts as its village's.
var levels = edition.PlaceDigits()[:5]

// Take implements [ingest.LayerInspector].
func (l *layerCheck) Take(f *ingest.Seen) error {
	n, ok := f.Note.(*note)
	if !ok {
		return nil
	}
	l.features++
	l.areaM2 += f.AreaM2
	l.box = l.box.Union(n.box)
	at := l.at(f)
	for i := range n.found {
		where := n.found[i].at
		if n.found[i].place = at; where != (geo.Position{}) {
			n.found[i].at = where
		}
		if err := l.book.report(&n.found[i]); err != nil {
			return err
		}
	}
	l.takeMisread(f, n)
	if err := l.unique(f, n, at); err != nil {
		return err
	}
	l.sum(f)
	if n.line != nil {
		return l.lines.keep(n.line)
	}
	if n.packed == nil {
		return nil
	}
	g := l.groundOf(n.level)
	g.note(l.code(f))
	g.knot(n.knots)
	return g.put(n.packed)
}

// at returns the place of a feature's faults: a point in its middle.
func (l *layerCheck) at(f *ingest.Seen) place {
	p := place{layer: l, file: f.File, record: f.Record, key: f.Key}
	if b := f.Geometry.Box(); len(f.Geometry) > 0 && !b.Empty() {
		p.at = geo.Position{Lon: b.Min.Lon/2 + b.Max.Lon/2, Lat: b.Min.Lat/2 + b.Max.Lat/2}
	}
	return p
}

// groundOf returns the ground of the layer for codes of that many digits.
func (l *layerCheck) groundOf(digits int) *ground {
	for _, g := range l.grounds {
		if g.digits == digits {
			return g
		}
	}
	g := &ground{layer: l, digits: digits, level: digits, zeros: digits, vault: &l.check.vault}
	l.grounds = append(l.grounds, g)
	slices.SortFunc(l.grounds, func(a, b *ground) int { return a.digits - b.digits })
	return g
}

// settle finds out what the places' codes are of, when all are known: where every code of
// 12 digits ends in 000, they are townships filled up with zeros, and so on.
func (l *layerCheck) settle() {
	for _, g := range l.grounds {
		for i := len(levels) - 1; i > 0; i-- {
			if g.level == levels[i] && g.zeros >= g.digits-levels[i-1] {
				g.level = levels[i-1]
			}
		}
		for i := range l.places {
			if p := &l.places[i]; len(p.code) == g.digits {
				p.code = p.code[:g.level]
			}
		}
	}
}

// near returns within what distances places of the layer are one.
func (l *layerCheck) near() nearness {
	t := &l.check.rules.Tolerances
	n := nearness{vertexM: t.VertexM, edgeM: t.EdgeM, apartM: t.ApartM, gridM: t.GridM}
	for _, f := range l.seen.Files {
		if f.CRS != l.seen.Files[0].CRS {
			n.vertexM = t.VertexBetweenZonesM
		}
	}
	return n
}

// hashShape returns 128 bits that tell shapes apart; that two of n have the same by
// chance is probable to n²/2¹²⁸.
func hashShape(m geo.MultiPolygon) [2]uint64 {
	h := [2]uint64{0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F}
	put := func(v uint64) {
		h[0] = mix(h[0] ^ v)
		h[1] = mix(h[1] + v*0x165667B19E3779F9)
	}
	for _, p := range m {
		put(uint64(len(p)))
		for _, r := range p {
			put(uint64(len(r)))
			for _, v := range r {
				put(uint64(v.Lon))
				put(uint64(v.Lat))
			}
		}
	}
	return h
}

// hashText returns 128 bits of a text, with kind to tell one use from another.
func hashText(kind byte, parts ...string) [2]uint64 {
	h := [2]uint64{mix(uint64(kind) + 1), mix(uint64(kind) + 0x9E3779B97F4A7C15)}
	for _, s := range parts {
		for len(s) > 0 {
			var v uint64
			n := min(8, len(s))
			for i := range n {
				v |= uint64(s[i]) << (8 * i)
			}
			s = s[n:]
			h[0] = mix(h[0] ^ v)
			h[1] = mix(h[1] + v*0x165667B19E3779F9 + uint64(n))
		}
		h[0], h[1] = mix(h[0]+1), mix(h[1]^0x27D4EB2F165667C5)
	}
	return h
}

// unique asks whether what must stand once stood before.
func (l *layerCheck) unique(f *ingest.Seen, n *note, at place) error {
	text := func(i int) string {
		if i < 0 {
			return ""
		}
		return textOf(f.Values[i])
	}
	if s := text(l.bsm); s != "" {
		if err := l.once("unique", hashText('b', s), at, "%s 与第 %d 条记录相同", "%s is that of record %d", "BSM "+s); err != nil {
			return err
		}
	}
	if unit, number := text(l.numbers[0]), text(l.numbers[1]); unit != "" && number != "" {
		if err := l.once("unique-in-place", hashText('n', unit, number), at, "%s 与第 %d 条记录相同", "%s is that of record %d", "ZLDWDM "+unit+" TBBH "+number); err != nil {
			return err
		}
	}
	if n.shape == [2]uint64{} {
		return nil
	}
	n.shape[0] ^= 's' // apart from texts
	return l.once("duplicate", n.shape, at, "%s与第 %d 条记录相同", "the %s is that of record %d", "图形 shape ")
}

// once reports a fault of the check when hash came before, and remembers it.
func (l *layerCheck) once(check string, hash [2]uint64, at place, zh, en, what string) error {
	rules := l.rules[check]
	if len(rules) == 0 {
		return nil
	}
	first, ok := l.seenIDs[hash]
	if !ok {
		l.seenIDs[hash] = where{int32(at.file), at.record}
		return nil
	}
	at.other = recordName(first.record)
	if int(first.file) != at.file {
		at.other += " " + l.seen.Files[first.file].Path
	}
	for _, r := range rules {
		err := l.book.report(&found{place: at, rule: r, zh: zh, en: en, args: []any{what, first.record}, areaM2: math.NaN()})
		if err != nil {
			return err
		}
	}
	return nil
}

// textOf returns a value as text, without blanks around it; "" for nothing.
func textOf(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return strings.TrimSpace(v)
	}
	return numberText(v)
}
