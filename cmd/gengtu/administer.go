package main

import (
	"errors"
	"io/fs"
	"os"
	"os/user"
	"slices"
	"strings"
	"time"

	"gengtu/index/problem"
	"gengtu/tileserver/access"
	"gengtu/tileserver/audit"
)

// What the environment says of who administers what.
const (
	// accessEnv names the access file whose roles hold for commands that are given none.
	accessEnv = "GENGTU_ACCESS"
	// tokenEnv is the token of who runs a command, where several people share an account
	// of the operating system.
	tokenEnv = "GENGTU_TOKEN"
)

// duty is who may run a command where an access file has roles, and what is told of it.
type duty int

// The duties. There is no zero one: each command has been thought of.
const (
	// anybody's command tells, to who may read its files, what gives no data out of an
	// edition and changes none.
	anybody duty = iota + 1
	// bySystem is a command of the role system: it changes what is served, or takes data
	// out. It is an act where the environment names an access file.
	bySystem
	// byItself is a command that is given an access file, and asks for the role itself.
	byItself
)

// duties are those of all commands.
var duties = map[string]duty{
	"ingest": bySystem, "publish": bySystem, "update": bySystem, "rollback": bySystem,
	"export": bySystem, "overlay": bySystem, "analyze": bySystem, "reconcile": bySystem, "codes": bySystem, "diff": bySystem,
	"pack": bySystem, "unpack": bySystem, "release": bySystem, "exchange": bySystem, "key": bySystem,
	"restore": bySystem, "backup": byItself,
	"serve": byItself, "token": byItself, "audit": byItself,
	"demo": anybody, "sample": anybody, // of data that they make up
	"check": anybody, "verify": anybody, "verify-answer": anybody, "history": anybody, "info": anybody,
	"policy": anybody, "catalogue": anybody, "profile": anybody, "access": anybody, "version": anybody,
}

// dutyOf is the duty of a command with its arguments: to verify an edition is anybody's,
// to write out all that it holds is not.
func dutyOf(name string, args []string) duty {
	if name == "verify" && slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(strings.TrimLeft(a, "-"), "dump") }) {
		return bySystem
	}
	return duties[name]
}

// act is something that is administered.
type act struct {
	file   string // the access file
	role   access.Role
	name   string
	detail string
	// begins tells that the act makes the access file where it is not there.
	begins bool
}

// actor returns who runs the command: the holder of the token that the environment has,
// or else the user of the operating system.
func actor(f *access.File) (string, error) {
	if token := os.Getenv(tokenEnv); token != "" {
		name, valid := f.Holder(token, time.Now())
		if !valid {
			return "", problem.New("ROLE", "环境变量 %s 中的令牌无效", "the token in the environment variable %s is not valid", tokenEnv).
				Advise("设为有效的令牌，或删去该变量，改按系统用户判断", "set it to a valid token, or unset it to go by the system's user")
		}
		return name, nil
	}
	u, err := user.Current()
	if err != nil {
		return "", problem.New("ROLE", "不知道是谁在运行（%v）", "it is not known who runs this (%v)", err).Because(err).
			Advise("以系统中有账户的用户运行，或用环境变量 %s 给出令牌", "run it as a user that the system knows, or give a token in the environment variable %s", tokenEnv)
	}
	return u.Username, nil
}

// allowed checks that who runs the command has the role for an act, and returns the
// access file and the beginning of the act's line. A refusal is told to the audit log.
func allowed(a act) (*access.File, audit.Record, error) {
	f, err := access.Load(a.file)
	if a.begins && errors.Is(err, fs.ErrNotExist) {
		f, err = &access.File{}, nil
	}
	if err != nil {
		return nil, audit.Record{}, err
	}
	r := audit.Record{Act: a.name, Detail: a.detail}
	if r.Who, err = actor(f); err != nil {
		return nil, r, err
	}
	r.Role = string(f.Roles.Of(r.Who))
	if err := f.Roles.Allow(r.Who, a.role); err != nil {
		r.Outcome = "refused"
		return nil, r, errors.Join(err, audit.Tell(f.AuditDir(a.file), r, audit.Options{}))
	}
	return f, r, nil
}

// administer does what needs a role: who has it is told to the audit log before and
// after. Without a log it is not done.
func administer(a act, do func() error) error {
	f, r, err := allowed(a)
	if err != nil {
		return err
	}
	return audit.Act(f.AuditDir(a.file), r, audit.Options{}, do)
}

// runVerb runs a command, as an act where it is one.
func runVerb(c *command, e *env, fs *flags) error {
	file := os.Getenv(accessEnv)
	// Behind the first word it may be the value of a flag, and no call for help.
	help := len(fs.line) > 0 && slices.Contains([]string{"-h", "--h", "-help", "--help"}, fs.line[0])
	if file == "" || help || dutyOf(c.name, fs.line) != bySystem {
		return c.run(e, fs)
	}
	return administer(act{file: file, role: access.System, name: c.name, detail: strings.Join(fs.line, " ")}, func() error { return c.run(e, fs) })
}
