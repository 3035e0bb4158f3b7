package exchange

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/index/seal"
)

// ChangesFormat is the form of messages to subscribers: a file of lines, each a JSON
// value. The first is the [Notice], the second its signature for the purpose
// [seal.Changes] over the first line without its line break, the rest the changes,
// whose digest the notice has.
const ChangesFormat = "gengtu-changes/1"

// ChangesEnding is how the names of messages end.
const ChangesEnding = ".gtc"

// Notice says what a message holds. It is what is signed.
type Notice struct {
	Format       string `json:"format"`
	ID           string `json:"id"`
	Subscription string `json:"subscription"`
	// Sequence counts the messages of a subscription, from 1.
	Sequence int64        `json:"seq"`
	Previous string       `json:"prev_id"`
	Sender   Party        `json:"sender"`
	Tier     edition.Tier `json:"tier"`
	Layer    string       `json:"layer,omitempty"`
	Question []string     `json:"question,omitempty"`
	Place    string       `json:"place,omitempty"`
	// Since is the generation that the changes start from; "" when the message holds
	// everything, and what the receiver has is to be dropped.
	Since      string `json:"since"`
	Generation string `json:"generation"`
	Lines      int    `json:"lines"`
	Bytes      int64  `json:"bytes"`
	// Digest is the SHA-256 of the lines after the signature.
	Digest string `json:"digest"`
}

// The limits of the queue of a subscription. When it is full nothing is lost: the next
// message that is made holds what changed meanwhile together.
const (
	maxQueued      = 100
	maxQueuedBytes = 1 << 30
)

const (
	pushFile = "push.json" // by subscription, what was made last
	queueDir = "queue"     // messages that were not delivered yet, by subscription
)

// pushed is where a subscription is.
type pushed struct {
	Sequence   int64  `json:"seq"`
	ID         string `json:"id"`
	Generation string `json:"generation"`
	// Tries counts how often the first of the queue was posted in vain, After is when
	// to try again.
	Tries int       `json:"tries,omitempty"`
	After time.Time `json:"after,omitzero"`
}

// Push sends each generation's difference to subscribers.
type Push struct {
	Edition       string
	Subscriptions []Subscription
	Signer        seal.Signer
	// Program names this program in answers.
	Program string
	// Outbox is the folder of those who have no address.
	Outbox string
	// Post posts a message, of which no second one with the same ID counts. An error
	// [LaterError] says when to try again.
	Post func(ctx context.Context, to *Subscription, id, path string) error
	Now  time.Time
}

// LaterError is an error after which to wait so long, at least.
type LaterError struct {
	Wait time.Duration
	Err  error
}

func (e *LaterError) Error() string { return e.Err.Error() }
func (e *LaterError) Unwrap() error { return e.Err }

// Pushed is what became of a subscription in a run.
type Pushed struct {
	Subscription string `json:"subscription"`
	// Made is the ID of a new message, "" when nothing changed.
	Made string `json:"made,omitempty"`
	// Delivered counts those that went out, Queued those that wait.
	Delivered int `json:"delivered"`
	Queued    int `json:"queued"`
	// Problem is why some wait.
	Problem *problem.Problem `json:"problem,omitempty"`
}

// Run makes the messages of what changed since each subscription's last one and delivers
// what is in the queues, in order. It can be stopped at any moment: a message is in the
// queue before it is noted, and is taken out after it was delivered; so it may go out
// twice, as the same file with the same ID, and never not at all. Whoever cannot be
// reached holds up nobody else.
func (p *Push) Run(ctx context.Context) ([]Pushed, error) {
	s, err := openStore(p.Edition)
	if err != nil {
		return nil, err
	}
	defer s.close()
	state := map[string]pushed{}
	if err := s.read(pushFile, &state); err != nil {
		return nil, err
	}
	name, m, err := edition.Current(p.Edition)
	if err != nil {
		return nil, err
	}
	out := []Pushed{}
	withheld, err := p.begin(ctx, state, name)
	if err != nil {
		return out, err
	}
	for i := range p.Subscriptions {
		if name := p.Subscriptions[i].Name; withheld[name] != nil {
			out = append(out, Pushed{Subscription: name, Problem: withheld[name]})
			continue
		}
		r := &pushing{Push: p, store: s, sub: &p.Subscriptions[i], state: state, tier: m.Tier}
		x, err := r.run(ctx, name)
		if err != nil {
			return out, err
		}
		out = append(out, *x)
	}
	return out, nil
}

