package tileserver_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"gengtu/tileserver"
	"gengtu/tileserver/tile"
)

// Answers to requests that were sent all at once come whole and in order, whatever their
// sizes: those of tiles that are larger than a connection's buffer go out in pieces.
func TestTilesPipelined(t *testing.T) {
	_, addr := serveTCP(t, tileserver.Limits{})
	var paths []string
	for _, grid := range []tile.Grid{tile.W, tile.C} {
		for z := uint8(8); z <= 14; z++ {
			for _, ending := range []string{".mvt", ".png", "@2x.png"} {
				paths = append(paths, "/public/tiles/all/"+grid.String()+"/"+tileAt(grid, z)+ending)
			}
		}
	}
	one := func(path string) []byte {
		res, err := http.Get("http://" + addr + path)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(res.Body)
		if err := errors.Join(err, res.Body.Close()); err != nil {
			t.Fatal(err)
		}
		return data
	}
	alone := map[string][]byte{}
	var large []string
	for _, p := range paths {
		if alone[p] = one(p); len(alone[p]) >= 4096 {
			large = append(large, p)
		}
	}
	if len(large) == 0 {
		t.Fatal("no tile is larger than the buffer")
	}
	paths = append(append(append(paths, large...), large...), paths...)
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }() // read to its end
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	var ask strings.Builder
	for _, p := range paths {
		fmt.Fprintf(&ask, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", p)
	}
	go func() { _, _ = io.WriteString(c, ask.String()) }() // reading tells
	in := bufio.NewReader(c)
	for i, p := range paths {
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("answer %d, %s: %v", i+1, p, err)
		}
		data, err := io.ReadAll(res.Body)
		if err := errors.Join(err, res.Body.Close()); err != nil {
			t.Fatalf("answer %d, %s: %v", i+1, p, err)
		}
		if !bytes.Equal(data, alone[p]) {
			t.Fatalf("answer %d, %s: %d bytes, alone %d", i+1, p, len(data), len(alone[p]))
		}
	}
}
