package compare

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"strconv"
	"strings"

	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/index/sheet"
)

// Form is a form in which a result is written.
type Form string

// The forms. CSV lists changes, Flows is the matrix as CSV; GeoJSON has a feature for
// each change, as it is or, removed, as it was.
const (
	JSON    Form = "json"
	CSV     Form = "csv"
	Flows   Form = "flows.csv"
	GeoJSON Form = "geojson"
	XLSX    Form = "xlsx"
)

// Forms are all forms.
var Forms = []Form{JSON, CSV, Flows, GeoJSON, XLSX}

// MediaType is what the form is sent as.
func (f Form) MediaType() string {
	switch f {
	case CSV, Flows:
		return "text/csv; charset=utf-8"
	case GeoJSON:
		return "application/geo+json"
	case XLSX:
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	}
	return "application/json"
}

// Lists tells whether the form names single features.
func (f Form) Lists() bool { return f != Flows }

// Listing says how much of the changes is written.
type Listing int

// The listings.
const (
	Whole    Listing = iota // every change
	SumsOnly                // none: where a policy refuses single features
)

// Write writes the result in a form. Without a listing only [JSON] and [Flows] can be
// written. Errors are ctx's, w's and those of reading.
func (r *Result) Write(ctx context.Context, w io.Writer, form Form, listing Listing) error {
	b := bufio.NewWriterSize(w, 1<<16)
	var err error
	switch {
	case form == JSON:
		err = r.writeJSON(ctx, b, listing)
	case form == Flows:
		err = r.Matrix.writeCSV(b)
	case listing != Whole:
		err = problem.New("POLICY", "本版不逐个列出要素", "this edition does not list single features").
			Advise("用 f=json 或 f=flows.csv，它们只有合计", "take f=json or f=flows.csv, which have sums alone")
	case form == CSV:
		err = r.writeCSV(ctx, b)
	case form == GeoJSON:
		err = r.writeGeoJSON(ctx, b)
	case form == XLSX:
		err = r.writeBook(ctx, b)
	}
	if err != nil {
		return err
	}
	return b.Flush()
}

// writeJSON writes the result with its changes as the last member.
func (r *Result) writeJSON(ctx context.Context, w *bufio.Writer, listing Listing) error {
	head, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if listing != Whole {
		_, err := w.Write(append(head, '\n'))
		return err
	}
	if _, err := w.Write(append(head[:len(head)-1], `,"changes":[`...)); err != nil {
		return err
	}
	if err := r.each(ctx, w, func(item *Item) ([]byte, error) { return json.Marshal(item) }); err != nil {
		return err
	}
	_, err = w.WriteString("]}\n")
	return err
}

// each writes what is made of each change, with commas between.
func (r *Result) each(ctx context.Context, w *bufio.Writer, made func(*Item) ([]byte, error)) error {
	first := true
	return r.List(ctx, func(item *Item) error {
		data, err := made(item)
		if err != nil {
			return err
		}
		lead := ",\n"
		if first {
			lead, first = "\n", false
		}
		if _, err := w.WriteString(lead); err != nil {
			return err
		}
		_, err = w.Write(data)
		return err
	})
}

// writeGeoJSON writes a feature for each change.
func (r *Result) writeGeoJSON(ctx context.Context, w *bufio.Writer) error {
	head, err := json.Marshal(struct {
		Type string `json:"type"`
		From State  `json:"from"`
		To   State  `json:"to"`
		Counts
	}{"FeatureCollection", r.From, r.To, r.Counts})
	if err != nil {
		return err
	}
	if _, err := w.Write(append(head[:len(head)-1], `,"features":[`...)); err != nil {
		return err
	}
	err = r.each(ctx, w, func(item *Item) ([]byte, error) {
		properties, err := json.Marshal(item)
		if err != nil {
			return nil, err
		}
		b := strconv.AppendUint([]byte(`{"type":"Feature","id":`), item.ID, 10)
		b = append(b, `,"geometry":`...)
		b = geo.AppendGeoJSON(b, item.Feature.Geometry)
		b = append(b, `,"properties":`...)
		return append(append(b, properties...), '}'), nil
	})
	if err != nil {
		return err
	}
	_, err = w.WriteString("]}\n")
	return err
}

// columns of the list of changes.
var columns = []string{"change", "id", "key", "from_class", "to_class", "from_area_m2", "to_area_m2", "fields", "from_values", "to_values", "same_ground"}

// row returns a change as the list has it.
func (i *Item) row() []string {
	var names, was, is []string
	for _, f := range i.Fields {
		names, was, is = append(names, f.Field), append(was, textOf(f.From)), append(is, textOf(f.To))
	}
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	twin := ""
	if i.SameGround != 0 {
		twin = strconv.FormatUint(i.SameGround, 10)
	}
	return []string{
		string(i.Change), strconv.FormatUint(i.ID, 10), i.Key, text(i.FromClass), text(i.ToClass), number(i.FromM2, 2), number(i.ToM2, 2),
		strings.Join(names, ";"), strings.Join(was, ";"), strings.Join(is, ";"), twin,
	}
}

func number(v *float64, decimals int) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'f', decimals, 64)
}

func (r *Result) writeCSV(ctx context.Context, w *bufio.Writer) error {
	c, err := sheet.NewCSV(w, columns)
	if err != nil {
		return err
	}
	if err := r.List(ctx, func(item *Item) error {
		row := item.row()
		for i := range row {
			row[i] = sheet.Harmless(row[i])
		}
		return c.Write(row)
	}); err != nil {
		return err
	}
	c.Flush()
	return c.Error()
}

