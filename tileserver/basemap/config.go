// Package basemap fetches tiles of other servers' maps, such as Tianditu's, so that the
// keys that these ask for stay on this server and what was fetched once is not fetched
// again. In goes a file that an operator writes, out come pictures; whoever asks chooses
// among the file's sources and never an address.
package basemap

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/index/setting"
	"gengtu/tileserver/tile"
)

// Source is one map. Its members are those of the file.
type Source struct {
	Name  string        `yaml:"name"`
	Title edition.Title `yaml:"title"`
	// URL is the address of a tile, with {z} {x} {y}, and {key} and {s} where there are a
	// key and servers.
	URL string `yaml:"url"`
	// Servers are what {s} stands for, in turn.
	Servers []string `yaml:"servers"`
	// KeyFile holds the key alone; a path that is not absolute begins at the file's folder.
	KeyFile string `yaml:"key_file"`
	// Grid is w or c, as of our own tiles; Zooms are the lowest and the highest, in it.
	Grid  string `yaml:"grid"`
	Zooms []int  `yaml:"zooms"`
	// Tiers may ask for it. Who serves it learns where they look, so that secure has to be
	// named; public alone where none is.
	Tiers []edition.Tier `yaml:"tiers"`
	// Attribution is what the map is to be shown with.
	Attribution string `yaml:"attribution"`
	// Keep is how long a tile is kept before it is fetched anew; 24h where it is "".
	Keep string `yaml:"keep"`

	grid tile.Grid
	keep time.Duration
	key  string
}

var kind = setting.Kind{
	Code: "BASE_MAPS", MaxBytes: 64 << 10,
	AdviceZh: "写法见 tileserver/basemap/BASEMAPS.md", AdviceEn: "tileserver/basemap/BASEMAPS.md says how it is written",
}

// Bounds of a file of sources.
const (
	maxSources  = 32
	maxServers  = 16
	maxURLBytes = 2000
	maxKeyBytes = 512
	defaultKeep = 24 * time.Hour
)

// Read reads the sources of the file at path, and their keys. The error is a problem with
// the line.
func Read(path string) ([]Source, error) {
	data, err := readBounded(path, kind.MaxBytes)
	if err != nil {
		return nil, problem.New(kind.Code, "读不了（%v）", "it cannot be read (%v)", err).In(path).Because(err).Advise("核对 --base-maps 的路径和权限", "see to the path of --base-maps and its permissions")
	}
	var file struct {
		Sources []Source `yaml:"sources"`
	}
	f, err := kind.Read(path, data, &file)
	if err != nil {
		return nil, err
	}
	if n := len(file.Sources); n == 0 || n > maxSources {
		return nil, f.Problem(f.Line("sources"), "有 %d 个底图，应为 1 到 %d 个", "it has %d maps; there are 1 to %d", n, maxSources)
	}
	for i := range file.Sources {
		s := &file.Sources[i]
		at := fmt.Sprint(i)
		if slices.ContainsFunc(file.Sources[:i], func(o Source) bool { return o.Name == s.Name }) {
			return nil, f.Problem(f.Line("sources", at, "name"), "底图 %.40q 写了两次", "map %.40q stands twice", s.Name)
		}
		if member, wrong := s.check(filepath.Dir(path)); wrong != nil {
			return nil, f.Problem(f.Line("sources", at, member), "%.40[1]s 的 %[2]s：%[3]s", "%[2]s of %.40[1]s: %[4]s", s.Name, member, wrong.zh, wrong.en)
		}
	}
	return file.Sources, nil
}

// readBounded reads a file, or as much as shows that it is too long.
func readBounded(path string, limit int) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	return data, errors.Join(err, f.Close())
}

// fault is what is wrong with a member, in both languages.
type fault struct{ zh, en string }

func faulty(zh, en string, args ...any) *fault {
	return &fault{fmt.Sprintf(zh, args...), fmt.Sprintf(en, args...)}
}

