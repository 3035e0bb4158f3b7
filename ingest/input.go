package ingest

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/ingest/source"
)

// Input is one delivery: NAME[@VINTAGE]=PATH[#TABLE].
type Input struct {
	Layer, Vintage string
	Path, Table    string
}

// Undated is the vintage of a layer for which neither the command nor the
// delivery names one.
const Undated = edition.Undated

// ParseInput reads NAME[@VINTAGE]=PATH[#TABLE]; vintage is taken where the text
// names none. A '#' belongs to the path when a file of the whole name exists.
func ParseInput(text, vintage string, exists func(path string) bool) (Input, error) {
	name, path, ok := strings.Cut(text, "=")
	if !ok || path == "" {
		return Input{}, problem.New("LAYER_SYNTAX", "--layer 写的是 %.200q", "--layer says %.200q", text).
			Advise("写法是 NAME[@VINTAGE]=PATH[#TABLE]", "write NAME[@VINTAGE]=PATH[#TABLE]")
	}
	in := Input{Layer: name, Path: path, Vintage: vintage}
	dated := vintage != ""
	if n, v, ok := strings.Cut(name, "@"); ok {
		in.Layer, in.Vintage, dated = n, v, true
	}
	if !edition.ValidLayer(in.Layer) {
		return Input{}, problem.New("LAYER_NAME", "图层名 %.80q 不合规", "the layer name %.80q is not allowed", in.Layer).
			Advise("用小写字母、数字、- 和 _，最多 64 个，不能叫 all", "use lower-case letters, digits, - and _, at most 64, and not the name all")
	}
	if dated && !edition.ValidVintage(in.Vintage) {
		return Input{}, problem.New("VINTAGE_NAME", "时相 %.80q 不合规", "the vintage %.80q is not allowed", in.Vintage).
			Advise("例如 2024 或 2024Q3", "for example 2024 or 2024Q3")
	}
	if i := strings.LastIndexByte(path, '#'); i > 0 && i < len(path)-1 && !exists(path) {
		in.Path, in.Table = path[:i], path[i+1:]
	}
	return in, nil
}

// group gathers the inputs by layer and vintage, in an order that does not
// depend on theirs: regions first, because other layers are placed in them.
func (r *run) group(ctx context.Context, inputs []Input) (groups [][]Input, err error) {
	for _, in := range inputs {
		if in.among(r.opt.Without) {
			continue
		}
		if in.Vintage == "" {
			v, err := r.vintageOf(ctx, in)
			if err != nil {
				if err := r.refuse(ctx, in, err); err != nil {
					return nil, err
				}
				continue
			}
			in.Vintage = v
		}
		i := slices.IndexFunc(groups, func(g []Input) bool { return g[0].Layer == in.Layer && g[0].Vintage == in.Vintage })
		if i < 0 {
			groups = append(groups, nil)
			i = len(groups) - 1
		}
		groups[i] = append(groups[i], in)
	}
	for _, g := range groups {
		clash := func(h []Input) bool { return h[0].Layer == "cropland" && h[0].Vintage == g[0].Vintage }
		if g[0].Layer == "dltb" && slices.ContainsFunc(groups, clash) {
			return nil, problem.New("CROPLAND_TWICE", "同一时相 %s 既给了 dltb 又给了 cropland", "vintage %s is given both as dltb and as cropland", g[0].Vintage).
				Advise("dltb 已经带出 cropland，只给其中一个", "dltb brings cropland with it: give one of the two")
		}
		slices.SortFunc(g, func(a, b Input) int {
			return cmp.Or(cmp.Compare(filepath.Base(a.Path), filepath.Base(b.Path)), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Table, b.Table))
		})
	}
	slices.SortFunc(groups, func(a, b []Input) int {
		return cmp.Or(regionsFirst(a, b), cmp.Compare(a[0].Layer, b[0].Layer), edition.CompareVintages(a[0].Vintage, b[0].Vintage))
	})
	if r.known, err = r.opt.knownExtents(); err != nil {
		return nil, err
	}
	named := slices.Concat(groups, [][]Input{r.opt.Without})
	for _, f := range r.refused.Files {
		named = append(named, []Input{f.Input})
	}
	return groups, errors.Join(r.checkAttributes(named), r.checkFiles(named))
}

func regionsFirst(a, b []Input) int {
	switch ra, rb := a[0].Layer == edition.Region, b[0].Layer == edition.Region; {
	case ra && !rb:
		return -1
	case rb && !ra:
		return 1
	}
	return 0
}

// vintageOf reads the year that the first record speaks of, where the layer has
// a field for it.
func (r *run) vintageOf(ctx context.Context, in Input) (string, error) {
	known, err := r.opt.known()
	if err != nil {
		return "", err
	}
	rd, err := source.Open(ctx, in.Path, source.Options{
		Table: in.Table, Encoding: r.opt.Encoding, Learning: source.LearnSamples, Shapes: shapesOf(known.Of(in.Layer)),
	})
	if err != nil {
		return "", err
	}
	defer func() { _ = rd.Close() }() // only read
	fields := rd.Layer().Fields
	i := find(fields, "SJNF")
	var f source.Feature
	// An error of the first record comes again when the file is read.
	if i < 0 || rd.Next(&f) != nil || i >= len(f.Values) {
		return Undated, ctx.Err()
	}
	v, _ := convert(f.Values[i], edition.Text)
	if s, ok := v.(string); ok && edition.ValidVintage(strings.TrimSpace(s)) {
		return strings.TrimSpace(s), nil
	}
	return Undated, nil
}

func sourceNames(inputs []Input) []string {
	var out []string
	for _, in := range inputs {
		out = append(out, filepath.Base(in.Path)+hash(in.Table))
	}
	return out
}

// hash returns a table's name as it stands behind a path.
func hash(table string) string {
	if table == "" {
		return ""
	}
	return "#" + table
}
