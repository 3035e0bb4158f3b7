package tileserver

import (
	"errors"
	"testing"
	"time"

	"gengtu/tileserver/load"
	"gengtu/tileserver/tile"
)

// Pictures of tiles wait as tiles do: painting takes milliseconds and megabytes.
func TestPicturesWait(t *testing.T) {
	s := &Server{painting: load.NewQueue(0)}
	s.cfg.Limits.Tile = time.Second
	r := &request{server: s}
	if _, err := r.paint(nil, pictureKey{tile: tile.Tile{Grid: tile.W, Z: 15}, side: 256}, nil); !errors.Is(err, load.ErrOverloaded) {
		t.Errorf("behind a full queue: %v", err)
	}
}
