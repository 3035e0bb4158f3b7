package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/extract"
	"gengtu/index/problem"
	"gengtu/tileserver/access"
)

// accessReport is what `gengtu access check` says of a file.
type accessReport struct {
	File     string             `json:"file"`
	Tokens   int                `json:"tokens"`
	InForce  int                `json:"in_force"`
	Origins  int                `json:"origins"`
	Issuers  int                `json:"issuers"`
	AuditLog string             `json:"audit_log"`
	Roles    access.Roles       `json:"roles"`
	Editions []string           `json:"editions"`
	Warnings []*problem.Problem `json:"warnings"`
	// Missing is what tokens in force, and grants, name that no edition given has.
	Missing []*problem.Problem `json:"missing"`
}

func runAccess(e *env, fs *flags) error {
	file := fs.String("access", os.Getenv(accessEnv), "令牌文件|the access file")
	var editions list
	fs.Var(&editions, "edition", "版本目录，可多次：核对令牌的图层、地点和范围|an edition in which what tokens name is looked for; may be repeated")
	args, err := fs.parse(0, 2)
	switch {
	case err != nil:
		return err
	case len(args) == 0 || args[0] != "check":
		return usageError{problem.New("COMMAND_UNKNOWN", "access 没有 %q", "access has no %q", strings.Join(args, " ")).
			Advise("用法：gengtu access check access.json [--edition EDITION …]", "usage: gengtu access check access.json [--edition EDITION …]")}
	case len(args) == 2:
		*file = args[1]
	}
	if *file == "" {
		return usageError{problem.New("FLAG_MISSING", "没有说是哪个令牌文件", "it is not said which access file").
			Advise("写 gengtu access check access.json，或在环境变量 %[1]s 中给出；文件由 gengtu token add --access access.json 生成", "write gengtu access check access.json, or name it in the environment as %[1]s; gengtu token add --access access.json makes one", accessEnv)}
	}
	r, err := checkAccess(*file, editions)
	if err != nil {
		return err
	}
	if e.json {
		err = json.NewEncoder(e.stdout).Encode(r)
	} else {
		e.printAccess(r)
	}
	if err == nil && len(r.Missing) > 0 {
		err = problem.New("ACCESS_MISSING", "令牌指名的内容有 %d 处在版本中没有", "%d things that tokens name are in no edition given", len(r.Missing)).In(*file).
			Advise("逐条改正令牌文件，或换成正在提供服务的版本", "correct them in the access file, or give the editions that are served")
	}
	return err
}

// uncheckedTier is the code of the warning of a tier of which no edition was given.
const uncheckedTier = "ACCESS_UNCHECKED"

// checkAccess looks at an access file and, where editions are given, at what its tokens
// name.
func checkAccess(file string, editions []string) (*accessReport, error) {
	f, err := access.Load(file)
	if errors.Is(err, fs.ErrNotExist) {
		if p := problem.Of(err); p != nil {
			err = p.Advise("核对路径；gengtu token add --access FILE --tier TIER 会生成它", "check the path; gengtu token add --access FILE --tier TIER makes it")
		}
	}
	if err != nil {
		return nil, err
	}
	r := &accessReport{
		File: file, Tokens: len(f.Tokens), Origins: len(f.Origins), Issuers: len(f.OIDC), AuditLog: f.AuditDir(file), Roles: f.Roles,
		Editions: append([]string{}, editions...), Warnings: roleWarnings(f.Roles), Missing: []*problem.Problem{},
	}
	now := time.Now()
	var scopes []granted
	for i := range f.Tokens {
		t := &f.Tokens[i]
		if !t.InForce(now) {
			continue
		}
		r.InForce++
		if t.Unlimited() {
			r.Warnings = append(r.Warnings, unlimited(t))
		}
		scopes = append(scopes, granted{t.Name, t.Tier, t.Scope})
	}
	for i := range f.OIDC {
		for n, g := range f.OIDC[i].Grants {
			if g.Unlimited() {
				r.Warnings = append(r.Warnings, unlimitedGrant(f.OIDC[i].Issuer, n+1, &g))
			}
			scopes = append(scopes, granted{fmt.Sprintf("%s (grant %d)", f.OIDC[i].Issuer, n+1), g.Tier, g.Scope})
		}
	}
	for _, g := range scopes {
		if p := placeless(g); p != nil {
			r.Warnings = append(r.Warnings, p)
		}
	}
	var unchecked []string
	if r.Missing, unchecked, err = missing(editions, scopes); len(editions) > 0 {
		for _, tier := range unchecked {
			r.Warnings = append(r.Warnings, problem.New(uncheckedTier, "没有给出 %[1]s 版，它的令牌没有核对", "no edition of the tier %[1]s is given: its tokens were not held against any", tier).
				Advise("加上 --edition，指向这一版的目录", "add --edition with the directory of that tier"))
		}
	}
	return r, err
}

