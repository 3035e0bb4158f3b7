package ingest_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gengtu/index"
	"gengtu/index/geo"
	"gengtu/ingest"
)

// plane writes records with rings of plane coordinates, northing first as the
// survey's lists have them, as a GeoJSON file.
func plane(t *testing.T, records []planeRecord) string {
	t.Helper()
	features := []any{}
	for i, r := range records {
		ring := [][2]float64{}
		for _, p := range append(r.ring, r.ring[0]) {
			ring = append(ring, [2]float64{p[1], p[0]})
		}
		values := map[string]any{"BSM": fmt.Sprintf("6299010100%08d", i+1), "DLBM": "0103", "ZLDWDM": "6299011002000000000"}
		for k, v := range r.values {
			values[k] = v
		}
		features = append(features, map[string]any{"type": "Feature", "geometry": map[string]any{"type": "Polygon", "coordinates": [][][2]float64{ring}}, "properties": values})
	}
	text, err := json.Marshal(map[string]any{"type": "FeatureCollection", "features": features})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "DLTB.geojson")
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

type planeRecord struct {
	ring   [][2]float64 // northing, easting
	values map[string]any
}

func plot(n, e, side float64) [][2]float64 {
	return [][2]float64{{n, e}, {n + side, e}, {n + side, e + side}, {n, e + side}}
}

// What a record lacks is computed by the survey's rule and marked; what it has
// stays. The areas of the squares are those of another program in the reference
// (domain 2.4, T1 and T2: 39999.9941 and 39988.0565 m², booked to 0.01).
func TestComputedAreas(t *testing.T) {
	t1, t2 := plot(3940000, 34502000, 200), plot(3940000, 34610000, 200)
	crs, err := geo.EPSG(4522)
	if err != nil {
		t.Fatal(err)
	}
	none := []int64{index.NoArea, index.NoArea}
	c := index.Computed
	for name, test := range map[string]struct {
		records []planeRecord
		want    [][]int64 // patch and net of each
	}{
		"a file without any area": {
			[]planeRecord{{t1, map[string]any{"KCXS": 0.05}}, {t2, map[string]any{"KCXS": nil}}},
			// 3999999 × 0.05 = 199999.95, up to 200000.
			[][]int64{{c(3999999), c(3999999 - 200000)}, {c(3998806), c(3998806)}},
		},
		"records that lack some": {
			[]planeRecord{
				{t1, map[string]any{"TBMJ": 40001.5, "KCXS": 0.1, "TBDLMJ": 36001.35}},
				{t2, map[string]any{"TBMJ": 39990.13, "KCXS": 0.0625}},
				{t1, map[string]any{"TBDLMJ": 30000, "KCXS": 0.0625}},
			},
			// 3999013 × 0.0625 = 249938.3125.
			[][]int64{{4000150, 3600135}, {3999013, c(3999013 - 249938)}, {c(3999999), 3000000}},
		},
		"what is deducted stands in the record": {
			[]planeRecord{{t1, map[string]any{"TBMJ": 40000, "KCXS": 0.1, "KCMJ": 1234.56}}},
			[][]int64{{4000000, c(4000000 - 123456)}},
		},
		"cropland of which nothing tells what is deducted": {
			[]planeRecord{{t1, nil}}, [][]int64{{c(3999999), index.NoArea}},
		},
		"other land": {
			[]planeRecord{{t1, map[string]any{"DLBM": "0301"}}}, [][]int64{{c(3999999), c(3999999)}},
		},
		"a coefficient that is none": {
			[]planeRecord{{t1, map[string]any{"KCXS": 12.5}}}, [][]int64{{c(3999999), index.NoArea}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := take(t, ingest.Options{CRS: &crs}, "dltb="+plane(t, test.records))
			if err != nil {
				t.Fatal(err)
			}
			l := r.ix.Layer("dltb", "2024")
			got := map[string][]int64{}
			for i := range l.Len() {
				f, err := l.Feature(i)
				if err != nil {
					t.Fatal(err)
				}
				got[f.Values[l.Field("BSM")].(string)] = []int64{f.Patch, f.Net}
			}
			patch, net := int64(0), int64(0)
			var ofRecord [2]*float64 // the layer's sums, which hold nothing computed
			for i, want := range test.want {
				have := got[fmt.Sprintf("6299010100%08d", i+1)]
				if len(have) == 0 {
					have = none
				}
				if have[0] != want[0] || have[1] != want[1] {
					t.Errorf("record %d has %d and %d, want %d and %d", i+1, have[0], have[1], want[0], want[1])
				}
				for k := range want {
					if index.OfRecord(want[k]) {
						if ofRecord[k] == nil {
							ofRecord[k] = new(float64)
						}
						*ofRecord[k] += float64(want[k]) / 100
					}
				}
				if a, ok := index.ComputedOf(want[0]); ok {
					patch += a
				}
				if a, ok := index.ComputedOf(want[1]); ok {
					net += a
				}
			}
			meta := l.Meta
			rep := layer(t, r.report, "dltb")
			if diff := cmp.Diff(ofRecord, [2]*float64{meta.PatchM2, meta.NetM2}, cmpopts.EquateApprox(0, 0.001)); diff != "" {
				t.Errorf("sums of record (-want +got):\n%s", diff)
			}
			for what, sum := range map[string]int64{"patch": patch, "net": net} {
				in, told := meta.PatchComputed, rep.PatchComputed
				if what == "net" {
					in, told = meta.NetComputed, rep.NetComputed
				}
				switch {
				case sum == 0 && (in != nil || told != nil):
					t.Errorf("%s: %v and %v were computed, and none is to be", what, in, told)
				case sum > 0 && (in == nil || told == nil || int64(in.M2*100+0.5) != sum || *in != *told):
					t.Errorf("%s: %v and %v were computed, want %d", what, in, told, sum)
				}
			}
		})
	}
}
