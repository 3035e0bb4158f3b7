package main

import (
	"strings"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/tileserver/catalog"
)

// runCatalogue prints a table of what the catalogue says of a tier's layers, to edit, or
// looks at edited ones.
func runCatalogue(e *env, fs *flags) error {
	var editions list
	fs.Var(&editions, "edition", "版本目录，可多次（show 列出其全部图层）|an edition's directory, may be repeated (show lists all its layers)")
	tier := fs.String("tier", "", "show：哪一版的表|show: the tier whose table it is")
	args, err := fs.parse(1, -1)
	if err != nil {
		return err
	}
	switch verb, tables := args[0], args[1:]; {
	case verb == "show" && len(tables) == 0:
		return e.showCatalogue(*tier, editions)
	case *tier != "":
		return usage("FLAGS", "--tier 只用于 show", "--tier goes with show alone")
	case verb == "check" && len(editions) == 0:
		return need("edition", "")
	case verb == "check":
		return e.checkCatalogue(editions, tables)
	}
	return usage("ARGUMENTS", "用法：gengtu catalogue show [--tier TIER] [--edition DIR] 或 gengtu catalogue check --edition DIR [FILE …]", "usage: gengtu catalogue show [--tier TIER] [--edition DIR], or gengtu catalogue check --edition DIR [FILE …]")
}

// showCatalogue prints the table of a tier that says what holds without one. It is taken
// as it is: which layers it may name only an edition tells, so that without one they are
// not named.
func (e *env) showCatalogue(name string, editions []string) error {
	there, err := layersOf(editions)()
	if err != nil {
		return err
	}
	tier := edition.Public
	switch {
	case name != "":
		if tier, err = edition.ParseTier(name); err != nil {
			return usageError{problem.Of(err)}
		}
	case len(there) > 1:
		return usage("FLAGS", "给出的版本不止一个，用 --tier 说明要哪一版的表", "editions of several tiers are given: say by --tier whose table is wanted")
	case len(there) == 1:
		for t := range there {
			tier = t
		}
	default:
		e.notef("%s\n", e.pick("这是公众版的表；别的版用 --tier 指明，--edition DIR 列出全部图层", "this is a table of the public tier; --tier names another, --edition DIR lists all layers"))
	}
	if len(there) > 0 && there[tier] == nil {
		return usage("FLAGS", "给出的版本中没有%[1]s", "no edition given is of the tier %[2]s", tier.Title(problem.Chinese), string(tier))
	}
	text, err := catalog.Sample(tier, there[tier])
	if err != nil {
		return err
	}
	e.printf("%s", text)
	return nil
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
			Advise("用 gengtu catalogue show --edition DIR > FILE 生成表，填好后写 confirmed: true，再用 --catalogue FILE 给服务", "make a table by gengtu catalogue show --edition DIR > FILE, fill it in, say confirmed: true, and give it to serve by --catalogue FILE")
	}
	e.notef("%s\n", e.pick("数据目录完整", "the catalogue is complete"))
	return nil
}
