package main

import (
	"slices"

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

// besides adds to what is wrong with a file of --delivery which other files there were taken
// as the same layer, and how to leave one of them out: a copy in a folder of its own, for
// instance.
func (f *reading) besides(err error) error {
	p := problem.Of(err)
	if p == nil || f.found == nil {
		return err
	}
	this := slices.IndexFunc(f.found.Taken, func(t ingest.Taken) bool { return t.Path == p.File })
	if this < 0 {
		return err
	}
	layer, vintage := f.found.Taken[this].Layer, f.found.Taken[this].Vintage
	for _, t := range f.found.Taken {
		if t.Layer != layer || t.Vintage != vintage || t.Path == p.File {
			continue
		}
		return p.Advise("%[1]s；%[2]s 和 %[3]s 都取作图层 %[4]s：只要一份就加 --layer %[4]s=%[3]s（或另一份），文件夹里这一图层的别的文件就不读了",
			"%[5]s; %[2]s and %[3]s were both taken as layer %[4]s: to take one alone add --layer %[4]s=%[3]s (or the other), and no other file of the folder is read as that layer",
			p.Advice(problem.Chinese), p.File, t.Path, layer, p.Advice(problem.English)).Because(err)
	}
	return err
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
