package main_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// On arm64, where an instruction multiplies and adds with one rounding, the program as it
// is given out makes the same deliveries, editions, archives and answers as here, byte for
// byte. It runs under qemu's user emulation, which computes as the processor does.
func TestGoldenArm64(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("it is amd64 that others are held against")
	}
	if _, err := exec.LookPath("qemu-aarch64-static"); err != nil {
		t.Fatalf("%v; make deps", err)
	}
	var version struct{ Version string }
	if err := json.Unmarshal([]byte(must(t, "version", "--json")), &version); err != nil {
		t.Fatal(err)
	}
	dist := filepath.Join(t.TempDir(), "dist")
	build := exec.Command("deploy/dist.sh", dist, version.Version)
	build.Env = append(os.Environ(), "SYSTEMS=linux/arm64")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	program, err := os.ReadFile(binary())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dist, "gengtu-"+version.Version+"-linux-amd64"), program, 0o755); err != nil {
		t.Fatal(err)
	}
	golden := exec.Command("deploy/golden.sh", dist, "100")
	out, err := golden.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%.4000s", err, out)
	}
	said := regexp.MustCompile(`(?m)^(amd64|arm64): (\d+) figures, ([0-9a-f]{64})`).FindAllStringSubmatch(string(out), -1)
	if len(said) != 2 || said[0][2] != said[1][2] || said[0][3] != said[1][3] || strings.Contains(string(out), "not compared") {
		t.Errorf("compared was: %s", out)
	}
}
