package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"gengtu/index/edition"
	"gengtu/index/problem"
)

// env is what a command runs in.
type env struct {
	ctx            context.Context
	stdout, stderr io.Writer
	lang           problem.Lang
	json           bool
}

// command is one verb. Its run function defines flags on fs, calls parse once
// and does the work; a usageError gives exit code 2, any other error 1.
type command struct {
	name   string
	usage  string
	zh, en string
	run    func(e *env, fs *flags) error
}

func commands() []command {
	return []command{
		{"demo", "[--listen ADDR] [--data DIR] [--parcels N]", "样例→入库→发布→服务，一条命令", "sample → ingest → publish → serve, in one command", runDemo},
		{"sample", "--out DIR [--parcels N] [--seed N]", "写出一套合成的成果数据", "write a synthetic landscape as deliveries", runSample},
		{"ingest", "--out EDITION [--add] --layer NAME[@VINTAGE]=PATH[#TABLE] … | --delivery DIR", "成果入库", "take deliveries into an edition", runIngest},
		{"check", "PATH … | --delivery DIR --report DIR", "只检查，不入库", "judge deliveries, store nothing", runCheck},
		{"publish", "--from EDITION --tier TIER --out EDITION [--policy FILE] [--approver NAME] [--access FILE]", "由高版派生低版", "derive a lower edition from a higher one", runPublish},
		{"update", "--edition EDITION --layer NAME=PATH … | --delivery DIR [--delete FILE] | --package DIR", "增量更新", "take changed features in", runUpdate},
		{"codes", "--edition EDITION [--vintage V] [--rules FILE] [--out FILE.csv|.xlsx] | --check CODE | --lineage CODE", "耕地空间码：编码、沿革、核对", "a code for each parcel of cropland: give, follow and check them", runCodes},
		{"diff", "--edition EDITION LAYER@V1 LAYER@V2 | A B", "比较两个时相或两个版本", "compare two vintages or two editions", runDiff},
		{"history", "EDITION", "列出保留的各代", "list the generations kept", runHistory},
		{"rollback", "EDITION [GENERATION]", "回到某一代", "put a kept generation in force", runRollback},
		{"serve", "--edition EDITION … [--access FILE] [--tls-cert FILE --tls-key FILE] [--config FILE] [--print-config]", "提供服务", "serve editions over HTTP", runServe},
		{"overlay", "--edition EDITION [--place CODE | AOI-FILE]", "叠加求面积", "areas of the layers inside a shape", runOverlay},
		{"analyze", "--edition EDITION QUESTION [FILE …] [--by LEVEL] [--place CODE] [--out FILE] | --list | --show-rules", "专题分析", "whole-layer questions", runAnalyze},
		{"reconcile", "--edition EDITION A B [--by LEVEL] [--out FILE]", "对账：两个数为什么不一样，逐项搭桥", "why one figure is not the other: a bridge that closes", runReconcile},
		{"export", "--edition EDITION --layer NAME --out FILE", "导出图层", "write a layer to a file", runExport},
		{"verify", "EDITION [--dump]", "校验", "check every checksum, tile and area", runVerify},
		{"verify-answer", "--trust FILE [--shape FILE] ANSWER", "核验答案的回执", "tell whether an answer is genuine and unaltered", runVerifyAnswer},
		{"info", "EDITION | PATH [--by LEVEL | --table hectare] [--out FILE]", "查看；按政区汇总、公顷表", "describe an edition or a delivery; sums by place", runInfo},
		{"policy", "show | check FILE [--edition EDITION] | diff A B | register EDITION [--kept HASH]", "查看、检查、比较策略；发布登记簿", "show, check and compare policies; the register of publications", runPolicy},
		{"catalogue", "show [--tier TIER] [--edition DIR] | check --edition DIR [FILE …]", "生成、检查数据目录表", "print a table of the catalogue to fill in; say what is missing", runCatalogue},
		{"profile", "list | show NAME", "查看图层模式", "show what is known of each layer", runProfile},
		{"key", "new --out FILE [--suite std|sm] [--name N] | show FILE", "生成、查看签名密钥", "make and show keys of signatures", runKey},
		{"pack", "--edition EDITION --key FILE --out FILE.gtp", "打包交换", "make a signed exchange package", runPack},
		{"unpack", "--trust FILE --out EDITION FILE.gtp", "接收交换包", "take an exchange package in", runUnpack},
		{"release", "--edition EDITION --trust FILE --by NAME [ID]", "放行待审的交换包", "let a package in that waits for a second person", runRelease},
		{"exchange", "--edition EDITION [--inbox DIR --trust FILE] [--outbox DIR] [--subscriptions FILE --key FILE] [--watch] | status | verify | list | read FILE", "收发目录；谁该何时汇交", "inbox and outbox of a gate; who owes what by when", runExchange},
		{"token", "add --access FILE --tier TIER … | list | revoke --name N", "管理令牌", "manage tokens", runToken},
		{"access", "check FILE [--edition EDITION …]", "检查令牌文件、角色和日志位置；令牌的图层和地点是否都有", "say what an access file holds: tokens, roles, where the audit log is; whether what tokens name is in the editions", runAccess},
		{"audit", "verify [DIR|FILE] | show [DIR] | prune [DIR] [--access FILE]", "审计日志：校验、查看、删除到期的", "the audit log: check it, show it, remove what is old enough", runAudit},
		{"backup", "--out FILE.tar [--edition EDITION …] [--access FILE] [--also FILE …]", "备份版本、访问文件和审计日志，服务照常", "editions, access file and audit log into one file, while they are served", runBackup},
		{"restore", "--out DIR FILE.tar | --check FILE.tar", "从备份恢复到空目录", "take a backup out into an empty place", runRestore},
		{"version", "", "版本", "print the version", runVersion},
	}
}

