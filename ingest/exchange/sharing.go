package exchange

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"gengtu/index/edition"
	"gengtu/index/setting"
)

// Sharing is the list of what is to be delivered between units, and by when: a file
// that a person edits, because the rules are not confirmed.
type Sharing struct {
	Rules      SharingRules `yaml:"rules"`
	Items      []Item       `yaml:"items"`
	Deliveries []Delivery   `yaml:"deliveries"`

	zone  *time.Location
	days  dayCount
	halfs []halfEnd
}

// SharingRules are how days are counted.
type SharingRules struct {
	DueDays  int    `yaml:"due_days"`
	SoonDays int    `yaml:"soon_days"`
	Days     string `yaml:"days"`
	// Holidays and Workdays change which days are worked, where those are counted.
	Holidays []Day `yaml:"holidays"`
	Workdays []Day `yaml:"workdays"`
	// Halves are the last days, MM-DD, of the periods of what is due twice a year.
	Halves    []string `yaml:"halves"`
	UTCOffset string   `yaml:"utc_offset"`
}

// Item is a kind of data that is delivered again and again.
type Item struct {
	Name   string        `yaml:"name" json:"name"`
	Title  edition.Title `yaml:"title" json:"title"`
	From   string        `yaml:"from" json:"from"`
	To     string        `yaml:"to" json:"to"`
	Period Period        `yaml:"period" json:"period"`
	// Layers are those that a package has to carry, all of them, to be a delivery.
	Layers []string `yaml:"layers" json:"layers"`
}

// Period is how often an item is due.
type Period string

// The periods.
const (
	Yearly     Period = "yearly"      // once, so many days after it came into force
	HalfYearly Period = "half-yearly" // once in each half of a year
)

// Delivery is what a unit owes of an item: by the day on which the data came into force,
// or, of what is due twice a year, by the year. Received and Package are of what came by
// another way than a package of ours.
type Delivery struct {
	Item      string `yaml:"item"`
	Unit      string `yaml:"unit"`
	Effective Day    `yaml:"effective"`
	Year      int    `yaml:"year"`
	Received  Day    `yaml:"received"`
	Package   string `yaml:"package"`
}

// Day is a day of the calendar, in no zone. The zero value is none.
type Day struct{ t time.Time }

// ParseDay reads 2026-01-31.
func ParseDay(text string) (Day, error) {
	t, err := time.Parse(time.DateOnly, text)
	return Day{t}, err
}

// DayOf is the day that a moment lies in, in a zone.
func DayOf(at time.Time, zone *time.Location) Day {
	y, m, d := at.In(zone).Date()
	return Day{time.Date(y, m, d, 0, 0, 0, 0, time.UTC)}
}

// Noon is a moment of a day where the list's days are counted.
func (s *Sharing) Noon(d Day) time.Time {
	y, m, day := d.t.Date()
	return time.Date(y, m, day, 12, 0, 0, 0, s.zone)
}

// Add returns the day so many days later.
func (d Day) Add(days int) Day { return Day{d.t.AddDate(0, 0, days)} }

// Until counts the days from d to e, below 0 when e is earlier.
func (d Day) Until(e Day) int { return int(e.t.Sub(d.t) / (24 * time.Hour)) }

// IsZero tells that it is none.
func (d Day) IsZero() bool { return d.t.IsZero() }

// String writes the day as ParseDay reads it, "" for none.
func (d Day) String() string {
	if d.IsZero() {
		return ""
	}
	return d.t.Format(time.DateOnly)
}

// MarshalText writes the day as ParseDay reads it.
func (d Day) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads a day.
func (d *Day) UnmarshalText(text []byte) (err error) {
	*d, err = ParseDay(string(text))
	return err
}

// The limits of a list.
const (
	maxSharingBytes = 4 << 20
	maxDeliveries   = 100_000
	maxDueDays      = 3660
)

var sharingKind = setting.Kind{
	Code: "SHARING_FILE", MaxBytes: maxSharingBytes,
	AdviceZh: "照 gengtu exchange list 的样子改", AdviceEn: "go by what gengtu exchange list prints",
}

//go:embed sharing.yaml
var sharingText []byte

// SharingText is the embedded list with examples of deliveries, to be edited.
func SharingText() string { return string(sharingText) }

// embedded reads the embedded list, once.
var embedded = sync.OnceValues(func() (*Sharing, error) {
	s := &Sharing{}
	if _, err := sharingKind.Read("sharing.yaml", sharingText, s); err != nil {
		return nil, err
	}
	err := s.check(nil)
	s.Deliveries = nil // those are examples, which nobody owes
	return s, err
})

// ParseSharing reads a list. Rules and items that it does not have are those of the
// embedded one, which nil data stand for; the path is for messages. What makes no sense is
// a problem SHARING_FILE with the line.
func ParseSharing(path string, data []byte) (*Sharing, error) {
	s, err := embedded()
	if err != nil || data == nil {
		return s, err
	}
	own := &Sharing{Rules: s.Rules}
	f, err := sharingKind.Read(path, data, own)
	if err != nil {
		return nil, err
	}
	if own.Items == nil {
		own.Items = s.Items
	}
	return own, own.check(f)
}

