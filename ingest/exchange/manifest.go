package exchange

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/seal"
)

// Format is the form of packages that this program writes and reads.
const Format = "gengtu-package/1"

// Kind is what a package holds.
type Kind string

// The kinds.
const (
	Full  Kind = "full"  // an edition, whole
	Delta Kind = "delta" // what changed since Base
)

// Grade is how important the data is by the rules on data security in natural
// resources (自然资发〔2024〕57号).
type Grade string

// The grades.
const (
	General   Grade = "general"   // 一般
	Important Grade = "important" // 重要
	Core      Grade = "core"      // 核心
)

// Manifest says what a package holds. It is what is signed. Areas in it are added up
// as integers of 0.01 m², so that nothing depends on an order.
type Manifest struct {
	Format string `json:"format"`
	ID     string `json:"id"`
	Kind   Kind   `json:"kind"`
	// Sequence counts the packages of one sender for one receiver, from 1; Previous
	// is the ID of the one before, "" of the first.
	Sequence int64  `json:"seq"`
	Previous string `json:"prev_id"`
	Sender   Party  `json:"sender"`
	// Receiver is whom the package is for, "" for anybody.
	Receiver string `json:"receiver"`
	// Created is when it was packed, RFC 3339.
	Created string `json:"created"`
	// Tier is the level of the network that the package is for (net level), Grade the
	// data's and Mark (密级) the secret mark, "" where none was given: then it is
	// taken for the secure tier only.
	Tier  edition.Tier `json:"tier"`
	Grade Grade        `json:"grade"`
	Mark  string       `json:"mj"`
	// CRS is always EPSG:4490, Extent minLon, minLat, maxLon, maxLat of all layers.
	CRS    string      `json:"crs"`
	Extent *[4]float64 `json:"extent"`
	State  State       `json:"state"`
	// Base is the state that a delta starts from.
	Base     *State    `json:"base,omitempty"`
	Layers   []Layer   `json:"layers"`
	Lineages []Lineage `json:"lineages"`
	// Registers are those that a delta's base does not have as they are; the others stay.
	// There are none below secure.
	Registers []Register `json:"registers,omitempty"`
	Approvals []Approval `json:"approvals"`
	// Tool is the program's version.
	Tool  string `json:"tool"`
	Parts []Part `json:"parts"`
}

// Party is who sends.
type Party struct {
	Name string `json:"name"`
	Key  string `json:"key"`
}

// State names a state of an edition and carries what of its manifest the features do
// not tell.
type State struct {
	Generation  string `json:"generation"`
	ContentHash string `json:"content_hash"`
	// Features is the digest of the features alone, which does not depend on the way
	// in which tiles are drawn.
	Features   string         `json:"features"`
	Drawing    int            `json:"drawing"`
	BuiltZooms [2]int         `json:"built_zooms"`
	MaxZoom    int            `json:"max_zoom"`
	Policy     edition.Policy `json:"policy"`
}

// Change is how a layer comes in a package.
type Change string

// The changes.
const (
	Whole   Change = "whole"   // all features are in the part
	Changed Change = "changed" // the part holds new and changed features, and ids that go
	Same    Change = "same"    // as in the base
	View    Change = "view"    // a selection from another layer, which has none of its own
)

// Layer is one layer in one vintage, with the figures that it has when the package
// has been taken in.
type Layer struct {
	edition.Layer
	Change Change `json:"change"`
	// Part is the number of the part, from 0; -1 where there is none.
	Part int `json:"part"`
	// Put and Deleted count what is in the part.
	Put     int  `json:"put"`
	Deleted int  `json:"deleted"`
	Sums    Sums `json:"sums"`
}

// Sums are areas added up, in 0.01 m².
type Sums struct {
	// Area is that of ellipsoidal areas, each rounded.
	Area int64 `json:"area"`
	// Patch and Net are those of record, the others those computed in their place.
	Patch         int64 `json:"patch"`
	Net           int64 `json:"net"`
	PatchComputed int64 `json:"patch_computed"`
	NetComputed   int64 `json:"net_computed"`
}

// add adds a feature.
func (s *Sums) add(areaM2 float64, patch, net int64) {
	s.Area += int64(geo.HundredthsOf(areaM2))
	addRecord(patch, &s.Patch, &s.PatchComputed)
	addRecord(net, &s.Net, &s.NetComputed)
}

func addRecord(area int64, record, computed *int64) {
	if index.OfRecord(area) {
		*record += area
	} else if c, ok := index.ComputedOf(area); ok {
		*computed += c
	}
}

// Lineage names what became of a layer's features from one vintage to another.
type Lineage struct {
	Layer string `json:"layer"`
	From  string `json:"from"`
	To    string `json:"to"`
	Part  int    `json:"part"`
	Links int    `json:"links"`
}

// Register names the register of a layer, see [index.Register].
type Register struct {
	Layer   string `json:"layer"`
	Part    int    `json:"part"`
	Entries int    `json:"entries"`
}

