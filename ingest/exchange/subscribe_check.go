package exchange

import (
	"context"
	"errors"
	"slices"
	"strings"

	"gengtu/index"
	"gengtu/index/areas"
	"gengtu/index/problem"
)

// wrong is what does not fit between a subscription and the edition, with its line.
func (s *Subscription) wrong(zh, en string, args ...any) *problem.Problem {
	if s.file != nil {
		return s.file.Problem(s.line, zh, en, args...)
	}
	return problem.New(subscriptionsKind.Code, zh, en, args...)
}

// begins holds a subscription that nothing was sent for yet against the edition in force.
// A layer, a place or a question that is not there would be silent for ever.
func (s *states) begins(ctx context.Context, sub *Subscription) error {
	if err := s.has(sub); err != nil {
		return err
	}
	if sub.Layer == "" {
		_, err := s.ask(ctx, s.now, sub)
		if p := problem.Of(err); p != nil && p.Code != "POLICY" {
			return sub.wrong("%[1]s 的 question 问不了：%[2]s", "the question of %[1]s cannot be asked: %[3]s", sub.Name, p.Found(problem.Chinese), p.Found(problem.English)).Because(err)
		}
		return err
	}
	if err := s.single(sub); err != nil {
		return err
	}
	return s.placed(ctx, sub)
}

// has refuses a layer that neither state has. One that went is told of as deleted first.
func (s *states) has(sub *Subscription) error {
	names := sub.Question
	if sub.Layer != "" {
		names = []string{sub.Layer}
	}
	for _, name := range names {
		if len(s.vintages(name)) > 0 {
			continue
		}
		m := s.now.Manifest
		var there []string
		for i := range m.Layers {
			there = append(there, m.Layers[i].Name)
		}
		slices.Sort(there)
		return sub.wrong("%[1]s 的图层 %.40[2]q 不在这个%[3]s里（策略 %[5]s 没有放行，或没有入库）；有 %[6]s", "the layer %.40[2]q of %[1]s is not in this %[4]s edition (its policy, %[5]s, withholds it, or it was never taken in); there are %[6]s",
			sub.Name, name, m.Tier.Title(problem.Chinese), m.Tier, m.Policy.Name, strings.Join(slices.Compact(there), ", "))
	}
	return nil
}

// single refuses a subscription to features where the policy gives no single ones: they
// would tell areas as they are, where answers are rounded.
func (s *states) single(sub *Subscription) error {
	if p := s.now.Manifest.Policy; p.Pieces && p.RoundM2 == 0 {
		return nil
	}
	return problem.New("POLICY", "本版策略不给出单个要素，%s 不能按图层订阅", "the edition's policy gives no single features, %s cannot subscribe to a layer", sub.Name).
		Advise("改为 question", "subscribe to a question")
}

// placed refuses the place of a subscription to a layer that neither a feature of any
// layer nor a region lies in.
func (s *states) placed(ctx context.Context, sub *Subscription) error {
	if sub.Place == "" {
		return nil
	}
	for i := range s.now.Manifest.Layers {
		m := &s.now.Manifest.Layers[i]
		found, err := lies(ctx, s.now.Layer(m.Name, m.Vintage), sub.Place)
		if found || err != nil {
			return err
		}
	}
	_, err := areas.Place(ctx, s.now, sub.Place, "")
	if err != nil && !isProblem(err) {
		return err
	}
	if err != nil {
		return sub.wrong("%[1]s 的 place %[2]s 下没有任何要素，也没有这个行政区", "no feature lies in the place %[2]s of %[1]s, and there is no such region", sub.Name, sub.Place).Because(err)
	}
	return nil
}

// lies tells whether a feature of a layer has a code that begins with a place's.
func lies(ctx context.Context, l *index.Layer, place string) (bool, error) {
	if l == nil {
		return false, errors.New("a layer of the manifest is not in the file")
	}
	for i := range l.Len() {
		if i%(1<<12) == 0 && ctx.Err() != nil {
			return false, ctx.Err()
		}
		if strings.HasPrefix(l.Head(i).Place, place) {
			return true, nil
		}
	}
	return false, nil
}