// usageError is a wrong command line.
type usageError struct{ p *problem.Problem }

func (u usageError) Error() string { return u.p.Error() }
func (u usageError) Unwrap() error { return u.p }

func usage(code, zh, en string, args ...any) error {
	return usageError{problem.New(code, zh, en, args...)}
}

// run is the program without the process.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	e := &env{ctx: ctx, stdout: stdout, stderr: stderr, lang: envLang()}
	args, err := e.global(args)
	if err != nil {
		return e.fail("", err)
	}
	if len(args) == 0 || slices.Contains([]string{"help", "-h", "--help"}, args[0]) {
		return e.help()
	}
	i := slices.IndexFunc(commands(), func(c command) bool { return c.name == args[0] })
	if i < 0 {
		return e.fail("", usage("COMMAND_UNKNOWN", "没有命令 %q", "no command %q", args[0]))
	}
	c := commands()[i]
	fs := newFlags(c, e, args[1:])
	defer keepUmask()()
	err = runVerb(&c, e, fs)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	return e.fail(c.name, err)
}

// global takes --lang and --json off the line, wherever they stand before a
// lone "--".
func (e *env) global(args []string) ([]string, error) {
	var out []string
	for i := 0; i < len(args); i++ {
		a := args[i]
		name, value, has := strings.Cut(a, "=")
		switch {
		case a == "--":
			return append(out, args[i:]...), nil
		case a == "--json" || a == "-json":
			e.json = true
		case name == "--lang" || name == "-lang":
			if !has && i+1 < len(args) {
				i++
				value = args[i]
			}
			switch {
			case strings.HasPrefix(value, "zh"):
				e.lang = problem.Chinese
			case strings.HasPrefix(value, "en"):
				e.lang = problem.English
			default:
				return nil, usage("FLAGS", "--lang 写的是 %q，应为 zh 或 en", "--lang says %q; it is zh or en", value)
			}
		default:
			out = append(out, a)
		}
	}
	return out, nil
}

