package exchange

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"gengtu/index"
	"gengtu/index/areas"
	"gengtu/index/compare"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/index/setting"
)

// Subscription is who wants to hear of what: the features of a layer, or the answer to
// a question, in a place. It lies in a file that a person edits.
type Subscription struct {
	// Name is [a-z0-9-], and names the sequence of messages.
	Name string `yaml:"name"`
	// Layer is the layer whose changed features are sent; every vintage of it.
	Layer string `yaml:"layer"`
	// Question are the layers of an overlay whose answer is sent when it has changed.
	Question []string `yaml:"question"`
	// Place is a code: a layer's features whose own code begins with it, all for "";
	// of a question the place that is asked about.
	Place string `yaml:"place"`
	// To is "outbox", or the address that messages are posted to.
	To string `yaml:"to"`
	// TokenFile holds what a post is authorised with, as a Bearer token.
	TokenFile string `yaml:"token_file"`
	// Begin is "now" (what is there already is not sent) or "whole".
	Begin string `yaml:"begin"`

	file *setting.File // that it was read from, nil for none
	line int
}

// The targets and beginnings of subscriptions.
const (
	toOutbox   = "outbox"
	beginNow   = "now"
	beginWhole = "whole"
)

// Posts tells whether messages are posted, and not put into the outbox.
func (s *Subscription) Posts() bool { return s.To != toOutbox }

// The limits of a file of subscriptions.
const (
	maxSubscriptions      = 1000
	maxSubscriptionsBytes = 1 << 20
)

var subscriptionsKind = setting.Kind{
	Code: "SUBSCRIPTIONS_FILE", MaxBytes: maxSubscriptionsBytes,
	AdviceZh: "例：subscriptions: [{name: nyj, layer: cropland, place: \"610402\", to: outbox}]", AdviceEn: "an example is subscriptions: [{name: ag, layer: cropland, place: \"610402\", to: outbox}]",
}

var (
	nameForm  = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)
	placeForm = regexp.MustCompile(`^([0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{9}|[0-9]{12}|[0-9]{14})?$`)
)

// ParseSubscriptions reads a file of subscriptions to an edition of the tier. From a
// secure edition nothing is posted, and tokens are not posted in the clear beyond this
// machine. The path is for messages. What makes no sense is a problem
// SUBSCRIPTIONS_FILE with the line.
func ParseSubscriptions(path string, data []byte, tier edition.Tier) ([]Subscription, error) {
	var file struct {
		Subscriptions []Subscription `yaml:"subscriptions"`
	}
	f, err := subscriptionsKind.Read(path, data, &file)
	if err != nil {
		return nil, err
	}
	all := file.Subscriptions
	if len(all) > maxSubscriptions {
		return nil, f.Problem(0, "订阅超过 %d 个", "more than %d subscriptions", maxSubscriptions)
	}
	for i := range all {
		s := &all[i]
		line := f.Line("subscriptions", fmt.Sprint(i))
		switch {
		case !nameForm.MatchString(s.Name) || slices.ContainsFunc(all[:i], func(o Subscription) bool { return o.Name == s.Name }):
			return nil, f.Problem(line, "名称 %.40q 不是小写字母、数字和 -，或重名", "the name %.40q is not of a-z, 0-9 and -, or stands twice", s.Name)
		case (s.Layer == "") == (len(s.Question) == 0):
			return nil, f.Problem(line, "%s 要么写 layer，要么写 question", "%s has either a layer or a question", s.Name)
		case !placeForm.MatchString(s.Place) || len(s.Question) > 0 && s.Place == "":
			return nil, f.Problem(line, "%s 的 place 不是政区代码（question 必须有）", "the place of %s is no code (a question needs one)", s.Name)
		case s.Begin != "" && s.Begin != beginNow && s.Begin != beginWhole:
			return nil, f.Problem(line, "%s 的 begin 应为 now 或 whole", "begin of %s is now or whole", s.Name)
		}
		s.file, s.line = f, line
		if s.To == "" {
			s.To = toOutbox
		}
		if s.Posts() {
			if tier == edition.Secure {
				return nil, f.Problem(line, "%s：涉密版不联网推送，只能 to: outbox", "%s: nothing is posted from a secure edition, only to: outbox will do", s.Name)
			}
			if !safeAddress(s.To) {
				return nil, f.Problem(line, "%s 的地址应是 https://…（本机可用 http）", "the address of %s is https://… (http on this machine alone)", s.Name)
			}
		}
	}
	return all, nil
}

