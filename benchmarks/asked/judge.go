package asked

import (
	"maps"
	"math"
	"path"
	"slices"
	"strings"
)

// Verdict is what became of a figure.
type Verdict string

// The verdicts. Told is that of a figure without a limit. What keeps the limit by the clock,
// and has processor time that nobody measured, is ByClock.
const (
	Reached     Verdict = "reached"
	ByClock     Verdict = "by the clock alone"
	ByProcessor Verdict = "by processor time alone"
	Not         Verdict = "not reached"
	Failed      Verdict = "failed"
	InPart      Verdict = "not measured whole"
	Unmeasured  Verdict = "not measured"
	Told        Verdict = "told"
)

// Finding is a figure with what was measured of it.
type Finding struct {
	*Figure
	Verdict Verdict
	// Value is the figure by the clock, or what its metric is, CPU by processor time;
	// NaN is what was not measured. Low and High are the least and the greatest of Rounds.
	Value, CPU, Low, High float64
	Rounds                int
	// At is the benchmark that the value is of, Ours and Theirs the middles that the
	// ratio is of, Of how many benchmarks it is the least favourable of or the sum.
	At           string
	Ours, Theirs float64
	Of           int
	// Runs are the runs that the values are of, the newest first, Missing says what was
	// not measured.
	Runs    []*Run
	Missing []string
}

// Judge finds what runs, the newest first, have measured of f. Each benchmark is taken
// from the newest run that has it, with what stands beside it in the same run.
func Judge(f *Figure, runs []*Run) Finding {
	out := Finding{Figure: f, Value: math.NaN(), CPU: math.NaN()}
	failed := false
	var all []point
	for _, pattern := range f.Benchmarks {
		names, in := f.names(pattern, runs)
		if len(names) == 0 {
			out.Missing = append(out.Missing, pattern)
		}
		for _, name := range names {
			p, ok, lacks := f.measure(name, in)
			switch {
			case !ok:
				out.Missing = append(out.Missing, name+lacks)
			default:
				all = append(all, p)
				failed = failed || p.failed
				if !slices.Contains(out.Runs, p.run) {
					out.Runs = append(out.Runs, p.run)
				}
			}
		}
	}
	slices.SortFunc(out.Runs, func(a, b *Run) int { return slices.Index(runs, a) - slices.Index(runs, b) })
	out.gather(f.added(all))
	out.Verdict = f.verdict(out.Value, out.CPU)
	switch {
	case len(all) == 0:
		out.Verdict = Unmeasured
	case failed:
		out.Verdict = Failed
	case len(out.Missing) > 0 && out.Verdict != Not:
		out.Verdict = InPart
	}
	return out
}