// roleWarnings says which administration is open to all, or to none.
func roleWarnings(roles access.Roles) []*problem.Problem {
	out := []*problem.Problem{}
	if len(roles) == 0 {
		return append(out, problem.New("ACCESS_NO_ROLES", "没有配置角色：谁都可以做系统、安全、审计三类管理", "no roles are configured: everybody may do all of system, security and audit administration"))
	}
	for _, role := range access.AllRoles {
		if len(roles[role]) == 0 {
			out = append(out, problem.New("ACCESS_NOBODY", "没有人有角色 %[1]s，要它的命令谁都不能用", "nobody has the role %[1]s: its commands are closed to all", role))
		}
	}
	return out
}

// unlimited is the warning of a token that opens all of its tier for ever.
func unlimited(t *access.Token) *problem.Problem {
	return problem.New("TOKEN_UNLIMITED", "令牌 %[1]s 没有限制：能看 %[2]s 版的全部图层和地点，能做全部操作，永不过期", "the token %[1]s is not limited: all layers, places and operations of the tier %[2]s, for ever", t.Name, t.Tier).
		Advise("按需用 --layers、--place 或 --area、--operations、--days 限定；gengtu token revoke --name %[1]s 可收回", "bound it by --layers, --place or --area, --operations and --days as far as it needs; gengtu token revoke --name %[1]s takes it back", t.Name)
}

// placeless is the warning of who may ask for areas, but not by place: the layer with the
// outlines of places is not granted; nil of any other.
func placeless(g granted) *problem.Problem {
	if g.scope.Layer(edition.Region) || !g.scope.Allows(access.Overlay) {
		return nil
	}
	return problem.New("TOKEN_NO_REGION", "令牌 %[1]s 没有授予图层 region：不能按地点提问（overlay?place=），只能给图形或 bbox", "the token %[1]s does not grant the layer region: it cannot ask by place (overlay?place=), by a shape or a bbox alone", g.name).
		Advise("要按地点提问，在 --layers 里加上 region", "where it is to ask by place, add region to --layers")
}

// unlimitedGrant is the warning of a grant that opens all of its tier.
func unlimitedGrant(issuer string, n int, g *access.Grant) *problem.Problem {
	return problem.New("ISSUER_UNLIMITED", "签发方 %[1]s 的第 %[2]d 条授权没有限制：%[3]s 为 %[4]s 的每个用户能看 %[5]s 版的全部图层和地点，能做全部操作",
		"grant %[2]d of the issuer %[1]s is not limited: each user whose %[3]s is %[4]s has all layers, places and operations of the tier %[5]s", issuer, n, g.Claim, g.Value, g.Tier).
		Advise("用 places_claim，或 scope 的 places、area、layers、operations 限定", "bound it by places_claim, or by places, area, layers or operations of its scope")
}

// warn prints a warning to standard error.
func (e *env) warn(p *problem.Problem) {
	e.notef("%s%s\n", e.pick("警告：", "warning: "), p.Text(e.lang))
}

func (e *env) printAccess(r *accessReport) {
	e.printf("%s\n", fmt.Sprintf(e.pick("令牌 %d 个，有效 %d 个；来源 %d 个，签发方 %d 个", "%d tokens, %d of them in force; %d origins, %d issuers"), r.Tokens, r.InForce, r.Origins, r.Issuers))
	e.printf("%s %s\n", e.pick("审计日志", "audit log"), r.AuditLog)
	if len(r.Roles) > 0 {
		for _, role := range access.AllRoles {
			e.printf("%-9s %s\n", role, strings.Join(r.Roles[role], " "))
		}
	}
	for _, p := range r.Warnings {
		e.printf("%s%s\n", e.pick("警告：", "warning: "), p.Text(e.lang))
	}
	for _, p := range r.Missing {
		e.printf("%s%s\n", e.pick("没有：", "missing: "), p.Text(e.lang))
	}
	whole := !slices.ContainsFunc(r.Warnings, func(p *problem.Problem) bool { return p.Code == uncheckedTier })
	if len(r.Editions) > 0 && len(r.Missing) == 0 && whole {
		e.printf("%s\n", e.pick("令牌指名的图层、地点和范围都在给出的版本中", "all layers, places and areas that tokens name are in the editions given"))
	}
}

// granted is what somebody reaches of a tier.
type granted struct {
	name, tier string
	scope      *access.Scope
}

