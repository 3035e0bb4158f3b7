package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"math"
	"os"
	"strings"
	"time"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/ingest/exchange"
	"gengtu/ingest/policy"
	"gengtu/tileserver/access"
)

func runPublish(e *env, fs *flags) error {
	from := fs.String("from", "", "高一级版本目录|the higher edition's directory")
	tierName := fs.String("tier", "", "government 或 public|government or public")
	approver := fs.String("approver", "", "批准人，记入登记簿；策略写明 approved_by 时必须给|who approved, for the register; needed where the policy names approved_by")
	file := fs.String("policy", "", "策略文件，不给则用内置的|the policy file; the embedded one otherwise")
	out := fs.String("out", "", "版本目录|the edition's directory")
	var keep int
	keepFlag(fs, &keep)
	accessFile := fs.String("access", "", "令牌文件：按其中的角色核对，并记入审计日志；默认用环境变量 GENGTU_ACCESS，都没有则不核对角色，只记登记簿|the access file, whose roles are asked and whose audit log tells of it; GENGTU_ACCESS by default; without either no role is asked, and the register alone tells of it")
	var workers int
	workersFlag(fs, &workers)
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
	if err := policy.Downward(edition.Secure, tier); err != nil {
		return wrongLine(err) // no edition is higher
	}
	p, err := policyAt(*file)
	if err != nil {
		return err
	}
	bytes, err := byteSize(*memory)
	if err != nil {
		return err
	}
	work := func() error {
		by, err := operator(*accessFile)
		if err != nil {
			return err
		}
		done, err := e.publish(publication{*from, tier, p, *out, *approver, by}, building{keep: keep, workers: workers, memory: bytes, stages: &stages{}})
		if err != nil {
			return err
		}
		e.caution(p, tier)
		return e.giveRegister(done)
	}
	if *accessFile == "" || *accessFile == os.Getenv(accessEnv) {
		return work() // what the environment names has been asked already
	}
	return administer(act{file: *accessFile, role: access.System, name: "publish", detail: strings.Join(fs.line, " ")}, work)
}

// operator is who runs a command: by the access file that is given, or named by the
// environment; without either the account.
func operator(file string) (string, error) {
	if file = cmp.Or(file, os.Getenv(accessEnv)); file == "" {
		return exchange.Account(), nil
	}
	f, err := access.Load(file)
	if err != nil {
		return "", err
	}
	return actor(f)
}

// publication says what is to be published: an edition's directory, to which tier, by
// which policy, where to, and who approved it ("" for nobody).
type publication struct {
	from     string
	tier     edition.Tier
	policy   *policy.Policy
	out      string
	approver string
	by       string
}

// published is a publication's line in the register, and the hash of that line.
type published struct {
	entry *policy.Entry
	hash  string
}

func (e *env) publish(what publication, w building) (*published, error) {
	ix, err := index.Open(what.from, "")
	if err != nil {
		return nil, err
	}
	defer func() { _ = ix.Close() }() // only read
	if err := policy.Downward(ix.Manifest.Tier, what.tier); err != nil {
		return nil, err
	}
	if err := what.policy.Approve(what.tier, what.approver); err != nil {
		return nil, err
	}
	// A register that is not sound is found before hours of work.
	entries, _, err := policy.ReadRegister(what.from)
	if err != nil {
		return nil, err
	}
	if err := policy.Kept(what.from, entries); err != nil {
		p := problem.Of(err)
		if p == nil || p.Code != "REGISTER_MISSING" {
			return nil, err
		}
		e.notef("%s %s\n", e.pick("注意", "note"), p.Found(e.lang))
	}
	key, err := policy.PublisherKey(what.from)
	if err != nil {
		return nil, err
	}
	d, err := edition.Begin(what.out)
	if err != nil {
		return nil, err
	}
	defer d.Abort()
	w.stages.begin(stageDerive)
	features := index.NewWriter(d.File(edition.FeaturesFile))
	features.Limit(w.memory / 2) // the collector begins when what is in use has doubled
	m, reg, err := policy.Derive(e.ctx, ix, what.policy, what.tier, key, features)
	if err != nil {
		return nil, err
	}
	w.stages.begin(stageIndex)
	if _, old, err := edition.Current(what.out); err == nil {
		if old.Tier != what.tier {
			return nil, problem.New("TIER_CHANGED", "目录里已是%[1]s", "the directory holds a %[2]s edition", old.Tier.Title(problem.Chinese), old.Tier).In(what.out).
				Advise("--out 换一个目录", "give --out another directory")
		}
		if old.Policy.Digest != m.Policy.Digest {
			w.keep = 1 // what another policy let through must not stay behind
			e.notef("%s\n", e.pick("注意 策略与上一代不同：上一代的各代不再保留（更严的策略不能留下旧数据），--keep 本次不起作用",
				"note the policy is another one than before: generations made by that one are removed, for a stricter policy must not leave them behind; --keep does not count this time"))
		}
	}
	done := &published{entry: &policy.Entry{
		Program: programVersion(), KeyID: policy.KeyID(key), By: what.by, Approver: what.approver, Document: what.policy.Tiers[what.tier].Document, Register: reg,
	}}
	// The line comes first: nothing is in force that the register does not know.
	w.before = func(m *edition.Manifest) error {
		done.entry.Made, done.entry.MadeHash = edition.GenerationName(m.Tier, m.ContentHash, m.Policy.Digest), m.ContentHash
		return done.enter(what.from, policy.Published)
	}
	before := replacedAt(what.out)
	if err := e.complete(d, m, w); err != nil {
		if p := problem.Of(err); done.hash != "" && (p == nil || p.Code != "PRUNE") {
			err = errors.Join(err, done.enter(what.from, policy.Failed))
		}
		return nil, err
	}
	w.stages.note(e)
	e.tellLost(before, m, [2]string{"请核对上一级版本和策略", "look into the higher edition and the policy"})
	return done, nil
}

