package main

import (
	"errors"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/index/seal"
	"gengtu/tileserver"
	"gengtu/tileserver/access"
	"gengtu/tileserver/catalog"
)

type serving struct {
	editions                    list
	listen, access, cache, base string
	audit, logLevel, classes    string
	seal, trust                 string
	catalogue                   list
	open                        bool
}

func runServe(e *env, fs *flags) error {
	var f serving
	fs.Var(&f.editions, "edition", "版本目录，可多次，每版一个|an edition's directory, may be repeated, one of a tier")
	fs.StringVar(&f.listen, "listen", "127.0.0.1:8080", "监听地址|address to listen on")
	fs.StringVar(&f.access, "access", "", "令牌文件|the access file")
	fs.BoolVar(&f.open, "open", false, "不要令牌，仅限本机试用|ask for no tokens; loopback only, for trials")
	fs.StringVar(&f.cache, "cache", "", "临时瓦片目录|directory for tiles made on demand")
	fs.StringVar(&f.base, "public-url", "", "对外地址|address that answers name the server by")
	fs.StringVar(&f.classes, "classes", "", "改过的地类表|an edited table of land classes")
	fs.StringVar(&f.audit, "audit", "", "审计日志文件|file of the audit log")
	fs.Var(&f.catalogue, "catalogue", "数据目录表，每版一个，可多次|table of what the catalogue says of a tier's layers, may be repeated, one of a tier")
	fs.StringVar(&f.seal, "seal", "", "签名密钥文件；receipt=1 的答案带签名回执|key file that signs the receipts of answers to receipt=1")
	fs.StringVar(&f.trust, "seal-trust", "", "也认哪些密钥的回执（公钥文件）|file of public keys whose receipts are taken for genuine, too")
	fs.StringVar(&f.logLevel, "log", "info", "日志级别 debug|info|warn|error")
	if _, err := fs.parse(0, 0); err != nil {
		return err
	}
	if len(f.editions) == 0 {
		return need("edition", "")
	}
	return e.serve(&f, func(addr string) { e.notef("%s http://%s/\n", e.pick("服务地址", "serving at"), addr) })
}

// serve serves until the context ends. Ready is called with the address once
// requests are taken.
func (e *env) serve(f *serving, ready func(addr string)) error {
	if f.open && f.access != "" {
		return usage("OPEN_ACCESS", "--open 和 --access 只能给一个", "give one of --open and --access")
	}
	if f.open && !loopback(f.listen) {
		return usage("OPEN_LOOPBACK", "--open 只能监听本机回环地址，不能是 %s", "--open listens on loopback only, not on %s", f.listen)
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.logLevel)); f.logLevel != "" && err != nil {
		return usage("LOG_LEVEL", "日志级别 %q 不认识", "unknown log level %q", f.logLevel)
	}
	cfg := tileserver.Config{
		Editions: f.editions, CacheDir: f.cache, PublicURL: f.base, Lang: e.lang, Program: programVersion(),
		Log: slog.New(slog.NewJSONHandler(e.stderr, &slog.HandlerOptions{Level: level})),
	}
	if f.classes != "" {
		classes, err := loadClasses(f.classes)
		if err != nil {
			return err
		}
		cfg.Classes = classes
	}
	if err := errors.Join(f.readKeys(&cfg), f.readCatalogue(&cfg)); err != nil {
		return err
	}
	if f.access != "" {
		store, err := access.Open(f.access)
		if err != nil {
			return err
		}
		cfg.Access = store
	}
	if f.audit != "" {
		log, err := access.OpenLog(f.audit, access.FailClosed)
		if err != nil {
			return err
		}
		defer func() { _ = log.Close() }() // every line was written through
		cfg.Audit = log
	}
	s, err := tileserver.New(cfg)
	if err != nil {
		return err
	}
	err = e.listen(s, f, ready)
	return errors.Join(err, s.Close())
}

// readKeys reads the keys of receipts, which have to be fit for each edition.
func (f *serving) readKeys(cfg *tileserver.Config) error {
	if f.seal == "" && f.trust == "" {
		return nil
	}
	for _, dir := range f.editions {
		_, m, err := edition.Current(dir)
		if err != nil {
			return err
		}
		if f.seal != "" {
			if cfg.Seal, err = readSealer(f.seal, m.Tier); err != nil {
				return err
			}
		}
		if f.trust != "" {
			if cfg.Trust, err = seal.ReadTrust(f.trust, m.Tier); err != nil {
				return err
			}
		}
	}
	return nil
}

// readCatalogue reads the tables of the catalogue, each of which may name only what
// the edition of its tier has.
func (f *serving) readCatalogue(cfg *tileserver.Config) error {
	if len(f.catalogue) == 0 {
		return nil
	}
	layers := map[edition.Tier][]edition.Layer{}
	for _, dir := range f.editions {
		_, m, err := edition.Current(dir)
		if err != nil {
			return err
		}
		layers[m.Tier] = m.Layers
	}
	cfg.Catalogue = map[edition.Tier]*catalog.Table{}
	for _, path := range f.catalogue {
		data, err := os.ReadFile(path)
		if err != nil {
			return problem.New("CATALOGUE_FILE", "数据目录表读不出来（%v）", "the table of the catalogue cannot be read (%v)", err).In(path).Because(err)
		}
		t, err := catalog.Parse(path, data, func(tier edition.Tier, name string) bool {
			return slices.ContainsFunc(layers[tier], func(l edition.Layer) bool { return l.Name == name })
		})
		if err != nil {
			return err
		}
		if layers[t.Tier] == nil || cfg.Catalogue[t.Tier] != nil {
			return problem.New("CATALOGUE_TIER", "%[1]s没有给出版本目录，或有两个表", "there is no edition of the tier %[2]s, or there are two tables", t.Tier.Title(problem.Chinese), string(t.Tier)).In(path).
				Advise("每版给一个表", "give one table for each tier that is served")
		}
		cfg.Catalogue[t.Tier] = t
	}
	return nil
}

func (e *env) listen(s *tileserver.Server, f *serving, ready func(addr string)) error {
	if f.access == "" && !f.open {
		for _, t := range s.Tiers() {
			if t != edition.Public {
				return problem.New("ACCESS_NEEDED", "%[1]s没有令牌文件不能开放", "a %[2]s edition is not served without tokens", t.Title(problem.Chinese), t).
					Advise("给出 --access FILE，或在本机试用时加 --open", "give --access FILE, or --open for a trial on this machine")
			}
		}
	}
	ln, err := new(net.ListenConfig).Listen(e.ctx, "tcp", f.listen)
	if err != nil {
		return problem.New("LISTEN", "监听不了 %s（%v）", "cannot listen on %s (%v)", f.listen, err).
			Advise("换一个地址，或停掉占用它的程序", "take another address, or stop what holds it").Because(err)
	}
	ready(ln.Addr().String())
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	wake := make(chan struct{})
	go func() {
		for {
			select {
			case <-hup:
				select {
				case wake <- struct{}{}:
				case <-e.ctx.Done():
					return
				}
			case <-e.ctx.Done():
				return
			}
		}
	}()
	return s.Serve(e.ctx, ln, wake)
}

// loopback tells whether an address can be reached from this machine alone.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
