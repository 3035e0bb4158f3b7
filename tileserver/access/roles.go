package access

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gengtu/index/problem"
)

// Role is what a person may administer. Nobody has two (GB/T 22239-2019, 8.1.5.1 to
// 8.1.5.3: system, audit and security administration are apart).
type Role string

// The roles.
const (
	// System runs the program: takes data in, publishes, serves.
	System Role = "system"
	// Security says who may see what: tokens.
	Security Role = "security"
	// Auditor reads the audit log and removes what is old enough.
	Auditor Role = "audit"
)

// AllRoles lists the roles.
var AllRoles = []Role{System, Security, Auditor}

// Roles are the names that have each role: a user of the operating system by its name,
// the holder of a token as "token:NAME". Where there are none, everybody has all roles.
type Roles map[Role][]string

// tokenName begins the names of holders of tokens.
const tokenName = "token:"

// maxRoleNames bounds the names of all roles: a unit has a few administrators.
const maxRoleNames = 100

// Of returns the role of a name, or "".
func (r Roles) Of(name string) Role {
	for role, names := range r {
		if slices.Contains(names, name) {
			return role
		}
	}
	return ""
}

// Allow tells why name may not do what needs a role, or nil.
func (r Roles) Allow(name string, role Role) error {
	if len(r) == 0 || r.Of(name) == role {
		return nil
	}
	p := problem.New("ROLE", "%[1]q 没有 %[2]s 角色", "%[1]q does not have the role %[2]s", name, role)
	if has := r.Of(name); has != "" {
		p = problem.New("ROLE", "%[1]q 的角色是 %[3]s，这里要 %[2]s", "%[1]q has the role %[3]s, this needs %[2]s", name, role, has)
	}
	return p.Advise("由有此角色的人来做；角色写在访问文件的 roles 中，三种角色互斥", "have it done by who has the role; roles are in the access file, and each excludes the others")
}

// AuditSettings say where the audit log is and what is done with it.
type AuditSettings struct {
	// Dir is its directory, from the access file's; "" is the access file's name with
	// .audit behind it.
	Dir string `json:"dir,omitempty"`
	// Syslog is the address of a syslog that takes the lines, too.
	Syslog string `json:"syslog,omitempty"`
	// SyslogRequired says that there is no answer while the syslog does not take lines.
	SyslogRequired bool `json:"syslog_required,omitempty"`
	// FileMB bounds a file of the log; 0 is the program's default.
	FileMB int `json:"file_mb,omitempty"`
	// KeepDays is how long lines are kept at least; 0 is the program's default.
	KeepDays int `json:"keep_days,omitempty"`
}

// AuditDir is the directory of the audit log of the access file at path, whose content
// f is; f may be nil.
func (f *File) AuditDir(path string) string {
	if f == nil || f.Audit == nil || f.Audit.Dir == "" {
		return path + ".audit"
	}
	if filepath.IsAbs(f.Audit.Dir) {
		return f.Audit.Dir
	}
	return filepath.Join(filepath.Dir(path), f.Audit.Dir)
}

// check tells what is wrong with s, or nil.
func (s *AuditSettings) check() *problem.Problem {
	const mostMB, mostDays = 4096, 36525
	if s == nil || s.FileMB >= 0 && s.FileMB <= mostMB && s.KeepDays >= 0 && s.KeepDays <= mostDays {
		return nil
	}
	return problem.New("ACCESS_AUDIT", "audit 的 file_mb 应在 0 到 %d，keep_days 应在 0 到 %d", "of audit, file_mb lies in 0 to %d and keep_days in 0 to %d", mostMB, mostDays)
}

