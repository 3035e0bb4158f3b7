package audit

import (
	"errors"
	"fmt"
	"strings"

	"gengtu/index/problem"
)

// ActsChain is the chain that commands share, and servers tell their beginning in.
const ActsChain = "acts"

// The outcomes of acts. One that is begun and neither done nor failed was cut off.
const (
	Begun  = "begun"
	Done   = "done"
	Failed = "failed"
)

// serverChain begins the names of the chains of servers.
const serverChain = "server-"

func isServer(chain string) bool { return strings.HasPrefix(chain, serverChain) }

// MaxServers is how many servers may write one log at once.
const MaxServers = 64

// OpenServer opens the first chain of a server in the log of dir that nobody writes,
// and tells who began it in the chain of acts. Errors are those of [Open].
func OpenServer(dir string, who Record, opt Options) (*Log, error) {
	for k := 1; k <= MaxServers; k++ {
		l, err := Open(dir, fmt.Sprintf("%s%d", serverChain, k), opt)
		if errors.Is(err, errLocked) {
			continue
		}
		if err != nil {
			return nil, err
		}
		who.Chain = l.chain
		if err := Tell(dir, who, opt); err != nil {
			return nil, errors.Join(err, l.Close())
		}
		return l, nil
	}
	return nil, problem.New("AUDIT_LOCKED", "已有 %d 个服务在写该审计日志", "%d servers write this audit log already", MaxServers).In(dir).
		Advise("另给一个目录", "name another directory")
}

// Tell writes a line to the chain of acts of the log in dir, now. Its time is
// the clock's. Errors are those of [Open] and [Log.Append].
func Tell(dir string, r Record, opt Options) error {
	opt = opt.withDefaults()
	l, err := waitForLock(func() (*Log, error) { return Open(dir, ActsChain, opt) })
	if err != nil {
		return err
	}
	r.Time = opt.Now()
	err = errors.Join(l.Append(r), l.Close())
	if err != nil && problem.Of(err) == nil {
		return unwritable(dir, err) // the line is there, and its head is not
	}
	return err
}

// Act does something that is administered, between a line of the acts that tells of its
// beginning and one that tells of its end. Without the first it is not done.
func Act(dir string, r Record, opt Options, do func() error) error {
	r.Outcome = Begun
	if err := Tell(dir, r, opt); err != nil {
		return err
	}
	err := do()
	r.Outcome, r.Removed = Done, nil
	if err != nil {
		r.Outcome = Failed
		r.Detail = strings.TrimSpace(r.Detail + " " + codeOf(err))
	}
	told := Tell(dir, r, opt)
	if told != nil && err == nil {
		return problem.New("AUDIT_WRITE", "已经完成，但日志写不下它的结束（%[1]s）", "it was done, and its end could not be written to the audit log (%[1]s)", strings.TrimPrefix(codeOf(told), "code=")).Because(told).In(dir).
			Advise("不必重做；请检查磁盘空间与权限", "it need not be done again; see to disk space and permissions")
	}
	return errors.Join(err, told)
}

// codeOf names an error without what it says, which may hold more than a log should.
func codeOf(err error) string {
	if p := problem.Of(err); p != nil {
		return "code=" + p.Code
	}
	return "code=FAILED"
}
