package areas

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
)

// Level is a level of places.
type Level string

// Levels are the levels of places, the widest first.
var Levels = []Level{"province", "prefecture", "county", "township", "village", "group"}

// levelDigits are the digits of the codes of [Levels].
var levelDigits = edition.PlaceDigits()

// Digits is how many digits a code of the level has; 0 for a level that is none.
func (l Level) Digits() int {
	i := slices.Index(Levels, l)
	if i < 0 {
		return 0
	}
	return levelDigits[i]
}

// ParseLevel returns the level of that name, or a problem PARAMETER_BY.
func ParseLevel(name string) (Level, error) {
	if l := Level(name); l.Digits() > 0 {
		return l, nil
	}
	return "", problem.New("PARAMETER_BY", "by 是 %.20q", "by is %.20q", name).
		Advise("可用 province、prefecture、county、township、village、group", "there are province, prefecture, county, township, village and group")
}

// within returns the level that sums inside of a place are told by: not wider than
// the place.
func (l Level) within(place string) Level {
	for _, finer := range Levels {
		if finer.Digits() >= max(l.Digits(), len(place)) {
			return finer
		}
	}
	return l
}

// Summary is what layers have in each place, by class and by groups of classes.
type Summary struct {
	Generation string       `json:"generation"`
	Program    string       `json:"program,omitempty"`
	Tier       edition.Tier `json:"tier"`
	By         Level        `json:"by"`
	// ToldBy is the level of the places in the rows where it is a wider one than By.
	ToldBy  Level  `json:"told_by,omitempty"`
	Place   string `json:"place,omitempty"`
	Formula string `json:"formula"`
	// Problems are what is to be known before the figures are compared with others.
	Problems []*problem.Problem `json:"problems,omitempty"`
	// Rows are the places' classes, each feature in one of them.
	Rows []SummaryRow `json:"rows"`
	// Groups add the same features up otherwise.
	Groups []SummaryGroup `json:"groups"`

	ridges  string // heading of the class that ridges are booked under, "" for none
	bounded bool   // rows may be partial
}

// SummaryRow is one class of a layer in one place.
type SummaryRow struct {
	Place     string `json:"place"`
	PlaceName string `json:"place_name,omitempty"`
	Layer     string `json:"layer"`
	Vintage   string `json:"vintage"`
	// Partial is set where a part of the place alone was asked about.
	Partial   bool   `json:"partial,omitempty"`
	Class     string `json:"class"`
	ClassName string `json:"class_name,omitempty"`
	First     string `json:"first_class,omitempty"`
	Broad     string `json:"broad_class,omitempty"`
	Figures
}

// SummaryGroup is what a layer has in one place of the classes, owners or islands
// that Code names.
type SummaryGroup struct {
	Place     string    `json:"place"`
	PlaceName string    `json:"place_name,omitempty"`
	Layer     string    `json:"layer"`
	Vintage   string    `json:"vintage"`
	Partial   bool      `json:"partial,omitempty"` // as in SummaryRow
	By        GroupKind `json:"by"`
	Code      string    `json:"code"`
	Name      string    `json:"name"`
	Figures
}

// GroupKind is what features are added up by.
type GroupKind string

// The kinds of group: everything, first-level and broad classes, owners (QSXZ), and
// mainland or islands (MSSM).
const (
	ByTotal  GroupKind = "total"
	ByFirst  GroupKind = "first"
	ByBroad  GroupKind = "broad"
	ByOwner  GroupKind = "owner"
	ByIsland GroupKind = "island"
)

// GroupKinds lists the kinds of group.
var GroupKinds = []GroupKind{ByTotal, ByFirst, ByBroad, ByOwner, ByIsland}

// Figures are sums over features. PatchM2 and NetM2 are of record alone, null where
// no feature has such an area; what was computed for those that have none is beside
// them.
type Figures struct {
	Features int      `json:"features"`
	AreaM2   float64  `json:"area_m2"`
	AreaMu   float64  `json:"area_mu"`
	PatchM2  *float64 `json:"patch_m2"`
	NetM2    *float64 `json:"net_m2"`
	NetMu    *float64 `json:"net_mu"`
	// Area adds the features' areas up, each rounded to 0.01 m², so that those of finer
	// places add up to those of wider ones to the last unit.
	Area geo.Hundredths `json:"-"`
	// RidgesM2 is what is deducted from the patches (KCMJ). BookM2 is what is booked:
	// patch area less ridges, and all ridges of the place under the class of ridges.
	// Where a record has no patch area both count what was computed for it, which
	// PatchComputed tells of.
	RidgesM2 *float64 `json:"ridges_m2"`
	BookM2   *float64 `json:"book_m2"`
	// PatchComputed and NetComputed are in no sum of record.
	PatchComputed *edition.ComputedArea `json:"patch_computed,omitempty"`
	NetComputed   *edition.ComputedArea `json:"net_computed,omitempty"`
	// NoPatch counts features without any patch area where others have one.
	NoPatch int `json:"no_patch,omitempty"`
}

