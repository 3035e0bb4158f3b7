package tileserver_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"gengtu/index/edition"
)

// outlined is an answer with the shape that was measured.
type outlined struct {
	AOI struct {
		Geometry json.RawMessage `json:"geometry"`
	}
}

// The shape that was measured comes back when it is asked for, and measured again as it
// came it has the same figures to the last digit: who drew plane coordinates by it goes on
// from the same ground. A place, and who does not ask, get none.
func TestOverlayOutline(t *testing.T) {
	s := serve(t, nil, edition.Government)
	head := s.bearer(edition.Government)
	txt := boundaryFile(lotBox(0, 0, 2, 2), lotBox(3, 1, 5, 4))
	plain := append(head, "Content-Type", "text/plain")
	shapes := decode[[]outlined](t, s.post(t, "/government/overlay?outline=true", txt, plain...))
	want := decode[[]overlayAnswer](t, s.post(t, "/government/overlay", txt, plain...))
	if len(shapes) != 2 || len(want) != 2 {
		t.Fatalf("%d and %d answers, want two each", len(shapes), len(want))
	}
	for i, shape := range shapes {
		if len(shape.AOI.Geometry) == 0 {
			t.Fatalf("parcel %d: no geometry", i)
		}
		again := s.post(t, "/government/overlay", `{"outline":true,"geometry":`+string(shape.AOI.Geometry)+`}`, head...)
		got := decode[overlayAnswer](t, again)
		if got.AOI.AreaM2 != want[i].AOI.AreaM2 || !reflect.DeepEqual(got.Layers, want[i].Layers) || !reflect.DeepEqual(got.Combinations, want[i].Combinations) {
			t.Errorf("parcel %d measured again: got %+v, want %+v", i, got, want[i])
		}
		if same := decode[outlined](t, again); string(same.AOI.Geometry) != string(shape.AOI.Geometry) {
			t.Errorf("parcel %d comes back as another shape", i)
		}
	}
	for name, body := range map[string]string{"a place": `{"place":"610402001","outline":true}`, "not asked for": `{"geometry":` + lotPolygon(0, 0, 1, 1) + `}`} {
		if got := decode[outlined](t, s.post(t, "/government/overlay", body, head...)); got.AOI.Geometry != nil {
			t.Errorf("%s: got the shape %s", name, got.AOI.Geometry)
		}
	}
	wantProblem(t, "neither true nor false", s.get(t, "/government/overlay?place=61&outline=2", head...), 400, "parameter_outline")
}
