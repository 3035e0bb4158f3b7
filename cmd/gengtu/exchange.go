package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"gengtu/index/problem"
	"gengtu/ingest/exchange"
)

const (
	// settling is how long a file must have lain still in an inbox.
	settling = 2 * time.Second
	// longestPause is the longest between two rounds that fail by a fault of ours.
	longestPause = time.Minute
)

func runExchange(e *env, fs *flags) error {
	x := &exchanging{env: e}
	x.define(fs)
	fs.StringVar(&x.inbox, "inbox", "", "收件目录：闸机或人放入包和回执|the folder that packages and receipts come in by")
	fs.StringVar(&x.outbox, "outbox", "", "发件目录：回执和订阅的变化放在这里|the folder that receipts and changes for subscribers go out by")
	watch := fs.Bool("watch", false, "一直等新的，直到中断|wait for more until interrupted")
	every := fs.Duration("every", 5*time.Second, "多久看一次|how often to look")
	var editions list
	fs.Var(&editions, "edition", "版本目录；status 可给多个|the edition's directory; status takes several")
	file := fs.String("list", "", "status：汇交清单（gengtu exchange list 打印样本）|status: the list of deliveries (gengtu exchange list prints one)")
	day := fs.String("as-of", "", "status：截至哪天，默认今天|status: the day, today by default")
	kept := fs.String("kept", "", "verify：另存的末行散列，查末尾是否被截|verify: the hash of the last line that was kept, to find an end that was cut off")
	fs.StringVar(&x.subscriptions, "subscriptions", "", "订阅文件：变化签名后发给谁|the file of subscriptions: who is sent what changed, signed by --key")
	args, err := fs.parse(0, 2)
	if err != nil {
		return err
	}
	if len(args) == 2 && args[0] == "read" {
		return e.readChanges(args[1], x.Trust)
	}
	if len(args) == 2 {
		return usage("ARGUMENTS", "exchange %s 不带 %q；清单用 --list 给出", "exchange %s takes no %q; a list is given by --list", args[0], args[1])
	}
	if len(args) > 0 {
		switch args[0] {
		case "status":
			return e.exchangeStatus(editions, *file, *day)
		case "verify":
			return e.verifyExchange(editions, *kept)
		case "list":
			e.printf("%s", exchange.SharingText())
			return nil
		}
		return usage("COMMAND_UNKNOWN", "exchange 没有 %q", "exchange has no %q", args[0])
	}
	if len(editions) != 1 {
		return usage("FLAG_MISSING", "要一个 --edition", "one --edition is needed")
	}
	x.Edition = editions[0]
	if x.inbox == "" && x.outbox == "" && x.subscriptions == "" {
		return usage("FLAG_MISSING", "缺少 --inbox、--outbox 或 --subscriptions", "--inbox, --outbox or --subscriptions is missing")
	}
	if x.subscriptions != "" {
		if err := need("key", x.Receipt); err != nil {
			return err
		}
	}
	if x.inbox != "" {
		if err := x.settle(); err != nil {
			return err
		}
	}
	x.told = map[string]bool{}
	if !*watch {
		if err := x.letSettle(); err != nil {
			return err
		}
		return x.round()
	}
	if *every < time.Second {
		return usage("FLAGS", "--every 至少 1s", "--every is at least 1s")
	}
	return x.watch(*every)
}

// verifyExchange goes through the log of what an edition sent and took in.
func (e *env) verifyExchange(editions []string, kept string) error {
	if len(editions) != 1 {
		return usage("FLAG_MISSING", "要一个 --edition", "one --edition is needed")
	}
	sum, err := exchange.VerifyLog(editions[0], kept)
	if err != nil {
		return err
	}
	if e.json {
		return json.NewEncoder(e.stdout).Encode(sum)
	}
	e.printf(e.pick("%d 行，%s 至 %s，末行散列 %s\n", "%d lines, %s to %s, hash of the last line %s\n"), sum.Lines, cmp.Or(sum.First, "-"), cmp.Or(sum.Last, "-"), cmp.Or(sum.Hash, "-"))
	e.printf("%s\n", e.pick("完整；另存末行散列，以后用 --kept 查末尾", "whole; keep that hash elsewhere, and give it with --kept to find an end that was cut off"))
	return nil
}

// exchanging is the work of a gate's two folders.
type exchanging struct {
	*env
	receiving
	inbox, outbox, subscriptions string
	told                         map[string]bool // what was told of files that stay
}

