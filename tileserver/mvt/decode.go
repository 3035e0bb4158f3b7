package mvt

import (
	"encoding/binary"
	"math"

	"gengtu/index/problem"
)

// MaxBytes is the size of the largest tile that [Decode] and [Validate] read,
// far above any tile that a map client could draw.
const MaxBytes = 64 << 20

// ErrInvalid stands, for errors.Is, for all problems of bytes that are no valid
// vector tile 2.1.
var ErrInvalid = problem.New("MVT_INVALID", "不是有效的矢量瓦片", "not a valid vector tile")

// ErrNotPolygon stands for a valid tile that [Decode] does not read because it
// holds points or lines.
var ErrNotPolygon = problem.New("MVT_NOT_POLYGON", "瓦片中有非多边形要素", "the tile holds a feature that is no polygon")

// rawLayer is a layer as its bytes say it, before its geometry is read.
type rawLayer struct {
	name     string
	version  uint64
	extent   uint64
	keys     []string
	values   []any
	features []rawFeature
	hasName  bool
	hasVer   bool
}

type rawFeature struct {
	id       uint64
	kind     uint64
	tags     []uint32
	geometry []uint32
	hasKind  bool
	hasGeom  bool
}

// Decode reads a tile of polygon layers.
//
// Data is checked as [Validate] checks it, but for the crossings of rings. Every
// number keeps its exact value: int, uint and sint become int64, float and
// double float64; only a uint above 2^63-1 becomes the nearest float64. An id of 0 reads as none. Nothing of data is kept. Data that
// are no valid tile give a [*problem.Problem] that matches [ErrInvalid], points
// and lines [ErrNotPolygon]; memory stays within a fixed multiple of len(data).
func Decode(data []byte) ([]Layer, error) {
	raw, err := parse(data)
	if err != nil {
		return nil, err
	}
	layers := make([]Layer, 0, len(raw))
	for i := range raw {
		rl := &raw[i]
		l := Layer{Name: rl.name, Features: make([]Feature, 0, len(rl.features))}
		for j := range rl.features {
			rf := &rl.features[j]
			if rf.kind != typePolygon {
				return nil, problem.New("MVT_NOT_POLYGON", "图层 %q 的第 %d 个要素类型为 %d，不是多边形",
					"layer %q, feature %d is of type %d, not a polygon", rl.name, j+1, rf.kind)
			}
			polygons, err := rf.polygons()
			if err != nil {
				return nil, inFeature(err, rl.name, j)
			}
			l.Features = append(l.Features, Feature{ID: rf.id, Tags: rl.tagsOf(rf), Polygons: polygons})
		}
		layers = append(layers, l)
	}
	return layers, nil
}

// tagsOf resolves f's tags; parse has checked the indices.
func (l *rawLayer) tagsOf(f *rawFeature) []Tag {
	if len(f.tags) == 0 {
		return nil
	}
	tags := make([]Tag, 0, len(f.tags)/2)
	for i := 0; i+1 < len(f.tags); i += 2 {
		tags = append(tags, Tag{l.keys[f.tags[i]], l.values[f.tags[i+1]]})
	}
	return tags
}

// invalid returns what makes the bytes no tile, as an error that matches ErrInvalid.
func invalid(zh, en string, args ...any) *problem.Problem {
	return problem.New("MVT_INVALID", zh, en, args...)
}

// inFeature adds the place to what a feature's geometry was found to be.
func inFeature(err *problem.Problem, layer string, i int) *problem.Problem {
	return invalid("图层 %[1]q 第 %[2]d 个要素：%[3]s", "layer %[1]q, feature %[2]d: %[4]s",
		layer, i+1, err.Found(problem.Chinese), err.Found(problem.English)).Because(err)
}

// wire reads protobuf fields one after the other.
type wire struct {
	data []byte
	at   int
}

func (w *wire) more() bool { return w.at < len(w.data) }

func (w *wire) varint() (uint64, *problem.Problem) {
	v, n := binary.Uvarint(w.data[w.at:])
	if n <= 0 {
		return 0, invalid("第 %d 字节处的数字不完整", "broken number at byte %d", w.at)
	}
	w.at += n
	return v, nil
}

// field reads a field's number and wire type.
func (w *wire) field() (number, kind uint64, err *problem.Problem) {
	v, err := w.varint()
	if err == nil && (v>>3 == 0 || v>>3 >= 1<<29) {
		err = invalid("第 %d 字节处字段号 %d 无效", "before byte %d: field number %d does not exist", w.at, v>>3)
	}
	return v >> 3, v & 7, err
}

