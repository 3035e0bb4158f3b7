package policy

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"gopkg.in/yaml.v3"

	"gengtu/index/edition"
	"gengtu/ingest"
)

// fault is what is wrong with an entry of a policy.
type fault struct {
	path   []string
	zh, en string
}

// faultList collects faults of the entries below a place.
type faultList struct {
	at    []string
	found []fault
}

// add notes a fault of the entry that path leads to.
func (l *faultList) add(path []string, zh, en string, args ...any) {
	l.found = append(l.found, fault{append(slices.Clone(l.at), path...), fmt.Sprintf(zh, args...), fmt.Sprintf(en, args...)})
}

// one is the path of one entry.
func one(field string) []string { return []string{field} }

// faults lists the policy's, in the order of names.
func (p *Policy) faults() ([]fault, error) {
	if len(p.Tiers) == 0 {
		return []fault{{[]string{"tiers"}, "没有写任何一版", "it names no tier"}}, nil
	}
	var all []fault
	for _, name := range slices.Sorted(maps.Keys(p.Tiers)) {
		t, l := p.Tiers[name], &faultList{at: []string{"tiers", string(name)}}
		if name != edition.Government && name != edition.Public {
			l.add(nil, "只能派生 government 和 public", "only government and public are derived")
		}
		t.judgeGround(l)
		t.judgeAnswers(l)
		all = append(all, l.found...)
		for _, layer := range slices.Sorted(maps.Keys(t.Layers)) {
			of := &faultList{at: append(slices.Clone(l.at), "layers", layer)}
			if err := t.judgeLayer(of, layer); err != nil {
				return nil, err
			}
			all = append(all, of.found...)
		}
	}
	return all, nil
}

// mayBeEmpty are keys behind which nothing need stand: texts, and lists of what is let
// through.
var mayBeEmpty = []string{"name", "use", "disclaimer", "zh", "en", "approval", "document", "layers", "fields"}

// empties lists the keys with nothing behind them. To the reader that is as if they were
// not there, and what is not there bounds nothing: `grid_m:` would be no grid.
func empties(root *yaml.Node) []fault {
	var found []fault
	seen := map[*yaml.Node]bool{}
	var walk func(n *yaml.Node, at []string)
	walk = func(n *yaml.Node, at []string) {
		if n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		if seen[n] {
			return // once is enough, however often it is referred to
		}
		seen[n] = true
		if n.Kind != yaml.MappingNode {
			for _, c := range n.Content {
				walk(c, at)
			}
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i].Value, n.Content[i+1]
			path := append(slices.Clone(at), key)
			layer := len(at) > 0 && at[len(at)-1] == "layers" // one without fields
			if value.ShortTag() == "!!null" && !layer && !slices.Contains(mayBeEmpty, key) {
				found = append(found, fault{path, "后面没有写值；要默认值就删去这一行", "nothing stands behind it; take the line away for what holds without it"})
			}
			walk(value, path)
		}
	}
	walk(root, nil)
	return found
}

// unsaid lists the tiers that are to be shown as surveyed though nothing says so: what is
// left out, or misplaced, must not let geometry through. For public `grid_m: 0` is not
// enough, which may be a slip: as_surveyed says it in so many words.
func unsaid(p *Policy, root *yaml.Node) []fault {
	var found []fault
	for _, name := range slices.Sorted(maps.Keys(p.Tiers)) {
		t, at := p.Tiers[name], []string{"tiers", string(name)}
		if t.GridM != 0 || t.AsSurveyed {
			continue
		}
		switch {
		case name == edition.Public:
			found = append(found, fault{at, "没有网格，公众版会与测量成果一样精细：写 grid_m（如 grid_m: 25 和 precision_m: 10）；确要原样公开，写 as_surveyed: true",
				"without a grid public would be as fine as it was surveyed: write grid_m (such as grid_m: 25 and precision_m: 10), or as_surveyed: true if that is meant"})
		case !stands(root, append(at, "grid_m")):
			found = append(found, fault{at, "没有写图形的精度：写 grid_m（0 为原样）或 as_surveyed: true",
				"nothing says how fine shapes are: write grid_m (0 is as they are) or as_surveyed: true"})
		}
	}
	return found
}

// stands tells whether a key stands in a document.
func stands(n *yaml.Node, path []string) bool {
	for n != nil && (n.Kind == yaml.DocumentNode || n.Kind == yaml.AliasNode) {
		if n.Kind == yaml.AliasNode {
			n = n.Alias
		} else {
			n = n.Content[0]
		}
	}
	if n == nil || len(path) == 0 {
		return n != nil
	}
	if n.Kind != yaml.MappingNode {
		return false
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		// A merge (<<) brings keys from elsewhere.
		if n.Content[i].Value == path[0] && stands(n.Content[i+1], path[1:]) || n.Content[i].Value == "<<" && merged(n.Content[i+1], path) {
			return true
		}
	}
	return false
}

