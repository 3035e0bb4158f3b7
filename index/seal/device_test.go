package seal_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gengtu/index/edition"
	"gengtu/index/seal"
)

// asDevice makes the test's own program a device: HMAC stands for what only a
// device knows.
const asDevice = "GENGTU_TEST_DEVICE"

func TestMain(m *testing.M) {
	if how := os.Getenv(asDevice); how != "" {
		answer(os.Stdin, os.Stdout, how)
		return
	}
	os.Exit(m.Run())
}

func answer(in io.Reader, out io.Writer, how string) {
	var r struct {
		Operation, Key     string
		Message, Signature []byte
	}
	if err := json.NewDecoder(in).Decode(&r); err != nil {
		panic(err)
	}
	h := hmac.New(sha256.New, []byte("secret of "+r.Key))
	h.Write(r.Message)
	value := h.Sum(nil)
	a := map[string]any{}
	switch {
	case how == "silent":
		_, _ = io.Copy(io.Discard, in)
		<-make(chan int)
	case how == "flood":
		for {
			if _, err := out.Write(bytes.Repeat([]byte(" "), 1<<16)); err != nil {
				return
			}
		}
	case how == "babble":
		_, _ = io.WriteString(out, "hello")
		return
	case how == "sorry":
		a["error"] = "no card\x1b[2J"
	case how == "wrong":
		a["value"] = []byte("no signature")
	case r.Operation == "sign":
		a["value"] = value
	case r.Operation == "wrap":
		a["value"] = append(value, r.Message...)
	case r.Operation == "unwrap" && len(r.Message) > len(value):
		a["value"] = r.Message[len(value):]
	case r.Operation == "verify":
		a["valid"] = hmac.Equal(value, r.Signature)
	}
	if err := json.NewEncoder(out).Encode(a); err != nil {
		panic(err)
	}
}

func device(t *testing.T, way string) string {
	t.Helper()
	return written(t, `{"name": "保密机 100%d", "algorithm": "device", "key": "slot 3", "timeout_seconds": 2, `+way+`}`)
}

// A secure edition signs and verifies by its unit's device, over a command or a
// socket.
func TestDevice(t *testing.T) {
	ctx := t.Context()
	socket := filepath.Join(t.TempDir(), "s")
	l, err := (&net.ListenConfig{}).Listen(ctx, "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			answer(c, c, "well")
			c.Close()
		}
	}()
	t.Setenv(asDevice, "well")
	byCommand := device(t, `"command": [`+quoted(os.Args[0])+`]`)
	bySocket := device(t, `"socket": `+quoted(socket))
	for _, path := range []string{byCommand, bySocket} {
		signer, err := seal.ReadSigner(path, edition.Secure)
		if err != nil {
			t.Fatal(err)
		}
		s, err := seal.Sign(ctx, signer, seal.Package, []byte("m"))
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range []string{byCommand, bySocket} {
			trust, err := seal.ReadTrust(other, edition.Secure)
			if err != nil {
				t.Fatal(err)
			}
			if k, err := seal.Verify(ctx, trust, seal.Package, []byte("m"), s); err != nil || k.Name != "保密机 100%d" {
				t.Errorf("%q %v", k.Name, err)
			}
			_, err = seal.Verify(ctx, trust, seal.Package, []byte("n"), s)
			wants(t, "altered", err, "SEAL_BROKEN")
		}
	}
}

// A device that fails in any way is a problem in time, never a signature.
func TestDeviceFails(t *testing.T) {
	for _, how := range []string{"silent", "flood", "babble", "sorry", "wrong"} {
		t.Setenv(asDevice, how)
		signer, err := seal.ReadSigner(device(t, `"command": [`+quoted(os.Args[0])+`]`), edition.Secure)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_, err = seal.Sign(t.Context(), signer, seal.Package, nil)
		wants(t, how, err, "SEAL_DEVICE")
		if err != nil && (strings.Contains(err.Error(), "\x1b") || strings.Contains(err.Error(), "%!")) {
			t.Errorf("%s: %q", how, err)
		}
		if d := time.Since(began); d > time.Minute {
			t.Errorf("%s took %v", how, d)
		}
	}
	for _, way := range []string{`"command": ["/none"]`, `"socket": "/none"`} {
		signer, err := seal.ReadSigner(device(t, way), edition.Secure)
		if err != nil {
			t.Fatal(err)
		}
		_, err = seal.Sign(t.Context(), signer, seal.Package, nil)
		wants(t, way, err, "SEAL_DEVICE")
	}
	// The caller's end is kept to as well.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	t.Setenv(asDevice, "silent")
	signer, err := seal.ReadSigner(device(t, `"command": [`+quoted(os.Args[0])+`]`), edition.Secure)
	if err != nil {
		t.Fatal(err)
	}
	_, err = seal.Sign(ctx, signer, seal.Package, nil)
	wants(t, "ended", err, "SEAL_DEVICE")
}
