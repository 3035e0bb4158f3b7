package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"runtime"
	"strings"

	"gengtu/index"
	"gengtu/index/areas"
	"gengtu/index/problem"
	"gengtu/index/receipt"
)

// overlayEndings are the forms by the ending of the file; "" is standard output.
var overlayEndings = map[string]areas.Form{
	"": areas.JSON, ".json": areas.JSON, ".ndjson": areas.NDJSON, ".jsonl": areas.NDJSON, ".csv": areas.CSV, ".xlsx": areas.XLSX,
	".html": areas.HTML, ".htm": areas.HTML, ".geojson": areas.GeoJSON,
}

func runOverlay(e *env, fs *flags) error {
	dir := fs.String("edition", "", "版本目录|the edition's directory")
	layers := fs.String("layers", "", "图层，逗号分隔|layers, separated by commas (cropland,pbf,hsf)")
	by := fs.String("by", "", "按字段分组，逗号分隔|fields to group by, separated by commas, in every layer that has them")
	pieces := fs.Bool("pieces", false, "列出每个要素在范围内的部分|list every feature's part")
	survey := fs.Bool("survey", false, "另按调查规则取整的面积（survey_m2）|areas as the survey books them, too (survey_m2)")
	place := fs.String("place", "", "行政区代码|code of a place instead of a file")
	vintage := fs.String("vintage", "", "时相|vintage")
	crsName := fs.String("crs", "", "范围文件的坐标系|coordinate system of the shapes, when their file says none")
	table := fs.String("table", "", "范围文件里的图层|layer of the shapes' file")
	out := fs.String("out", "", "输出文件 .json .ndjson .csv .xlsx .html .geojson|the file to write: .json .ndjson .csv .xlsx .html .geojson")
	sealed := newSealing(fs)
	args, err := fs.parse(0, 1)
	if err != nil {
		return err
	}
	if err := need("edition", *dir); err != nil {
		return err
	}
	if (len(args) == 1) == (*place != "") {
		return usage("ARGUMENTS", "给出范围文件或 --place 中的一个", "give a file with the shapes, or --place")
	}
	if *place != "" && *crsName+*table != "" {
		return usage("FLAGS", "--crs 和 --table 只用于范围文件，不与 --place 同用", "--crs and --table are for a file of shapes; they do not go with --place")
	}
	if err := cmp.Or(placeFlag(*place), crsFlag(*crsName)); err != nil {
		return err
	}
	form, ok := overlayEndings[strings.ToLower(filepath.Ext(*out))]
	if !ok {
		return usage("FORMAT_UNKNOWN", "不认识后缀 %q，可用 .json .ndjson .csv .xlsx .html .geojson", "the ending %q is no format; there are .json .ndjson .csv .xlsx .html .geojson", filepath.Ext(*out))
	}
	ix, err := index.Open(*dir, "")
	if err != nil {
		return err
	}
	defer func() { _ = ix.Close() }() // only read
	q := areas.Question{Combinations: true, Vintage: *vintage, Pieces: *pieces || form == areas.GeoJSON, Survey: *survey}
	if *layers != "" {
		q.Layers = strings.Split(*layers, ",")
	}
	// What is not there is wrong for every shape, and no fault of any.
	if err := areas.Check(ix, q); err != nil {
		return err
	}
	if err := groupBy(ix, &q, *by); err != nil {
		return err
	}
	closeOutputs(ix.Manifest.Tier)
	o := &overlayRun{
		env: e, form: form, out: *out, about: areas.AboutOf(ix.Manifest, programVersion()),
		asker: areas.Asker{Index: ix, Question: q, Program: programVersion()},
	}
	sealer, err := sealed.sealer(ix.Manifest.Tier)
	if err != nil {
		return err
	}
	if sealer != nil {
		asked := map[string]string{
			"layers": *layers, "by": *by, "place": *place, "vintage": *vintage, "crs": *crsName, "table": *table,
			"pieces": truth(*pieces), "survey": truth(*survey),
		}
		if err := o.seal(sealer, asked, strings.Join(args, "")); err != nil {
			return err
		}
	}
	if *place != "" {
		return o.place(*place)
	}
	return o.file(args[0], *table, *crsName)
}