// merged tells whether what a merge brings has a key: a mapping, or a list of them.
func merged(n *yaml.Node, path []string) bool {
	if n.Kind != yaml.SequenceNode {
		return stands(n, path)
	}
	return slices.ContainsFunc(n.Content, func(c *yaml.Node) bool { return stands(c, path) })
}

// placeDigits are the lengths that a code of place may be cut to: none, those of places,
// and 19, which is all of the longest that a survey has.
var placeDigits = slices.Concat([]int{0}, edition.PlaceDigits(), []int{19})

// maxCoarse bounds a layer's cells, in cells of the tier's grid a side.
const maxCoarse = 64

// GridPrecision is the mean error (RMS) of a position that is moved to the next
// point of a grid, in steps of the grid: over a square of side 1, the mean of
// x² + y² from its middle is 2/12.
var GridPrecision = math.Sqrt(1.0 / 6)

// judgeGround judges what the tier says of shapes and zooms. Comparisons are such
// that NaN fails.
func (t *TierRules) judgeGround(l *faultList) {
	if !(t.GridM == 0 || t.GridM >= 1 && t.GridM <= 10_000) {
		l.add(one("grid_m"), "网格是 %v，应为 0 或 1 到 10000 米", "the grid is %v; it is 0 or lies in [1, 10000] m", t.GridM)
	}
	if t.AsSurveyed && t.GridM != 0 {
		l.add(one("as_surveyed"), "既写了 grid_m，就不是原样：删去其一", "with grid_m shapes are not as surveyed: take one of them away")
	}
	t.judgeCoarse(l, t.GeneraliseM)
	switch reached := t.GridM * GridPrecision; {
	case !(t.PrecisionM >= 0 && t.PrecisionM <= 10_000):
		l.add(one("precision_m"), "精度 %v 米不合理", "a precision of %v m makes no sense", t.PrecisionM)
	case t.PrecisionM > reached:
		l.add(one("precision_m"), "%v 米的网格中误差只有 %.1f 米，达不到 %v 米：grid_m 至少 %.0f", "a grid of %v m has a mean error of %.1f m, not of %v m: grid_m must be %.0f at least",
			t.GridM, reached, t.PrecisionM, math.Ceil(t.PrecisionM/GridPrecision))
	}
	t.judgeSmall(l, t.MinPatchM2, t.SmallPatches)
	if t.MaxZoom < 1 || t.MaxZoom > 18 {
		l.add(one("max_zoom"), "最高级别是 %d，应在 1 到 18 之间", "the zoom is %d; it lies in [1, 18]", t.MaxZoom)
	}
	if t.MinZoom < 0 || t.MinZoom > t.MaxZoom {
		l.add(one("min_zoom"), "最低级别是 %d，应在 0 和 max_zoom 之间", "the zoom is %d; it lies in [0, max_zoom]", t.MinZoom)
	}
	if !slices.Contains(placeDigits, t.PlaceDigits) {
		l.add(one("place_digits"), "位数是 %d，应为 %v 之一", "the number of digits is %d; it is one of %v", t.PlaceDigits, placeDigits)
	}
}

// judgeCoarse judges a width of cells.
func (t *TierRules) judgeCoarse(l *faultList, cellM float64) {
	if cellM == 0 {
		return
	}
	if n := cellM / t.GridM; t.GridM == 0 || !(n >= 1 && n <= maxCoarse && n == math.Trunc(n)) {
		l.add(one("generalise_m"), "宽度 %v 米应是 grid_m 的整数倍，最多 %d 倍", "the width of %v m is to be a whole multiple of grid_m, %d times at most", cellM, maxCoarse)
	}
}

// judgeSmall judges what is said of small patches.
func (t *TierRules) judgeSmall(l *faultList, leastM2 float64, rule Small) {
	switch {
	case !sensibleM2(leastM2):
		l.add(one("min_patch_m2"), "面积 %v 不合理", "the area %v makes no sense", leastM2)
	case rule != "" && rule != Merge && rule != LeaveOut:
		l.add(one("small_patches"), "写的是 %.40q，只有 merge 和 leave_out", "it is %.40q; there are merge and leave_out", string(rule))
	case leastM2 > 0 && t.GridM == 0 && rule != LeaveOut:
		l.add(one("min_patch_m2"), "没有 grid_m 时小图斑不能并入邻居：写 small_patches: leave_out", "without grid_m small patches cannot be merged: write small_patches: leave_out")
	}
}

