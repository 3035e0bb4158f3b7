package main

import "time"

// stages tells what long work spends its time on: one stage follows the other. It
// is used by one goroutine at a time.
type stages struct {
	list  []stage
	since time.Time // when the last one began
	spent time.Duration
}

// stage is a part of long work and the time that it took.
type stage struct {
	Name string `json:"stage"`
	// Seconds is by the clock, ProcessorSeconds what all threads of the process took
	// meanwhile, the system's work for them included.
	Seconds          float64 `json:"seconds"`
	ProcessorSeconds float64 `json:"processor_seconds"`
}

// The stages of a generation in the making. Reading ends when all features are
// judged and held; the index is their order, codes, digests and the file; the
// writing at the end is checksums and what the disk has not taken yet.
const (
	stageRead   = "read"
	stageDerive = "derive"
	stageIndex  = "index"
	stageGround = "ground"
	stageTiles  = "tiles"
	stageWrite  = "write"
)

// begin ends the stage that is going on and begins the next.
func (s *stages) begin(name string) {
	s.end()
	s.list = append(s.list, stage{Name: name})
	s.since, s.spent = time.Now(), processorTime()
}

// end ends the stage that is going on, if one is.
func (s *stages) end() {
	if s.since.IsZero() {
		return
	}
	at := &s.list[len(s.list)-1]
	at.Seconds = time.Since(s.since).Round(time.Millisecond).Seconds()
	at.ProcessorSeconds = (processorTime() - s.spent).Round(time.Millisecond).Seconds()
	s.since = time.Time{}
}

// note prints a line for each stage, as what is no result.
func (s *stages) note(e *env) {
	names := map[string]string{
		stageRead: "读入", stageDerive: "派生", stageIndex: "索引", stageGround: "地面划分", stageTiles: "瓦片", stageWrite: "写盘",
	}
	for _, t := range s.list {
		e.notef(e.pick("%s：%.1f 秒，处理器 %.1f 秒\n", "%s: %.1f s, processor %.1f s\n"), e.pick(names[t.Name], t.Name), t.Seconds, t.ProcessorSeconds)
	}
}
