package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// pemPair returns a certificate of that number that expires then, and its key.
func pemPair(t *testing.T, number int64, ends time.Time) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(number), NotBefore: time.Unix(0, 0), NotAfter: ends, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
}

// A certificate that is renewed is taken without a restart, by connections that begin
// then; while its two files do not fit, or one is gone, the pair before stays in force.
func TestCertificateIsRenewed(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	stamp := time.Now().Add(-time.Hour)
	put := func(path string, data []byte) {
		t.Helper()
		stamp = stamp.Add(time.Second) // writes within one tick of the disc's clock look alike
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, stamp, stamp); err != nil {
			t.Fatal(err)
		}
	}
	ends := time.Now().Add(24 * time.Hour).Truncate(time.Second)
	cert, key := pemPair(t, 1, ends)
	put(certFile, cert)
	put(keyFile, key)
	failures := 0
	c, err := readCertificate(certFile, keyFile, func(error) { failures++ })
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for secure := c.encrypted(ln); ; {
			conn, err := secure.Accept()
			if err != nil {
				return
			}
			_ = conn.(*tls.Conn).Handshake() // the client tells how it ended
			_ = conn.Close()
		}
	}()
	expect := func(at string, number int64, failed int) {
		t.Helper()
		c.mu.Lock()
		c.looked = time.Time{}
		c.mu.Unlock()
		conn, err := tls.Dial("tcp", ln.Addr().String(), &tls.Config{InsecureSkipVerify: true}) // the number is looked at
		if err != nil {
			t.Fatalf("%s: %v", at, err)
		}
		got := conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
		if got != number || failures != failed {
			t.Errorf("%s: certificate %d and %d failures, want %d and %d", at, got, failures, number, failed)
		}
	}
	expect("at first", 1, 0)
	if !c.ends().Equal(ends) {
		t.Errorf("it expires %s, want %s", c.ends(), ends)
	}
	cert2, key2 := pemPair(t, 2, ends.Add(time.Hour))
	put(certFile, cert2)
	expect("with the key of before", 1, 1)
	put(keyFile, key2)
	expect("with its key", 2, 1)
	if !c.ends().Equal(ends.Add(time.Hour)) {
		t.Errorf("it expires %s", c.ends())
	}
	put(keyFile, key2[:len(key2)/2])
	expect("with half a key", 2, 2)
	if err := os.Remove(certFile); err != nil {
		t.Fatal(err)
	}
	expect("without a certificate", 2, 3)
	put(certFile, cert)
	put(keyFile, key)
	if err := os.Chmod(keyFile, 0o644); err != nil {
		t.Fatal(err)
	}
	expect("with a key that others read", 2, 4)
	if err := os.Chmod(keyFile, 0o600); err != nil {
		t.Fatal(err)
	}
	expect("with the first again", 1, 4)
}