// enter writes the line into the register of the higher edition.
func (d *published) enter(from string, event policy.Event) (err error) {
	d.entry.Event, d.entry.Time = event, time.Now().UTC()
	d.hash, err = policy.Enter(from, d.entry)
	return err
}

func (e *env) giveRegister(done *published) error {
	reg, entry := done.entry.Register, done.entry
	if e.json {
		enc := json.NewEncoder(e.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(struct {
			Generation string `json:"generation"`
			*policy.Entry
			Hash string `json:"register_hash"`
		}{entry.Made, entry, done.hash})
	}
	e.printf("%s %s → %s  %s %s %s\n", entry.Made, reg.From, reg.To, e.pick("策略", "policy"), reg.Policy, shortDigest(reg.PolicyDigest))
	if reg.AsSurveyed {
		e.printf("  %s\n", e.pick("图形与测量成果一样精细", "shapes are as fine as they were surveyed"))
	}
	for i := range reg.Layers {
		e.giveRegisterLayer(&reg.Layers[i])
	}
	for _, w := range reg.Withheld {
		e.printf("  %s %s\n", w, e.pick("不下发", "withheld"))
	}
	if entry.Approver != "" {
		e.printf("  %s %s %s\n", e.pick("批准人", "approved by"), entry.Approver, entry.Document)
	}
	e.printf("  %s %s\n", e.pick("登记行", "line of the register"), done.hash)
	return nil
}

// signed is a change of an area as it is printed with two decimals: what is none has no sign.
func signed(m2 float64) float64 { return math.Round(m2*100)/100 + 0 }

func (e *env) giveRegisterLayer(l *policy.RegisterLayer) {
	e.printf(e.pick("  %s@%s  要素 %d → %d（%d 个不再有：%d 个占不到一格，%d 个小于最小图斑）  面积 m² %.2f → %.2f  去掉字段 %v\n", "  %s@%s  features %d → %d (%d are gone: %d own no cell of the grid, %d are below the smallest patch)  area m² %.2f → %.2f  fields dropped %v\n"),
		l.Layer, l.Vintage, l.Before, l.After, l.Vanished, l.NoCell, l.Vanished-l.NoCell, l.AreaBefore, l.AreaAfter, l.FieldsDropped)
	if f := l.Finer; f.Merged+f.LeftOut > 0 {
		e.printf(e.pick("    策略不下发的更细政区：并成上级 %d 个（成 %d 个），略去 %d 个 %.2f m²\n", "    places finer than the policy tells: %d stand as the %d that they lie in; %d left out, %.2f m²\n"), f.Merged, f.Into, f.LeftOut, f.LeftOutM2)
	}
	if l.CellM > 0 {
		e.printf(e.pick("    面积去向 m²：重叠只计一次 %+.2f，略去小图斑 %+.2f，取整到 %v 米网格 %+.2f；地面 %.2f，误差不超过 %.2f", "    where the area went, m²: overlaps counted once %+.2f, small patches left out %+.2f, whole cells of %v m %+.2f; ground %.2f, off by at most %.2f"),
			signed(-l.OverlapM2), signed(-l.Small.LeftOutM2), l.CellM, signed(l.CellsM2), l.GroundBefore, l.GroundError)
		if l.FeatureErrorMax > 0 { // dissolved layers have no single ones
			e.printf(e.pick("；单个要素（含让给重叠者的）中误差 %.2f，最大 %.2f", "; single features, with what went to those that overlap them, off by %.2f (rms), %.2f at most"), l.FeatureErrorRMS, l.FeatureErrorMax)
		}
		e.printf("\n")
	}
	if l.PatchWithheld+l.NetWithheld > 0 {
		e.printf(e.pick("    不再有的要素的登记面积 m²：图斑 %.2f，净面积 %.2f；它们不归邻居，合计因此偏小\n", "    areas of record of the features that are gone, m²: patch %.2f, net %.2f; no neighbour has them, so that sums are short of them\n"), l.PatchWithheld, l.NetWithheld)
	}
	if s := l.Small; s.Merged+s.LeftOut > 0 {
		e.printf(e.pick("    小于 %v m² 的图斑（要素中连成一片的部分，一个要素可有多个）：并入邻居 %d 个 %.2f m²，略去 %d 个 %.2f m²\n", "    patches below %v m² (parts of features that hang together; a feature may have several): %d merged, %.2f m²; %d left out, %.2f m²\n"),
			l.MinPatchM2, s.Merged, s.MergedM2, s.LeftOut, s.LeftOutM2)
	}
}
