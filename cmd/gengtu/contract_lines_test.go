package main_test

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// The contract is a document beside the project: its first two sections list each command
// and each address. What follows reads them, so that a line without a case is found.

// demanded is a thing that a line of the contract names, and that a case must use.
type demanded struct {
	line string // of the contract, as it stands there
	what string // that it names, for a person
	// by tells whether a case that succeeds uses it.
	by func(*contractCase) bool
}

// section returns what stands between two headings of the contract.
func section(text, from, to string) string {
	_, rest, _ := strings.Cut(text, "\n"+from)
	out, _, _ := strings.Cut(rest, "\n"+to)
	return out
}

// commandLines returns the lines of the block of commands, each with one verb.
func commandLines(text string) (out []string) {
	_, block, _ := strings.Cut(section(text, "## 1.", "## 2."), "```\n")
	block, _, _ = strings.Cut(block, "```")
	for line := range strings.Lines(block) {
		parts := strings.Split(strings.TrimSpace(line), ";  gengtu ")
		for i, part := range parts {
			if i > 0 {
				part = "gengtu " + part
			}
			if part != "" {
				out = append(out, part)
			}
		}
	}
	return out
}

// verbOf is the verb of a line of commands.
func verbOf(line string) string {
	if words := strings.Fields(line); len(words) > 1 {
		return words[1]
	}
	return line
}

var (
	flagWord    = regexp.MustCompile(`--[a-z][a-z-]*`)
	flagChoices = regexp.MustCompile(`(--[a-z][a-z-]*) ([a-z]+(?:\|[a-z]+)+)`)
	endingWords = regexp.MustCompile(`FILE\.\(?[a-z]+(?:\|\.?[a-z]+)*`)
	subVerbs    = regexp.MustCompile(`token (list) \| (revoke)`)
	codeSpan    = regexp.MustCompile("(GET|POST)|`([^`]+)`")
)

// commandDemands are the verb of a line, its flags, the values it lets choose from, and the
// endings of its files. A line tells what a verb does after a run of spaces; flags that are
// spoken of there count, too.
func commandDemands(line string) (out []demanded) {
	verb := verbOf(line)
	demand := func(what string, words ...string) {
		out = append(out, demanded{line, what, func(c *contractCase) bool {
			return len(c.args) > 0 && c.args[0] == verb && !slices.ContainsFunc(words, func(w string) bool { return !c.has(w) })
		}})
	}
	demand(verb)
	for _, flag := range flagWord.FindAllString(line, -1) {
		demand(flag, flag)
	}
	for _, m := range flagChoices.FindAllStringSubmatch(line, -1) {
		for value := range strings.SplitSeq(m[2], "|") {
			demand(m[1]+" "+value, m[1], value)
		}
	}
	for _, m := range endingWords.FindAllString(line, -1) {
		for ending := range strings.SplitSeq(strings.TrimLeft(strings.TrimPrefix(m, "FILE"), ".("), "|") {
			demand("a file ."+strings.TrimPrefix(ending, "."), "."+strings.TrimPrefix(ending, "."))
		}
	}
	for _, m := range subVerbs.FindAllStringSubmatch(line, -1) {
		demand(m[1], m[1])
		demand(m[2], m[2])
	}
	return out
}

// has tells whether the arguments have a word, or a file with an ending.
func (c *contractCase) has(word string) bool {
	return slices.ContainsFunc(c.args, func(a string) bool {
		return a == word || strings.HasPrefix(word, ".") && strings.HasSuffix(a, word)
	})
}

// addressLines returns the first cells of the table of addresses.
func addressLines(text string) (out []string) {
	for line := range strings.Lines(section(text, "## 2.", "## 3.")) {
		rest, isRow := strings.CutPrefix(line, "| ")
		if cell, _, _ := strings.Cut(rest, " | "); isRow && strings.Contains(cell, "`") {
			out = append(out, cell)
		}
	}
	return out
}

