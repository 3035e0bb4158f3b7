package tileserver

import (
	"time"

	"gengtu/tileserver/load"
)

// Limits bound what one request, one client and the server may take. Every
// field has a default, which zero stands for; the catalogue names them all.
type Limits struct {
	BodyBytes     int           // of a request; 16 MiB: 5,000 plots of 64 vertices take 10
	BodyMemory    int64         // bytes of bodies over 64 KiB that are held at once; 256 MiB
	SendMemory    int64         // bytes of answers over 64 KiB that are sent at once; 512 MiB
	URLBytes      int           // of a request line and its headers; 16 KiB
	Connections   int           // at once; 10,000
	PerIP         int           // connections at once from one address; 0 is no limit
	AddressRate   load.Rate     // of requests from one address; zero is no limit
	TokenRate     load.Rate     // of requests with one token that has none of its own; zero is no limit
	Read, Write   time.Duration // of a request, of an answer; 30 s, 60 s
	Idle          time.Duration // of a kept connection; 60 s
	Overlay       time.Duration // of one overlay or summary answer; 30 s
	OverlayAtOnce int           // such answers at once; the rest wait two seconds, then get 429; 2 × processors
	AOIVertices   int           // of one overlay request; 500,000
	AOIFeatures   int           // of one overlay request; 10,000
	// OverlayVertices bounds a shape, its long edges divided, and the features
	// near it together: some 200 bytes of memory each; 5,000,000.
	OverlayVertices int
	AnswerItems     int           // pieces or groups in one layer's overlay answer, pieces of a collection's together; 100,000
	Features        int           // in a list; 1,000
	Tile            time.Duration // of the making of one tile or map; 30 s
	TilesAtOnce     int           // tiles of one layer made at once, and painted, the others wait; 2 × processors
	CoverMemory     int64         // bytes of what low zooms are drawn from, for each generation; 256 MiB
	TileMemory      int64         // bytes of tiles made on demand in memory, for each generation; 256 MiB
	TileDisk        int64         // bytes of tiles made on demand on disc; 4 GiB
	PictureMemory   int64         // bytes of painted tiles in memory, for each generation; 128 MiB
	AnswerMemory    int64         // bytes of finished tiles as they are sent, for each generation; 128 MiB
	MapAtOnce       int           // maps painted at once, as OverlayAtOnce; processors
	Scoped          time.Duration // of the making of an edition for a token's scope; 30 min
	ScopedWait      time.Duration // that a request waits for one, before it is told to come again; 10 s
	ScopedQueue     int           // scopes whose editions are made or wait for it; 64
	ScopedEditions  int           // editions for scopes that are kept; 64
	ScopedBytes     int64         // bytes of their files; 8 GiB
	Job             time.Duration // that an analysis may run; 1 h
	JobsAtOnce      int           // analyses that run at once; 1
	JobWorkers      int           // goroutines that one computes with; half the processors
	JobsWaiting     int           // analyses that wait or run; 64
	JobsOfOne       int           // of them, of one token or, in public, one address; 4
	JobsKept        int           // analyses that are over and kept; 200
	JobsBytes       int64         // bytes of their files; 8 GiB
	JobsFor         time.Duration // that they are kept; 30 days
	JobStreams      int           // streams of events at once, 128
}

func (l Limits) withDefaults() Limits {
	orDefault(&l.BodyBytes, 16<<20)
	orDefault(&l.BodyMemory, 256<<20)
	orDefault(&l.SendMemory, 512<<20)
	orDefault(&l.URLBytes, 16<<10)
	orDefault(&l.Connections, 10_000)
	orDefault(&l.Read, 30*time.Second)
	orDefault(&l.Write, time.Minute)
	orDefault(&l.Idle, time.Minute)
	orDefault(&l.Overlay, 30*time.Second)
	orDefault(&l.OverlayAtOnce, 2*load.Processors)
	orDefault(&l.AOIVertices, 500_000)
	orDefault(&l.AOIFeatures, 10_000)
	orDefault(&l.OverlayVertices, 5_000_000)
	orDefault(&l.AnswerItems, 100_000)
	orDefault(&l.Features, 1_000)
	orDefault(&l.Tile, 30*time.Second)
	orDefault(&l.TilesAtOnce, 2*load.Processors)
	orDefault(&l.CoverMemory, 256<<20)
	orDefault(&l.TileMemory, 256<<20)
	orDefault(&l.TileDisk, 4<<30)
	orDefault(&l.PictureMemory, 128<<20)
	orDefault(&l.AnswerMemory, 128<<20)
	orDefault(&l.MapAtOnce, load.Processors)
	orDefault(&l.Scoped, 30*time.Minute)
	orDefault(&l.ScopedWait, 10*time.Second)
	orDefault(&l.ScopedQueue, 64)
	orDefault(&l.ScopedEditions, 64)
	orDefault(&l.ScopedBytes, 8<<30)
	orDefault(&l.Job, time.Hour)
	orDefault(&l.JobsAtOnce, 1)
	orDefault(&l.JobWorkers, max(1, load.Processors/2))
	orDefault(&l.JobsWaiting, 64)
	orDefault(&l.JobsOfOne, 4)
	orDefault(&l.JobsKept, 200)
	orDefault(&l.JobsBytes, 8<<30)
	orDefault(&l.JobsFor, 30*24*time.Hour)
	orDefault(&l.JobStreams, 128)
	return l
}

// orDefault sets a limit that is not set.
func orDefault[T ~int | ~int64](p *T, v T) {
	if *p == 0 {
		*p = v
	}
}
