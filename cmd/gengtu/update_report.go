package main

import (
	"fmt"
	"io"
	"time"

	"gengtu/index/problem"
	"gengtu/tileserver/tileset"
)

// updateReport is what an update tells: what became of the features, and what it
// took.
type updateReport struct {
	timedReport
	Work *updateWork `json:"work"`
}

// updateWork is what an update took.
type updateWork struct {
	// Tiles are the tiles made anew, by grid and zoom, AllTiles their sum.
	Tiles    []tileset.Rework `json:"tiles"`
	AllTiles share            `json:"all_tiles"`
	// Copied are the files that could not be linked, Whole those that were written
	// anew with what earlier updates had changed in them.
	Copied []string `json:"copied,omitempty"`
	Whole  []string `json:"whole,omitempty"`
	// Seconds of the clock, of parts that follow one another. What is written is seen
	// on disk and hashed beside them; what is left of that is in the last.
	Seconds struct {
		Reading  float64 `json:"reading"`
		Features float64 `json:"features"`
		Ground   float64 `json:"ground"`
		Tiles    float64 `json:"tiles"`
		Digests  float64 `json:"digests"`
		Swap     float64 `json:"swap"`
	} `json:"seconds"`

	last time.Time
}

// share is how much of the tiles was made anew: by number, and by the bytes that
// they take compressed, which stand for the work: a tile's goes with what it shows,
// and so do its bytes.
type share struct {
	Dirty      int     `json:"dirty"`
	All        int     `json:"all"`
	Share      float64 `json:"share"`
	DirtyBytes int64   `json:"dirty_bytes"`
	AllBytes   int64   `json:"all_bytes"`
	BytesShare float64 `json:"bytes_share"`
}

func (w *updateWork) begin() { w.last = time.Now() }

// done ends a part.
func (w *updateWork) done(part *float64) {
	now := time.Now()
	*part, w.last = now.Sub(w.last).Seconds(), now
}

// took adds up the tiles that were made.
func (w *updateWork) took(tiles []tileset.Rework) {
	w.Tiles = tiles
	s := &w.AllTiles
	for _, t := range tiles {
		s.Dirty, s.All = s.Dirty+t.Dirty, s.All+t.All
		s.DirtyBytes, s.AllBytes = s.DirtyBytes+t.DirtyBytes, s.AllBytes+t.AllBytes
	}
	s.Share = float64(s.Dirty) / float64(max(1, s.All))
	s.BytesShare = float64(s.DirtyBytes) / float64(max(1, s.AllBytes))
}

// Write prints the report for a person.
func (r *updateReport) Write(w io.Writer, lang problem.Lang) error {
	if err := r.timedReport.Write(w, lang); err != nil {
		return err
	}
	line := func(zh, en string, args ...any) (err error) {
		if lang == problem.Chinese {
			en = zh
		}
		_, err = fmt.Fprintf(w, en+"\n", args...)
		return err
	}
	for _, t := range r.Work.Tiles {
		err := line("瓦片 %s %2d：重做 %d / %d，字节 %d / %d", "tiles %s %2d: made anew %d of %d, bytes %d of %d",
			t.Grid, t.Zoom, t.Dirty, t.All, t.DirtyBytes, t.AllBytes)
		if err != nil {
			return err
		}
	}
	s := &r.Work.AllTiles
	err := line("瓦片合计：重做 %d / %d（%.2f%%），字节 %d / %d（%.2f%%）", "tiles in all: made anew %d of %d (%.2f %%), bytes %d of %d (%.2f %%)",
		s.Dirty, s.All, 100*s.Share, s.DirtyBytes, s.AllBytes, 100*s.BytesShare)
	if err != nil {
		return err
	}
	for _, name := range r.Work.Copied {
		if err := line("%s 不能建硬链接，已复制", "%s cannot be linked and was copied", name); err != nil {
			return err
		}
	}
	for _, name := range r.Work.Whole {
		if err := line("%s 与其补丁已合并重写", "%s was written anew with its patch", name); err != nil {
			return err
		}
	}
	t := &r.Work.Seconds
	return line("用时（秒）：读入 %.2f，要素 %.2f，地面 %.2f，瓦片 %.2f，摘要 %.2f，切换 %.2f",
		"seconds: reading %.2f, features %.2f, ground %.2f, tiles %.2f, digests %.2f, swap %.2f",
		t.Reading, t.Features, t.Ground, t.Tiles, t.Digests, t.Swap)
}