func (w *wire) bytes() ([]byte, *problem.Problem) {
	n, err := w.varint()
	if err != nil {
		return nil, err
	}
	if n > uint64(len(w.data)-w.at) {
		return nil, invalid("第 %d 字节处声明 %d 字节，只剩 %d 字节", "at byte %d: %d bytes announced, %d left", w.at, n, len(w.data)-w.at)
	}
	b := w.data[w.at : w.at+int(n)]
	w.at += int(n)
	return b, nil
}

func (w *wire) fixed(n int) ([]byte, *problem.Problem) {
	if n > len(w.data)-w.at {
		return nil, invalid("第 %d 字节处需要 %d 字节，只剩 %d 字节", "at byte %d: %d bytes needed, %d left", w.at, n, len(w.data)-w.at)
	}
	b := w.data[w.at : w.at+n]
	w.at += n
	return b, nil
}

// skip passes over the value of a field that the specification lets others add.
func (w *wire) skip(kind uint64) *problem.Problem {
	var err *problem.Problem
	switch kind {
	case wireVarint:
		_, err = w.varint()
	case wireFixed64:
		_, err = w.fixed(8)
	case wireBytes:
		_, err = w.bytes()
	case wireFixed32:
		_, err = w.fixed(4)
	default:
		err = invalid("第 %d 字节处的编码类型 %d 不存在", "before byte %d: wire type %d does not exist", w.at, kind)
	}
	return err
}

// want checks a field's wire type.
func want(field string, got, kind uint64) *problem.Problem {
	if got != kind {
		return invalid("字段 %s 的编码类型是 %d，应为 %d", "field %s has wire type %d, not %d", field, got, kind)
	}
	return nil
}

// parse reads the messages of a tile and checks everything but geometry.
func parse(data []byte) ([]rawLayer, error) {
	if len(data) > MaxBytes {
		return nil, problem.New("MVT_TOO_LARGE", "瓦片有 %d 字节，上限 %d", "the tile has %d bytes, the limit is %d", len(data), MaxBytes)
	}
	var layers []rawLayer
	names := map[string]bool{}
	for w := (&wire{data: data}); w.more(); {
		number, kind, err := w.field()
		if err != nil {
			return nil, err
		}
		if number != tileLayer {
			if err := w.skip(kind); err != nil {
				return nil, err
			}
			continue
		}
		if err := want("layers", kind, wireBytes); err != nil {
			return nil, err
		}
		b, err := w.bytes()
		if err != nil {
			return nil, err
		}
		l, err := parseLayer(b)
		if err != nil {
			return nil, err
		}
		if names[l.name] {
			return nil, invalid("图层名 %q 出现两次", "layer name %q appears twice", l.name)
		}
		names[l.name] = true
		layers = append(layers, *l)
	}
	return layers, nil
}

func parseLayer(data []byte) (*rawLayer, *problem.Problem) {
	l := &rawLayer{extent: Extent}
	for w := (&wire{data: data}); w.more(); {
		number, kind, err := w.field()
		if err != nil {
			return nil, err
		}
		switch number {
		case layerName, layerFeature, layerKey, layerValue:
			if err = want("name, features, keys or values", kind, wireBytes); err != nil {
				return nil, err
			}
			var b []byte
			if b, err = w.bytes(); err == nil {
				err = l.add(number, b)
			}
		case layerExtent:
			if err = want("extent", kind, wireVarint); err == nil {
				l.extent, err = w.varint()
			}
		case layerVersion:
			if err = want("version", kind, wireVarint); err == nil {
				l.version, err = w.varint()
				l.hasVer = true
			}
		default:
			err = w.skip(kind)
		}
		if err != nil {
			return nil, err
		}
	}
	return l, l.check()
}

// add enters one repeated or named field of a layer.
func (l *rawLayer) add(number uint64, b []byte) *problem.Problem {
	switch number {
	case layerName:
		l.name, l.hasName = string(b), true
	case layerKey:
		l.keys = append(l.keys, string(b))
	case layerValue:
		v, err := parseValue(b)
		if err != nil {
			return err
		}
		l.values = append(l.values, v)
	case layerFeature:
		f, err := parseFeature(b)
		if err != nil {
			return err
		}
		l.features = append(l.features, f)
	}
	return nil
}

