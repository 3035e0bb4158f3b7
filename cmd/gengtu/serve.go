package main

import (
	"errors"
	"net"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/tileserver"
	"gengtu/tileserver/access"
	"gengtu/tileserver/catalog"
)

type serving struct {
	editions                    list
	listen, access, cache, base string
	audit, classes, bases       string
	log                         logging
	pair                        *certificate // nil without TLS, and until it is read
	seal, trust                 string
	catalogue                   list
	gaps                        map[edition.Tier][]catalog.Gap // in the catalogue, once it is read
	cert, key, proxies          string
	syslog                      string
	open, plain, syslogNeeded   bool
	limiting                    limiting
	analyses                    analysing
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
	fs.StringVar(&f.audit, "audit", "", "审计日志目录，默认在令牌文件旁|directory of the audit log, beside the access file where none is given")
	fs.StringVar(&f.cert, "tls-cert", "", "TLS 证书链（PEM）|the TLS certificate's chain, PEM")
	fs.StringVar(&f.key, "tls-key", "", "TLS 私钥（PEM）|the TLS certificate's key, PEM")
	fs.BoolVar(&f.plain, "plain-http", false, "允许公众版以上在非本机地址上用明文 HTTP|allow plain HTTP beyond this machine above public")
	fs.StringVar(&f.proxies, "trusted-proxy", "", "可信反向代理的地址段，采信其 X-Forwarded-For|networks of proxies whose X-Forwarded-For is believed, a comma between")
	fs.StringVar(&f.syslog, "syslog", "", "审计日志另送 syslog：unix:/dev/log、udp://、tcp://、tls://|a syslog that takes the audit lines, too")
	fs.BoolVar(&f.syslogNeeded, "syslog-required", false, "送不到 syslog 就不作答|no answers while the syslog does not take lines")
	fs.Var(&f.catalogue, "catalogue", "数据目录表，每版一个，可多次|table of what the catalogue says of a tier's layers, may be repeated, one of a tier")
	fs.StringVar(&f.bases, "base-maps", "", "底图表：代取并缓存别家的瓦片，密钥不出本机；默认没有|file of base maps: tiles of other servers, passed on and kept, whose keys stay here; none by default")
	fs.StringVar(&f.seal, "seal", "", "签名密钥文件；receipt=1 的答案带签名回执|key file that signs the receipts of answers to receipt=1")
	fs.StringVar(&f.trust, "seal-trust", "", "也认哪些密钥的回执（公钥文件）|file of public keys whose receipts are taken for genuine, too")
	f.limiting.define(fs)
	f.analyses.define(fs)
	f.log.define(fs)
	conf, err := configure(fs)
	if err != nil {
		return err
	}
	conf.tell(e)
	if conf.printing() {
		return errors.Join(conf.print(e), f.check())
	}
	if err := f.check(); err != nil {
		conf.tellOrigins(e)
		return err
	}
	if len(f.editions) == 0 {
		return need("edition", "")
	}
	return e.serve(&f, func(addr string) {
		for i, a := range openable(addr) {
			word := e.pick("服务地址", "serving at")
			if i > 0 {
				word = e.pick("　也可用", "  and at")
			}
			e.notef("%s %s://%s/\n", word, f.scheme(), a)
		}
		e.tellGaps(&f)
		if f.analyses.dir == "" {
			e.notef("%s\n", e.pick("没有 --jobs：专题分析的任务和答案只保留到服务停止", "no --jobs: analyses and their answers are kept until the server stops"))
		}
	})
}

// scheme is that of the server's address.
func (f *serving) scheme() string {
	if f.cert != "" {
		return "https"
	}
	return "http"
}

// mostAddresses bounds the addresses of the machine that are told.
const mostAddresses = 4

// openable returns what a browser can open of an address that is listened on: where that
// is each of the machine's, its loopback first and then those that others reach it by.
func openable(addr string) []string {
	host, port, err := net.SplitHostPort(addr)
	ip := net.ParseIP(host)
	if err != nil || ip == nil || !ip.IsUnspecified() {
		return []string{addr}
	}
	out := []string{net.JoinHostPort("127.0.0.1", port)}
	all, err := net.InterfaceAddrs()
	if err != nil {
		return out // this machine opens it all the same
	}
	for _, a := range all {
		n, ok := a.(*net.IPNet)
		if ok && n.IP.IsGlobalUnicast() && len(out) < mostAddresses {
			out = append(out, net.JoinHostPort(n.IP.String(), port))
		}
	}
	return out
}

