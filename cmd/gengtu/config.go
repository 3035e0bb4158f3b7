package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"gengtu/index/problem"
	"gengtu/index/setting"
)

// The flags that say where values come from, and are none themselves.
const (
	configFlag      = "config"
	printConfigFlag = "print-config"
)

// envPrefix begins the names of environment variables that stand for flags: the flag's
// name follows in capitals, with _ for -.
const envPrefix = "GENGTU_"

// envOthers are the variables that stand for no flag of a server.
var envOthers = []string{"GENGTU_LANG", tokenEnv, accessEnv}

// maxConfigBytes bounds a configuration file.
const maxConfigBytes = 256 << 10

var configKind = setting.Kind{
	Code: "CONFIG_FILE", MaxBytes: maxConfigBytes,
	AdviceZh: "成员名即命令行参数去掉 --，用 --print-config 查看全部", AdviceEn: "members are named as flags are, without the dashes; --print-config shows them all",
}

// configuration is the values of a command's flags and where each comes from: the
// command line, before the environment, before a file, before what the flag is by itself.
// What is given in one of these replaces what a later one has, lists as a whole.
type configuration struct {
	fs   *flags
	from map[string]origin
}

// origin is where a value comes from. The zero origin is that of a default.
type origin struct {
	Kind string `json:"from"` // flag, environment, file or default
	Name string `json:"name,omitempty"`
	Line int    `json:"line,omitempty"` // of a file, from 1
}

func (o origin) text() string {
	switch o.Kind {
	case "environment":
		return "environment " + o.Name
	case "file":
		return fmt.Sprintf("%s line %d", o.Name, o.Line)
	}
	return o.Kind
}

// configure parses the line of a command without arguments and fills the flags that it
// does not name from the environment and the file of --config. All of the command's flags
// can be given in each way; none is listed here.
func configure(fs *flags) (*configuration, error) {
	c := &configuration{fs: fs, from: map[string]origin{}}
	path := fs.String(configFlag, "", "配置文件（YAML，成员名即参数名）|configuration file: YAML, members are named as flags are")
	fs.Bool(printConfigFlag, false, "打印各参数的值和来源，不启动|print each flag's value and where it comes from, and end")
	if _, err := fs.parse(0, 0); err != nil {
		return nil, err
	}
	fs.Visit(func(f *flag.Flag) { c.from[f.Name] = origin{Kind: "flag"} })
	if err := c.readEnvironment(); err != nil {
		return nil, usageError{problem.Of(err)}
	}
	if *path == "" {
		return c, nil
	}
	if err := c.readFile(*path); err != nil {
		return nil, usageError{problem.Of(err)}
	}
	return c, nil
}

// envName is the environment variable of a flag.
func envName(flagName string) string {
	return envPrefix + strings.ReplaceAll(strings.ToUpper(flagName), "-", "_")
}

// readEnvironment sets flags by variables; an empty one says nothing. In one that stands
// for a flag that may be repeated, commas part values.
func (c *configuration) readEnvironment() error {
	var first error
	c.fs.VisitAll(func(f *flag.Flag) {
		name := envName(f.Name)
		value := os.Getenv(name)
		if value == "" || f.Name == printConfigFlag || c.from[f.Name].Kind != "" || first != nil {
			return
		}
		texts := []string{value}
		if repeated(f) {
			texts = strings.Split(value, ",")
		}
		if why := set(f.Value, texts); why != nil {
			first = problem.New("CONFIG_ENV", "环境变量 %[1]s：%[2]s", "environment variable %[1]s: %[3]s", name, why.zh, why.en).
				Advise("改正或删去它；gengtu %s --help 列出参数", "mend or unset it; gengtu %s --help lists the flags", c.fs.Name())
			return
		}
		c.from[f.Name] = origin{Kind: "environment", Name: name}
	})
	return first
}

