package ogc

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"gengtu/index/problem"
)

// Interval is a time, its end not in it; a zero value is open.
type Interval struct{ From, To time.Time }

// meets tells whether two intervals share a time.
func (i Interval) meets(o Interval) bool {
	return (i.To.IsZero() || o.From.IsZero() || o.From.Before(i.To)) && (o.To.IsZero() || i.From.IsZero() || i.From.Before(o.To))
}

var (
	yearVintage    = regexp.MustCompile(`^[0-9]{4}$`)
	quarterVintage = regexp.MustCompile(`^([0-9]{4})Q([1-4])$`)
)

// Period is the time that a vintage speaks of, in UTC: a year, a quarter as 2024Q3, a
// month as 2024-06 or a day; false for any other text.
func Period(vintage string) (Interval, bool) {
	if yearVintage.MatchString(vintage) {
		if t, err := time.Parse("2006", vintage); err == nil {
			return Interval{t, t.AddDate(1, 0, 0)}, true
		}
	}
	if m := quarterVintage.FindStringSubmatch(vintage); m != nil {
		if t, err := time.Parse("2006", m[1]); err == nil {
			q, _ := strconv.Atoi(m[2]) // one digit
			from := t.AddDate(0, 3*(q-1), 0)
			return Interval{from, from.AddDate(0, 3, 0)}, true
		}
	}
	if t, err := time.Parse("2006-01", vintage); err == nil {
		return Interval{t, t.AddDate(0, 1, 0)}, true
	}
	if t, err := time.Parse(time.DateOnly, vintage); err == nil {
		return Interval{t, t.AddDate(0, 0, 1)}, true
	}
	return Interval{}, false
}

// PickVintage returns the latest of vintages, which come latest first, that datetime=
// meets; false when none does. Where none is a period, the latest meets any time. datetime is an instant, a date, a period as vintages are
// named, or two of them with a slash, either of which may be open (17-069r4, 7.15.4).
func PickVintage(datetime string, vintages []string) (string, bool, error) {
	asked, err := parseInterval(datetime)
	if err != nil {
		return "", false, err
	}
	dated := false
	for _, v := range vintages {
		p, ok := Period(v)
		if ok && p.meets(asked) {
			return v, true, nil
		}
		dated = dated || ok
	}
	// What has no time meets each (17-069r4, /req/core/fc-time-response C).
	if !dated && len(vintages) > 0 {
		return vintages[0], true, nil
	}
	return "", false, nil
}

func parseInterval(text string) (Interval, error) {
	from, to, two := strings.Cut(text, "/")
	a, ok := parseTime(from)
	b, okTo := a, ok
	if two {
		b, okTo = parseTime(to)
	}
	i := Interval{a.From, b.To}
	if !ok || !okTo || !two && text == ".." || !i.From.IsZero() && !i.To.IsZero() && !i.From.Before(i.To) {
		return Interval{}, problem.New("PARAMETER_DATETIME", "datetime 是 %.60q", "datetime is %.60q", text).
			Advise("例如 2024-12-31T00:00:00Z、2024、2023-01-01/2024-12-31、../2023", "such as 2024-12-31T00:00:00Z, 2024, 2023-01-01/2024-12-31, ../2023")
	}
	return i, nil
}

// parseTime reads one end of an interval.
func parseTime(text string) (Interval, bool) {
	if text == "" || text == ".." {
		return Interval{}, true
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return Interval{t, t.Add(time.Nanosecond)}, true
	}
	return Period(text)
}