// figures returns the figures of the sums.
func (s *groupSums) figures() Figures {
	f := Figures{
		Features: s.features, Area: s.cents, AreaM2: round(s.areaM2, 2), AreaMu: round(s.areaM2*geo.MuPerM2, 4),
		PatchM2: s.patch.m2(), NetM2: s.net.m2(), PatchComputed: s.patch.standIn(), NetComputed: s.net.standIn(),
	}
	f.NetMu = muOf(f.NetM2)
	if s.unbooked < s.features || s.otherRidges > 0 {
		ridges, book := float64(s.ridges)/recordUnits, float64(s.booked-s.ridges+s.otherRidges)/recordUnits
		f.RidgesM2, f.BookM2, f.NoPatch = &ridges, &book, s.unbooked
	}
	return f
}

// SummaryQuestion asks what layers have in places.
type SummaryQuestion struct {
	By Level
	// Place is the code of the place that is asked about, "" for all.
	Place string
	// Names are what places are called, by code; see [PlaceNames].
	Names map[string]string
	// Classes tells how classes add up.
	Classes *Classes
	// Whole tells whether all of a place was asked about, where a part of an edition is;
	// nil is of all of one.
	Whole func(code string) bool
	// Controls are the control areas of counties that hectare tables are leveled to.
	Controls []Control
}

// partial tells whether a part of a place alone was asked about.
func (q *SummaryQuestion) partial(code string) bool { return q.Whole != nil && !q.Whole(code) }

// Summarise adds tallies, each of a layer, up by place and class. A feature whose
// code of place is shorter than asked for counts under what it has. Errors are
// problems PARAMETER_PLACE, and NO_PLACE where neither a feature nor a name has
// the place.
func Summarise(q SummaryQuestion, tallies []*Tally) (*Summary, error) {
	out := &Summary{By: q.By.within(q.Place), Place: q.Place, Formula: Formula, Rows: []SummaryRow{}, Groups: []SummaryGroup{}, ridges: q.Classes.ridges(), bounded: q.Whole != nil}
	if q.Place != "" && !edition.IsPlace(q.Place) {
		return nil, edition.BadPlace(q.Place)
	}
	for _, t := range tallies {
		s := summing{q: &q, tally: t, digits: out.By.Digits(), rows: map[[2]string]*groupSums{}, groups: map[groupKey]*groupSums{}}
		s.run()
		s.list(out)
	}
	if len(out.Rows) == 0 && q.Place != "" && !named(q.Names, q.Place) {
		return nil, noPlace(q.Place)
	}
	out.remark(tallies)
	return out, nil
}

// remark notes what is to be known of the rows: that they are of wider places than were
// asked for, and where the edition's shapes lie on a grid why an overlay has other figures.
func (s *Summary) remark(tallies []*Tally) {
	longest, of := 0, map[string]int{} // digits of codes, in all and by layer and vintage
	for i := range s.Rows {
		r := &s.Rows[i]
		key := r.Layer + "@" + r.Vintage
		of[key], longest = max(of[key], len(r.Place)), max(longest, len(r.Place))
	}
	told := func(digits int) Level { return Levels[max(slices.Index(levelDigits, digits), 0)] }
	if longest > 0 && longest < s.By.Digits() {
		s.ToldBy = told(longest)
	}
	for _, key := range slices.Sorted(maps.Keys(of)) {
		if n := of[key]; n > 0 && n < s.By.Digits() {
			s.Problems = append(s.Problems, problem.New("LEVEL_COARSER", "按 %[1]s 问，%[2]s 按 %[3]s 答：其中的政区代码至多 %[4]d 位", "asked by %[1]s, %[2]s told by %[3]s: it has codes of place of %[4]d digits at most", s.By, key, told(n), n).
				Advise("更细的政区没有交来，或这一版的策略不下发（place_digits）", "finer places were not delivered, or the policy of this edition does not tell them (place_digits)"))
		}
	}
	if slices.ContainsFunc(tallies, func(t *Tally) bool { return t.gridM > 0 }) {
		s.Problems = append(s.Problems, problem.New("SUMS_BY_CODE", "各行是坐落于该政区的要素之和；按政区范围叠加（overlay）量的是界线以内的地面，而这一版的界线和图形都取整到 %[1]v 米网格、小图斑已并掉或略去：两数不同", "rows add up the features whose code lies in the place; an overlay by place measures the ground inside its outline, and outlines and shapes of this edition lie on a grid of %[1]v m, without small patches: the two differ", tallies[0].gridM).
			Advise("对外引用时注明用的是哪一个", "say which of the two is quoted"))
	}
}

