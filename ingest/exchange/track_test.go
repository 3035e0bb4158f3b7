package exchange_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/problem"
	"gengtu/ingest/exchange"
)

func sharing(t testing.TB, text string) *exchange.Sharing {
	t.Helper()
	s, err := exchange.ParseSharing("s.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// moment is a time in China.
func moment(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04:05 -07:00", text+" +08:00")
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC()
}

// nextDay is the calendar's rule, written down once more.
func nextDay(y, m, d int) (year, month, day int) {
	days := []int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}
	if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
		days[1] = 29
	}
	if d++; d <= days[m-1] {
		return y, m, d
	}
	if m++; m <= 12 {
		return y, m, 1
	}
	return y + 1, 1, 1
}

// For every day of some years, leap years and the year 2100 among them: day 30 is in
// time and the day after is late, and before that nothing is missing.
func TestTrackEveryDay(t *testing.T) {
	for _, year := range []int{2023, 2024, 2100} {
		for y, m, d := year, 1, 1; y == year; y, m, d = nextDay(y, m, d) {
			ey, em, ed := y, m, d
			for range 30 {
				ey, em, ed = nextDay(ey, em, ed)
			}
			ly, lm, ld := nextDay(ey, em, ed)
			due, after := fmt.Sprintf("%04d-%02d-%02d", ey, em, ed), fmt.Sprintf("%04d-%02d-%02d", ly, lm, ld)
			s := sharing(t, fmt.Sprintf("deliveries: [{item: hsf, unit: A, effective: %04d-%02d-%02d}]", y, m, d))
			for _, c := range []struct {
				now, came string
				want      exchange.Progress
				late      int
			}{
				{due + " 23:59:59", "", exchange.DueSoon, 0},
				{after + " 00:00:00", "", exchange.Missing, 1},
				{after + " 12:00:00", due + " 23:59:59", exchange.OnTime, 0},
				{after + " 12:00:00", after + " 00:00:00", exchange.Late, 1},
			} {
				var events []exchange.Event
				if c.came != "" {
					events = append(events, exchange.Event{Unit: "A", Layers: []string{"hsf", "x"}, At: moment(t, c.came), Package: "p"})
				}
				got := s.Track(moment(t, c.now), events).Dues[0]
				if got.State != c.want || got.DaysLate != c.late || got.Due.String() != due {
					t.Fatalf("from %04d-%02d-%02d at %s: %s due %s, %d late; want %s %s %d", y, m, d, c.now, got.State, got.Due, got.DaysLate, c.want, due, c.late)
				}
			}
		}
	}
}

// The edges one by one.
func TestTrack(t *testing.T) {
	const text = `
deliveries:
  - {item: hsf, unit: A, effective: 2024-01-30}
  - {item: hsf, unit: A, effective: 2024-12-15}
  - {item: quality-grade, unit: A, effective: 2024-01-30, received: 2024-02-20, package: disc 12}
  - {item: monitoring-rectification, unit: B, year: 2024}
`
	events := []exchange.Event{
		{Unit: "A", Layers: []string{"hsf"}, At: moment(t, "2024-01-29 23:59:59"), Package: "too early"},
		{Unit: "B", Layers: []string{"hsf"}, At: moment(t, "2024-02-01 00:00:00"), Package: "another unit"},
		{Unit: "A", Layers: []string{"pbf"}, At: moment(t, "2024-02-02 00:00:00"), Package: "another layer"},
		{Unit: "A", Layers: []string{"hsf"}, At: moment(t, "2024-03-05 00:00:00"), Package: "second"},
		{Unit: "A", Layers: []string{"hsf"}, At: moment(t, "2024-02-29 23:59:59"), Package: "first"},
		{Unit: "A", Layers: []string{"hsf"}, At: moment(t, "2025-01-15 00:00:00"), Package: "late"},
		{Unit: "B", Layers: []string{"monitoring"}, At: moment(t, "2024-07-01 00:00:00"), Package: "second half"},
	}
	short := func(at string) (out []string) {
		for _, d := range sharing(t, text).Track(moment(t, at), events).Dues {
			came := ""
			if d.Received != nil {
				came = d.Received.String()
			}
			out = append(out, fmt.Sprintf("%s %s %s %s %s %s %d %d", d.Item, d.Effective, d.Due, came, d.Package, d.State, d.DaysLate, d.DaysLeft))
		}
		return out
	}
	for at, want := range map[string][]string{
		"2024-02-22 00:00:00": {
			"hsf 2024-01-30 2024-02-29   due_soon 0 7", "hsf 2024-12-15 2025-01-14   not_due 0 327",
			"monitoring-rectification 2024-01-01 2024-06-30   not_due 0 129", "monitoring-rectification 2024-07-01 2024-12-31   not_due 0 313",
			"quality-grade 2024-01-30 2024-02-29 2024-02-20 disc 12 on_time 0 0",
		},
		"2024-02-21 23:59:59": {
			"hsf 2024-01-30 2024-02-29   not_due 0 8", "hsf 2024-12-15 2025-01-14   not_due 0 328",
			"monitoring-rectification 2024-01-01 2024-06-30   not_due 0 130", "monitoring-rectification 2024-07-01 2024-12-31   not_due 0 314",
			"quality-grade 2024-01-30 2024-02-29 2024-02-20 disc 12 on_time 0 0",
		},
		"2025-02-01 00:00:00": {
			"hsf 2024-01-30 2024-02-29 2024-02-29 first on_time 0 0", "hsf 2024-12-15 2025-01-14 2025-01-15 late late 1 0",
			"monitoring-rectification 2024-01-01 2024-06-30   missing 216 0", "monitoring-rectification 2024-07-01 2024-12-31 2024-07-01 second half on_time 0 0",
			"quality-grade 2024-01-30 2024-02-29 2024-02-20 disc 12 on_time 0 0",
		},
	} {
		if diff := cmp.Diff(want, short(at)); diff != "" {
			t.Errorf("%s: %s", at, diff)
		}
	}
	s := sharing(t, text).Track(moment(t, "2025-02-01 00:00:00"), events)
	data, err := json.Marshal(s.Units)
	if want := `[{"unit":"A","total":3,"on_time":2,"late":1,"missing":0,"on_time_rate":0.6666666666666666},{"unit":"B","total":2,"on_time":1,"late":0,"missing":1,"on_time_rate":0.5}]`; err != nil || string(data) != want {
		t.Error(string(data), err)
	}
}

