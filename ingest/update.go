package ingest

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/ingest/source"
)

// UpdateReport says what became of the features of a layer that an update
// touched. Read of the layer's report is Added + Replaced + Unchanged + Refused
// and features left out.
type UpdateReport struct {
	index.Fates
	// NotFound are the keys to delete that the layer does not have.
	NotFound []string `json:"not_found,omitempty"`
	// Placed are the features, among those replaced, that lie in another place now
	// because the regions of the edition changed.
	Placed int `json:"placed,omitempty"`
}

// Update reads changed features, which it judges as [Run] does, and says what
// they change in base: a feature replaces the one with its business key in the
// layer's vintage, one whose key is not there is added, and the keys of deletes
// go. A feature that is refused changes nothing; one that the rule of cropland
// leaves out goes. An input without a vintage is of the layer's latest.
//
// The report is never nil; what became of the features is filled in by
// [Report.Revised]. Problems, but for those of the files: UPDATE_LAYER (the
// edition does not have the layer), UPDATE_VIEW, UPDATE_FIELDS (a file has fields
// that the layer has not), UPDATE_TWICE (a key is both changed and deleted),
// UPDATE_GROUP (of the features that share a key one was refused). Without inputs the
// keys are deleted from the latest vintage of each layer.
func Update(ctx context.Context, base *index.Base, inputs []Input, deletes []string, opt Options) ([]index.Delta, *Report, error) {
	opt.Base = base
	r := &run{opt: opt, report: &Report{Tier: string(opt.Tier), Layers: []*LayerReport{}}, writer: index.NewWriter("")}
	u := &update{run: r, base: base, deletes: map[string]bool{}, found: map[string]bool{}, runs: map[string]*layerRun{}, touched: map[string]map[uint64]bool{}}
	for _, k := range deletes {
		u.deletes[k] = true
	}
	for i := range inputs {
		if err := u.settle(&inputs[i]); err != nil {
			return nil, r.report, err
		}
	}
	groups, err := r.group(ctx, inputs)
	if err != nil {
		return nil, r.report, err
	}
	if err := u.loadBase(); err != nil {
		return nil, r.report, err
	}
	r.count(groups)
	r.files = append(r.files, placesAt(r.known, r.placed))
	for _, g := range groups {
		if err := u.layer(ctx, g); err != nil {
			return nil, r.report, err
		}
	}
	if _, p := compare(r.known, r.files); p != nil {
		return nil, r.report, p
	}
	if len(groups) == 0 {
		err = u.deleteAnywhere()
	}
	if err == nil {
		err = r.strict()
	}
	if err == nil {
		err = u.missing()
	}
	if err == nil {
		err = u.placeAnew(ctx)
	}
	return u.deltas, r.report, err
}

// update is a run that changes an edition.
type update struct {
	*run
	base    *index.Base
	deletes map[string]bool // keys
	found   map[string]bool // of deletes, in any layer
	deltas  []index.Delta
	runs    map[string]*layerRun       // by layer key
	touched map[string]map[uint64]bool // ids that the deltas put or delete, by layer key

	moved map[string][]geo.Box // of regions that came, went or changed, by vintage
}

// settle gives an input the vintage that it is of, and refuses one of a layer
// that the edition does not have.
func (u *update) settle(in *Input) error {
	if in.Vintage == "" {
		in.Vintage = u.latest(in.Layer)
	}
	meta := u.base.Layer(in.Layer, in.Vintage)
	switch {
	case meta == nil:
		return problem.New("UPDATE_LAYER", "版本里没有图层 %s，时相 %q", "the edition has no layer %s of vintage %q", in.Layer, in.Vintage).In(in.Path).
			Advise("新的图层和时相用 gengtu ingest --add 入库；gengtu info 列出已有的", "take new layers and vintages in with gengtu ingest --add; gengtu info lists those there are")
	case meta.View != nil:
		return problem.New("UPDATE_VIEW", "图层 %s 由 %s 带出，不能单独更新", "layer %s is a selection from %s and is not updated by itself", in.Layer, meta.View.Of).In(in.Path).
			Advise("把变更作为 %[1]s 交来", "give the changes as %[1]s", meta.View.Of)
	}
	return nil
}