// strangeEnvironment lists the variables with the prefix that stand for nothing, each with
// the one that is likely meant ("" for none): a word that is misspelt must not pass for one
// that was left out. It is no error, because others name variables after a service, too.
func (c *configuration) strangeEnvironment() [][2]string {
	known := slices.Clone(envOthers)
	c.fs.VisitAll(func(f *flag.Flag) { known = append(known, envName(f.Name)) })
	bare := make([]string, len(known)) // what all begin with makes no two alike
	for i, k := range known {
		bare[i] = strings.TrimPrefix(k, envPrefix)
	}
	var out [][2]string
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		rest, ours := strings.CutPrefix(name, envPrefix)
		if !ours || slices.Contains(known, name) {
			continue
		}
		near := setting.Nearest(rest, bare)
		if near != "" {
			near = envPrefix + near
		}
		out = append(out, [2]string{name, near})
	}
	slices.SortFunc(out, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return out
}

// readFile sets the flags that have no value yet by the members of a file.
func (c *configuration) readFile(path string) error {
	data, err := readConfigFile(path)
	if err != nil {
		return err
	}
	file, words, err := configKind.ReadWords(path, data)
	if err != nil {
		return err
	}
	for _, w := range words {
		f := c.fs.Lookup(w.Name)
		switch {
		case f == nil || f.Name == configFlag || f.Name == printConfigFlag:
			zh, en := setting.Unknown(w.Name, "", c.names())
			return file.Problem(w.Line, "%[1]s", "%[2]s", zh, en)
		case w.Listed && !repeated(f):
			return file.Problem(w.Line, "%s 只有一个值，不能写成列表", "%s has one value and takes no list", w.Name)
		}
		to := f.Value
		if c.from[w.Name].Kind != "" {
			to = scratch(f) // what goes before it takes its place, but it has to be right all the same
		}
		if why := set(to, w.Texts); why != nil {
			return file.Problem(w.Line, "%[1]s：%[2]s", "%[1]s: %[3]s", w.Name, why.zh, why.en)
		}
		if c.from[w.Name].Kind == "" {
			c.from[w.Name] = origin{Kind: "file", Name: path, Line: w.Line}
		}
	}
	return nil
}

// scratch is a value of the flag's kind that nobody looks at.
func scratch(f *flag.Flag) flag.Value {
	if t := reflect.TypeOf(f.Value); t.Kind() == reflect.Pointer {
		if v, ok := reflect.New(t.Elem()).Interface().(flag.Value); ok {
			return v
		}
	}
	return new(list) // of a flag that is a function, which takes what comes
}

// readConfigFile reads a file, or as much as shows that it is too long.
func readConfigFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, configUnread(path, err)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxConfigBytes+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, configUnread(path, err)
	}
	return data, nil
}

func configUnread(path string, err error) error {
	return problem.New("CONFIG_READ", "配置文件读不了（%v）", "the configuration file cannot be read (%v)", plainCause(err)).In(path).Because(err).
		Advise("核对 --config 或 %[1]s 给的路径和权限", "see to the path of --config or %[1]s, and to its permissions", envName(configFlag))
}