// truth is a flag as a parameter: "" of one that is not set.
func truth(set bool) string {
	if set {
		return "true"
	}
	return ""
}

// seal begins the receipts of the answer to what is asked about the shapes in a file,
// "" for none.
func (o *overlayRun) seal(s *receipt.Sealer, asked map[string]string, shapes string) error {
	if !o.sealsParts() && isStream(o.out) {
		return usage("FLAGS", "写到管道时只有 JSON 带回执", "of what is written to a pipe JSON alone carries a receipt")
	}
	a := answered{source: receipt.Source{Tier: o.about.Tier, Generation: o.about.Generation}, about: "overlay", parameters: asked, shapes: shapes}
	var err error
	o.sheet, err = a.begin(s)
	return err
}

// sealsParts tells whether the form holds a receipt for each shape.
func (o *overlayRun) sealsParts() bool { return o.form == areas.JSON || o.form == areas.NDJSON }

// writer writes results in the form that is asked for, sealed where that is asked.
func (o *overlayRun) writer(w io.Writer) areas.ResultWriter {
	object := func(element []byte, number int, last bool) ([]byte, error) {
		var part *receipt.Part
		if number > 0 {
			part = &receipt.Part{Number: number, Last: last}
		}
		return o.sheet.Object(o.ctx, element, part)
	}
	switch {
	case o.sheet != nil && o.form == areas.JSON:
		return areas.SealedIndented(w, object)
	case o.sheet != nil && o.form == areas.NDJSON:
		return areas.Sealed(w, o.form, object)
	case o.form == areas.JSON:
		return areas.Indented(w)
	}
	return areas.NewWriter(w, o.form, o.about)
}

// receiptBeside writes the receipt of an answer that holds none, if one is asked for.
func (o *overlayRun) receiptBeside() error {
	if o.sheet == nil || o.sealsParts() {
		return nil
	}
	return o.sealFile(o.sheet, o.out)
}

// groupBy asks for fields in every layer asked about that has them.
func groupBy(ix *index.Index, q *areas.Question, fields string) error {
	if fields == "" {
		return nil
	}
	names := q.Layers
	if len(names) == 0 {
		names = areas.DefaultLayers
	}
	q.GroupBy = map[string][]string{}
	for _, field := range strings.Split(fields, ",") {
		found := false
		for _, n := range names {
			if l := ix.Layer(n, q.Vintage); l != nil && l.Field(field) >= 0 {
				q.GroupBy[n] = append(q.GroupBy[n], field)
				found = true
			}
		}
		if !found {
			return problem.New("PARAMETER_FIELD", "所问图层都没有字段 %q", "no layer asked about has the field %q", field).
				Advise("gengtu info 列出各图层的字段", "gengtu info lists the fields of each layer")
		}
	}
	return nil
}

// overlayRun is one run of the verb.
type overlayRun struct {
	*env
	form  areas.Form
	out   string // a file, or "" for standard output
	about areas.About
	asker areas.Asker
	sheet *receipt.Sheet // nil when no receipt is asked for

	shapes, failed int
}

// place answers for a place.
func (o *overlayRun) place(code string) error {
	q := o.asker.Question
	var err error
	if q.Shape, err = areas.Place(o.ctx, o.asker.Index, code, q.Vintage); err != nil {
		return err
	}
	a, err := areas.Ask(o.ctx, o.asker.Index, q)
	if err != nil {
		return err
	}
	a.Program = o.asker.Program
	o.shapes = 1
	err = o.write(func(w areas.ResultWriter) error {
		if err := w.Write(&areas.Result{Answer: a, Single: true}); err != nil {
			return err
		}
		return w.Close()
	})
	return errors.Join(err, o.report())
}

