package exchange

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/index/seal"
)

// PackOptions says what to pack, and for whom.
type PackOptions struct {
	// Edition is the directory, whose generation in force is packed.
	Edition string
	// Since is the generation, kept in the edition, that the receiver has: the package
	// is a delta then. [SinceLast] stands for the one that the receiver was sent last.
	Since string
	// Out is the file to write, which is put in its place whole; one that is there is
	// replaced where Existing says so.
	Out      string
	Existing Existing
	Signer   seal.Signer
	// Recipient, which may be nil, is whom the package is encrypted for.
	Recipient seal.Recipient
	// Receiver names the one whom it is for, "" for anybody; each has a sequence of
	// its own.
	Receiver  string
	Grade     Grade
	Mark      string
	Approvals []Approval
	// Approvers sign that they approve, beside those who are only named.
	Approvers []seal.Signer
	// Document is that of the approvers' approvals.
	Document string
	Created  time.Time
	// Program is the program's version.
	Program string
	// Progress, which may be nil, is told how many features are read.
	Progress func(done, all int)
}

// Existing is what becomes of a file that is there already.
type Existing string

// What becomes of it.
const (
	Keep    Existing = ""        // it stays, and nothing is packed
	Replace Existing = "replace" // the package takes its place
)

// SinceLast is the [PackOptions.Since] that stands for what was sent last.
const SinceLast = "last"

// Pack writes a package and notes in the edition's directory that it was sent.
// Memory is bounded: parts lie in a directory beside Out until they are put together.
//
// Problems: those of the edition and the signer, PACK_BASE when Since is no generation
// that is kept or was sent, PACK_APPROVAL of two approvals by one person, PACK_SENDER of
// a tier that the key's own file does not have it send, PACK_EXISTS when there is a file
// at Out, PACK_WRITE when Out cannot be written. Then nothing is at Out that was not
// there.
func Pack(ctx context.Context, o PackOptions) (*Manifest, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	name, m, err := edition.Current(o.Edition)
	if err != nil {
		return nil, err
	}
	if err := o.may(m.Tier); err != nil {
		return nil, err
	}
	store, err := openStore(o.Edition)
	if err != nil {
		return nil, err
	}
	defer store.close()
	sent, err := store.sent()
	if err != nil {
		return nil, err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(o.Out), ".gtp-*")
	if err != nil {
		return nil, unwritten(o.Out, err)
	}
	defer func() { _ = os.RemoveAll(tmp) }() // what is left there is of no use to anybody
	p := &packing{PackOptions: o, tmp: tmp, edition: m, last: sent[o.Receiver]}
	for i := range m.Layers {
		if m.Layers[i].View == nil {
			p.all += m.Layers[i].Features
		}
	}
	if err := p.open(name); err != nil {
		return nil, err
	}
	defer func() { _ = errors.Join(p.now.Close(), p.closeThen()) }() // only read
	if err := p.layers(ctx); err != nil {
		return nil, err
	}
	if err := p.lineages(); err != nil {
		return nil, err
	}
	if err := p.registers(); err != nil {
		return nil, err
	}
	if err := p.finish(ctx); err != nil {
		return nil, err
	}
	sent[o.Receiver] = Sent{Sequence: p.out.Sequence, ID: p.out.ID, Generation: name, At: p.out.Created}
	if err := store.keepSent(sent); err != nil {
		return nil, err
	}
	return &p.out, store.log(entry{Step: stepSent, Package: p.out.ID, File: filepath.Base(o.Out), Stream: o.Receiver, Sequence: p.out.Sequence, Outcome: "done", At: p.out.Created})
}

// check refuses options that cannot be, and notes who signs as an approver.
func (o *PackOptions) check() error {
	o.Approvals = slices.Clone(o.Approvals)
	for _, s := range o.Approvers {
		o.Approvals = append(o.Approvals, Approval{By: s.Public().Name, At: o.Created.UTC().Format(time.RFC3339), Document: o.Document})
	}
	for i, a := range o.Approvals {
		if a.By == "" || !plain(a.By) || !plain(a.Document) || slices.ContainsFunc(o.Approvals[:i], func(b Approval) bool { return b.By == a.By }) {
			return problem.New("PACK_APPROVAL", "批准人 %.80q 重复、为空或过长", "the approver %.80q stands there twice, is empty or too long", a.By).
				Advise("两个人各批准一次", "two persons approve, each once")
		}
	}
	if len(o.Approvals) > maxApprovals || !plain(o.Receiver) || !plain(o.Mark) {
		return problem.New("PACK_TEXT", "接收方、密级过长或有控制符，或批准人过多", "receiver or mark is too long or has control characters, or there are too many approvers")
	}
	if _, err := os.Lstat(o.Out); err == nil && o.Existing == Keep {
		return exists(o.Out)
	}
	return nil
}