// noPlace is the problem of a code that is of no place here.
func noPlace(code string) *problem.Problem {
	return problem.New("NO_PLACE", "没有行政区 %.20q", "there is no place %.20q", code).At(0, code).
		Advise("请核对行政区代码：gengtu info --by 列出各政区，服务的 places 可按名称查", "check the code: gengtu info --by lists places, and places of the service finds them by name")
}

// named tells whether a place with the code, or one inside of it, has a name.
func named(names map[string]string, code string) bool {
	for c := range names {
		if strings.HasPrefix(c, code) {
			return true
		}
	}
	return false
}

type groupKey struct {
	place string
	kind  GroupKind
	code  string
}

// groupSums are the sums of a class or group, and the ridges of other classes that the
// books have there.
type groupSums struct {
	tallySums
	otherRidges int64
}

// summing adds one tally up.
type summing struct {
	q      *SummaryQuestion
	tally  *Tally
	digits int
	rows   map[[2]string]*groupSums // by place and class
	groups map[groupKey]*groupSums
}

func (s *summing) run() {
	survey := s.tally.layer.Meta.Name == BookLayer
	classed := s.tally.classed()
	owned, islands := s.tally.told[tallyOwner], s.tally.told[tallyIsland]
	for i := range s.tally.cells {
		c := &s.tally.cells[i]
		if !strings.HasPrefix(c.place, s.q.Place) {
			continue
		}
		place := c.place[:min(len(c.place), s.digits)]
		class := c.values[tallyClass]
		s.row(place, class).plus(&c.sums)
		ridges := int64(0) // that go to another class
		if survey && s.q.Classes.Ridges != "" {
			ridges = c.sums.ridges
			if ridges > 0 {
				s.row(place, s.q.Classes.Ridges).otherRidges += ridges
			}
		}
		s.group(place, ByTotal, "", c, ridges)
		if owned {
			s.group(place, ByOwner, s.ownerCode(c.values[tallyOwner]), c, ridges)
		}
		if islands {
			s.group(place, ByIsland, c.values[tallyIsland], c, ridges)
		}
		if !classed {
			continue
		}
		first, broad := s.groupsOf(class)
		ridgeFirst, ridgeBroad := s.groupsOf(s.q.Classes.Ridges)
		s.group(place, ByFirst, first, c, 0)
		s.group(place, ByBroad, broad, c, 0)
		if ridges > 0 {
			s.bucket(place, ByFirst, ridgeFirst).otherRidges += ridges
			s.bucket(place, ByBroad, ridgeBroad).otherRidges += ridges
		}
	}
}

func (s *summing) row(place, class string) *groupSums {
	k := [2]string{place, class}
	if s.rows[k] == nil {
		s.rows[k] = &groupSums{}
	}
	return s.rows[k]
}

func (s *summing) bucket(place string, kind GroupKind, code string) *groupSums {
	k := groupKey{place, kind, code}
	if s.groups[k] == nil {
		s.groups[k] = &groupSums{}
	}
	return s.groups[k]
}

func (s *summing) group(place string, kind GroupKind, code string, c *tallyCell, ridges int64) {
	g := s.bucket(place, kind, code)
	g.plus(&c.sums)
	g.otherRidges += ridges
}

// groupsOf returns the codes of a class's first-level and broad class, "" where
// the table has none.
func (s *summing) groupsOf(class string) (first, broad string) {
	at, ok := s.q.Classes.find(class)
	if !ok {
		return "", ""
	}
	if at.broad >= 0 {
		broad = s.q.Classes.Broad[at.broad].Code
	}
	return s.q.Classes.First[at.first].Code, broad
}

func (s *summing) ownerCode(qsxz string) string {
	if k := s.q.Classes.owner(qsxz); k >= 0 {
		return s.q.Classes.Owners[k].Code
	}
	return ""
}

// list appends the rows and groups to out, by place.
func (s *summing) list(out *Summary) {
	meta := s.tally.layer.Meta
	keys := slices.SortedFunc(maps.Keys(s.rows), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	for _, k := range keys {
		r := SummaryRow{Place: k[0], PlaceName: s.q.Names[k[0]], Layer: meta.Name, Vintage: meta.Vintage, Partial: s.q.partial(k[0]), Class: k[1], ClassName: s.q.Classes.name(k[1])}
		if at, ok := s.q.Classes.find(k[1]); ok {
			r.First = s.q.Classes.First[at.first].Zh
			if at.broad >= 0 {
				r.Broad = s.q.Classes.Broad[at.broad].Zh
			}
		}
		r.Figures = s.rows[k].figures()
		out.Rows = append(out.Rows, r)
	}
	order := func(k GroupKind) int { return slices.Index(GroupKinds, k) }
	groups := slices.SortedFunc(maps.Keys(s.groups), func(a, b groupKey) int {
		return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(order(a.kind), order(b.kind)), cmp.Compare(a.code, b.code))
	})
	for _, k := range groups {
		g := s.groups[k]
		out.Groups = append(out.Groups, SummaryGroup{
			Place: k.place, PlaceName: s.q.Names[k.place], Layer: meta.Name, Vintage: meta.Vintage,
			Partial: s.q.partial(k.place), By: k.kind, Code: k.code, Name: s.groupName(k.kind, k.code), Figures: g.figures(),
		})
	}
}

