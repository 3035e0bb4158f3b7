// Package ingest takes deliveries into an edition: read, map to the layer's
// schema, check, mend, store, and say what was done.
//
// Files come in through ingest/source, geometry is judged and mended by
// index/overlay, and features are stored by index. Whatever is read is kept,
// mended and listed, left out by the layer's rule and counted, or refused and
// listed; ingest stops at nothing but a file that cannot be read on, or none of
// whose records can be taken. It makes no tiles and moves nothing into force.
package ingest

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/ingest/profiles"
)

// Options say how to read deliveries.
type Options struct {
	Tier edition.Tier
	// CRS is taken instead of what the files say, unless it is nil.
	CRS *geo.CRS
	// Systems are taken for single files, before CRS.
	Systems []FileSystem
	// SwapXY names the files, or [AllFiles], whose two coordinates are exchanged before
	// they are read; the report lists it.
	SwapXY []string
	// Encoding is the encoding of text in shapefiles; "" finds it.
	Encoding string
	// Attributes are tables that are joined to layers by business key.
	Attributes []Attributes
	// Profiles are what is known of layers; nil are the embedded ones.
	Profiles *profiles.Set
	// Strict mends nothing, and fails the run when any feature is refused.
	Strict bool
	// Workers is how many goroutines check and mend; 0 takes all processors. The
	// result does not depend on it.
	Workers int
	// MemoryBytes bounds what features take until they are stored; 0 takes
	// [DefaultMemoryBytes]. Past it they are sorted on the disk, beside the features
	// file. The result does not depend on it.
	MemoryBytes int64
	// Progress is called now and then, from one goroutine; it may be nil.
	Progress func(Progress)
	// Inspector looks at each feature that is read; it may be nil.
	Inspector Inspector
	// Without are inputs that are passed over: an inspection refused them before.
	Without []Input
	// Base is an edition to be extended: its layers are kept as they are beside what is
	// read, which must be of other vintages. nil makes an edition of what is read alone.
	Base *index.Base
	// Registers are those that the edition is to have; nil are those of Base.
	Registers []*index.Register
	// Before are the layers of the generation that is in force where the edition is to be:
	// a layer of which it has features is refused when it comes without any.
	Before []edition.Layer
	// MayBeEmpty names the layers that may come without features whatever was there.
	MayBeEmpty []string
	// Alter is asked for each stored layer that [Extend] keeps: it may change the layer's
	// fields, and returns what changes each feature accordingly, nil for nothing. It may be
	// nil.
	Alter func(m *edition.Layer) func(f *index.Feature)
	// Writing is called once everything is read, before the features are put in order
	// and written; it may be nil.
	Writing func()
}

// DefaultMemoryBytes is what features take while they are read when nothing is
// said.
const DefaultMemoryBytes = 2 << 30

// garbage is how much memory there is in use for each byte that is wanted: the
// collector begins when it has doubled.
const garbage = 2

// Progress says how far the reading of one file is. Total is -1 when the file
// does not tell.
type Progress struct {
	Layer       string
	Done, Total int64
}

// ErrStrict says that a strict run met features that it would not take. The
// problem returned has its code and says how many.
var ErrStrict = problem.New("STRICT_REFUSED", "严格模式下有要素不合格", "strict: some features are not in order")

// Run reads the inputs into the features file at path, which must not exist,
// and returns the layers for the manifest. Inputs of one layer and vintage add
// up; neither their order nor the number of workers shows in the result. The
// report is never nil. With a problem in a file, or when ctx ends, the error says
// so, and there is no file at path.
func Run(ctx context.Context, inputs []Input, path string, opt Options) ([]edition.Layer, *Report, error) {
	r := newRun(path, opt)
	layers, err := r.take(ctx, inputs)
	if err != nil {
		return nil, r.report, errors.Join(err, r.writer.Abandon())
	}
	for i := range layers {
		r.report.sums(&layers[i])
	}
	arrange(layers)
	return layers, r.report, nil
}

// take reads all inputs and writes what is kept.
func (r *run) take(ctx context.Context, inputs []Input) ([]edition.Layer, error) {
	groups, err := r.group(ctx, inputs)
	if err == nil && r.opt.Base != nil {
		err = cmp.Or(r.newOnly(groups), r.loadBase())
	}
	if err != nil {
		return nil, err
	}
	r.count(groups)
	for _, g := range groups {
		if err := r.layer(ctx, g); err != nil {
			return nil, err
		}
	}
	if err := r.compareFiles(ctx); err != nil {
		return nil, err
	}
	if err := r.refusedFiles(); err != nil {
		return nil, err
	}
	if err := r.strict(); err != nil {
		return nil, err
	}
	if r.dry {
		return nil, nil
	}
	if r.opt.Base != nil {
		if err := r.keepBase(ctx); err != nil {
			return nil, err
		}
	}
	if r.opt.Writing != nil {
		r.opt.Writing()
	}
	return r.close(ctx)
}

// rank puts the product's own layers before the others.
func rank(layer string) int {
	own := edition.OwnLayers()
	if i := slices.Index(own, layer); i >= 0 {
		return i
	}
	return len(own)
}

type run struct {
	opt     Options
	report  *Report
	writer  *index.Writer
	dry     bool                     // nothing is stored
	regions map[string][]regionShape // by vintage
	placed  map[string][]regionShape // those of the edition that is changed or extended
	known   *extents
	inputs  int
	files   []*whereabouts // of what was read, in this order
	refused RefusedFiles   // of an inspection
}

// count notes how many files are read.
func (r *run) count(groups [][]Input) {
	for _, g := range groups {
		r.inputs += len(g)
	}
}

// strict fails a strict run that refused anything.
func (r *run) strict() error {
	n := 0
	for _, l := range r.report.Layers {
		n += l.Refused
	}
	if !r.opt.Strict || n == 0 {
		return nil
	}
	return problem.New(ErrStrict.Code, "严格模式：%d 个要素不合格，什么都没有存", "strict: %d features are not in order, nothing is stored", n).
		Advise("报告里逐条列出；更正后再入库，或去掉 --strict", "the report lists them; correct them, or leave --strict out")
}