// check refuses flags that do not go together, and values that need nothing but
// themselves to be judged.
func (f *serving) check() error {
	if err := f.log.check(); err != nil {
		return err
	}
	if _, err := f.limiting.limits(); err != nil {
		return err
	}
	if err := f.analyses.check(); err != nil {
		return err
	}
	if _, err := networks("trusted-proxy", f.proxies); err != nil {
		return err
	}
	if !isAddress(f.listen) {
		return usageError{problem.New("LISTEN_ADDRESS", "--listen 是 %.80q", "--listen is %.80q", f.listen).
			Advise("写成 地址:端口，如 127.0.0.1:8080；所有地址为 :8080", "it is an address and a port, such as 127.0.0.1:8080; all addresses are :8080")}
	}
	if !isBase(f.base) {
		return usageError{problem.New("PUBLIC_URL", "--public-url 是 %.80q", "--public-url is %.80q", f.base).
			Advise("写用户打开地图用的完整地址，如 https://map.example.cn，不带 ? 和 #", "it is the whole address by which users open the map, such as https://map.example.org, without ? and #")}
	}
	switch {
	case f.open && f.access != "":
		return usage("OPEN_ACCESS", "--open 和 --access 只能给一个", "give one of --open and --access")
	case f.open && !loopback(f.listen):
		return usage("OPEN_LOOPBACK", "--open 只能监听本机回环地址，不能是 %s", "--open listens on loopback only, not on %s", f.listen)
	case (f.cert == "") != (f.key == ""):
		return usage("TLS_PAIR", "--tls-cert 和 --tls-key 要一起给", "give --tls-cert and --tls-key together")
	case f.cert != "" && f.plain:
		return usage("TLS_PLAIN", "--tls-cert 和 --plain-http 只能给一个", "give one of --tls-cert and --plain-http")
	}
	return nil
}

// serve serves until the context ends. Ready is called with the address once
// requests are taken.
func (e *env) serve(f *serving, ready func(addr string)) error {
	if err := f.check(); err != nil {
		return err
	}
	log, err := f.log.logger(e)
	if err != nil {
		return err
	}
	cfg := tileserver.Config{
		Editions: f.editions, CacheDir: f.cache, PublicURL: f.base, Lang: e.lang, Program: programVersion(),
		Log: log,
	}
	if cfg.Limits, err = f.limiting.limits(); err != nil {
		return err
	}
	f.analyses.into(&cfg.Limits)
	cfg.JobsDir, cfg.AnswerFiles = f.analyses.dir, answerFiles()
	if cfg.TrustedProxies, err = networks("trusted-proxy", f.proxies); err != nil {
		return err
	}
	if f.classes != "" {
		classes, err := loadClasses(f.classes)
		if err != nil {
			return err
		}
		cfg.Classes = classes
	}
	if f.access != "" {
		store, err := access.Open(f.access)
		if err != nil {
			return err
		}
		cfg.Access = store
	}
	// Nothing of keys and editions is read before the role is asked and the act is told.
	closeAudit, err := e.openAudit(f, &cfg)
	if err != nil {
		return err
	}
	if err := errors.Join(f.readKeys(&cfg), f.readCatalogue(&cfg), f.readPair(&cfg), f.readBases(&cfg), f.analyses.readRules(&cfg), f.log.open(e, log)); err != nil {
		return errors.Join(err, closeAudit())
	}
	defer f.log.close()
	cfg.AccessLog = f.log.access
	s, err := tileserver.New(cfg)
	if err != nil {
		return errors.Join(err, closeAudit())
	}
	err = e.listen(s, f, ready)
	return errors.Join(err, s.Close(), closeAudit())
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
	if err := f.checkListening(s); err != nil {
		return err
	}
	if p := f.unnamed(s.Tiers()); p != nil {
		e.warn(p)
	}
	ln, err := new(net.ListenConfig).Listen(e.ctx, "tcp", f.listen)
	if err != nil {
		return problem.New("LISTEN", "监听不了 %s（%v）", "cannot listen on %s (%v)", f.listen, err).
			Advise("换一个地址，或停掉占用它的程序", "take another address, or stop what holds it").Because(err)
	}
	ready(ln.Addr().String())
	if f.pair != nil {
		ln = f.pair.encrypted(ln)
	}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	wake := make(chan struct{})
	go func() {
		for {
			select {
			case <-hup:
				f.log.access.Reopen()
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

// isAddress tells whether a text is an address and a port, as --listen takes it.
func isAddress(text string) bool {
	_, port, err := net.SplitHostPort(text)
	if err != nil {
		return false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil
}

// isBase tells whether addresses in answers can begin with a text: it is "", for the host
// of each request, or an address of the web, perhaps with a path.
func isBase(text string) bool {
	if text == "" {
		return true
	}
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil && !strings.ContainsAny(text, "?# ")
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
