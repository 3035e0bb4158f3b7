package main

import (
	"encoding/json"
	"os"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/ingest/policy"
)

func runPolicy(e *env, fs *flags) error {
	args, err := fs.parse(1, 2)
	if err != nil {
		return err
	}
	switch args[0] {
	case "show":
		e.printf("%s", policy.DefaultText())
		return nil
	case "check", "diff":
		return usage("NOT_AVAILABLE", "这一版程序还没有 policy %s", "this program does not have policy %s yet", args[0])
	}
	return usage("COMMAND_UNKNOWN", "policy 没有 %q", "policy has no %q", args[0])
}

func runPublish(e *env, fs *flags) error {
	from := fs.String("from", "", "高一级版本目录|the higher edition's directory")
	tierName := fs.String("tier", "", "government 或 public|government or public")
	file := fs.String("policy", "", "策略文件，不给则用内置的|the policy file; the embedded one otherwise")
	out := fs.String("out", "", "版本目录|the edition's directory")
	keep := fs.Int("keep", edition.DefaultKeep, "保留几代|generations kept")
	workers := fs.Int("workers", 0, "并行数，0 为全部处理器|goroutines at work, 0 for all processors")
	memory := memoryFlag(fs)
	if _, err := fs.parse(0, 0); err != nil {
		return err
	}
	for name, v := range map[string]string{"from": *from, "tier": *tierName, "out": *out} {
		if err := need(name, v); err != nil {
			return err
		}
	}
	tier, err := edition.ParseTier(*tierName)
	if err != nil {
		return usageError{problem.Of(err)}
	}
	p, err := policy.Default()
	if *file != "" {
		var text []byte
		if text, err = os.ReadFile(*file); err != nil {
			return problem.New("POLICY_FILE", "策略文件读不出来（%v）", "the policy file cannot be read (%v)", err).In(*file)
		}
		p, err = policy.Parse(*file, text)
	}
	if err != nil {
		return err
	}
	bytes, err := byteSize(*memory)
	if err != nil {
		return err
	}
	reg, generation, err := e.publish(*from, tier, p, *out, building{keep: *keep, workers: *workers, memory: bytes, stages: &stages{}})
	if err != nil {
		return err
	}
	return e.giveRegister(reg, generation)
}

func (e *env) publish(from string, tier edition.Tier, p *policy.Policy, out string, w building) (*policy.Register, string, error) {
	ix, err := index.Open(from, "")
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = ix.Close() }() // only read
	if err := policy.Downward(ix.Manifest.Tier, tier); err != nil {
		return nil, "", err
	}
	key, err := policy.PublisherKey(from)
	if err != nil {
		return nil, "", err
	}
	d, err := edition.Begin(out)
	if err != nil {
		return nil, "", err
	}
	defer d.Abort()
	w.stages.begin(stageDerive)
	features := index.NewWriter(d.File(edition.FeaturesFile))
	features.Limit(w.memory / 2) // the collector begins when what is in use has doubled
	m, reg, err := policy.Derive(e.ctx, ix, p, tier, key, features)
	if err != nil {
		return nil, "", err
	}
	w.stages.begin(stageIndex)
	if _, old, err := edition.Current(out); err == nil {
		if old.Tier != tier {
			return nil, "", problem.New("TIER_CHANGED", "目录里已是%[1]s", "the directory holds a %[2]s edition", old.Tier.Title(problem.Chinese), old.Tier).In(out)
		}
		if old.Policy.Digest != m.Policy.Digest {
			w.keep = 1 // what another policy let through must not stay behind
		}
	}
	if err := e.complete(d, m, w); err != nil {
		return nil, "", err
	}
	w.stages.note(e)
	return reg, m.Generation, nil
}

func (e *env) giveRegister(reg *policy.Register, generation string) error {
	if e.json {
		enc := json.NewEncoder(e.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(struct {
			Generation string `json:"generation"`
			*policy.Register
		}{generation, reg})
	}
	e.printf("%s %s → %s  %s %s\n", generation, reg.From, reg.To, e.pick("策略", "policy"), reg.Policy)
	for _, l := range reg.Layers {
		e.printf(e.pick("  %s@%s  要素 %d → %d（%d 个小于网格）  面积 m² %.2f → %.2f  去掉字段 %v\n", "  %s@%s  features %d → %d (%d below the grid)  area m² %.2f → %.2f  fields dropped %v\n"),
			l.Layer, l.Vintage, l.Before, l.After, l.Vanished, l.AreaBefore, l.AreaAfter, l.FieldsDropped)
	}
	for _, w := range reg.Withheld {
		e.printf("  %s %s\n", w, e.pick("不下发", "withheld"))
	}
	return nil
}