// begin holds those of whom nothing is known yet against the edition; one that asks for
// what is not there ends the run with its line before anything is sent. Those that the
// policy does not answer are returned, and hold up nobody else.
func (p *Push) begin(ctx context.Context, state map[string]pushed, generation string) (map[string]*problem.Problem, error) {
	withheld := map[string]*problem.Problem{}
	var s *states
	for i := range p.Subscriptions {
		sub := &p.Subscriptions[i]
		if _, known := state[sub.Name]; known {
			continue
		}
		if s == nil {
			var err error
			if s, err = openStates(p.Edition, "", generation); err != nil {
				return nil, err
			}
			defer s.close()
		}
		if err := s.begins(ctx, sub); err != nil {
			p := problem.Of(err)
			if p == nil || p.Code != "POLICY" {
				return nil, err
			}
			withheld[sub.Name] = p
		}
	}
	return withheld, nil
}

// pushing is the work for one subscription.
type pushing struct {
	*Push
	store *store
	sub   *Subscription
	state map[string]pushed
	tier  edition.Tier
}

func (r *pushing) dir() string { return filepath.Join(r.store.dir, queueDir, r.sub.Name) }

// run makes a message if there is something to say, and delivers the queue.
func (r *pushing) run(ctx context.Context, generation string) (*Pushed, error) {
	x := &Pushed{Subscription: r.sub.Name}
	if err := os.MkdirAll(r.dir(), 0o700); err != nil {
		return nil, r.store.unwritable(err)
	}
	queue, size, err := r.queue()
	if err != nil {
		return nil, err
	}
	last, known := r.state[r.sub.Name]
	switch {
	case !known && r.sub.Begin != beginWhole:
		if err := r.keep(pushed{Generation: generation}); err != nil {
			return nil, err
		}
	case known && last.Generation == generation:
	case len(queue) >= maxQueued || size >= maxQueuedBytes:
		x.Problem = problem.New("PUSH_QUEUE", "%s 有 %d 件没送出，暂不生成新的", "%s has %d messages that wait, no more is made for now", r.sub.Name, len(queue)).
			Advise("送通后变化会合在一件里；保留的代要够（--keep）", "what changes meanwhile goes in one message; keep enough generations (--keep)")
	default:
		if x.Made, err = r.make(ctx, last, generation); err != nil {
			if problem.Of(err) == nil || ctx.Err() != nil {
				return nil, err
			}
			x.Problem = problem.Of(err) // of this subscription alone: others go on
			return x, nil
		}
		if queue, _, err = r.queue(); err != nil {
			return nil, err
		}
	}
	return x, r.deliver(ctx, queue, x)
}

// keep notes where the subscription is.
func (r *pushing) keep(p pushed) error {
	r.state[r.sub.Name] = p
	return r.store.write(pushFile, r.state)
}

// queue lists the messages that wait, the oldest first, and drops one that was made but
// not noted.
func (r *pushing) queue() (files []string, bytes int64, err error) {
	all, err := os.ReadDir(r.dir())
	if err != nil {
		return nil, 0, r.store.unwritable(err)
	}
	for _, e := range all {
		path := filepath.Join(r.dir(), e.Name())
		var seq int64
		if _, err := fmt.Sscanf(e.Name(), "%09d"+ChangesEnding, &seq); err != nil || seq > r.state[r.sub.Name].Sequence {
			if err := os.Remove(path); err != nil {
				return nil, 0, r.store.unwritable(err)
			}
			continue
		}
		if info, err := e.Info(); err == nil {
			bytes += info.Size()
		}
		files = append(files, path)
	}
	slices.Sort(files)
	return files, bytes, nil
}