// Approval is who let the package go.
type Approval struct {
	By       string `json:"by"`
	At       string `json:"at"`
	Document string `json:"document,omitempty"`
	// Signature is the approver's own, over the digest of the manifest without these
	// signatures; nil of a name that was typed.
	Signature *seal.Signature `json:"signature,omitempty"`
}

// Part is one file of a package.
type Part struct {
	Name string `json:"name"`
	// Bytes is its length in the package, RawBytes when it is unpacked.
	Bytes    int64 `json:"bytes"`
	RawBytes int64 `json:"raw_bytes"`
	// Digest is "sha256:" or "sm3:" and 64 hexadecimal digits, over the file.
	Digest string `json:"digest"`
}

// The limits of texts in a manifest.
const (
	maxText      = 200
	maxApprovals = 20
)

var (
	idForm         = regexp.MustCompile(`^[a-z0-9-]{1,80}$`)
	generationForm = regexp.MustCompile(`^g[0-9a-f]{16}$`)
	digestForm     = regexp.MustCompile(`^(sha256|sm3):[0-9a-f]{64}$`)
	hashForm       = regexp.MustCompile(`^[0-9a-f]{64}$`)
	keyForm        = regexp.MustCompile(`^[0-9a-f]{32}$`)
)

// encode returns the manifest as it is signed.
func (m *Manifest) encode() ([]byte, error) {
	data, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	return append(data, '\n'), nil
}

// approved is what approvers sign: the SHA-256 of the manifest without their signatures.
func (m *Manifest) approved() ([]byte, error) {
	bare := *m
	bare.Approvals = slices.Clone(m.Approvals)
	for i := range bare.Approvals {
		bare.Approvals[i].Signature = nil
	}
	data, err := bare.encode()
	if err != nil {
		return nil, err
	}
	h := seal.Ed25519.NewHash()
	h.Write(data)
	return fmt.Appendf(nil, "%x\n", h.Sum(nil)), nil
}

// parseManifest reads a manifest and checks that it agrees with itself. The path is
// for messages. An unknown field is refused (PACKAGE_FIELD), as is whatever cannot be
// (PACKAGE_MANIFEST).
func parseManifest(path string, data []byte) (*Manifest, error) {
	m := &Manifest{}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	err := d.Decode(m)
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			err = nil
		} else if err == nil {
			err = errors.New("more than one value")
		}
	}
	if err != nil {
		code := "PACKAGE_MANIFEST"
		if strings.Contains(err.Error(), "unknown field") {
			code = "PACKAGE_FIELD"
		}
		return nil, resend(refused(path, code, "清单读不懂（%v）", "the manifest cannot be read (%v)", err))
	}
	if m.Format != Format {
		return nil, refused(path, "PACKAGE_FORMAT", "包的格式是 %.40q，本程序只认 %q", "the package is of format %.40q, this program reads %q", m.Format, Format).
			Advise("请双方用同一版程序", "use the same version of the program on both sides")
	}
	if zh, en := m.wrong(); en != "" {
		return nil, resend(refused(path, "PACKAGE_MANIFEST", "清单自相矛盾：%[1]s", "the manifest cannot be: %[2]s", zh, en))
	}
	return m, nil
}

// wrong says what in a manifest cannot be, "" for nothing.
func (m *Manifest) wrong() (zh, en string) {
	_, terr := edition.ParseTier(string(m.Tier))
	_, cerr := time.Parse(time.RFC3339, m.Created)
	base := m.Base != nil
	switch {
	case m.Kind != Full && m.Kind != Delta, base != (m.Kind == Delta):
		return "种类", "its kind"
	case !idForm.MatchString(m.ID) || m.Previous != "" && !idForm.MatchString(m.Previous):
		return "编号", "its id"
	case m.Sequence < 1 || (m.Sequence == 1) != (m.Previous == ""):
		return "序号", "its sequence"
	case terr != nil:
		return "版别", "its tier"
	case m.Grade != General && m.Grade != Important && m.Grade != Core:
		return "分级", "its grade"
	case cerr != nil:
		return "时间", "its time"
	case m.CRS != crs:
		return "坐标系", "its coordinate system"
	case !keyForm.MatchString(m.Sender.Key):
		return "发送方密钥", "its sender's key"
	case !plain(m.Sender.Name) || !plain(m.Receiver) || !plain(m.Mark) || !plain(m.Tool):
		return "文字过长或有控制符", "a text that is too long or has control characters"
	case !m.State.sound() || base && !m.Base.sound():
		return "状态", "its state"
	case len(m.Parts) > MaxParts || len(m.Approvals) > maxApprovals:
		return "条数过多", "too many entries"
	}
	for _, a := range m.Approvals {
		if _, err := time.Parse(time.RFC3339, a.At); err != nil || a.By == "" || !plain(a.By) || !plain(a.Document) || a.Signature != nil && len(a.Signature.Value) > seal.MaxSignatureBytes {
			return "批准人", "an approval"
		}
	}
	if zh, en = m.wrongParts(); en == "" {
		zh, en = m.wrongLayers()
	}
	return zh, en
}

