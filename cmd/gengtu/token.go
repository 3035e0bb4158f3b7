package main

import (
	"encoding/json"
	"time"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/tileserver/access"
)

func runToken(e *env, fs *flags) error {
	file := fs.String("access", "", "令牌文件|the access file")
	tier := fs.String("tier", "", "能开哪一版|the tier it opens")
	name := fs.String("name", "", "名称|its name")
	days := fs.Int("days", 0, "有效天数，0 为不限|days until it expires, 0 for never")
	args, err := fs.parse(1, 2)
	if err != nil {
		return err
	}
	if err := need("access", *file); err != nil {
		return err
	}
	switch args[0] {
	case "add":
		t, err := edition.ParseTier(*tier)
		if err != nil {
			return usageError{problem.Of(err)}
		}
		now := time.Now().UTC()
		tok := access.Token{Name: *name, Tier: string(t), Created: now}
		if tok.Name == "" {
			tok.Name = string(t) + "-" + now.Format("20060102T150405.000")
		}
		if *days > 0 {
			tok.Expires = now.AddDate(0, 0, *days)
		}
		token, err := access.Add(*file, tok)
		if err != nil {
			return err
		}
		e.printf("%s\n", token)
		return nil
	case "list":
		all, err := access.List(*file)
		if err != nil {
			return err
		}
		return json.NewEncoder(e.stdout).Encode(all)
	case "revoke":
		if len(args) == 2 {
			*name = args[1]
		}
		if err := need("name", *name); err != nil {
			return err
		}
		return access.Revoke(*file, *name, time.Now().UTC())
	}
	return usage("COMMAND_UNKNOWN", "token 没有 %q", "token has no %q", args[0])
}
