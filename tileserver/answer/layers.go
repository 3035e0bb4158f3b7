package answer

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"gengtu/index"
	"gengtu/index/analyze"
	"gengtu/index/analyze/forms"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/tileserver/tileset"
)

// namedRun is how layers of answers are named: a-RUN-NAME. It is legal as a layer's name,
// hence in every protocol.
var namedRun = regexp.MustCompile(`^a-([0-9a-f]{16})-[a-z0-9_-]+`)

// RunOf returns the run of the answer whose layer's name text begins with, "" where it
// begins with none.
func RunOf(text string) string {
	m := namedRun.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	return m[1]
}

// layerNameBytes bounds a layer's name, see [edition.ValidLayer].
const layerNameBytes = 64

// layersFolder is the edition of an answer's shapes, in its directory.
const layersFolder = "layers"

// LayersOf is the directory of the edition of an answer's shapes, when the answer is in dir.
func LayersOf(dir string) string { return filepath.Join(dir, layersFolder) }

// writeMemory is what the shapes of an answer take in memory until they are written.
const writeMemory = 256 << 20

// notPlain are the characters that a layer's name must not have.
var notPlain = regexp.MustCompile(`[^a-z0-9_-]+`)

// layerName is the name of the layer of shapes of an answer.
func layerName(run, shapes string) string {
	name := tileset.AnswerPrefix + run + "-" + strings.Trim(notPlain.ReplaceAllString(strings.ToLower(shapes), "_"), "_")
	return name[:min(len(name), layerNameBytes)]
}

// layers writes the edition of the answer's shapes, if it has any.
func (w *writer) layers() error {
	if len(w.result.Shapes) == 0 {
		return nil
	}
	d, err := edition.Begin(LayersOf(w.opt.Dir))
	if err != nil {
		return err
	}
	defer d.Abort()
	out := index.NewWriter(d.File(edition.FeaturesFile))
	out.Limit(writeMemory)
	some := 0
	for _, s := range w.result.Shapes {
		n, err := w.layer(out, s)
		if err != nil {
			return errors.Join(err, out.Abandon())
		}
		some += n
	}
	if some == 0 {
		return out.Abandon()
	}
	layers, err := out.Close(w.ctx)
	if err != nil {
		return err
	}
	m := w.opt.Of.Manifest
	return w.commit(d, &edition.Manifest{
		Tier: m.Tier, Program: m.Program, Layers: layers, Policy: m.Policy, Drawing: tileset.Drawing, BuiltZooms: m.BuiltZooms, MaxZoom: m.MaxZoom,
	})
}

// commit builds the tiles and puts the edition in force.
func (w *writer) commit(d *edition.Draft, m *edition.Manifest) error {
	if err := index.Seal(w.ctx, d.File(edition.FeaturesFile)); err != nil {
		return err
	}
	d.Finish(edition.FeaturesFile)
	ix, err := index.OpenFiles(d.File(""), m)
	if err != nil {
		return err
	}
	if err := errors.Join(tileset.BuildOneZoom(w.ctx, d, ix), ix.Close()); err != nil {
		return err
	}
	if m.ContentHash, err = tileset.ContentHash(d.File(edition.FeaturesFile), d.File(edition.TilesFile)); err != nil {
		return err
	}
	if err := d.Commit(m, 1); err != nil {
		return err
	}
	if err := w.recall(m); err != nil {
		return err
	}
	for i := range m.Layers {
		l := &m.Layers[i]
		w.kept.Layers = append(w.kept.Layers, Layer{Name: l.Name, Title: l.Title, Vintage: l.Vintage, Features: l.Features})
	}
	return nil
}

// recall lets the shapes of the answer be read where they are stored.
func (w *writer) recall(m *edition.Manifest) error {
	at := LayersOf(w.opt.Dir)
	name, m, err := edition.Read(at, m.Generation)
	if err != nil {
		return err
	}
	if w.stored, err = index.OpenFiles(edition.Path(at, name), m); err != nil {
		return err
	}
	for _, s := range w.result.Shapes {
		l := w.stored.Layer(layerName(w.result.Run, s.Name), "")
		s.Geometry = func(_ context.Context, row int) (geo.MultiPolygon, error) {
			i, ok := l.ByID(uint64(row + 1))
			if !ok {
				return nil, nil // it has none
			}
			f, err := l.Feature(i)
			return f.Geometry, err
		}
	}
	return nil
}

// layer writes the shapes of a table as a layer, with the table's columns as fields.
func (w *writer) layer(out *index.Writer, s *analyze.Shapes) (features int, err error) {
	fields, err := forms.Fields(s.Table)
	if err != nil {
		return 0, err
	}
	meta := edition.Layer{Name: layerName(w.result.Run, s.Name), Title: s.Title, Vintage: w.vintage()}
	for i := range fields {
		f := &fields[i]
		meta.Fields = append(meta.Fields, edition.Field{Name: f.Name, Kind: kindOfField(f), Title: f.Title.Zh, Known: true, Tile: true})
	}
	l := out.Layer(meta)
	for i, row := range s.Table.Rows {
		if err := w.ctx.Err(); err != nil {
			return features, err
		}
		g, err := s.Geometry(w.ctx, i)
		if err != nil {
			return features, err
		}
		if len(g) == 0 {
			continue
		}
		f := index.Feature{ID: uint64(i + 1), Geometry: g, AreaM2: geo.Area(g), Patch: index.NoArea, Net: index.NoArea, Values: make([]any, len(fields))}
		for k := range fields {
			if f.Values[k], err = valueOf(&fields[k], row); err != nil {
				return features, err
			}
		}
		if err := l.Add(&f); err != nil {
			return features, err
		}
		features++
	}
	return features, nil
}

// vintage is that of the layers of the answer: what was asked about, or the latest that
// it was made from.
func (w *writer) vintage() string {
	latest := w.result.Request.Vintage
	if latest != "" {
		return latest
	}
	for _, l := range w.result.Layers {
		if !l.Missing && (latest == "" || edition.CompareVintages(l.Vintage, latest) > 0) {
			latest = l.Vintage
		}
	}
	return cmp.Or(latest, "0")
}

// kindOfField is what a layer holds of a field of a table.
func kindOfField(f *forms.Field) edition.FieldKind {
	switch f.Kind {
	case analyze.Count:
		return edition.Integer
	case analyze.Areas, analyze.Length, analyze.Ratio, analyze.Number:
		return edition.Real
	case analyze.Truth:
		return edition.Bool
	}
	return edition.Text
}

// valueOf is the value of a field as a layer holds it: figures are those of the files.
func valueOf(f *forms.Field, row []any) (any, error) {
	switch v := row[f.Column].(type) {
	case nil, string, int64, bool:
		return v, nil
	}
	text, err := f.Text(row)
	if err != nil {
		return nil, err
	}
	return strconv.ParseFloat(text, 64)
}