// latest returns the latest vintage that the edition has of a layer, "" for none.
func (u *update) latest(layer string) string {
	latest := ""
	for i := range u.base.Manifest.Layers {
		if l := &u.base.Manifest.Layers[i]; l.Name == layer && (latest == "" || edition.CompareVintages(l.Vintage, latest) > 0) {
			latest = l.Vintage
		}
	}
	return latest
}

// layer reads the files of one layer and settles what they change.
func (u *update) layer(ctx context.Context, inputs []Input) error {
	l, err := u.begin(inputs)
	if err != nil {
		return err
	}
	sources, err := l.open(ctx, inputs)
	defer func() {
		for _, s := range sources {
			_ = s.reader.Close() // only read
		}
	}()
	if err != nil {
		return err
	}
	if len(l.rep.UnknownFields) > 0 {
		return problem.New("UPDATE_FIELDS", "文件有图层 %s 没有的字段 %s", "a file has fields that layer %s has not: %s", l.rep.Layer, strings.Join(l.rep.UnknownFields, " ")).In(inputs[0].Path).
			Advise("去掉这些字段，或用 gengtu ingest 整体重新入库", "leave them out, or take the whole layer in again with gengtu ingest")
	}
	for i, s := range sources {
		if err := l.source(ctx, s, &l.rep.Sources[i]); err != nil {
			return err
		}
	}
	l.tellAttributes()
	slices.SortFunc(l.rep.LeftOut, func(a, b ClassCount) int { return strings.Compare(a.Class, b.Class) })
	return u.resolve(l)
}

// begin makes the run of a layer whose fields are those of the edition.
func (u *update) begin(inputs []Input) (*layerRun, error) {
	known, err := u.opt.known()
	if err != nil {
		return nil, err
	}
	p := known.Of(inputs[0].Layer)
	meta := u.base.Layer(inputs[0].Layer, inputs[0].Vintage)
	l := &layerRun{
		run: u.run, profile: p, rep: newLayerReport(inputs[0]), shared: map[uint64]bool{},
		fields: meta.Fields, fixed: true, gone: map[string]bool{}, broken: map[string]*problem.Problem{}, out: u.writer.Layer(*meta),
	}
	l.rep.Update = &UpdateReport{}
	if l.rep.Layer != edition.Region {
		l.regions = u.regionsFor(l.rep.Vintage)
	}
	if l.rep.Layer == "dltb" && l.field(classField) >= 0 {
		l.rep.Cropland = &ClassCount{Class: edition.CroplandClass}
	}
	u.report.Layers = append(u.report.Layers, l.rep)
	u.runs[meta.Key()] = l
	return l, nil
}

