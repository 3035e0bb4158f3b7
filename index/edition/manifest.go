package edition

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"gengtu/index/problem"
)

// Product is what every manifest names as its product.
const Product = "gengtu"

// Format is the version of the directory's layout and of the records in it. A
// program refuses an edition of a format that it does not know. A generation without
// patches is of the format before, which older programs read, too.
const Format = 5

// formatWhole is the format of a generation that has no patches.
const formatWhole = 4

// The files of a generation.
const (
	ManifestFile = "manifest.json"
	FeaturesFile = "features.db"
	TilesFile    = "tiles.db"
	GroundFile   = "ground.db" // the partition of the ground; small or odd editions have none
)

// Each of them may have a patch beside it, which says what it differs in from what it was
// when it was written, see package patch.
const (
	FeaturesPatch = "features.patch"
	TilesPatch    = "tiles.patch"
	GroundPatch   = "ground.patch"
)

// patchOf names the patch of a file.
var patchOf = map[string]string{FeaturesFile: FeaturesPatch, TilesFile: TilesPatch, GroundFile: GroundPatch}

// fileNames are the files that a generation may have beside the manifest.
var fileNames = []string{FeaturesFile, FeaturesPatch, TilesFile, TilesPatch, GroundFile, GroundPatch}

// Manifest describes one generation. It is not changed once the generation is
// in force.
type Manifest struct {
	Product    string `json:"product"`
	Format     int    `json:"format"`
	Program    string `json:"program"`
	Tier       Tier   `json:"tier"`
	Generation string `json:"generation"`
	// Created is when the generation was made, RFC 3339 with nanoseconds, UTC.
	// It is no part of the content hash.
	Created string  `json:"created"`
	Layers  []Layer `json:"layers"`
	Policy  Policy  `json:"policy"`
	// Drawing is the version of the way in which the tiles are drawn, see
	// tileserver/pyramid.
	Drawing int `json:"drawing"`
	// Tiles counts the built tiles: grid, then zoom, then number.
	Tiles map[string]map[string]int `json:"tiles"`
	// BuiltZooms are the zooms in TilesFile; other zooms up to MaxZoom are made
	// on demand.
	BuiltZooms [2]int `json:"built_zooms"`
	MaxZoom    int    `json:"max_zoom"`
	// ContentHash is the SHA-256, in hex, over the sorted keys and values of
	// features and tiles.
	ContentHash string `json:"content_hash"`
	// Files holds the SHA-256, in hex, of each file beside the manifest.
	Files map[string]string `json:"files"`
	// Blocks holds of each file the CRC-32C of every MiB, eight hex digits each:
	// whoever copies a file finds damage by them without hashing all of it.
	Blocks map[string]string `json:"blocks,omitempty"`
	// Updates are what the generation differs in from the full ingest that it goes
	// back to, the oldest first; empty below secure. They are no part of the
	// content hash.
	Updates []Update `json:"updates,omitempty"`
}

// Update names what one update brought.
type Update struct {
	// Generation is the one that was updated.
	Generation string `json:"generation"`
	// Source names the files of changed features by layer key, without folders.
	Source map[string][]string `json:"source,omitempty"`
	// Deletions names the file of keys that were deleted, or is "".
	Deletions string `json:"deletions,omitempty"`
}

// Layer is one layer in one vintage.
type Layer struct {
	Name    string `json:"name"`
	Title   Title  `json:"title"`
	Vintage string `json:"vintage"`
	// Source names the files that the layer came from, without folders; empty
	// below secure.
	Source []string `json:"source"`
	// View is set when the layer is a selection from another one of the same
	// vintage and has no features of its own in the file.
	View     *View `json:"view,omitempty"`
	Features int   `json:"features"`
	Vertices int   `json:"vertices"`
	// Extent is minLon, minLat, maxLon, maxLat in degrees; null when the layer
	// is empty.
	Extent *[4]float64 `json:"extent"`
	// AreaM2 is the ellipsoidal area of all features added up (gross).
	AreaM2 float64 `json:"area_m2"`
	// PatchM2 and NetM2 are the areas of record added up; null when the layer
	// has none.
	PatchM2 *float64 `json:"patch_m2"`
	NetM2   *float64 `json:"net_m2"`
	// PatchComputed and NetComputed are of the features whose record has no such
	// area, as far as one was computed; they are no part of PatchM2 and NetM2.
	PatchComputed *ComputedArea `json:"patch_computed,omitempty"`
	NetComputed   *ComputedArea `json:"net_computed,omitempty"`
	// PatchWithheldM2 and NetWithheldM2 are areas of record, in m², of features of the
	// higher edition that the policy's grid or smallest patch left none of: their ground is
	// with their neighbours, so that sums of PatchM2 and NetM2 are short by so much.
	PatchWithheldM2 float64 `json:"patch_withheld_m2,omitempty"`
	NetWithheldM2   float64 `json:"net_withheld_m2,omitempty"`
	Fields          []Field `json:"fields"`
	// ClassField is the field by which merged shapes at low zooms are told
	// apart, or "".
	ClassField string `json:"class_field,omitempty"`
	// ParcelZoom is the first zoom at which the layer's features are drawn as
	// themselves, -1 for every zoom; chosen when all tiles are built, and kept by
	// updates. 0: not chosen yet.
	ParcelZoom int `json:"parcel_zoom,omitempty"`
	// Zooms are the lowest and the highest zoom that the layer is served at, where the
	// policy narrows them; nil where it is served at all zooms of the edition.
	Zooms *[2]int `json:"zooms,omitempty"`
}

