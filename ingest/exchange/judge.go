package exchange

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/ingest"
	"gengtu/ingest/policy"
)

// OpenMark is the secret mark (密级) of what is no state secret.
const OpenMark = "非密"

// openMarks are the marks with which a package may be taken into an edition below
// secure: what has another mark, or none at all, is taken for a state secret.
var openMarks = []string{OpenMark, "公开", "内部"}

// level refuses a package that is above the level of the network: by its tier, or by
// its mark.
func (m *Manifest) level(path string, level edition.Tier) error {
	if m.Tier.Above(level) {
		return refused(path, "PACKAGE_LEVEL", "这是%[1]s的包，本网只能收%[2]s及以下", "the package is %[3]s, this network takes %[4]s and below", m.Tier.Title("zh"), level.Title("zh"), m.Tier, level).
			Advise("包已隔离：立即报告保密人员，按规定处置介质", "it is in quarantine: tell the security officer now, and treat the medium by the rules")
	}
	if level != edition.Secure && !slices.Contains(openMarks, m.Mark) {
		return refused(path, "PACKAGE_LEVEL", "密级是 %[1]q，只有标明%[2]s的才能进涉密网以外的网", "the secret mark is %[1]q; only %[2]s may enter a network below secure", m.Mark, strings.Join(openMarks, "、")).
			Advise("包已隔离：立即报告保密人员；若标错，请对方用 gengtu pack --mj 重新标注", "it is in quarantine: tell the security officer now; if the mark is wrong, have it packed again with --mj")
	}
	return nil
}

// schema refuses layers and fields that the tier may not hold: below secure, what the
// policy does not name; in secure, a field that the edition's layer of that name has
// not and that no profile knows, unless it is new there with its whole layer.
func (m *Manifest) schema(path string, p *policy.Policy, held *edition.Manifest) error {
	for i := range m.Layers {
		l := &m.Layers[i]
		var extra []string
		var err error
		if m.Tier == edition.Secure {
			extra, err = newFields(&l.Layer, held)
		} else {
			extra, err = withheld(&l.Layer, p.Tiers[m.Tier])
		}
		if err != nil {
			return err
		}
		if len(extra) > 0 {
			return resend(refused(path, "PACKAGE_FIELD", "图层 %[1]s 有不该有的字段或图层：%[2]s", "layer %[1]s has what it may not have: %[3]s", l.Key(), strings.Join(extra, " "), strings.Join(extra, " ")))
		}
	}
	return nil
}

// within refuses what shows more than the policy of its tier: a higher zoom than its
// highest, what [edition.Policy.Beyond] lists, or a layer at more zooms than its rule lets.
// Codes of place are judged with the features. What cannot be seen of what has arrived is
// not judged, and is the sender's to keep to: that a layer was dissolved, that small patches
// were left out or merged, that cells are wider than the grid, that areas of record were
// rounded.
func (m *Manifest) within(path string, p *policy.Policy) error {
	if m.Tier == edition.Secure {
		return nil
	}
	tier := p.Tiers[m.Tier]
	if m.State.MaxZoom > tier.MaxZoom {
		return m.shows(path, "级别更多", "more zooms")
	}
	let := p.Limits(m.Tier)
	for _, l := range m.State.Policy.Beyond(&let) {
		return m.shows(path, l.More.Zh, l.More.En)
	}
	for i := range m.Layers {
		l := &m.Layers[i]
		least, most := tier.ZoomsOf(l.Name)
		lo, hi := l.Within(m.State.Policy.MinZoom, m.State.MaxZoom)
		if lo <= hi && (lo < least || hi > most) {
			return m.shows(path, fmt.Sprintf("图层 %s 的级别更多", l.Key()), fmt.Sprintf("more zooms of layer %s", l.Key()))
		}
	}
	return nil
}

func (m *Manifest) shows(path, zh, en string) error {
	return refused(path, "PACKAGE_POLICY", "包里的比本网策略许可的多：%[1]s", "it shows more than the policy here allows: %[2]s", zh, en).
		Advise("包已隔离；若双方另有约定，用 --policy 给出那份策略", "it is in quarantine; if another policy was agreed upon, give it with --policy")
}

