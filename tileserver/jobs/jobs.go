// Package jobs is a queue of long questions that survives a restart.
//
// A [Queue] takes what is asked ([Ask]), runs a few at a time by the function that it is
// given, tells how far each is, and keeps what came of it as files, bounded by number,
// bytes and age. What is asked again while it is kept, or on its way, is the same job.
// The list lies in one bbolt file and is held in memory: reading never touches the file,
// so that a damaged one costs the jobs and nothing else. A job that was running when the
// program ended is run again from its beginning. The package knows neither questions nor
// HTTP: what a job asks is bytes, who may see it is the caller's to judge.
package jobs

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"gengtu/index/problem"
)

// State is how far a job is.
type State string

// The states. The last three are ends.
const (
	Waiting   State = "waiting"
	Running   State = "running"
	Done      State = "done"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// Ended tells whether a job in this state is over.
func (s State) Ended() bool { return s == Done || s == Failed || s == Cancelled }

// Ask is what is put into the queue.
type Ask struct {
	// Tier and Owner are who asks; Owner is "" of those who are not told apart. From tells
	// them apart for the limits all the same.
	Tier, Owner, From string
	// Reach names what of the tier the owner reaches, and Key the answer: what has all of
	// Tier, Owner, Reach and Key in common is one job.
	Reach, Key string
	// Body is what the job is run by. It is kept until the job has ended.
	Body []byte
	// About is what is told of the job, an object of JSON.
	About json.RawMessage
}

// Job is a job as it is at one moment. Its fields are not changed by anybody who got it.
type Job struct {
	ID    string `json:"id"`
	Tier  string `json:"tier"`
	Owner string `json:"owner"`
	From  string `json:"from"`
	Reach string `json:"reach"`
	Key   string `json:"key"`
	// Shared tells that another From asked for the same, and Again that anybody did, the first
	// one included, while the job waited or ran.
	Shared bool            `json:"shared,omitempty"`
	Again  bool            `json:"again,omitempty"`
	About  json.RawMessage `json:"about"`
	State  State           `json:"state"`
	Asked  time.Time       `json:"asked"`
	Began  time.Time       `json:"began,omitzero"`
	Over   time.Time       `json:"over,omitzero"`
	// Crashes counts the times that the program ended, without being stopped, while it ran.
	Crashes int `json:"crashes,omitempty"`
	// Problem is why it failed.
	Problem *Failure `json:"problem,omitempty"`
	// Answer is what the run said of its files, and Bytes their size.
	Answer json.RawMessage `json:"answer,omitempty"`
	Bytes  int64           `json:"bytes,omitempty"`
	Events []Event         `json:"events"`
}

// Failure is a problem as it is kept.
type Failure struct {
	Code     string `json:"code"`
	Zh       string `json:"zh"`
	En       string `json:"en"`
	AdviceZh string `json:"advice_zh,omitempty"`
	AdviceEn string `json:"advice_en,omitempty"`
}

// failureOf is what is kept of a problem.
func failureOf(p *problem.Problem) *Failure {
	return &Failure{p.Code, p.Found(problem.Chinese), p.Found(problem.English), p.Advice(problem.Chinese), p.Advice(problem.English)}
}

// Event is something that happened to a job. IDs grow, with gaps, also over a restart.
type Event struct {
	ID   int64     `json:"id"`
	Kind string    `json:"kind"` // a state, Restarted or Progress
	Time time.Time `json:"time"`
	// Stage, Part and All tell how far a running job is; All 0 is not known.
	Stage *Stage `json:"stage,omitempty"`
	Part  int    `json:"done,omitempty"`
	All   int    `json:"all,omitempty"`
	// Problem is why a job failed.
	Problem *Failure `json:"problem,omitempty"`
}

// Stage names what is being done, in Chinese and English.
type Stage struct {
	Zh string `json:"zh"`
	En string `json:"en"`
}

// Kinds of event that are no states.
const (
	// Progress is not kept beyond a restart.
	Progress = "progress"
	// Restarted says that the program ended while the job ran, which begins anew.
	Restarted = "restarted"
)

// Tell tells how far a stage of a job is. Safe for concurrent use.
type Tell func(stage Stage, part, all int)

// Run answers a job: it writes files into dir, which is there and empty, and returns what
// is to be told of them. Its error is a problem, which is told, a fault, which is logged,
// or ctx's.
type Run func(ctx context.Context, j *Job, body []byte, dir string, tell Tell) (answer json.RawMessage, err error)

// Options are what a queue is bounded by. All bounds are positive.
type Options struct {
	// Dir keeps the list and the files; "" keeps the list in memory and the files in a
	// directory that goes with the queue.
	Dir string
	Run Run
	// AtOnce is how many jobs run at once, Waiting how many may wait or run, and PerOwner
	// how many of them are one owner's, or of one From where owners are not told apart.
	AtOnce, Waiting, PerOwner int
	// Kept, KeptBytes and KeptFor bound the jobs that are over: their number, the bytes of
	// their files and their age.
	Kept      int
	KeptBytes int64
	KeptFor   time.Duration
	// Time is how long a job may run.
	Time time.Duration
	Log  *slog.Logger
	// Gone is told of each job whose files are removed; nil is nobody. It must not call
	// the queue.
	Gone func(j *Job)
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// The problems of a queue.
var (
	// ErrFull says that too many jobs wait, ErrOwner that too many are of one owner.
	ErrFull = problem.New("TOO_MANY", "排队的分析太多", "too many analyses wait already").
		Advise("请稍后再试", "try again in a while")
	ErrOwner = problem.New("TOO_MANY", "您排队的分析已到上限", "as many of your analyses wait as may").
			Advise("等一项做完，或取消一项", "wait until one is done, or cancel one")
	// ErrStore says that the list cannot be written.
	ErrStore = problem.New("NOT_READY", "任务记录写不下来，暂不接受分析", "the list of jobs cannot be written, so no analysis is taken").
			Advise("请系统管理员检查任务目录的磁盘空间与权限", "have the system administrator see to the disk space and permissions of the jobs' directory")
	errStopped = problem.New("NOT_READY", "服务正在停止", "the server is stopping")
	errTime    = problem.New("TIMEOUT", "分析用时超过上限", "the analysis took longer than the limit").
			Advise("缩小范围后再问", "ask about a smaller place")
	errLarge = problem.New("TOO_LARGE_ANSWER", "答案的文件超过上限", "the files of the answer are over the limit").
			Advise("用 place= 缩小范围后再问", "ask about a smaller place")
	errFault   = problem.New("SERVER_FAULT", "服务器出错", "server fault")
	errCrashes = problem.New("ANALYZE_CRASHED", "每次做这项分析时程序都中断了，不再重试", "the program ended each time that this analysis ran; it is not tried again").
			Advise("请系统管理员查看日志和内存；之后可重新提问", "have the system administrator look at the log and the memory; it can be asked again then")
)
