package main

import (
	"crypto/tls"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"gengtu/index/disk"
	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/tileserver"
)

// checkListening refuses to send a tier above public over a network as plain text,
// tokens and answers, unless the operator says that something else protects it.
func (f *serving) checkListening(s *tileserver.Server) error {
	if f.cert != "" || f.plain || loopback(f.listen) {
		return nil
	}
	for _, t := range s.Tiers() {
		if t != edition.Public {
			return problem.New("LISTEN_PLAIN", "%[1]s不能在 %[3]s 上用明文 HTTP 提供：令牌和数据会被同网的人读到",
				"a %[2]s edition is not served on %[3]s by plain HTTP: whoever is on that network would read tokens and data", t.Title(problem.Chinese), t, f.listen).
				Advise("给出 --tls-cert 和 --tls-key，或只监听 127.0.0.1；前面另有加密（反向代理、专线）时加 --plain-http",
					"give --tls-cert and --tls-key, or listen on 127.0.0.1; where a proxy or a line of its own encrypts, add --plain-http")
		}
	}
	return nil
}

// unnamed is the warning that whoever asks names the server: beyond loopback, above
// public, answers hold addresses with the Host of the request. nil where there is none.
func (f *serving) unnamed(tiers []edition.Tier) *problem.Problem {
	if f.base != "" || loopback(f.listen) || !slices.ContainsFunc(tiers, func(t edition.Tier) bool { return t != edition.Public }) {
		return nil
	}
	return problem.New("PUBLIC_URL_MISSING", "没有给出 --public-url：答案中的地址用请求所说的主机名，提问的人可以随意写", "no --public-url is given: addresses in answers have the host that a request names, which is whatever who asks writes").
		Advise("给出 --public-url，写用户打开地图用的地址，如 https://map.example.cn", "give --public-url, the address by which users open the map, such as https://map.example.org")
}

// certCheckEvery is how often the files of a certificate are looked at.
const certCheckEvery = 10 * time.Second

// certificate is a pair of files, read anew when they change, so that renewing it
// takes no restart. Safe for concurrent use.
type certificate struct {
	certFile, keyFile string
	failed            func(error) // told of files that cannot be taken

	mu      sync.Mutex
	current *tls.Certificate
	stamp   [2]time.Time
	looked  time.Time
}

// readPair reads the certificate and its key, where they are given.
func (f *serving) readPair(cfg *tileserver.Config) (err error) {
	if f.cert == "" {
		return nil
	}
	f.pair, err = readCertificate(f.cert, f.key, func(err error) { cfg.Log.Error("certificate not taken; the one before stays in force", "error", err) })
	if err == nil {
		cfg.CertificateEnds = f.pair.ends
	}
	return err
}

// readCertificate reads the files.
func readCertificate(certFile, keyFile string, failed func(error)) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, failed: failed}
	if err := c.read(); err != nil {
		return nil, err
	}
	c.looked = time.Now()
	return c, nil
}

// read reads the files when they have changed. What cannot be taken leaves the pair
// before in force.
func (c *certificate) read() error {
	var stamp [2]time.Time
	for i, path := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(path)
		if err != nil {
			return tlsProblem(path, err)
		}
		stamp[i] = info.ModTime()
		// Whoever reads the key can answer in the server's name.
		if i == 1 && disk.Perm(info)&0o007 != 0 {
			return problem.New("TLS_MODE", "私钥文件权限 %04o 过宽", "the key's permissions %04o are too wide", disk.Perm(info)).
				Advise("请执行 chmod 600", "run chmod 600 on it").In(path)
		}
	}
	if stamp == c.stamp {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return tlsProblem(c.certFile, err)
	}
	c.current, c.stamp = &pair, stamp
	return nil
}

func tlsProblem(path string, err error) error {
	return problem.New("TLS_FILES", "证书或私钥不能用（%v）", "the certificate or its key cannot be used (%v)", err).
		Advise("--tls-cert 是 PEM 证书链，--tls-key 是它的 PEM 私钥", "--tls-cert is the chain as PEM, --tls-key its key as PEM").In(path).Because(err)
}

// get is for [tls.Config].
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.looked) >= certCheckEvery {
		c.looked = now
		if err := c.read(); err != nil {
			c.failed(err)
		}
	}
	return c.current, nil
}

// ends is when the certificate in force expires. It looks for a new one, as a connection
// does.
func (c *certificate) ends() time.Time {
	pair, err := c.get(nil)
	if err != nil || pair.Leaf == nil {
		return time.Time{}
	}
	return pair.Leaf.NotAfter
}

// encrypted returns ln as a listener for TLS 1.2 and later.
func (c *certificate) encrypted(ln net.Listener) net.Listener {
	return tls.NewListener(ln, &tls.Config{GetCertificate: c.get, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}})
}
