package asked

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Write prints RESULTS.md: what was asked, what is, and why not; runs, newest first, are
// what [ReadRuns] gives, targets what [Targets] gives. Its text depends on these alone.
// Unexplained are the words of figures that are not reached and do not say why.
func Write(a *Asked, runs []*Run, targets []string) (text string, unexplained []string) {
	w := &writer{runs: runs}
	tables := &strings.Builder{}
	counts, older := map[Verdict]int{}, 0
	for i := range a.Topics {
		t := &a.Topics[i]
		var found []Finding
		for k := range t.Figures {
			f := Judge(&t.Figures[k], runs)
			counts[f.Verdict]++
			if slices.ContainsFunc(f.Runs, func(r *Run) bool { return r.Commit() != runs[0].Commit() }) {
				older++
			}
			if f.Why == "" && f.Verdict != Reached && f.Verdict != Told && f.Verdict != Unmeasured && !f.clockOnly() {
				unexplained = append(unexplained, t.Title+": "+f.What)
			}
			found = append(found, f)
		}
		w.topic(tables, t, found)
	}
	w.fuzz(tables, Ledger(targets, runs), a.FuzzSeconds)
	out := &strings.Builder{}
	out.WriteString(`# Results

What was asked, what is, and why not. Made by ` + "`make results`" + ` from [asked.yaml](asked.yaml) and the lines in
[measured](measured), which ` + "`make bench`, `make soak` and `make fuzz`" + ` write; nothing here is written by hand.
What each benchmark is, and what may not be claimed from it, stands in [README.md](README.md).

A figure is the middle of its rounds, of several sizes or kinds the least favourable one; the spread is from the
least to the greatest round. Ratios are of one run, round by round where both have the same rounds. A figure is
` + "`reached`" + ` where clock and processor time both keep the limit, or the one that it has: bytes and counts have neither.
Where only the clock was measured, it is kept by the clock alone.

`)
	n := 0
	var said []string
	for _, v := range []Verdict{Reached, ByClock, ByProcessor, Not, Failed, InPart, Unmeasured, Told} {
		n += counts[v]
		if counts[v] > 0 {
			said = append(said, fmt.Sprintf("%d %s", counts[v], v))
		}
	}
	fmt.Fprintf(out, "%d figures: %s.", n, strings.Join(said, ", "))
	if len(runs) > 0 {
		fmt.Fprintf(out, " The newest run is of commit %s; %d figures are of others, which `run` names.", runs[0].Commit(), older)
	}
	out.WriteString("\n\n")
	w.list(out)
	out.WriteString(tables.String())
	return out.String(), unexplained
}

// writer numbers the runs that are quoted, in the order of their dates.
type writer struct{ runs []*Run }

func (w *writer) number(r *Run) int { return len(w.runs) - slices.Index(w.runs, r) }

// list prints the runs, newest first.
func (w *writer) list(out *strings.Builder) {
	out.WriteString("## Runs\n\n")
	if len(w.runs) == 0 {
		out.WriteString("None.\n\n")
		return
	}
	out.WriteString("| run | commit | date | machine | load | beside | command | lines |\n|--:|---|---|---|---|---|---|---|\n")
	for _, r := range w.runs {
		if r.fuzzOnly() {
			continue
		}
		var rivals []string
		for key, v := range r.Config {
			if strings.HasPrefix(key, "rival-") {
				rivals = append(rivals, v)
			}
		}
		slices.Sort(rivals)
		machine := []string{r.said("machine")}
		for _, key := range []string{"memory", "system", "go"} {
			if v := r.Config[key]; v != "" {
				machine = append(machine, v)
			}
		}
		lines := fmt.Sprintf("[%s](measured/%s)", r.File, r.File)
		if s := r.Config["source"]; s != "" {
			lines += " " + s
		}
		row(out, strconv.Itoa(w.number(r)), r.Commit(), r.Date(), strings.Join(machine, "; "), r.said("load"),
			cmp.Or(strings.Join(slices.Compact(rivals), "; "), "none"), "`"+r.said("command")+"`", lines)
	}
	out.WriteByte('\n')
}