// may refuses a tier that the signer's own file does not have him send.
func (o *PackOptions) may(t edition.Tier) error {
	if k := o.Signer.Public(); len(k.Tiers) > 0 && !k.Sends(t) {
		return problem.New("PACK_SENDER", "密钥 %[1]s 只用于发 %[2]v，这是%[3]s", "the key of %[1]s is for sending %[2]v, and this is %[4]s", k.Name, k.Tiers, t.Title(problem.Chinese), t).In(o.Edition).
			Advise("核对 --edition 和 --key；确要发送则用为此生成的密钥（gengtu key new --tiers）", "look at --edition and --key; if it is meant, use a key that was made for it (gengtu key new --tiers)")
	}
	return nil
}

func exists(path string) error {
	return problem.New("PACK_EXISTS", "文件已存在", "the file exists").In(path).
		Advise("换一个 --out；确要替换则加 --force", "choose another --out, or add --force to replace it")
}

func unwritten(path string, err error) error {
	return problem.New("PACK_WRITE", "包写不了（%v）", "the package cannot be written (%v)", err).In(path).Because(err).
		Advise("核对 --out 的目录、权限和磁盘空间", "look at the directory of --out, its permissions and the room on the disk")
}

// packing is a package in the making.
type packing struct {
	PackOptions
	tmp       string
	edition   *edition.Manifest
	last      Sent
	now, then *index.Base // then is nil for a full package
	out       Manifest
	done, all int // features
}

func (p *packing) closeThen() error {
	if p.then == nil {
		return nil
	}
	return p.then.Close()
}

// open opens the two generations and begins the manifest.
func (p *packing) open(name string) error {
	kind := Full
	var base *State
	if p.Since != "" {
		since := p.Since
		if since == SinceLast {
			since = p.last.Generation
		}
		old, m, err := edition.Read(p.Edition, since)
		if err != nil || since == "" {
			return problem.New("PACK_BASE", "没有可作起点的一代 %.40q", "there is no generation %.40q to start from", p.Since).In(p.Edition).Because(err).
				Advise("gengtu history 列出保留的各代；不给 --since 则打完整包", "gengtu history lists those kept; without --since the package is a full one")
		}
		s, err := stateOf(p.Edition, old, m)
		if err != nil {
			return err
		}
		if p.then, err = index.OpenBase(edition.Path(p.Edition, old), m); err != nil {
			return err
		}
		kind, base = Delta, &s
	}
	state, err := stateOf(p.Edition, name, p.edition)
	if err == nil {
		p.now, err = index.OpenBase(edition.Path(p.Edition, name), p.edition)
	}
	if err != nil {
		return errors.Join(err, p.closeThen())
	}
	public := p.Signer.Public()
	p.out = Manifest{
		Format: Format, Kind: kind, Sequence: p.last.Sequence + 1, Previous: p.last.ID, Sender: Party{public.Name, public.ID()}, Receiver: p.Receiver,
		Created: p.Created.UTC().Format(time.RFC3339), Tier: p.edition.Tier, Grade: p.Grade, Mark: p.Mark, CRS: crs, State: state, Base: base,
		Layers: []Layer{}, Lineages: []Lineage{}, Approvals: append([]Approval{}, p.Approvals...), Tool: p.Program, Parts: []Part{},
	}
	return nil
}

// stateOf names a generation of an edition.
func stateOf(dir, name string, m *edition.Manifest) (State, error) {
	digest, err := index.ContentDigest(filepath.Join(edition.Path(dir, name), edition.FeaturesFile))
	return State{
		Generation: name, ContentHash: m.ContentHash, Features: digest, Drawing: m.Drawing,
		BuiltZooms: m.BuiltZooms, MaxZoom: m.MaxZoom, Policy: m.Policy,
	}, err
}

