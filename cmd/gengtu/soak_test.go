package main_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Minutes of mixed requests from many clients must all be answered, and must
// not make the server grow. Run by `make soak`; SOAK_MINUTES says how long.
func TestSoakServer(t *testing.T) {
	if os.Getenv("SOAK") == "" {
		t.Skip("a long run: make soak")
	}
	minutes := 5.0
	if v, err := strconv.ParseFloat(os.Getenv("SOAK_MINUTES"), 64); err == nil {
		minutes = v
	}
	e := theEditions(t)
	s := serve(t, e.Secure, e.Government, e.Public)
	client := func(seed uint64, until time.Time) int {
		rng := rand.New(rand.NewPCG(seed, 1))
		n := 0
		for ; time.Now().Before(until); n++ {
			tier := []string{"secure", "government", "public"}[rng.IntN(3)]
			x, y := 108.61+rng.Float64()*0.07, 34.305+rng.Float64()*0.06
			switch rng.IntN(4) {
			case 0:
				d := 0.001 + rng.Float64()*0.01
				s.get(t, 200, fmt.Sprintf("/%s/overlay?bbox=%f,%f,%f,%f", tier, x, y, x+d, y+d))
			case 1:
				s.get(t, 200, fmt.Sprintf("/%s/tiles/all/w/14/%d/%d.png", tier, 13134+rng.IntN(5), 6524+rng.IntN(5)))
			case 2:
				a := s.do(t, "GET", fmt.Sprintf("/%s/tiles/all/c/%d/%d/%d.mvt", tier, 13, 6567+rng.IntN(3), 1266+rng.IntN(3)), nil)
				if a.Status != 200 && a.Status != 204 {
					t.Errorf("tile: status %d", a.Status)
				}
			default:
				s.get(t, 200, "/"+tier+"/places?q=村")
			}
		}
		return n
	}
	client(0, time.Now().Add(10*time.Second)) // caches fill
	before := s.residentKB(t)
	until := time.Now().Add(time.Duration(minutes * float64(time.Minute)))
	var wg sync.WaitGroup
	var mu sync.Mutex
	total := 0
	for c := range uint64(16) {
		wg.Go(func() {
			n := client(c+1, until)
			mu.Lock()
			defer mu.Unlock()
			total += n
		})
	}
	wg.Wait()
	after := s.residentKB(t)
	t.Logf("%d requests, resident %d kB before and %d kB after", total, before, after)
	if after > before+512<<10 {
		t.Errorf("the server grew from %d to %d kB", before, after)
	}
}

// residentKB is the server's memory in use.
func (s *server) residentKB(t testing.TB) int {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(data)
	if m == nil {
		t.Fatal("no VmRSS")
	}
	n, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
