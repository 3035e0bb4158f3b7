// Package sample makes a landscape that does not exist and writes it as two
// yearly deliveries, in the form in which real ones come: the land survey's
// patches of all classes as a shapefile in GBK, permanent basic farmland as a
// GeoPackage, high-standard farmland as GeoJSON, villages as FlatGeobuf.
//
// The patches are a true coverage: neighbours have every border vertex in
// common, on the survey's grid of 0.1 mm. Equal options give equal bytes on one
// kind of processor. Everything is labelled as synthetic; no name, number or
// border is that of a real place or person.
//
// The package reads nothing and judges nothing; what it writes is read back by
// ingest like any other delivery.
package sample

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

// The numbers of patches that a landscape may have.
const (
	MinParcels     = 100
	DefaultParcels = 10_000
	MaxParcels     = 1_000_000
)

// Options choose a landscape.
type Options struct {
	// Parcels is the number of survey patches in [MinParcels, MaxParcels]; 0 is
	// [DefaultParcels]. Each stands for 6,200 m² of ground.
	Parcels int
	// Seed chooses one of the landscapes of that size; any number will do.
	Seed uint64
	// Progress is called now and then with the records done and all there are,
	// never by two goroutines at once; it may be nil.
	Progress func(done, total int)
}

// Summary says what was written.
type Summary struct {
	// Dir is the folder, as given to [Write].
	Dir string `json:"dir"`
	// Parcels, Villages and Vertices count what the landscape has; corners that
	// neighbours share count once.
	Parcels  int `json:"parcels"`
	Villages int `json:"villages"`
	Vertices int `json:"vertices"`
	// Faulty are the BSM of the patches whose rings cross themselves.
	Faulty []string `json:"faulty"`
	// Deliveries are the vintages, the oldest first.
	Deliveries []Delivery `json:"deliveries"`
	// Themes are the files beside them: the package of a yearly change survey and the
	// layers of other departments, one of each profile. Their File begins at Dir.
	Themes []Layer `json:"themes"`
}

// Delivery is what one vintage holds: the folder of that name in Summary.Dir.
type Delivery struct {
	Vintage string  `json:"vintage"`
	Layers  []Layer `json:"layers"`
}

// Layer is one file of a delivery.
type Layer struct {
	// Name is the layer's name in gengtu; Vintage is set where no Delivery says it.
	Name    string `json:"layer"`
	Vintage string `json:"vintage,omitempty"`
	File    string `json:"file"`
	// Features counts its records, Patch and Net add up their areas of record in
	// units of 0.01 m²; hsf has no net areas, region's Patch is its ground.
	Features int            `json:"features"`
	Patch    geo.Hundredths `json:"patch_hundredths"`
	Net      geo.Hundredths `json:"net_hundredths"`
}

// readme is the file that labels a folder as a sample of ours; its first line is
// the mark by which [Write] knows it.
const (
	readme     = "README.txt"
	readmeMark = "合成样例数据 SYNTHETIC SAMPLE DATA (gengtu sample)"
)

// Write makes the landscape of opt and writes it into the folder dir, which it
// makes if need be: 2023 and 2024, with DLTB.shp (EPSG:4524, GBK), YJJBNTTB.gpkg,
// GBZNT.geojson and XZQ.fgb (EPSG:4490) each; beside them the package of the yearly
// change survey and, in 专题, one delivery of each other profile; and a README.txt that
// says that all of it is synthetic.
//
// A sample that stands in dir is replaced; a folder 2023 or 2024 that is not a
// sample's is refused with the code SAMPLE_EXISTS, a number of parcels out of
// range with SAMPLE_SIZE. When Write fails or ctx is cancelled dir holds what it
// held before.
func Write(ctx context.Context, dir string, opt Options) (Summary, error) {
	if opt.Parcels == 0 {
		opt.Parcels = DefaultParcels
	}
	if opt.Parcels < MinParcels || opt.Parcels > MaxParcels {
		return Summary{}, problem.New("SAMPLE_SIZE", "图斑数 %d 超出范围 [%d, %d]", "%d parcels are out of range [%d, %d]", opt.Parcels, MinParcels, MaxParcels).
			Advise("用 --parcels 给出范围内的数", "give a number in the range with --parcels")
	}
	if err := free(dir); err != nil {
		return Summary{}, err
	}
	l, err := newLandscape(ctx, opt.Parcels, opt.Seed)
	if err != nil {
		return Summary{}, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return Summary{}, unwritable(dir, err)
	}
	passing, err := os.MkdirTemp(dir, ".sample-*")
	if err != nil {
		return Summary{}, unwritable(dir, err)
	}
	s, err := l.write(ctx, passing, opt.Progress)
	if err == nil {
		err = replace(dir, passing)
	}
	s.Dir = dir
	return s, errors.Join(err, os.RemoveAll(passing))
}