// layers writes a part for each layer that has something to say.
func (p *packing) layers(ctx context.Context) error {
	extent := geo.EmptyBox()
	for i := range p.edition.Layers {
		l := Layer{Layer: p.edition.Layers[i], Part: -1, Change: View}
		if e := l.Extent; e != nil {
			extent = extent.Union(geo.Box{Min: geo.PositionOf(geo.LonLat{Lon: e[0], Lat: e[1]}), Max: geo.PositionOf(geo.LonLat{Lon: e[2], Lat: e[3]})})
		}
		if l.View == nil {
			if err := p.layer(ctx, &l); err != nil {
				return fmt.Errorf("layer %s: %w", l.Key(), err)
			}
		}
		p.out.Layers = append(p.out.Layers, l)
	}
	if !extent.Empty() {
		lo, hi := extent.Min.LonLat(), extent.Max.LonLat()
		p.out.Extent = &[4]float64{lo.Lon, lo.Lat, hi.Lon, hi.Lat}
	}
	return nil
}

// layer writes the part of a stored layer.
func (p *packing) layer(ctx context.Context, l *Layer) error {
	l.Change = Whole
	if p.then != nil {
		if old := p.then.Layer(l.Name, l.Vintage); old != nil && sameSchema(old, &l.Layer) {
			l.Change = Changed
		}
	}
	w, err := newPartWriter(filepath.Join(p.tmp, "part"), p.Signer.Algorithm())
	if err != nil {
		return unwritten(p.Out, err)
	}
	var gone []uint64
	count := func(record []byte) error {
		f, err := index.DecodeRecord(record)
		if err != nil {
			return err
		}
		l.Sums.add(f.AreaM2, f.Patch, f.Net)
		if p.done++; p.Progress != nil {
			p.Progress(p.done, p.all)
		}
		return nil
	}
	put := func(record []byte) error {
		l.Put++
		return w.put(record)
	}
	if l.Change == Whole {
		err = p.now.Records(ctx, l.Key(), func(record []byte) error { return errors.Join(count(record), put(record)) })
	} else if err = p.now.Records(ctx, l.Key(), count); err == nil {
		gone, err = p.now.Differences(ctx, p.then, l.Key(), put)
	}
	if err == nil {
		err = w.delete(gone)
	}
	l.Deleted = len(gone)
	part, err := p.closePart(w, err)
	if err != nil {
		return err
	}
	if l.Change == Changed && l.Put+l.Deleted == 0 {
		l.Change = Same
		return os.Remove(w.file.Name())
	}
	l.Part = len(p.out.Parts)
	return p.keep(part)
}

// closePart ends a part whose writing met err.
func (p *packing) closePart(w *partWriter, err error) (Part, error) {
	part, cerr := w.close("", p.Signer.Algorithm())
	if err = errors.Join(err, cerr); err != nil {
		return part, errors.Join(err, os.Remove(w.file.Name()))
	}
	return part, nil
}

// keep takes the part that was written into the package.
func (p *packing) keep(part Part) error {
	part.Name = partName(len(p.out.Parts))
	if len(p.out.Parts) == MaxParts {
		return problem.New("PACK_PARTS", "图层过多：超过 %d 个部分", "too many layers: more than %d parts", MaxParts).In(p.Edition)
	}
	p.out.Parts = append(p.out.Parts, part)
	return os.Rename(filepath.Join(p.tmp, "part"), p.partFile(len(p.out.Parts)-1))
}

func (p *packing) partFile(i int) string { return filepath.Join(p.tmp, fmt.Sprintf("%04d", i)) }

// sameSchema tells whether a layer's features can be compared as they are stored.
func sameSchema(a, b *edition.Layer) bool {
	return a.View == nil && b.View == nil && slices.Equal(a.Fields, b.Fields) && a.ClassField == b.ClassField && a.Title == b.Title
}

// lineages writes the lineages, which are few, all of them.
func (p *packing) lineages() error {
	all, err := p.now.Lineages()
	if err != nil {
		return err
	}
	for _, g := range all {
		w, err := newPartWriter(filepath.Join(p.tmp, "part"), p.Signer.Algorithm())
		if err != nil {
			return unwritten(p.Out, err)
		}
		part, err := p.closePart(w, w.links(g.Links()))
		if err != nil {
			return err
		}
		p.out.Lineages = append(p.out.Lineages, Lineage{g.Layer, g.From, g.To, len(p.out.Parts), len(g.Links())})
		if err := p.keep(part); err != nil {
			return err
		}
	}
	return nil
}

