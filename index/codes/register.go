package codes

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gengtu/index/edition"
	"gengtu/index/wire"
)

// Kind is what happened to a code in a vintage.
type Kind string

// The kinds of event.
const (
	New      Kind = "new"      // 新增: on ground that no parcel with a code had
	Split    Kind = "split"    // 分割: of a code that was parted; so both the part that keeps it and the others
	Merge    Kind = "merge"    // 合并: the parcel took in others, whose codes are retired
	Edit     Kind = "edit"     // 变更: the parcel keeps its code with another border
	Renumber Kind = "renumber" // 换号: the same parcel under another BSM
	Retired  Kind = "retired"  // 注销: the code leads to no parcel from this vintage on
)

// kinds lists the kinds in the order of the numbers by which they are stored.
var kinds = []Kind{New, Split, Merge, Edit, Renumber, Retired}

// Title is the Chinese and the English name of a kind.
func (k Kind) Title() edition.Title {
	return map[Kind]edition.Title{
		New: {Zh: "新增", En: "new"}, Split: {Zh: "分割", En: "split"}, Merge: {Zh: "合并", En: "merged"},
		Edit: {Zh: "变更", En: "edited"}, Renumber: {Zh: "换号", En: "renumbered"}, Retired: {Zh: "注销", En: "retired"},
	}[k]
}

// Event is what happened to a code in one vintage, and what holds from then on until its
// next event.
type Event struct {
	Code, Vintage string
	Kind          Kind
	// ID and BSM are those of the parcel that has the code; 0 and "" for [Retired].
	ID  uint64
	BSM string
	// Others are the codes that the ground came from or, of [Retired], went to, in order.
	Others []string
}

// Register holds all codes that were ever given to parcels of a layer. It only grows.
// Not for concurrent use while it does.
type Register struct {
	Scheme Scheme
	// Vintages are those that have codes, earliest first.
	Vintages []string

	events map[string][]Event // by code, in the order of vintages, and then as they were added
}

// NewRegister returns a register without codes.
func NewRegister(s Scheme) *Register { return &Register{Scheme: s, events: map[string][]Event{}} }

// Len is how many codes were given.
func (r *Register) Len() int { return len(r.events) }

// Of returns what happened to a code, the earliest first; nil for one that was never
// given. It must not be changed.
func (r *Register) Of(code string) []Event { return r.events[code] }

// Codes lists all codes, in order.
func (r *Register) Codes() []string {
	out := make([]string, 0, len(r.events))
	for c := range r.events {
		out = append(out, c)
	}
	slices.Sort(out)
	return out
}

// At returns what holds of a code in a vintage: its last event that is no later; false
// when the code was given later, or never.
func (r *Register) At(code, vintage string) (Event, bool) {
	var last Event
	found := false
	for _, e := range r.events[code] {
		if edition.CompareVintages(e.Vintage, vintage) > 0 {
			break
		}
		last, found = e, true
	}
	return last, found
}

// add enters an event, behind those of its vintage and earlier ones.
func (r *Register) add(e Event) {
	list := r.events[e.Code]
	i := len(list)
	for i > 0 && edition.CompareVintages(list[i-1].Vintage, e.Vintage) > 0 {
		i--
	}
	r.events[e.Code] = slices.Insert(list, i, e)
}

// coded tells whether a vintage has codes.
func (r *Register) coded(vintage string) bool { return slices.Contains(r.Vintages, vintage) }

// cover notes that a vintage has codes.
func (r *Register) cover(vintage string) {
	if !r.coded(vintage) {
		r.Vintages = append(r.Vintages, vintage)
		slices.SortFunc(r.Vintages, edition.CompareVintages)
	}
}

// Highest returns the greatest number given in each 社.
func (r *Register) Highest() map[string]int {
	out := map[string]int{}
	for c := range r.events {
		if g, n, ok := r.Scheme.Split(c); ok {
			out[g] = max(out[g], n)
		}
	}
	return out
}

// Entry is a key of the register as it is stored, and its value.
type Entry struct{ Key, Value []byte }

// headKey is the key of the entry that names the scheme and the vintages; it comes before
// all codes.
const headKey = "\x00"

// Entries returns the register as it is stored, in the order of keys: a code, a zero byte
// and the number of its event, in two bytes.
func (r *Register) Entries() []Entry {
	head := appendText(nil, r.Scheme.String())
	head = appendTexts(head, r.Vintages)
	out := []Entry{{[]byte(headKey), head}}
	for _, c := range r.Codes() {
		for n, e := range r.events[c] {
			key := binary.BigEndian.AppendUint16(append([]byte(c), 0), uint16(n))
			v := append(appendText(nil, e.Vintage), byte(slices.Index(kinds, e.Kind)))
			v = appendText(binary.AppendUvarint(v, e.ID), e.BSM)
			out = append(out, Entry{key, appendTexts(v, e.Others)})
		}
	}
	return out
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func appendTexts(dst []byte, list []string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(list)))
	for _, s := range list {
		dst = appendText(dst, s)
	}
	return dst
}

// ErrRegister says that what is stored is no register of codes.
var ErrRegister = errors.New("register of codes damaged")

// ReadRegister reads what [Register.Entries] wrote. An error is [ErrRegister].
func ReadRegister(entries []Entry) (*Register, error) {
	if len(entries) == 0 || string(entries[0].Key) != headKey {
		return nil, fmt.Errorf("%w: it does not begin with its scheme", ErrRegister)
	}
	d := wire.Reader{Data: entries[0].Value}
	s, ok := ParseScheme(d.Text())
	r := NewRegister(s)
	if r.Vintages = readTexts(&d); !ok || !d.Whole() {
		return nil, fmt.Errorf("%w: its scheme", ErrRegister)
	}
	for _, e := range entries[1:] {
		if err := r.read(e); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// read takes an entry in.
func (r *Register) read(entry Entry) error {
	code, number, ok := strings.Cut(string(entry.Key), "\x00")
	d := wire.Reader{Data: entry.Value}
	e := Event{Code: code, Vintage: d.Text()}
	kind := d.Take(1)
	e.ID, e.BSM = d.Uvarint(), d.Text()
	e.Others = readTexts(&d)
	list := r.events[code]
	switch {
	case !ok || len(number) != 2 || int(binary.BigEndian.Uint16([]byte(number))) != len(list) || !d.Whole() || int(kind[0]) >= len(kinds):
	case r.Scheme.Verify(code) != nil || !r.coded(e.Vintage):
	case len(list) > 0 && edition.CompareVintages(list[len(list)-1].Vintage, e.Vintage) > 0:
	default:
		e.Kind = kinds[kind[0]]
		if e.Kind == Retired == (e.ID == 0) {
			r.events[code] = append(list, e)
			return nil
		}
	}
	return fmt.Errorf("%w: key %q", ErrRegister, entry.Key)
}

func readTexts(d *wire.Reader) []string {
	var out []string
	for range d.Count(1) {
		out = append(out, d.Text())
	}
	return out
}