// Within narrows the zooms [lo, hi] to those that the layer is served at; there are none
// where the second is below the first.
func (l *Layer) Within(lo, hi int) (int, int) {
	if l.Zooms == nil {
		return lo, hi
	}
	return max(lo, l.Zooms[0]), min(hi, l.Zooms[1])
}

// ServedAt tells whether the layer is served at a zoom, as far as the policy narrows it.
func (l *Layer) ServedAt(zoom int) bool {
	return l.Zooms == nil || l.Zooms[0] <= zoom && zoom <= l.Zooms[1]
}

// ComputedArea adds up areas that no record gives and that were computed by the
// survey's rule: TBMJ from the geometry, KCMJ and TBDLMJ from it and KCXS.
type ComputedArea struct {
	Features int     `json:"features"`
	M2       float64 `json:"m2"`
}

// maxUpdates is how many updates a manifest names: ten years of one a day.
const maxUpdates = 3650

// Note adds an update to those that m names; of more than 3650 the oldest go.
func (m *Manifest) Note(u Update) {
	m.Updates = append(slices.Clone(m.Updates), u)
	m.Updates = m.Updates[max(0, len(m.Updates)-maxUpdates):]
}

// LayerNames lists the names of m's layers in the manifest's order, each once
// however many vintages it has; empty, not nil, where there is none.
func (m *Manifest) LayerNames() []string {
	names := []string{}
	for i := range m.Layers {
		if n := m.Layers[i].Name; !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names
}

// Key is the layer's name in files: name@vintage.
func (l *Layer) Key() string { return l.Name + "@" + l.Vintage }

// Title is a name in the languages of people.
type Title struct {
	Zh string `json:"zh"`
	En string `json:"en"`
}

// View says which features of the layer Of belong to a view: those whose Field
// begins with Prefix.
type View struct {
	Of     string `json:"of"`
	Field  string `json:"field"`
	Prefix string `json:"prefix"`
}

// FieldKind is the type of a field's values.
type FieldKind string

// The kinds of field. Dates are text as delivered.
const (
	Text    FieldKind = "text"
	Integer FieldKind = "integer"
	Real    FieldKind = "real"
	Bool    FieldKind = "bool"
	Date    FieldKind = "date"
)

// Field is one attribute of a layer.
type Field struct {
	Name  string    `json:"name"`
	Kind  FieldKind `json:"type"`
	Title string    `json:"title,omitempty"`
	// Known fields are named by the layer's profile; the others came along with
	// the delivery.
	Known bool `json:"known"`
	// Personal fields speak of a person.
	Personal bool `json:"personal,omitempty"`
	// Tile fields are carried by vector tiles where a click can hit one parcel.
	Tile bool `json:"tile"`
	// Code fields are looked up by `?code=`.
	Code bool `json:"code,omitempty"`
	// Scheme says how the codes of a field that the product itself gives are made up, so
	// that one which was copied badly can be told, see package codes; "" for other fields.
	Scheme string `json:"scheme,omitempty"`
}

// maxManifest bounds the size of a manifest in bytes: some 100,000 fields.
const maxManifest = 64 << 20

// ReadManifest reads the manifest of a generation's directory, and checks that
// it is the manifest of that generation.
func ReadManifest(dir string) (*Manifest, error) {
	path := filepath.Join(dir, ManifestFile)
	st, err := os.Stat(path)
	switch {
	case os.IsNotExist(err):
		return nil, notAnEdition(dir).Because(err)
	case err == nil && st.Size() > maxManifest:
		return nil, broken(path, "清单有 %d 字节，上限 %d", "the manifest has %d bytes, the limit is %d", st.Size(), maxManifest)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, problem.New("EDITION_UNREADABLE", "清单读不出来（%v）", "the manifest cannot be read (%v)", err).In(path).Because(err)
	}
	m, err := ParseManifest(path, data)
	if err != nil {
		return nil, err
	}
	if name := filepath.Base(dir); generationName.MatchString(name) && m.Generation != name {
		return nil, broken(path, "清单是 %.40q 这一代的", "the manifest is that of generation %.40q", m.Generation)
	} else if want := GenerationName(m.Tier, m.ContentHash, m.Policy.Digest); generationName.MatchString(name) && name != want {
		return nil, broken(path, "版别、内容散列或策略不是 %.40q 这一代的", "the tier, the content's hash or the policy is not that of generation %.40q", m.Generation)
	}
	return m, nil
}

func broken(path, zh, en string, args ...any) error {
	return problem.New("MANIFEST_BROKEN", zh, en, args...).In(path).
		Advise("请从备份恢复这一代，或用 gengtu rollback 回到上一代", "restore the generation from a backup, or go back with gengtu rollback")
}

// ParseManifest reads a manifest and checks that it is one of this program's
// format and agrees with itself. The path is for messages only.
func ParseManifest(path string, data []byte) (*Manifest, error) {
	m := &Manifest{}
	if err := json.Unmarshal(data, m); err != nil {
		return nil, broken(path, "清单不是完整的 JSON（%v）", "the manifest is not whole JSON (%v)", err)
	}
	if m.Product != Product || m.Format != Format && m.Format != formatWhole {
		return nil, problem.New("MANIFEST_FORMAT", "清单的产品和格式是 %.40q %d，本程序只认 %q %d",
			"the manifest is of product and format %.40q %d, this program reads %q %d", m.Product, m.Format, Product, Format).In(path)
	}
	if m.Tier.rank() == 0 {
		return nil, problem.New("MANIFEST_FORMAT", "清单中的版别 %.40q 不存在", "the manifest names the unknown tier %.40q", m.Tier).In(path)
	}
	if z := m.BuiltZooms; z[0] < 0 || z[0] > z[1] || m.MaxZoom < 0 || m.MaxZoom > 30 || z[1] > 30 {
		return nil, broken(path, "清单的级别 %v、%d 不合理", "the manifest's zooms %v, %d make no sense", z, m.MaxZoom)
	}
	if p := &m.Policy; p.MinZoom < 0 || p.MinZoom > m.MaxZoom || !(p.RoundM2 >= 0 && p.RoundM2 <= 1e9) {
		return nil, broken(path, "清单的最低级别 %d、取整 %v 不合理", "the manifest's lowest zoom %d and rounding %v make no sense", p.MinZoom, p.RoundM2)
	}
	for name := range m.Files {
		if !slices.Contains(fileNames, name) {
			return nil, broken(path, "清单列出的文件 %.80q 不存在", "the manifest lists the file %.80q, which there is not", name)
		}
	}
	return m, m.checkLayers(path)
}

// checkLayers tells which layer of a manifest cannot be.
func (m *Manifest) checkLayers(path string) error {
	at := map[string]*Layer{}
	for i := range m.Layers {
		l := &m.Layers[i]
		k := l.Key()
		switch {
		case at[k] != nil:
			return broken(path, "清单两次列出图层 %.80s", "the manifest lists layer %.80s twice", k)
		case !ValidLayer(l.Name) || !ValidVintage(l.Vintage):
			return broken(path, "清单里的图层名 %.80q 不合规", "the manifest's layer name %.80q is not allowed", k)
		case l.ParcelZoom < -1 || l.ParcelZoom > 30:
			return broken(path, "图层 %s 的图斑级别 %d 不合理", "layer %s has the parcel zoom %d, which makes no sense", k, l.ParcelZoom)
		case l.Zooms != nil && (l.Zooms[0] < 0 || l.Zooms[0] > l.Zooms[1] || l.Zooms[1] > 30):
			return broken(path, "图层 %s 的级别 %v 不合理", "layer %s has the zooms %v, which make no sense", k, *l.Zooms)
		case l.Features < 0 || l.Vertices < 0:
			return broken(path, "图层 %s 的计数是负数", "layer %s has a negative count", k)
		}
		at[k] = l
	}
	for i := range m.Layers {
		l := &m.Layers[i]
		if l.View == nil {
			continue
		}
		of := at[l.View.Of+"@"+l.Vintage]
		if of == nil || of.View != nil || !slices.ContainsFunc(of.Fields, func(f Field) bool { return f.Name == l.View.Field }) {
			return broken(path, "图层 %s 所依的 %.80s 不在或没有字段 %.80s", "layer %s is a view of %.80s, which is missing or has no field %.80s", l.Key(), l.View.Of, l.View.Field)
		}
	}
	return nil
}

// ValidLayer tells whether a layer may have that name, which stands in URLs, in
// names of files and in lists: 1 to 64 lower-case letters, digits, - and _, and
// not the word all.
func ValidLayer(name string) bool {
	return len(name) <= 64 && layerName.MatchString(name) && name != "all"
}

// ValidVintage tells whether a layer may have that vintage: 1 to 32 letters,
// digits, dots, - and _.
func ValidVintage(vintage string) bool { return len(vintage) <= 32 && vintageName.MatchString(vintage) }

var (
	layerName   = regexp.MustCompile(`^[a-z0-9_-]+$`)
	vintageName = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)
)

// write writes the manifest into a generation's directory. Lists of a layer that are
// empty are lists there, and not null.
func (m *Manifest) write(dir string) error {
	for i := range m.Layers {
		l := &m.Layers[i]
		l.Source, l.Fields = append([]string{}, l.Source...), append([]Field{}, l.Fields...)
	}
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	return writeSynced(filepath.Join(dir, ManifestFile), append(data, '\n'), 0o644)
}

func writeSynced(path string, data []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}