// letSettle waits once for what was put into the inbox a moment ago, which may still be
// being written.
func (x *exchanging) letSettle() error {
	if x.inbox == "" {
		return nil
	}
	waits, err := x.box().List()
	if err != nil || len(waits.Growing) == 0 {
		return err
	}
	return x.pause(settling)
}

// pause waits, or returns what ended the program.
func (x *exchanging) pause(d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-x.ctx.Done():
		return x.ctx.Err()
	case <-t.C:
		return nil
	}
}

// watch does a round after the other until the program is interrupted. What goes wrong
// in one is told and tried again in the next; while it is a fault of ours, which every
// round would log, rounds are farther and farther apart.
func (x *exchanging) watch(every time.Duration) error {
	for wait := every; ; {
		err := x.round()
		if err != nil && x.ctx.Err() == nil {
			x.tell(err)
		}
		if p := problem.Of(err); err == nil || p != nil && (p.Code == "EXCHANGE_REFUSED" || p.Code == "PUSH_WAITS") {
			wait = every
		} else {
			wait = max(every, min(2*wait, longestPause))
		}
		if x.pause(wait) != nil {
			return nil //nolint:nilerr // it was asked to end, and has ended
		}
	}
}

// tell prints an error that ends nothing.
func (x *exchanging) tell(err error) {
	if p := problem.Of(err); p != nil {
		x.notef("gengtu: exchange: %s\n", p.Text(x.lang))
		return
	}
	x.notef("gengtu: exchange: %v\n", err)
}

// round takes in what waits in the inbox and sends what is to go out. Packages that are
// refused do not end it; the error says how many there were.
func (x *exchanging) round() error {
	refused := 0
	if x.inbox != "" {
		n, err := x.takeAll()
		if err != nil {
			return err
		}
		refused = n
	}
	if x.outbox != "" {
		names, unsigned, err := exchange.SendReceipts(x.Edition, x.outbox)
		for _, name := range unsigned {
			x.tellOnce(name, "回执 %s 没有签名，不发出；收包时用 --key 签名\n", "the receipt %s is not signed and is not sent: sign receipts with --key when packages are taken in\n")
		}
		for _, name := range names {
			x.notef(x.pick("已发出 %s\n", "sent %s\n"), name)
		}
		if err != nil {
			return err
		}
	}
	if x.subscriptions != "" {
		if err := x.push(); err != nil {
			return err
		}
	}
	if refused > 0 {
		return problem.New("EXCHANGE_REFUSED", "拒收 %d 件，已隔离", "%d were refused and are in quarantine", refused).In(x.inbox).
			Advise("原因在 EDITION/exchange/log.jsonl", "EDITION/exchange/log.jsonl says why")
	}
	return nil
}

// box is the inbox as it is now.
func (x *exchanging) box() *exchange.Inbox {
	return &exchange.Inbox{
		Dir: x.inbox, Settled: settling, Edition: x.Edition, Trust: x.Trust, Level: x.Level,
		Quarantine: x.Quarantine, QuarantineBytes: x.QuarantineBytes, Now: time.Now(),
	}
}

// takeAll takes in what waits in the inbox and counts what was refused.
func (x *exchanging) takeAll() (refused int, err error) {
	b := x.box()
	waits, err := b.List()
	if err != nil {
		return 0, err
	}
	for _, path := range append(waits.Packages, waits.Receipts...) {
		if err := x.ctx.Err(); err != nil {
			return refused, err
		}
		b.Now = time.Now()
		switch err := x.take(b, path); {
		case err == nil:
		case exchange.Refused(err):
			refused++
			x.tell(err)
		default:
			return refused, err
		}
	}
	for _, name := range waits.Others {
		x.tellOnce(name, "%s 既不是包也不是回执，没有动它\n", "%s is neither a package nor a receipt, and stays\n")
	}
	for _, name := range waits.Growing {
		x.tellOnce(name, "%s 还在写入，下次再看\n", "%s is still being written, and stays until the next round\n")
	}
	return refused, nil
}

// tellOnce tells of a file that stays in the inbox, not again in each round.
func (x *exchanging) tellOnce(name, zh, en string) {
	if len(x.told) < maxTold && !x.told[name+en] {
		x.told[name+en] = true
		x.notef(x.pick(zh, en), name)
	}
}

// maxTold is how many files that stay are told of.
const maxTold = 10_000

