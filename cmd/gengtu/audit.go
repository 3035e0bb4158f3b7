package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/tileserver"
	"gengtu/tileserver/access"
	"gengtu/tileserver/audit"
)

// auditFlags are those of `gengtu audit`.
type auditFlags struct {
	access, kept   string
	since, until   string
	filter         audit.Filter
	last, keepDays int
	dir            string
}

func (f *auditFlags) define(fs *flags) {
	fs.StringVar(&f.access, "access", os.Getenv(accessEnv), "令牌文件：角色和日志的位置|the access file: roles, and where the log is")
	fs.StringVar(&f.kept, "kept", "", "verify：另存的 verify --json 的输出，查末尾是否被截|verify: what verify --json printed before, to find an end that was cut off")
	fs.IntVar(&f.keepDays, "keep-days", 0, "prune：保留天数，默认 190|prune: days that are kept, 190 where none is given")
	fs.StringVar(&f.since, "since", "", "show：从这天或时刻起|show: from a day or time on")
	fs.StringVar(&f.until, "until", "", "show：到这天或时刻前|show: before a day or time")
	fs.StringVar(&f.filter.Who, "who", "", "show：令牌或用户名|show: of a token or user")
	fs.StringVar(&f.filter.Tier, "tier", "", "show：哪一版|show: of a tier")
	fs.StringVar(&f.filter.Layer, "layer", "", "show：哪个图层|show: of a layer")
	fs.StringVar(&f.filter.Place, "place", "", "show：政区代码前缀|show: of places whose code begins so")
	fs.StringVar(&f.filter.Request, "request", "", "show：请求编号|show: of a request's id")
	fs.IntVar(&f.filter.Status, "status", 0, "show：HTTP 状态|show: of an HTTP status")
	fs.BoolVar(&f.filter.Acts, "acts", false, "show：只看管理操作|show: what was administered alone")
	fs.IntVar(&f.last, "last", 0, "show：最后几行，0 为全部|show: the last lines alone, 0 for all")
}

func runAudit(e *env, fs *flags) error {
	var f auditFlags
	f.define(fs)
	args, err := fs.parse(1, 2)
	if err != nil {
		return err
	}
	if f.filter.Since, err = timeFlag("since", f.since); err != nil {
		return err
	}
	if f.filter.Until, err = timeFlag("until", f.until); err != nil {
		return err
	}
	run, known := map[string]func(*env, *auditFlags, audit.Record) error{"verify": verifyAudit, "show": showAudit, "prune": pruneAudit}[args[0]]
	if !known {
		return usage("COMMAND_UNKNOWN", "audit 没有 %q", "audit has no %q", args[0])
	}
	if len(args) == 2 {
		f.dir = args[1]
	}
	if f.dir, err = e.findLog(f.dir, f.access); err != nil {
		return err
	}
	if f.access, err = accessOf(f.dir, f.access); err != nil {
		return err
	}
	if f.access == "" {
		if args[0] != "verify" {
			if err := withoutRoles(f.dir); err != nil {
				return err
			}
		}
		// Without an access file it is the permissions of the log's files that say who may.
		who, err := actor(&access.File{})
		if err != nil {
			return err
		}
		return run(e, &f, audit.Record{Act: "audit " + args[0], Who: who})
	}
	file, who, err := allowed(act{file: f.access, role: access.Auditor, name: "audit " + args[0], detail: f.dir})
	if err != nil {
		return err
	}
	if f.dir == "" {
		f.dir = file.AuditDir(f.access)
	}
	if f.keepDays == 0 && file.Audit != nil {
		f.keepDays = file.Audit.KeepDays
	}
	if args[0] == "prune" { // tells of itself
		return run(e, &f, who)
	}
	return audit.Act(file.AuditDir(f.access), who, audit.Options{}, func() error { return run(e, &f, who) })
}