func envLang() problem.Lang {
	for _, v := range []string{os.Getenv("GENGTU_LANG"), os.Getenv("LC_ALL"), os.Getenv("LC_MESSAGES"), os.Getenv("LANG"), systemLang()} {
		if v != "" {
			if strings.HasPrefix(strings.ToLower(v), "zh") {
				return problem.Chinese
			}
			return problem.English
		}
	}
	return problem.English
}

// pick returns the text in the user's language.
func (e *env) pick(zh, en string) string {
	if e.lang == problem.Chinese {
		return zh
	}
	return en
}

func (e *env) printf(format string, args ...any) {
	// A reader of standard output that has gone is no error of the work.
	_, _ = fmt.Fprintf(e.stdout, format, args...)
}

func (e *env) notef(format string, args ...any) {
	_, _ = fmt.Fprintf(e.stderr, format, args...)
}

// fail prints err, on one line, and returns the exit code.
func (e *env) fail(verb string, err error) int {
	if err == nil {
		return 0
	}
	code := 1
	var u usageError
	if errors.As(err, &u) {
		code = 2
	}
	p := problem.Of(err)
	switch {
	case e.ctx.Err() != nil && (p == nil || errors.Is(err, context.Canceled)):
		p = problem.New("INTERRUPTED", "已中断，没有留下半成品", "interrupted; nothing half-written is left")
	case p == nil:
		p = problem.New("FAILED", "%v", "%v", err)
	}
	if e.json {
		data, merr := json.Marshal(map[string]any{"error": p})
		if merr == nil {
			e.notef("%s\n", data)
			return code
		}
	}
	prefix := "gengtu: "
	if verb != "" {
		prefix += verb + ": "
	}
	e.notef("%s%s\n", prefix, p.Text(e.lang))
	if code == 2 {
		hint := "gengtu help"
		if verb != "" {
			hint = "gengtu " + verb + " --help"
		}
		e.notef("%s%s\n", e.pick("用法见：", "Try: "), hint)
	}
	return code
}

func (e *env) help() int {
	e.printf("%s\n\n", e.pick("gengtu 耕图：耕地、永久基本农田、高标准农田一张图", "gengtu: one map of cropland, permanent basic farmland and high-standard farmland"))
	for _, c := range commands() {
		e.printf("  %-9s %-62s %s\n", c.name, c.usage, e.pick(c.zh, c.en))
	}
	e.printf("\n%s\n", e.pick("每个命令都有 --help；--lang zh|en 选语言，--json 给程序读的输出", "each has --help; --lang zh|en chooses the language, --json gives output for programs"))
	return 0
}

// flags are a verb's flags. They may stand before, between or after its
// arguments.
type flags struct {
	*flag.FlagSet
	line []string
	e    *env
	c    command
	// fault is what a value was refused for, in words of its own; nil for package flag's.
	fault *problem.Problem
}

func newFlags(c command, e *env, line []string) *flags {
	fs := &flags{FlagSet: flag.NewFlagSet(c.name, flag.ContinueOnError), line: line, e: e, c: c}
	fs.SetOutput(io.Discard)
	return fs
}

// parse reads the line and returns its arguments, whose number must lie in
// [least, most]; most -1 is any number.
func (f *flags) parse(least, most int) ([]string, error) {
	var args []string
	line := f.line
	for {
		if err := f.Parse(line); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				f.printHelp()
				return nil, err
			}
			if f.fault != nil {
				return nil, usageError{f.fault}
			}
			return nil, usage("FLAGS", "%[1]s", "%[2]v", flagWords(err.Error()), err)
		}
		rest := f.Args()
		if len(rest) == 0 {
			break
		}
		if len(line) > len(rest) && line[len(line)-len(rest)-1] == "--" {
			args = append(args, rest...)
			break
		}
		args = append(args, rest[0])
		line = rest[1:]
	}
	if len(args) < least || most >= 0 && len(args) > most {
		return nil, usage("ARGUMENTS", "用法：gengtu %s %s", "usage: gengtu %s %s", f.c.name, f.c.usage)
	}
	return args, nil
}