// groupName is what a group is called.
func (s *summing) groupName(kind GroupKind, code string) string {
	at := func(g []ClassGroup) string {
		i := slices.IndexFunc(g, func(g ClassGroup) bool { return g.Code == code })
		if i < 0 {
			return "未列"
		}
		return g[i].Zh
	}
	var all []ClassGroup
	switch kind {
	case ByTotal:
		return "合计"
	case ByFirst:
		for _, f := range s.q.Classes.First {
			all = append(all, f.ClassGroup)
		}
	case ByBroad:
		all = s.q.Classes.Broad
	case ByOwner:
		for _, o := range s.q.Classes.Owners {
			all = append(all, o.ClassGroup)
		}
	case ByIsland:
		return map[string]string{"00": "大陆", "01": "海岛"}[code]
	}
	return at(all)
}

// PlaceNames returns what the places of an edition are called, by code: in the
// vintage, or where the regions have none in their latest. Errors say that the file
// is damaged.
func PlaceNames(ix *index.Index, vintage string) (map[string]string, error) {
	l := ix.Regions(vintage)
	out := map[string]string{}
	if l == nil {
		return out, nil
	}
	field := l.Field("XZQMC")
	var a index.Attributes
	for i := range l.Len() {
		if err := l.Attributes(i, &a); err != nil {
			return nil, err
		}
		if name := string(textValue(&a, field)); len(a.Place) > 0 && (name != "" || out[string(a.Place)] == "") {
			out[string(a.Place)] = name
		}
	}
	return out, nil
}

// SummaryLayers returns the layers that a summary adds up: those of the names, or
// all but the regions, in the vintage or in the latest of each. A name that the
// edition does not have is a problem NO_LAYER, a vintage that none has NO_VINTAGE.
func SummaryLayers(ix *index.Index, names []string, vintage string) ([]*index.Layer, error) {
	var out []*index.Layer
	if len(names) == 0 {
		for _, n := range ix.Names() {
			if l := ix.Layer(n, vintage); l != nil && n != edition.Region {
				out = append(out, l)
			}
		}
		if len(out) == 0 && vintage != "" {
			return nil, problem.New("NO_VINTAGE", "没有 %.40q 这个时相", "there is no vintage %.40q", vintage).
				Advise("有：%s", "there are: %s", strings.Join(vintages(ix, ix.Names()), " "))
		}
		return out, nil
	}
	for i, n := range names {
		l := ix.Layer(n, vintage)
		switch {
		case slices.Contains(names[:i], n):
		case l != nil:
			out = append(out, l)
		case slices.Contains(ix.Names(), n):
			return nil, noVintage(ix, n, vintage)
		default:
			return nil, problem.New("NO_LAYER", "没有图层 %.40q", "there is no layer %.40q", n).At(0, n).
				Advise("有：%s", "there are: %s", strings.Join(ix.Names(), " "))
		}
	}
	return out, nil
}

func noVintage(ix *index.Index, layer, vintage string) error {
	return problem.New("NO_VINTAGE", "图层 %.40s 没有 %.40q 这个时相", "layer %.40s has no vintage %.40q", layer, vintage).
		Advise("有：%s", "there are: %s", strings.Join(vintages(ix, []string{layer}), " "))
}

// vintages returns those that any of the layers has, the latest first.
func vintages(ix *index.Index, layers []string) []string {
	var all []string
	for _, n := range layers {
		all = append(all, ix.Vintages(n)...)
	}
	slices.SortFunc(all, func(a, b string) int { return edition.CompareVintages(b, a) })
	return slices.Compact(all)
}

// BookLayer is the layer that hectare tables are made of where none is named: the
// one whose classes cover the ground.
const BookLayer = "dltb"

// ParseKind returns the kind of group of that name, "" for "" and for the word
// class, or a problem PARAMETER_KIND.
func ParseKind(name string) (GroupKind, error) {
	if name == "" || name == "class" {
		return "", nil
	}
	if k := GroupKind(name); slices.Contains(GroupKinds, k) {
		return k, nil
	}
	return "", problem.New("PARAMETER_KIND", "kind 是 %.20q", "kind is %.20q", name).
		Advise("可用 class、total、first、broad、owner、island", "there are class, total, first, broad, owner and island")
}