var (
	nameForm   = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,39}$`)
	serverForm = regexp.MustCompile(`^[A-Za-z0-9-]{1,40}$`)
	keyForm    = regexp.MustCompile(`^[!-~]+$`)
	braces     = regexp.MustCompile(`\{[^{}]*\}`)
)

// check judges a source, fills what stands for its texts, and returns the member that is
// wrong and why; nil where none is.
func (s *Source) check(dir string) (string, *fault) {
	if !nameForm.MatchString(s.Name) {
		return "name", faulty("应为小写字母、数字、-、_，最多 40 个", "it is made of small letters, digits, - and _, 40 at most")
	}
	var err error
	if s.grid, err = tile.ParseGrid(s.Grid); err != nil {
		return "grid", faulty("应为 w 或 c", "it is w or c")
	}
	if len(s.Zooms) != 2 || s.Zooms[0] < int(s.grid.MinZoom()) || s.Zooms[1] < s.Zooms[0] || s.Zooms[1] > tile.MaxZoom {
		return "zooms", faulty("应为 [最低, 最高]，在 %d 到 %d 之间", "they are [lowest, highest] from %d to %d", s.grid.MinZoom(), tile.MaxZoom)
	}
	if len(s.Tiers) == 0 {
		s.Tiers = []edition.Tier{edition.Public}
	}
	for _, t := range s.Tiers {
		if !slices.Contains(edition.Tiers, t) {
			return "tiers", faulty("没有 %.20q 这一版", "there is no tier %.20q", t)
		}
	}
	s.keep = defaultKeep
	if s.Keep != "" {
		if s.keep, err = time.ParseDuration(s.Keep); err != nil || s.keep < time.Minute || s.keep > 366*24*time.Hour {
			return "keep", faulty("应为 1m 到 8784h 的时长", "it is a time from 1m to 8784h")
		}
	}
	if wrong := s.readKey(dir); wrong != nil {
		return "key_file", wrong
	}
	if wrong := s.checkURL(); wrong != nil {
		return "url", wrong
	}
	return "", nil
}

// readKey reads the key, which others may not.
func (s *Source) readKey(dir string) *fault {
	if s.KeyFile == "" {
		return nil
	}
	path := s.KeyFile
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm()&0o007 != 0 {
		return faulty("%s 的权限 %04o 过宽，请执行 chmod 600", "the permissions %04[2]o of %[1]s are too wide; run chmod 600", path, info.Mode().Perm())
	}
	var data []byte
	if err == nil {
		data, err = readBounded(path, maxKeyBytes)
	}
	if err != nil {
		return faulty("%s 读不了", "%s cannot be read", path)
	}
	if s.key = strings.TrimSpace(string(data)); len(data) > maxKeyBytes || !keyForm.MatchString(s.key) {
		return faulty("%s 应只含一个密钥", "%s is to hold one key and nothing else", path)
	}
	return nil
}

// checkURL judges the address: which host is asked stands in the file and nowhere else.
func (s *Source) checkURL() *fault {
	if len(s.URL) > maxURLBytes {
		return faulty("超过 %d 字节", "it is over %d bytes", maxURLBytes)
	}
	places := braces.FindAllString(s.URL, -1)
	for _, p := range places {
		if !slices.Contains([]string{"{z}", "{x}", "{y}", "{s}", "{key}"}, p) {
			return faulty("不认识 %.20s", "%.20s is not known", p)
		}
	}
	for p, needed := range map[string]bool{"{z}": true, "{x}": true, "{y}": true, "{s}": len(s.Servers) > 0, "{key}": s.key != ""} {
		if slices.Contains(places, p) != needed {
			return faulty("%s 与 servers、key_file 不相称：有则写，无则不写", "%s does not go with servers and key_file", p)
		}
	}
	if len(s.Servers) > maxServers || slices.ContainsFunc(s.Servers, func(v string) bool { return !serverForm.MatchString(v) }) {
		return faulty("servers 最多 %d 个，由字母、数字、- 组成", "servers are %d at most, of letters, digits and -", maxServers)
	}
	u, err := url.Parse(braces.ReplaceAllStringFunc(s.URL, func(p string) string {
		if p == "{s}" {
			return "0"
		}
		return "PLACE"
	}))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.Fragment != "" || strings.ContainsAny(s.URL, " \\") {
		return faulty("应为 http 或 https 地址，不带用户名和 #", "it is an address of http or https without a user and #")
	}
	if strings.Contains(u.Host, "PLACE") {
		return faulty("主机名中只能有 {s}", "only {s} may stand in the name of the host")
	}
	return nil
}

// address is that of a tile.
func (s *Source) address(t tile.Tile) string {
	server := ""
	if n := len(s.Servers); n > 0 {
		server = s.Servers[(int(t.X)+int(t.Y))%n]
	}
	return strings.NewReplacer("{z}", fmt.Sprint(t.Z), "{x}", fmt.Sprint(t.X), "{y}", fmt.Sprint(t.Y), "{s}", server, "{key}", url.QueryEscape(s.key)).Replace(s.URL)
}