// plainCause is an error of the system without the path, which is told beside it.
func plainCause(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// unset is why a flag does not take a text, in both languages.
type unset struct{ zh, en string }

// set gives a flag's value its texts.
func set(v flag.Value, texts []string) *unset {
	for _, t := range texts {
		err := v.Set(strings.TrimSpace(t))
		if err == nil {
			continue
		}
		if errors.Is(err, errEmpty) {
			return &unset{"有一个值是空的", "one of its values is empty"}
		}
		zh, en := kindOfFlag(v)
		if zh != "" {
			return &unset{fmt.Sprintf("%.40q 不是%s", t, zh), fmt.Sprintf("%.40q is not %s", t, en)}
		}
		return &unset{fmt.Sprintf("不能是 %.40q（%v）", t, err), fmt.Sprintf("it cannot be %.40q (%v)", t, err)}
	}
	return nil
}

// kindOfFlag says in words what a flag's value is written as, "" where the flag itself
// says what is wrong.
func kindOfFlag(v flag.Value) (zh, en string) {
	g, ok := v.(flag.Getter)
	if !ok {
		return "", ""
	}
	switch g.Get().(type) {
	case time.Duration:
		return "时长（如 30s、5m）", "a time such as 30s or 5m"
	case bool:
		return " true 或 false", "true or false"
	case int, int64, uint, uint64:
		return "整数", "a whole number"
	case float64:
		return "数", "a number"
	}
	return "", ""
}

// repeated tells whether a flag may be given several times.
func repeated(f *flag.Flag) bool {
	_, ok := f.Value.(*list)
	return ok
}

// names are the members that a file may have.
func (c *configuration) names() []string {
	var out []string
	c.fs.VisitAll(func(f *flag.Flag) {
		if f.Name != configFlag && f.Name != printConfigFlag {
			out = append(out, f.Name)
		}
	})
	return out
}

// printing tells whether the configuration is to be printed and nothing else done.
func (c *configuration) printing() bool {
	return c.fs.Lookup(printConfigFlag).Value.String() == "true"
}

// configured is a flag's value as --print-config tells it.
type configured struct {
	Value any `json:"value"`
	origin
}

// print prints each flag's value and where it comes from: as a file that --config takes,
// or as JSON.
func (c *configuration) print(e *env) error {
	all := map[string]configured{}
	var lines []string
	for _, name := range c.names() {
		f := c.fs.Lookup(name)
		from := c.from[name]
		if from.Kind == "" {
			from.Kind = "default"
		}
		var value any = f.Value.String()
		if l, ok := f.Value.(*list); ok {
			value = append([]string{}, *l...)
		} else if g, ok := f.Value.(flag.Getter); ok {
			switch v := g.Get().(type) {
			case bool, int, int64, uint, uint64, float64:
				value = v
			}
		}
		text, err := json.Marshal(value) // every text of JSON is one of YAML
		if err != nil {
			return err
		}
		all[name] = configured{value, from}
		lines = append(lines, fmt.Sprintf("%s: %s  # %s\n", name, text, strings.Join(strings.Fields(from.text()), " ")))
	}
	if e.json {
		return json.NewEncoder(e.stdout).Encode(all)
	}
	e.printf("%s", strings.Join(lines, ""))
	return nil
}

// tell warns of variables that stand for nothing.
func (c *configuration) tell(e *env) {
	var zh, en []string
	for _, v := range c.strangeEnvironment() {
		inZh, inEn := v[0], v[0]
		if v[1] != "" {
			inZh, inEn = v[0]+"（是否 "+v[1]+"？）", v[0]+" ("+v[1]+" is meant?)"
		}
		zh, en = append(zh, inZh), append(en, inEn)
	}
	if len(zh) > 0 {
		e.warn(problem.New("CONFIG_ENV_UNKNOWN", "环境变量 %[1]s 不是 gengtu %[3]s 的参数，未采用", "environment variables %[2]s stand for no flag of gengtu %[3]s and are not taken", strings.Join(zh, "、"), strings.Join(en, ", "), c.fs.Name()).
			Advise("核对写法：%s 加参数名的大写，- 写成 _", "see how they are written: %s, then the flag's name in capitals with _ for -", envPrefix))
	}
}

// tellOrigins says where to see why flags that do not go together are there, where not
// all of them stand on the line.
func (c *configuration) tellOrigins(e *env) {
	for _, o := range c.from {
		if o.Kind != "flag" {
			e.notef("%s\n", e.pick("各参数的值来自何处：gengtu "+c.fs.Name()+" --print-config", "where each flag's value comes from: gengtu "+c.fs.Name()+" --print-config"))
			return
		}
	}
}