// finish signs the manifest and puts the file together.
func (p *packing) finish(ctx context.Context) error {
	p.out.ID = p.id()
	if err := p.approve(ctx); err != nil {
		return err
	}
	data, err := p.out.encode()
	if err != nil {
		return err
	}
	if len(data) > MaxManifestBytes {
		return problem.New("PACK_PARTS", "清单有 %d 字节，上限 %d", "the manifest has %d bytes, the limit is %d", len(data), MaxManifestBytes).In(p.Edition)
	}
	if _, err := parseManifest(p.Out, data); err != nil {
		return err // what no receiver would take is not sent
	}
	s, err := seal.Sign(ctx, p.Signer, seal.Package, data)
	if err != nil {
		return err
	}
	signature, err := encodeSignature(s)
	if err != nil {
		return err
	}
	file := filepath.Join(p.tmp, "package")
	if err := p.write(ctx, file, data, signature); err != nil {
		return unwritten(p.Out, err)
	}
	return p.place(file)
}

// approve has those sign who approve.
func (p *packing) approve(ctx context.Context) error {
	message, err := p.out.approved()
	if err != nil {
		return err
	}
	first := len(p.out.Approvals) - len(p.Approvers)
	for i, by := range p.Approvers {
		s, err := seal.Sign(ctx, by, seal.Approval, message)
		if err != nil {
			return err
		}
		p.out.Approvals[first+i].Signature = &s
	}
	return nil
}

// place puts the package, which is whole, where it is to be: a second name for it fails
// where there is a file, whoever made that meanwhile.
func (p *packing) place(file string) error {
	if p.Existing == Keep {
		err := os.Link(file, p.Out)
		if err == nil {
			return nil
		}
		if _, lerr := os.Lstat(p.Out); lerr == nil {
			return exists(p.Out)
		}
		// The disk knows no second names.
	}
	if err := os.Rename(file, p.Out); err != nil {
		return unwritten(p.Out, err)
	}
	return nil
}

// id names the package by who sends it, its sequence and what it holds.
func (p *packing) id() string {
	h := seal.Ed25519.NewHash()
	for _, part := range p.out.Parts {
		h.Write([]byte(part.Digest + "\n"))
	}
	h.Write(fmt.Appendf(nil, "%s\n%s\n%s\n%d\n%s\n", p.out.Sender.Key, p.out.Receiver, p.out.State.ContentHash, p.out.Sequence, p.out.Created))
	day := p.Created.UTC().Format("20060102")
	return fmt.Sprintf("gtp-%s-%s-%06d-%x", p.out.Tier, day, p.out.Sequence, h.Sum(nil)[:4])
}

// encodeSignature is the one form of the signature's file.
func encodeSignature(s seal.Signature) ([]byte, error) {
	data, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("signature: %w", err)
	}
	return append(data, '\n'), nil
}

// write writes the package, encrypted if it is to be.
func (p *packing) write(ctx context.Context, path string, manifest, signature []byte) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var to io.Writer = f
	var sealed io.WriteCloser
	if p.Recipient != nil {
		if sealed, err = seal.Encrypt(ctx, f, p.Recipient); err != nil {
			return err
		}
		to = sealed
	}
	if err := p.writeAll(ctx, to, manifest, signature); err != nil {
		return err
	}
	if sealed != nil {
		if err := sealed.Close(); err != nil {
			return err
		}
	}
	return f.Sync()
}

func (p *packing) writeAll(ctx context.Context, to io.Writer, manifest, signature []byte) error {
	for _, m := range []struct {
		name string
		data []byte
	}{{manifestName, manifest}, {signatureName, signature}} {
		if err := writeEntry(to, m.name, int64(len(m.data)), newBytes(m.data)); err != nil {
			return err
		}
	}
	for i, part := range p.out.Parts {
		if err := ctx.Err(); err != nil {
			return err
		}
		f, err := os.Open(p.partFile(i))
		if err != nil {
			return err
		}
		err = writeEntry(to, part.Name, part.Bytes, f)
		if err = cmp.Or(err, f.Close()); err != nil {
			return err
		}
	}
	return writeEnd(to)
}
