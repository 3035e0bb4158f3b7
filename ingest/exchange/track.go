package exchange

import (
	"cmp"
	"slices"
	"time"
)

// Progress is how far a delivery is.
type Progress string

// The states of a delivery. The last day of its term is in time.
const (
	NotDue  Progress = "not_due"  // nothing came, and there is time
	DueSoon Progress = "due_soon" // nothing came, and the term ends in a few days
	OnTime  Progress = "on_time"  // it came within the term
	Late    Progress = "late"     // it came after the term
	Missing Progress = "missing"  // nothing came, and the term is over
)

// Event is that a package was taken in: by us, or by whom we sent it to, as his receipt
// says.
type Event struct {
	// Unit is who sent it, as the trust file names the key.
	Unit string
	// Layers are the names of the layers that it carries.
	Layers  []string
	At      time.Time
	Package string
}

// Due is one delivery and its state on a day.
type Due struct {
	Item      string   `json:"item"`
	Unit      string   `json:"unit"`
	From      string   `json:"from"`
	To        string   `json:"to"`
	Effective Day      `json:"effective"`
	Due       Day      `json:"due"`
	Received  *Day     `json:"received"`
	Package   string   `json:"package_id,omitempty"`
	State     Progress `json:"state"`
	// DaysLate counts from the last day of the term to the day it came, or to today
	// when it is missing; 0 for all others.
	DaysLate int `json:"days_late"`
	// DaysLeft counts the days until the last one, of what has not come and is not
	// missing.
	DaysLeft int `json:"days_left"`

	layers []string
	until  Day // the first day that belongs to the next delivery of the same, zero for none
}

// UnitSum is how a unit has done.
type UnitSum struct {
	Unit    string `json:"unit"`
	Total   int    `json:"total"`
	OnTime  int    `json:"on_time"`
	Late    int    `json:"late"`
	Missing int    `json:"missing"`
	// Rate is OnTime of those whose term is over or that came, null for none.
	Rate *float64 `json:"on_time_rate"`
}

// Status is the state of all deliveries on a day.
type Status struct {
	AsOf  Day       `json:"as_of"`
	Dues  []Due     `json:"deliveries"`
	Units []UnitSum `json:"units"`
}

// Track says how far each delivery of the list is at a moment. A package counts for the
// delivery in whose time it came: from the day on which the data came into force until
// the next delivery of the same item and unit begins; of what is due by half-years,
// within the half. It counts when it carries all layers of the item; the first that
// does is taken.
func (s *Sharing) Track(now time.Time, events []Event) *Status {
	today := DayOf(now, s.zone)
	out := &Status{AsOf: today, Dues: s.dues(), Units: []UnitSum{}}
	slices.SortStableFunc(out.Dues, func(a, b Due) int {
		return cmp.Or(cmp.Compare(a.Item, b.Item), cmp.Compare(a.Unit, b.Unit), a.Effective.t.Compare(b.Effective.t))
	})
	events = slices.Clone(events)
	slices.SortStableFunc(events, func(a, b Event) int { return a.At.Compare(b.At) })
	for i := range out.Dues {
		d := &out.Dues[i]
		if n := i + 1; d.until.IsZero() && n < len(out.Dues) && out.Dues[n].Item == d.Item && out.Dues[n].Unit == d.Unit {
			d.until = out.Dues[n].Effective
		}
		s.settle(d, events, today)
	}
	out.sum()
	return out
}

// dues lists what is owed.
func (s *Sharing) dues() []Due {
	out := []Due{}
	for _, v := range s.Deliveries {
		x := s.item(v.Item)
		d := Due{Item: v.Item, Unit: v.Unit, From: x.From, To: x.To, Package: v.Package, layers: x.Layers}
		if !v.Received.IsZero() {
			came := v.Received
			d.Received = &came
		}
		if x.Period == Yearly {
			d.Effective, d.Due = v.Effective, s.days(v.Effective, s.Rules.DueDays)
			out = append(out, d)
			continue
		}
		begin := Day{time.Date(v.Year, 1, 1, 0, 0, 0, 0, time.UTC)}
		if h := s.halfs[len(s.halfs)-1]; h != (halfEnd{time.December, 31}) {
			begin = Day{time.Date(v.Year-1, h.month, h.day, 0, 0, 0, 0, time.UTC)}.Add(1)
		}
		for _, h := range s.halfs {
			half := d
			half.Effective, half.Due = begin, Day{time.Date(v.Year, h.month, h.day, 0, 0, 0, 0, time.UTC)}
			begin = half.Due.Add(1)
			half.until = begin
			if d.Received != nil && (d.Received.Until(half.Due) < 0 || half.Effective.Until(*d.Received) < 0) {
				half.Received, half.Package = nil, "" // it came in another half
			}
			out = append(out, half)
		}
	}
	return out
}

// settle finds what came of a delivery, and its state.
func (s *Sharing) settle(d *Due, events []Event, today Day) {
	if d.Received == nil {
		for _, e := range events {
			came := DayOf(e.At, s.zone)
			if e.Unit != d.Unit || d.Effective.Until(came) < 0 || today.Until(came) > 0 || !d.until.IsZero() && came.Until(d.until) <= 0 {
				continue
			}
			if !slices.ContainsFunc(d.layers, func(l string) bool { return !slices.Contains(e.Layers, l) }) {
				d.Received, d.Package = &came, e.Package
				break
			}
		}
	}
	left := today.Until(d.Due)
	switch {
	case d.Received != nil && d.Received.Until(d.Due) >= 0:
		d.State = OnTime
	case d.Received != nil:
		d.State, d.DaysLate = Late, d.Due.Until(*d.Received)
	case left < 0:
		d.State, d.DaysLate = Missing, -left
	case left <= s.Rules.SoonDays:
		d.State, d.DaysLeft = DueSoon, left
	default:
		d.State, d.DaysLeft = NotDue, left
	}
}

// sum adds up by unit.
func (s *Status) sum() {
	by := map[string]*UnitSum{}
	for _, d := range s.Dues {
		u := by[d.Unit]
		if u == nil {
			u = &UnitSum{Unit: d.Unit}
			by[d.Unit] = u
		}
		u.Total++
		switch d.State {
		case OnTime:
			u.OnTime++
		case Late:
			u.Late++
		case Missing:
			u.Missing++
		}
	}
	for _, u := range by {
		if n := u.OnTime + u.Late + u.Missing; n > 0 {
			rate := float64(u.OnTime) / float64(n)
			u.Rate = &rate
		}
		s.Units = append(s.Units, *u)
	}
	slices.SortFunc(s.Units, func(a, b UnitSum) int { return cmp.Compare(a.Unit, b.Unit) })
}