// resolve finds out which features of the edition go because of what was read
// and of the keys to delete.
func (u *update) resolve(l *layerRun) error {
	meta := u.base.Layer(l.rep.Layer, l.rep.Vintage)
	keys := map[string]bool{}
	for k := range u.deletes {
		keys[k] = true
	}
	for k := range l.gone {
		keys[k] = true
	}
	put := map[uint64]bool{}
	given, keyless := map[string]int{}, 0 // features by weak key, and without a key
	err := l.out.Each(func(f *index.Feature) error {
		put[f.ID] = true
		k, field := l.keyOf(f.Values)
		if u.deletes[k] {
			return problem.New("UPDATE_TWICE", "%s 既在变更文件里又在删除清单里", "%s is both among the changes and in the list to delete", k).In(l.paths[0]).At(0, k).
				Advise("二者留一", "leave one of the two out")
		}
		if k == "" {
			keyless++
		}
		if weakKey(field) {
			keys[k] = true // the features of a weak key are replaced together
			given[k]++
			if why := l.broken[k]; why != nil {
				return problem.New("UPDATE_GROUP", "%[1]s 的一部分没有收下（%[2]s），整组都不更新", "a part of %[1]s was refused (%[2]s), so none of it is updated", k, why.Code).In(why.File).At(why.Record, k).
					Advise("更正这条记录，或不交 %s", "correct that record, or leave %s out", k)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	held, err := u.holders(l, meta, keys)
	if err != nil {
		return err
	}
	l.noteReplaced(held, given, keyless)
	if err := u.carryCodes(l, meta, put); err != nil {
		return err
	}
	d := index.Delta{Layer: meta, Put: l.out}
	for id, key := range held {
		u.found[key] = true
		if !put[id] {
			d.Delete = append(d.Delete, id)
		}
	}
	slices.Sort(d.Delete)
	u.deltas = append(u.deltas, d)
	for _, id := range d.Delete {
		put[id] = true
	}
	u.touched[meta.Key()] = put
	if l.rep.Layer == edition.Region {
		return u.changeRegions(l, put)
	}
	return nil
}

// weakKey tells whether several features may have the same value of a key's field.
func weakKey(field string) bool { return field != "" && field != "BSM" }

// noteReplaced notes what an officer may not expect: that parts which were not given
// again go with those that are replaced, and that a feature without a key replaces
// none.
func (l *layerRun) noteReplaced(held map[uint64]string, given map[string]int, keyless int) {
	before := map[string]int{}
	for _, k := range held {
		before[k]++
	}
	for _, k := range slices.Sorted(maps.Keys(given)) {
		if before[k] > given[k] && len(l.rep.Notes) < MaxFindings {
			l.rep.Notes = append(l.rep.Notes, problem.New("UPDATE_PARTS", "%[1]s 原有 %[2]d 部分，现在只有 %[3]d 部分", "%[1]s had %[2]d parts and has %[3]d now", k, before[k], given[k]).
				Advise("若其余部分还在，请把它们一起交来", "if the others are still there, give them as well"))
		}
	}
	if keyless > 0 {
		l.rep.Notes = append(l.rep.Notes, problem.New("UPDATE_KEYLESS", "%d 个要素没有编号，只能新增，不替换任何要素", "%d features have no key: they are added and replace none", keyless).
			Advise("补上编号，或把旧的列进删除清单", "give them keys, or list the old ones to be deleted"))
	}
}

// noteLacking notes the fields of the layer that a file of changes does not have.
func (l *layerRun) noteLacking(path string, m mapping) {
	var lacking []string
	for i := range l.fields {
		if m.field(l.fields[i].Name) < 0 && l.fields[i].Scheme == "" {
			lacking = append(lacking, l.fields[i].Name)
		}
	}
	if len(lacking) > 0 {
		l.rep.Notes = append(l.rep.Notes, problem.New("UPDATE_LACKS", "变更文件没有字段 %s，替换后的要素这些字段为空", "the file of changes has no field %s: features that it replaces have none of them any more", strings.Join(lacking, " ")).In(path).
			Advise("请交全部字段", "give all fields"))
	}
}

// holders returns the features of a stored layer that have one of the keys, by
// their ids. Most have the id that follows from the key; where that is not there,
// several may share the key, and are found by looking at all.
func (u *update) holders(l *layerRun, meta *edition.Layer, keys map[string]bool) (map[uint64]string, error) {
	ids, keyed := map[uint64]bool{}, map[uint64]string{}
	for k := range keys {
		id := KeyID(meta.Name, k)
		ids[id], keyed[id] = true, k
	}
	found, err := u.base.Find(meta.Key(), ids)
	if err != nil {
		return nil, err
	}
	held, open := map[uint64]string{}, map[string]bool{}
	for id, k := range keyed {
		if found[id] {
			held[id] = k
		} else {
			open[k] = true
		}
	}
	weak := slices.ContainsFunc(l.profile.Key, func(f string) bool { return f != "BSM" && l.field(f) >= 0 })
	if len(open) == 0 || !weak {
		return held, nil
	}
	err = u.base.Each(meta.Key(), func(f *index.Feature) error {
		if k, _ := l.keyOf(f.Values); open[k] {
			held[f.ID] = k
		}
		return nil
	})
	return held, err
}

// keyOf returns the business key among a feature's values, and the field that it
// is of; "" when there is none.
func (l *layerRun) keyOf(values []any) (key, field string) {
	for _, k := range l.profile.Key {
		if i := l.field(k); i >= 0 {
			if s, _ := values[i].(string); s != "" {
				return s, k
			}
		}
	}
	return "", ""
}

// deleteAnywhere deletes from the latest vintages of all stored layers, when no layer
// is named: what a year was stays what it was.
func (u *update) deleteAnywhere() error {
	for i := range u.base.Manifest.Layers {
		m := &u.base.Manifest.Layers[i]
		if m.View != nil || m.Vintage != u.latest(m.Name) {
			continue
		}
		l, err := u.begin([]Input{{Layer: m.Name, Vintage: m.Vintage}})
		if err == nil {
			err = u.resolve(l)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// missing notes the keys to delete that were not found in any layer; a strict
// run fails of them.
func (u *update) missing() error {
	var keys []string
	for k := range u.deletes {
		if !u.found[k] {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	if len(keys) == 0 {
		return nil
	}
	for _, rep := range u.report.Layers {
		rep.Update.NotFound = keys
	}
	if u.opt.Strict {
		return problem.New(ErrStrict.Code, "严格模式：删除清单里有 %d 个编号不存在，第一个是 %s", "strict: %d keys to delete are not there, the first is %s", len(keys), keys[0]).
			Advise("核对删除清单，或去掉 --strict", "check the list, or leave --strict out")
	}
	return nil
}

// Files names the files read, by layer key, without folders.
func (r *Report) Files() map[string][]string {
	out := map[string][]string{}
	for _, l := range r.Layers {
		for _, s := range l.Sources {
			key := l.Layer + "@" + l.Vintage
			out[key] = append(out[key], filepath.Base(s.Path))
		}
	}
	return out
}

// Revised fills in what became of the features of an update.
func (r *Report) Revised(v *index.Revision) {
	for _, l := range r.Layers {
		if l.Update != nil {
			l.Update.Fates = v.Fates[l.Layer+"@"+l.Vintage]
		}
	}
	kept := r.Layers[:0]
	for _, l := range r.Layers {
		// Layers that nothing was read for are there only for what was deleted.
		if len(l.Sources) > 0 || l.Update.Deleted > 0 || l.Update.Placed > 0 || len(l.Update.NotFound) > 0 {
			kept = append(kept, l)
		}
	}
	r.Layers = kept
}

// ParseDeletions reads the business keys of a list: one a line, or, when the
// first line has several columns or names a key, the column of a CSV table whose
// name is that of a key. Blank lines are passed over. The text is in the encoding with
// that name, see [source.DecodeText]. The path is for messages.
func ParseDeletions(path string, data []byte, encoding string) ([]string, error) {
	text, err := source.DecodeText(data, encoding)
	if err != nil {
		return nil, problem.Of(err).In(path)
	}
	rows, err := deletionRows(text)
	if err != nil {
		return nil, problem.New("DELETE_FILE", "删除清单读不出来（%v）", "the list to delete cannot be read (%v)", err).In(path).Because(err).
			Advise("每行写一个编号，或给有 BSM 等列的 CSV", "write one key a line, or give a CSV with a column such as BSM")
	}
	if len(rows) == 0 {
		return nil, nil
	}
	column, head, err := keyColumn(rows[0])
	if err != nil {
		return nil, fmt.Errorf("profiles: %w", err)
	}
	switch {
	case head:
		rows = rows[1:]
	case len(rows[0]) > 1:
		return nil, problem.New("DELETE_COLUMN", "删除清单有 %d 列，没有一列是编号（如 BSM）", "the list to delete has %d columns, none of them named as a key (such as BSM)", len(rows[0])).In(path).
			Advise("第一行写列名，或每行只写一个编号", "name the columns in the first line, or write one key a line")
	}
	var keys []string
	for _, row := range rows {
		if column >= len(row) {
			continue
		}
		if k := strings.TrimSpace(row[column]); k != "" {
			keys = append(keys, k)
		}
	}
	return keys, nil
}
