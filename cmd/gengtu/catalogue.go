package main

import (
	"strings"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/tileserver/catalog"
)

// runCatalogue prints the embedded table of what the catalogue says of layers, to edit
// a copy of, or looks at the copies.
func runCatalogue(e *env, fs *flags) error {
	var editions list
	fs.Var(&editions, "edition", "版本目录，可多次（check 用）|an edition's directory, may be repeated (for check)")
	args, err := fs.parse(1, -1)
	if err != nil {
		return err
	}
	switch verb, tables := args[0], args[1:]; {
	case verb == "show" && len(tables) == 0:
		e.printf("%s", catalog.DefaultText())
		return nil
	case verb == "check" && len(editions) == 0:
		return need("edition", "")
	case verb == "check":
		return e.checkCatalogue(editions, tables)
	}
	return usage("ARGUMENTS", "用法：gengtu catalogue show 或 gengtu catalogue check --edition DIR [FILE …]", "usage: gengtu catalogue show, or gengtu catalogue check --edition DIR [FILE …]")
}

// gapNames are what the members of a record are called.
var gapNames = map[string][2]string{
	"class": {"数据类别", "data class"}, "grade": {"分级未确认", "grade not confirmed"}, "source": {"来源", "source"},
	"department": {"责任部门", "department"}, "contact": {"联系方式", "contact"},
}

// checkCatalogue reads tables as the server does and lists what they leave open; that
// something is left open is an error.
func (e *env) checkCatalogue(editions, tables []string) error {
	store, err := catalog.Open(tables, layersOf(editions))
	if err != nil {
		return err
	}
	gaps, err := store.Gaps()
	if err != nil {
		return err
	}
	if e.json {
		if err := e.giveJSON(gaps); err != nil {
			return err
		}
	}
	n := 0
	for _, tier := range edition.Tiers {
		n += len(gaps[tier])
		for _, g := range gaps[tier] {
			var names []string
			for _, m := range g.Missing {
				names = append(names, e.pick(gapNames[m][0], gapNames[m][1]))
			}
			if !e.json {
				e.printf("%s  %-10s %s\n", tier, g.Layer, strings.Join(names, e.pick("、", ", ")))
			}
		}
	}
	if n > 0 {
		return problem.New("CATALOGUE_GAPS", "数据目录有 %d 个图层缺项", "the catalogue says too little of %d layers", n).
			Advise("照 gengtu catalogue show 写表，写明 confirmed: true", "write a table as gengtu catalogue show has it, with confirmed: true")
	}
	e.notef("%s\n", e.pick("数据目录完整", "the catalogue is complete"))
	return nil
}