// findLog returns where the log is: what is named, or the one log in a folder that is
// named; "" where the access file tells.
func (e *env) findLog(named, accessFile string) (string, error) {
	if named == "" && accessFile != "" {
		return "", nil
	}
	if info, err := os.Stat(named); err == nil && !info.IsDir() || named != "" && audit.Holds(named) {
		return named, nil
	}
	beside, err := filepath.Glob(filepath.Join(quoteGlob(cmp.Or(named, ".")), "*.audit"))
	if err != nil {
		return "", err
	}
	beside = slices.DeleteFunc(beside, func(dir string) bool { return !audit.Holds(dir) })
	switch {
	case len(beside) == 1:
		e.notef("%s %s\n", e.pick("审计日志", "audit log"), beside[0])
		return beside[0], nil
	case named != "" && len(beside) == 0:
		return named, nil // reading it says what is wrong with it
	}
	p := problem.New("AUDIT_WHERE", "没有说是哪个审计日志", "it is not said which audit log").
		Advise("给出日志目录（在访问文件旁，名为 ACCESSFILE.audit），或 --access FILE，或设环境变量 %s", "name the log's directory (beside the access file, ACCESSFILE.audit), or --access FILE, or set %s", accessEnv)
	if len(beside) > 1 {
		p = problem.New("AUDIT_WHERE", "这里有 %d 个审计日志", "there are %d audit logs here", len(beside)).
			Advise("给出其中一个：%s", "name one of them: %s", strings.Join(beside[:min(len(beside), 5)], " "))
	}
	return "", usageError{p}
}

// accessOf returns the access file whose roles hold for the log in dir: the one beside
// it, whatever other was named, so that who asks does not choose who may; else the one
// that was named, "" for none.
func accessOf(dir, named string) (string, error) {
	if dir == "" {
		return named, nil
	}
	whole, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if target, err := filepath.EvalSymlinks(whole); err == nil {
		whole = target
	}
	for _, log := range []string{whole, filepath.Dir(whole)} { // a file of the log may be named
		file, is := strings.CutSuffix(log, ".audit")
		if info, err := os.Stat(file); is && err == nil && info.Mode().IsRegular() {
			return file, nil
		}
	}
	return named, nil
}

// withoutRoles refuses a log whose access file is not known although its acts tell that
// somebody had a role.
func withoutRoles(dir string) error {
	told := errors.New("somebody had a role")
	err := audit.Read(dir, audit.Filter{Acts: true}, func(_ string, _ int64, r audit.Record) error {
		if r.Role != "" {
			return told
		}
		return nil
	})
	if !errors.Is(err, told) {
		return nil // what is wrong with the log is told by who reads it
	}
	return problem.New("AUDIT_ROLES", "这个日志的管理分角色，但找不到写明角色的访问文件", "whoever administers this log has a role, and the access file that has the roles is not found").In(dir).
		Advise("用 --access FILE 或环境变量 %[1]s 给出访问文件，由有 audit 角色的人来做；只核对完整性用 gengtu audit verify", "name the access file by --access FILE or in %[1]s, and have it done by who has the role audit; gengtu audit verify needs none", accessEnv)
}

// quoteGlob returns a path as a pattern that matches it alone.
func quoteGlob(path string) string {
	return strings.NewReplacer(`*`, `[*]`, `?`, `[?]`, `[`, `[[]`).Replace(path)
}

// timeFlag reads a day (UTC) or a time.
func timeFlag(name, value string) (time.Time, error) {
	if value == "" {
		return time.Time{}, nil
	}
	for _, form := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(form, value); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usage("FLAGS", "--%s 是 %.40q，应为 2026-01-31 或 2026-01-31T08:00:00+08:00", "--%s is %.40q; write 2026-01-31 or 2026-01-31T08:00:00+08:00", name, value)
}

