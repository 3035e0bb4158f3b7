package access

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"gengtu/index/problem"
)

// A writer waits for others as long as they change the file, and not for one that does
// nothing.
func TestLockPatience(t *testing.T) {
	const patience, turn, turns = 100 * time.Millisecond, 30 * time.Millisecond, 20
	path := filepath.Join(t.TempDir(), "access.json")
	unlock, err := lockFile(path, patience)
	if err != nil {
		t.Fatal(err)
	}
	// Others, of whom each comes before us.
	done := make(chan error, 1)
	go func() {
		for n := range turns {
			<-time.After(turn)
			if err := os.WriteFile(path, make([]byte, n+1), 0o600); err != nil {
				done <- err
				return
			}
		}
		done <- unlock()
	}()
	start := time.Now()
	mine, err := lockFile(path, patience)
	if err != nil {
		t.Fatalf("after %s: %v", time.Since(start), err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	start = time.Now()
	_, err = lockFile(path, patience)
	if p := problem.Of(err); p == nil || p.Code != "ACCESS_LOCKED" || time.Since(start) < patience {
		t.Errorf("after %s beside one that does nothing: %v", time.Since(start), err)
	}
	if err := mine(); err != nil {
		t.Fatal(err)
	}
	if unlock, err = lockFile(path, patience); err != nil {
		t.Fatal(err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
}

// holderEnv names to this test's own program the file whose lock it is to hold.
const holderEnv = "GENGTU_TEST_LOCK"

// held keeps the lock of the program that is killed.
var held func() error

// A program that is killed with the lock leaves none behind.
func TestLockOfTheDead(t *testing.T) {
	if path := os.Getenv(holderEnv); path != "" {
		var err error
		if held, err = lockFile(path, time.Second); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stdout.WriteString("holds it\n"); err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(io.Discard, os.Stdin) // until it is killed, or the test that began it ends
		t.Fatalf("let go: %v", err)
	}
	path := filepath.Join(t.TempDir(), "access.json")
	holder := exec.Command(os.Args[0], "-test.run=^TestLockOfTheDead$")
	holder.Env = append(os.Environ(), holderEnv+"="+path)
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := holder.StdinPipe(); err != nil { // open while this test runs
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%q %v", line, err)
	}
	if _, err := lockFile(path, 50*time.Millisecond); problem.Of(err) == nil {
		t.Fatalf("the lock of a program that lives is taken: %v", err)
	}
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = holder.Wait() // killed
	unlock, err := lockFile(path, 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
}