// withheld lists what the policy of a tier does not let through.
func withheld(l *edition.Layer, t policy.TierRules) ([]string, error) {
	rule, ok := t.Layers[l.Name]
	if !ok {
		return []string{l.Name}, nil
	}
	allowed, err := rule.Allowed(l)
	if err != nil {
		return nil, err
	}
	var out []string
	for i, f := range l.Fields {
		if !slices.Contains(allowed, i) {
			out = append(out, f.Name)
		}
	}
	if len(l.Source) > 0 {
		out = append(out, "source")
	}
	return out, nil
}

// newFields lists the fields of a layer that neither its profile knows nor the
// edition's layer of that name has.
func newFields(l *edition.Layer, held *edition.Manifest) ([]string, error) {
	if held == nil {
		return nil, nil
	}
	p, err := ingest.ProfileOf(l.Name)
	if err != nil {
		return nil, err
	}
	known, there := map[string]bool{}, false
	for i := range held.Layers {
		if h := &held.Layers[i]; h.Name == l.Name {
			there = true
			for _, f := range h.Fields {
				known[f.Name] = true
			}
		}
	}
	var out []string
	for _, f := range l.Fields {
		if there && !known[f.Name] && !p.Knows(f.Name) {
			out = append(out, f.Name)
		}
	}
	return out, nil
}

// judge looks at a layer's features, one after the other.
type judge struct {
	path   string
	layer  *Layer
	policy *edition.Policy
	places *policy.Places // how finely places may be told; nil in secure, as finely as they are
	sums   Sums           // of what it has seen
}

// judgeOf returns the judge of a layer of the package.
func (r *Reception) judgeOf(l *Layer) (*judge, error) {
	j := &judge{path: r.path, layer: l, policy: &r.Manifest.State.Policy}
	if r.Manifest.Tier == edition.Secure {
		return j, nil
	}
	tier := r.o.Policy.Tiers[r.Manifest.Tier]
	var err error
	j.places, err = tier.PlacesOf(&l.Layer)
	return j, err
}

// feature decodes a record and refuses a feature that could not have been stored: one
// that has other values than the layer has fields, whose shape would be mended, whose
// area is another, or that lies beside the policy's grid.
func (j *judge) feature(record []byte) (index.Feature, error) {
	f, err := index.DecodeRecord(record)
	if err != nil {
		return f, j.refuse("PACKAGE_PART", 0, "要素解不出来", "a feature does not decode")
	}
	if err := j.values(&f); err != nil {
		return f, err
	}
	if err := j.geometry(&f); err != nil {
		return f, err
	}
	j.sums.add(f.AreaM2, f.Patch, f.Net)
	return f, nil
}

// values holds a feature's values against the layer's fields, and its codes of place
// against what the policy tells of places.
func (j *judge) values(f *index.Feature) error {
	fields := j.layer.Fields
	if f.ID < 1 || f.ID > index.MaxID {
		return j.refuse("PACKAGE_PART", f.ID, "标识不在范围内", "its id is out of range")
	}
	if len(f.Values) != len(fields) {
		return j.refuse("PACKAGE_FIELD", f.ID, "有 %[1]d 个值，图层只有 %[2]d 个字段", "it has %[1]d values, the layer has %[2]d fields", len(f.Values), len(fields))
	}
	for i, v := range f.Values {
		if !fits(v, fields[i].Kind) {
			return j.refuse("PACKAGE_FIELD", f.ID, "字段 %[1]s 的值不是 %[2]s", "the value of %[1]s is no %[2]s", fields[i].Name, fields[i].Kind)
		}
	}
	if len(f.Place) > 14 || strings.Trim(f.Place, "0123456789") != "" {
		return j.refuse("PACKAGE_FIELD", f.ID, "政区代码 %[1]q 不对", "the place %[1]q is no code", f.Place)
	}
	if j.places == nil {
		return nil
	}
	if code := j.places.Finer(f); code != "" {
		return j.refuse("PACKAGE_POLICY", f.ID, "政区代码 %.40[1]q 比本网策略许可的细", "the place %.40[1]q is finer than the policy here allows", code)
	}
	return nil
}