// flowColumns are those of the matrix.
var flowColumns = []string{"from", "to", "area_m2", "area_mu", "from_patch_m2", "from_net_m2", "to_patch_m2", "to_net_m2"}

// outside stands for ground that a state does not cover.
const outside = "-"

// Names returns the classes of a flow as tables have them; "-" where a state does not
// cover the ground.
func (f *Flow) Names() (from, to string) {
	from, to = outside, outside
	if f.From != nil {
		from = *f.From
	}
	if f.To != nil {
		to = *f.To
	}
	return from, to
}

// classCell is a class as CSV has it.
func classCell(class *string) string {
	if class == nil {
		return outside
	}
	return sheet.Harmless(*class)
}

func (m *Matrix) writeCSV(w *bufio.Writer) error {
	c, err := sheet.NewCSV(w, flowColumns)
	if err != nil {
		return err
	}
	for i := range m.Flows {
		f := &m.Flows[i]
		err := c.Write([]string{
			classCell(f.From), classCell(f.To), number(&f.AreaM2, 4), number(&f.AreaMu, 4),
			number(f.FromPatchM2, 2), number(f.FromNetM2, 2), number(f.ToPatchM2, 2), number(f.ToNetM2, 2),
		})
		if err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

// writeBook writes a workbook: counts, flows, totals of classes, and changes.
func (r *Result) writeBook(ctx context.Context, w io.Writer) error {
	sums, flows, classes, list := sheet.New("汇总"), sheet.New("流量"), sheet.New("地类"), sheet.New("变化")
	sums.Head([]string{"项目 item", "数 count", "面积 m²"}, []float64{40, 12, 18})
	r.sums(sums)
	flows.Head([]string{"原地类 from", "现地类 to", "面积 m²", "面积 亩", "原图斑面积 from patch m²", "原净面积 from net m²", "现图斑面积 to patch m²", "现净面积 to net m²"},
		[]float64{12, 12, 18, 16, 18, 18, 18, 18})
	for i := range r.Matrix.Flows {
		f := &r.Matrix.Flows[i]
		from, to := f.Names()
		flows.Text(from)
		flows.Text(to)
		flows.Number(f.AreaM2, sheet.M2)
		flows.Number(f.AreaMu, sheet.Mu)
		for _, v := range []*float64{f.FromPatchM2, f.FromNetM2, f.ToPatchM2, f.ToNetM2} {
			optional(flows, v)
		}
		flows.End()
	}
	classes.Head([]string{"时相 vintage", "地类 class", "要素数 features", "面积 m²", "面积 亩", "图斑面积 patch m²", "净面积 net m²"}, []float64{12, 12, 12, 18, 16, 18, 18})
	for _, side := range []struct {
		vintage string
		totals  []Total
	}{{r.From.Vintage, r.Matrix.Rows}, {r.To.Vintage, r.Matrix.Columns}} {
		for _, t := range side.totals {
			classes.Text(side.vintage)
			classes.Text(t.Class)
			classes.Number(float64(t.Features), sheet.Count)
			classes.Number(t.AreaM2, sheet.M2)
			classes.Number(t.AreaMu, sheet.Mu)
			optional(classes, t.PatchM2)
			optional(classes, t.NetM2)
			classes.End()
		}
	}
	list.Head([]string{
		"变化 change", "要素 id", "编号 key", "原地类", "现地类", "原面积 m²", "现面积 m²", "字段 fields", "原值 from", "现值 to", "同图形 same ground",
	}, []float64{12, 20, 22, 10, 10, 16, 16, 24, 30, 30, 20})
	err := r.List(ctx, func(item *Item) error {
		for i, v := range item.row() {
			switch {
			case i == 5:
				optional(list, item.FromM2)
			case i == 6:
				optional(list, item.ToM2)
			default:
				list.Text(v)
			}
		}
		list.End()
		return list.Err()
	})
	if err != nil {
		return err
	}
	return sheet.Write(w, []*sheet.Sheet{sums, flows, classes, list})
}

// sums writes the counts and the areas of the whole.
func (r *Result) sums(s *sheet.Sheet) {
	line := func(name string, count int, area *float64) {
		s.Text(name)
		if count < 0 {
			s.Skip(1)
		} else {
			s.Number(float64(count), sheet.Count)
		}
		optional(s, area)
		s.End()
	}
	line("原 from "+r.From.Layer+"@"+r.From.Vintage, r.From.Features, &r.From.GroundM2)
	line("现 to "+r.To.Layer+"@"+r.To.Vintage, r.To.Features, &r.To.GroundM2)
	c := &r.Counts
	line("新增 added", c.Added, nil)
	line("删除 removed", c.Removed, nil)
	line("图形变化 geometry", c.Geometry, nil)
	line("属性变化 attribute", c.Attribute, nil)
	line("图形和属性都变 both", c.Both, nil)
	line("未变 unchanged", c.Unchanged, nil)
	line("换号 renumbered", c.Renumbered, nil)
	line("地类未变 same class", -1, &r.Matrix.SameM2)
	line("地类改变 other class", -1, &r.Matrix.MovedM2)
	line("减少 lost", -1, &r.Matrix.LostM2)
	line("增加 gained", -1, &r.Matrix.GainedM2)
	for _, f := range r.Fields {
		if f.Changed > 0 {
			line("字段 field "+f.Field, f.Changed, nil)
		}
	}
}

func optional(s *sheet.Sheet, v *float64) {
	if v == nil {
		s.Skip(1)
		return
	}
	s.Number(*v, sheet.M2)
}
