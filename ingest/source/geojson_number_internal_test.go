package source

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"gengtu/index/geo"
)

// Numbers must be those that strconv finds, and end where they end, however many
// digits they have and whatever stands behind them.
func TestNumbers(t *testing.T) {
	rnd := rand.New(rand.NewPCG(4, 11))
	digits := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte(byte('0' + rnd.IntN(10)))
		}
		return b.String()
	}
	for range 200_000 {
		text := []string{"", "-"}[rnd.IntN(2)] + digits(1+rnd.IntN(10))
		if rnd.IntN(4) > 0 {
			text += "." + digits(rnd.IntN(20))
		}
		if rnd.IntN(10) == 0 {
			text += []string{"e2", "E-3", "e+1"}[rnd.IntN(3)]
		}
		b := []byte(text + []string{",", "]", " ]"}[rnd.IntN(3)] + strings.Repeat("7", rnd.IntN(40)))
		want, err := strconv.ParseFloat(text, 64)
		c := jsonCursor{b: b}
		if got, ok := c.number(); !ok || err != nil || got != want || c.i != len(text) {
			t.Fatalf("%s: got %v up to %d, want %v up to %d (%v)", b, got, c.i, want, len(text), err)
		}
	}
}

// Positions must be those written, however they are written.
func TestPositions(t *testing.T) {
	rnd := rand.New(rand.NewPCG(4, 12))
	blank := func() string { return []string{"", " ", "  ", "\n", "\t "}[min(4, rnd.IntN(40))] }
	for range 3000 {
		var want []geo.XY
		var list []string
		for range 1 + rnd.IntN(12) {
			p := geo.XY{X: float64(rnd.IntN(1e9)) / 1e7, Y: -float64(rnd.IntN(1e9)) / 1e8}
			x, y := strconv.FormatFloat(p.X, 'f', -1, 64), strconv.FormatFloat(p.Y, 'f', -1, 64)
			if rnd.IntN(30) == 0 {
				x = strconv.FormatFloat(p.X, 'e', -1, 64)
			}
			if rnd.IntN(30) == 0 {
				y += blank() + "," + blank() + "17.5"
			}
			want = append(want, p)
			list = append(list, "["+blank()+x+blank()+","+blank()+y+blank()+"]")
		}
		text := "[" + blank() + strings.Join(list, blank()+","+blank()) + blank() + "]"
		var s shape
		c := jsonCursor{b: []byte(text)}
		if p := c.ring(&s); p != nil || c.i != len(text) || fmt.Sprint(s.points) != fmt.Sprint(want) {
			t.Fatalf("%s: got %v up to %d (%v), want %v", text, s.points, c.i, p, want)
		}
	}
}