// halfEnd is the last day of a period, in any year.
type halfEnd struct {
	month time.Month
	day   int
}

// check refuses what makes no sense; f is nil for the embedded list.
func (s *Sharing) check(f *setting.File) error {
	bad := func(path, zh, en string, args ...any) error {
		if f == nil {
			return fmt.Errorf("sharing.yaml: "+en, args...)
		}
		return f.Problem(f.Line(strings.Split(path, "/")...), zh, en, args...)
	}
	r := &s.Rules
	if r.DueDays < 1 || r.DueDays > maxDueDays || r.SoonDays < 0 || r.SoonDays > r.DueDays {
		return bad("rules/due_days", "期限 %d 天、提前 %d 天提示，不成立", "%d days to deliver and %d before the end cannot be", r.DueDays, r.SoonDays)
	}
	var ok bool
	if s.days, ok = dayCounts(r)[r.Days]; !ok {
		return bad("rules/days", "days 是 %.20q，应为 calendar 或 working", "days is %.20q; it is calendar or working", r.Days)
	}
	zone, err := time.Parse("-07:00", r.UTCOffset)
	if err != nil {
		return bad("rules/utc_offset", "utc_offset 是 %.20q，应如 +08:00", "utc_offset is %.20q; write +08:00", r.UTCOffset)
	}
	_, offset := zone.Zone()
	s.zone = time.FixedZone(r.UTCOffset, offset)
	last := ""
	for _, h := range r.Halves {
		t, err := time.Parse("2006-01-02", "2023-"+h) // no leap year, so that it is in every one
		if err != nil || h <= last {
			return bad("rules/halves", "halves 里的 %.20q 不是 MM-DD，或次序不对", "%.20q in halves is no MM-DD, or out of order", h)
		}
		last = h
		s.halfs = append(s.halfs, halfEnd{t.Month(), t.Day()})
	}
	if len(s.halfs) == 0 {
		return bad("rules/halves", "halves 是空的", "halves is empty")
	}
	return s.checkItems(bad)
}

func (s *Sharing) checkItems(bad func(path, zh, en string, args ...any) error) error {
	for i, x := range s.Items {
		twice := slices.ContainsFunc(s.Items[:i], func(o Item) bool { return o.Name == x.Name })
		if x.Name == "" || twice || x.Period != Yearly && x.Period != HalfYearly || len(x.Layers) == 0 {
			return bad(fmt.Sprintf("items/%d", i), "条目 %.40q 无名、重名、没有图层，或 period 不是 yearly、half-yearly", "item %.40q has no name, one that stands twice, no layers, or a period that is neither yearly nor half-yearly", x.Name)
		}
	}
	if len(s.Deliveries) > maxDeliveries {
		return bad("deliveries", "deliveries 超过 %d 条", "more than %d deliveries", maxDeliveries)
	}
	for i, d := range s.Deliveries {
		at := fmt.Sprintf("deliveries/%d", i)
		item := s.item(d.Item)
		switch {
		case item == nil:
			return bad(at, "没有条目 %.40q", "there is no item %.40q", d.Item)
		case d.Unit == "":
			return bad(at, "没有写 unit", "unit is missing")
		case item.Period == Yearly && (d.Effective.IsZero() || d.Year != 0):
			return bad(at, "%s 按正式启用日 effective 计，不写 year", "%s goes by the day it came into force (effective), not by year", d.Item)
		case item.Period == HalfYearly && (!d.Effective.IsZero() || d.Year < 1900 || d.Year > 9999):
			return bad(at, "%s 每半年一次，写 year，不写 effective", "%s is due in each half-year: write year, not effective", d.Item)
		}
	}
	return nil
}

func (s *Sharing) item(name string) *Item {
	i := slices.IndexFunc(s.Items, func(x Item) bool { return x.Name == name })
	if i < 0 {
		return nil
	}
	return &s.Items[i]
}

// dayCount returns the last day of a term of n days that begins after a day.
type dayCount func(from Day, n int) Day

// dayCounts are the ways to count days.
func dayCounts(r *SharingRules) map[string]dayCount {
	return map[string]dayCount{
		"calendar": func(from Day, n int) Day { return from.Add(n) },
		"working":  workingDays(setOf(r.Holidays), setOf(r.Workdays)),
	}
}

func setOf(days []Day) map[Day]bool {
	set := make(map[Day]bool, len(days))
	for _, d := range days {
		set[d] = true
	}
	return set
}

// workingDays counts Monday to Friday without holidays, and workdays.
func workingDays(holidays, workdays map[Day]bool) dayCount {
	return func(from Day, n int) Day {
		for d := from; ; {
			d = d.Add(1)
			w := d.t.Weekday()
			if workdays[d] || w != time.Saturday && w != time.Sunday && !holidays[d] {
				if n--; n == 0 {
					return d
				}
			} else if from.Until(d) > 10*maxDueDays {
				return d // no day is ever worked: the list says nonsense, and ends somewhere
			}
		}
	}
}