func (s *State) sound() bool {
	z := s.BuiltZooms
	return generationForm.MatchString(s.Generation) && hashForm.MatchString(s.ContentHash) && hashForm.MatchString(s.Features) &&
		z[0] >= 0 && z[0] <= z[1] && z[1] <= 30 && s.MaxZoom >= 0 && s.MaxZoom <= 30 && s.Policy.GridLon >= 0 && s.Policy.GridLat >= 0
}

// plain tells whether a text may stand in a manifest.
func plain(text string) bool {
	return len(text) <= maxText && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

// wrongParts says what is wrong with the parts.
func (m *Manifest) wrongParts() (zh, en string) {
	var raw int64
	for i, p := range m.Parts {
		if p.Name != partName(i) || p.Bytes < 1 || p.Bytes > MaxPartBytes || p.RawBytes < 1 || p.RawBytes/MaxRatio > p.Bytes || !digestForm.MatchString(p.Digest) {
			return fmt.Sprintf("第 %d 部分", i), fmt.Sprintf("part %d", i)
		}
		if raw += p.RawBytes; raw > MaxRawBytes {
			return fmt.Sprintf("展开后超过 %d 字节", int64(MaxRawBytes)), fmt.Sprintf("more than %d bytes when unpacked", int64(MaxRawBytes))
		}
	}
	return "", ""
}

// partName is the name of part number i.
func partName(i int) string { return fmt.Sprintf("data/%04d.gz", i) }

// wrongLayers says what is wrong with layers and lineages. Each part belongs to one of
// them, in their order.
func (m *Manifest) wrongLayers() (zh, en string) {
	next, features := 0, 0
	keys := map[string]*Layer{}
	for i := range m.Layers {
		l := &m.Layers[i]
		k := l.Key()
		bad := func() (string, string) { return fmt.Sprintf("图层 %.100q", k), fmt.Sprintf("layer %.100q", k) }
		has := l.Change == Whole || l.Change == Changed
		switch {
		case !edition.ValidLayer(l.Name) || !edition.ValidVintage(l.Vintage) || keys[k] != nil:
			return bad()
		case (l.View != nil) != (l.Change == View) || !has && l.Change != Same && l.Change != View:
			return bad()
		case m.Kind == Full && (l.Change == Changed || l.Change == Same):
			return bad()
		case has && l.Part != next || !has && (l.Part != -1 || l.Put != 0 || l.Deleted != 0):
			return bad()
		case l.Features < 0 || l.Vertices < 0 || l.Put < 0 || l.Deleted < 0 || l.Put > l.Features:
			return bad()
		case l.Change == Whole && (l.Put != l.Features || l.Deleted != 0) || l.ParcelZoom < -1 || l.ParcelZoom > 30:
			return bad()
		}
		if has {
			next++
		}
		if l.View == nil {
			if features += l.Features; features > MaxFeatures {
				return bad()
			}
		}
		keys[k] = l
	}
	for i := range m.Layers {
		l := &m.Layers[i]
		if l.View == nil {
			continue
		}
		of := keys[l.View.Of+"@"+l.Vintage]
		if of == nil || of.View != nil || !slices.ContainsFunc(of.Fields, func(f edition.Field) bool { return f.Name == l.View.Field }) {
			return fmt.Sprintf("图层 %.100q", l.Key()), fmt.Sprintf("layer %.100q", l.Key())
		}
	}
	for i, g := range m.Lineages {
		if g.Part != next || g.Links < 1 || !edition.ValidLayer(g.Layer) || !edition.ValidVintage(g.From) || !edition.ValidVintage(g.To) ||
			slices.ContainsFunc(m.Lineages[:i], func(o Lineage) bool { return o.Layer == g.Layer && o.From == g.From && o.To == g.To }) {
			return fmt.Sprintf("沿革 %d", i), fmt.Sprintf("lineage %d", i)
		}
		next++
	}
	for i, g := range m.Registers {
		if g.Part != next || g.Entries < 1 || m.Tier != edition.Secure || !edition.ValidLayer(g.Layer) ||
			slices.ContainsFunc(m.Registers[:i], func(o Register) bool { return o.Layer == g.Layer }) {
			return fmt.Sprintf("登记 %d", i), fmt.Sprintf("register %d", i)
		}
		next++
	}
	if next != len(m.Parts) {
		return "部分的个数", "the number of its parts"
	}
	return "", ""
}

// crs is the one coordinate system of packages.
const crs = "EPSG:4490"

// digestText returns the name and digest that go with a key.
func digestText(a seal.Algorithm, sum []byte) string { return fmt.Sprintf("%s:%x", a.HashName(), sum) }
