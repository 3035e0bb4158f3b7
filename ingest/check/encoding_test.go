package check_test

import (
	"math"
	"os"
	"strings"
	"testing"

	"gengtu/ingest/check"
)

// A file that says another encoding than it has is told once, with how many names read as
// nonsense and the encoding that they are in; names that are wrong for another reason are
// told beside it.
func TestPlantedEncodings(t *testing.T) {
	for _, c := range []struct{ says, is string }{{"GBK", "UTF-8"}, {"UTF-8", "GBK"}, {"UTF-8", "UTF-8"}, {"Big5", "GBK"}, {"ISO-8859-1", "GBK"}, {"GBK", "GBK"}} {
		l := newLandscape(t).few(400)
		wrong := map[string]float64{}
		for n := 0; n < len(l.patches); n += 50 {
			l.set(l.patches[n], "DLMC", "wrong")
			wrong[l.key(n)] = math.NaN()
		}
		l.encoding = c.is
		inputs := l.write()
		cpg := strings.TrimSuffix(inputs[0].Path, ".shp") + ".cpg"
		is, err := os.ReadFile(cpg)
		if err != nil || strings.TrimSpace(string(is)) != c.is {
			t.Fatalf("the file is written as %q, %v", is, err)
		}
		if err := os.WriteFile(cpg, []byte(c.says), 0o600); err != nil {
			t.Fatal(err)
		}
		got := judge(t, inputs, check.Options{})
		compare(t, "3201", wrong, got["3201"], bsmOf)
		if c.says == c.is {
			only(t, got, "3201", "G4103")
			continue
		}
		list := got["G2501"]
		if len(list) != 1 {
			t.Fatalf("%s: %d findings about the encoding", c.says, len(list))
		}
		said := list[0].Problem.Error()
		for _, part := range []string{"read as " + c.says, "--encoding " + c.is, " 392 values", "DLMC reads "} {
			if !strings.Contains(said, part) {
				t.Errorf("%s: %q is not in %s", c.says, part, said)
			}
		}
	}
}
