package coding

import (
	"maps"
	"os"
	"path/filepath"
	"testing"

	"gengtu/index/codes"
	"gengtu/index/edition"
	"gengtu/index/problem"
)

// design is the scheme that the embedded rules have.
var design = codes.Scheme{Place: 12, Group: 2, Number: 6}

// Whatever the record of numbers given holds, it is refused with its problem, or entering
// nothing more leaves all that it says as it was.
func FuzzIssued(f *testing.F) {
	for _, s := range []string{`{"cropland":{"61040200100101":41}}`, `{"cropland":null,"pbf":{"a":1}}`, `null`, `{}`, `[]`, `{"cropland":{"a":1.5}}`, ``} {
		f.Add([]byte(s))
	}
	dir := f.TempDir()
	path := filepath.Join(dir, edition.Issued)
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		before, err := readIssued(path)
		if err != nil {
			if p := problem.Of(err); p == nil || p.Code != "CODES_ISSUED" {
				t.Fatal(err)
			}
			if err := Enter(dir, codes.NewRegister(design)); err == nil {
				t.Fatal("numbers are entered in a record that cannot be read")
			}
			return
		}
		if err := Enter(dir, codes.NewRegister(design)); err != nil {
			t.Fatal(err)
		}
		after, err := readIssued(path)
		if err != nil {
			t.Fatal(err)
		}
		for layer, numbers := range before {
			if !maps.Equal(after[layer], numbers) {
				t.Fatalf("%q: %v, and then %v", layer, numbers, after[layer])
			}
		}
		floor, err := Floor(dir)
		if err != nil || !maps.Equal(floor, after[Layer]) {
			t.Fatalf("%v %v, want %v", floor, err, after[Layer])
		}
	})
}
