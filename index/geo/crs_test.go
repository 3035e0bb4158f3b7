package geo_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"gengtu/index/geo"
)

func TestEPSG(t *testing.T) {
	for _, c := range []struct {
		code     int
		want     int
		name     string
		meridian float64
	}{
		{4490, 4490, "GCS_China_Geodetic_Coordinate_System_2000", 0},
		{4326, 4490, "GCS_China_Geodetic_Coordinate_System_2000", 0},
		{3857, 3857, "WGS_1984_Web_Mercator_Auxiliary_Sphere", 0},
		{4491, 4491, "CGCS2000_GK_Zone_13", 75},
		{4501, 4501, "CGCS2000_GK_Zone_23", 135},
		{4502, 4502, "CGCS2000_GK_CM_75E", 75},
		{4512, 4512, "CGCS2000_GK_CM_135E", 135},
		{4513, 4513, "CGCS2000_3_Degree_GK_Zone_25", 75},
		{4524, 4524, "CGCS2000_3_Degree_GK_Zone_36", 108},
		{4533, 4533, "CGCS2000_3_Degree_GK_Zone_45", 135},
		{4534, 4534, "CGCS2000_3_Degree_GK_CM_75E", 75},
		{4554, 4554, "CGCS2000_3_Degree_GK_CM_135E", 135},
	} {
		got, err := geo.EPSG(c.code)
		if err != nil || got.EPSG() != c.want || got.Name() != c.name || got.CentralMeridian() != c.meridian {
			t.Errorf("EPSG(%d) = %v %q %v, %v", c.code, got, got.Name(), got.CentralMeridian(), err)
		}
		if got.Geographic() != (c.want == 4490) {
			t.Errorf("EPSG(%d).Geographic() = %v", c.code, got.Geographic())
		}
	}
	var zero geo.CRS
	if zero != mustEPSG(t, 4490) {
		t.Error("the zero value is not EPSG:4490")
	}
}

func TestEPSGRefused(t *testing.T) {
	for _, c := range []struct {
		name        string
		code        int
		kind        error
		convertible bool
	}{
		{"Beijing 1954", 4214, geo.ErrCRSControlled, false},
		{"Beijing 1954, 6 degree zone 18", 21418, geo.ErrCRSControlled, false},
		{"Beijing 1954, 3 degree", 2437, geo.ErrCRSControlled, false},
		{"New Beijing", 4555, geo.ErrCRSControlled, false},
		{"Xi'an 1980", 4610, geo.ErrCRSControlled, false},
		{"Xi'an 1980, 3 degree zone 36", 2360, geo.ErrCRSControlled, false},
		{"WGS 84 / UTM 48N", 32648, geo.ErrCRSUnsupported, true},
		{"RD New", 28992, geo.ErrCRSUnsupported, true},
		{"none", 0, geo.ErrCRSUnsupported, true},
		{"below the zones", 4489, geo.ErrCRSUnsupported, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := geo.EPSG(c.code)
			var e *geo.CRSError
			if !errors.As(err, &e) || !errors.Is(err, c.kind) || e.Convertible() != c.convertible {
				t.Errorf("EPSG(%d): %v", c.code, err)
			}
		})
	}
}