// reachable refuses a token that names what the editions, if any, do not have.
func reachable(editions []string, t *access.Token) error {
	all, unchecked, err := missing(editions, []granted{{t.Name, t.Tier, t.Scope}})
	switch {
	case err != nil || len(editions) == 0:
		return err
	case len(unchecked) > 0:
		return problem.New("ACCESS_MISSING", "给出的版本中没有 %[1]s 版", "no edition given is of the tier %[1]s", t.Tier).
			Advise("--edition 给与 --tier 同一版的目录", "let --edition name one of the tier that --tier names")
	case len(all) == 0:
		return nil
	}
	var zh, en []string
	for _, p := range all {
		zh, en = append(zh, p.Found(problem.Chinese)), append(en, p.Found(problem.English))
	}
	return problem.New("ACCESS_MISSING", "%[1]s", "%[2]s", strings.Join(zh, "；"), strings.Join(en, "; ")).
		Advise("核对图层名和行政区代码（gengtu info EDITION --by village）；没有签发令牌", "check the names of layers and the codes of places (gengtu info EDITION --by village); no token was issued")
}

// missing tells what scopes name that the edition of their tier does not have, and the
// tiers of scopes that were not looked at, as no edition of them is given.
func missing(editions []string, scopes []granted) (out []*problem.Problem, unchecked []string, err error) {
	out = []*problem.Problem{}
	tiers := map[string]bool{}
	for _, dir := range editions {
		ix, err := index.Open(dir, "")
		if err != nil {
			return nil, nil, err
		}
		tier := string(ix.Manifest.Tier)
		tiers[tier] = true
		for _, g := range scopes {
			if g.tier == tier && g.scope != nil {
				out = append(out, missingIn(ix, dir, g)...)
			}
		}
		if err := ix.Close(); err != nil {
			return nil, nil, err
		}
	}
	for _, g := range scopes {
		if !tiers[g.tier] && !slices.Contains(unchecked, g.tier) {
			unchecked = append(unchecked, g.tier)
		}
	}
	return out, unchecked, nil
}

// missingIn tells what of a scope an edition does not have.
func missingIn(ix *index.Index, dir string, g granted) []*problem.Problem {
	var out []*problem.Problem
	say := func(zh, en string, args ...any) {
		args = append([]any{g.name}, args...)
		out = append(out, problem.New("ACCESS_MISSING", "令牌 %[1]s："+zh, "token %[1]s: "+en, args...).In(dir))
	}
	for _, l := range g.scope.Layers {
		if len(ix.Vintages(l)) == 0 {
			say("没有图层 %[2]s，有 %[3]s", "there is no layer %[2]s, there are %[3]s", l, strings.Join(ix.Names(), " "))
		}
	}
	for _, code := range absent(ix, g.scope) {
		say("没有地点 %[2]s", "there is no place %[2]s", code)
	}
	if m := ix.Manifest; g.scope.MinZoom > m.MaxZoom {
		say("级别从 %[2]d 起，这一版到 %[3]d 级为止", "its zooms begin at %[2]d, those of the edition end at %[3]d", g.scope.MinZoom, m.MaxZoom)
	}
	if g.scope.Area != "" && !meets(ix, g.scope) {
		say("范围内没有任何要素", "nothing lies in its area")
	}
	return out
}

// absent are the places of a scope in which the edition has no feature.
func absent(ix *index.Index, s *access.Scope) []string {
	found := map[string]bool{}
	// A place whose outline the edition has is there, too, whatever layers are reached.
	with := *s
	if len(s.Layers) > 0 {
		with.Layers = append([]string{edition.Region}, s.Layers...)
	}
	each(ix, &with, func(l *index.Layer) bool {
		for i := 0; i < l.Len() && len(found) < len(s.Places); i++ {
			place := l.Head(i).Place
			for _, code := range s.Places {
				if strings.HasPrefix(place, code) {
					found[code] = true
				}
			}
		}
		return len(found) < len(s.Places)
	})
	var out []string
	for _, code := range s.Places {
		if !found[code] {
			out = append(out, code)
		}
	}
	return out
}

// meets tells whether the box of a feature of the scope's layers reaches into the box of
// its area.
func meets(ix *index.Index, s *access.Scope) bool {
	area, err := extract.ParseArea(s.Area)
	if err != nil {
		return false // was refused where the file was read
	}
	met := false
	each(ix, s, func(l *index.Layer) bool {
		l.Search(area.Box(), func(int) bool {
			met = true
			return false
		})
		return !met
	})
	return met
}

// each calls do with the layers that a scope reaches, until it returns false.
func each(ix *index.Index, s *access.Scope, do func(*index.Layer) bool) {
	for i := range ix.Manifest.Layers {
		m := &ix.Manifest.Layers[i]
		if s.Layer(m.Name) && !do(ix.Layer(m.Name, m.Vintage)) {
			return
		}
	}
}
