package areas_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"gengtu/index/areas"
	"gengtu/index/problem"
)

// numbered returns a next function over n shapes whose ids are their numbers.
func numbered(n int, given *atomic.Int64) func() (areas.Given, error) {
	return func() (areas.Given, error) {
		k := given.Add(1)
		if k > int64(n) {
			return areas.Given{}, io.EOF
		}
		return areas.Given{ID: strconv.AppendInt(nil, k, 10)}, nil
	}
}

func echo(_ context.Context, g *areas.Given) (areas.Result, error) {
	return areas.Result{ID: g.ID, Problem: problem.New("X", "甲", "x")}, nil
}

// Results come in the order of the shapes, whatever takes how long, and no more
// of them wait than the workers may be ahead.
func TestResultsOrder(t *testing.T) {
	for workers := 1; workers <= 4; workers++ {
		synctest.Test(t, func(t *testing.T) {
			var given, answered atomic.Int64
			slow := make(chan struct{})
			s := areas.Start(t.Context(), workers, numbered(200, &given), func(ctx context.Context, g *areas.Given) (areas.Result, error) {
				if string(g.ID) == "1" {
					<-slow
				}
				answered.Add(1)
				return echo(ctx, g)
			})
			defer s.Close()
			synctest.Wait()
			if s.Ready() {
				t.Error("the first result is ready before it is")
			}
			if n := given.Load(); n > int64(4*workers+2) {
				t.Errorf("%d workers: %d shapes were taken ahead of the first", workers, n)
			}
			close(slow)
			for i := 1; i <= 200; i++ {
				if r, err := s.Next(); err != nil || string(r.ID) != strconv.Itoa(i) {
					t.Fatalf("result %d is %s, %v", i, r.ID, err)
				}
			}
			for range 2 {
				if _, err := s.Next(); !errors.Is(err, io.EOF) || !s.Ready() {
					t.Errorf("the end is %v", err)
				}
			}
		})
	}
}

// The work ends with the context, with an error and with Close; what is wrong is
// told once for all, and a panic is an error.
func TestResultsEnd(t *testing.T) {
	broken := errors.New("broken")
	for name, answer := range map[string]func(context.Context, *areas.Given) (areas.Result, error){
		"an error": func(ctx context.Context, g *areas.Given) (areas.Result, error) {
			if string(g.ID) == "7" {
				return areas.Result{}, broken
			}
			return echo(ctx, g)
		},
		"a panic": func(ctx context.Context, g *areas.Given) (areas.Result, error) {
			if string(g.ID) == "7" {
				panic(broken)
			}
			return echo(ctx, g)
		},
	} {
		var given atomic.Int64
		s := areas.Start(t.Context(), 3, numbered(1<<30, &given), answer)
		n := 0
		var err error
		for err == nil {
			if _, err = s.Next(); err == nil {
				n++
			}
		}
		_, again := s.Next()
		if n != 6 || !strings.Contains(err.Error(), "broken") || !errors.Is(again, err) {
			t.Errorf("%s: %v after %d results, then %v", name, err, n, again)
		}
		s.Close()
	}
	var given atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	s := areas.Start(ctx, 2, numbered(1<<30, &given), echo)
	for range 10 {
		if _, err := s.Next(); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	for {
		if _, err := s.Next(); err != nil {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled work ended with %v", err)
			}
			break
		}
	}
	s.Close()
	at := given.Load()
	s = areas.Start(t.Context(), 2, func() (areas.Given, error) { return areas.Given{}, broken }, echo)
	if _, err := s.Next(); !errors.Is(err, broken) {
		t.Errorf("next's error came as %v", err)
	}
	s.Close()
	if given.Load() != at || at > 100 {
		t.Errorf("%d shapes were taken of work that was given up", at)
	}
}