func verifyAudit(e *env, f *auditFlags, _ audit.Record) error {
	kept, err := readKept(f.kept)
	if err != nil {
		return err
	}
	var all []audit.Summary
	if info, serr := os.Stat(f.dir); serr == nil && info.Mode().IsRegular() {
		if f.kept != "" {
			return usage("FLAGS", "--kept 只用于目录", "--kept goes with a directory")
		}
		var s audit.Summary
		s, err = audit.VerifyFile(f.dir)
		all = []audit.Summary{s}
	} else {
		all, err = audit.Verify(f.dir, kept)
	}
	if err != nil {
		return err
	}
	if e.json {
		return json.NewEncoder(e.stdout).Encode(all)
	}
	for _, s := range all {
		e.printf("%-10s %s\n", s.Chain, fmt.Sprintf(e.pick("%d 个文件，第 %d 至 %d 行，%s 至 %s，未能写下的请求 %d 个，末行散列 %s", "%d files, lines %d to %d, %s to %s, %d requests refused for want of a line, hash of the last line %s"),
			s.Files, s.FirstN, s.N, dayTime(s.First), dayTime(s.Last), s.Lost, s.Hash))
		if s.FirstN > 1 {
			e.printf("%-10s %s\n", "", fmt.Sprintf(e.pick("之前的 %d 行不在这里", "the %d lines before are not here"), s.FirstN-1))
		}
	}
	if kept != nil {
		e.printf("%s\n", e.pick("完整，且接着另存的末端", "whole, and it goes on from what was kept"))
		return nil
	}
	e.printf("%s\n", e.pick("就这些文件看是完整的；末尾被截或整个重写，要用 --kept 给出另存在别处的 verify --json 的输出才查得出",
		"whole as far as these files tell; give --kept, what verify --json printed before and was kept elsewhere, to find an end that was cut off with its head, or a log written anew"))
	return nil
}

func dayTime(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format(time.RFC3339)
}

// maxKeptBytes bounds a file of summaries.
const maxKeptBytes = 1 << 20

// readKept reads what `audit verify --json` printed; nil for no file.
func readKept(path string) ([]audit.Summary, error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, problem.New("AUDIT_READ", "无法读取：%v", "cannot be read: %v", err).Because(err).In(path).
			Advise("给出另存的 gengtu audit verify --json 的输出", "name what was kept of gengtu audit verify --json")
	}
	var kept []audit.Summary
	if err := json.Unmarshal(data[:min(len(data), maxKeptBytes)], &kept); err != nil || len(kept) == 0 {
		return nil, problem.New("AUDIT_KEPT", "不是 gengtu audit verify --json 的输出", "this is not what gengtu audit verify --json prints").In(path).Because(err).
			Advise("用 gengtu audit verify --json > 文件 另存一份，放到别的机器上", "keep the output of gengtu audit verify --json in a file, on another machine")
	}
	return kept, nil
}

// shown is a line as `audit show --json` prints it.
type shown struct {
	Chain string `json:"chain"`
	N     int64  `json:"n"`
	audit.Record
}

func showAudit(e *env, f *auditFlags, _ audit.Record) error {
	var tail []shown
	show := e.showLine
	if e.json {
		lines := json.NewEncoder(e.stdout)
		show = func(s *shown) error { return lines.Encode(s) }
	}
	err := audit.Read(f.dir, f.filter, func(chain string, n int64, r audit.Record) error {
		if err := e.ctx.Err(); err != nil {
			return err
		}
		s := shown{chain, n, r}
		if f.last <= 0 {
			return show(&s)
		}
		if len(tail) >= f.last {
			tail = tail[1:]
		}
		tail = append(tail, s)
		return nil
	})
	for i := range tail {
		err = errors.Join(err, show(&tail[i]))
	}
	return err
}

// showLine prints a line for a person.
func (e *env) showLine(s *shown) error {
	what := s.Method + " " + s.Path
	if s.Act != "" {
		what = s.Act + " " + s.Detail
	}
	var more []string
	for _, m := range []struct{ name, value string }{
		{"layer", s.Layer}, {"grade", s.Grade}, {"place", s.Place}, {"box", box(s.Box)}, {"shapes", count(s.Shapes)}, {"features", count(s.Features)}, {"m²", area(s.AreaM2)},
		{"bytes", count(s.Bytes)}, {"from", s.Address}, {"generation", s.Generation},
	} {
		if m.value != "" {
			more = append(more, m.name+"="+m.value)
		}
	}
	status := ""
	if s.Status != 0 {
		status = fmt.Sprint(s.Status)
	}
	e.printf("%s %s:%d %-12s %-9s %3s %s %s\n", s.Time.Format(time.RFC3339), s.Chain, s.N, s.Who, s.Outcome, status, strings.TrimSpace(what), strings.Join(more, " "))
	return nil
}