// UnmarshalJSON reads roles, and refuses a name in two of them or twice in one, an
// unknown role and what is no name. The error is a *roleError.
func (r *Roles) UnmarshalJSON(data []byte) error {
	w := roleReader{data: data, in: json.NewDecoder(bytes.NewReader(data)), seen: map[string]bool{}}
	if *r != nil {
		return w.wrong("roles 写了两次", "roles stands twice")
	}
	*r = Roles{}
	if !w.delim('{') {
		return w.wrong("roles 不是一个对象", "roles is no object")
	}
	for w.in.More() {
		key, err := w.in.Token()
		name, _ := key.(string)
		role := Role(name)
		switch _, twice := (*r)[role]; {
		case err != nil:
			return err
		case !slices.Contains(AllRoles, role):
			return w.wrong("没有角色 %.40[2]q", "there is no role %.40[2]q", name)
		case twice:
			return w.wrong("角色 %[2]s 写了两次", "the role %[2]s stands twice", name)
		}
		if (*r)[role], err = w.names(); err != nil {
			return err
		}
	}
	return nil
}

// roleReader goes through the roles of a file.
type roleReader struct {
	data []byte
	in   *json.Decoder
	seen map[string]bool // people, whichever way they are named
}

// delim tells whether the next token is d.
func (w *roleReader) delim(d json.Delim) bool {
	t, err := w.in.Token()
	return err == nil && t == d
}

// names reads the names of one role.
func (w *roleReader) names() ([]string, error) {
	if !w.delim('[') {
		return nil, w.wrong("角色后面应是名称的列表", "a role is followed by a list of names")
	}
	out := []string{}
	for w.in.More() {
		t, err := w.in.Token()
		name, isText := t.(string)
		// A person who has a token and an account has one role all the same.
		person := strings.TrimPrefix(name, tokenName)
		switch {
		case err != nil:
			return nil, err
		case !isText || !validName(person):
			return nil, w.wrong("这不是名称", "this is no name")
		case w.seen[person]:
			return nil, w.wrong("%[2]q 出现两次：三种角色互斥，一人只有一种", "%[2]q stands twice: the roles exclude each other, a person has one", person)
		case len(w.seen) == maxRoleNames:
			return nil, w.wrong("名称超过 %[2]d 个", "there are more than %[2]d names", maxRoleNames)
		}
		w.seen[person] = true
		out = append(out, name)
	}
	_, err := w.in.Token()
	return out, err
}

// wrong is what is wrong where the reader is. Of args the first is the line, which is
// known when the whole file is.
func (w *roleReader) wrong(zh, en string, args ...any) error {
	return &roleError{data: bytes.Clone(w.data), offset: int(w.in.InputOffset()), zh: zh, en: en, args: args}
}

// roleError is what is wrong in the roles of a file.
type roleError struct {
	data   []byte
	offset int
	zh, en string
	args   []any
}

// Error names no line: see in.
func (e *roleError) Error() string { return "roles: " + e.en }

// in is the problem in the file whose content is given.
func (e *roleError) in(file []byte) *problem.Problem {
	at := max(bytes.Index(file, e.data), 0) + e.offset
	line := 1 + bytes.Count(file[:min(at, len(file))], []byte("\n"))
	return problem.New("ACCESS_ROLE", "第 %[1]d 行："+e.zh, "line %[1]d: "+e.en, append([]any{line}, e.args...)...).
		Advise("写作 {\"system\": [名称], \"security\": [名称], \"audit\": [名称]}；操作系统用户写其名，令牌写 token:名称",
			"write {\"system\": [names], \"security\": [names], \"audit\": [names]}: a user of the system by its name, a token as token:NAME")
}

// Holder returns the name of a token's holder as [Roles] have it, and whether the token
// is valid at a time, whatever its tier.
func (f *File) Holder(token string, now time.Time) (string, bool) {
	digest := sha256.Sum256([]byte(token))
	for i := range f.Tokens {
		t := &f.Tokens[i]
		if h := parseHash(t.Hash); h != nil && subtle.ConstantTimeCompare(digest[:], h[:]) == 1 {
			return tokenName + t.Name, t.outcome(t.Tier, now) == Allowed
		}
	}
	return "", false
}
