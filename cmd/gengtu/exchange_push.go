package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/index/seal"
	"gengtu/ingest/exchange"
)

// The limits of a post to a subscriber. While one is posted to, the edition's exchange
// waits: whoever is slower than leastPostRate, or does not begin to answer, has failed.
const (
	dialTimeout   = 10 * time.Second
	postTimeout   = time.Minute // and what the message takes at leastPostRate
	leastPostRate = 128 << 10   // bytes a second
	maxPostAnswer = 64 << 10
	maxTokenBytes = 8 << 10
)

// push sends what changed to those who subscribe.
func (x *exchanging) push() error {
	_, m, err := edition.Current(x.Edition)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(x.subscriptions)
	if err != nil {
		return problem.New("SUBSCRIPTIONS_FILE", "订阅文件读不出来（%v）", "the file of subscriptions cannot be read (%v)", err).In(x.subscriptions).Because(err)
	}
	p := exchange.Push{Edition: x.Edition, Outbox: x.outbox, Post: post, Now: time.Now(), Program: programVersion()}
	if p.Subscriptions, err = exchange.ParseSubscriptions(x.subscriptions, text, m.Tier); err != nil {
		return err
	}
	if p.Signer, err = seal.ReadSigner(x.Receipt, m.Tier); err != nil {
		return err
	}
	all, err := p.Run(x.ctx)
	waiting := 0
	for i := range all {
		waiting += all[i].Queued
		x.givePushed(&all[i])
		if all[i].Problem != nil {
			waiting = max(waiting, 1)
		}
	}
	if err == nil && waiting > 0 {
		err = problem.New("PUSH_WAITS", "有变化还没有送到", "some changes have not been delivered").In(x.subscriptions).
			Advise("下次运行再送；原因见上", "the next run tries again; see above why")
	}
	return err
}

// givePushed tells what became of a subscription.
func (x *exchanging) givePushed(s *exchange.Pushed) {
	switch {
	case x.json:
		if data, err := json.Marshal(s); err == nil { // texts and numbers always marshal
			x.printf("%s\n", data)
		}
	case s.Made != "" || s.Delivered > 0:
		x.printf(x.pick("%s  %s  送出 %d，待送 %d\n", "%s  %s  %d delivered, %d waiting\n"), s.Subscription, s.Made, s.Delivered, s.Queued)
	}
	if s.Problem != nil && !x.json {
		x.tell(s.Problem)
	}
}

// posting is how posts are sent: short waits, and nothing kept open between
// rounds.
var posting = &http.Transport{
	Proxy:               http.ProxyFromEnvironment,
	DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
	TLSHandshakeTimeout: dialTimeout, ExpectContinueTimeout: time.Second, DisableKeepAlives: true, ForceAttemptHTTP2: true,
	MaxResponseHeaderBytes: maxPostAnswer,
}

// post posts a message to a subscriber. Whoever answers with 2xx has it; the header
// Idempotency-Key is the message's ID, by which he knows one that comes again.
func post(ctx context.Context, to *exchange.Subscription, id, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, postTimeout+time.Duration(info.Size()/leastPostRate)*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.To, f)
	if err != nil {
		return err
	}
	req.ContentLength = info.Size()
	req.Header.Set("Content-Type", "application/x-ndjson")
	req.Header.Set("Idempotency-Key", id)
	if to.TokenFile != "" {
		token, err := readToken(to.TokenFile)
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	// Nobody is led elsewhere: the address is the one that a person wrote down.
	client := http.Client{Transport: posting, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	// What he says beside the status is of no use.
	_, cerr := io.Copy(io.Discard, io.LimitReader(res.Body, maxPostAnswer))
	if err := errors.Join(cerr, res.Body.Close()); err != nil {
		return err
	}
	if res.StatusCode/100 == 2 {
		return nil
	}
	err = fmt.Errorf("HTTP %d", res.StatusCode)
	if s, nerr := strconv.Atoi(res.Header.Get("Retry-After")); nerr == nil && s > 0 {
		return &exchange.LaterError{Wait: time.Duration(s) * time.Second, Err: err}
	}
	return err
}

func readToken(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(data))
	if token == "" || len(token) > maxTokenBytes || strings.ContainsAny(token, "\r\n") {
		return "", fmt.Errorf("%s holds no token", path)
	}
	return token, nil
}

// readChanges judges a message that came to us as a subscriber.
func (e *env) readChanges(path, trust string) error {
	if err := need("trust", trust); err != nil {
		return err
	}
	keys, err := seal.ReadTrust(trust, edition.Government)
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return problem.New("CHANGES_READ", "消息读不出来（%v）", "the message cannot be read (%v)", err).In(path).Because(err)
	}
	n, err := exchange.ReadChanges(e.ctx, path, f, keys)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if e.json {
		return json.NewEncoder(e.stdout).Encode(n)
	}
	e.printf(e.pick("%s  %s  第 %d 号，%d 行，%s → %s，签名有效\n", "%s  %s  number %d, %d lines, %s → %s, the signature is genuine\n"), n.ID, n.Subscription, n.Sequence, n.Lines, n.Since, n.Generation)
	return nil
}
