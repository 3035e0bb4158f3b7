package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gengtu/index/problem"
	"gengtu/ingest"
)

// defineDelivery defines the flag of the verbs that take a whole folder.
func (f *reading) defineDelivery(fs *flags) {
	fs.Var(folder{&f.delivery, fs}, "delivery", "整个成果文件夹：按名称找出图层；--layer 已指明的图层不找|a whole delivery's folder: layers are found by their names, but for those that --layer names")
}

// folder is the value of --delivery: one, since of two the layers of the first would be
// lost without a word.
type folder struct {
	path *string
	fs   *flags
}

// String is the folder.
func (f folder) String() string {
	if f.path == nil {
		return "" // of package flag, for the default
	}
	return *f.path
}

// Set takes the folder, and refuses another.
func (f folder) Set(s string) error {
	if *f.path != "" && s != *f.path {
		f.fs.fault = problem.New("DELIVERY_TWICE", "--delivery 给了两次：%s 和 %s", "--delivery is given twice: %s and %s", *f.path, s).
			Advise("一次装一份成果，下一份用 ingest --add", "take one delivery at a time, the next with ingest --add")
		return f.fs.fault
	}
	*f.path = s
	return nil
}

// addDelivery adds to inputs what is found in the folder of --delivery, and says what
// was taken as what.
func (e *env) addDelivery(f *reading, inputs []ingest.Input) ([]ingest.Input, error) {
	if f.delivery == "" {
		return inputs, nil
	}
	var named []string
	for _, in := range inputs {
		named = append(named, in.Layer)
		if in.Layer == "cropland" || in.Layer == "dltb" {
			named = append(named, "cropland", "dltb") // one brings the other
		}
	}
	known, err := loadProfiles(f.profiles)
	if err != nil {
		return nil, err
	}
	d, err := ingest.FindDelivery(e.ctx, known, f.delivery, named)
	if err != nil {
		return nil, err
	}
	f.found = d
	if !e.json {
		if err := d.Write(e.stderr, e.lang); err != nil {
			return nil, err
		}
	}
	return append(inputs, d.Inputs(f.vintage)...), nil
}

// namedFiles is how many files an advice lists at most.
const namedFiles = 4

// besides adds to what is wrong with a file of --delivery all of whose records stand in other
// files there, as in a copy in a folder of its own, how to leave it out. Of another fault it
// says nothing: several files of a layer add up, and what is missing of one is in no other.
func (f *reading) besides(err error) error {
	p := problem.Of(err)
	var twin *ingest.CopyError
	if p == nil || f.found == nil || !errors.As(err, &twin) || slices.Contains(twin.Of, p.File) {
		return err
	}
	inputs := f.found.Inputs(f.vintage)
	this := slices.IndexFunc(inputs, func(in ingest.Input) bool { return in.Path == p.File })
	if this < 0 {
		return err
	}
	files, more := twin.Of[:min(len(twin.Of), namedFiles)], len(twin.Of)-namedFiles
	zh, en := strings.Join(files, "、"), strings.Join(files, ", ")
	if more > 0 {
		zh, en = fmt.Sprintf("%s 等 %d 个文件", zh, len(twin.Of)), fmt.Sprintf("%s and %d more", en, more)
	}
	zh = "它的记录 " + zh + " 里都有：若是多余的一份，就移出文件夹"
	en = "all of its records stand in " + en + ", too: if it is one copy too many, move it out of the folder"
	if rest := flagsWithout(inputs, this); len(rest) > 0 && len(rest) <= namedFiles {
		list := strings.Join(rest, " ")
		zh, en = zh+"，或加 "+list+" 只读其余的", en+", or add "+list+" to have it left out"
	}
	return also(p, zh, en).Because(err)
}

// flagsWithout returns the flags that name all files of the layer of inputs[this] but that
// one: where a layer is named, no other file of the folder is read as it.
func flagsWithout(inputs []ingest.Input, this int) []string {
	ground := func(layer string) string {
		if layer == "cropland" {
			return "dltb" // who names one leaves out both
		}
		return layer
	}
	var out []string
	for i, in := range inputs {
		if i == this || ground(in.Layer) != ground(inputs[this].Layer) {
			continue
		}
		flag := "--layer " + in.Layer
		if in.Vintage != "" {
			flag += "@" + in.Vintage
		}
		if flag += "=" + in.Path; in.Table != "" {
			flag += "#" + in.Table
		}
		out = append(out, flag)
	}
	return out
}

// also returns p with another sentence of advice behind the one that it has, if any.
func also(p *problem.Problem, zh, en string) *problem.Problem {
	if has := p.Advice(problem.Chinese); has != "" {
		zh = has + "；" + zh
	}
	if has := p.Advice(problem.English); has != "" {
		en = has + "; " + en
	}
	return p.Advise("%[1]s", "%[2]s", zh, en)
}

// tables reads the values of --attributes.
func (f *reading) tables() ([]ingest.Attributes, error) {
	var out []ingest.Attributes
	for _, text := range f.attributes {
		a, err := ingest.ParseAttributes(text)
		if err != nil {
			return nil, usageError{problem.Of(err)}
		}
		out = append(out, a)
	}
	return out, nil
}

// badVintage refuses a vintage of --delivery that is none; that of --layer is judged
// with it.
func (f *reading) badVintage() error {
	if f.delivery == "" || f.vintage == "" {
		return nil
	}
	_, err := ingest.ParseInput("other=x", f.vintage, func(string) bool { return true })
	if p := problem.Of(err); p != nil {
		return usageError{p}
	}
	return err
}