// fits tells whether a value is of a field's kind.
func fits(v any, kind edition.FieldKind) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return (kind == edition.Text || kind == edition.Date) && utf8.ValidString(v)
	case int64:
		return kind == edition.Integer
	case float64:
		return kind == edition.Real && !math.IsNaN(v) && !math.IsInf(v, 0)
	case bool:
		return kind == edition.Bool
	}
	return false
}

// areaError is by how much of itself a stored area may differ from the one measured:
// as gengtu verify has it.
const areaError = 1e-6

// geometry judges a feature's shape.
func (j *judge) geometry(f *index.Feature) error {
	mended, found, err := overlay.Mend(f.Geometry)
	switch {
	case err != nil:
		return j.refuse("PACKAGE_GEOMETRY", f.ID, "图形读不懂（%[1]v）", "its shape cannot be read (%[1]v)", err)
	case len(found) > 0 || len(mended) == 0:
		return j.refuse("PACKAGE_GEOMETRY", f.ID, "图形不合格", "its shape is not valid")
	}
	if a := geo.Area(f.Geometry); !(math.Abs(a-f.AreaM2) <= areaError*max(a, 1)) {
		return j.refuse("PACKAGE_AREA", f.ID, "面积是 %.2[1]f，自称 %.2[2]f 平方米", "its area is %.2[1]f m², it says %.2[2]f", a, f.AreaM2)
	}
	if j.policy.GridLon > 0 && j.policy.GridLat > 0 && slices.ContainsFunc(f.Geometry, j.besideGrid) {
		return j.refuse("PACKAGE_GEOMETRY", f.ID, "顶点不在策略规定的 %[1]v 米网格上", "a vertex lies beside the policy's grid of %[1]v m", j.policy.GridM)
	}
	return nil
}

// besideGrid tells whether a vertex of p is not on the policy's grid, which is one.
func (j *judge) besideGrid(p geo.Polygon) bool {
	return slices.ContainsFunc(p, func(r geo.Ring) bool {
		return slices.ContainsFunc(r, func(v geo.Position) bool {
			return v.Lon%j.policy.GridLon != 0 || v.Lat%j.policy.GridLat != 0
		})
	})
}

func (j *judge) refuse(code string, id uint64, zh, en string, args ...any) error {
	p := refused(j.path, code, "图层 %[1]s 的要素 %[2]d：%[3]s", "feature %[2]d of layer %[1]s: %[4]s", j.layer.Key(), id, fmt.Sprintf(zh, args...), fmt.Sprintf(en, args...))
	return resend(p)
}

// stands refuses a package whose edition could not be opened again.
func (m *Manifest) stands(path string) error {
	s := &m.State
	e := edition.Manifest{Product: edition.Product, Format: edition.Format, Tier: m.Tier, BuiltZooms: s.BuiltZooms, MaxZoom: s.MaxZoom, Policy: s.Policy}
	for i := range m.Layers {
		e.Layers = append(e.Layers, m.Layers[i].Layer)
	}
	data, err := json.Marshal(&e)
	if err == nil {
		_, err = edition.ParseManifest(path, data)
	}
	if err != nil {
		return resend(refused(path, "PACKAGE_MANIFEST", "由它不能成为版本（%[1]v）", "no edition can be made of it (%[1]v)", err)).Because(err)
	}
	return nil
}

// agree compares sums with the manifest's.
func (l *Layer) agree(path string, s Sums) error {
	if s == l.Sums {
		return nil
	}
	return resend(refused(path, "PACKAGE_AREA", "图层 %[1]s 的面积合计（0.01 平方米）是 %[2]v，清单里是 %[3]v", "the areas of layer %[1]s add up to %[2]v (0.01 m²), the manifest says %[3]v", l.Key(), s, l.Sums))
}
