package exchange

import (
	"context"

	"gengtu/index/problem"
)

// sequence refuses what was taken in already, what comes before its turn, and a delta
// whose base is not what is in force.
func (r *Reception) sequence(context.Context) error {
	m := r.Manifest
	if as := r.as(); as != "" && m.Receiver != "" && m.Receiver != as {
		return refused(r.path, "PACKAGE_RECEIVER", "包是给 %q 的，我们是 %q", "the package is for %q, we are %q", m.Receiver, as).
			Advise("转交给接收方", "pass it on to whom it is for")
	}
	last, known := r.received.Streams[stream(r.Sender.Name, m.Receiver)]
	switch {
	case known && m.Sequence <= last.Sequence:
		return refused(r.path, "PACKAGE_REPLAY", "第 %[1]d 号包已经收过（收到第 %[2]d 号，%[3]s）", "package number %[1]d was taken in already (up to number %[2]d, %[3]s)", m.Sequence, last.Sequence, last.ID).
			Advise("不用再导入", "it need not be taken in again")
	case known && m.Sequence > last.Sequence+1 && m.Kind == Full && r.o.Replace:
		return nil // whoever takes a full one in by his word misses nothing
	case known && m.Sequence > last.Sequence+1:
		return refused(r.path, "PACKAGE_SEQUENCE", "这是第 %[1]d 号包，缺第 %[2]d 至 %[3]d 号", "this is package number %[1]d, numbers %[2]d to %[3]d are missing", m.Sequence, last.Sequence+1, m.Sequence-1).
			Advise("先导入缺的包；若已遗失，请对方发完整包并加 --replace 导入", "take the missing ones in first; if they are lost, have a full package sent and take it in with --replace")
	case known && m.Previous != last.ID:
		return refused(r.path, "PACKAGE_SEQUENCE", "它接在 %[1]s 之后，我们收到的上一个是 %[2]s", "it follows %[1]s, the last that we took in is %[2]s", m.Previous, last.ID).
			Advise("与发送方核对收发记录", "compare the records with the sender's")
	case r.Held != nil && r.Held.Tier != m.Tier && !m.Tier.Above(r.networkTier()):
		return problem.New("PACK_TIER", "目录里是%[1]s，包是%[2]s", "the directory holds a %[3]s edition, the package is %[4]s", r.Held.Tier.Title(problem.Chinese), m.Tier.Title(problem.Chinese), r.Held.Tier, m.Tier).In(r.path).
			Advise("每一版用自己的目录：换一个 --out，并用 --tier 说明本网的级别", "give each tier a directory of its own with --out, and say the network's level with --tier")
	case m.Kind == Full && !known && r.Held != nil && !r.o.Replace && r.Held.Tier == m.Tier:
		return problem.New("PACK_REPLACES", "版本 %s 不是由这个发送方来的，完整包会整个替换它", "generation %s did not come from this sender, and a full package takes its place", r.Held.Generation).In(r.path).
			Advise("确要替换则加 --replace，否则换一个 --out", "add --replace if that is meant, or choose another --out")
	}
	return r.follows()
}

// follows sees that what is in force is the base of a delta.
func (r *Reception) follows() error {
	base := r.Manifest.Base
	if base == nil {
		return nil
	}
	have := "-"
	if r.Held != nil {
		s, err := stateOf(r.o.Edition, r.Held.Generation, r.Held)
		if err != nil {
			return err
		}
		if s.Features == base.Features {
			return nil
		}
		have = s.Generation
	}
	return refused(r.path, "PACKAGE_BASE", "增量包从 %[1]s 起，这里在用的是 %[2]s", "the delta starts from %[1]s, %[2]s is in force here", base.Generation, have).
		Advise("请对方以这里的一代为起点打包，或发完整包", "have it packed since the generation that is here, or in full")
}

// aboveAll returns what a step found, or, of a package above the level of the network,
// that with what the step found behind it: a person must learn of it whatever else is
// wrong, and in whatever step that shows. Before a trusted key has signed nothing is known
// of the level.
func (r *Reception) aboveAll(step string, err error) error {
	found := problem.Of(err)
	if r.Manifest == nil || found == nil || step == "level" {
		return err
	}
	level, lerr := r.networkLevel()
	if lerr != nil {
		return err // no level is known to hold it against
	}
	above := problem.Of(r.Manifest.level(r.path, level))
	if above == nil || found.Code == above.Code {
		return err
	}
	both := refused(r.path, above.Code, "%[1]s；另外：%[3]s（%[5]s）", "%[2]s; besides: %[4]s (%[5]s)",
		above.Found(problem.Chinese), above.Found(problem.English), found.Found(problem.Chinese), found.Found(problem.English), found.Code).
		Advise("%[1]s", "%[2]s", above.Advice(problem.Chinese), above.Advice(problem.English)).Because(err)
	return r.step("level", both)
}
