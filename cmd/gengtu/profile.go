package main

import (
	"os"

	"gengtu/index/problem"
	"gengtu/ingest/profiles"
)

// profilesUsage explains --profiles.
const profilesUsage = "图层模式目录，其中的 NAME.yaml 代替或新增内置模式，domains.yaml 代替或新增代码表，extents.yaml 代替或新增各省范围|folder of layer profiles: NAME.yaml there replaces or joins the embedded ones, domains.yaml their code lists, extents.yaml the extents of provinces"

// loadProfiles returns the embedded profiles with those of a folder, "" for none, in
// place of or beside them.
func loadProfiles(folder string) (*profiles.Set, error) {
	if folder == "" {
		return profiles.Embedded()
	}
	set, err := profiles.Load(os.DirFS(folder))
	if p := problem.Of(err); p != nil && p.File == "" {
		return nil, p.In(folder)
	}
	return set, err
}

func runProfile(e *env, fs *flags) error {
	folder := fs.String("profiles", "", profilesUsage)
	args, err := fs.parse(1, 2)
	if err != nil {
		return err
	}
	switch {
	case args[0] == "list" && len(args) == 1:
		return e.listProfiles(*folder)
	case args[0] == "show" && len(args) == 2:
		text, ok := profiles.Text(args[1])
		if !ok {
			return usageError{problem.New("PROFILE_UNKNOWN", "没有内置模式 %.80q", "there is no embedded profile %.80q", args[1]).
				Advise("gengtu profile list 列出全部；代码表是 domains，各省范围是 extents", "gengtu profile list names them; the code lists are domains, the extents of provinces extents")}
		}
		_, err := e.stdout.Write(text)
		return err
	}
	return usage("ARGUMENTS", "用法：gengtu profile list，或 gengtu profile show NAME", "usage: gengtu profile list, or gengtu profile show NAME")
}

// listProfiles prints one line for each profile.
func (e *env) listProfiles(folder string) error {
	set, err := loadProfiles(folder)
	if err != nil {
		return err
	}
	for _, p := range set.All() {
		e.printf("%-16s %-8s %3d  %s  %v\n", p.Name, p.Geometry, len(p.Fields), e.pick(p.Title.Zh, p.Title.En), p.Files)
	}
	return nil
}
