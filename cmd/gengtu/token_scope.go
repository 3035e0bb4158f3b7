package main

import (
	"errors"
	"io"
	"net/netip"
	"strings"

	"gengtu/index/areas"
	"gengtu/index/extract"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/index/problem"
	"gengtu/tileserver/access"
)

// tokenFlags are the flags of `gengtu token`.
type tokenFlags struct {
	file, tier, name              string
	days                          int
	until                         string
	layers, places, area          string
	zooms, operations             string
	origins, addresses, areaInCRS string
	rate                          float64
	burst                         int
	editions                      list
}

func (f *tokenFlags) define(fs *flags) {
	fs.StringVar(&f.file, "access", "", "令牌文件|the access file")
	fs.StringVar(&f.tier, "tier", "", "能开哪一版|the tier it opens")
	fs.StringVar(&f.name, "name", "", "名称|its name")
	fs.IntVar(&f.days, "days", 0, "有效天数，0 为不限|days until it expires, 0 for never")
	fs.StringVar(&f.until, "until", "", "有效到这天（含，UTC）或时刻|valid to the end of this day (UTC), or until this time")
	fs.StringVar(&f.layers, "layers", "", "只能到的图层，逗号分隔|the layers it reaches, a comma between; all otherwise")
	fs.StringVar(&f.places, "place", "", "只能到的地点代码，逗号分隔|the codes of the places it reaches, a comma between")
	fs.StringVar(&f.area, "area", "", "只能到的范围，面文件|a file of polygons: the area it reaches")
	fs.StringVar(&f.areaInCRS, "crs", "", "范围文件的坐标系，如 EPSG:4523|the coordinate system of --area, such as EPSG:4523")
	fs.StringVar(&f.zooms, "zooms", "", "瓦片级别，如 5-14|the zooms of tiles, such as 5-14")
	fs.StringVar(&f.operations, "operations", "", "只能做的操作：tiles,features,overlay,analyses,exchange|what it may ask: tiles,features,overlay,analyses,exchange")
	fs.Var(&f.editions, "edition", "版本目录，可多次：核对图层、地点和范围是否在其中|an edition in which layers, places and the area must be; may be repeated")
	fs.Float64Var(&f.rate, "rate", 0, "每秒请求数，0 为不限|requests a second, 0 for no bound")
	fs.IntVar(&f.burst, "burst", 0, "一次可连续的请求数，默认两秒的量|requests at once, two seconds' worth by default")
	fs.StringVar(&f.origins, "origins", "", "浏览器令牌：只能从这些网页来源用|for browsers: the origins of the pages that use it, https://host, a comma between")
	fs.StringVar(&f.addresses, "addresses", "", "服务器令牌：只能从这些地址段用|for servers: the networks that it is used from, 10.1.0.0/16, a comma between")
}

// commaList divides a comma list; empty text is no list.
func commaList(text string) []string {
	if text == "" {
		return nil
	}
	out := strings.Split(text, ",")
	for i := range out {
		out[i] = strings.TrimSpace(out[i])
	}
	return out
}

// tokenScope is what the flags say that a token reaches; nil is its whole tier.
func (e *env) tokenScope(f *tokenFlags) (*access.Scope, error) {
	s := access.Scope{Layers: commaList(f.layers), Places: commaList(f.places)}
	for _, o := range commaList(f.operations) {
		s.Operations = append(s.Operations, access.Operation(o))
	}
	if f.zooms != "" {
		var err error
		if s.MinZoom, s.MaxZoom, err = zoomRange(f.zooms); err != nil {
			return nil, err
		}
		if s.MaxZoom == 0 { // would be no bound
			return nil, usage("ZOOMS", "--zooms 的最高级至少为 1", "the highest of --zooms is 1 at least")
		}
	}
	if f.area != "" {
		var err error
		if s.Area, err = e.readArea(f.area, f.areaInCRS); err != nil {
			return nil, err
		}
	}
	if len(s.Layers)+len(s.Places)+len(s.Operations)+s.MinZoom+s.MaxZoom == 0 && s.Area == "" {
		return nil, nil
	}
	return &s, nil
}

// readArea returns the ground of all polygons of a file as one GeoJSON geometry: what
// several of them cover counts once, and holes stay where no other polygon fills them.
func (e *env) readArea(path, crs string) (string, error) {
	in, err := e.readShapes(nil, path, "", crs)
	if err != nil {
		return "", err
	}
	defer in.close()
	var parts []geo.MultiPolygon
	vertices := 0
	for record := int64(1); ; record++ {
		g, err := in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		part, err := areaPart(&g, err, in.crs)
		if err != nil {
			return "", ofRecord(err, path, record)
		}
		if vertices += part.Vertices(); vertices > extract.MaxAreaVertices {
			return "", problem.New("TOO_LARGE_AREA", "范围的顶点多于 %d 个", "the area has more than %d positions", extract.MaxAreaVertices).In(path).
				Advise("简化轮廓，或用 --place 给行政区代码", "make the outline simpler, or name places with --place")
		}
		parts = append(parts, part)
	}
	whole, err := overlay.Dissolve(e.ctx, parts)
	if err != nil {
		return "", ofRecord(err, path, 0)
	}
	if len(whole) == 0 {
		return "", errNoShape.In(path)
	}
	return string(geo.AppendGeoJSON(nil, whole)), nil
}

// areaPart is the ground of one shape that was read with err.
func areaPart(g *areas.Given, err error, crs geo.CRS) (geo.MultiPolygon, error) {
	if err == nil {
		err = g.Err
	}
	if err != nil {
		return nil, err
	}
	shape, err := areas.Shape(g.Polygons, crs)
	if err != nil {
		return nil, err
	}
	part, _, err := overlay.Mend(shape)
	return part, err
}

// ofRecord names the file, and the record unless it is 0, of a problem that has none.
func ofRecord(err error, path string, record int64) error {
	p := problem.Of(err)
	if p == nil {
		return err
	}
	if p.Record == 0 {
		p = p.At(record, p.Key)
	}
	return p.In(path)
}

// bounds are what the flags bind a token to beside its scope.
func (f *tokenFlags) bounds() (access.Bounds, error) {
	b := access.Bounds{Rate: f.rate, Burst: f.burst, Origins: commaList(f.origins)}
	var err error
	b.Addresses, err = networks("addresses", f.addresses)
	return b, err
}

// networks reads a comma list of networks, and of addresses that stand alone.
func networks(name, text string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range commaList(text) {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			a, aerr := netip.ParseAddr(s)
			if aerr != nil {
				return nil, usageError{problem.New("NETWORK", "--%s 中的 %.60q 不是地址段", "%.60[2]q in --%[1]s is no network", name, s).
					Advise("例如 10.1.0.0/16", "for example 10.1.0.0/16")}
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		out = append(out, p)
	}
	return out, nil
}
