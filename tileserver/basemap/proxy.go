package basemap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/tileserver/recent"
	"gengtu/tileserver/tile"
)

// The problems that a request meets.
var (
	ErrNoMap = problem.New("NO_BASE_MAP", "没有这个底图", "there is no such base map").
			Advise("/{tier}/base 列出本版的底图", "/{tier}/base lists those of this tier")
	ErrNoTile   = problem.New("NO_BASE_TILE", "底图在这里没有瓦片", "the base map has no tile here")
	ErrUpstream = problem.New("BASE_UPSTREAM", "底图的服务器没有给出瓦片", "the base map's server gave no tile").
			Advise("稍后再试；系统管理员可看日志", "try again later; the log tells the administrator why")
)

// Picture is a tile. Its bytes must not be changed.
type Picture struct {
	Type string // image/png, image/jpeg or image/webp
	Data []byte
}

// Stats counts what became of the questions for one source's tiles.
type Stats struct {
	Memory, Fetched, Stale, None, Failed int64
}

// Bounds of fetching and keeping.
const (
	fetchTime    = 10 * time.Second
	maxTileBytes = 4 << 20
	memoryBytes  = 256 << 20
	atOnce       = 16 // of one source
	// After so many failures in a row a source is not asked for so long.
	failuresToRest = 5
	restTime       = 10 * time.Second
	noneTime       = 10 * time.Minute // how long it is kept that there is no tile
)

// Options say what a [Proxy] tells and how it asks.
type Options struct {
	// Failed is told, once for each time that a source begins to fail, why; never with an
	// address or a key. It may be nil.
	Failed func(source string, err error)
	// Transport asks; nil is one of the proxy's own, which goes by HTTPS_PROXY.
	Transport http.RoundTripper
	// Now tells the time; nil is [time.Now].
	Now func() time.Time
	// MemoryBytes bounds the tiles kept; 0 is 256 MiB.
	MemoryBytes int64
}

// Proxy fetches tiles and keeps those that were asked for last. Safe for concurrent use.
type Proxy struct {
	opt    Options
	client *http.Client
	source map[string]*upstream
	names  []string
	flight singleflight.Group

	tiles *recent.Values[string, *entry]

	mu sync.Mutex // of the sources' states
}

// upstream is a source and how it does. All but the source is guarded by Proxy.mu.
type upstream struct {
	Source
	places   chan struct{}
	failures int
	rests    time.Time // until then
	stats    Stats
}

// entry is what a source answered.
type entry struct {
	picture *Picture // nil: there is none
	fresh   time.Time
}

func entryBytes(key string, e *entry) int64 {
	n := int64(len(key))
	if e.picture != nil {
		n += int64(len(e.picture.Data))
	}
	return n
}

// New returns a proxy for sources of [Read].
func New(sources []Source, opt Options) *Proxy {
	if opt.Transport == nil {
		opt.Transport = &http.Transport{
			Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: atOnce, MaxConnsPerHost: atOnce, IdleConnTimeout: time.Minute,
			TLSHandshakeTimeout: fetchTime, ResponseHeaderTimeout: fetchTime, MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true,
		}
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.MemoryBytes == 0 {
		opt.MemoryBytes = memoryBytes
	}
	p := &Proxy{opt: opt, source: map[string]*upstream{}, tiles: recent.New(opt.MemoryBytes, entryBytes)}
	// Where an answer points elsewhere it is not followed: the file names the hosts.
	p.client = &http.Client{Transport: opt.Transport, Timeout: fetchTime, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for i := range sources {
		p.source[sources[i].Name] = &upstream{Source: sources[i], places: make(chan struct{}, atOnce)}
		p.names = append(p.names, sources[i].Name)
	}
	return p
}

// Of lists the sources that a tier may ask for, in the order of the file, without keys.
func (p *Proxy) Of(tier edition.Tier) []Source {
	var out []Source
	for _, name := range p.names {
		if s := p.source[name].Source; slices.Contains(s.Tiers, tier) {
			s.key, s.KeyFile, s.URL, s.Servers = "", "", "", nil
			out = append(out, s)
		}
	}
	return out
}

// Stats tells what became of the questions, by source.
func (p *Proxy) Stats() map[string]Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := map[string]Stats{}
	for name, u := range p.source {
		out[name] = u.stats
	}
	return out
}

// Bytes is how much is kept in memory.
func (p *Proxy) Bytes() int64 { return p.tiles.Stats().Bytes }

// Tile returns the tile z/x/y of the source of that name: a kept one, or one that is
// fetched. A kept one that is due answers, too, while the source fails. Errors are
// [ErrNoMap], [ErrNoTile], [ErrUpstream], and those of [tile.Parse].
func (p *Proxy) Tile(ctx context.Context, tier edition.Tier, name string, zxy [3]string) (*Picture, error) {
	u := p.source[name]
	if u == nil || !slices.Contains(u.Tiers, tier) {
		return nil, ErrNoMap
	}
	t, err := tile.Parse(u.grid, zxy[0], zxy[1], zxy[2])
	switch {
	case errors.Is(err, tile.ErrZoom), err == nil && (int(t.Z) < u.Zooms[0] || int(t.Z) > u.Zooms[1]):
		return nil, ErrNoTile
	case err != nil:
		return nil, err
	}
	key := name + "/" + t.String()
	if e := p.kept(u, key); e != nil {
		return given(e.picture)
	}
	// Whoever asks first goes on when it has gone: others may be waiting.
	done := p.flight.DoChan(key, func() (any, error) { return p.renew(u, key, t) })
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-done:
		if r.Err != nil {
			return nil, r.Err
		}
		picture, _ := r.Val.(*Picture)
		return given(picture)
	}
}

