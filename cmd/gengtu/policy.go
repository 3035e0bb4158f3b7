package main

import (
	"encoding/json"
	"os"
	"strings"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/ingest/policy"
)

func runPolicy(e *env, fs *flags) error {
	against := fs.String("edition", "", "check：对照这个版本的图层|check: an edition whose layers the policy is held against")
	kept := fs.String("kept", "", "register：另存的登记行散列，查末尾是否被截|register: a line's hash that was kept elsewhere, to find an end that was cut off")
	args, err := fs.parse(1, 3)
	if err != nil {
		return err
	}
	if *kept != "" && args[0] != "register" {
		return usage("FLAGS", "--kept 只用于 register", "--kept goes with register alone")
	}
	if *against != "" && args[0] != "check" {
		return usage("FLAGS", "--edition 只用于 check", "--edition goes with check alone")
	}
	switch verb, given := args[0], args[1:]; {
	case verb == "show" && len(given) == 0:
		return e.showPolicy()
	case verb == "check" && len(given) == 1:
		return e.checkPolicy(given[0], *against)
	case verb == "diff" && len(given) == 2:
		return e.diffPolicies(given[0], given[1])
	case verb == "register" && len(given) == 1:
		return e.showRegister(given[0], *kept)
	}
	return usage("ARGUMENTS", "用法：gengtu policy show | check FILE [--edition EDITION] | diff A B | register EDITION [--kept HASH]", "usage: gengtu policy show | check FILE [--edition EDITION] | diff A B | register EDITION [--kept HASH]")
}

// showPolicy prints the embedded policy as the file that a person edits; by --json with
// what each tier gets.
func (e *env) showPolicy() error {
	if !e.json {
		e.printf("%s", policy.DefaultText())
		return nil
	}
	p, err := policy.Default()
	if err != nil {
		return err
	}
	return e.giveJSON(map[string]any{"name": p.Name, "digest": p.Digest(), "text": string(policy.DefaultText()), "tiers": p.Words(e.lang)})
}

// embedded is the name by which commands call the policy that comes with the program.
const embedded = "default"

// policyText returns the text of a policy file, or of the embedded one.
func policyText(name string) ([]byte, error) {
	if name == "" || name == embedded {
		return policy.DefaultText(), nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, problem.New("POLICY_FILE", "策略文件读不出来（%v）", "the policy file cannot be read (%v)", err).In(name).
			Advise("核对路径；default 是内置策略", "check the path; default is the embedded policy").Because(err)
	}
	return text, nil
}

// policyAt reads a policy file, or the embedded one when name is "" or default.
func policyAt(name string) (*policy.Policy, error) {
	text, err := policyText(name)
	if err != nil {
		return nil, err
	}
	return policy.Parse(name, text)
}

// layerNames lists the names of an edition's layers; nil where none is given.
func layerNames(dir string) ([]string, error) {
	if dir == "" {
		return nil, nil
	}
	_, m, err := edition.Current(dir)
	if err != nil {
		return nil, err
	}
	return m.LayerNames(), nil
}

// checkPolicy tells all that is wrong with a policy, or what each tier gets by it, and what
// a person should look at; against is an edition that it is held against, "" for none.
func (e *env) checkPolicy(name, against string) error {
	text, err := policyText(name)
	if err != nil {
		return err
	}
	p, found, err := policy.Judge(name, text)
	if q := problem.Of(err); q != nil {
		found, err = []*problem.Problem{q}, nil
	}
	if err != nil {
		return err
	}
	if len(found) > 0 {
		return e.badPolicy(name, found)
	}
	layers, err := layerNames(against)
	if err != nil {
		return err
	}
	doubts, err := policy.Doubts(name, text, layers)
	if err != nil {
		return err
	}
	tiers := p.Words(e.lang)
	if e.json {
		cautions := map[edition.Tier][]string{}
		for _, t := range tiers {
			cautions[t.Tier] = append([]string{}, p.Cautions(t.Tier, e.lang)...)
		}
		return e.giveJSON(map[string]any{
			"file": name, "name": p.Name, "digest": p.Digest(), "problems": []any{}, "tiers": tiers,
			"doubts": append([]*problem.Problem{}, doubts...), "cautions": cautions,
		})
	}
	e.printf(e.pick("策略 %s 没有问题  %s\n", "policy %s is sound  %s\n"), p.Name, p.Digest())
	e.giveWords(tiers)
	for _, d := range doubts {
		e.notef("%s %s\n", e.pick("注意", "note"), d.Found(e.lang))
	}
	for _, t := range tiers {
		e.caution(p, t.Tier)
	}
	return nil
}