// make writes the message of what changed; "" when nothing did.
func (r *pushing) make(ctx context.Context, last pushed, generation string) (string, error) {
	s, err := openStates(r.Edition, last.Generation, generation)
	if err != nil {
		return "", err
	}
	defer s.close()
	s.program = r.Program
	if s.then != nil { // else all that there is goes out, and what the receiver has is dropped
		if err := s.has(r.sub); err != nil {
			return "", err
		}
	}
	body, err := os.CreateTemp(r.dir(), newFiles)
	if err != nil {
		return "", r.store.unwritable(err)
	}
	defer func() { _ = errors.Join(body.Close(), os.Remove(body.Name())) }() // of no use to anybody
	h := sha256.New()
	w := bufio.NewWriter(io.MultiWriter(body, h))
	lines, err := s.write(ctx, r.sub, w)
	if err == nil {
		if err = w.Flush(); err != nil {
			err = r.store.unwritable(err)
		}
	}
	if err != nil {
		return "", err
	}
	next := pushed{Sequence: last.Sequence, ID: last.ID, Generation: generation, Tries: last.Tries, After: last.After}
	if lines == 0 && s.then != nil {
		return "", r.keep(next)
	}
	size, err := body.Seek(0, io.SeekEnd)
	if err != nil {
		return "", r.store.unwritable(err)
	}
	key := r.Signer.Public()
	n := Notice{
		Format: ChangesFormat, Subscription: r.sub.Name, Sequence: last.Sequence + 1, Previous: last.ID, Sender: Party{key.Name, key.ID()}, Tier: r.tier,
		Layer: r.sub.Layer, Question: r.sub.Question, Place: r.sub.Place, Generation: generation, Lines: lines, Bytes: size, Digest: fmt.Sprintf("%x", h.Sum(nil)),
	}
	if s.then != nil {
		n.Since = last.Generation
	}
	n.ID = n.name()
	if err := r.stage(ctx, &n, body); err != nil {
		return "", err
	}
	next.Sequence, next.ID = n.Sequence, n.ID
	return n.ID, errors.Join(r.keep(next), r.store.log(entry{Step: "pushed", Package: n.ID, File: r.sub.Name, Outcome: "done", At: r.Now.UTC().Format(time.RFC3339)}))
}

// name is the message's ID: the same for the same changes of the same subscription.
func (n *Notice) name() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%d\n%s\n%s\n%s\n", n.Sender.Key, n.Subscription, n.Sequence, n.Since, n.Generation, n.Digest))
	return fmt.Sprintf("gtc-%s-%06d-%x", n.Subscription, n.Sequence, sum[:8])
}

// stage puts a message into the queue, whole.
func (r *pushing) stage(ctx context.Context, n *Notice, body io.ReadSeeker) error {
	head, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("notice: %w", err)
	}
	signature, err := seal.Sign(ctx, r.Signer, seal.Changes, head)
	if err != nil {
		return err
	}
	second, err := json.Marshal(signature)
	if err != nil {
		return fmt.Errorf("signature: %w", err)
	}
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return r.store.unwritable(err)
	}
	all := io.MultiReader(bytes.NewReader(head), strings.NewReader("\n"), bytes.NewReader(second), strings.NewReader("\n"), body)
	if err := copyWhole(filepath.Join(r.dir(), fmt.Sprintf("%09d%s", n.Sequence, ChangesEnding)), all); err != nil {
		return r.store.unwritable(err)
	}
	return nil
}