func given(p *Picture) (*Picture, error) {
	if p == nil {
		return nil, ErrNoTile
	}
	return p, nil
}

// kept returns what is kept under key and not due; nil where nothing is.
func (p *Proxy) kept(u *upstream, key string) *entry {
	e, ok := p.tiles.Get(key)
	if !ok || !p.opt.Now().Before(e.fresh) {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	u.stats.Memory++
	return e
}

// renew fetches a tile and keeps it. Where that fails, the one before answers.
func (p *Proxy) renew(u *upstream, key string, t tile.Tile) (*Picture, error) {
	picture, err := p.ask(u, t)
	now := p.opt.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		if e, ok := p.tiles.Get(key); ok && e.picture != nil {
			u.stats.Stale++
			return e.picture, nil
		}
		u.stats.Failed++
		return nil, ErrUpstream
	}
	keep := u.keep
	if picture == nil {
		keep = min(keep, noneTime)
		u.stats.None++
	} else {
		u.stats.Fetched++
	}
	p.tiles.Put(key, &entry{picture: picture, fresh: now.Add(keep)})
	return picture, nil
}

var (
	errRests = errors.New("it failed several times and is not asked for a moment")
	errBusy  = errors.New("too many of its tiles are being fetched")
)

// ask fetches a tile, unless the source rests, and keeps in mind how that went. It
// returns nil where the source has no such tile.
func (p *Proxy) ask(u *upstream, t tile.Tile) (*Picture, error) {
	p.mu.Lock()
	rests := p.opt.Now().Before(u.rests)
	p.mu.Unlock()
	if rests {
		return nil, errRests
	}
	wait := time.NewTimer(fetchTime)
	defer wait.Stop()
	select {
	case u.places <- struct{}{}:
		defer func() { <-u.places }()
	case <-wait.C:
		return nil, errBusy
	}
	ctx, cancel := context.WithTimeout(context.Background(), fetchTime)
	defer cancel()
	picture, err := p.fetch(ctx, u.address(t))
	p.mu.Lock()
	begins := false
	if err == nil {
		u.failures = 0
	} else if u.failures++; u.failures >= failuresToRest {
		u.rests, begins = p.opt.Now().Add(restTime), u.failures == failuresToRest
	}
	p.mu.Unlock()
	if begins && p.opt.Failed != nil {
		p.opt.Failed(u.Name, u.withoutKey(err))
	}
	return picture, err
}

// fetch asks for an address. Its errors never hold the address, in which the key is.
func (p *Proxy) fetch(ctx context.Context, address string) (picture *Picture, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, errors.New("the address cannot be asked")
	}
	req.Header.Set("User-Agent", "gengtu")
	req.Header.Set("Accept", "image/png, image/jpeg, image/webp")
	res, err := p.client.Do(req)
	if err != nil {
		return nil, withoutAddress(err)
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound, http.StatusNoContent, http.StatusGone:
		return nil, nil //nolint:nilnil // there is none, and that is no error
	default:
		return nil, fmt.Errorf("it answers with status %d", res.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, maxTileBytes+1))
	if err != nil {
		return nil, withoutAddress(err)
	}
	if len(data) > maxTileBytes {
		return nil, fmt.Errorf("a tile has more than %d bytes", maxTileBytes)
	}
	return pictureOf(res.Header.Get("Content-Type"), data)
}

// withoutKey is an error without the key, which an answer may repeat: as a place to go to
// that none can, or as its type.
func (s *Source) withoutKey(err error) error {
	if s.key == "" {
		return err
	}
	text := err.Error()
	for _, key := range []string{s.key, url.QueryEscape(s.key), url.PathEscape(s.key)} {
		text = strings.ReplaceAll(text, key, "***")
	}
	return errors.New(text)
}

// withoutAddress is an error of asking without the address that was asked.
func withoutAddress(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// pictureOf checks that data are a picture of the type that they are said to be: what a
// browser would run must not come from here.
func pictureOf(said string, data []byte) (*Picture, error) {
	kind, _, err := mime.ParseMediaType(said)
	if err != nil || !slices.Contains([]string{"image/png", "image/jpeg", "image/webp"}, kind) {
		return nil, fmt.Errorf("it answers with %.40q, which is no picture", said)
	}
	if is := http.DetectContentType(data); is != kind {
		return nil, fmt.Errorf("it answers with %.40q, which is said to be %s", is, kind)
	}
	return &Picture{Type: kind, Data: data}, nil
}
