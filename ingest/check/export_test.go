package check

import (
	"context"

	"gengtu/ingest"
)

// Run reads inputs as [ingest.Run] does, stores nothing, and judges what was read. It
// returns what the reading says of each feature beside what the rules say. A delivery
// that breaks rules is no error; errors are those of reading, of ctx and of
// Options.Fault.
func Run(ctx context.Context, inputs []ingest.Input, reading ingest.Options, opt Options) (*Result, *ingest.Report, error) {
	c, err := New(opt)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = c.Close() }() // a passing file
	reading.Inspector = c
	rep, err := ingest.Inspect(ctx, inputs, reading)
	if err != nil {
		return nil, rep, err
	}
	res, err := c.Finish(ctx)
	return res, rep, err
}