// copyWhole writes a file beside path, sees it on disk and puts it in place.
func copyWhole(path string, from io.Reader) error {
	f, err := os.CreateTemp(filepath.Dir(path), newFiles)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// The waits between tries double from the first to the last.
const (
	firstWait = time.Minute
	lastWait  = time.Hour
)

// deliver takes the queue out, in order, until one cannot be delivered.
func (r *pushing) deliver(ctx context.Context, queue []string, x *Pushed) error {
	for i, path := range queue {
		x.Queued = len(queue) - i
		at := r.state[r.sub.Name]
		if r.Now.Before(at.After) {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.send(ctx, path); err != nil {
			if ctx.Err() != nil || !r.sub.Posts() {
				return err
			}
			wait := min(firstWait<<min(at.Tries, 10), lastWait)
			var later *LaterError
			if errors.As(err, &later) {
				wait = max(wait, min(later.Wait, 24*lastWait))
			}
			at.Tries, at.After = at.Tries+1, r.Now.Add(wait)
			x.Problem = problem.New("PUSH_FAILED", "%s 没送到（第 %d 次，%v），%s 后再试", "%s was not reached (try %d, %v), again in %s", r.sub.Name, at.Tries, err, wait).In(r.sub.To)
			return r.keep(at)
		}
		if err := os.Remove(path); err != nil {
			return r.store.unwritable(err)
		}
		if at.Tries > 0 {
			at.Tries, at.After = 0, time.Time{}
			if err := r.keep(at); err != nil {
				return err
			}
		}
		x.Delivered++
	}
	x.Queued = 0
	return nil
}

// send delivers one message.
func (r *pushing) send(ctx context.Context, path string) error {
	n, err := noticeOf(path)
	if err != nil {
		return r.store.unwritable(err)
	}
	if r.sub.Posts() {
		return r.Post(ctx, r.sub, n.ID, path)
	}
	if r.Outbox == "" {
		return problem.New("OUTBOX", "%s 要写到发件目录，没有给 --outbox", "%s goes to the outbox, and --outbox is missing", r.sub.Name)
	}
	f, err := os.Open(path)
	if err != nil {
		return r.store.unwritable(err)
	}
	if err := errors.Join(copyWhole(filepath.Join(r.Outbox, n.ID+ChangesEnding), f), f.Close()); err != nil {
		return unsent(r.Outbox, err)
	}
	return nil
}

// maxNoticeBytes is how long the first two lines of a message may be, each.
const maxNoticeBytes = 64 << 10

// noticeOf reads the first line of a message of ours.
func noticeOf(path string) (*Notice, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	first, err := bufio.NewReaderSize(f, maxNoticeBytes).ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	n := &Notice{}
	return n, json.Unmarshal(first, n)
}

// ReadChanges reads a message whole and returns its notice when a trusted key signed it
// and its lines are as they were sent. The path is for messages. Problems:
// CHANGES_BROKEN and those of [seal.Verify].
func ReadChanges(ctx context.Context, path string, from io.Reader, trust seal.Trust) (*Notice, error) {
	broken := func(zh, en string) error {
		return problem.New("CHANGES_BROKEN", "消息不完整：%[1]s", "the message is not whole: %[2]s", zh, en).In(path).Advise("请对方重发", "have it sent again")
	}
	r := bufio.NewReaderSize(from, maxNoticeBytes)
	var head [2][]byte
	for i := range head {
		b, err := r.ReadSlice('\n')
		if err != nil {
			return nil, broken("前两行不完整", "its first two lines are not whole")
		}
		head[i] = bytes.Clone(b[:len(b)-1])
	}
	var s seal.Signature
	n := &Notice{}
	if json.Unmarshal(head[1], &s) != nil {
		return nil, broken("签名读不懂", "its signature cannot be read")
	}
	if _, err := seal.Verify(ctx, trust, seal.Changes, head[0], s); err != nil {
		return nil, inPackage(err, path)
	}
	if json.Unmarshal(head[0], n) != nil || n.Format != ChangesFormat || n.Sender.Key != s.Key {
		return nil, broken("首行读不懂", "its first line cannot be read")
	}
	h := sha256.New()
	size, err := io.Copy(h, io.LimitReader(r, n.Bytes+1))
	if err != nil {
		return nil, err
	}
	if size != n.Bytes || fmt.Sprintf("%x", h.Sum(nil)) != n.Digest {
		return nil, broken("内容与签名的摘要不符", "its lines are not those that were signed")
	}
	return n, nil
}