// check holds the rules of 4.1, 4.2 and 4.4 that need the whole layer.
func (l *rawLayer) check() *problem.Problem {
	switch {
	case !l.hasName || l.name == "":
		return invalid("图层没有名称", "a layer without a name")
	case !l.hasVer || l.version != 1 && l.version != version:
		return invalid("图层 %q 的版本是 %d，应为 1 或 2", "layer %q has version %d, not 1 or 2", l.name, l.version)
	case l.extent == 0 || l.extent > math.MaxInt32:
		return invalid("图层 %q 的范围是 %d", "layer %q has the extent %d", l.name, l.extent)
	}
	for i := range l.features {
		f := &l.features[i]
		if len(f.tags)%2 != 0 {
			return invalid("图层 %q 第 %d 个要素有 %d 个标签编号，应为偶数", "layer %q, feature %d has %d tag numbers, an odd count", l.name, i+1, len(f.tags))
		}
		for j := 0; j < len(f.tags); j += 2 {
			if k, v := f.tags[j], f.tags[j+1]; uint64(k) >= uint64(len(l.keys)) || uint64(v) >= uint64(len(l.values)) {
				return invalid("图层 %q 第 %d 个要素的标签指向键 %d、值 %d，但只有 %d 个键、%d 个值",
					"layer %q, feature %d: a tag points to key %d and value %d, of %d keys and %d values", l.name, i+1, k, v, len(l.keys), len(l.values))
			}
		}
		if !f.hasKind || !f.hasGeom {
			return invalid("图层 %q 第 %d 个要素缺少类型或几何", "layer %q, feature %d has no type or no geometry", l.name, i+1)
		}
		if f.kind > typePolygon {
			return invalid("图层 %q 第 %d 个要素的几何类型是 %d", "layer %q, feature %d has the geometry type %d", l.name, i+1, f.kind)
		}
	}
	return nil
}

func parseFeature(data []byte) (rawFeature, *problem.Problem) {
	var f rawFeature
	for w := (&wire{data: data}); w.more(); {
		number, kind, err := w.field()
		if err != nil {
			return f, err
		}
		switch number {
		case featureID:
			if err = want("id", kind, wireVarint); err == nil {
				f.id, err = w.varint()
			}
		case featureType:
			if err = want("type", kind, wireVarint); err == nil {
				f.kind, err = w.varint()
				f.hasKind = true
			}
		case featureTags:
			f.tags, err = w.packed("tags", kind, f.tags != nil)
		case featureGeom:
			f.geometry, err = w.packed("geometry", kind, f.hasGeom)
			f.hasGeom = true
		default:
			err = w.skip(kind)
		}
		if err != nil {
			return f, err
		}
	}
	return f, nil
}

// packed reads a list of uint32, which must not have been read before.
func (w *wire) packed(field string, kind uint64, again bool) ([]uint32, *problem.Problem) {
	if err := want(field, kind, wireBytes); err != nil {
		return nil, err
	}
	if again {
		return nil, invalid("字段 %s 出现两次", "field %s appears twice", field)
	}
	b, err := w.bytes()
	if err != nil {
		return nil, err
	}
	list := make([]uint32, 0, len(b))
	for in := (&wire{data: b}); in.more(); {
		v, err := in.varint()
		if err != nil {
			return nil, err
		}
		if v > math.MaxUint32 {
			return nil, invalid("字段 %s 的数 %d 超过 32 位", "field %s: %d does not fit 32 bits", field, v)
		}
		list = append(list, uint32(v))
	}
	return list, nil
}

// parseValue reads a value, which has exactly one field (4.1).
func parseValue(data []byte) (any, *problem.Problem) {
	var v any
	for w := (&wire{data: data}); w.more(); {
		number, kind, err := w.field()
		if err != nil {
			return nil, err
		}
		if v != nil {
			return nil, invalid("一个值有多个字段", "a value has more than one field")
		}
		if v, err = w.value(number, kind); err != nil {
			return nil, err
		}
	}
	if v == nil {
		return nil, invalid("一个值没有字段", "a value has no field")
	}
	return v, nil
}

func (w *wire) value(number, kind uint64) (any, *problem.Problem) {
	wires := [...]uint64{valueString: wireBytes, valueFloat: wireFixed32, valueDouble: wireFixed64,
		valueInt: wireVarint, valueUint: wireVarint, valueSint: wireVarint, valueBool: wireVarint}
	if number == 0 || number >= uint64(len(wires)) {
		return nil, invalid("值的字段号 %d 不存在", "a value has the field number %d, which does not exist", number)
	}
	if err := want("value", kind, wires[number]); err != nil {
		return nil, err
	}
	switch kind {
	case wireBytes:
		b, err := w.bytes()
		return string(b), err
	case wireFixed32:
		b, err := w.fixed(4)
		if err != nil {
			return nil, err
		}
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b))), nil
	case wireFixed64:
		b, err := w.fixed(8)
		if err != nil {
			return nil, err
		}
		return math.Float64frombits(binary.LittleEndian.Uint64(b)), nil
	}
	u, err := w.varint()
	if err != nil {
		return nil, err
	}
	switch number {
	case valueBool:
		return u != 0, nil
	case valueSint:
		return int64(u>>1) ^ -int64(u&1), nil
	case valueUint:
		if u > math.MaxInt64 {
			return float64(u), nil
		}
	}
	return int64(u), nil
}