// file answers for each shape of a file, in order. A GeoJSON geometry or Feature
// gives one answer alone.
func (o *overlayRun) file(path, table, crsName string) error {
	in, err := o.readShapes(o.asker.Index, path, table, crsName)
	if err != nil {
		return err
	}
	defer in.close()
	o.asker.CRS = in.crs
	workers := runtime.GOMAXPROCS(0)
	if in.many && in.total != 1 {
		o.asker.Question.Workers = 1 // the shapes are shared out instead
	} else {
		workers = 1
	}
	p := o.progress()
	defer p.end()
	results := areas.Start(o.ctx, workers, in.next, o.asker.Result)
	defer results.Close()
	if in.many {
		err = o.write(func(w areas.ResultWriter) error {
			return results.WriteAll(&tellingWriter{w, o, p, in.total}, nil)
		})
	} else {
		err = o.single(results, path)
	}
	if err != nil {
		return err
	}
	p.end()
	if o.failed > 0 && o.failed == o.shapes {
		return problem.New("OVERLAY_NONE", "%d 个范围都没有算出来", "none of %d shapes could be answered", o.failed)
	}
	return o.report()
}

// single writes the one answer.
func (o *overlayRun) single(results *areas.Results, path string) error {
	r, err := results.Next()
	if err != nil {
		return err
	}
	if r.Problem != nil {
		return r.Problem.In(path)
	}
	r.Single = true
	o.shapes = 1
	return o.write(func(w areas.ResultWriter) error {
		if err := w.Write(&r); err != nil {
			return err
		}
		return w.Close()
	})
}

// tellingWriter counts what it writes, shows how far it is and says which shapes
// have no answer.
type tellingWriter struct {
	areas.ResultWriter
	o     *overlayRun
	p     *progress
	total int64
}

// Write implements [areas.ResultWriter].
func (t *tellingWriter) Write(r *areas.Result) error {
	t.o.shapes++
	if r.Problem != nil {
		t.o.failed++
		t.p.end()
		t.o.notef("%s\n", r.Problem.At(int64(t.o.shapes), strings.Trim(string(r.ID), `"`)).Text(t.o.lang))
	}
	t.p.tell(t.o.pick("叠加", "overlay"), int64(t.o.shapes), max(t.total, 0))
	return t.ResultWriter.Write(r)
}

// write lets results be written to the file or to standard output. Of a file
// nothing stays when they do not come to their end; standard output, a pipe or a
// device then says so.
func (o *overlayRun) write(results func(areas.ResultWriter) error) error {
	to := func(w io.Writer) error {
		buffered := bufio.NewWriterSize(w, 1<<16)
		rw := o.writer(buffered)
		err := results(rw)
		if err != nil && o.shapes > 0 && (o.out == "" || isStream(o.out)) {
			err = errors.Join(err, rw.Abort(stopped(err)))
		}
		return errors.Join(err, buffered.Flush())
	}
	if o.out == "" {
		return to(o.stdout)
	}
	if err := writeFile(o.out, to); err != nil {
		return err
	}
	return o.receiptBeside()
}

// stopped is what is said of results that are missing.
func stopped(err error) *problem.Problem {
	if p := problem.Of(err); p != nil && !errors.Is(err, context.Canceled) {
		return p
	}
	return problem.New("INTERRUPTED", "已中断", "interrupted")
}

// report says, where it is asked for, what was written.
func (o *overlayRun) report() error {
	if !o.json || o.out == "" {
		return nil // the answer itself is for programs
	}
	data, err := json.Marshal(map[string]any{
		"out": o.out, "format": o.form, "generation": o.about.Generation, "shapes": o.shapes, "failed": o.failed,
	})
	if err != nil {
		return err
	}
	o.printf("%s\n", data)
	return nil
}