// unwritable is the problem of a folder that cannot be written to.
func unwritable(dir string, err error) error {
	return problem.New("SAMPLE_WRITE", "无法写入目录：%v", "the folder cannot be written to: %v", err).In(dir).Because(err)
}

// free tells whether a sample may be put into dir.
func free(dir string) error {
	label, err := os.ReadFile(filepath.Join(dir, readme))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unwritable(dir, err)
	}
	if strings.HasPrefix(string(label), readmeMark) {
		return nil
	}
	for _, name := range parts() {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return problem.New("SAMPLE_EXISTS", "目录中已有 %s，且不是样例数据", "the folder holds %s, which is no sample", name).
				Advise("换一个目录", "choose another folder").In(dir)
		}
	}
	return nil
}

// parts returns the names of what a sample puts into its folder, the label first.
func parts() []string {
	out := []string{readme}
	for _, year := range vintages {
		out = append(out, fmt.Sprint(year))
	}
	return append(out, packageFolder, themeFolder)
}

// replace moves the parts of a sample from the folder passing to dir.
func replace(dir, passing string) error {
	for _, name := range parts() {
		to := filepath.Join(dir, name)
		if err := os.RemoveAll(to); err != nil {
			return unwritable(dir, err)
		}
		if err := os.Rename(filepath.Join(passing, name), to); err != nil {
			return unwritable(dir, err)
		}
	}
	return nil
}

// write writes both deliveries and the label into dir, which is empty.
func (l *landscape) write(ctx context.Context, dir string, progress func(done, total int)) (Summary, error) {
	s := Summary{Parcels: len(l.patches), Villages: len(l.villages), Vertices: len(l.spots)}
	if err := l.survey(ctx); err != nil {
		return s, err
	}
	for n := range l.faulty {
		s.Faulty = append(s.Faulty, bsm(layerDLTB, n))
	}
	slices.Sort(s.Faulty)

	var mu sync.Mutex
	themes := l.themes()
	done, total := 0, len(vintages)*(2*len(l.patches)+len(l.plots)+len(l.villages))
	for _, t := range themes {
		total += t.count
	}
	step := func(n int) {
		mu.Lock()
		defer mu.Unlock()
		if done += n; progress != nil {
			progress(done, total)
		}
	}
	s.Deliveries = make([]Delivery, len(vintages))
	group, ctx := errgroup.WithContext(ctx)
	for i := range vintages {
		group.Go(func() error {
			var err error
			s.Deliveries[i], err = l.writeVintage(ctx, dir, i, step)
			return err
		})
	}
	group.Go(func() error {
		var err error
		s.Themes, err = l.writeThemes(ctx, dir, themes, step)
		return err
	})
	if err := group.Wait(); err != nil {
		return s, err
	}
	return s, os.WriteFile(filepath.Join(dir, readme), []byte(s.label(l.seed)), 0o666)
}

// label returns the text of the README.
func (s Summary) label(seed uint64) string {
	var b strings.Builder
	fmt.Fprintln(&b, readmeMark)
	fmt.Fprintln(&b, "\n本目录全部内容由程序生成：地块、村名、人名、证件号、电话均为虚构，不对应任何真实土地、单位或个人，不得作为依据使用。")
	fmt.Fprintln(&b, "Everything in this folder was made by a program. No parcel, village, person or number in it is real; it is of no use as evidence of anything.")
	fmt.Fprintf(&b, "\n图斑 parcels: %d\n村 villages: %d\n种子 seed: %d\n", s.Parcels, s.Villages, seed)
	for _, d := range s.Deliveries {
		for _, f := range d.Layers {
			fmt.Fprintf(&b, "%s/%s: %d 条记录 records\n", d.Vintage, f.File, f.Features)
		}
	}
	for _, f := range s.Themes {
		fmt.Fprintf(&b, "%s (%s@%s): %d 条记录 records\n", f.File, f.Name, f.Vintage, f.Features)
	}
	fmt.Fprintf(&b, "\n有意保留的自相交图斑（数字化错误示例） rings that cross themselves on purpose:\n%s\n", strings.Join(s.Faulty, "\n"))
	return b.String()
}