func TestParseCRSName(t *testing.T) {
	for _, c := range []struct {
		name string
		want int // 0: refused
		kind error
	}{
		{"EPSG:4524", 4524, nil},
		{" epsg:4490 ", 4490, nil},
		{"4524", 4524, nil},
		{"urn:ogc:def:crs:EPSG::4490", 4490, nil},
		{"urn:ogc:def:crs:EPSG:6.18:4524", 4524, nil},
		{"urn:x-ogc:def:crs:EPSG:4326", 4490, nil},
		{"http://www.opengis.net/def/crs/EPSG/0/4490", 4490, nil},
		{"https://www.opengis.net/def/crs/EPSG/0/3857", 3857, nil},
		{"http://www.opengis.net/gml/srs/epsg.xml#4526", 4526, nil},
		{"urn:ogc:def:crs:OGC:1.3:CRS84", 4490, nil},
		{"http://www.opengis.net/def/crs/OGC/1.3/CRS84", 4490, nil},
		{"OGC:CRS84", 4490, nil},
		{"CRS84", 4490, nil},
		{"CGCS2000", 4490, nil},
		{"CGCS2000_3_Degree_GK_Zone_36", 4524, nil},
		{"cgcs2000 3-degree GK CM 108E", 4545, nil},
		{"CGCS2000_GK_CM_75E", 4502, nil},

		{"EPSG:4610", 0, geo.ErrCRSControlled},
		{"Beijing_1954_3_Degree_GK_Zone_36", 0, geo.ErrCRSControlled},
		{"西安80", 0, geo.ErrCRSControlled},
		{"EPSG:28992", 0, geo.ErrCRSUnsupported},
		{"", 0, geo.ErrCRSUnreadable},
		{"EPSG:", 0, geo.ErrCRSUnreadable},
		{"EPSG:-4490", 0, geo.ErrCRSUnreadable},
		{"EPSG:99999999999999999999", 0, geo.ErrCRSUnreadable},
		{strings.Repeat("中", 1000), 0, geo.ErrCRSUnreadable},
		{"mars", 0, geo.ErrCRSUnreadable},
	} {
		got, err := geo.ParseCRSName(c.name)
		switch {
		case c.want != 0 && (err != nil || got.EPSG() != c.want):
			t.Errorf("ParseCRSName(%q) = %v, %v; want EPSG:%d", c.name, got, err, c.want)
		case err != nil && len(err.Error()) > 300:
			t.Errorf("ParseCRSName(%.20q): message of %d bytes", c.name, len(err.Error()))
		case c.want == 0 && !errors.Is(err, c.kind):
			t.Errorf("ParseCRSName(%q): %v, want %v", c.name, err, c.kind)
		}
	}
}

// Every system is found again under each of its names and descriptions.
func TestCRSNamesComeBack(t *testing.T) {
	for _, code := range append(planeCodes(), 4490) {
		c := mustEPSG(t, code)
		for _, name := range []string{c.String(), c.Name(), "urn:ogc:def:crs:EPSG::" + strconv.Itoa(code)} {
			if code == 3857 && name == c.Name() {
				continue
			}
			if got, err := geo.ParseCRSName(name); err != nil || got != c {
				t.Errorf("ParseCRSName(%q) = %v, %v", name, got, err)
			}
		}
		if got, err := geo.ParseWKT(c.WKT()); err != nil || got != c {
			t.Errorf("ParseWKT of %v's WKT = %v, %v", c, got, err)
		}
	}
}

// GDAL knows every kind of description that WKT writes, and ParseWKT every form
// that GDAL writes.
func TestWKTAgainstGDAL(t *testing.T) {
	t.Parallel()
	for _, code := range []int{4490, 3857, 4491, 4501, 4502, 4512, 4513, 4524, 4534, 4545, 4554} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			t.Parallel()
			c := mustEPSG(t, code)
			if got := run(t, "", "gdalsrsinfo", "-o", "epsg", c.WKT()); strings.TrimSpace(got) != c.String() {
				t.Errorf("GDAL takes WKT for %q", got)
			}
			all := run(t, "", "gdalsrsinfo", "-o", "all", c.String())
			forms := 0
			for _, part := range strings.Split(all, "\n\n") {
				_, text, found := strings.Cut(part, ":\n")
				if !found || !strings.Contains(text, "[") || strings.Contains(text, `"$schema"`) {
					continue
				}
				if code == 3857 && strings.Contains(text, "Mercator_1SP") && !strings.Contains(text, "EXTENSION") {
					continue // GDAL's simple forms say an ordinary Mercator, another system.
				}
				forms++
				if got, err := geo.ParseWKT(text); err != nil || got != c {
					t.Errorf("ParseWKT = %v, %v for\n%s", got, err, text)
				}
			}
			if forms < 3 {
				t.Errorf("%d forms of WKT in\n%s", forms, all)
			}
		})
	}
}

// chinaGeographic, worldGeographic and beijingGeographic are the geographic parts of .prj files.
const (
	chinaGeographic   = `GEOGCS["GCS_China_Geodetic_Coordinate_System_2000",DATUM["D_China_2000",SPHEROID["CGCS2000",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]`
	worldGeographic   = `GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]`
	beijingGeographic = `GEOGCS["GCS_Beijing_1954",DATUM["D_Beijing_1954",SPHEROID["Krasovsky_1940",6378245.0,298.3]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]`
)