// caution tells what a person should look at before the tier is published.
func (e *env) caution(p *policy.Policy, tier edition.Tier) {
	for _, c := range p.Cautions(tier, e.lang) {
		e.notef("%s %s: %s\n", e.pick("注意", "note"), tier.Title(e.lang), c)
	}
}

// badPolicy tells what is wrong: the first as the command's error, the others before.
func (e *env) badPolicy(name string, found []*problem.Problem) error {
	if e.json {
		if err := e.giveJSON(map[string]any{"file": name, "problems": found}); err != nil {
			return err
		}
	} else {
		for _, p := range found {
			e.printf("%s: %s\n", name, p.Found(e.lang))
		}
	}
	return problem.New("POLICY_FILE", "策略有 %d 处问题", "the policy has %d problems", len(found)).In(name).
		Advise("%[1]s", "%[2]s", found[0].Advice(problem.Chinese), found[0].Advice(problem.English))
}

// giveWords prints what each tier gets.
func (e *env) giveWords(tiers []policy.TierWords) {
	for _, t := range tiers {
		e.printf("\n%s\n", t.Title)
		for _, w := range t.Says {
			e.printf("  %s\n", w)
		}
	}
}

// diffPolicies tells what each tier gains and loses from the first policy to the second.
func (e *env) diffPolicies(a, b string) error {
	from, err := policyAt(a)
	if err != nil {
		return err
	}
	to, err := policyAt(b)
	if err != nil {
		return err
	}
	changes := policy.Compare(from, to, e.lang)
	if e.json {
		return e.giveJSON(map[string]any{"from": a, "to": b, "from_name": from.Name, "to_name": to.Name, "from_digest": from.Digest(), "to_digest": to.Digest(), "tiers": changes})
	}
	if from.Name != to.Name {
		e.printf(e.pick("策略改名：%s（原：%s）\n", "the policy is called %s (was: %s)\n"), to.Name, from.Name)
	}
	if len(changes) == 0 {
		e.printf("%s\n", e.pick("各版所得相同", "each tier gets the same"))
	}
	for _, c := range changes {
		e.printf("%s\n", c.Title)
		for _, l := range []struct {
			mark  string
			words []string
		}{{e.pick("增加", "gains"), c.Gains}, {e.pick("减少", "loses"), c.Loses}, {e.pick("改变", "changes"), c.Changes}} {
			for _, w := range l.words {
				e.printf("  %s  %s\n", l.mark, w)
			}
		}
	}
	return nil
}

// shortDigest is as much of a policy's digest as tells it from others in a list.
func shortDigest(digest string) string { return digest[:min(len(digest), 12)] }

// showRegister verifies and lists the publications from an edition; of the hash of a line
// that was kept elsewhere it is seen that the line is there.
func (e *env) showRegister(dir, kept string) error {
	if _, _, err := edition.Current(dir); err != nil {
		return err
	}
	entries, hash, err := policy.ReadRegister(dir)
	if err != nil {
		return err
	}
	if err := policy.Kept(dir, entries); err != nil {
		return err
	}
	if kept != "" {
		if err := policy.Holds(dir, kept); err != nil {
			return err
		}
	}
	if e.json {
		if entries == nil {
			entries = []policy.Entry{}
		}
		return e.giveJSON(map[string]any{"entries": entries, "hash": hash})
	}
	for i := range entries {
		x := &entries[i]
		e.printf("%s  %-9s  %s %s → %s %s  %s %s %s  %s  %s\n", x.Time.Format("2006-01-02T15:04:05Z"), x.Event, x.From, x.Generation, x.To, x.Made,
			e.pick("策略", "policy"), x.Policy, shortDigest(x.PolicyDigest), x.By, strings.TrimSpace(x.Approver+" "+x.Document))
	}
	e.printf(e.pick("%d 次发布，登记簿完好 %s\n", "%d publications, the register is sound %s\n"), len(entries), hash)
	return nil
}

func (e *env) giveJSON(v any) error {
	enc := json.NewEncoder(e.stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
