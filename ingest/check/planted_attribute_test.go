package check_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"gengtu/index/geo"
	"gengtu/ingest/check"
	"gengtu/ingest/source"
)

func (l *landscape) set(p *patch, field string, v any) { p.values[l.column(field)] = v }

func (l *landscape) text(p *patch, field string) string {
	s, _ := l.value(p, field).(string)
	return s
}

func cropland(l *landscape, p *patch) bool { return strings.HasPrefix(l.text(p, "DLBM"), "01") }

// put sets a field of records of cropland, or of others, or of all.
func put(field string, v any, of func(l *landscape, p *patch) bool) func(*landscape, int, *patch) bool {
	return func(l *landscape, _ int, p *patch) bool {
		if of != nil && !of(l, p) {
			return false
		}
		l.set(p, field, v)
		return true
	}
}

func other(l *landscape, p *patch) bool { return !cropland(l, p) }

// spoils are several ways for each rule; each is used in turn.
var spoils = map[string][]func(*landscape, int, *patch) bool{
	"3104": {
		put("QSXZ", "99", nil), put("DLBM", "0199", cropland), put("MSSM", "07", nil),
		func(l *landscape, _ int, p *patch) bool {
			if !cropland(l, p) {
				return false
			}
			l.set(p, "ZZSXDM", "JKHF") // a code of land that is no cropland any more
			l.set(p, "ZZSXMC", nil)
			return true
		},
	},
	"3105": {put("SJNF", int64(1899), nil), put("GDDB", 16.0, cropland)},
	"3106": {
		put("QSDWMC", nil, nil), put("MSSM", nil, nil), put("GDPDJB", nil, func(l *landscape, p *patch) bool { return cropland(l, p) && l.value(p, "GDLX") == nil }),
		put("GDLX", nil, func(l *landscape, p *patch) bool { return cropland(l, p) && l.value(p, "GDLX") != nil }),
		put("CZCSXM", nil, func(l *landscape, p *patch) bool { return strings.HasPrefix(l.text(p, "DLBM"), "07") }),
	},
	"3201": {put("DLMC", "水田和旱地", nil)},
	"3202": {put("GDPDJB", "3", other), put("KCDLBM", "1203", other), put("XZDWKD", 4.5, cropland)},
	"3203": {func(l *landscape, n int, p *patch) bool { return l.shift(p, "KCMJ", "TBDLMJ", 0.01*float64(1+n%500)) }},
	"3204": {func(l *landscape, n int, p *patch) bool {
		return l.shift(p, "TBDLMJ", "", 0.01*float64(1+n%500)*float64(1-2*(n&1)))
	}},
	"G3101": {put("TBBH", "", nil), put("YSDM", "20010101000", nil)},
	"G3102": {put("QSDWDM", "619901100201", nil)},
	"G3103": {put("GDDB", 3.5, cropland), put("SJNF", "二〇二四", nil)},
	"G3104": {
		func(l *landscape, n int, p *patch) bool { l.set(p, "BSM", fmt.Sprintf("%010d", n)); return true },
		func(l *landscape, n int, p *patch) bool {
			l.set(p, "BSM", fmt.Sprintf("6199012%010dX", n))
			return true
		},
	},
	"G3301": {func(l *landscape, n int, p *patch) bool { l.set(p, "BSM", l.key(n-1)); return true }},
	"G3302": {func(l *landscape, n int, p *patch) bool {
		before := l.patches[n-1]
		if l.text(p, "ZLDWDM") != l.text(before, "ZLDWDM") {
			return false
		}
		l.set(p, "TBBH", l.text(before, "TBBH"))
		return true
	}},
	"G5101": {func(l *landscape, n int, p *patch) bool {
		// As large as it says but for 8 dm² or more: the equations still hold.
		d := 0.08 * l.logUniform(1, 1e4) * float64(1-2*(n&1))
		a := geo.HundredthsOf(l.value(p, "TBMJ").(float64) + d)
		ratio, _ := l.value(p, "KCXS").(float64)
		deducted := geo.HundredthsOf(a.M2() * ratio)
		if a < 100 {
			return false
		}
		l.set(p, "TBMJ", a.M2())
		l.set(p, "KCMJ", deducted.M2())
		l.set(p, "TBDLMJ", (a - deducted).M2())
		return true
	}},
}

// shift adds d to one field and takes it from another.
func (l *landscape) shift(p *patch, field, from string, d float64) bool {
	add := func(name string, d float64) bool {
		v, ok := l.value(p, name).(float64)
		if !ok || v+d <= 0 {
			return false
		}
		l.set(p, name, math.Round((v+d)*100)/100)
		return true
	}
	if field == "KCMJ" && !cropland(l, p) {
		return false // it must be blank there
	}
	return add(field, d) && (from == "" || add(from, -d))
}

// Every rule about values finds the records that were spoilt and no others.
func TestPlantedAttributes(t *testing.T) {
	for rule, ways := range spoils {
		l := newLandscape(t)
		widen(l)
		want := map[string]float64{}
		for n := 1; n < len(l.patches); n += 2 {
			p := l.patches[n]
			w := ways[(n/2)%len(ways)]
			if rule == "G3101" && (n/2)%len(ways) == 0 {
				w = put("TBBH", fmt.Sprintf("%09d", n), nil)
			}
			if w(l, n, p) {
				want[fmt.Sprint(n+1)] = math.NaN()
			}
		}
		got := judge(t, l.write(), check.Options{})
		compare(t, rule, want, got[rule], func(f *check.Fault) string { return fmt.Sprint(f.Record) })
		only(t, got, rule)
		enough(t, want)
	}
}

// widen lets fields hold what no field should.
func widen(l *landscape) {
	for i := range l.fields {
		switch f := &l.fields[i]; f.Name {
		case "YSDM":
			f.Width = 12
		case "TBBH":
			f.Width = 12
		case "GDDB":
			*f = source.Field{Name: f.Name, Kind: source.Real, Width: 8, Decimals: 2}
		case "SJNF":
			*f = source.Field{Name: f.Name, Kind: source.Text, Width: 12}
		}
	}
	for _, p := range l.patches {
		if v, ok := l.value(p, "SJNF").(int64); ok {
			l.set(p, "SJNF", fmt.Sprint(v))
		}
		if v, ok := l.value(p, "GDDB").(int64); ok {
			l.set(p, "GDDB", float64(v))
		}
	}
}