func count(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

func area(m2 float64) string {
	if m2 == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", m2)
}

func box(b []float64) string { return strings.ReplaceAll(strings.Trim(fmt.Sprint(b), "[]"), " ", ",") }

func pruneAudit(e *env, f *auditFlags, who audit.Record) error {
	days := f.keepDays
	if days == 0 {
		days = audit.DefaultKeepDays
	}
	gone, err := audit.Prune(f.dir, days, who, audit.Options{})
	for _, r := range gone {
		e.printf("%s\n", fmt.Sprintf(e.pick("%s：删去到第 %d 个文件为止，末行编号 %d", "%s: removed up to file %d, whose last line is number %d"), r.Chain, r.File, r.N))
	}
	if err == nil && len(gone) == 0 {
		e.printf("%s\n", fmt.Sprintf(e.pick("没有早于 %d 天的文件", "no file is older than %d days"), days))
	}
	return err
}

// auditOf is where a server's audit log is: the flag's directory, or beside the access
// file where a tier above public is served; "" for none.
func auditOf(f *serving, file *access.File) (string, error) {
	if f.audit != "" || f.access == "" {
		return f.audit, nil
	}
	for _, dir := range f.editions {
		_, m, err := edition.Current(dir)
		if err != nil {
			return "", err
		}
		if m.Tier != edition.Public {
			return file.AuditDir(f.access), nil
		}
	}
	return "", nil
}

// openAudit opens the audit log of a server and its second sink, and tells who starts
// it. What is returned closes both.
func (e *env) openAudit(f *serving, cfg *tileserver.Config) (func() error, error) {
	none := func() error { return nil }
	file, who := &access.File{}, audit.Record{Act: "serve", Outcome: audit.Begun}
	var err error
	if f.access != "" {
		if file, who, err = allowed(act{file: f.access, role: access.System, name: "serve", detail: strings.Join(f.editions, " ")}); err != nil {
			return none, err
		}
		who.Outcome = audit.Begun
	} else if who.Who, err = actor(file); err != nil {
		return none, err
	}
	dir, err := auditOf(f, file)
	if err != nil || dir == "" {
		return none, err
	}
	opt := audit.Options{}
	settings := access.AuditSettings{}
	if file.Audit != nil {
		settings = *file.Audit
	}
	if f.syslog != "" {
		settings.Syslog = f.syslog
	}
	opt.FileBytes = int64(settings.FileMB) << 20
	if settings.Syslog != "" {
		needed := audit.Besides
		if f.syslogNeeded || settings.SyslogRequired {
			needed = audit.Needed
		}
		if opt.Syslog, err = audit.OpenSyslog(settings.Syslog, needed, tellSyslog(cfg.Log)); err != nil {
			return none, err
		}
	}
	log, err := audit.OpenServer(dir, who, opt)
	if err != nil {
		if opt.Syslog != nil {
			err = errors.Join(err, opt.Syslog.Close())
		}
		return none, err
	}
	cfg.Audit = log
	e.notef("%s %s (%s)\n", e.pick("审计日志", "audit log"), dir, log.Chain())
	return func() error {
		who.Outcome = audit.Done
		err := errors.Join(log.Close(), audit.Tell(dir, who, opt))
		if opt.Syslog != nil {
			err = errors.Join(err, opt.Syslog.Close())
		}
		return err
	}, nil
}

// tellSyslog logs what the syslog does not take.
func tellSyslog(log *slog.Logger) func(error) {
	return func(err error) { log.Error("audit line not sent to the syslog", "error", err) }
}