// However many workers, the bytes are the same; shapes that their part of the
// vertices is too small for are answered all the same.
func TestAskerWorkers(t *testing.T) {
	ix := formLand.open(t)
	var shapes []string
	for i := range 60 {
		s := roundShape(5, 108.7003, 34.3002, 0.0001+float64(i)*0.00001)
		if i%7 == 0 {
			s = roundShape(400, 108.7003, 34.3002, 0.0002)
		}
		shapes = append(shapes, `{"type":"Feature","id":`+strconv.Itoa(i)+`,"geometry":`+s+`}`)
	}
	body := []byte(`{"type":"FeatureCollection","features":[` + strings.Join(shapes, ",") + `]}`)
	ask := func(workers int) string {
		given, _, err := areas.ParseShapes(body, areas.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		k := areas.Asker{Index: ix, Question: areas.Question{Combinations: true, Workers: 1, MaxVertices: 700}, Lanes: workers}
		s := areas.Start(t.Context(), workers, areas.Each(given), k.Result)
		defer s.Close()
		var b bytes.Buffer
		var mu sync.Mutex
		waits := 0
		err = s.WriteAll(areas.NewWriter(&b, areas.NDJSON, formAbout), func() error {
			mu.Lock()
			defer mu.Unlock()
			waits++
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	want := ask(1)
	if strings.Count(want, `"status":"ok"`) != 60 {
		t.Fatalf("not all are answered: %.500s", want)
	}
	for _, workers := range []int{2, 5} {
		if got := ask(workers); got != want {
			t.Errorf("%d workers give other bytes", workers)
		}
	}
}

func TestParseSequence(t *testing.T) {
	feature := `{"type":"Feature","id":1,"geometry":` + square + `}`
	for _, c := range []struct{ name, text, want string }{
		{"lines", feature + "\n" + square + "\r\n\n" + feature, "ok ok ok"},
		{"records of more than one line", "\x1e" + strings.ReplaceAll(feature, ",", ",\n") + "\n\x1e" + square + "\n", "ok ok"},
		{"a byte order mark", "\uFEFF" + feature, "ok"},
		{"nothing", " \n", ""},
		{"bad ones among good ones", feature + "\n{\n" + `"x"` + "\nnull\n" + `{"type":"FeatureCollection","features":[]}` + "\n" + feature, "ok GEOJSON_SYNTAX GEOJSON_SYNTAX AOI_EMPTY GEOJSON_SYNTAX ok"},
	} {
		shapes, err := areas.ParseSequence([]byte(c.text), areas.Limits{})
		var got []string
		for _, g := range shapes {
			got = append(got, codesOf(g))
		}
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, %v", c.name, got, err)
		}
	}
	if _, err := areas.ParseSequence([]byte(strings.Repeat("null\n", 4)), areas.Limits{Features: 3}); !hasCode(err, "TOO_LARGE_COLLECTION") {
		t.Errorf("four of three: %v", err)
	}
	for n, code := range map[int]string{15: "", 14: "TOO_LARGE_SHAPES", 10: "TOO_LARGE_SHAPES"} {
		if _, err := areas.ParseSequence([]byte(strings.Repeat(square+"\n", 3)), areas.Limits{Vertices: n}); code == "" && err != nil || code != "" && !hasCode(err, code) {
			t.Errorf("fifteen positions of %d: %v", n, err)
		}
	}
}

// Whatever a sequence holds, each record is a shape of its own: what is put behind it is
// read as if it stood alone, and changes nothing before it; limits are kept.
func FuzzParseSequence(f *testing.F) {
	for _, s := range []string{square + "\n" + another, "\x1e" + square + "\n\x1e" + another, "\uFEFFnull\n\n{\n", "\x1e", " \n", `{"type":"FeatureCollection","features":[]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := areas.ParseSequence(data, areas.Limits{})
		if err != nil {
			t.Fatalf("without limits: %v", err)
		}
		behind := "\n" + square
		if trimmed := bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\uFEFF")), " \t\r\n"); len(trimmed) > 0 && trimmed[0] == 0x1E {
			behind = "\x1e" + square
		}
		more, err := areas.ParseSequence(append(bytes.Clone(data), behind...), areas.Limits{})
		if err != nil || len(more) != len(all)+1 {
			t.Fatalf("%d records, with one behind them %d: %v", len(all), len(more), err)
		}
		if last := more[len(all)]; last.Err != nil || len(last.Polygons) != 1 {
			t.Fatalf("what is put behind is read as %+v", last)
		}
		for i, one := range all {
			if (one.Err == nil) != (more[i].Err == nil) || len(one.Polygons) != len(more[i].Polygons) {
				t.Fatalf("record %d is %+v, with one behind all %+v", i, one, more[i])
			}
		}
		if len(all) == 0 {
			return
		}
		if _, err := areas.ParseSequence(append(bytes.Clone(data), behind...), areas.Limits{Features: len(all)}); !hasCode(err, "TOO_LARGE_COLLECTION") {
			t.Fatalf("%d shapes where %d are the limit: %v", len(more), len(all), err)
		}
	})
}