// take takes in a package or a receipt.
func (x *exchanging) take(b *exchange.Inbox, path string) error {
	if waitsAsReceipt(path) {
		c, err := b.TakeReceipt(x.ctx, path)
		if err != nil {
			return err
		}
		if c.Package == "" {
			x.notef(x.pick("回执：SHA-256 为 %s 的文件被拒收，对方读不出是哪个包（%.40q：%.200q）\n", "receipt of a file with the SHA-256 %s, which was refused and whose package could not be told (%.40q: %.200q)\n"), c.File, c.Code, c.Text)
			return nil
		}
		x.notef(x.pick("回执 %s：%s\n", "receipt of %s: %s\n"), c.Package, c.Outcome)
		return nil
	}
	f := x.receiving
	f.Package, f.Now = path, b.Now
	f.building.stages = &stages{}
	t, err := x.takePackage(&f, exchange.ByOne)
	if err != nil {
		if exchange.Refused(err) {
			return errors.Join(err, b.Done(path))
		}
		return err
	}
	return errors.Join(x.giveTaken(&f, t), b.Done(path))
}

// waitsAsReceipt tells receipts from packages by their names.
func waitsAsReceipt(path string) bool {
	return len(path) < len(exchange.Ending) || path[len(path)-len(exchange.Ending):] != exchange.Ending
}

// exchangeStatus prints who owes which delivery.
func (e *env) exchangeStatus(editions []string, file, day string) error {
	var text []byte
	if file != "" {
		var err error
		if text, err = os.ReadFile(file); err != nil {
			return problem.New("SHARING_FILE", "清单读不出来（%v）", "the list cannot be read (%v)", err).In(file).Because(err)
		}
	}
	s, err := exchange.ParseSharing(file, text)
	if err != nil {
		return err
	}
	now := time.Now()
	if day != "" {
		d, err := exchange.ParseDay(day)
		if err != nil {
			return usage("FLAGS", "--as-of 写的是 %q，应如 2026-01-31", "--as-of says %q; write 2026-01-31", day)
		}
		now = s.Noon(d)
	}
	var events []exchange.Event
	for _, dir := range editions {
		more, err := exchange.Events(dir)
		if err != nil {
			return err
		}
		events = append(events, more...)
	}
	status := s.Track(now, events)
	if e.json {
		enc := json.NewEncoder(e.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(status)
	}
	if len(status.Dues) == 0 {
		e.notef("%s", e.pick("清单里没有应汇交的（deliveries 为空）；gengtu exchange list 打印一份带样例的清单，改好后用 --list FILE 给出\n", "the list has no deliveries; gengtu exchange list prints one with examples: put yours in their place and give it with --list FILE\n"))
		return nil
	}
	e.printStatus(status)
	return nil
}

// printStatus prints a table: one line for each delivery, then one for each unit.
func (e *env) printStatus(s *exchange.Status) {
	words := map[exchange.Progress]string{
		exchange.NotDue: "未到期", exchange.DueSoon: "即将到期", exchange.OnTime: "按时", exchange.Late: "逾期送达", exchange.Missing: "逾期未交",
	}
	e.printf("%s %s\n", e.pick("截至", "as of"), s.AsOf)
	e.printf("%-24s  %-16s  %-10s  %-10s  %-10s  %-9s  %4s  %s\n", e.pick("条目", "item"), e.pick("单位", "unit"), e.pick("启用", "effective"),
		e.pick("期限", "due"), e.pick("收到", "received"), e.pick("状态", "state"), e.pick("逾期", "late"), e.pick("包", "package"))
	for _, d := range s.Dues {
		came, state := "-", string(d.State)
		if d.Received != nil {
			came = d.Received.String()
		}
		if e.lang == problem.Chinese {
			state = words[d.State]
		}
		e.printf("%-24s  %-16s  %s  %s  %-10s  %-9s  %4d  %s\n", d.Item, d.Unit, d.Effective, d.Due, came, state, d.DaysLate, d.Package)
	}
	for _, u := range s.Units {
		rate := "-"
		if u.Rate != nil {
			rate = fmt.Sprintf("%.0f%%", 100**u.Rate)
		}
		e.printf(e.pick("%s：共 %d，按时 %d，逾期送达 %d，逾期未交 %d，按时率 %s\n", "%s: %d in all, %d on time, %d late, %d missing, on time %s\n"), u.Unit, u.Total, u.OnTime, u.Late, u.Missing, rate)
	}
}