// Working days are those that are worked, holidays and worked Sundays counted.
func TestTrackWorkingDays(t *testing.T) {
	rules := "rules: {due_days: 3, soon_days: 1, days: working, holidays: [2026-10-01, 2026-10-02], workdays: [2026-10-04], halves: ['12-31'], utc_offset: '+08:00'}\n"
	for from, want := range map[string]string{"2026-09-29": "2026-10-05", "2026-10-05": "2026-10-08", "2026-10-09": "2026-10-14"} {
		s := sharing(t, rules+"deliveries: [{item: hsf, unit: A, effective: "+from+"}]")
		if got := s.Track(moment(t, "2026-01-01 00:00:00"), nil).Dues[0].Due.String(); got != want {
			t.Errorf("from %s: %s, want %s", from, got, want)
		}
	}
}

// What makes no sense is refused with its line.
func TestSharingRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    "it is empty",
		"rules: {due_days: 0}":                "line 1",
		"rules:\n  soon_days: 40":             "line 2: 30 days",
		"rules:\n  days: some":                "line 2: days is",
		"rules:\n  utc_offset: china":         "line 2: utc_offset",
		"rules:\n  halves: [06-31]":           "line 2: ",
		"rules:\n  halves: [12-31, 06-30]":    "line 2: ",
		"rules:\n  halves: []":                "line 2: halves is empty",
		"items: [{name: a}]":                  "line 1: item",
		"deliveries:\n  - {item: x, unit: A}": "line 2: there is no item",
		"deliveries:\n  - {item: hsf, effective: 2024-01-01}":                  "line 2: unit",
		"deliveries:\n  - {item: hsf, unit: A, year: 2024}":                    "line 2: hsf goes by the day",
		"deliveries:\n  - {item: monitoring-rectification, unit: A}":           "line 2: monitoring-rectification is due",
		"deliveries:\n  - {item: hsf, unit: A, effective: 2023-02-29}":         "out of range",
		"deliveries:\n  - {item: hsf, unit: A, effective: 2023-02-28, who: x}": "who",
	} {
		_, err := exchange.ParseSharing("s.yaml", []byte(text))
		if p := problem.Of(err); p == nil || p.Code != "SHARING_FILE" || !strings.Contains(p.Found(problem.English), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := exchange.ParseSharing("", []byte(exchange.SharingText())); err != nil {
		t.Error(err)
	}
	if s, err := exchange.ParseSharing("", nil); err != nil || len(s.Items) != 8 {
		t.Error(err)
	}
}

// Whatever a list holds, it is refused or followed to an end, and each delivery has one
// state that its days agree with.
func FuzzSharing(f *testing.F) {
	// Short ones: what is found in long ones is shortened for a minute each.
	f.Add([]byte("rules: {utc_offset: '+08:00', halves: ['06-30', '12-31']}\nitems:\n- {name: a, period: half-yearly, layers: [x]}\ndeliveries: [{item: a, unit: A, year: 2024}]"), int64(0))
	f.Add([]byte("rules: {due_days: 3, soon_days: 1, days: working, holidays: [2026-10-01]}\ndeliveries: [{item: hsf, unit: A, effective: 2026-09-29}]"), int64(5))
	f.Fuzz(func(t *testing.T, text []byte, seed int64) {
		s, err := exchange.ParseSharing("s.yaml", text)
		if err != nil {
			return
		}
		rng := rand.New(rand.NewPCG(uint64(seed), 1))
		now := time.Unix(1_600_000_000+rng.Int64N(1e9), 0)
		for _, d := range s.Track(now, []exchange.Event{{Unit: "A", Layers: []string{"hsf"}, At: now.AddDate(0, 0, -rng.IntN(100))}}).Dues {
			came := d.Received != nil
			if want := map[exchange.Progress]bool{exchange.OnTime: true, exchange.Late: true}[d.State]; want != came || d.DaysLate < 0 || d.DaysLeft < 0 || (d.DaysLate > 0) != (d.State == exchange.Late || d.State == exchange.Missing) {
				t.Fatalf("%+v", d)
			}
		}
	})
}