func gaussWKT(name, geographic, meridian, easting, rest string) string {
	return `PROJCS["` + name + `",` + geographic + `,PROJECTION["Gauss_Kruger"],PARAMETER["False_Easting",` + easting +
		`],PARAMETER["Central_Meridian",` + meridian + `]` + rest + `]`
}

func TestParseWKT(t *testing.T) {
	for _, c := range []struct {
		name, wkt string
		want      int
	}{
		{"name of nothing, parameters decide", gaussWKT("x", chinaGeographic, "108", "36500000", ""), 4524},
		{"6 degree zone", gaussWKT("x", chinaGeographic, "105", "18500000", ""), 4496},
		{"meridian of both widths, no name", gaussWKT("x", chinaGeographic, "111", "500000", ""), 4546},
		{"meridian of both widths, 6 degree name", gaussWKT("CGCS2000_GK_CM_111E", chinaGeographic, "111", "500000", ""), 4508},
		{"meridian of both widths, code", gaussWKT("x", chinaGeographic, "111", "500000", `,AUTHORITY["EPSG","4508"]`), 4508},
		{"byte order mark, line ends, NUL", "\ufeff" + gaussWKT("x", chinaGeographic, " 108.0 ", "36500000.0", "") + "\r\n\x00", 4524},
		{"round brackets, lower case", `geogcs("x",datum("D_CGCS_2000",spheroid("CGCS2000",6378137,298.257222101)))`, 4490},
		{"WGS 84", worldGeographic, 4490},
		{"zero shift", `GEOGCS["x",DATUM["China_2000",SPHEROID["CGCS2000",6378137,298.257222101],TOWGS84[0,0,0,0,0,0,0]]]`, 4490},
		{"quote in a name", gaussWKT(`a ""b""`, chinaGeographic, "108", "36500000", ""), 4524},
		{"compound", `COMPD_CS["x",` + gaussWKT("x", chinaGeographic, "108", "36500000", "") + `,VERT_CS["1985",VERT_DATUM["1985",2005]]]`, 4524},
		{"bound", `BOUNDCRS[SOURCECRS[` + chinaGeographic + `],TARGETCRS[` + chinaGeographic + `]]`, 4490},
		{"foreign authority", gaussWKT("x", chinaGeographic, "108", "36500000", `,AUTHORITY["ESRI","102000"]`), 4524},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := geo.ParseWKT(c.wkt)
			if err != nil || got.EPSG() != c.want {
				t.Errorf("got %v, %v; want EPSG:%d", got, err, c.want)
			}
		})
	}
}