// names returns the benchmarks that a pattern means, and the runs to take them from: a
// plain name from any, what has a * from the newest run that has a line of the figure
// that it matches.
func (f *Figure) names(pattern string, runs []*Run) ([]string, []*Run) {
	if !strings.ContainsAny(pattern, `*?[\`) {
		return []string{pattern}, runs
	}
	for i, r := range runs {
		var names []string
		for _, name := range slices.Sorted(maps.Keys(r.lines)) {
			if ok, _ := path.Match(pattern, name); ok && len(r.of(name, f.By, f.Metric)) > 0 { // judged when it was read
				names = append(names, name)
			}
		}
		if len(names) > 0 {
			return names, runs[i : i+1]
		}
	}
	return nil, nil
}

// added adds up points whose names differ in the part that Add names alone.
func (f *Figure) added(all []point) []point {
	if f.Add == "" {
		return all
	}
	var out []point
	for _, p := range all {
		parts := strings.Split(p.name, "/")
		p.name = strings.Join(slices.DeleteFunc(parts, func(s string) bool { return strings.HasPrefix(s, f.Add+"=") }), "/")
		i := slices.IndexFunc(out, func(q point) bool { return q.name == p.name })
		if i < 0 {
			out = append(out, p)
			continue
		}
		out[i].value += p.value
	}
	return out
}

// gather takes the least favourable of points, or adds them up.
func (f *Finding) gather(all []point) {
	f.Of = len(all)
	for i, p := range all {
		switch {
		case i == 0:
			f.point(p)
		case f.Sum:
			f.Value += p.value
		default:
			cpu := f.worse(f.CPU, p.cpu)
			if f.worse(f.Value, p.value) != f.Value {
				f.point(p)
			}
			f.CPU = cpu
		}
	}
}

func (f *Finding) point(p point) {
	f.Value, f.CPU, f.Low, f.High, f.Rounds = p.value, p.cpu, p.low, p.high, p.rounds
	f.At, f.Ours, f.Theirs = p.name, p.ours, p.theirs
}

// worse is the less favourable of two values: of what is only told, less of a rate and
// more of anything else. NaN, which was not measured, is the least favourable.
func (f *Figure) worse(a, b float64) float64 {
	if math.IsNaN(a) || math.IsNaN(b) {
		return math.NaN()
	}
	rate := strings.HasSuffix(f.Metric, "/s") || strings.HasSuffix(f.Metric, "/cpu-s")
	low := f.Least != nil
	switch {
	case low || f.Most != nil:
	case f.Beside == nil:
		low = rate
	default:
		low = (f.Beside.As == "times") != rate
	}
	if low {
		return min(a, b)
	}
	return max(a, b)
}

func (f *Figure) met(v float64) bool {
	return f.Least != nil && v >= *f.Least || f.Most != nil && v <= *f.Most
}

func (f *Figure) verdict(clock, cpu float64) Verdict {
	if f.Least == nil && f.Most == nil {
		return Told
	}
	byClock := f.met(clock)
	switch {
	case byClock && (f.Processor == "" || f.met(cpu)):
		return Reached
	case byClock: // NaN, which was not measured, meets nothing
		return ByClock
	case f.met(cpu):
		return ByProcessor
	}
	return Not
}

// point is a figure of one benchmark in one run.
type point struct {
	name                  string
	run                   *Run
	value, cpu, low, high float64
	rounds                int
	ours, theirs          float64
	failed                bool
}

// measure takes the figure of one benchmark from the newest run that has all of it;
// lacks says what is not beside it where only that is missing.
func (f *Figure) measure(name string, runs []*Run) (p point, ok bool, lacks string) {
	for _, r := range runs {
		ours := f.perUnit(r, name, f.By, f.Metric)
		if len(ours) == 0 {
			continue
		}
		p = point{name: name, run: r, cpu: math.NaN(), ours: median(ours), failed: slices.Max(append(r.of(name, f.By, "failed"), 0)) > 0}
		cpu := f.perUnit(r, name, f.By, f.Processor)
		if f.Sum || f.Add != "" {
			p.value, p.low, p.high, p.rounds = sum(ours), sum(ours), sum(ours), 1
			return p, true, ""
		}
		if f.Beside == nil {
			p.value, p.low, p.high, p.rounds = median(ours), slices.Min(ours), slices.Max(ours), len(ours)
			if strings.HasPrefix(name, "Suite/") { // several counts of a test are no rounds
				p.rounds = 1
				if p.value = p.high; f.worse(p.low, p.high) == p.low {
					p.value = p.low
				}
			}
			p.cpu = median(cpu)
			return p, true, ""
		}
		b := f.Beside
		at := name
		if b.Benchmark != "" {
			at = b.Benchmark
		}
		theirs := f.perUnit(r, at, b.By, b.Metric)
		if len(theirs) == 0 {
			lacks = " beside " + b.By
			continue
		}
		p.theirs = median(theirs)
		p.value = b.ratio(p.ours, p.theirs)
		p.low, p.high = b.spread(ours, theirs)
		p.rounds = min(len(ours), len(theirs))
		if theirs := f.perUnit(r, at, b.By, b.Processor); len(cpu) > 0 && len(theirs) > 0 {
			p.cpu = b.ratio(median(cpu), median(theirs))
		}
		return p, true, ""
	}
	return point{}, false, lacks
}

// perUnit are the values of a metric, scaled, and divided by those of Per; milliseconds of
// processor time beside a clock of nanoseconds are nanoseconds.
func (f *Figure) perUnit(r *Run, name, by, metric string) []float64 {
	if metric == "" {
		return nil
	}
	out := slices.Clone(r.of(name, by, metric))
	per, scale := r.of(name, by, f.Per), f.Scale
	if f.Metric == "ns/op" && metric == "cpu-ms/op" {
		scale *= 1e6
	}
	if f.Per != "" && len(per) != len(out) {
		return nil
	}
	for i := range out {
		out[i] *= scale
		if f.Per != "" {
			out[i] /= per[i]
		}
	}
	return out
}

// ratio of what is nothing to nothing is 1: neither is more.
func (b *Beside) ratio(ours, theirs float64) float64 {
	if ours == theirs {
		return 1
	}
	if b.As == "times" {
		return theirs / ours
	}
	return ours / theirs
}

// spread is the least and the greatest ratio: round by round where both have the same
// rounds, else between the extremes of both.
func (b *Beside) spread(ours, theirs []float64) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	if len(ours) != len(theirs) {
		x, y := b.ratio(slices.Min(ours), slices.Max(theirs)), b.ratio(slices.Max(ours), slices.Min(theirs))
		return min(x, y), max(x, y)
	}
	for i := range ours {
		v := b.ratio(ours[i], theirs[i])
		low, high = min(low, v), max(high, v)
	}
	return low, high
}

// median of no values is NaN.
func median(v []float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	v = slices.Sorted(slices.Values(v))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
