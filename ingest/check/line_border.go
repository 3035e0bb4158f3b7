package check

import (
	"cmp"
	"math"
	"slices"

	"gengtu/index/geo"
)

// tell reports a fault of a line, so many metres long.
func (m *lineMatch) tell(check string, n uint32, f found, metres float64) error {
	one, err := m.layer.lines.head(n)
	if err != nil {
		return err
	}
	f.layer, f.file, f.record, f.key, f.areaM2 = m.layer, one.file, one.record, one.key, math.NaN()
	for _, r := range m.layer.rules[check] {
		if metres < r.threshold("min_m") {
			continue
		}
		f.rule = r
		if err := m.c.book.report(&f); err != nil {
			return err
		}
	}
	return nil
}

// eachLine calls visit with each line and its edges.
func (m *lineMatch) eachLine(visit func(n uint32, from, to int) error) error {
	for from := m.first; from < len(m.edges); {
		to := from + 1
		for to < len(m.edges) && m.edges[to].owner[1] == m.edges[from].owner[1] {
			to++
		}
		if err := visit(m.edges[from].owner[1], from, to); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// stretches adds up stretches of the edges of a line, and tells where the first is.
func (m *lineMatch) stretches(from, to int, of func(i int) []span) (metres float64, at geo.Position) {
	for i := from; i < to; i++ {
		list := of(i)
		if len(list) > 0 && metres == 0 {
			at = list[0].at(&m.edges[i])
		}
		metres += total(list)
	}
	return metres, at
}

// offBorders reports lines that run where no place has its border.
func (m *lineMatch) offBorders() error {
	return m.eachLine(func(n uint32, from, to int) error {
		sum, at := m.stretches(from, to, func(i int) []span { return span{0, lengthOf(&m.edges[i])}.beyond(m.byPlaces[i]) })
		if sum == 0 {
			return nil
		}
		return m.tell("line-off-border", n, found{place: place{at: at}, zh: "%.2f m 不在边上", en: "%.2f m of it", args: []any{sum}}, sum)
	})
}

// doubled reports lines that run along one before them.
func (m *lineMatch) doubled() error {
	return m.eachLine(func(n uint32, from, to int) error {
		before, ok := m.doubles[n]
		if !ok {
			return nil
		}
		sum, at := m.stretches(from, to, func(i int) []span {
			return slices.DeleteFunc(slices.Clone(m.byLines[i]), func(s span) bool { return !long(s) })
		})
		other, err := m.layer.lines.head(before)
		if err != nil {
			return err
		}
		return m.tell("duplicate-line", n, found{
			place: place{at: at, other: other.name()}, zh: "与 %[2]s 有 %.2[1]f m 重复", en: "%.2[1]f m of it along %[2]s", args: []any{sum, other.name()},
		}, sum)
	})
}

// bareBorder is the border of two places where no line runs.
type bareBorder struct {
	a, b   uint32
	metres float64
	at     geo.Position
}

// withoutLines reports borders between two places that no line runs along.
func (m *lineMatch) withoutLines() error {
	var list []bareBorder
	index := map[[2]uint32]int{}
	for i := 0; i < len(m.shared); {
		e, other := m.shared[i].edge, m.shared[i].other
		var along []span
		for ; i < len(m.shared) && m.shared[i].edge == e && m.shared[i].other == other; i++ {
			along = append(along, m.shared[i].span)
		}
		for _, s := range union(along) {
			bare := s.beyond(m.byLines[e])
			if len(bare) == 0 {
				continue
			}
			pair := [2]uint32{m.edges[e].owner[0], other}
			k, ok := index[pair]
			if !ok {
				k = len(list)
				index[pair] = k
				list = append(list, bareBorder{pair[0], pair[1], 0, bare[0].at(&m.edges[e])})
			}
			list[k].metres += total(bare)
		}
	}
	slices.SortFunc(list, func(p, q bareBorder) int { return cmp.Or(cmp.Compare(p.a, q.a), cmp.Compare(p.b, q.b)) })
	for i := range list {
		if err := m.tellBorder(&list[i]); err != nil {
			return err
		}
	}
	return nil
}

// tellBorder reports a border of two places that has no line, in the name of the first.
func (m *lineMatch) tellBorder(b *bareBorder) error {
	p, q := &m.places[b.a], &m.places[b.b]
	one, err := p.ground.head(p.n)
	if err != nil {
		return err
	}
	two, err := q.ground.head(q.n)
	if err != nil {
		return err
	}
	where := p.ground.place(&one)
	where.other, where.at = two.name(), b.at
	for _, r := range m.layer.rules["border-without-line"] {
		if b.metres < r.threshold("min_m") {
			continue
		}
		err := m.c.book.report(&found{
			place: where, rule: r, areaM2: math.NaN(), zh: "与 %[2]s 之间 %.2[1]f m", en: "%.2[1]f m between it and %[2]s", args: []any{b.metres, two.name()},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// dangling reports ends that no other line meets, but for those on the outline of all
// places.
func (m *lineMatch) dangling() error {
	for i := range m.ends {
		end := &m.ends[i]
		if m.joined(end) {
			continue
		}
		f := found{place: place{at: end.at}, zh: "线端没有接到别的界线", en: "no other line meets it"}
		if err := m.tell("dangling-line", end.line, f, math.Inf(1)); err != nil {
			return err
		}
	}
	return nil
}

// joined tells whether an end meets another line, or lies where places have no neighbour.
func (m *lineMatch) joined(end *lineEnd) bool {
	for _, c := range m.grid.cell(m.grid.row(end.at.Lat), m.grid.column(end.at.Lon)) {
		e := &m.edges[c.edge]
		if c.edge == end.edge || apartFrom(e, end.at) > m.nearM {
			continue
		}
		if int(c.edge) >= m.first {
			return true
		}
		// A stretch beside the end that no other place runs along: the outline.
		const beside = 0.05
		along, _ := placeAlong(e, end.at)
		if len(span{max(0, along-beside), min(lengthOf(e), along+beside)}.beyond(m.byPlaces[c.edge])) > 0 {
			return true
		}
	}
	return false
}