func TestParseWKTRefused(t *testing.T) {
	deep := strings.Replace(chinaGeographic, "PRIMEM", strings.Repeat(`A["x",`, 100)+`"x"`+strings.Repeat("]", 100)+",PRIMEM", 1)
	long := strings.Replace(chinaGeographic, "PRIMEM", `REMARK["`+strings.Repeat("x", 1<<17)+`"],PRIMEM`, 1)
	for _, c := range []struct {
		name, wkt string
		kind      error
	}{
		{"empty", "", geo.ErrCRSUnreadable},
		{"words", "this is no WKT", geo.ErrCRSUnreadable},
		{"cut off", gaussWKT("x", chinaGeographic, "108", "36500000", "")[:200], geo.ErrCRSUnreadable},
		{"something after it", chinaGeographic + "]", geo.ErrCRSUnreadable},
		{"wrong bracket", strings.TrimSuffix(chinaGeographic, "]") + ")", geo.ErrCRSUnreadable},
		{"too deep", deep, geo.ErrCRSUnreadable},
		{"too long", long, geo.ErrCRSUnreadable},
		{"no spheroid", `GEOGCS["x",DATUM["China_2000"]]`, geo.ErrCRSUnreadable},
		{"no meridian", `PROJCS["x",` + chinaGeographic + `,PROJECTION["Gauss_Kruger"]]`, geo.ErrCRSUnreadable},
		{"no projection", `PROJCS["x",` + chinaGeographic + `]`, geo.ErrCRSUnreadable},
		{"no geographic part", `PROJCS["x",PROJECTION["Gauss_Kruger"]]`, geo.ErrCRSUnreadable},
		{"parameter without number", gaussWKT("x", chinaGeographic, "x", "500000", ""), geo.ErrCRSUnreadable},
		{"bound without source", `BOUNDCRS[TARGETCRS[` + chinaGeographic + `]]`, geo.ErrCRSUnreadable},

		{"Beijing 1954", beijingGeographic, geo.ErrCRSControlled},
		{"Beijing 1954 zone", gaussWKT("Beijing_1954_3_Degree_GK_Zone_36", beijingGeographic, "108", "36500000", ""), geo.ErrCRSControlled},
		{"Krassovsky without a country", `GEOGCS["x",DATUM["unknown",SPHEROID["x",6378245,298.3]]]`, geo.ErrCRSControlled},
		{"Xi'an 1980", `GEOGCS["GCS_Xian_1980",DATUM["D_Xian_1980",SPHEROID["Xian_1980",6378140.0,298.257]]]`, geo.ErrCRSControlled},
		{"Xi'an's ellipsoid under another name", `GEOGCS["x",DATUM["x",SPHEROID["IAG75",6378140.0,298.257]]]`, geo.ErrCRSControlled},
		{"Xi'an's ellipsoid under CGCS2000's name", `GEOGCS["CGCS2000",DATUM["x",SPHEROID["x",6378140.0,298.257]]]`, geo.ErrCRSContradiction},
		{"Pulkovo 1942", `GEOGCS["Pulkovo 1942",DATUM["Pulkovo_1942",SPHEROID["Krassowsky 1940",6378245,298.3]]]`, geo.ErrCRSDatum},
		{"ETRS89 has the same ellipsoid", `GEOGCS["ETRS89",DATUM["European_Terrestrial_Reference_System_1989",SPHEROID["GRS 1980",6378137,298.257222101]]]`, geo.ErrCRSDatum},
		{"shifted", `GEOGCS["x",DATUM["China_2000",SPHEROID["CGCS2000",6378137,298.257222101],TOWGS84[1,0,0]]]`, geo.ErrCRSDatum},

		{"CGCS2000's name on WGS 84's ellipsoid", `GEOGCS["CGCS2000",DATUM["x",SPHEROID["x",6378137,298.257223563]]]`, geo.ErrCRSContradiction},
		{"code of another zone", gaussWKT("x", chinaGeographic, "108", "36500000", `,AUTHORITY["EPSG","4523"]`), geo.ErrCRSContradiction},
		{"code of Xi'an 1980", gaussWKT("x", chinaGeographic, "108", "36500000", `,AUTHORITY["EPSG","2360"]`), geo.ErrCRSContradiction},
		{"code of a geographic system", gaussWKT("x", chinaGeographic, "108", "36500000", `,AUTHORITY["EPSG","4490"]`), geo.ErrCRSContradiction},

		{"meridian between zones", gaussWKT("x", chinaGeographic, "103.5", "500000", ""), geo.ErrCRSUnsupported},
		{"easting of another zone", gaussWKT("x", chinaGeographic, "108", "35500000", ""), geo.ErrCRSUnsupported},
		{"scale", gaussWKT("x", chinaGeographic, "108", "500000", `,PARAMETER["Scale_Factor",0.9996]`), geo.ErrCRSUnsupported},
		{"northing", gaussWKT("x", chinaGeographic, "108", "500000", `,PARAMETER["False_Northing",-3000000]`), geo.ErrCRSUnsupported},
		{"latitude", gaussWKT("x", chinaGeographic, "108", "500000", `,PARAMETER["Latitude_Of_Origin",10]`), geo.ErrCRSUnsupported},
		{"unknown parameter", gaussWKT("x", chinaGeographic, "108", "500000", `,PARAMETER["Height",1000]`), geo.ErrCRSUnsupported},
		{"feet", gaussWKT("x", chinaGeographic, "108", "500000", `,UNIT["Foot",0.3048]`), geo.ErrCRSUnsupported},
		{"westing", gaussWKT("x", chinaGeographic, "108", "500000", `,AXIS["Y",WEST]`), geo.ErrCRSUnsupported},
		{"grads", `GEOGCS["x",DATUM["China_2000",SPHEROID["CGCS2000",6378137,298.257222101]],UNIT["Grad",0.015707963]]`, geo.ErrCRSUnsupported},
		{"another prime meridian", `GEOGCS["x",DATUM["China_2000",SPHEROID["CGCS2000",6378137,298.257222101]],PRIMEM["Ferro",-17.67]]`, geo.ErrCRSUnsupported},
		{"Lambert", strings.Replace(gaussWKT("x", chinaGeographic, "108", "500000", ""), "Gauss_Kruger", "Lambert_Conformal_Conic", 1), geo.ErrCRSUnsupported},
		{"geocentric", `GEODCRS["x",DATUM["China 2000",ELLIPSOID["CGCS2000",6378137,298.257222101]],CS[Cartesian,3]]`, geo.ErrCRSUnsupported},
		{"a zone's parameters on WGS 84", gaussWKT("x", worldGeographic, "108", "36500000", ""), geo.ErrCRSUnsupported},
		{"local", `LOCAL_CS["x"]`, geo.ErrCRSUnsupported},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := geo.ParseWKT(c.wkt)
			var e *geo.CRSError
			if !errors.Is(err, c.kind) || !errors.As(err, &e) || e.Found == "" && c.wkt != "" {
				t.Errorf("got %v, %v; want %v", got, err, c.kind)
			}
		})
	}
}