// addressDemands are the paths of a cell, with each of what it lets choose from, and the
// names and values of their queries.
func addressDemands(cell string) (out []demanded) {
	method, last := "", ""
	for _, m := range codeSpan.FindAllStringSubmatch(cell, -1) {
		if m[1] != "" {
			method = m[1]
			continue
		}
		span := strings.ReplaceAll(m[2], `\|`, "|")
		if rest, isTail := strings.CutPrefix(span, "…"); isTail {
			element, _, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
			before, _, _ := strings.Cut(last, "/"+element)
			span = before + rest
		}
		last = span
		path, query, _ := strings.Cut(span, "?")
		for _, p := range chosen(path) {
			out = append(out, pathDemands(cell, method, p, query)...)
		}
	}
	return out
}

// chosen writes a pattern once for each of what stands in its braces.
func chosen(pattern string) (out []string) {
	for at := 0; ; {
		open := strings.Index(pattern[at:], "{")
		if open < 0 {
			return []string{pattern}
		}
		open += at
		end := open + strings.Index(pattern[open:], "}")
		inside := pattern[open+1 : end]
		if !strings.ContainsAny(inside, "|,") {
			at = end
			continue
		}
		for _, one := range strings.FieldsFunc(inside, func(r rune) bool { return r == '|' || r == ',' }) {
			out = append(out, chosen(pattern[:open]+one+pattern[end+1:])...)
		}
		return out
	}
}

var brace = regexp.MustCompile(`\\\{[a-z]+\\\}`)

// pathDemands are a path by itself, and with each name and value of its query.
func pathDemands(cell, method, path, query string) []demanded {
	form := brace.ReplaceAllString(regexp.QuoteMeta(path), `[^/?]+`)
	match := regexp.MustCompile("^" + strings.ReplaceAll(form, "…", ".+") + "$")
	demand := func(name, value string) demanded {
		return demanded{cell, strings.TrimSpace(method + " " + path + " " + name + value), func(c *contractCase) bool {
			u, err := url.Parse(c.path)
			if err != nil || c.method != method || !match.MatchString(u.Path) {
				return false
			}
			q := u.Query()
			return name == "" || value == "" && q.Has(strings.TrimSuffix(name, "=")) || value != "" && slices.Contains(q[strings.TrimSuffix(name, "=")], value)
		}}
	}
	out := []demanded{demand("", "")}
	for part := range strings.SplitSeq(query, "&") {
		name := ""
		for word := range strings.SplitSeq(part, "|") {
			switch n, value, isName := strings.Cut(word, "="); {
			case word == "" || word == "…":
			case isName:
				name = n + "="
				out = append(out, demand(name, value))
			default:
				out = append(out, demand(name, word))
			}
		}
	}
	return out
}

// contractGaps says which lines of the contract, and what they name, have no case that
// succeeds, which have no error, and which cases are of no line.
func contractGaps(text string, commands, addresses []contractCase) (out []string) {
	lines := map[string]bool{}
	gap := func(line string, demands []demanded, cases []contractCase, mine func(*contractCase) bool) {
		lines[line] = true
		for _, d := range demands {
			if !slices.ContainsFunc(cases, func(c contractCase) bool { return c.fault == "" && mine(&c) && d.by(&c) }) {
				out = append(out, fmt.Sprintf("%.60s: nothing asks for %s", d.line, d.what))
			}
		}
		if !slices.ContainsFunc(cases, func(c contractCase) bool { return c.fault != "" && mine(&c) }) {
			out = append(out, fmt.Sprintf("%.60s: no error of it is asked for", line))
		}
	}
	all := commandLines(text)
	for _, line := range all {
		lines["gengtu "+verbOf(line)] = true
		gap(line, commandDemands(line), commands, func(c *contractCase) bool { return c.line == "gengtu "+verbOf(line) })
	}
	cells := addressLines(text)
	for _, cell := range cells {
		gap(cell, addressDemands(cell), addresses, func(c *contractCase) bool { return c.line == cell })
	}
	if len(all) == 0 || len(cells) == 0 {
		out = append(out, fmt.Sprintf("%d commands and %d addresses are read of the contract", len(all), len(cells)))
	}
	for _, c := range slices.Concat(commands, addresses) {
		if !lines[c.line] {
			out = append(out, fmt.Sprintf("%q of %q: the contract has no such line", c.name, c.line))
		}
	}
	return out
}
