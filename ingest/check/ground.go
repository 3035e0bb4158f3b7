package check

import (
	"encoding/binary"
	"fmt"
	"os"
	"strings"

	"gengtu/index/disk"
	"gengtu/index/geo"
)

// ground is the features of one layer, vintage and level (of places: how many digits
// their codes have) whose shapes are held against each other.
//
// Shapes are kept as bytes, in memory up to a limit and in a file without a name
// beyond it; of each feature 48 bytes stay.
type ground struct {
	layer  *layerCheck
	digits int // of the places' codes; 0: the features are no places
	level  int // how many of them are not there to fill up
	zeros  int // that all codes end in, at least
	items  []item
	table  edgeTable
	closed bool   // all features are put
	border []edge // what stays of the table, once all is read
	vault  *vault
	tree   *boxTree // made when it is asked for
	knots  knots    // of all features
}

// item is a feature of a ground: its place in the vault and the box around it.
type item struct {
	box  geo.Box
	at   int64
	size int32
}

// part is a feature as its bytes in the vault say.
type part struct {
	file   int
	record int64
	key    string
	code   string
	shape  geo.MultiPolygon
}

// packed is a feature made ready to be put: by workers, so that who puts it has
// little to do.
type packed struct {
	box   geo.Box
	bytes []byte
	edges []uint64 // fingerprints with the direction in the lowest bit
}

// pack makes a feature ready.
func pack(p *part) *packed {
	n := 0
	for _, poly := range p.shape {
		for _, r := range poly {
			n += len(r)
		}
	}
	out := &packed{box: p.shape.Box(), edges: make([]uint64, 0, n)}
	b := make([]byte, 0, 24+len(p.key)+len(p.code)+8*n)
	b = binary.AppendUvarint(b, uint64(p.file))
	b = binary.AppendVarint(b, p.record)
	for _, s := range [...]string{p.key, p.code} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	b = binary.AppendUvarint(b, uint64(len(p.shape)))
	var last geo.Position
	for _, poly := range p.shape {
		b = binary.AppendUvarint(b, uint64(len(poly)))
		for _, r := range poly {
			b = binary.AppendUvarint(b, uint64(len(r)))
			for i, v := range r {
				b = binary.AppendVarint(b, v.Lon-last.Lon)
				b = binary.AppendVarint(b, v.Lat-last.Lat)
				last = v
				if i > 0 {
					out.edges = append(out.edges, fingerprint(r[i-1], v))
				}
			}
		}
	}
	out.bytes = b
	return out
}

// keep adds a packed feature whose edges are not summed.
func (g *ground) keep(p *packed) error {
	at, err := g.vault.put(p.bytes)
	if err == nil {
		g.items = append(g.items, item{p.box, at, int32(len(p.bytes))})
	}
	return err
}

// put adds a packed feature.
func (g *ground) put(p *packed) error {
	n := uint32(len(g.items))
	if err := g.keep(p); err != nil {
		return err
	}
	for _, e := range p.edges {
		g.table.add(e, n)
	}
	return nil
}

// note looks at the code of a place.
func (g *ground) note(code string) {
	g.zeros = min(g.zeros, len(code)-len(strings.TrimRight(code, "0")))
}

// head returns feature n without its shape, which may be large and be asked about often.
func (g *ground) head(n uint32) (part, error) {
	p, _, err := g.open(n)
	return p, err
}

// open returns feature n without its shape, and what that is unpacked from.
func (g *ground) open(n uint32) (part, unpacker, error) {
	it := g.items[n]
	b, err := g.vault.get(it.at, int(it.size))
	if err != nil {
		return part{}, unpacker{}, err
	}
	u := unpacker{b: b}
	p := part{file: int(u.unsigned()), record: u.signed()}
	p.key, p.code = u.text(), u.text()
	return p, u, nil
}

// get returns feature n.
func (g *ground) get(n uint32) (part, error) {
	p, u, err := g.open(n)
	if err != nil {
		return part{}, err
	}
	p.shape = make(geo.MultiPolygon, u.unsigned())
	var last geo.Position
	for i := range p.shape {
		p.shape[i] = make(geo.Polygon, u.unsigned())
		for k := range p.shape[i] {
			r := make(geo.Ring, u.unsigned())
			for v := range r {
				last = geo.Position{Lon: last.Lon + u.signed(), Lat: last.Lat + u.signed()}
				r[v] = last
			}
			p.shape[i][k] = r
		}
	}
	return p, nil
}

// unpacker reads what pack wrote; it is our own and whole.
type unpacker struct{ b []byte }

func (u *unpacker) unsigned() uint64 {
	v, n := binary.Uvarint(u.b)
	u.b = u.b[n:]
	return v
}

func (u *unpacker) signed() int64 {
	v, n := binary.Varint(u.b)
	u.b = u.b[n:]
	return v
}

func (u *unpacker) text() string {
	n := u.unsigned()
	s := string(u.b[:n])
	u.b = u.b[n:]
	return s
}

// vault keeps byte strings: in memory up to limit bytes, in a file without a name
// beyond it. All grounds of a check share one. Not for concurrent use.
type vault struct {
	limit  int64
	held   int64
	chunks []chunk
	file   *os.File
	end    int64
}

// chunk is a piece of the vault; data is nil when it lies in the file at start.
type chunk struct {
	data  []byte
	start int64
}

const chunkBytes = 1 << 20

// put keeps b and returns where.
func (v *vault) put(b []byte) (int64, error) {
	if n := len(v.chunks); n == 0 || len(v.chunks[n-1].data)+len(b) > cap(v.chunks[n-1].data) {
		if err := v.room(max(chunkBytes, len(b))); err != nil {
			return 0, err
		}
	}
	n := len(v.chunks) - 1
	at := int64(n)<<32 | int64(len(v.chunks[n].data))
	v.chunks[n].data = append(v.chunks[n].data, b...)
	return at, nil
}

// room begins a chunk; past the limit the one before goes to the file.
func (v *vault) room(size int) error {
	if n := len(v.chunks); n > 0 && v.held+int64(size) > v.limit {
		if err := v.store(&v.chunks[n-1]); err != nil {
			return err
		}
	}
	v.held += int64(size)
	v.chunks = append(v.chunks, chunk{data: make([]byte, 0, size)})
	return nil
}

func (v *vault) store(c *chunk) error {
	if v.file == nil {
		f, err := disk.Passing("", ".gengtu-check-*")
		if err != nil {
			return err
		}
		v.file = f
	}
	if _, err := v.file.WriteAt(c.data, v.end); err != nil {
		return err
	}
	c.start = v.end
	v.end += int64(len(c.data))
	v.held -= int64(cap(c.data))
	c.data = nil
	return nil
}

// get returns size bytes from at. What it returns is not to be written to.
func (v *vault) get(at int64, size int) ([]byte, error) {
	c := v.chunks[at>>32]
	from := at & (1<<32 - 1)
	if c.data != nil {
		return c.data[from : from+int64(size)], nil
	}
	b := make([]byte, size)
	if _, err := v.file.ReadAt(b, c.start+from); err != nil {
		return nil, fmt.Errorf("passing file of shapes: %w", err)
	}
	return b, nil
}

// close gives the file up.
func (v *vault) close() error {
	if v.file == nil {
		return nil
	}
	err := v.file.Close()
	v.file = nil
	return err
}