// What other systems' real descriptions are refused as.
func TestParseWKTOfGDALRefused(t *testing.T) {
	t.Parallel()
	for code, kind := range map[string]error{
		"EPSG:28992": geo.ErrCRSDatum, "EPSG:32648": geo.ErrCRSUnsupported, "EPSG:4258": geo.ErrCRSDatum,
		"EPSG:2360": geo.ErrCRSControlled, "EPSG:4214": geo.ErrCRSControlled, "EPSG:4555": geo.ErrCRSControlled,
		"EPSG:4479": geo.ErrCRSUnsupported, "EPSG:3395": geo.ErrCRSUnsupported, "EPSG:4284": geo.ErrCRSDatum,
	} {
		for _, form := range []string{"wkt_esri", "wkt2"} {
			text := run(t, "", "gdalsrsinfo", "-o", form, code)
			if strings.TrimSpace(text) == "" {
				continue // ESRI has no form for geocentric systems.
			}
			if _, err := geo.ParseWKT(text); !errors.Is(err, kind) {
				t.Errorf("%s %s: %v, want %v", code, form, err, kind)
			}
		}
	}
}

// What is accepted writes a description that is read back as the same system.
func FuzzParseWKT(f *testing.F) {
	f.Add(chinaGeographic)
	f.Add(beijingGeographic)
	f.Add(gaussWKT("CGCS2000_3_Degree_GK_Zone_36", chinaGeographic, "108.0", "36500000.0", `,UNIT["Meter",1.0],AUTHORITY["EPSG","4524"]`))
	f.Add(`BOUNDCRS[SOURCECRS[` + chinaGeographic + `],TARGETCRS[` + chinaGeographic + `]]`)
	f.Add(`COMPD_CS["x",` + chinaGeographic + `,VERT_CS["y"]]`)
	f.Add(`PROJCRS["x",BASEGEOGCRS["China Geodetic Coordinate System 2000",DATUM["China 2000",ELLIPSOID["CGCS2000",6378137,298.257222101,LENGTHUNIT["metre",1]]]],CONVERSION["x",METHOD["Transverse Mercator"],PARAMETER["Longitude of natural origin",108,ANGLEUNIT["degree",0.0174532925199433]],PARAMETER["False easting",500000]],CS[Cartesian,2],AXIS["northing (X)",north],AXIS["easting (Y)",east]]`)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := geo.ParseWKT(text)
		if err != nil {
			var e *geo.CRSError
			if !errors.As(err, &e) || c != (geo.CRS{}) {
				t.Fatalf("%v, %v", c, err)
			}
			return
		}
		if back, err := geo.ParseWKT(c.WKT()); err != nil || back != c {
			t.Fatalf("%v came back as %v, %v", c, back, err)
		}
	})
}