// sensibleM2 tells whether an area may stand in a policy.
func sensibleM2(v float64) bool { return v >= 0 && v <= 1e15 }

// judgeAnswers judges what the tier says of answers.
func (t *TierRules) judgeAnswers(l *faultList) {
	if !sensibleM2(t.MaxAOIM2) {
		l.add(one("max_aoi_m2"), "面积 %v 不合理", "the area %v makes no sense", t.MaxAOIM2)
	}
	if !sensibleM2(t.MinAOIM2) || t.MaxAOIM2 > 0 && t.MinAOIM2 > t.MaxAOIM2 {
		l.add(one("min_aoi_m2"), "面积 %v 不合理", "the area %v makes no sense", t.MinAOIM2)
	}
	// A step is a whole number of 0.01 m², as areas of record are.
	if h := t.RoundM2 * 100; !(t.RoundM2 >= 0 && t.RoundM2 <= 1e9) || math.Abs(h-math.Round(h)) > 1e-9*h {
		l.add(one("round_m2"), "取整到 %v m² 不合理：应是 0.01 的整数倍", "a step of %v m² makes no sense: it is a multiple of 0.01", t.RoundM2)
	}
	if t.TotalsOnly && t.Pieces {
		l.add(one("totals_only"), "只给合计时 pieces 应为 false", "with totals alone pieces is to be false")
	}
	if t.TotalsOnly && len(t.Groups.Names) > 0 {
		l.add(one("totals_only"), "只给合计时 groups 应为 none", "with totals alone groups is to be none")
	}
	for _, n := range t.Analyses.Names {
		if !edition.ValidLayer(n) {
			l.add([]string{"analyses", n}, "%.40q 不是分析的名称", "%.40q names no analysis", n)
		}
	}
	for _, n := range t.ApprovedBy {
		if n == "" {
			l.add(one("approved_by"), "有一个空名字", "a name is empty")
		}
	}
}

// judgeLayer judges the rule for a layer.
func (t *TierRules) judgeLayer(l *faultList, layer string) error {
	r := t.Layers[layer]
	if !edition.ValidLayer(layer) {
		l.add(nil, "图层名不合规", "the layer's name is not allowed")
		return nil
	}
	if r.Dissolve && t.GridM == 0 {
		l.add(one("dissolve"), "融合需要 grid_m", "dissolve needs grid_m")
	}
	if r.Dissolve && (r.Fields.Known || len(r.Fields.Names) > 0) {
		l.add(one("fields"), "融合后的要素没有字段", "dissolved features have no fields")
	}
	if len(r.Except) > 0 && !r.Fields.Known {
		l.add(one("except"), "except 只能与 fields: known 同用", "except goes with fields: known alone")
	}
	if r.GeneraliseM != nil {
		t.judgeCoarse(l, *r.GeneraliseM)
	}
	if r.MinPatchM2 != nil || r.SmallPatches != "" {
		least, _ := t.small(r)
		rule := r.SmallPatches
		if rule == "" {
			rule = t.SmallPatches
		}
		t.judgeSmall(l, least, rule)
	}
	if z := r.Zooms; z != nil && (len(z) != 2 || z[0] < t.MinZoom || z[0] > z[1] || z[1] > t.MaxZoom) {
		l.add(one("zooms"), "级别写的是 %v，应如 [%[2]d, %[3]d]：最低和最高，在本版的级别之内", "the zooms are %v; write [%[2]d, %[3]d]: the lowest and the highest, within the tier's", z, t.MinZoom, t.MaxZoom)
	}
	return r.judgeFields(l, layer)
}

// judgeFields judges the fields that are let through.
func (r *Layer) judgeFields(l *faultList, layer string) error {
	p, err := ingest.ProfileOf(layer)
	if err != nil {
		return err
	}
	for _, n := range r.Fields.Names {
		personal, err := ingest.PersonalField(n)
		switch {
		case err != nil:
			return err
		case personal:
			l.add([]string{"fields", n}, "%.40s 是个人信息，不能离开涉密版", "%.40s speaks of a person and never leaves secure", n)
		case p.Standard && !p.Knows(n):
			l.add([]string{"fields", n}, "图层 %s 没有标准字段 %.40s；标准之外的字段不能离开涉密版", "layer %s has no standard field %.40s, and others never leave secure", layer, n)
		}
	}
	for _, n := range r.Except {
		if !p.Knows(n) {
			l.add([]string{"except", n}, "图层 %s 没有标准字段 %.40s", "layer %s has no standard field %.40s", layer, n)
		}
	}
	return nil
}
