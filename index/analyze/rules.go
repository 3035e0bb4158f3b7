package analyze

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"math"
	"sync"

	"gengtu/index/problem"
	"gengtu/index/setting"
)

//go:embed rules.yaml
var rulesYAML []byte

// Rules are the thresholds of all questions, as a person edits them: each with where it
// comes from and whether it is confirmed. They are not changed after they are parsed.
type Rules struct {
	Version    Version         `yaml:"-"`
	Name       string          `yaml:"version"`
	Slivers    SliverRules     `yaml:"slivers"`
	HSFOutside HSFOutsideRules `yaml:"hsf-outside-pbf"`
	Retire     RetireRules     `yaml:"pbf-to-retire"`
	Progress   ProgressRules   `yaml:"pbf-not-hsf"`
	Contiguity ContiguityRules `yaml:"contiguity"`
	Balance    BalanceRules    `yaml:"balance"`
	Approvals  ApprovalRules   `yaml:"approvals"`
	Nonagri    NonagriRules    `yaml:"nonagri"`
	Siting     SitingRules     `yaml:"siting"`
	Conflicts  ConflictRules   `yaml:"conflicts"`
	Flows      FlowRules       `yaml:"flows"`
	Summary    SummaryRules    `yaml:"summary"`
	Reconcile  ReconcileRules  `yaml:"reconcile"`
	Codes      CodeRules       `yaml:"codes"`
}

// Threshold is a number that somebody must have fixed.
type Threshold struct {
	Value float64 `yaml:"value"`
	// Source is the document that fixes it, or says that none does.
	Source string `yaml:"source"`
	// Confirmed tells that an officer answers for it; what is not is told as a flag and
	// never decides alone.
	Confirmed bool `yaml:"confirmed"`
}

var rulesFile = setting.Kind{
	Code: "ANALYZE_RULES", MaxBytes: 1 << 20,
	AdviceZh: "gengtu analyze --show-rules 打印内置规则", AdviceEn: "gengtu analyze --show-rules prints the embedded rules",
}

// DefaultRules returns the embedded rules.
var DefaultRules = sync.OnceValues(func() (*Rules, error) { return ParseRules("rules.yaml", rulesYAML) })

// RulesText returns the embedded rules as text, to be edited.
func RulesText() []byte { return append([]byte(nil), rulesYAML...) }

// ParseRules reads a rules file; the path is for messages. A key that is not known, a
// missing version and a number out of range are problems ANALYZE_RULES with the line.
func ParseRules(path string, data []byte) (*Rules, error) {
	var r Rules
	f, err := rulesFile.Read(path, data, &r)
	if err != nil {
		return nil, err
	}
	if r.Name == "" {
		return nil, f.Problem(f.Line("version"), "缺 version", "version is missing")
	}
	for _, check := range []func(*Rules, *setting.File) *problem.Problem{
		checkSlivers,
		checkHSFOutside,
		checkProgress,
		checkRetire,
		checkConflicts,
		checkCodes,
		checkReconcile,
		checkContiguity,
		checkSummary,
		checkSiting,
		checkBalance,
		checkApprovals,
		checkNonagri,
	} {
		if p := check(&r, f); p != nil {
			return nil, p
		}
	}
	sum := sha256.Sum256(data)
	r.Version = Version{r.Name, hex.EncodeToString(sum[:])}
	return &r, nil
}

// bound is the closed range that a number of the rules lies in; one that is whole has no
// fraction.
type bound struct {
	name     string
	is       Threshold
	min, max float64
	whole    bool
}

// bounded holds the numbers of a section against their bounds, and returns the first that
// is out of them; NaN is out of all.
func bounded(f *setting.File, section string, bounds ...bound) *problem.Problem {
	for _, b := range bounds {
		v := b.is.Value
		if !(v >= b.min && v <= b.max) {
			return f.Problem(f.Line(section, b.name), "%[1]s.%[2]s 应在 %[3]v 到 %[4]v 之间，现为 %[5]v", "%[1]s.%[2]s has to be from %[3]v to %[4]v, and is %[5]v", section, b.name, b.min, b.max, v)
		}
		if b.whole && v != math.Trunc(v) {
			return f.Problem(f.Line(section, b.name), "%[1]s.%[2]s 应为整数，现为 %[3]v", "%[1]s.%[2]s has to be a whole number, and is %[3]v", section, b.name, v)
		}
	}
	return nil
}
