package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/tileserver/access"
)

func runToken(e *env, fs *flags) error {
	var f tokenFlags
	f.define(fs)
	args, err := fs.parse(1, 2)
	if err != nil {
		return err
	}
	if err := need("access", f.file); err != nil {
		return err
	}
	switch {
	case args[0] == "add" && len(args) == 1:
		return e.addToken(&f)
	case args[0] == "list" && len(args) == 1:
		if _, _, err := allowed(act{file: f.file, role: access.Security, name: "token list"}); err != nil {
			return err
		}
		return e.listTokens(f.file)
	case args[0] == "revoke":
		if len(args) == 2 {
			f.name = args[1]
		}
		if err := need("name", f.name); err != nil {
			return err
		}
		return administer(act{file: f.file, role: access.Security, name: "token revoke", detail: "name=" + f.name}, func() error {
			return access.Revoke(f.file, f.name, time.Now().UTC())
		})
	}
	return usage("COMMAND_UNKNOWN", "token 没有 %q", "token has no %q", strings.Join(args, " "))
}

func (e *env) addToken(f *tokenFlags) error {
	tier, err := edition.ParseTier(f.tier)
	if err != nil {
		return usageError{problem.Of(err)}
	}
	now := time.Now().UTC()
	t := access.Token{Name: f.name, Tier: string(tier), Created: now}
	if t.Name == "" {
		t.Name = string(tier) + "-" + now.Format("20060102T150405.000")
	}
	if t.Expires, err = f.end(now); err != nil {
		return err
	}
	if t.Scope, err = e.tokenScope(f); err != nil {
		return err
	}
	if t.Bounds, err = f.bounds(); err != nil {
		return err
	}
	if p := t.Check(); p != nil {
		return usageError{p}
	}
	if err := reachable(f.editions, &t); err != nil {
		return err
	}
	reach, err := json.Marshal(struct {
		Expires time.Time     `json:"expires,omitzero"`
		Scope   *access.Scope `json:"scope,omitempty"`
		Bounds  access.Bounds `json:"bounds,omitzero"`
	}{t.Expires, t.Scope, t.Bounds})
	if err != nil {
		return err
	}
	var token string
	err = administer(act{file: f.file, role: access.Security, name: "token add", detail: "name=" + t.Name + " tier=" + t.Tier + " " + string(reach), begins: true}, func() (err error) {
		token, err = access.Add(f.file, t)
		return err
	})
	if err != nil {
		return err
	}
	e.printf("%s\n", token)
	if t.Unlimited() {
		e.warn(unlimited(&t))
	}
	if p := placeless(granted{t.Name, t.Tier, t.Scope}); p != nil {
		e.warn(p)
	}
	return nil
}

// end is when the flags say that a token ends; the zero time is never.
func (f *tokenFlags) end(now time.Time) (time.Time, error) {
	switch {
	case f.days < 0:
		return time.Time{}, usage("FLAGS", "--days 不小于 0", "--days is not below 0")
	case f.days > 0 && f.until != "":
		return time.Time{}, usage("FLAGS", "--days 和 --until 只能给一个", "give one of --days and --until")
	case f.days > 0:
		return now.AddDate(0, 0, f.days), nil
	}
	end, err := timeFlag("until", f.until)
	if err != nil || end.IsZero() {
		return time.Time{}, err
	}
	if len(f.until) == len(time.DateOnly) { // the day is counted in
		end = end.Add(24*time.Hour - time.Second)
	}
	if end = end.UTC(); !end.After(now) {
		return time.Time{}, usage("FLAGS", "--until %s 已经过去", "--until %s is over", f.until)
	}
	return end, nil
}

// listTokens lists what is in force and what was, without anything of a token but
// its name and what it reaches.
func (e *env) listTokens(file string) error {
	all, err := access.List(file)
	if err != nil {
		return err
	}
	if e.json {
		return json.NewEncoder(e.stdout).Encode(append([]access.Token{}, all...))
	}
	now := time.Now()
	for i := range all {
		t := &all[i]
		e.printf("%-24s %-10s %s  %s\n", t.Name, t.Tier, e.tokenState(t, now), strings.Join(e.tokenReach(t), "  "))
	}
	return nil
}

// tokenState says whether a token is valid, and from or until when.
func (e *env) tokenState(t *access.Token, now time.Time) string {
	const day = "2006-01-02"
	switch {
	case !t.Revoked.IsZero():
		return e.pick("已收回 ", "revoked ") + t.Revoked.Format(day)
	case t.Expires.IsZero():
		return e.pick("长期有效", "valid for ever")
	case now.Before(t.Expires):
		return e.pick("有效至 ", "valid until ") + t.Expires.Format(day)
	}
	return e.pick("已过期 ", "expired ") + t.Expires.Format(day)
}

// tokenReach says what a token is bound to, a phrase each.
func (e *env) tokenReach(t *access.Token) []string {
	var out []string
	say := func(zh, en, value string) {
		if value != "" {
			out = append(out, e.pick(zh, en)+" "+value)
		}
	}
	if s := t.Scope; s != nil {
		say("图层", "layers", strings.Join(s.Layers, ","))
		say("地点", "places", strings.Join(s.Places, ","))
		if s.Area != "" {
			out = append(out, e.pick("限定范围", "an area"))
		}
		switch {
		case s.MaxZoom > 0:
			say("级别", "zooms", fmt.Sprintf("%d-%d", s.MinZoom, s.MaxZoom))
		case s.MinZoom > 0:
			say("级别", "zooms", fmt.Sprintf("%d-", s.MinZoom))
		}
		var names []string
		for _, o := range s.Operations {
			names = append(names, string(o))
		}
		say("操作", "operations", strings.Join(names, ","))
	}
	if t.Rate > 0 {
		say("每秒", "a second", fmt.Sprintf("%g", t.Rate))
	}
	say("来源", "origins", strings.Join(t.Origins, ","))
	var nets []string
	for _, n := range t.Addresses {
		nets = append(nets, n.String())
	}
	say("地址", "addresses", strings.Join(nets, ","))
	return out
}