// fuzzOnly says that a run is of the ledger of fuzzing, which has a table of its own.
func (r *Run) fuzzOnly() bool {
	for name := range r.lines {
		if !strings.HasPrefix(name, "Fuzz/") {
			return false
		}
	}
	return true
}

func (w *writer) topic(out *strings.Builder, t *Topic, found []Finding) {
	fmt.Fprintf(out, "## %s\n\n", t.Title)
	if t.Note != "" {
		fmt.Fprintf(out, "%s\n\n", t.Note)
	}
	fmt.Fprintf(out, "`%s`\n\n", t.Command)
	out.WriteString("| figure | asked | is | spread | by processor time | ours, beside | run | |\n|---|---|--:|---|--:|---|---|---|\n")
	for _, f := range found {
		verdict := string(f.Verdict)
		if f.Verdict != Reached && f.Verdict != Told {
			verdict = "**" + verdict + "**"
		}
		row(out, f.What, f.limit(), f.shown(f.Value), f.spread(), f.shown(f.CPU), f.beside(), w.quoted(f.Runs), verdict)
	}
	out.WriteByte('\n')
	said := false
	for _, f := range found {
		if r := f.remarks(); len(r) > 0 {
			fmt.Fprintf(out, "- **%s**: %s\n", f.What, strings.Join(r, " "))
			said = true
		}
	}
	if said {
		out.WriteByte('\n')
	}
}

// remarks are what has no place in a row: why a figure is not reached, where it is
// least favourable, what of it is not measured, whose version is not known.
func (f *Finding) remarks() []string {
	var out []string
	switch {
	case f.Verdict == Reached || f.Verdict == Told:
	case f.clockOnly():
		out = append(out, "processor time was not measured.")
	case f.Why != "" || f.Verdict == Unmeasured:
		out = append(out, f.Why)
	default:
		out = append(out, "why is not said.")
	}
	if f.Of > 1 && !f.Sum {
		out = append(out, fmt.Sprintf("Least favourable of %d: `%s`.", f.Of, f.At))
	}
	if len(f.Missing) > 0 {
		out = append(out, "Not measured: `"+strings.Join(f.Missing, "`, `")+"`.")
	}
	if b := f.Beside; b != nil && f.Of > 0 && !strings.HasPrefix(b.By, "gengtu") {
		for _, r := range f.Runs {
			if _, ok := r.Rival(b.By); !ok {
				out = append(out, fmt.Sprintf("The version of %s is not recorded in %s.", b.By, r.File))
			}
		}
	}
	return slices.DeleteFunc(out, func(s string) bool { return s == "" })
}

// clockOnly tells that the clock keeps the limit and that nobody measured processor time:
// that is all there is to say.
func (f *Finding) clockOnly() bool { return f.Verdict == ByClock && math.IsNaN(f.CPU) }

func (w *writer) quoted(runs []*Run) string {
	var out []string
	for _, r := range runs {
		out = append(out, fmt.Sprintf("%d (%s)", w.number(r), r.Commit()))
	}
	return strings.Join(out, ", ")
}

func (f *Figure) limit() string {
	switch {
	case f.Least != nil:
		return "≥ " + f.with(number(*f.Least))
	case f.Most != nil:
		return "≤ " + f.with(number(*f.Most))
	}
	return ""
}

func (f *Figure) with(s string) string { return strings.TrimSpace(s + " " + f.Unit) }

func (f *Figure) shown(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return f.with(short(v))
}

func (f *Finding) spread() string {
	switch {
	case f.Of == 0, f.Sum, strings.HasPrefix(f.At, "Suite/"):
		return ""
	case f.Rounds == 1:
		return "one round"
	}
	return fmt.Sprintf("%s … %s, %d rounds", short(f.Low), short(f.High), f.Rounds)
}

