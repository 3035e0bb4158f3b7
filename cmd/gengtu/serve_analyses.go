package main

import (
	"os"
	"time"

	"gengtu/index/analyze"
	"gengtu/index/problem"
	"gengtu/tileserver"
)

// analysing are the flags of long questions.
type analysing struct {
	dir, rules                                               string
	atOnce, workers, waiting, ofOne, kept, mb, days, minutes int
}

func (a *analysing) define(fs *flags) {
	fs.StringVar(&a.dir, "jobs", "", "专题分析的任务目录，重启后接着做；不给就只保留到服务停止|directory of analyses and their answers, which go on after a restart; without one they are kept until the server stops")
	fs.StringVar(&a.rules, "rules", "", "改过的分析规则|an edited file of the rules of analyses")
	fs.IntVar(&a.atOnce, "jobs-at-once", 0, "同时做几项分析，0 为 1|analyses that run at once, 0 for 1")
	fs.IntVar(&a.workers, "jobs-workers", 0, "每项分析用几个处理器，0 为一半|processors that an analysis takes, 0 for half of them")
	fs.IntVar(&a.waiting, "jobs-waiting", 0, "最多几项分析在排队或在做，0 为 64|analyses that wait or run, 0 for 64")
	fs.IntVar(&a.ofOne, "jobs-per-token", 0, "其中每个令牌（公众版为每个地址）最多几项，0 为 4|of them, of one token or, in public, one address, 0 for 4")
	fs.IntVar(&a.minutes, "jobs-minutes", 0, "一项分析最多做几分钟，0 为 60|minutes that an analysis may run, 0 for 60")
	fs.IntVar(&a.kept, "jobs-keep", 0, "最多保留几项做完的分析，0 为 200|analyses that are over and kept, 0 for 200")
	fs.IntVar(&a.mb, "jobs-keep-mb", 0, "其文件最多几 MB，0 为 8192|megabytes of their files, 0 for 8192")
	fs.IntVar(&a.days, "jobs-keep-days", 0, "保留几天，0 为 30|days that they are kept, 0 for 30")
}

// mostJobs is more than any server keeps of anything here.
const mostJobs = 1_000_000

// check refuses numbers that make no sense.
func (a *analysing) check() error {
	for _, f := range []struct {
		name    string
		n, most int
	}{
		{"jobs-at-once", a.atOnce, 64}, {"jobs-workers", a.workers, 1024}, {"jobs-waiting", a.waiting, mostJobs}, {"jobs-per-token", a.ofOne, mostJobs},
		{"jobs-minutes", a.minutes, mostJobs}, {"jobs-keep", a.kept, mostJobs}, {"jobs-keep-mb", a.mb, 1 << 30}, {"jobs-keep-days", a.days, 36525},
	} {
		if f.n < 0 || f.n > f.most {
			return usage("JOBS_NUMBER", "--%s 是 %d，应为 0 到 %d", "--%s is %d; it is from 0 to %d", f.name, f.n, f.most)
		}
	}
	return nil
}

// into sets the limits; 0 leaves the server's own.
func (a *analysing) into(l *tileserver.Limits) {
	l.JobsAtOnce, l.JobWorkers, l.JobsWaiting, l.JobsOfOne, l.JobsKept = a.atOnce, a.workers, a.waiting, a.ofOne, a.kept
	l.Job, l.JobsBytes, l.JobsFor = time.Duration(a.minutes)*time.Minute, int64(a.mb)<<20, time.Duration(a.days)*24*time.Hour
}

// readRules reads the rules.
func (a *analysing) readRules(cfg *tileserver.Config) error {
	if a.rules == "" {
		return nil
	}
	data, err := os.ReadFile(a.rules)
	if err != nil {
		return problem.New("ANALYZE_RULES", "规则文件读不出来（%v）", "the file of rules cannot be read (%v)", err).In(a.rules).Because(err)
	}
	cfg.Rules, err = analyze.ParseRules(a.rules, data)
	return err
}