// safeAddress tells whether messages may be posted to an address.
func safeAddress(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

// line is one line of a message's content.
type line struct {
	// Op is put, delete or answer.
	Op      string `json:"op"`
	Layer   string `json:"layer,omitempty"`
	Vintage string `json:"vintage,omitempty"`
	ID      uint64 `json:"id,omitempty"`
	Key     string `json:"key,omitempty"`
	// Feature is a GeoJSON Feature, in longitude and latitude (EPSG:4490).
	Feature json.RawMessage `json:"feature,omitempty"`
	// Before and After are overlay answers; Before is null in a first message.
	Before *areas.Answer `json:"before,omitempty"`
	After  *areas.Answer `json:"after,omitempty"`
}

// states are two generations of an edition; then is nil where all is new.
type states struct {
	then, now *index.Index
	program   string // names this program in answers
}

// openStates opens the generations. One that is not kept any more is nil.
func openStates(dir, since, name string) (*states, error) {
	s := &states{}
	if since != "" {
		if _, err := os.Stat(edition.Path(dir, since)); err == nil {
			if s.then, err = index.Open(dir, since); err != nil {
				return nil, err
			}
		}
	}
	var err error
	if s.now, err = index.Open(dir, name); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *states) close() {
	for _, ix := range []*index.Index{s.then, s.now} {
		if ix != nil {
			_ = ix.Close() // only read
		}
	}
}

// write writes what a subscription has to hear, and returns how many lines that is.
func (s *states) write(ctx context.Context, sub *Subscription, w *bufio.Writer) (int, error) {
	if sub.Layer == "" {
		return s.writeAnswer(ctx, sub, w)
	}
	if err := s.single(sub); err != nil {
		return 0, err
	}
	lines := 0
	for _, v := range s.vintages(sub.Layer) {
		n, err := s.writeLayer(ctx, sub, v, w)
		if lines += n; err != nil {
			return lines, err
		}
	}
	return lines, nil
}

// vintages are those that either state has of a layer.
func (s *states) vintages(layer string) []string {
	out := slices.Clone(s.now.Vintages(layer))
	if s.then != nil {
		out = append(out, s.then.Vintages(layer)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// writeLayer writes the changes of a layer in one vintage. A feature that has left the
// place is deleted, for the one who knows nothing but the place.
func (s *states) writeLayer(ctx context.Context, sub *Subscription, vintage string, w *bufio.Writer) (int, error) {
	var from *index.Layer
	if s.then != nil {
		from = s.then.Layer(sub.Layer, vintage)
	}
	to := s.now.Layer(sub.Layer, vintage)
	lines := 0
	for c := index.NewChanges(from, to, 0); c.Step(); {
		if err := ctx.Err(); err != nil {
			return lines, err
		}
		at, differs, err := c.At()
		if err != nil {
			return lines, err
		}
		was := at.From >= 0 && strings.HasPrefix(from.Head(at.From).Place, sub.Place)
		is := at.To >= 0 && strings.HasPrefix(to.Head(at.To).Place, sub.Place)
		if !differs || !was && !is {
			continue
		}
		x := line{Op: "delete", Layer: sub.Layer, Vintage: vintage, ID: at.ID}
		l, i := from, at.From
		if is {
			x.Op, l, i = "put", to, at.To
		}
		f, err := l.Feature(i)
		if err != nil {
			return lines, err
		}
		x.Key = compare.Key(l.Meta, &f)
		if is {
			if x.Feature, err = feature(l.Meta, &f); err != nil {
				return lines, err
			}
		}
		if err := writeLine(w, &x); err != nil {
			return lines, err
		}
		lines++
	}
	return lines, nil
}

// feature is f as a GeoJSON Feature (RFC 7946).
func feature(l *edition.Layer, f *index.Feature) (json.RawMessage, error) {
	values := map[string]any{}
	for i, m := range l.Fields {
		v := f.Values[i]
		if x, ok := v.(float64); ok && (math.IsNaN(x) || math.IsInf(x, 0)) {
			v = nil // JSON has no word for it
		}
		values[m.Name] = v
	}
	return json.Marshal(struct {
		Type       string          `json:"type"`
		ID         uint64          `json:"id"`
		Geometry   json.RawMessage `json:"geometry"`
		Properties map[string]any  `json:"properties"`
	}{"Feature", f.ID, geo.AppendGeoJSON(nil, f.Geometry), values})
}

// writeAnswer writes the answer to a question where it has changed.
func (s *states) writeAnswer(ctx context.Context, sub *Subscription, w *bufio.Writer) (int, error) {
	x := line{Op: "answer"}
	var err error
	if s.then != nil {
		if x.Before, err = s.ask(ctx, s.then, sub); err != nil {
			return 0, err
		}
	}
	if x.After, err = s.ask(ctx, s.now, sub); err != nil {
		return 0, err
	}
	if x.Before != nil {
		before := *x.Before
		before.Generation = x.After.Generation
		a, err := json.Marshal(before)
		if err != nil {
			return 0, err
		}
		b, err := json.Marshal(x.After)
		if err != nil || string(a) == string(b) {
			return 0, err
		}
	}
	return 1, writeLine(w, &x)
}

// ask answers a question in one state, within the policy's bounds.
func (s *states) ask(ctx context.Context, ix *index.Index, sub *Subscription) (*areas.Answer, error) {
	shape, err := areas.Place(ctx, ix, sub.Place, "")
	if err != nil {
		return nil, err
	}
	p := &ix.Manifest.Policy
	if !p.MayAnswer("overlay") {
		return nil, problem.New("POLICY", "本版不提供 overlay，%s 不能订阅", "this edition does not answer overlay, which %s subscribes to", sub.Name)
	}
	a, err := areas.Ask(ctx, ix, areas.Question{Shape: shape, Layers: sub.Question, Combinations: !p.TotalsOnly})
	if err != nil {
		return nil, err
	}
	if p.MaxAOIM2 > 0 && a.AOI.AreaM2 > p.MaxAOIM2 || a.AOI.AreaM2 < p.MinAOIM2 {
		return nil, problem.New("POLICY", "%s 问的范围有 %.0f 平方米，策略不许", "%s asks about %.0f m², which the policy does not allow", sub.Name, a.AOI.AreaM2).
			Advise("换一个 place", "choose another place")
	}
	a.Program = s.program
	return a, nil
}

func writeLine(w *bufio.Writer, x *line) error {
	data, err := json.Marshal(x)
	if err != nil {
		return fmt.Errorf("a line of changes: %w", err)
	}
	_, err = w.Write(append(data, '\n'))
	return err
}
