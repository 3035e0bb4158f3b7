package tileserver_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"gengtu/index/edition"
)

// owslibScript reads both services as OWSLib does: capabilities, a tile or a map of each
// layer, the dimension, and a fault, and prints what it found.
const owslibScript = `
import sys
from owslib.wms import WebMapService
from owslib.wmts import WebMapTileService
from owslib.util import ServiceException
base, tk = sys.argv[1], sys.argv[2]
for version in ('1.1.1', '1.3.0'):
    w = WebMapService(base + '/wms?tk=' + tk, version=version)
    for name in sorted(w.contents):
        l = w.contents[name]
        print(version, name, ['%.3f' % v for v in l.boundingBoxWGS84], 'queryable' if l.queryable else '', sorted(l.styles)[:1], {k: v['values'] for k, v in getattr(l, 'dimensions', {}).items()})
        b = l.boundingBoxWGS84
        m = w.getmap(layers=[name], styles=[''], srs='EPSG:4326', bbox=b, size=(64, 64), format='image/png', transparent=True)
        print(version, name, m.read()[:4])
    i = w.getfeatureinfo(layers=['cropland'], srs='EPSG:4326', bbox=w.contents['cropland'].boundingBoxWGS84, size=(101, 101), format='image/png', query_layers=['cropland'], info_format='application/json', feature_count=3, xy=(50, 50))
    print(version, 'info', b'BSM' in i.read())
    if version == '1.3.0':
        at = dict(layers=['cropland'], styles=[''], srs='EPSG:4326', bbox=w.contents['cropland'].boundingBoxWGS84, size=(64, 64), format='image/png', transparent=True)
        print('another year', w.getmap(dimensions={'vintage': '2023'}, **at).read() != w.getmap(**at).read())
    try:
        w.getmap(layers=['roads'], styles=[''], srs='EPSG:4326', bbox=(108, 34, 109, 35), size=(9, 9), format='image/png')
    except ServiceException as e:
        print(version, 'fault', 'roads' in str(e))
t = WebMapTileService(base + '/wmts?tk=' + tk)
print('wmts', sorted(t.contents), sorted(t.tilematrixsets), [o.name for o in t.operations])
for name in sorted(t.contents):
    for grid in ('c', 'w'):
        r = t.gettile(layer=name, tilematrixset=grid, tilematrix='6', row=10, column=20, format='image/png')
        print('wmts', name, grid, r.read()[:4])
`

// OWSLib reads WMS of both versions and WMTS: another parser than GDAL's and ours, which is
// strict about what the documents must have.
func TestOWSLib(t *testing.T) {
	python := "/usr/bin/python3" // Debian's packages are this one's
	if err := exec.CommandContext(t.Context(), python, "-c", "import owslib").Run(); err != nil {
		t.Fatal("OWSLib is missing: apt-get install python3-owslib")
	}
	s := serve(t, nil, edition.Secure)
	cmd := exec.CommandContext(t.Context(), python, "-c", owslibScript, relay(t, s)+"/secure", s.tokens[edition.Secure])
	cmd.Env = append(os.Environ(), "no_proxy=*", "NO_PROXY=*")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var want []string
	for _, version := range []string{"1.1.1", "1.3.0"} {
		want = append(want, version+" info True", version+" fault True")
		for _, layer := range []string{"cropland", "dltb", "hsf", "pbf", "region"} {
			want = append(want, version+" "+layer+` b'\x89PNG'`)
		}
	}
	// OWSLib reads no dimensions of 1.1.1 but time.
	want = append(want, "1.3.0 cropland ['108.700', '34.300', '108.708', '34.308'] queryable ['default'] {'vintage': ['2024', '2023']}", "another year True")
	want = append(want, "wmts ['cropland', 'dltb', 'hsf', 'pbf', 'region'] ['c', 'w'] ['GetCapabilities', 'GetTile', 'GetFeatureInfo']")
	for _, layer := range []string{"cropland", "pbf"} {
		want = append(want, fmt.Sprintf(`wmts %s c b'\x89PNG'`, layer), fmt.Sprintf(`wmts %s w b'\x89PNG'`, layer))
	}
	for _, line := range want {
		if !strings.Contains(string(out), line+"\n") {
			t.Errorf("OWSLib does not say %s", line)
		}
	}
	if t.Failed() {
		t.Logf("%s", out)
	}
}