// beside is what a ratio is of, each in its own unit.
func (f *Finding) beside() string {
	b := f.Figure.Beside
	if b == nil || f.Of == 0 {
		return ""
	}
	ours, theirs := amount(f.Ours, f.Metric), amount(f.Theirs, b.Metric)
	if f.Per != "" {
		ours, theirs = ours+" a "+strings.TrimSuffix(f.Per, "s"), theirs+" a "+strings.TrimSuffix(f.Per, "s")
	}
	return fmt.Sprintf("%s, %s %s", ours, b.By, theirs)
}

// amount writes a time so that it can be read, any other metric with its unit.
func amount(v float64, metric string) string {
	if metric != "ns/op" {
		return short(v) + " " + metric
	}
	for _, u := range []struct {
		ns   float64
		name string
	}{{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}} {
		if v >= u.ns {
			return short(v/u.ns) + " " + u.name
		}
	}
	return short(v) + " ns"
}

func (w *writer) fuzz(out *strings.Builder, all []Fuzzed, asked float64) {
	fmt.Fprintf(out, "## Fuzzing\n\n`make fuzz FUZZTIME=1h` adds to the ledger, %s; asked is %s a target. Runs add up,\nof whatever commits; only those in which a target found no fault are in it.\n\n", w.ledger(), hours(asked))
	done, lacking := 0, 0
	rows := &strings.Builder{}
	for _, f := range all {
		missing := "**" + hours(asked-f.Seconds) + "**"
		if f.Seconds >= asked {
			missing = ""
		}
		switch {
		case f.Gone:
			missing = "no such target any more"
		case missing == "":
			done++
		default:
			lacking++
		}
		last := "never"
		if f.Last != nil {
			last = f.Last.Commit() + ", " + f.Last.Date()
		}
		row(rows, f.Target, hours(f.Seconds), short(f.Execs), short(f.Found), last, missing)
	}
	fmt.Fprintf(out, "%d targets: %d have run for %s, %d have not.\n\n| target | run for | inputs tried | kept as new | last | missing |\n|---|--:|--:|--:|---|---|\n%s", done+lacking, done, hours(asked), lacking, rows)
}

// ledger names the files that hold hours of fuzzing, with a way to each; where nothing was
// fuzzed yet there is none, and so no way to it.
func (w *writer) ledger() string {
	var files []string
	for _, r := range w.runs {
		for name := range r.lines {
			if strings.HasPrefix(name, "Fuzz/") {
				files = append(files, fmt.Sprintf("[measured/%s](measured/%s)", r.File, r.File))
				break
			}
		}
	}
	slices.Sort(files)
	return cmp.Or(strings.Join(slices.Compact(files), ", "), "`measured/fuzz.txt`, which nothing has written yet")
}

func hours(seconds float64) string {
	switch {
	case seconds >= 3600:
		return short(seconds/3600) + " h"
	case seconds >= 60:
		return short(math.Floor(seconds/60)) + " min"
	}
	return short(seconds) + " s"
}

// row prints a row of a table; a bar in a cell would end it.
func row(out *strings.Builder, cells ...string) {
	for _, c := range cells {
		out.WriteString("| " + strings.ReplaceAll(c, "|", `\|`) + " ")
	}
	out.WriteString("|\n")
}

// number writes a limit as it was said, its thousands apart.
func number(v float64) string {
	s := strconv.FormatFloat(v, 'f', -1, 64)
	if math.Abs(v) >= 1e15 || v != 0 && math.Abs(v) < 1e-4 {
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return thousands(s)
}

// short writes a figure with three digits that count, integers whole.
func short(v float64) string {
	switch {
	case math.IsInf(v, 0):
		return "∞"
	case v == math.Trunc(v) && math.Abs(v) < 1e15, math.Abs(v) >= 100:
		return thousands(strconv.FormatFloat(v, 'f', 0, 64))
	case math.Abs(v) < 1e-4:
		return strconv.FormatFloat(v, 'e', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', max(0, 2-int(math.Floor(math.Log10(math.Abs(v))))), 64)
}

func thousands(s string) string {
	whole, part, _ := strings.Cut(s, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if part != "" {
		whole += "." + part
	}
	return sign + whole
}