// flagWords says in Chinese what package flag says of a wrong line in English.
func flagWords(said string) string {
	for _, w := range []struct{ en, zh string }{
		{"flag provided but not defined: -", "没有参数 --"},
		{"flag needs an argument: -", "缺少参数值：--"},
		{"bad flag syntax: ", "参数写法不对："},
	} {
		if rest, ok := strings.CutPrefix(said, w.en); ok {
			return w.zh + rest
		}
	}
	for _, w := range [][2]string{{"invalid value ", " for flag -"}, {"invalid boolean value ", " for -"}} {
		if rest, ok := strings.CutPrefix(said, w[0]); ok {
			if i := strings.LastIndex(rest, w[1]); i >= 0 {
				name, _, _ := strings.Cut(rest[i+len(w[1]):], ":")
				return "参数 --" + name + " 不能是 " + rest[:i]
			}
		}
	}
	return said
}

func (f *flags) printHelp() {
	f.e.printf("gengtu %s %s\n  %s\n\n", f.c.name, f.c.usage, f.e.pick(f.c.zh, f.c.en))
	f.VisitAll(func(x *flag.Flag) {
		def := ""
		if x.DefValue != "" && x.DefValue != "false" && x.DefValue != "0" && x.DefValue != "[]" {
			def = " (" + x.DefValue + ")"
		}
		zh, en, ok := strings.Cut(x.Usage, "|")
		if !ok {
			en = zh
		}
		f.e.printf("  --%-12s %s%s\n", x.Name, f.e.pick(zh, en), def)
	})
}

// need refuses an empty value of a flag that must be given.
func need(name, value string) error {
	if value == "" {
		return usage("FLAG_MISSING", "缺少 --%s", "--%s is missing", name)
	}
	return nil
}

// list is a flag that may be given several times. None of its values is empty: a variable
// of the shell that was never set must not pass for a path.
type list []string

func (l *list) String() string { return fmt.Sprint([]string(*l)) }

func (l *list) Set(v string) error {
	if strings.TrimSpace(v) == "" {
		return errEmpty
	}
	*l = append(*l, v)
	return nil
}

var errEmpty = errors.New("a value is empty")

// version is set by the linker for releases; else the build says what it is.
var version = ""

func programVersion() string {
	if version != "" {
		return version
	}
	if b, ok := debug.ReadBuildInfo(); ok {
		for _, s := range b.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				return "dev-" + s.Value[:12]
			}
		}
	}
	return "dev"
}

func runVersion(e *env, fs *flags) error {
	if _, err := fs.parse(0, 0); err != nil {
		return err
	}
	goVersion := "go"
	if b, ok := debug.ReadBuildInfo(); ok {
		goVersion = b.GoVersion
	}
	if e.json {
		return json.NewEncoder(e.stdout).Encode(map[string]any{"product": edition.Product, "version": programVersion(), "go": goVersion, "fused": fuses(roundings)})
	}
	e.printf("gengtu %s %s\n", programVersion(), goVersion)
	if fuses(roundings) {
		e.notef("%s\n", e.pick("本程序编译时用了融合乘加：同样的数据在别的处理器上得到的一代末位不同、名字不同；make dist 编译的程序没有这个差别", "this build multiplies and adds with one rounding: of the same deliveries, other processors make a generation with other last digits and another name; what make dist builds does not"))
	}
	return nil
}

// roundings are numbers whose first two, multiplied, add up to nothing with the third when
// the product is rounded, and not when it is not.
var roundings = [3]float64{1 + 0x1p-30, 1 + 0x1p-30, -(1 + 0x1p-29)}

// fuses tells whether this build multiplies and adds with one rounding, which Go does where
// the processor can and the compiler is not told otherwise.
func fuses(n [3]float64) bool { return n[0]*n[1]+n[2] != 0 }
