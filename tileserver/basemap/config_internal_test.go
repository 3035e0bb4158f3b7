package basemap

import (
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gengtu/index/problem"
	"gengtu/tileserver/tile"
)

// Whatever a file of base maps says, it is refused with a problem, or its sources have
// names of their own, and the address of a tile of each is whole: of http or https, of no
// host but those that the file names, and with nothing left to fill in.
func FuzzRead(f *testing.F) {
	dir := f.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "key"), []byte("s3cret+Key/7=\n"), 0o600); err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{
		"sources:\n- {name: img, title: {zh: 影像, en: images}, url: \"https://t{s}.example.cn/{z}/{x}/{y}?tk={key}\", servers: [\"0\", \"1\"], key_file: key, grid: w, zooms: [1, 18], tiers: [public, secure], attribution: x, keep: 1h}\n",
		"sources:\n- {name: a, title: {zh: 甲, en: a}, url: \"http://h/{z}/{x}/{y}\", grid: c, zooms: [2, 3]}\n- {name: a}\n",
		"sources: []\n", "sources:\n- {name: a, url: \"https://{key}/{z}{x}{y}\"}\n", "x: 1\n", "",
	} {
		f.Add([]byte(s))
	}
	path := filepath.Join(dir, "maps.yaml")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		sources, err := Read(path)
		if err != nil {
			if p := problem.Of(err); p == nil || p.Code != kind.Code {
				t.Fatal(err)
			}
			return
		}
		if len(sources) == 0 || len(sources) > maxSources {
			t.Fatalf("%d sources", len(sources))
		}
		names := map[string]bool{}
		for i := range sources {
			s := &sources[i]
			if names[s.Name] || !nameForm.MatchString(s.Name) || len(s.Tiers) == 0 || s.keep <= 0 {
				t.Fatalf("%+v", s)
			}
			names[s.Name] = true
			at := s.address(tile.Tile{Grid: s.grid, Z: uint8(s.Zooms[0])})
			if !strings.HasPrefix(strings.ToLower(at), "http://") && !strings.HasPrefix(strings.ToLower(at), "https://") {
				t.Fatalf("%q is asked", at)
			}
			u, err := url.Parse(at)
			if err != nil || !slices.Contains(hostsOf(t, s), u.Host) {
				t.Fatalf("%q is asked of %v: %v", at, hostsOf(t, s), err)
			}
			for _, p := range []string{"{z}", "{x}", "{y}", "{s}", "{key}"} {
				if strings.Contains(at, p) {
					t.Fatalf("%q is left in %q", p, at)
				}
			}
		}
	})
}

// hostsOf are the hosts that a source's address names: between the slashes before its path,
// with each server for {s}.
func hostsOf(t *testing.T, s *Source) []string {
	t.Helper()
	_, rest, ok := strings.Cut(s.URL, "://")
	if !ok {
		t.Fatalf("%q has no host", s.URL)
	}
	host := rest[:strings.IndexAny(rest+"/", "/?")]
	if len(s.Servers) == 0 {
		return []string{host}
	}
	var out []string
	for _, server := range s.Servers {
		out = append(out, strings.ReplaceAll(host, "{s}", server))
	}
	return out
}
